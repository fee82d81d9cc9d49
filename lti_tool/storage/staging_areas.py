"""Where a source is staged: an area that outlives a run that did not get to its end.

On SQLite it is a file beside the database, on PostgreSQL a schema of unlogged tables.
With the rows of a page stands, in the same transaction, how far the collection has
come, so that the next run of the same kind goes on there. What is staged is dropped
once it is applied, and never kept longer than a day.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError, IntegrityError, ProgrammingError
from sqlalchemy.schema import CreateTable

from lti_tool.errors import SyncError
from lti_tool.storage.database import Database
from lti_tool.storage.entities import STAGES
from lti_tool.storage.schema import UtcDateTime

# So long an unfinished area may be gone on with.
LIFE: Final = timedelta(hours=24)
SAMPLE: Final = 1000  # rows of each index by which SQLite judges how many it holds
# After these a later run may believe what was staged: the source is only away.
RESUMABLE: Final = frozenset(
    {
        "auth",
        "lost_lease",
        "no_answer",
        "rate_limited",
        "redirects",
        "status",
        "stopped",
        "timeout",
        "tls",
    }
)

_METADATA: Final = MetaData()
_AREA: Final = Table(
    "stage_area",
    _METADATA,
    Column("key", String(128), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("run_id", Integer, nullable=False),
)
_MARK: Final = Table(
    "stage_mark",
    _METADATA,
    Column("collection", String(32), primary_key=True),
    Column("run_id", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("is_done", Boolean, nullable=False),
    Column("is_complete", Boolean, nullable=False),
    Column("mark", Text, nullable=False),
    Column("problems", Text, nullable=False),
)

# The page that is being staged, as it came: a run that is cut off has it for the next.
_PAGE: Final = Table(
    "stage_page",
    _METADATA,
    Column("collection", String(32), primary_key=True),
    Column("before", Integer, nullable=False),  # rows received before it
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class PageKept:
    """A page as it came: the rows received before it, its headers and its body."""

    before: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a collection has come.

    Attributes:
        position: of its last staged row.
        count: the records read.
        is_done: it was read to its end.
        is_complete: with proof that all of it was sent.
        mark: where the reader goes on; its own matter.
        problems: what was wrong so far; the matter of whoever reads.
    """

    position: int = 0
    count: int = 0
    is_done: bool = False
    is_complete: bool = False
    mark: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """What an area is for; another key, and it begins anew.

    Attributes:
        key: what must be the same to go on: the address, the scope, the kind.
        run_id: the run that stages now.
        now: when it begins.
    """

    key: str
    run_id: int
    now: datetime


# By table and database: to write them anew takes longer than to make the tables.
_DEFINITIONS: Final[dict[tuple[str, str], str]] = {}


def _definition(table: Table, dialect: Dialect) -> str:
    """How a table is made, as no temporary one."""
    key = table.name, dialect.name
    if key not in _DEFINITIONS:
        made = str(CreateTable(table).compile(dialect=dialect))
        _DEFINITIONS[key] = made.replace("TEMPORARY TABLE ", "TABLE ", 1)
    return _DEFINITIONS[key]


class Area:
    """The tables of one source's staging, on a connection of their own.

    Attributes:
        started_at: when the first run that staged into it began; None where nothing
            outlives the run.
        marks: how far each collection had come when it was opened.
        pages: by collection the page that had come, and was perhaps not staged.
    """

    def __init__(
        self, database: Database, source_id: int, reason: Reason | None
    ) -> None:
        self.connection: Connection = database.engine.connect()
        self.connection.detach()
        self._is_sqlite = database.is_sqlite
        if self._is_sqlite:
            # Not in memory: what is temporary may be as large as a district.
            self._driver("PRAGMA temp_store=FILE")
            self._driver("PRAGMA temp.cache_size=-65536")
            # Keys come in no order: pages of their index are gone back to.
            self._driver("PRAGMA main.cache_size=-98304")
            # A merge finds what it refers to by joining it, alone in the database.
            self._driver("PRAGMA foreign_keys=OFF")
        self._source_id = source_id
        self._reason = reason
        self._path = path_of(database, source_id) if reason else None
        self.started_at: datetime | None = None
        self.marks: dict[str, Mark] = {}
        self.pages: dict[str, PageKept] = {}
        try:
            if reason is None or not self._keep(reason):
                self._create("TEMPORARY TABLE ")
        except BaseException:
            self.connection.close()
            raise

    @property
    def schema(self) -> str:
        """What the names of its indexes begin with."""
        is_file = self._is_sqlite and self.started_at is not None
        return "stage." if is_file else ""

    def index(self, table: Table) -> bool:
        """Index the staged rows by sourcedId; tells whether each stands there once."""
        name = f"{self.schema}ix_{table.name}"
        self.connection.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
        try:
            with self.connection.begin_nested():
                self.connection.exec_driver_sql(
                    f"CREATE UNIQUE INDEX {name} ON {table.name} (sourced_id)"
                )
        except IntegrityError:
            self.connection.exec_driver_sql(
                f"CREATE INDEX {name} ON {table.name} (sourced_id)"
            )
            return False
        return True

    def analyze(self) -> None:
        """Let SQLite know how many rows are staged, so that few lead to many."""
        self._driver(f"PRAGMA analysis_limit={SAMPLE}")
        self._driver(f"ANALYZE {self.schema.rstrip('.') or 'temp'}")

    def _keep(self, reason: Reason) -> bool:
        """Open the area that is kept, as it is or anew; False if none can be."""
        opened = self._attach() if self._is_sqlite else self._enter()
        if not opened:
            return False
        try:
            self._resume(reason)
        except DatabaseError:
            self.connection.rollback()
            self._begin_anew(reason)
        return True

    def _attach(self) -> bool:
        if self._path is None:
            return False
        try:
            self._open_file(self._path)
        except sqlite3.DatabaseError:
            # Broken: what it held is fetched once more.
            self._driver("DETACH DATABASE stage", may_fail=True)
            _delete(self._path)
            self._open_file(self._path)
        return True

    def _open_file(self, path: Path) -> None:
        self._driver("ATTACH DATABASE ? AS stage", str(path))
        self._driver("PRAGMA stage.journal_mode=WAL")
        self._driver("PRAGMA stage.synchronous=OFF")
        self._driver("PRAGMA stage.cache_size=-65536")
        self._driver("SELECT count(*) FROM stage.sqlite_master")

    def _driver(self, statement: str, *values: str, may_fail: bool = False) -> None:
        cursor = self.connection.connection.cursor()
        try:
            cursor.execute(statement, values)
            cursor.fetchall()
        except sqlite3.DatabaseError:
            if not may_fail:
                raise
        finally:
            cursor.close()

    def _enter(self) -> bool:
        """Make the schema and look there first; False where we may not."""
        name = schema_of(self._source_id)
        try:
            self.connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{name}"'))
        except ProgrammingError:
            self.connection.rollback()
            return False
        self.connection.execute(
            text(
                "SELECT set_config('search_path', :name || ', ' || "
                "current_setting('search_path'), false)"
            ),
            {"name": name},
        )
        self.connection.commit()
        return True

    def _resume(self, reason: Reason) -> None:
        """Go on with what is staged, if it is for the same and of today."""
        found = self.connection.execute(
            select(_AREA.c.key, _AREA.c.started_at)
        ).one_or_none()
        if found is None or found.key != reason.key:
            self._begin_anew(reason)
            return
        if reason.now - found.started_at > LIFE:
            self._begin_anew(reason)
            return
        self.connection.execute(update(_AREA).values(run_id=reason.run_id))
        self.connection.execute(update(_MARK).values(run_id=reason.run_id))
        self.started_at = found.started_at
        self.marks = self._load_marks()
        self.pages = {
            row.collection: PageKept(row.before, json.loads(row.headers), row.body)
            for row in self.connection.execute(select(_PAGE))
        }
        self._tidy()
        self.connection.commit()

    def _load_marks(self) -> dict[str, Mark]:
        return {
            row["collection"]: Mark(
                row["position"],
                row["count"],
                row["is_done"],
                row["is_complete"],
                json.loads(row["mark"]),
                json.loads(row["problems"]),
            )
            for row in self.connection.execute(select(_MARK)).mappings()
        }

    def _tidy(self) -> None:
        """Take away what a run made of the rows that it had fetched."""
        for collection, stage in STAGES.items():
            # More rows come, and among them maybe some that came already.
            self.connection.exec_driver_sql(
                f"DROP INDEX IF EXISTS {self.schema}ix_{stage.name}"
            )
            last = self.marks[collection].position if collection in self.marks else 0
            self.connection.execute(delete(stage).where(stage.c.position > last))
            self.connection.execute(
                update(stage)
                .where(stage.c.verdict.is_not(None), stage.c.verdict != "rejected")
                .values(verdict=None, verdict_column=None)
            )

    def _begin_anew(self, reason: Reason) -> None:
        if self._is_sqlite:
            self.connection.rollback()
            self._driver("DETACH DATABASE stage", may_fail=True)
            _delete(self._path)
            self._open_file(_there(self._path))
            self._create("TABLE stage.")
        else:
            name = schema_of(self._source_id)
            self.connection.execute(text(f'DROP SCHEMA "{name}" CASCADE'))
            self.connection.execute(text(f'CREATE SCHEMA "{name}"'))
            self._create(f'UNLOGGED TABLE "{name}".')
        self.started_at = reason.now
        self.connection.execute(
            insert(_AREA),
            {"key": reason.key, "started_at": reason.now, "run_id": reason.run_id},
        )
        self.connection.commit()

    def _create(self, kind: str) -> None:
        kept = () if kind.startswith("TEMPORARY") else (_AREA, _MARK, _PAGE)
        for table in (*STAGES.values(), *kept):
            made = _definition(table, self.connection.dialect)
            self.connection.exec_driver_sql(
                made.replace("CREATE TABLE ", f"CREATE {kind}", 1)
            )
        self.connection.commit()

    def mark(self, collection: str, mark: Mark) -> None:
        """Note how far a collection is, in the transaction that stages its rows.

        Raises:
            SyncError: another run has taken the area over.
        """
        if not self._is_mine():
            return
        is_mine = _MARK.c.collection == collection
        values = {
            "position": mark.position,
            "count": mark.count,
            "is_done": mark.is_done,
            "is_complete": mark.is_complete,
            "mark": json.dumps(dict(mark.mark)),
            "problems": json.dumps(dict(mark.problems)),
        }
        changed = self.connection.execute(update(_MARK).where(is_mine).values(values))
        if changed.rowcount == 0:
            run_id = self._reason.run_id if self._reason else 0
            own = {"collection": collection, "run_id": run_id}
            self.connection.execute(insert(_MARK).values({**values, **own}))

    def _is_mine(self) -> bool:
        """Tell whether anything outlives this run.

        Raises:
            SyncError: another run has taken the area over.
        """
        if self._reason is None or self.started_at is None:
            return False
        if self.connection.scalar(select(_AREA.c.run_id)) != self._reason.run_id:
            raise SyncError(
                "another run took over while this one stood still; look at the "
                "newest run",
                "lost_lease",
            )
        return True

    def keep_page(self, collection: str, page: PageKept) -> None:
        """Keep a page in place of the one before, in the caller's transaction.

        Raises:
            SyncError: another run has taken the area over.
        """
        if not self._is_mine():
            return
        # What is deleted stays in PostgreSQL's file, page upon page.
        clear = "DELETE FROM" if self._is_sqlite else "TRUNCATE"
        self.connection.exec_driver_sql(f"{clear} {_PAGE.name}")
        values = {
            "collection": collection,
            "before": page.before,
            "headers": json.dumps(dict(page.headers)),
            "body": page.body,
        }
        self.connection.execute(insert(_PAGE), values)

    def forget(self, collection: str) -> None:
        """Take a collection's mark and page back, in the caller's transaction."""
        if self.started_at is not None:
            for table in (_MARK, _PAGE):
                gone = delete(table).where(table.c.collection == collection)
                self.connection.execute(gone)
            self.pages.pop(collection, None)

    def close(self, *, keeps: bool) -> None:
        """Give the connection back; what is staged goes unless it is kept."""
        try:
            if not keeps and self.started_at is not None and not self._is_sqlite:
                self.connection.rollback()
                self.connection.execution_options(writes=True)
                name = schema_of(self._source_id)
                self.connection.execute(text(f'DROP SCHEMA "{name}" CASCADE'))
                self.connection.commit()
        finally:
            self.connection.close()
        if not keeps and self._path is not None:
            _delete(self._path)


def drop_area(database: Database, source_id: int) -> None:
    """Drop what is staged of a source that no run works on; nothing if nothing is."""
    if database.is_sqlite:
        _delete(path_of(database, source_id))
        return
    with database.write() as session:
        name = schema_of(source_id)
        session.execute(text(f'DROP SCHEMA IF EXISTS "{name}" CASCADE'))


def load_areas(database: Database) -> list[int]:
    """The sources for which something is staged, or was."""
    if database.is_sqlite:
        path = path_of(database, 0)
        if path is None:
            return []
        start = path.name.removesuffix("0")
        names = (one.name.removeprefix(start) for one in path.parent.glob(f"{start}*"))
    else:
        start = schema_of(0).removesuffix("0")
        found = text("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, :n)")
        with database.read() as session:
            names = (
                str(name).removeprefix(start)
                for name in session.scalars(found, {"n": start}).all()
            )
    return sorted(int(name) for name in names if name.isdecimal())


def schema_of(source_id: int) -> str:
    """The schema that PostgreSQL stages a source in."""
    return f"masterybridge_stage_{source_id}"


def path_of(database: Database, source_id: int) -> Path | None:
    """The file that SQLite stages a source in; None for a database in memory."""
    name = database.engine.url.database
    if not database.is_sqlite or not name or name == ":memory:":
        return None
    path = Path(name)
    return path.with_name(f"{path.name}-stage-{source_id}")


def _there(path: Path | None) -> Path:
    if path is None:
        raise SyncError("a database in memory stages nothing in a file")
    return path


def _delete(path: Path | None) -> None:
    if path is not None:
        for ending in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
