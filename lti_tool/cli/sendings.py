"""How a course sends: when, what and of whom; and letting go what waited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import click

from lti_tool.cli.root import Bench, command, now
from lti_tool.errors import NotFoundError
from lti_tool.storage import groups, naming, sendings
from lti_tool.storage.database import Session
from lti_tool.work import standing

WHO = "cli"
TELLING = ("all", "secure")
Function = Callable[..., Any]


def options(function: Function) -> Function:
    """Give a command the options that say how a course sends."""
    for option in (
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
    """
    values: dict[str, Any] = {}
    if asked["send"]:
        values["when"] = asked["send"]
    if asked["tell"]:
        values["is_secure_only"] = asked["tell"] == "secure"
    if asked["group_name"]:
        values["group_id"] = _group(session, course_id, asked["group_name"])
    if values:
        new = replace(sendings.load_sending(session, course_id), **values)
        standing.set_sending(session, course_id, new, who=WHO, now=now())


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
    return {
        "send": held.when,
        "tell": TELLING[held.is_secure_only],
        "group_id": held.group_id,
        "released_at": held.released_at,
        "waiting": sendings.count_waiting(session, course_id),
    }


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
