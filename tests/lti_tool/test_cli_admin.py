"""`admin` and what `platform` does beside adding: the pages' work, typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from lti_tool.app import create_app
from lti_tool.cli import masterybridge
from lti_tool.settings import Settings
from lti_tool.storage import schema
from lti_tool.storage.database import Database

PASSWORD = "correct horse battery"  # noqa: S105 -- of a made-up administrator
MOODLE = (
    *("--name", "Our Moodle", "--vendor", "moodle", "--client-id", "abc"),
    *("--issuer", "https://moodle.example.org", "--deployment-id", "3"),
    *("--auth-url", "https://moodle.example.org/auth"),
    *("--token-url", "https://moodle.example.org/token"),
    *("--jwks-url", "https://moodle.example.org/jwks"),
)


class Bridge:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "installed"

    def ask(self, *words: str, status: int = 0) -> Any:  # noqa: ANN401 -- a JSON document
        env = {"MASTERYBRIDGE_DATA_DIR": str(self.folder)}
        try:
            runner = CliRunner(env=env)
            result = runner.invoke(masterybridge, [*words, "--json"])
        finally:
            structlog.reset_defaults()
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    def database(self) -> Database:
        return Database(f"sqlite:///{self.folder / 'masterybridge.sqlite3'}")


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    return Bridge(tmp_path)


def join(bridge: Bridge, url: str, username: str) -> int:
    """Open a link as a browser does, and fill its form in."""
    database = bridge.database()
    client = create_app(Settings(data_dir=bridge.folder), database).test_client()
    path = url.removeprefix("http://127.0.0.1:8000")
    token = client.get(path).text.split('name="csrf" value="')[1].split('"')[0]
    fields = {"username": username, "password": PASSWORD, "again": PASSWORD}
    status = client.post(path, data={"csrf": token, **fields}).status_code
    database.close()
    return status


def test_the_first_administrator_comes_by_a_link_from_the_command_line(
    bridge: Bridge,
) -> None:
    made = bridge.ask("admin", "invite", "--name", "Rosa")
    assert made["url"].startswith("http://127.0.0.1:8000/admin/invitation/")
    assert made["hours"] == 24
    (waiting,) = bridge.ask("admin", "list")["links"]
    assert (waiting["for"], waiting["kind"]) == ("Rosa", "admin")
    assert join(bridge, made["url"], "rosa") == 303
    listed = bridge.ask("admin", "list")
    (rosa,) = listed["administrators"]
    assert (rosa["username"], rosa["status"]) == ("rosa", "active")
    assert listed["links"] == []


def test_administrators_are_disabled_enabled_and_reset(bridge: Bridge) -> None:
    for name in ("rosa", "tom"):
        join(bridge, bridge.ask("admin", "invite")["url"], name)
    assert bridge.ask("admin", "disable", "Tom") == {"disabled": "tom"}
    last = bridge.ask("admin", "disable", "rosa", status=1)
    assert last["error"] == (
        "this is the last administrator who can sign in; invite another one first"
    )
    off = bridge.ask("admin", "reset", "tom", status=1)
    assert off["error"] == (
        "the administrator tom is disabled; enable the account first"
    )
    assert bridge.ask("admin", "enable", "tom") == {"enabled": "tom"}
    reset = bridge.ask("admin", "reset", "tom")
    assert join(bridge, reset["url"], "whoever") == 303
    assert join_again(bridge, reset["url"]) == 410
    nobody = bridge.ask("admin", "reset", "nobody", status=1)
    assert nobody["error"] == (
        "no administrator is called nobody; see `masterybridge admin list`"
    )


def join_again(bridge: Bridge, url: str) -> int:
    database = bridge.database()
    client = create_app(Settings(data_dir=bridge.folder), database).test_client()
    status = client.get(url.removeprefix("http://127.0.0.1:8000")).status_code
    database.close()
    return status


def test_a_platform_is_shown_edited_and_switched(bridge: Bridge) -> None:
    bridge.ask("platform", "add", *MOODLE)
    shown = bridge.ask("platform", "show", "1")
    assert (shown["name"], shown["courses"]) == ("Our Moodle", 0)
    assert [one["deployment_id"] for one in shown["deployments"]] == ["3"]
    edited = bridge.ask(
        *("platform", "edit", "1", "--name", "Moodle", "--target-mismatch", "warn"),
        *("--extra-origin", "https://lms.example.org/"),
    )
    assert edited["changed"] == {
        "name": "Moodle",
        "target_mismatch": "warn",
        "extra_origins": ["https://lms.example.org"],
    }
    again = bridge.ask("platform", "edit", "1", "--name", "Moodle")
    assert again["changed"] == {}
    none = bridge.ask("platform", "edit", "1", "--extra-origin", "")
    assert none["changed"] == {"extra_origins": None}
    assert bridge.ask("platform", "disable", "1") == {"disabled": 1}
    assert bridge.ask("platform", "enable", "1") == {"enabled": 1}
    assert bridge.ask("platform", "approve", "1", "4") == {"active": "4"}
    assert bridge.ask("platform", "refuse", "1", "4") == {"refused": "4"}
    found = bridge.ask("platform", "show", "1")["deployments"]
    states = {one["deployment_id"]: one["status"] for one in found}
    assert states == {"3": "active", "4": "disabled"}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ("--issuer", "https://moodle.example.org/"),
            "--issuer: The issuer of this LMS has no slash at its end; take it away.",
        ),
        (
            ("--client-id", "a b"),
            (
                "--client-id: There is a space in it; copy the value again, without "
                "the words around it."
            ),
        ),
        (
            ("--extra-origin", "lms"),
            (
                "--extra-origin: “lms” is not the address of a site; write https:// "
                "and the host name, nothing after it."
            ),
        ),
        (("--outcomes-token-file", "/nowhere"), "/nowhere cannot be read"),
    ],
)
def test_an_edit_names_the_option_at_fault(
    bridge: Bridge, words: tuple[str, ...], error: str
) -> None:
    bridge.ask("platform", "add", *MOODLE)
    found = bridge.ask("platform", "edit", "1", *words, status=1)["error"]
    assert found.startswith(error)
    assert bridge.ask("platform", "show", "1")["client_id"] == "abc"


def test_a_platform_nobody_came_by_is_deleted(bridge: Bridge) -> None:
    bridge.ask("platform", "add", *MOODLE)
    assert bridge.ask("platform", "delete", "1") == {
        "deleted": True,
        "courses": 0,
        "people": 0,
    }
    assert bridge.ask("platform", "list") == []
    (again,) = [bridge.ask("platform", "add", *MOODLE)["id"]]
    refused = bridge.ask("platform", "refuse", str(again), "9", status=1)["error"]
    assert refused == (
        f"platform {again} has no deployment 9; see `platform show {again}`"
    )


def test_what_is_typed_is_in_the_audit_too(bridge: Bridge) -> None:
    bridge.ask("platform", "add", *MOODLE)
    bridge.ask("platform", "edit", "1", "--name", "Moodle")
    bridge.ask("platform", "disable", "1")
    bridge.ask("keys", "rotate")
    bridge.ask("admin", "invite")
    database = bridge.database()
    with database.read() as session:
        found = session.execute(schema.change.select().order_by(schema.change.c.id))
        rows = [(row.who, row.what) for row in found]
    database.close()
    assert rows == [
        ("cli", "platform added"),
        ("cli", "platform edited"),
        ("cli", "platform switched"),
        ("cli", "keys rotated"),
        ("cli", "administrator invited"),
    ]
