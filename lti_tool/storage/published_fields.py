"""What a collection we tell consists of: its rows, and the fields filters may name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, String, cast, literal

Kind = Literal["id", "text", "moment", "day", "number", "flag"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the wire: its column, its kind, and whose identifier it is.

    ``is_ours``: an identifier we made, the same for every source.
    """

    column: Any
    kind: Kind = "text"
    source: Any = None
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """One collection: its statement, the key that orders it, whose its rows are."""

    statement: Select[Any]
    key: Any
    source: Any
    fields: Mapping[str, Field]


def joined(*parts: ColumnElement[Any] | str) -> ColumnElement[str]:
    """Join words and numbers into an identifier of ours."""
    made: ColumnElement[str] = literal("", String)
    for part in parts:
        made = made + (part if isinstance(part, str) else cast(part, String))
    return made
