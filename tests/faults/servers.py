"""Gradebooks in a process of their own, each behind a fault proxy, with a log.

What a delivery did to them is told from their side: every effect is counted where it
happens, not where it was meant. The other process is asked over a pipe.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

from lti_tool.demo.platform import CANVAS, MOODLE, Platform
from lti_tool.demo.platform_gradebook import Gradebook
from lti_tool.demo.servers import Servers
from oneroster.catalog import MemoryCatalog
from oneroster.provider import blueprint
from tests.faults.canvas import Canvas, Course
from tests.faults.canvas_routes import serve_canvas
from tests.faults.proxy import EVERY, PASS, Fault, Kind, Proxy
from tests.ports import free_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from lti_tool.demo.platform_records import Grade, LineItem
    from oneroster.models import Record

ROOT = str(Path(__file__).resolve().parents[2])
EXTENSION = "https://canvas.instructure.com/lti/submission"
TOO_MANY = 429
SECONDS = 0.02  # how long what is delayed, overtaken or late is held
Sender = tuple[str, str]


@dataclass
class Effects:
    """What became of a gradebook.

    Attributes:
        held: what stands there, by column and person.
        columns: how many were made, ever.
        writes: how many scores were applied.
        cleared: how often one that stood there was taken away.
        attempts: how often a student was given a new attempt.
        repeated: how often a comment was added that stood there already.
        again: how often a value was written over itself.
        faults: how many requests went wrong, by kind; under "pass" those that did not.
    """

    held: dict[Sender, float | None] = field(default_factory=dict)
    columns: int = 0
    writes: int = 0
    cleared: int = 0
    attempts: int = 0
    repeated: int = 0
    again: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def harm(self) -> dict[str, int]:
        """The effects that nobody may have, where there were any."""
        names = ("cleared", "attempts", "repeated", "again")
        return {name: count for name in names if (count := getattr(self, name))}

    def note(self, before: float | None, after: float | None) -> None:
        """Count one write by what stood there before and after it."""
        self.writes += 1
        self.cleared += before is not None and after is None
        self.again += before == after


@dataclass(frozen=True)
class Climate:
    """What may go wrong with the requests of a server.

    Nobody can keep a request that makes something from making it twice, or after it
    was given up, if the network sends it again: HTTP forbids it to. Requests that only
    read may come twice and late everywhere; others, where their path ends so.
    """

    ratio: float
    kinds: tuple[Kind, ...] = EVERY
    seed: int = 11
    twice: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


class Weather:
    """Lets one request in so many go wrong, tokens aside, always as a seed says."""

    def __init__(self, climate: Climate) -> None:
        self._chance = random.Random(climate.seed)  # noqa: S311 -- to be repeated
        self._climate = climate

    def __call__(self, _number: int, method: str, target: str) -> Fault:
        chance = self._chance
        if "token" in target or chance.random() >= self._climate.ratio:
            return PASS
        kind = chance.choice(self._climate.kinds)
        status = chance.choice([429, 500, 502, 503, 504])
        octets = chance.randrange(400)
        path = target.partition("?")[0]
        endings = {"duplicate": self._climate.twice, "late": self._climate.late}
        if method != "GET" and not path.endswith(endings.get(kind, ("",))):
            kind = "drop"
        headers = {"Retry-After": "2"} if status == TOO_MANY else {}
        return Fault(kind, SECONDS, octets, status=status, headers=headers)


class Stand:
    """One gradebook behind its proxy; what the other process holds."""

    def __init__(self, climate: Climate) -> None:
        self.effects = Effects()
        self._servers = Servers("127.0.0.1")
        self._port = free_port()
        self.proxy = Proxy(self._port, Weather(climate))
        self.proxy.start()

    @property
    def url(self) -> str:
        """Where it is reached: the proxy's address."""
        return self.proxy.url

    def serve(self, app: WSGIApplication) -> None:
        self._servers.serve(app, self._port)

    def stop(self) -> None:
        self.proxy.stop()
        self._servers.stop()

    def told(self) -> Effects:
        """All that happened so far."""
        self.effects.faults = Counter(one.kind for one in self.proxy.seen)
        return self.effects


class WatchedGradebook(Gradebook):
    """A gradebook of the pretend LMS that counts what happens to it."""

    def __init__(self, lms: Platform, effects: Effects) -> None:
        super().__init__(lms.manners, lms.lock)
        self._effects = effects
        self._room = lms.lock

    def add_column(self, **values: Any) -> LineItem:  # noqa: ANN401 -- a column's
        self._effects.columns += 1
        return super().add_column(**values)

    def score(self, item: LineItem, sent: Grade) -> Grade:
        with self._room:
            held = self.grade(item.id, sent.person_id)
            after = super().score(item, sent)
            self._effects.note(held.score if held else None, after.score)
            lines = (after.comment or "").split("\n")
            self._effects.repeated += len(lines) > 1 and lines[-1] == lines[-2]
        return after


class LmsStand(Stand):
    """An LMS with AGS, in the manners of a vendor."""

    def __init__(self, ratio: float, manners: str, jwks_url: str) -> None:
        is_moodle = manners == "moodle"
        # Its timestamp keeps a late score from harm; Canvas takes one of the same
        # time once more, its comment too.
        twice = ("/scores",) if is_moodle else ()
        super().__init__(Climate(ratio, twice=twice, late=("/scores",)))
        self.lms = Platform(url=self.url, manners=MOODLE if is_moodle else CANVAS)
        self.lms.gradebook = WatchedGradebook(self.lms, self.effects)
        self.known = self.lms.register_tool(
            login_url=jwks_url,
            redirect_uris=[jwks_url],
            jwks_url=jwks_url,
            launch_url=jwks_url,
        )
        self.lms.add_course("c1", "Mathematics 7", "M7")
        self._has_attempts = not is_moodle
        self.serve(self._watched)

    def introduce(self) -> dict[str, str]:
        """What our registration, deployment and placement hold."""
        names = (
            "issuer",
            "client_id",
            "auth_url",
            "token_url",
            "jwks_url",
            "deployment_id",
        )
        told = {name: str(getattr(self.known, name)) for name in names}
        return told | {"line_items_url": self.lms.line_items_url("c1")}

    def seat(self, *names: str) -> None:
        for name in names:
            self.lms.add_person(name, name.title(), "Lee", f"{name}@school.example")
            self.lms.enroll("c1", name, "learner")

    def told(self) -> Effects:
        effects = super().told()
        effects.held = {
            (item.label, grade.person_id): grade.score
            for item in self.lms.line_items("c1")
            for grade in self.lms.results(item.id)
        }
        return effects

    def _watched(self, environ: WSGIEnvironment, start: StartResponse) -> Any:  # noqa: ANN401 -- a WSGI body
        if self._has_attempts and environ["PATH_INFO"].endswith("/scores"):
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            # Without a word of it Canvas makes a new attempt of every score.
            new = json.loads(body).get(EXTENSION, {}).get("new_submission", True)
            self.effects.attempts += bool(new)
        return self.lms.app(environ, start)


class SisStand(Stand):
    """A SIS that keeps gradebook objects by OneRoster 1.2."""

    def __init__(self, ratio: float, records: Mapping[str, Sequence[Record]]) -> None:
        # A PUT may come twice; one that comes late would win, and only reconciling
        # finds that out: OneRoster knows no "if newer".
        kinds = tuple(kind for kind in EVERY if kind != "throttle")  # Canvas's word
        super().__init__(Climate(ratio, kinds, twice=("",)))
        self.catalog = WatchedCatalog(records, self.effects)
        app = Flask("sis")
        app.register_blueprint(blueprint(self.catalog, clients={"mb": "word"}))
        self.serve(app)

    def told(self) -> Effects:
        titles = {
            one.sourced_id: str(getattr(one, "title", ""))
            for one in self.catalog.records("assessmentLineItems")
        }
        effects = super().told()
        effects.columns = len(titles)
        found: list[Any] = list(self.catalog.records("assessmentResults"))
        effects.held = {
            (titles[one.assessment_line_item.sourced_id], one.student.sourced_id): (
                one.score
            )
            for one in found
        }
        effects.repeated = len(found) - len(effects.held)
        effects.again = 0  # writing over itself does a SIS no harm
        return effects


class WatchedCatalog(MemoryCatalog):
    """A catalog that counts what happens to its results."""

    def __init__(
        self, records: Mapping[str, Sequence[Record]], effects: Effects
    ) -> None:
        super().__init__(records)
        self._effects = effects

    def write(self, collection: str, record: Record) -> None:
        if collection == "assessmentResults":
            held: Any = self.read(collection, record.sourced_id)
            new: Any = record
            self._effects.note(held and held.score, new.score)
        super().write(collection, record)

    def delete(self, collection: str, sourced_id: str) -> None:
        self._effects.cleared += collection == "assessmentResults"
        super().delete(collection, sourced_id)


class CanvasStand(Stand):
    """A Canvas with its REST interface, whose jobs take their time."""

    def __init__(self, ratio: float, names: Sequence[str], now: datetime) -> None:
        super().__init__(Climate(ratio))
        self._now = now
        self.canvas = WatchedCanvas(lambda: self._now, self.effects)
        self.canvas.url = self.url
        self.course = self.canvas.add_course(*names)
        self._app = serve_canvas(self.canvas)
        self._chance = random.Random(12)  # noqa: S311 -- to be repeated
        self.serve(self._slow)

    def move(self, now: datetime) -> None:
        """Tell what time it is."""
        self._now = now

    def introduce(self) -> tuple[int, dict[str, int]]:
        """The number of the course, and those of its students."""
        students = {name: key for key, name in self.course.students.items()}
        return self.course.id, students

    def told(self) -> Effects:
        effects = super().told()
        effects.held = {
            (guid.removeprefix("guid-"), name): score
            for (name, guid), score in self.canvas.shown(self.course).items()
        }
        effects.columns = len(self.canvas.outcomes)
        return effects

    def _slow(self, environ: WSGIEnvironment, start: StartResponse) -> Any:  # noqa: ANN401 -- a WSGI body
        self.canvas.slow = self._chance.choice((0, 0, 2))
        self.canvas.lag = self._chance.choice((0, 0, 2))
        return self._app(environ, start)


class WatchedCanvas(Canvas):
    """A Canvas that counts what happens to its outcome results."""

    def __init__(self, now: Callable[[], datetime], effects: Effects) -> None:
        super().__init__(now)
        self._effects = effects

    def add_assignment(self, course: Course, **values: Any) -> dict[str, Any]:  # noqa: ANN401 -- as Canvas takes it
        self._effects.attempts += bool(course.assignments)  # one is ours, no second
        return super().add_assignment(course, **values)

    def _track(self, course: Course, assignment: dict[str, Any], user: int) -> None:
        before = {key: one["score"] for key, one in course.results.items()}
        super()._track(course, assignment, user)
        for key, one in course.results.items():
            if key[2] == user and one["score"] != before.get(key):
                self._effects.note(before.get(key), one["score"])


class Apart:
    """A stand in another process, asked over a pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def ask(self, name: str, *some: object) -> Any:  # noqa: ANN401 -- whatever it answers
        """Call a method of the stand, or read an attribute, over there."""
        self._pipe.send((name, some))
        answer = self._pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _run(pipe: Connection, make: Callable[..., Stand], some: Sequence[object]) -> None:
    stand = make(*some)
    pipe.send(stand.url)
    while (asked := pipe.recv()) is not None:
        name, given = asked
        try:
            pipe.send(getattr(stand, name)(*given))
        except Exception as error:  # noqa: BLE001 -- it is raised where it was asked
            pipe.send(error)
    stand.stop()


@contextmanager
def apart(make: Callable[..., Stand], *some: object) -> Iterator[tuple[str, Apart]]:
    """Make a stand in a process of its own; yields its address, and who asks it."""
    if ROOT not in sys.path:  # pytest finds our packages by another way
        sys.path.append(ROOT)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, make, some), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv(), Apart(ours)
        ours.send(None)
        process.join(timeout=60)
    finally:
        process.kill()
