"""A first sync in a process of its own: says what it took, as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import structlog

from benchmarks.bench import now
from lti_tool.storage import sources
from lti_tool.storage.database import Database
from lti_tool.work import roster
from lti_tool.work.feeds import BundleFeed
from lti_tool.work.roster import SyncOptions


def main(url: str, path: str) -> None:
    """Pull a bundle into the database of url, whose source it is."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    database = Database(url)
    with database.read() as session:
        source = sources.load_source(session, "bench")
    started = time.perf_counter()
    report = roster.sync(
        database,
        source.id,
        lambda: BundleFeed(Path(path)),
        now,
        SyncOptions(accept_ends=True),
    )
    # getrusage would count the process this one was forked from.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    seconds = time.perf_counter() - started
    said = {"megabytes": peak, "seconds": seconds, "status": report.status}
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
