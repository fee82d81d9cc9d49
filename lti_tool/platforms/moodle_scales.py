"""Our levels on a Moodle scale: which item says a level, and which levels an item is.

An item is a number from 1, the lowest; some items mean that the student is proficient.
Where the items are not called as our levels are, the school says which is which: what
"Competent" means is no tool's to guess, and a rating stands in a student's record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lti_tool.errors import DeliveryError


@dataclass(frozen=True, slots=True)
class RatingScale:
    """The items of a scale, lowest first, and which of them mean proficient."""

    names: tuple[str, ...]
    proficient: frozenset[int]
    scale_id: int = 0


@dataclass(frozen=True, slots=True)
class Levels:
    """Our levels, lowest first, and how many of them lie below mastery."""

    names: tuple[str, ...]
    below: int


@dataclass(frozen=True, slots=True)
class Items:
    """Which item each of our levels is, lowest first."""

    scale: RatingScale
    by_level: tuple[int, ...]

    def item(self, level: int) -> int:
        """The item that says a level; levels count from 1 to as many as there are."""
        return self.by_level[level - 1]

    def levels(self, item: int) -> frozenset[float]:
        """The levels an item says; none where it says none of ours."""
        return frozenset(
            float(level) for level, one in enumerate(self.by_level, 1) if one == item
        )

    def nearest(self, item: int) -> float:
        """The highest level that an item reaches, the lowest if it reaches none."""
        reached = [level for level, one in enumerate(self.by_level, 1) if one <= item]
        return float(max(reached, default=1))

    def name(self, item: int) -> str:
        """What Moodle calls an item."""
        known = 1 <= item <= len(self.scale.names)
        return self.scale.names[item - 1] if known else str(item)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which item of a scale each level is, as a school said it.

    It holds for levels and items of these names alone: a scale that was changed since,
    or a course with other levels, is asked about anew.
    """

    scale_id: int
    names: tuple[str, ...]
    levels: tuple[str, ...]
    items: tuple[int, ...]

    def fits(self, levels: Levels, scale: RatingScale) -> bool:
        """Tell whether it was said of this scale as it is now, and of these levels."""
        return (
            self.scale_id == scale.scale_id
            and self.names == scale.names
            and self.levels == levels.names
            and is_rising(self.items, scale)
        )


class ScaleUnmappedError(DeliveryError):
    """A scale has other items than our levels, and nobody said which is which."""

    def __init__(self, scale: RatingScale, levels: Levels) -> None:
        """Keep the scale for whoever chooses."""
        super().__init__(
            f"the scale of this competency in Moodle ({', '.join(scale.names)}) has "
            f"other items than the course has levels ({', '.join(levels.names)}); an "
            "administrator says once which item each level is: Platforms > Levels on "
            "its scales, or masterybridge platform scales",
            "scale_unmapped",
            permanent=True,
        )
        self.scale = scale


def items_for(
    levels: Levels, scale: RatingScale, chosen: Sequence[Choice] = ()
) -> Items:
    """Find an item for each level: by its name, else as the school said.

    Of several choices that fit the first counts.

    Raises:
        ScaleUnmappedError: some level has no item of its name, and nobody chose.
    """
    by_name = _by_name(levels, scale)
    if by_name is not None:
        return Items(scale, by_name)
    for one in chosen:
        if one.fits(levels, scale):
            return Items(scale, one.items)
    raise ScaleUnmappedError(scale, levels)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the levels of a course are on the scales of its Moodle.

    Attributes:
        levels: of the course.
        chosen: what the school said of scales, what counts first first.
        on_unmapped: is told of a scale that nobody said anything of.
    """

    levels: Levels
    chosen: Sequence[Choice] = ()
    on_unmapped: Callable[[RatingScale], None] = lambda _scale: None

    def items(self, scale: RatingScale) -> Items:
        """Find the item of each level.

        Raises:
            ScaleUnmappedError: as items_for does.
        """
        try:
            return items_for(self.levels, scale, self.chosen)
        except ScaleUnmappedError:
            self.on_unmapped(scale)
            raise


def proposal(levels: Levels, scale: RatingScale) -> tuple[int, ...]:
    """An item for each level that a person may agree with, or change.

    By name if there is one for each; else what is below mastery here is not proficient
    there and the other way round, lowest on lowest and highest on highest; by place
    alone where all items mean proficient, or none does.
    """
    return _by_name(levels, scale) or _by_mastery(levels, scale)


def is_rising(items: Sequence[int], scale: RatingScale) -> bool:
    """Tell whether items are some of the scale's, none lower than the one before."""
    is_known = all(1 <= one <= len(scale.names) for one in items)
    return is_known and all(low <= high for low, high in pairwise(items))


def parse_configuration(text: str) -> tuple[int, frozenset[int]]:
    """Read a scaleconfiguration: which scale, and its proficient items.

    Raises:
        DeliveryError: it is none.
    """
    try:
        head, *items = json.loads(text)
        return int(head["scaleid"]), frozenset(
            int(one["id"]) for one in items if int(one.get("proficient") or 0)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DeliveryError(
            "the scale of this competency is not set up in Moodle", "scale",
            permanent=True,
        ) from None  # fmt: skip


def format_configuration(levels: Levels, scale_id: int) -> str:
    """Write a scaleconfiguration for a scale whose items are our levels.

    The lowest proficient level is what Moodle gives where a rule completes.
    """
    items: list[dict[str, Any]] = [
        {
            "id": number,
            "scaledefault": int(number == levels.below + 1),
            "proficient": int(number > levels.below),
        }
        for number in range(1, len(levels.names) + 1)
    ]
    return json.dumps([{"scaleid": str(scale_id)}, *items])


def is_ours(levels: Levels, names: Sequence[str]) -> bool:
    """Tell whether the items of a scale are our levels, one by one."""
    return [_fold(one) for one in names] == [_fold(one) for one in levels.names]


def _by_name(levels: Levels, scale: RatingScale) -> tuple[int, ...] | None:
    places = {_fold(name): number for number, name in enumerate(scale.names, 1)}
    found = [places.get(_fold(name)) for name in levels.names]
    items = tuple(one for one in found if one is not None)
    rises = all(low < high for low, high in pairwise(items))
    return items if len(items) == len(levels.names) and rises else None


def _by_mastery(levels: Levels, scale: RatingScale) -> tuple[int, ...]:
    every = range(1, len(scale.names) + 1)
    high = [one for one in every if one in scale.proficient]
    low = [one for one in every if one not in scale.proficient]
    items = (
        *_spread(levels.below, low or every),
        *_spread(len(levels.names) - levels.below, high or every),
    )
    # A school may call items proficient in any order: levels never fall.
    is_split = bool(high and low) and is_rising(items, scale)
    return items if is_split else tuple(_spread(len(levels.names), every))


def _spread(count: int, items: Sequence[int]) -> list[int]:
    """Lay count levels over items, lowest on lowest and highest on highest."""
    last = len(items) - 1
    return [items[place * last // max(count - 1, 1)] for place in range(count)]


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()
