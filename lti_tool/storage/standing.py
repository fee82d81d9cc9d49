"""Attainments, with the rule, evidence count and time that made them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, bindparam, select, union, update

from lti_tool.storage.database import upsert
from lti_tool.storage.plain_scores import seldom
from lti_tool.storage.schema import (
    assignment,
    attainment,
    course,
    course_destination,
    observation,
    person,
    score,
    seat,
    teacher_level,
)
from lti_tool.storage.session import Session


class StoredAttainment(NamedTuple):
    """Where one student stands on one competency of one course, as stored.

    Her one record over all courses is told the same way, with the course NO_COURSE.
    """

    course_id: int
    person_id: int
    competency_id: int
    value: float | None
    ratio: float | None
    level: int | None
    level_name: str | None
    is_mastered: bool
    rule: str
    parameter: float | None
    evidence_count: int
    probability: float | None
    evidence_at: datetime | None
    teacher_level_id: int | None = None

    @property
    def key(self) -> CellKey:
        """Which cell it is."""
        return self.course_id, self.person_id, self.competency_id

    @property
    def shown(self) -> tuple[float | None, str | None, bool]:
        """What others see of it: value, level and whether it is mastered."""
        return self.value, self.level_name, self.is_mastered


Key = tuple[int, int]  # person, competency
CellKey = tuple[int, int, int]  # course, person, competency
NO_COURSE: Final = 0  # of a record: no course has this id
_KEY: Final = ("course_id", "person_id", "competency_id")
_FIELDS = StoredAttainment._fields
_AT: Final = _FIELDS.index("evidence_at")
STANDS: Final = attainment.c.withdrawn_at.is_(None)
_WITHDRAWN: Final = {
    "value": None,
    "ratio": None,
    "level": None,
    "level_name": None,
    "is_mastered": False,
    "evidence_count": 0,
    "probability": None,
    "evidence_at": None,
    "teacher_level_id": None,
}


def hold_courses(session: Session, courses: Collection[int]) -> None:
    """Let no other transaction compute these courses until ours ends.

    Two that compute at once would each miss what the other brings. Whoever only
    refers to a course, as a launch does, waits for nobody. SQLite has one writer
    anyhow, and knows no such lock.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    session.execute(
        select(course.c.id)
        .where(course.c.id.in_(courses))
        .order_by(course.c.id)
        .with_for_update(key_share=True)
    )


def hold_course(session: Session, course_id: int) -> None:
    """Let no other transaction compute this course until ours ends."""
    hold_courses(session, [course_id])


def hold_people(
    session: Session, courses: Collection[int], persons: Collection[int] | None
) -> None:
    """Let no other transaction compute the records of these people until ours ends.

    persons None: of all who learn in these courses. After hold_courses, so that all
    wait in the same order.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    wanted = person.c.id.in_(
        persons
        if persons is not None
        else select(seat.c.person_id).where(
            seat.c.course_id.in_(courses), seat.c.role == "learner"
        )
    )
    session.execute(
        select(person.c.id)
        .where(wanted)
        .order_by(person.c.id)
        .with_for_update(key_share=True)
    )


def load_seated(
    session: Session, courses: Collection[int], persons: Collection[int]
) -> frozenset[tuple[int, int]]:
    """Return who of these people learns, or did, in which of these courses."""
    found = session.execute(
        select(seat.c.course_id, seat.c.person_id).where(
            seat.c.course_id.in_(courses),
            seat.c.person_id.in_(persons),
            seat.c.role == "learner",
        )
    )
    return frozenset((row.course_id, row.person_id) for row in found)


def with_framework(session: Session, courses: Collection[int]) -> list[int]:
    """Return those of courses that have a framework, by id."""
    return list(
        session.scalars(
            select(course.c.id)
            .where(course.c.id.in_(courses), course.c.framework_id.is_not(None))
            .order_by(course.c.id)
        )
    )


def load(
    session: Session, course_id: int, persons: Collection[int] | None = None
) -> dict[Key, StoredAttainment]:
    """Return the stored attainments of a course by (person, competency)."""
    statement = select(*(attainment.c[name] for name in _FIELDS)).where(
        attainment.c.course_id == course_id, STANDS
    )
    if persons is not None:
        statement = statement.where(attainment.c.person_id.in_(persons))
    found = (StoredAttainment(*row) for row in session.execute(statement))
    return {(one.person_id, one.competency_id): one for one in found}


def load_cells(
    session: Session,
    courses: Collection[int],
    persons: Collection[int] | None = None,
    competencies: Collection[int] | None = None,
) -> dict[CellKey, StoredAttainment]:
    """Return the stored attainments of courses by (course, person, competency)."""
    columns: list[ColumnElement[Any]] = [attainment.c[name] for name in _FIELDS]
    columns[_AT] = seldom(columns[_AT])
    statement = select(*columns).where(attainment.c.course_id.in_(courses), STANDS)
    if persons is not None:
        statement = statement.where(attainment.c.person_id.in_(persons))
    if competencies is not None:
        statement = statement.where(attainment.c.competency_id.in_(competencies))
    found = map(StoredAttainment._make, session.execute(statement).all())
    return {one[:3]: one for one in found}


def load_concerned(session: Session, courses: Collection[int]) -> list[int]:
    """Return everybody whose levels in these courses may come, change or go."""
    scored = (
        select(score.c.person_id)
        .join(assignment, assignment.c.id == score.c.assignment_id)
        .where(assignment.c.course_id.in_(courses), score.c.person_id.is_not(None))
    )
    beside = (
        select(table.c.person_id).where(table.c.course_id.in_(courses))
        for table in (seat, attainment, observation, teacher_level)
    )
    found = union(scored, *beside).subquery()
    return list(session.scalars(select(found.c.person_id).order_by(found.c.person_id)))


def load_destinations(
    session: Session, courses: Collection[int]
) -> dict[int, list[str]]:
    """Return the destinations of each course that are switched on, sorted."""
    table = course_destination.c
    found: dict[int, list[str]] = {}
    for row in session.execute(
        select(table.course_id, table.destination)
        .where(table.course_id.in_(courses), table.is_on)
        .order_by(table.course_id, table.destination)
    ):
        found.setdefault(row.course_id, []).append(row.destination)
    return found


def load_computed_at(
    session: Session, course_id: int, person_id: int, competency_id: int
) -> datetime | None:
    """Return when the stored level of one cell was worked out, None if none is."""
    return session.scalar(
        select(attainment.c.computed_at).where(
            attainment.c.course_id == course_id,
            attainment.c.person_id == person_id,
            attainment.c.competency_id == competency_id,
            STANDS,
        )
    )


def load_computed(session: Session, course_id: int) -> dict[Key, datetime]:
    """Return when the levels of a course were worked out, by (person, competency)."""
    table = attainment.c
    found = session.execute(
        select(table.person_id, table.competency_id, table.computed_at).where(
            table.course_id == course_id, STANDS
        )
    )
    return {(row.person_id, row.competency_id): row.computed_at for row in found}


def save(
    session: Session,
    changed: Sequence[StoredAttainment],
    gone: Sequence[StoredAttainment],
    now: datetime,
) -> None:
    """Write changed attainments, and withdraw those nothing speaks for any more.

    A withdrawn one is kept without its level, for those who ask what changed.
    """
    if changed:
        statement = upsert(session, attainment)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=_KEY,
                set_={
                    name: statement.excluded[name]
                    for name in (*_FIELDS[3:], "computed_at", "withdrawn_at")
                },
            ),
            [
                {**one._asdict(), "computed_at": now, "withdrawn_at": None}
                for one in changed
            ],
        )
    if gone:
        session.execute(
            update(attainment)
            .where(*(attainment.c[name] == bindparam(f"gone_{name}") for name in _KEY))
            .values(**_WITHDRAWN, computed_at=now, withdrawn_at=now),
            [
                {f"gone_{name}": part for name, part in zip(_KEY, one.key, strict=True)}
                for one in gone
            ],
        )


def mark_refreshed(session: Session, courses: Collection[int], now: datetime) -> None:
    """Note when whole courses were last computed."""
    session.execute(
        update(course).where(course.c.id.in_(courses)).values(refreshed_at=now)
    )


def outcome_row(
    one: StoredAttainment, destination: str, maximum: float, basis: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the outbox row that tells destination of one attainment.

    basis: by what it was judged, as the receipt keeps it.
    """
    return {
        "destination": destination,
        "course_id": one.course_id,
        "person_id": one.person_id,
        "competency_id": one.competency_id,
        "value": one.value,
        "maximum": maximum,
        "level_name": one.level_name,
        "basis": basis,
    }
