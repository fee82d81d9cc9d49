"""Counts of what we hold, for reports."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, func, select

from lti_tool.storage.schema import (
    alignment,
    assignment,
    association,
    attainment,
    competency,
    delivery,
    enrollment,
    org,
    score,
    sis_class,
    sis_user,
)
from lti_tool.storage.session import Session
from lti_tool.storage.standing import STANDS


def load_figures(session: Session) -> dict[str, Any]:
    """Return the counts of the demo's report, live rows only."""
    evidence = session.scalar(
        select(func.count())
        .select_from(alignment)
        .join(score, score.c.assignment_id == alignment.c.assignment_id)
        .where(score.c.status == "active", score.c.given.is_not(None))
    )
    # Rows are closed, never deleted: a key that was told twice counts once.
    told = (
        select(
            delivery.c.destination,
            delivery.c.course_id,
            delivery.c.person_id,
            delivery.c.competency_id,
        )
        .where(delivery.c.state == "delivered")
        .distinct()
        .subquery()
    )
    delivered = session.execute(
        select(told.c.destination, func.count()).group_by(told.c.destination)
    )
    return {
        "synced": {
            "orgs": _active(session, org),
            "classes": _active(session, sis_class),
            "users": _active(session, sis_user),
            "enrollments": _active(session, enrollment),
            "line_items": _active(session, assignment),
            "results": _active(session, score),
        },
        "framework": {
            "competencies": _count(session, competency),
            # One that two frameworks publish is held by both.
            "associations": session.scalar(
                select(func.count(association.c.case_id.distinct()))
            )
            or 0,
        },
        "alignments": _count(session, alignment),
        "evidence": evidence or 0,
        "attainments": session.scalar(select(func.count(attainment.c.id)).where(STANDS))
        or 0,
        "delivered": {name: int(count) for name, count in delivered},
    }


def _active(session: Session, table: Table) -> int:
    statement = select(func.count()).select_from(table)
    return session.scalar(statement.where(table.c.status == "active")) or 0


def _count(session: Session, table: Table) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0
