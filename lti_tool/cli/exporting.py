"""`export`: what is kept about a person or a course, and everybody's levels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from lti_tool.cli.root import Bench, command, stderr
from lti_tool.errors import ConfigError
from lti_tool.storage import exports, frameworks, sources
from lti_tool.storage.database import Session
from lti_tool.storage.exports import Wish
from lti_tool.work import published_bundle
from lti_tool.work.tables import csv_text


@click.group()
def export() -> None:
    """Files to take elsewhere: one person, one course, everybody's levels."""


@click.option("--framework", "framework_name", help="Only of this framework.")
@click.option("--over-all", is_flag=True, help="Each one's record over all courses.")
@click.option("--csv", "csv_path", metavar="PATH|-", help="A table; - for stdout.")
@click.option(
    "--oneroster",
    "bundle_path",
    type=click.Path(path_type=Path),
    metavar="PATH.zip",
    help="A OneRoster 1.2 CSV bundle of line items and results.",
)
@click.option("--source", "source_name", help="The bundle speaks of this source alone.")
def _records(
    bench: Bench,
    csv_path: str | None,
    bundle_path: Path | None,
    *,
    over_all: bool,
    framework_name: str | None,
    source_name: str | None,
) -> None:
    """Write the levels of everybody: as a table, as a OneRoster bundle, or both.

    The table holds names. Over all courses it holds each student's one record; else
    her levels course by course. The bundle holds the levels of those who sit in a
    class of a SIS now.
    """
    _check_records(bench, csv_path, bundle_path, framework_name, over_all=over_all)
    document: dict[str, Any] = {}
    if csv_path is not None:
        with bench.database.read() as session:
            wish = Wish(framework_id=_framework(session, framework_name))
        read = exports.iter_records if over_all else exports.iter_levels
        head = exports.RECORDS if over_all else exports.LEVELS
        count = write_table(bench, csv_path, head, read(bench.database, wish))
        document |= {"csv": csv_path, "levels": count}
    if bundle_path is not None:
        source_id = _source(bench, source_name)
        made = published_bundle.write(bench.database, bundle_path, source_id)
        document |= {
            "oneroster": str(bundle_path),
            "line_items": made.line_items,
            "results": made.results,
        }
    if csv_path != "-":
        bench.say(document, ", ".join(f"{key} {one}" for key, one in document.items()))


command(export, "records")(_records)


def _check_records(
    bench: Bench,
    csv_path: str | None,
    bundle_path: Path | None,
    framework_name: str | None,
    *,
    over_all: bool,
) -> None:
    if csv_path is None and bundle_path is None:
        raise click.UsageError("say what to write: --csv PATH, --oneroster PATH.zip")
    if bench.as_json and csv_path == "-":
        raise click.UsageError("--json and --csv - would both be written to stdout")
    if bundle_path is not None and (over_all or framework_name):
        raise click.UsageError("--framework and --over-all go with --csv alone")


def _framework(session: Session, name: str | None) -> int | None:
    return None if name is None else frameworks.find_framework(session, name)


def _source(bench: Bench, name: str | None) -> int | None:
    """The source a bundle speaks of: the one named, or the only one there is."""
    with bench.database.read() as session:
        if name is not None:
            return sources.load_source(session, name).id
        known = sources.load_sources(session)
    return int(known[0]["id"]) if len(known) == 1 else None


def write_table(
    bench: Bench, path: str, head: Sequence[str], found: Iterable[dict[str, Any]]
) -> int:
    """Write a table while it is read, to stdout without a mark; returns its lines.

    Raises:
        ConfigError: it cannot be written there.
    """
    count = 0

    def lines() -> Iterator[list[object]]:
        nonlocal count
        with bench.progress() as move:
            for one in found:
                count += 1
                yield [one[name] for name in head]
                if count % exports.CHUNK == 0:
                    move("levels", count)

    if path == "-":
        for piece in csv_text(head, lines(), mark=False):
            click.echo(piece, nl=False)
        stderr.print(f"{count} lines")
        return count
    try:
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            file.writelines(csv_text(head, lines()))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    return count
