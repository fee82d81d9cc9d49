"""Invitations of platforms: a one-use address under which an LMS registers itself.

Only the hash of an invitation's token is kept. Whoever uses one claims it first, so
that of two at a time one goes on; a claim that came to nothing is open again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Select, insert, or_, select, update

from lti_tool.errors import NotFoundError, RegistrationError
from lti_tool.storage import schema
from lti_tool.storage.database import rows
from lti_tool.storage.session import Session
from lti_tool.storage.visits import secret_hash

KIND: Final = "platform"
LIFE: Final = timedelta(days=7)
# Longer than a registration may take: a process that died gives its claim back.
CLAIM: Final = timedelta(minutes=2)
State = Literal["open", "busy", "used", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an invitation is for; vendor and issuer_host None where any may come."""

    name: str | None = None
    vendor: str | None = None
    issuer_host: str | None = None
    made_by: str = "command"
    life: timedelta = LIFE


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation as kept; registration_id is what came of it."""

    id: int
    name: str | None
    vendor: str | None
    issuer_host: str | None
    made_by: str
    registration_id: int | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None

    def state(self, now: datetime) -> State:
        """Whether it may be used: open, busy (in use just now), used or ended."""
        if self.registration_id is not None:
            return "used"
        if self.expires_at <= now:
            return "ended"
        if self.used_at is not None and self.used_at > now - CLAIM:
            return "busy"
        return "open"


def make_invitation(
    session: Session, terms: Terms, *, now: datetime
) -> tuple[int, str]:
    """Make an invitation; returns its id and the token that nobody can read again."""
    token = secrets.token_urlsafe(32)
    made = session.scalar(
        insert(schema.invitation)
        .values(
            kind=KIND,
            token_hash=secret_hash(token),
            name=terms.name,
            vendor=terms.vendor,
            issuer_host=terms.issuer_host,
            made_by=terms.made_by[:64],
            created_at=now,
            expires_at=now + terms.life,
        )
        .returning(schema.invitation.c.id)
    )
    return int(made or 0), token


def find_invitation(session: Session, token: str) -> Invitation | None:
    """The invitation of a token, in whatever state; None if there never was one."""
    found = rows(
        session, _invitations().where(schema.invitation.c.token_hash == _hash(token))
    )
    return Invitation(**found[0]) if found else None


def load_invitations(session: Session) -> list[Invitation]:
    """Every invitation of a platform, the newest first."""
    found = rows(session, _invitations().order_by(schema.invitation.c.id.desc()))
    return [Invitation(**row) for row in found]


def revoke_invitation(session: Session, invitation_id: int, *, now: datetime) -> None:
    """Let nobody use an invitation any more. May be run again.

    Raises:
        NotFoundError: there is no such invitation, or a registration came of it.
    """
    table = schema.invitation
    ended = session.execute(
        update(table)
        .where(*_unused(invitation_id))
        .values(expires_at=now)
        .returning(table.c.id)
    )
    if ended.first() is None:
        raise NotFoundError(
            f"no unused invitation has the id {invitation_id}; "
            "see `platform invitations`"
        )


def claim_invitation(session: Session, invitation_id: int, *, now: datetime) -> bool:
    """Take an open invitation for one registration; tells whether it was to be had."""
    table = schema.invitation
    is_free = or_(table.c.used_at.is_(None), table.c.used_at <= now - CLAIM)
    taken = session.execute(
        update(table)
        .where(*_unused(invitation_id), table.c.expires_at > now, is_free)
        .values(used_at=now)
        .returning(table.c.id)
    )
    return taken.first() is not None


def release_invitation(session: Session, invitation_id: int) -> None:
    """Give a claimed invitation back: no registration came of it."""
    session.execute(
        update(schema.invitation).where(*_unused(invitation_id)).values(used_at=None)
    )


def settle_invitation(
    session: Session, invitation_id: int, registration_id: int, *, now: datetime
) -> None:
    """Write down which registration came of an invitation; it is used up.

    Raises:
        RegistrationError: used, another registration came of it meanwhile: whoever
            asked the platform for so long that the claim on it ran out comes second.
    """
    settled = session.scalar(
        update(schema.invitation)
        .where(*_unused(invitation_id))
        .values(registration_id=registration_id, used_at=now)
        .returning(schema.invitation.c.id)
    )
    if settled is None:
        raise RegistrationError("the invitation was used meanwhile", "used")


def _unused(invitation_id: int) -> tuple[ColumnElement[bool], ...]:
    table = schema.invitation
    return (
        table.c.id == invitation_id,
        table.c.kind == KIND,
        table.c.registration_id.is_(None),
    )


def _hash(token: str) -> str:
    return secret_hash(token[:255])


def _invitations() -> Select[Any]:
    table = schema.invitation
    return select(*(table.c[name] for name in Invitation.__slots__)).where(
        table.c.kind == KIND
    )
