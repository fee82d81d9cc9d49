"""One calculation on bare points, to try a rule out."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from mappings.arithmetic import Sheet
from mappings.errors import EvidenceError
from mappings.evidence import Evidence, ratio_of
from mappings.mastery import Attainment, attainment, by_points
from mappings.rules import Rule
from mappings.scales import FOUR, Level, Scale

SAME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def scale_of(mastery: float, maximum: float) -> Scale:
    """Four levels around mastery points; for 3 of 4 they are FOUR.

    Where mastery needs all the points there is no level above it.

    Raises:
        ScaleError: mastery is not above 0 and at most maximum.
    """
    cut = mastery / maximum if maximum else math.nan
    beginning, developing, proficient, advanced = FOUR.levels
    levels = [
        Level(beginning.name, 0.0, mastery / 3),
        Level(developing.name, cut * 2 / 3, mastery * 2 / 3),
        Level(proficient.name, cut, mastery),
        Level(advanced.name, cut + (1 - cut) * 0.6, maximum),
    ]
    if cut == 1:
        levels.pop()
    return Scale(tuple(levels), mastery=cut)


def calculation(
    rule: Rule, scores: Sequence[float], *, mastery: float = 3, maximum: float = 4
) -> Attainment:
    """What rule makes of scores, oldest first, in points; competency is empty.

    Points may exceed the maximum, as in Canvas. For certainty each score is
    fresh work on a task of its own.

    Raises:
        EvidenceError: a score is not a finite number or, for certainty, negative.
        ScaleError: mastery and maximum make no scale.
    """
    scale = scale_of(mastery, maximum)
    wrong = next((score for score in scores if not math.isfinite(score)), None)
    if wrong is not None:
        raise EvidenceError(f"score {wrong} is not a finite number; leave it out")
    calculate = rule.spec.calculate
    if calculate is None or not scores:
        pieces = [
            Evidence(f"score {place}", ratio_of(score, maximum), SAME_DAY)
            for place, score in enumerate(scores, start=1)
        ]
        return attainment("", pieces, rule=rule, scale=scale, now=SAME_DAY)
    sheet = Sheet(
        scores=tuple(scores),
        weights=(1.0,) * len(scores),
        tasks=tuple(str(place) for place in range(len(scores))),
        mastery=mastery,
        maximum=maximum,
        parameter=rule.parameter or 0,
    )
    return by_points("", calculate(sheet), len(scores), rule=rule, scale=scale)
