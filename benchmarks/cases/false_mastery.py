"""How often each rule declares mastery: of students who have it, and who have not.

Simulated students meet the standard on a fresh task with a known probability. A
success scores 3 or 4 of 4, a failure 1 or 2; each piece is a task of its own, of
today. The table is that of facts/competencies.md section 3; each share must lie within
chance of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from benchmarks.bench import Bench, Finding, check
from mappings.beta import beta_share
from mappings.certainty import PRIOR, STANDARD
from mappings.evidence import Evidence
from mappings.mastery import attainment
from mappings.rules import rule
from mappings.scales import FOUR, reaches

SEED: Final = 7
STUDENTS: Final = {"S": 20_000, "M": 60_000, "L": 200_000}
COLUMNS: Final = ((0.3, 5), (0.3, 8), (0.5, 5), (0.85, 5), (0.95, 5), (0.95, 8))
# P(theta >= .6) from a share on, pieces and tasks apart: with five there are enough.
BAYES_80: Final = "certainty, Proficient"
BAYES_90: Final = "certainty, Secure"
TABLE: Final[dict[str, tuple[float, ...]]] = {
    "highest": (0.832, 0.941, 0.969, 1, 1, 1),
    "latest": (0.299, 0.300, 0.500, 0.850, 0.950, 0.949),
    "average": (0.050, 0.015, 0.217, 0.787, 0.943, 0.967),
    "weighted_average 65": (0.159, 0.153, 0.314, 0.756, 0.918, 0.931),
    "standard_decaying_average 65": (0.163, 0.164, 0.325, 0.738, 0.906, 0.905),
    "n_mastery 2": (0.472, 0.744, 0.814, 0.998, 1, 1),
    "n_mastery 3": (0.163, 0.450, 0.500, 0.973, 0.999, 1),
    "bkt 95": (0.043, 0.040, 0.219, 0.849, 0.980, 0.996),
    BAYES_80: (0.030, 0.011, 0.188, 0.835, 0.977, 0.994),
    BAYES_90: (0.002, 0.001, 0.031, 0.442, 0.775, 0.942),
}
# What is awarded and never taken back, of p = .3 and .95 in eight pieces.
EVER: Final = {
    "highest": (0.943, 1),
    "standard_decaying_average 65": (0.719, 1),
    "n_mastery 3": (0.450, 0.999),
    BAYES_90: (0.028, 0.968),
}
# Both the table and ours are drawn: so many standard errors apart, and its rounding.
APART: Final = 5
ROUNDED: Final = 0.0015
DRAWN: Final = 200_000
CUT: Final = 3
DAY: Final = datetime(2026, 11, 1, tzinfo=UTC)
Scores = tuple[int, ...]


def measure(bench: Bench) -> list[Finding]:
    """Draw the students, judge each by every rule, and compare with the table."""
    students = STUDENTS[bench.size]
    chance = random.Random(SEED)  # noqa: S311 -- a simulation, drawn the same each time
    judge = Judge()
    findings = []
    for column, (share, pieces) in enumerate(COLUMNS):
        drawn = [_scores(chance, share, pieces) for _student in range(students)]
        for name, row in TABLE.items():
            found = sum(judge.says(name, one) for one in drawn) / students
            told = f"{name} p={share} n={pieces}"
            findings.append(_finding(told, found, row[column], students))
    for column, share in enumerate((0.3, 0.95)):
        drawn = [_scores(chance, share, 8) for _student in range(students)]
        for name, pair in EVER.items():
            found = sum(judge.ever(name, one) for one in drawn) / students
            told = f"{name} ever p={share}"
            findings.append(_finding(told, found, pair[column], students))
    return findings


def _scores(chance: random.Random, share: float, pieces: int) -> Scores:
    return tuple(
        chance.choice((3, 4)) if chance.random() < share else chance.choice((1, 2))
        for _piece in range(pieces)
    )


class Judge:
    """Tells whether a rule declares mastery; what it has seen it knows by heart."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Scores], bool] = {}

    def ever(self, name: str, scores: Scores) -> bool:
        """Tell whether it was declared after any of the pieces."""
        return any(self.says(name, scores[:end]) for end in range(1, len(scores) + 1))

    def says(self, name: str, scores: Scores) -> bool:
        """Tell whether it is declared after the last of them."""
        key = (name, scores)
        if key not in self._known:
            self._known[key] = _declares(name, scores)
        return self._known[key]


def _declares(name: str, scores: Scores) -> bool:
    if name in {BAYES_80, BAYES_90}:
        cut = 0.8 if name == BAYES_80 else 0.9
        return reaches(_probability(scores), cut)
    chosen, _space, parameter = name.partition(" ")
    judged_by = rule(chosen, float(parameter) if parameter else None)
    return attainment(
        name, _work(scores), rule=judged_by, scale=FOUR, now=DAY, in_full=False
    ).is_mastered


def _probability(scores: Scores) -> float:
    """P(theta >= .6) by the product, with no miss a part of a success.

    The table knows right and wrong alone ("no weighting").
    """
    right = sum(score >= CUT for score in scores)
    wrong = len(scores) - right
    return beta_share(PRIOR + wrong, PRIOR + right, 1 - STANDARD)


def _work(scores: Sequence[int]) -> list[Evidence]:
    return [
        Evidence(f"task {place}", score / 4, DAY) for place, score in enumerate(scores)
    ]


def _finding(name: str, found: float, wanted: float, students: int) -> Finding:
    """Tell one share beside the table's; one that chance does not explain is wrong."""
    spread = wanted * (1 - wanted) * (1 / students + 1 / DRAWN)
    check(
        abs(found - wanted) <= APART * math.sqrt(spread) + ROUNDED,
        f"{name}: declared for {found:.4f} of the students, the table says {wanted}",
    )
    return Finding(name, "share", ((found, wanted),), f"share {wanted:g}")
