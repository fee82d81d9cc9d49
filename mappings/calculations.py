"""The rules on points, said step by step: Canvas's by their names, and others in use.

Each reads a Sheet and gives a Calculation, unrounded. Where alignments weigh
differently, average and mean_of_last weigh the scores; the others, as in Canvas,
know no weights.

Source: facts/competencies.md sections 2.1 and 2.3 (Canvas rollup_score.rb).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mappings import arithmetic
from mappings.arithmetic import BKT_KNOWN, TREND_SCORES, Sheet
from mappings.lines import Line, Shown
from mappings.scales import PLACES, reaches
from mappings.wording import Words

NO_RESULT = Line(Words.NO_RESULT)


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
    line = Line(Words.HIGHEST, {"scores": _shown(sheet.scores), "value": value})
    best = sheet.scores.index(value)
    return Calculation(value, (best,), (line,), Line(Words.NOT_BEST))


def latest(sheet: Sheet) -> Calculation:
    """The last score by time."""
    value = sheet.scores[-1]
    line = Line(Words.LATEST, {"scores": _shown(sheet.scores), "value": value})
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
    value = arithmetic.weigh(newest, mean, share)
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
        before, value = value, arithmetic.decay(value, score, share)
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
        words, listed = Words.NONE_AT_MASTERY, _shown(sheet.scores)
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
        low = {"score": min(sheet.scores)}
        return Calculation(None, (), (Line(Words.POWER_ZERO, low),))
    start, slope, end = arithmetic.trend(sheet.scores)
    value = min(end, sheet.maximum)
    shown = _shown(sheet.scores)
    fit: dict[str, Shown] = {"start": start, "slope": slope, "scores": shown}
    ending: dict[str, Shown] = {"count": count, "trend": end, "value": value}
    lines = (Line(Words.POWER_FIT, fit), Line(Words.POWER_VALUE, ending))
    return Calculation(value, _all(sheet), lines)


def mode(sheet: Sheet) -> Calculation:
    """The most frequent score; of several, the one seen last."""
    last, times = arithmetic.most_frequent(sheet.scores)
    value = sheet.scores[last]
    like = round(value, PLACES)
    used = tuple(
        place
        for place, score in enumerate(sheet.scores)
        if round(score, PLACES) == like
    )
    shown = _shown(sheet.scores)
    line = Line(Words.MODE, {"scores": shown, "value": value, "times": times})
    return Calculation(value, used, (line,), Line(Words.NOT_FREQUENT))


def mean_of_last(sheet: Sheet) -> Calculation:
    """The mean of the last k scores, or of all while there are fewer."""
    kept = _shown(sheet.scores[-sheet.parameter :])
    value, line = _mean(kept, sheet.weights[-sheet.parameter :])
    lines = (Line(Words.LAST, {"count": len(kept), "scores": kept}), line)
    why = Line(Words.OLDER, {"count": sheet.parameter})
    return Calculation(value, _all(sheet)[-sheet.parameter :], lines, why)


def conjunctive(sheet: Sheet) -> Calculation:
    """The weakest of all tasks, each by its last try: mastery needs every one."""
    used = tuple(arithmetic.last_tries(sheet.tasks))
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
        known = arithmetic.trace(known, is_right=is_right)
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


def _mean(scores: Sequence[float], weights: Sequence[float]) -> tuple[float, Line]:
    """The mean, weighted where weights differ, and its line."""
    shown, value = _shown(scores), arithmetic.mean(scores, weights)
    if len(set(weights)) == 1:
        return value, Line(Words.MEAN, {"scores": shown, "value": value})
    return value, Line(
        Words.WEIGHTED_MEAN,
        {"scores": shown, "weights": tuple(weights), "value": value},
    )


def _shown(scores: Sequence[float]) -> tuple[float, ...]:
    """Scores as a line keeps them."""
    return tuple(scores)


def _all(sheet: Sheet) -> tuple[int, ...]:
    """The places of every score."""
    return tuple(range(len(sheet.scores)))
