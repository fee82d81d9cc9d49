"""refresh(course): attainments from evidence, and outcomes into the outbox."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from lti_tool.storage import curriculum, judging, outbox, sendings, standing
from lti_tool.storage import teacher_levels as stored_levels
from lti_tool.storage import told as told_storage
from lti_tool.storage.database import Session
from lti_tool.storage.judging import Judging
from lti_tool.storage.outbox import Delivery
from lti_tool.storage.sendings import Sending
from lti_tool.storage.standing import CellKey, StoredAttainment
from lti_tool.work import (
    carrying,
    cells,
    class_resources,
    pieces,
    reasons,
    scores,
    student_records,
)
from lti_tool.work.pieces import Scope
from lti_tool.work.whys import Why, why

# They keep levels and no numbers.
LEVEL_KEEPERS: Final = frozenset({"moodle"})

__all__ = [
    "LEVEL_KEEPERS",
    "Refresh",
    "Why",
    "news",
    "refresh",
    "refresh_cells",
    "refresh_courses",
    "set_sending",
    "switch",
    "tell_all",
    "why",
    "with_framework",
]


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh did: cells looked at, cells changed, outcomes told."""

    cells: int
    changed: int
    outcomes: int


def refresh(
    session: Session,
    course_id: int,
    *,
    now: datetime,
    persons: Collection[int] | None = None,
) -> Refresh:
    """Compute the attainments of a course anew and tell what changed.

    Work is first aligned as the SIS says. With persons, only their cells. It runs in
    the caller's transaction, so evidence, attainment, record and outbox change
    together; running it twice changes nothing more.
    """
    return refresh_courses(session, [course_id], now=now, scope=Scope(persons))


def refresh_cells(
    session: Session,
    course_id: int,
    persons: Collection[int],
    competencies: Collection[int],
    *,
    now: datetime,
) -> Refresh:
    """Compute these cells of a course alone, in the transaction that moved them.

    What comes before a competency is among them, where a success at what builds on it
    speaks for it.
    """
    scope = Scope(persons, competencies)
    return refresh_courses(session, [course_id], now=now, scope=scope)


def refresh_courses(
    session: Session,
    courses: Collection[int],
    *,
    now: datetime,
    scope: Scope = pieces.ALL,
    is_nightly: bool = False,
) -> Refresh:
    """Compute the attainments of courses in one go, and the records they feed.

    is_nightly: only time has passed; cells in which nobody sees a change are left as
    they are.
    """
    courses = sorted(courses)
    standing.hold_courses(session, courses)
    standing.hold_people(session, courses, scope.persons)
    if scope == pieces.ALL and not is_nightly:
        for course_id in courses:
            scores.follow_objectives(session, course_id, now=now)
        class_resources.follow(session, courses, now=now)
    terms = judging.load(session, courses)
    reach = _reach(terms, scope)
    read = pieces.load(session, courses, _reading(terms, scope))
    old = standing.load_cells(session, courses, reach.persons, reach.competencies)
    found = _worked_out(session, terms, read, reach, old, now)
    stored_levels.end_teacher_levels(
        session, found.ended, by="evidence", why=stored_levels.BY_EVIDENCE, now=now
    )
    new = found.attainments
    changed = [
        one
        for key, one in new.items()
        if old.get(key) != one
        and not (is_nightly and key in old and old[key].shown == one.shown)
    ]
    gone = [one for key, one in old.items() if key not in new]
    standing.save(session, changed, gone, now)
    if scope == pieces.ALL:
        standing.mark_refreshed(session, courses, now)
    taken_back = [replace(one, value=None, level_name=None) for one in gone]
    how = sendings.load_sendings(session, courses)
    then = _Before(old, how)
    telling = _telling([*changed, *taken_back], then)
    told = _put_outcomes(session, terms, telling, then, now)
    _refresh_records(session, terms, read, [*new, *old], now, is_nightly=is_nightly)
    return Refresh(len(new), len(changed) + len(gone), told)


def _reach(terms: Mapping[int, Judging], scope: Scope) -> Scope:
    """Which cells are worked out: those asked for, and those before them."""
    if scope.competencies is None:
        return scope
    wanted = set(scope.competencies)
    for one in terms.values():
        for competency_id in scope.competencies:
            wanted |= one.worth_before(competency_id).keys()
    return Scope(scope.persons, sorted(wanted))


def _reading(terms: Mapping[int, Judging], scope: Scope) -> Scope:
    """Which pieces are read: all of a student's, where they speak for each other."""
    if any(one.before for one in terms.values()):
        return Scope(scope.persons)
    return scope


def _worked_out(
    session: Session,
    terms: Mapping[int, Judging],
    read: Sequence[scores.Piece],
    reach: Scope,
    old: Mapping[CellKey, StoredAttainment],
    now: datetime,
) -> cells.Cells:
    placeless = {one.score.person_id for one in read if not one.score.course_id}
    seated = standing.load_seated(session, terms, placeless) if placeless else ()
    grounds = cells.grounds(terms, read, seated)
    if reach.competencies is not None:
        wanted = frozenset(reach.competencies)
        grounds = {key: one for key, one in grounds.items() if key[2] in wanted}
    taught = stored_levels.load_standing(
        session, terms, persons=reach.persons, competencies=reach.competencies
    )
    return cells.work_out(terms, grounds, taught, old, now=now)


def _refresh_records(
    session: Session,
    terms: Mapping[int, Judging],
    read: Sequence[scores.Piece],
    keys: Sequence[CellKey],
    now: datetime,
    *,
    is_nightly: bool,
) -> None:
    """Let the records of students follow what their courses say."""
    wanted: dict[int, set[tuple[int, int]]] = {}
    for course_id, person_id, competency_id in keys:
        framework_id = terms[course_id].framework_id
        if framework_id is not None:
            wanted.setdefault(framework_id, set()).add((person_id, competency_id))
    for framework_id, some in wanted.items():
        student_records.refresh(
            session,
            framework_id,
            some,
            now=now,
            known=(list(terms), read),
            is_nightly=is_nightly,
        )
    for framework_id, some in wanted.items():
        onward = carrying.followers(session, framework_id, some)
        for to_id, followed in onward.items():
            student_records.refresh(
                session, to_id, followed, now=now, is_nightly=is_nightly
            )


def with_framework(session: Session, courses: Collection[int]) -> list[int]:
    """Return those of courses that have a framework: the others have no levels."""
    return standing.with_framework(session, courses)


def tell_all(session: Session, course_id: int, destination: str, now: datetime) -> int:
    """Put every attainment of a course into the outbox: a destination just went on.

    What it was told before and nothing speaks for any more is withdrawn.
    """
    standing.hold_courses(session, [course_id])
    return outbox.put(session, news(session, course_id, destination, now), now)


def news(
    session: Session,
    course_id: int,
    destination: str,
    now: datetime,
    how: Sending | None = None,
) -> list[Mapping[str, object]]:
    """Return what a destination of a course would be told: all it does not hold yet.

    how: as if the course sent so.
    """
    terms = judging.load(session, [course_id])[course_id]
    told_at = standing.load_computed(session, course_id)
    known = told_storage.load_told(session, destination, course_id)
    sending = how or sendings.load_sending(session, course_id)
    here = sendings.load_whom(session, course_id, sending)
    held = {
        key: _sent_of(one, sending)
        for key, one in standing.load(session, course_id).items()
        if one.person_id in here
    }
    levels = [
        (key, _outcome(one, destination, terms, told_at.get(key, now), sending))
        for key, one in held.items()
    ]
    found = [one for key, one in levels if _is_news(known.get(key), one["value"])]
    found += [
        {**_withdrawal(told), "waits_for": sending.waits_for}
        for key, told in known.items()
        if key not in held and told.person_id in here and told.value is not None
    ]
    return found


def set_sending(
    session: Session, course_id: int, new: Sending, *, who: str, now: datetime
) -> int:
    """Choose what of a course is told, when and of whom; returns how many outcomes.

    What a destination holds and would not be told any more is withdrawn, of those of
    whom levels are told; of others it stays.
    """
    old = sendings.save_sending(session, course_id, new, who=who, now=now)
    if (old.is_secure_only, old.group_id) == (new.is_secure_only, new.group_id):
        return 0
    standing.hold_courses(session, [course_id])
    return sum(
        outbox.put(session, news(session, course_id, destination, now), now)
        for destination in curriculum.load_destinations(session, course_id)
    )


def _sent_of(one: StoredAttainment, sending: Sending) -> StoredAttainment:
    """Return an attainment as others are told of it."""
    if sending.is_secure_only and not one.is_mastered:
        return replace(one, value=None, level_name=None)
    return one


def _is_news(told: Delivery | None, value: object) -> bool:
    return value != (None if told is None else told.value)


def _withdrawal(told: Delivery) -> dict[str, object]:
    return {
        "destination": told.destination,
        "course_id": told.course_id,
        "person_id": told.person_id,
        "competency_id": told.competency_id,
        "value": None,
        "maximum": told.maximum,
        "level_name": None,
        "basis": {},
    }


def switch(
    session: Session,
    course_id: int,
    destination: str,
    *,
    is_on: bool,
    who: str,
    now: datetime,
) -> int:
    """Switch a destination; going on tells it all. Returns how many outcomes.

    Going off lets nothing more go out: what waits is closed, what stands there stays.
    """
    was_on = destination in curriculum.load_destinations(session, course_id)
    if is_on != was_on:
        curriculum.save_destination(
            session, course_id, destination, is_on=is_on, who=who, now=now
        )
    if is_on:
        return tell_all(session, course_id, destination, now)
    outbox.drop_waiting(session, course_id, destination, now)
    return 0


def _outcome(
    one: StoredAttainment,
    destination: str,
    terms: Judging,
    at: datetime,
    sending: Sending,
) -> Mapping[str, object]:
    """Return what the outbox tells of a level; at is when it was worked out.

    A destination that keeps levels is told which one it is, the lowest as 1.
    """
    basis = reasons.basis(one, terms.terms(one.competency_id), at)
    maximum = terms.scale.maximum
    if destination in LEVEL_KEEPERS:
        has_level = one.value is not None and one.level is not None
        one = replace(one, value=float((one.level or 0) + 1) if has_level else None)
        maximum = float(len(terms.scale.levels))
    row = standing.outcome_row(one, destination, maximum, basis)
    return {**row, "waits_for": sending.waits_for}


@dataclass(frozen=True, slots=True)
class _Before:
    """How cells stood before, and how their courses send."""

    cells: Mapping[CellKey, StoredAttainment]
    how: Mapping[int, Sending]


def _telling(
    changed: Sequence[StoredAttainment], then: _Before
) -> list[StoredAttainment]:
    """Return the changed attainments whose value or level others would see."""
    nothing = (None, None)
    telling = []
    for one in changed:
        before, sending = then.cells.get(one.key), then.how[one.course_id]
        told = _sent_of(one, sending)
        was = None if before is None else _sent_of(before, sending)
        seen = nothing if was is None else (was.value, was.level_name)
        shown = nothing if told.value is None else (told.value, told.level_name)
        if seen != shown:
            telling.append(told)
    return telling


def _concerns(
    destination: str, one: StoredAttainment, before: StoredAttainment | None
) -> bool:
    """Tell whether a change is one that a destination would keep."""
    if destination not in LEVEL_KEEPERS or before is None:
        return True
    return (before.value is None, before.level) != (one.value is None, one.level)


def _put_outcomes(
    session: Session,
    terms: Mapping[int, Judging],
    telling: Sequence[StoredAttainment],
    before: _Before,
    now: datetime,
) -> int:
    """Tell of those who sit in the course: who left has no place there any more."""
    by_course: dict[int, list[StoredAttainment]] = {}
    for one in telling:
        by_course.setdefault(one.course_id, []).append(one)
    rows = []
    for course_id, some in by_course.items():
        destinations = curriculum.load_destinations(session, course_id)
        sending = before.how[course_id]
        whom = sendings.load_whom(session, course_id, sending) if destinations else ()
        rows += [
            _outcome(one, destination, terms[course_id], now, sending)
            for destination in destinations
            for one in some
            if one.person_id in whom
            and _concerns(destination, one, before.cells.get(one.key))
        ]
    return outbox.put(session, rows, now)
