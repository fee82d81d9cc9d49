"""Platforms as administrators look after them: what is known of each, and changes."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import schema
from lti_tool.storage.database import rows
from lti_tool.storage.registrations import TRIAL
from lti_tool.storage.session import Session

# What the pages show of a registration; its secrets stay in the database.
SHOWN: Final = (
    "id",
    "name",
    "issuer",
    "client_id",
    "auth_url",
    "token_url",
    "jwks_url",
    "token_audience",
    "vendor",
    "status",
    "made_by",
    "extra_origins",
    "target_mismatch",
    "asked",
    "granted",
    "product",
    "checks",
    "outcomes_url",
    "is_read",
    "clock_skew_seconds",
    "launched_at",
    "created_at",
)


def load_platforms(session: Session) -> list[dict[str, Any]]:
    """Every platform of the school, by name; trials of `certify` are none.

    Beside the columns of SHOWN: courses (in use), people, waiting (deployments).
    """
    statement = _platforms().order_by(
        func.lower(schema.registration.c.name), schema.registration.c.id
    )
    return rows(session, statement)


def load_platform(session: Session, registration_id: int) -> dict[str, Any]:
    """One platform, as load_platforms gives it; has_keys, has_token besides.

    Raises:
        NotFoundError: there is none of this id.
    """
    table = schema.registration
    statement = (
        _platforms()
        .add_columns(
            table.c.jwks.is_not(None).label("has_keys"),
            table.c.outcomes_token.is_not(None).label("has_token"),
        )
        .where(table.c.id == registration_id)
    )
    found = rows(session, statement)
    if not found:
        raise NotFoundError(
            f"no platform has the id {registration_id}; see `platform list`"
        )
    return found[0]


def load_deployments(session: Session, registration_id: int) -> list[dict[str, Any]]:
    """The deployments of a platform, those that wait first, then the newest."""
    table, place = schema.deployment, schema.placement
    courses = (
        select(func.count(place.c.course_id.distinct()))
        .where(place.c.deployment_id == table.c.id)
        .scalar_subquery()
    )
    return rows(
        session,
        select(
            table.c.id,
            table.c.deployment_id,
            table.c.status,
            table.c.seen,
            table.c.seen_at,
            table.c.created_at,
            courses.label("courses"),
        )
        .where(table.c.registration_id == registration_id)
        .order_by((table.c.status != "pending"), table.c.id.desc()),
    )


def load_deployment(
    session: Session, registration_id: int, row_id: int
) -> dict[str, Any]:
    """One deployment of a platform: id, deployment_id, status.

    Raises:
        NotFoundError: the platform has none of this id.
    """
    table = schema.deployment
    found = rows(
        session,
        select(table.c.id, table.c.deployment_id, table.c.status).where(
            table.c.id == row_id, table.c.registration_id == registration_id
        ),
    )
    if not found:
        raise NotFoundError(
            f"platform {registration_id} has no deployment {row_id}; "
            f"see `platform show {registration_id}`"
        )
    return found[0]


def save_platform(session: Session, registration_id: int, **values: object) -> None:
    """Change columns of a platform.

    Raises:
        ConfigError: another platform has this issuer and client id.
    """
    table = schema.registration
    try:
        with session.begin_nested():
            session.execute(
                update(table).where(table.c.id == registration_id).values(**values)
            )
    except IntegrityError as error:
        raise ConfigError(
            f"another platform with issuer {values.get('issuer')} and client id "
            f"{values.get('client_id')} is registered already"
        ) from error


def switch_deployment(session: Session, row_id: int, status: str) -> None:
    """Make a deployment active or disabled; disabled, its visits end."""
    table, visit, place = schema.deployment, schema.web_session, schema.placement
    session.execute(update(table).where(table.c.id == row_id).values(status=status))
    if status == "active":
        return
    theirs = select(place.c.id).where(place.c.deployment_id == row_id)
    session.execute(delete(visit).where(visit.c.placement_id.in_(theirs)))


def end_visits(session: Session, registration_id: int) -> None:
    """End every visit and login of a platform."""
    for table in (schema.web_session, schema.login_state):
        session.execute(delete(table).where(table.c.registration_id == registration_id))


def was_used(session: Session, registration_id: int) -> bool:
    """Tell whether anybody or any course ever came by a platform."""
    user, place, deployment = schema.lms_user, schema.placement, schema.deployment
    people = select(user.c.id).where(user.c.registration_id == registration_id).limit(1)
    places = (
        select(place.c.id)
        .join(deployment, deployment.c.id == place.c.deployment_id)
        .where(deployment.c.registration_id == registration_id)
        .limit(1)
    )
    return session.scalar(people) is not None or session.scalar(places) is not None


def delete_platform(session: Session, registration_id: int) -> None:
    """Delete a platform nobody ever came by, with what waits for it.

    Invitations and refusals stay; they name it no more.
    """
    for table in (schema.invitation, schema.refusal):
        session.execute(
            update(table)
            .where(table.c.registration_id == registration_id)
            .values(registration_id=None)
        )
    for table in (
        schema.web_session,
        schema.login_state,
        schema.notice,
        schema.deployment,
    ):
        session.execute(delete(table).where(table.c.registration_id == registration_id))
    table = schema.registration
    session.execute(delete(table).where(table.c.id == registration_id))


def find_pair(session: Session, issuer: str, client_id: str) -> tuple[int, str] | None:
    """The id and name of the platform of exactly this pair, or None."""
    table = schema.registration
    found = session.execute(
        select(table.c.id, table.c.name).where(
            table.c.issuer == issuer, table.c.client_id == client_id
        )
    ).first()
    return (found.id, found.name) if found else None


def _platforms() -> Select[Any]:
    table, deployment = schema.registration, schema.deployment
    place, user = schema.placement, schema.lms_user
    courses = (
        select(func.count(place.c.course_id.distinct()))
        .join(deployment, deployment.c.id == place.c.deployment_id)
        .where(deployment.c.registration_id == table.c.id)
        .scalar_subquery()
    )
    people = (
        select(func.count())
        .select_from(user)
        .where(user.c.registration_id == table.c.id)
        .scalar_subquery()
    )
    waiting = (
        select(func.count())
        .select_from(deployment)
        .where(
            deployment.c.registration_id == table.c.id,
            deployment.c.status == "pending",
        )
        .scalar_subquery()
    )
    return select(
        *(table.c[name] for name in SHOWN),
        courses.label("courses"),
        people.label("people"),
        waiting.label("waiting"),
    ).where(table.c.made_by != TRIAL)
