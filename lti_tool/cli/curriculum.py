"""`framework`, `course`: what is taught and how it is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lti_tool.cli.root import Bench, command, now, table
from lti_tool.platforms.http import GuardedSession
from lti_tool.storage import curriculum, frameworks, listings, naming
from lti_tool.storage.database import Session
from lti_tool.work import standing
from lti_tool.work.frameworks import Imported, import_documents, read_document
from mappings.case import format_case
from mappings.rules import rule as parse_rule

DESTINATIONS = ("ags", "oneroster")
WHO = "cli"


@click.group()
def framework() -> None:
    """Competency frameworks (CASE packages)."""


@click.group()
def course() -> None:
    """Courses and their plans."""


@click.argument("names", nargs=-1, required=True, metavar="PATH_OR_URL...")
def _import(bench: Bench, names: tuple[str, ...]) -> None:
    """Import CASE packages and files of extra associations; again is a no-op."""
    session = GuardedSession(bench.settings.local_hosts)
    documents = [(name, read_document(name, session)) for name in names]
    done = import_documents(bench.database, documents, now())
    bench.say(
        {"imported": [_import_document(one) for one in done]},
        "\n".join(_import_text(one) for one in done),
    )


command(framework, "import")(_import)


def _import_document(one: Imported) -> dict[str, Any]:
    return {
        "file": one.name,
        "framework": one.framework.title if one.framework else None,
        "competencies": one.framework.competencies if one.framework else None,
        "associations": one.associations,
        "changed": not one.is_nothing,
        "problems": [
            {"code": problem.code, "record": problem.record, "text": problem.text}
            for problem in one.problems
        ],
    }


def _import_text(one: Imported) -> str:
    edges = one.associations
    told = (
        f"{edges.added} associations added, {edges.changed} changed, "
        f"{edges.retired} retired, {edges.same} as they were"
    )
    parts = [told]
    if one.framework:
        items = one.framework.competencies
        parts.insert(
            0,
            f"{one.framework.title}: {items.added} competencies added, "
            f"{items.changed} changed, {items.retired} retired, "
            f"{items.same} as they were",
        )
    if one.problems:
        parts.append(f"{len(one.problems)} problems, e.g. {one.problems[0].text}")
    return f"{Path(one.name).name}: " + "; ".join(parts)


def _framework_list(bench: Bench) -> None:
    """List the frameworks."""
    with bench.database.read() as session:
        found = frameworks.load_list(session)
    columns = ("id", "title", "version", "competencies", "associations", "case_id")
    bench.say(
        found,
        table(
            "frameworks", columns, [[one[name] for name in columns] for one in found]
        ),
    )


command(framework, "list")(_framework_list)


@click.argument("name", metavar="FRAMEWORK")
def _framework_show(bench: Bench, name: str) -> None:
    """Show the competencies of a framework in reading order."""
    with bench.database.read() as session:
        package = frameworks.load_package(
            session, frameworks.find_framework(session, name)
        )
    rows = [
        {
            "case_id": one.case_id,
            "code": one.human_code,
            "statement": one.statement,
            "depth": depth,
        }
        for one, depth in package.in_order()
    ]
    bench.say(
        {"framework": package.title, "competencies": rows},
        table(
            package.title,
            ("code", "statement"),
            [
                (row["code"], "  " * int(str(row["depth"])) + str(row["statement"]))
                for row in rows
            ],
        ),
    )


command(framework, "show")(_framework_show)


@click.argument("name", metavar="FRAMEWORK")
@click.option("--output", type=click.Path(path_type=Path), help="File; default stdout.")
def _framework_export(bench: Bench, name: str, output: Path | None) -> None:
    """Write a framework as a CASE package."""
    with bench.database.read() as session:
        package = frameworks.load_package(
            session, frameworks.find_framework(session, name)
        )
    document = format_case(package)
    if output is None:
        bench.say(document, json.dumps(document, indent=2, ensure_ascii=False))
        return
    output.write_text(json.dumps(document, ensure_ascii=False, indent=2))
    bench.say({"written": str(output)}, f"{package.title} written to {output}")


command(framework, "export")(_framework_export)


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


def _say_course(bench: Bench, course_id: int) -> None:
    with bench.database.read() as session:
        plan = curriculum.load_plan(session, course_id)
        work = curriculum.load_assignments(session, course_id)
        switched_on = curriculum.load_destinations(session, course_id)
    document = {
        "id": course_id,
        "sis_class": plan.class_sourced_id,
        "title": plan.title,
        "framework": plan.framework_title,
        "rule": plan.rule,
        "parameter": plan.parameter,
        "mastery": plan.scale.mastery,
        "levels": plan.scale.levels,
        "destinations": {name: name in switched_on for name in DESTINATIONS},
        "refreshed_at": plan.refreshed_at,
        "line_items": work,
    }
    bench.say(
        document,
        table(
            f"{plan.title} · {plan.framework_title or 'no framework'} · {plan.rule} · "
            f"sent to: {', '.join(switched_on) or 'nobody'}",
            ("line item", "title", "scores", "alignments"),
            [
                (one.sourced_id, one.title, one.score_count, len(one.alignments))
                for one in work
            ],
        ),
    )


command(course, "show")(_course_show)


@click.argument("name", metavar="COURSE")
@click.option("--framework", "framework_name")
@click.option("--rule", "rule_name")
@click.option("--parameter", type=float)
@click.option(
    "--mastery", type=float, metavar="CUT", help="A cut of the scale, a ratio."
)
@click.option(
    "--destination",
    "destinations",
    multiple=True,
    metavar="|".join(DESTINATIONS) + "=on|off",
)
def _course_set(
    bench: Bench,
    name: str,
    destinations: tuple[str, ...],
    **options: Any,  # noqa: ANN401 -- click's own
) -> None:
    """Change the plan of a course, and switch its destinations on or off."""
    switches = [_switch(text) for text in destinations]
    with bench.database.write() as session:
        course_id = naming.find_course(session, name)
        values = _plan_values(session, options)
        if values:
            curriculum.save_course_plan(session, course_id, values, who=WHO, now=now())
            curriculum.load_plan(session, course_id)  # refuses what makes no plan
            standing.refresh(session, course_id, now=now())
        for destination, is_on in switches:
            standing.switch(
                session, course_id, destination, is_on=is_on, who=WHO, now=now()
            )
    _say_course(bench, course_id)


command(course, "set")(_course_set)


def _switch(text: str) -> tuple[str, bool]:
    destination, _, state = text.partition("=")
    if destination not in DESTINATIONS or state not in {"on", "off"}:
        raise click.UsageError(
            f"--destination {text}: write {' or '.join(DESTINATIONS)}, then =on or =off"
        )
    return destination, state == "on"


def _plan_values(session: Session, options: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if options["framework_name"]:
        values["framework_id"] = frameworks.find_framework(
            session, options["framework_name"]
        )
    if options["rule_name"]:
        chosen = parse_rule(options["rule_name"], options["parameter"])
        values |= {"rule": chosen.name, "parameter": chosen.parameter}
    elif options["parameter"] is not None:
        raise click.UsageError("--parameter goes with --rule")
    if options["mastery"] is not None:
        values["mastery_cut"] = options["mastery"]
    return values
