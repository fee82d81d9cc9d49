"""Databases as they are after what many tests begin with: made once, then put back.

The first pull of a school takes half a second, and every test of what a second one does
began with one of its own. What it leaves is the same each time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from lti_tool.storage.database import Database
from tests.postgres import empty_tables, used_tables

_COUNTERS = """
    SELECT sequencename, last_value FROM pg_sequences
    WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


@dataclass(frozen=True)
class _Rows:
    """The rows of a PostgreSQL database by table, and how far its counters are."""

    tables: Mapping[str, bytes]
    counters: Mapping[str, int]


class Begun:
    """What databases held when they were begun, by what was done and on which kind."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], sqlite3.Connection | _Rows] = {}

    def __call__(
        self, name: str, database: Database, begin: Callable[[], object]
    ) -> None:
        """Bring an empty database to where begin brings it; the first time it does."""
        key = name, database.engine.dialect.name
        if key not in self._held:
            begin()
            self._held[key] = _take(database)
            return
        held = self._held[key]
        if isinstance(held, sqlite3.Connection):
            held.backup(_driver(database))
        else:
            _put_back(database, held)

    def close(self) -> None:
        for held in self._held.values():
            if isinstance(held, sqlite3.Connection):
                held.close()


def _driver(database: Database) -> Any:  # noqa: ANN401 -- the driver's connection
    with database.engine.connect() as connection:
        return connection.connection.dbapi_connection


def _take(database: Database) -> sqlite3.Connection | _Rows:
    if database.is_sqlite:
        held = sqlite3.connect(":memory:", check_same_thread=False)
        _driver(database).backup(held)
        return held
    with _server(database) as server, server.cursor() as cursor:
        tables = {}
        for name in used_tables(server):
            copy = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))
            with cursor.copy(copy) as found:
                tables[name] = b"".join(map(bytes, found))
        return _Rows(tables, dict(server.execute(_COUNTERS).fetchall()))


def _put_back(database: Database, held: _Rows) -> None:
    with _server(database) as server, server.transaction(), server.cursor() as cursor:
        empty_tables(server)
        for name, rows in held.tables.items():
            copy = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))
            with cursor.copy(copy) as put:
                put.write(rows)
        for name, value in held.counters.items():
            server.execute("SELECT setval(%s::regclass, %s)", (name, value))


def _server(database: Database) -> psycopg.Connection[Any]:
    url = database.engine.url.set(drivername="postgresql")
    return psycopg.connect(
        url.render_as_string(hide_password=False), autocommit=True, connect_timeout=30
    )
