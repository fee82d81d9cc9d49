"""`source test`: what a source answers and honours, for us and for its vendor.

The JSON document: ``source``, ``kind``, ``ok`` (no check failed), ``checks`` (each
``name``, ``state`` ok, warn or fail, ``text``, ``fix``, ``code``, ``records``,
``asked``, ``status``, ``answer``), ``profile`` (what the next sync will rely on; null
for files, and where the look did not come to its end) and ``vendor_text``.
"""

from __future__ import annotations

from typing import Final

import click

from lti_tool.cli.root import NO_ANSWER, PROBLEM, SILENT, Bench, command, now
from lti_tool.storage import source_pages, sources
from lti_tool.work import probe
from oneroster.probe_findings import vendor_text


@click.argument("name")
def _test(bench: Bench, name: str) -> int:
    """Ask a source what it can, at most 60 times, and print it for its vendor.

    Nothing is synced. Secrets, and whatever is somebody's, are masked.
    """
    with bench.database.read() as session:
        found = sources.load_source(session, name)
    checks = list(probe.look_over(bench.database, bench.outside, found, now))
    with bench.database.read() as session:
        profile = source_pages.load_source(session, found.id)["profile"]
    failed = [one for one in checks if one.state == "fail"]
    text = vendor_text(f'OneRoster source "{name}" ({found.location})', checks)
    bench.say(
        {
            "source": name,
            "kind": found.kind,
            "ok": not failed,
            "checks": [one.document() for one in checks],
            "profile": profile,
            "vendor_text": text,
        },
        text,
    )
    if any(one.code in SILENT for one in failed):
        return NO_ANSWER
    return PROBLEM if failed else 0


COMMANDS: Final = (command(None, "test")(_test),)
