"""`platform read`: the grades of a platform's courses, read now."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import click

from lti_tool.cli.root import NO_ANSWER, PROBLEM, Bench, command, now, stderr, table
from lti_tool.errors import BridgeError, DeliveryError, PlatformError
from lti_tool.storage import lms_readings, naming, platforms
from lti_tool.storage.database import Session
from lti_tool.storage.lms_readings import Reading
from lti_tool.work import lms_reading
from lti_tool.work.outside import Outside

WHO: Final = "cli"
_SHOWN: Final = ("course", "status", "works", "scores", "added", "changed", "ended")


@click.argument("platform_id", type=int, metavar="PLATFORM", required=False)
@click.option("--course", help="Only this course, by our id or its SIS sourcedId.")
def _read(bench: Bench, platform_id: int | None, course: str | None) -> int:
    """Read the grades of a platform's courses, whole, and say what came.

    Of each course: status (read, failed, busy) and the counts of works, scores, added,
    changed, ended, ours (columns we made), unknown (users nobody knows), twins and
    offered.
    """
    if platform_id is None and course is None:
        raise click.UsageError("name a platform, or a course by --course")
    with bench.database.read() as session:
        wanted = _wanted(session, platform_id, course)
    outside = bench.outside
    codes: set[int] = set()
    told: list[dict[str, Any]] = []
    with bench.progress() as move:
        for number, one in enumerate(wanted):
            move("courses", number, of=len(wanted))
            report, code = _one(bench, outside, one)
            told.append(report)
            codes.add(code)
    shown = [[one.get(name) for name in _SHOWN] for one in told]
    bench.say(told, table("read", _SHOWN, shown))
    for report in told:
        if report.get("fault"):
            stderr.print(f"{report['course']}: {report['fault']}", markup=False)
    return max(codes, default=0)


def _wanted(
    session: Session, platform_id: int | None, course: str | None
) -> list[Reading]:
    """The courses that are meant; those switched off only where one is named."""
    if course is not None:
        found = lms_readings.load_of_course(
            session, naming.find_course(session, course)
        )
        return [one for one in found if platform_id in (None, one.registration_id)]
    platforms.load_platform(session, platform_id or 0)
    found = lms_readings.load_of_platform(session, platform_id or 0)
    return [one for one in found if one.is_on]


def _one(bench: Bench, outside: Outside, one: Reading) -> tuple[dict[str, Any], int]:
    told = {
        "placement": one.placement_id,
        "course_id": one.course_id,
        "course": one.course or one.title,
    }
    try:
        counts = lms_reading.read(
            bench.database,
            outside.gradebook,
            one.placement_id,
            now,
            who=WHO,
            is_whole=True,
        )
    except BridgeError as error:
        code = error.code if isinstance(error, PlatformError) else "config"
        is_short = isinstance(error, DeliveryError) and not error.permanent
        failed = {**told, "status": "failed", "code": code, "fault": str(error)}
        return failed, NO_ANSWER if is_short else PROBLEM
    if counts is None:
        return {**told, "status": "busy"}, PROBLEM
    return {**told, "status": "read", **asdict(counts)}, 0


COMMANDS: Final = (command(None, "read")(_read),)
