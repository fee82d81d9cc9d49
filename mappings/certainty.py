"""Consistent proficiency with a stated certainty: our default rule.

The question is how probable it is that the student meets the standard on a
fresh, independent task at least six times in ten.

Source: facts/competencies.md section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cached_property

from mappings.beta import beta_point, beta_share
from mappings.evidence import Evidence
from mappings.lines import Line
from mappings.scales import reaches
from mappings.wording import Words

PRIOR = 0.5
STANDARD = 0.6
PROFICIENT, SECURE = 0.8, 0.9
DEVELOPING = 0.5
PIECES, TASKS = 3, 2
TAIL = 0.05
HALF_LIFE_DAYS = 180
MOST_TRIALS = 1000


class Rank(IntEnum):
    """The levels of certainty, from the lowest up."""

    EMERGING = 0
    DEVELOPING = 1
    PROFICIENT = 2
    SECURE = 3


def has_enough(pieces: int, tasks: int) -> bool:
    """Tell whether so many pieces of so many tasks may reach proficiency."""
    return pieces >= PIECES and tasks >= TASKS


def rank_of(probability: float, mean: float, *, is_enough: bool) -> Rank:
    """The level of a probability that the standard is met, and of the mean."""
    if is_enough and reaches(probability, SECURE):
        return Rank.SECURE
    if is_enough and reaches(probability, PROFICIENT):
        return Rank.PROFICIENT
    return Rank.DEVELOPING if reaches(mean, DEVELOPING) else Rank.EMERGING


@dataclass(frozen=True, slots=True)
class Weighed:
    """One piece as it was counted: its success, 0 to 1, and what it weighs.

    ``full_weight`` is the weight before age takes from it; ``faded`` is what age
    leaves, 0 to 1.
    """

    piece: Evidence
    days: float
    repeats: int
    full_weight: float
    faded: float
    success: float

    @property
    def weight(self) -> float:
        """What the piece weighs today."""
        return self.full_weight * self.faded

    @property
    def line(self) -> Line:
        """The piece in one sentence."""
        shown = {
            "ratio": self.piece.ratio,
            "success": self.success,
            "weight": self.weight,
            "days": int(self.days),
            "repeats": self.repeats,
            "reliability": self.piece.reliability,
        }
        return Line(Words.PIECE, {"task": self.piece.task, **shown})


@dataclass(frozen=True)
class Certainty:
    """What the evidence says for (alpha) and against (beta) the student."""

    alpha: float
    beta: float
    pieces: int
    tasks: int

    @property
    def mean(self) -> float:
        """The expected share of fresh tasks that meet the standard."""
        return self.alpha / (self.alpha + self.beta)

    @cached_property
    def probability(self) -> float:
        """How probable it is that the share is at least six in ten."""
        return beta_share(self.beta, self.alpha, 1 - STANDARD)

    @property
    def interval(self) -> tuple[float, float]:
        """The share lies between these two with probability 90 %."""
        return (
            beta_point(self.alpha, self.beta, TAIL),
            beta_point(self.alpha, self.beta, 1 - TAIL),
        )

    @property
    def rank(self) -> Rank:
        """The level the evidence reaches."""
        is_enough = has_enough(self.pieces, self.tasks)
        return rank_of(self.probability, self.mean, is_enough=is_enough)

    def after(self, successes: int) -> "Certainty":
        """What so many fresh, independent, full successes would make of it."""
        return Certainty(
            self.alpha + successes,
            self.beta,
            self.pieces + successes,
            self.tasks + successes,
        )

    def successes_to(self, rank: Rank) -> int | None:
        """The least number of fresh successes that reaches rank, by trial."""
        return next(
            (
                count
                for count in range(MOST_TRIALS + 1)
                if self.after(count).rank >= rank
            ),
            None,
        )


def weighed(
    pieces: Sequence[Evidence], *, cut: float, now: datetime, half_life_days: int
) -> tuple[Weighed, ...]:
    """Each piece, oldest first, with what it weighs today."""
    seen: dict[str, int] = {}
    rows = []
    for piece in pieces:
        repeats = seen.get(piece.task, 0)
        seen[piece.task] = repeats + 1
        days = max((now - piece.at) / timedelta(days=1), 0.0)
        rows.append(
            Weighed(
                piece,
                days,
                repeats,
                full_weight=piece.weight * piece.reliability * 0.5**repeats,
                faded=0.5 ** (days / half_life_days) if half_life_days else 1.0,
                success=success(piece, cut),
            )
        )
    return tuple(rows)


def as_new(rows: Sequence[Weighed]) -> tuple[Weighed, ...]:
    """The same pieces as they weighed on the day of the newest."""
    freshest = max((row.faded for row in rows), default=1.0)
    return tuple(
        replace(row, faded=row.faded / freshest if freshest else 1.0) for row in rows
    )


def success(piece: Evidence, cut: float) -> float:
    """How much of a success a piece is: 1 from the cut on, less than half below.

    What guessing alone would give is taken off both the ratio and the cut.
    """
    return success_of(piece.ratio, piece.guess, cut)


def success_of(ratio: float, guess: float, cut: float) -> float:
    """As ``success``, of bare numbers."""
    if reaches(ratio, cut):
        return 1.0
    above_guess = ratio - guess
    return 0.5 * above_guess / (cut - guess) if above_guess > 0 else 0.0


def certainty(rows: Sequence[Weighed]) -> Certainty:
    """The pieces put together; what only supports is no piece and no task."""
    return Certainty(
        PRIOR + sum(row.weight * row.success for row in rows),
        PRIOR + sum(row.weight * (1 - row.success) for row in rows),
        sum(not row.piece.is_support for row in rows),
        len({row.piece.task for row in rows if not row.piece.is_support}),
    )
