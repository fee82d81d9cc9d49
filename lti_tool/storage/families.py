"""The children of a mentor: who they are here, and in her course alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select

from lti_tool.storage.schema import lms_user, person, seat, sis_user
from lti_tool.storage.seats import OPEN
from lti_tool.storage.session import Session


class Child(NamedTuple):
    """A student a mentor may see."""

    person_id: int
    given_name: str
    display_name: str

    @property
    def name(self) -> str:
        """What she is called in a sentence."""
        return self.given_name or self.display_name


def load_children(
    session: Session, registration_id: int, subjects: Sequence[str], course_id: int
) -> list[Child]:
    """Return those of a platform's users who learn in a course, by name.

    A user of another registration, or without a seat of a learner here, is not among
    them.
    """
    if not subjects:
        return []
    found = session.execute(
        select(person.c.id, person.c.given_name, person.c.display_name)
        .distinct()
        .join(lms_user, lms_user.c.person_id == person.c.id)
        .join(seat, seat.c.person_id == person.c.id)
        .where(
            lms_user.c.registration_id == registration_id,
            lms_user.c.subject.in_(subjects),
            seat.c.course_id == course_id,
            seat.c.role == "learner",
            seat.c.status.in_(OPEN),
        )
        .order_by(person.c.display_name, person.c.id)
    )
    return [Child._make(row) for row in found]


def subjects_of(
    session: Session, registration_id: int, sis_ids: Sequence[str]
) -> tuple[str, ...]:
    """Return the subjects of a platform's users whom the SIS calls by these ids.

    An id that several people have (two sources) names nobody.
    """
    meant = (
        select(func.max(sis_user.c.person_id).label("person_id"))
        .where(sis_user.c.sourced_id.in_(sis_ids), sis_user.c.status == "active")
        .group_by(sis_user.c.sourced_id)
        .having(func.count(sis_user.c.person_id.distinct()) == 1)
        .subquery()
    )
    found = session.scalars(
        select(lms_user.c.subject)
        .distinct()
        .join(meant, meant.c.person_id == lms_user.c.person_id)
        .where(lms_user.c.registration_id == registration_id)
        .order_by(lms_user.c.subject)
    )
    return tuple(found)
