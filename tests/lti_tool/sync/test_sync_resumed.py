"""A run that was cut off is gone on with; what did not change is not read again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from lti_tool.storage import cursors, schema, staging_areas
from lti_tool.storage.database import Database
from tests.begun import Begun
from tests.faults.desk import Desk
from tests.faults.sis import Asked, Reply, Sis, make_rows, serving, user

CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from lti_tool.storage.database import Database
from tests.begun import Begun
from tests.faults.desk import Desk
from tests.faults.sis import Sis

database, url, source_id, now = sys.argv[1:]
desk = Desk.__new__(Desk)
desk.database, desk.sis = Database(database), Sis({}, url=url)
desk.source_id, desk.now = int(source_id), datetime.fromisoformat(now)
desk.page_size, desk.waits, desk.wanted = 25, [], {}
desk.sync()
"""
ROOT = Path(__file__).parents[3]


@pytest.fixture
def sis() -> Iterator[Sis]:
    with serving(Sis(make_rows())) as sis:
        yield sis


@pytest.fixture
def desk(database: Database, tmp_path: Path, now: datetime, sis: Sis) -> Desk:
    return Desk(database, tmp_path, sis, now)


def cut(_asked: Asked, usual: Reply) -> Reply:
    return Reply(usual.status, usual.body, usual.headers, cut=200)


def pages(sis: Sis, name: str) -> list[str]:
    return [one.query["offset"] for one in sis.asked if one.name == name]


def kinds(desk: Desk) -> list[str]:
    with desk.database.read() as session:
        return list(session.scalars(select(schema.run.c.kind).order_by("id")))


def mend(desk: Desk) -> None:
    desk.sis.plays.clear()
    desk.sis.asked.clear()
    desk.now += timedelta(minutes=20)


def test_a_run_goes_on_where_another_was_cut_off(desk: Desk) -> None:
    desk.sis.play("users", cut, skip=1)
    assert desk.sync().told == ("failed", "no_answer")
    first = pages(desk.sis, "users")
    assert set(first) == {"0", "25"}
    mend(desk)
    assert desk.sync().status == "applied"
    # The last row that had come is asked for again: it proves that nothing moved.
    assert pages(desk.sis, "users") == ["24", "49"]
    assert not desk.sis.counts().keys() & {"orgs", "academicSessions", "courses"}
    assert desk.active()["sis_user"] == len(desk.sis.rows["users"])
    assert staging_areas.load_areas(desk.database) == []


def test_a_collection_that_moved_meanwhile_is_read_anew(desk: Desk) -> None:
    desk.sis.play("users", cut, skip=1)
    desk.sync()
    desk.sis.rows["users"].insert(0, user("a-new"))
    mend(desk)
    assert desk.sync().status == "applied"
    assert pages(desk.sis, "users")[:2] == ["24", "0"]
    assert desk.active()["sis_user"] == len(desk.sis.rows["users"])


def test_what_was_staged_a_day_ago_is_thrown_away(desk: Desk) -> None:
    desk.sis.play("users", cut, skip=1)
    desk.sync()
    mend(desk)
    desk.now += timedelta(days=1)
    assert desk.sync().status == "applied"
    assert pages(desk.sis, "users")[0] == "0"
    assert desk.sis.counts()["orgs"]


def test_a_person_stops_a_run_after_its_page(desk: Desk) -> None:
    def stop(_asked: Asked, usual: Reply) -> Reply:
        with desk.database.write() as session:
            session.execute(update(schema.run).values(stop_asked=True))
        return usual

    desk.sis.play("users", stop, times=1)
    ended = desk.sync()
    assert ended.status == "stopped"
    assert desk.newest()["status"] == "stopped"
    assert desk.active()["sis_user"] == 0
    mend(desk)
    assert desk.sync().status == "applied"
    assert pages(desk.sis, "users")[0] == "24"


def knows_delta(desk: Desk) -> None:
    for rows in desk.sis.rows.values():
        for row in rows:
            row["dateLastModified"] = "2026-01-01T00:00:00.000Z"
    assert desk.sync().status == "applied"
    desk.change_source(profile={"delta": True})
    desk.sis.asked.clear()
    desk.now += timedelta(hours=20)


def stamp(desk: Desk, sourced_id: str, **fields: object) -> None:
    stamped = desk.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    row = desk.sis.find("users", sourced_id)
    row.update(fields, dateLastModified=stamped)


def test_only_changes_are_asked_for_where_that_is_honoured(desk: Desk) -> None:
    knows_delta(desk)
    began = desk.now - timedelta(hours=20)
    stamp(desk, "s001", givenName="Changed")
    ended = desk.sync()
    assert ended.status == "applied"
    assert kinds(desk)[-1] == "delta"
    asked = next(one for one in desk.sis.asked if one.name == "users")
    since = (began - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert asked.query["filter"] == f"dateLastModified>='{since}'"
    assert ended.report is not None
    assert ended.report.counts["users"] == 1
    found = dict(desk.rows(schema.sis_user, "sourced_id", "given_name"))
    assert found["s001"] == "Changed"
    assert desk.active()["sis_user"] == len(desk.sis.rows["users"])


def test_a_delta_ends_what_says_so_and_nothing_that_is_absent(desk: Desk) -> None:
    knows_delta(desk)
    stamp(desk, "s001", status="tobedeleted")
    before = desk.active()["sis_user"]
    ended = desk.sync()
    assert ended.status == "applied"
    assert ended.ends("users") == 1
    assert desk.active()["sis_user"] == before - 1


def test_a_week_later_or_when_told_everything_is_read(desk: Desk) -> None:
    knows_delta(desk)
    assert desk.sync(is_full=True).status == "applied"
    desk.now += timedelta(days=1)
    desk.sync()
    desk.now += timedelta(days=6)
    desk.sync()
    assert kinds(desk) == ["full", "full", "delta", "full"]


def test_a_date_of_another_age_does_not_move_the_cursor(desk: Desk) -> None:
    knows_delta(desk)
    desk.sis.find("users", "s002")["dateLastModified"] = "9999-12-31T00:00:00.000Z"
    desk.sync()
    with desk.database.read() as session:
        state = cursors.load_state(session, desk.source_id)
    assert state.reaches["users"].cursor_at == desk.now


def test_a_token_that_sees_nothing_removes_no_one(desk: Desk, begun: Begun) -> None:
    desk.begin(begun)
    before = desk.active()
    for rows in desk.sis.rows.values():
        rows.clear()
    mend(desk)
    assert desk.sync().told == ("failed", "empty")
    assert desk.active() == before
    mend(desk)
    desk.sync()
    assert desk.sis.counts()["users"]


def test_a_file_that_was_applied_is_not_read_again(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    desk = Desk(database, tmp_path, Sis(make_rows()), now, kind="csv")
    path = desk.bundle()
    assert desk.sync_files(path).status == "applied"
    again = desk.sync_files(path)
    assert again.report is not None
    assert again.report.is_nothing
    assert again.report.counts.get("users") is None
    full = desk.sync_files(path, is_full=True)
    assert full.report is not None
    assert full.report.counts["users"] == len(desk.sis.rows["users"])


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_while_a_service_is_read_repeats_one_page_at_most(
    desk: Desk, begun: Begun, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 -- where to kill, no secret
    desk.begin(begun)
    before = facts(desk)
    for row in desk.sis.rows["users"]:
        row["givenName"] = "Changed"
    desk.now += timedelta(minutes=5)
    desk.sis.asked.clear()
    url = desk.database.engine.url.render_as_string(hide_password=False)
    said = [url, desk.sis.url, str(desk.source_id), desk.now.isoformat()]
    most = chance.randrange(3, 14)
    with subprocess.Popen(  # noqa: S603 -- our own interpreter and script
        [sys.executable, "-c", CHILD, *said], cwd=ROOT
    ) as child:
        over_at = time.monotonic() + 240
        while len(desk.sis.asked) < most and child.poll() is None:
            assert time.monotonic() < over_at
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
    assert facts(desk) in (before, before | {"given_name": ["Changed"]})
    desk.now += timedelta(seconds=90)
    assert desk.sync().status == "applied"
    assert facts(desk) == before | {"given_name": ["Changed"]}
    # A page gone on with begins one row earlier.
    twice = Counter(
        (one.name, -(-int(one.query["offset"]) // 25))
        for one in desk.sis.asked
        if "offset" in one.query
    )
    assert sum(count - 1 for count in twice.values()) <= 1


def facts(desk: Desk) -> dict[str, Any]:
    given = {name for (name,) in desk.rows(schema.sis_user, "given_name")}
    return {**desk.active(), "given_name": sorted(given)}
