"""The filter grammar: ``field OP 'value'``, at most two clauses, one AND or OR.

No escape for a quote inside a value is defined, so a value runs to the first
quote that ends the filter or stands before a second clause; ``'O'Brien'`` is
read as sent. A value that could be read in two ways cannot be written.

Source: OneRoster 1.2 Rostering, section 3.4.3 (filtering).
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from oneroster.errors import FilterError
from oneroster.wire import format_moment, parse_moment

__all__ = ["Clause", "Filter", "format_filter", "modified_since", "parse_filter"]

CLAUSE = r"([A-Za-z_][\w.:-]*)\s*(!=|>=|<=|=|>|<|~)\s*'"
START = re.compile(rf"\s*{CLAUSE}")
AFTER = re.compile(rf"'(?:\s*$|\s+(AND|OR)\s+(?={CLAUSE}))", re.IGNORECASE)
ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ].*)?$")
MOST_CLAUSES = 2


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison; ``operator`` is one of ``= != > >= < <= ~`` (contains)."""

    field: str
    operator: str
    value: str

    def matches(self, record: Mapping[str, object]) -> bool:
        """Tell whether an object, as it stands on the wire, satisfies the clause.

        Text is compared without case, moments as moments. Through a list of
        objects one is enough; of a list of words, ``=`` means all and no other,
        ``~`` means that they are among them. A missing field differs from
        every value and satisfies nothing else.
        """
        if self.operator == "!=":
            return not Clause(self.field, "=", self.value).matches(record)
        return any(self._accepts(found) for found in _walk(record, self.field))

    def _accepts(self, found: object) -> bool:
        if isinstance(found, (list, tuple)):
            return self._accepts_words({_fold(word) for word in found})
        if found is None or isinstance(found, Mapping):
            return False
        if self.operator == "~":
            return self.value.casefold() in _fold(found)
        return _compare(self.operator, found, self.value)

    def _accepts_words(self, words: set[str]) -> bool:
        wanted = {part.strip().casefold() for part in self.value.split(",")}
        if self.operator == "=":
            return words == wanted
        return self.operator == "~" and words >= wanted


@dataclass(frozen=True, slots=True)
class Filter:
    """One clause, or two of which all (AND) or one (OR) must hold."""

    clauses: tuple[Clause, ...]
    joiner: Literal["AND", "OR"] = "AND"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it looks at, dotted where nested, as written."""
        return tuple(clause.field for clause in self.clauses)

    def matches(self, record: Mapping[str, object]) -> bool:
        """Tell whether an object, as it stands on the wire, passes the filter."""
        verdicts = (clause.matches(record) for clause in self.clauses)
        return any(verdicts) if self.joiner == "OR" else all(verdicts)


def parse_filter(text: str) -> Filter:
    """Read a filter, after percent-decoding.

    Raises:
        FilterError: it is no filter, or has more than two clauses.
    """
    clauses: list[Clause] = []
    joiner: Literal["AND", "OR"] = "AND"
    at = 0
    while True:
        start = START.match(text, at)
        if start is None:
            raise FilterError(
                "the filter does not read as field OP 'value'; "
                "operators are = != > >= < <= ~ and the value stands in single quotes"
            )
        end = AFTER.search(text, start.end())
        if end is None:
            raise FilterError("a value of the filter has no closing quote; add it")
        clauses.append(Clause(start[1], start[2], text[start.end() : end.start()]))
        if end[1] is None:
            return Filter(tuple(clauses), joiner)
        if len(clauses) == MOST_CLAUSES:
            raise FilterError("the filter has more than two clauses; use at most two")
        joiner = "OR" if end[1].upper() == "OR" else "AND"
        at = end.end()


def format_filter(wanted: Filter) -> str:
    """Write a filter, before percent-encoding.

    Raises:
        FilterError: a reader would understand something else; leave the filter
            away and look through the records instead.
    """
    text = f" {wanted.joiner} ".join(
        f"{clause.field}{clause.operator}'{clause.value}'" for clause in wanted.clauses
    )
    try:
        same = parse_filter(text).clauses == wanted.clauses
    except FilterError:
        same = False
    if not same:
        raise FilterError(
            "the filter cannot be written so that a service reads the same; "
            "leave it away and look through the records instead"
        )
    return text


def modified_since(moment: datetime) -> Filter:
    """Make the filter of a delta: whatever was changed at or after a moment."""
    return Filter((Clause("dateLastModified", ">=", format_moment(moment)),))


def _walk(value: object, path: str) -> Iterator[object]:
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _walk(part, path)
    elif isinstance(value, Mapping):
        if path in value:
            yield value[path]
            return
        step, _, rest = path.partition(".")
        if rest and step in value:
            yield from _walk(value[step], rest)


def _fold(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).casefold()


def _compare(operator: str, found: object, wanted: str) -> bool:
    order = _order(found, wanted)
    if order is None:
        return False
    return {
        "=": order == 0,
        ">": order > 0,
        ">=": order >= 0,
        "<": order < 0,
        "<=": order <= 0,
    }[operator]


def _order(found: object, wanted: str) -> int | None:
    """Negative, zero or positive as found stands to wanted; None if it cannot."""
    try:
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            number = float(wanted)
            if math.isnan(number):
                return None
            return (found > number) - (found < number)
        text = _fold(found)
        if ISO.match(text) and ISO.match(wanted):
            left, right = parse_moment(text.upper()), parse_moment(wanted)
            return (left > right) - (left < right)
    except ValueError:
        return None
    folded = wanted.casefold()
    return (text > folded) - (text < folded)
