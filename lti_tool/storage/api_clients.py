"""Who may pull from our own OneRoster service; secrets are kept by their hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.schema import api_client, source
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """A system that pulls from us; ``source`` None: of every source."""

    id: int
    client_id: str
    name: str
    scopes: frozenset[str]
    source_id: int | None
    source: str | None
    is_active: bool
    made_by: str
    created_at: datetime
    used_at: datetime | None


def add(
    session: Session,
    *,
    name: str,
    scopes: Sequence[str],
    source_id: int | None,
    made_by: str,
    now: datetime,
) -> tuple[int, str, str]:
    """Add a client; returns our id, its client id and its secret, kept nowhere."""
    client_id = f"mb-{secrets.token_hex(8)}"
    secret = secrets.token_urlsafe(32)
    added = session.scalar(
        insert(api_client)
        .values(
            client_id=client_id,
            name=name,
            secret_hash=_hashed(secret),
            scopes=sorted(scopes),
            source_id=source_id,
            made_by=made_by,
            created_at=now,
        )
        .returning(api_client.c.id)
    )
    return int(added or 0), client_id, secret


def load_all(session: Session) -> list[ApiClient]:
    """Every client that was not removed, by name."""
    found = session.execute(_clients().order_by(api_client.c.name, api_client.c.id))
    return [_client(row) for row in found]


def find(session: Session, client_id: str) -> ApiClient | None:
    """The client of a client id, None if there is none, or it was removed."""
    row = session.execute(_clients().where(api_client.c.client_id == client_id)).first()
    return _client(row) if row else None


def load(session: Session, name: str) -> ApiClient:
    """The client of this client id, name or id of ours.

    Raises:
        NotFoundError: there is none, or several have the name.
    """
    found = [
        one
        for one in load_all(session)
        if name in {one.client_id, one.name, str(one.id)}
    ]
    if len(found) != 1:
        raise NotFoundError(
            f'{"no" if not found else "more than one"} API client is "{name}"; '
            "masterybridge api-client list shows their client ids"
        )
    return found[0]


def is_secret(session: Session, client_id: str, secret: str) -> bool:
    """Tell whether a client that was not removed has this secret."""
    held = session.scalar(
        select(api_client.c.secret_hash).where(
            api_client.c.client_id == client_id, api_client.c.status == "active"
        )
    )
    return held is not None and hmac.compare_digest(held, _hashed(secret))


def mark_used(session: Session, client_id: str, now: datetime) -> None:
    """Note when a client last asked for a token."""
    session.execute(
        update(api_client)
        .where(api_client.c.client_id == client_id)
        .values(used_at=now)
    )


def remove(session: Session, row_id: int) -> bool:
    """Let a client in no more, its tokens included; tells whether it was active."""
    found = session.execute(
        update(api_client)
        .where(api_client.c.id == row_id, api_client.c.status == "active")
        .values(status="removed")
        .returning(api_client.c.id)
    )
    return bool(found.all())


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _clients() -> Select[Any]:
    return (
        select(api_client, source.c.name.label("source"))
        .outerjoin(source, source.c.id == api_client.c.source_id)
        .where(api_client.c.status == "active")
    )


def _client(row: Row[Any]) -> ApiClient:
    return ApiClient(
        id=row.id,
        client_id=row.client_id,
        name=row.name,
        scopes=frozenset(row.scopes),
        source_id=row.source_id,
        source=row.source,
        is_active=row.status == "active",
        made_by=row.made_by,
        created_at=row.created_at,
        used_at=row.used_at,
    )
