"""One cell of a CSV file, to a value of the REST object and back."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence

from oneroster.bundle_columns import Column

__all__ = ["format_cell", "parse_cell"]

PAIR = re.compile(r"\{([^:{}]*):([^{}]*)\}")
PAIRS = re.compile(r"\s*(?:\{[^:{}]*:[^{}]*\}\s*,?\s*)+")
DAY_LENGTH = len("2026-10-01")


def parse_cell(column: Column, text: str) -> object:
    """Read a cell that is not blank; the value is as REST would send it.

    Raises:
        ValueError: the cell is no list of ``{name:value}`` where one is due.
    """
    parse = _PARSERS.get(column.kind)
    return text if parse is None else parse(column, text)


def format_cell(column: Column, value: object) -> str:
    """Write a value of the REST object as one cell; None and nothing are blank."""
    if value is None or value in ("", [], ()):
        return ""
    return _FORMATTERS.get(column.kind, _written)(column, value)


def _split(text: str) -> list[str]:
    """Split a list cell; a part with a comma stands in quotes of its own."""
    try:
        parts = next(csv.reader([text], strict=True, skipinitialspace=True), [])
    except csv.Error:
        parts = text.split(",")
    return [part.strip() for part in parts if part.strip()]


def _reference(column: Column, text: str) -> object:
    return {"sourcedId": text, "type": column.target}


def _references(column: Column, text: str) -> object:
    return [_reference(column, part) for part in _split(text)]


def _pairs(text: str) -> list[tuple[str, str]]:
    if PAIRS.fullmatch(text) is None:
        raise ValueError("is no list of {name:value}")
    return [(name.strip(), value.strip()) for name, value in PAIR.findall(text)]


def _user_ids(column: Column, text: str) -> object:
    if "{" not in text:
        # OneRoster 1.0 has one plain identifier here; seen in exports of 1.1 too.
        return [{"type": column.name, "identifier": text}]
    return [{"type": name, "identifier": value} for name, value in _pairs(text)]


def _steps(_column: Column, text: str) -> object:
    return [{"itemValueLHS": lhs, "itemValueRHS": rhs} for lhs, rhs in _pairs(text)]


_PARSERS: Mapping[str, Callable[[Column, str], object]] = {
    "l": lambda _column, text: _split(text),
    "r": _reference,
    "m": _references,
    "ids": _user_ids,
    "steps": _steps,
}


def _written(_column: Column, value: object) -> str:
    return str(value)


def _number(_column: Column, value: object) -> str:
    return str(value).removesuffix(".0")


def _joined(parts: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(parts)
    return line.getvalue()


def _sourced_id(reference: object) -> str:
    return str(reference["sourcedId"]) if isinstance(reference, Mapping) else ""


def _each(value: object) -> list[Mapping[str, object]]:
    return list(value) if isinstance(value, (list, tuple)) else []


_FORMATTERS: Mapping[str, Callable[[Column, object], str]] = {
    "n": _number,
    # Line items carry moments in REST and plain days in CSV.
    "t": lambda column, value: (
        str(value)[:DAY_LENGTH] if column.name.endswith("Date") else str(value)
    ),
    "l": lambda _column, value: _joined([str(part) for part in _each(value)]),
    "r": lambda _column, value: _sourced_id(value),
    "m": lambda _column, value: _joined([_sourced_id(part) for part in _each(value)]),
    "ids": lambda _column, value: ",".join(
        f"{{{part.get('type', '')}:{part['identifier']}}}" for part in _each(value)
    ),
    "steps": lambda _column, value: ",".join(
        f"{{{part['itemValueLHS']}:{part['itemValueRHS']}}}" for part in _each(value)
    ),
}
