"""What people and scripts may rely on is there, or is named as coming later.

The tables repeat the contract. What does not exist yet stands in LATER: a name that
is in both, or in neither, fails, so that LATER empties as the work goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import pytest
from flask import Flask

from lti_tool.app import create_app
from lti_tool.cli import masterybridge
from lti_tool.cli.curriculum import DESTINATIONS
from lti_tool.settings import PREFIX, Settings
from lti_tool.storage.database import Database
from mappings.rules import RULES

COMMANDS = {
    "demo": "--host --port --seed --size --check",
    "serve": "--host --port --workers --no-worker",
    "worker": "--concurrency",
    "db upgrade": "",
    "backup": "",
    "restore": "",
    "doctor": "",
    "platform add": "--name --issuer --client-id --auth-url --token-url --jwks-url "
    "--deployment-id --vendor --outcomes-url --outcomes-token-file",
    "platform list": "",
    "platform check": "",
    "platform invite": "--vendor --name --issuer-host",
    "platform remove": "",
    "source add": "--rest --csv --version --token-url --client-id "
    "--client-secret-file --auth --ca-file",
    "source test": "",
    "source list": "",
    "source remove": "",
    "source sync": "--dry-run --full --accept --accept-ends --all-but-ends",
    "source pause": "",
    "source resume": "",
    "runs list": "",
    "runs show": "",
    "runs retry": "",
    "runs stop": "",
    "framework import": "",
    "framework list": "",
    "framework show": "",
    "framework diff": "",
    "framework export": "",
    "course list": "",
    "course show": "",
    "course members": "--full",
    "course set": "--framework --rule --parameter --mastery --destination --send "
    "--look --accept --yes",
    "align suggest": "--text --framework --grade --top",
    "align import": "",
    "align export": "",
    "mastery try": "--rule --parameter --scores --mastery --maximum",
    "mastery explain": "--course --student --competency",
    "outcomes status": "--rows",
    "outcomes deliver": "--dry-run",
    "outcomes reconcile": "",
    "certify": "",
    "export person": "--output",
    "export course": "--output",
    "export records": "--framework --csv --oneroster",
    "erase person": "--yes --withdraw",
    "erase lift": "",
    "keys rotate": "",
    "api-client add": "--scope --source",
    "api-client list": "",
    "api-client remove": "",
    "openapi": "",
}
LATER: set[str] = set()
PATHS = {
    "/lti/login": "GET POST",
    "/lti/launch": "POST",
    "/lti/jwks": "GET",
    "/lti/register": "GET",
    "/lti/deep-linking": "POST",
    "/lti/config/canvas.json": "GET",
    "/healthz": "GET",
    "/readyz": "GET",
    "/metrics": "GET",
    "/openapi.json": "GET",
    "/oauth2/token": "POST",
}
LATER_PATHS: set[str] = set()
FOLDERS = ("/admin/", "/api/v1/", "/ims/oneroster/")
LATER_FOLDERS: set[str] = set()
SETTINGS = {
    "DATABASE_URL",
    "QUEUE_URL",
    "DATA_DIR",
    "PUBLIC_URL",
    "SECRET_KEY_FILE",
    "TRUSTED_PROXIES",
    "LOCAL_NETWORK",
    "LOG_FORMAT",
}
CHOICES = {
    ("demo", "size"): ["school", "district"],
    ("platform add", "vendor"): [
        "blackboard",
        "brightspace",
        "canvas",
        "moodle",
        "other",
    ],
    ("source add", "version"): ["1.1", "1.2"],
    ("course set", "send"): ["now", "nightly", "release"],
    ("source add", "auth"): [
        "basic",
        "form",
        "oauth1-sha1",
        "oauth1-sha256",
        "bearer",
    ],
}
RULE_NAMES = [
    "highest",
    "latest",
    "average",
    "n_mastery",
    "decaying_average",
    "weighted_average",
    "standard_decaying_average",
    "power_law",
    "mode",
    "mean_of_last",
    "conjunctive",
    "bkt",
    "certainty",
]


def walk(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its words."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from walk(below, (*path, name))
    else:
        yield " ".join(path), command


HAVE = dict(walk(masterybridge))


def options(command: click.Command) -> set[str]:
    return {name for one in command.params for name in one.opts if name[:2] == "--"}


def promised() -> Iterator[tuple[str, bool]]:
    """Yield each command and option of the contract, and whether it is there."""
    for name, wanted in COMMANDS.items():
        command = HAVE.get(name)
        yield name, command is not None
        if command is None:
            continue
        for option in wanted.split():
            yield f"{name} {option}", option in options(command)


def test_every_command_is_there_or_comes_later() -> None:
    assert {name for name, is_there in promised() if not is_there} == LATER


def test_every_command_takes_json() -> None:
    assert [name for name, one in HAVE.items() if "--json" not in options(one)] == []


@pytest.mark.parametrize(("command", "option"), CHOICES)
def test_the_choices_of_an_option_are_those_of_the_contract(
    command: str, option: str
) -> None:
    (found,) = [one for one in HAVE[command].params if one.name == option]
    assert isinstance(found.type, click.Choice)
    assert list(found.type.choices) == CHOICES[command, option]


def test_the_rules_are_those_of_the_contract() -> None:
    assert sorted(RULES) == sorted(RULE_NAMES)


def test_outcomes_go_to_the_destinations_of_the_contract_but_canvas() -> None:
    assert set(DESTINATIONS) | {"canvas"} == {"ags", "oneroster", "canvas", "moodle"}
    assert "moodle" in DESTINATIONS


def test_the_settings_are_those_of_the_contract() -> None:
    assert {name.upper() for name in Settings.model_fields} == SETTINGS
    assert PREFIX == "MASTERYBRIDGE_"


@pytest.fixture
def rules(sqlite_database: Database) -> dict[str, set[str]]:
    """What the application answers: path to methods."""
    app: Flask = create_app(Settings(), sqlite_database)
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        found.setdefault(rule.rule, set()).update(rule.methods or ())
    return found


def test_every_path_is_there_or_comes_later(rules: dict[str, Any]) -> None:
    missing = {
        path
        for path, methods in PATHS.items()
        if not set(methods.split()) <= rules.get(path, set())
    }
    assert missing == LATER_PATHS


def test_every_folder_is_there_or_comes_later(rules: dict[str, Any]) -> None:
    missing = {
        folder
        for folder in FOLDERS
        if not any(path.startswith(folder) for path in rules)
    }
    assert missing == LATER_FOLDERS
