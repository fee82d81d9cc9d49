"""Cells as values: levels as points, parts, what counts; no database."""

from __future__ import annotations

import pytest

from lti_tool.work import observations
from mappings.scales import FOUR, Level, Scale


@pytest.mark.parametrize(
    ("scale", "points"),
    [
        (FOUR, [(1.0, 4.0), (2.0, 4.0), (3.0, 4.0), (4.0, 4.0)]),
        # 3 of 10 points would be the lowest: the cut stands for the level.
        (
            Scale(
                (Level("No", 0, 0), Level("Near", 0.5, 3), Level("Yes", 0.8, 10)), 0.8
            ),
            [(0, 10), (5.0, 10), (10, 10)],
        ),
    ],
)
def test_a_level_is_entered_as_points_that_lead_to_it(
    scale: Scale, points: list[tuple[float, float]]
) -> None:
    told = [observations.at_level(scale, place) for place in range(len(scale.levels))]
    assert told == points
    assert [scale.level(given / most) for given, most in told] == list(scale.levels)
