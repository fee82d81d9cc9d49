"""What stands elsewhere and is not what was delivered, until somebody decides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select, update

from lti_tool.storage.database import rows
from lti_tool.storage.outbox import is_same_key
from lti_tool.storage.schema import (
    competency,
    course,
    delivery,
    difference,
    person,
    reconciliation,
)
from lti_tool.storage.session import Session
from lti_tool.storage.summaries import SUMMARY_TITLE

PlaceKey = tuple[str, int]  # destination, course


@dataclass(frozen=True, slots=True)
class Unread:
    """A course that a destination did not show, and why."""

    destination: str
    course_id: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: who asked, how many values came back, what was not read."""

    who: str
    read_back: Mapping[str, int]
    unread: Sequence[Unread]
    started_at: datetime
    ended_at: datetime


def save(
    session: Session,
    comparison: Comparison,
    theirs: Mapping[int, float | None],
    read: Collection[PlaceKey],
) -> set[int]:
    """Keep a comparison and what differs, by delivery; returns those that are kept.

    One whose key has a newer row is left out: a newer value is on its way. What was
    open in the places read and differs no more is closed as gone.
    """
    theirs = {one: theirs[one] for one in _newest_of(session, theirs)}
    now = comparison.ended_at
    made = session.scalar(
        insert(reconciliation)
        .values(
            ordered_by=comparison.who,
            read_back=dict(comparison.read_back),
            unread=[asdict(one) for one in comparison.unread],
            found=len(theirs),
            started_at=comparison.started_at,
            ended_at=now,
        )
        .returning(reconciliation.c.id)
    )
    held = _open_in(session, read)
    for delivery_id, difference_id in held.items():
        if delivery_id in theirs:
            values: dict[str, Any] = {
                "theirs": theirs[delivery_id],
                "reconciliation_id": made,
            }
        else:
            values = {"status": "gone", "decided_at": now}
        session.execute(
            update(difference).where(difference.c.id == difference_id).values(**values)
        )
    news = [
        {
            "reconciliation_id": made,
            "delivery_id": delivery_id,
            "theirs": value,
            "status": "open",
            "found_at": now,
        }
        for delivery_id, value in theirs.items()
        if delivery_id not in held
    ]
    if news:
        session.execute(insert(difference), news)
    return set(theirs)


def _newest_of(session: Session, ids: Collection[int]) -> list[int]:
    """Those of deliveries whose key has no newer row."""
    newer = delivery.alias()
    is_old = (
        select(newer.c.id)
        .where(
            is_same_key(newer, delivery),
            newer.c.id > delivery.c.id,
            newer.c.state != "superseded",
        )
        .exists()
    )
    found: list[int] = []
    wanted = sorted(ids)
    for start in range(0, len(wanted), 1000):
        some = wanted[start : start + 1000]
        found += session.scalars(
            select(delivery.c.id).where(delivery.c.id.in_(some), ~is_old)
        )
    return found


def _open_in(session: Session, places: Collection[PlaceKey]) -> dict[int, int]:
    found = session.execute(
        select(
            delivery.c.destination,
            delivery.c.course_id,
            difference.c.delivery_id,
            difference.c.id,
        )
        .join(delivery, delivery.c.id == difference.c.delivery_id)
        .where(difference.c.status == "open")
    )
    return {
        delivery_id: difference_id
        for destination, course_id, delivery_id, difference_id in found
        if (destination, course_id) in places
    }


def load_open(
    session: Session, *, course_id: int | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """Return what differs and waits for a person, newest first."""
    statement = _listed().where(difference.c.status == "open")
    if course_id is not None:
        statement = statement.where(delivery.c.course_id == course_id)
    return rows(session, statement.order_by(difference.c.id.desc()).limit(limit))


def load_of_delivery(session: Session, delivery_id: int) -> dict[str, Any] | None:
    """Return what differs from a delivery and waits, or None."""
    statement = _listed().where(
        difference.c.status == "open", difference.c.delivery_id == delivery_id
    )
    return next(iter(rows(session, statement)), None)


def _listed() -> Select[Any]:
    return (
        select(
            difference.c.id,
            difference.c.delivery_id,
            difference.c.theirs,
            difference.c.found_at,
            delivery.c.destination,
            delivery.c.course_id,
            delivery.c.person_id,
            delivery.c.competency_id,
            delivery.c.value.label("ours"),
            delivery.c.maximum,
            course.c.title.label("course"),
            person.c.display_name,
            competency.c.human_code,
            competency.c.case_id,
            SUMMARY_TITLE,
        )
        .join(delivery, delivery.c.id == difference.c.delivery_id)
        .join(course, course.c.id == delivery.c.course_id)
        .join(person, person.c.id == delivery.c.person_id)
        .outerjoin(competency, competency.c.id == delivery.c.competency_id)
    )


def decide(
    session: Session, delivery_id: int, status: str, *, who: str, now: datetime
) -> None:
    """Close what differs from a delivery: status sent or taken, by whom."""
    session.execute(
        update(difference)
        .where(difference.c.delivery_id == delivery_id, difference.c.status == "open")
        .values(status=status, decided_by=who, decided_at=now)
    )


def load_last(session: Session) -> dict[str, Any] | None:
    """Return the newest comparison, None before the first."""
    statement = select(reconciliation).order_by(reconciliation.c.id.desc()).limit(1)
    return next(iter(rows(session, statement)), None)
