"""Addresses that open one page of a visit, once, within a minute.

A new tab and a file's download carry neither the frame's cookie nor its key. Only the
hash of an address's token is kept.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, insert, select

from lti_tool.storage import schema, visits
from lti_tool.storage.session import Session
from lti_tool.storage.visits import secret_hash

LIFE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Passage:
    """What an address opened: a visit, as find_visit gives it, and a path in it."""

    visit: dict[str, Any]
    path: str


def save_passage(session: Session, visit_id: int, path: str, *, now: datetime) -> str:
    """Keep the way to one path of a visit; returns the token of its address.

    Those that ran out go.
    """
    table = schema.passage
    token = secrets.token_urlsafe(32)
    session.execute(delete(table).where(table.c.expires_at <= now))
    session.execute(
        insert(table).values(
            token_hash=secret_hash(token),
            web_session_id=visit_id,
            path=path,
            expires_at=now + LIFE,
        )
    )
    return token


def take_passage(session: Session, token: str, *, now: datetime) -> Passage | None:
    """Use the address of token up; None if it ran out, was used, or never was.

    One DELETE both finds and takes it, so of two calls at the same instant one alone
    gets it.
    """
    table, visit = schema.passage, schema.web_session
    taken = session.execute(
        delete(table)
        .where(table.c.token_hash == secret_hash(token))
        .returning(table.c.web_session_id, table.c.path, table.c.expires_at)
    ).first()
    if taken is None or taken.expires_at <= now:
        return None
    public_id = session.scalar(
        select(visit.c.public_id).where(visit.c.id == taken.web_session_id)
    )
    found = visits.find_visit(session, public_id or "")
    return Passage(found, taken.path) if found else None
