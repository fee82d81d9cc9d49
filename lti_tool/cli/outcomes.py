"""`outcomes`: what is on its way to other systems, and what stands there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import click

from lti_tool.cli.root import NO_ANSWER, PROBLEM, Bench, command, now, table
from lti_tool.errors import DeliveryError
from lti_tool.storage import columns, outbox, requeue, tallies
from lti_tool.work import (
    decisions,
    delivery,
    forecasts,
    reasons,
    reconciling,
    standing,
    summaries,
)
from mappings.summary import GRADE

WHO = "cli"


@click.group()
def outcomes() -> None:
    """The outbox: status, show, deliver, reconcile."""


@click.option("--rows", is_flag=True, help="List every delivery.")
def _status(bench: Bench, *, rows: bool) -> None:
    """Show how many deliveries are in which state."""
    with bench.database.read() as session:
        counts = tallies.load_counts(session)
        listed = [*map(_named, tallies.load_rows(session))] if rows else []
    by_state: Counter[str] = Counter()
    for states in counts.values():
        by_state.update(states)
    document: dict[str, Any] = {"counts": dict(by_state), "destinations": counts}
    if rows:
        document["rows"] = listed
        shown = table("outbox", _ROW, [[one[name] for name in _ROW] for one in listed])
    else:
        found = [
            (destination, state, count)
            for destination, states in counts.items()
            for state, count in states.items()
        ]
        shown = table("outbox", ("destination", "state", "deliveries"), found)
    bench.say(document, shown)


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """A row as it is listed; a grade over all competencies stands for their code."""
    if row["competency_id"] is not None:
        return row
    return {**row, "human_code": row["summary_title"] or GRADE.title}


_ROW = ("destination", "course", "student", "human_code", "value", "state", "reason")

command(outcomes, "status")(_status)


@click.argument("delivery_id", type=int, metavar="DELIVERY")
def _show(bench: Bench, delivery_id: int) -> None:
    """Show one delivery: its receipt, and why the level stands.

    Its basis is by what the level was judged when it was sent; why is the whole
    reason as it stands now, so a level that has moved since shows both. Of a grade
    over all competencies, why is the formula and what it was made of when sent.
    """
    with bench.database.read() as session:
        row = tallies.load_row(session, delivery_id)
        if row["competency_id"] is None:
            why = None
        else:
            why = standing.why(
                session,
                row["course_id"],
                row["student"],
                row["competency_id"],
                now=now(),
            )
    head = (
        f"{row['destination']}: {row['value']} {row['level'] or ''}, {row['state']}"
        + (f" ({row['reason']})" if row["reason"] else "")
    )
    if why is None:
        made_of = summaries.document(row["basis"])
        lines = [] if made_of is None else made_of["arithmetic"]
        bench.say({**row, "why": made_of}, "\n".join([head, *lines]))
        return
    basis = row["basis"]
    told = [
        head,
        f"judged by {basis.get('rule')} of {basis.get('evidence')} pieces, "
        f"{basis.get('computed_at', '')}"
        if basis
        else "withdrawn: nothing speaks for it any more",
        "as it stands now:",
        *reasons.lines(why),
    ]
    bench.say({**row, "why": reasons.document(why)}, "\n".join(told))


command(outcomes, "show")(_show)


@click.option("--dry-run", is_flag=True, help="Show the plan and send nothing.")
def _deliver(bench: Bench, *, dry_run: bool) -> int:
    """Send all that is due, then read it back.

    With --dry-run each destination is read, and what would change there is listed.
    """
    if dry_run:
        return _plan(bench)
    with bench.database.write() as session:
        requeue.release(session, now())
        columns.note_hit(session)
    with bench.progress() as move:
        ended = delivery.deliver(
            bench.database,
            bench.outside.connect,
            now,
            on_progress=lambda count: move("deliveries", count),
        )
    with bench.database.read() as session:
        reasons = tallies.load_reasons(session)
    told = [f"{count} {state}" for state, count in sorted(ended.items())]
    lines = [
        f"{one['count']} {one['state']} ({one['destination']}): {one['reason']}"
        for one in reasons
    ]
    bench.say(
        {"ended": dict(ended), "waiting": reasons},
        "\n".join([", ".join(told) or "nothing was due", *lines]),
    )
    if any(ended[state] for state in ("blocked", "conflict", "dead")):
        return PROBLEM
    return NO_ANSWER if any(one["state"] == "pending" for one in reasons) else 0


command(outcomes, "deliver")(_deliver)


def _plan(bench: Bench) -> int:
    """Say for everything that waits what sending it would change."""
    with bench.database.read() as session:
        places = outbox.load_waiting_places(session)
        waiting = {
            (
                one["destination"],
                one["course_id"],
                one["student"],
                one["competency_id"],
            ): one
            for one in map(_named, tallies.load_rows(session))
            if one["state"] == "pending"
        }
    due: list[dict[str, Any]] = []
    unread: list[dict[str, Any]] = []
    for name, course_id in places:
        try:
            changes = forecasts.forecast(
                bench.database, bench.outside.connect, now, name, course_id
            )
        except DeliveryError as error:
            unread.append(
                {"destination": name, "course_id": course_id, "reason": str(error)}
            )
            continue
        for one in changes:
            row = waiting.get((name, course_id, one.person_id, one.competency_id), {})
            due.append({**row, "action": one.action, "theirs": one.theirs})
    shown = (
        "destination",
        "course",
        "student",
        "human_code",
        "action",
        "theirs",
        "value",
    )
    lines = [
        f"{one['destination']}, course {one['course_id']}: {one['reason']}"
        for one in unread
    ]
    bench.say(
        {"due": due, "unread": unread},
        "\n".join(lines)
        if lines and not due
        else table("plan", shown, [[one[name] for name in shown] for one in due]),
    )
    return NO_ANSWER if unread else 0


def _reconcile(bench: Bench) -> int:
    """Read back every delivered value, keep and list what differs.

    Nightly the worker does the same. Decide with send-again or take-theirs.
    """
    found = reconciling.reconcile(bench.database, bench.outside.connect, now, who=WHO)
    shown = (
        "delivery_id",
        "destination",
        "course_id",
        "person_id",
        "competency_id",
        "ours",
        "theirs",
    )
    bench.say(
        {
            "read_back": dict(found.read_back),
            "differences": list(found.differences),
            "unread": list(found.unread),
            "resent": found.resent,
        },
        table(
            f"read back: {dict(found.read_back)}",
            shown,
            [[getattr(one, name) for name in shown] for one in found.differences],
        ),
    )
    if found.differences:
        return PROBLEM
    return NO_ANSWER if found.unread else 0


command(outcomes, "reconcile")(_reconcile)


def _decide(bench: Bench, what: Callable[..., int], delivery_id: int) -> None:
    with bench.database.write() as session:
        made = what(session, delivery_id, who=WHO, now=now())
        row = tallies.load_row(session, made)
    bench.say(row, f"delivery {made}: {row['value']}, {row['state']}")


@click.argument("delivery_id", type=int, metavar="DELIVERY")
def _undo(bench: Bench, delivery_id: int) -> None:
    """Let the value stand again that stood there before a delivery."""
    _decide(bench, decisions.undo, delivery_id)


@click.argument("delivery_id", type=int, metavar="DELIVERY")
def _send_again(bench: Bench, delivery_id: int) -> None:
    """Send a refused value again; what a person set there is written over."""
    _decide(bench, decisions.send_again, delivery_id)


@click.argument("delivery_id", type=int, metavar="DELIVERY")
def _take_theirs(bench: Bench, delivery_id: int) -> None:
    """Let the value that a person set there be the level here."""
    _decide(bench, decisions.take_theirs, delivery_id)


command(outcomes, "undo")(_undo)
command(outcomes, "send-again")(_send_again)
command(outcomes, "take-theirs")(_take_theirs)
