"""One scored piece of work; scores to ratios."""

import math
from dataclasses import dataclass
from datetime import datetime

from mappings.errors import EvidenceError

RELIABILITY = {
    "score": 1.0,
    "performance": 1.0,
    "rubric": 1.0,
    "outside": 0.8,
    "selected": 0.6,
    "self": 0.5,
    "peer": 0.5,
}
"""How far each method of assessment is believed, 0 to 1.

``performance`` is a performance task, ``rubric`` an observed rubric, ``outside``
learning elsewhere that staff verified, ``selected`` selected response.
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A score that speaks for a competency.

    ``task`` names the work, so that repeats of one task are seen as such;
    ``at`` is aware and says when the work was handed in; ``given`` and
    ``maximum`` are the score as it came; ``source`` says whence, ``key`` is the
    caller's own identifier. A piece with ``counts`` false is shown and not
    judged; ``reason`` says why.

    ``kind`` is one of ``KINDS``; ``part`` names the row or question of the task.
    ``due_at`` and ``assessed_at`` are the other times it may be ordered by. What
    ``is_support`` weighs beside other evidence and is no piece of its own:
    self-assessment, and what was shown at a competency that builds on this one.

    Raises:
        EvidenceError: a value no rule could use; names the piece and the value.
    """

    task: str
    ratio: float
    at: datetime
    weight: float = 1.0
    method: str = "score"
    reliability: float = 1.0
    guess: float = 0.0
    given: float | None = None
    maximum: float | None = None
    source: str = ""
    key: str = ""
    counts: bool = True
    reason: str = ""
    kind: str = "score"
    part: str = ""
    due_at: datetime | None = None
    assessed_at: datetime | None = None
    is_support: bool = False

    def __post_init__(self) -> None:
        """Refuse a piece that says nothing."""
        if self._is_sound():
            return
        wrong = next(
            (
                f"{name} {value}; give {wanted}"
                for name, value, wanted, fits in self._limits()
                if not fits
            ),
            None,
        )
        if wrong is None and self.at.utcoffset() is None:
            wrong = f"a time without zone, {self.at}; give an aware datetime"
        if wrong is not None:
            raise EvidenceError(f"evidence from task {self.task!r} has {wrong}")

    def _is_sound(self) -> bool:
        """Tell at once whether every number and time fits, as nearly all do."""
        return (
            0 <= self.ratio <= 1
            and 0 < self.weight < math.inf
            and 0 < self.reliability <= 1
            and 0 <= self.guess < 1
            and self.at.utcoffset() is not None
        )

    def _limits(self) -> tuple[tuple[str, float, str, bool], ...]:
        """Yield each number with what is wanted of it and whether it fits."""
        return (
            ("ratio", self.ratio, "0 to 1", 0 <= self.ratio <= 1),
            ("weight", self.weight, "a number above 0", 0 < self.weight < math.inf),
            (
                "reliability",
                self.reliability,
                "above 0, at most 1",
                0 < self.reliability <= 1,
            ),
            ("guess", self.guess, "0 or more, below 1", 0 <= self.guess < 1),
        )


def ratio_of(given: float, maximum: float, minimum: float = 0) -> float:
    """The share of the way from minimum to maximum, held to 0 to 1.

    More than the maximum (bonus points) is 1; what was given, unrounded, stays
    in the evidence.

    Raises:
        EvidenceError: a number is NaN or infinite, the score is negative where
            the minimum is not, or there is nothing between the bounds.
    """
    for name, number in (("score", given), ("maximum", maximum), ("minimum", minimum)):
        if not math.isfinite(number):
            raise EvidenceError(
                f"{name} {number} is not a finite number; correct it in the gradebook"
            )
    if maximum <= minimum or maximum <= 0:
        raise EvidenceError(
            f"maximum {maximum} is not above {max(minimum, 0)}; "
            "give the points the assignment is worth"
        )
    if given < min(minimum, 0):
        raise EvidenceError(
            f"score {given} of {maximum} is negative; correct it in the gradebook"
        )
    return min(max((given - minimum) / (maximum - minimum), 0.0), 1.0)
