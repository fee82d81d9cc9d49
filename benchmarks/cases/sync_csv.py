"""First sync and re-sync of a CSV bundle, against the bare load of the same rows."""

from __future__ import annotations

from sqlalchemy import func, select

from benchmarks import yardsticks
from benchmarks.bench import Bench, Finding, check
from lti_tool.storage import schema
from lti_tool.storage.database import Database

LOADED = {
    "users.csv": schema.sis_user,
    "classes.csv": schema.sis_class,
    "enrollments.csv": schema.enrollment,
    "lineItems.csv": schema.assignment,
    "results.csv": schema.score,
}


def measure(bench: Bench) -> list[Finding]:
    """Time first syncs into new databases, and the same bundle once more."""
    clock = "wall" if bench.is_postgres else "cpu"
    firsts, agains = [], []
    for turn in range(bench.repeat + 1):
        with bench.database() as database:
            first, again = _syncs(bench, database, clock)
            bare = _load(bench, database, clock)
        if turn:  # the first turn warms up
            firsts.append((first, bare))
            agains.append((again, first))
    wanted = "<= 4 (S1)" if bench.is_postgres else "<= 2 (S2)"
    name = "COPY" if bench.is_postgres else "executemany"
    return [
        Finding(f"first sync / {name} of the same rows", clock, tuple(firsts), wanted),
        Finding("re-sync / first sync", clock, tuple(agains), "<= 0.75 (S3)"),
    ]


def _syncs(bench: Bench, database: Database, clock: str) -> tuple[float, float]:
    source_id = bench.add_source(database)
    reports = []
    seconds = [
        bench.timed(clock, lambda: reports.append(bench.sync(database, source_id)))
        for _ in range(2)
    ]
    check(reports[1].is_nothing, "the same bundle again changed something")
    return seconds[0], seconds[1]


def _load(bench: Bench, database: Database, clock: str) -> float:
    rows: dict[str, int] = {}
    with bench.driver(database) as connection:
        seconds = bench.timed(
            clock,
            lambda: rows.update(
                yardsticks.load_raw(
                    connection, bench.bundle(), is_postgres=bench.is_postgres
                )
            ),
        )
    _compare(database, rows)
    return seconds


def _compare(database: Database, rows: dict[str, int]) -> None:
    with database.read() as session:
        for name, table in LOADED.items():
            held = session.scalar(select(func.count()).select_from(table))
            check(held == rows[name], f"{name} has {rows[name]} rows, {held} arrived")
