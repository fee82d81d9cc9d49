from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import RULES, RuleError, calculation, rule
from mappings.rounding import round_half_away

UNHURRIED = settings(deadline=None, max_examples=60)

SCORES = {
    "3": (3, 3, 3, 3, 3, 3, 3, 3, None, None),
    "3,1": (3, 1, 2, 1.7, 1.5, 2, 1.7, 1.5, None, None),
    "1,2,3,4,5": (5, 5, 3, 4.13, 4.38, 4.06, 4.47, 4.67, 4, 4),
    "4,4,4,1": (4, 1, 3.25, 2.05, 1.75, 2.5, 2.05, 1.75, 4, 4),
    "1,4,4,4": (4, 4, 3.25, 3.65, 3.75, 3.63, 3.87, 3.95, 4, 4),
    "2,3,2.5,3.5": (3.5, 3.5, 2.75, 3.15, 3.25, 3, 3.17, 3.27, 3.25, None),
    "0,0,5": (5, 5, 1.67, 3.25, 3.75, 2.5, 3.25, 3.75, None, None),
    "2.25,3.1,3.335": (3.34, 3.34, 2.9, 3.1, 3.17, 3.01, 3.15, 3.22, 3.22, None),
}
COLUMNS = (
    ("highest", None),
    ("latest", None),
    ("average", None),
    ("decaying_average", 65),
    ("weighted_average", 75),
    ("standard_decaying_average", 50),
    ("standard_decaying_average", 65),
    ("standard_decaying_average", 75),
    ("n_mastery", 2),
    ("n_mastery", 3),
)
CANVAS = [
    (name, parameter, scores, value)
    for scores, values in SCORES.items()
    for (name, parameter), value in zip(COLUMNS, values, strict=True)
]
OTHERS = [
    ("n_mastery", 4, "1,2,3,4,5", None),
    ("power_law", None, "1,2,3,4", 4.0),
    ("power_law", None, "1,2,2.5,3,3.5", 3.6331),
    ("power_law", None, "2,2,3,3,4", 3.5594),
    ("power_law", None, "1,1.5,2,3,2.5,3.5", 3.326),
    ("power_law", None, "4,4,4,1", 1.8075),
    ("power_law", None, "3,3,3", 3.0),
    ("power_law", None, "1,4,4", 4.0),
    ("power_law", None, "1e-300,4", 4.0),
    ("power_law", None, "4,1e-300", 0.0),
    ("power_law", None, "3", None),
    ("power_law", None, "3,0", None),
    ("mode", None, "1,2,3,3,4", 3.0),
    ("mode", None, "2,3,2,3", 3.0),
    ("mode", None, "4,1,2", 2.0),
    ("mean_of_last", 3, "1,2,3,4,4", 3.67),
    ("mean_of_last", 3, "1,2", 1.5),
    ("conjunctive", None, "4,3,3", 3.0),
    ("conjunctive", None, "4,2,4", 2.0),
]


def points(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


@pytest.mark.parametrize(("name", "parameter", "scores", "value"), CANVAS)
def test_canvas_rules_give_what_canvas_gives(
    name: str, parameter: int | None, scores: str, value: float | None
) -> None:
    found = calculation(rule(name, parameter), points(scores), mastery=3, maximum=5)

    assert found.value == value


@pytest.mark.parametrize(("name", "parameter", "scores", "value"), OTHERS)
def test_other_rules_give_their_published_results(
    name: str, parameter: int | None, scores: str, value: float | None
) -> None:
    assert calculation(rule(name, parameter), points(scores)).value == value


@pytest.mark.parametrize(
    ("scores", "known"),
    [
        ("1", 0.6927),
        ("1,1", 0.9192),
        ("1,1,0", 0.6285),
        ("1,1,0,1", 0.8955),
        ("1,1,1", 0.9828),
        ("0", 0.1458),
        ("0,0", 0.1188),
        ("0,0,0", 0.1149),
    ],
)
def test_knowledge_is_traced_answer_by_answer(scores: str, known: float) -> None:
    found = calculation(rule("bkt"), points(scores), mastery=1, maximum=1)

    assert found.value == known
    assert found.probability == pytest.approx(known, abs=5e-5)


@pytest.mark.parametrize(("cut", "level"), [(85, "Proficient"), (95, "Developing")])
def test_traced_knowledge_is_mastery_from_the_certainty_asked(
    cut: int, level: str
) -> None:
    found = calculation(rule("bkt", cut), [4, 4, 0, 4])

    assert found.level is not None
    assert found.level.name == level
    assert found.is_mastered == (level == "Proficient")


def test_the_name_trap_of_canvas_is_kept() -> None:
    scores = [1, 2, 3, 4, 5]
    found = {
        name: calculation(rule(name), scores).value
        for name in (
            "decaying_average",
            "weighted_average",
            "standard_decaying_average",
        )
    }

    assert found == {
        "decaying_average": 4.13,
        "weighted_average": 4.13,
        "standard_decaying_average": 4.47,
    }


@pytest.mark.parametrize(
    ("name", "lowest", "usual", "highest"),
    [
        ("n_mastery", 1, 3, 10),
        ("decaying_average", 1, 65, 99),
        ("weighted_average", 1, 65, 99),
        ("standard_decaying_average", 50, 65, 99),
        ("mean_of_last", 1, 3, 50),
        ("bkt", 50, 95, 99),
        ("certainty", 0, 180, 3650),
    ],
)
def test_a_rule_takes_its_range_and_has_a_usual_parameter(
    name: str, lowest: int, usual: int, highest: int
) -> None:
    assert rule(name).parameter == usual
    assert rule(name, lowest).parameter == lowest
    assert rule(name, float(highest)).parameter == highest
    for outside in (lowest - 1, highest + 1, lowest + 0.5, float("nan"), True):
        with pytest.raises(RuleError, match="give a whole number") as refused:
            rule(name, outside)
        assert f"from {lowest} to {highest}" in str(refused.value)


def test_a_refused_parameter_names_the_range() -> None:
    with pytest.raises(RuleError) as refused:
        rule("standard_decaying_average", 40)

    assert str(refused.value) == (
        "rule standard_decaying_average cannot take parameter 40; give a whole "
        "number from 50 to 99 (percent of each newer score)"
    )


def test_a_rule_without_parameter_refuses_one() -> None:
    with pytest.raises(RuleError) as refused:
        rule("highest", 3)

    assert str(refused.value) == "rule highest takes no parameter; leave 3 out"


def test_an_unknown_rule_is_answered_with_the_names() -> None:
    with pytest.raises(RuleError) as refused:
        rule("best")

    assert str(refused.value) == (
        "no rule is named 'best'; give one of highest, latest, average, n_mastery, "
        "decaying_average, weighted_average, standard_decaying_average, power_law, "
        "mode, mean_of_last, conjunctive, bkt, certainty"
    )


def test_a_rule_names_itself() -> None:
    assert str(rule("latest")) == "latest"
    assert str(rule("n_mastery", 2)) == "n_mastery(2)"


def test_every_rule_has_words_for_people() -> None:
    assert all(spec.label and spec.words.endswith(".") for spec in RULES.values())


@pytest.mark.parametrize(
    ("number", "rounded"),
    [
        (4.125, 4.13),
        (2.675, 2.68),
        (1.005, 1.01),
        (0.995, 1.0),
        (0.125, 0.13),
        (4.124999, 4.12),
        (-2.675, -2.68),
        (0.0, 0.0),
        (0.49999999999999994, 0.5),
    ],
)
def test_halves_are_rounded_away_from_zero_as_ruby_does(
    number: float, rounded: float
) -> None:
    assert round_half_away(number) == rounded


@UNHURRIED
@given(st.lists(st.floats(0, 100), min_size=2, max_size=20).map(sorted))
def test_rounding_keeps_order_and_stays_near(numbers: list[float]) -> None:
    rounded = [round_half_away(number) for number in numbers]

    assert all(low <= high for low, high in pairwise(rounded))
    assert all(
        abs(number - near) <= 0.005 + 1e-9
        for number, near in zip(numbers, rounded, strict=True)
    )
