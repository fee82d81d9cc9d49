"""Signing in as an administrator: passwords, the limit on guesses, one-use links.

Source: facts/security.md D09 and D18. Every refusal of a sign-in has the same words
and costs the same time, whether the account exists or not.
"""

from __future__ import annotations

import ipaddress
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import accounts, attempts
from lti_tool.storage.accounts import Account, AdminInvitation
from lti_tool.storage.database import Database, Session
from lti_tool.storage.evidence import put_change

SHORTEST: Final = 12
# Longer ones only cost us time: nobody's memory, and no manager, needs them.
LONGEST: Final = 512
LONGEST_NAME: Final = 64
# RFC 9106's second recommended option, argon2-cffi's own default: 64 MiB a check.
HASHER: Final = PasswordHasher()


@dataclass(frozen=True, slots=True)
class SignIn:
    """What came of an attempt: a browser's secret, or a wait, or neither."""

    secret: str | None = field(default=None, repr=False)
    account_id: int | None = None
    wait_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What the holder of a one-use link filled in."""

    username: str
    display_name: str
    password: str = field(repr=False)


def plain_username(text: str) -> str:
    """A username as it is kept: one spelling, lower case, no space around it."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def username_fault(username: str) -> str | None:
    """What is wrong with a username: 'missing', 'letters' or 'long'; None if fine."""
    if not username:
        return "missing"
    if len(username) > LONGEST_NAME:
        return "long"
    is_plain = all(one.isalnum() or one in "._-+@" for one in username)
    return None if is_plain else "letters"


def password_fault(password: str, username: str) -> str | None:
    """What is wrong with a new password: 'short', 'long' or 'username'; None if fine.

    No rule about kinds of characters: they make passwords worse.
    Source: NIST SP 800-63B section 5.1.1.2.
    """
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    is_name = bool(username) and plain_username(password) == username
    return "username" if is_name else None


def sign_in(
    database: Database, username: str, password: str, *, address: str, now: datetime
) -> SignIn:
    """Try to sign in; at most five failures a minute for an account and an address."""
    name = plain_username(username)[:LONGEST_NAME]
    keys = (f"account:{name}", f"address:{network(address)}")
    with database.write() as session:
        wait = attempts.open_attempt(session, keys, now=now)
        account = accounts.find_account(session, name)
        held = accounts.load_password_hash(session, account.id) if account else None
    if wait is not None:
        return SignIn(wait_until=wait)
    is_right = _verify(held or _nobodys_hash(), password)
    if account is None or held is None or not is_right or not account.is_active:
        return SignIn()
    with database.write() as session:
        attempts.forgive_attempt(session, keys, at=now)
        if HASHER.check_needs_rehash(held):
            accounts.save_account(session, account.id, password_hash=_hash(password))
        secret = accounts.open_session(session, account.id, now=now)
    return SignIn(secret, account.id)


def is_password(
    database: Database, account: Account, password: str, *, address: str, now: datetime
) -> bool | datetime:
    """Tell whether this is the password of account, or when one may try again."""
    keys = (f"account:{account.username}", f"address:{network(address)}")
    with database.write() as session:
        wait = attempts.open_attempt(session, keys, now=now)
        held = accounts.load_password_hash(session, account.id)
    if wait is not None:
        return wait
    if not _verify(held, password):
        return False
    with database.write() as session:
        attempts.forgive_attempt(session, keys, at=now)
    return True


def change_password(
    database: Database, account: Account, password: str, *, but: int, now: datetime
) -> None:
    """Give an account a new password and end its sessions, all but one."""
    made = _hash(password)
    with database.write() as session:
        accounts.save_account(session, account.id, password_hash=made)
        accounts.close_sessions(session, account.id, but=but)
        _note(session, account, "password changed", account.who, now)


def invite(session: Session, *, name: str | None, made_by: str, now: datetime) -> str:
    """Make a link whose holder may become an administrator; returns its token."""
    token = accounts.add_invitation(
        session, kind=accounts.NEW_ACCOUNT, name=name, made_by=made_by, now=now
    )
    put_change(
        session,
        at=now,
        who=made_by,
        what="administrator invited",
        subject=("invitation", None),
    )
    return token


def reset(session: Session, account: Account, *, made_by: str, now: datetime) -> str:
    """Make a link whose holder may give account a new password; returns its token.

    The old password goes on working until the link is used; an earlier link does not.

    Raises:
        ConfigError: the account is disabled.
    """
    if not account.is_active:
        raise ConfigError(
            f"the administrator {account.username} is disabled; enable the account "
            "first"
        )
    values = {"kind": accounts.RESET, "name": account.username}
    accounts.withdraw_invitations(session, **values, now=now)
    token = accounts.add_invitation(session, **values, made_by=made_by, now=now)
    _note(session, account, "password reset offered", made_by, now)
    return token


def accept(
    database: Database, invitation: AdminInvitation, answers: Answers, *, now: datetime
) -> str:
    """Use a link: make the account or give it the password, and sign in.

    Returns the secret of the browser.

    Raises:
        NotFoundError: the link was used meanwhile.
        ConfigError: the username is taken, or the account is disabled.
    """
    made = _hash(answers.password)
    with database.write() as session:
        if not accounts.use_invitation(session, invitation.id, now=now):
            raise NotFoundError("this link was used already; ask for a new one")
        if invitation.kind == accounts.RESET:
            account_id = _renew(session, invitation, made, now)
        else:
            account_id = _make(session, invitation, answers, made, now)
        return accounts.open_session(session, account_id, now=now)


def disable(session: Session, account: Account, *, who: str, now: datetime) -> None:
    """Let an administrator sign in no more; her sessions and links end.

    Raises:
        ConfigError: she is the last who can sign in.
    """
    accounts.disable_account(session, account.id)
    accounts.withdraw_invitations(
        session, kind=accounts.RESET, name=account.username, now=now
    )
    _note_status(session, account, "disabled", who, now)


def enable(session: Session, account: Account, *, who: str, now: datetime) -> None:
    """Let an administrator sign in again, with the password she had."""
    accounts.save_account(session, account.id, status="active")
    _note_status(session, account, "active", who, now)


def withdraw(session: Session, invitation_id: int, *, who: str, now: datetime) -> None:
    """Let a waiting link work no more. May be run again."""
    if accounts.use_invitation(session, invitation_id, now=now):
        put_change(
            session,
            at=now,
            who=who,
            what="administrator link withdrawn",
            subject=("invitation", invitation_id),
        )


def save_profile(
    session: Session, account: Account, values: dict[str, str | None], *, now: datetime
) -> None:
    """Keep an administrator's own name and language."""
    accounts.save_account(session, account.id, **values)
    put_change(
        session,
        at=now,
        who=account.who,
        what="administrator edited",
        subject=("admin_account", account.id),
        before={name: getattr(account, name) for name in values},
        after=values,
    )


def named(session: Session, name: str) -> Account:
    """The administrator of this username or id.

    Raises:
        NotFoundError: there is none.
    """
    found = accounts.find_account(session, plain_username(name))
    if found is None:
        raise NotFoundError(
            f"no administrator is called {name}; see `masterybridge admin list`"
        )
    return found


def _make(
    session: Session,
    invitation: AdminInvitation,
    answers: Answers,
    password_hash: str,
    now: datetime,
) -> int:
    account_id = accounts.add_account(
        session,
        username=answers.username,
        display_name=answers.display_name or answers.username,
        password_hash=password_hash,
        now=now,
    )
    account = accounts.load_account(session, account_id)
    put_change(
        session,
        at=now,
        who=account.who,
        what="administrator made",
        subject=("admin_account", account_id),
        after={"username": account.username, "invited_by": invitation.made_by},
    )
    return account_id


def _renew(
    session: Session, invitation: AdminInvitation, password_hash: str, now: datetime
) -> int:
    account = named(session, invitation.name or "")
    if not account.is_active:
        raise ConfigError("this account is disabled; ask another administrator")
    accounts.save_account(session, account.id, password_hash=password_hash)
    accounts.close_sessions(session, account.id)
    _note(session, account, "password reset", account.who, now)
    return account.id


def _note(
    session: Session, account: Account, what: str, who: str, now: datetime
) -> None:
    put_change(
        session, at=now, who=who, what=what, subject=("admin_account", account.id)
    )


def _note_status(
    session: Session, account: Account, status: str, who: str, now: datetime
) -> None:
    put_change(
        session,
        at=now,
        who=who,
        what="administrator switched",
        subject=("admin_account", account.id),
        before={"status": account.status},
        after={"status": status},
    )


def _hash(password: str) -> str:
    return HASHER.hash(_spelled(password))


def _verify(held: str, password: str) -> bool:
    if len(password) > LONGEST:
        password = password[:LONGEST] + "…"
    try:
        return HASHER.verify(held, _spelled(password))
    except (VerificationError, InvalidHashError):
        return False


def _spelled(password: str) -> str:
    """One spelling, however a keyboard composes it. Source: NIST SP 800-63B."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys_hash() -> str:
    """What is checked for a name that nobody has, so that it takes as long."""
    return HASHER.hash(secrets.token_urlsafe(32))


def network(address: str) -> str:
    """An address as attempts are counted: of IPv6 the half that one party is given."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
