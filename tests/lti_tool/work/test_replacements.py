"""A competency replaced by another: proposed, decided by a person, undone exactly."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import schema, sis_alignments
from lti_tool.work import plans_of_course, replacements
from lti_tool.work.frameworks import import_documents
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
WHO = "person:1"


def case_ids(room: Classroom) -> dict[str, str]:
    with room.database.read() as session:
        table = schema.competency
        found = session.execute(select(table.c.human_code, table.c.case_id))
        return {row[0]: row[1] for row in found}


def propose(room: Classroom, *pairs: tuple[str, str]) -> list[int]:
    """Import replacedBy edges between competencies; returns the proposals' ids."""
    known = case_ids(room)

    def node(code: str) -> dict[str, str]:
        return {"identifier": known[code], "title": code, "uri": f"urn:{code}"}

    edges = [
        {
            "identifier": f"r-{old}-{new}",
            "uri": "urn:r",
            "associationType": "replacedBy",
            "originNodeURI": node(old),
            "destinationNodeURI": node(new),
            "lastChangeDateTime": "2026-01-01T00:00:00Z",
        }
        for old, new in pairs
    ]
    import_documents(room.database, [("r.json", {"CFAssociations": edges})], NOON)
    return [row[0] for row in room.rows(schema.replacement, "id")]


def state(room: Classroom) -> dict[str, Any]:
    columns = {
        schema.alignment: (
            "id",
            "assignment_id",
            "competency_id",
            "weight",
            "created_at",
        ),
        schema.competency_rule: ("id", "competency_id", "rule"),
    }
    found = {
        table.name: sorted(room.rows(table, *names)) for table, names in columns.items()
    }
    names = ("person_id", "competency_id", "level", "ratio", "withdrawn_at")
    levels = room.rows(schema.attainment, *names)
    standing = sorted(one[:-1] for one in levels if one[-1] is None)
    return found | {"attainment": standing}


def decide(room: Classroom, what: str, replacement_id: int) -> Any:  # noqa: ANN401 -- what each gives
    with room.database.write() as session:
        return getattr(replacements, what)(session, replacement_id, who=WHO, now=NOON)


@pytest.fixture
def filled(room: Classroom) -> Classroom:
    """Work for 7.A, one piece of it for 7.B as well; 7.A has a rule of its own."""
    room.set_rule("highest")
    room.add_assignment("one", "7.A")
    room.add_assignment("both", "7.A", "7.B")
    room.score("ana", "one", 9)
    room.score("ana", "both", 4)
    room.insert(
        schema.competency_rule,
        course_id=room.course_id,
        competency_id=room.competencies["7.A"],
        rule="latest",
    )
    room.refresh()
    return room


def test_a_publishers_edge_is_a_proposal_made_once(filled: Classroom) -> None:
    before = state(filled)
    (first,) = propose(filled, ("7.A", "7.B"))
    assert propose(filled, ("7.A", "7.B")) == [first]

    with filled.database.read() as session:
        (one,) = replacements.load_proposals(session)
    named = ("status", "from_code", "to_code", "alignments", "decided_by")
    assert [one[name] for name in named] == ["proposed", "7.A", "7.B", 2, None]
    assert state(filled) == before


def test_confirming_moves_work_rules_and_levels_and_undoing_puts_all_back(
    filled: Classroom,
) -> None:
    before = state(filled)
    (here,) = propose(filled, ("7.A", "7.B"))
    ana, old, new = (
        filled.people["ana"],
        filled.competencies["7.A"],
        filled.competencies["7.B"],
    )
    assert {(row[0], row[1]) for row in before["attainment"]} == {
        (ana, old),
        (ana, new),
    }

    assert decide(filled, "confirm", here) == 3

    after = state(filled)
    assert {row[2] for row in after["alignment"]} == {new}
    assert len(after["alignment"]) == 2
    assert [row[1] for row in after["competency_rule"]] == [new]
    assert [row[:2] for row in after["attainment"]] == [(ana, new)]
    assert decide(filled, "undo", here) is None
    assert state(filled) == before
    with filled.database.read() as session:
        (one,) = replacements.load_proposals(session)
    assert (one["status"], one["decided_by"]) == ("undone", WHO)
    assert decide(filled, "confirm", here) == 3


def test_declining_moves_nothing_and_stays(filled: Classroom) -> None:
    before = state(filled)
    (here,) = propose(filled, ("7.A", "7.B"))

    decide(filled, "decline", here)

    assert propose(filled, ("7.A", "7.B")) == [here]
    assert filled.rows(schema.replacement, "status") == [("declined",)]
    assert state(filled) == before


def test_what_cannot_be_decided_says_why(filled: Classroom) -> None:
    first, second = propose(filled, ("7.A", "7.B"), ("7.B", "7.A"))
    with pytest.raises(ConfigError) as never:
        decide(filled, "undo", first)
    decide(filled, "confirm", first)
    with pytest.raises(ConfigError) as again:
        decide(filled, "confirm", first)
    with pytest.raises(ConfigError) as late:
        decide(filled, "decline", first)
    decide(filled, "confirm", second)
    with pytest.raises(ConfigError) as chained:
        decide(filled, "undo", first)
    with pytest.raises(NotFoundError) as none:
        decide(filled, "confirm", 99)

    assert [str(one.value) for one in (never, again, late, chained, none)] == [
        "this replacement is not in force; there is nothing to undo",
        "this replacement is in force already; undo it first",
        "this replacement is in force already; undo it first",
        "the new competency was itself replaced; undo that replacement first",
        "no replacement has the id 99",
    ]


def test_a_course_of_the_old_framework_moves_when_it_changes_to_the_new(
    filled: Classroom,
) -> None:
    import_documents(
        filled.database,
        [
            (
                "new.json",
                {
                    "CFDocument": {"identifier": "new", "title": "New"},
                    "CFItems": [
                        {
                            "identifier": "n-1",
                            "fullStatement": "New",
                            "humanCodingScheme": "8.A",
                        }
                    ],
                },
            )
        ],
        NOON,
    )
    before = state(filled)
    (here,) = propose(filled, ("7.A", "8.A"))
    assert decide(filled, "confirm", here) == 0
    assert state(filled) == before
    ((framework_id,),) = [
        row for row in filled.rows(schema.framework, "id") if row[0] != 1
    ]
    later = NOON + timedelta(days=1)

    with filled.database.write() as session:
        change = {"framework_id": framework_id}
        foreseen = plans_of_course.preview(session, filled.course_id, change, now=later)
        assert state(filled) == before
        saved = plans_of_course.save(
            session, filled.course_id, change, who=WHO, now=later
        )
        named = sis_alignments.load_case_ids(session, filled.course_id)

    new = named["n-1"]
    assert named[case_ids(filled)["7.A"]] == new
    assert len(foreseen) == saved.effect["moved"]
    moved = state(filled)
    assert [row[1:] for row in moved["competency_rule"]] == [(new, "latest")]
    assert [row[1] for row in moved["attainment"]] == [new]
    assert {row[2] for row in moved["alignment"]} == {new, filled.competencies["7.B"]}

    with filled.database.write() as session:
        plans_of_course.restore(session, filled.course_id, 1, who=WHO, now=later)
    back = state(filled)
    assert back["alignment"] == before["alignment"]
    assert back["attainment"] == before["attainment"]
    assert [row[1:] for row in back["competency_rule"]] == [
        row[1:] for row in before["competency_rule"]
    ]
    # Nothing of this course is in it any more: undoing it moves nothing here.
    assert filled.rows(schema.replacement, "status", "moved") == [("confirmed", {})]
    decide(filled, "undo", here)
    assert state(filled) == back


def test_an_earlier_version_comes_back_under_what_replaced_its_competencies(
    filled: Classroom,
) -> None:
    """Undoing the replacement afterwards leaves every row where it was."""
    with filled.database.write() as session:
        plans_of_course.save(
            session, filled.course_id, {"minimum_pieces": 2}, who=WHO, now=NOON
        )
    with filled.database.write() as session:
        plans_of_course.restore(session, filled.course_id, 1, who=WHO, now=NOON)
    before = state(filled)
    (here,) = propose(filled, ("7.A", "7.B"))
    decide(filled, "confirm", here)
    replaced = state(filled)

    with filled.database.write() as session:
        plans_of_course.restore(session, filled.course_id, 2, who=WHO, now=NOON)
        plans_of_course.restore(session, filled.course_id, 1, who=WHO, now=NOON)

    assert state(filled) == replaced
    decide(filled, "undo", here)
    assert state(filled) == before
