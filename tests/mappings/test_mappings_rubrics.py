"""Rubrics of CASE and scales of Canvas, as levels."""

from typing import Any

import pytest

from mappings import Framework, Problem, parse_case
from mappings.colours import palette
from mappings.errors import ScaleError
from mappings.named_scales import (
    NamedLevel,
    NamedScale,
    parse_canvas_scale,
    rubric_scales,
)
from mappings.rubrics import LevelText, level_texts

CANVAS = {
    "ratings": [
        {"description": "Exceeds", "points": 4, "mastery": False, "color": "0374B5"},
        {"description": "Mastery", "points": 3, "mastery": True, "color": "0B874B"},
        {"description": "Near", "points": 2.0, "mastery": False, "color": "FAB901"},
        {"description": "Below", "points": 1, "mastery": False, "color": "D97900"},
        {"description": "None", "points": 0, "mastery": False, "color": "E0061F"},
    ]
}


def level(quality: str | None, score: object, **more: object) -> dict[str, object]:
    named = {} if quality is None else {"quality": quality}
    return {**named, "score": score, **more}


def criterion(case_id: str, link: object, *levels: object) -> dict[str, object]:
    return {
        "identifier": case_id,
        "CFItemURI": link,
        "CFRubricCriterionLevels": list(levels),
    }


def framework(*criteria: object, rubric: str = "r") -> Framework:
    document: dict[str, Any] = {
        "CFDocument": {"identifier": "doc", "title": "Mathematics"},
        "CFItems": [
            {"identifier": one, "fullStatement": one, "humanCodingScheme": one.upper()}
            for one in ("a", "b")
        ],
        "CFRubrics": [
            {
                "identifier": rubric,
                "title": "Four levels",
                "CFRubricCriteria": list(criteria),
            },
            "odd",
        ],
    }
    return parse_case(document)[0]


TWO = (level("Yes", 2, description="alone"), level("No", 1))


def test_each_level_of_a_competency_is_read_from_the_lowest_up() -> None:
    made = framework(
        criterion("c-1", {"identifier": "a"}, *TWO),
        criterion("c-2", "https://case.test/CFItems/b", level(None, 1.5)),
        criterion("c-3", {"uri": "urn:uuid:gone"}, *TWO),
        criterion("c-4", {"identifier": "a"}, *TWO),
        criterion("c-5", None, *TWO),
        criterion("c-6", {"identifier": "b"}),
        "odd",
    )

    texts, problems = level_texts(made)

    assert texts == {
        "a": (LevelText("No", "", 1.0), LevelText("Yes", "alone", 2.0)),
        "b": (LevelText("1.5", "", 1.5),),
    }
    assert problems == (
        Problem(
            "dangling_rubric",
            "c-3",
            "criterion c-3 names gone, which is not here; unused",
        ),
        Problem(
            "double_rubric",
            "c-4",
            "criterion c-4 describes A again; the first stands",
        ),
    )


def test_levels_without_points_stand_by_their_position() -> None:
    made = framework(
        criterion(
            "c-1",
            {"identifier": "a"},
            level("High", None, position=2),
            level(None, "1", position=1),
        )
    )

    assert level_texts(made)[0]["a"] == (LevelText("1"), LevelText("High"))


def test_a_rubric_whose_rows_agree_is_a_scale() -> None:
    rows = [level("Not yet", 1), level("Nearly", 2), level("There", 4)]
    made = framework(
        criterion("c-1", {"identifier": "a"}, *rows),
        criterion("c-2", {"identifier": "b"}, *reversed(rows)),
    )

    (scale,), problems = rubric_scales(made)

    assert problems == ()
    assert scale == NamedScale(
        "Four levels",
        (
            NamedLevel("Not yet", 0.0, 1.0, palette(3)[0]),
            NamedLevel("Nearly", 0.5, 2.0, palette(3)[1]),
            NamedLevel("There", 1.0, 4.0, palette(3)[2]),
        ),
        1.0,
        "rubric",
        "r",
    )
    assert scale.scale().level(0.6).name == "Nearly"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (
            (TWO, (level("Yes", 3), level("No", 1))),
            "its criteria have different levels",
        ),
        (
            ((level("No", 1), level("Yes", 1)),),
            "points [1.0, 1.0] do not ascend to a number above 0",
        ),
        (
            ((level("No", -2), level("Yes", 0)),),
            "points [-2.0, 0.0] do not ascend to a number above 0",
        ),
        (
            ((level("Only", 1),),),
            "mastery 0.0 is no cut above the lowest; give one of []",
        ),
    ],
)
def test_a_rubric_that_makes_no_scale_says_why(rows: Any, why: str) -> None:  # noqa: ANN401 -- JSON
    made = framework(
        *(criterion(f"c-{place}", "a", *row) for place, row in enumerate(rows))
    )

    assert rubric_scales(made) == (
        (),
        (Problem("no_scale", "r", f"rubric Four levels makes no scale: {why}"),),
    )


def test_the_scale_of_a_canvas_account_is_read_whole() -> None:
    scale = parse_canvas_scale(CANVAS, "Canvas")

    assert scale == NamedScale(
        "Canvas",
        (
            NamedLevel("None", 0.0, 0.0, "E0061F"),
            NamedLevel("Below", 0.25, 1.0, "D97900"),
            NamedLevel("Near", 0.5, 2.0, "FAB901"),
            NamedLevel("Mastery", 0.75, 3.0, "0B874B"),
            NamedLevel("Exceeds", 1.0, 4.0, "0374B5"),
        ),
        0.75,
        "canvas",
    )
    assert parse_canvas_scale({"outcome_proficiency": CANVAS}, "Canvas") == scale
    assert parse_canvas_scale(CANVAS["ratings"], "Canvas") == scale
    # Canvas takes the highest rating whose points the score reaches.
    named = [scale.scale().level(points / 4).name for points in (0, 1.9, 2, 3.99, 4)]
    assert named == ["None", "Below", "Near", "Mastery", "Exceeds"]


def rating(**fields: object) -> dict[str, object]:
    known = {"description": "Yes", "points": 1, "mastery": True, "color": "FFFFFF"}
    return known | fields


MEND = 'give the JSON of a Canvas scale, {"ratings": [{"description", "points", …}]}'


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, f"found no ratings; {MEND}"),
        ([], f"found no ratings; {MEND}"),
        (["odd"], "rating 1 has the points None; give a number"),
        ([rating(points="1")], "rating 1 has the points '1'; give a number"),
        ([rating(points=float("nan"))], "rating 1 has the points nan; give a number"),
        ([rating(description=" ")], "rating 1 has no description; give its name"),
        ([rating(points=0)], f"the highest rating has 0 points; {MEND}"),
        (
            [rating(color="red")],
            "'red' is no colour; write six hexadecimal digits, as 0B874B",
        ),
        (
            [rating(), rating(points=0)],
            "2 ratings are marked as mastery; mark exactly one",
        ),
        (
            [rating(points=2), rating(mastery=False, color="787878", description="No")],
            (
                "no ink is legible on 787878 of level No; "
                "choose a lighter or a darker colour"
            ),
        ),
    ],
)
def test_what_is_no_canvas_scale_is_refused_by_name(
    document: object, message: str
) -> None:
    with pytest.raises(ScaleError) as refused:
        parse_canvas_scale(document, "Canvas")

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("title", "name", "message"),
    [
        (" ", "Yes", "a scale needs a title; give one"),
        ("Ours", " ", "a level needs a name; give each one"),
    ],
)
def test_a_scale_without_names_is_refused(title: str, name: str, message: str) -> None:
    levels = (NamedLevel("No", 0, 0, "FFFFFF"), NamedLevel(name, 1, 1, "000000"))

    with pytest.raises(ScaleError) as refused:
        NamedScale(title, levels, 1)

    assert str(refused.value) == message


def test_any_number_of_levels_gets_legible_colours() -> None:
    for count in range(2, 31):
        fills = palette(count)
        levels = tuple(
            NamedLevel(str(place), place / count, place, fill)
            for place, fill in enumerate(fills)
        )
        assert NamedScale("Many", levels, levels[-1].cut).scale().maximum == count - 1
