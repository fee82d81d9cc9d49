"""How often and in how many ways each competency of a course is assessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import and_, func, or_, select

from lti_tool.storage.curriculum import PlanCompetency
from lti_tool.storage.database import rows
from lti_tool.storage.schema import (
    alignment,
    assignment,
    category,
    observation,
    score,
)
from lti_tool.storage.session import Session

IDLE: Final = timedelta(days=30)
ONCE: Final = 1


@dataclass(frozen=True, slots=True)
class Assessed:
    """How one competency is assessed: by how many tasks, in which ways."""

    pieces: int
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdleAlignment:
    """An alignment that has fed nothing for long: its work, and its last score."""

    alignment_id: int
    assignment_id: int
    title: str
    competency_id: int
    scored_at: datetime | None


@dataclass(frozen=True, slots=True)
class Audit:
    """What of a course's plan is assessed too little; ids in the plan's order."""

    by_competency: Mapping[int, Assessed]
    never: tuple[int, ...]
    once: tuple[int, ...]
    one_way: tuple[int, ...]
    idle: tuple[IdleAlignment, ...]

    @property
    def idle_by_competency(self) -> dict[int, list[str]]:
        """The titles of idle work by competency."""
        found: dict[int, list[str]] = {}
        for one in self.idle:
            found.setdefault(one.competency_id, []).append(one.title)
        return found


def load_audit(
    session: Session,
    course_id: int,
    competencies: Sequence[PlanCompetency],
    *,
    now: datetime,
) -> Audit:
    """Return how each competency of a plan is assessed in a course.

    A task counts once it has a score; practice and self-assessment never do. Two tasks
    are of one way if both are of one category, and both whole, rows or questions.
    """
    found = _tasks(session, course_id)
    aligned = _alignments(session, course_id)
    for one in aligned:
        if one["scored_at"] is not None and not one["is_practice"]:
            ways = found.setdefault(one["competency_id"], {})
            ways[f"assignment {one['assignment_id']}"] = _way(one)
    told = {one.id: _assessed(found.get(one.id, {})) for one in competencies}
    return Audit(
        told,
        never=tuple(key for key, one in told.items() if not one.pieces),
        once=tuple(key for key, one in told.items() if one.pieces == ONCE),
        one_way=tuple(
            key
            for key, one in told.items()
            if one.pieces > ONCE and len(one.ways) == ONCE
        ),
        idle=tuple(
            IdleAlignment(
                one["id"],
                one["assignment_id"],
                one["title"],
                one["competency_id"],
                one["scored_at"],
            )
            for one in aligned
            if one["competency_id"] in told and _is_idle(one, now - IDLE)
        ),
    )


def _is_idle(one: Mapping[str, Any], since: datetime) -> bool:
    fed_at = one["scored_at"]
    return bool(one["created_at"] < since and (fed_at is None or fed_at < since))


def _assessed(ways: Mapping[str, str]) -> Assessed:
    return Assessed(len(ways), tuple(sorted(set(ways.values()))))


def _way(one: Mapping[str, Any]) -> str:
    part = one["part"].partition(":")[0]
    return " · ".join(filter(None, [one["category"] or one["kind"], part]))


def _alignments(session: Session, course_id: int) -> list[dict[str, Any]]:
    """Each alignment with its work, and when that was scored last."""
    last = (
        select(
            score.c.assignment_id,
            func.max(score.c.modified_at).label("at"),
            func.max(score.c.scored_on).label("on"),
        )
        .where(
            score.c.status == "active",
            or_(score.c.given.is_not(None), score.c.text_score.is_not(None)),
        )
        .group_by(score.c.assignment_id)
        .subquery("last")
    )
    found = rows(
        session,
        select(
            alignment.c.id,
            alignment.c.assignment_id,
            alignment.c.competency_id,
            alignment.c.part,
            alignment.c.is_practice,
            alignment.c.created_at,
            assignment.c.title,
            assignment.c.kind,
            category.c.title.label("category"),
            last.c.at,
            last.c.on,
        )
        .join(assignment, assignment.c.id == alignment.c.assignment_id)
        .outerjoin(
            category,
            and_(
                category.c.source_id == assignment.c.source_id,
                category.c.sourced_id == assignment.c.category_sourced_id,
            ),
        )
        .outerjoin(last, last.c.assignment_id == assignment.c.id)
        .where(alignment.c.course_id == course_id, assignment.c.status == "active")
        .order_by(assignment.c.title, alignment.c.id),
    )
    return [{**one, "scored_at": _newest(one["at"], one["on"])} for one in found]


def _newest(at: datetime | None, on: date | None) -> datetime | None:
    """The later of when a score was changed and the day it is of."""
    day = datetime.combine(on, time.min, UTC) if on else None
    return max(filter(None, (at, day)), default=None)


def _tasks(session: Session, course_id: int) -> dict[int, dict[str, str]]:
    """What staff saw: task -> way, by competency."""
    found: dict[int, dict[str, str]] = {}
    table = observation
    for one in rows(
        session,
        select(table.c.competency_id, table.c.task, table.c.kind).where(
            table.c.course_id == course_id,
            table.c.status == "accepted",
            table.c.withdrawn_at.is_(None),
            table.c.kind != "self",
        ),
    ):
        found.setdefault(one["competency_id"], {})[one["task"]] = one["kind"]
    return found
