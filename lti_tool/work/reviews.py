"""Submission review: whose evidence an LMS asks for, and for which competency.

Source: Submission Review 1.0; facts/lti.md section 6; facts/moodle.md section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from lti_tool.lti13.claims import Claims
from lti_tool.storage import reviews
from lti_tool.storage.database import Session
from lti_tool.work.links import COMPETENCY


@dataclass(frozen=True, slots=True)
class Review:
    """What is asked for; None where we know no such student, or no such column."""

    person_id: int | None
    competency_id: int | None


def review_of(
    session: Session, registration_id: int, claims: Claims, course_id: int | None
) -> Review | None:
    """What a review launch asks for; None for every other launch.

    A student who does not learn in the course of the launch is not known to it. The
    column is known by its address, or by the custom parameter we gave it; without
    either the whole page of the student is meant.
    """
    if not claims.is_review or claims.for_user is None:
        return None
    if course_id is None:
        return Review(None, None)
    person_id = reviews.find_learner(
        session, registration_id, claims.for_user.user_id, course_id
    )
    competency_id = None
    if claims.ags.lineitem:
        competency_id = reviews.competency_of_column(
            session, course_id, claims.ags.lineitem
        )
    said = claims.said(COMPETENCY)
    if competency_id is None and said:
        competency_id = reviews.competency_of_plan(session, course_id, said)
    return Review(person_id, competency_id)
