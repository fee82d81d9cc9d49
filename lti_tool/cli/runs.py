"""`runs`: how pulls went, and what they held aside pulled again.

The JSON document of `runs errors`: ``run``, ``causes`` (code, collection, field, level,
number, text), ``problems`` (the columns of the CSV) and ``aside`` (records held
aside, by type).
"""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import click

from lti_tool.cli.plans import write_csv
from lti_tool.cli.root import PROBLEM, Bench, command, now, table
from lti_tool.cli.roster import EXITS, pull_from, rate
from lti_tool.errors import NotFoundError
from lti_tool.storage import plans, problem_pages, quarantines, run_pages, sources
from lti_tool.storage.problem_pages import Cause
from lti_tool.storage.run_pages import RunWish
from lti_tool.web.admin import problems
from lti_tool.work import orders, retries
from lti_tool.work.roster import SyncOptions
from lti_tool.work.watching import Step

POLL_SECONDS: Final = 1.0
_CAUSE: Final = ("number", "collection", "field", "code", "level")
_TOLD: Final = (
    "id", "source", "status", "trigger", "kind", "phase", "started_at", "ended_at",
    "counts", "plan", "plan_hash", "decision", "text",
)  # fmt: skip
RESULTS: Final = (
    "running", "applied", "applied_with_rejects", "held", "planned", "parked",
    "stopped", "failed", "discarded",
)  # fmt: skip


class _Asked(TypedDict):
    """Of which cause."""

    collection: str
    code: str | None
    field: str


@click.group()
def runs() -> None:
    """How syncs went."""


@click.option("--source", "name", help="Of this source alone.")
@click.option("--result", type=click.Choice(RESULTS), help="That went so.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--count", type=click.IntRange(1, 1000), default=50, show_default=True)
def _runs_list(
    bench: Bench, *, name: str | None, result: str | None, first: int, count: int
) -> None:
    """List the runs, newest first."""
    with bench.database.read() as session:
        wish = RunWish(
            source_id=None if name is None else sources.load_source(session, name).id,
            statuses=None if result is None else (result,),
        )
        loaded = run_pages.load_runs(session, wish, first=first, count=count)
    found = [
        {**{key: one[key] for key in _TOLD}, "problems": one["problem_counts"]}
        for one in loaded
    ]
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


@click.argument("run", type=int)
def _runs_follow(bench: Bench, run: int) -> int:
    """Show how far a run is until it ends: what it reads, how fast, what is left."""
    with bench.progress() as move:
        while (found := _load(bench, run))["ended_at"] is None:
            told = found["progress"] or {}
            step = Step(
                told.get("collection") or found["phase"] or "starting",
                told.get("count") or 0,
                told.get("expected"),
                told.get("per_second") or 0.0,
                told.get("seconds_left"),
            )
            move(step.collection, step.count, of=step.expected, note=rate(step))
            time.sleep(POLL_SECONDS)
    bench.say(
        {name: found[name] for name in ("id", "source", "status", "text", "plan_hash")},
        f"run {run}: {found['status']} {found['text'] or ''}".rstrip(),
    )
    return PROBLEM if found["status"] == "failed" else EXITS.get(found["status"], 0)


command(runs, "follow")(_runs_follow)


def _load(bench: Bench, run: int) -> dict[str, Any]:
    with bench.database.read() as session:
        return run_pages.load_run(session, run)


@click.argument("run", type=int)
@click.option("--type", "collection", default="", help="With --code: of this type.")
@click.option("--code", help="Of this code alone.")
@click.option("--field", default="", help="With --code: in this field.")
@click.option("--count", type=click.IntRange(0, 1000), default=50, show_default=True)
@click.option(
    "--csv",
    "csv_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all of them there.",
)
def _runs_errors(
    bench: Bench,
    run: int,
    *,
    count: int,
    csv_path: Path | None,
    **asked: Unpack[_Asked],
) -> None:
    """Show what was wrong in a run, by cause and record by record, with the mend."""
    cause = None
    if asked["code"]:
        cause = Cause(
            collection=asked["collection"], code=asked["code"], field=asked["field"]
        )
    with bench.database.read() as session:
        found = run_pages.load_run(session, run)
        causes = problem_pages.load_causes(session, run)
        aside = problem_pages.load_aside(session, found["source_id"])
    lines = islice(problems.csv_lines(bench.database, found, cause), count)
    told = [
        {
            name: value and str(value)
            for name, value in zip(problems.HEAD, one, strict=True)
        }
        for one in lines
    ]
    if csv_path is not None:
        every = problems.csv_lines(bench.database, found, cause)
        write_csv(csv_path, problems.HEAD, every)
    bench.say(
        {"run": run, "causes": causes, "problems": told, "aside": aside},
        table(
            f"run {run}: what was wrong",
            ("records", *_CAUSE[1:]),
            [[one[name] for name in _CAUSE] for one in causes],
        ),
    )
    if told and not bench.as_json:
        columns = ("place", "sourcedId", "field", "value", "what", "fix")
        _say_rows(bench, "record by record", columns, told)


command(runs, "errors")(_runs_errors)
