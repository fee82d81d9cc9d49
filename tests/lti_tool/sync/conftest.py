"""A small SIS whose records a test moves, and its pulls into a real database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from sqlalchemy import Table, select

from lti_tool.storage import schema, sources
from lti_tool.storage.database import Database
from lti_tool.work import roster
from lti_tool.work.feeds import BundleFeed, Feed, RestFeed
from lti_tool.work.roster import SyncOptions, SyncReport
from oneroster.auth import ClientCredentials
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import MemoryCatalog
from oneroster.client import Client
from oneroster.models import (
    AcademicSession,
    Category,
    Course,
    Enrollment,
    LineItem,
    Org,
    Record,
    Result,
    Role,
    SisClass,
    User,
    refer,
)
from oneroster.provider import blueprint
from oneroster.service import Service
from oneroster.transport import Patience
from tests.begun import Begun
from tests.ports import free_port

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Provider = Callable[["Sis"], Flask]
Host = Callable[[Any], str]
OpenFeed = Callable[[str], RestFeed]

LIVE = (
    "org",
    "term",
    "sis_course",
    "sis_class",
    "sis_user",
    "demographics",
    "enrollment",
    "category",
    "assignment",
    "score",
    "person",
    "course",
    "seat",
)


def a_user(key: str, role: str = "student", **fields: object) -> User:
    facts = {
        "given_name": f"Given {key}",
        "family_name": f"Family {key}",
        "username": key,
        "roles": (Role(role=role, org=refer("org", "school")),),
    }
    return User(sourced_id=key, status="active", **(facts | fields))


def an_enrollment(
    user: str, group: str, role: str = "student", **more: object
) -> Record:
    return Enrollment(
        sourced_id=f"{user}@{group}",
        status="active",
        user=refer("user", user),
        class_=refer("class", group),
        school=refer("org", "school"),
        role=role,
        **more,
    )


def a_result(key: str, line_item: str, student: str, score: float) -> Result:
    return Result(
        sourced_id=key,
        status="active",
        line_item=refer("lineItem", line_item),
        student=refer("student", student),
        score=score,
        score_date=date(2026, 10, 1),
        score_status="fully graded",
    )


def a_class(key: str, **fields: object) -> SisClass:
    facts = {
        "title": f"Class {key}",
        "class_code": f"code-{key}",
        "class_type": "scheduled",
    } | fields
    return SisClass(
        sourced_id=key,
        status="active",
        course=refer("course", "math"),
        school=refer("org", "school"),
        terms=(refer("academicSession", "fall"),),
        **facts,
    )


def a_line_item(key: str, group: str, **fields: object) -> LineItem:
    facts = {
        "title": f"Work {key}",
        "assign_date": datetime(2026, 9, 1, tzinfo=UTC),
        "due_date": datetime(2026, 9, 30, tzinfo=UTC),
        "result_value_min": 0.0,
        "result_value_max": 10.0,
    } | fields
    return LineItem(
        sourced_id=key,
        status="active",
        class_=refer("class", group),
        school=refer("org", "school"),
        category=refer("category", "quiz"),
        academic_session=refer("academicSession", "fall"),
        **facts,
    )


def small_school() -> dict[str, list[Record]]:
    """Two classes, three students, a teacher, four scores, one of them a retake."""
    school = Org(
        sourced_id="school",
        status="active",
        name="A school",
        type="school",
        identifier="1",
    )
    fall = AcademicSession(
        sourced_id="fall",
        status="active",
        title="Fall",
        type="term",
        start_date=date(2026, 8, 20),
        end_date=date(2026, 12, 20),
        school_year="2027",
    )
    math = Course(
        sourced_id="math",
        status="active",
        title="Math",
        course_code="M7",
        org=refer("org", "school"),
    )
    return {
        "orgs": [school],
        "academicSessions": [fall],
        "courses": [math],
        "classes": [a_class("a"), a_class("b")],
        "users": [*(a_user(key) for key in "123"), a_user("t", "teacher")],
        "enrollments": [
            *(an_enrollment(key, "a") for key in "123"),
            an_enrollment("1", "b"),
            an_enrollment("t", "a", "teacher"),
        ],
        "categories": [Category(sourced_id="quiz", status="active", title="Quiz")],
        "lineItems": [a_line_item("w1", "a"), a_line_item("w2", "b")],
        "results": [
            a_result("r1", "w1", "1", 4.0),
            a_result("r2", "w1", "1", 9.0),
            a_result("r3", "w1", "2", 7.0),
            a_result("r4", "w2", "1", 5.0),
        ],
    }


@dataclass
class Sis:
    """The records a SIS holds now, and one source of ours that pulls them."""

    database: Database
    folder: Path
    now: datetime
    records: dict[str, list[Record]] = field(default_factory=small_school)
    begun: Begun = field(default_factory=Begun)
    source_id: int = 0
    written: int = 0

    user = staticmethod(a_user)
    enrollment = staticmethod(an_enrollment)
    result = staticmethod(a_result)
    group = staticmethod(a_class)
    line_item = staticmethod(a_line_item)

    def __post_init__(self) -> None:
        self.source_id = self.add_source("sis")

    def add_source(self, name: str) -> int:
        # Of a school this small one person is more than the share that may end unasked.
        chosen = {"school_ratio": 1.0, "grace_days": 0}
        values = {"name": name, "kind": "csv", "location": "here", "settings": chosen}
        with self.database.write() as session:
            return sources.add_source(session, values, self.now)

    def put(self, collection: str, *records: Record) -> None:
        """Add records, in place of those with the same sourcedId."""
        held = {one.sourced_id: one for one in self.records[collection]}
        self.records[collection] = list(
            (held | {one.sourced_id: one for one in records}).values()
        )

    def change(self, collection: str, sourced_id: str, **fields: object) -> None:
        found = next(r for r in self.records[collection] if r.sourced_id == sourced_id)
        self.put(collection, found.model_copy(update=fields))

    def drop(self, collection: str, *sourced_ids: str) -> None:
        kept = [r for r in self.records[collection] if r.sourced_id not in sourced_ids]
        self.records[collection] = kept

    def crowd(self, count: int) -> None:
        """Put many students more into class a, so that 5 % is a number."""
        keys = [f"s{number:03}" for number in range(count)]
        self.put("users", *map(a_user, keys))
        self.put("enrollments", *(an_enrollment(key, "a") for key in keys))

    def bundle(self, *, delta: bool = False) -> Path:
        self.written += 1
        path = self.folder / f"bundle-{self.written}"
        write_bundle(
            path,
            MemoryCatalog(self.records),
            delta_at=self.now if delta else None,
            collections=[name for name in self.records if self.records[name]],
        )
        return path

    def begin(self) -> None:
        """Pull the school as it is at first: a pull made once for all tests."""
        assert self.records == small_school()
        self.begun("small school", self.database, self.sync)
        self.written = 1

    def sync(
        self, path: Path | None = None, *, at: datetime | None = None, **said: object
    ) -> SyncReport:
        """Write the records as a bundle and pull it."""
        bundle = path or self.bundle()
        return self.pull(lambda: BundleFeed(bundle), at=at, **said)

    def pull(
        self,
        open_feed: Callable[[], Feed],
        *,
        at: datetime | None = None,
        **said: object,
    ) -> SyncReport:
        clock = at or self.now
        return roster.sync(
            self.database,
            said.pop("source_id", self.source_id),
            open_feed,
            lambda: clock,
            SyncOptions(**said),
        )

    def later(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds)

    def rows(self, table: Table, *names: str) -> list[tuple[Any, ...]]:
        """Read the named columns of a table, sorted."""
        with self.database.engine.connect() as connection:
            found = connection.execute(select(*(table.c[name] for name in names)))
            return sorted((tuple(row) for row in found), key=repr)

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Read every live table, whole."""
        tables = {name: schema.metadata.tables[name] for name in LIVE}
        return {
            name: self.rows(table, *table.c.keys()) for name, table in tables.items()
        }

    def facts(self, source_id: int) -> dict[str, list[tuple[Any, ...]]]:
        """Read what a source sent, without our keys and its times of change."""
        left_out = {"id", "source_id", "modified_at"}
        left_out |= {"person_id", "course_id", "assignment_id"}
        found = {}
        for name in LIVE:
            table = schema.metadata.tables[name]
            if "source_id" not in table.c:
                continue
            columns = [c for c in table.columns if c.name not in left_out]
            with self.database.engine.connect() as connection:
                rows = connection.execute(
                    select(*columns).where(table.c.source_id == source_id)
                )
                found[name] = sorted((tuple(row) for row in rows), key=repr)
        return found

    def runs(self) -> list[dict[str, Any]]:
        with self.database.read() as session:
            return sources.load_runs(session)


@pytest.fixture
def sis(database: Database, tmp_path: Path, now: datetime, begun: Begun) -> Sis:
    return Sis(database, tmp_path, now, begun=begun)


@pytest.fixture
def provider() -> Provider:
    """A OneRoster 1.2 service of the records a SIS holds at this moment."""

    def make(sis: Sis) -> Flask:
        app = Flask("sis")
        catalog = MemoryCatalog(sis.records)
        app.register_blueprint(blueprint(catalog, clients={"us": "word"}))
        return app

    return make


@pytest.fixture
def rest_feed() -> OpenFeed:
    """Open a OneRoster 1.2 service; pauses between attempts are not waited for."""

    def open_feed(url: str) -> RestFeed:
        service = Service.at(url, "1.2")
        names = (
            *("roster-core.readonly", "roster.readonly"),
            *("resource.readonly", "gradebook.readonly"),
        )
        auth = ClientCredentials(
            f"{url}/oauth2/token",
            "us",
            "word",
            scope=service.dialect.scope(*names),
        )
        patience = Patience(sleep=lambda _seconds: None)
        return RestFeed(Client(service, auth=auth, page_size=3, patience=patience))

    return open_feed


@pytest.fixture
def host(serve: Callable[..., str]) -> Host:
    """Serve an application on a free port of a real socket; gives its address."""

    def start(app: WSGIApplication) -> str:
        return serve(app, free_port())

    return start
