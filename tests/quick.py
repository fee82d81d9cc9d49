"""What is the same in every test, made once a process and not once a test.

Each test has an application, an engine and a database of its own. Most of its time
went into making anew what none of them changes: the code of templates, of addresses
and of statements.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from functools import wraps
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, settings
from jinja2.bccache import Bucket, BytecodeCache
from joserfc.jwk import RSAKey
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from lti_tool.demo import platform_campus
from lti_tool.storage import database, keys

_TABLES = "SELECT 1 FROM sqlite_master LIMIT 1"


class Templates(BytecodeCache):
    """The code of templates, by where they are; Jinja compares the source itself."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        held = self._code.get(bucket.key + bucket.checksum)
        if held is not None:
            bucket.bytecode_from_string(held)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


class Statements(LRUCache[Any, Any]):
    """Compiled statements of all engines of a kind.

    SQLAlchemy's key begins with the dialect, of which each engine has its own.
    """

    @staticmethod
    def _shared(key: Any) -> Any:  # noqa: ANN401 -- SQLAlchemy's
        return (key[0].name, *key[1:])

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ANN401 -- the same
        return super().get(self._shared(key), default)

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 -- the same
        return super().__getitem__(self._shared(key))

    def __setitem__(self, key: Any, value: Any) -> None:  # noqa: ANN401 -- the same
        super().__setitem__(self._shared(key), value)


def install() -> None:
    """Let applications and engines made from now on share what they compile."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Templates()}
    _share_statements(Statements(2000))
    _share_addresses()
    _share_migrations()
    keys.RSAKey = pooled(8)
    platform_campus.RSAKey = pooled(6)
    # What a property finds, it finds each time and on any machine, however busy.
    # Another search: --hypothesis-profile=default, and the targets of tests/fuzz.
    settings.register_profile(
        "suite",
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("suite")


def pooled(count: int) -> type[RSAKey]:
    """RSA keys that come again after so many: to make one takes longer than a test.

    Within a test no two are the same.
    """
    made: list[RSAKey] = []
    turn = itertools.count()
    alone = threading.Lock()

    class Pooled(RSAKey):
        @classmethod
        def generate_key(cls, *args: Any, **options: Any) -> RSAKey:  # noqa: ANN401 -- passed on
            with alone:
                place = next(turn) % count
                if place == len(made):
                    made.append(RSAKey.generate_key(*args, **options))
                return made[place]

    return Pooled


def _share_statements(statements: Statements) -> None:
    make_engine = database.make_engine

    @wraps(make_engine)
    def make(*args: Any, **options: Any) -> Engine:  # noqa: ANN401 -- passed on
        engine = make_engine(*args, **options)
        engine.update_execution_options(compiled_cache=statements)
        return engine

    database.make_engine = make


def _share_migrations() -> None:
    """Bring a new SQLite file to the schema by copying the first one brought there.

    That the migrations make the schema, from nothing and twice, is for
    tests/lti_tool/test_database.py, whose databases are not new.
    """
    upgrade = database.Database.upgrade
    first: list[sqlite3.Connection] = []

    @wraps(upgrade)
    def copy(self: database.Database) -> None:
        if not self.is_sqlite:
            upgrade(self)
            return
        try:
            with self.engine.connect() as connection:
                driver: Any = connection.connection.dbapi_connection
                is_new = not connection.exec_driver_sql(_TABLES).first()
                connection.rollback()
                if is_new and first:
                    first[0].backup(driver)
                    return
        except SQLAlchemyError:  # is told by the upgrade itself
            is_new = False
        upgrade(self)
        if is_new:
            held = sqlite3.connect(":memory:", check_same_thread=False)
            with self.engine.connect() as connection:
                driver = connection.connection.dbapi_connection
                driver.backup(held)
            first.append(held)

    database.Database.upgrade = copy


def _share_addresses() -> None:
    """Compile what builds the addresses of a rule once for all applications."""
    compile_builder = Rule._compile_builder  # noqa: SLF001 -- has no other name
    held: dict[Any, Any] = {}

    @wraps(compile_builder)
    def builder(rule: Rule, append_unknown: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 -- Werkzeug's
        if rule.defaults:  # are written into the code by this rule's own converters
            return compile_builder(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)  # noqa: SLF001 -- the same
        if key not in held:
            held[key] = compile_builder(rule, append_unknown)
        return held[key]

    Rule._compile_builder = builder  # noqa: SLF001 -- the same
