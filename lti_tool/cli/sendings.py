"""How a course sends: when, what and of whom; and letting go what waited."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from lti_tool.cli.root import Bench, command, now
from lti_tool.errors import NotFoundError
from lti_tool.storage import curriculum, groups, naming, sendings
from lti_tool.storage.database import Session
from lti_tool.storage.sendings import Sending
from lti_tool.work import standing, summaries
from mappings.summary import (
    GRADE,
    LOWEST,
    MASTERY_INDEX,
    MEDIAN,
    Summary,
    format_summary,
    parse_summary,
)

WHO = "cli"
TELLING = ("all", "secure")
COLUMNS = ("each", "summary", "both")
# Formulas that need no file.
FORMULAS: Final[Mapping[str, Summary]] = {
    "mean": GRADE,
    "median": replace(GRADE, how=MEDIAN),
    "lowest": replace(GRADE, how=LOWEST),
    "mastery_index": MASTERY_INDEX,
}
Function = Callable[..., Any]


def options(function: Function) -> Function:
    """Give a command the options that say how a course sends."""
    for option in (
        click.option(
            "--summary",
            "formula",
            metavar="|".join((*FORMULAS, "FILE")),
            help="The formula of one grade over all competencies; FILE: as JSON.",
        ),
        click.option(
            "--columns",
            type=click.Choice(COLUMNS),
            help="In gradebooks: one for each competency, one grade over all, or both.",
        ),
        click.option(
            "--group", "group_name", help="Tell of this group alone; all: of everybody."
        ),
        click.option(
            "--tell",
            type=click.Choice(TELLING),
            help="Tell all levels, or secure ones only.",
        ),
        click.option(
            "--send",
            type=click.Choice(sendings.WHEN),
            help="When: at once, nightly, or after a release.",
        ),
    ):
        function = option(function)
    return function


def change(session: Session, course_id: int, asked: Mapping[str, Any]) -> None:
    """Change how a course sends as the options say; takes them out of none.

    Raises:
        NotFoundError: no group, or more than one, goes by that name.
        SummaryError: the formula is none, or does not fit the levels of the course.
    """
    held = sendings.load_sending(session, course_id)
    values: dict[str, Any] = {}
    if asked["send"]:
        values["when"] = asked["send"]
    if asked["tell"]:
        values["is_secure_only"] = asked["tell"] == "secure"
    if asked["group_name"]:
        values["group_id"] = _group(session, course_id, asked["group_name"])
    values |= _columns(held, asked["columns"], asked["formula"])
    if values:
        new = replace(held, **values)
        standing.set_sending(session, course_id, new, who=WHO, now=now())


def _columns(held: Sending, columns: str | None, formula: str | None) -> dict[str, Any]:
    """Return what the options say of columns, as a sending has it."""
    if formula is not None and columns == "each":
        raise click.UsageError("--summary goes with --columns summary or both")
    if columns is None and formula is None:
        return {}
    summary = held.summary if formula is None else _formula(formula)
    if columns is None:
        return {"summary": summary}
    if columns == "each":
        return {"is_each": True, "summary": None}
    if summary is None:
        raise click.UsageError(
            f"--columns {columns} needs a formula; give --summary with "
            f"{', '.join(FORMULAS)} or a file"
        )
    return {"is_each": columns == "both", "summary": summary}


def _formula(text: str) -> Summary:
    """Return the formula of that name, or the one in that file.

    Raises:
        SummaryError: what the file holds makes no formula.
    """
    if text in FORMULAS:
        return FORMULAS[text]
    try:
        held = json.loads(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.UsageError(
            f"--summary {text}: {error}; give {', '.join(FORMULAS)} or a file with a "
            "formula as JSON"
        ) from error
    return parse_summary(held)


def _group(session: Session, course_id: int, name: str) -> int | None:
    if name.casefold() == "all":
        return None
    found = [
        one.id
        for one in groups.load_groups(session, course_id)
        if name.casefold() in (one.name.casefold(), str(one.id))
    ]
    if len(found) != 1:
        raise NotFoundError(
            f"{len(found)} groups of this course are called {name!r}; give the name or "
            "id of one, or all"
        )
    return found[0]


def document(session: Session, course_id: int) -> dict[str, Any]:
    """How a course sends, as JSON tells it."""
    held = sendings.load_sending(session, course_id)
    refused = summaries.fault(held, curriculum.load_scale(session, course_id))
    columns = "each" if held.summary is None else "both" if held.is_each else "summary"
    return {
        "send": held.when,
        "tell": TELLING[held.is_secure_only],
        "columns": columns,
        "summary": None if held.summary is None else format_summary(held.summary),
        "summary_fault": None if refused is None else str(refused),
        "group_id": held.group_id,
        "released_at": held.released_at,
        "waiting": sendings.count_waiting(session, course_id),
    }


def words(told: Mapping[str, Any]) -> str:
    """How a course sends, as a person reads it on one line."""
    parts = [str(told["send"]), f"{told['tell']} levels"]
    if told["summary"] is not None:
        kind = "besides" if told["columns"] == "both" else "alone in gradebooks"
        parts.append(f"{told['summary']['title']} {kind}")
    if told["summary_fault"] is not None:
        parts.append(f"whose formula fits no more: {told['summary_fault']}")
    return ", ".join(parts)


def install(group: click.Group) -> None:
    """Add the command that lets go what waits to the group of courses."""
    command(group, "release")(_release)


@click.argument("name", metavar="COURSE")
def _release(bench: Bench, name: str) -> None:
    """Let what waits for a release go out; the worker sends it."""
    with bench.database.write() as session:
        course_id = naming.find_course(session, name)
        count = sendings.release(session, course_id, who=WHO, now=now())
    bench.say({"released": count}, f"{count} released")
