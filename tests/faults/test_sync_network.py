"""A sync over a bad network brings what a good one brings, or nothing; so does a kill.

A proxy on a real socket delays, resets, cuts, loses and repeats; a worker of its own
process is killed at a request of the proxy's choice.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from lti_tool.storage.database import Database
from tests.begun import Begun
from tests.faults.desk import Desk
from tests.faults.proxy import KINDS, PASS, Fault, Kind, by_chance, by_number, proxying
from tests.faults.sis import Sis, make_rows, serving

CHILD = """
import json, sys
from datetime import datetime
from pathlib import Path
from lti_tool.storage.database import Database
from tests.faults.desk import Desk
from tests.faults.sis import Sis

database, url, source, now, folder = sys.argv[1:]
moment = datetime.fromisoformat(now)
sis = Sis({}, url=url)
desk = Desk(
    Database(database),
    Path(folder),
    sis,
    moment,
    page_size=10,
    source_id=int(source),
)
ended = desk.sync()
print(json.dumps(ended.told), flush=True)
"""
# What is ours and differs from run to run: our keys and our times.
OURS = {"id", "modified_at", "person_id", "course_id", "assignment_id", "source_id"}


@pytest.fixture
def sis() -> Iterator[Sis]:
    with serving(Sis(make_rows())) as sis:
        yield sis


@pytest.fixture
def desk(database: Database, tmp_path: Path, now: datetime, sis: Sis) -> Desk:
    return Desk(database, tmp_path, sis, now, page_size=10)


def facts(desk: Desk) -> dict[str, Any]:
    """What the source told, without what is ours."""
    return {
        name: desk.rows(table, *(set(table.c.keys()) - OURS))
        for name, table in desk.tables().items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_one_fault_of_each_kind_is_survived(desk: Desk, kind: Kind) -> None:
    fault = Fault(kind, seconds=0.05, octets=150, status=502)
    with proxying(desk.sis.url, by_number({1: fault, 5: fault, 9: fault})) as proxy:
        assert desk.sync(proxy.url).status == "applied"
        assert Counter(one.kind for one in proxy.seen)[kind] == 3
    assert desk.active()["sis_user"] == 61
    desk.now += timedelta(hours=1)
    again = desk.sync()
    assert again.report is not None
    assert again.report.is_nothing


def test_a_fifth_of_all_requests_may_go_wrong(desk: Desk) -> None:
    with proxying(desk.sis.url, by_chance(2026, 0.2)) as proxy:
        assert desk.sync(proxy.url).status == "applied"
        wrong = [one for one in proxy.seen if one.kind != "pass"]
    assert len(wrong) >= 5
    bad = facts(desk)
    desk.now += timedelta(hours=1)
    again = desk.sync()
    assert again.report is not None
    assert again.report.is_nothing
    assert facts(desk) == bad


def test_a_network_that_is_gone_changes_nothing_and_comes_back(
    desk: Desk, begun: Begun
) -> None:
    desk.begin(begun)
    before = desk.contents()
    desk.now += timedelta(hours=1)
    with proxying(desk.sis.url, lambda *_: Fault("reset")) as proxy:
        assert desk.sync(proxy.url).told == ("failed", "no_answer")
        assert len(proxy.seen) <= 12
    # Nobody listens there any more.
    assert desk.sync(proxy.url).told == ("failed", "no_answer")
    assert desk.contents() == before


def offsets(targets: list[str]) -> Counter[tuple[str, str]]:
    """How often each page was asked for."""
    return Counter(
        (urlsplit(one).path, parse_qs(urlsplit(one).query)["offset"][0])
        for one in targets
        if "offset=" in one
    )


def pull_in_a_worker(desk: Desk, url: str) -> subprocess.Popen[str]:
    database = desk.database.engine.url.render_as_string(hide_password=False)
    said = [database, url, str(desk.source_id), desk.now.isoformat(), str(desk.folder)]
    return subprocess.Popen(  # noqa: S603 -- our own interpreter and script
        [sys.executable, "-c", CHILD, *said], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("at", [3, 23])
def test_a_worker_killed_at_a_request_leaves_the_old_state(
    desk: Desk, begun: Begun, at: int
) -> None:
    """At an early or a late request; the next run ends as it should."""
    desk.begin(begun)
    desk.now += timedelta(hours=1)
    for row in desk.sis.rows["users"]:
        row["middleName"] = "X"
    desk.sis.drop("enrollments", "s001@a")
    before = desk.contents()
    with proxying(desk.sis.url, lambda *_: PASS) as proxy:
        child = pull_in_a_worker(desk, proxy.url)

        def kill(number: int, _method: str, _target: str) -> Fault:
            if number == at:
                child.send_signal(signal.SIGKILL)
            return PASS

        proxy.decide = kill
        assert child.wait(120) == -signal.SIGKILL
        if child.stdout is not None:
            child.stdout.close()
        assert desk.contents() == before
        desk.now += timedelta(seconds=90)
        proxy.decide = lambda *_: PASS
        with pull_in_a_worker(desk, proxy.url) as again:
            told = again.communicate(timeout=60)[0].splitlines()[-1]
        assert json.loads(told) == ["applied", ""]
        twice = offsets([one.target for one in proxy.seen])
    assert max(twice.values()) <= 2
    middle = {name for (name,) in desk.rows(desk.tables()["sis_user"], "middle_name")}
    assert middle == {"X"}
    assert desk.status(desk.tables()["enrollment"], "s001@a") == "ended"
