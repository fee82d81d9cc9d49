"""Who may launch us: registrations and their deployments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import schema
from lti_tool.storage.database import rows, upsert

# Unknown deployments of one registration that wait at a time; the rest is not kept.
MAX_PENDING: Final = 200
# A new estimate of the clocks' difference is written down from here on.
SKEW_STEP_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRegistration:
    """What an administrator tells us of a platform."""

    name: str
    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    vendor: str = "other"
    token_audience: str | None = None
    outcomes_url: str | None = None
    outcomes_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A platform as registered; outcomes_token as stored, encrypted."""

    id: int
    name: str
    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    token_audience: str | None
    vendor: str
    status: str
    outcomes_url: str | None
    outcomes_token: str | None
    clock_skew_seconds: float | None

    @property
    def is_active(self) -> bool:
        """Tell whether its launches are let in."""
        return self.status == "active"


def add_registration(
    session: Session,
    new: NewRegistration,
    *,
    deployment_ids: Iterable[str] = (),
    now: datetime,
) -> int:
    """Add a platform, its named deployments active; returns its id.

    Raises:
        ConfigError: this issuer and client id are registered already.
    """
    table = schema.registration
    values = {
        **{name: getattr(new, name) for name in NewRegistration.__slots__},
        "status": "active",
        "created_at": now,
    }
    try:
        with session.begin_nested():
            added = session.scalar(insert(table).values(**values).returning(table.c.id))
    except IntegrityError as error:
        raise ConfigError(
            f"a platform with issuer {new.issuer} and client id {new.client_id} is "
            "registered already; remove it first, or approve a deployment of it"
        ) from error
    registration_id = int(added or 0)
    for deployment_id in deployment_ids:
        activate_deployment(session, registration_id, deployment_id, now=now)
    return registration_id


def load_registrations(session: Session) -> list[Registration]:
    """Every registration, oldest first."""
    found = rows(session, _registrations().order_by(schema.registration.c.id))
    return [Registration(**row) for row in found]


def load_registration(session: Session, registration_id: int) -> Registration:
    """The registration of this id.

    Raises:
        NotFoundError: there is none.
    """
    found = rows(
        session, _registrations().where(schema.registration.c.id == registration_id)
    )
    if not found:
        raise NotFoundError(
            f"no platform has the id {registration_id}; see `platform list`"
        )
    return Registration(**found[0])


def find_registration(
    session: Session, issuer: str, client_id: str
) -> Registration | None:
    """The registration of exactly this pair, or None."""
    found = rows(
        session,
        _registrations().where(
            schema.registration.c.issuer == issuer,
            schema.registration.c.client_id == client_id,
        ),
    )
    return Registration(**found[0]) if found else None


def find_of_issuer(session: Session, issuer: str) -> list[Registration]:
    """The registrations of an issuer, active or not, oldest first."""
    found = rows(
        session,
        _registrations()
        .where(schema.registration.c.issuer == issuer)
        .order_by(schema.registration.c.id),
    )
    return [Registration(**row) for row in found]


def disable_registration(session: Session, registration_id: int) -> None:
    """Let no more launches of a registration in, and end its visits.

    What it brought in stays. May be run again.
    """
    session.execute(
        update(schema.registration)
        .where(schema.registration.c.id == registration_id)
        .values(status="disabled")
    )
    for table in (schema.web_session, schema.login_state):
        session.execute(delete(table).where(table.c.registration_id == registration_id))


def note_skew(session: Session, registration: Registration, seconds: float) -> None:
    """Move the estimate of how far our clock is ahead a fifth of the way to seconds."""
    held = registration.clock_skew_seconds
    estimate = seconds if held is None else held + (seconds - held) / 5
    if held is not None and abs(estimate - held) < SKEW_STEP_SECONDS:
        return
    session.execute(
        update(schema.registration)
        .where(schema.registration.c.id == registration.id)
        .values(clock_skew_seconds=estimate)
    )


def load_deployments(session: Session, registration_id: int) -> list[dict[str, Any]]:
    """The deployments of a registration, oldest first: id, deployment_id, status."""
    table = schema.deployment
    return rows(
        session,
        select(table.c.id, table.c.deployment_id, table.c.status)
        .where(table.c.registration_id == registration_id)
        .order_by(table.c.id),
    )


def activate_deployment(
    session: Session, registration_id: int, deployment_id: str, *, now: datetime
) -> int:
    """Let launches of a deployment in, known or not; returns its row's id."""
    table = schema.deployment
    added = session.scalar(
        upsert(session, table)
        .values(
            registration_id=registration_id,
            deployment_id=deployment_id,
            status="active",
            created_at=now,
        )
        .on_conflict_do_update(
            index_elements=["registration_id", "deployment_id"],
            set_={"status": "active"},
        )
        .returning(table.c.id)
    )
    return int(added or 0)


def find_deployment(
    session: Session, registration_id: int, deployment_id: str
) -> tuple[int, str] | None:
    """The id and status of a deployment, or None if it is unknown."""
    table = schema.deployment
    found = session.execute(
        select(table.c.id, table.c.status).where(
            table.c.registration_id == registration_id,
            table.c.deployment_id == deployment_id,
        )
    ).first()
    return (found.id, found.status) if found else None


def hold_deployment(
    session: Session, registration_id: int, deployment_id: str, *, now: datetime
) -> None:
    """Write an unknown deployment down as pending, for an administrator to approve."""
    table = schema.deployment
    waiting = session.scalar(
        select(func.count())
        .select_from(table)
        .where(table.c.registration_id == registration_id, table.c.status == "pending")
    )
    if (waiting or 0) >= MAX_PENDING:
        return
    session.execute(
        upsert(session, table)
        .values(
            registration_id=registration_id,
            deployment_id=deployment_id,
            status="pending",
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["registration_id", "deployment_id"])
    )


def _registrations() -> Select[Any]:
    return select(*(schema.registration.c[name] for name in Registration.__slots__))
