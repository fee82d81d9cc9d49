"""Outcomes a second into an LMS that answers after 20 ms, against bare requests.

W1: with eight sends under way, to 8 / 0.020 s. W2: to the same requests one after the
other. W3: a worker killed by SIGKILL in the middle and another one after it: values
lost, and values sent more than once after they were seen there.
Reading, noting and settling are among what is timed; the LMS is a bare server.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import requests
from sqlalchemy import Table, insert

from benchmarks.bench import Bench, Finding, check, now
from lti_tool.platforms.destination import Column, Outcome, Shown
from lti_tool.storage import outbox, schema
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database, Session
from lti_tool.work import delivery

LATENCY: Final = 0.02
UNDER_WAY: Final = 8
ROWS: Final = {"S": 200, "M": 2000, "L": 10_000}


class _Lms(ThreadingHTTPServer):
    """Keeps one number a student; every answer comes after the latency."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_some: object) -> None:
        """Say nothing of a client that was killed."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.held: dict[str, float] = {}
        self.writes: Counter[tuple[str, float]] = Counter()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Lms

    def do_GET(self) -> None:
        with self.server.lock:
            body = json.dumps(self.server.held).encode()
        self._answer(body)

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.held[sent["who"]] = sent["value"]
            self.server.writes[sent["who"], sent["value"]] += 1
        self._answer(b"{}")

    def _answer(self, body: bytes) -> None:
        time.sleep(LATENCY)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_some: object) -> None:
        """Say nothing."""


class _Bare:
    """A destination that is one request a send, so that the outbox is what is timed."""

    clock_step_seconds = 0.001
    parallel = UNDER_WAY

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = _session()

    def find_column(self, column: Column) -> str | None:
        return column.resource_id

    def make_column(self, column: Column) -> str:
        return column.resource_id

    def read(
        self, _address: str, _column: Column, _recipients: object
    ) -> Mapping[str, Shown]:
        held = self._session.get(self._url, timeout=30).json()
        return {who: Shown(value) for who, value in held.items()}

    def send(self, _address: str, outcome: Outcome) -> Mapping[str, Any]:
        told = {"who": outcome.recipient, "value": outcome.value}
        answer = self._session.post(self._url, json=told, timeout=30)
        return {"status": answer.status_code}


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=UNDER_WAY)
    session.mount("http://", adapter)
    return session


def measure(bench: Bench) -> list[Finding]:
    """Time deliveries and bare requests; kill a worker and count what it cost."""
    count = ROWS[bench.size]
    turns = []
    for _ in range(max(1, min(bench.repeat, 3))):
        with _lms() as lms, bench.database() as database:
            _fill(database, count)
            took = bench.timed("wall", partial(_deliver, database, lms.url))
            check(len(lms.held) == count, "not everything arrived")
            serial = bench.timed("wall", partial(_serial, lms.url))
            turns.append((count / took, 50 / serial))
    lost, twice = _killed(bench, count)
    ideal = UNDER_WAY / LATENCY
    return [
        Finding(
            "outcomes a second / 8 in 20 ms",
            "wall",
            tuple((rate, ideal) for rate, _ in turns),
            ">= 0.75 (W1)",
        ),
        Finding("outcomes a second / serial", "wall", tuple(turns), ">= 6 (W2)"),
        Finding("lost after SIGKILL", "wall", ((lost, 1.0),), "0 (W3)"),
        Finding("in conflict after SIGKILL", "wall", ((twice, 1.0),), "0 (W3)"),
    ]


@contextmanager
def _lms() -> Iterator[_Lms]:
    server = _Lms()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _deliver(database: Database, url: str, *, ahead: timedelta = timedelta()) -> None:
    def clock() -> datetime:
        return now() + ahead

    def connect(_name: str, _place: Place) -> _Bare:
        return _Bare(url)

    delivery.deliver(database, connect, clock)


def _serial(url: str) -> None:
    session = _session()
    for number in range(50):
        session.post(url, json={"who": "bare", "value": number}, timeout=30)


def _work(database_url: str, lms_url: str) -> None:
    """What the process does that is killed."""
    _deliver(Database(database_url), lms_url)


def _killed(bench: Bench, count: int) -> tuple[float, float]:
    """Kill a worker half way, let another one go on; returns lost and in conflict."""
    with _lms() as lms, bench.database() as database:
        _fill(database, count)
        worker = multiprocessing.get_context("spawn").Process(
            target=_work, args=(bench.url, lms.url)
        )
        worker.start()
        while len(lms.held) < count // 2 and worker.is_alive():
            time.sleep(0.01)
        if worker.pid is not None and worker.is_alive():
            os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        _deliver(database, lms.url, ahead=timedelta(minutes=2))
        with database.read() as session:
            table = schema.delivery
            found = session.execute(table.select()).all()
        lost = sum(lms.held.get(f"s{row.person_id}") != row.value for row in found)
        return lost, sum(row.state != "delivered" for row in found)


def _fill(database: Database, count: int) -> None:
    """One course of so many students with a value each, due now."""
    at = now()
    with database.write() as session:
        people = session.scalars(
            insert(schema.person).returning(schema.person.c.id),
            [
                {
                    "given_name": "S",
                    "family_name": str(one),
                    "display_name": f"S {one}",
                    "created_at": at,
                }
                for one in range(count)
            ],
        ).all()
        course, competency = _course(session, at, people)
        outbox.put(
            session,
            [
                {
                    "destination": "oneroster",
                    "course_id": course,
                    "person_id": person,
                    "competency_id": competency,
                    "value": 1.0 + number % 3,
                    "maximum": 4.0,
                    "level_name": None,
                    "basis": {},
                }
                for number, person in enumerate(people)
            ],
            at,
        )


def _course(session: Session, at: datetime, people: Sequence[int]) -> tuple[int, int]:
    def put(table: Table, **values: object) -> int:
        statement = insert(table).values(**values).returning(table.c.id)
        return int(session.execute(statement).scalar_one())

    source = put(schema.source, name="sis", kind="rest", location="-", created_at=at)
    of_sis = {"source_id": source, "status": "active", "fingerprint": "x"}
    sis_class = put(schema.sis_class, **of_sis, sourced_id="c", title="C")
    framework = put(
        schema.framework,
        case_id="f",
        title="F",
        creator="us",
        payload={},
        package={},
        fingerprint="x",
        imported_at=at,
    )
    competency = put(
        schema.competency,
        framework_id=framework,
        case_id="k",
        human_code="K",
        statement="K",
        position=1,
        is_assessable=True,
        payload={},
        fingerprint="x",
    )
    course = put(
        schema.course,
        sis_class_id=sis_class,
        title="C",
        framework_id=framework,
        rule="latest",
        created_at=at,
    )
    session.execute(
        insert(schema.sis_user),
        [
            {
                **of_sis,
                "sourced_id": f"s{person}",
                "person_id": person,
                "given_name": "S",
                "family_name": "L",
                "is_enabled": True,
            }
            for person in people
        ],
    )
    return course, competency
