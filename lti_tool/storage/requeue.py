"""Rows of the outbox that somebody asks for, besides those a changed level brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, func, select, update

from lti_tool.storage import addresses
from lti_tool.storage.outbox import KEY, THEIRS, Delivery, put
from lti_tool.storage.schema import delivery
from lti_tool.storage.session import Session

# What says that the column is not there any more.
GONE: Final = ("gone", "column_gone")
_VALUE: Final = ("value", "maximum", "level_name")


def put_one(session: Session, outcome: Mapping[str, Any], now: datetime) -> int:
    """Store one outcome to be delivered, as put does; returns its id."""
    put(session, [outcome], now)
    return _newest_id(session, outcome)


def put_again(
    session: Session, told: Sequence[Delivery], *, who: str, now: datetime
) -> int:
    """Store values that were delivered once more; returns how many.

    The basis is that of the first time.
    """
    bases = _load_bases(session, [one.id for one in told])
    outcomes = [
        {
            **{name: getattr(one, name) for name in (*KEY, *_VALUE)},
            "basis": bases[one.id],
            "asked_by": who,
        }
        for one in told
    ]
    return put(session, outcomes, now)


def _load_bases(session: Session, ids: Sequence[int]) -> dict[int, Any]:
    found = session.execute(
        select(delivery.c.id, delivery.c.basis).where(delivery.c.id.in_(ids))
    )
    return {row.id: row.basis for row in found}


def put_kept(
    session: Session,
    key: Mapping[str, Any],
    theirs: float | None,
    *,
    who: str,
    now: datetime,
) -> int:
    """Store that what a person set there is kept; returns the row's id.

    key: the four parts of the key, and the maximum. What waits is closed.
    """
    values = {**key, "value": theirs, "level_name": None, "basis": {}, "asked_by": who}
    made = put_one(session, values, now)
    session.execute(
        update(delivery)
        .where(delivery.c.id == made)
        .values(
            state="delivered",
            code=THEIRS,
            read_back=theirs,
            read_back_at=now,
            closed_at=now,
        )
    )
    return made


def _newest_id(session: Session, key: Mapping[str, Any]) -> int:
    found = session.scalar(
        select(func.max(delivery.c.id)).where(
            *(delivery.c[name] == key[name] for name in KEY)
        )
    )
    return int(found or 0)


def hurry(session: Session, delivery_id: int, now: datetime) -> None:
    """Let what waits go out at once: for the night, a release, or the next try."""
    session.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id, delivery.c.state == "pending")
        .values(waits_for=None, due_at=now)
    )


def release(session: Session, now: datetime, destination: str | None = None) -> int:
    """Put stuck deliveries back into the queue; returns how many.

    Columns that were taken away there are made anew.
    """
    addresses.let_make(session, {"destination": destination} if destination else None)
    stuck = delivery.c.state == "blocked"
    if destination:
        stuck = and_(stuck, delivery.c.destination == destination)
    found = session.execute(
        update(delivery)
        .where(stuck)
        .values(state="pending", due_at=now)
        .returning(delivery.c.id)
    )
    return len(found.all())


def release_column(session: Session, key: Mapping[str, Any], now: datetime) -> int:
    """Let a column that was taken away be made anew; returns what waited for that.

    key: destination, course_id and competency_id.
    """
    where = {name: key[name] for name in ("destination", "course_id", "competency_id")}
    addresses.let_make(session, where)
    found = session.execute(
        update(delivery)
        .where(
            *(
                delivery.c[name].is_not_distinct_from(one)
                for name, one in where.items()
            ),
            delivery.c.state == "blocked",
            delivery.c.code.in_(GONE),
        )
        .values(state="pending", due_at=now)
        .returning(delivery.c.id)
    )
    return len(found.all())
