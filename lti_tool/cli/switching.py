"""Switching a destination on: what it would change there is seen before.

On a terminal the plan is shown and asked about. In a script the switch is the word of
who wrote it; with --look and --accept it holds for the plan that was seen alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from lti_tool.cli.root import DONE, NO_ANSWER, ON_HOLD, Bench, now, stderr, stdout
from lti_tool.errors import DeliveryError, HoldError
from lti_tool.storage import curriculum
from lti_tool.work import forecasts

HASH_LENGTH = 12
ACTIONS = ("add", "change", "withdraw", "same", "keep", "blocked")
Function = Callable[..., Any]


def options(function: Function) -> Function:
    """Give a command the options that say whether a plan was seen."""
    for option in (
        click.option("--yes", is_flag=True, help="Switch on without being asked."),
        click.option(
            "--accept",
            metavar="PLAN_HASH",
            help="Switch on only if the plan is still the one of that hash.",
        ),
        click.option(
            "--look",
            is_flag=True,
            help="Say what switching on would change there, and its hash; do nothing.",
        ),
    ):
        function = option(function)
    return function


def decide(
    bench: Bench,
    course_id: int,
    switches: Sequence[tuple[str, bool]],
    asked: Mapping[str, Any],
) -> int | None:
    """Show the plan of what goes on, and ask; an exit code where nothing is done.

    Raises:
        HoldError: the plan is not the one that was accepted.
    """
    with bench.database.read() as session:
        held = curriculum.load_destinations(session, course_id)
    names = [name for name, is_on in switches if is_on and name not in held]
    if asked["look"]:
        return _look(bench, _plan(bench, course_id, names))
    if names and asked["accept"]:
        _check(_plan(bench, course_id, names), asked["accept"])
    elif names and not asked["yes"]:
        return _ask(bench, course_id, names)
    return None


def _ask(bench: Bench, course_id: int, names: Sequence[str]) -> int | None:
    """Show the plan and ask, where somebody sits who can answer."""
    if bench.as_json or not stdout.is_terminal:
        stderr.print(
            "switched on without a look at what it changes there; "
            "masterybridge outcomes deliver --dry-run shows it"
        )
        return None
    code = _look(bench, _plan(bench, course_id, names))
    if code != DONE:
        stderr.print("nothing was changed; --yes switches on all the same")
        return code
    return None if click.confirm("Switch on and send?") else ON_HOLD


def _plan(bench: Bench, course_id: int, names: Sequence[str]) -> dict[str, Any]:
    """What switching destinations on would change there, one by one, and its hash."""
    found: dict[str, Any] = {}
    told: list[Any] = []
    for name in names:
        try:
            changes = forecasts.forecast(
                bench.database, bench.outside.connect, now, name, course_id
            )
        except DeliveryError as error:
            found[name] = {"fault": str(error), "counts": {}}
            continue
        counted = Counter(one.action for one in changes)
        found[name] = {
            "fault": None,
            "counts": {one: counted[one] for one in ACTIONS if counted[one]},
        }
        told += sorted(
            (name, json.dumps(asdict(one), sort_keys=True)) for one in changes
        )
    hashed = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    is_read = all(one["fault"] is None for one in found.values())
    return {
        "destinations": found,
        "plan_hash": hashed[:HASH_LENGTH] if is_read and names else None,
    }


def _look(bench: Bench, found: Mapping[str, Any]) -> int:
    lines = []
    for name, one in found["destinations"].items():
        counts = ", ".join(f"{count} {what}" for what, count in one["counts"].items())
        told = one["fault"] or counts or "nothing"
        lines.append(f"{name}: switching it on would change there: {told}")
    if found["plan_hash"]:
        lines.append(f"plan {found['plan_hash']}")
    bench.say(found, "\n".join(lines) or "nothing goes on that is not on already")
    is_read = all(one["fault"] is None for one in found["destinations"].values())
    return DONE if is_read else NO_ANSWER


def _check(found: Mapping[str, Any], accepted: str) -> None:
    if found["plan_hash"] == accepted:
        return
    faults = [one["fault"] for one in found["destinations"].values() if one["fault"]]
    raise HoldError(
        f"the plan is {found['plan_hash'] or 'not to be read: ' + '; '.join(faults)} "
        f"now, not {accepted}; look again with --look. Nothing was changed",
        str(found["plan_hash"]),
    )
