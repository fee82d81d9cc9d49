"""Promise P2: outcomes arrive effectively once, whatever the network does.

One request in five goes wrong. In the suite some hundred deliveries; so many of each
LMS and of the SIS as a variable says:

    MASTERYBRIDGE_DELIVERIES=10000 pytest tests/lti_tool/work/test_writeback_faults.py

Source: facts/security.md section 8.
"""

from __future__ import annotations

import io
import json
import os
import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.demo.platform import CANVAS, MOODLE
from lti_tool.storage import outbox, schema, settling
from lti_tool.work import gradebooks
from tests.lti_tool.work.conftest import (
    CODES,
    STUDENTS,
    Abroad,
    Fault,
    Proxy,
    seat_student,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lti_tool.demo.platform import Manners

WANTED = int(os.environ.get("MASTERYBRIDGE_DELIVERIES", "24"))
RATIO = 0.2
HOW: tuple[dict[str, Any], ...] = (
    {"forwards": True, "drops": True},  # done there, and the answer is lost
    {"drops": True},  # not done, the connection breaks off
    {"status": "503 Service Unavailable"},
    {"forwards": True, "status": "502 Bad Gateway"},
    {"status": "429 Too Many Requests", "headers": (("Retry-After", "2"),)},
    {"status": "200 OK", "media_type": "text/html", "body": b"<p>Sign in</p>"},
)
THROTTLED = {"status": "403 Forbidden", "body": b"403 Forbidden (Rate Limit Exceeded)"}


def misbehave(proxy: Proxy, seed: int, *, throttles: bool) -> list[dict[str, Any]]:
    """Let one request in five go wrong, tokens aside; returns the scores sent."""
    chance = random.Random(seed)  # noqa: S311 -- a test repeats what happened
    kinds = (*HOW, THROTTLED) if throttles else HOW
    plain, sent = Proxy.__call__, list[dict[str, Any]]()

    def call(environ: Any, start_response: Any) -> Any:  # noqa: ANN401 -- WSGI's own
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.endswith("/scores"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            sent.append(json.loads(body))
        if "token" not in path and chance.random() < RATIO:
            proxy._faults.append(Fault(method, path, **chance.choice(kinds)))  # noqa: SLF001
        return plain(proxy, environ, start_response)

    proxy.played = call  # type: ignore[attr-defined]
    return sent


class Played(Proxy):
    """A proxy whose answer a test may put another in the place of."""

    def __call__(self, environ: Any, start_response: Any) -> Any:  # noqa: ANN401 -- WSGI's own
        played = getattr(self, "played", None)
        if played is None:
            return super().__call__(environ, start_response)
        return played(environ, start_response)


@pytest.fixture(autouse=True)
def _played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.lti_tool.work.conftest.Proxy", Played)


def fill(abroad: Abroad, students: int) -> None:
    room = abroad.room
    for number in range(students - len(STUDENTS)):
        name = f"s{number}"
        seat_student(room, name)
        abroad.lms.add_person(f"lms-{name}", name, "Lee", f"{name}@school.example")
        abroad.lms.enroll("c1", f"lms-{name}", "learner")
        room.insert(
            schema.lms_user,
            registration_id=1,
            subject=f"lms-{name}",
            person_id=room.people[name],
            seen_at=abroad.clock(),
        )
    for code in CODES:
        room.add_assignment(f"quiz-{code}", code)


def round_of(abroad: Abroad, chance: random.Random) -> None:
    """Score all work of everybody anew, on a later day, so that it is the latest."""
    room = abroad.room
    for code in CODES:
        for name in room.people:
            days = -chance.randrange(3)
            room.score(name, f"quiz-{code}", chance.randrange(11), days_ago=days)
    room.refresh(now=abroad.clock())


def drain(abroad: Abroad) -> None:
    """Deliver until nothing waits, as the worker would, its clock running."""
    for _turn in range(2000):
        abroad.deliver()
        with abroad.room.database.read() as session:
            due_at = outbox.load_next_due(session)
            is_due = outbox.has_due(session, abroad.clock())
        if due_at is None and not is_due:
            return
        if due_at is not None and due_at > abroad.clock():
            abroad.clock.now = due_at
        abroad.clock.move(milliseconds=10)
    raise AssertionError("it never ends")


def wanted(abroad: Abroad, prefix: str) -> dict[tuple[str, str], float | None]:
    return {
        (code, f"{prefix}{name}"): value
        for (name, code), value in abroad.room.values().items()
    }


@pytest.mark.parametrize("manners", [MOODLE, CANVAS], ids=["moodle", "canvas"])
def test_at_a_fifth_of_faults_the_lms_ends_on_our_last_values(
    abroad: Abroad, manners: Manners
) -> None:
    chance = random.Random(7)  # noqa: S311 -- a test repeats what happened
    students = max(len(STUDENTS), min(30, WANTED // (2 * len(CODES))))
    fill(abroad, students)
    abroad.room.switch("ags")
    sent = misbehave(abroad.lms_proxy, 11, throttles=manners is CANVAS)
    for _round in range(max(2, WANTED // (students * len(CODES)))):
        round_of(abroad, chance)
        drain(abroad)
        abroad.clock.move(minutes=1)
    assert abroad.lms_grades() == pytest.approx(wanted(abroad, "lms-"))
    assert len(abroad.lms.line_items("c1")) == len(CODES)
    assert {row[3] for row in abroad.room.deliveries()} <= {"delivered", "superseded"}
    if manners is CANVAS:
        assert_no_comment_is_repeated(abroad)
        key = "https://canvas.instructure.com/lti/submission"
        assert [one for one in sent if one[key] != {"new_submission": False}] == []


def assert_no_comment_is_repeated(abroad: Abroad) -> None:
    for item in abroad.lms.line_items("c1"):
        for grade in abroad.lms.results(item.id):
            told = (grade.comment or "").split("\n")
            assert all(one != after for one, after in pairwise(told))


def test_at_a_fifth_of_faults_the_sis_ends_on_our_last_values(abroad: Abroad) -> None:
    chance = random.Random(8)  # noqa: S311 -- a test repeats what happened
    fill(abroad, len(STUDENTS))
    abroad.room.switch("oneroster")
    misbehave(abroad.sis_proxy, 12, throttles=False)
    for _round in range(max(2, WANTED // (len(STUDENTS) * len(CODES)))):
        round_of(abroad, chance)
        drain(abroad)
        abroad.clock.move(minutes=1)
    held = {key: value for key, (value, _guids) in abroad.sis_grades().items()}
    assert held == pytest.approx(wanted(abroad, ""))
    assert len(list(abroad.catalog.records("assessmentLineItems"))) == len(CODES)


class KilledError(BaseException):
    """Ends a worker at once, as SIGKILL would: nothing of it runs on."""


# Each step of a delivery, and whether the worker dies before or after it is done.
STEPS = [
    (module, name, after)
    for module, name in (
        (outbox, "claim"),
        (outbox, "renew"),
        (outbox, "note_sending"),
        (settling, "settle"),
        (gradebooks, "_make"),
        (gradebooks, "_remember"),
    )
    for after in (False, True)
]


@pytest.mark.parametrize("manners", [CANVAS], ids=["canvas"])
@pytest.mark.parametrize(
    ("module", "name", "after"),
    STEPS,
    ids=[f"{'after' if after else 'before'}-{name}" for _, name, after in STEPS],
)
def test_a_worker_killed_at_any_step_leaves_one_effect(
    abroad: Abroad,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
    *,
    after: bool,
) -> None:
    """C11."""
    room = abroad.room
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.refresh()
    room.switch("ags")
    with monkeypatch.context() as cut:
        cut.setattr(module, name, killed(getattr(module, name), after=after))
        with pytest.raises(KilledError):
            abroad.deliver()
    for _lease in range(2):
        abroad.clock.move(seconds=91)
        drain(abroad)
    assert abroad.lms_grades() == {("7.A", "lms-ana"): 3.6}
    (column,) = abroad.lms.line_items("c1")
    (grade,) = abroad.lms.results(column.id)
    assert "\n" not in (grade.comment or "")
    assert {row[3] for row in room.deliveries()} == {"delivered"}


def killed(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def die(*some: Any, **named: Any) -> Any:  # noqa: ANN401 -- whatever the step takes
        if after:
            step(*some, **named)
        raise KilledError

    return die
