"""One grade over all competencies of a course: worked out, told, kept, undone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.storage import (
    belongings,
    differences,
    outbox,
    receipts,
    schema,
    sendings,
    settling,
    tallies,
)
from lti_tool.storage.database import Database
from lti_tool.storage.sendings import Sending
from lti_tool.work import decisions, forecasts, standing, summaries
from mappings.errors import SummaryError
from mappings.summary import AS_NOTHING, GRADE, MASTERY_INDEX, Summary
from tests.lti_tool.work.conftest import NOON, make_classroom

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Abroad, Classroom

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
ONE = Sending(is_each=False, summary=GRADE)


def fill(room: Classroom) -> None:
    """Ana stands at 3.6 and 2.0 of 4 (levels 4 and 2), Ben at 2.0 of the first."""
    room.add_assignment("quiz", "7.A")
    room.add_assignment("essay", "7.B")
    room.score("ana", "quiz", 9.0)
    room.score("ana", "essay", 5.0)
    room.score("ben", "quiz", 5.0)
    room.refresh()


def choose(room: Classroom, new: Sending) -> int:
    with room.database.write() as session:
        return standing.set_sending(
            session, room.course_id, new, who="person:7", now=NOON
        )


def grades(room: Classroom, state: str = "pending") -> dict[str, float | None]:
    """The grades over all of the outbox that are in a state, by student."""
    names = {row_id: name for name, row_id in room.people.items()}
    found = room.rows(schema.delivery, "person_id", "competency_id", "value", "state")
    return {
        names[who]: value
        for who, competency, value, held in found
        if competency is None and held == state
    }


def count_levels(room: Classroom, state: str = "pending") -> int:
    return sum(
        competency is not None and held == state
        for competency, held in room.rows(schema.delivery, "competency_id", "state")
    )


@BOTH
def test_a_grade_enters_with_the_level_it_is_made_of_and_only_when_it_changed(
    database: Database,
) -> None:
    room = make_classroom(database)
    fill(room)
    choose(room, ONE)
    room.switch("ags")
    assert grades(room) == {"ana": 75.0, "ben": 50.0}
    assert count_levels(room) == 0
    # A newer one supersedes what waits; who did not move is left alone.
    room.score("ana", "essay", 9.0, days_ago=0)
    room.refresh()
    assert grades(room) == {"ana": 100.0, "ben": 50.0}
    assert grades(room, "superseded") == {"ana": 75.0}
    room.score("ana", "essay", 9.2, days_ago=0)
    assert room.refresh().outcomes == 0
    assert grades(room, "superseded") == {"ana": 75.0}
    with room.database.read() as session:
        (last,) = [
            one["basis"]
            for one in tallies.load_rows(session)
            if one["student"] == room.people["ana"]
        ]
    assert last["levels"] == [["7.A", "Advanced", 100.0], ["7.B", "Advanced", 100.0]]
    assert summaries.document(last) == {
        "formula": last["summary"],
        "value": 100.0,
        "levels": [
            {"competency": "7.A", "level": "Advanced", "worth": 100.0},
            {"competency": "7.B", "level": "Advanced", "worth": 100.0},
        ],
        "arithmetic": [
            "7.A: Advanced is worth 100",
            "7.B: Advanced is worth 100",
            "mean of 100, 100 = 100",
        ],
        "computed_at": NOON.isoformat(),
    }


@BOTH
def test_a_grade_and_the_levels_beside_it_are_each_superseded_by_their_own(
    database: Database,
) -> None:
    room = make_classroom(database)
    fill(room)
    choose(room, Sending(summary=GRADE))
    room.switch("oneroster")
    assert (count_levels(room), grades(room)) == (3, {"ana": 75.0, "ben": 50.0})
    room.score("ben", "quiz", 10.0, days_ago=0)
    room.refresh()
    assert (count_levels(room), count_levels(room, "superseded")) == (3, 1)
    assert grades(room) == {"ana": 75.0, "ben": 100.0}
    held = grades(room, "superseded")
    assert held == {"ben": 50.0}
    with room.database.write() as session:
        batch = outbox.claim(session, NOON, limit=10)
        assert [one.competency_id is None for one in batch].count(True) == 2
    # A newer value while one is on its way: what comes back gives way to it.
    room.score("ben", "essay", 2.0, days_ago=0)
    room.refresh()
    with room.database.write() as session:
        done = [outbox.Settlement(one.id, "pending", due_at=NOON) for one in batch]
        settling.settle(session, done, NOON)
    assert grades(room) == {"ana": 75.0, "ben": 62.5}


def test_a_destination_of_competencies_alone_is_told_no_grade(room: Classroom) -> None:
    fill(room)
    choose(room, ONE)
    for name in ("moodle", "canvas"):
        room.switch(name)
    assert (count_levels(room), grades(room)) == (6, {})


def test_a_competency_the_course_works_on_counts_before_it_is_assessed(
    room: Classroom,
) -> None:
    fill(room)
    choose(room, Sending(is_each=False, summary=MASTERY_INDEX))
    room.switch("ags")
    assert grades(room) == {"ana": 50.0, "ben": 0.0}
    # One more competency makes every share smaller, whoever was assessed.
    framework_id = room.rows(schema.course, "framework_id")[0][0]
    room.competencies["7.C"] = room.insert(
        schema.competency,
        framework_id=framework_id,
        case_id="guid-7.C",
        human_code=None,
        statement="Statement of the third",
        position=3,
        is_assessable=True,
        payload={},
        fingerprint="f",
    )
    room.add_assignment("talk", "7.C")
    room.refresh()
    assert grades(room) == {"ana": 33.3, "ben": 0.0}


def test_choosing_columns_starts_and_ends_each_and_withdraws_nothing(
    abroad: Abroad,
) -> None:
    room = abroad.room
    fill(room)
    room.switch("ags")
    abroad.deliver()
    room.score("ben", "quiz", 8.0, days_ago=0)
    room.refresh()
    assert count_levels(room) == 1
    assert choose(room, ONE) == 2
    assert (count_levels(room), grades(room)) == (0, {"ana": 75.0, "ben": 75.0})
    abroad.deliver()
    assert abroad.lms_grades() == {
        ("7.A", "lms-ana"): 3.6,
        ("7.A", "lms-ben"): 2.0,
        ("7.B", "lms-ana"): 2.0,
        ("Summary grade", "lms-ana"): 75.0,
        ("Summary grade", "lms-ben"): 75.0,
    }
    # What is not kept up any more is nobody's difference, even when it is removed.
    for item in abroad.lms.line_items("c1"):
        if item.label == "7.B":
            abroad.lms.gradebook.remove_column(item)
    assert abroad.reconcile().differences == ()
    assert choose(room, Sending()) == 1
    abroad.clock.move(minutes=1)
    abroad.deliver()
    assert abroad.lms_grades()["7.A", "lms-ben"] == 3.2
    assert abroad.lms_grades()["Summary grade", "lms-ben"] == 75.0
    room.score("ben", "quiz", 10.0, days_ago=0)
    room.refresh()
    assert grades(room) == {}


def test_a_choice_that_tells_gradebooks_nothing_or_does_not_fit_is_refused(
    room: Classroom,
) -> None:
    with pytest.raises(SummaryError, match="columns: a gradebook would get nothing"):
        choose(room, Sending(is_each=False))
    formula = Summary("Grade", points=(("Low", 0.0), ("High", 100.0)))
    with pytest.raises(SummaryError, match="points: points are given to Low, High"):
        choose(room, Sending(summary=formula))
    with room.database.read() as session:
        assert sendings.load_sending(session, room.course_id) == Sending()


def test_a_formula_that_fits_no_more_sends_nothing_until_it_is_mended(
    room: Classroom,
) -> None:
    fill(room)
    names = ("Beginning", "Developing", "Proficient", "Advanced")
    points = tuple(zip(names, (40.0, 65.0, 85.0, 100.0), strict=True))
    formula = Summary("Grade", points=points)
    choose(room, Sending(is_each=False, summary=formula))
    room.switch("ags")
    assert grades(room) == {"ana": 82.5, "ben": 65.0}
    two = [
        {"name": "Low", "cut": 0.0, "points": 0.0},
        {"name": "High", "cut": 0.6, "points": 1.0},
    ]
    room.change(schema.course, room.course_id, scale=two, mastery_cut=0.6)
    room.score("ben", "essay", 9.0, days_ago=0)
    room.refresh()
    assert grades(room) == {"ana": 82.5, "ben": 65.0}
    choose(room, Sending(when="nightly", is_each=False, summary=formula))
    mended = replace(formula, points=(("Low", 50.0), ("High", 100.0)))
    assert choose(room, Sending(is_each=False, summary=mended)) == 2
    assert grades(room) == {"ana": 75.0, "ben": 75.0}


def test_too_few_levels_give_no_grade_and_take_the_one_that_stood_back(
    abroad: Abroad,
) -> None:
    room = abroad.room
    fill(room)
    choose(room, ONE)
    room.switch("ags")
    assert abroad.deliver() == {"delivered": 2}
    assert choose(room, replace(ONE, summary=replace(GRADE, minimum=2))) == 1
    assert grades(room) == {"ben": None}
    abroad.clock.move(minutes=1)
    abroad.deliver()
    assert abroad.lms_grades() == {
        ("Summary grade", "lms-ana"): 75.0,
        ("Summary grade", "lms-ben"): None,
    }


def test_a_group_alone_is_told_of_and_what_waits_of_others_goes_no_more(
    abroad: Abroad,
) -> None:
    room = abroad.room
    fill(room)
    choose(room, ONE)
    room.switch("ags")
    nobody = room.insert(
        schema.course_group, placement_id=1, group_id="g", name="Nobody"
    )
    choose(room, replace(ONE, group_id=nobody))
    assert grades(room) == {}
    assert choose(room, ONE) == 2


# --- in two gradebooks over sockets ---------------------------------------------------


def test_one_column_is_made_found_again_and_kept_up_in_an_lms(abroad: Abroad) -> None:
    room = abroad.room
    fill(room)
    choose(room, ONE)
    room.switch("ags")
    assert abroad.deliver() == {"delivered": 2}
    (column,) = abroad.lms.line_items("c1")
    assert (column.label, column.maximum, column.resource_id) == (
        "Summary grade",
        100.0,
        f"masterybridge/course-{room.course_id}/summary",
    )
    assert "custom" not in column.further["submissionReview"]
    # Our memory of it is lost: it is found by its id and not made again.
    with room.database.write() as session:
        session.execute(schema.line_item.delete())
    room.score("ben", "essay", 10.0, days_ago=0)
    room.refresh()
    abroad.clock.move(minutes=1)
    assert abroad.deliver() == {"delivered": 1}
    assert len(abroad.lms.line_items("c1")) == 1
    assert abroad.lms_grades() == {
        ("Summary grade", "lms-ana"): 75.0,
        ("Summary grade", "lms-ben"): 75.0,
    }
    assert abroad.reconcile().read_back == {"ags": 2}
    # Out of 20 from now on: the same share of the column that is there.
    assert choose(room, replace(ONE, summary=replace(GRADE, maximum=20.0))) == 2
    abroad.clock.move(minutes=1)
    assert abroad.deliver() == {"delivered": 2}
    assert abroad.lms_grades()["Summary grade", "lms-ana"] == 75.0
    assert abroad.reconcile().differences == ()


def test_a_grade_in_a_sis_has_no_learning_objective(abroad: Abroad) -> None:
    room = abroad.room
    fill(room)
    choose(room, Sending(is_each=False, summary=MASTERY_INDEX))
    room.switch("oneroster")
    assert abroad.deliver() == {"delivered": 2}
    assert abroad.sis_grades() == {
        ("Mastery index", "ana"): (50.0, []),
        ("Mastery index", "ben"): (0.0, []),
    }
    assert abroad.reconcile().differences == ()
    # Of 20 from now on: the same column, with the maximum of now.
    index = replace(MASTERY_INDEX, maximum=20.0)
    assert choose(room, Sending(is_each=False, summary=index)) == 2
    assert abroad.deliver() == {"delivered": 2}
    (column,) = abroad.catalog.records("assessmentLineItems")
    assert getattr(column, "result_value_max", None) == 20.0
    assert abroad.sis_grades()["Mastery index", "ana"] == (10.0, [])
    assert abroad.reconcile().differences == ()


def test_an_undone_grade_stays_undone_until_it_changes(abroad: Abroad) -> None:
    room = abroad.room
    fill(room)
    choose(room, ONE)
    room.switch("ags")
    abroad.deliver()
    room.score("ana", "essay", 9.0, days_ago=0)
    room.refresh()
    abroad.clock.move(minutes=1)
    abroad.deliver()
    assert abroad.lms_grades()["Summary grade", "lms-ana"] == 100.0
    newest = max(row[0] for row in room.rows(schema.delivery, "id"))
    with room.database.write() as session:
        decisions.undo(session, newest, who="person:7", now=abroad.clock())
    abroad.clock.move(minutes=1)
    abroad.deliver()
    assert abroad.lms_grades()["Summary grade", "lms-ana"] == 75.0
    assert room.refresh().outcomes == 0
    room.score("ana", "essay", 6.0, days_ago=0)
    room.refresh()
    assert grades(room) == {"ana": 75.0}


def test_a_grade_somebody_set_is_kept_and_can_be_let_stand(abroad: Abroad) -> None:
    room = abroad.room
    fill(room)
    choose(room, ONE)
    room.switch("ags")
    abroad.deliver()
    (column,) = abroad.lms.line_items("c1")
    abroad.lms.override(column.id, "lms-ana", 88.0)
    (differs,) = abroad.reconcile().differences
    assert (differs.competency_id, differs.ours, differs.theirs) == (None, 75.0, 88.0)
    with room.database.read() as session:
        (listed,) = differences.load_open(session)
        assert (listed["human_code"], listed["summary_title"]) == (
            None,
            "Summary grade",
        )
    room.score("ana", "essay", 9.0, days_ago=0)
    room.refresh()
    abroad.clock.move(minutes=1)
    assert abroad.deliver() == {"conflict": 1}
    before = room.values()
    held = max(row[0] for row in room.rows(schema.delivery, "id"))
    with room.database.write() as session:
        decisions.take_theirs(session, held, who="person:7", now=abroad.clock())
    assert (room.values(), room.count(schema.teacher_level)) == (before, 0)
    assert room.refresh().outcomes == 0
    assert abroad.lms_grades()["Summary grade", "lms-ana"] == 88.0
    assert abroad.reconcile().differences == ()


def test_the_plan_shows_the_grades_before_anything_is_sent(abroad: Abroad) -> None:
    room = abroad.room
    fill(room)
    choose(room, Sending(summary=replace(GRADE, unassessed=AS_NOTHING)))

    def plan() -> list[tuple[Any, ...]]:
        found = forecasts.forecast(
            room.database, abroad.outside.connect, abroad.clock, "ags", room.course_id
        )
        return sorted(
            (one.person_id, one.action, one.theirs, one.ours, one.is_new_column)
            for one in found
            if one.competency_id is None
        )

    ana, ben = room.people["ana"], room.people["ben"]
    assert plan() == [
        (ana, "add", None, 75.0, True),
        (ben, "add", None, 25.0, True),
    ]
    assert abroad.lms.line_items("c1") == []
    room.switch("ags")
    assert abroad.deliver() == {"delivered": 5}
    room.score("ben", "essay", 10.0, days_ago=0)
    room.refresh()
    assert plan() == [(ben, "change", 25.0, 75.0, False)]


@BOTH
def test_what_is_decided_of_a_grade_goes_by_its_own_key(database: Database) -> None:
    room = make_classroom(database)
    fill(room)
    choose(room, Sending(summary=GRADE))
    room.switch("ags")
    with room.database.write() as session:
        batch = outbox.claim(session, NOON, limit=10)
        told = next(one for one in batch if one.key == (room.people["ana"], None))
        done = [
            outbox.Settlement(one.id, "delivered", read_back=one.value) for one in batch
        ]
        settling.settle(session, done, NOON)
        comparison = differences.Comparison("test", {"ags": 5}, (), NOON, NOON)
        read = [("ags", room.course_id)]
        assert differences.save(session, comparison, {told.id: 80.0}, read) == {told.id}
        assert receipts.load_receipt(session, told.id)["summary_title"] == GRADE.title
        kept = decisions.take_theirs(session, told.id, who="person:7", now=NOON)
        assert differences.load_open(session) == []
        assert not receipts.is_newest(session, told.id)
        history = [one["id"] for one in receipts.load_history(session, told.id)]
        assert history == [kept, told.id]
        again = decisions.send_again(session, kept, who="person:7", now=NOON)
        # Two people turn out to be one: of what waits for both, one row stays.
        ana, ben = room.people["ana"], room.people["ben"]
        put = {"person_id": ben, "competency_id": None, "value": 1.0, "maximum": 100.0}
        where = {"destination": "ags", "course_id": room.course_id}
        more = {"level_name": None, "basis": {}}
        outbox.put(session, [{**where, **put, **more}], NOON)
        belongings.move_deliveries(session, ana, ben, [room.course_id])
        belongings.revive_deliveries(session, [again])
    assert grades(room) == {"ben": 1.0}
    assert grades(room, "superseded") == {"ben": 80.0}
