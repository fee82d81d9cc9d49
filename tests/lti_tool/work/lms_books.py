"""A gradebook of an LMS that is fed by a test, and a class that is read from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lti_tool.errors import DeliveryError
from lti_tool.platforms.gradebook import LmsScore, LmsWork
from lti_tool.storage import lms_readings, schema
from lti_tool.work import lms_reading
from lti_tool.work.lms_stage import Counts

if TYPE_CHECKING:
    from lti_tool.storage.lms_readings import Reading
    from tests.lti_tool.work.conftest import Classroom

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_ADDRESSES = ("auth_url", "token_url", "jwks_url", "outcomes_token")
QUIZ = LmsWork("41", "Fractions quiz", minimum=0.0, maximum=10.0)


@dataclass
class Book:
    """What the LMS shows just now; breaks_at: after so many scores it is silent."""

    is_whole: bool = True
    shown: dict[str, LmsWork] = field(default_factory=dict)
    said: dict[tuple[str, str], LmsScore] = field(default_factory=dict)
    breaks_at: int | None = None
    asked: list[datetime | None] = field(default_factory=list)

    def works(self) -> Iterator[LmsWork]:
        yield from self.shown.values()

    def scores(self, since: datetime | None) -> Iterator[LmsScore]:
        self.asked.append(since)
        for number, one in enumerate(self.said.values()):
            if number == self.breaks_at:
                raise DeliveryError(
                    "it answered 403", "refused", permanent=True, said="No access"
                )
            is_new = since is None or one.scored_at is None or one.scored_at > since
            if self.is_whole or is_new:
                yield one

    def put(self, work: LmsWork) -> None:
        self.shown[work.number] = work

    def grade(
        self,
        user: str,
        given: float | None,
        *,
        work: str = "41",
        days_ago: float = 1,
        **more: Any,  # noqa: ANN401 -- fields of any kind
    ) -> None:
        at = NOON - timedelta(days=days_ago)
        self.said[work, user] = LmsScore(
            work, user, given, scored_at=at, **{"parts": {}, **more}
        )


@dataclass
class Read:
    """A class whose course in the LMS is read."""

    room: Classroom
    book: Book
    registration_id: int
    placement_id: int
    now: datetime = NOON

    def __call__(self, *, who: str = "schedule", is_whole: bool = False) -> Counts:
        found = lms_reading.read(
            self.room.database,
            self.connect,
            self.placement_id,
            lambda: self.now,
            who=who,
            is_whole=is_whole,
        )
        assert found is not None
        return found

    def connect(self, placement_id: int) -> Book:
        assert placement_id == self.placement_id
        return self.book

    def state(self) -> Reading:
        with self.room.database.read() as session:
            return lms_readings.load_reading(session, self.placement_id)

    def work(self, title: str, *, is_lms: bool = True) -> int:
        """Our id of the work of a title."""
        kinds = select(schema.source.c.id).where(
            (schema.source.c.kind == "lms") == is_lms
        )
        table = schema.assignment
        with self.room.database.read() as session:
            found = session.scalar(
                select(table.c.id).where(
                    table.c.title == title, table.c.source_id.in_(kinds)
                )
            )
        assert found is not None
        return found

    def align(self, title: str, code: str, **more: Any) -> int:  # noqa: ANN401 -- columns of any kind
        values = {
            "course_id": self.room.course_id,
            "assignment_id": self.work(title),
            "competency_id": self.room.competencies[code],
            "weight": 1.0,
            "made_by": "test",
            "created_at": NOON,
        }
        return self.room.insert(schema.alignment, **{**values, **more})


def make_read(room: Classroom, vendor: str = "moodle", name: str = "Moodle") -> Read:
    """Let the course be one of a platform, whose users are the class."""
    registration_id = room.insert(
        schema.registration,
        name=name,
        issuer=f"https://{vendor}.school",
        client_id="mb",
        vendor=vendor,
        outcomes_url=f"https://{vendor}.school",
        is_read=True,
        created_at=NOON,
        **dict.fromkeys(_ADDRESSES, "https://lms.example/a"),
    )
    deployment_id = room.insert(
        schema.deployment,
        registration_id=registration_id,
        deployment_id="1",
        status="active",
        created_at=NOON,
    )
    placement_id = room.insert(
        schema.placement,
        deployment_id=deployment_id,
        context_id="c1",
        course_id=room.course_id,
        seen_at=NOON,
    )
    for student in room.people:
        add_user(room, registration_id, student)
    book = Book()
    book.put(QUIZ)
    return Read(room, book, registration_id, placement_id)


def add_user(room: Classroom, registration_id: int, student: str) -> int:
    """Let a student be known on the platform: as `lms-ana`, number 1000 and more."""
    person_id = room.people.get(student)
    return room.insert(
        schema.lms_user,
        registration_id=registration_id,
        subject=f"lms-{student}",
        platform_user_id=str(1000 + (person_id or 0)),
        person_id=person_id,
        seen_at=NOON,
    )


def moved(one: LmsScore, **more: Any) -> LmsScore:  # noqa: ANN401 -- fields of any kind
    return replace(one, **more)
