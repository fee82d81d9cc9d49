"""The application as a load balancer and a reverse proxy see it."""

from __future__ import annotations

from pathlib import Path

from flask import request

from lti_tool.app import create_app
from lti_tool.settings import Settings
from lti_tool.storage.database import Database


def test_it_is_alive_and_ready(sqlite_database: Database) -> None:
    client = create_app(Settings(), sqlite_database).test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json) == (200, {"ready": True})


def test_a_database_without_our_schema_is_not_ready(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    ready = create_app(Settings(), database).test_client().get("/readyz")
    assert (ready.status_code, ready.json) == (503, {"ready": False})
    database.close()


def test_a_database_that_does_not_answer_is_not_ready() -> None:
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    client = create_app(Settings(), database).test_client()
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    database.close()


def test_forwarded_headers_count_only_behind_a_trusted_proxy(
    sqlite_database: Database,
) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "school.example"}
    seen = []
    for hops in (0, 1):
        app = create_app(Settings(trusted_proxies=hops), sqlite_database)
        app.add_url_rule("/seen", "seen", lambda: request.host_url)
        seen.append(app.test_client().get("/seen", headers=headers).text)
    assert seen == ["http://localhost/", "https://school.example/"]


def test_static_files_come_with_a_cache(sqlite_database: Database) -> None:
    client = create_app(Settings(), sqlite_database).test_client()
    found = client.get("/static/app.css")
    assert found.status_code == 200
    assert found.headers["Cache-Control"] == "max-age=3600, public"
    found.close()


def test_whoever_types_our_address_is_told_the_way_in(
    tmp_path: Path, sqlite_database: Database
) -> None:
    app = create_app(Settings(data_dir=tmp_path), sqlite_database)
    page = app.test_client().get("/")
    assert page.status_code == 200
    assert "Open this from inside a course." in page.text
