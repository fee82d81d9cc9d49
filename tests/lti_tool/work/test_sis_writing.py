"""Outcomes in a SIS, in each manner a SIS may offer: written, read back, kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from lti_tool.platforms.destination import Destination
from lti_tool.storage import requeue, schema
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database
from lti_tool.storage.sendings import Sending
from lti_tool.work import delivery, standing
from mappings.summary import GRADE
from oneroster.models import (
    AssessmentLineItem,
    AssessmentResult,
    LineItem,
    Result,
    refer,
)
from tests.lti_tool.work.sis_school import (
    ALL,
    ASSESSMENT,
    BARE,
    GRADEBOOK,
    PLAIN,
    POSTED,
    SisSchool,
    Storm,
    Ways,
    a_scale,
    open_school,
    ways,
)

Serve = Callable[..., str]
both = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
STRANGERS = [
    (
        "assessmentLineItems",
        AssessmentLineItem(sourced_id="state", status="active", title="State test"),
    ),
    (
        "assessmentResults",
        AssessmentResult(
            sourced_id="s-1",
            status="active",
            assessment_line_item=refer("assessmentLineItem", "state"),
            student=refer("user", "2"),
            score=71.0,
            score_date=date(2026, 10, 1),
            score_status="fully graded",
            date_last_modified=datetime(2026, 10, 1, tzinfo=UTC),
        ),
    ),
]
FIRST = {"1": 3.6, "2": 2.8}


@pytest.fixture(params=ALL, ids=[one.name for one in ALL])
def school(
    request: pytest.FixtureRequest, database: Database, serve: Serve, tmp_path: Path
) -> SisSchool:
    return open_school(database, serve, tmp_path, request.param)


def in_manner(*some: Ways) -> pytest.MarkDecorator:
    names = [one.name for one in some]
    return pytest.mark.parametrize("school", some, ids=names, indirect=True)


def test_levels_stand_in_the_sis_and_are_never_read_back_as_evidence(
    school: SisSchool,
) -> None:
    assert school.deliver() == {"delivered": 2}
    (column,) = school.ours().values()
    assert (school.scores(), column.result_value_max) == (FIRST, 4.0)
    before = school.levels()
    assert school.sync() == "applied"
    school.refresh()
    assert school.levels() == before
    known = {row[0] for row in school.rows(schema.assignment, "sourced_id")}
    assert known == {"w1", "w2"}
    school.score("r5", "2", 10.0)
    assert school.deliver() == {"delivered": 1}
    assert school.scores() == {"1": 3.6, "2": 4.0}
    assert len(school.ours()) == 1
    found = school.reconcile()
    assert (found.read_back, found.differences) == ({"oneroster": 2}, ())


def test_a_withdrawn_level_leaves_no_result(school: SisSchool) -> None:
    school.deliver()
    for key in ("r1", "r2", "r3"):
        school.catalog.delete("results", key)
    school.sync()
    school.refresh()
    assert school.deliver() == {"delivered": 2}
    assert (school.told(), len(school.ours())) == ({}, 1)
    assert school.reconcile().differences == ()


def test_what_a_person_wrote_there_later_is_kept(school: SisSchool) -> None:
    """C17: human wins, by whatever id the SIS knows the result."""
    school.deliver()
    theirs = school.told()["2"].model_copy(update={"score": 1.0})
    school.catalog.write(school.ways.results, theirs)
    school.score("r5", "2", 10.0)
    assert school.deliver() == {"conflict": 1}
    assert school.newest()["reason"].startswith("1 stands there and 2.8 came from us")
    assert school.scores() == {"1": 3.6, "2": 1.0}


@in_manner(GRADEBOOK, POSTED, PLAIN)
def test_a_column_of_the_gradebook_names_term_school_and_a_category_of_no_weight(
    school: SisSchool,
) -> None:
    school.deliver()
    (column,) = school.ours().values()
    assert column.academic_session.sourced_id == "fall"
    assert (column.school.sourced_id, column.class_.sourced_id) == ("school", "a")
    assert column.due_date.date() == date(2026, 12, 20)
    category: Any = school.catalog.read("categories", column.category.sourced_id)
    if school.ways is POSTED:  # it lets nobody make a category
        assert category.title == "Quiz"
    else:
        assert category.title == "Competencies"
        assert category.weight == (None if school.ways is PLAIN else 0.0)
    guids = [one.learning_objective_ids for one in column.learning_objective_set]
    assert guids == ([] if school.ways is PLAIN else [("guid-a",)])


@in_manner(POSTED)
@both
def test_ids_the_sis_gave_are_kept_and_used_again(school: SisSchool) -> None:
    school.deliver()
    (address,) = school.ours()
    kept = school.rows(schema.line_item, "kind", "address")
    assert kept == [("line_item", address)]
    ids = {one.sourced_id for one in school.told().values()}
    assert {row[0] for row in school.rows(schema.sis_result, "sourced_id")} == ids
    assert not any(one.startswith("mb-") for one in (address, *ids))
    school.score("r5", "2", 10.0)
    school.deliver()
    assert {one.sourced_id for one in school.told().values()} == ids


FAULTS: tuple[dict[str, Any], ...] = (
    {"forwards": True, "drops": True},
    {"forwards": True},
    {"status": "429 Too Many Requests", "headers": (("Retry-After", "7"),)},
)


@in_manner(GRADEBOOK, POSTED, PLAIN)
def test_a_lost_answer_makes_no_second_column_and_no_second_result(
    school: SisSchool,
) -> None:
    """C07, C08, C09, C19: whether it was taken only a look tells."""
    method = "POST" if school.ways is POSTED else "PUT"
    for fault in FAULTS:
        school.proxy.play(method, "/lineItems", **fault)
    for _ in range(4):
        school.deliver(seconds=100)
    assert {state for state, _code in school.states()} == {"delivered"}
    results = list(school.catalog.records("results"))
    assert (len(school.ours()), len(results), school.scores()) == (1, 6, FIRST)
    for number, fault in enumerate(FAULTS):
        school.proxy.play("PUT", "/results/", **fault)
        school.score(f"r{5 + number}", "2", 10.0 - number)
        for _ in range(2):
            school.deliver(seconds=100)
    assert school.newest()["state"] == "delivered"
    assert school.scores() == {"1": 3.6, "2": 3.2}


class Killed(BaseException):
    """A worker that is gone, as after kill -9."""


@in_manner(*ALL)
def test_a_worker_killed_between_send_and_mark_leaves_one_of_each(
    school: SisSchool,
) -> None:
    """C11: after the column was made, and after a result was written."""
    for step in ("make_column", "send"):

        def connect(name: str, place: Place, step: str = step) -> Destination:
            made: Any = school.outside.connect(name, place)
            act = getattr(made, step)

            def die(*said: object) -> None:
                act(*said)
                raise Killed

            setattr(made, step, die)
            killing: Destination = made
            return killing

        with pytest.raises(Killed):
            delivery.deliver(school.database, connect, school.clock)
        school.clock.move(seconds=100)
    assert school.deliver(seconds=100) == {"delivered": 2}
    assert (len(school.ours()), school.scores()) == (1, FIRST)


@in_manner(POSTED, PLAIN)
def test_a_removed_column_waits_for_a_person(school: SisSchool) -> None:
    """C03: it is not made anew by itself, and what it held is no evidence."""
    school.deliver()
    (address,) = school.ours()
    school.catalog.delete("lineItems", address)
    school.score("r5", "2", 10.0)
    assert school.deliver() == {"blocked": 1}
    assert school.newest()["code"] == "column_gone"
    assert school.ours() == {}
    assert school.rows(schema.line_item, "kind", "address") == [("line_item", address)]
    with school.database.write() as session:
        requeue.release(session, school.clock())
    assert school.rows(schema.line_item, "kind", "address") == [
        ("was_line_item", address)
    ]
    assert school.deliver() == {"delivered": 1}
    assert (len(school.ours()), school.scores()["2"]) == (1, 4.0)


@in_manner(GRADEBOOK, PLAIN)
def test_refusals_hold_up_those_alone_whom_they_concern(school: SisSchool) -> None:
    """C01, C02, C20: a token is renewed once; a class, a student are blocked alone."""
    school.proxy.play("GET", "/lineItems", status="401 Unauthorized")
    school.proxy.play("PUT", "/results/", status="422 Unprocessable", times=3)
    ended = school.deliver()
    if school.ways is PLAIN:  # a signature is not renewed
        assert ended == {"blocked": 2}
        assert {code for _state, code in school.states()} == {"auth"}
        return
    assert ended == {"blocked": 1, "delivered": 1}
    assert {code for _state, code in school.states()} == {"rejected", None}
    school.teach("b")
    school.proxy.play("PUT", "/lineItems/", status="403 Forbidden")
    school.score("r5", "2", 10.0)
    assert school.deliver() == {"delivered": 1, "blocked": 1}
    assert school.states()[2:] == [("blocked", "forbidden"), ("delivered", None)]


SCALED = [
    (
        "scoreScales",
        a_scale(
            ("B", "beginning"),
            ("D", "Developing"),
            ("P", "PROFICIENT"),
            ("A", "Advanced"),
        ),
    )
]
NUMBERS = ways("numbers", "put", absent=BARE, refused_fields=frozenset({"textScore"}))
DEAF = ways("deaf", absent=frozenset({"scoreScales"}), honours_filter=False)
WORDS = ways(
    "words",
    "put",
    absent=BARE,
    dropped_fields=frozenset({"score", "learningObjectiveSet", "metadata"}),
)


def test_a_score_that_is_kept_as_a_word_of_the_scale_is_ours(
    database: Database, serve: Serve, tmp_path: Path
) -> None:
    """The scale of the class has a word for each of our levels."""
    school = open_school(database, serve, tmp_path, WORDS, *SCALED)
    assert school.deliver() == {"delivered": 2}
    (column,) = school.ours().values()
    assert column.score_scale.sourced_id == "levels"
    words = {who: (one.score, one.text_score) for who, one in school.told().items()}
    assert words == {"1": (None, "A"), "2": (None, "D")}
    assert school.reconcile().differences == ()
    assert school.deliver() == {}
    theirs = school.told()["2"].model_copy(update={"text_score": "P"})
    school.catalog.write("results", theirs)
    school.score("r5", "2", 10.0)
    assert school.deliver() == {"conflict": 1}
    assert school.told()["2"].text_score == "P"
    # It keeps no metadata either: ours are known by the address alone.
    known = {row[0] for row in school.rows(schema.assignment, "sourced_id")}
    assert known == {"w1", "w2"}


def test_a_sis_that_takes_numbers_alone_gets_numbers(
    database: Database, serve: Serve, tmp_path: Path
) -> None:
    school = open_school(database, serve, tmp_path, NUMBERS)
    assert school.deliver() == {"delivered": 2}
    assert school.scores() == FIRST
    assert {one.text_score for one in school.told().values()} == {None}
    # It was found out once, not once a student.
    assert len(school.requests("PUT", "/results/")) == 3


def test_a_sis_that_ignores_filters_is_read_one_result_at_a_time(
    database: Database, serve: Serve, tmp_path: Path
) -> None:
    how = replace(DEAF, columns=ASSESSMENT.columns, results=ASSESSMENT.results)
    school = open_school(database, serve, tmp_path, how, *STRANGERS)
    assert school.deliver() == {"delivered": 2}
    assert school.scores() == FIRST
    assert school.reconcile().differences == ()
    theirs = school.told()["2"].model_copy(update={"score": 1.0})
    school.catalog.write(how.results, theirs)
    (found,) = school.reconcile().differences
    assert (found.ours, found.theirs) == (2.8, 1.0)


def test_who_says_how_a_sis_is_written_to_is_obeyed(
    database: Database, serve: Serve, tmp_path: Path
) -> None:
    """What stands in the old manner stays, and is no evidence there either."""
    school = open_school(database, serve, tmp_path, ASSESSMENT)
    school.deliver()
    chosen = {"manner": "gradebook", "category": "quiz", "words": False}
    school.set(settings={"school_ratio": 1.0, "writing": chosen})
    school.ways = GRADEBOOK
    school.score("r5", "2", 7.5)
    assert school.deliver() == {"delivered": 1}
    (column,) = school.ours().values()
    assert (column.category.sourced_id, school.told()["2"].text_score) == ("quiz", None)
    assert school.sync().startswith("applied")
    school.refresh()
    assert [row[2] for row in school.levels()] == [2, 2]


def deaf(how: Ways) -> Ways:
    return replace(how, manners=replace(how.manners, honours_filter=False))


@pytest.mark.parametrize(
    "school", [GRADEBOOK, deaf(GRADEBOOK), deaf(POSTED)], indirect=True
)
def test_results_that_are_not_given_below_a_class_are_found_all_the_same(
    school: SisSchool,
) -> None:
    """By a filter, page by page; where that is ignored, none but ours are taken."""
    school.set(profile={"writing": school.ways.found, "page_size": 1})
    school.proxy.play("GET", "/classes/a/lineItems/", times=99, status="404 Not Found")
    assert school.deliver() == {"delivered": 2}
    assert school.scores() == FIRST
    theirs = school.told()["2"].model_copy(update={"score": 1.0})
    school.catalog.write("results", theirs)
    (found,) = school.reconcile().differences
    assert (found.ours, found.theirs) == (2.8, 1.0)


def test_at_a_fifth_of_faults_a_sis_that_gives_the_ids_ends_on_our_values(
    database: Database, serve: Serve, tmp_path: Path
) -> None:
    """P2: no second column, no second result, the last value of each."""
    school = open_school(database, serve, tmp_path, POSTED, before=Storm)
    assert isinstance(school.proxy, Storm)
    school.proxy.rage(4)
    for given in (5.0, 8.0, 10.0, 6.5):
        with database.write() as session:
            session.execute(update(schema.score).values(given=given))
        school.refresh()
        for _ in range(60):
            school.deliver(seconds=100)
            if {state for state, _code in school.states()} <= {
                "delivered",
                "superseded",
            }:
                break
    assert school.scores() == {"1": 2.6, "2": 2.6}
    assert (len(school.ours()), len(list(school.catalog.records("results")))) == (1, 6)


@in_manner(GRADEBOOK, POSTED, PLAIN)
def test_one_grade_over_all_is_a_column_without_objectives(school: SisSchool) -> None:
    with school.database.write() as session:
        standing.set_sending(
            session,
            school.course_id,
            Sending(is_each=False, summary=GRADE),
            who="test",
            now=school.clock(),
        )
    assert school.deliver() == {"delivered": 2}
    (column,) = (
        one
        for one in school.catalog.records("lineItems")
        if isinstance(one, LineItem) and one.title == "Summary grade"
    )
    assert (column.learning_objective_set, column.result_value_max) == ((), 100.0)
    told = {
        one.student.sourced_id: one.score
        for one in school.catalog.records("results")
        if isinstance(one, Result) and one.line_item.sourced_id == column.sourced_id
    }
    assert told == {"1": 100.0, "2": 50.0}
    assert (school.ours(), school.reconcile().differences) == ({}, ())
    assert school.sync() == "applied"
    assert not [one for one in school.levels() if one[2] > 2]
