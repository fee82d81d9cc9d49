"""Our own signing keys: one in use, one published ahead, one on its way out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from joserfc.jwk import RSAKey
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from lti_tool.storage import schema
from lti_tool.storage.secrets import decrypt, encrypt

BITS: Final = 2048
PUBLISHED: Final = ("current", "next", "previous")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that signs for us now."""

    kid: str
    private_key: RSAKey = field(repr=False)


def ensure(session: Session, secret_key: bytes, *, now: datetime) -> None:
    """Make the current and the next key if they are missing; may be run again."""
    held = set(session.scalars(select(schema.tool_key.c.status)))
    for status in ("current", "next"):
        if status not in held:
            _make(session, status, secret_key, now)


def rotate(session: Session, secret_key: bytes, *, now: datetime) -> str:
    """Sign with the next key from now on; returns its kid.

    The next key has been published since it was made, so platforms know it; the one
    in use until now stays published as previous, the previous one goes.
    """
    ensure(session, secret_key, now=now)
    table = schema.tool_key
    session.execute(delete(table).where(table.c.status == "previous"))
    for old, new in (("current", "previous"), ("next", "current")):
        session.execute(update(table).where(table.c.status == old).values(status=new))
    _make(session, "next", secret_key, now)
    return load_current(session, secret_key).kid


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
    pem = decrypt(row.private_key, secret_key)
    return SigningKey(row.kid, RSAKey.import_key(pem))


def load_public(session: Session, secret_key: bytes) -> list[dict[str, Any]]:
    """The public keys as JWKs, the one in use first."""
    table = schema.tool_key
    found = session.execute(
        select(table.c.kid, table.c.private_key, table.c.status).order_by(table.c.id)
    ).all()
    ordered = sorted(found, key=lambda row: PUBLISHED.index(row.status))
    return [_public(row.kid, decrypt(row.private_key, secret_key)) for row in ordered]


def _public(kid: str, pem: str) -> dict[str, Any]:
    public = RSAKey.import_key(pem).as_dict(private=False)
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
