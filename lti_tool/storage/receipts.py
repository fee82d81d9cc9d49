"""Receipts: what became of one delivery, who asked for it, what stood there before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows
from lti_tool.storage.outbox import is_same_key
from lti_tool.storage.schema import (
    competency,
    course,
    delivery,
    person,
    web_session,
)
from lti_tool.storage.session import Session
from lti_tool.storage.summaries import SUMMARY_TITLE
from lti_tool.storage.visits import IDLE


def load_receipt(session: Session, delivery_id: int) -> dict[str, Any]:
    """Return one delivery whole.

    Raises:
        NotFoundError: there is none of that id.
    """
    found = rows(
        session,
        select(
            delivery,
            course.c.title.label("course"),
            delivery.c.person_id.label("student"),
            person.c.display_name,
            competency.c.human_code,
            competency.c.statement,
            competency.c.case_id.label("competency"),
            SUMMARY_TITLE,
            delivery.c.level_name.label("level"),
        )
        .join(course, course.c.id == delivery.c.course_id)
        .join(person, person.c.id == delivery.c.person_id)
        .outerjoin(competency, competency.c.id == delivery.c.competency_id)
        .where(delivery.c.id == delivery_id),
    )
    if not found:
        raise NotFoundError(
            f"no delivery has the id {delivery_id}; outcomes status --rows --json "
            "lists them"
        )
    return found[0]


def is_newest(session: Session, delivery_id: int) -> bool:
    """Tell whether no newer row of the same key stands."""
    mine, newer = delivery.alias("mine"), delivery.alias("newer")
    found = session.scalar(
        select(func.count())
        .select_from(mine)
        .join(newer, is_same_key(newer, mine))
        .where(
            mine.c.id == delivery_id,
            newer.c.id > delivery_id,
            newer.c.state != "superseded",
        )
    )
    return not found


def load_person(session: Session, person_id: int) -> str | None:
    """Return what somebody who asked for a delivery is called."""
    return session.scalar(select(person.c.display_name).where(person.c.id == person_id))


def find_seat(
    session: Session,
    delivery_id: int,
    browser_hashes: Collection[str],
    *,
    now: datetime,
) -> str | None:
    """Return the sid under which a browser holds the course of a delivery, or None.

    The newest of a teacher's visits there that has not ended.
    """
    held = web_session.c
    return session.scalar(
        select(held.public_id)
        .join(delivery, delivery.c.course_id == held.course_id)
        .where(
            delivery.c.id == delivery_id,
            held.role == "instructor",
            held.browser_hash.in_(browser_hashes),
            held.expires_at > now,
            held.seen_at > now - IDLE,
        )
        .order_by(held.id.desc())
        .limit(1)
    )


def load_history(session: Session, delivery_id: int) -> list[dict[str, Any]]:
    """Return every row of the key of a delivery, newest first: id, state, value, at."""
    mine = delivery.alias("mine")
    return rows(
        session,
        select(
            delivery.c.id,
            delivery.c.state,
            delivery.c.value,
            delivery.c.level_name,
            delivery.c.asked_by,
            delivery.c.undoes_id,
            delivery.c.created_at,
        )
        .join(mine, is_same_key(delivery, mine))
        .where(mine.c.id == delivery_id)
        .order_by(delivery.c.id.desc())
        .limit(50),
    )
