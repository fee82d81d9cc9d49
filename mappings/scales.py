"""Levels, cuts and the one comparison."""

import math
from dataclasses import dataclass
from itertools import pairwise

from mappings.errors import ScaleError
from mappings.refusals import Refusal

PLACES = 9


def reaches(ratio: float, cut: float) -> bool:
    """Tell whether ratio is at or above cut.

    The only comparison of a computed ratio with a cut. It rounds to nine
    places first: the mean of 0.5, 0.9 and 0.7 is 0.6999999999999998 in binary,
    and that student has earned her 0.7.
    """
    return round(ratio, PLACES) >= round(cut, PLACES)


@dataclass(frozen=True, slots=True)
class Level:
    """A named step of a scale, reached at its cut, a ratio, worth its points."""

    name: str
    cut: float
    points: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Levels from the lowest up, and the cut at which mastery begins.

    Raises:
        ScaleError: no levels; cuts not ascending from 0 to at most 1; points
            that fall or are not finite; mastery that is no cut above the lowest.
    """

    levels: tuple[Level, ...]
    mastery: float

    def __post_init__(self) -> None:
        """Refuse levels that make no scale."""
        cuts = [level.cut for level in self.levels]
        points = [level.points for level in self.levels]
        if not cuts or cuts[0] != 0:
            raise ScaleError("the lowest level must have cut 0; add one that has")
        for below, level in pairwise(self.levels):
            if not below.cut < level.cut <= 1:
                raise ScaleError(
                    Refusal.CUT_OUTSIDE,
                    name=level.name,
                    cut=f"{level.cut:g}",
                    low=f"{below.cut:g}",
                    below=below.name,
                )
        if not all(math.isfinite(point) for point in points):
            raise ScaleError(
                f"points {points} are not all finite numbers; correct them"
            )
        if any(low > high for low, high in pairwise(points)) or points[-1] <= 0:
            raise ScaleError(
                f"points {points} do not ascend to a number above 0; order the levels"
            )
        if self.mastery not in cuts[1:]:
            raise ScaleError(
                f"mastery {self.mastery} is no cut above the lowest; "
                f"give one of {cuts[1:]}"
            )

    @property
    def maximum(self) -> float:
        """The points of the highest level."""
        return self.levels[-1].points

    @property
    def mastery_level(self) -> Level:
        """The level at which mastery begins."""
        return next(level for level in self.levels if level.cut == self.mastery)

    def level(self, ratio: float) -> Level:
        """The highest level whose cut ratio reaches; the lowest if it reaches none."""
        reached = [level for level in self.levels if reaches(ratio, level.cut)]
        return reached[-1] if reached else self.levels[0]

    def is_mastery(self, level: Level | None) -> bool:
        """Tell whether level is at or above the mastery level; None is not."""
        return level is not None and level.cut >= self.mastery


FOUR = Scale(
    (
        Level("Beginning", 0.0, 1.0),
        Level("Developing", 0.5, 2.0),
        Level("Proficient", 0.75, 3.0),
        Level("Advanced", 0.9, 4.0),
    ),
    mastery=0.75,
)
"""The scale of a course that has chosen none."""
