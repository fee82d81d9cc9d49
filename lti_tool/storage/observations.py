"""What people entered as evidence: never edited, only replaced or withdrawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, insert, or_, select, update

from lti_tool.storage.schema import (
    admin_account,
    competency,
    course,
    observation,
    person,
    seat,
)
from lti_tool.storage.session import Session

PROPOSED: Final = "proposed"
ACCEPTED: Final = "accepted"
DECLINED: Final = "declined"


@dataclass(frozen=True, slots=True)
class StoredObservation:
    """One entry, and what became of it.

    Attributes:
        course_id: where it speaks; None: in every course the student learns in.
        made_by_name: who made it, by name where it is a person we know.
        is_superseded: a later entry stands in its place.
    """

    id: int
    person_id: int
    competency_id: int
    course_id: int | None
    kind: str
    task: str
    title: str
    given: float
    maximum: float
    note: str | None
    proof_url: str | None
    happened_at: datetime
    status: str
    made_by: str
    made_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None
    supersedes_id: int | None
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    is_superseded: bool = False
    made_by_name: str = ""


_FIELDS: Final = tuple(StoredObservation.__slots__)[:-2]


def put_observation(session: Session, values: Mapping[str, Any]) -> int:
    """Write one entry; returns its id."""
    statement = insert(observation).values(**values).returning(observation.c.id)
    return int(session.execute(statement).scalar_one())


def change_observation(
    session: Session, observation_id: int, values: Mapping[str, Any]
) -> None:
    """Write what became of an entry: decided or withdrawn, nothing else."""
    session.execute(
        update(observation).where(observation.c.id == observation_id).values(**values)
    )


def load_observation(session: Session, observation_id: int) -> StoredObservation | None:
    """Return one entry, held until the transaction ends; None if there is none."""
    session.execute(
        select(observation.c.id)
        .where(observation.c.id == observation_id)
        .with_for_update()
    )
    found = _load(session, observation.c.id == observation_id)
    return found[0] if found else None


def load_proposed(
    session: Session, courses: Collection[int]
) -> list[StoredObservation]:
    """Return what waits for staff of these courses, oldest first."""
    return _load(
        session,
        and_(
            observation.c.status == PROPOSED,
            observation.c.withdrawn_at.is_(None),
            or_(
                observation.c.course_id.in_(courses),
                and_(observation.c.course_id.is_(None), _learns_in(courses)),
            ),
        ),
    )


def load_of_person(session: Session, person_id: int) -> list[StoredObservation]:
    """Return every entry of a student, oldest first."""
    return _load(session, observation.c.person_id == person_id)


def load_in_courses(
    session: Session,
    courses: Collection[int],
    *,
    persons: Collection[int] | None = None,
    competencies: Collection[int] | None = None,
) -> list[StoredObservation]:
    """Return the entries of courses, and those of their learners that have none."""
    wanted = or_(
        observation.c.course_id.in_(courses),
        and_(observation.c.course_id.is_(None), _learns_in(courses)),
    )
    return _load(session, _scoped(wanted, persons, competencies))


def load_elsewhere(
    session: Session,
    courses: Collection[int],
    *,
    persons: Collection[int],
    competencies: Collection[int] | None,
) -> list[StoredObservation]:
    """Return the entries on these competencies of people in all other courses.

    Those for no course are among them. competencies None: on any.
    """
    wanted = or_(
        observation.c.course_id.not_in(courses), observation.c.course_id.is_(None)
    )
    return _load(session, _scoped(wanted, persons, competencies))


def load_places(
    session: Session, person_id: int, competency_id: int, course_id: int | None
) -> list[int]:
    """Return the courses in which an entry speaks: its own, or all of the student's.

    Those whose framework has the competency, and in which she learns, or did.
    """
    statement = (
        select(course.c.id)
        .join(competency, competency.c.framework_id == course.c.framework_id)
        .join(seat, seat.c.course_id == course.c.id)
        .where(
            competency.c.id == competency_id,
            seat.c.person_id == person_id,
            seat.c.role == "learner",
        )
        .distinct()
        .order_by(course.c.id)
    )
    if course_id is not None:
        statement = statement.where(course.c.id == course_id)
    return list(session.scalars(statement))


def _learns_in(courses: Collection[int]) -> ColumnElement[bool]:
    return observation.c.person_id.in_(
        select(seat.c.person_id).where(
            seat.c.course_id.in_(courses), seat.c.role == "learner"
        )
    )


def _scoped(
    wanted: ColumnElement[bool],
    persons: Collection[int] | None,
    competencies: Collection[int] | None,
) -> ColumnElement[bool]:
    parts = [wanted]
    if persons is not None:
        parts.append(observation.c.person_id.in_(persons))
    if competencies is not None:
        parts.append(observation.c.competency_id.in_(competencies))
    return and_(*parts)


def _load(session: Session, wanted: ColumnElement[bool]) -> list[StoredObservation]:
    later = observation.alias("later")
    is_superseded = select(later.c.id).where(later.c.supersedes_id == observation.c.id)
    columns = [*(observation.c[name] for name in _FIELDS), is_superseded.exists()]
    found = session.execute(
        select(*columns)
        .where(wanted)
        .order_by(observation.c.happened_at, observation.c.id)
    ).all()
    names = load_names(session, {row.made_by for row in found})
    return [
        replace(
            StoredObservation(*row),
            made_by_name=names.get(row.made_by, row.made_by),
        )
        for row in found
    ]


def load_names(session: Session, who: Collection[str]) -> dict[str, str]:
    """Return the names of makers that are people or accounts, by what stands for them.

    ``person:7`` and ``admin:7``; whoever else is no person and has no name.
    """
    named: dict[str, str] = {}
    for prefix, table in (("person:", person), ("admin:", admin_account)):
        ids = {
            int(one.removeprefix(prefix))
            for one in who
            if one.startswith(prefix) and one.removeprefix(prefix).isdigit()
        }
        if ids:
            found = session.execute(
                select(table.c.id, table.c.display_name).where(table.c.id.in_(ids))
            )
            named |= {f"{prefix}{row.id}": row.display_name for row in found}
    return named
