"""Rows of the outbox for an administrator, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import select

from lti_tool.storage.database import rows
from lti_tool.storage.pages import REFUSED, WAITING
from lti_tool.storage.schema import competency, course, delivery, person
from lti_tool.storage.session import Session
from lti_tool.storage.summaries import SUMMARY_TITLE

# What an administrator may look at, and which states that is.
STATES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"refused": REFUSED, "waiting": WAITING, "delivered": ("delivered",)}
)


def load_rows(
    session: Session, view: str, *, before: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Return deliveries of a view, newest first; before: older than this id."""
    statement = (
        select(
            delivery.c.id,
            delivery.c.destination,
            delivery.c.course_id,
            delivery.c.value,
            delivery.c.maximum,
            delivery.c.state,
            delivery.c.code,
            delivery.c.reason,
            delivery.c.receipt,
            delivery.c.waits_for,
            delivery.c.due_at,
            delivery.c.sent_at,
            course.c.title.label("course"),
            person.c.display_name,
            delivery.c.competency_id,
            competency.c.human_code,
            SUMMARY_TITLE,
        )
        .join(course, course.c.id == delivery.c.course_id)
        .join(person, person.c.id == delivery.c.person_id)
        .outerjoin(competency, competency.c.id == delivery.c.competency_id)
        .where(delivery.c.state.in_(STATES[view]))
        .order_by(delivery.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(delivery.c.id < before)
    return rows(session, statement)
