"""Logins on their way: one row each, gone by the statement that finds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from lti_tool.storage import schema

LIFE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginState:
    """What a login promised; only hashes of its secrets."""

    state_hash: str
    nonce_hash: str
    binding_hash: str
    registration_id: int
    lti_deployment_id: str | None
    target_link_uri: str
    remote_address: str | None


def save_login(session: Session, login: LoginState, *, now: datetime) -> None:
    """Keep a login for ten minutes; those that ran out go."""
    table = schema.login_state
    session.execute(delete(table).where(table.c.expires_at < now))
    session.execute(
        insert(table).values(
            **{name: getattr(login, name) for name in LoginState.__slots__},
            expires_at=now + LIFE,
        )
    )


def find_login(
    session: Session, state_hash: str, *, now: datetime
) -> LoginState | None:
    """The login of this state, unless it ran out or was used."""
    table = schema.login_state
    columns = [table.c[name] for name in LoginState.__slots__]
    row = session.execute(
        select(*columns).where(
            table.c.state_hash == state_hash, table.c.expires_at > now
        )
    ).first()
    return LoginState(**row._asdict()) if row else None


def consume_login(session: Session, state_hash: str) -> bool:
    """Use a login up; tells whether this call was the one that did.

    One DELETE both finds and takes it, so of two launches at the same instant one
    alone is told True.
    """
    table = schema.login_state
    taken = session.execute(
        delete(table)
        .where(table.c.state_hash == state_hash)
        .returning(table.c.registration_id)
    )
    return taken.first() is not None
