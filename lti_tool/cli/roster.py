"""`source`: where rosters and scores come from, and how they are pulled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack
from urllib.parse import urlsplit

import click

from lti_tool.cli.root import (
    NO_ANSWER,
    ON_HOLD,
    PROBLEM,
    SILENT,
    Bench,
    command,
    masterybridge,
    now,
    table,
)
from lti_tool.errors import ConfigError, SyncError
from lti_tool.platforms.http import check_url
from lti_tool.storage import run_pages, secrets, sources
from lti_tool.work import orders, roster, source_care
from lti_tool.work.feeds import Feed
from lti_tool.work.platforms import Author
from lti_tool.work.roster import SyncOptions, SyncReport
from lti_tool.work.watching import Step

AUTHS = ("basic", "form", "oauth1-sha1", "oauth1-sha256", "bearer")


class _Place(TypedDict):
    """Where a source is, and how we are let in."""

    rest: str | None
    csv_path: Path | None
    version: str
    token_url: str | None
    client_id: str | None
    client_secret_file: Path | None
    auth: str
    ca_file: Path | None


class _Said(TypedDict):
    """What is said of one sync."""

    dry_run: bool
    full: bool
    accept: str | None
    accept_ends: bool
    all_but_ends: bool
    reason: str | None


@click.group()
def source() -> None:
    """Student information systems: add, test, sync."""


@click.argument("name")
@click.option("--rest", help="Host, prefix or full root of a OneRoster service.")
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path), help="Folder or zip."
)
@click.option("--version", type=click.Choice(["1.1", "1.2"]), default="1.2")
@click.option("--token-url")
@click.option("--client-id")
@click.option("--client-secret-file", type=click.Path(path_type=Path))
@click.option("--auth", type=click.Choice(AUTHS), default="basic")
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The certificates to trust for this host in place of the public ones.",
)
def _add(bench: Bench, name: str, **options: Unpack[_Place]) -> None:
    """Add a source: a OneRoster service or a bundle of CSV files."""
    location, path = options["rest"], options["csv_path"]
    if location and not path:
        values = _rest(bench, location, options)
    elif path and not location:
        values = _csv(path)
    else:
        raise click.UsageError("say where it is: --rest URL or --csv PATH")
    with bench.database.write() as session:
        source_id = source_care.add(
            session, {"name": name, **values}, by=Author("cli", now())
        )
    bench.say(
        {"id": source_id, "name": name, "kind": values["kind"]},
        f'source "{name}" added; try it: masterybridge source sync {name} --dry-run',
    )


def _csv(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise ConfigError(f"{path} is not there; name a folder or a zip")
    return {"kind": "csv", "location": str(path.resolve())}


def _rest(bench: Bench, location: str, options: _Place) -> dict[str, Any]:
    if "://" not in location:
        location = f"https://{location}"
    check_url(location, local_hosts=bench.settings.local_hosts)
    secret_file = options["client_secret_file"]
    if secret_file is None:
        raise click.UsageError("--client-secret-file is needed for a REST source")
    if options["client_id"] is None and options["auth"] != "bearer":
        raise click.UsageError("--client-id is needed for a REST source")
    try:
        secret = secret_file.read_text().strip()
    except OSError as error:
        raise ConfigError(
            f"{secret_file} cannot be read ({error.strerror}); give a file that holds "
            "the client secret"
        ) from error
    parts = urlsplit(location)
    token_url = options["token_url"] or f"{parts.scheme}://{parts.netloc}/oauth2/token"
    check_url(token_url, local_hosts=bench.settings.local_hosts)
    return {
        "kind": "rest",
        "location": location,
        "version": options["version"],
        "token_url": token_url,
        "auth": options["auth"],
        "client_id": options["client_id"],
        "client_secret": secrets.encrypt(secret, bench.key()),
        "ca_file": _resolved(options["ca_file"]),
    }


def _resolved(path: Path | None) -> str | None:
    return None if path is None else str(path.resolve())


command(source, "add")(_add)


def _list(bench: Bench) -> None:
    """List the sources."""
    with bench.database.read() as session:
        found = sources.load_sources(session)
    columns = ("name", "kind", "location", "version", "synced_at")
    bench.say(
        found,
        table("sources", columns, [[one[name] for name in columns] for one in found]),
    )


command(source, "list")(_list)


@click.argument("name")
def _remove(bench: Bench, name: str) -> None:
    """Remove a source that has brought nothing yet."""
    with bench.database.write() as session:
        found = sources.load_source(session, name)
        by = Author("cli", now())
        source_care.remove(session, bench.settings, found.id, by=by)
    bench.say({"removed": name}, f'source "{name}" removed')


command(source, "remove")(_remove)


@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@click.option("--full", is_flag=True, help="Read everything, not only what changed.")
@click.option(
    "--accept", metavar="PLAN_HASH", help="Apply the held plan you have read."
)
@click.option("--accept-ends", is_flag=True, help="Apply ends whatever their number.")
@click.option(
    "--all-but-ends",
    is_flag=True,
    help="Of the plan named by --accept apply adds and changes, and no ends.",
)
@click.option("--reason", help="Why the plan is accepted; kept with its run.")
def _sync(bench: Bench, name: str, **options: Unpack[_Said]) -> int:
    """Pull rosters and scores; the same pull again changes nothing."""
    if options["all_but_ends"] and not options["accept"]:
        raise click.UsageError("--all-but-ends needs --accept with the plan's hash")
    if options["all_but_ends"] and options["accept_ends"]:
        raise click.UsageError("--all-but-ends and --accept-ends exclude each other")
    said = SyncOptions(
        is_dry_run=options["dry_run"],
        is_full=options["full"],
        accept=options["accept"],
        accept_ends=options["accept_ends"],
        is_without_ends=options["all_but_ends"],
    )
    if said.accept and not said.is_dry_run:
        said = replace(said, of_run_id=_decide(bench, name, said, options["reason"]))
    return pull(bench, name, said)


def _decide(
    bench: Bench, name: str, said: SyncOptions, reason: str | None
) -> int | None:
    """Keep the yes on the run that showed the plan; returns that run, if it waits."""
    with bench.database.write() as session:
        source_id = sources.load_source(session, name).id
        shown = run_pages.find_shown(session, source_id, str(said.accept))
        if shown is not None:
            orders.accept(
                session,
                shown,
                is_without_ends=said.is_without_ends,
                reason=reason,
                by=Author("cli", now()),
            )
    return shown


command(source, "sync")(_sync)


def pull(bench: Bench, name: str, said: SyncOptions) -> int:
    """Pull a source and print how it went; returns the exit code."""
    with bench.database.read() as session:
        found = sources.load_source(session, name)
    return pull_from(bench, found, lambda: bench.outside.feed(found), said)


def pull_from(
    bench: Bench,
    found: sources.Source,
    open_feed: Callable[[], Feed],
    said: SyncOptions,
) -> int:
    """Pull from a feed of a source and print how it went; returns the exit code."""
    name = found.name
    with bench.progress() as move:
        try:
            report = roster.sync(
                bench.database,
                found.id,
                open_feed,
                now,
                replace(
                    said,
                    on_progress=move,
                    on_step=lambda step: move(
                        step.collection, step.count, of=step.expected, note=rate(step)
                    ),
                ),
            )
        except SyncError as error:
            return _say_failed(bench, name, error)
    _say_report(bench, name, report)
    return EXITS.get(report.status, 0)


# A run that was stopped changed nothing; one that is parked goes on by itself.
EXITS: Final = {"held": ON_HOLD, "stopped": PROBLEM, "parked": NO_ANSWER}
_MINUTE: Final = 60


def rate(step: Step) -> str:
    """How fast a collection is read, and how long it will take."""
    if not step.per_second:
        return ""
    text = f"{step.per_second:,.0f} a second"
    left = step.seconds_left
    if left is None:
        return text
    if left < _MINUTE:
        return f"{text}, {left:.0f} s left"
    return f"{text}, {left / _MINUTE:.0f} min left"


@click.argument("name")
def _pause(bench: Bench, name: str) -> None:
    """Let a source run no more by itself; it still runs when told to."""
    _switch(bench, name, "paused")


command(source, "pause")(_pause)


@click.argument("name")
def _resume(bench: Bench, name: str) -> None:
    """Let a source run by its schedule again."""
    _switch(bench, name, "active")


command(source, "resume")(_resume)


def _switch(bench: Bench, name: str, status: str) -> None:
    with bench.database.write() as session:
        found = sources.load_source(session, name)
        by = Author("cli", now())
        is_new = source_care.switch(session, found.id, status, by=by)
    already = "" if is_new else " already"
    bench.say(
        {"source": name, "status": status}, f'source "{name}" is {status}{already}'
    )


def _say_failed(bench: Bench, name: str, error: SyncError) -> int:
    status = "busy" if error.code == "busy" else "failed"
    document = {
        "source": name,
        "status": status,
        "code": error.code,
        "error": str(error),
        "plan": {},
        "problems": {error.code: 1},
    }
    bench.say(document, f"{status}: {error}\nNothing was changed.")
    return NO_ANSWER if error.code in SILENT else PROBLEM


def _say_report(bench: Bench, name: str, report: SyncReport) -> None:
    document = {
        "source": name,
        "run": report.run_id,
        "status": report.status,
        "kind": report.kind,
        "text": report.text,
        "plan": {
            kind: {
                "now": one.now,
                "adds": one.adds,
                "changes": one.changes,
                "ends": one.ends,
            }
            for kind, one in report.plan.items()
        },
        "plan_hash": report.plan_hash,
        "read": dict(report.counts),
        "problems": dict(report.problems),
        "courses_refreshed": report.courses_refreshed,
    }
    shown = table(
        f"{name}: {report.status} {report.text}",
        ("", "now", "add", "change", "end"),
        [
            (kind, one.now, one.adds, one.changes, one.ends)
            for kind, one in report.plan.items()
        ],
    )
    problems = ", ".join(f"{count} {code}" for code, count in report.problems.items())
    shown.caption = f"plan {report.plan_hash}" + (f" · {problems}" if problems else "")
    bench.say(document, shown)


masterybridge.add_command(source)
