"""Where launches come from, and which course that is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage import schema
from lti_tool.storage.database import remember, rows, upsert
from lti_tool.storage.identities import Place
from lti_tool.storage.session import Session


def save_placement(
    session: Session, place: Place, *, now: datetime
) -> tuple[int, int | None]:
    """Write down where a launch came from; returns its id and its course's.

    A service the launch does not name this time stays as it was: platforms send
    the claims of a service only with some launches.
    """
    values = {name: getattr(place, name) for name in Place.__slots__}
    values["ags_scopes"] = list(place.ags_scopes) or None
    said = [name for name, value in values.items() if value is not None]
    if place.ags_line_items_url is not None:  # its gradebook is there again
        values |= {"ags_misses": 0, "ags_gone_at": None}
        said += ["ags_misses", "ags_gone_at"]
    saved = remember(
        session,
        schema.placement,
        {**values, "seen_at": now},
        keys=("deployment_id", "context_id"),
        said={*said, "seen_at"},
    )
    return saved["id"], saved["course_id"]


def place_in_course(session: Session, placement_id: int, course_id: int) -> None:
    """Say which course a placement launches into."""
    session.execute(
        update(schema.placement)
        .where(schema.placement.c.id == placement_id)
        .values(course_id=course_id)
    )


def find_sis_class(session: Session, sourced_id: str) -> dict[str, Any] | None:
    """The one active SIS class of this sourcedId, or None.

    None too when several sources hold such a class: nobody could say which is meant.
    """
    table = schema.sis_class
    found = rows(
        session,
        select(table.c.id, table.c.title)
        .where(table.c.sourced_id == sourced_id, table.c.status == "active")
        .limit(2),
    )
    return found[0] if len(found) == 1 else None


def course_of_class(
    session: Session, sis_class_id: int, title: str, *, now: datetime
) -> int:
    """The course of a SIS class, made if it is not there yet."""
    table = schema.course
    session.execute(
        upsert(session, table)
        .values(sis_class_id=sis_class_id, title=title, created_at=now)
        .on_conflict_do_nothing(index_elements=["sis_class_id"])
    )
    found = session.scalar(
        select(table.c.id).where(table.c.sis_class_id == sis_class_id)
    )
    return int(found or 0)


def is_of_sis(session: Session, course_id: int) -> bool:
    """Tell whether a SIS class stands behind a course."""
    return bool(
        session.scalar(
            select(schema.course.c.sis_class_id.is_not(None)).where(
                schema.course.c.id == course_id
            )
        )
    )


def load_placement(session: Session, placement_id: int) -> dict[str, Any]:
    """A placement with the registration and the deployment_id it belongs to.

    Raises:
        NotFoundError: there is none of this id.
    """
    deployment = schema.deployment
    found = rows(
        session,
        select(
            schema.placement,
            deployment.c.registration_id,
            deployment.c.deployment_id.label("lti_deployment_id"),
        )
        .join(deployment, deployment.c.id == schema.placement.c.deployment_id)
        .where(schema.placement.c.id == placement_id),
    )
    if not found:
        raise NotFoundError(f"no placement has the id {placement_id}")
    return found[0]


def save_pull(
    session: Session, placement_id: int, differences_url: str | None, *, now: datetime
) -> None:
    """Write down that the members of a placement came whole at now.

    differences_url is where the platform tells what changed since, if it does.
    """
    session.execute(
        update(schema.placement)
        .where(schema.placement.c.id == placement_id)
        .values(members_at=now, nrps_differences_url=differences_url)
    )


def save_groups_pull(session: Session, placement_id: int, *, now: datetime) -> None:
    """Write down that the groups of a placement came whole at now."""
    session.execute(
        update(schema.placement)
        .where(schema.placement.c.id == placement_id)
        .values(groups_at=now)
    )


def placements_to_pull(
    session: Session, *, pulled_before: datetime, launched_after: datetime
) -> list[int]:
    """Placements whose members a teacher's launch asks for anew, oldest pull first.

    A teacher opened them since their last pull, and after launched_after; that pull
    lies before pulled_before, or never was.
    """
    table, visit = schema.placement, schema.web_session
    asked = (
        select(visit.c.id)
        .where(
            visit.c.placement_id == table.c.id,
            visit.c.role == "instructor",
            visit.c.created_at > launched_after,
            or_(table.c.members_at.is_(None), visit.c.created_at > table.c.members_at),
        )
        .exists()
    )
    is_old = or_(table.c.members_at.is_(None), table.c.members_at < pulled_before)
    return _pullable(session, asked, is_old)


def placements_in_use(session: Session, *, launched_after: datetime) -> list[int]:
    """Placements with members to pull that somebody opened after launched_after."""
    return _pullable(session, schema.placement.c.seen_at > launched_after)


def _pullable(session: Session, *conditions: ColumnElement[bool]) -> list[int]:
    table, deployment = schema.placement, schema.deployment
    found = session.scalars(
        select(table.c.id)
        .join(deployment, deployment.c.id == table.c.deployment_id)
        .join(
            schema.registration,
            schema.registration.c.id == deployment.c.registration_id,
        )
        .where(
            *conditions,
            table.c.nrps_url.is_not(None),
            table.c.course_id.is_not(None),
            deployment.c.status == "active",
            schema.registration.c.status == "active",
        )
        .order_by(table.c.members_at, table.c.id)
    )
    return list(found)


def placements_of_course(session: Session, course_id: int) -> list[dict[str, Any]]:
    """The placements of a course, latest launched first."""
    deployment = schema.deployment
    return rows(
        session,
        select(
            schema.placement,
            deployment.c.registration_id,
            deployment.c.deployment_id.label("lti_deployment_id"),
        )
        .join(deployment, deployment.c.id == schema.placement.c.deployment_id)
        .where(
            schema.placement.c.course_id == course_id, deployment.c.status == "active"
        )
        .order_by(schema.placement.c.seen_at.desc()),
    )
