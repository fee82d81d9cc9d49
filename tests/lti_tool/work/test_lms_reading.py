"""An LMS is a source: what teachers graded there is evidence, read once, whole."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from lti_tool.errors import ConfigError, DeliveryError
from lti_tool.platforms.gradebook import LmsPart, LmsWork
from lti_tool.storage import cursors, lms_readings, schema, sources, twins
from lti_tool.storage.database import Database, rows
from lti_tool.work import lms_reading, merging, roster, settling, standing
from lti_tool.work.merging import Move
from tests.lti_tool.work.conftest import make_classroom
from tests.lti_tool.work.lms_books import NOON, QUIZ, Read, add_user, make_read

if TYPE_CHECKING:
    from lti_tool.work.scores import Piece
    from tests.lti_tool.work.conftest import Classroom

both = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
TABLES = (
    schema.source,
    schema.assignment,
    schema.score,
    schema.alignment,
    schema.attainment,
)


@pytest.fixture
def read(room: Classroom) -> Read:
    return make_read(room)


def _stand(room: Classroom) -> dict[str, list[dict[str, Any]]]:
    with room.database.read() as session:
        return {
            table.name: rows(session, select(table).order_by(table.c.id))
            for table in TABLES
        }


def _why(room: Classroom, student: str = "ana", code: str = "7.A") -> list[Piece]:
    with room.database.read() as session:
        found = standing.why(
            session,
            room.course_id,
            room.people[student],
            room.competencies[code],
            now=NOON,
        )
    assert found is not None
    return list(found.pieces)


@both
def test_grades_of_an_lms_are_evidence_with_their_source_and_moment(
    read: Read, room: Classroom
) -> None:
    read.book.grade("lms-ana", 8.0, days_ago=2.25)
    read.book.grade("lms-ben", 5.0)
    first = read()
    assert (first.works, first.scores, first.added, first.unknown) == (1, 2, 2, 0)
    read.align("Fractions quiz", "7.A")
    room.refresh()
    assert room.values() == {("ana", "7.A"): 3.2, ("ben", "7.A"): 2.0}
    (piece,) = _why(room)
    assert (piece.score.source, piece.score.title) == ("Moodle", "Fractions quiz")
    assert piece.evidence is not None
    assert piece.evidence.at == NOON - timedelta(days=2.25)
    assert piece.score.scored_on == date(2026, 11, 22)


@both
def test_a_grade_that_changes_moves_its_level_in_the_same_reading(
    read: Read, room: Classroom
) -> None:
    read.book.grade("lms-ana", 8.0)
    read()
    read.align("Fractions quiz", "7.A")
    room.refresh()
    read.book.grade("lms-ana", 10.0, days_ago=0)
    again = read()
    assert (again.added, again.changed) == (0, 1)
    assert room.values() == {("ana", "7.A"): 4.0}


@both
def test_reading_twice_changes_nothing_more(read: Read, room: Classroom) -> None:
    read.book.grade("lms-ana", 8.0, flags=frozenset({"late"}), comment="Well done")
    read.book.put(LmsWork("9", "Essay", maximum=4.0, category="Homework"))
    read.book.grade("lms-ben", 3.0, work="9")
    read()
    read.align("Essay", "7.A")
    room.refresh()
    before = _stand(room)
    read.now += timedelta(hours=1)
    again = read()
    assert (again.added, again.changed, again.ended) == (0, 0, 0)
    assert _stand(room) == before


@both
def test_a_reading_that_breaks_off_changes_nothing_and_says_why(
    read: Read, room: Classroom
) -> None:
    read.book.grade("lms-ana", 8.0)
    read()
    before = _stand(room)
    read.book.put(LmsWork("9", "Essay", maximum=4.0))
    read.book.grade("lms-ana", 2.0, days_ago=0)
    read.book.grade("lms-ben", 2.0)
    read.book.breaks_at = 1
    with pytest.raises(DeliveryError):
        read()
    assert _stand(room) == before
    state = read.state()
    assert (state.status, state.code) == ("failed", "refused")
    assert state.fault == "it answered 403 (No access)"
    assert state.cursor_at == NOON


def test_changes_alone_are_asked_for_until_a_day_has_gone(
    read: Read, room: Classroom
) -> None:
    read.book.is_whole = False
    read.book.grade("lms-ana", 8.0)
    read()
    read.now += timedelta(hours=6)
    read()
    read.now += timedelta(hours=20)
    read()
    read(is_whole=True)
    assert read.book.asked == [None, NOON - timedelta(minutes=10), None, None]
    assert room.count(schema.score) == 1


def test_only_a_whole_reading_takes_absence_for_taken_back(
    read: Read, room: Classroom
) -> None:
    read.book.is_whole = False
    read.book.grade("lms-ana", 8.0)
    read.book.grade("lms-ben", 8.0)
    read()
    read.align("Fractions quiz", "7.A")
    room.refresh()
    del read.book.said["41", "lms-ana"]
    read.now += timedelta(hours=6)
    assert read().ended == 0
    assert read(is_whole=True).ended == 1
    assert room.values() == {("ben", "7.A"): 3.2}
    (piece,) = _why(room)
    assert piece.left_out == "taken back in Moodle"
    read.book.grade("lms-ana", 9.0)
    assert read(is_whole=True).added == 1
    assert room.values()["ana", "7.A"] == 3.6


def test_who_has_left_the_course_keeps_what_she_had(
    read: Read, room: Classroom
) -> None:
    read.book.grade("lms-ana", 8.0)
    read.book.grade("lms-ben", 8.0)
    read()
    with room.database.write() as session:
        mine = schema.seat.c.person_id == room.people["ana"]
        session.execute(update(schema.seat).where(mine).values(status="ended"))
    del read.book.said["41", "lms-ana"]
    assert read().ended == 0
    del read.book.said["41", "lms-ben"]
    assert read().ended == 1


def test_work_that_is_gone_ends_and_comes_back(read: Read, room: Classroom) -> None:
    read.book.grade("lms-ana", 8.0)
    read.book.put(LmsWork("9", "Essay", maximum=4.0))
    read()
    read.align("Fractions quiz", "7.A")
    room.refresh()
    del read.book.shown["41"]
    read()
    assert room.values() == {}
    read.book.put(QUIZ)
    read()
    assert room.values() == {("ana", "7.A"): 3.2}


def test_no_night_ends_all_of_a_course_unseen(read: Read, room: Classroom) -> None:
    read.book.grade("lms-ana", 8.0)
    read()
    before = _stand(room)
    read.book.shown.clear()
    with pytest.raises(DeliveryError, match="shows no assignments any more"):
        read()
    assert read.state().code == "emptied"
    assert _stand(room) == before
    assert read(who="person:1").works == 0


def test_a_user_nobody_knows_waits_until_she_is_known(
    read: Read, room: Classroom
) -> None:
    read.book.grade("lms-zoe", 8.0)
    assert read().unknown == 1
    read.align("Fractions quiz", "7.A")
    room.refresh()
    assert room.values() == {}
    room.people["zoe"] = room.people["eva"]
    add_user(room, read.registration_id, "zoe")
    assert read().unknown == 0
    with room.database.read() as session:
        found = session.scalars(select(schema.attainment.c.person_id)).all()
    assert found == [room.people["eva"]]


def test_a_platform_may_know_students_by_its_own_numbers(
    read: Read, room: Classroom
) -> None:
    read.book.grade(str(1000 + room.people["ana"]), 8.0)
    assert read().unknown == 0
    assert room.rows(schema.score, "person_id") == [(room.people["ana"],)]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"given": None}, "no score yet"),
        ({"given": 8.0, "is_excused": True}, "exempt"),
        ({"given": 0.0, "flags": frozenset({"missing"})}, "missing: not handed in"),
        ({"given": 8.0, "flags": frozenset({"late"})}, None),
    ],
)
def test_what_a_grade_is_not_evidence_for_is_told_as_of_a_sis(
    read: Read, room: Classroom, more: dict[str, Any], reason: str | None
) -> None:
    read.book.grade("lms-ana", **more)
    read()
    read.align("Fractions quiz", "7.A")
    room.refresh()
    assert [one.left_out for one in _why(room)] == [reason]


def test_rows_of_a_rubric_speak_by_themselves(read: Read, room: Classroom) -> None:
    rows_of = (LmsPart("row:1", "Argument", 4.0), LmsPart("row:2", "Style", 4.0))
    read.book.put(replace(QUIZ, parts=rows_of))
    read.book.grade("lms-ana", 7.0, parts={"row:1": (4.0, 4.0), "row:2": (3.0, 4.0)})
    read()
    read.align("Fractions quiz", "7.B", part="row:2")
    room.refresh()
    assert room.values() == {("ana", "7.B"): 3.0}


def test_a_column_of_ours_under_an_unknown_number_is_never_read_back(
    read: Read, room: Classroom
) -> None:
    room.insert(
        schema.line_item,
        destination="ags",
        placement_id=read.placement_id,
        course_id=room.course_id,
        competency_id=room.competencies["7.A"],
        resource_id="masterybridge/1/guid-7.A",
        address="https://moodle.school/lineitems/5/lineitem?type_id=3",
        maximum=4.0,
        created_at=NOON,
    )
    read.book.put(LmsWork("77", "7.A", maximum=4.0))
    read.book.grade("lms-ana", 4.0, work="77")
    found = read()
    assert (found.ours, found.works, found.scores) == (1, 1, 0)


@pytest.mark.parametrize(
    ("table", "values", "words"),
    [
        ("registration", {"is_read": False}, "an administrator lets them be"),
        ("registration", {"outcomes_token": None}, "no address or no token"),
        ("registration", {"status": "disabled"}, "is disabled"),
        ("placement", {"course_id": None}, "leads to no course"),
    ],
)
def test_nothing_is_read_that_nobody_let_be_read(
    read: Read, room: Classroom, table: str, values: dict[str, Any], words: str
) -> None:
    room.change(schema.metadata.tables[table], 1, **values)
    with pytest.raises(ConfigError, match=words):
        read()
    assert room.count(schema.score) == 0


def test_an_order_that_cannot_be_carried_out_does_not_wait_for_ever(
    read: Read, room: Classroom
) -> None:
    with room.database.write() as session:
        assert lms_readings.order(session, read.placement_id, who="person:1", now=NOON)
    room.change(schema.registration, read.registration_id, status="disabled")
    with pytest.raises(ConfigError, match="is disabled"):
        lms_reading.read_ordered(
            room.database, read.connect, read.placement_id, lambda: NOON
        )
    assert (read.state().status, read.state().code) == ("failed", "config")
    with room.database.read() as session:
        assert lms_readings.load_ordered(session, now=NOON) == []


def test_a_course_that_is_switched_off_is_left(read: Read, room: Classroom) -> None:
    with room.database.write() as session:
        lms_readings.switch(
            session, read.placement_id, is_on=False, who="person:1", now=NOON
        )
    with pytest.raises(ConfigError, match="switched off in this course"):
        read()
    with room.database.read() as session:
        long_ago = NOON - timedelta(days=60)
        assert lms_readings.load_due(session, launched_after=long_ago) == []


def test_a_course_is_read_by_one_worker_at_a_time(read: Read, room: Classroom) -> None:
    with room.database.write() as session:
        assert lms_readings.begin(session, read.placement_id, who="a", now=NOON)
        later = NOON + timedelta(minutes=29)
        assert not lms_readings.begin(session, read.placement_id, who="b", now=later)
        dead = NOON + timedelta(minutes=31)
        assert lms_readings.begin(session, read.placement_id, who="b", now=dead)


@both
def test_a_platform_that_is_read_is_none_of_the_sources_of_a_sis(
    read: Read, room: Classroom
) -> None:
    read.book.grade("lms-ana", 8.0)
    read()
    with room.database.read() as session:
        assert [one["name"] for one in sources.load_sources(session)] == ["sis"]
        assert [one["name"] for one in cursors.load_timely(session, NOON)] == ["sis"]
        with pytest.raises(Exception, match="no source is named"):
            sources.load_source(session, "Moodle")


# --- twins --------------------------------------------------------------------------


def _sis_quiz(room: Classroom, title: str = "Fractions  QUIZ", **more: Any) -> int:  # noqa: ANN401 -- columns of any kind
    work = room.add_assignment("quiz")
    room.change(schema.assignment, work, title=title, **more)
    room.align("quiz", "7.A")
    return work


@both
def test_the_same_score_of_both_counts_once_as_the_one_of_the_sis(
    read: Read, room: Classroom
) -> None:
    _sis_quiz(room)
    room.score("ana", "quiz", 8.0)
    read.book.grade("lms-ana", 8.0)
    read.book.grade("lms-ben", 6.0)
    assert read().twins == 1
    room.refresh()
    assert room.values() == {("ana", "7.A"): 3.2, ("ben", "7.A"): 2.4}
    assert room.rows(schema.attainment, "evidence_count") == [(1,), (1,)]
    sis, lms = sorted(_why(room), key=lambda one: one.score.is_lms)
    assert [str(note) for note in sis.notes] == ["also in Moodle"]
    assert lms.left_out == "the same score stands in sis, and counts there"


@both
@pytest.mark.parametrize(
    ("recorded", "value", "reasons"),
    [
        (0.5, 3.2, [None, "sis has a later score of the same work"]),
        (2.0, 2.0, ["Moodle has a later score of the same work", None]),
    ],
)
def test_of_two_that_differ_the_one_recorded_later_counts(
    read: Read,
    room: Classroom,
    recorded: float,
    value: float,
    reasons: list[str | None],
) -> None:
    _sis_quiz(room)
    at = NOON - timedelta(days=recorded)
    room.score("ana", "quiz", 8.0, modified_at=at)
    read.book.grade("lms-ana", 5.0, days_ago=1)
    read()
    room.refresh()
    assert room.values() == {("ana", "7.A"): value}
    told = sorted(_why(room), key=lambda one: one.score.is_lms)
    assert [one.left_out for one in told] == reasons


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        ({"maximum": 20.0}, {}),
        ({"title": "Fractions test"}, {}),
        ({"due_at": NOON}, {"due_at": NOON + timedelta(days=3)}),
    ],
)
def test_what_may_be_something_else_is_not_joined(
    read: Read, room: Classroom, theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    _sis_quiz(room, **{"title": "Fractions quiz", **theirs})
    read.book.put(replace(QUIZ, **mine))
    assert read().twins == 0


def test_of_two_alike_neither_is_joined_but_the_one_the_lms_names(
    read: Read, room: Classroom
) -> None:
    _sis_quiz(room)
    read.book.put(replace(QUIZ, number="42"))
    assert read().twins == 0
    read.book.put(replace(QUIZ, number="42", maximum=5.0, sis_sourced_id="quiz"))
    room.score("ana", "quiz", 8.0, days_ago=3)
    read.book.grade("lms-ana", 4.0, work="42")
    read.book.grade("lms-ben", 5.0, work="42")
    assert read().twins == 1
    room.refresh()
    assert room.values() == {("ana", "7.A"): 3.2, ("ben", "7.A"): 4.0}
    assert _why(room, "ben")[0].maximum == 5.0


@both
def test_a_person_says_what_is_the_same_and_takes_it_back(
    read: Read, room: Classroom
) -> None:
    work = _sis_quiz(room, title="Quiz 3")
    room.score("ana", "quiz", 8.0)
    read.book.grade("lms-ana", 8.0)
    read()
    mine = read.align("Fractions quiz", "7.B")
    lms = read.work("Fractions quiz")
    with room.database.write() as session:
        pair = (lms, work)
        twins.say_same(session, room.course_id, pair, who="person:1", now=NOON)
        standing.refresh(session, room.course_id, now=NOON)
    counts = room.rows(schema.attainment, "competency_id", "evidence_count")
    assert [count for _one, count in counts] == [1, 1]
    assert mine not in [one for (one,) in room.rows(schema.alignment, "id")]
    with room.database.write() as session:
        twins.say_other(session, room.course_id, lms, who="person:1", now=NOON)
        standing.refresh(session, room.course_id, now=NOON)
    counts = room.rows(schema.attainment, "competency_id", "evidence_count")
    assert [count for _one, count in counts] == [2, 2]
    read()
    assert read.state().found is not None
    assert room.rows(schema.assignment, "twin_id", "twin_by")[1] == (None, "person:1")


@both
def test_the_lms_speaks_alone_again_when_the_line_item_of_the_sis_ends(
    read: Read, room: Classroom
) -> None:
    work = _sis_quiz(room)
    read.book.grade("lms-ana", 8.0)
    read()
    room.change(schema.assignment, work, status="ended")
    with room.database.write() as session:
        assert twins.settle(session, room.course_id, now=NOON)
        standing.refresh(session, room.course_id, now=NOON)
    assert room.values() == {("ana", "7.A"): 3.2}


Drawn = tuple[str, float | None, int]
_SCORE = st.tuples(
    st.sampled_from(["ana", "ben", "eva"]),
    st.sampled_from([None, 2.0, 5.0, 8.0, 10.0]),
    st.integers(0, 6),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    sis=st.lists(_SCORE, max_size=5),
    lms=st.lists(_SCORE, max_size=6, unique_by=lambda one: one[0]),
    later=st.lists(_SCORE, max_size=3, unique_by=lambda one: one[0]),
    turned=st.randoms(use_true_random=False),
)
def test_twins_never_double_evidence_and_any_order_of_pages_is_the_same(
    database: Database,
    sis: list[Drawn],
    lms: list[Drawn],
    later: list[Drawn],
    turned: random.Random,
) -> None:
    _empty(database)
    room = make_classroom(database)
    read = make_read(room)
    _sis_quiz(room)
    for student, score, days_ago in sis:
        at = NOON - timedelta(days=days_ago, hours=1)
        room.score(student, "quiz", score, days_ago=days_ago, modified_at=at)
    read.book.grade("lms-ana", 1.0, days_ago=20)
    read()
    room.refresh()
    for some in (lms, later):
        for student, score, days_ago in some:
            read.book.grade(f"lms-{student}", score, days_ago=days_ago)
        pages = list(read.book.said.items())
        turned.shuffle(pages)
        read.book.said = dict(pages)
        read()
    step_by_step = _levels(room)
    with database.write() as session:
        session.execute(delete(schema.attainment))
    room.refresh()
    whole = _levels(room)
    assert sorted(step_by_step) == sorted(whole)
    for student in ("ana", "ben", "eva"):
        counted = [one for one in _pieces(room, student) if one.evidence is not None]
        assert len({one.score.source for one in counted}) <= 1
        told = [one[3] for one in whole if one[0] == room.people[student]]
        assert told == [len(counted)] * bool(counted)


def _levels(room: Classroom) -> list[tuple[Any, ...]]:
    """The levels that stand: person, competency, value, how much evidence."""
    names = ("person_id", "competency_id", "value", "evidence_count", "withdrawn_at")
    found = room.rows(schema.attainment, *names)
    return [row[:4] for row in found if row[4] is None]


def _pieces(room: Classroom, student: str) -> list[Piece]:
    with room.database.read() as session:
        held = session.scalar(
            select(func.count()).where(schema.score.c.person_id == room.people[student])
        )
    return _why(room, student) if held else []


def _empty(database: Database) -> None:
    with database.write() as session:
        for table in reversed(schema.metadata.sorted_tables):
            for column in ("twin_id",):
                if column in table.c:
                    session.execute(update(table).values({column: None}))
            session.execute(delete(table))


# --- beside syncs and links ---------------------------------------------------------


@both
def test_a_sync_touches_nothing_an_lms_told_but_joins_what_it_brings(
    read: Read, room: Classroom
) -> None:
    read.book.grade("lms-ana", 8.0)
    read.book.put(LmsWork("9", "Essay", maximum=4.0))
    read()
    with room.database.read() as session:
        lms = select(schema.source.c.id).where(schema.source.c.kind == "lms")
        mine = schema.score.c.source_id == lms.scalar_subquery()
        scores = rows(session, select(schema.score).where(mine))
    _sis_quiz(room)
    with room.database.write() as session:
        settling.settle(session, room.source_id, now=NOON)
    roster.refresh_stale(room.database, lambda: NOON)
    assert room.values() == {("ana", "7.A"): 3.2}
    with room.database.read() as session:
        after = rows(session, select(schema.score).where(mine))
    same = ("given", "status", "source_id", "sourced_id", "fingerprint")
    assert [[one[name] for name in same] for one in after] == [
        [one[name] for name in same] for one in scores
    ]
    assert read().twins == 1


@both
def test_scores_go_with_the_account_they_are_of(read: Read, room: Classroom) -> None:
    read.book.grade("lms-ana", 8.0)
    read()
    read.align("Fractions quiz", "7.A")
    room.refresh()
    ana, ben = room.people["ana"], room.people["ben"]
    account = room.rows(schema.lms_user, "id", "subject")[0]
    assert account[1] == "lms-ana"
    with room.database.write() as session:
        merging.move(session, [Move("lms", account[0], ana, ben)], now=NOON)
    roster.refresh_stale(room.database, lambda: NOON)
    assert room.values() == {("ben", "7.A"): 3.2}
    again = read()
    assert (again.added, again.changed, again.ended) == (0, 0, 0)
