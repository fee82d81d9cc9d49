"""Outcomes of a Canvas: found, linked or brought there; refusals told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.platforms.profiles import PROFILES
from lti_tool.work import forecasts
from lti_tool.work.forecasts import Change
from tests.faults.canvas import Outcome
from tests.lti_tool.work.canvas_school import A, B, School, opened, release, taught

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom


@pytest.fixture
def school(room: Classroom, serve: Callable[..., str]) -> Iterator[School]:
    with opened(room, serve) as made:
        yield made


def test_an_outcome_that_shows_nothing_yet_is_said_and_not_written(
    school: School,
) -> None:
    outcome = of_course(school, A, method="n_mastery", number=3)
    taught(school, ana=9.0)
    school.level("ana", "quiz", 10.0)
    assert school.deliver() == {"blocked": 1, "delivered": 1}
    assert school.reasons() == [
        (
            "blocked",
            (
                'Canvas shows nothing for the outcome "7.A" before it has 3 results '
                "(calculation: n mastery), and MasteryBridge writes one; set its "
                'calculation to "most recent score" in Canvas'
            ),
        )
    ]
    outcome.method, outcome.number = "latest", None
    release(school)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 3.6, ("ana", B): 4.0}


def test_an_outcome_that_shows_nothing_below_mastery_is_said_and_not_written(
    school: School,
) -> None:
    """One result is enough for it, but only one that reaches mastery."""
    of_course(school, A, method="n_mastery", number=1)
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.reasons() == [
        (
            "blocked",
            (
                'Canvas shows nothing for the outcome "7.A" to who is below mastery '
                "(calculation: n mastery counts only what reaches it); set its "
                'calculation to "most recent score" in Canvas'
            ),
        )
    ]


def test_a_calculation_changed_later_is_noticed_before_the_next_level(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.deliver()
    (outcome,) = school.canvas.outcomes.values()
    outcome.method, outcome.number = "n_mastery", 2
    school.level("ana", "lab", 4.0)
    assert school.deliver() == {"blocked": 1}
    assert school.states()[1] == ("blocked", "calculation")


def test_an_outcome_with_another_idea_of_mastery_is_said_and_not_written(
    school: School,
) -> None:
    of_course(school, A, ratings=[(5.0, "Yes"), (0.0, "No")], mastery=3.0)
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.reasons() == [
        (
            "blocked",
            (
                'in Canvas mastery of the outcome "7.A" begins at 3 of 5, in this '
                "course at 3 of 4; make the two the same, here or there"
            ),
        )
    ]


def test_an_outcome_of_more_points_takes_our_levels_on_its_own_scale(
    school: School,
) -> None:
    of_course(school, A, ratings=[(8.0, "Yes"), (6.0, "Near")], mastery=6.0)
    taught(school, ana=9.0)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 7.2}
    school.level("ana", "lab", 5.0)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 4.0}


def test_a_scale_of_the_account_stands_in_the_place_of_the_outcomes(
    school: School,
) -> None:
    school.canvas.account_scale = ([(4.0, "A"), (2.0, "B")], 2.0)
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.states() == [("blocked", "scale")]


def of_course(school: School, guid: str, **values: Any) -> Outcome:  # noqa: ANN401 -- fields of Outcome
    """An outcome that the course has already."""
    context, usual = f"course_{school.course.id}", {"method": "latest", "title": "7.A"}
    return school.canvas.add_outcome(context, guid, **(usual | values))


ACCOUNT = json.dumps({"access_token": "first-token", "account": "7"})


def test_outcomes_are_imported_into_the_account_once_for_all_courses(
    school: School,
) -> None:
    school.canvas.slow = 2
    school.token(ACCOUNT)
    taught(school, ana=9.0)
    school.level("ana", "quiz", 10.0)
    assert school.deliver() == {"delivered": 2}
    assert [
        (one.context, one.vendor_guid, one.title, one.description, one.method)
        for one in school.canvas.outcomes.values()
    ] == [
        ("account_7", A, "7.A", "Statement 7.A", "latest"),
        ("account_7", B, "7.B", "Statement 7.B", "latest"),
    ]
    folder = [one for one in school.canvas.groups.values() if one["parent"] == 0]
    assert [(one["vendor_guid"], one["title"]) for one in folder] == [("fw", "Grade 7")]
    assert len(school.canvas.imports) == 1
    assert school.canvas.shown(school.course) == {("ana", A): 3.6, ("ana", B): 4.0}


def test_an_outcome_the_account_has_is_linked_and_left_as_it_is(
    school: School,
) -> None:
    school.token(ACCOUNT)
    held = school.canvas.add_outcome(
        "account_7", A, title="Old", ratings=[(4.0, "Top"), (3.0, "Good")], mastery=3.0
    )
    taught(school, ana=9.0)
    assert school.deliver() == {"delivered": 1}
    assert (f"course_{school.course.id}", held.id) in school.canvas.links
    assert (held.title, held.method) == ("Old", "decaying_average")
    assert school.canvas.imports == {}


def test_an_import_that_canvas_refuses_is_said_in_its_words(school: School) -> None:
    school.token(ACCOUNT)
    school.canvas.add_outcome("account_8", A)
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.reasons() == [
        (
            "blocked",
            (
                "127.0.0.1 did not import the outcomes: row 3: Outcome "
                f'"{A}" is in another unrelated context'
            ),
        )
    ]


def test_a_concluded_course_is_left_alone(school: School) -> None:
    school.course.is_over = True
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.states() == [("blocked", "course_over")]
    assert school.assignments() == []


def test_who_lacks_a_right_is_told_so_and_not_that_the_token_is_bad(
    school: School,
) -> None:
    school.canvas.rights.discard("rubrics")
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.reasons() == [
        (
            "blocked",
            (
                "127.0.0.1 answered 401 (user not authorized to perform that action): "
                "the service account may not do this there; give its role the rights "
                "that the guide lists"
            ),
        )
    ]


def test_a_throttle_is_waited_for_though_it_says_403(school: School) -> None:
    school.canvas.quota, school.canvas.cost = 10.0, 10.0
    taught(school, ana=9.0)
    assert school.deliver() == {"pending": 1}
    assert school.states() == [("pending", "rate")]
    school.canvas.quota = 7000.0
    assert school.deliver() == {"delivered": 1}


@pytest.mark.parametrize(
    "scope",
    [
        "url:GET|/api/v1/courses/:id",
        "url:POST|/api/v1/courses/:course_id/rubrics",
        (
            "url:POST|/api/v1/courses/:course_id/assignments/:assignment_id/"
            "submissions/update_grades"
        ),
    ],
)
def test_the_scope_that_a_key_lacks_is_named(school: School, scope: str) -> None:
    listed = set(PROFILES["canvas"].rest_scopes) - {scope}
    school.canvas.scopes = {re.sub(r":[a-z_]+(?=/|$)", ":id", one) for one in listed}
    taught(school, ana=9.0)
    assert school.deliver() == {"blocked": 1}
    assert school.reasons() == [
        (
            "blocked",
            (
                "127.0.0.1 answered 401 (Insufficient scopes on access token.): the "
                "developer key does not grant this; an administrator adds the scope "
                f"to it and connects Canvas again: {scope}"
            ),
        )
    ]


def test_results_that_the_gradebook_hides_are_not_called_delivered(
    school: School,
) -> None:
    taught(school, ana=9.0)
    school.deliver()
    (ours,) = school.course.assignments.values()
    ours["association"]["hides_results"] = True
    school.level("ana", "lab", 4.0)
    assert school.deliver() == {"blocked": 1}
    assert school.reasons() == [
        (
            "blocked",
            (
                "127.0.0.1 keeps the results of our rubric out of the Learning Mastery "
                "Gradebook; edit the rubric of our assignment there and take \"Don't "
                'post Outcomes results" off it'
            ),
        )
    ]
    ours["association"]["hides_results"] = False
    release(school)
    assert school.deliver() == {"delivered": 1}
    assert school.canvas.shown(school.course) == {("ana", A): 1.6}


def test_an_assignment_that_was_unpublished_is_said(school: School) -> None:
    taught(school, ana=9.0)
    school.deliver()
    (ours,) = school.course.assignments.values()
    ours["published"] = False
    school.level("ana", "lab", 4.0)
    assert school.deliver() == {"blocked": 1}
    assert school.states()[1] == ("blocked", "unpublished")
    ours["published"] = True
    release(school)
    assert school.deliver() == {"delivered": 1}


def test_what_canvas_would_not_show_right_is_said_before_anything_is_sent(
    school: School,
) -> None:
    of_course(school, A, method="n_mastery", number=3)
    of_course(school, B, ratings=[(5.0, "Yes"), (0.0, "No")], mastery=3.0, title="7.B")
    for work in ("lab", "quiz"):
        school.level("ana", work, 9.0)
    found = plan(school)
    assert [one.action for one in found] == ["blocked", "blocked"]
    assert ["n mastery" in (one.reason or "") for one in found] == [True, False]
    assert "begins at 3 of 5" in (found[1].reason or "")
    assert school.assignments() == []
    school.canvas.outcomes.clear()
    school.canvas.links.clear()
    assert [one.action for one in plan(school)] == ["add", "add"]


def test_an_outcome_of_the_account_is_judged_before_it_is_linked(
    school: School,
) -> None:
    school.token(ACCOUNT)
    school.canvas.add_outcome("account_7", A, method="n_mastery", number=2)
    school.level("ana", "lab", 9.0)
    assert [one.action for one in plan(school)] == ["blocked"]
    school.canvas.account_scale = ([(4.0, "A"), (2.0, "B")], 2.0)
    school.canvas.outcomes.clear()
    school.canvas.links.clear()
    school.canvas.add_outcome("account_7", A, method="latest", number=None)
    (only,) = plan(school)
    assert only.reason == (
        f'in Canvas mastery of the outcome "{A}" begins at 2 of 4, in this course at 3 '
        "of 4; make the two the same, here or there"
    )


def plan(school: School) -> list[Change]:
    return forecasts.forecast(
        school.room.database,
        school.connect,
        school.clock,
        "canvas",
        school.room.course_id,
    )


@pytest.mark.parametrize("token", ["first-token", ACCOUNT])
def test_the_scopes_we_ask_for_are_enough(school: School, token: str) -> None:
    listed = PROFILES["canvas"].rest_scopes
    school.canvas.scopes = {re.sub(r":[a-z_]+(?=/|$)", ":id", one) for one in listed}
    school.token(token)
    taught(school, ana=9.0)
    assert school.deliver() == {"delivered": 1}
    school.level("ana", "quiz", 9.0)
    assert school.deliver() == {"delivered": 1}
