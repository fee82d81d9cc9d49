"""The runs as the administrators' pages list them, and what those pages write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, delete, func, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage import schema
from lti_tool.storage.database import rows
from lti_tool.storage.evidence import put_change
from lti_tool.storage.session import Session
from lti_tool.storage.sources import APPROVAL, is_sis

run, source = schema.run, schema.source

# Since when a plan was shown; after that it is accepted no more.
SHOWN_FOR: Final = APPROVAL
KEPT_FOR: Final = timedelta(days=400)
# So many runs go at once, so that a sweep holds the database for a moment only.
_SWEPT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """Which runs to list; None for any."""

    source_id: int | None = None
    statuses: Collection[str] | None = None


def load_runs(
    session: Session, wish: RunWish, *, first: int = 0, count: int = 50
) -> list[dict[str, Any]]:
    """Runs from the first-th on, newest first, each with all its columns."""
    statement = _runs().where(*_conditions(wish)).order_by(run.c.id.desc())
    return rows(session, statement.offset(first).limit(count))


def count_runs(session: Session, wish: RunWish) -> int:
    """How many runs there are of a wish."""
    counted = select(func.count()).select_from(run).where(*_conditions(wish))
    return session.scalar(counted) or 0


def load_run(session: Session, run_id: int) -> dict[str, Any]:
    """One run with all its columns and the name and state of its source.

    Raises:
        NotFoundError: there is no such run.
    """
    found = rows(session, _runs().where(run.c.id == run_id))
    if not found:
        raise NotFoundError(f"no run {run_id}")
    return found[0]


def load_newest(session: Session) -> dict[int, dict[str, Any]]:
    """The newest run of each source, by the source's id."""
    newest = select(func.max(run.c.id)).group_by(run.c.source_id)
    found = rows(session, _runs().where(run.c.id.in_(newest)))
    return {one["source_id"]: one for one in found}


def load_sources(session: Session) -> list[dict[str, Any]]:
    """The sources a run can be started of, by name."""
    return rows(
        session,
        select(
            source.c.id,
            source.c.name,
            source.c.kind,
            source.c.status,
            source.c.parked_until,
            source.c.parked_code,
            source.c.next_at,
        )
        .where(is_sis())
        .order_by(source.c.name),
    )


def find_open(session: Session, source_id: int) -> int | None:
    """The run of the source that is going on, or None."""
    going = select(run.c.id).where(
        run.c.source_id == source_id, run.c.ended_at.is_(None)
    )
    return session.scalar(going)


def last_id(session: Session, source_id: int) -> int:
    """The newest run of a source; 0 if it has none."""
    newest = select(func.max(run.c.id)).where(run.c.source_id == source_id)
    return session.scalar(newest) or 0


def find_next(session: Session, source_id: int, after: int) -> int | None:
    """The first run of the source after another one, or None."""
    later: int | None = session.scalar(
        select(func.min(run.c.id)).where(run.c.source_id == source_id, run.c.id > after)
    )
    return later


def find_shown(session: Session, source_id: int, plan_hash: str) -> int | None:
    """The newest run that showed this plan and waits for a person's word, or None."""
    waiting = select(func.max(run.c.id)).where(
        run.c.source_id == source_id,
        run.c.plan_hash == plan_hash,
        run.c.status.in_(("held", "planned")),
        run.c.decision.is_(None),
    )
    shown: int | None = session.scalar(waiting)
    return shown


def find_follower(session: Session, held: Mapping[str, Any]) -> int | None:
    """The run that applied the plan of another one, or is about to; or None."""
    told: int | None = session.scalar(
        select(func.max(run.c.id)).where(run.c.of_run_id == held["id"])
    )
    if told is not None or held["decided_at"] is None:
        return told
    next_one: int | None = session.scalar(
        select(func.min(run.c.id)).where(
            run.c.source_id == held["source_id"],
            run.c.id > held["id"],
            run.c.started_at >= held["decided_at"],
        )
    )
    return next_one


def ask_to_stop(session: Session, run_id: int) -> bool:
    """Ask a run to stop after the page it reads; tells whether it was going on."""
    asked = session.execute(
        update(run)
        .where(run.c.id == run_id, run.c.ended_at.is_(None))
        .values(stop_asked=True)
        .returning(run.c.id)
    )
    return bool(asked.all())


def decide(
    session: Session, run_id: int, decision: Mapping[str, Any], *, now: datetime
) -> bool:
    """Keep what a person decided of a plan; False if another one was quicker.

    decision: decision, decided_by and decision_reason.
    """
    values: dict[str, Any] = {**decision, "decided_at": now}
    if decision["decision"] == "discarded":
        values["status"] = "discarded"
    decided = session.execute(
        update(run)
        .where(
            run.c.id == run_id,
            run.c.decision.is_(None),
            run.c.status.in_(("held", "planned")),
        )
        .values(**values)
        .returning(run.c.id)
    )
    if not decided.all():
        return False
    put_change(
        session,
        at=now,
        who=decision["decided_by"],
        what=f"plan {decision['decision']}",
        subject=("run", run_id),
        after={"reason": decision["decision_reason"]},
    )
    return True


def load_levels(
    session: Session, run_ids: Collection[int]
) -> dict[int, dict[str, str]]:
    """What each code of problems meant in each run: error or warning."""
    table = schema.run_problem
    found = session.execute(
        select(table.c.run_id, table.c.code, func.min(table.c.level))
        .where(table.c.run_id.in_(run_ids))
        .group_by(table.c.run_id, table.c.code)
    )
    levels: dict[int, dict[str, str]] = defaultdict(dict)
    for run_id, code, level in found:
        levels[run_id][code] = level
    return levels


def sweep_runs(session: Session, *, now: datetime) -> int:
    """Take out runs older than 400 days, some at a time; returns how many went.

    A run that something still refers to stays, and so does each source's newest.
    """
    quarantine = schema.quarantine
    session.execute(delete(quarantine).where(quarantine.c.settled_at < now - KEPT_FOR))
    newest = select(func.max(run.c.id)).group_by(run.c.source_id)
    old = list(
        session.scalars(
            select(run.c.id)
            .where(
                run.c.ended_at < now - KEPT_FOR,
                run.c.id.not_in(newest),
                run.c.id.not_in(select(quarantine.c.run_id)),
            )
            .order_by(run.c.id)
            .limit(_SWEPT)
        )
    )
    if old:
        for table in (schema.run_move, schema.run_problem):
            session.execute(delete(table).where(table.c.run_id.in_(old)))
        follows = run.c.of_run_id.in_(old)
        session.execute(update(run).where(follows).values(of_run_id=None))
        session.execute(delete(run).where(run.c.id.in_(old)))
    return len(old)


def _runs() -> Select[Any]:
    return select(
        run,
        source.c.name.label("source"),
        source.c.kind.label("source_kind"),
        source.c.parked_until,
        source.c.settings,
    ).join(source, source.c.id == run.c.source_id)


def _conditions(wish: RunWish) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wish.source_id is not None:
        found.append(run.c.source_id == wish.source_id)
    if wish.statuses is not None:
        found.append(run.c.status.in_(wish.statuses))
    return found
