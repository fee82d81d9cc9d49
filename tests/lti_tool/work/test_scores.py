"""Scores as evidence: statuses, flags, words of scales, objectives, assessments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from lti_tool.storage import alignments, schema
from lti_tool.work import standing
from lti_tool.work.words import Words

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LETTERS = [["A", "94"], ["B", "84"], ["Pass", "pass"]]
UUID = "0aF1b2c3-0000-4000-8000-000000000001"
Facts = dict[str, Any]


def why(room: Classroom, code: str = "7.A", student: str = "ana") -> standing.Why:
    with room.database.read() as session:
        return standing.why(
            session,
            room.course_id,
            room.people[student],
            room.competencies[code],
            now=NOW,
        )


def add_scale(room: Classroom, name: str, steps: list[list[str]], **of: str) -> None:
    room.insert(
        schema.score_scale,
        **room.sourced(name),
        title=f"Scale {name}",
        steps=steps,
        **of,
    )


def set_case_id(room: Classroom, code: str, case_id: str) -> None:
    room.change(schema.competency, room.competencies[code], case_id=case_id)


def named(*case_ids: str) -> list[Facts]:
    return [{"source": "case", "learningObjectiveIds": list(case_ids)}]


def scored(case_id: str, score: float | None, text: str | None = None) -> list[Facts]:
    one = {"learningObjectiveId": case_id, "score": score, "textScore": text}
    return [{"source": "case", "learningObjectiveResults": [one]}]


def aligned(room: Classroom) -> list[tuple[str, str, str]]:
    """Work, code and maker of each alignment."""
    works = {row_id: name for name, row_id in room.work.items()}
    codes = {row_id: code for code, row_id in room.competencies.items()}
    found = room.rows(schema.alignment, "assignment_id", "competency_id", "made_by")
    return sorted((works[work], codes[what], by) for work, what, by in found)


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        ("missing", "missing: not handed in"),
        ("incomplete", "marked incomplete"),
        ("in_progress", "still in progress"),
    ],
)
def test_a_zero_for_work_that_is_not_there_is_no_evidence(
    room: Classroom, flag: str, reason: str
) -> None:
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 0.0, flags={flag: True})
    room.refresh()
    assert room.values() == {}
    assert [piece.left_out for piece in why(room).pieces] == [reason]


def test_late_work_counts_and_is_marked(room: Classroom) -> None:
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0, flags={"late": True})
    room.refresh()
    (piece,) = why(room).pieces
    assert (piece.left_out, piece.notes) == (None, (Words("late"),))
    assert room.values() == {("ana", "7.A"): 3.6}


def test_a_score_above_its_maximum_counts_as_all_of_it_and_says_so(
    room: Classroom,
) -> None:
    room.add_assignment("quiz", "7.A", maximum=10.0)
    room.score("ana", "quiz", 12.0)
    room.score("ben", "quiz", 10.0)
    room.refresh()
    notes = ("more than its maximum; counts as all of it",)
    assert tuple(str(one) for one in why(room).pieces[0].notes) == notes
    assert room.values() == {("ana", "7.A"): 4.0, ("ben", "7.A"): 4.0}


@pytest.mark.parametrize(
    ("steps", "word", "maximum", "judged"),
    [
        (LETTERS, "A", 100.0, (94.0, 100.0)),
        (LETTERS, " a ", 100.0, (94.0, 100.0)),
        # The scale reaches beyond the line item, or there is nothing to reach.
        (LETTERS, "B", 10.0, (84.0, 94.0)),
        (LETTERS, "B", None, (84.0, 94.0)),
        ([["Good", "80%"]], "Good", 10.0, (80.0, 100.0)),
        ([["Good", "80 %"], ["Best", "100 %"]], "Good", None, (80.0, 100.0)),
        ([["3", "3"], ["4", "4"]], "3", 4.0, (3.0, 4.0)),
        ([["half", "0,5"]], "half", 1.0, (0.5, 1.0)),
    ],
)
def test_a_word_is_worth_what_its_scale_says(
    room: Classroom,
    steps: list[list[str]],
    word: str,
    maximum: float | None,
    judged: tuple[float, float],
) -> None:
    add_scale(room, "letters", steps, class_sourced_id="class-7")
    room.add_assignment("quiz", "7.A", maximum=maximum)
    room.score("ana", "quiz", None, text_score=word)
    (piece,) = why(room).pieces
    assert (piece.left_out, (piece.given, piece.maximum)) == (None, judged)


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (None, "“Pass” is a word, and no score scale says what it is worth"),
        ([["A", "94"]], "“Pass” is not on the scale “Scale letters”"),
        (
            LETTERS,
            "“Pass” is worth “pass” on the scale “Scale letters”, which is no number",
        ),
    ],
)
def test_a_word_that_is_worth_nothing_says_so(
    room: Classroom, steps: list[list[str]] | None, reason: str
) -> None:
    if steps is not None:
        add_scale(room, "letters", steps, class_sourced_id="class-7")
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", None, text_score="Pass")
    room.refresh()
    assert room.values() == {}
    assert [piece.left_out for piece in why(room).pieces] == [reason]


def test_the_scale_a_score_names_stands_before_the_line_items_and_the_classs(
    room: Classroom,
) -> None:
    add_scale(room, "class", [["A", "1"]], class_sourced_id="class-7")
    add_scale(room, "item", [["A", "2"]])
    add_scale(room, "own", [["A", "3"]])
    work = room.add_assignment("quiz", "7.A")
    score = room.score("ana", "quiz", None, text_score="A")
    assert why(room).pieces[0].given == 1.0
    room.change(schema.assignment, work, score_scale_sourced_id="item")
    assert why(room).pieces[0].given == 2.0
    room.change(schema.score, score, score_scale_sourced_id="own")
    assert why(room).pieces[0].given == 3.0
    assert why(room).pieces[0].notes == (
        Words(
            "“%(word)s” is worth %(worth)s on the scale “%(scale)s”",
            {"word": "A", "worth": "3", "scale": "Scale own"},
        ),
    )


def test_a_scale_of_the_sis_course_serves_its_classes(room: Classroom) -> None:
    room.change(schema.sis_class, room.sis_class_id, sis_course_sourced_id="math")
    add_scale(room, "course", [["A", "7"]], course_sourced_id="math")
    add_scale(room, "foreign", [["A", "8"]], class_sourced_id="another")
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", None, text_score="A")
    assert why(room).pieces[0].given == 7.0


def test_work_is_aligned_as_the_sis_says_it(room: Classroom) -> None:
    set_case_id(room, "7.A", UUID.lower())
    work = room.add_assignment("quiz")
    room.change(
        schema.assignment,
        work,
        learning_objectives=named(f"urn:uuid:{UUID}", "no such competency"),
    )
    room.score("ana", "quiz", 9.0)
    room.refresh()
    room.refresh()
    assert aligned(room) == [("quiz", "7.A", "sis")]
    assert room.values() == {("ana", "7.A"): 3.6}
    room.change(schema.assignment, work, learning_objectives=[])
    room.refresh()
    assert (aligned(room), room.values()) == ([], {})


def test_an_alignment_a_teacher_took_away_is_not_made_anew(room: Classroom) -> None:
    set_case_id(room, "7.A", UUID)
    work = room.add_assignment("quiz")
    room.change(schema.assignment, work, learning_objectives=named(UUID))
    room.score("ana", "quiz", 9.0, learning_objectives=scored(UUID, 5.0))
    room.refresh()
    ((row_id,),) = room.rows(schema.alignment, "id")
    said = {"course_id": room.course_id, "made_by": "person:1", "now": NOW}
    with room.database.write() as session:
        assert alignments.remove_alignment(session, alignment_id=row_id, **said)
    room.refresh()
    assert (aligned(room), room.values()) == ([], {})
    with room.database.write() as session:
        new = alignments.NewAlignment(
            said.pop("course_id"), work, room.competencies["7.A"], weight=2.0
        )
        alignments.save_alignment(session, new, **said)
    room.refresh()
    assert aligned(room) == [("quiz", "7.A", "person:1")]
    assert room.values() == {("ana", "7.A"): 2.0}


def test_a_result_speaks_for_a_competency_with_its_own_score(room: Classroom) -> None:
    set_case_id(room, "7.A", UUID)
    room.add_assignment("quiz", "7.B")
    told = f"URN:UUID:{UUID}"
    room.score("ana", "quiz", 9.0, learning_objectives=scored(told, 4.0))
    room.refresh()
    # The whole score speaks where the work is aligned, the own one where it is named.
    assert room.values() == {("ana", "7.A"): 1.6, ("ana", "7.B"): 3.6}
    (piece,) = why(room).pieces
    assert piece.notes == (Words("scored for this competency itself"),)


def test_an_own_score_stands_for_the_whole_one(room: Classroom) -> None:
    set_case_id(room, "7.A", UUID)
    add_scale(room, "letters", [["B", "8"]], class_sourced_id="class-7")
    room.add_assignment("quiz", "7.A", weight=3.0)
    room.score("ana", "quiz", 2.0, learning_objectives=scored(UUID, None, "B"))
    (piece,) = why(room).pieces
    assert piece.evidence is not None
    assert (piece.evidence.ratio, piece.evidence.weight) == (0.8, 3.0)


def add_assessment(room: Classroom, name: str, **values: object) -> int:
    """Add something assessed that belongs to no class."""
    room.work[name] = room.insert(
        schema.assignment,
        **room.sourced(name),
        kind="assessment",
        title=f"Test {name}",
        maximum=10.0,
        **values,
    )
    return room.work[name]


def test_an_assessment_speaks_for_the_learners_of_courses_it_is_aligned_in(
    room: Classroom,
) -> None:
    add_assessment(room, "state")
    room.align("state", "7.A")
    room.people["zoe"] = room.insert(
        schema.person,
        given_name="Zoe",
        family_name="Lee",
        display_name="Zoe Lee",
        created_at=NOW,
    )
    for student in ("ana", "zoe"):
        room.score(student, "state", 9.0, kind="assessment")
    room.refresh()
    assert room.values() == {("ana", "7.A"): 3.6}
    with room.database.read() as session:
        (work,) = alignments.load_assignments(session, room.course_id)
    assert (work.kind, work.title) == ("assessment", "Test state")


def test_an_assessment_about_a_competency_finds_its_courses(room: Classroom) -> None:
    set_case_id(room, "7.A", UUID)
    set_case_id(room, "7.B", "b" + UUID[1:])
    add_assessment(room, "state", learning_objectives=named(UUID))
    room.score(
        "ana",
        "state",
        9.0,
        kind="assessment",
        learning_objectives=scored("b" + UUID[1:], 5.0),
    )
    room.refresh()
    assert aligned(room) == [("state", "7.A", "sis")]
    assert room.values() == {("ana", "7.A"): 3.6, ("ana", "7.B"): 2.0}


@pytest.mark.parametrize(
    "kind", ["assessment", "line_item", "was_assessment", "was_line_item"]
)
def test_what_we_told_a_sis_ourselves_is_no_evidence(
    room: Classroom, kind: str
) -> None:
    """Neither while a column that is gone there stands in what was read last."""
    set_case_id(room, "7.A", UUID)
    facts = {"learning_objectives": named(UUID), "course_id": room.course_id}
    told = scored(UUID, 4.0)
    if kind.endswith("assessment"):
        add_assessment(room, "ours", **facts)
        room.score("ana", "ours", 4.0, kind="assessment", learning_objectives=told)
    else:
        room.change(schema.assignment, room.add_assignment("ours"), **facts)
        room.score("ana", "ours", 4.0, learning_objectives=told)
    room.insert(
        schema.line_item,
        destination="oneroster",
        source_id=room.source_id,
        course_id=room.course_id,
        competency_id=room.competencies["7.A"],
        resource_id="r",
        address="ours",
        kind=kind,
        maximum=4.0,
        created_at=NOW,
    )
    room.refresh()
    assert (room.values(), aligned(room)) == ({}, [])
    room.change(schema.line_item, 1, address="another")
    room.refresh()
    assert aligned(room) == [("ours", "7.A", "sis")]


def test_retakes_are_evidence_each_and_a_corrected_score_is_not(
    room: Classroom,
) -> None:
    room.set_rule("average")
    room.add_assignment("quiz", "7.A")
    first = room.score("ana", "quiz", 2.0, days_ago=5)
    room.score("ana", "quiz", 8.0, days_ago=1)
    assert [p.given for p in why(room).pieces] == [2.0, 8.0]
    room.change(schema.score, first, given=6.0)
    pieces = why(room).pieces
    assert [p.given for p in pieces] == [6.0, 8.0]
    assert len({p.evidence.task for p in pieces if p.evidence}) == 1


def test_work_is_listed_with_its_category_and_term(room: Classroom) -> None:
    room.insert(schema.category, **room.sourced("c"), title="Quizzes")
    room.insert(schema.term, **room.sourced("t"), title="Quarter 1", kind="term")
    work = room.add_assignment("quiz", "7.A")
    room.change(schema.assignment, work, category_sourced_id="c", term_sourced_id="t")
    room.score("ana", "quiz", 9.0)
    with room.database.read() as session:
        (one,) = alignments.load_assignments(session, room.course_id)
    assert (one.category, one.term, one.score_count) == ("Quizzes", "Quarter 1", 1)
    (piece,) = why(room).pieces
    assert (piece.score.category, piece.score.term) == ("Quizzes", "Quarter 1")


ARRIVALS = ("scale", "objectives", "own", "late", "word", "assessment", "corrected")


@given(order=st.permutations(ARRIVALS), stops=st.sets(st.integers(0, 6)))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_order_in_which_facts_arrive_does_not_matter(
    room: Classroom, order: list[str], stops: set[int]
) -> None:
    """Whatever comes first, and wherever a refresh falls between."""
    clear(room)
    for place, one in enumerate(order):
        arrive(room, one)
        if place in stops:
            room.refresh()
    room.refresh()
    assert aligned(room) == [("quiz", "7.A", "sis"), ("state", "7.A", "test")]
    assert room.values() == {
        ("ana", "7.A"): 3.2,
        ("ana", "7.B"): 2.0,
        ("ben", "7.A"): 3.6,
    }


def clear(room: Classroom) -> None:
    with room.database.write() as session:
        for table in (
            schema.attainment,
            schema.alignment,
            schema.score,
            schema.score_scale,
            schema.assignment,
            schema.change,
        ):
            session.execute(delete(table))
        session.execute(
            update(schema.competency)
            .where(schema.competency.c.human_code == "7.A")
            .values(case_id=UUID)
        )
    room.work.clear()
    room.set_rule("average")
    room.add_assignment("quiz")
    add_assessment(room, "state")
    room.align("state", "7.A")
    row = room.score("ana", "quiz", 1.0)
    room.change(schema.score, row, sourced_id="retaken")


def arrive(room: Classroom, one: str) -> None:
    own = scored("guid-7.B", 5.0)
    match one:
        case "scale":
            add_scale(room, "words", [["great", "9"]], class_sourced_id="class-7")
        case "objectives":
            quiz = room.work["quiz"]
            room.change(schema.assignment, quiz, learning_objectives=named(UUID))
        case "own":
            room.score("ana", "quiz", 8.0, learning_objectives=own)
        case "late":
            room.score("ana", "quiz", 0.0, flags={"missing": True, "late": True})
        case "word":
            room.score("ben", "quiz", None, text_score="great")
        case "assessment":
            room.score("ana", "state", 7.0, kind="assessment")
        case _:
            with room.database.write() as session:
                session.execute(
                    update(schema.score)
                    .where(schema.score.c.sourced_id == "retaken")
                    .values(given=9.0)
                )
