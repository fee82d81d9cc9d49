"""C11: a worker is killed by SIGKILL at each step of a delivery, and another goes on.

For each kind of gradebook: one effect, one column, the right value, and that within the
two minutes of the contract.
"""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.storage import outbox, schema
from tests.lti_tool.work.canvas_school import opened, taught
from tests.lti_tool.work.conftest import NOON, Abroad, Classroom, Proxy
from tests.lti_tool.work.killed import STEPS, Worker
from tests.lti_tool.work.test_moodle import Ratings, ratings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["ratings"]  # the fixture

KINDS = ("ags", "oneroster", "canvas", "moodle")
# A worker that died gives its rows back after the lease; all is done by then.
LEASE, MOST = timedelta(seconds=91), timedelta(minutes=2)
GRADE = "core_competency_grade_competency_in_course"


@dataclass
class Case:
    """One value of one student on its way to one gradebook.

    Attributes:
        writes: whether a request, by method, path and body, writes the value.
        effects: what happened there: values by student, how many writes were heard
            of, how many columns were made.
        passes: what goes on there while nobody asks.
    """

    room: Classroom
    proxy: Proxy
    writes: Callable[[str, str, bytes], bool]
    effects: Callable[[], tuple[Any, int, int]]
    passes: Callable[[], None] = lambda: None


def in_lms(abroad: Abroad) -> Case:
    score(abroad.room, "ags")

    def effects() -> tuple[Any, int, int]:
        seen = abroad.lms_proxy.seen
        sent = [path for method, path in seen if method == "POST" and "/scores" in path]
        made = [path for method, path in seen if method == "POST" and "items" in path]
        return (
            abroad.lms_grades() == {("7.A", "lms-ana"): 3.6},
            len(sent),
            len(made) - len(sent),
        )

    def writes(method: str, path: str, _body: bytes) -> bool:
        return method == "POST" and path.endswith("/scores")

    return Case(abroad.room, abroad.lms_proxy, writes, effects)


def in_sis(abroad: Abroad) -> Case:
    score(abroad.room, "oneroster")

    def effects() -> tuple[Any, int, int]:
        puts = [path for method, path in abroad.sis_proxy.seen if method == "PUT"]
        sent = [path for path in puts if "/assessmentResults/" in path]
        right = abroad.sis_grades() == {("7.A", "ana"): (3.6, ["guid-7.A"])}
        return right, len(sent), len(puts) - len(sent)

    def writes(method: str, path: str, _body: bytes) -> bool:
        return method == "PUT" and "/assessmentResults/" in path

    return Case(abroad.room, abroad.sis_proxy, writes, effects)


def score(room: Classroom, destination: str) -> None:
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.refresh()
    room.switch(destination)


def in_moodle(found: Ratings) -> Case:
    room = found.room
    for (row_id,) in room.rows(schema.score, "id")[1:]:
        room.change(schema.score, row_id, status="ended")
    room.refresh()
    room.switch("moodle")

    def effects() -> tuple[Any, int, int]:
        right = found.moodle.shown() == {(101, "guid-7.A"): "Advanced"}
        return right, len(found.moodle.evidence), len(found.moodle.linked)

    def writes(_method: str, _path: str, body: bytes) -> bool:
        return GRADE.encode() in body

    return Case(room, found.proxy, writes, effects)


@pytest.fixture
def case(request: pytest.FixtureRequest, room: Classroom) -> Iterator[Case]:
    kind = request.param
    if kind != "canvas":
        make: Any = {"ags": in_lms, "oneroster": in_sis, "moodle": in_moodle}[kind]
        place = "ratings" if kind == "moodle" else "abroad"
        yield make(request.getfixturevalue(place))
        return
    with opened(room, request.getfixturevalue("serve")) as school:
        taught(school, ana=9.0)

        def effects() -> tuple[Any, int, int]:
            counts = school.canvas.counts()
            shown = school.canvas.shown(school.course)
            sent = "POST courses/N/assignments/N/submissions/update_grades"
            made = counts["POST courses/N/assignments"]
            right = shown == {("ana", "guid-7.A"): 3.6}
            return right, counts[sent], made

        def writes(_method: str, path: str, _body: bytes) -> bool:
            return path.endswith("/update_grades")

        yield Case(room, school.proxy, writes, effects, school.canvas.work_off)


@pytest.mark.parametrize("case", KINDS, indirect=True)
@pytest.mark.parametrize("step", [*STEPS, "sent"])
def test_a_worker_killed_at_a_step_leaves_one_effect(
    case: Case, step: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kind = request.node.callspec.params["case"]
    url = case.room.database.engine.url.render_as_string(hide_password=False)
    worker = Worker(kind, url, tmp_path, NOON)
    if step == "sent":
        killer = Killer(case)
        assert worker.run(pid=killer.aim) == -signal.SIGKILL
    else:
        assert replace(worker, step=STEPS[step]).run() == -signal.SIGKILL
    state = "delivered" if step == "settled" else "sending"
    assert [row[3] for row in case.room.deliveries() if row[2] is not None] == [state]
    case.passes()
    now = NOON + LEASE
    while now is not None and now <= NOON + MOST:
        assert replace(worker, now=now).run() == 0
        with case.room.database.read() as session:
            now = outbox.load_next_due(session)
    assert [row[3] for row in case.room.deliveries() if row[2] is not None] == [
        "delivered"
    ]
    assert case.effects() == (True, 1, 1)


class Killer:
    """Kills the worker whose write the gradebook has heard of, before it answers."""

    def __init__(self, case: Case) -> None:
        self._case, self._pid = case, 0
        self._plain, case.proxy._app = case.proxy._app, self  # noqa: SLF001 -- in between

    def aim(self, pid: int) -> None:
        self._pid = pid

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Any:  # noqa: ANN401 -- a WSGI body
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if self._pid and self._case.writes(method, path, body):
            os.kill(self._pid, signal.SIGKILL)
            self._pid = 0
        return self._plain(environ, start)
