"""Registrations that platforms made themselves, and what waits for an administrator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from lti_tool.errors import RegistrationError
from lti_tool.storage import schema
from lti_tool.storage.database import rows, upsert
from lti_tool.storage.registrations import NewRegistration
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What we asked a platform for and what it answered, as sent and received.

    registration_token is encrypted; product is {family, version, guid, name}.
    """

    asked: dict[str, Any]
    granted: dict[str, Any]
    product: dict[str, Any]
    registration_url: str | None = None
    registration_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRegistration:
    """A registration that no administrator has approved yet."""

    id: int
    name: str
    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    vendor: str
    asked: dict[str, Any] | None
    granted: dict[str, Any] | None
    product: dict[str, Any] | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDeployment:
    """A deployment that was launched and that no administrator has approved yet.

    seen is {context, platform, product} of its last launch, each None if not told.
    """

    id: int
    registration_id: int
    platform: str
    deployment_id: str
    seen: dict[str, Any] | None
    seen_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """All that waits for an administrator, the oldest first."""

    registrations: list[WaitingRegistration]
    deployments: list[WaitingDeployment]


def add_enrolment(
    session: Session,
    new: NewRegistration,
    agreement: Agreement,
    *,
    deployment_ids: Iterable[str] = (),
    now: datetime,
) -> int:
    """Add a platform that registered itself; it waits. Returns its id.

    Raises:
        RegistrationError: already, this issuer and client id are registered.
    """
    table = schema.registration
    values = {
        **{name: getattr(new, name) for name in NewRegistration.__slots__},
        **_kept(agreement),
        "status": "pending",
        "made_by": "dynamic",
        "created_at": now,
    }
    try:
        with session.begin_nested():
            added = session.scalar(insert(table).values(**values).returning(table.c.id))
    except IntegrityError as error:
        raise RegistrationError(
            f"{new.issuer} with the client id {new.client_id} is registered already",
            "already",
            issuer=new.issuer,
            client_id=new.client_id,
        ) from error
    registration_id = int(added or 0)
    for deployment_id in deployment_ids:
        _hold(session, registration_id, deployment_id, now=now)
    return registration_id


def renew_enrolment(
    session: Session,
    registration_id: int,
    agreement: Agreement,
    *,
    deployment_ids: Iterable[str] = (),
    now: datetime,
) -> None:
    """Keep what a platform answered to an update; nobody's approval changes by it."""
    kept = {name: value for name, value in _kept(agreement).items() if value}
    session.execute(
        update(schema.registration)
        .where(schema.registration.c.id == registration_id)
        .values(**kept)
    )
    for deployment_id in deployment_ids:
        _hold(session, registration_id, deployment_id, now=now)


def find_agreement(session: Session, registration_id: int) -> Agreement | None:
    """What was asked and granted at the last registration; None if made by hand."""
    table = schema.registration
    names = Agreement.__slots__
    found = rows(
        session,
        select(*(table.c[name] for name in names)).where(table.c.id == registration_id),
    )
    if not found or found[0]["asked"] is None:
        return None
    row = found[0]
    return Agreement(
        **{**row, "granted": row["granted"] or {}, "product": row["product"] or {}}
    )


def load_waiting(session: Session) -> Waiting:
    """The registrations and the deployments that wait for an administrator.

    A deployment of a registration that waits itself is approved together with it,
    so it is not listed.
    """
    table, deployment = schema.registration, schema.deployment
    registered = rows(
        session,
        select(*(table.c[name] for name in WaitingRegistration.__slots__))
        .where(table.c.status == "pending")
        .order_by(table.c.id),
    )
    deployed = rows(
        session,
        select(
            deployment.c.id,
            deployment.c.registration_id,
            table.c.name.label("platform"),
            deployment.c.deployment_id,
            deployment.c.seen,
            deployment.c.seen_at,
            deployment.c.created_at,
        )
        .join(table, table.c.id == deployment.c.registration_id)
        .where(deployment.c.status == "pending", table.c.status == "active")
        .order_by(deployment.c.id),
    )
    return Waiting(
        [WaitingRegistration(**row) for row in registered],
        [WaitingDeployment(**row) for row in deployed],
    )


def _kept(agreement: Agreement) -> dict[str, Any]:
    return {name: getattr(agreement, name) for name in Agreement.__slots__}


def _hold(
    session: Session, registration_id: int, deployment_id: str, *, now: datetime
) -> None:
    session.execute(
        upsert(session, schema.deployment)
        .values(
            registration_id=registration_id,
            deployment_id=deployment_id,
            status="pending",
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["registration_id", "deployment_id"])
    )
