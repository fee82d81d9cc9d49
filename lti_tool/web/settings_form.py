"""The form of a course's settings: from settings to fields, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from lti_tool.storage.curriculum import Plan, parse_scale
from lti_tool.web import alignment
from lti_tool.web.texts import level_name
from mappings import colours
from mappings.errors import ScaleError

Fields = MultiDict[str, str]
# A new level stands half way between its neighbours.
HALF: Final = 2
EXACT: Final = 1e-9
HUNDRED: Final = 100.0


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One level as it is typed; place counts from the lowest."""

    place: int
    name: str
    cut: str
    points: str
    colour: str
    ink: str
    is_mastery: bool


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One competency's own rule as it is typed; no competency: the empty row."""

    place: int
    competency: str
    rule: str
    parameter: str
    minimum: str
    key: str = ""  # of its faults: "rules.17."


@dataclass(frozen=True, slots=True)
class Read:
    """What a form says: settings whole, and rows that name no competency."""

    settings: dict[str, Any]
    unknown: tuple[str, ...] = ()
    lost: frozenset[int] = field(default_factory=frozenset)


def fields_of(settings: Mapping[str, Any], plan: Plan) -> Fields:
    """Return settings as the fields of the form hold them."""
    made: Fields = MultiDict()
    made["framework_id"] = str(settings["framework_id"] or "")
    made["rule"] = settings["rule"]
    made["parameter"] = _shown(settings["parameter"])
    made["evidence_order"] = settings["evidence_order"]
    made["minimum_pieces"] = str(settings["minimum_pieces"])
    made["successor_share"] = _shown(HUNDRED * settings["successor_share"])
    made["has_counts"] = "" if settings["counts"] is None else "1"
    if settings["counts"]:
        made.setlist("counts", list(settings["counts"]))
    put_levels(made, settings["scale"], settings["mastery_cut"])
    options = {one.id: alignment.option_of(one) for one in plan.competencies}
    for place, (one, own) in enumerate(settings["rules"].items()):
        made[f"own-competency-{place}"] = options.get(int(one), one)
        made[f"own-rule-{place}"] = own["rule"]
        made[f"own-parameter-{place}"] = _shown(own["parameter"])
        made[f"own-minimum-{place}"] = _shown(own["minimum_pieces"])
    made["owns"] = str(len(settings["rules"]))
    return made


def put_levels(
    fields: Fields, levels: Sequence[Mapping[str, Any]] | None, mastery: float | None
) -> None:
    """Write levels into the fields; None is the scale we come with."""
    scale = parse_scale(levels, mastery)
    usual = colours.palette(len(scale.levels))
    stored = levels or [{} for _ in scale.levels]
    for place, level in enumerate(scale.levels):
        fields[f"level-name-{place}"] = level_name(level.name)
        fields[f"level-cut-{place}"] = _shown(HUNDRED * level.cut)
        fields[f"level-points-{place}"] = _shown(level.points)
        fill = stored[place].get("colour") or usual[place]
        fields[f"level-colour-{place}"] = f"#{fill}"
    fields["levels"] = str(len(scale.levels))
    fields["mastery"] = str(scale.levels.index(scale.mastery_level))


def add_level(fields: Fields) -> None:
    """Put a level more below the highest; its colours begin as the usual ones."""
    rows = level_rows(fields)
    top = len(rows) - 1
    _move(fields, top, top + 1)
    below, above = (
        (_number(rows[at].cut), _number(rows[at].points)) for at in (top - 1, top)
    )
    middle = [(low + high) / HALF for low, high in zip(below, above, strict=True)]
    fields[f"level-name-{top}"] = ""
    fields[f"level-cut-{top}"] = _shown(middle[0]) if math.isfinite(middle[0]) else ""
    is_number = math.isfinite(middle[1])
    fields[f"level-points-{top}"] = _shown(middle[1]) if is_number else ""
    fields["levels"] = str(len(rows) + 1)
    if fields.get("mastery") == str(top):
        fields["mastery"] = str(top + 1)
    _recolour(fields)


def drop_level(fields: Fields, place: int) -> None:
    """Take a level out; mastery stays with its level or goes to the next lower."""
    count = len(level_rows(fields))
    if not 0 <= place < count:
        return
    for at in range(place + 1, count):
        _move(fields, at, at - 1)
    fields["levels"] = str(count - 1)
    mastery = whole(fields.get("mastery", "")) or 0
    if mastery >= place:
        fields["mastery"] = str(max(mastery - 1, 1))
    _recolour(fields)


def _move(fields: Fields, origin: int, place: int) -> None:
    for name in ("name", "cut", "points", "colour"):
        fields[f"level-{name}-{place}"] = fields.get(f"level-{name}-{origin}", "")


def _recolour(fields: Fields) -> None:
    count = whole(fields["levels"]) or 0
    for place, fill in enumerate(colours.palette(count)):
        fields[f"level-colour-{place}"] = f"#{fill}"


def level_rows(fields: Fields) -> list[LevelRow]:
    """Return the levels as they are typed, the lowest first."""
    return [
        LevelRow(
            place,
            fields.get(f"level-name-{place}", ""),
            fields.get(f"level-cut-{place}", ""),
            fields.get(f"level-points-{place}", ""),
            fields.get(f"level-colour-{place}", ""),
            _ink(fields.get(f"level-colour-{place}", "")),
            is_mastery=fields.get("mastery") == str(place),
        )
        for place in range(min(whole(fields.get("levels", "")) or 0, 99))
    ]


def _ink(text: str) -> str:
    try:
        return colours.ink(colours.parse_colour(text))
    except ScaleError:
        return colours.BLACK


def rule_rows(fields: Fields, plan: Plan) -> list[RuleRow]:
    """Return the competencies' own rules as they are typed, and an empty row."""
    rows = []
    for place in range(min((whole(fields.get("owns", "")) or 0) + 1, 999)):
        words = fields.get(f"own-competency-{place}", "").strip()
        found = alignment.find(plan, words)
        rows.append(
            RuleRow(
                place,
                words,
                fields.get(f"own-rule-{place}", ""),
                fields.get(f"own-parameter-{place}", ""),
                fields.get(f"own-minimum-{place}", ""),
                f"rules.{found}." if found else "",
            )
        )
    return [one for one in rows[:-1] if one.competency or one.rule] + rows[-1:]


def parse(fields: Fields, plan: Plan, stored: Mapping[str, Any]) -> Read:
    """Read the form; what is no number becomes NaN, which the check refuses.

    What was only shown and not changed comes back as it is stored.
    """
    levels, mastery = _levels(fields, stored)
    rules, unknown = _own_rules(fields, plan)
    framework = fields.get("framework_id", "")
    share = _number(fields.get("successor_share", "0")) / HUNDRED
    counts = fields.getlist("counts") if fields.get("has_counts") == "1" else None
    minimum = _number(fields.get("minimum_pieces", "1"))
    return Read(
        {
            "framework_id": int(framework) if framework.isdecimal() else None,
            "rule": fields.get("rule", ""),
            "parameter": _optional(fields.get("parameter", "")),
            "scale": levels,
            "mastery_cut": mastery,
            "evidence_order": fields.get("evidence_order", ""),
            "minimum_pieces": _as_whole(minimum),
            "counts": counts,
            "successor_share": share,
            "rules": rules,
        },
        tuple(unknown),
    )


def _levels(
    fields: Fields, stored: Mapping[str, Any]
) -> tuple[list[dict[str, Any]] | None, float | None]:
    held = parse_scale(stored["scale"], stored["mastery_cut"])
    rows = level_rows(fields)
    typed = [_level(row, [level.cut for level in held.levels]) for row in rows]
    for one in typed:
        for level in held.levels:
            if one["name"] == level_name(level.name):
                one["name"] = level.name
    fills = [one.colour.strip().removeprefix("#").upper() for one in rows]
    is_usual = len(rows) in colours.PALETTES
    if not is_usual or tuple(fills) != colours.palette(len(rows)):
        typed = [
            {**one, "colour": fill} for one, fill in zip(typed, fills, strict=True)
        ]
    at = next((one.place for one in rows if one.is_mastery), None)
    mastery = math.nan if at is None else typed[at]["cut"]
    if _is_held(typed, mastery, stored):
        return stored["scale"], stored["mastery_cut"]
    if _is_held(typed, mastery, {"scale": None, "mastery_cut": None}):
        return None, None
    return typed, mastery


def _level(row: LevelRow, held: Sequence[float]) -> dict[str, Any]:
    """One level as typed; a cut that only lost its last digits is the stored one."""
    cut = _number(row.cut) / HUNDRED
    same = (one for one in held if math.isclose(one, cut, abs_tol=EXACT))
    return {
        "name": row.name.strip(),
        "cut": next(same, cut),
        "points": _number(row.points),
    }


def _is_held(
    typed: Sequence[Mapping[str, Any]], mastery: float, stored: Mapping[str, Any]
) -> bool:
    """Tell whether typed levels are those that settings hold already."""
    held = parse_scale(stored["scale"], stored["mastery_cut"])
    fills = [one.get("colour") for one in stored["scale"] or [{}] * len(held.levels)]
    wanted = [
        (level.name, level.cut, level.points, fill)
        for level, fill in zip(held.levels, fills, strict=True)
    ]
    given = [
        (one["name"], one["cut"], one["points"], one.get("colour")) for one in typed
    ]
    return given == wanted and mastery == held.mastery


def _own_rules(
    fields: Fields, plan: Plan
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    rules: dict[str, dict[str, Any]] = {}
    unknown = []
    for row in rule_rows(fields, plan):
        if not row.rule:
            continue
        found = alignment.find(plan, row.competency)
        if found is None:
            unknown.append(row.competency)
            continue
        minimum = _optional(row.minimum)
        rules[str(found)] = {
            "rule": row.rule,
            "parameter": _optional(row.parameter),
            "minimum_pieces": None if minimum is None else _as_whole(minimum),
        }
    return rules, unknown


def whole(text: str) -> int | None:
    """Return a whole number of zero or more, or None."""
    return int(text) if text.isascii() and text.isdecimal() else None


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return math.nan


def _optional(text: str) -> float | None:
    return _number(text) if text.strip() else None


def _as_whole(number: float) -> float:
    return int(number) if math.isfinite(number) and number == number // 1 else number


def _shown(number: float | None) -> str:
    return "" if number is None else f"{round(number, 9):.12g}"
