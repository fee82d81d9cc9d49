"""Levels in Canvas by live assessments: chosen, looked for before, and their limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from lti_tool.storage import outcomes_settings, schema
from lti_tool.work import checks, decisions, forecasts, reconciling
from tests.lti_tool.work.canvas_school import A, B, School, opened, taught
from tests.lti_tool.work.test_canvas_access import commands
from tests.lti_tool.work.test_canvas_outcomes import of_course

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom


@pytest.fixture
def school(room: Classroom, serve: Callable[..., str]) -> Iterator[School]:
    with opened(room, serve) as made:
        choose(made, outcomes_settings.LIVE)
        yield made


def choose(school: School, manner: str) -> bool:
    with school.room.database.write() as session:
        return outcomes_settings.save_manner(
            session, school.registration_id, manner, destination="canvas"
        )


def results(school: School) -> list[list[tuple[str, bool]]]:
    """What each live assessment holds: students and passes."""
    names = {str(key): name for key, name in school.course.students.items()}
    return [
        [(names[told["links"]["user"]], told["passed"]) for told in one["results"]]
        for one in school.live.held.values()
    ]


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_so_many_passes_of_so_many_are_a_level_and_no_assignment_is_made(
    school: School,
) -> None:
    school.canvas.lag = 2
    taught(school, ana=9.0, ben=8.0, eva=2.0)
    school.level("ana", "quiz", 6.0)
    assert school.deliver() == {"delivered": 4}
    assert school.live.shown(school.course) == {
        ("ana", A): 4.0,
        ("ben", A): 3.0,
        ("eva", A): 1.0,
        ("ana", B): 2.0,
    }
    assert [Counter(some) for some in results(school)] == [
        {
            ("ana", True): 1,
            ("ben", True): 3,
            ("ben", False): 1,
            ("eva", True): 1,
            ("eva", False): 3,
        },
        {("ana", True): 1, ("ana", False): 1},
    ]
    assert school.assignments() == []
    assert school.canvas.most_at_once == 1
    assert {one.method for one in school.canvas.outcomes.values()} == {"latest"}


def test_each_evaluation_has_a_key_of_its_own_and_the_newest_is_shown(
    school: School,
) -> None:
    taught(school, ana=9.0, ben=8.0)
    school.deliver()
    school.level("ana", "lab", 2.0)
    assert school.deliver() == {"delivered": 1}
    keys = [key for _course, key in school.live.held]
    assert len(set(keys)) == 2
    assert all(key.startswith(f"masterybridge/{A}/2026-11-24T12:0") for key in keys)
    assert school.live.shown(school.course) == {("ana", A): 1.0, ("ben", A): 3.0}
    # The same level by other points is no news there: nothing is left behind for it.
    school.level("ben", "lab", 8.5)
    assert school.deliver() == {"delivered": 1}
    assert len(school.live.held) == 2
    assert compare(school).differences == ()


def compare(school: School) -> reconciling.Reconciliation:
    return reconciling.reconcile(
        school.room.database, school.connect, school.clock, who="test"
    )


def test_a_lost_answer_counts_no_evaluation_twice(school: School) -> None:
    """Counted under one key, 3 of 4 and 1 of 4 would be half."""
    school.proxy.play("POST", "/results", forwards=True, drops=True)
    taught(school, ana=8.0)
    assert school.deliver() == {"pending": 1}
    school.level("ana", "lab", 2.0)
    assert school.deliver() == {"delivered": 1}
    assert len(school.live.held) == 2
    assert school.live.shown(school.course) == {("ana", A): 1.0}


def test_what_does_not_show_the_most_recent_score_is_said_before_and_not_written(
    school: School,
) -> None:
    outcome = of_course(school, A, method="highest")
    school.level("ana", "lab", 9.0)
    (planned,) = forecasts.forecast(
        school.room.database,
        school.connect,
        school.clock,
        "canvas",
        school.room.course_id,
    )
    taught(school)
    assert school.deliver() == {"blocked": 1}
    said = (
        'the outcome "7.A" does not show its most recent score in Canvas, and live '
        "assessments leave a result for each evaluation; set its calculation to "
        '"most recent score", or choose the rubric'
    )
    assert (planned.action, planned.reason) == ("blocked", said)
    assert school.reasons() == [("blocked", said)]
    assert school.live.held == {}
    assert outcome.method == "highest"


def test_a_level_cannot_be_withdrawn_there_and_that_is_said(school: School) -> None:
    taught(school, ana=9.0)
    school.deliver()
    with school.room.database.write() as session:
        decisions.undo(session, 1, who="person:1", now=school.clock())
    assert school.deliver() == {"blocked": 1}
    with school.room.database.write() as session:
        session.execute(delete(schema.score).where(
            schema.score.c.person_id == school.room.people["ana"]))  # fmt: skip
    school.room.refresh(now=school.clock() + timedelta(minutes=1))
    school.clock.move(minutes=2)
    assert school.deliver() == {"blocked": 1}
    assert school.states()[-1] == ("blocked", "no_withdrawal")
    assert school.reasons()[-1] == (
        "blocked",
        (
            "a live assessment of Canvas cannot be taken back: the level stays there "
            "until the next one; where levels are to be withdrawn, choose the rubric"
        ),
    )
    assert school.live.shown(school.course) == {("ana", A): 4.0}


def test_a_canvas_without_live_assessments_says_so(school: School) -> None:
    school.live.is_there = False
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.states() == [("blocked", "no_live")]


def test_somebody_who_left_the_course_spoils_the_evaluation_of_nobody_else(
    school: School,
) -> None:
    del school.course.students[school.canvas.user(school.course, "ben")]
    taught(school, ana=9.0, ben=8.0)
    assert school.deliver() == {"delivered": 1, "blocked": 1}
    assert school.states()[1] == ("blocked", "no_student")


def test_another_manner_is_gone_on_with_where_it_is_chosen(school: School) -> None:
    choose(school, outcomes_settings.RUBRIC)
    taught(school, ana=9.0, ben=8.0)
    assert school.deliver() == {"delivered": 2}
    assert len(school.assignments()) == 1
    assert choose(school, outcomes_settings.LIVE)
    assert not choose(school, outcomes_settings.LIVE)
    assert school.room.count(schema.line_item) == 0
    school.level("ana", "lab", 2.0)
    assert school.deliver() == {"delivered": 1}
    assert school.live.shown(school.course) == {("ana", A): 1.0}
    # What went by the rubric stands there; in the other manner it is told anew.
    assert [one.theirs for one in compare(school).differences] == [None]
    choose(school, outcomes_settings.RUBRIC)
    school.level("ana", "lab", 6.0)
    assert school.deliver() == {"conflict": 1}


def test_the_check_says_what_was_seen_and_what_was_not_tried(
    school: School, tmp_path: Path
) -> None:
    run = commands(tmp_path)
    assert found(school, run) == {
        "outcomes": "outcomes_answers",
        "outcomes:rights": "reads_there",
        "outcomes:levels": "levels_none",
        "outcomes:live": "live_answers",
    }
    outcome = of_course(school, A, method="highest")
    of_course(school, B, ratings=[(4.0, "Yes"), (3.0, "Near")], mastery=3.0)
    assert found(school, run)["outcomes:levels"] == "levels_wrong"
    choose(school, outcomes_settings.RUBRIC)
    assert found(school, run)["outcomes:levels"] == "levels_mixed"
    outcome.method = "latest"
    assert found(school, run)["outcomes:levels"] == "levels_fit"
    school.canvas.account_scale = ([(4.0, "A"), (2.0, "B")], 2.0)
    assert found(school, run)["outcomes:levels"] == "levels_wrong"
    school.canvas.account_scale = None
    outcome.method, outcome.number = "n_mastery", 4
    assert found(school, run)["outcomes:levels"] == "levels_wrong"
    school.live.is_there = False
    assert found(school, run)["outcomes:live"] == "live_unused"
    choose(school, outcomes_settings.LIVE)
    assert found(school, run)["outcomes:live"] == "live_needed"
    school.canvas.rights.discard("grades")
    assert found(school, run)["outcomes:rights"] == "reads_lack"
    ours = [one for one in school.canvas.asked if one.path.startswith("/api/v1")]
    assert {one.method for one in ours} == {"GET"}
    assert school.room.count(schema.turn) == 0


def found(school: School, run: Callable[..., Any]) -> dict[str, str]:
    """What the live check finds of the outcomes."""
    run("platform", "check", "1", status=1)
    with school.room.database.read() as session:
        checked = checks.load_checks(session, school.registration_id)
    assert checked is not None
    assert all(one.text and "%(" not in one.text + one.fix for one in checked.checks)
    return {
        one.name: one.finding
        for one in checked.checks
        if one.name.startswith("outcomes")
    }


def test_live_assessments_are_chosen_once_they_were_seen_to_answer(
    school: School, tmp_path: Path
) -> None:
    run = commands(tmp_path)
    edit = ("platform", "edit", "1", "--outcomes-manner")
    choose(school, outcomes_settings.RUBRIC)
    run(*edit, "live", status=1)
    school.live.is_there = False
    found(school, run)
    run(*edit, "live", status=1)
    school.live.is_there = True
    found(school, run)
    assert run(*edit, "live") == {"changed": {"outcomes_manner": "live"}}
    assert run(*edit, "live") == {"changed": {}}
    whats = [what for (what,) in school.room.rows(schema.change, "what")]
    assert whats.count("way of levels chosen") == 1
