"""Syncs of CSV bundles of a whole district, against the bare load of the same rows.

S1 and S2: the first sync. S3: the same rows again, in files of other bytes. S4: the
same files again. S5: a delta of half a percent. S6: the same rows one by one. S7: the
memory of a first sync, in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import yardsticks
from benchmarks.bench import Bench, Finding, check
from benchmarks.generate import write_bundle
from benchmarks.held import compare, count_of

LOADED = ("users", "classes", "enrollments", "lineItems", "results")


def measure(bench: Bench) -> list[Finding]:
    """Time syncs into new databases, one district a turn."""
    clock = "wall" if bench.is_postgres else "cpu"
    turns = [_turn(bench, clock) for _ in range(bench.repeat + bench.warms_up)]
    told = turns[bench.warms_up :]
    pairs = {name: tuple(turn[name] for turn in told) for name in told[0]}
    bare = "COPY" if bench.is_postgres else "executemany"
    first = "<= 4 (S1)" if bench.is_postgres else "<= 2 (S2)"
    memory = "<= 256 (S7)" if bench.is_postgres else "<= 512 (S7)"
    return [
        Finding(f"first sync / {bare} of the same rows", clock, pairs["first"], first),
        Finding("same rows again / first sync", clock, pairs["again"], "<= 0.75 (S3)"),
        Finding("same files again / first sync", clock, pairs["same"], "<= 0.1 (S4)"),
        Finding("delta of 0.5 % / first sync", clock, pairs["delta"], "<= 0.03 (S5)"),
        Finding("first sync / row by row", clock, pairs["by_row"], "<= 0.1 (S6)"),
        Finding("first sync, rows a second", "wall", pairs["rate"]),
        Finding("first sync, peak MB", "memory", (_memory(bench),), memory),
    ]


def _turn(bench: Bench, clock: str) -> dict[str, tuple[float, float]]:
    first, again, delta = (_bundle(bench, name) for name in ("first", "again", "delta"))
    with bench.database() as database:
        source_id = bench.add_source(database, first)

        def sync(path: Path, *, is_nothing: bool) -> tuple[float, float]:
            reports = []
            seconds = bench.both(
                lambda: reports.append(bench.sync(database, source_id, path))
            )
            check(reports[0].is_nothing is is_nothing, f"{path.name} moved wrongly")
            return seconds

        taken = sync(first, is_nothing=False)
        compare(database, source_id, bench.district("first"))
        repeated = sync(again, is_nothing=True)
        skipped = sync(again, is_nothing=True)
        moved = sync(delta, is_nothing=False)
        compare(database, source_id, bench.district("changed"))
        rows = sum(count_of(database, name) for name in LOADED)
        with bench.driver(database) as connection:
            bare = bench.both(
                lambda: yardsticks.load_raw(
                    connection, first, is_postgres=bench.is_postgres
                )
            )
            by_row = bench.both(lambda: yardsticks.one_by_one(connection, first, 0.01))
    at = 0 if clock == "cpu" else 1
    return {
        "first": (taken[at], bare[at]),
        "again": (repeated[at], taken[at]),
        "same": (skipped[at], taken[at]),
        "delta": (moved[at], taken[at]),
        "by_row": (taken[at], by_row[at] * 100),
        "rate": (rows, taken[1]),
    }


def _bundle(bench: Bench, name: str) -> Path:
    """Write a bundle once: first, the same with other bytes, or what changed."""
    path = bench.folder / f"{name}.zip"
    if not path.exists():
        district = bench.district("delta" if name == "delta" else "first")
        ending = "\r\n" if name == "first" else "\n"
        write_bundle(district, path, ending=ending)
    return path


def _memory(bench: Bench) -> tuple[float, float]:
    """Return the peak memory of a first sync in megabytes, beside one."""
    path = _bundle(bench, "first")
    with bench.database() as database:
        bench.add_source(database, path)
        done = subprocess.run(  # noqa: S603 -- our own module
            [sys.executable, "-m", "benchmarks.child", bench.url, str(path)],
            capture_output=True,
            check=True,
        )
    return float(json.loads(done.stdout)["megabytes"]), 1.0
