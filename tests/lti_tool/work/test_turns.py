"""One worker at a time uses a Canvas token, in this process and in any other."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lti_tool.errors import DeliveryError
from lti_tool.platforms.canvas_tokens import format_credential
from lti_tool.storage import lms_places, schema, turns
from lti_tool.storage.database import Database
from lti_tool.work.turns import Turn, patiently
from tests.faults.canvas import Canvas
from tests.lti_tool.work.canvas_school import KEY, A, School, opened, taught
from tests.lti_tool.work.conftest import NOON, Clock, Proxy
from tests.lti_tool.work.test_canvas_access import NONE, RENEWING, stored

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

BOTH = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
ROUNDS, REQUESTS = 6, 3
# Takes the turn again and again, asks Canvas something each time, and says so.
WORKER = """
import sys, time
from datetime import UTC, datetime
from pydantic import TypeAdapter
from typing import Any
from lti_tool.errors import DeliveryError
from lti_tool.platforms.http import GuardedSession
from lti_tool.storage.database import Database
from lti_tool.work.canvas import Canvases
url, number, key, rounds, requests, rest = sys.argv[1:]
network = GuardedSession(frozenset({"127.0.0.1"}))
canvases = Canvases(Database(url), network, network.local_hosts, key.encode(),
                    clock=lambda: datetime.now(UTC))
done = 0
while done < int(rounds):
    try:
        with canvases.rest(int(number)) as canvas:
            for _ in range(int(requests)):
                canvas.get("/users/self", TypeAdapter(Any))
            print("here", flush=True)
            time.sleep(float(rest))
        done += 1
    except DeliveryError as error:
        assert error.code == "turn", error
    time.sleep(0.02)
"""


def worker(school: School, rounds: int, rest: float = 0) -> list[str]:
    url = school.room.database.engine.url.render_as_string(hide_password=False)
    numbers = [school.registration_id, KEY.decode(), rounds, REQUESTS, rest]
    return [sys.executable, "-c", WORKER, url, *map(str, numbers)]


@contextmanager
def slowly_opened(room: Classroom, serve: Callable[..., str]) -> Iterator[School]:
    """A Canvas whose every answer takes a moment, so that two can meet there."""

    def slow(app: Any, _canvas: Canvas) -> Proxy:  # noqa: ANN401 -- a Flask application
        app.before_request(lambda: time.sleep(0.02))
        return Proxy(app)

    with opened(room, serve, proxied=slow) as school:
        school.clock.now = datetime.now(UTC)
        school.canvas.now = lambda: datetime.now(UTC)
        yield school


@pytest.fixture
def school(room: Classroom, serve: Callable[..., str]) -> Iterator[School]:
    with slowly_opened(room, serve) as made:
        yield made


@BOTH
def test_a_turn_is_one_workers_until_it_is_given_back_or_runs_out(
    database: Database,
) -> None:
    later = NOON + turns.LEASE

    def take(holder: str, now: datetime) -> bool:
        with database.write() as session:
            return turns.take(session, "rest:1", holder, now)

    def holder(now: datetime) -> str | None:
        with database.read() as session:
            found = select(schema.turn.c.holder).where(schema.turn.c.until > now)
            return session.scalar(found)

    assert take("a", NOON)
    assert not take("b", later - timedelta(seconds=1))
    assert take("a", later - timedelta(seconds=1))  # held for another lease
    assert not take("b", later)
    assert holder(later) == "a"
    with database.write() as session:
        turns.give_back(session, "rest:1", "b")  # never had it
    assert not take("b", later)
    assert take("b", later + turns.LEASE)  # whoever had it was killed
    with database.write() as session:
        turns.give_back(session, "rest:1", "a")
    assert holder(later + turns.LEASE) == "b"
    with database.write() as session:
        turns.give_back(session, "rest:1", "b")
    assert holder(later + turns.LEASE) is None


def test_a_worker_that_slept_too_long_learns_that_its_turn_is_anothers(
    database: Database,
) -> None:
    clock = Clock()
    first, second = (Turn(database, "rest:1", clock=clock) for _ in range(2))
    first.hold()
    clock.move(seconds=91)
    second.hold()
    with pytest.raises(DeliveryError, match="another worker") as refused:
        first.hold()
    assert (refused.value.code, refused.value.permanent) == ("turn", False)
    first.give_back()
    second.hold()
    slept: list[float] = []

    def pause(seconds: float) -> None:
        slept.append(seconds)
        second.give_back()

    patiently(first.hold, sleep=pause)
    assert len(slept) == 1


@BOTH
def test_two_processes_never_ask_canvas_at_once_and_renew_its_token_once(
    school: School,
) -> None:
    """A renewal ends the token before: two at once would put each other out."""
    spent = replace(RENEWING, access_token=NONE, expires_at=None)
    school.token(format_credential(spent))
    command = worker(school, ROUNDS)
    children = [subprocess.Popen(command) for _ in range(2)]  # noqa: S603 -- ours
    assert [one.wait(timeout=60) for one in children] == [0, 0]
    asked = school.canvas.counts()
    assert asked["GET users/self"] == 2 * ROUNDS * REQUESTS
    assert school.canvas.most_at_once == 1
    assert school.canvas.renewals == 1
    assert stored(school).access_token == school.canvas.token
    assert school.room.count(schema.turn) == 0


@BOTH
def test_deliveries_wait_for_the_turn_of_another_process_and_for_no_dead_one(
    school: School,
) -> None:
    taught(school, ana=9.0)
    with subprocess.Popen(  # noqa: S603 -- our own interpreter and script
        worker(school, 1, rest=600), stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        asked = len(school.canvas.asked)
        school.clock.now = datetime.now(UTC) - timedelta(seconds=120)
        assert school.deliver() == {"pending": 1}
        child.send_signal(signal.SIGKILL)
    assert len(school.canvas.asked) == asked
    ((state, code, due_at),) = school.room.rows(
        schema.delivery, "state", "code", "due_at"
    )
    assert (state, code) == ("pending", "turn")
    assert due_at == school.clock() + timedelta(seconds=5)
    school.clock.move(seconds=30)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 3.6}
    assert school.room.count(schema.turn) == 0


def test_an_interface_that_asks_us_to_wait_leaves_the_gradebook_alone(
    school: School,
) -> None:
    """And the other way: each has a limit of its own."""
    school.canvas.quota, school.canvas.cost = 10.0, 10.0
    taught(school, ana=9.0)
    assert school.deliver() == {"pending": 1}
    ((busy, services),) = school.room.rows(
        schema.registration, "busy_until", "services_busy_until"
    )
    assert busy is None
    assert services == school.clock() + timedelta(seconds=15)
    school.canvas.quota = 7000.0
    asked = len(school.canvas.asked)
    an_hour = school.clock() + timedelta(hours=1)
    rest(school, services_busy_until=an_hour)
    assert school.deliver() == {"pending": 1}
    assert len(school.canvas.asked) == asked
    rest(school, vendor="moodle")
    with school.room.database.read() as session:
        place = lms_places.load_lms_place(session, school.room.course_id, "moodle")
    assert place is not None
    assert place.busy_until == an_hour
    school.clock.move(hours=1)
    a_day = school.clock() + timedelta(days=1)
    rest(school, vendor="canvas", busy_until=a_day)
    assert school.deliver() == {"delivered": 1}


def rest(school: School, **values: Any) -> None:  # noqa: ANN401 -- columns of any kind
    school.room.change(schema.registration, school.registration_id, **values)
