"""The settings of a course in the reader's words, and how two of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import lazy_gettext

from lti_tool.storage.curriculum import OwnRule, Plan, parse_scale
from lti_tool.storage.plan_versions import PlanVersion
from lti_tool.web.grid import code_of
from lti_tool.web.texts import decimal, gettext, level_name, percent, rule_words
from lti_tool.work.plan_faults import Fault
from mappings.counting import USUAL_KINDS, Terms
from mappings.errors import MappingError
from mappings.rules import RULES, Rule

ORDERS: Final = {
    "submitted": lazy_gettext("by when the work was handed in"),
    "due": lazy_gettext("by when the work was due"),
    "assessed": lazy_gettext("by when the work was judged"),
}
KINDS: Final = {
    "score": lazy_gettext("scores of whole work"),
    "retake": lazy_gettext("later tries at the same work"),
    "rubric": lazy_gettext("rubric rows"),
    "question": lazy_gettext("questions of a test"),
    "observation": lazy_gettext("what a teacher saw"),
    "conference": lazy_gettext("talks with the student"),
    "outside": lazy_gettext("learning elsewhere that staff accepted"),
    "self": lazy_gettext("self-assessment, beside other evidence alone"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One setting: what it is called, what it was and what it is then."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids inside settings are called."""

    frameworks: Mapping[int, str]
    codes: Mapping[int, str]


def fault_words(fault: Fault) -> str:
    """A fault in the reader's language."""
    return gettext(fault.words.text, **fault.words.values)


def lines(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Names
) -> list[Line]:
    """Return how two whole settings differ, in words, in the order of the page."""
    told = [
        Line(label, was, is_now)
        for (label, was), (_, is_now) in zip(
            _told(before, names), _told(after, names), strict=True
        )
        if was != is_now
    ]
    rules = [one["rules"] for one in (before, after)]
    every = sorted(rules[0].keys() | rules[1].keys(), key=int)
    told += [
        Line(
            gettext("Rule of %(code)s", code=names.codes.get(int(one), one)),
            _own(rules[0].get(one)),
            _own(rules[1].get(one)),
        )
        for one in every
        if rules[0].get(one) != rules[1].get(one)
    ]
    return told


def summary(terms: Terms) -> list[tuple[str, str]]:
    """Return by what settings a level is judged: label and words of each."""
    counting = terms.counting
    kinds = [one for one in KINDS if one in counting.kinds]
    told = [
        (gettext("Rule"), rule_words(terms.rule)),
        (gettext("Evidence in order"), order_words(counting.order)),
        (
            gettext("What counts"),
            kinds_words(None if counting.kinds == USUAL_KINDS else kinds),
        ),
        (gettext("Pieces needed"), decimal(counting.minimum)),
    ]
    if counting.successor_share:
        worth = percent(counting.successor_share)
        told.append((gettext("Worth of what builds on it"), worth))
    return told


def plan_summary(plan: Plan) -> list[tuple[str, str]]:
    """Return by what a course judges, the competencies judged otherwise at the end."""
    told = [
        (gettext("Rule"), chosen_rule(plan.rule, plan.parameter)),
        (gettext("Evidence in order"), order_words(plan.evidence_order)),
        (gettext("What counts"), kinds_words(plan.counts)),
        (gettext("Pieces needed"), decimal(plan.minimum_pieces)),
        (gettext("Mastery from"), level_name(plan.scale.mastery_level.name)),
    ]
    if plan.successor_share:
        worth = percent(plan.successor_share)
        told.append((gettext("Worth of what builds on it"), worth))
    told += [
        (gettext("Rule of %(code)s", code=code_of(one)), _own_words(own))
        for one in plan.competencies
        if (own := plan.own_rules.get(one.id)) is not None
    ]
    return told


def _told(settings: Mapping[str, Any], names: Names) -> list[tuple[str, str]]:
    framework_id = settings["framework_id"]
    framework = gettext("none")
    if framework_id is not None:
        framework = names.frameworks.get(framework_id, str(framework_id))
    return [
        (gettext("Framework"), framework),
        (gettext("Rule"), chosen_rule(settings["rule"], settings["parameter"])),
        (gettext("Evidence in order"), order_words(settings["evidence_order"])),
        (gettext("What counts"), kinds_words(settings["counts"])),
        (gettext("Pieces needed"), decimal(settings["minimum_pieces"])),
        (
            gettext("Worth of what builds on it"),
            percent(settings["successor_share"]),
        ),
        (gettext("Levels"), _levels(settings)),
        (gettext("Mastery from"), _mastery(settings)),
    ]


def order_words(order: str) -> str:
    """What orders the evidence, in words."""
    return str(ORDERS.get(order, order))


def kinds_words(counts: list[str] | tuple[str, ...] | None) -> str:
    """Which kinds of evidence count, in words; None is the usual ones."""
    if counts is None:
        return gettext("everything but self-assessment")
    return ", ".join(str(KINDS.get(one, one)) for one in counts)


def chosen_rule(name: str, parameter: float | None) -> str:
    """A rule by name and number, in words."""
    if name not in RULES:
        return name
    return rule_words(Rule(name, None if parameter is None else int(parameter)))


def _own(own: Mapping[str, Any] | None) -> str:
    return gettext("as the course") if own is None else _own_words(OwnRule(**own))


def _own_words(own: OwnRule) -> str:
    told = chosen_rule(own.rule, own.parameter)
    if own.minimum_pieces is None:
        return told
    return gettext(
        "%(rule)s, at least %(count)d pieces", rule=told, count=own.minimum_pieces
    )


def _levels(settings: Mapping[str, Any]) -> str:
    """Every level with cut and points, and its colour where the school chose one."""
    try:
        scale = parse_scale(settings["scale"], settings["mastery_cut"])
    except MappingError:
        return ""
    fills = [one.get("colour") for one in settings["scale"] or ()]
    fills = fills or [None] * len(scale.levels)
    return "; ".join(
        gettext(
            "%(name)s from %(cut)s percent, %(points)s points",
            name=level_name(level.name),
            cut=decimal(round(100 * level.cut, 4)),
            points=decimal(level.points),
        )
        + (f" #{fill}" if fill else "")
        for level, fill in zip(scale.levels, fills, strict=True)
    )


def _mastery(settings: Mapping[str, Any]) -> str:
    try:
        scale = parse_scale(settings["scale"], settings["mastery_cut"])
    except MappingError:
        return ""
    return level_name(scale.mastery_level.name)


def maker_words(version: PlanVersion, people: Mapping[int, str]) -> str:
    """Who made a version, in words."""
    kind, _, number = version.made_by.partition(":")
    if kind == "person" and number.isdigit():
        return people.get(int(number), gettext("somebody who has left"))
    return {
        "start": gettext("before the first change"),
        "cli": gettext("an administrator, by command"),
        "copy": gettext("came with the copied course"),
    }.get(kind, version.made_by)
