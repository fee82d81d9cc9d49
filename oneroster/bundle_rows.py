"""Rows of one CSV file: strict RFC 4180, UTF-8, any size in little memory."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from oneroster.errors import BundleError, Problem

__all__ = ["MAX_CELL", "Block", "Row", "read_blocks", "read_rows"]

MAX_CELL = 131_072
"""Characters in one cell."""
MAX_RECORD = 4 * 1024 * 1024
"""Bytes in one row; beyond it the row is rejected without being held."""
BLOCK = 16 * 1024
"""Bytes taken at once where nothing in them is odd."""
QUOTE = b'"'
BOM = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One row and the line of the file, counted from 1, on which it begins."""

    line: int
    cells: list[str]


class Block(NamedTuple):
    """Rows that follow each other: of each the line it begins on, and its cells."""

    lines: Sequence[int]
    rows: list[list[str]]

    def after(self, count: int) -> "Block":
        """Give the block without its first rows."""
        return Block(self.lines[count:], self.rows[count:])


def read_rows(file: IO[bytes], name: str) -> Iterator[Row | Problem]:
    """Yield the rows one by one; see :func:`read_blocks`."""
    return in_rows(read_blocks(file, name))


def in_rows(blocks: Iterator[Block | Problem]) -> Iterator[Row | Problem]:
    """Yield what blocks hold, row by row."""
    for block in blocks:
        if isinstance(block, Problem):
            yield block
        else:
            yield from map(Row, block.lines, block.rows)


def read_blocks(file: IO[bytes], name: str) -> Iterator[Block | Problem]:
    """Yield the rows in file order, the header first; empty lines are left out.

    A row with a cell beyond 131,072 characters or with a NUL is a Problem; the
    rows after it are read all the same.

    Raises:
        BundleError: ``encoding`` where the bytes are not UTF-8, ``csv_syntax``
            where a quote is not closed or not doubled.
    """
    header: list[str] = []
    for line, raw in _blocks(file):
        if isinstance(raw, bytes):
            found = _plain_rows(raw, line)
            if found is not None:
                if found.rows:
                    header = header or found.rows[0]
                    yield found
                continue
        rest = io.BytesIO(raw) if isinstance(raw, bytes) else raw
        for one in _careful_rows(rest, name, line, header):
            header = header or (one.cells if isinstance(one, Row) else [])
            yield Block([one.line], [one.cells]) if isinstance(one, Row) else one


def _blocks(file: IO[bytes]) -> Iterator[tuple[int, "bytes | _Rest"]]:
    """Yield many whole records at once, with the line they begin on.

    In a sound record the quotes are even in number, so a block whose quotes are even
    ends between two records. Where that does not come in time, the rest of the file
    comes as one, to be read with care.
    """
    line, block = 1, file.read(BLOCK).removeprefix(BOM)
    while block:
        block += file.readline(MAX_RECORD)
        while block.count(QUOTE) % 2 and len(block) < BLOCK + MAX_RECORD:
            piece = file.readline(MAX_RECORD)
            if not piece:
                break
            block += piece
        if block.count(QUOTE) % 2 or len(block) >= BLOCK + MAX_RECORD:
            yield line, _Rest(block, file)
            return
        yield line, block
        line += block.count(b"\n")
        block = file.read(BLOCK)


class _Rest:
    """Bytes already read, and the file they came from."""

    def __init__(self, begun: bytes, file: IO[bytes]) -> None:
        self._begun = io.BytesIO(begun)
        self._file = file

    def readline(self, size: int) -> bytes:
        """Give the next line, or so many bytes of it."""
        piece = self._begun.readline(size)
        if len(piece) == size or piece.endswith(b"\n"):
            return piece
        return piece + self._file.readline(size - len(piece))


def _plain_rows(block: bytes, line: int) -> Block | None:
    """Split a block at once; None if anything in it is odd."""
    if b"\x00" in block or block.count(b"\r") != block.count(b"\r\n"):
        return None
    # The limit is the application's, and so may be above ours.
    if csv.field_size_limit() > MAX_CELL and len(block) > MAX_CELL:
        return None
    try:
        text = block.decode("utf-8")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error):
        return None
    if reader.line_num == len(rows) and all(rows):
        return Block(range(line, line + len(rows)), rows)
    return _with_lines(text, line)


def _with_lines(text: str, line: int) -> Block:
    """Split sound text of which some rows are empty, or longer than a line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    before = 0
    for cells in reader:
        if cells:
            lines.append(line + before)
            rows.append(cells)
        before = reader.line_num
    return Block(lines, rows)


def _careful_rows(
    file: "IO[bytes] | _Rest", name: str, line: int, header: list[str]
) -> Iterator[Row | Problem]:
    """Yield the rows one by one, saying of each what is wrong with it."""
    for at, record in _records(file, name, line):
        if record is None:
            yield Problem(name, at, "", "is longer than a row may be", "too_long")
            continue
        cells = _cells(_decoded(record, name, at, header), name, at)
        if isinstance(cells, Problem):
            yield cells
        elif cells:
            header = header or cells
            yield Row(at, cells)


def _records(
    file: "IO[bytes] | _Rest", name: str, line: int
) -> Iterator[tuple[int, bytes | None]]:
    """Yield each record with its line; None in place of one too long to hold.

    In a sound record the quotes are even in number, so a line break stands
    inside a cell exactly where they are odd.
    """
    begun, open_quote, size = line, False, 0
    pieces: list[bytes] = []
    while piece := file.readline(MAX_RECORD):
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
        raise BundleError(
            f"{name} line {row} column {column}{_field_at(before, header)}: "
            f"byte 0x{record[error.start]:02x} is not UTF-8; save the file as UTF-8",
            code="encoding",
        ) from error


def _field_at(before: str, header: list[str]) -> str:
    """Name the column in which a row breaks off; nothing where there is none."""
    try:
        cells = next(csv.reader([" ".join(before.splitlines())]), [])
    except csv.Error:
        return ""
    place = max(len(cells) - 1, 0)
    return f" ({header[place]})" if place < len(header) else ""


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
