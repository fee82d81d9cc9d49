"""A student's one record, kept by every course that feeds it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from lti_tool.storage import judging as stored_judging
from lti_tool.storage import standing as stored_standing
from lti_tool.storage import student_records as stored
from lti_tool.storage.database import Session, batches
from lti_tool.storage.judging import Judging
from lti_tool.storage.standing import Key, StoredAttainment
from lti_tool.work import carrying, cells, pieces
from lti_tool.work.scores import Piece


def refresh(
    session: Session,
    framework_id: int,
    wanted: Collection[Key],
    *,
    now: datetime,
    known: tuple[Collection[int], Iterable[Piece]] = ((), ()),
    is_nightly: bool = False,
) -> int:
    """Work out what records say of (person, competency); returns how many changed.

    known: courses whose pieces were read already, and those pieces. In the caller's
    transaction, which holds the people. Nightly, only what others see is written.
    """
    if not wanted:
        return 0
    judging = stored_judging.load_records(session, [framework_id])[framework_id]
    persons = sorted({key[0] for key in wanted})
    competencies = sorted({key[1] for key in wanted})
    new = judged(session, judging, wanted, now=now, known=known)
    held = stored.load(session, persons, competencies)
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
    *,
    now: datetime,
    known: tuple[Collection[int], Iterable[Piece]] = ((), ()),
) -> dict[Key, StoredAttainment]:
    """Return what records of (person, competency) say, judged so; nothing is written.

    known: courses whose pieces were read already, and those pieces.
    """
    courses, read = known
    gathered = _gathered(
        wanted,
        read,
        pieces.load_elsewhere(
            session,
            courses,
            persons=sorted({key[0] for key in wanted}),
            competencies=sorted({key[1] for key in wanted}),
        ),
        carrying.load(session, judging, wanted, now=now),
    )
    return cells.records(judging, gathered, now=now)


def _looks(before: StoredAttainment | None, one: StoredAttainment) -> bool:
    """Tell whether others see the same of both."""
    return before is not None and before.shown == one.shown


def _gathered(
    wanted: Collection[Key], *several: Iterable[Piece]
) -> Mapping[Key, list[Piece]]:
    found: dict[Key, list[Piece]] = {key: [] for key in wanted}
    for some in several:
        for piece in some:
            mine = found.get((piece.score.person_id, piece.score.competency_id))
            if mine is not None:
                mine.append(piece)
    return found


def refresh_people(
    session: Session,
    framework_id: int,
    persons: Collection[int],
    competencies: Collection[int],
    *,
    now: datetime,
) -> int:
    """Work out the records of people on competencies; returns how many changed."""
    stored_standing.hold_people(session, (), persons)
    wanted = {(person, one) for person in persons for one in competencies}
    return refresh(session, framework_id, wanted, now=now)


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
            changed += refresh(session, framework_id, mine, now=now)
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


def judging_of(session: Session, framework_id: int) -> Judging:
    """Return by what the records of a framework are judged."""
    return stored_judging.load_records(session, [framework_id])[framework_id]


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
    judging = judging_of(session, framework_id)
    competencies = sorted(judging.competencies)
    if persons is None:
        persons = stored.load_persons(session, framework_id)
    return sum(
        refresh_people(session, framework_id, some, competencies, now=now)
        for some in batches(persons)
    )
