"""Logs: one event a line, and nothing in it that names or opens anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from lti_tool.logs import configure_logs, log


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_an_event_is_one_line_of_json_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs("json")
    log().info("roster synced", run=7)
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {"event": "roster synced", "level": "info", "run": 7}
    assert told.out == ""


@pytest.mark.parametrize(
    "name",
    [
        "access_token",
        "Authorization",
        "client_secret",
        "email",
        "family_name",
        "given_name",
        "id_token",
        "name",
        "password",
        "score",
        "state",
    ],
)
def test_values_under_these_names_never_reach_a_line(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    configure_logs("json")
    log().warning("launch refused", **{name: "Amira"})
    line = capsys.readouterr().err
    assert "Amira" not in line
    assert json.loads(line)[name] == "[left out]"


class Terminal:
    """A stderr that says it is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("setting", "is_plain"), [("1", True), ("", False)])
def test_no_color_is_honoured_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, setting: str, *, is_plain: bool
) -> None:
    terminal: Any = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("NO_COLOR", setting)
    configure_logs("text")
    log().info("roster synced", run=7)
    assert ("\x1b[" not in terminal.text) is is_plain


def test_details_below_info_are_not_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs("json")
    log().debug("looked around")
    assert capsys.readouterr().err == ""
