"""Launches that were refused, as the launch doctor shows them: masked, and bounded.

What anybody can send is kept apart from what a platform signed, so that no flood of
the first pushes the second out. Source: facts/security.md sections 2 and 7 (F06).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, select

from lti_tool.storage import schema
from lti_tool.storage.database import rows
from lti_tool.storage.session import Session

KEPT_FOR: Final = timedelta(days=90)
# Of each registration, and of launches that name none.
KEEP_SIGNED: Final = 300
KEEP_UNSIGNED: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused login or launch; header and claims are masked already.

    Attributes:
        facts: what was expected at that moment, and how the clocks stood.
        is_signed: the platform's signature was valid, so the claims are its own.
    """

    correlation_id: str
    code: str
    reason: str
    stage: str
    registration_id: int | None
    iss_host: str | None
    header: dict[str, Any] | None
    claims: dict[str, Any] | None
    facts: dict[str, Any] | None
    is_signed: bool
    refused_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which refusals to list; None for any."""

    registration_id: int | None = None
    is_unknown_platform: bool = False
    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def put_refusal(session: Session, refusal: Refusal) -> None:
    """Keep a refusal; what is too old or too many of its kind goes."""
    table = schema.refusal
    session.execute(insert(table).values(**asdict(refusal)))
    kind = _kind(refusal)
    limit = KEEP_SIGNED if refusal.is_signed else KEEP_UNSIGNED
    last = (
        select(table.c.id)
        .where(kind)
        .order_by(table.c.id.desc())
        .offset(limit)
        .limit(1)
    )
    spare = session.scalar(last)
    if spare is not None:
        session.execute(delete(table).where(kind, table.c.id <= spare))
    prune(session, now=refusal.refused_at)


def prune(session: Session, *, now: datetime) -> int:
    """Take out what is older than 90 days; returns how many."""
    table = schema.refusal
    gone = session.execute(
        delete(table).where(table.c.refused_at < now - KEPT_FOR).returning(table.c.id)
    )
    return len(gone.all())


def find_refusal(session: Session, correlation_id: str) -> Refusal | None:
    """The refusal of this reference, or None."""
    found = rows(
        session, _columns().where(schema.refusal.c.correlation_id == correlation_id)
    )
    return Refusal(**found[0]) if found else None


def load_refusals(
    session: Session, wish: Wish, *, first: int = 0, count: int = 50
) -> list[Refusal]:
    """Refusals from the first-th on, newest first."""
    table = schema.refusal
    found = rows(
        session,
        _columns()
        .where(*_conditions(wish))
        .order_by(table.c.id.desc())
        .offset(first)
        .limit(count),
    )
    return [Refusal(**row) for row in found]


def count_refusals(session: Session, wish: Wish) -> int:
    """How many refusals there are of a wish."""
    table = schema.refusal
    counted = select(func.count()).select_from(table).where(*_conditions(wish))
    return session.scalar(counted) or 0


def count_by_code(session: Session, wish: Wish) -> dict[str, int]:
    """How many refusals of a wish were kept, by code, the most frequent first."""
    table = schema.refusal
    number = func.count().label("number")
    found = session.execute(
        select(table.c.code, number)
        .where(*_conditions(wish))
        .group_by(table.c.code)
        .order_by(number.desc(), table.c.code)
    )
    return {row.code: row.number for row in found}


def load_last(session: Session, registration_id: int) -> dict[str, Any] | None:
    """Code and reference of the newest refusal of a registration, or None."""
    table = schema.refusal
    found = rows(
        session,
        select(table.c.code, table.c.correlation_id)
        .where(table.c.registration_id == registration_id)
        .order_by(table.c.id.desc())
        .limit(1),
    )
    return found[0] if found else None


def _columns() -> Select[Any]:
    return select(*(schema.refusal.c[name] for name in Refusal.__slots__))


def _kind(refusal: Refusal) -> ColumnElement[bool]:
    table = schema.refusal
    return and_(
        table.c.registration_id.is_not_distinct_from(refusal.registration_id),
        table.c.is_signed == refusal.is_signed,
    )


def _conditions(wish: Wish) -> list[ColumnElement[bool]]:
    table = schema.refusal
    found: list[ColumnElement[bool]] = []
    if wish.is_unknown_platform:
        found.append(table.c.registration_id.is_(None))
    elif wish.registration_id is not None:
        found.append(table.c.registration_id == wish.registration_id)
    if wish.code is not None:
        found.append(table.c.code == wish.code)
    if wish.since is not None:
        found.append(table.c.refused_at >= wish.since)
    if wish.until is not None:
        found.append(table.c.refused_at < wish.until)
    return found
