"""Imports of frameworks that were asked for on a page, and how far each is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import insert, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.evidence import put_change
from lti_tool.storage.schema import framework, framework_order
from lti_tool.storage.session import Session

WAITING, READING, STORING = "waiting", "reading", "storing"
DONE, FAILED = "done", "failed"
ENDED: Final = (DONE, FAILED)


class Where(NamedTuple):
    """Where a framework is read: a sent file, or an address with its token.

    path: where the file lies until it is read. token: encrypted.
    """

    path: str | None = None
    token: str | None = None


NOWHERE: Final = Where()


class FrameworkOrder(NamedTuple):
    """One import; path is where a sent file lies, None for an address.

    token: what a protected service wants to see, encrypted.
    """

    id: int
    named: str
    path: str | None
    state: str
    found: dict[str, Any] | None
    token: str | None
    ordered_by: str
    ordered_at: datetime
    ended_at: datetime | None

    @property
    def is_ended(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.state in ENDED


def add_order(
    session: Session,
    named: str,
    where: Where = NOWHERE,
    *,
    who: str,
    now: datetime,
) -> int:
    """Write down that an import is wanted; returns its id."""
    order_id = int(
        session.execute(
            insert(framework_order)
            .values(
                named=named,
                path=where.path,
                token=where.token,
                state=WAITING,
                ordered_by=who,
                ordered_at=now,
            )
            .returning(framework_order.c.id)
        ).scalar_one()
    )
    put_change(
        session,
        at=now,
        who=who,
        what="framework import ordered",
        subject=("framework_order", order_id),
        after={"named": named},
    )
    return order_id


def load_order(session: Session, order_id: int) -> FrameworkOrder:
    """Return one import.

    Raises:
        NotFoundError: there is none of that id.
    """
    row = session.execute(
        select(framework_order).where(framework_order.c.id == order_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no import {order_id} was asked for")
    return FrameworkOrder(*row)


def load_open(session: Session) -> list[FrameworkOrder]:
    """Return the imports that have not ended, newest first."""
    found = session.execute(
        select(framework_order)
        .where(framework_order.c.state.not_in(ENDED))
        .order_by(framework_order.c.id.desc())
    )
    return [FrameworkOrder(*row) for row in found]


def take_order(session: Session, order_id: int) -> bool:
    """Begin an import; False if another worker did."""
    taken = session.execute(
        update(framework_order)
        .where(framework_order.c.id == order_id, framework_order.c.state == WAITING)
        .values(state=READING)
        .returning(framework_order.c.id)
    )
    return bool(taken.all())


def write_state(
    session: Session,
    order_id: int,
    state: str,
    found: dict[str, Any] | None = None,
    *,
    ended_at: datetime | None = None,
) -> None:
    """Say how far an import is, and what it brought or why it failed.

    One that ended needs its token no more.
    """
    values: dict[str, Any] = {"state": state, "found": found, "ended_at": ended_at}
    if state in ENDED:
        values["token"] = None
    session.execute(
        update(framework_order).where(framework_order.c.id == order_id).values(**values)
    )


def load_token(session: Session, framework_id: int) -> str | None:
    """Return the encrypted token kept to look for a newer version, or None."""
    return session.scalar(
        select(framework.c.source_token).where(framework.c.id == framework_id)
    )


def keep_token(
    session: Session, frameworks: Collection[int], token: str | None
) -> None:
    """Keep an encrypted token to look for frameworks anew with; None forgets it."""
    session.execute(
        update(framework)
        .where(framework.c.id.in_(frameworks))
        .values(source_token=token)
    )
