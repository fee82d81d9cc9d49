"""What real systems sent arrives complete, in whatever manner it is served.

The pages of Ed-Fi's server are replayed over a real socket without Link and
X-Total-Count, as they were recorded, and beyond that with lower caps, a limit of 100
requests a minute, and connections that drop. Ed-Fi's sample bundles are read as they
lie.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lti_tool.storage import schema
from lti_tool.storage.database import Database
from lti_tool.work.feeds import RestFeed
from lti_tool.work.roster import SyncReport
from oneroster.auth import BearerKey
from oneroster.catalog import MemoryCatalog
from oneroster.client import Client
from oneroster.provider import blueprint
from oneroster.provider_replies import Manners
from oneroster.service import Service
from oneroster.transport import Patience
from tests.begun import Begun
from tests.faults.desk import Desk
from tests.faults.replay import Recording, Replay, replaying
from tests.faults.sis import Sis as SisRows
from tests.faults.sis import make_rows
from tests.lti_tool.sync.conftest import Host, Sis

TABLES = {
    "orgs": schema.org,
    "academicSessions": schema.term,
    "courses": schema.sis_course,
    "classes": schema.sis_class,
    "users": schema.sis_user,
    "enrollments": schema.enrollment,
    "demographics": schema.demographics,
}
RECORDED = {
    "orgs": 2,
    "academicSessions": 5,
    "courses": 60,
    "classes": 240,
    "users": 1780,
    "enrollments": 12240,
    "demographics": 1500,
}
REASON = "to count what arrives"


@dataclass
class Clock:
    """A clock that moves when somebody waits, and by a little with each look."""

    seconds: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        self.seconds += 0.05
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds


@dataclass(frozen=True)
class Way:
    """How the recording is served, and what we ask for."""

    cap: int = 500
    limit: int = 500
    per_minute: int | None = None
    drops: frozenset[int] = frozenset()


WAYS = {
    "capped at 500 unsaid": Way(limit=1000),
    "capped at 100 unsaid": Way(cap=100, limit=1000),
    "pages of an odd size": Way(limit=333),
    "100 requests a minute": Way(cap=100, limit=100, per_minute=100),
    "connections that drop": Way(cap=250, drops=frozenset({3, 4, 9, 20, 21, 22})),
}


@pytest.fixture(scope="module")
def recording(shared_data: Path) -> Recording:
    return Recording.load(shared_data / "oneroster" / "edfi-oneroster-recorded")


def stored(sis: Sis) -> dict[str, int]:
    return {name: len(sis.rows(table, "id")) for name, table in TABLES.items()}


def facts(sis: Sis) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: sis.rows(table, "sourced_id", "status", "fingerprint")
        for name, table in TABLES.items()
    }


def pull_recorded(sis: Sis, recording: Recording, way: Way) -> SyncReport:
    """Pull it in one manner: all of it arrives, however often it was pulled before."""
    clock = Clock()
    served = Replay(recording, way.cap, way.per_minute, way.drops, clock)

    def open_feed() -> RestFeed:
        client = Client(
            Service.at(served.url, "1.2"),
            auth=BearerKey("key"),
            page_size=way.limit,
            patience=Patience(sleep=clock.wait),
        )
        return RestFeed(client)

    with replaying(served):
        report = sis.pull(open_feed, demographics_reason=REASON)
        assert report.status == "applied"
        assert set(report.problems) == {"not_served"}
        assert stored(sis) == RECORDED
        # What was asked for twice is what was dropped, and the last, empty pages.
        pages = -(-RECORDED["enrollments"] // min(way.limit, way.cap))
        assert served.pages["enrollments"] <= pages + 1 + len(way.drops)
        assert len(clock.waits) == len(way.drops) + served.answered[429]
        assert bool(served.answered[429]) == (way.per_minute is not None)
    return report


def test_a_recorded_service_arrives_complete(sis: Sis, recording: Recording) -> None:
    assert not pull_recorded(sis, recording, Way()).is_nothing
    before = facts(sis)
    again = pull_recorded(sis, recording, Way())
    assert (again.is_nothing, again.written) == (True, 0)
    assert facts(sis) == before
    # 500 students attend two schools: two sourcedIds, never merged unasked.
    assert len(sis.rows(schema.person, "id")) == 1780
    assert len(set(sis.rows(schema.sis_user, "identifier"))) == 1280
    # No class has a title, so that each course goes by its code.
    codes = {code for (code,) in sis.rows(schema.sis_class, "class_code")}
    assert {title for (title,) in sis.rows(schema.course, "title")} == codes


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_recorded_service_arrives_complete_however_it_is_served(
    sqlite_database: Database,
    tmp_path: Path,
    now: datetime,
    recording: Recording,
    begun: Begun,
    way: Way,
) -> None:
    """What another manner brought, this one brings too: no record more, less, other."""
    sis = Sis(sqlite_database, tmp_path, now)
    begun("recorded", sis.database, lambda: pull_recorded(sis, recording, Way()))
    before = facts(sis)
    again = pull_recorded(sis, recording, way)
    assert {name: again.counts[name] for name in RECORDED} == RECORDED
    assert (again.is_nothing, again.written) == (True, 0)
    assert facts(sis) == before


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_sample_bundle_arrives_complete(
    sis: Sis, shared_data: Path, version: str
) -> None:
    folder = shared_data / "oneroster" / "edfi-lms-toolkit" / f"v{version}"
    expected = {}
    for name in TABLES:
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8-sig") as file:
            expected[name] = sum(1 for row in csv.DictReader(file) if any(row.values()))
    # The 1.1 bundle speaks of the autumn of 2020; 1.0 has no dates.
    autumn = datetime(2020, 10, 1, tzinfo=UTC)
    report = sis.sync(folder, at=autumn, demographics_reason=REASON)
    assert report.status == "applied"
    assert stored(sis) == expected
    seated = sis.rows(schema.seat, "person_id")
    assert set(seated) == set(sis.rows(schema.sis_user, "person_id"))
    again = sis.sync(folder, at=autumn, demographics_reason=REASON)
    assert (again.is_nothing, again.written) == (True, 0)


MANNERS = {
    "as the standard has it": Manners(),
    "capped at 7": Manners(page_cap=7),
    "no Link": Manners(sends_link=False),
    "no total": Manners(sends_total=False),
    "neither": Manners(sends_link=False, sends_total=False, page_cap=7),
    "no order": Manners(honours_sort=False),
    "no filter": Manners(honours_filter=False, sends_link=False),
    "names of fields taken as they come": Manners(refuses_unknown_fields=False),
    "codes in one line": Manners(nests_code_minor=False),
    "tokens of a minute": Manners(token_seconds=60),
    "credentials in the form": Manners(credential_ways=frozenset({"form"})),
    "1.1 beside 1.2": Manners(versions=("1.1", "1.2")),
}


def a_desk(database: Database, folder: Path, now: datetime) -> Desk:
    return Desk(database, folder, SisRows(make_rows()), now)


@pytest.mark.parametrize("manners", MANNERS.values(), ids=MANNERS.keys())
def test_a_service_of_ours_is_tested_and_then_pulled_in_every_manner(
    sqlite_database: Database,
    tmp_path: Path,
    now: datetime,
    host: Host,
    manners: Manners,
) -> None:
    desk = a_desk(sqlite_database, tmp_path, now)
    app = Flask("sis")
    catalog = MemoryCatalog(desk.records())
    app.register_blueprint(blueprint(catalog, clients={"us": "word"}, manners=manners))
    url = host(app)
    is_form = manners.credential_ways == {"form"}
    desk.move(
        url, token_url=f"{url}{manners.token_url}", auth="form" if is_form else "basic"
    )
    checks = desk.test()
    assert "fail" not in checks.values()
    profile = desk.source("profile")
    assert (profile["links"], profile["total"]) == (
        manners.sends_link,
        manners.sends_total,
    )
    assert profile["sorts"] == manners.honours_sort
    assert profile["delta"] == manners.honours_filter
    assert profile["page_size"] == (manners.page_cap or profile["page_size"])
    assert desk.sync_outside().status == "applied"
    active = desk.active()
    assert (active["sis_user"], active["enrollment"], active["score"]) == (61, 62, 60)
    desk.now += timedelta(hours=1)
    again = desk.sync_outside()
    assert again.report is not None
    assert again.report.is_nothing


def test_a_service_that_ignores_the_offset_is_told_and_brings_nothing(
    sqlite_database: Database, tmp_path: Path, now: datetime, host: Host
) -> None:
    desk = a_desk(sqlite_database, tmp_path, now)
    app = Flask("sis")
    manners = Manners(honours_offset=False, sends_link=False, page_cap=7)
    catalog = MemoryCatalog(desk.records())
    app.register_blueprint(blueprint(catalog, clients={"us": "word"}, manners=manners))
    url = host(app)
    desk.move(url, token_url=f"{url}{manners.token_url}")
    assert "fail" in desk.test().values()
    assert desk.sync_outside().told == ("failed", "paging_loop")
    assert set(desk.active().values()) == {0}


def test_the_recorded_service_is_tested_and_then_pulled(
    sqlite_database: Database, tmp_path: Path, now: datetime, recording: Recording
) -> None:
    desk = a_desk(sqlite_database, tmp_path, now)
    with replaying(Replay(recording)) as served:
        desk.move(served.url, auth="bearer")
        checks = desk.test()
        profile = desk.source("profile")
        assert (profile["page_cap"], profile["total"], profile["links"]) == (
            500,
            False,
            False,
        )
        # The recording answers each query alike: neither order nor filter is heeded.
        assert not profile["delta"]
        assert {checks[name] for name in ("orgs", "classes", "users")} == {"ok"}
        assert desk.sync_outside().status == "applied"
    active = desk.active()
    assert (active["sis_user"], active["enrollment"]) == (1780, 12240)
