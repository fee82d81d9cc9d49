"""Pulls of a whole district over REST, against fetching the pages and no more.

S8: rows a second with parsing and staging, to those of a bare fetch of the same pages
with four requests under way. S9: to those of a serial pull of a hundred rows a page.
The whole sync, with its checks, plan and merge, is told beside them. The service
answers each request after 20 ms. The product has one page under way while it stages
another, so that a run that is cut off repeats one page at most (decision 0015).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import requests

from benchmarks.bench import Bench, Finding, check, now
from benchmarks.generate import write_pages
from benchmarks.held import compare
from benchmarks.served import PAGE
from lti_tool.storage import sources
from lti_tool.work import roster
from lti_tool.work.feeds import RestFeed
from lti_tool.work.roster import SyncOptions, SyncReport
from oneroster import BearerKey, Client, Service, local_session

LATENCY = 0.02
UNDER_WAY = 4  # requests of the bare fetch
BARE_PAGES = 20  # of a hundred rows, timed for S9


def measure(bench: Bench) -> list[Finding]:
    """Time a first pull and a second one, and the bare fetches beside them."""
    totals = _write(bench)
    rows = sum(totals.values())
    with _served(bench) as url:
        turns = [_turn(bench, url, totals) for _ in range(min(bench.repeat, 2))]
        slow = _slow_rate(url)
    staged = tuple((rows / one.staged, rows / one.bare) for one in turns)
    rates = tuple((rows / one.staged, slow) for one in turns)
    whole = tuple((rows / one.first, rows / one.bare) for one in turns)
    return [
        Finding("rows staged a second / bare fetch", "wall", staged, ">= 0.4 (S8)"),
        Finding("rows staged a second / serial, limit 100", "wall", rates, ">= 8 (S9)"),
        Finding("rows staged a second", "wall", tuple((n, 1.0) for n, _ in rates)),
        Finding("rows a second of the whole sync / bare fetch", "wall", whole),
        Finding("rows a second", "wall", tuple((n, 1.0) for n, _ in whole)),
        Finding(
            "again / first", "wall", tuple((one.again, one.first) for one in turns)
        ),
    ]


class Turn(NamedTuple):
    """Seconds of a first sync, of its pages until they are staged, and of others."""

    staged: float
    first: float
    again: float
    bare: float


def _write(bench: Bench) -> dict[str, int]:
    folder = bench.folder / "pages"
    folder.mkdir()
    totals = write_pages(bench.district("first"), folder, PAGE)
    (folder / "totals.json").write_text(json.dumps(totals))
    return totals


@contextmanager
def _served(bench: Bench) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.served", str(bench.folder / "pages")]
    with subprocess.Popen(  # noqa: S603 -- our own module
        [*command, "--latency", str(LATENCY)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None  # noqa: S101 -- for the types
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()


def _client(url: str) -> Client:
    service = Service.at(url, "1.2")
    session = local_session()
    return Client(service, auth=BearerKey("t"), session=session, page_size=PAGE)


def _turn(bench: Bench, url: str, totals: dict[str, int]) -> Turn:
    values = {"name": "bench", "kind": "rest", "location": url, "version": "1.2"}
    with bench.database() as database:
        with database.write() as session:
            source_id = sources.add_source(session, values, now())

        def pull() -> tuple[SyncReport, float, float]:
            moments = [time.perf_counter()]

            def note(phase: str, _count: int) -> None:
                if phase in totals:
                    moments.append(time.perf_counter())

            report = roster.sync(
                database,
                source_id,
                lambda: RestFeed(_client(url)),
                now,
                SyncOptions(on_progress=note),
            )
            over = time.perf_counter()
            return report, moments[-1] - moments[0], over - moments[0]

        _report, staged, first = pull()
        report, _staged, again = pull()
        check(report.is_nothing, "the same pages again changed something")
        compare(database, source_id, bench.district("first"))
    return Turn(staged, first, again, _fetch(url, totals))


def _fetch(url: str, totals: dict[str, int]) -> float:
    """Fetch every page, several under way; returns the seconds."""
    session = requests.Session()

    def ask(page: tuple[str, int]) -> bool:
        name, offset = page
        params = {"limit": PAGE, "offset": offset}
        return session.get(f"{url}/{name}", params=params, timeout=30).ok

    pages = [(name, at) for name, last in totals.items() for at in range(0, last, PAGE)]
    started = time.perf_counter()
    with ThreadPoolExecutor(UNDER_WAY) as pool:
        came = list(pool.map(ask, pages))
    seconds = time.perf_counter() - started
    check(all(came), "a page did not come")
    return seconds


def _slow_rate(url: str) -> float:
    session = requests.Session()
    started = time.perf_counter()
    for page in range(BARE_PAGES):
        session.get(
            f"{url}/results", params={"limit": 100, "offset": page * 100}, timeout=30
        )
    return BARE_PAGES * 100 / (time.perf_counter() - started)
