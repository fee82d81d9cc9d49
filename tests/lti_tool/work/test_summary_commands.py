"""The command line around one grade over all competencies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from click.testing import CliRunner

from lti_tool.cli import masterybridge
from lti_tool.storage import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lti_tool.work.conftest import Classroom


@pytest.fixture
def ask(room: Classroom, tmp_path: Path) -> Callable[..., Any]:
    """Run a command on the class: its JSON, or what it said where that is no JSON."""
    env = {
        "MASTERYBRIDGE_DATA_DIR": str(tmp_path / "installed"),
        "MASTERYBRIDGE_DATABASE_URL": f"sqlite:///{tmp_path / 'room.sqlite3'}",
    }
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.refresh()

    def asked(*words: str, status: int = 0) -> Any:  # noqa: ANN401 -- a JSON document
        try:
            result = CliRunner(env=env).invoke(masterybridge, list(words))
        finally:
            structlog.reset_defaults()
        assert result.exit_code == status, result.output
        return json.loads(result.stdout) if "--json" in words else result.output

    return asked


def choose(ask: Callable[..., Any], *words: str) -> dict[str, Any]:
    told: dict[str, Any] = ask("course", "set", "class-7", *words, "--json")["sending"]
    return told


def test_a_course_is_set_to_one_grade_and_says_so(
    ask: Callable[..., Any], room: Classroom, tmp_path: Path
) -> None:
    told = choose(ask, "--columns", "summary", "--summary", "mastery_index")
    assert (told["columns"], told["summary"]["how"]) == ("summary", "mastered_share")
    shown = ask("course", "show", "class-7")
    assert "Mastery index alone in gradebooks" in " ".join(shown.split())
    formula = tmp_path / "formula.json"
    formula.write_text('{"title": "Semester", "maximum": 20, "places": 0}')
    told = choose(ask, "--columns", "both", "--summary", str(formula))
    assert (told["columns"], told["summary"]["title"]) == ("both", "Semester")
    # The formula stays where only the columns are chosen, and falls with the last one.
    assert choose(ask, "--columns", "summary")["summary"]["title"] == "Semester"
    choose(ask, "--destination", "ags=on")
    rows = ask("outcomes", "status", "--rows", "--json")["rows"]
    assert [(one["human_code"], one["value"], one["maximum"]) for one in rows] == [
        ("Semester", 20.0, 20.0)
    ]
    receipt = ask("outcomes", "show", str(rows[0]["id"]), "--json")
    assert receipt["why"]["arithmetic"] == [
        "7.A: Advanced is worth 20",
        "mean of 20 = 20",
    ]
    assert "mean of 20 = 20" in ask("outcomes", "show", str(rows[0]["id"]))
    told = choose(ask, "--columns", "each")
    assert (told["columns"], told["summary"]) == ("each", None)
    assert room.rows(schema.delivery, "state")[0] == ("superseded",)


def test_a_formula_that_fits_no_more_is_said(
    ask: Callable[..., Any], room: Classroom, tmp_path: Path
) -> None:
    formula = tmp_path / "formula.json"
    points = {"Beginning": 1, "Developing": 2, "Proficient": 3, "Advanced": 4}
    formula.write_text(json.dumps({"title": "Mark", "maximum": 4, "points": points}))
    assert choose(ask, "--summary", str(formula))["summary_fault"] is None
    two = [
        {"name": "Low", "cut": 0.0, "points": 0.0},
        {"name": "High", "cut": 0.6, "points": 1.0},
    ]
    room.change(schema.course, room.course_id, scale=two, mastery_cut=0.6)
    told = ask("course", "show", "class-7", "--json")["sending"]
    assert "the levels of the course are Low, High" in told["summary_fault"]
    refused = ask("course", "set", "class-7", "--columns", "summary", status=1)
    assert "points: points are given to Beginning" in " ".join(refused.split())


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--columns", "summary"], 2, "--columns summary needs a formula"),
        (["--columns", "each", "--summary", "mean"], 2, "--summary goes with"),
        (["--summary", "nowhere.json"], 2, "--summary nowhere.json:"),
    ],
)
def test_a_choice_that_makes_no_column_is_refused(
    ask: Callable[..., Any], words: list[str], status: int, said: str
) -> None:
    refused = ask("course", "set", "class-7", *words, status=status)
    assert said in " ".join(refused.split())
