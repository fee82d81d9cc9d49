"""Jobs: the queue carries "do it now", what is to be done stands in our tables."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from huey import PostgresHuey, SqliteHuey
from psycopg import sql
from sqlalchemy import update

from lti_tool.errors import ConfigError
from lti_tool.settings import Settings
from lti_tool.storage import schema
from lti_tool.work.jobs import Jobs, make_queue

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Abroad

# huey reads its schedule by a clock without a zone.
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).replace(tzinfo=None)
NIGHT = NOON.replace(hour=3, minute=15)
SERVER = os.environ.get(
    "MASTERYBRIDGE_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres"
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def queue_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A queue of its own in each kind of database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'queues' / 'queue.sqlite3'}"
        return
    name = f"mb_queue_{uuid.uuid4().hex[:12]}"
    try:
        with psycopg.connect(SERVER, autocommit=True, connect_timeout=30) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.OperationalError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("no PostgreSQL answers (MASTERYBRIDGE_TEST_DATABASE_URL)")
    yield f"{SERVER.rsplit('/', 1)[0]}/{name}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        )


# huey's threads leave their own PostgreSQL connections to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_delivery_goes_through_the_queue(
    abroad: Abroad, queue_url: str, tmp_path: Path
) -> None:
    room = abroad.room
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.refresh()
    room.switch("ags")
    settings = Settings(
        data_dir=tmp_path,
        secret_key_file=tmp_path / "secret.key",
        local_network="127.0.0.1",
        queue_url=queue_url,
    )
    jobs = Jobs(settings, room.database)
    wanted = SqliteHuey if queue_url.startswith("sqlite") else PostgresHuey
    assert isinstance(jobs.queue, wanted)
    worker = jobs.embedded_worker()
    worker.start()
    try:
        jobs.deliver()
        _wait_until_delivered(abroad)
    finally:
        worker.stop(graceful=True)
        jobs.queue.storage.close()
    assert abroad.lms_grades() == {("7.A", "lms-ana"): 3.6}


def _wait_until_delivered(abroad: Abroad) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if {row[3] for row in abroad.room.deliveries()} == {"delivered"}:
            return
        time.sleep(0.05)
    pytest.fail(f"not delivered in time: {abroad.room.deliveries()}")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "carrier-pigeon://loft",
            (
                "MASTERYBRIDGE_QUEUE_URL begins with none of sqlite:///, "
                "postgresql://, redis://"
            ),
        ),
    ],
)
def test_a_queue_of_no_kind_we_know_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_queue(Settings(queue_url=url))
    assert str(caught.value) == message


def test_a_short_fault_is_tried_again_within_seconds(
    abroad: Abroad, tmp_path: Path
) -> None:
    room = abroad.room
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.refresh()
    room.switch("ags")
    abroad.lms_proxy.play("POST", "/scores")
    settings = Settings(
        data_dir=tmp_path,
        secret_key_file=tmp_path / "secret.key",
        local_network="127.0.0.1",
    )
    jobs = Jobs(settings, room.database)
    jobs.deliver.call_local()
    assert {row[3] for row in room.deliveries()} == {"pending"}
    ((due_at,),) = room.rows(schema.delivery, "due_at")
    assert due_at - datetime.now(UTC) < timedelta(seconds=3)
    (planned,) = jobs.queue.pending()
    assert planned.name == "_deliver"
    assert planned.eta - datetime.now(UTC).replace(tzinfo=None) < timedelta(seconds=3)
    jobs.queue.storage.close()


def test_the_tick_sends_what_is_due_and_pulls_the_sources_whose_hour_came(
    abroad: Abroad, tmp_path: Path
) -> None:
    room = abroad.room
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.switch("ags")
    settings = Settings(
        data_dir=tmp_path,
        secret_key_file=tmp_path / "secret.key",
        local_network="127.0.0.1",
    )
    jobs = Jobs(settings, room.database)
    noon = {one.name: one for one in jobs.queue.read_periodic(NOON)}
    night = {one.name: one for one in jobs.queue.read_periodic(NIGHT)}
    assert (sorted(noon), sorted(night)) == (["_tick"], ["_nightly", "_tick"])
    noon["_tick"].execute()
    assert {row[3] for row in room.deliveries()} == {"delivered"}
    abroad.sis_proxy.play("GET", "", times=99, status="403 Forbidden")
    with room.database.write() as session:
        session.execute(update(schema.source).values(next_at=datetime.now(UTC)))
    noon["_tick"].execute()
    (ordered,) = [one for one in jobs.queue.pending() if one.name == "_sync"]
    ordered.execute()
    assert [status for (status,) in room.rows(schema.run, "status")] == ["failed"]
    night["_nightly"].execute()
    assert len(room.rows(schema.run, "status")) == 1
    jobs.queue.storage.close()
