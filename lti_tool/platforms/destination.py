"""What every destination promises: find a column, read it, send to it.

A column is the place in another system's gradebook where one competency of one
course stands. The workflow of `work.delivery` is the same for all: it reads before it
sends, so that what a person set there is not overwritten, and reads after it sent, so
that "delivered" means seen there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, runtime_checkable

from lti_tool.errors import DeliveryError
from mappings.scales import reaches

SAME: Final = 0.0001  # Moodle keeps five decimals after rescaling
SUMMARY: Final = "summary"  # what the id of the column over all competencies ends in


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of ours is called and how far it reaches.

    resource_id is ours and stable: a column is found by it before one is made.
    case_id is None of the column over all competencies of a course; human_code is the
    competency's, if it has one.
    """

    resource_id: str
    title: str
    description: str
    maximum: float
    case_id: str | None
    human_code: str | None = None

    @property
    def ending(self) -> str:
        """What its resource_id ends in, here and in every copy of the course."""
        return self.case_id or SUMMARY

    @property
    def competency(self) -> str:
        """The CASE identifier, where nothing but competencies is kept.

        Raises:
            DeliveryError: it is of no competency.
        """
        if self.case_id is None:
            raise DeliveryError(
                "competencies alone are kept there, no grade over all of them",
                "no_competency",
                permanent=True,
            )
        return self.case_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value for one student, as it is sent; value None withdraws it.

    case_id is None of the grade over all competencies of a course.
    told_level_name is the level the destination was last told, if any.
    """

    recipient: str
    value: float | None
    maximum: float
    level_name: str | None
    at: datetime
    basis: Mapping[str, Any]
    case_id: str | None
    told_level_name: str | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """The values that are one level: from its cut up to that of the next, if any."""

    cut: float
    next_cut: float | None
    maximum: float

    def has(self, value: float) -> bool:
        """Tell whether a value is of this level."""
        ratio = value / self.maximum
        is_above = self.next_cut is not None and reaches(ratio, self.next_cut)
        return reaches(ratio, self.cut) and not is_above


@dataclass(frozen=True, slots=True)
class Shown:
    """What a destination shows for one student, on our maximum.

    Attributes:
        value: the number there; None: nothing stands there.
        text: the word there, where it keeps words.
        stands_for: the values of ours it is as good as, where a destination keeps
            levels and not our numbers; then value is only for people.
        reach: the same as a stretch, where it is known by its ends: the ratio at which
            a level begins, and that at which the next one does, if any does; maximum
            is what they are ratios of.
        is_ours: who set it, where a destination tells; None where it does not, and
            only a value we never sent betrays somebody else's hand.
        is_settled: it will stand so; not while the destination is still at work.
        at: when it was set there, by our clock, where a destination works on what it
            was told after it has answered; None where it is done by then.
        raw: the value as it stands there, on raw_maximum.
        raw_maximum: the column's maximum there, None where it is ours.
    """

    value: float | None
    text: str | None = None
    stands_for: frozenset[float] | None = None
    reach: Reach | None = None
    is_ours: bool | None = None
    is_settled: bool = True
    at: datetime | None = None
    raw: float | None = None
    raw_maximum: float | None = None

    def shows(self, value: float | None) -> bool:
        """Tell whether this is value, as exactly as the destination can keep it."""
        return self.is_settled and self.tends_to(value)

    def tends_to(self, value: float | None) -> bool:
        """Tell whether this is value, or will be once the destination is done."""
        if self.value is None or value is None:
            return self.value is value
        if self.stands_for is not None:
            return value in self.stands_for
        if self.reach is not None:
            return self.reach.has(value)
        return abs(self.value - value) <= SAME

    def as_ours(self, value: float | None) -> float | None:
        """What is shown, as a value of ours: of several it is, the one nearest value.

        Whoever says "Competent" of a student that we had below says no more than the
        lowest level that is competent.
        """
        if not self.stands_for or value is None:
            return self.value
        return min(self.stands_for, key=lambda one: (abs(one - value), one))

    def shows_unscaled(self, value: float | None) -> bool:
        """Tell whether this is value under another maximum of the column than ours."""
        if self.raw is None or value is None:
            return False
        return abs(self.raw - value) <= SAME


NOTHING: Final = Shown(None)


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

    def read(
        self, address: str, column: Column, recipients: Collection[str]
    ) -> Mapping[str, Shown]:
        """Return what the column shows, by recipient; absent means nothing.

        Those of recipients at least: some destinations are read one by one.
        """

    def send(self, address: str, outcome: Outcome) -> Mapping[str, Any]:
        """Write outcome; writing it twice leaves what writing it once left.

        Returns what the destination answered, for the receipt.
        """


@runtime_checkable
class Closing(Protocol):
    """A destination that only one worker may go to at a time, until it is closed."""

    def close(self) -> None:
        """Let others go there: nothing more is asked of it now."""


@runtime_checkable
class Foreseeing(Protocol):
    """A destination that can tell beforehand that a column would show nothing right."""

    def foresee(self, column: Column) -> DeliveryError | None:
        """Return why nothing can be sent to a column, None where it can.

        Nothing is changed there for it.
        """


@runtime_checkable
class ByStudent(Protocol):
    """A destination read student by student: one look shows all her columns."""

    looks_at_students: bool
    """Whether columns are to be read again together, once all of them are sent."""


@runtime_checkable
class OfKind(Protocol):
    """A destination that has several kinds of columns, each with its own ids."""

    @property
    def column_kind(self) -> str:
        """Which kind it makes and reads."""

    @property
    def makes_twice(self) -> bool:
        """Whether making a column twice makes two."""


@runtime_checkable
class Together(Protocol):
    """A destination that is told many outcomes of a column at once."""

    batch: int
    """How many at most."""

    def send_together(
        self, address: str, outcomes: Sequence[Outcome]
    ) -> Sequence[Mapping[str, Any] | DeliveryError]:
        """Write outcomes, of a student each; returns what became of each, in order.

        Raises:
            DeliveryError: none of them was taken, or nobody knows.
        """
