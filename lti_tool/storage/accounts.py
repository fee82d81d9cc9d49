"""Administrators: their accounts, sessions and one-use links.

A session and a link are kept by the hash of their secret alone. Passwords come in as
Argon2 hashes; what makes and checks them is in work.accounts.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import schema
from lti_tool.storage.session import Session

ABSOLUTE: Final = timedelta(hours=8)
IDLE: Final = timedelta(minutes=60)
# A page view is written down at most this often, so that reading stays reading.
TOUCH: Final = timedelta(minutes=1)
INVITED_FOR: Final = timedelta(hours=24)
NEW_ACCOUNT: Final = "admin"
RESET: Final = "admin_reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An administrator of this installation."""

    id: int
    username: str
    display_name: str
    status: str
    locale: str | None
    created_at: datetime
    signed_in_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Tell whether she may sign in."""
        return self.status == "active"

    @property
    def who(self) -> str:
        """What the audit calls her: a number, which outlives a change of name."""
        return f"admin:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSession:
    """One administrator in one browser."""

    id: int
    account: Account
    csrf: str = field(repr=False)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminInvitation:
    """A link that makes an account, or gives one a new password, once."""

    id: int
    kind: str
    name: str | None
    made_by: str
    created_at: datetime
    expires_at: datetime


def hashed(secret: str) -> str:
    """The form in which a random secret of ours is kept: SHA-256, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


# --- accounts ---------------------------------------------------------------


def add_account(
    session: Session,
    *,
    username: str,
    display_name: str,
    password_hash: str,
    now: datetime,
) -> int:
    """Add an active administrator; returns the id.

    Raises:
        ConfigError: the username is taken.
    """
    table = schema.admin_account
    try:
        with session.begin_nested():
            added = session.scalar(
                insert(table)
                .values(
                    username=username,
                    display_name=display_name,
                    password_hash=password_hash,
                    status="active",
                    created_at=now,
                )
                .returning(table.c.id)
            )
    except IntegrityError as error:
        raise ConfigError(
            f"there is an administrator {username} already; choose another username"
        ) from error
    return int(added or 0)


def load_accounts(session: Session) -> list[Account]:
    """Every administrator, by username."""
    statement = _accounts().order_by(schema.admin_account.c.username)
    return [_account(row) for row in session.execute(statement)]


def load_account(session: Session, account_id: int) -> Account:
    """The administrator of this id.

    Raises:
        NotFoundError: there is none.
    """
    table = schema.admin_account
    row = session.execute(_accounts().where(table.c.id == account_id)).first()
    if row is None:
        raise NotFoundError(f"no administrator has the id {account_id}")
    return _account(row)


def find_account(session: Session, username: str) -> Account | None:
    """The administrator of this username, or None."""
    table = schema.admin_account
    row = session.execute(_accounts().where(table.c.username == username)).first()
    return _account(row) if row else None


def load_password_hash(session: Session, account_id: int) -> str:
    """The Argon2 hash of an administrator's password."""
    table = schema.admin_account
    return str(
        session.scalar(select(table.c.password_hash).where(table.c.id == account_id))
    )


def has_accounts(session: Session) -> bool:
    """Tell whether anybody can sign in."""
    table = schema.admin_account
    found = select(table.c.id).where(table.c.status == "active").limit(1)
    return session.scalar(found) is not None


def save_account(session: Session, account_id: int, **values: object) -> None:
    """Change columns of an account: password_hash, locale, status."""
    table = schema.admin_account
    session.execute(update(table).where(table.c.id == account_id).values(**values))


def disable_account(session: Session, account_id: int) -> None:
    """Let an administrator sign in no more, and end her sessions.

    Raises:
        ConfigError: she is the last who can sign in.
    """
    table = schema.admin_account
    # Locked, so that of two who disable each other one is told so.
    active = set(
        session.scalars(
            select(table.c.id)
            .where(table.c.status == "active")
            .order_by(table.c.id)
            .with_for_update()
        )
    )
    if active == {account_id}:
        raise ConfigError(
            "this is the last administrator who can sign in; invite another one first"
        )
    save_account(session, account_id, status="disabled")
    close_sessions(session, account_id)


# --- sessions ---------------------------------------------------------------


def open_session(session: Session, account_id: int, *, now: datetime) -> str:
    """Open a session of an administrator; returns the secret of her browser."""
    table = schema.admin_session
    session.execute(delete(table).where(table.c.expires_at < now))
    secret = secrets.token_urlsafe(32)
    session.execute(
        insert(table).values(
            secret_hash=hashed(secret),
            admin_account_id=account_id,
            csrf=secrets.token_urlsafe(24),
            created_at=now,
            seen_at=now,
            expires_at=now + ABSOLUTE,
        )
    )
    save_account(session, account_id, signed_in_at=now)
    return secret


def find_session(
    session: Session, secret: str, *, now: datetime
) -> AdminSession | None:
    """The live session of this secret: within 8 hours, 60 idle minutes, active."""
    table, account = schema.admin_session, schema.admin_account
    row = session.execute(
        select(
            table.c.id.label("session_id"),
            table.c.csrf,
            table.c.created_at.label("opened_at"),
            table.c.seen_at,
            table.c.expires_at,
            *_account_columns(),
        )
        .join(account, account.c.id == table.c.admin_account_id)
        .where(
            table.c.secret_hash == hashed(secret),
            table.c.expires_at > now,
            table.c.seen_at > now - IDLE,
            account.c.status == "active",
        )
    ).first()
    if row is None:
        return None
    return AdminSession(
        id=row.session_id,
        account=_account(row),
        csrf=row.csrf,
        created_at=row.opened_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )


def touch_session(session: Session, session_id: int, *, now: datetime) -> None:
    """Write down that a session was used at now."""
    table = schema.admin_session
    session.execute(update(table).where(table.c.id == session_id).values(seen_at=now))


def close_session(session: Session, session_id: int) -> None:
    """End one session."""
    table = schema.admin_session
    session.execute(delete(table).where(table.c.id == session_id))


def close_sessions(session: Session, account_id: int, *, but: int | None = None) -> int:
    """End the sessions of an administrator, all or all but one; tells how many."""
    table = schema.admin_session
    ended = session.execute(
        delete(table)
        .where(table.c.admin_account_id == account_id, table.c.id.is_distinct_from(but))
        .returning(table.c.id)
    )
    return len(ended.all())


def count_sessions(session: Session, account_id: int, *, now: datetime) -> int:
    """How many live sessions an administrator has."""
    table = schema.admin_session
    return (
        session.scalar(
            select(func.count())
            .select_from(table)
            .where(
                table.c.admin_account_id == account_id,
                table.c.expires_at > now,
                table.c.seen_at > now - IDLE,
            )
        )
        or 0
    )


# --- links ------------------------------------------------------------------


def add_invitation(
    session: Session, *, kind: str, name: str | None, made_by: str, now: datetime
) -> str:
    """Make a link good for a day; returns its token, which is kept nowhere."""
    table = schema.invitation
    token = secrets.token_urlsafe(32)
    session.execute(
        insert(table).values(
            kind=kind,
            token_hash=hashed(token),
            name=name,
            made_by=made_by,
            created_at=now,
            expires_at=now + INVITED_FOR,
        )
    )
    return token


def find_invitation(
    session: Session, token: str, *, now: datetime
) -> AdminInvitation | None:
    """The unused, unexpired link of this token to become an administrator, or None."""
    table = schema.invitation
    row = session.execute(
        _invitations().where(
            table.c.token_hash == hashed(token), table.c.expires_at > now
        )
    ).mappings()
    found = row.first()
    return AdminInvitation(**found) if found else None


def load_invitations(session: Session, *, now: datetime) -> list[AdminInvitation]:
    """The links to become an administrator that wait, newest first."""
    table = schema.invitation
    statement = (
        _invitations().where(table.c.expires_at > now).order_by(table.c.id.desc())
    )
    return [AdminInvitation(**row) for row in session.execute(statement).mappings()]


def use_invitation(session: Session, invitation_id: int, *, now: datetime) -> bool:
    """Use a link up; tells whether this call was the one that did."""
    table = schema.invitation
    used = session.execute(
        update(table)
        .where(
            table.c.id == invitation_id,
            table.c.kind.in_((NEW_ACCOUNT, RESET)),
            table.c.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(table.c.id)
    )
    return used.first() is not None


def withdraw_invitations(
    session: Session, *, kind: str, name: str | None, now: datetime
) -> None:
    """Use up the waiting links of this kind and name: only the newest shall work."""
    table = schema.invitation
    session.execute(
        update(table)
        .where(
            table.c.kind == kind,
            table.c.name.is_not_distinct_from(name),
            table.c.used_at.is_(None),
        )
        .values(used_at=now)
    )


def _invitations() -> Select[Any]:
    table = schema.invitation
    columns = [table.c[name] for name in AdminInvitation.__slots__]
    return select(*columns).where(
        table.c.kind.in_((NEW_ACCOUNT, RESET)), table.c.used_at.is_(None)
    )


def _account_columns() -> list[Any]:
    return [schema.admin_account.c[name] for name in Account.__slots__]


def _accounts() -> Select[Any]:
    return select(*_account_columns())


def _account(row: Row[Any]) -> Account:
    return Account(**{name: getattr(row, name) for name in Account.__slots__})
