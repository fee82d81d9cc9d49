"""Two parties on two sockets: the pretend LMS and the tool that it launches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select
from waitress.server import create_server

from lti_tool.app import create_app
from lti_tool.demo.browserless import browser_session, launch_by_http
from lti_tool.demo.platform import Platform
from lti_tool.settings import Settings
from lti_tool.storage import registrations, schema
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from tests.ports import free_port

Serve = Callable[..., str]


@dataclass
class World:
    lms: Platform
    lms_url: str
    tool_url: str
    database: Database
    settings: Settings
    registration_id: int
    deployment_id: str

    def open(
        self,
        person: str = "ana",
        link: str = "l1",
        session: requests.Session | None = None,
    ) -> requests.Response:
        return launch_by_http(self.lms_url, session or browser_session(), person, link)

    def edit(self, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
        self.lms.launch_edit = change

    def count(self, table: str) -> int:
        with self.database.read() as session:
            rows = select(func.count()).select_from(schema.metadata.tables[table])
            return session.scalar(rows) or 0


def make_world(
    database: Database, serve: Serve, tmp_path: Path, *, deployment: bool = True
) -> World:
    tool_port, lms_port = free_port(), free_port()
    tool_url = f"http://127.0.0.1:{tool_port}"
    lms_url = f"http://localhost:{lms_port}"
    settings = Settings(
        data_dir=tmp_path,
        secret_key_file=make_key(tmp_path),
        public_url=tool_url,
        local_network="localhost,127.0.0.1",
    )
    lms = Platform(url=lms_url)
    told = lms.register_tool(
        login_url=f"{tool_url}/lti/login",
        redirect_uris=[f"{tool_url}/lti/launch"],
        jwks_url=f"{tool_url}/lti/jwks",
        launch_url=f"{tool_url}/lti/launch",
    )
    lms.add_course("c1", "Mathematics 7", "M7", sis_class_sourced_id="class-7")
    lms.add_person("tea", "Tea", "Cher", "tea@school.example")
    lms.add_person("ana", "Ana", "Žebrė", "ana@school.example")
    lms.enroll("c1", "tea", "instructor")
    lms.enroll("c1", "ana", "learner")
    lms.add_link("c1", "l1", "Mastery", f"{tool_url}/lti/launch")
    with database.write() as session:
        registration_id = registrations.add_registration(
            session,
            NewRegistration(
                name="Pretend LMS",
                issuer=told.issuer,
                client_id=told.client_id,
                auth_url=told.auth_url,
                token_url=told.token_url,
                jwks_url=told.jwks_url,
            ),
            deployment_ids=[told.deployment_id] if deployment else [],
            now=datetime.now(UTC),
        )
    serve(create_app(settings, database), tool_port)
    serve(lms.app, lms_port)
    return World(
        lms,
        lms_url,
        tool_url,
        database,
        settings,
        registration_id,
        told.deployment_id,
    )


def make_key(folder: Path) -> Path:
    path = folder / "key"
    path.write_bytes(b"k" * 32)
    return path


@contextmanager
def serving() -> Iterator[Serve]:
    running = []

    def start(app: Any, port: int) -> str:  # noqa: ANN401 -- any WSGI application
        server = create_server(app, host="127.0.0.1", port=port, threads=8)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{port}"

    def stop(server: Any) -> None:  # noqa: ANN401 -- waitress gives no type
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()

    yield start
    for server, thread in running:
        # Run by the server's own thread, which then has nothing left to wait for.
        # It may be awake already and stop before the trigger itself is pulled.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda server=server: stop(server))
        thread.join(timeout=30)
        assert not thread.is_alive()
        # Else its eight threads would wait for work as long as the suite runs.
        server.task_dispatcher.shutdown()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve on a real socket; at the end idle connections are closed, not awaited."""
    with serving() as start:
        yield start


@pytest.fixture(scope="module")
def quiet_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for tests that leave nothing behind, shared by those of a file."""
    folder = tmp_path_factory.mktemp("quiet")
    database = Database(f"sqlite:///{folder / 'quiet.sqlite3'}")
    database.upgrade()
    with serving() as start:
        yield make_world(database, start, folder)
    database.close()


@pytest.fixture
def unapproved(sqlite_database: Database, serve: Serve, tmp_path: Path) -> World:
    """The same, but nobody has approved the deployment."""
    return make_world(sqlite_database, serve, tmp_path, deployment=False)


@pytest.fixture
def world(sqlite_database: Database, serve: Serve, tmp_path: Path) -> World:
    return make_world(sqlite_database, serve, tmp_path)
