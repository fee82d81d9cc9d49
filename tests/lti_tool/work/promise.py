"""A class whose levels go to a gradebook in another process, through bad weather."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import insert

from lti_tool.platforms.canvas_waiting import Waiting
from lti_tool.platforms.destination import Destination
from lti_tool.platforms.http import GuardedSession
from lti_tool.settings import Settings
from lti_tool.storage import outbox, schema, secrets
from lti_tool.storage.columns import Place
from lti_tool.work import delivery
from lti_tool.work.canvas import Canvases
from lti_tool.work.outside import Outside
from tests.faults.servers import Apart, CanvasStand, Effects, LmsStand, SisStand, apart
from tests.lti_tool.work.conftest import (
    CODES,
    NOON,
    STUDENTS,
    Classroom,
    Clock,
    make_records,
    seat_student,
)

KEY: Final = b"k" * 32
LOCAL: Final = frozenset({"127.0.0.1"})
# The worker looks for what is due that often.
TICK: Final = timedelta(seconds=2)
Connect = Callable[[str, Place], Destination]


@dataclass
class Promise:
    """Our class, the gradebook its levels go to, and the worker's clock."""

    room: Classroom
    stand: Apart
    connect: Connect
    clock: Clock
    told_clock: bool = False

    def round_of(self, chance: random.Random) -> None:
        """Score all work of everybody anew, a day later, so that it is the latest."""
        room = self.room
        self.clock.move(days=1)
        scores = [
            {
                **room.sourced(f"result-{self.clock.now:%m%d}-{name}-{code}"),
                "assignment_id": room.work[f"quiz-{code}"],
                "person_id": person,
                "line_item_sourced_id": f"quiz-{code}",
                "student_sourced_id": name,
                "given": float(chance.randrange(11)),
                "scored_on": self.clock.now.date(),
            }
            for code in CODES
            for name, person in room.people.items()
        ]
        with room.database.write() as session:
            session.execute(insert(schema.score), scores)
        room.refresh(now=self.clock())

    def drain(self) -> None:
        """Deliver until nothing waits, as the worker would, its clock running."""
        for _turn in range(2000):
            if self.told_clock:
                self.stand.ask("move", self.clock.now)
            delivery.deliver(self.room.database, self.connect, self.clock)
            with self.room.database.read() as session:
                due_at = outbox.load_next_due(session)
                is_due = outbox.has_due(session, self.clock())
            if due_at is None and not is_due:
                return
            self.clock.now += TICK
            if due_at is not None:
                self.clock.now = max(due_at, self.clock.now)
        raise AssertionError("it never ends")

    def told(self) -> Effects:
        found: Effects = self.stand.ask("told")
        return found

    def wanted(self) -> dict[tuple[str, str], float | None]:
        return {
            (code, name): value for (name, code), value in self.room.values().items()
        }

    def attempts(self) -> list[int]:
        """How many times each delivery was taken up."""
        return [count for (count,) in self.room.rows(schema.delivery, "attempts")]

    def states(self) -> set[str]:
        return {state for (state,) in self.room.rows(schema.delivery, "state")}


def crowd(room: Classroom, students: int) -> None:
    """Seat more students, and give both competencies a piece of work."""
    for number in range(students - len(STUDENTS)):
        seat_student(room, f"s{number}")
    for code in CODES:
        room.add_assignment(f"quiz-{code}", code)


@contextmanager
def at_lms(
    room: Classroom, folder: Path, ratio: float, *, manners: str, tool_url: str
) -> Iterator[Promise]:
    """Go to an LMS by AGS."""
    with apart(LmsStand, ratio, manners, f"{tool_url}/lti/jwks") as (_url, stand):
        stand.ask("seat", *room.people)
        told = stand.ask("introduce")
        registration = _register(room, told, manners)
        _place(room, registration, told["deployment_id"], told["line_items_url"])
        _name(room, registration, {name: {"subject": name} for name in room.people})
        room.switch("ags")
        yield Promise(room, stand, _outside(room, folder).connect, Clock())


@contextmanager
def at_sis(room: Classroom, folder: Path, ratio: float) -> Iterator[Promise]:
    """Go to a SIS by OneRoster."""
    with apart(SisStand, ratio, make_records(list(room.people))) as (url, stand):
        room.change(
            schema.source,
            room.source_id,
            location=url,
            version="1.2",
            token_url=f"{url}/oauth2/token",
            auth="basic",
            client_id="mb",
            client_secret=secrets.encrypt("word", KEY),
        )
        room.switch("oneroster")
        yield Promise(room, stand, _outside(room, folder).connect, Clock())


@contextmanager
def at_canvas(room: Classroom, _folder: Path, ratio: float) -> Iterator[Promise]:
    """Go to the outcomes of a Canvas by its REST interface."""
    clock = Clock()
    with (
        apart(CanvasStand, ratio, list(room.people), clock.now) as (url, stand),
        GuardedSession(LOCAL) as session,
    ):
        course, numbers = stand.ask("introduce")
        told = {
            "issuer": "https://canvas.instructure.com",
            "client_id": "10000000000001",
            "auth_url": f"{url}/api/lti/authorize_redirect",
            "token_url": f"{url}/lti-token",
            "jwks_url": f"{url}/api/lti/security/jwks",
        }
        registration = _register(
            room,
            told,
            "canvas",
            outcomes_url=url,
            outcomes_token=secrets.encrypt("first-token", KEY),
        )
        roster = f"{url}/api/lti/courses/{course}/names_and_roles"
        _place(room, registration, "1:abc", None, nrps_url=roster)
        known = {
            name: {"subject": name, "platform_user_id": str(numbers[name])}
            for name in room.people
        }
        _name(room, registration, known)
        room.switch("canvas")
        canvases = Canvases(room.database, session, LOCAL, KEY, clock=clock)

        def connect(_name: str, place: Place) -> Destination:
            return canvases.destination(place, Waiting(sleep=lambda _seconds: None))

        yield Promise(room, stand, connect, clock, told_clock=True)


def _outside(room: Classroom, folder: Path) -> Outside:
    key_file = folder / "secret.key"
    key_file.write_bytes(KEY)
    settings = Settings(
        data_dir=folder, secret_key_file=key_file, local_network="127.0.0.1"
    )
    return Outside(settings, room.database)


def _register(
    room: Classroom, told: Mapping[str, str], vendor: str, **more: str
) -> int:
    names = ("issuer", "client_id", "auth_url", "token_url", "jwks_url")
    return room.insert(
        schema.registration,
        name="LMS",
        vendor=vendor,
        created_at=NOON,
        **{name: told[name] for name in names},
        **more,
    )


def _place(
    room: Classroom,
    registration: int,
    deployment: str,
    line_items_url: str | None,
    **more: str,
) -> None:
    deployment_id = room.insert(
        schema.deployment,
        registration_id=registration,
        deployment_id=deployment,
        status="active",
        created_at=NOON,
    )
    room.insert(
        schema.placement,
        deployment_id=deployment_id,
        context_id="c1",
        course_id=room.course_id,
        ags_line_items_url=line_items_url,
        seen_at=NOON,
        **more,
    )


def _name(
    room: Classroom, registration: int, known: Mapping[str, Mapping[str, Any]]
) -> None:
    with room.database.write() as session:
        session.execute(
            insert(schema.lms_user),
            [
                {
                    "registration_id": registration,
                    "person_id": room.people[name],
                    "seen_at": NOON,
                    **values,
                }
                for name, values in known.items()
            ],
        )
