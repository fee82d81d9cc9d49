"""By what students' records are judged: foreseen, set, and brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.errors import NotFoundError, PlanError
from lti_tool.storage import schema
from lti_tool.work import recomputing, record_rules
from lti_tool.work.previews import Place
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
HIGHEST = {"rule": "highest"}


@pytest.fixture
def filled(room: Classroom) -> Classroom:
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.score("ben", "quiz", 5.0)
    room.refresh()
    return room


def records(room: Classroom) -> list[tuple[Any, ...]]:
    names = ("person_id", "competency_id", "value", "level_name", "rule", "parameter")
    return sorted(room.rows(schema.record, *names))


def test_a_rule_is_foreseen_set_and_undone_exactly(filled: Classroom) -> None:
    before = records(filled)
    with filled.database.read() as session:
        found = record_rules.preview(session, 1, HIGHEST, now=NOON)
        some = record_rules.preview(session, 1, HIGHEST, now=NOON, most=1)
    assert (found.looked_at, found.students) == (2, 2)
    assert (some.looked_at, some.students, some.moves) == (1, 2, found.moves[:1])
    told = [(one.person_id, one.before, one.after) for one in found.moves]
    assert told == [
        (
            filled.people["ana"],
            Place(1, "Developing", 2.0),
            Place(3, "Advanced", 3.6),
        ),
        (
            filled.people["ben"],
            Place(0, "Beginning", 1.0),
            Place(1, "Developing", 2.0),
        ),
    ]
    assert (records(filled), filled.count(schema.record_rule)) == (before, 0)

    with filled.database.write() as session:
        saved = record_rules.save(session, 1, HIGHEST, who="cli", now=NOON, reason="r")
        again = record_rules.save(session, 1, HIGHEST, who="cli", now=NOON)
    assert (saved, again) == (2, None)
    assert recomputing.carry_out(filled.database, lambda: NOON) == 2
    assert [row[2:] for row in records(filled)] == [
        (3.6, "Advanced", "highest", None),
        (2.0, "Developing", "highest", None),
    ]

    with filled.database.write() as session:
        back = record_rules.restore(session, 1, 1, who="person:7", now=NOON)
        newest, set_, first = record_rules.load_versions(session, 1)
        with pytest.raises(NotFoundError, match="has no record version 9"):
            record_rules.restore(session, 1, 9, who="cli", now=NOON)
    assert back == 3
    assert (newest.settings, newest.restores, newest.made_by) == (
        first.settings,
        1,
        "person:7",
    )
    assert (set_.settings["rule"], set_.reason, first.made_by) == (
        "highest",
        "r",
        "start",
    )
    recomputing.carry_out(filled.database, lambda: NOON)
    assert records(filled) == before


def test_what_judges_nothing_is_refused_and_nothing_is_kept(
    filled: Classroom,
) -> None:
    wrong = {"rule": "n_mastery", "parameter": 99, "minimum_pieces": 0}
    with filled.database.write() as session:
        for act in (record_rules.save, record_rules.preview):
            named = {"who": "cli"} if act is record_rules.save else {}
            with pytest.raises(PlanError) as caught:
                act(session, 1, wrong, now=NOON, **named)
            assert str(caught.value) == (
                "parameter: Give a whole number from 1 to 10. "
                "minimum_pieces: Give a whole number of pieces from 1 to 50."
            )
    assert filled.count(schema.record_rule) == 0
