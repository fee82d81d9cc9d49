"""Counterparts every test may use: both databases, real servers, a real browser."""

from __future__ import annotations

import io
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
import structlog
from psycopg import sql

from lti_tool.demo.servers import Servers, free_ports
from lti_tool.logs import configure_logs
from lti_tool.storage.database import Database

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(
    os.environ.get("MASTERYBRIDGE_SHARED_DATA", ROOT.parent / "shared" / "data")
)
POSTGRES = os.environ.get(
    "MASTERYBRIDGE_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres"
)
MUST_RUN = os.environ.get("CI") == "true"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def absent(what: str) -> None:
    """Skip with a reason; where CI=true a missing counterpart is a failure."""
    if MUST_RUN:
        pytest.fail(f"{what}, and CI=true demands it")
    pytest.skip(what)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        absent("the real public data (shared/data) is not beside this checkout")
    return SHARED_DATA


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def _on_server(statement: LiteralString, *names: str) -> None:
    try:
        with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3) as server:
            server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
    except psycopg.OperationalError:
        absent("no PostgreSQL answers (MASTERYBRIDGE_TEST_DATABASE_URL)")


def _postgres_url(name: str) -> str:
    head = POSTGRES.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://")
    return f"{head}/{name}"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our schema and nothing in it; migrations run once."""
    path = tmp_path_factory.mktemp("schema") / "migrated.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    return path


@pytest.fixture(scope="session")
def migrated_postgres() -> Iterator[str]:
    """The name of a PostgreSQL database that others are copied from."""
    name = f"mb_schema_{uuid.uuid4().hex[:12]}"
    _on_server("CREATE DATABASE {}", name)
    database = Database(_postgres_url(name))
    database.upgrade()
    database.close()
    yield name
    _on_server("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with our schema: each test runs on SQLite and PostgreSQL."""
    name = f"mb_test_{uuid.uuid4().hex[:12]}"
    if request.param == "sqlite":
        path = tmp_path / "test.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        database = Database(f"sqlite:///{path}")
    else:
        template = request.getfixturevalue("migrated_postgres")
        _on_server("CREATE DATABASE {} TEMPLATE {}", name, template)
        database = Database(_postgres_url(name))
    yield database
    database.close()
    if request.param == "postgres":
        _on_server("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def sqlite_database(tmp_path: Path, migrated_file: Path) -> Iterator[Database]:
    """For pages, where one database is enough."""
    path = tmp_path / "pages.sqlite3"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serve a WSGI application on a real socket; gives its address."""
    servers = Servers("127.0.0.1")

    def start(app: WSGIApplication, port: int | None = None) -> str:
        port = port or free_ports("127.0.0.1", 1)[0]
        servers.serve(app, port)
        return f"http://127.0.0.1:{port}"

    yield start
    servers.stop()


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[str]]]:
    """Everything logged so far, a line each, as the JSON that goes to stderr."""
    written = io.StringIO()
    configure_logs("json")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written))
    yield lambda: written.getvalue().splitlines()
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium from the system, the browser of every page test."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 -- only here

    path = os.environ.get("MASTERYBRIDGE_CHROMIUM", "/usr/bin/chromium")
    if not Path(path).exists():
        absent("Chromium is not installed (MASTERYBRIDGE_CHROMIUM)")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()
