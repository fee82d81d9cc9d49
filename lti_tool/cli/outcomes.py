"""`outcomes`: what is on its way to other systems, and what stands there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from lti_tool.cli.root import NO_ANSWER, PROBLEM, Bench, command, now, table
from lti_tool.storage import outbox, tallies
from lti_tool.work import delivery, reasons, standing


@click.group()
def outcomes() -> None:
    """The outbox: status, show, deliver, reconcile."""


@click.option("--rows", is_flag=True, help="List every delivery.")
def _status(bench: Bench, *, rows: bool) -> None:
    """Show how many deliveries are in which state."""
    with bench.database.read() as session:
        counts = tallies.load_counts(session)
        listed = tallies.load_rows(session) if rows else []
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


_ROW = ("destination", "course", "student", "human_code", "value", "state", "reason")

command(outcomes, "status")(_status)


@click.argument("delivery_id", type=int, metavar="DELIVERY")
def _show(bench: Bench, delivery_id: int) -> None:
    """Show one delivery: its receipt, and why the level stands.

    Its basis is by what the level was judged when it was sent; why is the whole
    reason as it stands now, so a level that has moved since shows both.
    """
    with bench.database.read() as session:
        row = tallies.load_row(session, delivery_id)
        why = standing.why(
            session, row["course_id"], row["student"], row["competency_id"], now=now()
        )
    basis = row["basis"]
    told = [
        f"{row['destination']}: {row['value']} {row['level'] or ''}, {row['state']}"
        + (f" ({row['reason']})" if row["reason"] else ""),
        f"judged by {basis.get('rule')} of {basis.get('evidence')} pieces, "
        f"{basis.get('computed_at', '')}"
        if basis
        else "withdrawn: nothing speaks for it any more",
        "as it stands now:",
        *reasons.lines(why),
    ]
    bench.say({**row, "why": reasons.document(why)}, "\n".join(told))


command(outcomes, "show")(_show)


@click.option("--dry-run", is_flag=True, help="List what is due and send nothing.")
def _deliver(bench: Bench, *, dry_run: bool) -> int:
    """Send all that is due, then read it back."""
    if dry_run:
        with bench.database.read() as session:
            due = [
                one for one in tallies.load_rows(session) if one["state"] == "pending"
            ]
        columns = ("destination", "course", "student", "human_code", "value", "level")
        bench.say(
            {"due": due},
            table("due", columns, [[one[name] for name in columns] for one in due]),
        )
        return 0
    with bench.database.write() as session:
        outbox.release(session, now())
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


def _reconcile(bench: Bench) -> int:
    """Read back every delivered value and list what differs."""
    found = delivery.reconcile(bench.database, bench.outside.connect)
    columns = (
        "destination",
        "course_id",
        "person_id",
        "competency_id",
        "ours",
        "theirs",
    )
    bench.say(
        {"read_back": dict(found.read_back), "differences": list(found.differences)},
        table(
            f"read back: {dict(found.read_back)}",
            columns,
            [[getattr(one, name) for name in columns] for one in found.differences],
        ),
    )
    return PROBLEM if found.differences else 0


command(outcomes, "reconcile")(_reconcile)
