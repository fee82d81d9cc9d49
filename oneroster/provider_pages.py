"""One page of a collection: which records, in which order, with which fields.

Source: OneRoster 1.2 Rostering, section 3 (pagination, sorting, filtering, field
selection).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

from oneroster.catalog import Query
from oneroster.errors import FilterError
from oneroster.filters import Filter, parse_filter
from oneroster.models import Record
from oneroster.provider_replies import Manners, RefusalError
from oneroster.wire import has_nul

__all__ = ["Page", "parse_query", "show", "take_page"]

Wire = dict[str, Any]
Part = Callable[[Record, Iterable[str]], Wire]
_DIGITS = 9
MOST = 10**_DIGITS
"""Rows that no catalog has: no database takes a number of any length."""


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one page as they are sent, and how many there are in all."""

    rows: list[Wire]
    total: int
    query: Query

    def link(self, url: str, arguments: Mapping[str, str]) -> str:
        """Write the Link header for this page of the URL.

        Source: RFC 8288; rel is next, prev, first or last.
        """
        limit, offset = self.query.limit, self.query.offset
        last = max(0, (self.total - 1) // limit * limit)
        places = {"first": 0, "last": last}
        if offset + limit < self.total:
            places["next"] = offset + limit
        if offset > 0:
            places["prev"] = max(0, offset - limit)
        links = []
        for rel, place in sorted(places.items()):
            asked = dict(arguments) | {"limit": str(limit), "offset": str(place)}
            links.append(f'<{url}?{urlencode(asked)}>; rel="{rel}"')
        return ", ".join(links)


def parse_query(
    arguments: Mapping[str, str], names: Collection[str], manners: Manners
) -> Query:
    """Read the query of a request for records that have fields of these names.

    A larger limit or offset than any catalog has rows is taken for that many.

    Raises:
        RefusalError: 400, a number, filter or field that is none.
    """
    limit = _count(arguments, "limit", manners.default_limit, least=1)
    offset = _count(arguments, "offset", 0, least=0)
    wanted = None
    if arguments.get("filter") and manners.honours_filter:
        wanted = _filter(arguments["filter"], names)
    fields = tuple(part.strip() for part in arguments.get("fields", "").split(","))
    unknown = [name for name in fields if name and name not in names]
    if unknown and manners.refuses_unknown_fields:
        raise RefusalError(
            400, "invalid_selection_field", "fields names a field that is none"
        )
    sort = arguments.get("sort", "") if manners.honours_sort else ""
    return Query(
        limit=min(limit, manners.page_cap or limit),
        offset=offset if manners.honours_offset else 0,
        sort=sort if sort.partition(".")[0] in names else "",
        descending=arguments.get("orderBy", "asc").lower() == "desc",
        wanted=wanted,
        fields=tuple(name for name in fields if name in names),
    )


@cache
def _names(kind: type[Record]) -> dict[str, str]:
    """Tell the fields of a kind: the name on the wire, to the name in Python."""
    return {part.alias or name: name for name, part in kind.model_fields.items()}


def _part(record: Record, fields: Iterable[str]) -> Wire:
    """Write only some fields of a record, named as on the wire."""
    names = _names(type(record))
    return record.model_dump(by_alias=True, include={names[name] for name in fields})


def take_page(
    records: Iterable[Record], query: Query, part: Part = _part
) -> tuple[list[Record], int]:
    """Take one page from the records, and tell how many there are in all.

    Their order stands where none is asked; then no more than the page is held.
    part: writes the fields that a filter or an order looks at.
    """
    chosen: Iterable[Record] = records
    if query.wanted is not None:
        fields = {name.partition(".")[0] for name in query.wanted.fields}
        wanted = query.wanted
        chosen = (one for one in records if wanted.matches(part(one, fields)))
    if query.sort:
        order = partial(_sort_key, query.sort.split("."), part)
        chosen = sorted(chosen, key=order, reverse=query.descending)
    shown: list[Record] = []
    total = 0
    for record in chosen:
        if query.offset <= total < query.offset + query.limit:
            shown.append(record)
        total += 1
    return shown, total


def show(
    records: Iterable[Record],
    query: Query,
    write: Callable[[Record], Wire],
) -> list[Wire]:
    """Write the records of a page as they are sent, with the fields asked for."""
    rows = [write(record) for record in records]
    return [_picked(row, query.fields) for row in rows] if query.fields else rows


def _count(arguments: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = arguments.get(name, "")
    if not text:
        return default
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else None
    number = -1
    if digits is not None:
        number = int(digits or "0") if len(digits) <= _DIGITS else MOST
    if number < least:
        raise RefusalError(400, "invaliddata", f"{name} is no number from {least} on")
    return number


def _filter(text: str, names: Collection[str]) -> Filter:
    try:
        wanted = parse_filter(text)
    except FilterError as error:
        raise RefusalError(400, "invalid_filter_field", str(error)) from error
    if has_nul(text):
        raise RefusalError(
            400, "invalid_filter_field", "the filter holds a NUL character"
        )
    if any(name.partition(".")[0] not in names for name in wanted.fields):
        raise RefusalError(
            400, "invalid_filter_field", "the filter names a field that is none"
        )
    return wanted


def _sort_key(steps: list[str], part: Part, record: Record) -> tuple[int, float, str]:
    """Order numbers before text, and what is missing after everything."""
    value: object = part(record, steps[:1])
    for step in steps:
        while isinstance(value, (list, tuple)):
            value = value[0] if value else None
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, (int, float)):
        return (0, float(value), "")
    return (2, 0.0, "") if value in (None, (), []) else (1, 0.0, str(value).casefold())


def _picked(row: Wire, fields: tuple[str, ...]) -> Wire:
    return {name: row[name] for name in fields if name in row}
