"""`source` and `runs`: where rosters and scores come from, and how pulls went."""

from __future__ import annotations

from pathlib import Path
from typing import Any
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
from lti_tool.storage import secrets, sources
from lti_tool.work import probe, roster
from lti_tool.work.roster import SyncOptions, SyncReport

AUTHS = ("basic", "form", "oauth1-sha1", "oauth1-sha256", "bearer")


@click.group()
def source() -> None:
    """Student information systems: add, test, sync."""


@click.group()
def runs() -> None:
    """How syncs went."""


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
def _add(bench: Bench, name: str, **options: Any) -> None:  # noqa: ANN401 -- click's own
    """Add a source: a OneRoster service or a bundle of CSV files."""
    if bool(options["rest"]) == bool(options["csv_path"]):
        raise click.UsageError("say where it is: --rest URL or --csv PATH")
    values = _rest(bench, options) if options["rest"] else _csv(options)
    with bench.database.write() as session:
        source_id = sources.add_source(session, {"name": name, **values}, now())
    bench.say(
        {"id": source_id, "name": name, "kind": values["kind"]},
        f'source "{name}" added; try it: masterybridge source sync {name} --dry-run',
    )


def _csv(options: dict[str, Any]) -> dict[str, Any]:
    path: Path = options["csv_path"]
    if not path.exists():
        raise ConfigError(f"{path} is not there; name a folder or a zip")
    return {"kind": "csv", "location": str(path.resolve())}


def _rest(bench: Bench, options: dict[str, Any]) -> dict[str, Any]:
    location = options["rest"]
    if "://" not in location:
        location = f"https://{location}"
    check_url(location, local_hosts=bench.settings.local_hosts)
    secret_file: Path | None = options["client_secret_file"]
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
    }


command(source, "add")(_add)


@click.argument("name")
def _test(bench: Bench, name: str) -> int:
    """Read one page of each collection and say what was seen."""
    with bench.database.read() as session:
        found = sources.load_source(session, name)
    checks = probe.try_source(bench.outside.feed(found, is_trial=True))
    bench.say(
        {"source": name, "checks": checks},
        table(
            f"source {name}",
            ("collection", "records seen", "problem"),
            [(one["collection"], one["records"], one["problem"]) for one in checks],
        ),
    )
    if any(one["code"] in SILENT for one in checks):
        return NO_ANSWER
    return PROBLEM if any(one["problem"] for one in checks) else 0


command(source, "test")(_test)


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
        sources.remove_source(session, name)
    bench.say({"removed": name}, f'source "{name}" removed')


command(source, "remove")(_remove)


@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@click.option(
    "--accept", metavar="PLAN_HASH", help="Apply the held plan you have read."
)
@click.option("--accept-ends", is_flag=True, help="Apply ends whatever their number.")
def _sync(
    bench: Bench, name: str, *, dry_run: bool, accept: str | None, accept_ends: bool
) -> int:
    """Pull rosters and scores; the same pull again changes nothing."""
    with bench.database.read() as session:
        found = sources.load_source(session, name)
    with bench.progress() as move:
        options = SyncOptions(
            is_dry_run=dry_run,
            accept=accept,
            accept_ends=accept_ends,
            on_progress=move,
        )
        try:
            report = roster.sync(
                bench.database,
                found.id,
                lambda: bench.outside.feed(found),
                now,
                options,
            )
        except SyncError as error:
            return _say_failed(bench, name, error)
    _say_report(bench, name, report)
    return ON_HOLD if report.status == "held" else 0


command(source, "sync")(_sync)


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
def _runs_show(bench: Bench, run: int) -> None:
    """Show one run with its problems."""
    with bench.database.read() as session:
        found = sources.load_run(session, run)
    columns = ("place", "field", "code", "text")
    bench.say(
        found,
        table(
            f"run {run}: {found['status']} {found['text'] or ''}",
            columns,
            [[one[name] for name in columns] for one in found["rows"]],
        ),
    )


command(runs, "show")(_runs_show)


@click.argument("run", type=int)
def _runs_retry(bench: Bench, run: int) -> int:
    """Pull the source of a run once more."""
    with bench.database.read() as session:
        name = sources.load_run(session, run)["source"]
    return _sync(bench, name, dry_run=False, accept=None, accept_ends=False)


command(runs, "retry")(_runs_retry)
masterybridge.add_command(source)
