"""What people aligned in an LMS: which competencies its work names, and our names."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from lti_tool.storage.schema import (
    alignment,
    assignment,
    competency,
    course,
    source,
)
from lti_tool.storage.session import Session
from lti_tool.storage.sources import LMS


@dataclass(frozen=True, slots=True)
class Offered:
    """A competency that a piece of work, or a part of it, was aligned to in an LMS.

    code is as the LMS has it: a CASE GUID, or the school's own code.
    """

    assignment_id: int
    part: str
    part_title: str
    code: str
    source: str


@dataclass(frozen=True, slots=True)
class Named:
    """A competency of a course's framework, by its names."""

    id: int
    case_id: str
    human_code: str | None


def load_offered(session: Session, course_id: int) -> list[Offered]:
    """Return what people aligned in LMSs in a course, in the order of the work.

    Of work that the SIS has as well it is said of the SIS's.
    """
    found = session.execute(
        select(
            func.coalesce(assignment.c.twin_id, assignment.c.id),
            source.c.name,
            assignment.c.learning_objectives,
            assignment.c.parts,
        )
        .join(source, source.c.id == assignment.c.source_id)
        .where(
            assignment.c.course_id == course_id,
            assignment.c.status == "active",
            source.c.kind == LMS,
        )
        .order_by(assignment.c.id)
    )
    offered: list[Offered] = []
    for work, name, said, parts in found:
        for one in said or ():
            codes = one.get("offered") or ()
            offered += (Offered(work, "", "", str(code), name) for code in codes)
        for part in parts or ():
            key, title = str(part["key"]), str(part.get("title") or "")
            codes = part.get("competencies") or ()
            offered += (Offered(work, key, title, str(code), name) for code in codes)
    return offered


def load_names(session: Session, course_id: int) -> list[Named]:
    """Return the competencies in force of a course's framework, in reading order."""
    found = session.execute(
        select(competency.c.id, competency.c.case_id, competency.c.human_code)
        .join(course, course.c.framework_id == competency.c.framework_id)
        .where(
            course.c.id == course_id,
            competency.c.is_assessable,
            competency.c.retired_at.is_(None),
        )
        .order_by(competency.c.position)
    )
    return [Named(*row) for row in found]


def load_aligned(session: Session, course_id: int) -> set[tuple[int, int, str]]:
    """Return what is aligned in a course: (assignment, competency, part)."""
    found = session.execute(
        select(
            alignment.c.assignment_id, alignment.c.competency_id, alignment.c.part
        ).where(alignment.c.course_id == course_id)
    )
    return {(row[0], row[1], row[2]) for row in found}
