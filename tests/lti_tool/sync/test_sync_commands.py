"""`source set` and `runs`, as a person at a terminal uses them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from sqlalchemy import update

from lti_tool.cli import masterybridge
from lti_tool.storage import schema
from lti_tool.storage.database import Database
from tests.lti_tool.sync.conftest import Sis

# A command opens the database itself; one kind of it is enough here.


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    return sqlite_database


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def run(sis: Sis, *words: str) -> Result:
    key = Path(sis.folder / "key")
    key.write_bytes(b"k" * 32)
    env = {
        "MASTERYBRIDGE_DATABASE_URL": str(sis.database.engine.url),
        "MASTERYBRIDGE_SECRET_KEY_FILE": str(key),
        "MASTERYBRIDGE_DATA_DIR": str(sis.folder),
    }
    return CliRunner(env=env).invoke(masterybridge, list(words))


def ask(sis: Sis, *words: str, status: int = 0) -> Any:  # noqa: ANN401 -- JSON
    result = run(sis, *words, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def test_what_is_set_is_kept_and_shown_and_the_rest_stays(sis: Sis) -> None:
    words = "--limit users=7,2.5%,20% --school x --schedule 04:00 --time-zone UTC"
    words += " --pause 2026-12-20..2027-01-03 --school-limit 30"
    shown = ask(sis, "source", "set", "sis", *words.split())["settings"]
    assert shown["limits"]["users"] == {
        "ends_floor": 7,
        "ends_ratio": 0.025,
        "changes_ratio": 0.2,
    }
    assert (shown["school_ratio"], shown["scope"]["schools"]) == (0.3, ["x"])
    assert (shown["schedule"]["times"], shown["grace_days"]) == (["04:00"], 0)
    again = ask(sis, "source", "set", "sis", "--grace-days", "3", "--everything")
    assert again["settings"] == {
        **shown,
        "grace_days": 3,
        "scope": {**shown["scope"], "schools": []},
    }
    assert ask(sis, "source", "show", "sis") == again
    assert "grace_days" in run(sis, "source", "show", "sis").stdout
    whats = [row[0] for row in sis.rows(schema.change, "what")]
    assert whats == ["source settings changed"] * 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--limit users", '--limit "users" cannot be read'),
        ("--limit people=1,1%", "limits.people: name one of orgs"),
        ("--time-zone Mars --grace-days 900", "grace_days: write a number 0 to 366"),
        ("--pause winter", "pauses 1: write both days as 2026-12-24"),
    ],
)
def test_what_cannot_be_kept_is_told_and_changes_nothing(
    sis: Sis, words: str, told: str
) -> None:
    result = run(sis, "source", "set", "sis", *words.split())
    assert result.exit_code == 1
    assert told in result.stderr
    assert sis.rows(schema.change, "what") == []


def point_at(sis: Sis, path: Path) -> None:
    with sis.database.engine.begin() as connection:
        connection.execute(update(schema.source).values(location=str(path)))


def test_a_retry_pulls_what_was_left_out_and_whom_it_names_alone(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"))
    path = sis.bundle()
    left_out = sis.sync(path)
    assert left_out.status == "applied_with_rejects"
    sis.put("users", sis.user("9"), sis.user("8"))
    sis.change("users", "1", given_name="Anna")
    sis.drop("results", "r4")
    point_at(sis, sis.bundle())
    report = ask(sis, "runs", "retry", str(left_out.run_id))
    assert report["status"] == "applied"
    moved = {
        name: (one["adds"], one["changes"], one["ends"])
        for name, one in report["plan"].items()
        if one["adds"] or one["changes"] or one["ends"]
    }
    assert moved == {"users": (1, 0, 0), "enrollments": (1, 0, 0)}
    assert ("9@a", "active") in sis.rows(schema.enrollment, "sourced_id", "status")
    assert ("r4", "active") in sis.rows(schema.score, "sourced_id", "status")
    triggers = sis.rows(schema.run, "id", "trigger")
    assert triggers[-1] == (report["run"], "retry")


def test_a_run_that_left_out_nothing_is_pulled_again_as_a_whole(sis: Sis) -> None:
    run_id = sis.sync().run_id
    sis.change("users", "1", given_name="Anna")
    point_at(sis, sis.bundle())
    report = ask(sis, "runs", "retry", str(run_id))
    assert report["status"] == "applied"
    assert report["plan"]["users"]["changes"] == 1
    assert sis.rows(schema.run, "id", "trigger")[-1] == (report["run"], "retry")
    assert "no run 99" in run(sis, "runs", "retry", "99").stderr


def test_a_run_shows_its_plan_and_its_problems_by_cause(sis: Sis) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"), sis.enrollment("8", "a"))
    run_id = str(sis.sync().run_id)
    shown = ask(sis, "runs", "show", run_id, "--moves", "2")
    assert shown["causes"] == [
        {
            "collection": "enrollments",
            "field": "user_sourced_id",
            "code": "dangling",
            "level": "error",
            "count": 2,
        }
    ]
    assert [one["collection"] for one in shown["moves"]] == ["orgs", "academicSessions"]
    assert "dangling" in run(sis, "runs", "show", run_id).stdout


def test_ways_of_matching_and_the_reason_of_a_pause_are_set(sis: Sis) -> None:
    words = ("--match", "lis", "--pause", "2026-07-01..2026-08-15=summer break")
    shown = ask(sis, "source", "set", "sis", *words)["settings"]
    assert shown["matching"] == {"lms": ["lis"]}
    assert shown["pauses"] == [
        {"from": "2026-07-01", "to": "2026-08-15", "why": "summer break"}
    ]
    none = ask(sis, "source", "set", "sis", "--match", "", "--told", "")["settings"]
    assert (none["matching"], none["told"]) == ({"lms": []}, [])


def test_files_may_lie_elsewhere(sis: Sis) -> None:
    path = sis.bundle()
    assert ask(sis, "source", "edit", "sis", "--csv", str(path))["changed"] == [
        "location"
    ]
    assert sis.rows(schema.source, "location") == [(str(path),)]
    refused = run(sis, "source", "edit", "sis", "--rest", "https://sis.example")
    assert "give --csv PATH alone" in refused.stderr


@pytest.fixture
def held(sis: Sis) -> str:
    """A run on hold since forty of sixty students are not sent any more."""
    sis.crowd(60)
    assert sis.sync().status == "applied"
    sis.drop("enrollments", *(f"s{number:03}@a" for number in range(40)))
    sis.change("users", "s001", given_name="Anna")
    point_at(sis, sis.bundle())
    return str(ask(sis, "source", "sync", "sis", status=3)["run"])


def test_a_plan_is_read_by_type_and_kind_and_written_to_a_file(
    sis: Sis, held: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.csv"
    words = ("--type", "enrollments", "--kind", "end", "--count", "1")
    shown = ask(sis, "plan", "show", held, *words, "--csv", str(path))
    assert (shown["status"], shown["total"], len(shown["moves"])) == ("held", 40, 1)
    assert shown["plan"]["enrollments"]["ends"] == 40
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {(one["type"], one["kind"]) for one in lines} == {("enrollments", "end")}
    assert len(lines) == 40
    text = run(sis, "plan", "show", held, "--type", "users").stdout
    assert "→ Anna" in text


def test_what_a_plan_does_to_one_person_is_told(sis: Sis, held: str) -> None:
    told = ask(sis, "plan", "person", held, "s001")
    assert told["person"]["sourced_id"] == "s001"
    kinds = {(one["collection"], one["kind"]) for one in told["moves"]}
    assert kinds == {("users", "change"), ("enrollments", "end")}
    assert "levels" in told["kept"]
    kept = run(sis, "plan", "person", held, "s050").stdout
    assert "keep" in kept
    several = ask(sis, "plan", "person", held, "s0", status=1)
    assert len(several["people"]) > 1
    assert "nobody goes by" in run(sis, "plan", "person", held, "nobody").stderr


def test_all_of_a_plan_but_its_ends_is_accepted(sis: Sis, held: str) -> None:
    words = ("--all-but-ends", "--reason", "roll over")
    report = ask(sis, "plan", "accept", held, *words)
    assert report["status"] == "applied"
    assert ("s001", "Anna") in sis.rows(schema.sis_user, "sourced_id", "given_name")
    assert ("s001@a", "active") in sis.rows(schema.enrollment, "sourced_id", "status")
    decided = ("decision", "decided_by", "decision_reason")
    said = ("accepted_without_ends", "cli", "roll over")
    assert said in sis.rows(schema.run, *decided)
    again = run(sis, "plan", "accept", held, "--reason", "x")
    assert "somebody has decided on it already" in again.stderr


def test_a_plan_is_discarded(sis: Sis, held: str) -> None:
    assert ask(sis, "plan", "discard", held)["decision"] == "discarded"
    assert ("discarded",) in sis.rows(schema.run, "status")
    assert run(sis, "plan", "discard", held).exit_code == 1
    newest = ask(sis, "runs", "list", "--source", "sis", "--result", "discarded")
    assert [str(one["id"]) for one in newest] == [held]


def test_problems_are_listed_with_their_mend_and_written_to_a_file(
    sis: Sis, tmp_path: Path
) -> None:
    sis.put("enrollments", sis.enrollment("9", "a"), sis.enrollment("8", "a"))
    run_id = str(sis.sync().run_id)
    path = tmp_path / "errors.csv"
    words = ("--type", "enrollments", "--code", "dangling", "--field")
    told = ask(
        sis, "runs", "errors", run_id, *words, "user_sourced_id", "--csv", str(path)
    )
    assert told["aside"] == {"enrollments": 2}
    assert [one["number"] for one in told["causes"]] == [2]
    first = told["problems"][0]
    assert (first["field"], first["what"]) == (
        "userSourcedId",
        "names a user that was not sent",
    )
    assert first["fix"].startswith("Send the record it names")
    assert len(path.read_text("utf-8-sig").splitlines()) == 3
    assert ask(sis, "runs", "follow", run_id)["status"] == "applied_with_rejects"


def test_a_value_that_cannot_be_read_is_told_by_its_form_alone(sis: Sis) -> None:
    path = sis.bundle()
    file = path / "users.csv"
    file.write_text(file.read_text("utf-8").replace("true", "Perhaps7", 1), "utf-8")
    run_id = str(sis.sync(path).run_id)
    told = ask(sis, "runs", "errors", run_id)
    found = [(one["field"], one["value"]) for one in told["problems"]]
    assert ("enabledUser", "Xxxxxxx9") in found


def test_people_are_found_by_name_and_by_whole_id(sis: Sis) -> None:
    sis.sync()
    found = ask(sis, "link", "find", "1")
    assert found["total"] == 1
    person = found["people"][0]
    assert [one["their_id"] for one in person["accounts"]] == ["1"]
    assert ask(sis, "link", "show", str(person["person"]))["name"] == person["name"]
    listed = ask(sis, "link", "list", "--system", "sis")
    assert listed["total"] == 0
    assert "no source or platform" in run(sis, "link", "list", "--system", "x").stderr
    assert run(sis, "link", "find").exit_code == 2
