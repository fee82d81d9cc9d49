"""A source's roster and scores into our tables: fetch, stage, check, plan, apply.

A run changes everything or nothing. What it would change is known before (the plan);
a plan that ends more than a person would expect waits for one (promise P3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import SyncError
from lti_tool.logs import log
from lti_tool.storage import roster, sources
from lti_tool.storage.database import Database
from lti_tool.storage.staging import (
    ENTITIES,
    Movement,
    Staged,
    Staging,
    as_counts,
)
from lti_tool.work import standing
from lti_tool.work.feeds import Feed
from lti_tool.work.records import staged_row
from oneroster.errors import Problem

# A run ends more than this only with a person's yes. Source: promise P3.
FLOOR: Final = 10
RATIO: Final = 0.05
KEPT_PROBLEMS: Final = 1000
# Never pulled unless a school asks for it, with a reason (F08).
LEFT_OUT: Final = frozenset({"demographics"})

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What a person said of this run.

    accept: the hash of a held plan that was read and is to be applied.
    accept_ends: apply the ends of this plan whatever their number.
    """

    is_dry_run: bool = False
    accept: str | None = None
    accept_ends: bool = False
    trigger: str = "by_hand"
    on_progress: Callable[[str, int], None] = lambda _phase, _count: None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """How a run went."""

    run_id: int
    status: str
    plan: Mapping[str, Movement] = field(default_factory=dict)
    plan_hash: str = ""
    problems: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    courses_refreshed: int = 0
    text: str = ""

    @property
    def is_nothing(self) -> bool:
        """Tell whether the plan changes nothing."""
        return not any(one.adds + one.changes + one.ends for one in self.plan.values())


def sync(
    database: Database,
    source_id: int,
    open_feed: Callable[[], Feed],
    clock: Clock,
    options: SyncOptions | None = None,
) -> SyncReport:
    """Pull a source once.

    Raises:
        BusyError: another run of the source is going on.
        SyncError: the source cannot be read to its end; nothing was changed, the
            run is in the list with the reason.
    """
    said = options or SyncOptions()
    with database.write() as session:
        run_id = sources.open_run(session, source_id, said.trigger, clock())
    run = _Run(database, source_id, run_id, clock, said)
    try:
        report = run.go(open_feed)
    except SyncError as error:
        run.close({"status": "failed", "text": f"{error.code}: {error}"})
        log().info("sync failed", run=run_id, source=source_id, code=error.code)
        raise
    except BaseException:
        run.close({"status": "failed", "text": "stopped by an error of the tool"})
        raise
    log().info("sync ended", run=run_id, source=source_id, status=report.status)
    return report


class _Run:
    """One run on its way; lives as long as sync()."""

    def __init__(
        self,
        database: Database,
        source_id: int,
        run_id: int,
        clock: Clock,
        said: SyncOptions,
    ) -> None:
        self._database = database
        self._source_id = source_id
        self._run_id = run_id
        self._clock = clock
        self._said = said
        self._problems: list[dict[str, Any]] = []
        self._codes: Counter[str] = Counter()
        self._rejected = 0
        self._counts: Counter[str] = Counter()

    def go(self, open_feed: Callable[[], Feed]) -> SyncReport:
        """Fetch, stage, check, plan and, if nothing holds it, apply."""
        feed = open_feed()
        with Staging(self._database, self._source_id) as staging:
            for entity in ENTITIES:
                if entity.collection not in LEFT_OUT:
                    self._stage(staging, feed, entity.collection)
            self._note("", feed.warnings)
            self._not_taken(staging.check())
            plan, plan_hash = staging.plan()
            report = SyncReport(
                self._run_id,
                "planned",
                plan,
                plan_hash,
                dict(self._codes),
                dict(self._counts),
            )
            if self._said.is_dry_run:
                return self._end(report, "planned", "a dry run: nothing was changed")
            held = self._held(plan, plan_hash)
            if held:
                return self._end(report, "held", held)
            self._apply(staging)
        status = "applied_with_rejects" if self._rejected else "applied"
        text = "nothing changed" if report.is_nothing else ""
        self._end(report, status, text)
        refreshed = refresh_stale(self._database, self._clock, self._said.on_progress)
        return replace(report, status=status, text=text, courses_refreshed=refreshed)

    def _stage(self, staging: Staging, feed: Feed, collection: str) -> None:
        for batch in feed.batches(collection):
            rows = [staged_row(collection, record) for record in batch.records]
            staging.put(collection, rows)
            rejected = [one for one in batch.problems if not one.warning]
            staging.put_rejected(
                collection, [one.sourced_id for one in rejected if one.sourced_id]
            )
            self._note(collection, batch.problems)
            self._counts[collection] += len(rows)
            self._said.on_progress(collection, self._counts[collection])
            self._renew(collection)
        if feed.is_complete(collection):
            staging.mark_complete(collection)

    def _note(self, collection: str, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._codes[problem.code] += 1
            self._rejected += not problem.warning
            self._keep(
                {
                    "collection": collection or problem.file,
                    "sourced_id": problem.sourced_id,
                    "place": str(problem).split(":", maxsplit=1)[0],
                    "field": problem.field,
                    "code": problem.code,
                    "text": str(problem),
                }
            )

    def _not_taken(self, staged: Sequence[Staged]) -> None:
        for one in staged:
            self._codes[one.code] += 1
            self._rejected += one.code != "duplicate"
            self._keep(
                {
                    "collection": one.collection,
                    "sourced_id": one.sourced_id,
                    "place": one.collection,
                    "field": one.column,
                    "code": one.code,
                    "text": _WORDS[one.code].format(
                        record=f'{one.collection} "{one.sourced_id}"', field=one.column
                    ),
                }
            )

    def _keep(self, problem: dict[str, Any]) -> None:
        if len(self._problems) < KEPT_PROBLEMS:
            self._problems.append(problem)

    def _renew(self, phase: str) -> None:
        with self._database.write() as session:
            sources.renew_run(session, self._run_id, phase, self._clock())

    def _held(self, plan: Mapping[str, Movement], plan_hash: str) -> str:
        """Return why the plan waits for a person, or nothing."""
        if self._said.accept_ends or self._said.accept == plan_hash:
            return ""
        reasons = [
            f"{one.ends} of {one.now} {name} would end"
            for name, one in plan.items()
            if _is_over(one)
        ]
        if self._said.accept and not reasons:
            return ""
        if self._said.accept:
            reasons.append(f"the plan is no longer {self._said.accept}")
        return "; ".join(reasons)

    def _apply(self, staging: Staging) -> None:
        self._renew("apply")
        moved = staging.moved_line_items()
        now = self._clock()
        connection = staging.merge(with_ends=True)
        roster.derive(connection, self._source_id, today=now.date(), now=now)
        roster.mark_stale(connection, self._source_id, moved)
        connection.commit()

    def _end(self, report: SyncReport, status: str, text: str) -> SyncReport:
        self.close(
            {
                "status": status,
                "plan": as_counts(report.plan),
                "plan_hash": report.plan_hash,
                "problem_counts": dict(self._codes),
                "text": text,
            }
        )
        return replace(report, status=status, text=text)

    def close(self, values: dict[str, Any]) -> None:
        """Write how the run ended, with its problems."""
        with self._database.write() as session:
            sources.put_problems(session, self._run_id, self._problems)
            sources.close_run(session, self._run_id, self._clock(), values)


_WORDS: Final = {
    "conflict": "{record} was sent twice with different values; the SIS must send it "
    "once",
    "duplicate": "{record} was sent twice, the same each time; one was kept",
    "dangling": "{record}: {field} names a record that was not sent; send that record "
    "too, or remove the reference",
}


def _is_over(movement: Movement) -> bool:
    """Tell whether a movement ends more than a person would expect."""
    if not movement.ends:
        return False
    is_all = movement.ends >= movement.now and not movement.adds
    return is_all or movement.ends > max(FLOOR, RATIO * movement.now)


def refresh_stale(
    database: Database,
    clock: Clock,
    on_progress: Callable[[str, int], None] = lambda _phase, _count: None,
) -> int:
    """Refresh every course that scores or a plan have made stale; returns how many.

    One transaction a course, so that a worker killed in between loses nothing and
    the next one goes on.
    """
    with database.read() as session:
        stale = roster.load_stale(session.connection())
    for done, course_id in enumerate(stale, 1):
        with database.write() as session:
            standing.refresh(session, course_id, now=clock())
        on_progress("standing", done)
    return len(stale)
