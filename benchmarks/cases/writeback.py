"""Outcomes a second into an LMS that answers after 20 ms, against bare requests.

W1: with eight sends under way, to 8 / 0.020 s. W2: to the same requests one after the
other. W3: a worker killed by SIGKILL in the middle and another one after it: values
lost, and values sent more than once after they were seen there.
All that a delivery is, is timed: claiming, reading the columns, noting, sending by
AGS, reading again, settling. The LMS is a process of its own (benchmarks.lms). Classes
of 25 students with 8 competencies each; W1 and W2 are of values that changed. The first
values of a class, when its columns are found missing and made, are told by themselves.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import requests
import structlog
from sqlalchemy import Table, insert

from benchmarks import lms
from benchmarks.bench import Bench, Finding, check, now
from lti_tool.settings import Settings
from lti_tool.storage import keys, outbox, schema
from lti_tool.storage.database import Database, Session
from lti_tool.work import delivery
from lti_tool.work.outside import Outside

LATENCY: Final = 0.02
UNDER_WAY: Final = 8
STUDENTS: Final = 25
COMPETENCIES: Final = 8
CLASSES: Final = {"S": 1, "M": 10, "L": 50}
KEY: Final = b"k" * 32
Outcome = Mapping[str, Any]


def measure(bench: Bench) -> list[Finding]:
    """Time deliveries and bare requests; kill a worker and count what it cost."""
    classes = CLASSES[bench.size]
    firsts, turns = [], []
    for _ in range(max(3, bench.repeat)):
        with lms.serving(LATENCY) as url, bench.database() as database:
            wanted = fill(database, url, classes)
            work = partial(deliver, database, bench.folder)
            firsts.append(len(wanted) / bench.timed("wall", work))
            check_effects(url, wanted, times=1)
            newer = renew(database, wanted)
            took = bench.timed("wall", work)
            check_effects(url, newer, times=2)
            serial = bench.timed("wall", partial(_serial, url))
            turns.append((len(wanted) / took, 50 / serial))
    lost, twice = _killed(bench, classes)
    ideal = UNDER_WAY / LATENCY
    return [
        Finding(
            "outcomes a second / 8 in 20 ms",
            "wall",
            tuple((rate, ideal) for rate, _ in turns),
            ">= 0.75 (W1)",
        ),
        Finding("outcomes a second / serial", "wall", tuple(turns), ">= 6 (W2)"),
        Finding(
            "the first of a class, columns made / 8 in 20 ms",
            "wall",
            tuple((rate, ideal) for rate in firsts),
        ),
        Finding("lost after SIGKILL", "wall", ((lost, 1.0),), "0 (W3)"),
        Finding("in conflict after SIGKILL", "wall", ((twice, 1.0),), "0 (W3)"),
    ]


def deliver(
    database: Database, folder: Path, *, ahead: timedelta = timedelta()
) -> None:
    """Deliver all that is due, by the connections of the product."""

    def clock() -> datetime:
        return now() + ahead

    delivery.deliver(database, outside(database, folder).connect, clock)


def outside(database: Database, folder: Path) -> Outside:
    """The product's ways out, which may go to this machine."""
    key_file = folder / "secret.key"
    key_file.write_bytes(KEY)
    settings = Settings(
        data_dir=folder, secret_key_file=key_file, local_network="127.0.0.1"
    )
    return Outside(settings, database)


def renew(database: Database, outcomes: list[Outcome]) -> list[Outcome]:
    """Let every value change, due now."""
    newer = [{**one, "value": one["value"] + 0.5} for one in outcomes]
    with database.write() as session:
        outbox.put(session, newer, now())
    return newer


def check_effects(url: str, wanted: list[Outcome], *, times: int) -> None:
    """Fail the case unless the LMS holds every value and was told each so often."""
    found = lms.effects(url)
    check(len(found["held"]) == len(wanted), "not everything arrived")
    check({told for *_, told in found["held"]} == {times}, "something was sent twice")
    check(_values(found) == _wanted(wanted), "another value stands there")


def _values(found: Mapping[str, Any]) -> list[tuple[str, float]]:
    return sorted((user, value) for _column, user, value, _times in found["held"])


def _wanted(outcomes: list[Outcome]) -> list[tuple[str, float]]:
    return sorted((f"u{one['person_id']}", one["value"]) for one in outcomes)


def _serial(url: str) -> None:
    session = requests.Session()
    session.trust_env = False
    score = {"userId": "bare", "scoreGiven": 1.0, "scoreMaximum": 4.0}
    for number in range(50):
        told = {**score, "timestamp": f"2026-01-01T00:00:{number:02}.000+00:00"}
        session.post(f"{url}/bare/scores", json=told, timeout=30)


def work_once(database_url: str, folder: str) -> None:
    """What the process does that is killed."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    deliver(Database(database_url), Path(folder))


def _killed(bench: Bench, classes: int) -> tuple[float, float]:
    """Kill a worker half way, let another one go on; returns lost and in conflict."""
    with lms.serving(LATENCY) as url, bench.database() as database:
        wanted = fill(database, url, classes)
        worker = multiprocessing.get_context("spawn").Process(
            target=work_once, args=(bench.url, str(bench.folder))
        )
        worker.start()
        while len(lms.effects(url)["held"]) < len(wanted) // 2 and worker.is_alive():
            time.sleep(0.01)
        if worker.pid is not None and worker.is_alive():
            os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        deliver(database, bench.folder, ahead=timedelta(minutes=2))
        with database.read() as session:
            found = session.execute(schema.delivery.select()).all()
        held = _values(lms.effects(url))
        lost = sum(one not in held for one in _wanted(wanted))
        return lost, sum(row.state != "delivered" for row in found)


def fill(database: Database, url: str, classes: int) -> list[Outcome]:
    """Courses on one LMS, a value for each student and competency, due now."""
    at = now()
    with database.write() as session:
        keys.ensure(session, KEY, now=at)
        room = _Room(session, at)
        registration = room.put(
            schema.registration,
            name="LMS",
            issuer=url,
            client_id="us",
            auth_url=f"{url}/auth",
            token_url=f"{url}/token",
            jwks_url=f"{url}/jwks",
            vendor="other",
            created_at=at,
        )
        deployment = room.put(
            schema.deployment,
            registration_id=registration,
            deployment_id="1",
            status="active",
            created_at=at,
        )
        framework, competencies = _framework(room)
        outcomes: list[Outcome] = []
        for number in range(classes):
            people = _people(session, at, registration)
            course = room.put(
                schema.course,
                title=f"C{number}",
                framework_id=framework,
                rule="latest",
                created_at=at,
            )
            room.put(
                schema.placement,
                deployment_id=deployment,
                context_id=f"c{number}",
                course_id=course,
                ags_line_items_url=f"{url}/c{number}/items",
                seen_at=at,
            )
            outcomes += _outcomes(course, people, competencies)
        outbox.put(session, outcomes, at)
    return outcomes


def _outcomes(course: int, people: list[int], competencies: list[int]) -> list[Outcome]:
    return [
        {
            "destination": "ags",
            "course_id": course,
            "person_id": person,
            "competency_id": competency,
            "value": 1.0 + number % 3,
            "maximum": 4.0,
            "level_name": None,
            "basis": {},
        }
        for number, person in enumerate(people)
        for competency in competencies
    ]


class _Room:
    """Rows of any table, put one by one."""

    def __init__(self, session: Session, at: datetime) -> None:
        self._session, self.at = session, at

    def put(self, table: Table, **values: object) -> int:
        statement = insert(table).values(**values).returning(table.c.id)
        return int(self._session.execute(statement).scalar_one())


def _framework(room: _Room) -> tuple[int, list[int]]:
    framework = room.put(
        schema.framework,
        case_id="f",
        title="F",
        creator="us",
        payload={},
        package={},
        fingerprint="x",
        imported_at=room.at,
    )
    return framework, [
        room.put(
            schema.competency,
            framework_id=framework,
            case_id=f"k{place}",
            human_code=f"K{place}",
            statement="K",
            position=place,
            is_assessable=True,
            payload={},
            fingerprint="x",
        )
        for place in range(COMPETENCIES)
    ]


def _people(session: Session, at: datetime, registration: int) -> list[int]:
    people = session.scalars(
        insert(schema.person).returning(schema.person.c.id),
        [
            {
                "given_name": "S",
                "family_name": str(one),
                "display_name": f"S {one}",
                "created_at": at,
            }
            for one in range(STUDENTS)
        ],
    ).all()
    session.execute(
        insert(schema.lms_user),
        [
            {
                "registration_id": registration,
                "subject": f"u{person}",
                "person_id": person,
                "seen_at": at,
            }
            for person in people
        ],
    )
    return list(people)
