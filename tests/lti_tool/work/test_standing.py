"""Refresh: attainments from evidence, outcomes into the outbox."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from lti_tool.storage import schema
from lti_tool.work import standing
from mappings.evidence import Evidence
from mappings.mastery import attainment
from mappings.rules import rule
from mappings.scales import FOUR

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
PieceOfWork = tuple[str, str, float | None, int]


def test_each_cell_is_what_mappings_computes(room: Classroom) -> None:
    room.set_rule("decaying_average", 65)
    room.add_assignment("quiz", "7.A")
    room.add_assignment("essay", "7.A", "7.B", maximum=20.0)
    for student, quiz, essay in (("ana", 9.0, 20.0), ("ben", 4.0, 11.0)):
        room.score(student, "quiz", quiz, days_ago=9)
        room.score(student, "essay", essay, days_ago=2)
    assert room.refresh().cells == 4
    day = datetime(2026, 11, 15, tzinfo=UTC)
    work = [
        Evidence(str(room.work["quiz"]), 0.4, day),
        Evidence(str(room.work["essay"]), 0.55, day + timedelta(days=7)),
    ]
    chosen = rule("decaying_average", 65)
    wanted = attainment("", work, rule=chosen, scale=FOUR, now=day)
    assert room.values()["ben", "7.A"] == wanted.value
    assert room.values() == {
        ("ana", "7.A"): 3.86,
        ("ana", "7.B"): 4.0,
        ("ben", "7.A"): wanted.value,
        ("ben", "7.B"): 2.2,
    }


def test_rule_evidence_count_and_time_are_stored(
    room: Classroom, now: datetime
) -> None:
    room.set_rule("mean_of_last", 3)
    room.add_assignment("quiz", "7.A")
    for days_ago in (9, 5, 1):
        room.score("ana", "quiz", 8.0, days_ago=days_ago)
    room.refresh(now=now)
    names = ("rule", "parameter", "evidence_count", "level_name", "is_mastered")
    assert room.rows(schema.attainment, *names) == [
        ("mean_of_last", 3.0, 3, "Proficient", True)
    ]
    assert room.rows(schema.attainment, "computed_at", "evidence_at") == [
        (now, datetime(2026, 11, 23, tzinfo=UTC))
    ]


def test_refreshing_again_changes_nothing(room: Classroom) -> None:
    room.add_assignment("quiz", "7.A", "7.B")
    room.score("ana", "quiz", 8.0)
    room.switch("ags")
    first, again = room.refresh(), room.refresh()
    assert (first.changed, first.outcomes) == (2, 2)
    assert (again.cells, again.changed, again.outcomes) == (2, 0, 0)
    assert room.count(schema.delivery) == 2


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        ({"given": 8.0, "score_status": "exempt"}, "exempt"),
        ({"given": 0.0, "score_status": "not submitted"}, "not submitted"),
        ({"given": None}, "no score yet"),
        ({"given": 8.0, "status": "ended"}, "taken back by the SIS"),
        (
            {"given": -1.0},
            "score -1.0 of 10.0 is negative; correct it in the gradebook",
        ),
    ],
)
def test_what_is_left_out_says_why(
    room: Classroom, score: dict[str, Any], reason: str
) -> None:
    room.add_assignment("quiz", "7.A")
    room.add_assignment("essay", "7.A")
    room.score("ana", "essay", 9.0)
    room.score("ana", "quiz", **score)
    room.refresh()
    assert room.values() == {("ana", "7.A"): 3.6}
    why = _why(room)
    assert why.attainment.value == 3.6
    assert [
        (piece.score.title, piece.left_out)
        for piece in sorted(why.pieces, key=lambda piece: piece.score.title)
    ] == [("Work essay", None), ("Work quiz", reason)]


def test_a_line_item_without_maximum_says_so(room: Classroom) -> None:
    room.add_assignment("quiz", "7.A", maximum=None)
    room.score("ana", "quiz", 9.0)
    room.refresh()
    assert room.values() == {}
    assert [piece.left_out for piece in _why(room).pieces] == [
        "the line item has no maximum"
    ]


def test_the_reasons_end_in_the_level_that_is_shown(room: Classroom) -> None:
    room.set_rule("certainty")
    for name in ("quiz", "essay", "project"):
        room.add_assignment(name, "7.A")
        room.score("ana", name, 9.0, days_ago=721)
    room.refresh(now=datetime(2026, 11, 24, tzinfo=UTC) - timedelta(days=720))
    assert _why(room).attainment.value == room.values()["ana", "7.A"] == 4.0


def _why(room: Classroom) -> standing.Why:
    with room.database.read() as session:
        return standing.why(
            session,
            room.course_id,
            room.people["ana"],
            room.competencies["7.A"],
            now=datetime(2026, 11, 24, tzinfo=UTC),
        )


def test_a_removed_alignment_withdraws_the_outcome(room: Classroom) -> None:
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.switch("ags")
    room.refresh()
    with room.database.write() as session:
        session.execute(delete(schema.alignment))
    done = room.refresh()
    assert (done.cells, done.changed, done.outcomes) == (0, 1, 1)
    assert room.values() == {}
    assert room.deliveries() == [
        ("ags", "ana", 3.6, "superseded", None),
        ("ags", "ana", None, "pending", None),
    ]


def test_a_level_nothing_speaks_for_is_kept_as_withdrawn_until_something_does(
    room: Classroom, now: datetime
) -> None:
    room.add_assignment("quiz", "7.A")
    score = room.score("ana", "quiz", 9.0)
    room.refresh(now=now)
    room.change(schema.score, score, status="ended")
    later = now + timedelta(hours=1)
    assert room.refresh(now=later).changed == 1
    assert room.refresh(now=later + timedelta(hours=1)).changed == 0
    names = ("value", "level", "is_mastered", "computed_at", "withdrawn_at")
    assert room.rows(schema.attainment, *names) == [(None, None, False, later, later)]
    room.change(schema.score, score, status="active")
    again = later + timedelta(hours=2)
    assert room.refresh(now=again).changed == 1
    assert room.values() == {("ana", "7.A"): 3.6}
    assert room.rows(schema.attainment, "computed_at", "withdrawn_at") == [
        (again, None)
    ]


def test_a_score_taken_back_withdraws_the_outcome(room: Classroom) -> None:
    room.add_assignment("quiz", "7.A")
    score = room.score("ana", "quiz", 9.0)
    room.switch("oneroster")
    room.refresh()
    room.change(schema.score, score, status="ended")
    room.refresh()
    assert room.deliveries()[-1] == ("oneroster", "ana", None, "pending", None)


def test_only_learners_seated_in_the_course_are_told_of(room: Classroom) -> None:
    room.add_assignment("quiz", "7.A")
    for student in ("ana", "ben"):
        room.score(student, "quiz", 9.0)
    seats = room.rows(schema.seat, "id", "person_id")
    left = next(seat for seat, who in seats if who == room.people["ben"])
    room.change(schema.seat, left, status="ended")
    room.switch("ags")
    room.refresh()
    assert [(row[1], row[2]) for row in room.deliveries()] == [("ana", 3.6)]
    assert room.values() == {("ana", "7.A"): 3.6, ("ben", "7.A"): 3.6}


class PowerCutError(Exception):
    """Ends a transaction from outside."""


def test_attainment_and_outcome_are_stored_together_or_not_at_all(
    room: Classroom, now: datetime
) -> None:
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.switch("ags")

    def break_off() -> None:
        with room.database.write() as session:
            assert standing.refresh(session, room.course_id, now=now).outcomes == 1
            raise PowerCutError

    with pytest.raises(PowerCutError):
        break_off()
    assert (room.count(schema.attainment), room.count(schema.delivery)) == (0, 0)


def test_switching_on_tells_all_and_switching_off_lets_nothing_more_out(
    room: Classroom,
) -> None:
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.refresh()
    assert room.deliveries() == []
    assert room.switch("ags") == 1
    assert room.switch("ags", is_on=False) == 0
    assert room.deliveries() == [("ags", "ana", 3.6, "superseded", "switched_off")]
    assert room.switch("ags") == 1


def test_switching_on_again_withdraws_what_nothing_speaks_for(room: Classroom) -> None:
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.refresh()
    room.switch("ags")
    room.change(schema.delivery, 1, state="delivered")
    room.switch("ags", is_on=False)
    with room.database.write() as session:
        session.execute(delete(schema.alignment))
    room.refresh()
    assert room.switch("ags") == 1
    assert room.deliveries()[-1] == ("ags", "ana", None, "pending", None)


GIVEN = st.one_of(st.none(), st.floats(min_value=0, max_value=12, allow_nan=False))
PIECES = st.lists(
    st.tuples(
        st.sampled_from(("ana", "ben", "eva")),
        st.sampled_from(("quiz", "essay")),
        GIVEN,
        st.integers(min_value=0, max_value=40),
    ),
    max_size=8,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=PIECES, then=PIECES, rule_name=st.sampled_from(("certainty", "average")))
def test_refreshing_some_students_leaves_what_refreshing_all_leaves(
    room: Classroom, first: list[PieceOfWork], then: list[PieceOfWork], rule_name: str
) -> None:
    for table in (schema.attainment, schema.score):
        with room.database.write() as session:
            session.execute(delete(table))
    room.set_rule(rule_name)
    if not room.work:
        room.add_assignment("quiz", "7.A")
        room.add_assignment("essay", "7.A", "7.B", weight=2.0)
    for student, name, given_points, days_ago in first:
        room.score(student, name, given_points, days_ago=days_ago)
    room.refresh()
    for student, name, given_points, days_ago in then:
        room.score(student, name, given_points, days_ago=days_ago)
    room.refresh(persons=sorted({student for student, *_rest in then}))
    by_part = room.rows(schema.attainment)
    assert room.refresh().changed == 0
    assert room.rows(schema.attainment) == by_part


def test_two_who_compute_at_once_lose_nothing(room: Classroom) -> None:
    """Each brings a score of its own; the second waits and sees both."""
    room.add_assignment("quiz", "7.A")
    room.set_rule("average")
    room.score("ana", "quiz", 4.0)
    barrier = threading.Barrier(2)

    def bring(points: float) -> None:
        barrier.wait()
        room.score("ana", "quiz", points)
        room.refresh()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(bring, (6.0, 8.0)))
    assert room.values() == {("ana", "7.A"): 2.4}
    assert room.refresh().changed == 0
