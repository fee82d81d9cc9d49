"""One grade over all competencies of a course, by a formula the school states.

What a level is worth, how the worths are put together, and what a competency counts
that nobody assessed yet. The mastery index is one of them: the share that is mastered.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple

from mappings.errors import SummaryError
from mappings.lines import Line, format_number
from mappings.refusals import Refusal
from mappings.rounding import round_half_away
from mappings.scales import PLACES, Level, Scale
from mappings.wording import Words

MEAN, MEDIAN, LOWEST, SHARE = "mean", "median", "lowest", "mastered_share"
HOW: Final = (MEAN, MEDIAN, LOWEST, SHARE)
"""How worths are put together; all rise, or stay, when a level rises."""
LEFT_OUT, AS_LOWEST, AS_NOTHING = "left_out", "lowest", "nothing"
UNASSESSED: Final = (LEFT_OUT, AS_LOWEST, AS_NOTHING)
"""What a competency counts that is not assessed yet."""
LONGEST_TITLE: Final = 80
MOST_POINTS: Final = 10_000.0
MOST_COMPETENCIES: Final = 1_000
MOST_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class Summary:
    """A formula of one grade.

    Attributes:
        title: what the column is called.
        how: mean, median, lowest, or the share that is mastered.
        maximum: the points of a student at the top of every level.
        points: what each level is worth, by its name, the lowest first; empty: as the
            points of the scale, out of maximum. The share looks at mastery alone.
        unassessed: a competency without a level is left out, counts as the lowest
            level, or is worth nothing.
        minimum: so many competencies are assessed before there is a grade.
        places: the decimals it is rounded to.

    Raises:
        SummaryError: a part is outside its range; points that fall, name a level
            twice or have no top.
    """

    title: str
    how: str = MEAN
    maximum: float = 100.0
    points: tuple[tuple[str, float], ...] = ()
    unassessed: str = LEFT_OUT
    minimum: int = 1
    places: int = 1

    def __post_init__(self) -> None:
        """Refuse what makes no formula."""
        if not self.title.strip() or len(self.title) > LONGEST_TITLE:
            raise SummaryError(
                Refusal.GRADE_TITLE, field="title", longest=LONGEST_TITLE
            )
        for field, wanted in (("how", HOW), ("unassessed", UNASSESSED)):
            found = getattr(self, field)
            if found not in wanted:
                raise SummaryError(
                    Refusal.GRADE_CHOICE,
                    field=field,
                    found=found,
                    wanted=", ".join(wanted),
                )
        _check_number("maximum", self.maximum, 1, MOST_POINTS)
        _check_number("minimum", self.minimum, 1, MOST_COMPETENCIES)
        _check_number("places", self.places, 0, MOST_PLACES)
        if self.points:
            _check_points(self.points, self.maximum)


def _check_number(field: str, found: float, low: float, high: float) -> None:
    if not low <= found <= high:
        raise SummaryError(
            Refusal.GRADE_NUMBER,
            field=field,
            found=f"{found:g}",
            low=f"{low:g}",
            high=f"{high:g}",
        )


def _check_points(points: Sequence[tuple[str, float]], maximum: float) -> None:
    seen: set[str] = set()
    for level, worth in points:
        if level in seen:
            raise SummaryError(Refusal.GRADE_TWICE, field="points", level=level)
        seen.add(level)
        if not 0 <= worth <= maximum:
            raise SummaryError(
                Refusal.GRADE_POINTS,
                field="points",
                level=level,
                points=f"{worth:g}",
                high=f"{maximum:g}",
            )
    for (_name, below), (level, worth) in pairwise(points):
        if worth < below:
            raise SummaryError(
                Refusal.GRADE_FALLS,
                field="points",
                level=level,
                points=f"{worth:g}",
                below=f"{below:g}",
            )
    if points[-1][1] == 0:
        raise SummaryError(Refusal.GRADE_NOTHING, field="points")


GRADE: Final = Summary("Summary grade")
"""The mean of what the levels are worth, of 100."""
MASTERY_INDEX: Final = Summary("Mastery index", how=SHARE, unassessed=AS_NOTHING)
"""The share of the course's competencies that is mastered, of 100."""


class Judged(NamedTuple):
    """One competency of a course as a formula takes it.

    Attributes:
        competency: what it is called.
        level: the name of the level; None of one that is not assessed.
        worth: its points; None: it is left out.
    """

    competency: str
    level: str | None
    worth: float | None


@dataclass(frozen=True, slots=True)
class Grade:
    """What a formula makes of levels, and how, line by line; value None: no grade."""

    value: float | None
    steps: tuple[Line, ...]


def judged(
    summary: Summary, scale: Scale, levels: Sequence[tuple[str, Level | None]]
) -> tuple[Judged, ...]:
    """Return what each competency of a course is worth by a formula.

    levels: what each is called, with its level; None of one that is not assessed.

    Raises:
        SummaryError: the formula gives points to other levels than the scale has.
    """
    worth = worths(summary, scale)
    missing = {LEFT_OUT: None, AS_NOTHING: 0.0, AS_LOWEST: worth[0]}[summary.unassessed]
    places = {level: place for place, level in enumerate(scale.levels)}
    return tuple(
        Judged(name, None, missing)
        if level is None
        else Judged(name, level.name, worth[places[level]])
        for name, level in levels
    )


def worths(summary: Summary, scale: Scale) -> tuple[float, ...]:
    """Return what each level of a scale is worth, the lowest first.

    Raises:
        SummaryError: the formula gives points to other levels than the scale has.
    """
    names = [level.name for level in scale.levels]
    if summary.how == SHARE:
        return tuple(
            summary.maximum if scale.is_mastery(level) else 0.0
            for level in scale.levels
        )
    if not summary.points:
        return tuple(
            max(level.points, 0.0) / scale.maximum * summary.maximum
            for level in scale.levels
        )
    named = [name for name, _points in summary.points]
    if named != names:
        raise SummaryError(
            Refusal.GRADE_LEVELS,
            field="points",
            named=", ".join(named),
            levels=", ".join(names),
        )
    return tuple(points for _name, points in summary.points)


def grade(summary: Summary, found: Sequence[Judged]) -> Grade:
    """Return what a formula makes of competencies, with its arithmetic.

    No grade where fewer are assessed than the formula asks for.
    """
    steps = [_line(summary, one) for one in found]
    assessed = sum(one.level is not None for one in found)
    if assessed < summary.minimum:
        values = {"found": assessed, "wanted": summary.minimum}
        return Grade(None, (*steps, Line(Words.GRADE_TOO_FEW, values)))
    scores = tuple(one.worth for one in found if one.worth is not None)
    exact = round(_PUT_TOGETHER[summary.how](scores), PLACES)
    value = min(round_half_away(exact, summary.places), summary.maximum)
    steps.append(_total(summary, scores, exact))
    if format_number(value) != format_number(exact):
        places = {"places": summary.places, "value": value}
        steps.append(Line(Words.ROUNDED, places))
    return Grade(value, tuple(steps))


def _mean(scores: Sequence[float]) -> float:
    return math.fsum(scores) / len(scores)


_PUT_TOGETHER: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    MEAN: _mean,
    SHARE: _mean,
    MEDIAN: median,
    LOWEST: min,
}
_SAID: Final = {
    MEAN: Words.MEAN,
    MEDIAN: Words.GRADE_MEDIAN,
    LOWEST: Words.GRADE_LOWEST,
}


def _line(summary: Summary, one: Judged) -> Line:
    named: dict[str, str | int | float] = {"competency": one.competency}
    if one.worth is None:
        return Line(Words.GRADE_LEFT_OUT, named)
    if one.level is None:
        return Line(Words.GRADE_NOT_ASSESSED, named | {"points": one.worth})
    named["level"] = one.level
    if summary.how == SHARE:
        is_shown = one.worth > 0
        return Line(Words.GRADE_SHOWN if is_shown else Words.GRADE_NOT_SHOWN, named)
    return Line(Words.GRADE_LEVEL, named | {"points": one.worth})


def _total(summary: Summary, scores: tuple[float, ...], value: float) -> Line:
    if summary.how != SHARE:
        return Line(_SAID[summary.how], {"scores": scores, "value": value})
    mastered = sum(score > 0 for score in scores)
    return Line(
        Words.GRADE_SHARE,
        {
            "mastered": mastered,
            "count": len(scores),
            "maximum": summary.maximum,
            "value": value,
        },
    )


def format_summary(summary: Summary) -> dict[str, Any]:
    """Return a formula as JSON holds it; points in pairs, the lowest level first."""
    return {
        "title": summary.title,
        "how": summary.how,
        "maximum": summary.maximum,
        "points": [[name, points] for name, points in summary.points],
        "unassessed": summary.unassessed,
        "minimum": summary.minimum,
        "places": summary.places,
    }


_WHOLE: Final = ("minimum", "places")
_TEXTS: Final = ("title", "how", "unassessed")


def parse_summary(document: object) -> Summary:
    """Read a formula as JSON holds it; a part that is not there is as in GRADE.

    points: pairs of level and points, or an object.

    Raises:
        SummaryError: an unknown part, or one that makes no formula.
    """
    if not isinstance(document, Mapping):
        raise SummaryError(Refusal.GRADE_SHAPE, field="formula", found=document)
    usual = format_summary(GRADE)
    for name in document:
        if name not in usual:
            raise SummaryError(
                Refusal.GRADE_PART,
                field="formula",
                found=name,
                wanted=", ".join(usual),
            )
    held = usual | dict(document)
    parts: dict[str, Any] = {name: str(held[name]) for name in _TEXTS}
    parts["maximum"] = _number("maximum", held["maximum"])
    for name in _WHOLE:
        number = _number(name, held[name])
        if number != int(number):
            raise _no_number(name, held[name])
        parts[name] = int(number)
    return Summary(points=_points(held["points"]), **parts)


def _points(held: object) -> tuple[tuple[str, float], ...]:
    pairs = list(held.items()) if isinstance(held, Mapping) else held
    if not isinstance(pairs, list | tuple):
        raise SummaryError(Refusal.GRADE_SHAPE, field="points", found=held)
    found = []
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != len(("level", "points")):
            raise SummaryError(Refusal.GRADE_SHAPE, field="points", found=pair)
        found.append((str(pair[0]), _number("points", pair[1])))
    return tuple(found)


def _number(field: str, found: object) -> float:
    """Return a finite number; text that is one will do.

    Raises:
        SummaryError: it is none.
    """
    if isinstance(found, str | int | float) and not isinstance(found, bool):
        try:
            number = float(found)
        except ValueError:
            raise _no_number(field, found) from None
        if math.isfinite(number):
            return number
    raise _no_number(field, found)


_RANGES: Final = {
    "maximum": (1, MOST_POINTS),
    "minimum": (1, MOST_COMPETENCIES),
    "places": (0, MOST_PLACES),
    "points": (0, MOST_POINTS),
}


def _no_number(field: str, found: object) -> SummaryError:
    low, high = _RANGES[field]
    return SummaryError(
        Refusal.GRADE_NUMBER, field=field, found=found, low=low, high=f"{high:g}"
    )
