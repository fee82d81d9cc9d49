"""What was wrong in a run: by cause, row by row, and since when."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from lti_tool.storage import schema
from lti_tool.storage.database import rows
from lti_tool.storage.session import Session

problem, run = schema.run_problem, schema.run

Key = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The same fault in the same field of the same collection."""

    collection: str
    code: str
    field: str


def load_causes(session: Session, run_id: int) -> list[dict[str, Any]]:
    """The causes of a run's problems, records left out first, then by number.

    Each with code, collection, field, level, how many rows are kept and the text
    of the first.
    """
    number, first = func.count().label("number"), func.min(problem.c.id).label("first")
    field = func.coalesce(problem.c.field, "")
    grouped = (
        select(
            problem.c.collection,
            problem.c.code,
            field.label("field"),
            func.min(problem.c.level).label("level"),
            number,
            first,
        )
        .where(problem.c.run_id == run_id)
        .group_by(problem.c.collection, problem.c.code, field)
        .subquery()
    )
    return rows(
        session,
        select(grouped, problem.c.text)
        .join(problem, problem.c.id == grouped.c.first)
        .order_by(grouped.c.level, grouped.c.number.desc(), grouped.c.first),
    )


def load_problems(
    session: Session,
    run_id: int,
    cause: Cause | None = None,
    *,
    after: int = 0,
    count: int = 50,
) -> list[dict[str, Any]]:
    """Problems of a run after an id, in the order they were met."""
    return rows(
        session,
        select(problem)
        .where(*_conditions(run_id, cause), problem.c.id > after)
        .order_by(problem.c.id)
        .limit(count),
    )


def count_problems(session: Session, run_id: int, cause: Cause | None = None) -> int:
    """How many problems of a run are kept."""
    return session.scalar(select(func.count()).where(*_conditions(run_id, cause))) or 0


def load_since(
    session: Session, source_id: int, problems: Iterable[dict[str, Any]]
) -> dict[Key, datetime]:
    """When each of these problems was met first, by collection, record and code."""
    listed = list(problems)
    named = {one["sourced_id"] for one in listed if one["sourced_id"] is not None}
    if not named:
        return {}
    found = session.execute(
        select(
            problem.c.collection,
            problem.c.sourced_id,
            problem.c.code,
            func.min(run.c.started_at),
        )
        .join(run, run.c.id == problem.c.run_id)
        .where(
            run.c.source_id == source_id,
            problem.c.sourced_id.in_(named),
            problem.c.code.in_({one["code"] for one in listed}),
        )
        .group_by(problem.c.collection, problem.c.sourced_id, problem.c.code)
    )
    return {(one[0], one[1], one[2]): one[3] for one in found}


def load_held(
    session: Session, source_id: int, problems: Iterable[dict[str, Any]]
) -> dict[tuple[str, str], tuple[datetime, datetime | None]]:
    """Since when records are held aside, and when they were taken after all.

    By collection and sourcedId; the second is None while they still wait.
    """
    named = {one["sourced_id"] for one in problems if one["sourced_id"] is not None}
    held = schema.quarantine
    found = session.execute(
        select(
            held.c.collection,
            held.c.sourced_id,
            held.c.first_seen_at,
            held.c.settled_at,
        ).where(held.c.source_id == source_id, held.c.sourced_id.in_(named))
    )
    return {(one[0], one[1]): (one[2], one[3]) for one in found}


def load_aside(session: Session, source_id: int) -> dict[str, int]:
    """How many records of a source are held aside, by collection."""
    held = schema.quarantine
    found = session.execute(
        select(held.c.collection, func.count())
        .where(held.c.source_id == source_id, held.c.settled_at.is_(None))
        .group_by(held.c.collection)
    )
    return {one[0]: one[1] for one in found}


def load_later(session: Session, source_id: int, run_id: int) -> int | None:
    """The newest run after this one that read the source to its end, or None."""
    read = ("applied", "applied_with_rejects", "held", "planned")
    newest: int | None = session.scalar(
        select(func.max(run.c.id)).where(
            run.c.source_id == source_id,
            run.c.id > run_id,
            run.c.kind != "retry",
            run.c.status.in_(read),
        )
    )
    return newest


def load_still(session: Session, run_id: int, sourced_ids: Collection[str]) -> set[Key]:
    """Which of these records a run met as problems, by collection, record and code."""
    found = session.execute(
        select(problem.c.collection, problem.c.sourced_id, problem.c.code).where(
            problem.c.run_id == run_id, problem.c.sourced_id.in_(sourced_ids)
        )
    )
    return {(one[0], one[1], one[2]) for one in found}


def _conditions(run_id: int, cause: Cause | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [problem.c.run_id == run_id]
    if cause is not None:
        found += [
            problem.c.collection == cause.collection,
            problem.c.code == cause.code,
            func.coalesce(problem.c.field, "") == cause.field,
        ]
    return found
