"""What a page asked to know: what sending would change in another system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from lti_tool.storage.database import rows
from lti_tool.storage.schema import delivery_plan
from lti_tool.storage.session import Session

# A plan says how it was when it was found: a day later somebody should look again.
FRESH: Final = timedelta(hours=24)


def order_plan(
    session: Session, course_id: int, destination: str, *, who: str, now: datetime
) -> int:
    """Ask for a plan; returns its id. It is found by the worker."""
    made = session.scalar(
        insert(delivery_plan)
        .values(
            course_id=course_id,
            destination=destination,
            status="waiting",
            ordered_by=who,
            ordered_at=now,
        )
        .returning(delivery_plan.c.id)
    )
    return int(made or 0)


def load_plan(session: Session, plan_id: int) -> dict[str, Any] | None:
    """Return a plan, None if there is none of that id."""
    statement = select(delivery_plan).where(delivery_plan.c.id == plan_id)
    return next(iter(rows(session, statement)), None)


def load_newest(
    session: Session, course_id: int, destination: str, *, now: datetime
) -> dict[str, Any] | None:
    """Return the newest plan of a course for a destination, None if it is old."""
    statement = (
        select(delivery_plan)
        .where(
            delivery_plan.c.course_id == course_id,
            delivery_plan.c.destination == destination,
            delivery_plan.c.ordered_at > now - FRESH,
        )
        .order_by(delivery_plan.c.id.desc())
        .limit(1)
    )
    return next(iter(rows(session, statement)), None)


def save_found(
    session: Session,
    plan_id: int,
    found: Sequence[Mapping[str, Any]] | None,
    fault: str | None,
    *,
    now: datetime,
) -> None:
    """Keep what was found out, or why it was not."""
    session.execute(
        update(delivery_plan)
        .where(delivery_plan.c.id == plan_id)
        .values(
            status="failed" if found is None else "found",
            found=None if found is None else [dict(one) for one in found],
            fault=fault,
            found_at=now,
        )
    )


def sweep_plans(session: Session, *, now: datetime) -> None:
    """Drop plans nobody may go by any more."""
    session.execute(
        delete(delivery_plan).where(delivery_plan.c.ordered_at < now - 7 * FRESH)
    )
