"""An order that becomes no run leaves its reason; one that failed has a run to tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from lti_tool.settings import Settings
from lti_tool.storage import refused_orders, sources
from lti_tool.storage.database import Database
from lti_tool.work.jobs import Jobs
from lti_tool.work.orders import Order

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def jobs(sqlite_database: Database, tmp_path: Path) -> Iterator[Jobs]:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    settings = Settings(data_dir=tmp_path, secret_key_file=key)
    jobs = Jobs(settings, sqlite_database)
    jobs.queue.immediate = True
    values = {"name": "sis", "kind": "csv", "location": str(tmp_path / "gone")}
    with sqlite_database.write() as session:
        sources.add_source(session, values, LONG_AGO)
    yield jobs
    structlog.reset_defaults()


def refused(database: Database) -> dict[str, str] | None:
    with database.read() as session:
        return refused_orders.find_refused(session, 1, since=LONG_AGO)


def test_an_order_beside_another_run_says_that_one_goes_on(
    jobs: Jobs, sqlite_database: Database
) -> None:
    now = datetime.now(UTC)
    with sqlite_database.write() as session:
        sources.open_run(session, 1, "by_hand", now)
    jobs.sync("sis")  # by schedule: nobody waits for an answer
    assert refused(sqlite_database) is None
    jobs.order(Order(source="sis"))
    why = refused(sqlite_database)
    assert why is not None
    assert why["code"] == "busy"
    with sqlite_database.read() as session:
        assert refused_orders.find_refused(session, 1, since=datetime.now(UTC)) is None


def test_a_run_that_failed_tells_itself(jobs: Jobs, sqlite_database: Database) -> None:
    jobs.order(Order(source="sis"))
    with sqlite_database.read() as session:
        statuses = [one["status"] for one in sources.load_runs(session)]
    assert (statuses, refused(sqlite_database)) == (["failed"], None)
