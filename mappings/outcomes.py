"""Which attainments changed enough to be told to others."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mappings.mastery import Attainment
from mappings.scales import PLACES

SMALLEST = 0.01


class Change(StrEnum):
    """Why an outcome is told."""

    NEW = "new"
    LEVEL = "level"
    VALUE = "value"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A changed attainment; withdrawn where nothing stands any more."""

    competency: str
    change: Change
    value: float | None
    level: str | None
    is_mastered: bool
    previous_value: float | None = None
    previous_level: str | None = None


def changes(
    old: Mapping[str, Attainment],
    new: Mapping[str, Attainment],
    *,
    smallest: float = SMALLEST,
) -> tuple[Outcome, ...]:
    """The outcomes of one student, in the order of new; both keyed by competency.

    A competency that new does not mention was not judged and is not told; one
    that new holds without a value, where old had one, is withdrawn. Values
    differ when they do by at least smallest.
    """
    told = (
        _outcome(old.get(competency, Attainment(competency)), attainment, smallest)
        for competency, attainment in new.items()
    )
    return tuple(outcome for outcome in told if outcome is not None)


def _outcome(old: Attainment, new: Attainment, smallest: float) -> Outcome | None:
    """What is to be told of one competency, or None."""
    change = _change(old, new, smallest)
    if change is None:
        return None
    return Outcome(
        new.competency,
        change,
        value=new.value,
        level=_name(new),
        is_mastered=new.is_mastered,
        previous_value=old.value,
        previous_level=_name(old),
    )


def _change(old: Attainment, new: Attainment, smallest: float) -> Change | None:
    """Why new differs from old enough to be told, or None."""
    if new.value is None:
        return None if old.value is None else Change.WITHDRAWN
    if old.value is None:
        return Change.NEW
    if _name(old) != _name(new) or old.is_mastered != new.is_mastered:
        return Change.LEVEL
    apart = round(abs(new.value - old.value), PLACES)
    return Change.VALUE if apart >= smallest and apart > 0 else None


def _name(attainment: Attainment) -> str | None:
    """The name of the level, or None."""
    return None if attainment.level is None else attainment.level.name
