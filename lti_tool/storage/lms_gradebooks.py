"""What we know of an LMS's gradebook: columns that are ours, and who learns there."""

from __future__ import annotations

from sqlalchemy import and_, select

from lti_tool.storage.schema import (
    deployment,
    line_item,
    lms_user,
    placement,
    resource_link,
    seat,
)
from lti_tool.storage.session import Session


def load_own_addresses(session: Session, placement_id: int) -> frozenset[str]:
    """Return the AGS addresses of all columns of ours at a placement, links' too."""
    made = select(line_item.c.address).where(
        line_item.c.placement_id == placement_id, line_item.c.address != ""
    )
    linked = select(resource_link.c.ags_line_item_url).where(
        resource_link.c.placement_id == placement_id,
        resource_link.c.ags_line_item_url.is_not(None),
    )
    return frozenset({*session.scalars(made), *session.scalars(linked)})


def load_own_links(session: Session, placement_id: int) -> frozenset[str]:
    """Return what the LMS calls the links that open us from a placement."""
    found = select(resource_link.c.link_id).where(
        resource_link.c.placement_id == placement_id
    )
    return frozenset(session.scalars(found))


def load_subjects(session: Session, placement_id: int) -> list[str]:
    """Return what the LMS calls the learners of a placement's course, as they came.

    Who has left the course, and whom the LMS has not told, is left out.
    """
    found = (
        select(lms_user.c.subject)
        .join(deployment, deployment.c.registration_id == lms_user.c.registration_id)
        .join(placement, placement.c.deployment_id == deployment.c.id)
        .join(
            seat,
            and_(
                seat.c.person_id == lms_user.c.person_id,
                seat.c.course_id == placement.c.course_id,
            ),
        )
        .where(
            placement.c.id == placement_id,
            seat.c.role == "learner",
            seat.c.status == "active",
        )
        .order_by(lms_user.c.id)
    )
    return list(session.scalars(found))
