"""The rows of a plan: before and after, by collection, kind and school; and as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flask import request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.storage import move_pages, run_pages
from lti_tool.storage.entities import ENTITIES
from lti_tool.storage.move_pages import MoveWish
from lti_tool.storage.session import Session
from lti_tool.web.admin import roster_words
from lti_tool.web.admin.guard import pages
from lti_tool.web.admin.plan_figures import Line
from lti_tool.web.admin.runs import number
from lti_tool.web.admin.tables import csv_answer
from lti_tool.web.sessions import database
from lti_tool.web.texts import decimal, gettext

PAGE: Final = 50
KINDS: Final = ("add", "change", "end")
HEAD: Final = (
    "type", "kind", "sourcedId", "what", "user", "school", "schoolName", "field",
    "before", "after",
)  # fmt: skip
_NAMES: Final = frozenset(one.collection for one in ENTITIES)


@pages.get("/runs/<int:run_id>/plan.csv")
def plan_csv(run_id: int) -> ResponseReturnValue:
    """The rows of a plan as CSV, one line a changed field, by the page's filters."""
    with database().read() as session:
        found = run_pages.load_run(session, run_id)
        names = move_pages.load_names(
            session, found["source_id"], run_id, list(found["schools"] or {})
        )
    wish = wish_of(run_id, request.args.get("type"))
    return csv_answer(f"plan-run-{run_id}", HEAD, _csv_lines(wish, names))


def wish_of(run_id: int, collection: str | None) -> MoveWish:
    """The rows a page asks for by its address."""
    kind = request.args.get("kind")
    return MoveWish(
        run_id=run_id,
        collection=collection if collection in _NAMES else None,
        kind=kind if kind in KINDS else None,
        school=request.args.get("school") or None,
        words=request.args.get("words", "").strip()[:100] or None,
    )


def rows_of(
    session: Session,
    run: Mapping[str, Any],
    lines: Sequence[Line],
    schools: Mapping[str, str],
) -> dict[str, Any]:
    """What the table of a plan's rows shows: tabs, filters, one page of rows."""
    moving = [one for one in lines if one.moves]
    asked = request.args.get("type")
    there = {one.collection for one in moving}
    chosen = asked if asked in there else _first(moving)
    wish = wish_of(run["id"], chosen)
    after = request.args.get("after", 0, type=number)
    before = request.args.get("before", type=number)
    found = move_pages.load_moves(
        session, wish, after=after, before=before, count=PAGE + 1
    )
    is_back = before is not None
    has_more = len(found) > PAGE
    shown = (found[1:] if is_back else found[:-1]) if has_more else found
    kept = move_pages.count_kept(session, run["id"])
    line = next((one for one in moving if one.collection == chosen), None)
    return {
        "tabs": moving,
        "chosen": chosen,
        "wish": wish,
        "kinds": [one for one in KINDS if kept.get((chosen, one))],
        "rows": [_row(one, schools) for one in shown],
        "total": _total(session, wish, kept),
        "cut": _cut(line, kept) if line else [],
        "schools": sorted(schools.items(), key=lambda one: one[1].casefold()),
        "earlier": _page(run, chosen, before=shown[0]["id"])
        if shown and (has_more if is_back else after)
        else None,
        "later": _page(run, chosen, after=shown[-1]["id"])
        if shown and (is_back or has_more)
        else None,
    }


def _total(
    session: Session, wish: MoveWish, kept: Mapping[tuple[str, str], int]
) -> int:
    """How many rows there are of a wish; counted anew only where it asks for more."""
    if wish.school is not None or wish.words is not None:
        return move_pages.count_moves(session, wish)
    kinds = KINDS if wish.kind is None else (wish.kind,)
    return sum(kept.get((wish.collection or "", kind), 0) for kind in kinds)


def changes_of(move: Mapping[str, Any]) -> list[tuple[str, str | None, str | None]]:
    """The fields of a row, before and after, in words; None where there is nothing."""
    before, after = move["before"] or {}, move["after"] or {}
    return [
        (
            roster_words.field_word(name),
            roster_words.said(before[name]) if name in before else None,
            roster_words.said(after[name]) if name in after else None,
        )
        for name in dict.fromkeys((*before, *after))
    ]


def _row(move: Mapping[str, Any], schools: Mapping[str, str]) -> dict[str, Any]:
    school = move["school_sourced_id"]
    user = move["user_sourced_id"]
    if user is None and move["collection"] == "users":
        user = move["sourced_id"]
    return {
        **move,
        "user": user,
        "school": schools.get(school, school),
        "changes": changes_of(move),
        "word": roster_words.KINDS[move["kind"]],
    }


def _first(lines: Sequence[Line]) -> str:
    """The collection to show first: one over its limit, else one that loses most."""
    groups = (
        [one for one in lines if one.is_over],
        [one for one in lines if one.ends],
        lines,
    )
    found = next((group for group in groups if group), [])
    if not found:
        return ""
    return max(found, key=lambda one: (one.ends, one.moves)).collection


def _cut(line: Line, kept: Mapping[tuple[str, str], int]) -> list[str]:
    """Of which kinds not every row was kept, in words."""
    whole = (
        ("add", line.adds, gettext("to add")),
        ("change", line.changes, gettext("to change")),
        ("end", line.ends, gettext("to end")),
    )
    return [
        gettext(
            "Of %(all)s %(kind)s, the first %(kept)s are listed.",
            all=decimal(count),
            kind=word,
            kept=decimal(kept.get((line.collection, kind), 0)),
        )
        for kind, count, word in whole
        if kept.get((line.collection, kind), 0) < count
    ]


def _page(run: Mapping[str, Any], chosen: str, **where: int) -> str:
    """The address of another page of rows, the filters kept."""
    kept: dict[str, Any] = {
        name: request.args[name]
        for name in ("kind", "school", "words")
        if request.args.get(name)
    }
    kept |= where
    return url_for("admin.run", run_id=run["id"], type=chosen, **kept, _anchor="rows")


def _csv_lines(wish: MoveWish, names: Mapping[str, str]) -> Iterator[Sequence[object]]:
    with database().read() as session:
        for one in move_pages.iter_moves(session, wish):
            yield from csv_of(one, names)


def csv_of(
    move: Mapping[str, Any], names: Mapping[str, str]
) -> Iterator[Sequence[object]]:
    """Yield the lines of a row under HEAD, one a field; names: of schools."""
    school = move["school_sourced_id"]
    common = (
        move["collection"],
        move["kind"],
        move["sourced_id"],
        move["label"],
        move["user_sourced_id"],
        school,
        names.get(school, ""),
    )
    before, after = move["before"] or {}, move["after"] or {}
    fields = list(dict.fromkeys((*before, *after)))
    for field in fields or [""]:
        yield (*common, field, _plain(before.get(field)), _plain(after.get(field)))


def _plain(value: object) -> object:
    """A value as a file holds it: no words of ours, and no language."""
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
