"""What one teacher teaches: her courses, who sits in them, where each one stands."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import or_, select, union

from lti_tool.storage.curriculum import parse_scale
from lti_tool.storage.schema import (
    alignment,
    attainment,
    competency,
    course,
    person,
    record,
    seat,
)
from lti_tool.storage.session import Session
from lti_tool.storage.standing import STANDS


class TaughtCourse(NamedTuple):
    """A course of a teacher; highest is the place of the highest level of its scale."""

    id: int
    title: str
    framework_id: int
    highest: int


class Learner(NamedTuple):
    """A student in a course of hers; one who sits in two is here twice."""

    person_id: int
    course_id: int
    display_name: str


class Stand(NamedTuple):
    """Where a student stands on a competency in one course."""

    course_id: int
    person_id: int
    competency_id: int
    level: int | None
    is_mastered: bool
    evidence_count: int


class Taught(NamedTuple):
    """A competency that some course of hers works on."""

    id: int
    case_id: str
    human_code: str | None
    statement: str
    abbreviated: str | None
    language: str | None


def load_courses(
    session: Session, person_id: int, course_id: int
) -> list[TaughtCourse]:
    """Return this course and the others she teaches now on its framework, by title.

    Without a framework there are none.
    """
    mine = select(seat.c.course_id).where(
        seat.c.person_id == person_id,
        seat.c.role == "instructor",
        seat.c.status == "active",
    )
    framework_id = (
        select(course.c.framework_id).where(course.c.id == course_id).scalar_subquery()
    )
    found = session.execute(
        select(
            course.c.id,
            course.c.title,
            course.c.framework_id,
            course.c.scale,
            course.c.mastery_cut,
        )
        .where(
            course.c.framework_id == framework_id,
            or_(
                course.c.id == course_id,
                (course.c.status == "active") & course.c.id.in_(mine),
            ),
        )
        .order_by(course.c.title, course.c.id)
    )
    return [
        TaughtCourse(
            row.id,
            row.title,
            row.framework_id,
            len(parse_scale(row.scale, row.mastery_cut).levels) - 1,
        )
        for row in found
    ]


def load_learners(session: Session, course_ids: Collection[int]) -> list[Learner]:
    """Return who learns in any of the courses, by family name."""
    found = session.execute(
        select(person.c.id, seat.c.course_id, person.c.display_name)
        .join(seat, seat.c.person_id == person.c.id)
        .where(
            seat.c.course_id.in_(course_ids),
            seat.c.role == "learner",
            seat.c.status == "active",
        )
        .order_by(
            person.c.family_name, person.c.given_name, person.c.id, seat.c.course_id
        )
    )
    return [Learner._make(row) for row in found]


def load_stands(session: Session, course_ids: Collection[int]) -> list[Stand]:
    """Return where everybody stands in the courses, in one statement."""
    found = session.execute(
        select(
            attainment.c.course_id,
            attainment.c.person_id,
            attainment.c.competency_id,
            attainment.c.level,
            attainment.c.is_mastered,
            attainment.c.evidence_count,
        ).where(attainment.c.course_id.in_(course_ids), STANDS)
    )
    return [Stand._make(row) for row in found]


def load_shown_elsewhere(
    session: Session, course_ids: Collection[int]
) -> list[tuple[int, int]]:
    """Return (person, competency) that students' records hold, whoever taught it."""
    learners = select(seat.c.person_id).where(
        seat.c.course_id.in_(course_ids),
        seat.c.role == "learner",
        seat.c.status == "active",
    )
    found = session.execute(
        select(record.c.person_id, record.c.competency_id).where(
            record.c.person_id.in_(learners), record.c.is_mastered
        )
    )
    return [(person_id, competency_id) for person_id, competency_id in found]


def load_taught(session: Session, course_ids: Collection[int]) -> list[Taught]:
    """Return what work of the courses speaks for, or somebody showed, in order."""
    spoken = union(
        select(alignment.c.competency_id).where(alignment.c.course_id.in_(course_ids)),
        select(attainment.c.competency_id).where(
            attainment.c.course_id.in_(course_ids), STANDS
        ),
    ).subquery()
    found = session.execute(
        select(
            competency.c.id,
            competency.c.case_id,
            competency.c.human_code,
            competency.c.statement,
            competency.c.abbreviated,
            competency.c.language,
        )
        .where(
            competency.c.id.in_(select(spoken.c.competency_id)),
            competency.c.retired_at.is_(None),
        )
        .order_by(competency.c.framework_id, competency.c.position)
    )
    return [Taught._make(row) for row in found]


def load_aligned(
    session: Session, course_ids: Collection[int]
) -> list[tuple[int, int]]:
    """Return (course, competency) for what work of each course speaks for, once."""
    found = session.execute(
        select(alignment.c.course_id, alignment.c.competency_id)
        .where(alignment.c.course_id.in_(course_ids))
        .distinct()
    )
    return [(course_id, competency_id) for course_id, competency_id in found]
