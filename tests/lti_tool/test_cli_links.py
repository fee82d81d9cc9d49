"""`link`: the matching desk on the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from lti_tool.cli import masterybridge
from lti_tool.storage import schema
from lti_tool.storage.database import Database
from lti_tool.work import people


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Path:
    """An installation whose SIS knows a student who is a parent by the same number."""
    monkeypatch.setenv("MASTERYBRIDGE_DATA_DIR", str(tmp_path))
    database = Database(f"sqlite:///{tmp_path}/masterybridge.sqlite3")
    database.upgrade()
    names = {"given_name": "Ana", "family_name": "Lee"}
    with database.write() as session:
        session.execute(
            insert(schema.source).values(
                name="sis", kind="csv", location="x", created_at=now
            )
        )
        for number, role in enumerate(("student", "parent"), 1):
            session.execute(
                insert(schema.person).values(
                    id=number, **names, display_name="Ana Lee", created_at=now
                )
            )
            session.execute(
                insert(schema.sis_user).values(
                    source_id=1,
                    sourced_id=f"u{number}",
                    fingerprint="f",
                    person_id=number,
                    identifier="77",
                    is_enabled=True,
                    roles=[{"role": role, "org": "s"}],
                    **names,
                )
            )
        people.match_waiting(session, now=now)
    database.close()
    return tmp_path


def run(*words: str) -> tuple[int, Any]:
    result = CliRunner().invoke(masterybridge, [*words, "--json"])
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.usefixtures("folder")
def test_links_are_listed_accepted_and_taken_back() -> None:
    code, told = run("link", "list")
    assert code == 0
    assert told["systems"] == [
        {
            "kind": "sis",
            "id": 1,
            "name": "sis",
            "accounts": 2,
            "joined": 0,
            "waiting": 1,
            "alone": 2,
        }
    ]
    (link,) = told["links"]
    assert (link["rule"], link["account"]["their_id"]) == ("other_kind", "u2")
    assert link["other"]["their_id"] == "u1"
    assert run("link", "accept", "1", "9") == (
        1,
        {
            "accepted": [1],
            "problems": ["no link 9; see masterybridge link list"],
        },
    )
    code, told = run("link", "show", "1")
    assert (code, len(told["accounts"])) == (0, 2)
    assert run("link", "undo", "1") == (0, {"undone": [1], "problems": []})
    assert run("link", "list", "--status", "undone")[1]["total"] == 1
    assert run("link", "join", "sis:2", "1") == (0, {"link": 2})
    code, told = run("link", "join", "sis:2", "1")
    assert (code, told["error"]) == (1, "these are one person already")
    assert run("link", "show", "7")[0] == 1


@pytest.mark.usefixtures("folder")
def test_a_refused_one_is_listed_for_people_as_well() -> None:
    assert run("link", "refuse", "1") == (0, {"refused": [1], "problems": []})
    told = CliRunner().invoke(masterybridge, ["link", "list", "--status", "refused"])
    assert "1 refused" in told.stdout
    assert "sis: 2 accounts, 0 matched, 0 waiting, 2 not matched" in told.stdout
    wrong = CliRunner().invoke(masterybridge, ["link", "join", "u2", "1"])
    assert wrong.exit_code == 2
