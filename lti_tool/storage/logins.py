"""Logins on their way: one row each, gone by the statement that finds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from lti_tool.errors import LaunchError
from lti_tool.storage import schema
from lti_tool.storage.registrations import Registration
from lti_tool.storage.session import Known, Question, Session

LIFE: Final = timedelta(minutes=10)
# Logins of one address that wait at a time, whichever processes heard them; a whole
# school may stand behind one.
MOST_WAITING: Final = 6_000


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
    storage_target: str | None = None
    storage_hash: str | None = None


# Every launch sends these: built once, they cost half of what they cost built anew.
_LOGIN = schema.login_state
_NAMES: Final = tuple(LoginState.__slots__)
_EXPIRE: Final = delete(_LOGIN).where(_LOGIN.c.expires_at < bindparam("now"))
_LAST: Final = (
    select(_LOGIN.c.id)
    .where(_LOGIN.c.remote_address == bindparam("address"))
    .order_by(_LOGIN.c.remote_address)
    .offset(bindparam("most") - 1)
    .limit(1)
)
_SAVE: Final = insert(_LOGIN)
_FIND: Final = Known(
    select(
        *(_LOGIN.c[name] for name in _NAMES),
        *(schema.registration.c[name] for name in Registration.__slots__),
    )
    .join(schema.registration, schema.registration.c.id == _LOGIN.c.registration_id)
    .where(
        _LOGIN.c.state_hash == bindparam("state"),
        _LOGIN.c.expires_at > bindparam("now"),
    )
)
_TAKE: Final = Known(delete(_LOGIN).where(_LOGIN.c.state_hash == bindparam("state")))


def save_login(session: Session, login: LoginState, *, now: datetime) -> None:
    """Keep a login for ten minutes; those that ran out go.

    Raises:
        LaunchError: E_RATE, as many of its address wait already as may.
            Source: facts/security.md section 1.1, A12.
    """
    session.execute(_EXPIRE, {"now": now})
    source = {"address": login.remote_address, "most": MOST_WAITING}
    if login.remote_address and session.scalar(_LAST, source) is not None:
        raise LaunchError("E_RATE", "too many logins from one address wait already")
    values = {name: getattr(login, name) for name in _NAMES}
    session.execute(_SAVE, {**values, "expires_at": now + LIFE})


def find_login(
    session: Session | Question, state_hash: str, *, now: datetime
) -> tuple[LoginState, Registration] | None:
    """The login of this state and whom it is for, unless it ran out or was used."""
    row = session.first(_FIND, {"state": state_hash, "now": now})
    if row is None:
        return None
    login, registration = row[: len(_NAMES)], row[len(_NAMES) :]
    return (
        LoginState(**dict(zip(_NAMES, login, strict=True))),
        Registration(**dict(zip(Registration.__slots__, registration, strict=True))),
    )


def consume_login(session: Session, state_hash: str) -> bool:
    """Use a login up; tells whether this call was the one that did.

    One DELETE both finds and takes it, so of two launches at the same instant one
    alone is told True.
    """
    return session.count(_TAKE, {"state": state_hash}) == 1
