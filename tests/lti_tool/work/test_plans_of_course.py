"""The plan of a course: versions, their effect, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from lti_tool.errors import NotFoundError, PlanError
from lti_tool.storage import curriculum, plan_versions, schema
from lti_tool.work import plans_of_course
from lti_tool.work.plan_faults import find_faults
from lti_tool.work.plans_of_course import Difference, Saved
from lti_tool.work.previews import Place

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

DATABASES = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
THREE = [
    {"name": "Not yet", "cut": 0.0, "points": 0.0, "colour": "FDE737"},
    {"name": "Nearly", "cut": 0.4, "points": 1.0, "colour": "7D7C78"},
    {"name": "Got it", "cut": 0.8, "points": 2.0, "colour": "00224E"},
]


def with_scores(room: Classroom) -> Classroom:
    room.add_assignment("quiz", "7.A")
    room.add_assignment("essay", "7.A", "7.B")
    for student, quiz, essay in (("ana", 9.0, 5.0), ("ben", 4.0, 8.0)):
        room.score(student, "quiz", quiz, days_ago=9)
        room.score(student, "essay", essay, days_ago=2)
    room.refresh()
    return room


def save(
    room: Classroom, now: datetime, *, reason: str | None = None, **values: object
) -> Saved:
    with room.database.write() as session:
        return plans_of_course.save(
            session, room.course_id, values, who="person:7", now=now, reason=reason
        )


def restore(room: Classroom, number: int, now: datetime) -> Saved:
    with room.database.write() as session:
        return plans_of_course.restore(
            session, room.course_id, number, who="person:8", now=now
        )


def held(room: Classroom) -> dict[str, Any]:
    with room.database.read() as session:
        return curriculum.load_plan_values(session, room.course_id)


def levels(room: Classroom) -> set[tuple[Any, ...]]:
    names = ("person_id", "competency_id", "value", "level", "level_name", "rule")
    return set(room.rows(schema.attainment, *names, "parameter", "is_mastered"))


@DATABASES
def test_a_change_is_a_version_with_its_effect_and_what_stood_before_is_the_first(
    room: Classroom, now: datetime
) -> None:
    with_scores(room)
    before = held(room)
    saved = save(room, now, rule="highest", parameter=None, reason="fairer")
    assert saved == Saved(2, {"moved": 1, "up": 1, "down": 0})
    with room.database.read() as session:
        second, first = plan_versions.load_versions(session, room.course_id)
        with pytest.raises(NotFoundError, match="has no plan version 9"):
            plan_versions.load_version(session, room.course_id, 9)
    assert (first.number, first.settings, first.made_by) == (1, before, "start")
    assert second == plan_versions.PlanVersion(
        2, held(room), "person:7", now, "fairer", None, saved.effect
    )
    assert room.values()["ana", "7.A"] == 3.6
    assert save(room, now, rule="highest").number is None


@DATABASES
def test_bringing_a_version_back_brings_settings_and_levels_back(
    room: Classroom, now: datetime
) -> None:
    with_scores(room)
    competency = str(room.competencies["7.A"])
    own = {"rule": "mean_of_last", "parameter": 2.0, "minimum_pieces": 2}
    save(room, now, rules={competency: own}, minimum_pieces=1, counts=["score"])
    stood, shown = held(room), levels(room)
    assert stood["rules"] == {competency: own}
    changed = save(room, now, scale=THREE, mastery_cut=0.8, rules={}, rule="n_mastery")
    assert changed.number == 3
    assert held(room)["parameter"] == 3.0
    back = restore(room, 2, now)
    assert (back.number, held(room), levels(room)) == (4, stood, shown)
    with room.database.read() as session:
        newest, *_ = plan_versions.load_versions(session, room.course_id)
    assert (newest.restores, newest.made_by) == (2, "person:8")


Chosen = dict[str, Any]
PLANS = st.builds(
    lambda rule, scale: {**rule, **scale},
    st.sampled_from(
        [
            {"rule": "highest", "parameter": None},
            {"rule": "average", "parameter": None},
            {"rule": "n_mastery", "parameter": 2.0},
            {"rule": "decaying_average", "parameter": 65.0},
            {"rule": "certainty", "parameter": 180.0},
        ]
    ),
    st.sampled_from(
        [
            {"scale": None, "mastery_cut": None},
            {"scale": THREE, "mastery_cut": 0.4},
            {"scale": THREE, "mastery_cut": 0.8},
        ]
    ),
)


@SQLITE
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=PLANS, then=PLANS)
def test_setting_a_then_b_and_undoing_leaves_the_levels_of_a(
    room: Classroom, now: datetime, first: Chosen, then: Chosen
) -> None:
    if not room.work:
        with_scores(room)
    with room.database.write() as session:
        session.execute(delete(schema.plan_version))
    room.set_rule("latest")
    room.change(schema.course, room.course_id, scale=None, mastery_cut=None)
    number = save(room, now, **first).number
    stood, shown = held(room), levels(room)
    save(room, now, **then)
    restore(room, number or 0, now)
    assert (held(room), levels(room)) == (stood, shown)


@DATABASES
def test_a_preview_says_who_would_move_and_keeps_nothing(
    room: Classroom, now: datetime
) -> None:
    with_scores(room)
    before = (held(room), levels(room), room.count(schema.plan_version))
    with room.database.write() as session:
        moves = plans_of_course.preview(
            session, room.course_id, {"rule": "highest", "parameter": None}, now=now
        )
    told = [(one.person_id, one.competency_id, one.before, one.after) for one in moves]
    ana, first = room.people["ana"], room.competencies["7.A"]
    assert told == [
        (ana, first, Place(1, "Developing", 2.0), Place(3, "Advanced", 3.6))
    ]
    assert (held(room), levels(room), room.count(schema.plan_version)) == before


@SQLITE
def test_what_makes_no_plan_is_refused_whole_and_every_fault_is_named(
    room: Classroom, now: datetime
) -> None:
    with_scores(room)
    before = (held(room), levels(room))
    with pytest.raises(PlanError) as caught:
        save(room, now, rule="highest", parameter=4.0, counts=[], framework_id=99)
    assert str(caught.value) == (
        "parameter: This rule takes no number. Leave it empty. "
        "counts: Tick at least one kind of evidence beside self-assessment, which "
        "never counts by itself. "
        "framework_id: That framework is not here any more. Choose another."
    )
    rules = {"999": {"rule": "latest", "parameter": None, "minimum_pieces": None}}
    with pytest.raises(PlanError, match=r"rules\.999\.competency: That competency"):
        save(room, now, rules=rules)
    assert (held(room), levels(room)) == before


FITTING: dict[str, Any] = {
    "framework_id": 1,
    "rule": "latest",
    "parameter": None,
    "scale": None,
    "mastery_cut": None,
    "evidence_order": "submitted",
    "minimum_pieces": 1,
    "counts": None,
    "successor_share": 0.0,
    "rules": {},
}


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({}, []),
        ({"scale": THREE, "mastery_cut": 0.8}, []),
        ({"rule": "best"}, ["rule"]),
        ({"rule": "n_mastery", "parameter": 11.0}, ["parameter"]),
        ({"rule": "n_mastery", "parameter": 2.5}, ["parameter"]),
        ({"rule": "n_mastery", "parameter": float("nan")}, ["parameter"]),
        ({"evidence_order": "title"}, ["evidence_order"]),
        ({"minimum_pieces": 0}, ["minimum_pieces"]),
        ({"minimum_pieces": None}, ["minimum_pieces"]),
        ({"counts": ["self"]}, ["counts"]),
        ({"successor_share": float("inf")}, ["successor_share"]),
        ({"successor_share": 1.5}, ["successor_share"]),
        ({"mastery_cut": 0.0}, ["mastery_cut"]),
        ({"mastery_cut": 1.2}, ["mastery_cut"]),
        ({"scale": THREE[:1], "mastery_cut": 0.8}, ["scale"]),
        ({"scale": THREE}, ["mastery_cut"]),
        (
            {"scale": [THREE[0], {**THREE[1], "cut": 1.3}], "mastery_cut": 1.3},
            ["scale.1.cut"],
        ),
        (
            {"scale": [{**THREE[0], "cut": 0.1}, THREE[2]], "mastery_cut": 0.8},
            ["scale.0.cut"],
        ),
        (
            {"scale": [THREE[0], {**THREE[2], "name": "not YET"}], "mastery_cut": 0.8},
            ["scale.1.name"],
        ),
        (
            {"scale": [THREE[0], {**THREE[2], "name": " "}], "mastery_cut": 0.8},
            ["scale.1.name"],
        ),
        (
            {"scale": [THREE[2], {**THREE[0], "cut": 1.0}], "mastery_cut": 1.0},
            ["scale.0.cut", "scale.1.points", "scale.1.points"],
        ),
        (
            {
                "scale": [THREE[0], {**THREE[2], "points": float("nan")}],
                "mastery_cut": 0.8,
            },
            ["scale.1.points"],
        ),
        (
            {"rules": {"3": {"rule": "bkt", "parameter": 3.0, "minimum_pieces": 99}}},
            ["rules.3.parameter", "rules.3.minimum_pieces"],
        ),
    ],
)
def test_each_fault_names_its_field(
    values: Mapping[str, Any], fields: list[str]
) -> None:
    assert [one.field for one in find_faults({**FITTING, **values})] == fields


def test_differences_are_told_setting_by_setting() -> None:
    own = {"rule": "bkt", "parameter": 95.0, "minimum_pieces": None}
    after = {**FITTING, "rule": "highest", "rules": {"3": own}}
    assert plans_of_course.differences(FITTING, FITTING) == []
    assert plans_of_course.differences(FITTING, after) == [
        Difference("rule", "latest", "highest"),
        Difference("rules", None, own, 3),
    ]


@SQLITE
def test_a_new_framework_lets_the_rules_of_the_old_one_go(
    room: Classroom, now: datetime
) -> None:
    own = {"rule": "highest", "parameter": None, "minimum_pieces": None}
    save(room, now, rules={str(room.competencies["7.A"]): own})
    other = room.insert(
        schema.framework,
        case_id="fw2",
        title="Another",
        creator="test",
        payload={},
        package={},
        fingerprint="f",
        imported_at=now - timedelta(days=1),
    )
    save(room, now, framework_id=other)
    assert (held(room)["framework_id"], held(room)["rules"]) == (other, {})
    restore(room, 2, now)
    assert held(room)["rules"] == {str(room.competencies["7.A"]): own}
