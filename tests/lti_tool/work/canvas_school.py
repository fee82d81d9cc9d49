"""Our class, and the same class in a Canvas that behaves as its sources say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lti_tool.platforms.canvas import CanvasOutcomes
from lti_tool.platforms.canvas_live import CanvasLive
from lti_tool.platforms.canvas_waiting import Waiting
from lti_tool.platforms.http import GuardedSession
from lti_tool.storage import platforms, requeue, schema, secrets
from lti_tool.storage.columns import Place
from lti_tool.work import delivery
from lti_tool.work.canvas import Canvases
from tests.faults.canvas import Canvas, Course
from tests.faults.canvas_grades import Gradebook, GradebookRoutes
from tests.faults.canvas_live import LiveRoutes
from tests.faults.canvas_routes import serve_canvas
from tests.lti_tool.work.conftest import NOON, STUDENTS, Classroom, Clock, Proxy
from tests.ports import free_port

KEY = b"k" * 32
A, B = "guid-7.A", "guid-7.B"


@dataclass
class School:
    """Our class, and the same class in a Canvas behind a proxy."""

    room: Classroom
    canvas: Canvas
    course: Course
    proxy: Proxy
    clock: Clock
    canvases: Canvases
    registration_id: int
    slept: list[float]
    book: Gradebook
    live: LiveRoutes
    days: int = 300

    def connect(self, _name: str, place: Place) -> CanvasOutcomes | CanvasLive:
        return self.canvases.destination(place, Waiting(sleep=self.slept.append))

    def deliver(self) -> dict[str, int]:
        self.clock.move(seconds=120)
        return dict(delivery.deliver(self.room.database, self.connect, self.clock))

    def level(self, who: str, work: str, given: float) -> None:
        self.days -= 1
        self.room.score(who, work, given, days_ago=self.days)
        self.room.refresh(now=self.clock())

    def reasons(self) -> list[tuple[str, str | None]]:
        """State and reason of each delivery that did not end well, oldest first."""
        found = self.room.rows(schema.delivery, "state", "reason")
        well = {"delivered", "superseded"}
        return [(state, why) for state, why in found if state not in well]

    def states(self) -> list[tuple[str, ...]]:
        """State and code of each delivery, oldest first."""
        return self.room.rows(schema.delivery, "state", "code")

    def token(self, text: str) -> None:
        with self.room.database.write() as session:
            platforms.save_platform(
                session, self.registration_id, outcomes_token=secrets.encrypt(text, KEY)
            )

    def assignments(self) -> list[str]:
        return [one["name"] for one in self.course.assignments.values()]


@contextmanager
def opened(
    room: Classroom,
    serve: Callable[..., str],
    proxied: Callable[[Any, Canvas], Proxy] = lambda app, _canvas: Proxy(app),
) -> Iterator[School]:
    """Serve a Canvas with the class in it, and introduce it to our tables."""
    clock = Clock()
    canvas = Canvas(clock)
    port = free_port()
    canvas.url = f"http://127.0.0.1:{port}"
    course = canvas.add_course(*STUDENTS, "new")
    book = Gradebook(canvas, course)
    live = LiveRoutes(canvas)
    app = serve_canvas(canvas, GradebookRoutes(canvas, book), live)
    proxy = proxied(app, canvas)
    serve(proxy, port)
    registration_id = _introduce(room, canvas, course)
    room.add_assignment("lab", "7.A")
    room.add_assignment("quiz", "7.B")
    with GuardedSession(frozenset({"127.0.0.1"})) as session:
        canvases = Canvases(
            room.database, session, session.local_hosts, KEY, clock=clock
        )
        yield School(
            room,
            canvas,
            course,
            proxy,
            clock,
            canvases,
            registration_id,
            [],
            book,
            live,
        )


def _introduce(room: Classroom, canvas: Canvas, course: Course) -> int:
    registration_id = room.insert(
        schema.registration,
        name="Canvas",
        issuer="https://canvas.instructure.com",
        client_id="10000000000001",
        auth_url=f"{canvas.url}/api/lti/authorize_redirect",
        token_url=f"{canvas.url}/lti-token",
        jwks_url=f"{canvas.url}/api/lti/security/jwks",
        vendor="canvas",
        outcomes_url=canvas.url,
        outcomes_token=secrets.encrypt("first-token", KEY),
        created_at=NOON,
    )
    deployment_id = room.insert(
        schema.deployment,
        registration_id=registration_id,
        deployment_id="1:abc",
        status="active",
        created_at=NOON,
    )
    room.insert(
        schema.placement,
        deployment_id=deployment_id,
        context_id="4dde05e8ca1973bcca9bffc13e1548820eee93a3",
        course_id=room.course_id,
        nrps_url=f"{canvas.url}/api/lti/courses/{course.id}/names_and_roles",
        seen_at=NOON,
    )
    for name in STUDENTS:
        room.insert(
            schema.lms_user,
            registration_id=registration_id,
            subject=f"lti-{name}",
            person_id=room.people[name],
            platform_user_id=str(canvas.user(course, name)),
            seen_at=NOON,
        )
    return registration_id


def taught(school: School, **levels: float) -> None:
    """Give students a score in the lab, and switch Canvas on."""
    for who, given in levels.items():
        school.level(who, "lab", given)
    school.room.switch("canvas")


def release(school: School) -> None:
    with school.room.database.write() as session:
        requeue.release(session, school.clock())


def teach(school: School, who: str, points: float) -> None:
    """Let a teacher rate the first row of our rubric herself."""
    (ours,) = school.course.assignments.values()
    user = school.canvas.user(school.course, who)
    marks = school.course.assessments[ours["id"], user]
    first = next(iter(marks))
    changed = {**marks, first: {"points": points, "rating_id": None, "comments": ""}}
    school.canvas.assess(school.course, ours, user, changed)
    school.canvas.look_at_results()
