"""What a destination was told: the last value of a key, and all that may stand there.

A value that stands there and is none of ours was set by a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row, func, or_, select

from lti_tool.storage.outbox import THEIRS, Delivery
from lti_tool.storage.schema import delivery
from lti_tool.storage.session import Session

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
Key = tuple[int, int]  # person, competency


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
    session: Session, destination: str, course_id: int
) -> dict[Key, Delivery]:
    """Return by (person, competency) what the destination was last told."""
    newest = (
        select(func.max(delivery.c.id))
        .where(
            delivery.c.destination == destination,
            delivery.c.course_id == course_id,
            delivery.c.state == "delivered",
        )
        .group_by(delivery.c.person_id, delivery.c.competency_id)
    )
    found = session.execute(
        select(*(delivery.c[name] for name in Delivery.__slots__)).where(
            delivery.c.id.in_(newest)
        )
    )
    told = (Delivery(*row) for row in found)
    return {(row.person_id, row.competency_id): row for row in told}


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


def load_sent(session: Session, destination: str, course_id: int) -> dict[Key, Sent]:
    """Return by (person, competency) the newest timestamp and the values sent.

    A value sent whose answer was lost may stand there, so it counts as ours. One that
    was somebody else's and was restored, or kept, does not.
    """
    found: Iterable[Row[Any]] = session.execute(
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
        .where(
            delivery.c.destination == destination,
            delivery.c.course_id == course_id,
            or_(delivery.c.sent_at.is_not(None), delivery.c.state == "delivered"),
        )
        .order_by(delivery.c.id)
    )
    by_key: dict[Key, list[Row[Any]]] = {}
    for row in found:
        by_key.setdefault((row.person_id, row.competency_id), []).append(row)
    return {key: _sent(some) for key, some in by_key.items()}


def _sent(found: Iterable[Row[Any]]) -> Sent:
    newest_at, ever = _LONG_AGO, set[float | None]()
    values = frozenset[float | None]()
    names: list[tuple[float | None, str | None]] = []
    for row in found:
        newest_at = max(newest_at, row.sent_at or _LONG_AGO)
        is_ours = row.code != THEIRS and (row.undoes_id is None or row.value in ever)
        if row.state == "delivered":
            values, names = frozenset(), []
        if is_ours:
            ever.add(row.value)
            values |= {row.value}
        names.append((row.value, row.level_name))
    return Sent(newest_at, values, tuple(names))
