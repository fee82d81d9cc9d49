"""What a change would do to the levels of a course, before anything counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lti_tool.storage import standing as stored
from lti_tool.storage.database import Session
from lti_tool.storage.standing import Key, StoredAttainment
from lti_tool.work import standing

NO_LEVEL = -1


@dataclass(frozen=True, slots=True)
class Place:
    """A level: its number from the lowest, its name, and the value behind it."""

    level: int | None
    name: str | None
    value: float | None


@dataclass(frozen=True, slots=True)
class Move:
    """One student's level on one competency, old and new; None is not assessed."""

    person_id: int
    competency_id: int
    before: Place | None
    after: Place | None

    @property
    def is_lower(self) -> bool:
        """Tell whether the student would stand lower, or be not assessed any more."""
        return _rank(self.after) < _rank(self.before)


def preview(
    session: Session,
    course_id: int,
    change: Callable[[Session], object],
    *,
    now: datetime,
) -> list[Move]:
    """Return whose levels change would move: by student, then by competency.

    change writes what it likes; the course is worked out anew behind it, and all of
    it is rolled back. The session must be one that may write. What only moves a value
    inside its level is no move.

    Raises:
        BridgeError: whatever change itself refuses; nothing is kept of it either.
    """
    before = stored.load(session, course_id)
    trial = session.begin_nested()
    try:
        change(session)
        standing.refresh(session, course_id, now=now)
        after = stored.load(session, course_id)
    finally:
        trial.rollback()
    return moves(before, after)


def moves(
    before: Mapping[Key, StoredAttainment], after: Mapping[Key, StoredAttainment]
) -> list[Move]:
    """Return whose levels differ between two states: by student, then competency."""
    return [
        move
        for key in sorted(before.keys() | after.keys())
        if (move := _move(key, before.get(key), after.get(key))) is not None
    ]


def students(some: Sequence[Move]) -> int:
    """Return how many students the moves are of."""
    return len({one.person_id for one in some})


def lowered(some: Sequence[Move]) -> int:
    """Return how many of the moves go down."""
    return sum(one.is_lower for one in some)


def _move(
    key: tuple[int, int],
    before: StoredAttainment | None,
    after: StoredAttainment | None,
) -> Move | None:
    old, new = _place(before), _place(after)
    if _shown(old) == _shown(new):
        return None
    return Move(*key, before=old, after=new)


def _place(one: StoredAttainment | None) -> Place | None:
    """Where somebody stands; who has evidence and no level yet stands nowhere."""
    if one is None or one.level is None:
        return None
    return Place(one.level, one.level_name, one.value)


def _shown(place: Place | None) -> tuple[int | None, str | None]:
    return (None, None) if place is None else (place.level, place.name)


def _rank(place: Place | None) -> int:
    return NO_LEVEL if place is None or place.level is None else place.level
