"""Run the benchmark cases: `python -m benchmarks.run --case NAME --size S`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from benchmarks.bench import Bench, Finding, SkippedError, WrongResultError

CASES: Final = (
    "sync_csv",
    "sync_rest",
    "mastery",
    "false_mastery",
    "pathways",
    "heatmap",
    "launch",
    "launch_http",
    "writeback",
    "suggest",
)


def main(arguments: Sequence[str]) -> int:
    """Run the cases named, print their ratios; 1 if a result was wrong."""
    options = _options(arguments)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    cases = {}
    for name in options.case or CASES:
        cases[name] = _run(name, options)
    document = {"about": _about(options), "cases": cases}
    if options.json:
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    return int(any("wrong" in told for told in cases.values()))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run")
    parser.add_argument("--case", action="append", choices=CASES, help="default: all")
    parser.add_argument("--size", choices=("S", "M", "L"), default="S")
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--repeat", type=int, default=5, help="pairs; default 5")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it")
    return parser.parse_args(arguments)


def _run(name: str, options: argparse.Namespace) -> dict[str, Any]:
    case = importlib.import_module(f"benchmarks.cases.{name}")
    print(f"{name} ({options.size}, {options.db})")
    with tempfile.TemporaryDirectory(prefix="masterybridge-bench-") as folder:
        bench = Bench(options.size, options.db, options.repeat, Path(folder))
        try:
            findings: list[Finding] = case.measure(bench)
        except SkippedError as error:
            print(f"  skipped: {error}")
            return {"skipped": str(error)}
        except WrongResultError as error:
            print(f"  WRONG: {error}")
            return {"wrong": str(error)}
    told = [one.told() for one in findings]
    for one in told:
        spread = f"{one['min']:.3g} / {one['median']:.3g} / {one['max']:.3g}"
        noisy = "  noisy" if one["is_noisy"] else ""
        wanted = f"  wanted at full size {one['wanted']}" if one["wanted"] else ""
        print(f"  {one['name']} [{one['clock']}]: {spread}{wanted}{noisy}")
    return {"findings": told}


def _about(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "size": options.size,
        "db": options.db,
        "repeat": options.repeat,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
