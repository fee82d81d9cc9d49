"""One source of ours, the service or the files behind it, and its pulls.

Everything a pull needs is real: sockets, the guarded session, both databases. Only the
clock is ours, and whoever waits moves it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, select, update

from lti_tool.errors import SyncError
from lti_tool.platforms.http import GuardedSession
from lti_tool.settings import Settings
from lti_tool.storage import schema, secrets, sources
from lti_tool.storage.database import Database
from lti_tool.work import probe, roster
from lti_tool.work.feeds import BundleFeed, Feed, RestFeed
from lti_tool.work.outside import Outside
from lti_tool.work.roster import SyncOptions, SyncReport
from oneroster.auth import ClientCredentials
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import KINDS, MemoryCatalog
from oneroster.client import Client
from oneroster.models import Record, parse_record
from oneroster.service import Service
from oneroster.transport import Patience
from tests.begun import Begun
from tests.faults.sis import Sis, make_rows

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
LOCAL = frozenset({"127.0.0.1"})
REASON = "the tests look whether they are kept"


@dataclass(frozen=True)
class Ended:
    """How a pull ended: its status, and the code of the failure if it failed."""

    status: str
    code: str = ""
    text: str = ""
    problems: Mapping[str, int] = field(default_factory=dict)
    report: SyncReport | None = None

    @property
    def told(self) -> tuple[str, str]:
        return self.status, self.code

    @property
    def plan_hash(self) -> str:
        return self.report.plan_hash if self.report else ""

    def ends(self, collection: str) -> int:
        assert self.report is not None
        return self.report.plan[collection].ends


@dataclass
class Desk:
    """A source and what it is pulled from."""

    database: Database
    folder: Path
    sis: Sis
    now: datetime
    kind: str = "rest"
    name: str = "sis"
    page_size: int = 25
    waits: list[float] = field(default_factory=list)
    wanted: dict[str, object] = field(default_factory=dict)
    source_id: int = 0
    written: int = 0

    def __post_init__(self) -> None:
        if self.source_id:
            return
        values = {
            "name": self.name,
            "kind": self.kind,
            "location": self.sis.url or "here",
            "version": "1.2",
        }
        with self.database.write() as session:
            self.source_id = sources.add_source(session, values, self.now)

    def wait(self, seconds: float) -> None:
        """Let nobody wait in truth: the clock moves on instead."""
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)

    def client(self, url: str = "", *, version: str = "1.2") -> Client:
        url = url or self.sis.url
        service = Service.at(url, "1.1" if version == "1.1" else "1.2")
        scope = service.dialect.scope("roster-core.readonly", "roster.readonly")
        session = GuardedSession(LOCAL)
        auth = ClientCredentials(
            f"{url}/token", "us", "word", scope=scope, session=session
        )
        patience = Patience(sleep=self.wait, read_seconds=10.0)
        return Client(
            service,
            auth=auth,
            session=session,
            page_size=self.page_size,
            patience=patience,
        )

    def open_rest(self, url: str = "") -> Feed:
        return RestFeed(self.client(url))

    def sync(self, url: str = "", **said: object) -> Ended:
        """Pull the service once."""
        return self.pull(lambda: self.open_rest(url), **said)

    def begin(self, begun: Begun) -> None:
        """Pull the rows as they are at first: a pull made once for all tests."""
        assert self.sis.rows == make_rows()
        begun(f"desk {self.kind}", self.database, self._begin)
        self.change_source(location=self.sis.url or "here")
        self.written = int(self.kind == "csv")

    def _begin(self) -> None:
        ended = self.sync() if self.kind == "rest" else self.sync_files()
        assert ended.told == ("applied", "")

    def pull(self, open_feed: Callable[[], Feed], **said: object) -> Ended:
        options = SyncOptions(**{**self.wanted, **said})  # type: ignore[arg-type]
        try:
            report = roster.sync(
                self.database, self.source_id, open_feed, lambda: self.now, options
            )
        except SyncError as error:
            status = "busy" if error.code == "busy" else "failed"
            return Ended(status, error.code, str(error))
        problems = dict(report.problems)
        return Ended(report.status, "", report.text, problems, report)

    def move(self, url: str, **values: object) -> None:
        """Let the source be a service at this address, with credentials."""
        key = self.settings().load_secret_key()
        found = {
            "kind": "rest",
            "location": url,
            "token_url": f"{url}/token",
            "auth": "basic",
            "client_id": "us",
            "client_secret": secrets.encrypt("word", key),
        }
        self.change_source(**found | values)

    def settings(self) -> Settings:
        key = self.folder / "secret.key"
        key.write_bytes(b"k" * 32)
        return Settings(
            data_dir=self.folder, secret_key_file=key, local_network="127.0.0.1"
        )

    def test(self) -> dict[str, str]:
        """Do as `source test` does: the state of each check, by its name."""
        outside = Outside(self.settings(), self.database)
        checks = probe.look_over(
            self.database, outside, self.stored(), lambda: self.now
        )
        return {one.name: one.state for one in checks}

    def sync_outside(self, **said: object) -> Ended:
        """Pull as the command line does: the source as stored, the guards as set."""
        outside = Outside(self.settings(), self.database)
        source = self.stored()
        return self.pull(lambda: outside.feed(source), **said)

    def stored(self) -> sources.Source:
        with self.database.read() as session:
            return sources.load_source(session, self.name)

    def bundle(self, name: str = "", **edits: Callable[[str], str]) -> Path:
        """Write the rows as a bundle; ``users=change`` edits the text of users.csv."""
        self.written += 1
        path = self.folder / (name or f"bundle-{self.written}")
        write_bundle(path, MemoryCatalog(self.records()), collections=self._filled())
        for file, change in edits.items():
            place = path / f"{file}.csv"
            text = place.read_bytes().decode("utf-8")
            place.write_bytes(change(text).encode("utf-8"))
        return path

    def _filled(self) -> list[str]:
        return [name for name, rows in self.sis.rows.items() if rows and name in KINDS]

    def records(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for name in self._filled():
            pairs = [parse_record(KINDS[name], row) for row in self.sis.rows[name]]
            found[name] = [record for record, _ in pairs if record is not None]
        return found

    def sync_files(self, path: Path | None = None, **said: object) -> Ended:
        """Pull a bundle, by default one of the rows as they are now."""
        place = path or self.bundle()
        return self.pull(lambda: BundleFeed(place), **said)

    def rows(self, table: Table, *names: str) -> list[tuple[Any, ...]]:
        with self.database.engine.connect() as connection:
            found = connection.execute(select(*(table.c[name] for name in names)))
            return sorted((tuple(row) for row in found), key=repr)

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every live table, whole."""
        return {
            name: self.rows(table, *table.c.keys())
            for name, table in self.tables().items()
        }

    @staticmethod
    def tables() -> dict[str, Table]:
        """Every live table by its name."""
        return {name: schema.metadata.tables[name] for name in LIVE}

    def active(self) -> dict[str, int]:
        """How many rows of each live table are in force."""
        found = {}
        for name in LIVE:
            table = schema.metadata.tables[name]
            counted = select(func.count()).select_from(table)
            if "status" in table.c:
                counted = counted.where(table.c.status == "active")
            with self.database.engine.connect() as connection:
                found[name] = int(connection.execute(counted).scalar_one())
        return found

    def status(self, table: Table, sourced_id: str) -> str | None:
        """The status of a live row, None if there is no such row."""
        found = dict(self.rows(table, "sourced_id", "status"))
        return found.get(sourced_id)

    def problems(self) -> list[dict[str, Any]]:
        """The problems kept of the newest run."""
        with self.database.read() as session:
            newest = sources.load_runs(session)[0]["id"]
            return list(sources.load_run(session, newest)["rows"])

    def newest(self) -> dict[str, Any]:
        with self.database.read() as session:
            return sources.load_runs(session)[0]

    def change_source(self, **values: object) -> None:
        with self.database.write() as session:
            session.execute(
                update(schema.source)
                .where(schema.source.c.id == self.source_id)
                .values(**values)
            )

    def source(self, name: str) -> Any:  # noqa: ANN401 -- whatever the column holds
        return self.rows(schema.source, name)[0][0]


def rewritten(change: Callable[[list[list[str]]], None]) -> Callable[[str], str]:
    """Edit a CSV text as its rows, the header first."""

    def edit(text: str) -> str:
        rows = list(csv.reader(io.StringIO(text, newline="")))
        change(rows)
        out = io.StringIO(newline="")
        csv.writer(out).writerows(rows)
        return out.getvalue()

    return edit
