"""Comparisons of a OneRoster filter, as the database makes them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isnan
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

from lti_tool.storage.published_fields import Field, Shelf

Condition = ColumnElement[bool]
COMPARED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison; ``source_id`` is whose identifier the value is, if it is one.

    An identifier of nobody has source_id 0.
    """

    field: str
    operator: str
    value: str
    source_id: int | None = None


def condition(shelf: Shelf, test: Test) -> Condition | None:
    """Make the condition of a test; None where only a look at each record tells.

    A field that is missing differs from every value and satisfies nothing else.
    Text is compared without case, identifiers with it.
    """
    field = shelf.fields.get(test.field)
    if field is None:
        return None
    if test.operator == "!=":
        same = _same(field, test)
        return or_(field.column.is_(None), not_(same)) if same is not None else None
    if test.operator == "=":
        return _same(field, test)
    if field.kind == "text" and test.operator == "~" and test.value.isascii():
        lowered = func.lower(field.column)
        return lowered.contains(test.value.lower(), autoescape=True)
    if field.kind in {"moment", "day", "number"} and test.operator in COMPARED:
        return _compared(field, test)
    return None


def _same(field: Field, test: Test) -> Condition | None:
    if field.kind == "text":
        if not test.value.isascii():
            return None
        return func.lower(field.column) == test.value.lower()
    if field.kind == "id":
        is_theirs: Condition = field.column == test.value
        if field.source is None or test.source_id is None:
            return is_theirs
        return and_(field.source == test.source_id, is_theirs)
    if field.kind == "flag":
        wanted = {"true": True, "false": False}.get(test.value.lower())
        held: Condition = field.column.is_(wanted)
        return false() if wanted is None else held
    return _compared(field, test)


def _compared(field: Field, test: Test) -> Condition:
    value = _value(field, test.value)
    if value is None:
        return false()
    sign = "=" if test.operator == "!=" else test.operator
    found: Condition = COMPARED[sign](field.column, value)
    return and_(true(), found)


def _value(field: Field, text: str) -> float | date | datetime | None:
    """The value in the column's own kind; None for what is none of it."""
    try:
        if field.kind == "number":
            number = float(text)
            return None if isnan(number) else number
        moment = datetime.fromisoformat(text.strip())
        if field.kind == "day":
            return moment.date()
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
