"""Our own signing keys: one in use, one published ahead, one on its way out.

A platform keeps our key set for a day, so a key signs only once every key set of the
last day has held it. A rotation that is asked for sooner waits for that.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from joserfc.jwk import RSAKey
from sqlalchemy import delete, func, insert, select, update

from lti_tool.storage import schema
from lti_tool.storage.database import rows
from lti_tool.storage.secrets import decrypt, encrypt
from lti_tool.storage.session import Session

BITS: Final = 2048
# In the order of publishing. Of "due" it was asked that it sign as soon as it may.
PUBLISHED: Final = ("current", "due", "next", "previous")
_AHEAD: Final = ("due", "next")
# A day in a platform's cache, and an hour for caches on the way there.
KNOWN_AFTER: Final = timedelta(hours=25)
# Serialises rotations on PostgreSQL; SQLite has one writer anyway.
_LOCK: Final = 7_264_311


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that signs for us now."""

    kid: str
    private_key: RSAKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rotation:
    """Which key signs now, which follows, and from when; None if nothing waits."""

    current: str
    following: str
    signs_at: datetime | None


def ensure(session: Session, secret_key: bytes, *, now: datetime) -> None:
    """Make the current and the next key if they are missing; may be run again."""
    if _is_whole(session):
        return
    _alone(session)
    held = set(session.scalars(select(schema.tool_key.c.status)))
    if "current" not in held:
        _make(session, "current", secret_key, now)
    if not held & set(_AHEAD):
        _make(session, "next", secret_key, now)


def rotate(
    session: Session, secret_key: bytes, *, now: datetime, at_once: bool = False
) -> Rotation:
    """Sign with the next key as soon as every platform knows it.

    The key in use until then stays published as previous. With at_once the next key
    signs from now on, known or not, and the one in use is published no more: for a
    key that has leaked.
    """
    ensure(session, secret_key, now=now)
    _alone(session)
    if at_once:
        table = schema.tool_key
        session.execute(delete(table).where(table.c.status == "current"))
        _replace(session, secret_key, now)
    elif _known_at(session) <= now:
        _replace(session, secret_key, now)
    else:
        table = schema.tool_key
        session.execute(
            update(table).where(table.c.status == "next").values(status="due")
        )
    return _rotation(session)


def take_over(session: Session, secret_key: bytes, *, now: datetime) -> str | None:
    """Let the key of a rotation that waited sign, if its time has come; its kid.

    May be run again, and by several at once: one of them does it.
    """
    _alone(session)
    if not is_due(session, now=now):
        return None
    _replace(session, secret_key, now)
    return _rotation(session).current


def is_due(session: Session, *, now: datetime) -> bool:
    """Tell whether a rotation waits whose time has come."""
    takes_over_at = find_takeover(session)
    return takes_over_at is not None and takes_over_at <= now


def has_current(session: Session) -> bool:
    """Tell whether there is a key to sign with."""
    table = schema.tool_key
    return bool(session.scalar(select(table.c.id).where(table.c.status == "current")))


def load_current(session: Session, secret_key: bytes) -> SigningKey:
    """The key that signs now.

    Raises:
        ConfigError: it does not open with this secret key.
        LookupError: there is none; see ensure.
    """
    table = schema.tool_key
    row = session.execute(
        select(table.c.kid, table.c.private_key).where(table.c.status == "current")
    ).first()
    if row is None:
        raise LookupError("there is no signing key yet; make one with ensure()")
    return SigningKey(row.kid, _opened(row.private_key, secret_key))


def load_public(session: Session, secret_key: bytes) -> list[dict[str, Any]]:
    """The public keys as JWKs, the one in use first."""
    table = schema.tool_key
    found = session.execute(
        select(table.c.kid, table.c.private_key, table.c.status).order_by(table.c.id)
    ).all()
    ordered = sorted(found, key=lambda row: PUBLISHED.index(row.status))
    return [_public(row.kid, _opened(row.private_key, secret_key)) for row in ordered]


def find_takeover(session: Session) -> datetime | None:
    """When the key of a rotation that waits begins to sign; None if none waits."""
    table = schema.tool_key
    waits = session.scalar(select(table.c.id).where(table.c.status == "due"))
    return _known_at(session) if waits is not None else None


def load_ages(session: Session) -> list[dict[str, Any]]:
    """The published keys without their secrets, the one in use first.

    Each has kid, status and created_at.
    """
    table = schema.tool_key
    found = rows(session, select(table.c.kid, table.c.status, table.c.created_at))
    return sorted(found, key=lambda row: PUBLISHED.index(row["status"]))


def _is_whole(session: Session) -> bool:
    held = set(session.scalars(select(schema.tool_key.c.status)))
    return "current" in held and bool(held & set(_AHEAD))


def _alone(session: Session) -> None:
    """Let nobody else rotate until this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _known_at(session: Session) -> datetime:
    """From when on every platform knows the key ahead.

    One made together with the others was in every key set there ever was.
    """
    table = schema.tool_key
    held = session.execute(select(table.c.status, table.c.created_at)).all()
    made_at: datetime = max(row.created_at for row in held if row.status in _AHEAD)
    first_at: datetime = min(row.created_at for row in held)
    return made_at if made_at == first_at else made_at + KNOWN_AFTER


def _replace(session: Session, secret_key: bytes, now: datetime) -> None:
    table = schema.tool_key
    session.execute(delete(table).where(table.c.status == "previous"))
    for old, new in (("current", "previous"), ("due", "current"), ("next", "current")):
        session.execute(update(table).where(table.c.status == old).values(status=new))
    _make(session, "next", secret_key, now)


def _rotation(session: Session) -> Rotation:
    table = schema.tool_key
    kids = {
        row.status: row.kid
        for row in session.execute(select(table.c.status, table.c.kid))
    }
    following = kids["due"] if "due" in kids else kids["next"]
    return Rotation(kids["current"], following, find_takeover(session))


@lru_cache(maxsize=8)
def _opened(sealed: str, secret_key: bytes) -> RSAKey:
    """The private key behind a sealed text; OpenSSL checks one for 0.1 s, so once."""
    return RSAKey.import_key(decrypt(sealed, secret_key))


def _public(kid: str, key: RSAKey) -> dict[str, Any]:
    public = key.as_dict(private=False)
    return {**public, "kid": kid, "alg": "RS256", "use": "sig"}


def _make(session: Session, status: str, secret_key: bytes, now: datetime) -> None:
    key = RSAKey.generate_key(BITS, private=True)
    session.execute(
        insert(schema.tool_key).values(
            kid=secrets.token_urlsafe(16),
            private_key=encrypt(key.as_pem(private=True).decode(), secret_key),
            status=status,
            created_at=now,
        )
    )
