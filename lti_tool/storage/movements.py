"""What a plan would move, and which staged rows are not taken: plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Movement:
    """What a plan would do to one collection.

    rewrites: rows written anew though nothing in them changed but the way we take
    their fingerprint; they are no part of the plan.
    """

    now: int
    adds: int
    changes: int
    ends: int
    rewrites: int = 0


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A staged row that is not taken, or taken as something else, and why.

    value: the sourcedId that stands in the column, where it is a reference; of a score
    above the maximum both.
    """

    collection: str
    sourced_id: str
    code: str
    column: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows not taken: how many of each code, and the first of them."""

    counts: Mapping[str, int]
    first: Sequence[NotTaken]


def as_counts(movements: Mapping[str, Movement]) -> dict[str, dict[str, int]]:
    """Return a plan as JSON: adds, changes and ends by collection."""
    return {
        name: {
            "now": one.now,
            "adds": one.adds,
            "changes": one.changes,
            "ends": one.ends,
        }
        for name, one in movements.items()
    }
