"""One grade over all competencies: formulas, their arithmetic, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import (
    FOUR,
    GRADE,
    MASTERY_INDEX,
    TEMPLATES,
    Level,
    Scale,
    Summary,
    SummaryError,
    format_summary,
    grade,
    parse_summary,
)
from mappings.summary import HOW, MOST_PLACES, UNASSESSED, judged

BEGINNING, DEVELOPING, PROFICIENT, ADVANCED = FOUR.levels
TABLE = (
    ("Beginning", 40.0),
    ("Developing", 65.0),
    ("Proficient", 85.0),
    ("Advanced", 100.0),
)
ONE_OF_EACH = [("A", BEGINNING), ("B", PROFICIENT), ("C", ADVANCED), ("D", None)]


def made(
    summary: Summary, levels: list[tuple[str, Level | None]], scale: Scale = FOUR
) -> tuple[float | None, list[str]]:
    found = grade(summary, judged(summary, scale, levels))
    return found.value, [str(line) for line in found.steps]


@pytest.mark.parametrize(
    ("parts", "value", "last"),
    [
        ({}, 66.7, "rounded to 1 decimals: 66.7"),
        ({"points": TABLE}, 75.0, "mean of 40, 85, 100 = 75"),
        ({"points": TABLE, "unassessed": "lowest"}, 66.3, "rounded to 1 decimals"),
        ({"points": TABLE, "unassessed": "nothing", "places": 2}, 56.25, "mean of"),
        ({"points": TABLE, "how": "median"}, 85.0, "middle of 40, 85, 100 = 85"),
        ({"points": TABLE, "how": "lowest"}, 40.0, "lowest of 40, 85, 100 = 40"),
        (
            {"how": "mastered_share", "unassessed": "nothing"},
            50.0,
            "mastered 2 of 4, of 100 points: 50",
        ),
        (
            {"how": "mastered_share", "maximum": 20.0, "places": 0},
            13.0,
            "rounded to 0 decimals: 13",
        ),
        ({"minimum": 4}, None, "competencies assessed: 3; a grade needs 4"),
    ],
)
def test_a_grade_is_made_as_the_formula_says(
    parts: dict[str, Any], value: float | None, last: str
) -> None:
    found, steps = made(Summary("Grade", **parts), ONE_OF_EACH)
    assert found == value
    assert steps[-1].startswith(last)


def test_the_arithmetic_names_each_competency_and_what_it_is_worth() -> None:
    told = Summary("Grade", points=TABLE, unassessed="left_out")
    assert made(told, ONE_OF_EACH)[1] == [
        "A: Beginning is worth 40",
        "B: Proficient is worth 85",
        "C: Advanced is worth 100",
        "D: not assessed, left out",
        "mean of 40, 85, 100 = 75",
    ]
    assert made(MASTERY_INDEX, ONE_OF_EACH)[1] == [
        "A: Beginning, not mastered yet",
        "B: Proficient, mastered",
        "C: Advanced, mastered",
        "D: not assessed, worth 0",
        "mastered 2 of 4, of 100 points: 50",
    ]


LEVELS = st.lists(
    st.tuples(st.sampled_from("ABCDEFGH"), st.none() | st.sampled_from(FOUR.levels)),
    max_size=12,
)


@st.composite
def formulas(draw: st.DrawFn) -> Summary:
    maximum = float(draw(st.integers(1, 400)))
    share = st.floats(0, 1, allow_nan=False)
    heights = sorted(draw(st.lists(share, min_size=4, max_size=4)))
    named = zip((level.name for level in FOUR.levels), heights, strict=True)
    points = tuple((name, height * maximum) for name, height in named)
    return Summary(
        "Grade",
        how=draw(st.sampled_from(HOW)),
        maximum=maximum,
        points=points if heights[-1] > 0 and draw(st.booleans()) else (),
        unassessed=draw(st.sampled_from(UNASSESSED)),
        minimum=draw(st.integers(1, 3)),
        places=draw(st.integers(0, MOST_PLACES)),
    )


@given(formulas(), LEVELS)
def test_a_grade_lies_between_the_worst_and_the_best(
    summary: Summary, levels: list[tuple[str, Level | None]]
) -> None:
    found = judged(summary, FOUR, levels)
    value = grade(summary, found).value
    if sum(level is not None for _name, level in levels) < summary.minimum:
        assert value is None
        return
    worths = [one.worth for one in found if one.worth is not None]
    step = 0.5 * 10.0**-summary.places + 1e-8
    assert value is not None
    assert min(worths) - step <= value <= max(worths) + step
    assert 0 <= value <= summary.maximum


@given(formulas(), st.lists(st.none()))
def test_nothing_assessed_gives_no_grade(summary: Summary, nothing: list[None]) -> None:
    levels = [("K", one) for one in nothing]
    assert grade(summary, judged(summary, FOUR, levels)).value is None


@given(formulas(), LEVELS, st.data())
def test_a_risen_level_never_lowers_the_grade(
    summary: Summary, levels: list[tuple[str, Level | None]], data: st.DataObject
) -> None:
    before = grade(summary, judged(summary, FOUR, levels)).value
    risen = [
        (name, level and data.draw(st.sampled_from(FOUR.levels[place(level) :])))
        for name, level in levels
    ]
    after = grade(summary, judged(summary, FOUR, risen)).value
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert after >= before


def place(level: Level) -> int:
    return FOUR.levels.index(level)


@given(formulas())
def test_a_formula_comes_back_as_it_was_written(summary: Summary) -> None:
    assert parse_summary(format_summary(summary)) == summary


@given(formulas(), LEVELS)
def test_every_sentence_of_the_arithmetic_can_be_translated(
    summary: Summary, levels: list[tuple[str, Level | None]]
) -> None:
    for line in grade(summary, judged(summary, FOUR, levels)).steps:
        assert str(line.text) in TEMPLATES


def test_a_formula_says_only_what_it_means_otherwise() -> None:
    assert parse_summary({}) == GRADE
    assert parse_summary({"points": dict(TABLE)}).points == TABLE


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "formula: a formula is a list of names and values; [] is none"),
        (
            {"weight": 1},
            (
                "formula: weight is no part of a formula; the parts are title, how, "
                "maximum, points, unassessed, minimum, places"
            ),
        ),
        (
            {"title": " "},
            "title: a column needs a name of at most 80 characters; write one",
        ),
        (
            {"how": "mode"},
            "how: mode is not known; give one of mean, median, lowest, mastered_share",
        ),
        (
            {"unassessed": "zero"},
            "unassessed: zero is not known; give one of left_out, lowest, nothing",
        ),
        ({"maximum": 0}, "maximum: 0 is no number from 1 to 10000; give one"),
        ({"maximum": "nan"}, "maximum: nan is no number from 1 to 10000; give one"),
        ({"maximum": True}, "maximum: True is no number from 1 to 10000; give one"),
        ({"maximum": "many"}, "maximum: many is no number from 1 to 10000; give one"),
        ({"minimum": 0}, "minimum: 0 is no number from 1 to 1000; give one"),
        ({"minimum": 1.5}, "minimum: 1.5 is no number from 1 to 1000; give one"),
        ({"places": 5}, "places: 5 is no number from 0 to 4; give one"),
        (
            {"points": 7},
            "points: a formula is a list of names and values; 7 is none",
        ),
        (
            {"points": [["A"]]},
            "points: a formula is a list of names and values; ['A'] is none",
        ),
        (
            {"points": {"A": -1}},
            "points: level A has -1 points; give a number from 0 to 100",
        ),
        (
            {"points": [["A", 1], ["A", 2]]},
            "points: level A is named twice; name each level once",
        ),
        (
            {"points": {"A": 5, "B": 4}},
            (
                "points: level B has 4 points, fewer than 5 below it; let the points "
                "rise with the levels"
            ),
        ),
        (
            {"points": {"A": 0, "B": 0}},
            "points: the highest level has no points; give it more than 0",
        ),
    ],
)
def test_a_bad_formula_is_refused_with_the_part_and_the_mend(
    document: object, said: str
) -> None:
    with pytest.raises(SummaryError) as refused:
        parse_summary(document)
    assert str(refused.value) == said
    assert refused.value.field == said.partition(":")[0]


def test_points_for_other_levels_than_the_scale_has_are_refused() -> None:
    formula = Summary("Grade", points=TABLE[:2])
    with pytest.raises(SummaryError) as refused:
        judged(formula, FOUR, ONE_OF_EACH)
    assert str(refused.value) == (
        "points: points are given to Beginning, Developing, and the levels of the "
        "course are Beginning, Developing, Proficient, Advanced; give points to each "
        "of these, the lowest first"
    )
    share = Summary("Index", how="mastered_share", points=TABLE[:2])
    assert made(share, ONE_OF_EACH)[0] == 66.7
