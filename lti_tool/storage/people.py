"""People by the names others use for them."""

from __future__ import annotations

from sqlalchemy import select

from lti_tool.errors import NotFoundError
from lti_tool.storage.schema import person, seat, sis_user
from lti_tool.storage.session import Session


def find_person(session: Session, name: str) -> int:
    """Return our id of a person named by the SIS sourcedId or our id.

    Raises:
        NotFoundError: no person, or more than one, goes by that name.
    """
    found = session.scalars(
        select(sis_user.c.person_id)
        .where(sis_user.c.sourced_id == name, sis_user.c.person_id.is_not(None))
        .distinct()
    ).all()
    if not found and name.isdigit():
        found = session.scalars(
            select(person.c.id).where(person.c.id == int(name))
        ).all()
    if len(found) != 1:
        many = f"{len(found)} people go" if found else "nobody goes"
        raise NotFoundError(
            f'student "{name}": {many} by that name; give the SIS sourcedId'
        )
    return int(found[0] or 0)


def load_learners(session: Session, course_id: int) -> frozenset[int]:
    """Return the people who sit in the course as learners today."""
    return frozenset(
        session.scalars(
            select(seat.c.person_id).where(
                seat.c.course_id == course_id,
                seat.c.role == "learner",
                seat.c.status == "active",
            )
        )
    )
