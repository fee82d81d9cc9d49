"""A student and a competency by the names a review launch has for them."""

from __future__ import annotations

from sqlalchemy import select

from lti_tool.storage.schema import competency, course, line_item, lms_user, seat
from lti_tool.storage.seats import OPEN
from lti_tool.storage.session import Session


def find_learner(
    session: Session, registration_id: int, subject: str, course_id: int
) -> int | None:
    """Return the person a platform's user is, if she learns in the course.

    One who has just left it counts: her work is still to be seen.
    """
    return session.scalar(
        select(lms_user.c.person_id)
        .join(seat, seat.c.person_id == lms_user.c.person_id)
        .where(
            lms_user.c.registration_id == registration_id,
            lms_user.c.subject == subject,
            seat.c.course_id == course_id,
            seat.c.role == "learner",
            seat.c.status.in_(OPEN),
        )
    )


def learns_in(session: Session, person_id: int, course_id: int) -> bool:
    """Tell whether a person learns in a course, or has just left it."""
    found = session.scalar(
        select(seat.c.id).where(
            seat.c.person_id == person_id,
            seat.c.course_id == course_id,
            seat.c.role == "learner",
            seat.c.status.in_(OPEN),
        )
    )
    return found is not None


def competency_of_column(session: Session, course_id: int, address: str) -> int | None:
    """Return what a column of ours in the LMS's gradebook is for."""
    return session.scalar(
        select(line_item.c.competency_id).where(
            line_item.c.destination == "ags",
            line_item.c.course_id == course_id,
            line_item.c.address == address,
        )
    )


def competency_of_plan(session: Session, course_id: int, case_id: str) -> int | None:
    """Return the competency of a course's plan with this CASE identifier."""
    return session.scalar(
        select(competency.c.id)
        .join(course, course.c.framework_id == competency.c.framework_id)
        .where(
            course.c.id == course_id,
            competency.c.case_id == case_id,
            competency.c.retired_at.is_(None),
        )
    )
