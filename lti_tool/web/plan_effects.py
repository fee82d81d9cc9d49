"""What settings would do: levels that move, one student as an example, like colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from flask_babel import lazy_gettext

from lti_tool.storage import curriculum
from lti_tool.storage.curriculum import Plan, parse_scale
from lti_tool.storage.pages import Cell, Student
from lti_tool.web import marks, settings_form
from lti_tool.web.grid import code_of
from lti_tool.web.marks import Mark
from lti_tool.web.sessions import database
from lti_tool.web.settings_form import Fields, LevelRow
from lti_tool.web.texts import gettext, rule_words, said, words
from lti_tool.work import plans_of_course, previews, reasons
from lti_tool.work.previews import Move, Place
from lti_tool.work.standing import Why
from mappings import colours, counting
from mappings.errors import ScaleError
from mappings.rules import RULES, Rule, rule

MOST_MOVES: Final = 300
VIEWS: Final = {
    "protan": lazy_gettext("eyes that see little red"),
    "deutan": lazy_gettext("eyes that see little green"),
    "tritan": lazy_gettext("eyes that see little blue"),
    "normal": lazy_gettext("everybody"),
    "grey": lazy_gettext("a print without colour"),
}


@dataclass(frozen=True, slots=True)
class Moved:
    """One level that would change."""

    name: str
    code: str
    before: Mark | None
    after: Mark | None
    is_lower: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """What settings would do to a class; rows are the first of them all."""

    count: int
    students: int
    lower: int
    rows: tuple[Moved, ...]
    palette_before: str
    palette_after: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule makes of the example's evidence."""

    rule: str
    mark: Mark | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Example:
    """One student and competency, judged as it is and as typed."""

    student: Student
    competency_id: int
    before: Mark | None
    after: Mark | None
    rule: str
    arithmetic: tuple[str, ...]
    pieces: int
    left_out: tuple[tuple[str, str], ...]
    others: tuple[Judged, ...]
    palette_before: str
    palette_after: str


def alike(rows: Sequence[LevelRow]) -> list[str]:
    """Return a warning for each pair of levels whose colours are hard to tell apart."""
    try:
        fills = [colours.parse_colour(one.colour) for one in rows]
    except ScaleError:
        return []
    return [
        gettext(
            "“%(one)s” and “%(other)s” look much the same to %(view)s.",
            one=rows[pair.first].name,
            other=rows[pair.second].name,
            view=VIEWS[pair.view],
        )
        for pair in colours.likenesses(fills)
    ]


def arrange(
    plan: Plan,
    settings: Mapping[str, Any],
    moves: Sequence[Move],
    students: Sequence[Student],
) -> Effect:
    """Put moves in the order of the class list, those of who left behind."""
    after = plan_under(plan, settings)
    order = {one.person_id: place for place, one in enumerate(students)}
    names = {one.person_id: one.display_name for one in students}
    codes = {one.id: code_of(one) for one in plan.competencies}
    seen = [one for one in moves if one.person_id in order]
    seen.sort(key=lambda one: (order[one.person_id], codes.get(one.competency_id, "")))
    told = marks.marks_of(plan.scale), marks.marks_of(after.scale)
    return Effect(
        len(seen),
        previews.students(seen),
        previews.lowered(seen),
        tuple(
            Moved(
                names[one.person_id],
                codes.get(one.competency_id, ""),
                _mark(one.before, told[0]),
                _mark(one.after, told[1]),
                one.is_lower,
            )
            for one in seen[:MOST_MOVES]
        ),
        marks.palette_of(plan),
        marks.palette_of(after),
    )


def _mark(place: Place | None, told: Sequence[Mark]) -> Mark | None:
    if place is None or place.level is None or place.level >= len(told):
        return None
    return told[place.level]


def plan_under(plan: Plan, settings: Mapping[str, Any]) -> Plan:
    """Return a plan with the scale and colours that settings give it."""
    return replace(
        plan,
        scale=parse_scale(settings["scale"], settings["mastery_cut"]),
        colours=curriculum.colours_of(settings["scale"]),
    )


def load_example(
    plan: Plan,
    fields: Fields,
    students: Sequence[Student],
    cells: Sequence[Cell],
    *,
    now: datetime,
    is_wanted: bool,
) -> Example | None:
    """Judge the student asked for, or the one with most evidence, as it is typed.

    None where nobody has evidence, or what is typed makes no plan yet.
    """
    chosen = _chosen(plan, fields, students, cells)
    if chosen is None or not is_wanted:
        return None
    who, competency_id = chosen
    with database().write() as session:
        held = curriculum.load_plan_values(session, plan.course_id)
        read = settings_form.parse(fields, plan, held)
        whole = plans_of_course.whole(session, plan.course_id, read.settings)
        if plans_of_course.faults(session, whole):
            return None
        before, after = plans_of_course.example(
            session, plan.course_id, whole, (who.person_id, competency_id), now=now
        )
    return _example(chosen, before, after, (plan, plan_under(plan, whole)), now=now)


def _chosen(
    plan: Plan, fields: Fields, students: Sequence[Student], cells: Sequence[Cell]
) -> tuple[Student, int] | None:
    by_id = {str(one.person_id): one for one in students}
    known = {str(one.id): one.id for one in plan.competencies}
    who = by_id.get(fields.get("try-student", ""))
    competency_id = known.get(fields.get("try-competency", ""))
    mine = [
        one
        for one in cells
        if str(one.person_id) in by_id
        and str(one.competency_id) in known
        and who in (None, by_id[str(one.person_id)])
        and competency_id in (None, one.competency_id)
    ]
    seats = {one.person_id: place for place, one in enumerate(students)}
    ids = list(known.values())
    mine.sort(key=lambda one: (seats[one.person_id], ids.index(one.competency_id)))
    best = max(mine, key=lambda one: one.evidence_count, default=None)
    if best is not None:
        return by_id[str(best.person_id)], best.competency_id
    return None if who is None or competency_id is None else (who, competency_id)


def _example(
    chosen: tuple[Student, int],
    before: Why,
    after: Why,
    plans: tuple[Plan, Plan],
    *,
    now: datetime,
) -> Example:
    told = [marks.marks_of(one.scale) for one in (before, after)]
    return Example(
        chosen[0],
        chosen[1],
        _level(before, told[0]),
        _level(after, told[1]),
        rule_words(after.rule),
        tuple(said(line, after.titles) for line in after.attainment.steps),
        after.attainment.evidence,
        tuple(_left_out(after)),
        tuple(_others(after, told[1], now)),
        *(marks.palette_of(one) for one in plans),
    )


def _left_out(why: Why) -> list[tuple[str, str]]:
    """Return what was not used, with the reason."""
    return [
        (one.title, words(one.left_out))
        for one in reasons.pieces(why)
        if one.left_out is not None
    ]


def _level(why: Why, told: Sequence[Mark]) -> Mark | None:
    level = why.attainment.level
    return None if level is None else told[why.scale.levels.index(level)]


def _others(why: Why, told: Sequence[Mark], now: datetime) -> list[Judged]:
    """Return what every rule with its usual number makes of the same evidence."""
    known = [one.evidence for one in why.explanation.pieces]
    found = []
    for name in RULES:
        chosen = why.rule if name == why.rule.name else rule(name)
        terms = replace(why.terms, rule=chosen)
        judged = counting.judge("", known, terms=terms, now=now, in_full=False)
        place = None if judged.level is None else why.scale.levels.index(judged.level)
        found.append(
            Judged(
                rule_words(Rule(chosen.name, chosen.parameter)),
                None if place is None else told[place],
                name == why.rule.name,
            )
        )
    return found
