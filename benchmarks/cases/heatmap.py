"""The class grid: page against a bare string join, and how many statements it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event, insert, select

from benchmarks import yardsticks
from benchmarks.bench import Bench, Finding, check, now
from lti_tool.app import create_app
from lti_tool.settings import Settings
from lti_tool.storage import schema, visits
from lti_tool.storage.database import Database, Session
from lti_tool.web.sessions import COOKIE

SECRET = "s" * 43
COMPETENCIES = 40
SMALL = 15
STUDENTS = {"S": 60, "M": 150}


def measure(bench: Bench) -> list[Finding]:
    """Time GET of the grid with everything a real request has to do."""
    with bench.database() as database:
        small = room(database, "small", SMALL)
        large = room(database, "large", STUDENTS[bench.size])
        settings = Settings(data_dir=bench.folder, local_network="localhost")
        client = create_app(settings, database).test_client()
        client.set_cookie(COOKIE, SECRET)
        with bench.driver(database) as connection:
            pairs = bench.alternate(
                "cpu",
                lambda: _page(client, large[1]),
                lambda: yardsticks.draw_grid(connection, large[0]),
            )
            bare = yardsticks.draw_grid(connection, large[0])
            connection.rollback()
        page = _page(client, large[1])
        cells = STUDENTS[bench.size] * COMPETENCIES
        check(bare.count("<td>") == cells, "the yardstick drew another grid")
        names = sum(page.count(f">Student {n:04d}<") for n in range(STUDENTS["M"]))
        check(names == STUDENTS[bench.size], f"{names} students are on the page")
        few = _statements(database, client, small[1])
        many = _statements(database, client, large[1])
        check(few == many, f"{few} statements for {SMALL} students, {many} for more")
    return [
        Finding(
            "grid page / query and string join",
            "cpu",
            pairs,
            "<= 2.5 (H1, without the request around it)",
        ),
        Finding(f"statements, large / small class ({many})", "count", ((many, few),)),
        Finding("bytes of the page / of the join", "count", ((len(page), len(bare)),)),
    ]


def room(database: Database, name: str, students: int) -> tuple[int, str]:
    """Make a class with a level in every cell; returns course and visit."""
    with database.write() as session:
        framework = _put(
            session,
            schema.framework,
            {
                "case_id": name,
                "title": name,
                "creator": "bench",
                "payload": {},
                "package": {},
                "fingerprint": "x",
                "imported_at": now(),
            },
        )[0]
        course = _put(
            session,
            schema.course,
            {
                "title": name,
                "framework_id": framework,
                "rule": "highest",
                "created_at": now(),
            },
        )[0]
        competencies = _put(
            session,
            schema.competency,
            *(
                {
                    "framework_id": framework,
                    "case_id": f"{name}-{n}",
                    "human_code": f"K.{n}",
                    "statement": f"Competency {n}",
                    "position": n,
                    "is_assessable": True,
                    "payload": {},
                    "fingerprint": "x",
                }
                for n in range(COMPETENCIES)
            ),
        )
        people = _put(
            session,
            schema.person,
            *(
                {
                    "given_name": "Student",
                    "family_name": f"{n:04d}",
                    "display_name": f"Student {n:04d}",
                    "created_at": now(),
                }
                for n in range(students + 1)
            ),
        )
        _seat(session, course, people)
        _stand(session, course, people[:-1], competencies)
        visit = visits.Visit(person_id=people[-1], role="instructor", course_id=course)
        secret = visits.secret_hash(SECRET)
        return course, visits.open_visit(session, visit, browser_hash=secret, now=now())


def _put(session: Session, table: Any, *rows: dict[str, Any]) -> list[int]:  # noqa: ANN401 -- a table
    known = set(session.scalars(select(table.c.id)))
    session.execute(insert(table), list(rows))
    return [one for one in session.scalars(select(table.c.id)) if one not in known]


def _seat(session: Session, course: int, people: list[int]) -> None:
    seats = [
        {
            "person_id": one,
            "course_id": course,
            "role": "instructor" if one == people[-1] else "learner",
            "origin": "sis",
        }
        for one in people
    ]
    session.execute(insert(schema.seat), seats)


def _stand(
    session: Session, course: int, people: list[int], competencies: list[int]
) -> None:
    standings = [
        {
            "course_id": course,
            "person_id": person,
            "competency_id": competency,
            "value": float((person + competency) % 4 + 1),
            "ratio": ((person + competency) % 4) / 4,
            "level": (person + competency) % 4,
            "level_name": "Level",
            "is_mastered": (person + competency) % 4 > 1,
            "rule": "highest",
            "evidence_count": 1,
            "computed_at": now(),
        }
        for person in people
        for competency in competencies
    ]
    session.execute(insert(schema.attainment), standings)
    work = _put(
        session,
        schema.source,
        {
            "name": f"source {course}",
            "kind": "csv",
            "location": ".",
            "created_at": now(),
        },
    )[0]
    assignment = _put(
        session,
        schema.assignment,
        {
            "source_id": work,
            "sourced_id": "a",
            "fingerprint": "x",
            "course_id": course,
            "class_sourced_id": "c",
            "title": "Work",
            "maximum": 10.0,
        },
    )[0]
    _put(
        session,
        schema.alignment,
        {
            "course_id": course,
            "assignment_id": assignment,
            "competency_id": competencies[0],
            "weight": 1.0,
            "made_by": "bench",
            "created_at": now(),
        },
    )


def _page(client: FlaskClient, sid: str) -> str:
    answer = client.get(f"/s/{sid}/class", base_url="https://localhost")
    check(answer.status_code == 200, f"the grid answered {answer.status_code}")  # noqa: PLR2004 -- HTTP
    return answer.get_data(as_text=True)


@contextmanager
def _counted(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def _statements(database: Database, client: FlaskClient, sid: str) -> int:
    _page(client, sid)
    with _counted(database) as seen:
        _page(client, sid)
    return sum(one.lstrip().upper().startswith(("SELECT", "WITH")) for one in seen)
