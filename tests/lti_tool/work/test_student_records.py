"""One record a student over all her courses; parts, practice, ageing, increments."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from lti_tool.errors import PlanError
from lti_tool.storage import crosswalks, judging, schema
from lti_tool.work import (
    ageing,
    observations,
    reasons,
    record_rules,
    standing,
    student_records,
)
from lti_tool.work.observations import NewObservation
from lti_tool.work.whys import why_record
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def second_course(room: Classroom, **said: Any) -> int:  # noqa: ANN401 -- columns of any kind
    """Another course of the same students and framework, with work of its own."""
    values = {"rule": "latest", **said}
    course_id = room.insert(
        schema.course, title="Lab 7", framework_id=1, created_at=NOON, **values
    )
    for person_id in room.people.values():
        room.insert(
            schema.seat,
            course_id=course_id,
            person_id=person_id,
            role="learner",
            origin="sis",
        )
    first = room.course_id
    room.course_id = course_id
    room.add_assignment("lab", "7.A")
    room.course_id = first
    return course_id


def refresh(room: Classroom, course_id: int, now: datetime = NOON) -> None:
    with room.database.write() as session:
        standing.refresh(session, course_id, now=now)


def records(room: Classroom) -> list[tuple[Any, ...]]:
    codes = {row_id: code for code, row_id in room.competencies.items()}
    names = {row_id: name for name, row_id in room.people.items()}
    return sorted(
        (names[who], codes[what], value, count, level)
        for who, what, value, count, level in room.rows(
            schema.record,
            "person_id",
            "competency_id",
            "value",
            "evidence_count",
            "level_name",
        )
    )


def test_courses_of_several_teachers_feed_one_record(room: Classroom) -> None:
    lab = second_course(room)
    room.add_assignment("quiz", "7.A", "7.B")
    for _time in range(2):
        room.score("ana", "quiz", 9.0)
        room.score("ana", "lab", 9.0)
    room.refresh()
    assert records(room) == [
        ("ana", "7.A", 4.0, 4, "Advanced"),
        ("ana", "7.B", 2.0, 2, "Developing"),
    ]
    # Each course shows its own plan, the second not even worked out yet.
    assert room.values() == {("ana", "7.A"): 3.6, ("ana", "7.B"): 3.6}
    refresh(room, lab)
    with room.database.write() as session:
        values = {"rule": "n_mastery", "parameter": 4}
        record_rules.save(session, 1, values, who="test", now=NOON)
        assert student_records.refresh_all(session, 1, now=NOON) == 2
    assert records(room) == [
        ("ana", "7.A", 3.6, 4, "Advanced"),
        ("ana", "7.B", None, 2, None),
    ]
    with room.database.read() as session:
        why = why_record(session, 1, room.competencies["7.A"], now=NOON)
    assert why.attainment.arithmetic == (
        "at or above mastery 3: 3.6, 3.6, 3.6, 3.6",
        "mean of 3.6, 3.6, 3.6, 3.6 = 3.6",
    )


@pytest.mark.parametrize("last", [0, 1])
def test_of_work_of_one_day_the_course_worked_out_last_is_not_the_latest(
    room: Classroom, last: int
) -> None:
    """Incremental must equal full: who comes later in a tie is fixed for good."""
    courses = [room.course_id, second_course(room)]
    with room.database.write() as session:
        record_rules.save(session, 1, {"rule": "latest"}, who="t", now=NOON)
    room.add_assignment("quiz", "7.A")
    room.score("ana", "lab", 9.0)
    room.score("ana", "quiz", 4.0)
    refresh(room, courses[1 - last])
    refresh(room, courses[last])
    assert records(room) == [("ana", "7.A", 1.6, 2, "Beginning")]
    with room.database.write() as session:
        why = why_record(session, 1, room.competencies["7.A"], now=NOON)
        assert student_records.refresh_all(session, 1, now=NOON) == 0
    assert why.attainment.value == 1.6


@pytest.mark.parametrize("last", [0, 1])
def test_what_a_result_says_of_a_competency_itself_counts_from_every_course(
    room: Classroom, last: int
) -> None:
    courses = [room.course_id, second_course(room)]
    room.add_assignment("quiz", "7.A")
    said = [{"source": "case", "learningObjectiveResults": [
        {"learningObjectiveId": "guid-7.A", "score": 10.0}]}]  # fmt: skip
    room.score("ana", "lab", 2.0, learning_objectives=said)
    room.score("ana", "quiz", 4.0)
    with room.database.write() as session:
        record_rules.save(session, 1, {"rule": "highest"}, who="t", now=NOON)
    refresh(room, courses[1 - last])
    refresh(room, courses[last])
    assert records(room) == [("ana", "7.A", 4.0, 2, "Advanced")]
    with room.database.write() as session:
        assert student_records.refresh_all(session, 1, now=NOON) == 0


def test_a_framework_may_have_more_competencies_than_a_statement_takes(
    room: Classroom,
) -> None:
    of = {"framework_id": 1, "payload": {}, "fingerprint": "f", "is_assessable": True}
    with room.database.write() as session:
        session.execute(
            insert(schema.competency),
            [
                {"case_id": f"c-{one}", "statement": "C", "position": one, **of}
                for one in range(33_000)
            ],
        )
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    with room.database.write() as session:
        assert student_records.refresh_all(session, 1, now=NOON) == 1
        assert student_records.refresh_all(session, 1, now=NOON) == 0
    assert records(room) == [("ana", "7.A", 2.0, 1, "Developing")]


def test_a_record_goes_with_the_last_evidence_for_it(room: Classroom) -> None:
    lab = second_course(room)
    score = room.score("ana", "lab", 9.0)
    refresh(room, lab)
    assert records(room) == [("ana", "7.A", 2.0, 1, "Developing")]
    room.change(schema.score, score, status="ended")
    refresh(room, lab)
    assert records(room) == []


def test_work_that_speaks_in_two_courses_speaks_once_in_the_record(
    room: Classroom,
) -> None:
    lab = second_course(room)
    for name in ("course_id", "class_sourced_id"):
        room.change(schema.assignment, room.work["lab"], **{name: None})
    room.change(schema.assignment, room.work["lab"], kind="assessment")
    room.align("lab", "7.A")
    room.score("ana", "lab", 9.0, kind="assessment")
    room.refresh()
    refresh(room, lab)
    assert room.count(schema.attainment) == 2
    assert records(room) == [("ana", "7.A", 2.0, 1, "Developing")]


def test_a_record_rule_that_judges_nothing_is_refused(room: Classroom) -> None:
    with (
        pytest.raises(PlanError, match="There is no rule “luck”"),
        room.database.write() as session,
    ):
        record_rules.save(session, 1, {"rule": "luck"}, who="t", now=NOON)
    assert room.count(schema.record_rule) == 0


def test_a_row_of_a_rubric_and_questions_of_a_test_speak_for_themselves(
    room: Classroom,
) -> None:
    room.add_assignment("test", "7.A", "7.B")
    parts = {"row:3": [4, 4], "question:1": [1, 2], "question:2": [2, 2]}
    room.score("ana", "test", 3.0, parts=parts)
    room.score("ben", "test", 3.0)
    room.change(schema.alignment, 1, part="row:3")
    room.change(schema.alignment, 2, part="question:1-2")
    room.refresh()
    assert room.values() == {("ana", "7.A"): 4.0, ("ana", "7.B"): 3.0}
    told = {}
    with room.database.read() as session:
        for student, code in (("ana", "7.A"), ("ana", "7.B"), ("ben", "7.B")):
            person, competency = room.people[student], room.competencies[code]
            why = standing.why(session, room.course_id, person, competency, now=NOON)
            told[student, code] = why.pieces
    ((row,), (questions,), (nothing,)) = told.values()
    assert row.evidence is not None
    assert (row.evidence.kind, row.evidence.reliability) == ("rubric", 1.0)
    assert questions.evidence is not None
    assert (questions.evidence.kind, questions.evidence.reliability) == (
        "question",
        0.6,
    )
    assert [str(note) for note in questions.notes] == [
        "by this part alone: question:1-2"
    ]
    assert nothing.left_out == "the gradebook says nothing of this part: question:1-2"


def test_practice_is_shown_and_does_not_count(room: Classroom) -> None:
    room.add_assignment("quiz", "7.A")
    room.change(schema.alignment, 1, is_practice=True)
    room.score("ana", "quiz", 9.0)
    room.refresh()
    assert (room.values(), records(room)) == ({}, [])
    with room.database.read() as session:
        why = standing.why(session, room.course_id, 1, 1, now=NOON)
    assert [piece.left_out for piece in why.pieces] == ["practice: shown, not counted"]


def test_a_success_at_a_successor_reaches_what_comes_before(room: Classroom) -> None:
    room.set_rule("certainty", 0)
    room.change(schema.course, room.course_id, successor_share=0.5)
    (_first, fw_a), (_second, fw_b) = room.rows(schema.competency, "id", "case_id")
    room.insert(
        schema.association,
        framework_id=1,
        case_id="edge",
        kind="precedes",
        origin_case_id=fw_a,
        destination_case_id=fw_b,
        payload={},
        fingerprint="f",
    )
    room.add_assignment("early", "7.A")
    room.add_assignment("late", "7.B")
    room.score("ana", "early", 9.0)
    room.refresh()
    late = room.score("ana", "late", 9.0)
    with room.database.write() as session:
        standing.refresh_cells(
            session, room.course_id, [1], [room.competencies["7.B"]], now=NOON
        )
    assert room.rows(schema.attainment, "ratio", "evidence_count") == [
        (2.0 / 2.5, 2),
        (0.75, 1),
    ]
    assert room.refresh().changed == 0
    with room.database.read() as session:
        why = standing.why(session, room.course_id, 1, 1, now=NOON)
    assert [one.evidence.key for one in why.explanation.used][-1] == str(late)
    told = reasons.document(why)
    brought = told["evidence"][-1]
    assert (brought["title"], brought["kind"], brought["notes"]) == (
        "Work late",
        "successor",
        ["shown at what builds on it"],
    )
    assert any(line.startswith("Work late: 0.9 of 1") for line in told["arithmetic"])


def test_each_competency_may_have_a_rule_and_a_minimum_of_its_own(
    room: Classroom,
) -> None:
    room.add_assignment("quiz", "7.A", "7.B")
    for points, days_ago in ((9.0, 5), (5.0, 1)):
        room.score("ana", "quiz", points, days_ago=days_ago)
    room.insert(
        schema.competency_rule,
        course_id=room.course_id,
        competency_id=room.competencies["7.B"],
        rule="highest",
        minimum_pieces=2,
    )
    room.change(schema.course, room.course_id, minimum_pieces=3)
    room.refresh()
    assert room.rows(schema.attainment, "rule", "value", "evidence_count") == [
        ("latest", None, 2),
        ("highest", 3.6, 2),
    ]


def test_every_night_levels_age_and_only_what_is_seen_is_written(
    room: Classroom,
) -> None:
    room.set_rule("certainty")
    room.switch("ags")
    for name in ("quiz", "essay", "project"):
        room.add_assignment(name, "7.A")
        room.score("ana", name, 9.0)
    room.refresh()
    assert room.values() == {("ana", "7.A"): 4.0}
    soon, late = NOON + timedelta(days=20), NOON + timedelta(days=400)
    assert ageing.refresh_aged(room.database, lambda: soon) == 0
    assert room.rows(schema.attainment, "computed_at") == [(NOON,)]
    assert ageing.refresh_aged(room.database, lambda: late) == 1
    assert room.values() == {("ana", "7.A"): 2.0}
    assert records(room) == [("ana", "7.A", 2.0, 3, "Developing")]
    assert room.deliveries()[-1] == ("ags", "ana", 2.0, "pending", None)
    with room.database.read() as session:
        assert standing.why(session, room.course_id, 1, 1, now=late).attainment.is_due


def test_more_courses_than_a_statement_takes_grow_old(room: Classroom) -> None:
    """Those whose own rules and whose record look at no age are left out."""
    many = 33_000
    row = {"framework_id": 1, "created_at": NOON, "refreshed_at": NOON}
    with room.database.write() as session:
        session.execute(
            insert(schema.course),
            [{"title": "C", "rule": "latest", **row} for _ in range(many)],
        )
        assert len(judging.ageing_courses(session)) == many
        record_rules.save(session, 1, {"rule": "latest"}, who="t", now=NOON)
        assert judging.ageing_courses(session) == []
        session.execute(
            insert(schema.competency_rule).values(
                course_id=7, competency_id=1, rule="certainty"
            )
        )
        session.execute(
            insert(schema.course).values(title="C", rule="certainty", **row)
        )
        assert judging.ageing_courses(session) == [7, room.course_id + many + 1]


JUDGED = (schema.attainment, schema.record)
SAID = (
    "person_id",
    "competency_id",
    "rule",
    "value",
    "ratio",
    "evidence_count",
    "evidence_at",
    "probability",
)
PIECES = st.lists(
    st.tuples(
        st.sampled_from(("ana", "ben")),
        st.sampled_from(("quiz", "lab", "seen")),
        st.floats(min_value=0, max_value=12, allow_nan=False),
        st.integers(min_value=0, max_value=40),
    ),
    max_size=6,
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pieces=PIECES, rule_name=st.sampled_from(("certainty", "average", "highest")))
def test_cell_by_cell_leaves_what_a_full_refresh_leaves(
    room: Classroom, pieces: list[tuple[str, str, float, int]], rule_name: str
) -> None:
    for table in (schema.attainment, schema.record, schema.observation, schema.score):
        with room.database.write() as session:
            session.execute(delete(table))
    if not room.work:
        second_course(room)
        room.add_assignment("quiz", "7.A", "7.B")
    room.set_rule(rule_name)
    courses = {"quiz": room.course_id, "lab": 2, "seen": room.course_id}
    for student, name, points, days_ago in pieces:
        person_id = room.people[student]
        if name == "seen":
            happened_at = NOON - timedelta(days=days_ago)
            new = NewObservation(
                person_id, 1, 1, "observation", "Seen", points, 12.0, happened_at
            )
            with room.database.write() as session:
                observations.add(session, new, who="person:9", is_staff=True, now=NOON)
            continue
        room.score(student, name, points, days_ago=days_ago)
        with room.database.write() as session:
            standing.refresh_cells(
                session, courses[name], [person_id], [1, 2], now=NOON
            )
    told = (room.rows(schema.attainment), room.rows(schema.record))
    for course_id in (1, 2):
        refresh(room, course_id)
    assert (room.rows(schema.attainment), room.rows(schema.record)) == told


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    pieces=st.lists(
        st.tuples(
            st.sampled_from(("ana", "ben")),
            st.sampled_from(("quiz", "lab")),
            st.integers(min_value=0, max_value=10),
            st.integers(min_value=0, max_value=1),
        ),
        min_size=1,
        max_size=6,
    ),
    luck=st.randoms(use_true_random=False),
    rule_name=st.sampled_from(("latest", "certainty", "decaying_average")),
)
def test_in_whatever_order_scores_come_they_leave_what_a_full_refresh_leaves(
    room: Classroom,
    pieces: list[tuple[str, str, int, int]],
    luck: Random,
    rule_name: str,
) -> None:
    """Of one day and of two courses: nothing but the work itself decides."""
    with room.database.write() as session:
        for table in (schema.attainment, schema.record, schema.score):
            session.execute(delete(table))
        record_rules.save(session, 1, {"rule": rule_name}, who="t", now=NOON)
    if not room.work:
        second_course(room)
        room.add_assignment("quiz", "7.A", "7.B")
    room.set_rule(rule_name)
    numbered = list(enumerate(pieces, 1))
    luck.shuffle(numbered)
    for number, (student, name, points, days_ago) in numbered:
        room.score(student, name, float(points), days_ago=days_ago, id=number)
        where, who = {"quiz": 1, "lab": 2}[name], room.people[student]
        cells = {(where, who, one) for one in ((1, 2) if name == "quiz" else (1,))}
        with room.database.write() as session:
            standing.refresh_moved(session, cells, now=NOON)
    told = [sorted(room.rows(table, *SAID)) for table in JUDGED]
    with room.database.write() as session:
        session.execute(delete(schema.attainment))
        session.execute(delete(schema.record))
        standing.refresh_courses(session, [1, 2], now=NOON)
    assert [sorted(room.rows(table, *SAID)) for table in JUDGED] == told


@pytest.mark.parametrize(("rule_name", "value"), [("latest", 2.88), ("certainty", 2.0)])
def test_a_crosswalk_carries_into_the_record_at_its_share_and_says_so(
    room: Classroom, rule_name: str, value: float
) -> None:
    facts = {"payload": {}, "fingerprint": "f"}
    of = {"title": "State", "creator": "t", "package": {}, "imported_at": NOON}
    other = room.insert(schema.framework, case_id="fw2", **of, **facts)
    there = room.insert(
        schema.competency,
        framework_id=other,
        case_id="guid-state",
        human_code="S.1",
        statement="State one",
        position=0,
        is_assessable=True,
        **facts,
    )
    ends = {"origin_case_id": "guid-7.A", "destination_case_id": "guid-state"}
    room.insert(
        schema.association, framework_id=other, case_id="e", kind="isPeerOf", **ends,
        **facts,
    )  # fmt: skip
    with room.database.write() as session:
        record_rules.save(session, 1, {"rule": "latest"}, who="t", now=NOON)
        record_rules.save(session, other, {"rule": rule_name}, who="t", now=NOON)
        crosswalks.save_crosswalk(
            session, (1, other), is_on=True, shares={"isPeerOf": 0.8}, who="t", now=NOON
        )
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0, days_ago=0)
    room.refresh()
    held = room.rows(schema.record, "competency_id", "value", "evidence_count")
    assert sorted(held) == [(1, 3.6, 1), (there, value, 1)]
    with room.database.read() as session:
        why = why_record(session, 1, there, now=NOON)
    (piece,) = why.pieces
    assert [str(note) for note in piece.notes] == [
        "carried from 7.A by isPeerOf, worth 80 %"
    ]
    if rule_name == "certainty":
        assert why.explanation.pieces[0].weight == pytest.approx(0.8, abs=0.01)
    with room.database.write() as session:
        crosswalks.save_crosswalk(
            session, (1, other), is_on=False, shares={}, who="t", now=NOON
        )
        student_records.refresh_all(session, other, now=NOON)
    assert room.rows(schema.record, "competency_id") == [(1,)]
