"""huey tasks and the schedule: one line each, calling the rooms of work.

The queue only carries "do it now": what is to be done stands in our own tables, so a
lost queue loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey, crontab
from huey.consumer import Consumer
from huey.exceptions import ConfigurationError

from lti_tool.errors import BridgeError, ConfigError
from lti_tool.logs import log
from lti_tool.settings import Settings
from lti_tool.storage import (
    delivery_plans,
    keys,
    lms_readings,
    outbox,
    placements,
    recomputes,
    refusals,
    refused_orders,
    remnants,
    run_pages,
    seats,
    sendings,
    sources,
    trials,
)
from lti_tool.storage import notices as stored_notices
from lti_tool.storage.database import Database
from lti_tool.storage.sources import Source
from lti_tool.work import (
    ageing,
    delivery,
    forecasts,
    framework_orders,
    lms_reading,
    meaning,
    notices,
    recomputing,
    reconciling,
    retries,
    roster,
    source_looks,
    suggesting,
    timely,
)
from lti_tool.work.feeds import Feed
from lti_tool.work.orders import Order
from lti_tool.work.outside import Outside
from lti_tool.work.roster import SyncOptions

NAME = "masterybridge"
SCHEDULE = "schedule"  # who asks, where nobody does
SCHEDULED = SyncOptions(trigger=SCHEDULE)
SOON = timedelta(seconds=60)
# Whose teacher opened us gets a new class list when the last is as old as this.
MEMBERS_FRESH = timedelta(hours=1)
# A launch asks for no class list any more, and a course is pulled nightly no more.
LAUNCH_SPEAKS = timedelta(days=1)
IN_USE = timedelta(days=60)
AT_ONCE = timedelta(seconds=1)


def make_queue(settings: Settings) -> Huey:
    """Return the queue that MASTERYBRIDGE_QUEUE_URL names.

    Raises:
        ConfigError: it is of no kind we know, or redis is not installed.
    """
    url = settings.queue
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey(NAME, filename=str(path))
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresHuey(NAME, dsn=url)
    if url.startswith(("redis://", "rediss://")):
        return _redis(url)
    raise ConfigError(
        "MASTERYBRIDGE_QUEUE_URL begins with none of sqlite:///, postgresql://, redis://"
    )


def _redis(url: str) -> Huey:
    try:
        return RedisHuey(NAME, url=url)
    except ConfigurationError as error:  # redis is an extra
        raise ConfigError(
            "MASTERYBRIDGE_QUEUE_URL names Redis, which is not installed; "
            "install masterybridge[redis]"
        ) from error


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def _options(order: Order) -> SyncOptions:
    return SyncOptions(
        trigger=roster.RETRY if order.is_retry else "by_hand",
        is_dry_run=order.is_dry_run,
        is_full=order.is_full,
        accept=order.accept,
        is_without_ends=order.is_without_ends,
        of_run_id=order.of_run_id,
    )


class Jobs:
    """The tasks of one installation, and its worker."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.queue = make_queue(settings)
        self._settings = settings
        self._database = database
        self._outside = Outside(settings, database)
        self.deliver = self.queue.task()(self._deliver)
        self.sync = self.queue.task()(self._sync)
        self.pull = self.queue.task()(self._pull)
        self.look = self.queue.task()(self._look)
        self.import_framework = self.queue.task()(self._import_framework)
        self.recompute = self.queue.task()(self._recompute)
        self.read_meaning = self.queue.task()(self._read_meaning)
        self.read_frameworks = self.queue.task()(self._read_frameworks)
        self.plan = self.queue.task()(self._plan)
        self.read_grades = self.queue.task()(self._read_grades)
        self.reconcile = self.queue.task()(self._reconcile)
        every_minute = crontab(minute="*")
        nightly = crontab(hour="3", minute="15")
        self.queue.periodic_task(every_minute)(self._tick)
        self.queue.periodic_task(nightly)(self._nightly)

    def _deliver(self) -> None:
        ended = delivery.deliver(self._database, self._outside.connect, utc_now)
        if ended:
            log().info("outcomes delivered", **dict(ended))
        # A short fault is tried again within seconds; the tick is for long ones.
        with self._database.read() as session:
            due_at = outbox.load_next_due(session)
        if due_at is not None and due_at - utc_now() < SOON:
            self.deliver.schedule(eta=max(due_at, utc_now() + AT_ONCE))

    def _plan(self, plan_id: int) -> None:
        forecasts.carry_out(self._database, self._outside.connect, plan_id, utc_now)

    def _read_grades(self, placement_id: int, *, is_asked: bool = True) -> None:
        """Read a course of an LMS, because somebody waits for it or by night."""
        read = lms_reading.read_ordered if is_asked else lms_reading.read
        try:
            read(self._database, self._outside.gradebook, placement_id, utc_now)
        except BridgeError as error:  # the course says why
            kind = type(error).__name__
            log().warning("grades not read", placement=placement_id, code=kind)
        self._deliver()  # what moved a level

    def _reconcile(self, who: str = SCHEDULE) -> None:
        reconciling.reconcile(self._database, self._outside.connect, utc_now, who=who)
        self._deliver()  # what a new maximum of a column made wrong

    def order(self, order: Order) -> None:
        """Hand an administrator's order to the worker."""
        self.sync(order.source, asdict(order))

    def _sync(self, name: str, order: dict[str, Any] | None = None) -> None:
        with self._database.read() as session:
            found = sources.load_source(session, name)
            newest = run_pages.last_id(session, found.id)
        options = _options(Order(**order)) if order else SCHEDULED
        try:
            open_feed = self._feed_of(found, Order(**order) if order else None)
            roster.sync(self._database, found.id, open_feed, utc_now, options)
        except BridgeError as error:
            log().warning("sync not done", source=found.id, code=type(error).__name__)
            if order:
                self._tell_refused(found.id, newest, error)

    def _tell_refused(self, source_id: int, newest: int, error: BridgeError) -> None:
        """Tell whoever ordered a sync why none began; a failed run tells itself."""
        why = {"code": str(getattr(error, "code", "")), "text": str(error)}
        with self._database.write() as session:
            if run_pages.last_id(session, source_id) == newest:
                refused_orders.put_refused(session, source_id, why, now=utc_now())

    def _feed_of(self, found: Source, order: Order | None) -> Callable[[], Feed]:
        """What opens the source: whole, or for what a run left out."""
        if order is None or not order.is_retry or order.of_run_id is None:
            return lambda: self._outside.feed(found)
        with self._database.read() as session:
            wanted = retries.picks(session, order.of_run_id)
        return lambda: retries.retry_feed(self._outside, found, wanted)

    def _look(self, source_id: int, kind: str) -> None:
        source_looks.look(self._database, self._outside, source_id, kind, utc_now)

    def _import_framework(self, order_id: int) -> None:
        framework_orders.carry_out(self._database, self._settings, order_id, utc_now)
        self._recompute()

    def _recompute(self) -> None:
        recomputing.carry_out(self._database, utc_now)

    def _read_meaning(self, course_id: int) -> None:
        meaning.prepare_course(self._database, course_id, now=utc_now())

    def _read_frameworks(self) -> None:
        """Read a slice of what was imported; the rest behind what else waits."""
        if meaning.read_some(self._database, now=utc_now()):
            self.read_frameworks()

    def _take_over(self) -> None:
        """Let a signing key whose rotation waited sign, once platforms know it."""
        now = utc_now()
        with self._database.read() as session:
            is_due = keys.is_due(session, now=now)
        if is_due:
            secret_key = self._settings.load_secret_key()
            with self._database.write() as session:
                kid = keys.take_over(session, secret_key, now=now)
            log().info("signing key rotated", kid=kid)

    def _pull(self, placement_id: int, *, is_nightly: bool = False) -> None:
        self._outside.pull_members(
            placement_id, is_asked=is_nightly, is_full=is_nightly
        )

    def _sync_timely(self) -> None:
        """Pull the sources whose hour has come, each once however many were missed."""
        for name in timely.take_due(self._database, utc_now()):
            self.sync(name)

    def _tick(self) -> None:
        self._take_over()
        self._sync_timely()
        roster.refresh_stale(self._database, utc_now)
        now = utc_now()
        self._outside.subscribe_notices(now=now)
        with self._database.read() as session:
            is_due = outbox.has_due(session, now)
            is_ordered = recomputes.has_waiting(session)
            waiting = lms_readings.load_ordered(session, now=now)
            wanted = placements.placements_to_pull(
                session,
                pulled_before=now - MEMBERS_FRESH,
                launched_after=now - LAUNCH_SPEAKS,
            )
        if is_due:
            self._deliver()
        if is_ordered:
            self.recompute()
        for placement_id in wanted:
            self.pull(placement_id)
        for placement_id in waiting:
            self.read_grades(placement_id)
        self._read_frameworks()

    def _nightly(self) -> None:
        with self._database.write() as session:
            refusals.prune(session, now=utc_now())
            remnants.sweep_remnants(session, now=utc_now())
            seats.close_leaving(session, today=utc_now().date())
        with self._database.write() as session:
            trials.sweep_trials(session, now=utc_now())
            stored_notices.sweep_notices(session, before=utc_now() - notices.KEPT)
            run_pages.sweep_runs(session, now=utc_now())
        with self._database.read() as session:
            since = utc_now() - IN_USE
            in_use = placements.placements_in_use(session, launched_after=since)
            read = lms_readings.load_due(session, launched_after=since)
        timely.sweep_areas(self._database, utc_now())
        with self._database.write() as session:
            sendings.release_nightly(session, utc_now())
            delivery_plans.sweep_plans(session, now=utc_now())
        self.deliver()
        self.reconcile()
        self._suggest()
        ageing.refresh_aged(self._database, utc_now)
        for placement_id in in_use:
            self.pull(placement_id, is_nightly=True)
        for placement_id in read:
            self.read_grades(placement_id, is_asked=False)

    def _suggest(self) -> None:
        """Learn from the choices made, and work suggestions out by meaning."""
        with self._database.write() as session:
            suggesting.learn(session, now=utc_now())
        meaning.prepare_all(self._database, now=utc_now())

    def worker(self, concurrency: int) -> Consumer:
        """Return a worker of so many threads; call run(), or start() and stop()."""
        return Consumer(self.queue, workers=concurrency, periodic=True)

    def embedded_worker(self) -> Consumer:
        """Return a worker for a process that has its own way to end."""
        return _Guest(self.queue, workers=1, periodic=True)


class _Guest(Consumer):  # type: ignore[misc] # huey ships no types
    """A worker in somebody else's process: Ctrl+C is not its to catch."""

    def _set_signal_handlers(self) -> None:
        """Leave the signals to the host."""
