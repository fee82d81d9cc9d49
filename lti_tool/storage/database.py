"""Engines, sessions and the few places where the two databases differ."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Executable, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.orm import Session, sessionmaker

from lti_tool.errors import ConfigError

__all__ = ["Database", "Session", "make_engine", "rows", "upsert"]

BUSY_SECONDS = 15


def make_engine(url: str) -> Engine:
    """Return an engine for url; SQLite files are opened in WAL mode.

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
        url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True
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
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Database:
    """One database: sessions that read, and sessions that write and commit."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self._read = sessionmaker(self.engine, expire_on_commit=False)
        self._write = sessionmaker(
            self.engine.execution_options(writes=True), expire_on_commit=False
        )

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is SQLite."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that only reads."""
        with self._read() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session committed at the end, rolled back on an error."""
        with self._write.begin() as session:
            yield session

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
        settings = _alembic()
        writing = self.engine.execution_options(writes=True)
        with _explained(), writing.connect() as connection:
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
            connection.commit()

    def clear(self) -> None:
        """Take everything out and begin with an empty schema: for the demo."""
        settings = _alembic()
        with self.engine.execution_options(writes=True).connect() as connection:
            settings.attributes["connection"] = connection
            command.downgrade(settings, "base")
            command.upgrade(settings, "head")
            connection.commit()

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


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
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def rows(session: Session, statement: Executable) -> list[dict[str, Any]]:
    """Return what statement selects, one dict a row."""
    return [dict(row) for row in session.execute(statement).mappings()]
