"""Levels that teachers set: what stands, until when, and what the rule would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.errors import NotFoundError
from lti_tool.storage import schema
from lti_tool.work import reasons, standing, teacher_levels
from lti_tool.work.standing import Why
from lti_tool.work.teacher_levels import NewLevel
from mappings.errors import EvidenceError, ScaleError
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
TEACHER = "person:900"
LATER = NOON + timedelta(hours=1)


def new(room: Classroom, **said: Any) -> NewLevel:  # noqa: ANN401 -- fields of any kind
    usual = NewLevel(
        room.course_id,
        room.people["ana"],
        room.competencies["7.A"],
        level=3,
        reason="Explained it to Ben",
        lasts="evidence",
    )
    return replace(usual, **said)


def set_level(room: Classroom, *, now: datetime = NOON, **said: Any) -> int:  # noqa: ANN401 -- fields of any kind
    with room.database.write() as session:
        return teacher_levels.set_level(
            session, new(room, **said), who=TEACHER, now=now
        )


def why(room: Classroom) -> Why:
    with room.database.read() as session:
        return standing.why(
            session,
            room.course_id,
            room.people["ana"],
            room.competencies["7.A"],
            now=LATER,
        )


def ends(room: Classroom) -> list[tuple[int, str | None, str | None]]:
    return room.rows(schema.teacher_level, "level", "ended_why", "ended_by")


@pytest.fixture
def taught(room: Classroom) -> Classroom:
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 6.0, days_ago=3)
    room.switch("ags")
    room.refresh()
    return room


def test_a_teachers_level_stands_and_the_rule_only_suggests(taught: Classroom) -> None:
    made = set_level(taught)
    assert taught.rows(
        schema.attainment, "value", "level", "is_mastered", "rule", "teacher_level_id"
    ) == [(4.0, 3, True, "latest", made)]
    assert taught.deliveries()[-1] == ("ags", "ana", 4.0, "pending", None)
    told = why(taught)
    assert (told.level, told.suggested) == (
        told.scale.levels[3],
        told.scale.levels[1],
    )
    assert (told.attainment.value, told.is_news) == (2.4, False)
    # Its own level is left as it is by a refresh, and evidence was not touched.
    assert taught.refresh(now=LATER).changed == 0
    assert taught.rows(schema.score, "given") == [(6.0,)]
    assert taught.rows(schema.change, "who", "what")[-1] == (
        TEACHER,
        "level set by teacher",
    )


@pytest.mark.parametrize(
    ("lasts", "value", "end"),
    [
        ("evidence", 3.6, ("evidence", "evidence")),
        ("removed", 4.0, (None, None)),
    ],
)
def test_new_evidence_ends_a_level_that_lasts_until_then(
    taught: Classroom, lasts: str, value: float, end: tuple[str | None, str | None]
) -> None:
    set_level(taught, lasts=lasts)
    taught.score("ana", "quiz", 9.0, days_ago=0, modified_at=LATER)
    if lasts == "removed":
        assert why(taught).is_news
    taught.refresh(now=LATER)
    assert taught.values() == {("ana", "7.A"): value}
    assert ends(taught) == [(3, *end)]


def test_one_more_piece_is_new_evidence_though_nobody_says_when_it_came(
    taught: Classroom,
) -> None:
    set_level(taught)
    taught.score("ana", "quiz", 9.0, days_ago=30)
    taught.refresh(now=LATER)
    assert ends(taught) == [(3, "evidence", "evidence")]
    assert taught.values() == {("ana", "7.A"): 2.4}


def test_a_level_may_be_set_where_there_is_no_evidence_yet(room: Classroom) -> None:
    made = set_level(room, level=1)
    assert room.values() == {("ana", "7.A"): 2.0}
    assert why(room).suggested is None
    with room.database.write() as session:
        teacher_levels.remove_level(session, made, who=TEACHER, now=LATER)
    assert room.values() == {}
    assert ends(room) == [(1, "removed", TEACHER)]
    with (
        room.database.write() as session,
        pytest.raises(EvidenceError, match="has ended already; nothing was changed"),
    ):
        teacher_levels.remove_level(session, made, who=TEACHER, now=LATER)


def test_undo_brings_back_what_stood_before(taught: Classroom) -> None:
    set_level(taught, level=2)
    second = set_level(taught, level=0, now=LATER)
    assert ends(taught) == [(2, "replaced", TEACHER), (0, None, None)]
    with taught.database.write() as session:
        teacher_levels.undo_level(session, second, who=TEACHER, now=LATER)
    assert taught.values() == {("ana", "7.A"): 3.0}
    assert ends(taught) == [(2, None, None), (0, "removed", TEACHER)]


def test_a_level_goes_by_its_name_when_the_scale_is_changed(taught: Classroom) -> None:
    set_level(taught, level=2)
    levels = [
        {"name": "Not yet", "cut": 0.0, "points": 0.0},
        {"name": "Proficient", "cut": 0.75, "points": 1.0},
    ]
    taught.change(schema.course, taught.course_id, scale=levels)
    taught.refresh()
    assert taught.rows(schema.attainment, "value", "level_name", "level") == [
        (1.0, "Proficient", 1)
    ]


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ({"reason": " "}, EvidenceError, "needs a reason of 1 to 2000 letters"),
        ({"lasts": "ever"}, EvidenceError, "give one of evidence, removed"),
        ({"level": 4}, ScaleError, "the scale has no level 4; give 0 to 3"),
        ({"level": -1}, ScaleError, "the scale has no level -1"),
        ({"competency_id": 999}, NotFoundError, "has no competency 999"),
        ({"person_id": 999}, NotFoundError, "student 999 does not learn"),
        ({"course_id": 999}, NotFoundError, "course 999 has no competency"),
    ],
)
def test_a_level_that_cannot_stand_is_refused_whole(
    room: Classroom, said: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        set_level(room, **said)
    assert (room.count(schema.teacher_level), room.values()) == (0, {})


def test_words_and_data_say_who_set_a_level_and_what_the_rule_would(
    taught: Classroom,
) -> None:
    set_level(taught)
    told = why(taught)
    data, words = reasons.document(told), reasons.lines(told)
    assert (data["level"], data["value"]) == ("Advanced", 4.0)
    assert data["by_rule"] == {"value": 2.4, "level": "Developing"}
    assert data["by_teacher"] == {
        "level": "Advanced",
        "reason": "Explained it to Ben",
        "lasts": "evidence",
        "who": TEACHER,
        "at": NOON.isoformat(),
        "new_evidence_since": False,
    }
    assert words[:3] == [
        "Advanced, set by person:900 on 2026-11-24 until new evidence",
        "  because: Explained it to Ben",
        "Developing by latest",
    ]
