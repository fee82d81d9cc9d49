"""A small school whose SIS is read and written over a real socket, in any manner."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy import Table, insert, select, update

from lti_tool.settings import Settings
from lti_tool.storage import schema, secrets, sources
from lti_tool.storage.database import Database, rows
from lti_tool.work import delivery, reconciling, roster, standing
from lti_tool.work.outside import Outside
from lti_tool.work.roster import SyncOptions
from oneroster.catalog import MemoryCatalog
from oneroster.models import ScoreScale, ScoreScaleValue, refer
from oneroster.provider import Manners, blueprint
from tests.lti_tool.sync.conftest import a_result, small_school
from tests.lti_tool.work.conftest import Clock, Proxy
from tests.ports import free_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from oneroster.models import Record

KEY = b"k" * 32
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BOTH = Manners(versions=("1.2", "1.1"))
BARE = frozenset({"assessmentLineItems", "assessmentResults"})


class Storm(Proxy):
    """A proxy that lets one request in five go wrong while it rages, tokens aside."""

    HOW: tuple[dict[str, Any], ...] = (
        {"forwards": True, "drops": True},  # done there, and the answer is lost
        {"drops": True},  # not done, the connection breaks off
        {"status": "503 Service Unavailable"},
        {"forwards": True, "status": "502 Bad Gateway"},
        {"status": "429 Too Many Requests", "headers": (("Retry-After", "2"),)},
        {"status": "200 OK", "media_type": "text/html", "body": b"<p>Sign in</p>"},
    )
    chance: random.Random | None = None

    def rage(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 -- a test repeats what happened

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:  # noqa: ANN401 -- a WSGI body
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        chance = self.chance
        if chance and "token" not in path and chance.random() < 1 / 5:
            self.play(method, path, **chance.choice(self.HOW))
        return super().__call__(environ, start_response)


@dataclass(frozen=True)
class Ways:
    """How a SIS wants to be written to, and how it behaves."""

    name: str
    manners: Manners = BOTH
    version: str = "1.2"
    auth: str = "basic"
    found: dict[str, str] = field(default_factory=dict)
    columns: str = "lineItems"
    results: str = "results"


def ways(name: str, found: str = "", **manners: Any) -> Ways:  # noqa: ANN401 -- fields of Manners
    return Ways(name, replace(BOTH, **manners), found={found: "yes"} if found else {})


ASSESSMENT = Ways(
    "assessment", columns="assessmentLineItems", results="assessmentResults"
)
GRADEBOOK = ways("gradebook", "put", absent=BARE)
POSTED = ways("posted", "post", absent=BARE, creates_by_put=False, rekeys=True)
PLAIN = Ways("plain", version="1.1", auth="oauth1-sha256")
ALL = (ASSESSMENT, GRADEBOOK, POSTED, PLAIN)


@dataclass
class SisSchool:
    """Two classes in a SIS behind a proxy, one of them taught with us."""

    database: Database
    outside: Outside
    catalog: MemoryCatalog
    proxy: Proxy
    ways: Ways
    source_id: int
    clock: Clock = field(default_factory=lambda: Clock(NOON))
    course_id: int = 0

    def sync(self, *, is_full: bool = True) -> str:
        self.clock.move(minutes=1)
        with self.database.read() as session:
            source = sources.load_source_by_id(session, self.source_id)
        report = roster.sync(
            self.database,
            self.source_id,
            lambda: self.outside.feed(source),
            self.clock,
            SyncOptions(is_full=is_full, accept_ends=True),
        )
        return report.status

    def teach(self, group: str = "a") -> None:
        """Give a class a framework of one competency, spoken for by its work."""
        (self.course_id,) = self.one(
            select(schema.course.c.id)
            .join(
                schema.sis_class, schema.sis_class.c.id == schema.course.c.sis_class_id
            )
            .where(schema.sis_class.c.sourced_id == group)
        )
        framework = self.insert(
            schema.framework,
            case_id=f"fw-{group}",
            title="Math",
            creator="test",
            payload={},
            package={},
            fingerprint="f",
            imported_at=NOON,
        )
        competency = self.insert(
            schema.competency,
            framework_id=framework,
            case_id=f"guid-{group}",
            human_code=f"M.{group}",
            statement=f"Adds in class {group}",
            position=0,
            is_assessable=True,
            payload={},
            fingerprint="f",
        )
        with self.database.write() as session:
            session.execute(
                update(schema.course)
                .where(schema.course.c.id == self.course_id)
                .values(framework_id=framework, rule="latest")
            )
        (work,) = self.one(
            select(schema.assignment.c.id).where(
                schema.assignment.c.course_id == self.course_id
            )
        )
        self.insert(
            schema.alignment,
            course_id=self.course_id,
            assignment_id=work,
            competency_id=competency,
            weight=1.0,
            made_by="test",
            created_at=NOON,
        )
        self.refresh()
        with self.database.write() as session:
            standing.switch(
                session,
                self.course_id,
                "oneroster",
                is_on=True,
                who="test",
                now=self.clock(),
            )

    def score(self, key: str, student: str, points: float) -> None:
        """Let the SIS have a newer score of a student; it comes by a sync."""
        made = a_result(key, "w1", student, points).model_copy(
            update={"score_date": date(2026, 11, 1 + int(key[1:]))}
        )
        self.catalog.write("results", made)
        assert self.sync().startswith("applied")
        self.refresh()

    def refresh(self) -> None:
        with self.database.write() as session:
            standing.refresh(session, self.course_id, now=self.clock())

    def deliver(self, *, seconds: float = 60) -> dict[str, int]:
        self.clock.move(seconds=seconds)
        return dict(delivery.deliver(self.database, self.outside.connect, self.clock))

    def reconcile(self) -> reconciling.Reconciliation:
        return reconciling.reconcile(
            self.database, self.outside.connect, self.clock, who="test"
        )

    def ours(self) -> dict[str, Any]:
        """The columns in the SIS that stand for competencies, by sourcedId."""
        found: dict[str, Any] = {}
        for one in self.catalog.records(self.ways.columns):
            record: Any = one
            if record.title.startswith("M."):
                found[record.sourced_id] = record
        return found

    def told(self) -> dict[str, Any]:
        """The results in our columns, one a student."""
        found: dict[str, Any] = {}
        for one in self.catalog.records(self.ways.results):
            record: Any = one
            column = getattr(record, "line_item", None) or getattr(
                record, "assessment_line_item", None
            )
            if column.sourced_id in self.ours() and record.status == "active":
                assert record.student.sourced_id not in found
                found[record.student.sourced_id] = record
        return found

    def scores(self) -> dict[str, float | None]:
        return {student: one.score for student, one in self.told().items()}

    def levels(self) -> list[tuple[Any, ...]]:
        """What is worked out: value and pieces of evidence of each student."""
        return self.rows(schema.attainment, "person_id", "value", "evidence_count")

    def newest(self) -> dict[str, Any]:
        with self.database.read() as session:
            table = schema.delivery
            return rows(session, select(table).order_by(table.c.id.desc()).limit(1))[0]

    def states(self) -> list[tuple[Any, ...]]:
        return self.rows(schema.delivery, "state", "code")

    def rows(self, table: Table, *names: str) -> list[tuple[Any, ...]]:
        with self.database.read() as session:
            chosen = select(*(table.c[name] for name in names)).order_by(table.c.id)
            return [tuple(row) for row in session.execute(chosen)]

    def one(self, statement: Any) -> tuple[Any, ...]:  # noqa: ANN401 -- a select of anything
        with self.database.read() as session:
            return tuple(session.execute(statement).one())

    def insert(self, table: Table, **values: Any) -> int:  # noqa: ANN401 -- columns of any kind
        with self.database.write() as session:
            made = session.execute(insert(table).values(**values).returning(table.c.id))
            return int(made.scalar_one())

    def set(self, **values: Any) -> None:  # noqa: ANN401 -- columns of a source
        with self.database.write() as session:
            session.execute(
                update(schema.source)
                .where(schema.source.c.id == self.source_id)
                .values(**values)
            )

    def requests(self, method: str, part: str = "") -> list[str]:
        return [path for one, path in self.proxy.seen if one == method and part in path]


def a_scale(*steps: tuple[str, str]) -> ScoreScale:
    return ScoreScale(
        sourced_id="levels",
        status="active",
        title="Levels",
        type="school",
        class_=refer("class", "a"),
        course=refer("course", "math"),
        score_scale_value=tuple(
            ScoreScaleValue(item_value_lhs=word, item_value_rhs=worth)
            for word, worth in steps
        ),
    )


def open_school(
    database: Database,
    serve: Callable[..., str],
    folder: Path,
    how: Ways,
    *more: tuple[str, Record],
    before: type[Proxy] = Proxy,
) -> SisSchool:
    """Serve the SIS and connect it; more are records it has besides.

    before is what stands before it.
    """
    (folder / "secret.key").write_bytes(KEY)
    catalog = MemoryCatalog(small_school())
    for collection, record in more:
        catalog.write(collection, record)
    app = Flask("sis")
    app.register_blueprint(
        blueprint(catalog, clients={"mb": "word"}, manners=how.manners)
    )
    proxy = before(app)
    url = serve(proxy, free_port())
    values = {
        "name": "sis",
        "kind": "rest",
        "location": url,
        "version": how.version,
        "token_url": f"{url}/oauth2/token",
        "auth": how.auth,
        "client_id": "mb",
        "client_secret": secrets.encrypt("word", KEY),
        "profile": {"writing": how.found},
        "settings": {"school_ratio": 1.0, "grace_days": 0},
    }
    with database.write() as session:
        source_id = sources.add_source(session, values, NOON)
    settings = Settings(
        data_dir=folder,
        secret_key_file=folder / "secret.key",
        local_network="127.0.0.1",
    )
    school = SisSchool(
        database, Outside(settings, database), catalog, proxy, how, source_id
    )
    assert school.sync().startswith("applied")
    school.teach()
    return school
