"""Attempts to sign in, counted by account and by address, whichever process heard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select

from lti_tool.storage import schema
from lti_tool.storage.accounts import hashed
from lti_tool.storage.session import Session

# Failed sign-ins of one account, or from one address, within WINDOW.
MOST_FAILURES: Final = 5
WINDOW: Final = timedelta(minutes=1)
# Serialises the counting on PostgreSQL; SQLite has one writer anyway.
_LOCK: Final = 7_264_310


def open_attempt(
    session: Session, keys: Sequence[str], *, now: datetime
) -> datetime | None:
    """Count an attempt to sign in under each of keys, as a failure until it is not.

    Returns None when it may go on, or when one may try again: then nothing is
    counted. Counting first is what makes the limit hold while many try at once.
    """
    table = schema.sign_in_failure
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    session.execute(delete(table).where(table.c.failed_at <= now - WINDOW))
    waits = [wait for key in keys if (wait := _wait(session, hashed(key)))]
    if waits:
        return max(waits)
    session.execute(
        insert(table), [{"key_hash": hashed(key), "failed_at": now} for key in keys]
    )
    return None


def forgive_attempt(session: Session, keys: Sequence[str], *, at: datetime) -> None:
    """Take back the attempt counted at this instant: it was no failure."""
    table = schema.sign_in_failure
    for key in keys:
        one = (
            select(table.c.id)
            .where(table.c.key_hash == hashed(key), table.c.failed_at == at)
            .limit(1)
        )
        session.execute(delete(table).where(table.c.id.in_(one)))


def _wait(session: Session, key_hash: str) -> datetime | None:
    """When the oldest of too many failures is forgotten; None if they are few."""
    table = schema.sign_in_failure
    oldest = session.scalar(
        select(table.c.failed_at)
        .where(table.c.key_hash == key_hash)
        .order_by(table.c.failed_at.desc(), table.c.id.desc())
        .offset(MOST_FAILURES - 1)
        .limit(1)
    )
    return oldest + WINDOW if oldest else None
