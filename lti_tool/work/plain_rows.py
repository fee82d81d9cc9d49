"""Rows of a CSV file as staged rows, without a model between, where nothing is odd.

Almost every row of a large file is plain: its cells are what the standard asks for, to
the letter. Those are turned into staged values here, a column of many rows at a time;
of any other row nothing is said, and it is read with care by :mod:`oneroster`. Both
ways give the same staged row (a test holds them against each other), so that a row
never changes by the way it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from math import isfinite
from types import MappingProxyType
from typing import Final

from lti_tool.storage.staging import Staged, Value
from lti_tool.work.records import finished
from oneroster.bundle_columns import Column
from oneroster.models_gradebook import SCORE_STATUSES
from oneroster.models_rostering import ENROLLMENT_ROLES

Cells = Sequence[str]
Parse = Callable[[Cells], Sequence[Value]]
DAY_LENGTH: Final = len("2026-10-01")
LAST_DAY: Final = "9998-12-31"
# Visible ASCII without spaces; one to a line.
_KEYS: Final = re.compile(r"[!-~]+(?:\n[!-~]+)*")


class OddError(ValueError):
    """A cell that wants a closer look."""


class Memo(dict[str, Value]):
    """What cells that come again and again stand for; asked at the speed of C."""

    MOST = 4096

    def __init__(self, read: Callable[[str], Value]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: str) -> Value:
        value = self._read(cell)
        if len(self) < self.MOST:
            self[cell] = value
        return value

    def column(self, cells: Cells) -> Sequence[Value]:
        """Return what each cell stands for."""
        return list(map(self.__getitem__, cells))


def read_texts(cells: Cells) -> Sequence[Value]:
    """Text, or nothing where a cell is blank."""
    if not any(cells):
        return [None] * len(cells)
    if any(cell[0] <= " " or cell.isspace() for cell in cells if cell):
        raise OddError
    return [cell or None for cell in cells]


def read_words(cells: Cells) -> Sequence[Value]:
    """Text, which is empty where a cell is blank."""
    return [cell or "" for cell in read_texts(cells)]


def read_keys(cells: Cells) -> Sequence[Value]:
    """SourcedIds of other records, which must stand there."""
    if _KEYS.fullmatch("\n".join(cells)) is None:
        raise OddError
    return cells


def read_optional_keys(cells: Cells) -> Sequence[Value]:
    """SourcedIds, or nothing where a cell is blank."""
    present = [cell for cell in cells if cell]
    if not present:
        return [None] * len(cells)
    read_keys(present)
    return cells if len(present) == len(cells) else [cell or None for cell in cells]


def _day(cell: str) -> Value:
    if not cell:
        return None
    if len(cell) != DAY_LENGTH or cell[4] != "-" or cell[7] != "-":
        raise OddError
    date.fromisoformat(cell)
    return cell


def _moment(cell: str) -> Value:
    """A day, as its first moment."""
    if cell > LAST_DAY:
        raise OddError
    return f"{_day(cell)} 00:00:00.000000" if cell else None


def _number(cell: str) -> Value:
    if not cell:
        return None
    number = float(cell)
    if not isfinite(number):
        raise OddError
    return number


def _one_of(words: Mapping[str, Value]) -> Callable[[str], Value]:
    def read(cell: str) -> Value:
        if cell not in words:
            raise OddError
        return words[cell]

    return read


def _same(words: Sequence[str]) -> dict[str, Value]:
    return {word: word for word in words}


read_days: Final = Memo(_day).column
read_moments: Final = Memo(_moment).column
read_numbers: Final = Memo(_number).column
read_flags: Final = Memo(_one_of({"": None, "true": True, "false": False})).column
read_roles: Final = Memo(_one_of(_same(ENROLLMENT_ROLES))).column
read_statuses: Final = Memo(_one_of({"": None, **_same(SCORE_STATUSES)})).column


# Staged column, the field of the REST object it is filled from, and how.
_Plan = tuple[tuple[str, str, Parse], ...]
PLANS: Final[Mapping[str, _Plan]] = MappingProxyType(
    {
        "enrollments": (
            ("class_sourced_id", "class", read_keys),
            ("school_sourced_id", "school", read_optional_keys),
            ("user_sourced_id", "user", read_keys),
            ("role", "role", read_roles),
            ("is_primary", "primary", read_flags),
            ("begins_on", "beginDate", read_days),
            ("ends_on", "endDate", read_days),
        ),
        "lineItems": (
            ("class_sourced_id", "class", read_keys),
            ("school_sourced_id", "school", read_optional_keys),
            ("title", "title", read_words),
            ("description", "description", read_texts),
            ("assigned_at", "assignDate", read_moments),
            ("due_at", "dueDate", read_moments),
            ("category_sourced_id", "category", read_optional_keys),
            ("term_sourced_id", "academicSession gradingPeriod", read_optional_keys),
            ("minimum", "resultValueMin", read_numbers),
            ("maximum", "resultValueMax", read_numbers),
        ),
        "results": (
            ("line_item_sourced_id", "lineItem", read_keys),
            ("student_sourced_id", "student", read_keys),
            ("given", "score", read_numbers),
            ("text_score", "textScore", read_texts),
            ("score_status", "scoreStatus", read_statuses),
            ("scored_on", "scoreDate", read_days),
            ("comment", "comment", read_texts),
        ),
    }
)
_MARKS: Final = (
    ("in_progress", "inProgress"),
    ("incomplete", "incomplete"),
    ("late", "late"),
    ("missing", "missing"),
)
# What a row has beside; what stands in other files it cannot have.
_FIXED: Final[Mapping[str, Value]] = MappingProxyType(
    {
        "flags": "{}",
        "learning_objectives": "[]",
        "parent_sourced_id": None,
        "percentile": None,
        "score_scale_sourced_id": None,
    }
)
# A row of a snapshot carries none of these; one that does is read with care.
_STAMPS: Final = ("status", "dateLastModified")


def _blanks(cells: Cells) -> Sequence[Value]:
    if any(cells):
        raise OddError
    return cells


# How a column that is not staged is looked at all the same, by its kind.
_UNUSED: Final[Mapping[str, Parse]] = MappingProxyType(
    {
        "text": read_texts,
        "r": read_optional_keys,
        "n": read_numbers,
        "b": read_flags,
        "d": read_days,
    }
)


class PlainReader:
    """Turns the rows of one file into staged rows; names are the staged columns."""

    def __init__(
        self, collection: str, columns: Sequence[Column | None], names: Sequence[str]
    ) -> None:
        places = {column.field: n for n, column in enumerate(columns) if column}
        plan = {name: (fields.split(), how) for name, fields, how in PLANS[collection]}
        self._width = len(columns)
        self._id = places["sourcedId"]
        self._marks = [(mark, places[one]) for mark, one in _MARKS if one in places]
        self._steps: list[tuple[int, Parse, Value]] = []
        for name in names:
            fields, how = plan.get(name, ((), read_texts))
            place = next((places[one] for one in fields if one in places), -1)
            self._steps.append((place, how, _FIXED.get(name)))
        self._lacks = [
            how for place, how, _ in self._steps if place < 0 and how is read_keys
        ]
        self._flags_at = names.index("flags") if "flags" in names else -1
        used = {self._id, *(place for place, _, _ in self._steps)}
        used |= {place for _, place in self._marks}
        stamps = {places[one] for one in _STAMPS if one in places}
        self._others = [
            (place, _blanks if place in stamps else _UNUSED.get(one.kind, _blanks))
            for place, one in enumerate(columns)
            if one is not None and place not in used
        ]
        self._needed = [n for n, one in enumerate(columns) if one and one.required]

    def rows(self, block: Sequence[Cells]) -> Iterator[Staged | None]:
        """Yield the staged row of each row of cells, None for one that is odd.

        An odd row is found by halving the block, so that the plain ones beside it
        lose little.
        """
        try:
            found = self._rows(block)
        except ValueError:
            if len(block) == 1:
                yield None
                return
            half = len(block) // 2
            yield from self.rows(block[:half])
            yield from self.rows(block[half:])
        else:
            yield from found

    def _rows(self, block: Sequence[Cells]) -> list[Staged]:
        if self._lacks or any(len(cells) != self._width for cells in block):
            raise OddError
        columns = list(zip(*block, strict=True))
        if not all(all(columns[place]) for place in self._needed):
            raise OddError
        for place, parse in self._others:
            parse(columns[place])
        values = [
            parse(columns[place]) if place >= 0 else [fixed] * len(block)
            for place, parse, fixed in self._steps
        ]
        if any(any(columns[place]) for _, place in self._marks):
            values[self._flags_at] = self._read_marks(columns)
        ids = read_keys(columns[self._id])
        return [
            finished(sourced_id, "active", None, row)
            for sourced_id, row in zip(ids, zip(*values, strict=True), strict=True)
        ]

    def _read_marks(self, columns: Sequence[Cells]) -> Sequence[Value]:
        names = [mark for mark, _ in self._marks]
        said = [read_flags(columns[place]) for _, place in self._marks]
        return [
            json.dumps(
                {mark: True for mark, is_so in zip(names, row, strict=True) if is_so},
                sort_keys=True,
            )
            for row in zip(*said, strict=True)
        ]
