from typing import get_args

import pytest

from mappings import FOUR, EvidenceError, Level, Scale, ScaleError, calculation, rule
from mappings.lines import Line, Shown
from mappings.trials import scale_of


def test_three_of_four_is_the_usual_scale() -> None:
    assert scale_of(3, 4) == FOUR


def test_where_mastery_is_everything_no_level_lies_above() -> None:
    assert scale_of(6, 6) == Scale(
        (
            Level("Beginning", 0, 2),
            Level("Developing", 2 / 3, 4),
            Level("Proficient", 1, 6),
        ),
        mastery=1,
    )


@pytest.mark.parametrize(("mastery", "maximum"), [(0, 4), (5, 4), (3, 0), (-1, 4)])
def test_bounds_that_make_no_scale_are_refused(mastery: float, maximum: float) -> None:
    with pytest.raises(ScaleError):
        calculation(rule("latest"), [1], mastery=mastery, maximum=maximum)


def test_points_above_the_maximum_stand_as_in_canvas() -> None:
    found = calculation(rule("decaying_average"), [1, 2, 3, 4, 5])

    assert (found.value, found.level) == (4.13, FOUR.levels[-1])


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(EvidenceError) as refused:
        calculation(rule("latest"), [1, float("nan")])

    assert str(refused.value) == "score nan is not a finite number; leave it out"


def test_certainty_takes_each_score_as_fresh_work() -> None:
    found = calculation(rule("certainty"), [4, 3, 3])

    assert (found.value, found.evidence) == (4, 3)
    assert found.probability == pytest.approx(0.932, abs=5e-4)


@pytest.mark.parametrize("name", ["latest", "certainty"])
def test_no_scores_give_no_value(name: str) -> None:
    assert calculation(rule(name), []).value is None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Advanced", "Advanced"),
        (3, "3"),
        (2.50, "2.5"),
        (1 / 3, "0.3333"),
        (-0.00001, "0"),
        ((1.0, 2.25), "1, 2.25"),
    ],
)
def test_a_line_is_written_plainly(value: Shown, written: str) -> None:
    assert str(Line("it is {value}", {"value": value})) == f"it is {written}"
    assert len(get_args(Shown)) == 4


def test_a_line_without_values_is_its_text() -> None:
    assert str(Line("nothing")) == "nothing"
