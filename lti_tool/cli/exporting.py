"""`export`: what is kept about a person or a course, and everybody's levels."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import click

from lti_tool.cli.root import Bench, command, now, stderr
from lti_tool.errors import ConfigError
from lti_tool.storage import exports, frameworks, naming, people, sources
from lti_tool.storage.database import Session
from lti_tool.storage.exports import Wish
from lti_tool.work import folders, published_bundle
from lti_tool.work.tables import csv_text

WHO: Final = "cli"


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


@click.argument("student", metavar="STUDENT")
@click.option("--output", metavar="FILE.zip|-", help="Default: person-ID.zip, here.")
def _person(bench: Bench, student: str, output: str | None) -> None:
    """Write all that is kept about one person into a zip of readable files.

    README.txt in it says what each file holds and what is left out. Only its owner
    may read the file.
    """
    with bench.database.read() as session:
        person_id = people.find_person(session, student)

    def write(file: IO[bytes]) -> dict[str, int]:
        return folders.write_person(bench.database, person_id, file, who=WHO, now=now())

    _save(bench, output or f"person-{person_id}.zip", write)


command(export, "person")(_person)


@click.argument("name", metavar="COURSE")
@click.option("--output", metavar="FILE.zip|-", help="Default: course-ID.zip, here.")
def _course(bench: Bench, name: str, output: str | None) -> None:
    """Write what is kept about one course into a zip of readable files."""
    with bench.database.read() as session:
        course_id = naming.find_course(session, name)

    def write(file: IO[bytes]) -> dict[str, int]:
        return folders.write_course(bench.database, course_id, file, now=now())

    _save(bench, output or f"course-{course_id}.zip", write)


command(export, "course")(_course)


def _save(
    bench: Bench, path: str, write: Callable[[IO[bytes]], dict[str, int]]
) -> None:
    """Write a zip to stdout, or to a file that its owner alone may read."""
    if path == "-":
        if bench.as_json:
            raise click.UsageError("--json and --output - would both be on stdout")
        held = io.BytesIO()
        write(held)
        click.echo(held.getvalue(), nl=False)
        return
    place = Path(path)
    try:
        place.touch(mode=0o600)
        with place.open("wb") as file:
            counts = write(file)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    total = sum(counts.values())
    bench.say(
        {"written": path, "rows": counts}, f"{path} written: {total} rows, README.txt"
    )
