"""`course members`: who is in a course, asked of its LMS now."""

from __future__ import annotations

import click

from lti_tool.cli.curriculum import course
from lti_tool.cli.root import NO_ANSWER, PROBLEM, Bench, command, table
from lti_tool.errors import ConfigError, PlatformError
from lti_tool.storage import naming, placements

_COLUMNS = ("placement", "kind", "members", "joined", "alone", "ended", "problem")
# Nobody is there, or asks us to wait: later it may be otherwise.
_AWAY = frozenset({"busy", "connect", "platform", "timeout"})


@click.argument("name", metavar="COURSE")
@click.option("--full", is_flag=True, help="Ask for everybody, not for changes alone.")
def _course_members(bench: Bench, name: str, *, full: bool) -> int:
    """Fetch who is in a course, and in which groups, from its LMS now."""
    with bench.database.read() as session:
        course_id = naming.find_course(session, name)
        found = [
            row["id"]
            for row in placements.placements_of_course(session, course_id)
            if row["nrps_url"]
        ]
    if not found:
        raise ConfigError(
            "no LMS offers the members of this course; switch Names and Role "
            "Provisioning on for the tool there, then open the tool once from there"
        )
    told, code = [], 0
    for placement_id in found:
        row: dict[str, object] = {"placement": placement_id, "problem": None}
        try:
            pulled = bench.outside.fetch_members(placement_id, is_full=full)
        except PlatformError as error:
            row["problem"] = str(error)
            code = max(code, NO_ANSWER if error.code in _AWAY else PROBLEM)
        else:
            row |= {
                "kind": pulled.kind,
                "members": pulled.members,
                "joined": pulled.joined,
                "alone": pulled.alone,
                "ended": pulled.ended,
            }
        told.append(row)
    bench.say(
        told,
        table(
            "members",
            _COLUMNS,
            [[one.get(column) for column in _COLUMNS] for one in told],
        ),
    )
    return code


command(course, "members")(_course_members)

__all__ = ["course"]
