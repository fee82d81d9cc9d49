"""Courses and alignments as lists for a person or a file."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, func, or_, select

from lti_tool.storage.database import rows
from lti_tool.storage.schema import (
    alignment,
    assignment,
    attainment,
    competency,
    course,
    framework,
    seat,
    sis_class,
)
from lti_tool.storage.seats import OPEN
from lti_tool.storage.session import Session


def load_courses(session: Session) -> list[dict[str, Any]]:
    """Return every course with its counts, by title."""
    students = (
        select(func.count())
        .where(
            seat.c.course_id == course.c.id,
            seat.c.role == "learner",
            seat.c.status == "active",
        )
        .scalar_subquery()
    )
    aligned = (
        select(func.count(func.distinct(alignment.c.assignment_id)))
        .where(alignment.c.course_id == course.c.id)
        .scalar_subquery()
    )
    work = (
        select(func.count())
        .where(assignment.c.course_id == course.c.id, assignment.c.status == "active")
        .scalar_subquery()
    )
    return rows(
        session,
        select(
            course.c.id,
            sis_class.c.sourced_id.label("sis_class"),
            course.c.title,
            course.c.status,
            framework.c.title.label("framework"),
            course.c.rule,
            course.c.parameter,
            students.label("students"),
            work.label("assignments"),
            aligned.label("aligned"),
            course.c.refreshed_at,
        )
        .outerjoin(sis_class, sis_class.c.id == course.c.sis_class_id)
        .outerjoin(framework, framework.c.id == course.c.framework_id)
        .order_by(course.c.title, course.c.id),
    )


def load_export(session: Session) -> list[dict[str, Any]]:
    """Return every alignment as a row of the align CSV, sorted."""
    return rows(
        session,
        select(
            func.coalesce(sis_class.c.sourced_id, "").label("course"),
            assignment.c.sourced_id.label("line_item"),
            competency.c.case_id.label("competency"),
            alignment.c.weight,
            course.c.id.label("course_id"),
            alignment.c.part,
            alignment.c.is_practice,
        )
        .join(course, course.c.id == alignment.c.course_id)
        .outerjoin(sis_class, sis_class.c.id == course.c.sis_class_id)
        .join(assignment, assignment.c.id == alignment.c.assignment_id)
        .join(competency, competency.c.id == alignment.c.competency_id)
        .order_by(
            course.c.id, assignment.c.sourced_id, competency.c.position, alignment.c.id
        ),
    )


def load_own_courses(session: Session, person_id: int) -> list[dict[str, Any]]:
    """The courses a person has a seat in, by title: title, role, shown.

    ``shown`` counts the competencies she has mastered there; it is told of learners
    alone and None for others.
    """
    shown = (
        select(func.count())
        .where(
            attainment.c.course_id == course.c.id,
            attainment.c.person_id == person_id,
            attainment.c.is_mastered,
        )
        .scalar_subquery()
    )
    return rows(
        session,
        select(
            course.c.title,
            seat.c.role,
            case((seat.c.role == "learner", shown)).label("shown"),
        )
        .join(course, course.c.id == seat.c.course_id)
        .where(
            seat.c.person_id == person_id,
            seat.c.status.in_(OPEN),
            or_(course.c.status == "active", seat.c.status == "leaving"),
        )
        .order_by(course.c.title, course.c.id, seat.c.role),
    )
