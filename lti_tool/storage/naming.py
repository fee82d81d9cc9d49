"""Courses, competencies and line items by the names others use for them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select

from lti_tool.errors import NotFoundError
from lti_tool.storage.schema import assignment, competency, course, sis_class
from lti_tool.storage.session import Session
from lti_tool.storage.work_of_course import is_classless


def find_course(session: Session, name: str) -> int:
    """Return our id of a course named by our id or the SIS class sourcedId.

    Raises:
        NotFoundError: no course, or more than one, goes by that name.
    """
    by_class = session.scalars(
        select(course.c.id)
        .join(sis_class, sis_class.c.id == course.c.sis_class_id)
        .where(sis_class.c.sourced_id == name)
    ).all()
    if not by_class and name.isdigit():
        by_class = session.scalars(
            select(course.c.id).where(course.c.id == int(name))
        ).all()
    return _only(by_class, "course", name, "masterybridge course list")


def find_competency(session: Session, name: str, framework_id: int | None) -> int:
    """Return our id of a competency named by our id, its GUID or its human code.

    Raises:
        NotFoundError: no competency, or more than one, goes by that name.
    """
    names = [competency.c.case_id == name, competency.c.human_code == name]
    statement = select(competency.c.id).where(
        or_(*names), competency.c.retired_at.is_(None)
    )
    by_id = select(competency.c.id).where(competency.c.retired_at.is_(None))
    if framework_id is not None:
        statement = statement.where(competency.c.framework_id == framework_id)
        by_id = by_id.where(competency.c.framework_id == framework_id)
    found = session.scalars(statement).all()
    if not found and name.isdigit():
        found = session.scalars(by_id.where(competency.c.id == int(name))).all()
    return _only(found, "competency", name, "masterybridge framework show")


def framework_of(session: Session, competency_id: int) -> int:
    """Return the framework a competency belongs to."""
    return int(
        session.execute(
            select(competency.c.framework_id).where(competency.c.id == competency_id)
        ).scalar_one()
    )


def framework_of_course(session: Session, course_id: int) -> int | None:
    """Return the framework of a course, None if it has none yet."""
    return session.scalar(select(course.c.framework_id).where(course.c.id == course_id))


def find_assignment(session: Session, name: str, course_id: int) -> int:
    """Return our id of an assignment of a course, named by sourcedId or our id.

    Assessments that belong to no class are work of every course. Work of an LMS that
    the SIS has as well is the SIS's.

    Raises:
        NotFoundError: no assignment of this course goes by that name.
    """
    speaking = func.coalesce(assignment.c.twin_id, assignment.c.id)
    mine = (
        select(speaking)
        .distinct()
        .where(or_(assignment.c.course_id == course_id, is_classless()))
    )
    found = session.scalars(mine.where(assignment.c.sourced_id == name)).all()
    if not found and name.isdigit():
        found = session.scalars(mine.where(assignment.c.id == int(name))).all()
    return _only(found, "line item", name, f"masterybridge course show {course_id}")


def _only(found: Sequence[int], kind: str, name: str, where: str) -> int:
    if len(found) == 1:
        return int(found[0])
    many = f"{len(found)} rows" if found else "nothing"
    raise NotFoundError(f'{kind} "{name}": {many} goes by that name; see {where}')
