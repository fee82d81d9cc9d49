"""`certify`: 1EdTech's named cases against the installation that is running."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Final

import click
from rich.table import Table

from lti_tool.cli.root import PROBLEM, Bench, command, now, stdout, table
from lti_tool.lti13.certification import DEEP_LINKING_TESTS, KNOWN_BAD, VALID, Trial
from lti_tool.work import certification
from lti_tool.work.certification import Evidence, Stage
from lti_tool.work.certification_links import play_links

CASES: Final = len(KNOWN_BAD) + len(VALID) + len(DEEP_LINKING_TESTS)


@click.option(
    "--url", help="Where to reach the installation; default: its public address."
)
@click.option(
    "--log",
    "log_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the evidence log to this file, too.",
)
def _certify(bench: Bench, url: str | None, log_file: Path | None) -> int:
    """Play 1EdTech's certification cases against this installation.

    The installation must be running. A trial platform launches it and is gone, with
    all it brought, when this ends. Prints the log the certification form asks for.
    """
    site_url = (url or bench.settings.public_url).rstrip("/")
    began_at = now()
    key = certification.make_key()
    with (
        _ended_by_term(),
        certification.on_trial(
            bench.database, public_url=bench.settings.public_url, key=key, clock=now
        ) as (registration_id, trial),
    ):
        stage = Stage(trial, key, site_url, bench.settings.local_hosts, now)
        certification.check_installation(stage)
        found = certification.with_reasons(
            bench.database, registration_id, _played(bench, stage)
        )
    document = _document(site_url, trial, began_at, found)
    log = _log(document)
    if log_file is not None:
        log_file.write_text(log, encoding="utf-8")
    if not bench.as_json:
        stdout.print(_table(found))
    bench.say(document, log)
    return 0 if document["ok"] else PROBLEM


certify = command(None, "certify")(_certify)


def _played(bench: Bench, stage: Stage) -> list[Evidence]:
    found = []
    with bench.progress() as move:
        for played in (certification.play(stage), play_links(stage)):
            for one in played:
                found.append(one)
                move(f"case {len(found)} of {CASES}", len(found))
    return found


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """Let a request to end take its trial along, as Ctrl+C does."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, held)


def _document(
    site_url: str, trial: Trial, began_at: datetime, found: Sequence[Evidence]
) -> dict[str, Any]:
    passed = sum(one.passed for one in found)
    return {
        "ok": passed == len(found) == CASES,
        "tool": f"MasteryBridge {version('masterybridge')}",
        "installation": site_url,
        "began_at": began_at,
        "ended_at": now(),
        "platform": trial.issuer,
        "client_id": trial.client_id,
        "deployment_id": trial.deployment_id,
        "passed": passed,
        "failed": len(found) - passed,
        "cases": [asdict(one) for one in found],
    }


def _table(found: Sequence[Evidence]) -> Table:
    columns = ("", "section", "case", "expected", "answer")
    return table(
        "certification",
        columns,
        [
            (
                "✓" if one.passed else "✗",
                one.section,
                one.name,
                one.expected,
                _said(one),
            )
            for one in found
        ],
    )


def _said(one: Evidence) -> str:
    return " ".join(str(word) for word in (one.status, one.code) if word)


def _log(document: dict[str, Any]) -> str:
    """The evidence as text, a paragraph a case, to be pasted into the form."""
    head = [
        f"{document['tool']}: LTI Advantage certification log",
        f"installation  {document['installation']}",
        f"platform      {document['platform']}, played by this command",
        f"client_id     {document['client_id']}",
        f"deployment    {document['deployment_id']}",
        f"began         {document['began_at']:%Y-%m-%dT%H:%M:%SZ}",
        f"ended         {document['ended_at']:%Y-%m-%dT%H:%M:%SZ}",
        f"cases         {document['passed']} passed, {document['failed']} failed",
    ]
    return "\n".join([*head, *map(_paragraph, document["cases"])]) + "\n"


def _paragraph(one: dict[str, Any]) -> str:
    sent = {name: json.dumps(part) for name, part in one["sent"].items()}
    answer = [str(one["status"]), one["code"] or "", one["seen"]]
    lines = [
        f"\n[{one['section']}] {one['name']}",
        f"  time      {one['at']:%Y-%m-%dT%H:%M:%S.%fZ}",
        *(f"  {name:9} {text}" for name, text in sent.items()),
        f"  expected  {one['expected']}",
        f"  answer    {' '.join(filter(None, answer))}",
    ]
    if one["correlation_id"]:
        reason = one["log"] or "see the installation's log"
        lines.append(f"  log       correlation_id {one['correlation_id']}, {reason}")
    return "\n".join([*lines, f"  result    {'PASS' if one['passed'] else 'FAIL'}"])
