"""`plan`: what a run would change, what becomes of one person, and a person's word.

The JSON document of `plan show`: ``run``, ``source``, ``status``, ``plan_hash``,
``decision``, ``plan`` (now, adds, changes and ends by type), ``holds``, ``total`` (rows
asked for) and ``moves`` (the first of them, each with before and after).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import click
from rich.table import Table

from lti_tool.cli.root import PROBLEM, Bench, command, now, table
from lti_tool.cli.roster import pull
from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import move_pages, run_pages
from lti_tool.storage.entities import ENTITIES
from lti_tool.storage.move_pages import MoveWish
from lti_tool.storage.session import Session
from lti_tool.web.admin import moves
from lti_tool.work import orders
from lti_tool.work.platforms import Author
from lti_tool.work.roster import SyncOptions
from lti_tool.work.tables import csv_text

WHO: Final = "cli"
_FOUND: Final = 20
_TYPES: Final = tuple(one.collection for one in ENTITIES)
_SHOWN: Final = ("collection", "kind", "sourced_id", "label", "school_sourced_id")


class _Asked(TypedDict):
    """Which rows of a plan; None for any."""

    collection: str | None
    kind: str | None
    school: str | None
    words: str | None


@click.group()
def plan() -> None:
    """What a sync would change: read it, follow one person, decide."""


@click.argument("run", type=int)
@click.option("--type", "collection", type=click.Choice(_TYPES), help="Of these alone.")
@click.option("--kind", type=click.Choice(moves.KINDS))
@click.option("--school", metavar="SOURCEDID", help="Of this school alone.")
@click.option("--words", help="Part of a name or of a sourcedId.")
@click.option("--count", type=click.IntRange(0, 1000), default=50, show_default=True)
@click.option(
    "--csv",
    "csv_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all rows asked for there, one line a changed field.",
)
def _show(
    bench: Bench,
    run: int,
    *,
    count: int,
    csv_path: Path | None,
    **asked: Unpack[_Asked],
) -> None:
    """Show the plan of a run: its figures, why it waits, and its rows."""
    wish = MoveWish(run_id=run, **asked)
    with bench.database.read() as session:
        found = run_pages.load_run(session, run)
        total = move_pages.count_moves(session, wish)
        shown = move_pages.load_moves(session, wish, count=count)
        if csv_path is not None:
            _write(session, csv_path, found, wish)
    names = ("source", "status", "plan_hash", "decision", "plan", "holds")
    document = {"run": run, **{name: found[name] for name in names}}
    document |= {"total": total, "moves": shown}
    if csv_path is not None:
        document["csv"] = str(csv_path)
    bench.say(document, _figures(found))
    if not bench.as_json:
        lines = [(*(one[name] for name in _SHOWN), _told(one)) for one in shown]
        columns = ("type", "kind", "sourcedId", "what", "school", "before → after")
        bench.say(shown, table(f"{len(shown)} of {total} rows", columns, lines))


def _figures(found: Mapping[str, Any]) -> Table:
    figures = [
        (name, *(one.get(what, 0) for what in ("now", "adds", "changes", "ends")))
        for name, one in (found["plan"] or {}).items()
    ]
    title = f"run {found['id']}: {found['status']} {found['text'] or ''}"
    shown = table(title, ("", "now", "add", "change", "end"), figures)
    shown.caption = f"plan {found['plan_hash']}"
    return shown


def _told(move: Mapping[str, Any]) -> str:
    before, after = move["before"] or {}, move["after"] or {}
    return ", ".join(
        f"{name}: {before.get(name, '-')} → {after.get(name, '-')}"
        for name in dict.fromkeys((*before, *after))
    )


def _write(
    session: Session, path: Path, found: Mapping[str, Any], wish: MoveWish
) -> None:
    schools = list(found["schools"] or {})
    names = move_pages.load_names(session, found["source_id"], found["id"], schools)
    lines = (
        line
        for one in move_pages.iter_moves(session, wish)
        for line in moves.csv_of(one, names)
    )
    write_csv(path, moves.HEAD, lines)


def write_csv(
    path: Path, head: Sequence[str], lines: Iterable[Sequence[object]]
) -> None:
    """Write a file as the pages send it.

    Raises:
        ConfigError: it cannot be written there.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(csv_text(head, lines))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


command(plan, "show")(_show)


@click.argument("run", type=int)
@click.argument("who", metavar="WHO")
def _person(bench: Bench, run: int, who: str) -> int:
    """Tell what a plan does to one person: her account, her enrollments, what stays.

    WHO is a sourcedId, or parts of a name or user name; several people of that name
    are listed instead, exit 1.
    """
    with bench.database.read() as session:
        held = run_pages.load_run(session, run)
        source_id = held["source_id"]
        known = move_pages.find_user(session, source_id, who)
        people = (
            [{"sourced_id": who, "name": who}]
            if known or move_pages.load_moves_of(session, run, who)
            else move_pages.find_people(session, source_id, run, who, count=_FOUND)
        )
        if len(people) == 1:
            return _say_person(bench, session, held, people[0])
    if not people:
        raise NotFoundError(f"nobody goes by {who!r}, here or in the plan of run {run}")
    lines = [(one["sourced_id"], one["name"], one["status"]) for one in people]
    shown = table("several people; name the sourcedId", ("sourcedId", "", ""), lines)
    bench.say({"run": run, "people": people}, shown)
    return PROBLEM


def _say_person(
    bench: Bench, session: Session, held: Mapping[str, Any], one: Mapping[str, Any]
) -> int:
    sourced_id = one["sourced_id"]
    user = move_pages.find_user(session, held["source_id"], sourced_id)
    moved = move_pages.load_moves_of(session, held["id"], sourced_id)
    seats = move_pages.load_enrollments(session, held["source_id"], sourced_id)
    kept = (
        move_pages.load_kept(session, user["person_id"])
        if user and user["person_id"]
        else {}
    )
    name = f"{user['given_name']} {user['family_name']}" if user else one["name"]
    fate = {
        move["sourced_id"]: move
        for move in moved
        if move["collection"] == "enrollments"
    }
    lines = [
        ("enrollment", fate.pop(seat["sourced_id"], {}).get("kind", "keep"), told, "")
        for seat in seats
        for told in [seat["title"] or seat["class_sourced_id"]]
    ]
    lines += [
        (move["collection"], move["kind"], move["label"] or "", _told(move))
        for move in (*fate.values(), *moved)
        if move["collection"] != "enrollments" or move["sourced_id"] in fate
    ]
    lines += [("kept", word, str(count), "") for word, count in kept.items()]
    document = {
        "run": held["id"],
        "person": {"sourced_id": sourced_id, "name": name},
        "moves": moved,
        "enrollments": seats,
        "kept": kept,
    }
    columns = ("", "what happens", "", "before → after")
    bench.say(document, table(f"{name} ({sourced_id})", columns, lines))
    return 0


command(plan, "person")(_person)


@click.argument("run", type=int)
@click.option("--all-but-ends", is_flag=True, help="Apply no ends.")
@click.option("--reason", required=True, help="Why; kept with the run.")
def _accept(bench: Bench, run: int, *, all_but_ends: bool, reason: str) -> int:
    """Accept the plan of a run and sync; another plan than that one waits again."""
    with bench.database.write() as session:
        held = run_pages.load_run(session, run)
        by = Author(WHO, now())
        if not orders.accept(
            session, run, is_without_ends=all_but_ends, reason=reason, by=by
        ):
            raise ConfigError(_settled(run))
    said = SyncOptions(
        accept=held["plan_hash"], is_without_ends=all_but_ends, of_run_id=run
    )
    return pull(bench, held["source"], said)


command(plan, "accept")(_accept)


@click.argument("run", type=int)
@click.option("--reason", help="Why; kept with the run.")
def _discard(bench: Bench, run: int, *, reason: str | None) -> None:
    """Discard the plan of a run: nothing changes, the next run makes a new one."""
    decision = {"decision": "discarded", "decided_by": WHO, "decision_reason": reason}
    with bench.database.write() as session:
        run_pages.load_run(session, run)
        if not run_pages.decide(session, run, decision, now=now()):
            raise ConfigError(_settled(run))
    bench.say(
        {"run": run, "decision": "discarded"}, f"the plan of run {run} is discarded"
    )


command(plan, "discard")(_discard)


def _settled(run: int) -> str:
    return f"run {run} has no plan that waits, or somebody has decided on it already"
