"""huey tasks and the schedule: one line each, calling the rooms of work.

The queue only carries "do it now": what is to be done stands in our own tables, so a
lost queue loses nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from huey import Huey, PostgresHuey, SqliteHuey, crontab
from huey.consumer import Consumer

from lti_tool.errors import BridgeError, ConfigError
from lti_tool.logs import log
from lti_tool.settings import Settings
from lti_tool.storage import outbox, sources
from lti_tool.storage.database import Database
from lti_tool.work import delivery, roster
from lti_tool.work.outside import Outside
from lti_tool.work.roster import SyncOptions

NAME = "masterybridge"
SOON = timedelta(seconds=60)
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
        from huey import RedisHuey  # noqa: PLC0415 -- redis is an extra

        return RedisHuey(NAME, url=url)
    except ImportError as error:
        raise ConfigError(
            "MASTERYBRIDGE_QUEUE_URL names Redis, which is not installed; "
            "install masterybridge[redis]"
        ) from error


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Jobs:
    """The tasks of one installation, and its worker."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.queue = make_queue(settings)
        self._database = database
        self._outside = Outside(settings, database)
        self.deliver = self.queue.task()(self._deliver)
        self.sync = self.queue.task()(self._sync)
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

    def _sync(self, name: str) -> None:
        with self._database.read() as session:
            found = sources.load_source(session, name)
        options = SyncOptions(trigger="schedule")
        try:
            roster.sync(
                self._database,
                found.id,
                lambda: self._outside.feed(found),
                utc_now,
                options,
            )
        except BridgeError as error:
            log().warning("sync not done", source=found.id, code=type(error).__name__)

    def _tick(self) -> None:
        roster.refresh_stale(self._database, utc_now)
        with self._database.read() as session:
            is_due = outbox.has_due(session, utc_now())
        if is_due:
            self._deliver()

    def _nightly(self) -> None:
        with self._database.read() as session:
            names = [one["name"] for one in sources.load_sources(session)]
        for name in names:
            self._sync(name)

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
