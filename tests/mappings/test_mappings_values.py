from dataclasses import replace
from datetime import UTC, datetime
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import (
    FOUR,
    RELIABILITY,
    Alignment,
    AlignmentError,
    Evidence,
    EvidenceError,
    Level,
    MappingError,
    Scale,
    ScaleError,
    ratio_of,
    reaches,
)

UNHURRIED = settings(deadline=None, max_examples=60)

NOW = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_", "maximum", "minimum", "ratio"),
    [
        (8, 10, 0, 0.8),
        (12, 10, 0, 1.0),
        (0, 10, 0, 0.0),
        (2, 4, 1, 1 / 3),
        (0.5, 4, 1, 0.0),
        (-1, 2, -2, 0.25),
    ],
)
def test_a_score_is_a_share_of_its_maximum(
    given_: float, maximum: float, minimum: float, ratio: float
) -> None:
    assert ratio_of(given_, maximum, minimum) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("given_", "maximum", "minimum", "message"),
    [
        (nan, 10, 0, "score nan is not a finite number; correct it in the gradebook"),
        (1, inf, 0, "maximum inf is not a finite number; correct it in the gradebook"),
        (1, 4, nan, "minimum nan is not a finite number; correct it in the gradebook"),
        (
            1,
            0,
            0,
            "maximum 0 is not above 0; give the points the assignment is worth",
        ),
        (
            1,
            -2,
            -4,
            "maximum -2 is not above 0; give the points the assignment is worth",
        ),
        (3, 2, 2, "maximum 2 is not above 2; give the points the assignment is worth"),
        (-1, 10, 0, "score -1 of 10 is negative; correct it in the gradebook"),
        (-5, 10, -4, "score -5 of 10 is negative; correct it in the gradebook"),
    ],
)
def test_a_score_that_says_nothing_is_refused(
    given_: float, maximum: float, minimum: float, message: str
) -> None:
    with pytest.raises(EvidenceError) as refused:
        ratio_of(given_, maximum, minimum)

    assert str(refused.value) == message


@UNHURRIED
@given(st.floats(0, 1e9), st.floats(1e-6, 1e9))
def test_a_ratio_is_held_to_nothing_and_everything(
    score: float, maximum: float
) -> None:
    assert 0 <= ratio_of(score, maximum) <= 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"ratio": 1.1}, "ratio 1.1; give 0 to 1"),
        ({"ratio": nan}, "ratio nan; give 0 to 1"),
        ({"weight": 0}, "weight 0; give a number above 0"),
        ({"weight": inf}, "weight inf; give a number above 0"),
        ({"reliability": 0}, "reliability 0; give above 0, at most 1"),
        ({"reliability": 1.5}, "reliability 1.5; give above 0, at most 1"),
        ({"guess": 1}, "guess 1; give 0 or more, below 1"),
        (
            {"at": NOW.replace(tzinfo=None)},
            "a time without zone, 2026-10-01 00:00:00; give an aware datetime",
        ),
    ],
)
def test_evidence_that_says_nothing_is_refused(
    fields: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(EvidenceError) as refused:
        replace(Evidence("quiz", 0.5, NOW), **fields)

    assert str(refused.value) == f"evidence from task 'quiz' has {wrong}"


def test_methods_of_assessment_are_believed_as_stated() -> None:
    assert RELIABILITY == {
        "score": 1.0,
        "performance": 1.0,
        "rubric": 1.0,
        "outside": 0.8,
        "selected": 0.6,
        "self": 0.5,
        "peer": 0.5,
    }


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            ("", "c", 1),
            "alignment of assignment '' to competency 'c' lacks an end; name both",
        ),
        (
            ("a", "", 1),
            "alignment of assignment 'a' to competency '' lacks an end; name both",
        ),
        (
            ("a", "c", 0),
            (
                "alignment of assignment 'a' to competency 'c' has weight 0; "
                "give a number above 0"
            ),
        ),
        (
            ("a", "c", nan),
            (
                "alignment of assignment 'a' to competency 'c' has weight nan; "
                "give a number above 0"
            ),
        ),
    ],
)
def test_an_alignment_that_cannot_speak_is_refused(
    fields: tuple[str, str, float], message: str
) -> None:
    with pytest.raises(AlignmentError) as refused:
        Alignment(*fields)

    assert str(refused.value) == message


def test_an_alignment_usually_weighs_one() -> None:
    assert Alignment("a", "c").weight == 1


@pytest.mark.parametrize(
    ("ratio", "name"),
    [
        (0, "Beginning"),
        (0.4999, "Beginning"),
        (0.5, "Developing"),
        (0.75, "Proficient"),
        (0.7499999999, "Proficient"),
        (0.74999999, "Developing"),
        (1.3, "Advanced"),
        (-0.1, "Beginning"),
    ],
)
def test_a_ratio_is_on_the_highest_level_it_reaches(ratio: float, name: str) -> None:
    assert FOUR.level(ratio).name == name


def test_a_computed_mean_has_earned_its_cut() -> None:
    assert reaches((0.5 + 0.9 + 0.7) / 3, 0.7)


def test_a_scale_knows_its_mastery() -> None:
    assert FOUR.maximum == 4
    assert FOUR.mastery_level == Level("Proficient", 0.75, 3)
    assert [FOUR.is_mastery(level) for level in (None, *FOUR.levels)] == [
        False,
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("rows", "mastery", "message"),
    [
        ([], 0.5, "the lowest level must have cut 0; add one that has"),
        (
            [(0.1, 1), (0.5, 2)],
            0.5,
            "the lowest level must have cut 0; add one that has",
        ),
        (
            [(0, 1), (0.5, 2), (0.5, 3)],
            0.5,
            (
                "level 0.5 begins at 0.5; give a number above 0.5, where 0.5 begins, "
                "and at most 1"
            ),
        ),
        (
            [(0, 1), (1.5, 2)],
            1.5,
            (
                "level 1.5 begins at 1.5; give a number above 0, where 0 begins, "
                "and at most 1"
            ),
        ),
        (
            [(0, 1), (nan, 2)],
            0.5,
            (
                "level nan begins at nan; give a number above 0, where 0 begins, "
                "and at most 1"
            ),
        ),
        (
            [(0, 1), (0.5, inf)],
            0.5,
            "points [1, inf] are not all finite numbers; correct them",
        ),
        (
            [(0, 2), (0.5, 1)],
            0.5,
            "points [2, 1] do not ascend to a number above 0; order the levels",
        ),
        (
            [(0, -1), (0.5, 0)],
            0.5,
            "points [-1, 0] do not ascend to a number above 0; order the levels",
        ),
        (
            [(0, 1), (0.5, 2)],
            0,
            "mastery 0 is no cut above the lowest; give one of [0.5]",
        ),
    ],
)
def test_levels_that_make_no_scale_are_refused(
    rows: list[tuple[float, float]], mastery: float, message: str
) -> None:
    levels = tuple(Level(str(cut), cut, points) for cut, points in rows)

    with pytest.raises(ScaleError) as refused:
        Scale(levels, mastery)

    assert str(refused.value) == message
    assert isinstance(refused.value, MappingError)
