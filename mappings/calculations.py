"""The rules on points: Canvas's by their stored names, and others in use.

Each reads a Sheet and gives a Calculation, unrounded. Where alignments weigh
differently, average and mean_of_last weigh the scores; the others, as in Canvas,
know no weights.

Source: facts/competencies.md sections 2.1 and 2.3 (Canvas rollup_score.rb).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mappings.lines import Line, Shown
from mappings.scales import PLACES, reaches
from mappings.wording import Words

NO_RESULT = Line(Words.NO_RESULT)
TREND_SCORES = 2
LARGEST_POWER = 700.0
BKT_KNOWN, BKT_LEARNS, BKT_SLIPS, BKT_GUESSES = 0.3, 0.1, 0.1, 0.2


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a rule reads: scores in points, oldest first, each with its task.

    ``mastery`` and ``maximum`` are points; ``parameter`` is the rule's own.
    """

    scores: tuple[float, ...]
    weights: tuple[float, ...]
    tasks: tuple[str, ...]
    mastery: float
    maximum: float
    parameter: int = 0


@dataclass(frozen=True, slots=True)
class Calculation:
    """What a rule found: points or None, and the places of the scores it used.

    ``unused`` says why the others were left; ``probability`` and ``is_enough``
    are set by rules that judge a probability instead of points.
    """

    value: float | None
    used: tuple[int, ...]
    lines: tuple[Line, ...]
    unused: Line = NO_RESULT
    probability: float | None = None
    is_enough: bool = True


def highest(sheet: Sheet) -> Calculation:
    """The best score."""
    value = max(sheet.scores)
    line = Line(Words.HIGHEST, {"scores": sheet.scores, "value": value})
    best = sheet.scores.index(value)
    return Calculation(value, (best,), (line,), Line(Words.NOT_BEST))


def latest(sheet: Sheet) -> Calculation:
    """The last score by time."""
    value = sheet.scores[-1]
    line = Line(Words.LATEST, {"scores": sheet.scores, "value": value})
    last = len(sheet.scores) - 1
    return Calculation(value, (last,), (line,), Line(Words.NOT_LATEST))


def average(sheet: Sheet) -> Calculation:
    """The mean of all scores."""
    value, line = _mean(sheet.scores, sheet.weights)
    return Calculation(value, _all(sheet), (line,))


def weighted_average(sheet: Sheet) -> Calculation:
    """The latest score against the mean of the earlier ones.

    Canvas's stored names decaying_average and weighted_average both mean this.
    """
    *earlier, newest = sheet.scores
    if not earlier:
        return Calculation(newest, (0,), (Line(Words.ONLY, {"value": newest}),))
    share, rest = sheet.parameter, 100 - sheet.parameter
    mean = math.fsum(earlier) / len(earlier)
    value = newest * share / 100 + mean * rest / 100
    lines = (
        Line(Words.EARLIER, {"scores": tuple(earlier), "value": mean}),
        Line(
            Words.WEIGHTED,
            {
                "share": share,
                "latest": newest,
                "rest": rest,
                "mean": mean,
                "value": value,
            },
        ),
    )
    return Calculation(value, _all(sheet), lines)


def standard_decaying_average(sheet: Sheet) -> Calculation:
    """Each score in turn against what stood before it: the true decay."""
    share, rest = sheet.parameter, 100 - sheet.parameter
    value = sheet.scores[0]
    lines = [Line(Words.DECAY_START, {"value": value})]
    for score in sheet.scores[1:]:
        before, value = value, value * rest / 100 + score * share / 100
        lines.append(
            Line(
                Words.DECAY_STEP,
                {
                    "rest": rest,
                    "before": before,
                    "share": share,
                    "score": score,
                    "value": value,
                },
            )
        )
    return Calculation(value, _all(sheet), tuple(lines))


def n_mastery(sheet: Sheet) -> Calculation:
    """The mean of all scores at or above mastery, once there are n of them."""
    used = tuple(
        place
        for place, score in enumerate(sheet.scores)
        if reaches(score, sheet.mastery)
    )
    found = tuple(sheet.scores[place] for place in used)
    if not found:
        words, listed = Words.NONE_AT_MASTERY, sheet.scores
    else:
        words, listed = Words.AT_MASTERY, found
    first = Line(words, {"scores": listed, "mastery": sheet.mastery})
    if len(found) < sheet.parameter:
        wanted = {"found": len(found), "wanted": sheet.parameter}
        return Calculation(None, (), (first, Line(Words.TOO_FEW_AT_MASTERY, wanted)))
    value, line = _mean(found, (1.0,) * len(found))
    return Calculation(value, used, (first, line), Line(Words.UNDER_MASTERY))


def power_law(sheet: Sheet) -> Calculation:
    """The end of the trend a·n^b through the scores, held to the scale."""
    count = len(sheet.scores)
    if count < TREND_SCORES:
        return Calculation(None, (), (Line(Words.POWER_FEW, {"count": count}),))
    if min(sheet.scores) <= 0:
        shown = {"score": min(sheet.scores)}
        return Calculation(None, (), (Line(Words.POWER_ZERO, shown),))
    places = [math.log(place) for place in range(1, count + 1)]
    heights = [math.log(score) for score in sheet.scores]
    middle, level = math.fsum(places) / count, math.fsum(heights) / count
    slope = math.fsum(
        (place - middle) * (height - level)
        for place, height in zip(places, heights, strict=True)
    ) / math.fsum((place - middle) ** 2 for place in places)
    height = level - slope * middle
    start = math.exp(min(height, LARGEST_POWER))
    trend = math.exp(min(height + slope * places[-1], LARGEST_POWER))
    value = min(trend, sheet.maximum)
    fit: dict[str, Shown] = {"start": start, "slope": slope, "scores": sheet.scores}
    ending: dict[str, Shown] = {"count": count, "trend": trend, "value": value}
    lines = (Line(Words.POWER_FIT, fit), Line(Words.POWER_VALUE, ending))
    return Calculation(value, _all(sheet), lines)


def mode(sheet: Sheet) -> Calculation:
    """The most frequent score; of several, the one seen last."""
    rounded = [round(score, PLACES) for score in sheet.scores]
    counts = Counter(rounded)
    times = max(counts.values())
    last = max(place for place, score in enumerate(rounded) if counts[score] == times)
    value = sheet.scores[last]
    used = tuple(place for place, score in enumerate(rounded) if score == rounded[last])
    line = Line(Words.MODE, {"scores": sheet.scores, "value": value, "times": times})
    return Calculation(value, used, (line,), Line(Words.NOT_FREQUENT))


def mean_of_last(sheet: Sheet) -> Calculation:
    """The mean of the last k scores, or of all while there are fewer."""
    kept = sheet.scores[-sheet.parameter :]
    value, line = _mean(kept, sheet.weights[-sheet.parameter :])
    lines = (Line(Words.LAST, {"count": len(kept), "scores": kept}), line)
    why = Line(Words.OLDER, {"count": sheet.parameter})
    return Calculation(value, _all(sheet)[-sheet.parameter :], lines, why)


def conjunctive(sheet: Sheet) -> Calculation:
    """The weakest of all tasks, each by its last try: mastery needs every one."""
    last_try = {task: place for place, task in enumerate(sheet.tasks)}
    used = tuple(sorted(last_try.values()))
    scores = tuple(sheet.scores[place] for place in used)
    value = min(scores)
    line = Line(Words.WEAKEST, {"scores": scores, "value": value})
    return Calculation(value, used, (line,), Line(Words.LATER_TRY))


def bkt(sheet: Sheet) -> Calculation:
    """Bayesian knowledge tracing: the probability that the student knows it.

    A score at or above mastery is right. Points are the probability times the
    maximum; mastery needs the probability to reach the parameter, a percentage.
    """
    known = BKT_KNOWN
    lines = [Line(Words.BKT_START, {"value": known})]
    for score in sheet.scores:
        is_right = reaches(score, sheet.mastery)
        known = _traced(known, is_right=is_right)
        words = Words.BKT_RIGHT if is_right else Words.BKT_WRONG
        lines.append(Line(words, {"score": score, "value": known}))
    cut = sheet.parameter / 100
    lines.append(Line(Words.BKT_CUT, {"cut": cut, "value": known}))
    return Calculation(
        known * sheet.maximum,
        _all(sheet),
        tuple(lines),
        probability=known,
        is_enough=reaches(known, cut),
    )


def _traced(known: float, *, is_right: bool) -> float:
    """What is known after one answer, learning from it included."""
    if is_right:
        by_skill, by_luck = 1 - BKT_SLIPS, BKT_GUESSES
    else:
        by_skill, by_luck = BKT_SLIPS, 1 - BKT_GUESSES
    seen = known * by_skill / (known * by_skill + (1 - known) * by_luck)
    return seen + (1 - seen) * BKT_LEARNS


def _mean(scores: Sequence[float], weights: Sequence[float]) -> tuple[float, Line]:
    """The mean, weighted where weights differ, and its line."""
    shown = tuple(scores)
    if len(set(weights)) == 1:
        value = math.fsum(scores) / len(scores)
        return value, Line(Words.MEAN, {"scores": shown, "value": value})
    products = (score * weight for score, weight in zip(scores, weights, strict=True))
    value = math.fsum(products) / math.fsum(weights)
    return value, Line(
        Words.WEIGHTED_MEAN,
        {"scores": shown, "weights": tuple(weights), "value": value},
    )


def _all(sheet: Sheet) -> tuple[int, ...]:
    """The places of every score."""
    return tuple(range(len(sheet.scores)))
