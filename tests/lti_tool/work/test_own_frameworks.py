"""A school's own framework in the database, its levels, scales and crosswalks."""

from __future__ import annotations

from typing import Any

import pytest

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import (
    crosswalks,
    framework_versions,
    frameworks,
    level_descriptions,
    scales,
    schema,
)
from lti_tool.storage.crosswalks import Way
from lti_tool.storage.database import Database, rows
from lti_tool.work.frameworks import import_documents
from lti_tool.work.own_frameworks import Draft, Editor, LevelText, start
from mappings.colours import palette
from mappings.errors import FrameworkError
from mappings.named_scales import NamedLevel, NamedScale
from tests.lti_tool.work.conftest import NOON

WHO = "person:1"
LEVELS = [LevelText("Beginning", "with help", 1.0), LevelText("Secure", "", 2.0)]

pytestmark = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)


class Desk:
    """A framework being written, one transaction a change."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as session:
            self.id = start(session, "Ours", who=WHO, now=NOON, language="en")

    def ask(self, what: str, *words: Any, expected: int | None = None) -> Any:  # noqa: ANN401 -- what each takes
        with self.database.write() as session:
            editor = Editor(session, self.id, WHO, NOON, expected)
            return getattr(editor, what)(*words)

    def codes(self) -> dict[str, str]:
        with self.database.read() as session:
            package = frameworks.load_package(session, self.id)
        return {one.human_code: one.case_id for one, _ in package.in_order()}

    def described(self) -> dict[str, list[LevelText]]:
        with self.database.read() as session:
            table = schema.competency
            ids = {
                row["id"]: row["human_code"]
                for row in rows(session, table.select().order_by(table.c.id))
            }
            texts = level_descriptions.load_many(session, list(ids))
        return {ids[one]: found for one, found in texts.items()}


@pytest.fixture
def desk(database: Database) -> Desk:
    made = Desk(database)
    made.ask("add", Draft("Add", "A"))
    made.ask("add", Draft("Bisect", "B"))
    return made


def test_each_save_is_a_version_and_any_is_brought_back(desk: Desk) -> None:
    known = desk.codes()
    desk.ask("describe", known["A"], LEVELS)
    desk.ask("require", known["B"], [known["A"]])
    desk.ask("edit", known["A"], Draft("Add up", "A1"))
    desk.ask("move", known["B"], -1)
    number = desk.ask("retire", known["B"])

    with desk.database.read() as session:
        told = framework_versions.load_versions(session, desk.id)
    assert number == 8
    assert [(one["number"], one["named"], one["made_by"]) for one in told] == [
        (8, "retired", WHO),
        (7, "moved", WHO),
        (6, "edited A1", WHO),
        (5, "prerequisites", WHO),
        (4, "levels", WHO),
        (3, "added B", WHO),
        (2, "added A", WHO),
        (1, "made here", WHO),
    ]
    assert list(desk.codes()) == ["A1"]
    assert desk.described() == {"A1": LEVELS}

    assert desk.ask("undo", 5) == 9

    assert list(desk.codes()) == ["A", "B"]
    with desk.database.read() as session:
        assert frameworks.load_precedes(session, desk.id) == [(known["A"], known["B"])]
    assert desk.ask("undo", 3) == 10
    assert (desk.codes(), desk.described()) == (known, {})
    with pytest.raises(NotFoundError):
        desk.ask("undo", 99)


def test_what_changes_nothing_makes_no_version(desk: Desk) -> None:
    known = desk.codes()

    assert desk.ask("edit", known["A"], Draft("Add", "A")) == 3
    assert desk.ask("move", known["A"], -1) == 3


def test_two_people_do_not_write_over_each_other(desk: Desk) -> None:
    assert desk.ask("rename", "Ours 7", expected=3) == 4

    with pytest.raises(ConfigError) as caught:
        desk.ask("rename", "Ours 8", expected=3)

    assert str(caught.value) == (
        "somebody saved version 4 of this framework while you had version 3 before "
        "you; look at it and try again"
    )


def test_what_is_published_elsewhere_is_not_edited_here(desk: Desk) -> None:
    head = {"identifier": "doc", "title": "Theirs"}
    import_documents(desk.database, [("theirs.json", {"CFDocument": head})], NOON)
    with desk.database.read() as session:
        desk.id = frameworks.find_framework(session, "doc")

    with pytest.raises(ConfigError) as caught:
        desk.ask("rename", "Mine")

    assert str(caught.value) == (
        "this framework is published elsewhere, and its next import would undo the "
        "change; edit it there, or make one of your own"
    )


def test_a_framework_without_title_or_of_no_id_is_refused(desk: Desk) -> None:
    with desk.database.write() as session:
        with pytest.raises(FrameworkError, match="a framework needs a title"):
            start(session, " ", who=WHO, now=NOON)
        with pytest.raises(NotFoundError, match="no framework has the id 99"):
            Editor(session, 99, WHO, NOON).rename("x")


def theirs(*levels: tuple[str, int]) -> dict[str, Any]:
    return {
        "CFDocument": {"identifier": "doc", "title": "Theirs"},
        "CFItems": [
            {"identifier": "t-1", "fullStatement": "Add", "humanCodingScheme": "T.1"}
        ],
        "CFRubrics": [
            {
                "identifier": "rubric",
                "title": "Their levels",
                "CFRubricCriteria": [
                    {
                        "identifier": "c",
                        "CFItemURI": {"identifier": "t-1"},
                        "CFRubricCriterionLevels": [
                            {"quality": name, "score": score} for name, score in levels
                        ],
                    }
                ],
            }
        ]
        if levels
        else [],
    }


def test_rubrics_come_in_as_levels_and_scales_and_go_with_their_publisher(
    desk: Desk,
) -> None:
    def bring(*levels: tuple[str, int]) -> None:
        import_documents(desk.database, [("theirs.json", theirs(*levels))], NOON)

    def chosen() -> list[tuple[str, float, list[str]]]:
        with desk.database.read() as session:
            return [
                (one.title, one.mastery, [level.name for level in one.levels])
                for _, one in scales.load_scales(session)
            ]

    bring(("No", 1), ("Yes", 2))
    assert desk.described() == {
        "T.1": [LevelText("No", "", 1.0), LevelText("Yes", "", 2.0)]
    }
    assert chosen() == [("Their levels", 1.0, ["No", "Yes"])]
    bring(("No", 1), ("Nearly", 2), ("Yes", 3))
    assert chosen() == [("Their levels", 2 / 3, ["No", "Nearly", "Yes"])]
    bring()
    assert (chosen(), desk.described()) == ([], {})
    bring(("No", 1), ("Yes", 2))
    assert chosen() == [("Their levels", 1.0, ["No", "Yes"])]


def test_a_scale_is_saved_changed_and_retired(desk: Desk) -> None:
    levels = (
        NamedLevel("No", 0.0, 0.0, palette(2)[0]),
        NamedLevel("Yes", 0.5, 1.0, palette(2)[1]),
    )
    first = NamedScale("Pass", levels, 0.5)
    second = NamedScale("Pass or not", levels, 0.5)
    with desk.database.write() as session:
        here = scales.save_scale(session, first, who=WHO, now=NOON)
        assert scales.load_scales(session) == [(here, first)]
        again = scales.save_scale(session, second, who=WHO, now=NOON, scale_id=here)
        assert (again, scales.load_scale(session, here)) == (here, second)
        scales.retire_scale(session, here, who=WHO, now=NOON)
        assert scales.load_scales(session) == []
        assert scales.load_scales(session, with_retired=True) == [(here, second)]
        with pytest.raises(NotFoundError):
            scales.load_scale(session, here + 1)


def test_a_crosswalk_is_off_until_switched_on_and_leads_one_way(desk: Desk) -> None:
    known = desk.codes()
    edge = {
        "identifier": "x",
        "uri": "urn:x",
        "associationType": "isPeerOf",
        "originNodeURI": {"identifier": "t-1"},
        "destinationNodeURI": {"identifier": known["A"]},
        "lastChangeDateTime": "2026-01-01T00:00:00Z",
    }
    import_documents(
        desk.database,
        [("theirs.json", theirs()), ("x.json", {"CFAssociations": [edge]})],
        NOON,
    )
    with desk.database.write() as session:
        their_id = frameworks.find_framework(session, "doc")
        pairs = crosswalks.load_pairs(session)
        assert [(one.from_title, one.to_title) for one in pairs] == [
            ("Ours", "Theirs"),
            ("Theirs", "Ours"),
        ]
        assert [(one.kinds, one.is_on, one.shares) for one in pairs] == [
            ({"isPeerOf": 1}, False, {"isPeerOf": 0.8})
        ] * 2
        assert crosswalks.load_ways(session, desk.id) == []
        crosswalks.save_crosswalk(
            session,
            (their_id, desk.id),
            is_on=True,
            shares={"isPeerOf": 0.5},
            who=WHO,
            now=NOON,
        )
        (way,) = crosswalks.load_ways(session, desk.id)
        (shown,) = crosswalks.load_edges(session, desk.id, their_id)
        assert crosswalks.load_ways(session, their_id) == []
        assert [one.is_on for one in crosswalks.load_pairs(session)] == [False, True]
        with pytest.raises(FrameworkError, match="a crosswalk joins two frameworks"):
            crosswalks.save_crosswalk(
                session, (desk.id, desk.id), is_on=True, shares={}, who=WHO, now=NOON
            )
    assert way == Way(shown["from_id"], shown["to_id"], "T.1", "isPeerOf", 0.5)
    assert (shown["from_statement"], shown["to_label"]) == ("Add", "A")
