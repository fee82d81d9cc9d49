"""Orders to work the levels of a framework out again: one a framework, kept here.

The queue only says "do it now"; a worker that dies gives an order back when its lease
runs out.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import exists, func, or_, select, update

from lti_tool.storage.database import rows, upsert
from lti_tool.storage.evidence import put_change
from lti_tool.storage.schema import course, framework, recompute
from lti_tool.storage.session import Session

LEASE: Final = timedelta(minutes=2)


class Taken(NamedTuple):
    """An order a worker is at; ordered_at tells whether another came meanwhile."""

    framework_id: int
    ordered_at: datetime


def order(
    session: Session, frameworks: Collection[int], *, who: str, now: datetime
) -> None:
    """Have the levels of frameworks worked out again, whatever is going on there."""
    values = {"ordered_by": who, "ordered_at": now, "ended_at": None}
    for framework_id in sorted(frameworks):
        session.execute(
            upsert(session, recompute)
            .values(framework_id=framework_id, people=0, **values)
            .on_conflict_do_update(index_elements=["framework_id"], set_=values)
        )
        put_change(
            session,
            at=now,
            who=who,
            what="levels ordered",
            subject=("framework", framework_id),
        )


def take(session: Session, now: datetime) -> Taken | None:
    """Take the order that has waited longest, None if none waits.

    One UPDATE both finds and takes it, so two workers never hold the same.
    """
    table = recompute.c
    waits = (
        table.ended_at.is_(None),
        or_(table.renewed_at.is_(None), table.renewed_at < now - LEASE),
    )
    oldest = select(table.id).where(*waits).order_by(table.ordered_at).limit(1)
    found = session.execute(
        update(recompute)
        .where(table.id == oldest.scalar_subquery(), *waits)
        .values(renewed_at=now, people=0, whole=None)
        .returning(table.framework_id, table.ordered_at)
    ).one_or_none()
    return None if found is None else Taken(*found)


def move_on(
    session: Session,
    framework_id: int,
    people: int,
    whole: int | None,
    now: datetime,
) -> None:
    """Say how far a worker is, and that it is still at it; None: at the courses."""
    session.execute(
        update(recompute)
        .where(recompute.c.framework_id == framework_id)
        .values(people=people, whole=whole, renewed_at=now)
    )


def settle(session: Session, taken: Taken, now: datetime) -> None:
    """Close an order; one that came meanwhile waits for the next worker."""
    mine = recompute.c.framework_id == taken.framework_id
    session.execute(update(recompute).where(mine).values(renewed_at=None))
    session.execute(
        update(recompute)
        .where(mine, recompute.c.ordered_at == taken.ordered_at)
        .values(ended_at=now)
    )


def load_states(session: Session, frameworks: Collection[int]) -> list[dict[str, Any]]:
    """Return how far the newest order of each framework is, those that had one.

    framework_id, title, ordered_at, people, whole, ended_at, and courses: how many
    courses still wait, which come before the students' records.
    """
    waiting = (
        select(func.count())
        .where(
            course.c.framework_id == recompute.c.framework_id,
            course.c.refreshed_at.is_(None),
        )
        .scalar_subquery()
    )
    names = ("framework_id", "ordered_at", "people", "whole", "ended_at")
    return rows(
        session,
        select(
            *(recompute.c[name] for name in names),
            framework.c.title,
            waiting.label("courses"),
        )
        .join(framework, framework.c.id == recompute.c.framework_id)
        .where(recompute.c.framework_id.in_(frameworks))
        .order_by(framework.c.title, framework.c.id),
    )


def has_waiting(session: Session) -> bool:
    """Tell whether any order has not ended."""
    waits = exists().where(recompute.c.ended_at.is_(None))
    return bool(session.scalar(select(waits)))
