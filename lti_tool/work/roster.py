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
from lti_tool.storage import cursors, erasures, plans, roster, run_problems, sources
from lti_tool.storage.cursors import Reach
from lti_tool.storage.database import Database, Session
from lti_tool.storage.seats import Days
from lti_tool.storage.staging import Movement, Staging
from lti_tool.storage.staging_areas import Reason
from lti_tool.work import planning, settling, standing
from lti_tool.work.choices import choose
from lti_tool.work.feeds import Feed, Placing, Resumable
from lti_tool.work.fetching import Fetching, Wanted
from lti_tool.work.holds import Hold
from lti_tool.work.incoming import Incoming
from lti_tool.work.parking import moment, park_until, refuse_parked
from lti_tool.work.planning import Consent, Planned
from lti_tool.work.problems import Problems
from lti_tool.work.pulse import Pulse
from lti_tool.work.source_settings import parse_settings
from lti_tool.work.watching import Step, StopError, Watch

RETRY: Final = "retry"
AT_ONCE: Final = 40  # courses worked out in one transaction
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What a person said of this run.

    accept: the hash of a plan that was read within the last day and is to be applied.
    accept_ends: apply the ends of this plan whatever their number.
    is_full: read everything, not only what changed.
    is_without_ends: of the accepted plan apply adds and changes, and no ends.
    demographics_reason: why the school wants demographics; without it they stay
        where they are.
    """

    is_dry_run: bool = False
    accept: str | None = None
    accept_ends: bool = False
    is_without_ends: bool = False
    trigger: str = "by_hand"
    on_progress: Callable[[str, int], None] = lambda _phase, _count: None
    on_step: Callable[[Step], None] = lambda _step: None
    demographics_reason: str | None = None
    is_full: bool = False
    of_run_id: int | None = None


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
    holds: tuple[Hold, ...] = ()
    kind: str = "full"

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
    now = clock()
    with database.read() as session:
        refuse_parked(cursors.load_state(session, source_id), now)
    with database.write() as session:
        run_id = sources.open_run(session, source_id, said.trigger, now)
        cursors.unpark(session, source_id)
    run = _Run(database, source_id, run_id, clock, said)
    try:
        report = run.go(open_feed)
    except StopError as error:
        return run.cut("stopped", str(error))
    except SyncError as error:
        until = park_until(error, clock())
        if until is not None:
            run.park(until, error.code)
        if until is not None and error.code == cursors.WAITS:
            return run.cut("parked", f"{error}; goes on by itself {moment(until)}")
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
        self._planned: Planned | None = None
        self._fetching: Fetching | None = None
        with database.read() as session:
            state = cursors.load_state(session, source_id)
            shown = said.accept and cursors.load_kind(session, source_id, said.accept)
            self._watch = Watch(
                before=cursors.load_counts(session, source_id),
                is_stopped=self._is_stopped,
                on_progress=said.on_progress,
                on_step=said.on_step,
            )
            self._held = cursors.count_active(session, source_id)
            self._own = cursors.load_own(session, source_id)
            self._forgotten = erasures.load_forgotten(session, erasures.SIS, source_id)
        self._settings = parse_settings(state.settings)
        self._choice = choose(
            state,
            self._settings,
            clock(),
            is_full=said.is_full,
            shown_kind=shown or None,
            demographics_reason=said.demographics_reason,
        )
        if said.trigger == RETRY:
            self._choice = replace(self._choice, kind=RETRY)

    def go(self, open_feed: Callable[[], Feed]) -> SyncReport:
        """Fetch, stage, check, plan and, if nothing holds it, apply."""
        feed = open_feed()
        now = self._clock()
        self._note_kind()
        reason = None
        if isinstance(feed, Resumable):
            reason = Reason(self._choice.key, self._run_id, now)
        with Staging(self._database, self._source_id, reason) as staging:
            with Pulse(self._keep):
                planned = self._plan(staging, feed)
                status, text = self._verdict(planned)
            report = self._report(planned)
            if not status.startswith("applied"):
                return self._end(report, status, text)
            report = self._apply(
                staging, replace(report, status=status, text=text), now
            )
        with self._database.write() as session:
            settling.settle(session, self._source_id, now=self._clock())
        later = refresh_stale(self._database, self._clock, self._said.on_progress)
        return replace(report, courses_refreshed=report.courses_refreshed + later)

    @property
    def _counts(self) -> dict[str, int]:
        return dict(self._fetching.counts) if self._fetching else {}

    def _keep(self) -> None:
        values = {
            "progress": {**self._watch.document(), "at": self._clock().isoformat()},
            "counts": self._counts,
        }
        cursors.keep_progress(self._database, self._run_id, self._clock(), values)

    def _is_stopped(self) -> bool:
        with self._database.read() as session:
            return cursors.is_stop_asked(session, self._run_id)

    def _note_kind(self) -> None:
        values = {"kind": self._choice.kind, "of_run_id": self._said.of_run_id}
        with self._database.write() as session:
            sources.note_run(session, self._run_id, values)

    def _plan(self, staging: Staging, feed: Feed) -> Planned:
        choice, held = self._choice, (self._held, self._own, self._forgotten)
        wanted = Wanted(choice.collections, choice.since, choice.hashes, *held)
        self._fetching = Fetching(staging, feed, self._problems, self._watch)
        self._fetching.fetch(wanted, self._phase, is_sure=self._said.accept_ends)
        self._watch.begin("")
        self._phase("check")
        self._planned = planning.plan(
            self._database, staging, self._run_id, self._problems, self._settings
        )
        if isinstance(feed, Placing):
            self._problems.find_places(feed.places)
        return self._planned

    def _report(self, planned: Planned) -> SyncReport:
        return SyncReport(
            self._run_id,
            "planned",
            planned.movements,
            planned.plan_hash,
            dict(self._problems.codes),
            self._counts,
            holds=planned.holds,
            kind=self._choice.kind,
        )

    def _phase(self, phase: str) -> None:
        with self._database.write() as session:
            sources.renew_run(session, self._run_id, phase, self._clock())

    def _verdict(self, planned: Planned) -> tuple[str, str]:
        """Return how the run is to end, and what is said of it."""
        said = self._said
        consent = Consent(said.accept, said.accept_ends, said.is_without_ends)
        held = planning.objections(
            self._database, self._source_id, planned, consent, self._clock()
        )
        if self._said.is_dry_run:
            text = "a dry run: nothing was changed"
            return "planned", "; ".join([text, *held])
        if held:
            return "held", "; ".join(held)
        status = "applied_with_rejects" if self._problems.rejected else "applied"
        return status, "" if planned.is_something else "nothing changed"

    def _apply(
        self, staging: Staging, report: SyncReport, began_at: datetime
    ) -> SyncReport:
        """Write everything in one transaction, the end of the run included."""
        self._said.on_progress("apply", 0)
        began_at = staging.started_at or began_at
        plan = report.plan
        incoming = Incoming(staging, self._source_id, plan)
        rolls = staging.moved_roster(plan)
        now, source_id = self._clock(), self._source_id
        days = self._days(now)
        if self._said.is_without_ends:
            plan = planning.without_ends(plan)
        with staging.transaction() as connection:
            sources.hold_run(connection, self._run_id, now)
            incoming.hold(Session.on(connection))
            written = staging.merge(
                plan,
                lambda collection: roster.derive_after(
                    connection, source_id, collection, now=now
                ),
            )
            written += roster.derive(
                connection,
                source_id,
                days=days,
                now=now,
                moved=rolls,
            )
            refreshed = incoming.work_out(Session.on(connection), now)
            staging.renew_statistics()
            staging.hold_aside(self._run_id, now)
            run_problems.put_problems(connection, self._run_id, self._problems.kept)
            # Ends left out are yet to come; a retry reads a few records alone.
            if self._said.is_without_ends:
                plans.drop_ends(connection, self._run_id)
            elif self._choice.kind != RETRY:
                cursors.save_reaches(
                    connection,
                    source_id,
                    self._reaches(report, began_at),
                    began_at if self._choice.kind == "full" else None,
                )
            outcome = {**self._outcome(report), "written": written}
            sources.close_run(connection, self._run_id, now, outcome)
        return replace(report, written=written, courses_refreshed=refreshed)

    def _days(self, now: datetime) -> Days:
        with self._database.read() as session:
            since = cursors.load_applied_on(session, self._source_id)
        return Days(now.date(), since, self._settings.grace_days)

    def _reaches(self, report: SyncReport, began_at: datetime) -> dict[str, Reach]:
        """How far the collections are known once this is applied."""
        if self._fetching is None:
            return {}
        hashes = self._fetching.hashes if report.status == "applied" else {}
        found = {
            collection: self._choice.reach(
                collection,
                began_at,
                is_read=collection in self._fetching.complete,
                file_hash=hashes.get(collection),
            )
            for collection in self._choice.collections
        }
        return {name: one for name, one in found.items() if one is not None}

    def _end(self, report: SyncReport, status: str, text: str) -> SyncReport:
        ended = replace(report, status=status, text=text)
        self.close(self._outcome(ended))
        return ended

    def _outcome(self, report: SyncReport) -> dict[str, Any]:
        return {
            "status": report.status,
            **self._plan_columns(report),
            "problem_counts": dict(self._problems.codes),
            "counts": self._counts,
            "text": report.text,
        }

    def _plan_columns(self, report: SyncReport) -> dict[str, Any]:
        if self._planned is None:
            return {}
        is_left = self._said.is_without_ends and report.status.startswith("applied")
        return self._planned.columns(is_without_ends=is_left)

    def cut(self, status: str, text: str) -> SyncReport:
        """Close a run that will be gone on with; nothing of it was applied."""
        self.close({"status": status, "text": text, "counts": self._counts})
        log().info("sync cut", run=self._run_id, source=self._source_id, status=status)
        return SyncReport(
            self._run_id,
            status,
            problems=dict(self._problems.codes),
            counts=self._counts,
            text=text,
            kind=self._choice.kind,
        )

    def park(self, until: datetime, code: str) -> None:
        """Let no call go out to the source before a moment."""
        with self._database.write() as session:
            cursors.park(session, self._source_id, until, code)

    def close(self, values: dict[str, Any]) -> None:
        """Write how the run ended, with its problems; nothing if it is closed."""
        with self._database.write() as session:
            if sources.is_open(session, self._run_id):
                run_problems.put_problems(session, self._run_id, self._problems.kept)
                sources.close_run(session, self._run_id, self._clock(), values)


def refresh_stale(
    database: Database,
    clock: Clock,
    on_progress: Callable[[str, int], None] = lambda _phase, _count: None,
) -> int:
    """Refresh every course that scores or a plan have made stale; returns how many.

    One transaction a few courses of a school, whose students they share, so that a
    worker killed in between loses nothing and the next one goes on.
    """
    with database.read() as session:
        stale = roster.load_stale(session.connection())
    refreshed = 0
    for start in range(0, len(stale), AT_ONCE):
        some = stale[start : start + AT_ONCE]
        with database.write() as session:
            mine = roster.claim_stale(session.connection(), some)
            if mine:
                standing.refresh_courses(session, mine, now=clock())
                refreshed += len(mine)
        on_progress("standing", start + len(some))
    return refreshed
