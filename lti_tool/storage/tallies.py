"""The outbox for a person to read: counts, reasons, rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows
from lti_tool.storage.outbox import STUCK
from lti_tool.storage.schema import competency, course, delivery, person
from lti_tool.storage.session import Session
from lti_tool.storage.summaries import SUMMARY_TITLE


def load_counts(session: Session) -> dict[str, dict[str, int]]:
    """Return counts by destination and state."""
    found = session.execute(
        select(delivery.c.destination, delivery.c.state, func.count())
        .group_by(delivery.c.destination, delivery.c.state)
        .order_by(delivery.c.destination, delivery.c.state)
    )
    counts: dict[str, dict[str, int]] = {}
    for destination, state, count in found:
        counts.setdefault(destination, {})[state] = count
    return counts


def load_reasons(session: Session) -> list[dict[str, Any]]:
    """Return why deliveries wait: count by destination, state, code and reason."""
    group = (
        delivery.c.destination,
        delivery.c.state,
        delivery.c.code,
        delivery.c.reason,
    )
    return rows(
        session,
        select(*group, func.count().label("count"))
        .where(
            delivery.c.state.in_(("pending", *STUCK)), delivery.c.reason.is_not(None)
        )
        .group_by(*group)
        .order_by(*group),
    )


def load_row(session: Session, delivery_id: int) -> dict[str, Any]:
    """Return one delivery for a person to read.

    Raises:
        NotFoundError: there is none of that id.
    """
    found = rows(session, _listed().where(delivery.c.id == delivery_id))
    if not found:
        raise NotFoundError(
            f"no delivery has the id {delivery_id}; outcomes status --rows --json "
            "lists them"
        )
    return found[0]


def load_rows(session: Session, *, only_newest: bool = True) -> list[dict[str, Any]]:
    """Return deliveries for a person to read, newest value of each key only.

    basis is by what the level was judged when it was told, receipt what the
    destination answered.
    """
    statement = _listed()
    if only_newest:
        statement = statement.where(delivery.c.state != "superseded")
    return rows(session, statement)


def _listed() -> Select[Any]:
    """What of a delivery a person reads."""
    return (
        select(
            delivery.c.id,
            delivery.c.destination,
            course.c.title.label("course"),
            delivery.c.course_id,
            delivery.c.competency_id,
            delivery.c.person_id.label("student"),
            competency.c.human_code,
            competency.c.case_id.label("competency"),
            SUMMARY_TITLE,
            delivery.c.value,
            delivery.c.maximum,
            delivery.c.level_name.label("level"),
            delivery.c.state,
            delivery.c.code,
            delivery.c.reason,
            delivery.c.attempts,
            delivery.c.read_back,
            delivery.c.basis,
            delivery.c.receipt,
        )
        .join(course, course.c.id == delivery.c.course_id)
        .join(person, person.c.id == delivery.c.person_id)
        .outerjoin(competency, competency.c.id == delivery.c.competency_id)
        .order_by(delivery.c.id)
    )
