"""`link`: which accounts are one person: listed, accepted, refused, taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypedDict, Unpack

import click

from lti_tool.cli.curriculum import WHO
from lti_tool.cli.root import PROBLEM, Bench, command, now, table
from lti_tool.errors import BridgeError, NotFoundError
from lti_tool.storage import link_pages
from lti_tool.storage.account_pages import Account
from lti_tool.storage.database import Session
from lti_tool.storage.link_pages import ShownLink, Tally, Wish
from lti_tool.work import linking
from lti_tool.work.linking import Author

_COLUMNS: Final = ("link", "status", "account", "is", "why", "certainty")


class _Asked(TypedDict):
    """Which links to list."""

    status: str
    kind: str | None
    system: str | None
    words: str


@click.group()
def link() -> None:
    """Which accounts of SIS and LMS are one person."""


@click.option(
    "--status",
    type=click.Choice(link_pages.STATUSES),
    default="proposed",
    show_default=True,
)
@click.option("--kind", type=click.Choice(["sis", "lms"]))
@click.option("--system", help="Of this source or platform alone, by its name.")
@click.option("--words", default="", help="Parts of a name, or of an id.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--count", type=click.IntRange(1, 1000), default=50, show_default=True)
def _list(bench: Bench, *, first: int, count: int, **asked: Unpack[_Asked]) -> None:
    """List links: those that wait for a person, unless another status is asked for."""
    with bench.database.read() as session:
        tallies = link_pages.load_tallies(session)
        wish = _wish(tallies, **asked)
        total = link_pages.count_links(session, wish)
        found = link_pages.load_links(session, wish, first=first, count=count)
    shown = table(
        f"{total} {wish.status}",
        _COLUMNS,
        [
            (
                one.id,
                one.status,
                _account(one.account),
                _account(one.other) or f"person {one.person_id}",
                linking.RULES.get(one.rule, one.rule),
                f"{one.confidence:.0%}",
            )
            for one in found
        ],
    )
    shown.caption = "\n".join(
        f"{one.name}: {one.accounts} accounts, {one.joined} matched, {one.waiting} "
        f"waiting, {one.alone} not matched"
        for one in tallies
    )
    document = {
        "total": total,
        "systems": [one._asdict() for one in tallies],
        "links": [_document(one) for one in found],
    }
    bench.say(document, shown)


command(link, "list")(_list)


def _wish(tallies: list[Tally], **asked: Unpack[_Asked]) -> Wish:
    status, kind, words = asked["status"], asked["kind"] or "", asked["words"]
    if asked["system"] is None:
        return Wish(status, kind, 0, words)
    one = _named(tallies, asked["system"], kind)
    return Wish(status, one.kind, one.id, words)


def _named(tallies: list[Tally], name: str, kind: str) -> Tally:
    for one in tallies:
        if one.name == name and kind in ("", one.kind):
            return one
    raise NotFoundError(f'no source or platform "{name}" with accounts')


@click.argument("words", default="")
@click.option("--alone", help="Only accounts of this platform whom no SIS knows.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--count", type=click.IntRange(1, 1000), default=50, show_default=True)
def _find(
    bench: Bench, words: str, *, alone: str | None, first: int, count: int
) -> None:
    """Find people by a part of their name, or by a whole id of SIS or LMS."""
    with bench.database.read() as session:
        tallies = link_pages.load_tallies(session)
        platform = 0 if alone is None else _named(tallies, alone, "lms").id
        if not words and not platform:
            raise click.UsageError("say whom: WORDS, or --alone PLATFORM")
        total = link_pages.count_people(session, words, alone=platform)
        found = link_pages.find_people(
            session, words, first=first, count=count, alone=platform
        )
    lines = [
        (one.id, one.name, "\n".join(map(_account, one.accounts))) for one in found
    ]
    document = {
        "total": total,
        "people": [
            {"person": one.id, "name": one.name, "accounts": one.accounts}
            for one in found
        ],
    }
    bench.say(document, table(f"{total} people", ("person", "name", "is"), lines))


command(link, "find")(_find)


def _account(one: Account | None) -> str:
    if one is None:
        return ""
    return f"{one.name} ({one.system} {one.their_id})"


def _document(one: ShownLink) -> dict[str, object]:
    return {
        "id": one.id,
        "kind": one.kind,
        "status": one.status,
        "rule": one.rule,
        "confidence": one.confidence,
        "same": one.same,
        "person": one.person_id,
        "account": one.account,
        "other": one.other,
        "made_by": one.made_by,
        "made_at": one.made_at,
        "decided_by": one.decided_by,
        "decided_at": one.decided_at,
    }


@click.argument("person", type=int)
def _show(bench: Bench, person: int) -> None:
    """Show everything known of who a person is."""
    with bench.database.read() as session:
        found = link_pages.load_person(session, person)
    if found is None:
        raise NotFoundError(f"no person {person}; see masterybridge link list")
    document = {
        "person": found.id,
        "name": found.name,
        "accounts": found.accounts,
        "links": [_document(one) for one in found.links],
    }
    rows = [
        (f"{one.kind}:{one.id}", one.system, one.their_id, one.name, one.identifier)
        for one in found.accounts
    ]
    shown = table(found.name, ("account", "from", "id", "name", "identifier"), rows)
    shown.caption = "\n".join(
        f"link {one.id}: {one.status}, {linking.RULES.get(one.rule, one.rule)}"
        for one in found.links
    )
    bench.say(document, shown)


command(link, "show")(_show)


@click.argument("account")
@click.argument("person", type=int)
def _join(bench: Bench, account: str, person: int) -> None:
    """Say by hand that an account (sis:7 or lms:7) is this person."""
    kind, _colon, number = account.partition(":")
    if kind not in {"sis", "lms"} or not number.isdecimal():
        raise click.UsageError("name the account as `link show` does: sis:7 or lms:7")
    by = Author(WHO, now())
    with bench.database.write() as session:
        made = linking.join(session, kind, int(number), person, by)
    bench.say({"link": made}, f"link {made}: {account} is person {person} now")


command(link, "join")(_join)


def _deciding(
    name: str, done: str, decide: Callable[[Session, int, Author], None], words: str
) -> None:
    """Make a command that decides links, each in a transaction of its own."""

    @click.argument("links", type=int, nargs=-1, required=True, metavar="LINK…")
    def decided(bench: Bench, links: tuple[int, ...]) -> int:
        told, problems = [], []
        for one in links:
            try:
                with bench.database.write() as session:
                    decide(session, one, Author(WHO, now()))
                told.append(one)
            except BridgeError as error:
                problems.append(str(error))
        lines = [f"link {one}: {done}" for one in told] + problems
        bench.say({done: told, "problems": problems}, "\n".join(lines))
        return PROBLEM if problems else 0

    decided.__doc__ = words
    command(link, name)(decided)


_deciding("accept", "accepted", linking.accept, "Let proposals hold.")
_deciding("refuse", "refused", linking.refuse, "Say that proposals are wrong.")
_deciding("undo", "undone", linking.undo, "Take links back: all is as it was.")
