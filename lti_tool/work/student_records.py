"""A student's one record, kept by every course that feeds it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from lti_tool.storage import judging as stored_judging
from lti_tool.storage import standing as stored_standing
from lti_tool.storage import student_records as stored
from lti_tool.storage.database import Session, batches
from lti_tool.storage.judging import Judging
from lti_tool.storage.standing import Key, StoredAttainment
from lti_tool.work import carrying, cells, grounds
from lti_tool.work.cells import Hearing, Judges
from lti_tool.work.grounds import put


def refresh(
    session: Session,
    judging: Judging,
    wanted: Collection[Key],
    heard: Hearing,
    *,
    now: datetime,
    is_nightly: bool = False,
) -> int:
    """Work out what records say of (person, competency); returns how many changed.

    heard: what speaks for them, in all courses. In the caller's transaction, which
    holds the people. Nightly, only what others see is written.
    """
    if not wanted:
        return 0
    persons = {key[0] for key in wanted}
    held = stored.load(session, persons, {key[1] for key in wanted})
    new = judged(session, judging, wanted, heard)
    changed = [
        one
        for key, one in new.items()
        if held.get(key) != one and not (is_nightly and _looks(held.get(key), one))
    ]
    gone = [key for key in wanted if key in held and key not in new]
    stored.save(session, changed, gone, now)
    return len(changed) + len(gone)


def judged(
    session: Session,
    judging: Judging,
    wanted: Collection[Key],
    heard: Hearing,
) -> dict[Key, StoredAttainment]:
    """Return what records of (person, competency) say, judged so; nothing is written.

    heard: what speaks for them, in all courses; what is carried into them is added.
    """
    carried = carrying.load(session, judging, wanted, heard.judges)
    if carried:
        whole = {key: list(heard.said.get(key, ())) for key in wanted}
        put(whole, carried)
        heard = Hearing(whole, heard.judges)
    return cells.records(judging, wanted, heard)


def _looks(before: StoredAttainment | None, one: StoredAttainment) -> bool:
    """Tell whether others see the same of both."""
    return before is not None and before.shown == one.shown


def refresh_people(
    session: Session,
    framework_id: int,
    persons: Collection[int],
    competencies: Collection[int] | None,
    *,
    now: datetime,
) -> int:
    """Work out the records of people on competencies; returns how many changed.

    competencies None: on all the framework has.
    """
    stored_standing.hold_people(session, (), persons)
    only = None if competencies is None else sorted(competencies)
    judging = judging_of(session, framework_id, only=only)
    changed = 0
    for some in batches(sorted(persons)):
        said = grounds.load(session, some, competencies=only)
        if only is not None:
            wanted = {(person, one) for person in some for one in only}
        else:
            held = stored.load_of_framework(session, some, framework_id)
            wanted = {key for key in said if key[1] in judging.competencies}
            wanted |= held.keys() | carrying.reached(session, framework_id, some)
        heard = Hearing(said, Judges(now))
        changed += refresh(session, judging, wanted, heard, now=now)
    return changed


def refresh_pairs(
    session: Session, pairs: Collection[tuple[int, int]], *, now: datetime
) -> int:
    """Work out the records of people who gave to each other; returns how many changed.

    What one of a pair has a record of, both may have now.
    """
    persons = sorted({one for pair in pairs for one in pair})
    held = stored.load_held(session, persons)
    if not held:
        return 0
    stored_standing.hold_people(session, (), persons)
    changed = 0
    for framework_id, keys in sorted(held.items()):
        wanted = _of_pairs(pairs, keys)
        for some in batches(sorted(wanted)):
            mine = {(person, one) for person in some for one in wanted[person]}
            only = sorted({competency for _person, competency in mine})
            said = grounds.load(session, some, competencies=only)
            heard = Hearing(said, Judges(now))
            judging = judging_of(session, framework_id, only=only)
            changed += refresh(session, judging, mine, heard, now=now)
    return changed


def _of_pairs(
    pairs: Collection[tuple[int, int]], keys: Collection[Key]
) -> dict[int, set[int]]:
    """Return, by person, what she or one of hers has a record of."""
    held: dict[int, set[int]] = {}
    for person_id, competency_id in keys:
        held.setdefault(person_id, set()).add(competency_id)
    wanted: dict[int, set[int]] = {}
    for pair in pairs:
        both = {one for person_id in pair for one in held.get(person_id, ())}
        for person_id in pair:
            wanted.setdefault(person_id, set()).update(both)
    return wanted


def judging_of(
    session: Session, framework_id: int, *, only: Collection[int] | None = None
) -> Judging:
    """Return by what the records of a framework are judged; only: these of it."""
    return stored_judging.load_records(session, [framework_id], only=only)[framework_id]


def refresh_all(
    session: Session,
    framework_id: int,
    *,
    now: datetime,
    persons: Sequence[int] | None = None,
) -> int:
    """Work out every record of a framework anew; returns how many changed.

    persons: only theirs.
    """
    if persons is None:
        persons = stored.load_persons(session, framework_id)
    return refresh_people(session, framework_id, persons, None, now=now)
