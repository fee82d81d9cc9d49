"""`api-client`: a secret goes into a file of its own and is never printed."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from lti_tool.cli import masterybridge


class Bridge:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, status: int = 0) -> str:
        env = {"MASTERYBRIDGE_DATA_DIR": str(self.folder)}
        try:
            result = CliRunner(env=env).invoke(masterybridge, ["api-client", *words])
        finally:
            structlog.reset_defaults()
        assert result.exit_code == status, result.output
        return result.stdout

    def ask(self, *words: str, status: int = 0) -> Any:  # noqa: ANN401 -- a JSON document
        return json.loads(self.run(*words, "--json", status=status))


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    return Bridge(tmp_path)


def test_a_client_is_added_listed_and_removed(bridge: Bridge) -> None:
    made = bridge.ask("add", "Warehouse", "--scope", "assessment.readonly")
    assert made["scopes"] == ["assessment.readonly"]
    assert made["source"] is None
    assert made["token_url"] == f"{made['url']}/oauth2/token"
    (listed,) = bridge.ask("list")
    assert listed["client_id"] == made["client_id"]
    place = bridge.folder / f"{made['client_id']}.secret"
    assert made["secret_file"] == str(place)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    secret = place.read_text().strip()
    assert secret
    assert secret not in json.dumps([made, listed])
    assert bridge.ask("remove", "Warehouse") == {"removed": made["client_id"]}
    assert bridge.ask("list") == []


def test_a_person_reads_where_to_pull_from(bridge: Bridge) -> None:
    place = bridge.folder / "handed over" / "warehouse"
    told = bridge.run("add", "Warehouse", "--secret-file", str(place))
    assert f"client secret: in {place}\n" in told
    assert place.read_text().strip() not in told
    assert "It sees every source." in told
    assert "Warehouse" in bridge.run("list")


def test_no_file_is_written_over_and_no_client_added_without_one(
    bridge: Bridge,
) -> None:
    place = bridge.folder / "taken"
    place.write_text("mine")
    said = bridge.ask("add", "Warehouse", "--secret-file", str(place), status=1)
    assert said["error"] == (
        f"{place} cannot be written (File exists); no client was added. Name another "
        "place with --secret-file"
    )
    assert place.read_text() == "mine"
    assert bridge.ask("list") == []


def test_what_is_not_there_is_said(bridge: Bridge) -> None:
    assert bridge.ask("remove", "nobody", status=1)["code"] == "NotFoundError"
    assert bridge.ask("add", "w", "--source", "x", status=1)["code"] == "NotFoundError"
    assert bridge.ask("add", " ", status=1)["code"] == "ConfigError"
    bridge.run("add", "w", "--scope", "roster-demographics.readonly", status=2)
