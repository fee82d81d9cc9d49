"""A worker killed while it plans or applies leaves the old state or the new one."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from lti_tool.demo.school import make_school
from lti_tool.storage import schema, sources
from lti_tool.storage.database import Database
from lti_tool.work import roster
from lti_tool.work.feeds import BundleFeed
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import MemoryCatalog
from tests.lti_tool.sync.conftest import Sis

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from lti_tool.storage import plans
from lti_tool.storage.database import Database
from lti_tool.work import roster
from lti_tool.work.feeds import BundleFeed

url, bundle, now = sys.argv[1:]
said = roster.SyncOptions(on_progress=lambda phase, _: print(phase, flush=True))
clock = lambda: datetime.fromisoformat(now)
roster.sync(Database(url), 1, lambda: BundleFeed(Path(bundle)), clock, said)
"""
# Stands still before the first statement that begins so, for the kill to find it there.
STANDS = """
import re, sys, time
from datetime import datetime
from pathlib import Path
from sqlalchemy import Engine, event
from lti_tool.storage import plans
from lti_tool.storage.database import Database
from lti_tool.work import roster
from lti_tool.work.feeds import BundleFeed

url, bundle, now, point = sys.argv[1:]

def stand(statement):
    if re.match(point, statement):
        print("here", flush=True)
        time.sleep(60)

@event.listens_for(Engine, "before_cursor_execute")
def hear(connection, cursor, statement, *more):
    stand(statement)

# The rows of a plan go past SQLAlchemy: nobody is told of their statement.
put_tuples = plans.put_tuples
def put(connection, table, *more):
    stand(f"INSERT INTO {table}")
    put_tuples(connection, table, *more)
plans.put_tuples = put

clock = lambda: datetime.fromisoformat(now)
roster.sync(Database(url), 1, lambda: BundleFeed(Path(bundle)), clock)
"""
POINTS = {
    "check": r"CREATE (UNIQUE )?INDEX .*stage_",
    "plan": "INSERT INTO run_move",
    "last rows": "INSERT INTO score",
    "end of the run": "UPDATE run SET .*ended_at",
}
LIVE = ("sis_user", "sis_class", "enrollment", "assignment", "score", "person", "seat")


def contents(database: Database) -> dict[str, list[Any]]:
    with database.engine.connect() as connection:
        return {
            name: connection.execute(
                select(schema.metadata.tables[name]).order_by(
                    schema.metadata.tables[name].c.id
                )
            ).all()
            for name in LIVE
        }


def pull(path: Path, bundle: Path, at: datetime) -> tuple[str, dict[str, list[Any]]]:
    database = Database(f"sqlite:///{path}")
    report = roster.sync(database, 1, lambda: BundleFeed(bundle), lambda: at)
    found = contents(database)
    database.close()
    return report.status, found


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A school, and the same with every score and name changed."""
    folder = tmp_path_factory.mktemp("bundles")
    school = make_school(size="school", today=date(2026, 11, 24))
    records = {name: list(found) for name, found in school.collections().items()}
    write_bundle(folder / "old", MemoryCatalog(records), collections=list(records))
    records["results"] = [
        one.model_copy(update={"comment": "seen"}) for one in records["results"]
    ]
    records["users"] = [
        one.model_copy(update={"middle_name": "X"}) for one in records["users"]
    ]
    records["enrollments"] = records["enrollments"][:-8]
    write_bundle(folder / "new", MemoryCatalog(records), collections=list(records))
    return folder / "old", folder / "new"


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """An empty database with one source."""
    path = tmp_path / "start.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    values = {"name": "sis", "kind": "csv", "location": "here"}
    with database.write() as session:
        sources.add_source(session, values, NOW)
    database.close()
    return path


def pull_and_die(path: Path, bundle: Path, seconds: float) -> dict[str, list[Any]]:
    """Kill a worker so long after it began to apply; gives what is left."""
    command = [sys.executable, "-c", CHILD, f"sqlite:///{path}", bundle]
    with subprocess.Popen(  # noqa: S603 -- our own interpreter and script
        [*command, NOW.isoformat()], stdout=subprocess.PIPE, text=True
    ) as child:
        for line in child.stdout or ():
            if line == "apply\n":
                break
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
    database = Database(f"sqlite:///{path}")
    left = contents(database)
    database.close()
    return left


def test_a_kill_during_apply_leaves_the_old_or_the_new_state(
    bundles: tuple[Path, Path], start: Path, tmp_path: Path
) -> None:
    old, new = bundles
    _, before = pull(start, old, NOW)
    whole = tmp_path / "whole.sqlite3"
    shutil.copy(start, whole)
    _, after = pull(whole, new, NOW)
    assert before != after
    for trial in range(5):
        path = tmp_path / f"trial-{trial}.sqlite3"
        shutil.copy(start, path)
        left = pull_and_die(path, new, trial * 0.08)
        assert left in (before, after)
        assert trial or left == before
        again = pull(path, new, NOW + timedelta(seconds=90))
        assert again == ("applied", after)


def kill_at(sis: Sis, bundle: Path, point: str) -> None:
    """Kill a worker as it is about to say a statement."""
    url = sis.database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", STANDS, url, str(bundle), sis.now.isoformat()]
    with subprocess.Popen(  # noqa: S603 -- our own interpreter and script
        [*command, point], stdout=subprocess.PIPE, text=True
    ) as child:
        said = child.stdout.read(4) if child.stdout else ""
        child.send_signal(signal.SIGKILL)
    assert said == "here"


def test_a_kill_at_any_step_leaves_the_old_state_and_the_next_sync_ends(
    sis: Sis,
) -> None:
    sis.crowd(20)
    old = sis.bundle()
    sis.change("users", "1", middle_name="X")
    sis.put("users", sis.user("9"))
    sis.change("results", "r1", score=5.0)
    sis.drop("enrollments", "3@a")
    new = sis.bundle()
    sis.sync(old)
    # There and back: each step is a kill, and the sync after it.
    for point, bundle in zip(POINTS.values(), cycle((new, old)), strict=False):
        before = sis.contents()
        kill_at(sis, bundle, point)
        assert sis.contents() == before, point
        report = sis.sync(bundle, at=sis.later(90), accept_ends=True)
        assert report.status == "applied", point
        assert sis.contents() != before
