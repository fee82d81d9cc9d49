"""Scales with a name and colours: a school's own, a rubric's, Canvas's."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mappings.colours import is_legible, palette, parse_colour
from mappings.errors import ScaleError
from mappings.frameworks import Framework, Problem
from mappings.refusals import Refusal
from mappings.rubrics import LevelText, criteria, own_rubric_id, rubrics
from mappings.scales import Level, Scale

USUAL_MASTERY = 0.6
"""Where nobody says which level is mastery: the first whose cut is here or above."""
WANTED = 'give the JSON of a Canvas scale, {"ratings": [{"description", "points", …}]}'


@dataclass(frozen=True, slots=True)
class NamedLevel:
    """A level with the colour and the words it is shown with."""

    name: str
    cut: float
    points: float
    colour: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class NamedScale:
    """A scale for courses to choose, lowest level first.

    ``origin`` is own, rubric or canvas; ``case_id`` the rubric it came from.

    Raises:
        ScaleError: the levels make no scale, or no ink is legible on a colour.
    """

    title: str
    levels: tuple[NamedLevel, ...]
    mastery: float
    origin: str = "own"
    case_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no scale, by name."""
        if not self.title.strip():
            raise ScaleError(Refusal.NO_SCALE_TITLE)
        for one in self.levels:
            if not one.name.strip():
                raise ScaleError(Refusal.NO_SCALE_LEVEL)
            if not is_legible(parse_colour(one.colour)):
                raise ScaleError(Refusal.ILLEGIBLE, colour=one.colour, name=one.name)
        self.scale()

    def scale(self) -> Scale:
        """The scale itself."""
        return Scale(
            tuple(Level(one.name, one.cut, one.points) for one in self.levels),
            self.mastery,
        )


def parse_canvas_scale(document: object, title: str) -> NamedScale:
    """The scale of a Canvas account, as its outcome_proficiency API gives it.

    A level is reached at its points of the highest; the lowest at 0.

    Raises:
        ScaleError: it is no Canvas scale; the rating and the mend are named.
    """
    inner = (
        document.get("outcome_proficiency") if isinstance(document, Mapping) else None
    )
    held = inner if isinstance(inner, Mapping) else document
    ratings = held.get("ratings") if isinstance(held, Mapping) else held
    if not isinstance(ratings, list) or not ratings:
        raise ScaleError(Refusal.NO_RATINGS, wanted=WANTED)
    read = [_rating(one, place) for place, one in enumerate(ratings, 1)]
    read.sort(key=lambda one: one[0].points)
    top = read[-1][0].points
    if top <= 0:
        raise ScaleError(Refusal.TOP_IS_NOTHING, points=f"{top:g}", wanted=WANTED)
    levels = tuple(
        NamedLevel(one.name, one.points / top if place else 0.0, one.points, one.colour)
        for place, (one, _) in enumerate(read)
    )
    marked = [
        level.cut
        for level, (_, is_mastery) in zip(levels, read, strict=True)
        if is_mastery
    ]
    if len(marked) != 1:
        raise ScaleError(Refusal.ONE_MASTERY, count=len(marked))
    return NamedScale(title, levels, marked[0], "canvas")


def _rating(rating: object, place: int) -> tuple[NamedLevel, bool]:
    """A level out of a Canvas rating, its cut still open; and whether it is mastery."""
    known = rating if isinstance(rating, Mapping) else {}
    points, name = known.get("points"), known.get("description")
    if (
        isinstance(points, bool)
        or not isinstance(points, int | float)
        or not math.isfinite(points)
    ):
        raise ScaleError(Refusal.RATING_POINTS, place=place, points=repr(points))
    if not isinstance(name, str) or not name.strip():
        raise ScaleError(Refusal.RATING_NAME, place=place)
    colour = parse_colour(str(known.get("color") or "FFFFFF"))
    level = NamedLevel(name.strip(), 0.0, float(points), colour)
    return level, known.get("mastery") is True


def rubric_scales(
    framework: Framework,
) -> tuple[tuple[NamedScale, ...], tuple[Problem, ...]]:
    """The scales of the rubrics whose criteria all have the same levels.

    A problem tells of each rubric that gives none.
    """
    found: list[NamedScale] = []
    problems = []
    for rubric in rubrics(framework):
        case_id = str(rubric.get("identifier") or "")
        rows = [one.levels for one in criteria(rubric) if one.levels]
        # What a school writes of its own levels is no scale of its own.
        if case_id in ("", own_rubric_id(framework.case_id)) or not rows:
            continue
        title = str(rubric.get("title") or framework.title)
        try:
            found.append(_rubric_scale(title, case_id, rows))
        except ScaleError as error:
            text = f"rubric {title} makes no scale: {error}"
            problems.append(Problem("no_scale", case_id, text))
    return tuple(found), tuple(problems)


def _rubric_scale(
    title: str, case_id: str, rows: Sequence[Sequence[LevelText]]
) -> NamedScale:
    """The scale all rows of a rubric share."""
    series = {tuple((one.name, one.points) for one in row) for row in rows}
    if len(series) > 1:
        raise ScaleError("its criteria have different levels")
    (names,) = series
    points = [
        float(place) if score is None else score
        for place, (_, score) in enumerate(names, 1)
    ]
    if any(low >= high for low, high in pairwise(points)) or points[-1] <= 0:
        raise ScaleError(f"points {points} do not ascend to a number above 0")
    cuts = [0.0, *(one / points[-1] for one in points[1:])]
    mastery = next((cut for cut in cuts[1:] if cut >= USUAL_MASTERY), cuts[-1])
    levels = tuple(
        NamedLevel(name, cut, worth, colour)
        for (name, _), cut, worth, colour in zip(
            names, cuts, points, palette(len(names)), strict=True
        )
    )
    return NamedScale(title, levels, mastery, "rubric", case_id)
