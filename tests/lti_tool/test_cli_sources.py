"""`source preview` and `source edit`, and what the audit keeps of sources."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from lti_tool.demo.school import make_school
from lti_tool.demo.servers import Servers
from oneroster.provider import blueprint
from tests.lti_tool.test_cli import SECRET, Bridge
from tests.ports import free_port


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    return Bridge(tmp_path)


def add(bridge: Bridge, url: str, secret: str = SECRET) -> None:
    words = ["--client-id", "mb", "--client-secret-file", bridge.file("s.txt", secret)]
    bridge.ask("source", "add", "sis", "--rest", url, *words)


def test_a_service_is_previewed_and_its_credentials_are_replaced(
    bridge: Bridge,
) -> None:
    school = make_school(size="school", today=date(2026, 11, 24))
    sis = Flask("sis")
    sis.register_blueprint(blueprint(school.catalog(), clients={"mb": SECRET}))
    port = free_port()
    servers = Servers("127.0.0.1")
    servers.serve(sis, port)
    try:
        add(bridge, f"http://127.0.0.1:{port}", "not it")
        failed = bridge.ask("source", "preview", "sis", status=1)["failed"]
        assert list(failed) != []
        secret = bridge.file("new.txt", SECRET)
        edited = bridge.ask("source", "edit", "sis", "--client-secret-file", secret)
        assert edited == {"source": "sis", "changed": ["client_secret"]}
        found = bridge.ask("source", "preview", "sis")
    finally:
        servers.stop()
    assert found["failed"] == {}
    seen = {name: one["seen"] for name, one in found["collections"].items()}
    assert seen["users"] == len(school.users)
    assert seen["enrollments"] > 0
    assert bridge.run("source", "preview", "sis").exit_code == 4


def test_an_edit_is_checked_as_the_page_checks_it(bridge: Bridge) -> None:
    add(bridge, "https://sis.example.org")
    wrong = bridge.ask(
        "source", "edit", "sis", "--rest", "https://u@sis.example.org", status=1
    )
    assert "location: This address is not one we go to" in wrong["error"]
    same = bridge.ask("source", "edit", "sis")
    assert same["changed"] == []
    done = bridge.ask("source", "edit", "sis", "--auth", "form", "--version", "1.1")
    assert done["changed"] == ["auth", "version"]


def test_a_source_of_files_has_a_path_and_nothing_of_a_service(bridge: Bridge) -> None:
    bridge.ask("source", "add", "files", "--csv", str(bridge.folder))
    wrong = bridge.ask("source", "edit", "files", "--version", "1.1", status=1)
    assert wrong["error"] == 'source "files" reads files: give --csv PATH alone'
    bridge.ask("source", "remove", "files")


def test_how_a_service_is_written_to_is_chosen_and_shown(bridge: Bridge) -> None:
    add(bridge, "https://sis.example.org")
    assert bridge.ask("source", "show", "sis")["written_as"] == "assessment"
    chosen = ("--writing", "posted", "--category", "cat-7", "--numbers-only")
    said = bridge.ask("source", "set", "sis", *chosen)
    assert (said["written_as"], said["writing_found"]) == ("posted", {})
    assert said["settings"]["writing"] == {
        "manner": "posted",
        "category": "cat-7",
        "words": False,
    }
    wrong = bridge.ask("source", "set", "sis", "--writing", "plain", status=1)
    assert wrong["error"] == (
        'the source speaks OneRoster 1.2, and "plain" is of 1.1; use one of auto, '
        "assessment, gradebook, posted"
    )
    back = bridge.ask("source", "set", "sis", "--category", "", "--words")
    assert back["settings"]["writing"]["category"] is None
    bridge.ask("source", "edit", "sis", "--version", "1.1")
    assert bridge.ask("source", "show", "sis")["written_as"] == "plain"
