"""What a destination was told: the last value of a key, and all that may stand there.

A value that stands there and is none of ours was set by a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select

from lti_tool.storage.outbox import THEIRS, Delivery
from lti_tool.storage.schema import delivery
from lti_tool.storage.session import Session

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
Key = tuple[int, int | None]  # person, competency; None: the grade over all


def load_told_places(
    session: Session, course_id: int | None = None
) -> list[tuple[str, int]]:
    """Return each (destination, course) that something was delivered to."""
    statement = (
        select(delivery.c.destination, delivery.c.course_id)
        .where(delivery.c.state == "delivered")
        .distinct()
        .order_by(delivery.c.destination, delivery.c.course_id)
    )
    if course_id is not None:
        statement = statement.where(delivery.c.course_id == course_id)
    return [(name, course) for name, course in session.execute(statement)]


def load_told(
    session: Session,
    destination: str,
    course_id: int,
    persons: Collection[int] | None = None,
) -> dict[Key, Delivery]:
    """Return by (person, competency) what the destination was last told.

    persons: of these alone.
    """
    newest = (
        select(func.max(delivery.c.id))
        .where(
            delivery.c.destination == destination,
            delivery.c.course_id == course_id,
            delivery.c.state == "delivered",
        )
        .group_by(delivery.c.person_id, delivery.c.competency_id)
    )
    if persons is not None:
        newest = newest.where(delivery.c.person_id.in_(persons))
    found = session.execute(
        select(*(delivery.c[name] for name in Delivery.__slots__)).where(
            delivery.c.id.in_(newest)
        )
    )
    told = (Delivery(*row) for row in found)
    return {row.key: row for row in told}


@dataclass(frozen=True, slots=True)
class Sent:
    """What a destination was ever told for one key since it last showed our value.

    Attributes:
        newest_at: the newest timestamp a value was sent with.
        values: those that may stand there and are ours.
        names: (value, level) as they were sent, oldest first.
    """

    newest_at: datetime
    values: frozenset[float | None]
    names: tuple[tuple[float | None, str | None], ...] = ()


def load_sent(
    session: Session,
    destination: str,
    course_id: int,
    persons: Collection[int] | None = None,
) -> dict[Key, Sent]:
    """Return by (person, competency) the newest timestamp and the values sent.

    A value sent whose answer was lost may stand there, so it counts as ours. One that
    was somebody else's and was restored, or kept, does not. persons: of these alone.
    """
    wanted = [
        delivery.c.destination == destination,
        delivery.c.course_id == course_id,
        or_(delivery.c.sent_at.is_not(None), delivery.c.state == "delivered"),
    ]
    if persons is not None:
        wanted.append(delivery.c.person_id.in_(persons))
    by_key = _by_key(session.execute(_since_delivered(wanted)))
    # Whether a value that was restored is ours is told by all that went before.
    restored = {
        row.person_id for rows in by_key.values() for row in rows if row.undoes_id
    }
    if restored:
        wanted.append(delivery.c.person_id.in_(restored))
        by_key |= _by_key(session.execute(_history(wanted)))
    return {key: _sent(some) for key, some in by_key.items()}


def _history(wanted: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(
            delivery.c.person_id,
            delivery.c.competency_id,
            delivery.c.state,
            delivery.c.value,
            delivery.c.level_name,
            delivery.c.sent_at,
            delivery.c.code,
            delivery.c.undoes_id,
        )
        .where(*wanted)
        .order_by(delivery.c.id)
    )


def _since_delivered(wanted: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """What was sent of each key from the last that was delivered on.

    A class sends every level many times a year; what stands there is of these.
    """
    last = (
        select(
            delivery.c.person_id,
            delivery.c.competency_id,
            func.max(case((delivery.c.state == "delivered", delivery.c.id))).label(
                "id"
            ),
            func.max(delivery.c.sent_at).label("newest_at"),
        )
        .where(*wanted)
        .group_by(delivery.c.person_id, delivery.c.competency_id)
        .subquery()
    )
    return (
        _history(wanted)
        .add_columns(last.c.newest_at)
        .join(
            last,
            and_(
                last.c.person_id == delivery.c.person_id,
                last.c.competency_id.is_not_distinct_from(delivery.c.competency_id),
            ),
        )
        .where(or_(last.c.id.is_(None), delivery.c.id >= last.c.id))
    )


def _by_key(found: Iterable[Row[Any]]) -> dict[Key, list[Row[Any]]]:
    by_key: dict[Key, list[Row[Any]]] = {}
    for row in found:
        by_key.setdefault((row.person_id, row.competency_id), []).append(row)
    return by_key


def _sent(found: Iterable[Row[Any]]) -> Sent:
    newest_at, ever = _LONG_AGO, set[float | None]()
    values = frozenset[float | None]()
    names: list[tuple[float | None, str | None]] = []
    for row in found:
        sent_at = row.sent_at or _LONG_AGO
        newest_at = max(newest_at, sent_at, getattr(row, "newest_at", None) or sent_at)
        is_ours = row.code != THEIRS and (row.undoes_id is None or row.value in ever)
        if row.state == "delivered":
            values, names = frozenset(), []
        if is_ours:
            ever.add(row.value)
            values |= {row.value}
        names.append((row.value, row.level_name))
    return Sent(newest_at, values, tuple(names))
