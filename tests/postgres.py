"""A PostgreSQL database that many tests use one after another, each finds it empty."""

from __future__ import annotations

from typing import LiteralString

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

    DELETE is far quicker than TRUNCATE, which makes new files for each table and
    index. VACUUM then gives the files back, so that rows lie in the order in which a
    test writes them, as in a database just made.
    """
    try:
        server = psycopg.connect(url, autocommit=True, connect_timeout=30)
    except psycopg.OperationalError:
        return False
    with server:
        server.execute(_END_OTHERS)
        found = dict(server.execute(_TABLES).fetchall())
        if set(found) != set(schema.metadata.tables):
            return False
        used = [sql.Identifier(name) for name, is_used in found.items() if is_used]
        with server.transaction():
            server.execute("SET LOCAL session_replication_role = replica")
            for table in used:
                server.execute(sql.SQL("DELETE FROM {}").format(table))
            server.execute(_COUNT_ANEW)
        if used:
            server.execute(sql.SQL("VACUUM {}").format(sql.SQL(", ").join(used)))
    return True
