"""`course`: which framework a course teaches and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from lti_tool.cli import sendings, switching
from lti_tool.cli.root import Bench, command, now, table
from lti_tool.errors import PlanError
from lti_tool.storage import (
    curriculum,
    frameworks,
    listings,
    naming,
    plan_choices,
    plan_versions,
)
from lti_tool.storage.database import Session
from lti_tool.work import plans_of_course, standing
from lti_tool.work.plans_of_course import Saved
from mappings.counting import KINDS, ORDERS

DESTINATIONS = ("ags", "oneroster", "canvas", "moodle")
WHO = "cli"


@click.group()
def course() -> None:
    """Courses and their plans."""


def _course_list(bench: Bench) -> None:
    """List the courses."""
    with bench.database.read() as session:
        found = listings.load_courses(session)
    columns = (
        "id",
        "sis_class",
        "title",
        "framework",
        "students",
        "assignments",
        "aligned",
    )
    bench.say(
        found,
        table("courses", columns, [[one[name] for name in columns] for one in found]),
    )


command(course, "list")(_course_list)


@click.argument("name", metavar="COURSE")
def _course_show(bench: Bench, name: str) -> None:
    """Show a course: its plan, its line items, where its outcomes go."""
    with bench.database.read() as session:
        course_id = naming.find_course(session, name)
    _say_course(bench, course_id)


def _say_course(bench: Bench, course_id: int, saved: Saved | None = None) -> None:
    with bench.database.read() as session:
        plan = curriculum.load_plan(session, course_id)
        work = curriculum.load_assignments(session, course_id)
        switched_on = curriculum.load_destinations(session, course_id)
        settings = curriculum.load_plan_values(session, course_id)
        version = plan_versions.last_number(session, course_id)
        sending = sendings.document(session, course_id)
    codes = {str(one.id): one.human_code or one.case_id for one in plan.competencies}
    document = {
        "id": course_id,
        "sis_class": plan.class_sourced_id,
        "title": plan.title,
        "framework": plan.framework_title,
        "rule": plan.rule,
        "parameter": plan.parameter,
        "mastery": plan.scale.mastery,
        "levels": plan.scale.levels,
        "order": plan.evidence_order,
        "counts": plan.counts,
        "minimum": plan.minimum_pieces,
        "successor_share": plan.successor_share,
        "competency_rules": {
            codes.get(one, one): own for one, own in settings["rules"].items()
        },
        "version": version or None,
        "changed": None if saved is None else saved.effect,
        "destinations": {name: name in switched_on for name in DESTINATIONS},
        "sending": sending,
        "refreshed_at": plan.refreshed_at,
        "line_items": work,
    }
    bench.say(
        document,
        table(
            f"{plan.title} · {plan.framework_title or 'no framework'} · "
            f"{_rule_text(settings)} · "
            f"sent to: {', '.join(switched_on) or 'nobody'} "
            f"({sendings.words(sending)}){_saved_text(saved)}",
            ("line item", "title", "category", "term", "scores", "alignments"),
            [
                (
                    one.sourced_id,
                    one.title,
                    one.category,
                    one.term,
                    one.score_count,
                    len(one.alignments),
                )
                for one in work
            ],
        ),
    )


def _rule_text(settings: Mapping[str, Any]) -> str:
    told = str(settings["rule"])
    if settings["parameter"] is not None:
        told += f"({settings['parameter']:g})"
    told += f", {settings['evidence_order']} order"
    if settings["minimum_pieces"] > 1:
        told += f", at least {settings['minimum_pieces']} pieces"
    if settings["counts"] is not None:
        told += f", {', '.join(settings['counts'])} count"
    if settings["rules"]:
        told += f", {len(settings['rules'])} competencies otherwise"
    return told


def _saved_text(saved: Saved | None) -> str:
    if saved is None:
        return ""
    if saved.number is None:
        return " · nothing was changed"
    effect = saved.effect
    return (
        f" · version {saved.number}: {effect['moved']} levels moved, "
        f"{effect['up']} up, {effect['down']} down"
    )


command(course, "show")(_course_show)


@click.argument("name", metavar="COURSE")
@click.option("--framework", "framework_name")
@click.option("--rule", "rule_name")
@click.option("--parameter", type=float)
@click.option(
    "--competency",
    "competency_name",
    help="Let --rule, --parameter and --minimum be of this competency alone.",
)
@click.option(
    "--mastery", type=float, metavar="CUT", help="A cut of the scale, a ratio."
)
@click.option("--scale", "scale_name", help="Take over a scale, by its title or id.")
@click.option(
    "--order", type=click.Choice(list(ORDERS)), help="What orders the evidence."
)
@click.option(
    "--counts",
    metavar="KIND,…",
    help=f"Kinds of evidence that count, of {', '.join(KINDS)}; all for the usual.",
)
@click.option("--minimum", type=int, help="Pieces a level needs at least.")
@click.option(
    "--successor-share",
    type=float,
    help="What evidence for a successor is worth before it, 0 to 1.",
)
@click.option("--reason", help="Kept with the version.")
@click.option(
    "--destination",
    "destinations",
    multiple=True,
    metavar="|".join(DESTINATIONS) + "=on|off",
)
@switching.options
@sendings.options
def _course_set(
    bench: Bench,
    name: str,
    destinations: tuple[str, ...],
    reason: str | None,
    **options: object,
) -> int | None:
    """Change the plan of a course, and switch its destinations on or off.

    Each change of the plan is a version: see course history and course restore. On a
    terminal what switching on would change there is shown, and asked about first.
    """
    switches = [_switch(text) for text in destinations]
    with bench.database.read() as session:
        course_id = naming.find_course(session, name)
    code = switching.decide(bench, course_id, switches, options)
    if code is not None:
        return code
    saved = None
    with bench.database.write() as session:
        values = _plan_values(session, course_id, options)
        if values:
            saved = plans_of_course.save(
                session, course_id, values, who=WHO, now=now(), reason=reason
            )
        sendings.change(session, course_id, options)
        for destination, is_on in switches:
            standing.switch(
                session, course_id, destination, is_on=is_on, who=WHO, now=now()
            )
    _say_course(bench, course_id, saved)
    return None


command(course, "set")(_course_set)
sendings.install(course)


def _switch(text: str) -> tuple[str, bool]:
    destination, _, state = text.partition("=")
    if destination not in DESTINATIONS or state not in {"on", "off"}:
        raise click.UsageError(
            f"--destination {text}: write {' or '.join(DESTINATIONS)}, then =on or =off"
        )
    return destination, state == "on"


def _plan_values(
    session: Session, course_id: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the options say of a course's plan, as it is stored."""
    values: dict[str, Any] = {}
    if options["framework_name"]:
        values["framework_id"] = frameworks.find_framework(
            session, options["framework_name"]
        )
    if options["rule_name"] is None and options["parameter"] is not None:
        raise click.UsageError("--parameter goes with --rule")
    if options["scale_name"]:
        values |= parse_scale_name(session, options["scale_name"])
    if options["counts"] is not None:
        named = [one.strip() for one in options["counts"].split(",")]
        values["counts"] = None if named == ["all"] else [one for one in named if one]
    chosen = {
        "mastery_cut": options["mastery"],
        "evidence_order": options["order"],
        "successor_share": options["successor_share"],
    }
    values |= {name: one for name, one in chosen.items() if one is not None}
    if options["competency_name"]:
        return values | {"rules": _own_rules(session, course_id, options)}
    return values | _rule_values(options)


def _rule_values(options: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if options["rule_name"]:
        values = {"rule": options["rule_name"], "parameter": options["parameter"]}
    if options["minimum"] is not None:
        values["minimum_pieces"] = options["minimum"]
    return values


def _own_rules(
    session: Session, course_id: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the competencies' own rules with one set anew.

    Where neither rule nor minimum is given, that one goes by the course again.
    """
    settings = curriculum.load_plan_values(session, course_id)
    one = naming.find_competency(
        session, options["competency_name"], settings["framework_id"]
    )
    rules = dict(settings["rules"])
    old = rules.pop(str(one), None)
    chosen = _rule_values(options)
    if not chosen:
        return rules
    before = old or {
        "rule": settings["rule"],
        "parameter": settings["parameter"],
        "minimum_pieces": None,
    }
    return rules | {str(one): {**before, **chosen}}


def parse_scale_name(session: Session, name: str) -> dict[str, Any]:
    """Return levels and mastery of a scale by its title or id.

    Raises:
        PlanError: none, or several, go by that name.
    """
    found = [
        one
        for one in plan_choices.load_scales(session)
        if name.casefold() in (one.title.casefold(), str(one.id))
    ]
    if len(found) != 1:
        raise PlanError(
            f"{len(found)} scales are called {name!r}; give the title or id of one"
        )
    levels = [dict(one) for one in found[0].levels]
    return {"scale": levels, "mastery_cut": found[0].mastery_cut}


@click.argument("name", metavar="COURSE")
def _course_history(bench: Bench, name: str) -> None:
    """List the versions of a course's plan, with what each changed and moved."""
    with bench.database.read() as session:
        course_id = naming.find_course(session, name)
        versions = plan_versions.load_versions(session, course_id)
    before = [one.settings for one in versions[1:]] + [{}]
    told: list[dict[str, Any]] = [
        {
            "number": one.number,
            "made_by": one.made_by,
            "made_at": one.made_at,
            "reason": one.reason,
            "restores": one.restores,
            "effect": one.effect,
            "changes": plans_of_course.differences(old, one.settings) if old else [],
        }
        for one, old in zip(versions, before, strict=True)
    ]
    bench.say(
        told,
        table(
            "versions of the plan",
            ("number", "when", "who", "changed", "levels moved", "reason"),
            [
                (
                    one["number"],
                    one["made_at"],
                    one["made_by"],
                    ", ".join(dict.fromkeys(each.field for each in one["changes"])),
                    (one["effect"] or {}).get("moved"),
                    one["reason"],
                )
                for one in told
            ],
        ),
    )


command(course, "history")(_course_history)


@click.argument("name", metavar="COURSE")
@click.argument("number", type=int)
@click.option("--reason", help="Kept with the version.")
def _course_restore(bench: Bench, name: str, number: int, reason: str | None) -> None:
    """Bring an earlier version of a course's plan back, levels included."""
    with bench.database.write() as session:
        course_id = naming.find_course(session, name)
        saved = plans_of_course.restore(
            session, course_id, number, who=WHO, now=now(), reason=reason
        )
    _say_course(bench, course_id, saved)


command(course, "restore")(_course_restore)
