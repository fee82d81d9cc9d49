"""Engines, sessions and the few places where the two databases differ."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from lti_tool.errors import ConfigError
from lti_tool.storage.session import Question, Session

__all__ = [
    "Database",
    "Question",
    "Session",
    "batches",
    "make_engine",
    "rows",
    "upsert",
]

BUSY_SECONDS = 15.0
# What is worth writing only if it holds nobody up waits no longer.
BRIEF_SECONDS = 0.25
# How many ids a statement takes: SQLite knows 32,766 places, and long lists are slow.
BATCH: Final = 500
_T = TypeVar("_T")


def make_engine(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Return an engine for url; SQLite files are opened in WAL mode.

    A SQLite writer waits for another at most busy_seconds.

    A SQLite transaction that may write begins IMMEDIATE, so that two writers wait
    for each other instead of failing half way (see write()).

    Raises:
        ConfigError: this is no address of a database.
    """
    if not url.startswith("sqlite"):
        try:
            return create_engine(url, pool_pre_ping=True, hide_parameters=True)
        except (ArgumentError, NoSuchModuleError, ValueError) as error:
            raise ConfigError(
                "MASTERYBRIDGE_DATABASE_URL is no address of a database; write "
                "postgresql://user@host/name, or leave it empty"
            ) from error
    path = url.removeprefix("sqlite:///")
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, connect_args={"timeout": busy_seconds}, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.execute(statement)  # by SQLAlchemy it would cost as much as a read
    except sqlite3.OperationalError as error:
        raise OperationalError(statement, None, error, hide_parameters=True) from error


@contextmanager
def _written(engine: Engine) -> Iterator[Session]:
    session = Session(engine)
    try:
        yield session
    except BaseException:
        session.end(keeps=False)
        raise
    session.end(keeps=True)


class Database:
    """One database: sessions that read, and sessions that write and commit."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._brief_engine: Engine | None = None
        self.engine = make_engine(url)
        self._writing = self.engine.execution_options(writes=True)

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is SQLite."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that only reads."""
        session = Session(self.engine)
        try:
            yield session
        finally:
            session.end(keeps=False)

    def ask(self) -> Question:
        """What sends statements that read and stand alone, each in no transaction."""
        return Question(self.engine)

    def write(self) -> AbstractContextManager[Session]:
        """Yield a session committed at the end, rolled back on an error."""
        return _written(self._writing)

    def try_write(self, act: Callable[[Session], object]) -> bool:
        """Write what act writes, unless the database is busy; tells whether it was.

        It is not waited for another writer longer than a quarter of a second: for
        what must not hold an answer up. Nothing is raised by the database.
        """
        try:
            with _written(self._brief()) as session:
                if not self.is_sqlite:
                    timeout = round(BRIEF_SECONDS * 1000)
                    session.execute(text(f"SET LOCAL lock_timeout = {timeout}"))
                act(session)
        except SQLAlchemyError:
            return False
        return True

    def _brief(self) -> Engine:
        if not self.is_sqlite:
            return self.engine
        with self._lock:
            if self._brief_engine is None:
                made = make_engine(self._url, busy_seconds=BRIEF_SECONDS)
                self._brief_engine = made.execution_options(writes=True)
        return self._brief_engine

    def is_current(self) -> bool:
        """Tell whether the schema is that of the newest migration.

        Raises:
            ConfigError: the database does not answer, or is none.
        """
        newest = ScriptDirectory.from_config(_alembic()).get_current_head()
        with _explained(), self.engine.connect() as connection:
            return (
                MigrationContext.configure(connection).get_current_revision() == newest
            )

    def upgrade(self) -> None:
        """Bring the schema to the newest migration; may be run again.

        Raises:
            ConfigError: the database does not answer, is none, or belongs to a newer
                version of the tool.
        """
        with _explained(), self.migrating() as settings:
            command.upgrade(settings, "head")

    def clear(self) -> None:
        """Take everything out and begin with an empty schema: for the demo."""
        with self.migrating() as settings:
            command.downgrade(settings, "base")
            command.upgrade(settings, "head")

    @contextmanager
    def migrating(self) -> Iterator[Config]:
        """Yield Alembic's settings on a connection that commits at the end.

        SQLite changes a constraint by making the table anew; rows that refer to it
        would hold the old one back. Source: sqlite.org/lang_altertable, section 7.
        """
        settings = _alembic()
        with self.engine.execution_options(writes=True).connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            if self.is_sqlite:
                driver.execute("PRAGMA foreign_keys=OFF")
            try:
                settings.attributes["connection"] = connection
                yield settings
                if self.is_sqlite:
                    _refuse_orphans(connection)
                connection.commit()
            finally:
                connection.rollback()
                if self.is_sqlite:
                    driver.execute("PRAGMA foreign_keys=ON")

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()
        if self._brief_engine is not None:
            self._brief_engine.dispose()


def _refuse_orphans(connection: Connection) -> None:
    """Roll a migration back that left a row without the one it refers to."""
    orphan = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if orphan is not None:
        raise ConfigError(
            f"the migration would leave rows of {orphan[0]} without their "
            f"{orphan[2]}; nothing was changed, restore a backup or ask us"
        )


@contextmanager
def _explained() -> Iterator[None]:
    """Say in our words, without address or password, why a database is of no use."""
    try:
        yield
    except DatabaseError as error:
        reason = str(error.orig).splitlines()[0] if error.orig else "no reason given"
        kind = type(error.orig).__name__
        is_file = isinstance(error.orig, sqlite3.Error)
        raise ConfigError(
            "the database of MASTERYBRIDGE_DATABASE_URL cannot be used "
            f"({reason if is_file else kind}); check the setting, and that the server "
            "or the data folder can be reached"
        ) from error
    except CommandError as error:
        raise ConfigError(
            "the database was made by a newer version of the tool; install that "
            "version, or restore a backup of this one"
        ) from error


def _alembic() -> Config:
    settings = Config()
    settings.set_main_option(
        "script_location", str(Path(__file__).parent / "migrations")
    )
    return settings


Insert = postgresql.Insert | sqlite.Insert


def upsert(session: Session, table: Table) -> Insert:
    """Return the dialect's INSERT, which knows ON CONFLICT."""
    return insert_of(session.get_bind().dialect.name, table)


def remember(
    session: Session,
    table: Table,
    values: Mapping[str, Any],
    *,
    keys: tuple[str, ...],
    said: Collection[str],
) -> dict[str, Any]:
    """Insert values, or where a row has these keys overwrite the columns said.

    Returns the whole row. The statement is built once for each set of columns: that
    costs more than sending it.
    """
    dialect = session.get_bind().dialect.name
    statement = _remembering(dialect, table, keys, frozenset(said))
    return dict(session.execute(statement, dict(values)).mappings().one())


@lru_cache(maxsize=256)
def _remembering(
    dialect: str, table: Table, keys: tuple[str, ...], said: frozenset[str]
) -> Executable:
    into = insert_of(dialect, table)
    return into.on_conflict_do_update(
        index_elements=keys, set_={name: into.excluded[name] for name in said}
    ).returning(table)


def insert_of(dialect: str, table: Table) -> Insert:
    """The INSERT of a dialect, which knows ON CONFLICT."""
    if dialect == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def rows(session: Session, statement: Executable) -> list[dict[str, Any]]:
    """Return what statement selects, one dict a row."""
    return [dict(row) for row in session.execute(statement).mappings()]


def batches(ids: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Yield ids by the hundreds, as many as a statement takes."""
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
