"""The arithmetic of the rules on points, without a word: numbers in, a number out.

``calculations`` says the same step by step, for people; both add up here.

Source: facts/competencies.md sections 2.1 and 2.3 (Canvas rollup_score.rb).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mappings.scales import PLACES, reaches

TREND_SCORES = 2
LARGEST_POWER = 700.0
BKT_KNOWN, BKT_LEARNS, BKT_SLIPS, BKT_GUESSES = 0.3, 0.1, 0.1, 0.2


class Sheet(NamedTuple):
    """What a rule reads: scores in points, oldest first, each with its task.

    ``mastery`` and ``maximum`` are points; ``parameter`` is the rule's own.
    """

    scores: Sequence[float]
    weights: Sequence[float]
    tasks: Sequence[str]
    mastery: float
    maximum: float
    parameter: int = 0


class Found(NamedTuple):
    """What a rule found: points or None, unrounded.

    ``probability`` and ``is_enough`` are set by rules that judge a probability.
    """

    value: float | None
    probability: float | None = None
    is_enough: bool = True


class Trend(NamedTuple):
    """A curve start·n^slope through scores, and where it stands at the last of them."""

    start: float
    slope: float
    end: float


def highest(sheet: Sheet) -> Found:
    """The best score."""
    return Found(max(sheet.scores))


def latest(sheet: Sheet) -> Found:
    """The last score by time."""
    return Found(sheet.scores[-1])


def average(sheet: Sheet) -> Found:
    """The mean of all scores, weighed."""
    return Found(mean(sheet.scores, sheet.weights))


def weighted_average(sheet: Sheet) -> Found:
    """The latest score against the mean of the earlier ones."""
    *earlier, newest = sheet.scores
    if not earlier:
        return Found(newest)
    return Found(weigh(newest, math.fsum(earlier) / len(earlier), sheet.parameter))


def standard_decaying_average(sheet: Sheet) -> Found:
    """Each score in turn against what stood before it."""
    value = sheet.scores[0]
    for score in sheet.scores[1:]:
        value = decay(value, score, sheet.parameter)
    return Found(value)


def n_mastery(sheet: Sheet) -> Found:
    """The mean of all scores at or above mastery, once there are n of them."""
    found = [one for one in sheet.scores if reaches(one, sheet.mastery)]
    if len(found) < sheet.parameter:
        return Found(None)
    return Found(math.fsum(found) / len(found))


def power_law(sheet: Sheet) -> Found:
    """The end of the trend through the scores, held to the scale."""
    if len(sheet.scores) < TREND_SCORES or min(sheet.scores) <= 0:
        return Found(None)
    return Found(min(trend(sheet.scores).end, sheet.maximum))


def mode(sheet: Sheet) -> Found:
    """The most frequent score; of several, the one seen last."""
    return Found(sheet.scores[most_frequent(sheet.scores)[0]])


def mean_of_last(sheet: Sheet) -> Found:
    """The mean of the last k scores, or of all while there are fewer."""
    last = -sheet.parameter
    return Found(mean(sheet.scores[last:], sheet.weights[last:]))


def conjunctive(sheet: Sheet) -> Found:
    """The weakest of all tasks, each by its last try."""
    return Found(min(sheet.scores[place] for place in last_tries(sheet.tasks)))


def bkt(sheet: Sheet) -> Found:
    """How probable it is that the student knows it, traced answer by answer."""
    known = BKT_KNOWN
    for score in sheet.scores:
        known = trace(known, is_right=reaches(score, sheet.mastery))
    return Found(known * sheet.maximum, known, reaches(known, sheet.parameter / 100))


def mean(scores: Sequence[float], weights: Sequence[float]) -> float:
    """The mean of scores, weighed where their weights differ."""
    if len(set(weights)) == 1:
        return math.fsum(scores) / len(scores)
    products = (score * weight for score, weight in zip(scores, weights, strict=True))
    return math.fsum(products) / math.fsum(weights)


def weigh(newest: float, rest: float, share: int) -> float:
    """The newest score by its share, a percentage, and the mean of the rest."""
    return newest * share / 100 + rest * (100 - share) / 100


def decay(before: float, score: float, share: int) -> float:
    """What stood before, once a newer score has its share, a percentage."""
    return before * (100 - share) / 100 + score * share / 100


def trend(scores: Sequence[float]) -> Trend:
    """The curve of least squares through two or more scores above nothing."""
    count = len(scores)
    places = [math.log(place) for place in range(1, count + 1)]
    heights = [math.log(score) for score in scores]
    middle, level = math.fsum(places) / count, math.fsum(heights) / count
    slope = math.fsum(
        (place - middle) * (height - level)
        for place, height in zip(places, heights, strict=True)
    ) / math.fsum((place - middle) ** 2 for place in places)
    height = level - slope * middle
    return Trend(
        math.exp(min(height, LARGEST_POWER)),
        slope,
        math.exp(min(height + slope * places[-1], LARGEST_POWER)),
    )


def most_frequent(scores: Sequence[float]) -> tuple[int, int]:
    """The last place of the score seen most often, and how often it was seen."""
    rounded = [round(score, PLACES) for score in scores]
    counts = Counter(rounded)
    times = max(counts.values())
    last = max(place for place, score in enumerate(rounded) if counts[score] == times)
    return last, times


def last_tries(tasks: Sequence[str]) -> list[int]:
    """The place of the last try at each task, in order."""
    return sorted({task: place for place, task in enumerate(tasks)}.values())


def trace(known: float, *, is_right: bool) -> float:
    """What is known after one answer, learning from it included."""
    if is_right:
        by_skill, by_luck = 1 - BKT_SLIPS, BKT_GUESSES
    else:
        by_skill, by_luck = BKT_SLIPS, 1 - BKT_GUESSES
    seen = known * by_skill / (known * by_skill + (1 - known) * by_luck)
    return seen + (1 - seen) * BKT_LEARNS
