"""Our levels on a Moodle scale: which item says a level, and which levels an item is.

An item is a number from 1, the lowest; some items mean that the student is proficient.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lti_tool.errors import DeliveryError


@dataclass(frozen=True, slots=True)
class RatingScale:
    """The items of a scale, lowest first, and which of them mean proficient."""

    names: tuple[str, ...]
    proficient: frozenset[int]


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


def items_for(levels: Levels, scale: RatingScale) -> Items:
    """Find an item for each level: by its name, by its place, or by proficiency alone.

    What is below mastery here is never proficient there, nor the other way round,
    unless the names say so themselves. Several levels may share an item.

    Raises:
        DeliveryError: all items mean proficient, or none does.
    """
    return Items(scale, _by_name(levels, scale) or _by_mastery(levels, scale))


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
    if not high or not low:
        raise DeliveryError(
            "the scale of this competency has no item for students who are not "
            "proficient, or none for those who are; choose another scale in Moodle",
            "scale",
            permanent=True,
        )
    mastered = len(levels.names) - levels.below
    return (*_spread(levels.below, low), *_spread(mastered, high))


def _spread(count: int, items: Sequence[int]) -> list[int]:
    """Lay count levels over items, lowest on lowest and highest on highest."""
    last = len(items) - 1
    return [items[place * last // max(count - 1, 1)] for place in range(count)]


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()
