"""Who may launch us: registrations and their deployments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import schema
from lti_tool.storage.database import rows, upsert
from lti_tool.storage.session import Session

# Unknown deployments of one registration that wait at a time; the rest is not kept.
MAX_PENDING: Final = 200
# A new estimate of the clocks' difference is written down from here on.
SKEW_STEP_SECONDS: Final = 1.0
SEEN_EVERY: Final = timedelta(minutes=10)
# How a registration came about that `certify` makes for itself; see storage.trials.
TRIAL: Final = "trial"


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
    jwks: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A platform as registered; outcomes_token as stored, encrypted.

    jwks holds its keys where it only hands them out; jwks_url is then not asked.
    expires_at ends a trial by itself; None for a platform of the school.
    extra_origins are further sites that show us in a frame. target_mismatch says what
    becomes of a launch whose target is not its login's: refuse, or warn. is_read: the
    grades of its courses are read.
    """

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
    jwks: dict[str, Any] | None
    expires_at: datetime | None
    extra_origins: list[str] | None
    target_mismatch: str
    launched_at: datetime | None
    is_read: bool

    @property
    def lets_other_target(self) -> bool:
        """Tell whether a launch to another target than its login's is let in."""
        return self.target_mismatch == "warn"

    @property
    def is_active(self) -> bool:
        """Tell whether its launches are let in."""
        return self.status == "active"

    def has_expired(self, now: datetime) -> bool:
        """Tell whether it was a trial whose time is over."""
        return self.expires_at is not None and self.expires_at <= now


# Launches and logins send these: built once, they cost half of what they cost anew.
_FIND_DEPLOYMENT: Final = select(
    schema.deployment.c.id, schema.deployment.c.status
).where(
    schema.deployment.c.registration_id == bindparam("registration"),
    schema.deployment.c.deployment_id == bindparam("deployment"),
)
_FIND: Final = select(
    *(schema.registration.c[name] for name in Registration.__slots__)
).where(
    schema.registration.c.issuer == bindparam("issuer_sent"),
    schema.registration.c.client_id == bindparam("client_sent"),
)


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
            "registered already; see `platform list`, and edit that one or approve a "
            "deployment of it"
        ) from error
    registration_id = int(added or 0)
    for deployment_id in deployment_ids:
        activate_deployment(session, registration_id, deployment_id, now=now)
    return registration_id


def load_registrations(session: Session) -> list[Registration]:
    """Every platform of the school, oldest first; a trial of `certify` is none."""
    table = schema.registration
    found = rows(
        session,
        _registrations().where(table.c.made_by != TRIAL).order_by(table.c.id),
    )
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
    asked = {"issuer_sent": issuer, "client_sent": client_id}
    row = session.execute(_FIND, asked).mappings().first()
    return Registration(**row) if row else None


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
    _move_skew(session, registration.id, registration.clock_skew_seconds, seconds)


def note_skew_of(session: Session, registration_id: int, seconds: float) -> None:
    """Do as note_skew, for a registration by its id."""
    table = schema.registration
    held = session.scalar(
        select(table.c.clock_skew_seconds).where(table.c.id == registration_id)
    )
    _move_skew(session, registration_id, held, seconds)


def _move_skew(
    session: Session, registration_id: int, held: float | None, seconds: float
) -> None:
    estimate = seconds if held is None else held + (seconds - held) / 5
    if held is not None and abs(estimate - held) < SKEW_STEP_SECONDS:
        return
    session.execute(
        update(schema.registration)
        .where(schema.registration.c.id == registration_id)
        .values(clock_skew_seconds=estimate)
    )


def note_other_target(session: Session, deployment: int, *, now: datetime) -> None:
    """Write down at its deployment that a launch had another target than its login."""
    table = schema.deployment
    seen = session.scalar(select(table.c.seen).where(table.c.id == deployment)) or {}
    session.execute(
        update(table)
        .where(table.c.id == deployment)
        .values(seen={**seen, "other_target_at": now.isoformat()})
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
    found = session.execute(
        _FIND_DEPLOYMENT,
        {"registration": registration_id, "deployment": deployment_id},
    ).first()
    return (found.id, found.status) if found else None


def hold_deployment(
    session: Session, registration_id: int, deployment_id: str, *, now: datetime
) -> int | None:
    """Write an unknown deployment down as pending, for an administrator to approve.

    Returns its row's id, None if too many wait already.
    """
    table = schema.deployment
    waiting = session.scalar(
        select(func.count())
        .select_from(table)
        .where(table.c.registration_id == registration_id, table.c.status == "pending")
    )
    if (waiting or 0) >= MAX_PENDING:
        return None
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
    found = find_deployment(session, registration_id, deployment_id)
    return found[0] if found else None


def note_seen(
    session: Session, row_id: int, seen: dict[str, Any], *, now: datetime
) -> bool:
    """Keep what the last launch of a deployment told of itself; tells if it did.

    Written at most once in SEEN_EVERY, so that launches do not wait for one another.
    """
    table = schema.deployment
    written = session.scalar(
        update(table)
        .where(
            table.c.id == row_id,
            or_(table.c.seen_at.is_(None), table.c.seen_at <= now - SEEN_EVERY),
        )
        .values(seen=seen, seen_at=now)
        .returning(table.c.id)
    )
    return written is not None


def note_product(
    session: Session, registration_id: int, product: dict[str, str | None]
) -> None:
    """Keep what a platform's launch says that it is: family, version, guid, name."""
    session.execute(
        update(schema.registration)
        .where(schema.registration.c.id == registration_id)
        .values(product=product)
    )


def _registrations() -> Select[Any]:
    return select(*(schema.registration.c[name] for name in Registration.__slots__))
