"""What the live checks of a platform need to know, and what they found."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage import schema
from lti_tool.storage.database import rows
from lti_tool.storage.registrations import Registration
from lti_tool.storage.session import Session

# A launch is written down at most so often: it is a write on every launch otherwise.
LAUNCH_STEP: Final = timedelta(minutes=1)


def note_launch(session: Session, registration: Registration, *, now: datetime) -> None:
    """Write down that a launch was let in, unless one was within the last minute."""
    last = registration.launched_at
    if last is not None and last >= now - LAUNCH_STEP:
        return
    table = schema.registration
    session.execute(
        update(table)
        .where(
            table.c.id == registration.id,
            or_(
                table.c.launched_at.is_(None),
                table.c.launched_at < now - LAUNCH_STEP,
            ),
        )
        .values(launched_at=now)
    )


def load_signs(session: Session, registration_id: int) -> dict[str, Any]:
    """What launches left behind: jwks, launched_at, checks, by registration.

    Raises:
        NotFoundError: there is no such registration.
    """
    table = schema.registration
    found = rows(
        session,
        select(table.c.jwks, table.c.launched_at, table.c.checks).where(
            table.c.id == registration_id
        ),
    )
    if not found:
        raise NotFoundError(
            f"no platform has the id {registration_id}; see `platform list`"
        )
    return found[0]


def save_checks(session: Session, registration_id: int, found: dict[str, Any]) -> None:
    """Keep what the checks found in the place of what they found before."""
    table = schema.registration
    session.execute(
        update(table).where(table.c.id == registration_id).values(checks=found)
    )


def load_offers(session: Session, registration_id: int) -> list[dict[str, Any]]:
    """The newest placements of active deployments and the services they offer.

    At most 50: id, context_id, lti_deployment_id, nrps_url, ags_line_items_url,
    ags_scopes.
    """
    place, deployment = schema.placement, schema.deployment
    return rows(
        session,
        select(
            place.c.id,
            place.c.context_id,
            deployment.c.deployment_id.label("lti_deployment_id"),
            place.c.nrps_url,
            place.c.ags_line_items_url,
            place.c.ags_scopes,
        )
        .join(deployment, deployment.c.id == place.c.deployment_id)
        .where(
            deployment.c.registration_id == registration_id,
            deployment.c.status == "active",
            place.c.context_id != "",
        )
        .order_by(place.c.seen_at.desc(), place.c.id.desc())
        .limit(50),
    )
