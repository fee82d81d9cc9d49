"""What every destination promises: find a column, read it, send to it.

A column is the place in another system's gradebook where one competency of one
course stands. The workflow of `work.delivery` is the same for all: it reads before it
sends, so that what a person set there is not overwritten, and reads after it sent, so
that "delivered" means seen there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of ours is called and how far it reaches.

    resource_id is ours and stable: a column is found by it before one is made.
    """

    resource_id: str
    title: str
    description: str
    maximum: float
    case_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value for one student, as it is sent; value None withdraws it.

    told_level_name is the level the destination was last told, if any.
    """

    recipient: str
    value: float | None
    maximum: float
    level_name: str | None
    at: datetime
    basis: Mapping[str, Any]
    case_id: str
    told_level_name: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a destination shows for one student, on our maximum."""

    value: float | None
    text: str | None = None


class Destination(Protocol):
    """Somewhere outcomes are written: a gradebook or a competency record.

    Every method raises DeliveryError: permanent when sending the same again will
    not help, with retry_after where the destination named a time.
    """

    clock_step_seconds: float
    """How far two timestamps of one student and column must lie apart."""
    parallel: int
    """How many sends may be on their way at once."""

    def find_column(self, column: Column) -> str | None:
        """Return the address of the column, None if it is not there."""

    def make_column(self, column: Column) -> str:
        """Make the column and return its address; looked for before."""

    def read(self, address: str, column: Column) -> Mapping[str, Shown]:
        """Return what the column shows, by recipient; absent means nothing."""

    def send(self, address: str, outcome: Outcome) -> Mapping[str, Any]:
        """Write outcome; writing it twice leaves what writing it once left.

        Returns what the destination answered, for the receipt.
        """
