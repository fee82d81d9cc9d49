"""`source preview` and `source edit`: what the wizard's pages do, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import click

from lti_tool.cli.root import NO_ANSWER, PROBLEM, SILENT, Bench, command, now, table
from lti_tool.cli.roster import AUTHS
from lti_tool.errors import BusyError, ConfigError
from lti_tool.storage import secrets, source_pages, sources
from lti_tool.work import source_care, source_fields, source_looks
from lti_tool.work.platform_fields import Fault
from lti_tool.work.platforms import Author

WHO: Final = "cli"


class _Said(TypedDict):
    """What is to be otherwise; None where nothing was said."""

    rest: str | None
    version: str | None
    token_url: str | None
    client_id: str | None
    client_secret_file: Path | None
    auth: str | None
    csv_path: Path | None


@click.argument("name")
def _preview(bench: Bench, name: str) -> int:
    """Read a part of each collection and say what would become of it.

    What belongs to a person is masked. Nothing is synced.
    """
    with bench.database.write() as session:
        found = sources.load_source(session, name)
        if not source_pages.ask_look(session, found.id, "preview", now()):
            raise BusyError("a preview of this source is going on; try again soon")
    source_looks.look(bench.database, bench.outside, found.id, "preview", now)
    with bench.database.read() as session:
        look = source_pages.find_look(session, found.id, "preview")
    document: dict[str, Any] = look["document"] if look else {}
    lines = [
        (
            collection,
            one["theirs"],
            one["ours"],
            ", ".join(value or "-" for value in one["rows"][:3]),
            one["empty"],
        )
        for collection, read in document["collections"].items()
        for one in read["fields"]
    ]
    columns = ("collection", "in the SIS", "here", "first records", "empty")
    shown = table(f"source {name}", columns, lines)
    shown.caption = "\n".join(_beside(document))
    bench.say({"source": name, **document}, shown)
    failed = document["failed"].values()
    if any(one["code"] in SILENT for one in failed):
        return NO_ANSWER
    return PROBLEM if failed else 0


def _beside(document: Mapping[str, Any]) -> Iterator[str]:
    """What the preview found beside the fields: words nobody knows, people found."""
    for name, read in document["collections"].items():
        for one in read["unknown"]:
            yield (
                f'{name}: {one["field"]} "{one["value"]}" is nobody\'s word, '
                f"{one['count']} records: {one['becomes']}"
            )
    for one in document.get("people", ()):
        by = ", ".join(f"{way} {count}" for way, count in one["by"].items())
        yield (
            f"{one['platform']}: {one['people']} accounts, matched by {by}; "
            f"{one['unmatched']} unmatched, {one['ambiguous']} ambiguous, "
            f"{one['silent']} without a SIS id"
        )


@click.argument("name")
@click.option("--rest", help="Another address of the service.")
@click.option("--version", type=click.Choice(["1.1", "1.2"]))
@click.option("--token-url")
@click.option("--client-id")
@click.option("--client-secret-file", type=click.Path(path_type=Path))
@click.option("--auth", type=click.Choice(AUTHS))
@click.option(
    "--csv",
    "csv_path",
    type=click.Path(exists=True, path_type=Path),
    help="Another folder or zip of a source that reads files.",
)
def _edit(bench: Bench, name: str, **options: Unpack[_Said]) -> None:
    """Change the address or the credentials of a service, or where files are."""
    with bench.database.read() as session:
        held = source_pages.load_source(session, sources.load_source(session, name).id)
    if held["kind"] != "rest":
        _edit_files(bench, held, options)
        return
    if options["csv_path"] is not None:
        raise ConfigError(f'source "{name}" asks a service; files are another source')
    file = options["client_secret_file"]
    secret = file.read_text().strip() if file else ""
    said = {
        "location": options["rest"],
        "version": options["version"],
        "token_url": options["token_url"],
        "client_id": options["client_id"],
        "auth": options["auth"],
    }
    given = {option: one for option, one in said.items() if one}
    names = source_fields.FIELDS
    fields = {**{one: held[one] or "" for one in names}, **given}
    fields = source_fields.completed({**fields, "client_secret": secret})
    faults = source_fields.rest_faults(
        fields,
        local_hosts=bench.settings.local_hosts,
        has_secret=held["has_secret"],
    )
    if faults:
        told = (f"{field}: {_words(one)}" for field, one in faults.items())
        raise ConfigError("; ".join(told))
    values = source_fields.rest_values(fields)
    if secret:
        values["client_secret"] = secrets.encrypt(secret, bench.key())
    _keep(bench, held, values)


def _edit_files(bench: Bench, held: Mapping[str, Any], options: _Said) -> None:
    """Point a source of files to another folder or zip."""
    path = options["csv_path"]
    if path is None or any(one for one in options.values() if one is not path):
        raise ConfigError(f'source "{held["name"]}" reads files: give --csv PATH alone')
    _keep(bench, held, {"location": str(path.resolve())})


def _keep(bench: Bench, held: Mapping[str, Any], values: dict[str, Any]) -> None:
    name = held["name"]
    with bench.database.write() as session:
        changed = source_care.edit(session, held["id"], values, by=Author(WHO, now()))
    bench.say(
        {"source": name, "changed": sorted(changed)},
        f"changed: {', '.join(sorted(changed))}" if changed else "nothing was changed",
    )


def _words(fault: Fault) -> str:
    return source_fields.FAULTS[fault.code] % fault.values


COMMANDS: Final = (
    command(None, "preview")(_preview),
    command(None, "edit")(_edit),
)
