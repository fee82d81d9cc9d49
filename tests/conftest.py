"""Counterparts every test may use: both databases, real servers, a real browser."""

from __future__ import annotations

import io
import os
import re
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

from lti_tool.demo.servers import Servers
from lti_tool.logs import configure_logs
from lti_tool.storage.database import Database
from tests import quick
from tests.begun import Begun
from tests.ports import free_port
from tests.postgres import has_been_emptied

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
PATIENCE_MS = 60_000
MUST_RUN = os.environ.get("CI") == "true"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A frame of another site then stays in its page's process. What the frame may do is
    # the same; but now and then Playwright lost hold of one that moved between two.
    "--disable-site-isolation-trials",
]

quick.install()


def absent(what: str) -> None:
    """Skip with a reason; where CI=true a missing counterpart is a failure."""
    if MUST_RUN:
        pytest.fail(f"{what}, and CI=true demands it")
    pytest.skip(what)


def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: a test that waits for a browser or a disk leaves its own."""
    return (os.cpu_count() or 1) + 1


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
        with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=30) as server:
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
def shared_postgres() -> Iterator[Callable[[], Database]]:
    """One PostgreSQL database of this process, emptied each time it is asked for.

    To make one of its own for each test takes half a second, to empty it a twentieth.
    """
    name = f"mb_test_{uuid.uuid4().hex[:12]}"
    made: list[Database] = []

    def make() -> None:
        _on_server("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        _on_server("CREATE DATABASE {}", name)
        _on_server("ALTER DATABASE {} SET synchronous_commit TO off", name)
        database = Database(_postgres_url(name))
        database.upgrade()
        database.close()

    def empty() -> Database:
        if made:
            made.pop().close()
        if not has_been_emptied(f"{POSTGRES.rsplit('/', 1)[0]}/{name}"):
            make()
        made.append(Database(_postgres_url(name)))
        return made[0]

    yield empty
    for database in made:
        database.close()
    _on_server("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with our schema: each test runs on SQLite and PostgreSQL."""
    if request.param == "postgres":
        database = request.getfixturevalue("shared_postgres")()
    else:
        path = tmp_path / "test.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture(scope="session")
def begun() -> Iterator[Begun]:
    """Bring a database to where many tests begin, as `begun(name, database, begin)`."""
    held = Begun()
    yield held
    held.close()


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
        port = port or free_port()
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
    """Headless Chromium from the system, the browser of every page test.

    What is expected of a page may take its time: a machine may be busy, and only a
    test that fails waits so long.
    """
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 -- only here

    path = os.environ.get("MASTERYBRIDGE_CHROMIUM", "/usr/bin/chromium")
    if not Path(path).exists():
        absent("Chromium is not installed (MASTERYBRIDGE_CHROMIUM)")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        expect.set_options(timeout=PATIENCE_MS)
        yield chromium
        chromium.close()


# Of these, one database is enough: what they prove is decided before it is asked.
_READING = re.compile(
    r"test_catalogue_b\.py::test_b(?!0[7-9]|1[0-46]|2[14]|4[1-8])\d\d_"
    r"|test_real_systems\.py::test_a_service_of_ours_is_tested"
)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out needless databases; let a browser test be tried once more.

    Decision record 0014: the summary names each test that needed its second try. A
    live trial is one story: what it began in the other system cannot begin again.
    """
    for one in items:
        is_story = one.get_closest_marker("live") is not None
        if "browser" in getattr(one, "fixturenames", ()) and not is_story:
            one.add_marker(pytest.mark.flaky(reruns=1))
    needless = [
        one
        for one in items
        if _READING.search(one.nodeid) and "postgres" in one.nodeid.rpartition("[")[2]
    ]
    if needless:
        config.hook.pytest_deselected(items=needless)
        items[:] = [one for one in items if one not in needless]
