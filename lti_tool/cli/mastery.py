"""`align`, `mastery`: what speaks for a competency, and how a level comes about."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import click

from lti_tool.cli.curriculum import WHO
from lti_tool.cli.root import PROBLEM, Bench, command, now
from lti_tool.storage import curriculum, listings, naming, people
from lti_tool.work import alignments, reasons, standing, whys
from mappings.rules import rule as parse_rule
from mappings.trials import calculation


@click.group()
def align() -> None:
    """Which work speaks for which competency."""


@click.group()
def mastery() -> None:
    """How a level comes about."""


@click.argument("path", type=click.Path(path_type=Path), metavar="FILE")
def _align_import(bench: Bench, path: Path) -> int:
    """Import alignments from CSV: course,line_item,competency,weight.

    Columns part (question:1-4, row:3) and practice (yes) may follow.
    """
    report = alignments.import_file(bench.database, path, who=WHO, now=now())
    shown = [f"{one.file} line {one.line}: {one.text}" for one in report.problems]
    told = (
        f"{report.added} alignments saved, {report.same} as they were; "
        f"{report.courses} courses refreshed"
    )
    bench.say(
        {
            "added": report.added,
            "same": report.same,
            "courses_refreshed": report.courses,
            "problems": shown,
        },
        "\n".join([told, *shown]),
    )
    return PROBLEM if report.problems else 0


command(align, "import")(_align_import)


@click.option("--output", type=click.Path(path_type=Path), help="File; default stdout.")
def _align_export(bench: Bench, output: Path | None) -> None:
    """Write every alignment as CSV."""
    with bench.database.read() as session:
        found = listings.load_export(session)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    has_more = any(one["part"] or one["is_practice"] for one in found)
    more = alignments.MORE_COLUMNS if has_more else ()
    writer.writerow([*alignments.COLUMNS, *more])
    for one in found:
        how = [one["part"], "yes" if one["is_practice"] else ""]
        writer.writerow(
            [
                one["course"] or one["course_id"],
                one["line_item"],
                one["competency"],
                f"{one['weight']:g}",
                *how[: len(more)],
            ]
        )
    if output is not None:
        output.write_text(text.getvalue())
        bench.say({"written": str(output), "alignments": len(found)}, str(output))
    elif bench.as_json:
        bench.say(found, "")
    else:
        click.echo(text.getvalue(), nl=False)


command(align, "export")(_align_export)


@click.option("--rule", "rule_name", required=True)
@click.option("--parameter", type=float)
@click.option("--scores", required=True, help="Oldest first: 1,2,3")
@click.option("--mastery", "mastery_points", type=float, default=3.0, show_default=True)
@click.option("--maximum", type=float, default=4.0, show_default=True)
def _try(
    bench: Bench,
    rule_name: str,
    parameter: float | None,
    scores: str,
    mastery_points: float,
    maximum: float,
) -> None:
    """Do one calculation and show its arithmetic."""
    try:
        numbers = [float(text) for text in scores.split(",") if text.strip()]
    except ValueError as error:
        raise click.UsageError(
            f"--scores {scores}: write numbers like 1,2,3"
        ) from error
    chosen = parse_rule(rule_name, parameter)
    found = calculation(chosen, numbers, mastery=mastery_points, maximum=maximum)
    document: dict[str, Any] = {
        "rule": chosen.name,
        "parameter": chosen.parameter,
        "value": found.value,
        "level": found.level.name if found.level else None,
        "arithmetic": list(found.arithmetic),
    }
    if chosen.name == "certainty":
        document |= {
            "probability": found.probability,
            "interval": found.interval,
            "needs": str(found.needs) if found.needs else None,
        }
    value = "no result" if found.value is None else f"{found.value:g}"
    bench.say(
        document,
        "\n".join([f"{chosen}: {value} {document['level'] or ''}", *found.arithmetic]),
    )


command(mastery, "try")(_try)


@click.option(
    "--course", "course_name", help="Left out: her one record over all courses."
)
@click.option("--student", required=True)
@click.option("--competency", required=True)
def _explain(
    bench: Bench, course_name: str | None, student: str, competency: str
) -> None:
    """Say why a student stands where she stands, in a course or over all of them."""
    course_id = framework_id = None
    with bench.database.read() as session:
        if course_name is not None:
            course_id = naming.find_course(session, course_name)
            framework_id = curriculum.load_plan(session, course_id).framework_id
        person_id = people.find_person(session, student)
        competency_id = naming.find_competency(session, competency, framework_id)
        if course_id is None:
            why = whys.why_record(session, person_id, competency_id, now=now())
        else:
            why = standing.why(session, course_id, person_id, competency_id, now=now())
    document = {
        "course": course_id,
        "student": person_id,
        "competency": competency_id,
        **reasons.document(why),
    }
    bench.say(document, "\n".join(reasons.lines(why)))


command(mastery, "explain")(_explain)
