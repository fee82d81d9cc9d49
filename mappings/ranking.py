"""How sure a suggestion is: seven numbers, weighed as a school's own choices say."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FEATURES = (
    "bm25",  # score by words, as a share of what saying all of them scores
    "statement",  # closeness of meaning to the statement, 0 without a model
    "context",  # the same to the statement with what stands above it
    "grade_gap",  # grades between, at most 4; 0 where one is unknown
    "same_grade",  # 1 or 0
    "word_rank",  # 1 / place by words, 0 where no word matched
    "meaning_rank",  # 1 / place by meaning, 0 without a model
)
Features = Mapping[str, float]
FEWEST_PAIRS = 40
FEWEST_OF_A_KIND = 8
_TURNS = 30
_STILL = 1e-7
_FAR = 30.0


@dataclass(frozen=True, slots=True)
class Ranker:
    """A logistic regression as plain numbers: a weight a feature, and a constant."""

    weights: Mapping[str, float]
    constant: float = 0.0
    pairs: int = field(default=0, compare=False)

    def confidence(self, features: Features) -> float:
        """Return how likely a teacher says yes, 0 to 1."""
        return _logistic(self.strength(features))

    def strength(self, features: Features) -> float:
        """Return the same as a number of any size: what the order goes by."""
        return self.constant + sum(
            weight * features.get(name, 0.0) for name, weight in self.weights.items()
        )

    def numbers(self) -> dict[str, float]:
        """Return the ranker as it is stored: its weights, the constant as ""."""
        return {**self.weights, "": self.constant}


def parse_ranker(numbers: Mapping[str, float], pairs: int = 0) -> Ranker:
    """Return a stored ranker; what is no feature of ours is left out."""
    weights = {name: float(numbers.get(name, 0.0)) for name in FEATURES}
    return Ranker(weights, float(numbers.get("", 0.0)), pairs)


def is_enough(choices: Sequence[bool]) -> bool:
    """Tell whether so many yes and no are worth learning from."""
    yes = sum(choices)
    return len(choices) >= FEWEST_PAIRS and min(yes, len(choices) - yes) >= (
        FEWEST_OF_A_KIND
    )


def learned(
    pairs: Sequence[tuple[Features, bool]], *, restraint: float = 1.0
) -> Ranker:
    """Return the ranker that fits accepted (True) and rejected pairs best.

    Plain logistic regression by Newton's method, held back by restraint (ridge), on
    standardised features, so that few pairs say little. The same pairs, in any order,
    make the same ranker up to rounding.
    """
    means, spreads = _standard([one for one, _ in pairs])
    rows = [
        (1.0, *((one.get(n, 0.0) - means[n]) / spreads[n] for n in FEATURES))
        for one, _ in pairs
    ]
    found = _fitted(rows, [float(is_yes) for _, is_yes in pairs], restraint)
    weights = {
        name: found[place + 1] / spreads[name] for place, name in enumerate(FEATURES)
    }
    constant = found[0] - sum(weights[name] * means[name] for name in FEATURES)
    return Ranker(weights, constant, len(pairs))


def _standard(
    some: Sequence[Features],
) -> tuple[dict[str, float], dict[str, float]]:
    means, spreads = {}, {}
    for name in FEATURES:
        values = [one.get(name, 0.0) for one in some]
        means[name] = math.fsum(values) / max(len(values), 1)
        spread = math.sqrt(
            math.fsum((value - means[name]) ** 2 for value in values)
            / max(len(values), 1)
        )
        spreads[name] = spread or 1.0
    return means, spreads


def _fitted(
    rows: Sequence[tuple[float, ...]], wanted: Sequence[float], restraint: float
) -> list[float]:
    size = len(FEATURES) + 1
    weights = [0.0] * size
    for _turn in range(_TURNS):
        slope = [-restraint * weight if i else 0.0 for i, weight in enumerate(weights)]
        bend = [
            [restraint if i == j and i else 0.0 for j in range(size)]
            for i in range(size)
        ]
        bend[0][0] = 1e-9
        for row, truth in zip(rows, wanted, strict=True):
            likely = _logistic(
                sum(weight * value for weight, value in zip(weights, row, strict=True))
            )
            _add(slope, bend, row, (truth - likely, likely * (1 - likely)))
        step = _solved(bend, slope)
        weights = [weight + by for weight, by in zip(weights, step, strict=True)]
        if max(map(abs, step)) < _STILL:
            break
    return weights


def _add(
    slope: list[float],
    bend: list[list[float]],
    row: tuple[float, ...],
    told: tuple[float, float],
) -> None:
    miss, doubt = told
    for i, value in enumerate(row):
        slope[i] += miss * value
        part = doubt * value
        line = bend[i]
        for j, other in enumerate(row):
            line[j] += part * other


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a small system by elimination; the matrix is positive definite."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for at in range(size):
        best = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[best] = rows[best], rows[at]
        for below in range(at + 1, size):
            share = rows[below][at] / rows[at][at]
            for column in range(at, size + 1):
                rows[below][column] -= share * rows[at][column]
    found = [0.0] * size
    for at in reversed(range(size)):
        rest = sum(rows[at][column] * found[column] for column in range(at + 1, size))
        found[at] = (rows[at][size] - rest) / rows[at][at]
    return found


def _logistic(strength: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-_FAR, min(_FAR, strength))))
