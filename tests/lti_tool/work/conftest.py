"""One class with a plan in our tables, and both its gradebooks on real sockets."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, jsonify
from sqlalchemy import Table, func, insert, select, update

from lti_tool.demo.platform import STANDARD, Manners, Platform
from lti_tool.settings import Settings
from lti_tool.storage import keys, schema, secrets
from lti_tool.storage.database import Database, rows
from lti_tool.work import delivery, reconciling, standing
from lti_tool.work.outside import Outside
from lti_tool.work.standing import Refresh
from oneroster.catalog import MemoryCatalog
from oneroster.models import Org, Record, SisClass, User
from oneroster.provider import blueprint
from tests.ports import free_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Rows = list[dict[str, Any]]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STUDENTS = ("ana", "ben", "eva")
CODES = ("7.A", "7.B")


@dataclass
class Classroom:
    """A course with three students, two competencies and no score yet."""

    database: Database
    course_id: int = 0
    source_id: int = 0
    sis_class_id: int = 0
    people: dict[str, int] = field(default_factory=dict)
    competencies: dict[str, int] = field(default_factory=dict)
    work: dict[str, int] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def insert(self, table: Table, **values: Any) -> int:  # noqa: ANN401 -- columns of any kind
        with self.database.write() as session:
            found = session.execute(
                insert(table).values(**values).returning(table.c.id)
            )
            return int(found.scalar_one())

    def change(self, table: Table, row_id: int, **values: Any) -> None:  # noqa: ANN401 -- columns of any kind
        with self.database.write() as session:
            session.execute(update(table).where(table.c.id == row_id).values(**values))

    def sourced(self, sourced_id: str) -> dict[str, Any]:
        return {
            "source_id": self.source_id,
            "sourced_id": sourced_id,
            "fingerprint": "f",
        }

    def add_assignment(
        self, name: str, *codes: str, maximum: float | None = 10.0, weight: float = 1.0
    ) -> int:
        """Add a line item that speaks for the competencies of these codes."""
        self.work[name] = self.insert(
            schema.assignment,
            **self.sourced(name),
            course_id=self.course_id,
            class_sourced_id="class-7",
            title=f"Work {name}",
            maximum=maximum,
        )
        for code in codes:
            self.align(name, code, weight)
        return self.work[name]

    def align(self, name: str, code: str, weight: float = 1.0) -> int:
        return self.insert(
            schema.alignment,
            course_id=self.course_id,
            assignment_id=self.work[name],
            competency_id=self.competencies[code],
            weight=weight,
            made_by="test",
            created_at=NOON,
        )

    def score(
        self,
        student: str,
        name: str,
        given: float | None,
        *,
        days_ago: int = 1,
        **values: Any,  # noqa: ANN401 -- columns of any kind
    ) -> int:
        """Add a score; each call is another result of the SIS."""
        return self.insert(
            schema.score,
            **self.sourced(f"result-{next(self._numbers)}"),
            assignment_id=self.work[name],
            person_id=self.people[student],
            line_item_sourced_id=name,
            student_sourced_id=student,
            given=given,
            scored_on=date(2026, 11, 24) - timedelta(days=days_ago),
            **values,
        )

    def set_rule(self, name: str, parameter: float | None = None) -> None:
        self.change(schema.course, self.course_id, rule=name, parameter=parameter)

    def refresh(
        self, *, persons: Sequence[str] | None = None, now: datetime = NOON
    ) -> Refresh:
        ids = None if persons is None else [self.people[one] for one in persons]
        with self.database.write() as session:
            return standing.refresh(session, self.course_id, now=now, persons=ids)

    def switch(self, destination: str, *, is_on: bool = True) -> int:
        with self.database.write() as session:
            return standing.switch(
                session,
                self.course_id,
                destination,
                is_on=is_on,
                who="test",
                now=NOON,
            )

    def rows(self, table: Table, *columns: str) -> list[tuple[Any, ...]]:
        chosen = [table.c[name] for name in columns] or list(table.c)
        with self.database.read() as session:
            found = session.execute(select(*chosen).order_by(table.c.id))
            return [tuple(row) for row in found]

    def count(self, table: Table) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def count_deliveries(self) -> int:
        """How many outcomes were delivered so far."""
        states = Counter(state for (state,) in self.rows(schema.delivery, "state"))
        return states["delivered"]

    def values(self) -> dict[tuple[str, str], float | None]:
        """The stored attainments that stand, by student and code."""
        names = {row_id: name for name, row_id in self.people.items()}
        codes = {row_id: code for code, row_id in self.competencies.items()}
        return {
            (names[who], codes[what]): value
            for who, what, value, withdrawn_at in self.rows(
                schema.attainment, "person_id", "competency_id", "value", "withdrawn_at"
            )
            if withdrawn_at is None
        }

    def deliveries(self) -> list[tuple[str, str, float | None, str, str | None]]:
        """The outbox: destination, student, value, state and code, oldest first."""
        names = {row_id: name for name, row_id in self.people.items()}
        found = self.rows(
            schema.delivery, "destination", "person_id", "value", "state", "code"
        )
        return [(to, names[who], *rest) for to, who, *rest in found]


def make_classroom(database: Database) -> Classroom:
    room = Classroom(database)
    room.source_id = room.insert(
        schema.source, name="sis", kind="rest", location="-", created_at=NOON
    )
    room.sis_class_id = room.insert(
        schema.sis_class, **room.sourced("class-7"), title="Mathematics 7"
    )
    framework_id = room.insert(
        schema.framework,
        case_id="fw",
        title="Grade 7",
        creator="test",
        payload={},
        package={},
        fingerprint="f",
        imported_at=NOON,
    )
    room.course_id = room.insert(
        schema.course,
        sis_class_id=room.sis_class_id,
        title="Mathematics 7",
        framework_id=framework_id,
        rule="latest",
        created_at=NOON,
    )
    for place, code in enumerate(CODES):
        room.competencies[code] = room.insert(
            schema.competency,
            framework_id=framework_id,
            case_id=f"guid-{code}",
            human_code=code,
            statement=f"Statement {code}",
            position=place,
            is_assessable=True,
            payload={},
            fingerprint="f",
        )
    for name in STUDENTS:
        seat_student(room, name)
    return room


def seat_student(room: Classroom, name: str) -> None:
    """Add a person the SIS knows and seat her in the course."""
    room.people[name] = room.insert(
        schema.person,
        given_name=name.title(),
        family_name="Lee",
        display_name=f"{name.title()} Lee",
        created_at=NOON,
    )
    room.insert(
        schema.sis_user,
        **room.sourced(name),
        person_id=room.people[name],
        given_name=name.title(),
        family_name="Lee",
        is_enabled=True,
    )
    room.insert(
        schema.seat,
        person_id=room.people[name],
        course_id=room.course_id,
        role="learner",
        origin="sis",
    )


@pytest.fixture
def database(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    migrated_file: Path,
    shared_postgres: Callable[[], Database],
) -> Iterator[Database]:
    """An empty database with our schema; migrations run once, not once a test.

    SQLite, and PostgreSQL too where a test asks for both.
    """
    if getattr(request, "param", "sqlite") == "postgres":
        yield shared_postgres()
        return
    path = tmp_path / "room.sqlite3"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def room(database: Database) -> Classroom:
    return make_classroom(database)


VENDORS = ("moodle", "canvas")


class Clock:
    """The time of a test: it stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class Proxy:
    """Stands before an application and loses or replaces what it answers.

    A fault is asked for each request that names its method and a part of its path;
    it is played so many times and then no more.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._faults: list[Fault] = []
        self.seen: list[tuple[str, str]] = []

    def play(self, method: str, path: str, **fault: Any) -> Fault:  # noqa: ANN401 -- the fields of Fault
        made = Fault(method, path, **fault)
        self._faults.append(made)
        return made

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:  # noqa: ANN401 -- a WSGI body
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.seen.append((method, path))
        fault = next((one for one in self._faults if one.fits(method, path)), None)
        if fault is None:
            return self._app(environ, start_response)
        fault.times -= 1
        if fault.forwards:
            self._forward(environ)
        headers = [("Content-Type", fault.media_type), *fault.headers]
        if fault.drops:  # an answer that breaks off: the server closes the socket
            start_response("200 OK", [*headers, ("Content-Length", "1000")])
            return [b"{"]
        start_response(fault.status, headers)
        return [fault.body]

    def _forward(self, environ: WSGIEnvironment) -> None:
        """Let the application do its work; nobody hears of it."""

        def swallow(*_args: object) -> Callable[[bytes], object]:
            return lambda _body: None

        for _chunk in self._app(environ, swallow):
            pass


@dataclass
class Fault:
    method: str
    path: str
    times: int = 1
    skip: int = 0
    forwards: bool = False
    drops: bool = False
    status: str = "500 Internal Server Error"
    media_type: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def fits(self, method: str, path: str) -> bool:
        fits = self.times > 0 and method == self.method and self.path in path
        if fits and self.skip > 0:
            self.skip -= 1
            return False
        return fits


@dataclass
class Abroad:
    """The class in two gradebooks elsewhere, each behind a proxy."""

    room: Classroom
    outside: Outside
    clock: Clock
    lms: Platform
    catalog: MemoryCatalog
    lms_proxy: Proxy
    sis_proxy: Proxy

    def deliver(self) -> dict[str, int]:
        return dict(
            delivery.deliver(self.room.database, self.outside.connect, self.clock)
        )

    def reconcile(self) -> reconciling.Reconciliation:
        return reconciling.reconcile(
            self.room.database, self.outside.connect, self.clock, who="test"
        )

    def lms_grades(self) -> dict[tuple[str, str], float | None]:
        """What the LMS shows by column title and student."""
        return {
            (item.label, grade.person_id): grade.score
            for item in self.lms.line_items("c1")
            for grade in self.lms.results(item.id)
        }

    def sis_grades(self) -> dict[tuple[str, str], tuple[float | None, list[str]]]:
        """What the SIS holds by column title and student: score and GUIDs."""
        titles: dict[str, str] = {
            one.sourced_id: getattr(one, "title", "")
            for one in self.catalog.records("assessmentLineItems")
        }
        found: dict[tuple[str, str], tuple[float | None, list[str]]] = {}
        for one in self.catalog.records("assessmentResults"):
            record: Any = one
            guids = [
                objective.learning_objective_id
                for group in record.learning_objective_set or ()
                for objective in group.learning_objective_results
            ]
            key = titles[record.assessment_line_item.sourced_id]
            found[key, record.student.sourced_id] = (record.score, guids)
        return found


def make_records(names: Sequence[str]) -> dict[str, list[Record]]:
    """A school, its class and students of these names, as a SIS holds them."""

    def record(**values: Any) -> dict[str, Any]:  # noqa: ANN401 -- wire values
        return {"status": "active", "dateLastModified": NOON, **values}

    role = {"roleType": "primary", "role": "student", "org": _ref("org", "school")}
    users = [
        User.model_validate(
            record(
                sourcedId=name,
                givenName=name.title(),
                familyName="Lee",
                enabledUser="true",
                roles=[role],
            )
        )
        for name in names
    ]
    org = Org.model_validate(record(sourcedId="school", name="School", type="school"))
    group = SisClass.model_validate(
        record(
            sourcedId="class-7",
            title="Mathematics 7",
            classType="scheduled",
            course=_ref("course", "course-7"),
            school=_ref("org", "school"),
            terms=[_ref("academicSession", "term")],
        )
    )
    return {"orgs": [org], "classes": [group], "users": [*users]}


def _ref(kind: str, sourced_id: str) -> dict[str, str]:
    return {"href": "", "sourcedId": sourced_id, "type": kind}


@pytest.fixture
def unused_port() -> Callable[[], int]:
    return free_port


@pytest.fixture
def manners() -> Manners:
    return STANDARD


@pytest.fixture
def abroad(
    room: Classroom,
    serve: Callable[..., str],
    tmp_path: Path,
    manners: Manners,
    tool_keys: Rows,
) -> Abroad:
    key_file = tmp_path / "secret.key"
    key_file.write_bytes(b"k" * 32)
    settings = Settings(
        data_dir=tmp_path, secret_key_file=key_file, local_network="127.0.0.1"
    )
    tool_port, lms_port, sis_port = free_port(), free_port(), free_port()
    lms = Platform(url=f"http://127.0.0.1:{lms_port}", manners=manners)
    lms_proxy = Proxy(lms.app)
    catalog = MemoryCatalog(make_records(STUDENTS))
    sis = Flask("sis")
    sis.register_blueprint(blueprint(catalog, clients={"mb": "word"}))
    sis_proxy = Proxy(sis)
    serve(make_keyset(room.database, b"k" * 32, tool_keys), tool_port)
    serve(lms_proxy, lms_port)
    serve(sis_proxy, sis_port)
    _introduce(room, lms, f"http://127.0.0.1:{tool_port}")
    room.change(
        schema.source,
        room.source_id,
        location=f"http://127.0.0.1:{sis_port}",
        version="1.2",
        token_url=f"http://127.0.0.1:{sis_port}/oauth2/token",
        auth="basic",
        client_id="mb",
        client_secret=secrets.encrypt("word", b"k" * 32),
    )
    outside = Outside(settings, room.database)
    return Abroad(room, outside, Clock(), lms, catalog, lms_proxy, sis_proxy)


@pytest.fixture(scope="session")
def tool_keys(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Our signing keys, made once: making them takes longer than a test."""
    path = tmp_path_factory.mktemp("keys") / "keys.sqlite3"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    with database.write() as session:
        keys.ensure(session, b"k" * 32, now=NOON)
        made = rows(session, select(schema.tool_key))
    database.close()
    return made


def make_keyset(database: Database, key: bytes, tool_keys: Rows) -> Flask:
    """Our public keys at an address, all that an LMS asks of us here."""
    with database.write() as session:
        session.execute(insert(schema.tool_key), tool_keys)
    app = Flask("tool")

    @app.get("/lti/jwks")
    def jwks() -> Any:  # noqa: ANN401 -- a Flask response
        with database.read() as session:
            return jsonify(keys=keys.load_public(session, key))

    return app


def _introduce(room: Classroom, lms: Platform, tool_url: str) -> None:
    known = lms.register_tool(
        login_url=f"{tool_url}/lti/login",
        redirect_uris=[f"{tool_url}/lti/launch"],
        jwks_url=f"{tool_url}/lti/jwks",
        launch_url=f"{tool_url}/lti/launch",
    )
    lms.add_course("c1", "Mathematics 7", "M7", sis_class_sourced_id="class-7")
    registration_id = room.insert(
        schema.registration,
        name="LMS",
        issuer=known.issuer,
        client_id=known.client_id,
        auth_url=known.auth_url,
        token_url=known.token_url,
        jwks_url=known.jwks_url,
        vendor=lms.manners.name if lms.manners.name in VENDORS else "other",
        created_at=NOON,
    )
    deployment_id = room.insert(
        schema.deployment,
        registration_id=registration_id,
        deployment_id=known.deployment_id,
        status="active",
        created_at=NOON,
    )
    room.insert(
        schema.placement,
        deployment_id=deployment_id,
        context_id="c1",
        course_id=room.course_id,
        ags_line_items_url=lms.line_items_url("c1"),
        seen_at=NOON,
    )
    for name in STUDENTS:
        lms.add_person(f"lms-{name}", name.title(), "Lee", f"{name}@school.example")
        lms.enroll("c1", f"lms-{name}", "learner")
        room.insert(
            schema.lms_user,
            registration_id=registration_id,
            subject=f"lms-{name}",
            person_id=room.people[name],
            seen_at=NOON,
        )
