"""`framework`: what is taught, as published or as the school writes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack
from urllib.parse import urlsplit

import click
from requests.auth import AuthBase

from lti_tool.cli.curriculum import parse_scale_name
from lti_tool.cli.root import DONE, PROBLEM, Bench, command, now, table
from lti_tool.errors import ConfigError
from lti_tool.platforms.http import GuardedSession
from lti_tool.storage import framework_versions, frameworks
from lti_tool.storage.curriculum import parse_scale
from lti_tool.storage.database import Session
from lti_tool.work import recomputing
from lti_tool.work.case_services import Unread
from lti_tool.work.competencies import format_import
from lti_tool.work.framework_files import is_url, read_all
from lti_tool.work.framework_orders import offer_exemplars
from lti_tool.work.frameworks import WHO, Imported, import_documents
from mappings.case import format_case
from mappings.differences import CHANGED, Difference, differences
from mappings.framework_tables import format_table
from mappings.frameworks import Competency
from mappings.scales import FOUR, Scale
from oneroster.auth import BearerKey, ClientCredentials

_SHORT: Final = 72
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_NAMES: Final = ("title", "associationType")


class _Access(TypedDict):
    """What opens a protected service."""

    token_file: Path | None
    token_url: str | None
    client_id: str | None
    client_secret_file: Path | None
    scope: str


@click.group()
def framework() -> None:
    """Competency frameworks (CASE packages)."""


@click.argument("names", nargs=-1, required=True, metavar="PATH_OR_URL...")
@click.option(
    "--token-file", type=_FILE, help="File with the bearer token of the service."
)
@click.option("--token-url", help="OAuth 2 token endpoint of a protected service.")
@click.option("--client-id")
@click.option("--client-secret-file", type=_FILE, help="File with its secret.")
@click.option("--scope", default="", help="OAuth 2 scopes; default: none are named.")
def _import(bench: Bench, names: tuple[str, ...], **options: Unpack[_Access]) -> int:
    """Import frameworks; what was imported before is brought up to date.

    A PATH is a CASE package, a table (.csv) or a file of extra associations. A URL is
    a package, one record of a CASE service, or a whole service (its root, or its
    /ims/case/v1p1): then every framework it lists. Again is a no-op.
    """
    session = GuardedSession(bench.settings.local_hosts)
    session.auth = _authorization(names, options, session)
    done: list[Imported] = []
    unread: list[Unread] = []
    with bench.progress() as move:
        for group in read_all(names, session):
            if isinstance(group, Unread):
                unread.append(group)
            else:
                done += import_documents(bench.database, group, now())
            move("documents", len(done) + len(unread))
    offered = offer_exemplars(bench.database, done, who=WHO, now=now())
    moved = recomputing.carry_out(bench.database, now)
    bench.say(
        {
            "imported": [_import_document(one) for one in done],
            "unread": [{"framework": one.name, "text": one.text} for one in unread],
            "resources": offered,
            "records": moved,
        },
        "\n".join(
            [
                *(_import_text(one) for one in done),
                *(f"{one.name}: not read: {one.text}" for one in unread),
                *([f"{offered} exemplars offered as resources"] if offered else []),
                *([f"{moved} students' records follow"] if moved else []),
            ]
        ),
    )
    return PROBLEM if unread else DONE


command(framework, "import")(_import)


def _authorization(
    names: Sequence[str], options: _Access, session: GuardedSession
) -> AuthBase | None:
    """Return how we say who we are, if the service wants to know."""
    url, client_id = options["token_url"], options["client_id"]
    if not options["token_file"] and not url:
        return None
    hosts = {urlsplit(name).netloc for name in names if is_url(name)}
    if len(hosts) > 1:
        raise click.UsageError("a token goes to one service: import the others apart")
    if options["token_file"]:
        return BearerKey(_secret(options["token_file"]))
    if not url or not client_id or not options["client_secret_file"]:
        raise click.UsageError(
            "--token-url goes with --client-id and --client-secret-file"
        )
    secret = _secret(options["client_secret_file"])
    trusted = GuardedSession(session.local_hosts)
    return ClientCredentials(
        url, client_id, secret, scope=options["scope"], style="either", session=trusted
    )


def _secret(path: Path) -> str:
    secret = path.read_text(encoding="utf-8").strip()
    if not secret:
        raise ConfigError(f"{path} is empty; put the secret into it")
    return secret


def _import_document(one: Imported) -> dict[str, Any]:
    brought = one.framework
    return {
        "file": one.name,
        "framework": brought.title if brought else None,
        "version": brought.number if brought else None,
        "competencies": brought.competencies if brought else None,
        "associations": one.associations,
        "changed": not one.is_nothing,
        "problems": [
            {"code": problem.code, "record": problem.record, "text": problem.text}
            for problem in one.problems
        ],
    }


def _import_text(one: Imported) -> str:
    edges = one.associations
    told = (
        f"{edges.added} associations added, {edges.changed} changed, "
        f"{edges.retired} retired, {edges.returned} back, {edges.same} as they were"
    )
    parts = [told]
    if one.framework:
        items = one.framework.competencies
        parts.insert(
            0,
            f"{one.framework.title}: {items.added} competencies added, "
            f"{items.changed} changed, {items.retired} retired, "
            f"{items.returned} back, {items.same} as they were",
        )
    if one.problems:
        parts.append(f"{len(one.problems)} problems, e.g. {one.problems[0].text}")
    return f"{Path(one.name).name}: " + "; ".join(parts)


def _list(bench: Bench) -> None:
    """List the frameworks."""
    with bench.database.read() as session:
        found = frameworks.load_list(session)
    columns = ("id", "title", "version", "competencies", "associations", "case_id")
    bench.say(
        found,
        table(
            "frameworks", columns, [[one[name] for name in columns] for one in found]
        ),
    )


command(framework, "list")(_list)


@click.argument("name", metavar="FRAMEWORK")
def _show(bench: Bench, name: str) -> None:
    """Show the competencies of a framework in reading order, and its versions."""
    with bench.database.read() as session:
        framework_id = frameworks.find_framework(session, name)
        package = frameworks.load_package(session, framework_id)
        versions = framework_versions.load_versions(session, framework_id)
    rows = [
        {
            "case_id": one.case_id,
            "code": one.human_code,
            "statement": one.statement,
            "depth": depth,
        }
        for one, depth in package.in_order()
    ]
    columns = ("number", "label", "named", "made_by", "made_at", "counts", "problems")
    told = [{column: one[column] for column in columns} for one in versions]
    bench.say(
        {"framework": package.title, "competencies": rows, "versions": told},
        table(
            package.title,
            ("code", "statement"),
            [
                (row["code"], "  " * int(str(row["depth"])) + str(row["statement"]))
                for row in rows
            ],
        ),
    )


command(framework, "show")(_show)


@click.argument("name", metavar="FRAMEWORK")
@click.option(
    "--from",
    "since",
    type=click.IntRange(min=1),
    metavar="VERSION",
    help="An older version; default: the one before --to.",
)
@click.option(
    "--to",
    "until",
    type=click.IntRange(min=1),
    metavar="VERSION",
    help="A later version; default: the newest.",
)
def _diff(bench: Bench, name: str, since: int | None, until: int | None) -> None:
    """Show what changed in a framework from one version to another."""
    with bench.database.read() as session:
        framework_id = frameworks.find_framework(session, name)
        last = until or framework_versions.newest(session, framework_id)
        first = since or max(last - 1, 1)
        if first > last:
            raise click.UsageError(f"--from {first} is later than --to {last}")
        before = framework_versions.load_package_at(session, framework_id, first)
        after = framework_versions.load_package_at(session, framework_id, last)
    found = differences(before, after)
    bench.say(
        {
            "framework": after.title,
            "from": first,
            "to": last,
            "counts": _counts(found),
            "differences": found,
        },
        table(
            f"{after.title}: version {first} to {last}",
            ("what", "of", "name", "before", "after"),
            _diff_rows(found, {**before.by_case_id, **after.by_case_id}),
        ),
    )


command(framework, "diff")(_diff)


def _counts(found: Iterable[Difference]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for one in found:
        counts.setdefault(one.subject, Counter())[one.kind] += 1
    return {subject: dict(kinds) for subject, kinds in counts.items()}


def _diff_rows(
    found: Sequence[Difference], items: Mapping[str, Competency]
) -> list[tuple[object, ...]]:
    return [
        (
            one.kind,
            one.subject,
            _label(one, items),
            _fields(one.before, one.after) if one.kind == CHANGED else "",
            _fields(one.after, one.before) if one.kind == CHANGED else "",
        )
        for one in found
    ]


def _label(one: Difference, items: Mapping[str, Competency]) -> str:
    if one.case_id in items:
        return items[one.case_id].label[:_SHORT]
    record = one.after or one.before or {}
    found = (str(record[name]) for name in _NAMES if record.get(name))
    return next(found, one.case_id)[:_SHORT]


def _fields(
    told: Mapping[str, object] | None, other: Mapping[str, object] | None
) -> str:
    """Return each field of one half of a change, a line a field."""
    mine = told or {}
    return "\n".join(
        f"{name}: {'(none)' if mine.get(name) is None else mine[name]}"
        for name in {**mine, **(other or {})}
    )


@click.argument("name", metavar="FRAMEWORK")
@click.option("--output", type=click.Path(path_type=Path), help="File; default stdout.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["case", "csv", "moodle"]),
    default="case",
    show_default=True,
    help="A CASE package holds everything; a table what a table can; moodle is the "
    "file that Moodle imports, with a scale.",
)
@click.option(
    "--scale", "scale_name", help="With --format moodle: a scale, by its title or id."
)
@click.option(
    "--version", "number", type=click.IntRange(min=1), help="Default: the newest."
)
def _export(
    bench: Bench,
    name: str,
    output: Path | None,
    number: int | None,
    **options: str | None,
) -> None:
    """Write a framework as a CASE package, as a table, or for Moodle."""
    with bench.database.read() as session:
        scale = _scale(session, options["scale_name"])
        framework_id = frameworks.find_framework(session, name)
        package = (
            frameworks.load_package(session, framework_id)
            if number is None
            else framework_versions.load_package_at(session, framework_id, number)
        )
    document: object = format_case(package)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if options["kind"] != "case":
        is_table = options["kind"] == "csv"
        text = format_table(package) if is_table else format_import(package, scale)
        document = {"framework": package.title, "csv": text}
    if output is None:
        bench.say(document, text)
        return
    output.write_bytes(text.encode())
    bench.say({"written": str(output)}, f"{package.title} written to {output}")


def _scale(session: Session, name: str | None) -> Scale:
    """The named scale, or the usual one."""
    if name is None:
        return FOUR
    chosen = parse_scale_name(session, name)
    return parse_scale(chosen["scale"], chosen["mastery_cut"])


command(framework, "export")(_export)
