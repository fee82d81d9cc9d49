"""A school's own framework: every change gives another value, and is valid CASE."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mappings import Association, Competency, Framework, FrameworkError, format_case
from mappings.differences import differences, rewound
from mappings.editing import (
    Draft,
    add,
    describe,
    edit,
    move,
    place,
    rename,
    require,
    retire,
    stamped,
)
from mappings.refusals import REFUSALS
from mappings.rubrics import LevelText, level_texts

DOC = "c6496676-d7cb-11e8-824f-0242ac160002"
LEVELS = (LevelText("Beginning", "adds with help", 1), LevelText("Secure", "", 2))


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


A, B, C, D = (guid(number) for number in range(1, 5))


def own() -> Framework:
    """A with B and C under it, and D beside it; B comes before C."""
    made = Framework(DOC, "Our mathematics")
    for number, (code, parent) in enumerate(
        [("A", ""), ("B", A), ("C", A), ("D", "")], 1
    ):
        made = add(
            made,
            Draft(f"Can {code}", code),
            case_id=guid(number),
            edge_id=guid(100 + number),
            parent=parent,
        )
    return require(made, C, {B: guid(200)})


def order(framework: Framework) -> list[tuple[str, int]]:
    return [(one.human_code, depth) for one, depth in framework.in_order()]


def test_competencies_stand_where_they_were_put() -> None:
    made = own()

    assert order(made) == [("A", 0), ("B", 1), ("C", 1), ("D", 0)]
    assert made.precedes() == ((B, C),)


@pytest.mark.parametrize(
    ("case_id", "steps", "expected"),
    [
        (C, -1, "A C B D"),
        (B, 1, "A C B D"),
        (B, -1, "A B C D"),
        (C, 9, "A B C D"),
        (D, -1, "D A B C"),
    ],
)
def test_a_competency_moves_among_its_siblings(
    case_id: str, steps: int, expected: str
) -> None:
    assert [code for code, _ in order(move(own(), case_id, steps))] == expected.split()


def test_one_that_hangs_from_nothing_has_no_siblings_to_move_among() -> None:
    lonely = Framework(DOC, competencies=(Competency(A, "Add"),))

    assert move(lonely, A, 1) == lonely


def test_a_competency_moves_under_another_parent() -> None:
    assert order(place(own(), C, D, edge_id=guid(300))) == [
        ("A", 0),
        ("B", 1),
        ("D", 0),
        ("C", 1),
    ]
    assert order(place(own(), B, "", edge_id=guid(300)))[-1] == ("B", 0)


def test_words_are_changed_and_trimmed() -> None:
    new = edit(own(), B, Draft(" Bisect ", " B2 ", "b", "Skill", (" 07 ", ""), "en"))

    assert new.by_case_id[B] == Competency(
        B, "Bisect", "B2", "b", "Skill", ("07",), "en"
    )
    assert rename(own(), " Ours ", "en", "us").title == "Ours"


def test_retiring_takes_the_edges_along() -> None:
    new = retire(own(), C)

    assert order(new) == [("A", 0), ("B", 1), ("D", 0)]
    assert new.precedes() == ()


def test_prerequisites_are_what_was_said_and_no_others() -> None:
    new = require(own(), C, {D: guid(201), B: guid(202)})

    assert new.precedes() == ((B, C), (D, C))
    kept = [one.case_id for one in new.edges("precedes")]
    assert kept == [guid(200), guid(201)]
    assert require(new, C, {}).precedes() == ()


REFUSED = {
    "nothing": (
        lambda: Draft(" "),
        "a competency needs a statement; write what a student can do",
    ),
    "code": (
        lambda: edit(own(), B, Draft("Bisect", "A")),
        "code A is in use: Can A; give another",
    ),
    "gone": (
        lambda: edit(own(), "x", Draft("Bisect")),
        "no competency 'x' is in Our mathematics; it may be retired",
    ),
    "parent": (
        lambda: add(own(), Draft("E"), case_id="e", edge_id="f", parent="x"),
        "no competency 'x' is in Our mathematics; it may be retired",
    ),
    "under itself": (
        lambda: place(own(), A, B, edge_id="e"),
        "A cannot stand under itself",
    ),
    "children": (
        lambda: retire(own(), A),
        "A has others under it (B, C); move or retire those first",
    ),
    "level": (
        lambda: describe(own(), A, [LevelText(" ")]),
        "a level needs a name; write one, or leave it out",
    ),
    "points": (
        lambda: describe(own(), A, [LevelText("x", "", float("nan"))]),
        "level x has nan points; give a number",
    ),
    "title": (lambda: rename(own(), " "), "a framework needs a title; write one"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_framework_is_refused_with_the_mend(name: str) -> None:
    change, message = REFUSED[name]

    with pytest.raises(FrameworkError) as refused:
        change()

    assert str(refused.value) == message
    assert refused.value.template in REFUSALS


def test_prerequisites_in_a_ring_are_refused_with_their_path() -> None:
    longer = require(own(), D, {C: guid(203)})

    with pytest.raises(FrameworkError) as refused:
        require(longer, B, {D: guid(204)})

    assert str(refused.value) in {
        f"prerequisites: edges close a ring: {path}; remove one of them"
        for path in ("B -> C -> D -> B", "C -> D -> B -> C", "D -> B -> C -> D")
    }


def test_levels_are_described_changed_and_taken_away() -> None:
    new = describe(describe(own(), B, LEVELS), C, LEVELS[:1])

    assert level_texts(new) == ({B: LEVELS, C: LEVELS[:1]}, ())
    again = describe(new, B, LEVELS[1:])
    assert level_texts(again)[0] == {B: LEVELS[1:], C: LEVELS[:1]}
    none = describe(describe(again, B, ()), C, ())
    assert none.package == own().package


def test_levels_leave_the_rubrics_of_others_alone() -> None:
    theirs = {"identifier": "r", "title": "Theirs"}
    made = replace(own(), package={"CFRubrics": [theirs, "odd"]})

    new = describe(made, B, LEVELS)

    assert describe(new, B, ()).package == made.package
    assert isinstance(new.package["CFRubrics"], list)
    assert new.package["CFRubrics"][:2] == [theirs, "odd"]


def test_what_a_school_writes_is_valid_case(shared_data: Path) -> None:
    path = shared_data / "case" / "case-v1p1-cfpackage.schema.json"
    rules = json.loads(path.read_text())
    made = describe(describe(own(), B, LEVELS), C, LEVELS)
    written: Any = format_case(
        stamped(Framework(DOC), made, "2026-11-24T12:00:00+00:00")
    )

    checker = jsonschema.validators.validator_for(rules)(rules)

    assert list(checker.iter_errors(written)) == []


def test_only_what_changed_is_stamped() -> None:
    held = own()
    new = stamped(held, edit(held, B, Draft("Bisect", "B")), "now")

    touched = [one.case_id for one in new.competencies if one.payload]
    assert (touched, new.payload) == ([B], {"lastChangeDateTime": "now"})
    assert not any(one.payload for one in new.associations)
    more = stamped(held, add(held, Draft("E"), case_id="e", edge_id="f"), "now")
    assert [one.case_id for one in more.associations if one.payload] == ["f"]


def test_an_edit_is_undone() -> None:
    held = describe(own(), B, LEVELS)
    new = describe(retire(edit(held, B, Draft("Bisect")), C), B, LEVELS[:1])

    again = rewound(new, differences(held, new))

    assert differences(held, again) == ()
    assert level_texts(again)[0] == {B: LEVELS}
    assert order(again) == order(held)


def test_an_edge_between_others_stays_where_it_is() -> None:
    far = Association("far", "exactMatchOf", A, "elsewhere")
    held = replace(own(), associations=(*own().associations, far))

    assert far in retire(held, C).associations
