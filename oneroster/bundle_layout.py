"""What stands in which column of a file, from its header."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from oneroster.bundle_cells import parse_cell
from oneroster.bundle_columns import FILES, Column
from oneroster.bundle_rows import Row
from oneroster.errors import BundleError, Problem
from oneroster.wire import LONGEST_FORM, shape_of

__all__ = ["Layout", "parse_layout"]

METADATA = "metadata."
DELTA_NEEDS = ("status", "dateLastModified")
FALLIBLE = frozenset({"ids", "steps"})
"""Kinds of cells that may not be what they should be."""
ACTIVE = frozenset({"", "active"})


@dataclass(slots=True)
class Layout:
    """The columns of one file as it lies there, each with its place in a row."""

    file: str
    width: int
    columns: list[tuple[int, Column]]
    metadata: list[tuple[int, str]]
    warnings: list[Problem]
    _told: set[str] = field(default_factory=set)

    def values(self, row: Row) -> tuple[dict[str, Any] | None, list[Problem]]:
        """Turn a row into the object REST would send, and tell its faults.

        The object is None if the row has not one cell for each column, blank
        cells after the last column aside. A blank cell that the standard
        requires is told once a file.
        """
        cells, faults = row.cells, self._length_faults(row)
        if faults and not faults[0].warning:
            return None, faults
        found: dict[str, Any] = {}
        for place, column in self.columns:
            cell = cells[place]
            if not cell or cell.isspace():
                if column.required:
                    faults += self._blank(column, row.line)
                continue
            try:
                found[column.field] = parse_cell(column, cell)
            except ValueError as error:
                text = f"{error}; left out"
                fault = self._warning(row.line, column.name, text, "bad_value")
                faults.append(replace(fault, value=shape_of(cell)[:LONGEST_FORM]))
        if not self.metadata:
            return found, faults
        extra = {name: row.cells[place] for place, name in self.metadata}
        kept = {name: cell for name, cell in extra.items() if cell}
        return found | ({"metadata": kept} if kept else {}), faults

    def places(self) -> list[Column | None]:
        """Tell what stands in each place of a row; None is no column of ours."""
        found: list[Column | None] = [None] * self.width
        for place, column in self.columns:
            found[place] = column
        return found

    def place_of(self, name: str) -> int:
        """Tell in which place of a row a column stands that must be there."""
        return next(place for place, column in self.columns if column.name == name)

    def is_plain(self, rows: Sequence[Sequence[str]]) -> bool:
        """Tell whether :meth:`values` would find no fault in any of these rows.

        And whether all of them are active. Told of many rows at once; False says
        nothing of any one of them.
        """
        if set(map(len, rows)) != {self.width}:
            return False
        for place, column in self.columns:
            if column.kind in FALLIBLE:
                return False
            if column.required and not all(cells[place].strip() for cells in rows):
                return False
            is_status = column.name == "status"
            if is_status and not {cells[place] for cells in rows} <= ACTIVE:
                return False
        return True

    def wire(self, line: int, cells: list[str]) -> dict[str, Any]:
        """Turn a row that :meth:`is_plain` into the object REST would send."""
        found, _faults = self.values(Row(line, cells))
        return {"status": "active"} | (found or {})

    def column_of(self, place: str) -> str:
        """Name the column that fills a field of the REST object."""
        head = place.partition(".")[0]
        names = {column.field: column.name for _place, column in self.columns}
        return names.get(head, place)

    def _length_faults(self, row: Row) -> list[Problem]:
        if len(row.cells) == self.width:
            return []
        text = f"has {len(row.cells)} cells, the header {self.width}"
        # Blank cells beyond the header shift nothing; seen in Ed-Fi's 1.1 sample,
        # 2025, users.csv.
        harmless = len(row.cells) > self.width and not any(row.cells[self.width :])
        return [Problem(self.file, row.line, "", text, "row_length", warning=harmless)]

    def _blank(self, column: Column, line: int) -> list[Problem]:
        if column.name in self._told:
            return []
        self._told.add(column.name)
        text = "is blank although the standard requires it"
        return [self._warning(line, column.name, text, "blank")]

    def _warning(self, line: int, name: str, text: str, code: str) -> Problem:
        return Problem(self.file, line, name, text, code, warning=True)


def parse_layout(
    version: str, name: str, header: Sequence[str], *, delta: bool
) -> Layout:
    """Read the header of the file ``name.csv``, which is bulk unless it is delta.

    Raises:
        BundleError: ``header``, if a required column is missing or one comes twice.
    """
    file = f"{name}.csv"
    heads = [head.strip() for head in header]
    known = {
        column.name: replace(column, required=True)
        if delta and column.name in DELTA_NEEDS
        else column
        for column in FILES[version][name]
    }
    twice = next((head for head in heads if head and heads.count(head) > 1), None)
    if twice is not None:
        raise BundleError(
            f'{file} line 1: column "{twice}" comes twice; keep one', code="header"
        )
    for column in known.values():
        if column.required and column.name not in heads:
            raise BundleError(_lacking(file, column.name, heads), code="header")
    columns = [
        (place, known[head]) for place, head in enumerate(heads) if head in known
    ]
    metadata = [
        (place, head.removeprefix(METADATA))
        for place, head in enumerate(heads)
        if head.startswith(METADATA)
    ]
    warnings = _warnings(file, heads, list(known))
    return Layout(file, len(heads), columns, metadata, warnings)


def _lacking(file: str, name: str, heads: list[str]) -> str:
    folded = {head.lower(): head for head in heads}
    alike = get_close_matches(name.lower(), folded, n=1)
    found = f' (there is "{folded[alike[0]]}")' if alike else ""
    return f'{file} line 1: no column "{name}"{found}; correct the header'


def _warnings(file: str, heads: list[str], known: list[str]) -> list[Problem]:
    """Tell of columns we do not know, lack, or find out of their order."""
    warnings = [
        Problem(file, 1, head, "is no column of the standard; ignored", "extra_column")
        for head in heads
        if head not in known and not head.startswith(METADATA)
    ]
    warnings += [
        Problem(file, 1, name, "has no column; taken as blank", "missing_column")
        for name in known
        if name not in heads
    ]
    ours = [head for head in heads if head in known]
    if ours != [name for name in known if name in heads]:
        text = "are not in the order of the standard; read by name"
        warnings.append(Problem(file, 1, "columns", text, "column_order"))
    return [replace(found, warning=True) for found in warnings]
