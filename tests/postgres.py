"""A PostgreSQL database that many tests use one after another, each finds it empty."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg import sql

from lti_tool.storage import schema

# Whoever is left over from a test before holds nobody up.
_END_OTHERS: LiteralString = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES: LiteralString = """
    SELECT relname, pg_relation_size(oid) > 0 FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname <> 'alembic_version'
"""
_COUNT_ANEW: LiteralString = """
    SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'
"""


def has_been_emptied(url: str) -> bool:
    """Take every row out; False if there is no such database, or not our schema in it.

    VACUUM gives the files back, so that rows lie in the order in which a test writes
    them, as in a database just made.
    """
    try:
        server = psycopg.connect(url, autocommit=True, connect_timeout=30)
    except psycopg.OperationalError:
        return False
    with server:
        server.execute(_END_OTHERS)
        if set(_tables(server)) != set(schema.metadata.tables):
            return False
        with server.transaction():
            used = empty_tables(server)
            server.execute(_COUNT_ANEW)
        if used:
            named = sql.SQL(", ").join(map(sql.Identifier, used))
            server.execute(sql.SQL("VACUUM {}").format(named))
    return True


def used_tables(server: psycopg.Connection[Any]) -> list[str]:
    """The tables that have or had a row."""
    return [name for name, is_used in _tables(server).items() if is_used]


def empty_tables(server: psycopg.Connection[Any]) -> list[str]:
    """Take every row out, inside the caller's transaction; which tables had any.

    DELETE is far quicker than TRUNCATE, which makes new files for each table and
    index. References are not looked at until the transaction ends.
    """
    used = used_tables(server)
    server.execute("SET LOCAL session_replication_role = replica")
    for name in used:
        server.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
    return used


def _tables(server: psycopg.Connection[Any]) -> dict[str, bool]:
    return dict(server.execute(_TABLES).fetchall())
