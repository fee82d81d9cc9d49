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
from datetime import date, datetime
from math import isfinite
from types import MappingProxyType
from typing import Final

from lti_tool.storage.staging import Staged, Value
from lti_tool.work.records import Numbers, Same, fingerprints
from oneroster.bundle_columns import Column
from oneroster.models_gradebook import SCORE_STATUSES
from oneroster.models_rostering import CLASS_TYPES, ENROLLMENT_ROLES

Cells = Sequence[str]
Parse = Callable[[Cells], Sequence[Value]]
DAY_LENGTH: Final = len("2026-10-01")
# Years are written with four digits, and the last of them is no year.
FIRST_DAY: Final = "1000-01-01"
LAST_DAY: Final = "9998-12-31"
MOMENT_LENGTHS: Final = (len("2026-10-01T06:00:00Z"), len("2026-10-01T06:00:00.000Z"))
_POINT: Final = 19
_USER_IDS: Final = re.compile(
    r"\{[\w.@-]+:[\w.@-]+\}(?:,\{[\w.@-]+:[\w.@-]+\})*", re.ASCII
)
_USER_ID: Final = re.compile(r"\{([^:]+):([^}]+)\}")


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
        if not any(cells):
            return Same([self[""]] * len(cells))
        return list(map(self.__getitem__, cells))


def read_texts(cells: Cells) -> Sequence[Value]:
    """Text, or nothing where a cell is blank."""
    if not any(cells):
        return Same([None] * len(cells))
    _refuse_framed(cells)
    return cells if all(cells) else [cell or None for cell in cells]


def read_words(cells: Cells) -> Sequence[Value]:
    """Text, which is empty where a cell is blank."""
    _refuse_framed(cells)
    return cells


def _refuse_framed(cells: Cells) -> None:
    """Refuse text that begins with a space, or is none but spaces."""
    firsts = {cell[0] for cell in cells if cell}
    if any(one <= " " or one.isspace() for one in firsts) and any(
        cell[0] <= " " or cell.isspace() for cell in cells if cell
    ):
        raise OddError


def read_keys(cells: Cells) -> Sequence[Value]:
    """SourcedIds of other records, which must stand there: visible ASCII."""
    text = "".join(cells)
    is_visible = text.isascii() and text.isprintable() and " " not in text
    if not (is_visible and all(cells)):
        raise OddError
    return cells


def read_optional_keys(cells: Cells) -> Sequence[Value]:
    """SourcedIds, or nothing where a cell is blank."""
    if all(cells):
        return read_keys(cells)
    present = [cell for cell in cells if cell]
    if not present:
        return Same([None] * len(cells))
    read_keys(present)
    return [cell or None for cell in cells]


def read_ready(cells: Cells) -> Sequence[Value]:
    """What is staged as it stands."""
    return cells


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


def read_stamp(cell: str) -> Value:
    """A moment as OneRoster writes it: UTC, milliseconds or none, Z."""
    if not cell:
        return None
    is_strict = len(cell) in MOMENT_LENGTHS and cell[-1] == "Z" and cell[10] == "T"
    if not is_strict or not FIRST_DAY < cell < LAST_DAY or cell[_POINT] not in ".Z":
        raise OddError
    datetime.fromisoformat(cell)
    return f"{cell[:10]} {cell[11:_POINT]}.{cell[_POINT + 1 : -1] or '000'}000"


def _split(cell: str) -> list[str]:
    """The parts of a list cell without quotes."""
    if '"' in cell or not cell.isprintable():
        raise OddError
    return [part.strip() for part in cell.split(",") if part.strip()]


def _list(cell: str) -> Value:
    return json.dumps(_split(cell))


def _key_list(cell: str) -> Value:
    parts = _split(cell)
    read_keys(parts or ["-"])
    return json.dumps(parts)


def _user_ids(cell: str) -> Value:
    if not cell:
        return "[]"
    if _USER_IDS.fullmatch(cell) is None:
        raise OddError
    pairs = _USER_ID.findall(cell)
    return json.dumps([{"identifier": one, "type": name} for name, one in pairs])


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
read_stamps: Final = Memo(read_stamp).column
read_lists: Final = Memo(_list).column
read_key_lists: Final = Memo(_key_list).column
read_user_ids: Final = Memo(_user_ids).column
_numbers: Final = Memo(_number).column
read_flags: Final = Memo(_one_of({"": None, "true": True, "false": False})).column
read_roles: Final = Memo(_one_of(_same(ENROLLMENT_ROLES))).column
read_statuses: Final = Memo(_one_of({"": None, **_same(SCORE_STATUSES)})).column
read_class_types: Final = Memo(_one_of({"": None, **_same(CLASS_TYPES)})).column
_read_ends: Final = Memo(
    _one_of({"": "active", "active": "active", "tobedeleted": "ended"})
).column


def read_numbers(cells: Cells) -> Sequence[Value]:
    """Numbers, or nothing where a cell is blank."""
    found = _numbers(cells)
    return found if isinstance(found, Same) else Numbers(found)


# Staged column, the field of the REST object it is filled from, and how.
_Plan = tuple[tuple[str, str, Parse], ...]
PLANS: Final[Mapping[str, _Plan]] = MappingProxyType(
    {
        "classes": (
            ("title", "title", read_words),
            ("class_code", "classCode", read_texts),
            ("class_type", "classType", read_class_types),
            ("grades", "grades", read_lists),
            ("subjects", "subjects", read_lists),
            ("periods", "periods", read_lists),
            ("sis_course_sourced_id", "course", read_optional_keys),
            ("school_sourced_id", "school", read_optional_keys),
            ("term_sourced_ids", "terms", read_key_lists),
        ),
        "users": (
            ("username", "username", read_texts),
            ("given_name", "givenName", read_words),
            ("family_name", "familyName", read_words),
            ("middle_name", "middleName", read_texts),
            ("preferred_given_name", "preferredFirstName", read_texts),
            ("preferred_family_name", "preferredLastName", read_texts),
            ("identifier", "identifier", read_texts),
            ("email", "email", read_texts),
            ("is_enabled", "enabledUser", read_flags),
            # Not a cell of the row: what its rows in another file come to.
            ("roles", "roles", read_ready),
            ("grades", "grades", read_lists),
            ("user_ids", "userIds", read_user_ids),
            ("agents", "agents", read_key_lists),
            ("user_master_identifier", "userMasterIdentifier", read_texts),
            ("primary_org_sourced_id", "primaryOrg", read_optional_keys),
        ),
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
        "resource_sourced_ids": "[]",
        "score_scale_sourced_id": None,
    }
)


def _blanks(cells: Cells) -> Sequence[Value]:
    if any(cells):
        raise OddError
    return cells


# How a column that is not staged is looked at all the same, by its kind.
_UNUSED: Final[Mapping[str, Parse]] = MappingProxyType(
    {
        "text": read_texts,
        "r": read_optional_keys,
        "m": read_key_lists,
        "l": read_lists,
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
        self._status = places.get("status", -1)
        self._stamp = places.get("dateLastModified", -1)
        used = {self._id, self._status, self._stamp}
        used.update(place for place, _, _ in self._steps)
        used.update(place for _, place in self._marks)
        self._others = [
            (place, _UNUSED.get(one.kind, _blanks))
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
        if self._lacks or set(map(len, block)) != {self._width}:
            raise OddError
        columns = list(zip(*block, strict=True))
        if not all(all(columns[place]) for place in self._needed):
            raise OddError
        for place, parse in self._others:
            parse(columns[place])
        ids = read_keys(columns[self._id])
        count = len(block)
        values = [
            parse(columns[place]) if place >= 0 else Same([fixed] * count)
            for place, parse, fixed in self._steps
        ]
        if any(any(columns[place]) for _, place in self._marks):
            values[self._flags_at] = self._read_marks(columns)
        blank = [""] * count
        said = columns[self._status] if self._status >= 0 else blank
        stamps = columns[self._stamp] if self._stamp >= 0 else blank
        first = (ids, _read_ends(said), read_stamps(stamps), fingerprints(values))
        return list(zip(*first, *values, strict=True))

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
