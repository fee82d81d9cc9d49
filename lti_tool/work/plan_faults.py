"""What makes no plan: each fault with the field it is in and how to mend it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from lti_tool.work.words import Words
from mappings import colours
from mappings.counting import KINDS, MOST_PIECES, ORDERS
from mappings.errors import ScaleError
from mappings.rules import RULES
from mappings.scales import FOUR

FEWEST_LEVELS: Final = 2
MOST_LEVELS: Final = 12
LONGEST_NAME: Final = 64

NO_RULE: Final = "There is no rule “%(rule)s”. Choose one of the list."
NO_PARAMETER: Final = "This rule takes no number. Leave it empty."
PARAMETER: Final = "Give a whole number from %(lowest)d to %(highest)d."
ORDER: Final = "Evidence is ordered by submitted, due or assessed, not by “%(order)s”."
MINIMUM: Final = "Give a whole number of pieces from 1 to %(highest)d."
NO_KIND: Final = (
    "Tick at least one kind of evidence beside self-assessment, which never counts "
    "by itself."
)
KIND: Final = "“%(kind)s” is no kind of evidence. Give some of %(kinds)s."
SHARE: Final = "Give a share from 0 to 100 percent."
FEW_LEVELS: Final = "A scale needs at least two levels."
MANY_LEVELS: Final = "A scale has at most %(most)d levels."
NO_NAME: Final = "Give the level a name of at most %(most)d letters."
SAME_NAME: Final = "Two levels are called “%(name)s”. Give each a name of its own."
LOWEST_CUT: Final = "The lowest level begins at 0 percent."
CUT: Final = "“%(name)s” must begin above “%(below)s”, and at most at 100 percent."
POINTS: Final = "“%(name)s” must not be worth less than “%(below)s”."
NO_POINTS: Final = "Give the points of “%(name)s” as a number."
TOP_POINTS: Final = "The highest level must be worth more than 0 points."
COLOUR: Final = "Write the colour as six digits, such as 0B874B."
FAINT: Final = "No writing can be read on this colour. Make it lighter or darker."
MASTERY: Final = "Mastery begins at a level above the lowest. Choose one."
FRAMEWORK: Final = "That framework is not here any more. Choose another."
COMPETENCY: Final = "That competency is not one of this course's framework."


def sentences() -> tuple[str, ...]:
    """Every text this room says, for the catalogue of translations."""
    return (
        NO_RULE,
        NO_PARAMETER,
        PARAMETER,
        ORDER,
        MINIMUM,
        NO_KIND,
        KIND,
        SHARE,
        FEW_LEVELS,
        MANY_LEVELS,
        NO_NAME,
        SAME_NAME,
        LOWEST_CUT,
        CUT,
        POINTS,
        NO_POINTS,
        TOP_POINTS,
        COLOUR,
        FAINT,
        MASTERY,
        FRAMEWORK,
        COMPETENCY,
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """Why settings make no plan: the field, and what to do.

    A level's field is "scale.0.name", a competency's own is "rules.17.parameter".
    """

    field: str
    words: Words


def find_faults(settings: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with the whole settings of a course, without asking."""
    return [
        *_rule_faults("", settings),
        *_evidence_faults(settings),
        *_scale_faults(settings["scale"], settings["mastery_cut"]),
        *(
            fault
            for one, own in settings["rules"].items()
            for fault in (
                *_rule_faults(f"rules.{one}.", own),
                *_minimum_faults(f"rules.{one}.", own["minimum_pieces"]),
            )
        ),
    ]


def _rule_faults(prefix: str, chosen: Mapping[str, Any]) -> Iterator[Fault]:
    spec = RULES.get(chosen["rule"])
    if spec is None:
        yield Fault(f"{prefix}rule", Words(NO_RULE, {"rule": str(chosen["rule"])}))
        return
    parameter, limits = chosen["parameter"], spec.parameter
    if limits is None:
        if parameter is not None:
            yield Fault(f"{prefix}parameter", Words(NO_PARAMETER))
        return
    if parameter is not None and not _is_whole(
        parameter, limits.lowest, limits.highest
    ):
        bounds: dict[str, str | int] = {
            "lowest": limits.lowest,
            "highest": limits.highest,
        }
        yield Fault(f"{prefix}parameter", Words(PARAMETER, bounds))


def _is_whole(number: float, lowest: int, highest: int) -> bool:
    return (
        math.isfinite(number) and number == number // 1 and lowest <= number <= highest
    )


def _evidence_faults(settings: Mapping[str, Any]) -> Iterator[Fault]:
    order, share = settings["evidence_order"], settings["successor_share"]
    if order not in ORDERS:
        yield Fault("evidence_order", Words(ORDER, {"order": str(order)}))
    minimum = settings["minimum_pieces"]
    yield from _minimum_faults("", 0 if minimum is None else minimum)
    counts = settings["counts"]
    if counts is not None and not set(counts) - {"self"}:
        yield Fault("counts", Words(NO_KIND))
    strange = next((one for one in counts or () if one not in KINDS), None)
    if strange is not None:
        said: dict[str, str | int] = {"kind": strange, "kinds": ", ".join(KINDS)}
        yield Fault("counts", Words(KIND, said))
    if not (math.isfinite(share) and 0 <= share <= 1):
        yield Fault("successor_share", Words(SHARE))


def _minimum_faults(prefix: str, pieces: float | None) -> Iterator[Fault]:
    if pieces is not None and not _is_whole(pieces, 1, MOST_PIECES):
        yield Fault(f"{prefix}minimum_pieces", Words(MINIMUM, {"highest": MOST_PIECES}))


def _scale_faults(
    levels: Sequence[Mapping[str, Any]] | None, mastery: float | None
) -> Iterator[Fault]:
    """Say what keeps levels from being a scale; None is the scale we come with."""
    if levels is not None:
        if len(levels) < FEWEST_LEVELS:
            yield Fault("scale", Words(FEW_LEVELS))
            return
        if len(levels) > MOST_LEVELS:
            yield Fault("scale", Words(MANY_LEVELS, {"most": MOST_LEVELS}))
        yield from _name_faults(levels)
        yield from _step_faults(levels)
        yield from _colour_faults(levels)
    cuts = [one["cut"] for one in levels or ()] or [one.cut for one in FOUR.levels]
    wanted = FOUR.mastery if mastery is None else mastery
    if wanted not in cuts[1:]:
        yield Fault("mastery_cut", Words(MASTERY))


def _name_faults(levels: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, one in enumerate(levels):
        name = str(one["name"]).strip()
        if not 0 < len(name) <= LONGEST_NAME:
            yield Fault(f"scale.{place}.name", Words(NO_NAME, {"most": LONGEST_NAME}))
        elif name.casefold() in seen:
            yield Fault(f"scale.{place}.name", Words(SAME_NAME, {"name": name}))
        seen.add(name.casefold())


def _step_faults(levels: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    if levels[0]["cut"] != 0:
        yield Fault("scale.0.cut", Words(LOWEST_CUT))
    unclear = [
        place for place, one in enumerate(levels) if not math.isfinite(one["points"])
    ]
    for place in unclear:
        name = levels[place]["name"]
        yield Fault(f"scale.{place}.points", Words(NO_POINTS, {"name": name}))
    for place, (below, one) in enumerate(pairwise(levels), start=1):
        said = {"name": one["name"], "below": below["name"]}
        if not below["cut"] < one["cut"] <= 1:
            yield Fault(f"scale.{place}.cut", Words(CUT, said))
        if not unclear and below["points"] > one["points"]:
            yield Fault(f"scale.{place}.points", Words(POINTS, said))
    if not unclear and levels[-1]["points"] <= 0:
        yield Fault(f"scale.{len(levels) - 1}.points", Words(TOP_POINTS))


def _colour_faults(levels: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    for place, one in enumerate(levels):
        if not one.get("colour"):
            continue
        try:
            is_legible = colours.is_legible(colours.parse_colour(one["colour"]))
        except ScaleError:
            yield Fault(f"scale.{place}.colour", Words(COLOUR))
        else:
            if not is_legible:
                yield Fault(f"scale.{place}.colour", Words(FAINT))
