"""Rows of one CSV file: strict RFC 4180, UTF-8, any size in little memory."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from oneroster.errors import BundleError, Problem

__all__ = ["MAX_CELL", "Row", "read_rows"]

MAX_CELL = 131_072
"""Characters in one cell."""
MAX_RECORD = 4 * 1024 * 1024
"""Bytes in one row; beyond it the row is rejected without being held."""
QUOTE = b'"'
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Row:
    """One row and the line of the file, counted from 1, on which it begins."""

    line: int
    cells: list[str]


def read_rows(file: IO[bytes], name: str) -> Iterator[Row | Problem]:
    """Yield the rows in file order, the header first; empty lines are left out.

    A row with a cell beyond 131,072 characters or with a NUL is a Problem; the
    rows after it are read all the same.

    Raises:
        BundleError: ``encoding`` where the bytes are not UTF-8, ``csv_syntax``
            where a quote is not closed or not doubled.
    """
    header: list[str] = []
    for line, record in _records(file, name):
        if record is None:
            yield Problem(name, line, "", "is longer than a row may be", "too_long")
            continue
        cells = _cells(_decoded(record, name, line, header), name, line)
        if isinstance(cells, Problem):
            yield cells
        elif cells:
            header = header or cells
            yield Row(line, cells)


def _records(file: IO[bytes], name: str) -> Iterator[tuple[int, bytes | None]]:
    """Yield each record with its line; None in place of one too long to hold.

    In a sound record the quotes are even in number, so a line break stands
    inside a cell exactly where they are odd.
    """
    line, begun, open_quote, size = 1, 1, False, 0
    pieces: list[bytes] = []
    while piece := file.readline(MAX_RECORD):
        if line == 1 and not size:
            piece = piece.removeprefix(BOM)
        size += len(piece)
        pieces.append(piece)
        if size > MAX_RECORD:
            pieces.clear()
        open_quote ^= piece.count(QUOTE) % 2 == 1
        whole_line = piece.endswith(b"\n")
        line += whole_line
        if open_quote or not whole_line:
            continue
        yield begun, None if size > MAX_RECORD else b"".join(pieces)
        pieces.clear()
        begun, size = line, 0
    if open_quote:
        raise BundleError(
            f"{name} line {begun}: a quote opens here and never closes; "
            "close it, or send the whole file again",
            code="csv_syntax",
        )
    if size:
        yield begun, None if size > MAX_RECORD else b"".join(pieces)


def _decoded(record: bytes, name: str, line: int, header: list[str]) -> str:
    try:
        return record.decode("utf-8")
    except UnicodeDecodeError as error:
        before = record[: error.start].decode("utf-8")
        row = line + before.count("\n")
        column = len(before) - before.rfind("\n")
        place = len(next(csv.reader([before.replace("\n", " ")]), [""])) - 1
        field = f" ({header[place]})" if place < len(header) else ""
        raise BundleError(
            f"{name} line {row} column {column}{field}: "
            f"byte 0x{record[error.start]:02x} is not UTF-8; save the file as UTF-8",
            code="encoding",
        ) from error


def _cells(text: str, name: str, line: int) -> list[str] | Problem:
    """Split one record; a fault of one row alone is a Problem."""
    if "\x00" in text:
        return Problem(name, line, "", "holds a NUL character", "nul")
    try:
        cells = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        if "field limit" in str(error):
            return _too_long(name, line)
        raise BundleError(
            f"{name} line {line}: a quote inside a cell is not doubled, or a line "
            "ends without LF; write the file by RFC 4180",
            code="csv_syntax",
        ) from error
    if len(text) > MAX_CELL and any(len(cell) > MAX_CELL for cell in cells):
        return _too_long(name, line)
    return cells


def _too_long(name: str, line: int) -> Problem:
    return Problem(
        name, line, "", f"holds a cell of more than {MAX_CELL} characters", "too_long"
    )
