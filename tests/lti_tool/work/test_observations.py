"""What people enter as evidence, and what it does to levels and records."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.errors import NotFoundError
from lti_tool.storage import observations as stored
from lti_tool.storage import schema, student_records
from lti_tool.work import observations, standing
from lti_tool.work.observations import NewObservation
from lti_tool.work.standing import Why
from mappings.errors import EvidenceError
from mappings.scales import FOUR
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
TEACHER = "person:900"


def new(room: Classroom, **said: Any) -> NewObservation:  # noqa: ANN401 -- fields of any kind
    usual = NewObservation(
        person_id=room.people["ana"],
        competency_id=room.competencies["7.A"],
        course_id=room.course_id,
        kind="observation",
        title="Measured a field",
        given=3.0,
        maximum=4.0,
        happened_at=NOON - timedelta(days=1),
    )
    return replace(usual, **said)


def enter(
    room: Classroom,
    *,
    is_staff: bool = True,
    now: datetime = NOON,
    **said: Any,  # noqa: ANN401 -- fields of any kind
) -> int:
    with room.database.write() as session:
        return observations.add(
            session, new(room, **said), who=TEACHER, is_staff=is_staff, now=now
        )


def why(room: Classroom, code: str = "7.A") -> Why:
    with room.database.read() as session:
        person, competency = room.people["ana"], room.competencies[code]
        return standing.why(session, room.course_id, person, competency, now=NOON)


def fates(room: Classroom) -> list[tuple[str, str | None]]:
    return [(piece.score.title, piece.left_out) for piece in why(room).pieces]


def records(room: Classroom) -> dict[str, float | None]:
    codes = {row_id: code for code, row_id in room.competencies.items()}
    with room.database.read() as session:
        held = student_records.load_of_person(session, room.people["ana"])
    return {codes[one]: record.value for one, record in held.items()}


def test_what_a_teacher_saw_counts_at_once_beside_scores(room: Classroom) -> None:
    room.set_rule("average")
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 5.0, days_ago=3)
    room.switch("ags")
    room.refresh()
    enter(room, given=4.0)
    assert room.values() == {("ana", "7.A"): 3.0}
    assert fates(room) == [("Work quiz", None), ("Measured a field", None)]
    assert [str(note) for note in why(room).pieces[1].notes] == ["seen by a teacher"]
    assert room.deliveries()[-1] == ("ags", "ana", 3.0, "pending", None)
    assert room.rows(schema.change, "who", "what")[-1] == (TEACHER, "evidence entered")


def test_an_entry_is_replaced_and_withdrawn_and_never_edited(room: Classroom) -> None:
    first = enter(room, given=1.0)
    assert room.values() == {("ana", "7.A"): 1.0}
    with room.database.write() as session:
        second = observations.supersede(
            session, first, new(room, given=4.0, title="Measured again"),
            who=TEACHER, is_staff=True, now=NOON,
        )  # fmt: skip
    assert room.values() == {("ana", "7.A"): 4.0}
    assert fates(room) == [
        ("Measured a field", "replaced by a later entry"),
        ("Measured again", None),
    ]
    with room.database.write() as session:
        observations.withdraw(session, second, who=TEACHER, now=NOON)
    assert (room.values(), records(room)) == ({}, {})
    assert room.rows(schema.observation, "given", "status") == [
        (1.0, "accepted"),
        (4.0, "accepted"),
    ]
    for gone, was in ((first, "replaced"), (second, "withdrawn")):
        with (
            room.database.write() as session,
            pytest.raises(EvidenceError, match=f"was {was} already; nothing was"),
        ):
            observations.withdraw(session, gone, who=TEACHER, now=NOON)


def test_learning_elsewhere_waits_for_staff_and_says_what_they_said(
    room: Classroom,
) -> None:
    shown = {"kind": "outside", "title": "Swim badge", "given": 4.0}
    first = enter(room, is_staff=False, **shown)
    second = enter(room, is_staff=False, **{**shown, "title": "Chess cup"})
    assert room.values() == {}
    with room.database.read() as session:
        waiting = stored.load_proposed(session, [room.course_id])
    assert [one.id for one in waiting] == [first, second]
    with room.database.write() as session:
        observations.accept(session, first, who=TEACHER, now=NOON)
        observations.decline(session, second, "Not of this", who=TEACHER, now=NOON)
    assert room.values() == {("ana", "7.A"): 4.0}
    assert fates(room) == [
        ("Swim badge", None),
        ("Chess cup", "not accepted: Not of this"),
    ]
    (piece,) = why(room).explanation.pieces
    assert (piece.evidence.reliability, piece.evidence.kind) == (0.8, "outside")
    with room.database.write() as session:
        for act in (
            lambda: observations.accept(session, second, who=TEACHER, now=NOON),
            lambda: observations.decline(session, first, "No", who=TEACHER, now=NOON),
            lambda: observations.decline(session, first, " ", who=TEACHER, now=NOON),
        ):
            with pytest.raises(EvidenceError):
                act()


@pytest.mark.parametrize(
    ("rule", "kinds", "reason"),
    [
        ("certainty", None, "this kind of evidence does not count here"),
        (
            "latest",
            ["score", "self"],
            "it would only weigh lightly, and this rule weighs nothing",
        ),
        (
            "certainty",
            ["score", "self"],
            "it does not count by itself, without other evidence",
        ),
    ],
)
def test_a_students_own_view_never_counts_by_itself(
    room: Classroom, rule: str, kinds: list[str] | None, reason: str
) -> None:
    room.set_rule(rule)
    room.change(schema.course, room.course_id, counts=kinds)
    enter(room, is_staff=False, kind="self", given=4.0)
    assert room.values() == {}
    (left_out,) = why(room).explanation.left_out
    assert str(left_out.reason) == f"not counted: {reason}"


def test_a_students_own_view_weighs_lightly_beside_other_evidence(
    room: Classroom,
) -> None:
    room.set_rule("certainty", 0)
    room.change(schema.course, room.course_id, counts=["score", "self"])
    for name in ("quiz", "essay"):
        room.add_assignment(name, "7.A")
        room.score("ana", name, 9.0)
    enter(room, is_staff=False, kind="self", given=4.0)
    certainty = why(room).attainment
    # Two pieces weigh 1 and her own view .5; two from two tasks are no three.
    assert certainty.ratio == 3.0 / 3.5
    assert certainty.level == FOUR.levels[1]


def test_what_was_entered_for_no_course_counts_where_she_learns_it(
    room: Classroom,
) -> None:
    enter(room, course_id=None, kind="outside", given=4.0)
    assert room.values() == {("ana", "7.A"): 4.0}
    assert records(room).keys() == {"7.A"}


def test_an_entry_about_an_assignment_is_another_try_at_it(room: Classroom) -> None:
    work = room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 10.0, days_ago=5)
    room.set_rule("certainty", 0)
    enter(room, task=f"assignment:{work}", given=4.0)
    assert why(room).attainment.ratio == (0.5 + 1.5) / 2.5
    room.change(schema.course, room.course_id, counts=["score", "observation"])
    assert [str(one.reason) for one in why(room).explanation.left_out] == [
        "not counted: a later try at the same work does not count here"
    ]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"given": float("nan")}, "score nan is not a finite number"),
        ({"given": -1.0}, "score -1.0 of 4.0 is negative"),
        ({"maximum": 0.0}, "maximum 0.0 is not above 0"),
        ({"kind": "self"}, "'self' is no kind of evidence to enter here"),
        ({"title": "  "}, "a title has 1 to 255 letters, this one 0"),
        ({"note": "n" * 4001}, "a note has at most 4000 letters"),
        ({"proof_url": "javascript:alert(1)"}, "must begin with http:// or https://"),
        ({"happened_at": NOON.replace(tzinfo=None)}, "has no time zone"),
        ({"happened_at": NOON + timedelta(days=3)}, "2026-11-27 is yet to come"),
    ],
)
def test_an_entry_that_says_nothing_is_refused_whole(
    room: Classroom, said: dict[str, Any], words: str
) -> None:
    with pytest.raises(EvidenceError, match=words.replace("(", r"\(")):
        enter(room, **said)
    assert (room.count(schema.observation), room.values()) == (0, {})


def test_an_entry_names_a_competency_and_a_student_of_the_course(
    room: Classroom,
) -> None:
    for said in ({"competency_id": 999}, {"person_id": 999}):
        with pytest.raises(NotFoundError):
            enter(room, **said)
    first = enter(room)
    other = new(room, person_id=room.people["ben"])
    with (
        room.database.write() as session,
        pytest.raises(EvidenceError, match="is another student's"),
    ):
        observations.supersede(
            session, first, other, who=TEACHER, is_staff=True, now=NOON
        )


def test_more_than_the_maximum_is_kept_as_it_came_and_counts_as_all(
    room: Classroom,
) -> None:
    enter(room, given=5.0)
    (piece,) = why(room).pieces
    assert piece.evidence is not None
    assert (piece.given, piece.maximum, piece.evidence.ratio) == (5.0, 4.0, 1.0)
