"""A small class with real standings behind the pages, and people who look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from sqlalchemy import Table, insert

from lti_tool.app import create_app
from lti_tool.settings import Settings
from lti_tool.storage import schema, visits
from lti_tool.storage.database import Database, Session
from lti_tool.web.sessions import keep_browser
from lti_tool.work import standing

COOKIE = "__Host-masterybridge"
SECRET = "s" * 43
NAMES = (
    ("Amira", "Haddad"),
    ("Ben", "Ortiz"),
    ("Chloé", "Dubois"),
    ("Wei", "Chen"),
    ("Siobhán", "O'Sullivan"),
    ("José", "García-Márquez"),
    ("Nadia", "Novak"),
)
AREAS = ("Ratios", "Number")
LEVELS = ("Beginning", "Developing", "Proficient", "Advanced")


def put(session: Session, table: Table, **values: object) -> int:
    return int(
        session.execute(
            insert(table).values(**values).returning(table.c.id)
        ).scalar_one()
    )


@dataclass
class Class:
    """Everything the tests need to know of what was seeded."""

    database: Database
    now: datetime
    course: int = 0
    teacher: int = 0
    source: int = 0
    framework: int = 0
    registration: int = 0
    students: list[int] = field(default_factory=list)
    competencies: list[int] = field(default_factory=list)
    assignments: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def refresh(self) -> None:
        with self.database.write() as session:
            standing.refresh(session, self.course, now=self.now)

    def sid(self, person: int, role: str, *, locale: str | None = None) -> str:
        visit = visits.Visit(
            person_id=person,
            role=role,
            course_id=self.course,
            registration_id=self.registration,
            locale=locale,
        )
        with self.database.write() as session:
            return visits.open_visit(
                session, visit, browser_hash=visits.secret_hash(SECRET), now=self.now
            )

    def csrf(self, sid: str) -> str:
        with self.database.read() as session:
            row = session.execute(
                schema.web_session.select().where(schema.web_session.c.public_id == sid)
            ).one()
        return str(row.csrf)

    def add_work(self, competency: int, title: str, scores: Mapping[int, float]) -> int:
        number = len(self.assignments) + 1
        with self.database.write() as session:
            work = put(
                session,
                schema.assignment,
                source_id=self.source,
                sourced_id=f"li-{number}",
                fingerprint="x",
                course_id=self.course,
                class_sourced_id="class-1",
                title=title,
                maximum=10,
                due_at=self.now - timedelta(days=20),
            )
            put(
                session,
                schema.alignment,
                course_id=self.course,
                assignment_id=work,
                competency_id=competency,
                weight=1.0,
                made_by="cli",
                created_at=self.now,
            )
            rows = [
                {
                    "source_id": self.source,
                    "sourced_id": f"r-{work}-{person}",
                    "fingerprint": "x",
                    "assignment_id": work,
                    "person_id": person,
                    "line_item_sourced_id": f"li-{number}",
                    "student_sourced_id": f"s-{person}",
                    "given": given,
                    "score_status": "fully graded",
                    "scored_on": self.now.date() - timedelta(days=number % 30),
                }
                for person, given in scores.items()
            ]
            if rows:
                session.execute(insert(schema.score), rows)
        self.assignments.append(work)
        return work


def _framework(session: Session, room: Class, count: int) -> None:
    room.framework = put(
        session,
        schema.framework,
        case_id="fw",
        title="Grade 7 mathematics",
        creator="us",
        payload={},
        package={
            "CFRubrics": [
                {
                    "CFRubricCriteria": [
                        {
                            "CFItemURI": {"identifier": "c-1"},
                            "CFRubricCriterionLevels": [
                                {"quality": name, "description": f"{name} looks so."}
                                for name in LEVELS
                            ],
                        }
                    ]
                }
            ]
        },
        fingerprint="x",
        imported_at=room.now,
    )
    common = {
        "framework_id": room.framework,
        "payload": {},
        "fingerprint": "x",
    }
    for place, area in enumerate(AREAS):
        put(
            session,
            schema.competency,
            case_id=f"a-{place}",
            statement=area,
            position=place * 1000,
            is_assessable=False,
            **common,
        )
    half = -(-count // 2)
    for number in range(1, count + 1):
        place, inside = divmod(number - 1, half)
        room.competencies.append(
            put(
                session,
                schema.competency,
                case_id=f"c-{number}",
                human_code=f"{AREAS[place][:2].upper()}.{inside + 1}",
                statement=f"Compare <em>amounts</em> using >, < or = in case {number}",
                position=place * 1000 + inside + 1,
                is_assessable=True,
                language="en",
                **common,
            )
        )
        put(
            session,
            schema.association,
            case_id=f"child-{number}",
            kind="isChildOf",
            origin_case_id=f"c-{number}",
            destination_case_id=f"a-{place}",
            **common,
        )
    for earlier, later in ((1, 2), (2, 3)):
        put(
            session,
            schema.association,
            case_id=f"precedes-{earlier}-{later}",
            kind="precedes",
            origin_case_id=f"c-{earlier}",
            destination_case_id=f"c-{later}",
            **common,
        )


def _people(session: Session, room: Class, count: int) -> None:
    for number in range(-1, count):
        given, family = ("Grace", "Lee") if number < 0 else NAMES[number % len(NAMES)]
        again = f" {number // len(NAMES) + 1}" if number >= len(NAMES) else ""
        person = put(
            session,
            schema.person,
            given_name=given,
            family_name=family + again,
            display_name="Ms. Lee" if number < 0 else f"{given} {family}{again}",
            created_at=room.now,
        )
        put(
            session,
            schema.seat,
            person_id=person,
            course_id=room.course,
            role="instructor" if number < 0 else "learner",
            origin="sis",
        )
        if number < 0:
            room.teacher = person
        else:
            room.students.append(person)


@pytest.fixture
def seed(sqlite_database: Database, now: datetime) -> Callable[..., Class]:
    """Make a class; its levels are worked out by the real rules."""

    def make(
        students: int = 5, competencies: int = 4, *, host: str = "https://lms.example"
    ) -> Class:
        room = Class(sqlite_database, now)
        with sqlite_database.write() as session:
            room.source = put(
                session,
                schema.source,
                name="Lakeview SIS",
                kind="rest",
                location="https://sis.example",
                created_at=now,
                synced_at=now - timedelta(hours=6),
            )
            sis_class = put(
                session,
                schema.sis_class,
                source_id=room.source,
                sourced_id="class-1",
                fingerprint="x",
                title="7B",
            )
            room.registration = put(
                session,
                schema.registration,
                name="LMS",
                issuer=host,
                client_id="x",
                auth_url=f"{host}/auth",
                token_url=f"{host}/token",
                jwks_url=f"{host}/jwks",
                created_at=now,
            )
            _framework(session, room, competencies)
            room.course = put(
                session,
                schema.course,
                sis_class_id=sis_class,
                title="Grade 7 Math, section B",
                framework_id=room.framework,
                rule="highest",
                created_at=now,
            )
            _people(session, room, students)
        return room

    return make


@pytest.fixture
def room(seed: Callable[..., Class]) -> Class:
    """Five students, four competencies, work for three; levels of every kind."""
    room = seed()
    first, second, third, _ = room.competencies
    amira, ben, chloe, wei, siobhan = room.students
    room.add_work(first, "Unit 1 quiz", {amira: 8, ben: 4, chloe: 10, wei: 6})
    room.add_work(first, "Unit 1 check", {amira: 6, ben: 3, chloe: 9})
    room.add_work(second, "Unit 2 quiz", {amira: 9.5, chloe: 9, siobhan: 2})
    room.add_work(third, "Unit 3 quiz", {chloe: 5})
    room.refresh()
    return room


@pytest.fixture
def serve_class(tmp_path: Path, now: datetime) -> Callable[..., Flask]:
    """The real application over a class."""

    def make(room: Class) -> Flask:
        app = create_app(
            Settings(data_dir=tmp_path),
            room.database,
            tell_worker=lambda: room.told.append("told"),
        )
        app.config["NOW"] = lambda: now
        return app

    return make


def let_in(app: Flask) -> None:
    """Give whoever opens /enter?to=… the secret of the visits, and send them on."""

    def enter() -> Response:
        answer = Response(status=302, headers={"Location": request.args["to"]})
        keep_browser(answer, SECRET)
        return answer

    app.add_url_rule("/enter", "enter", enter)


@pytest.fixture
def client(room: Class, serve_class: Callable[..., Flask]) -> FlaskClient:
    """A browser that holds the secret of its visits."""
    client = serve_class(room).test_client()
    client.set_cookie(COOKIE, SECRET)
    return client
