"""What a person decides in a terminal: accept, all but the ends, stop, pause."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from lti_tool.storage import schema, sources
from lti_tool.storage.database import Database
from tests.lti_tool.sync.conftest import Sis
from tests.lti_tool.sync.test_sync_commands import ask, point_at, run


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    return sqlite_database


def held(sis: Sis) -> tuple[int, str]:
    """A run on hold: 12 people would end, one is new; gives its id and plan."""
    sis.crowd(36)
    point_at(sis, sis.bundle())
    assert ask(sis, "source", "sync", "sis")["status"] == "applied"
    gone = [f"s{number:03}" for number in range(12)]
    sis.drop("users", *gone)
    sis.drop("enrollments", *(f"{key}@a" for key in gone))
    sis.put("users", sis.user("9"))
    point_at(sis, sis.bundle())
    report = ask(sis, "source", "sync", "sis", status=3)
    return report["run"], report["plan_hash"]


def columns(sis: Sis, run_id: int, *names: str) -> tuple[Any, ...]:
    table = schema.run.c
    wanted = select(*(table[name] for name in names)).where(table.id == run_id)
    with sis.database.read() as session:
        return tuple(session.execute(wanted).one())


def statuses(sis: Sis) -> dict[str, int]:
    found = [status for (status,) in sis.rows(schema.sis_user, "status")]
    return {status: found.count(status) for status in set(found)}


@pytest.mark.parametrize(
    ("more", "decision", "left"),
    [
        ((), "accepted", {"active": 29, "ended": 12}),
        (("--all-but-ends",), "accepted_without_ends", {"active": 41}),
    ],
)
def test_a_yes_in_a_terminal_is_kept_on_the_run_that_waited(
    sis: Sis, more: tuple[str, ...], decision: str, left: dict[str, int]
) -> None:
    run_id, plan = held(sis)
    words = ("--accept", plan, *more, "--reason", "the term is over")
    report = ask(sis, "source", "sync", "sis", *words)
    assert report["status"] == "applied"
    names = ("decision", "decided_by", "decision_reason")
    assert columns(sis, run_id, *names) == (decision, "cli", "the term is over")
    assert columns(sis, report["run"], "of_run_id", "decision") == (run_id, None)
    assert statuses(sis) == left


def test_a_yes_to_no_plan_decides_nothing(sis: Sis) -> None:
    run_id, _plan = held(sis)
    ask(sis, "source", "sync", "sis", "--accept", "0123456789abcdef", status=3)
    assert columns(sis, run_id, "decision") == (None,)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--all-but-ends",), "--all-but-ends needs --accept with the plan's hash"),
        (
            ("--all-but-ends", "--accept", "x", "--accept-ends"),
            "--all-but-ends and --accept-ends exclude each other",
        ),
    ],
)
def test_all_but_ends_is_of_one_plan(
    sis: Sis, words: tuple[str, ...], told: str
) -> None:
    result = run(sis, "source", "sync", "sis", *words)
    assert (result.exit_code, told in result.stderr) == (2, True)


def test_a_run_that_goes_on_is_asked_to_stop_and_one_that_is_over_is_not(
    sis: Sis,
) -> None:
    with sis.database.write() as session:
        going = sources.open_run(session, sis.source_id, "by_hand", sis.now)
    asked = ask(sis, "runs", "stop", str(going))
    assert asked == {"run": going, "stopping": True}
    assert columns(sis, going, "stop_asked") == (True,)
    with sis.database.write() as session:
        session.execute(update(schema.run).values(ended_at=sis.now))
    assert ask(sis, "runs", "stop", str(going), status=1)["stopping"] is False
    assert run(sis, "runs", "stop", "99").exit_code == 1


def test_a_source_is_paused_and_resumed(sis: Sis) -> None:
    for word, status in (("pause", "paused"), ("resume", "active")):
        for already in ("", " already"):
            told = run(sis, "source", word, "sis").stdout
            assert told == f'source "sis" is {status}{already}\n'
        shown = ask(sis, "source", word, "sis")
        assert shown == {"source": "sis", "status": status}
        assert sis.rows(schema.source, "status") == [(status,)]
    assert run(sis, "source", "pause", "other").exit_code == 1
