"""A source's roster and scores into our tables: fetch, stage, check, plan, apply.

A run changes everything or nothing. What it would change is known before (the plan);
a plan that ends more than a person would expect waits for one (promise P3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import SyncError
from lti_tool.logs import log
from lti_tool.storage import roster, sources
from lti_tool.storage.database import Database
from lti_tool.storage.staging import ENTITIES, Movement, Staging, as_counts
from lti_tool.work import people, standing
from lti_tool.work.feeds import Feed
from lti_tool.work.holds import reasons
from lti_tool.work.problems import Problems, is_rejected
from lti_tool.work.pulse import Pulse
from lti_tool.work.records import staged_row

# Never pulled unless a school asks for it, with a reason (F08).
LEFT_OUT: Final = frozenset({"demographics"})

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What a person said of this run.

    accept: the hash of a plan that was read within the last day and is to be applied.
    accept_ends: apply the ends of this plan whatever their number.
    demographics_reason: why the school wants demographics; without it they stay
        where they are.
    """

    is_dry_run: bool = False
    accept: str | None = None
    accept_ends: bool = False
    trigger: str = "by_hand"
    on_progress: Callable[[str, int], None] = lambda _phase, _count: None
    demographics_reason: str | None = None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """How a run went; counts are the records read, written the rows changed."""

    run_id: int
    status: str
    plan: Mapping[str, Movement] = field(default_factory=dict)
    plan_hash: str = ""
    problems: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    courses_refreshed: int = 0
    text: str = ""
    written: int = 0

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
        self._problems = Problems()
        self._counts: dict[str, int] = {}

    def go(self, open_feed: Callable[[], Feed]) -> SyncReport:
        """Fetch, stage, check, plan and, if nothing holds it, apply."""
        with Staging(self._database, self._source_id) as staging:
            with Pulse(self._keep):
                report = self._plan(staging, open_feed())
                status, text = self._verdict(staging, report)
            if not status.startswith("applied"):
                return self._end(report, status, text)
            report = self._apply(staging, replace(report, status=status, text=text))
        with self._database.write() as session:
            people.match_waiting(session, now=self._clock())
        refreshed = refresh_stale(self._database, self._clock, self._said.on_progress)
        return replace(report, courses_refreshed=refreshed)

    def _keep(self) -> None:
        sources.keep_run(self._database, self._run_id, self._clock())

    def _plan(self, staging: Staging, feed: Feed) -> SyncReport:
        for entity in ENTITIES:
            if entity.collection not in LEFT_OUT or self._said.demographics_reason:
                self._stage(staging, feed, entity.collection)
        self._problems.note("", feed.warnings)
        self._phase("check")
        self._problems.note_staged(staging.check())
        plan, plan_hash = staging.plan()
        return SyncReport(
            self._run_id,
            "planned",
            plan,
            plan_hash,
            dict(self._problems.codes),
            dict(self._counts),
        )

    def _stage(self, staging: Staging, feed: Feed, collection: str) -> None:
        """Stage a collection; one that changed while it was read is read once more."""
        self._phase(collection)
        try:
            problems = self._stage_once(staging, feed, collection)
        except SyncError as error:
            if error.code != "unstable_source":
                raise
            staging.forget(collection)
            problems = self._stage_once(staging, feed, collection)
        if feed.is_complete(collection):
            if problems.nameless:
                problems.note_withheld(collection)
            else:
                staging.mark_complete(collection)
        self._problems.add(problems)

    def _stage_once(self, staging: Staging, feed: Feed, collection: str) -> Problems:
        problems = Problems()
        self._counts[collection] = 0
        for batch in feed.batches(collection):
            rows = [staged_row(collection, record) for record in batch.records]
            staging.put(collection, rows)
            rejected = (one for one in batch.problems if is_rejected(collection, one))
            staging.put_rejected(
                collection, [one.sourced_id for one in rejected if one.sourced_id]
            )
            problems.note(collection, batch.problems)
            self._counts[collection] += len(rows)
            self._said.on_progress(collection, self._counts[collection])
        return problems

    def _phase(self, phase: str) -> None:
        with self._database.write() as session:
            sources.renew_run(session, self._run_id, phase, self._clock())

    def _verdict(self, staging: Staging, report: SyncReport) -> tuple[str, str]:
        """Return how the run is to end, and what is said of it."""
        held = [] if self._said.accept_ends else self._holds(staging, report)
        if self._said.is_dry_run:
            text = "a dry run: nothing was changed"
            return "planned", "; ".join([text, *held])
        if held:
            return "held", "; ".join(held)
        status = "applied_with_rejects" if self._problems.rejected else "applied"
        return status, "nothing changed" if report.is_nothing else ""

    def _holds(self, staging: Staging, report: SyncReport) -> list[str]:
        found = reasons(report.plan, staging.gained_staff(), staging.renamed_users)
        accepted = self._said.accept
        if not found or not accepted:
            return found
        with self._database.read() as session:
            was_shown = sources.was_shown(
                session, self._source_id, accepted, self._clock()
            )
        if accepted != report.plan_hash:
            found.append(f"the plan is no longer {accepted[:64]}")
        elif not was_shown:
            found.append(f"plan {accepted} was not shown within the last day")
        else:
            return []
        return found

    def _apply(self, staging: Staging, report: SyncReport) -> SyncReport:
        """Write everything in one transaction, the end of the run included."""
        self._said.on_progress("apply", 0)
        moved = staging.moved_line_items()
        now, source_id = self._clock(), self._source_id
        with staging.transaction() as connection:
            sources.hold_run(connection, self._run_id, now)
            # Before and after: a line item may move from one course to another.
            roster.mark_stale(connection, source_id, moved)
            written = staging.merge()
            written += roster.derive(connection, source_id, today=now.date(), now=now)
            roster.mark_stale(connection, source_id, moved)
            sources.put_problems(connection, self._run_id, self._problems.kept)
            sources.close_run(connection, self._run_id, now, self._outcome(report))
        return replace(report, written=written)

    def _end(self, report: SyncReport, status: str, text: str) -> SyncReport:
        ended = replace(report, status=status, text=text)
        self.close(self._outcome(ended))
        return ended

    def _outcome(self, report: SyncReport) -> dict[str, Any]:
        return {
            "status": report.status,
            "plan": as_counts(report.plan),
            "plan_hash": report.plan_hash,
            "problem_counts": dict(self._problems.codes),
            "text": report.text,
        }

    def close(self, values: dict[str, Any]) -> None:
        """Write how the run ended, with its problems; nothing if it is closed."""
        with self._database.write() as session:
            if sources.is_open(session, self._run_id):
                sources.put_problems(session, self._run_id, self._problems.kept)
                sources.close_run(session, self._run_id, self._clock(), values)


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
    refreshed = 0
    for done, course_id in enumerate(stale, 1):
        with database.write() as session:
            if roster.claim_stale(session.connection(), course_id):
                standing.refresh(session, course_id, now=clock())
                refreshed += 1
        on_progress("standing", done)
    return refreshed
