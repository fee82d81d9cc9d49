"""Courses in an LMS as its own interface knows them, beside LTI's services."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from lti_tool.storage.columns import Place, newest_placement
from lti_tool.storage.schema import lms_user, placement, registration
from lti_tool.storage.session import Session


def load_lms_place(session: Session, course_id: int, vendor: str) -> Place | None:
    """Return the newest placement of the course on a vendor's platform, or None.

    Only a platform whose own interface we know the address of.
    """
    services = func.coalesce(placement.c.nrps_url, placement.c.ags_line_items_url)
    found = session.execute(
        newest_placement(
            course_id,
            placement.c.context_id,
            services.label("services_url"),
            registration.c.services_busy_until,
        ).where(
            registration.c.vendor == vendor, registration.c.outcomes_url.is_not(None)
        )
    ).one_or_none()
    if found is None:
        return None
    return Place(
        registration_id=found.registration_id,
        launched_id=found.id,
        course_id=course_id,
        context_id=found.context_id,
        services_url=found.services_url,
        busy_until=found.services_busy_until,
    )


def load_numbers(
    session: Session, place: Place, persons: Collection[int] | None = None
) -> dict[int, str]:
    """Return by person the number the platform itself knows her by, where it told.

    Of several accounts of a person the one seen last. persons: of these alone.
    """
    statement = (
        select(lms_user.c.person_id, lms_user.c.platform_user_id)
        .where(
            lms_user.c.registration_id == place.registration_id,
            lms_user.c.person_id.is_not(None),
            lms_user.c.platform_user_id.is_not(None),
        )
        .order_by(lms_user.c.seen_at, lms_user.c.id)
    )
    if persons is not None:
        statement = statement.where(lms_user.c.person_id.in_(persons))
    found = session.execute(statement)
    # A variable that the platform does not know comes back as it was written.
    return {who: number for who, number in found if not number.startswith("$")}
