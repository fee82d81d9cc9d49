"""Promise P2 against a Canvas: whatever goes wrong, our last value stands there."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lti_tool.storage import requeue, schema
from tests.faults.canvas import Canvas
from tests.lti_tool.work.canvas_school import School, opened
from tests.lti_tool.work.conftest import Classroom, Fault, Proxy, seat_student

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A delivery takes a dozen requests and more: one in twelve of them fails.
STUDENTS, ROUNDS, TRIES, SHARE = 8, 3, 3, 1 / 12
SEED = 8
WRONG: tuple[dict[str, Any], ...] = (
    {"drops": True},
    {"drops": True, "forwards": True},
    {"status": "503 Service Unavailable"},
    {"status": "500 Internal Server Error", "forwards": True},
    {"status": "429 Too Many Requests", "headers": (("Retry-After", "1"),)},
    {"status": "403 Forbidden", "body": b"403 Forbidden (Rate Limit Exceeded)"},
    {"status": "200 OK", "media_type": "text/html", "body": b"<html>Sign in</html>"},
)


class Weather(Proxy):
    """Some requests go wrong, and Canvas's jobs take their time."""

    def __init__(
        self, app: WSGIApplication, canvas: Canvas, chance: random.Random
    ) -> None:
        super().__init__(app)
        self.canvas, self.chance, self.is_bad = canvas, chance, True
        self.spoilt = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:  # noqa: ANN401 -- a WSGI body
        self.canvas.slow = self.chance.choice((0, 0, 2, 50)) if self.is_bad else 0
        self.canvas.lag = self.chance.choice((0, 0, 2, 50)) if self.is_bad else 0
        if self.is_bad and self.chance.random() < SHARE:
            self.spoilt += 1
            method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
            self._faults = [Fault(method, path, **self.chance.choice(WRONG))]
        return super().__call__(environ, start_response)


def test_every_last_value_stands_in_canvas_whatever_the_weather(
    room: Classroom, serve: Callable[..., str]
) -> None:
    chance = random.Random(SEED)  # noqa: S311 -- a test that can be run again
    weathers: list[Weather] = []

    def exposed(app: WSGIApplication, canvas: Canvas) -> Proxy:
        weathers.append(Weather(app, canvas, chance))
        return weathers[0]

    with opened(room, serve, proxied=exposed) as school:
        crowd(school)
        school.room.switch("canvas")
        for _ in range(ROUNDS):
            for number in range(STUDENTS):
                for work in ("lab", "quiz"):
                    school.level(f"s{number}", work, chance.randint(0, 10))
            for _ in range(TRIES):
                again(school)
        weathers[0].is_bad = False
        while any(state == "pending" for state, _code in school.states()):
            again(school)
        assert school.reasons() == []
        assert school.canvas.shown(school.course) == wanted(school)
        assert len(school.assignments()) == len(school.course.rubrics) == 1
        assert len(school.canvas.outcomes) == 2
        assert weathers[0].spoilt > 5


def crowd(school: School) -> None:
    """Add students, here and in Canvas."""
    for number in range(STUDENTS):
        name = f"s{number}"
        seat_student(school.room, name)
        user = school.canvas.add_student(school.course, name)
        school.room.insert(
            schema.lms_user,
            registration_id=school.registration_id,
            subject=f"lti-{name}",
            person_id=school.room.people[name],
            platform_user_id=str(user),
            seen_at=school.clock(),
        )


def again(school: School) -> None:
    """Deliver after a while; a person lets what was refused go out again."""
    school.clock.move(hours=1)
    with school.room.database.write() as session:
        requeue.release(session, school.clock())
    school.deliver()


def wanted(school: School) -> dict[tuple[str, str], float | None]:
    return {
        (name, f"guid-{code}"): value
        for (name, code), value in school.room.values().items()
    }
