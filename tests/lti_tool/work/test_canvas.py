"""Levels into a Canvas that behaves as its sources say, on a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from lti_tool.platforms.canvas_rest import STRING_IDS
from lti_tool.platforms.canvas_rubric import TITLE
from lti_tool.storage import schema
from lti_tool.work import decisions, reconciling
from tests.faults.canvas import later
from tests.lti_tool.work.canvas_school import (
    A,
    B,
    School,
    opened,
    release,
    taught,
    teach,
)

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom


UPDATE = "POST courses/N/assignments/N/submissions/update_grades"


@pytest.fixture
def school(room: Classroom, serve: Callable[..., str]) -> Iterator[School]:
    with opened(room, serve) as made:
        yield made


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_levels_stand_in_the_outcomes_of_canvas(school: School) -> None:
    taught(school, ana=9.0, ben=4.0)
    school.level("ana", "quiz", 10.0)
    assert school.deliver() == {"delivered": 3}
    assert school.canvas.shown(school.course) == {
        ("ana", A): 3.6,
        ("ben", A): 1.6,
        ("ana", B): 4.0,
    }
    assert school.reasons() == []


def test_one_assignment_and_one_rubric_bear_all_levels_and_no_grade(
    school: School,
) -> None:
    school.canvas.add_assignment(school.course)
    taught(school, ana=9.0)
    school.level("ana", "quiz", 10.0)
    school.deliver()
    essay, ours = school.course.assignments.values()
    assert essay["association"] is None
    assert ours["submission_types"] == ["none"]
    assert (ours["grading_type"], ours["points_possible"]) == ("not_graded", 0)
    assert f"masterybridge/course-{school.room.course_id}<" in ours["description"]
    (rubric,) = school.course.rubrics.values()
    assert [
        (school.canvas.guid_of(one["learning_outcome_id"]), one["points"])
        for one in rubric["criteria"]
    ] == [(A, 4.0), (B, 4.0)]
    assert all(one["ignore_for_scoring"] for one in rubric["criteria"])
    assert all(one["mastery_points"] == 3.0 for one in rubric["criteria"])
    assert school.canvas.most_at_once == 1
    assert {one.accept for one in school.canvas.asked} == {STRING_IDS}


def test_a_students_other_rows_go_out_along_with_the_one_that_changed(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.level("ana", "quiz", 10.0)
    school.deliver()
    school.level("ana", "lab", 5.0)
    school.deliver()
    (marks,) = school.course.assessments.values()
    assert [one["points"] for one in marks.values()] == [2.0, 4.0]
    assert school.canvas.shown(school.course) == {("ana", A): 2.0, ("ana", B): 4.0}
    assert len(school.assignments()) == 1


def test_a_level_that_is_taken_back_has_no_score_there(school: School) -> None:
    taught(school, ana=9.0, ben=4.0)
    school.deliver()
    school.room.score("ana", "lab", None, days_ago=0)
    with school.room.database.write() as session:
        session.execute(delete(schema.score).where(
            schema.score.c.person_id == school.room.people["ana"]))  # fmt: skip
    school.room.refresh(now=school.clock())
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): None, ("ben", A): 1.6}


def test_what_a_teacher_set_in_our_rubric_is_kept(school: School) -> None:
    taught(school, ana=9.0, ben=4.0)
    school.deliver()
    teach(school, "ana", 1.0)
    school.level("ana", "lab", 10.0)
    school.level("ben", "lab", 10.0)
    assert school.deliver() == {"conflict": 1, "delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 1.0, ("ben", A): 4.0}
    assert school.reasons() == [
        (
            "conflict",
            "1 stands there and 3.6 came from us: a person set it, so it is kept",
        )
    ]


def test_a_teachers_rating_is_written_over_when_she_says_so_and_comes_back(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.deliver()
    teach(school, "ana", 1.0)
    school.level("ana", "lab", 10.0)
    assert school.deliver() == {"conflict": 1}
    newest = len(school.states())
    with school.room.database.write() as session:
        again = decisions.send_again(
            session, newest, who="person:1", now=school.clock()
        )
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 4.0}
    with school.room.database.write() as session:
        decisions.undo(session, again, who="person:1", now=school.clock())
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 1.0}
    # It is hers again: a new level of ours asks before it is written over it.
    school.level("ana", "lab", 5.0)
    assert school.deliver() == {"conflict": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 1.0}


def test_a_teachers_rating_is_taken_here_as_the_level_of_its_points(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.deliver()
    teach(school, "ana", 2.0)
    assert [one.theirs for one in reconcile(school).differences] == [2.0]
    with school.room.database.write() as session:
        decisions.take_theirs(session, 1, who="person:1", now=school.clock())
    (held,) = school.room.rows(
        schema.attainment, "value", "level_name", "teacher_level_id"
    )
    assert held == (2.0, "Developing", 1)
    assert school.deliver() == {}
    assert reconcile(school).differences == ()
    # It stays hers: what new work says is not written over it without a word.
    school.level("ana", "lab", 10.0)
    assert school.deliver() == {"conflict": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 2.0}


def test_what_an_undone_delivery_brought_is_not_taken_for_a_teachers(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.deliver()
    school.level("ana", "lab", 4.0)
    school.deliver()
    with school.room.database.write() as session:
        decisions.undo(session, 2, who="person:1", now=school.clock())
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 3.6}
    school.level("ana", "lab", 5.0)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 2.0}


def reconcile(school: School) -> reconciling.Reconciliation:
    return reconciling.reconcile(
        school.room.database, school.connect, school.clock, who="test"
    )


def test_a_teachers_change_that_canvas_still_works_on_is_kept_too(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.deliver()
    school.canvas.lag = 100
    teach(school, "ana", 1.0)
    school.level("ana", "lab", 10.0)
    assert school.deliver() == {"conflict": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 1.0}


def test_jobs_in_the_background_are_waited_for(school: School) -> None:
    school.canvas.slow, school.canvas.lag = 3, 2
    taught(school, ana=9.0)
    assert school.deliver() == {"delivered": 1}
    assert school.slept[:3] == [0.5, 1.0, 2.0]
    assert school.canvas.shown(school.course) == {("ana", A): 3.6}


def test_a_job_that_does_not_end_leaves_the_level_to_the_next_try(
    school: School,
) -> None:
    school.canvas.slow = 1000
    taught(school, ana=9.0)
    assert school.deliver() == {"pending": 1}
    assert school.states() == [("pending", "busy")]
    school.canvas.work_off()
    school.canvas.slow = 0
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.counts()[UPDATE] == 1


def test_a_value_that_may_still_arrive_is_overwritten_by_the_one_that_stands_there(
    school: School,
) -> None:
    """First 3.6, then 1.6, which Canvas sits on, then 3.6 again: it seems done."""
    taught(school, ana=9.0)
    school.deliver()
    school.canvas.slow = 1000
    school.level("ana", "lab", 4.0)
    school.deliver()
    school.level("ana", "lab", 9.0)
    school.canvas.slow = 0
    school.deliver()
    assert school.canvas.shown(school.course) == {("ana", A): 3.6}
    assert school.canvas.counts()[UPDATE] == 3


def test_results_older_than_what_was_sent_are_not_taken_for_its_effect(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.deliver()
    school.canvas.lag = 1000
    school.level("ana", "lab", 4.0)
    assert school.deliver() == {"pending": 1}
    assert school.states()[1] == ("pending", "not_shown")
    school.canvas.lag = 0
    school.canvas.work_off()
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 1.6}


@pytest.mark.parametrize("ahead", [-300, 300])
def test_a_clock_that_goes_wrong_changes_nothing(school: School, ahead: int) -> None:
    school.canvas.now = lambda: later(school.clock(), ahead)
    taught(school, ana=9.0)
    school.deliver()
    school.level("ana", "lab", 4.0)
    school.deliver()
    school.level("ana", "lab", 9.0)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 3.6}
    assert school.canvas.counts()[UPDATE] == 3


def test_an_assignment_that_is_not_ours_is_never_touched(school: School) -> None:
    theirs = school.canvas.add_assignment(
        school.course, name=TITLE, submission_types=["none"], description="Mine"
    )
    taught(school, ana=9.0)
    assert school.deliver() == {"delivered": 1}
    assert theirs["association"] is None
    assert school.assignments() == [TITLE, TITLE]


def test_a_rubric_hung_on_our_assignment_by_somebody_else_is_left_there(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.deliver()
    (ours,) = school.course.assignments.values()
    other = school.canvas.save_rubric(school.course, {"title": "Essay"}, None)
    school.canvas.attach(school.course, ours, other)
    assert school.course.results == {}
    school.level("ana", "lab", 4.0)
    assert school.deliver() == {"blocked": 1}
    assert school.reasons() == [
        (
            "blocked",
            (
                f'somebody attached the rubric "Essay" to our assignment "{TITLE}" in '
                "127.0.0.1; delete the assignment there, and a new one is made"
            ),
        )
    ]
    assert ours["association"]["rubric_id"] == other["id"]


def test_a_deleted_assignment_is_made_anew_when_a_person_says_so(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.deliver()
    school.course.assignments.clear()
    school.course.results.clear()
    school.level("ana", "lab", 4.0)
    assert school.deliver() == {"blocked": 1}
    assert school.states()[1] == ("blocked", "column_gone")
    release(school)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 1.6}


def test_a_rubric_used_for_other_work_too_is_not_added_to(school: School) -> None:
    taught(school, ana=9.0)
    school.deliver()
    (rubric,) = school.course.rubrics.values()
    essay = school.canvas.add_assignment(school.course)
    school.canvas.attach(school.course, essay, rubric)
    school.level("ana", "quiz", 10.0)
    assert school.deliver() == {"blocked": 1}
    assert school.states()[1] == ("blocked", "shared_rubric")
    assert len(school.course.rubrics) == 1
    assert school.canvas.shown(school.course) == {("ana", A): 3.6}


@pytest.mark.parametrize(
    ("path", "method"),
    [("/assignments", "POST"), ("/rubrics", "POST"), ("/outcomes", "POST")],
)
def test_a_lost_answer_makes_nothing_twice(
    school: School, path: str, method: str
) -> None:
    school.proxy.play(method, path, forwards=True, drops=True)
    taught(school, ana=9.0)
    assert school.deliver() == {"pending": 1}
    assert school.deliver() == {"delivered": 1}
    assert len(school.assignments()) == 1
    assert len(school.course.rubrics) == 1
    assert len(school.canvas.outcomes) == 1
    assert school.canvas.shown(school.course) == {("ana", A): 3.6}


def test_levels_whose_answer_was_lost_are_found_there(school: School) -> None:
    school.proxy.play("POST", "/update_grades", forwards=True, drops=True)
    taught(school, ana=9.0)
    assert school.deliver() == {"pending": 1}
    school.canvas.work_off()
    assert school.deliver() == {"delivered": 1}
    assert school.proxy.seen.count(("POST", _update_path(school))) == 1


def _update_path(school: School) -> str:
    (number,) = school.course.assignments
    course = f"/api/v1/courses/{school.course.id}"
    return f"{course}/assignments/{number}/submissions/update_grades"


def test_somebody_who_is_not_in_the_course_holds_up_nobody(school: School) -> None:
    gone = school.canvas.user(school.course, "ben")
    del school.course.students[gone]
    taught(school, ana=9.0, ben=4.0)
    assert school.deliver() == {"delivered": 1, "blocked": 1}
    assert school.states()[1] == ("blocked", "no_student")


def test_pages_behind_bookmarks_are_all_read(school: School) -> None:
    school.canvas.page = 1
    taught(school, ana=9.0, ben=4.0, eva=10.0)
    school.level("ana", "quiz", 10.0)
    assert school.deliver() == {"delivered": 4}
    school.level("eva", "lab", 2.0)
    assert school.deliver() == {"delivered": 1}
    assert len(school.assignments()) == 1
