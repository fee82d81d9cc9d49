"""`runs`: how pulls went, and what they held aside pulled again."""

from __future__ import annotations

from typing import Any

import click

from lti_tool.cli.root import PROBLEM, Bench, command, now, table
from lti_tool.cli.roster import pull_from
from lti_tool.errors import NotFoundError
from lti_tool.storage import plans, quarantines, sources
from lti_tool.work import orders, retries
from lti_tool.work.roster import SyncOptions


@click.group()
def runs() -> None:
    """How syncs went."""


def _runs_list(bench: Bench) -> None:
    """List the newest runs."""
    with bench.database.read() as session:
        found = sources.load_runs(session)
    columns = ("id", "source", "status", "trigger", "started_at", "ended_at", "text")
    bench.say(
        found,
        table("runs", columns, [[one[name] for name in columns] for one in found]),
    )


command(runs, "list")(_runs_list)


@click.argument("run", type=int)
@click.option("--moves", type=int, default=0, help="So many rows of its plan as well.")
def _runs_show(bench: Bench, run: int, *, moves: int) -> None:
    """Show one run: its plan, why it waits, and what was wrong, by cause."""
    with bench.database.read() as session:
        found = sources.load_run(session, run)
        causes = quarantines.load_causes(session, run)
        moved = plans.load_moves(session, run, count=moves) if moves else []
    lines = [
        (one["collection"], one["field"], one["code"], one["level"], one["count"])
        for one in causes
    ]
    columns = ("collection", "field", "code", "level", "records")
    bench.say(
        {**found, "causes": causes, "moves": moved},
        table(f"run {run}: {found['status']} {found['text'] or ''}", columns, lines),
    )
    if not bench.as_json:
        shown = ("place", "sourced_id", "field", "code", "text")
        _say_rows(bench, "what was wrong", shown, found["rows"])
        _say_rows(bench, "plan", ("collection", "kind", "sourced_id", "label"), moved)


def _say_rows(
    bench: Bench, title: str, columns: tuple[str, ...], found: list[dict[str, Any]]
) -> None:
    if found:
        lines = [[one[name] for name in columns] for one in found]
        bench.say(found, table(title, columns, lines))


command(runs, "show")(_runs_show)


@click.argument("run", type=int)
def _runs_retry(bench: Bench, run: int) -> int:
    """Pull again just the records a run left out, and those they name.

    A run that left out nothing, or did not come to an end, is pulled once more as a
    whole, from where it was cut.
    """
    with bench.database.read() as session:
        name = sources.load_run(session, run)["source"]
        found = sources.load_source(session, name)
        try:
            wanted = retries.picks(session, run)
        except NotFoundError:
            wanted = None
    if wanted is None:
        whole = SyncOptions(trigger="retry", of_run_id=run)
        return pull_from(bench, found, lambda: bench.outside.feed(found), whole)
    return pull_from(
        bench,
        found,
        lambda: retries.retry_feed(bench.outside, found, wanted),
        SyncOptions(trigger="retry", of_run_id=run),
    )


command(runs, "retry")(_runs_retry)


@click.argument("run", type=int)
def _runs_stop(bench: Bench, run: int) -> int:
    """Let a run stop after the page it reads; the next one goes on there."""
    with bench.database.write() as session:
        sources.load_run(session, run)
        is_asked = orders.stop(session, run, who="cli", now=now())
    text = "stops after its page" if is_asked else "is over already"
    bench.say({"run": run, "stopping": is_asked}, f"run {run} {text}")
    return 0 if is_asked else PROBLEM


command(runs, "stop")(_runs_stop)
