"""Objects of a REST page as staged rows, without a model between, where nothing is odd.

What :mod:`lti_tool.work.plain_rows` is for files, this is for pages: an object that is
what the standard asks for, to the letter, is staged as it came; any other is read with
care by :mod:`oneroster`, and both ways give the same staged row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from lti_tool.storage.staging import Staged, Value
from lti_tool.work import plain_rows
from lti_tool.work.plain_rows import OddError
from lti_tool.work.records import finished

Object = Mapping[str, Any]
Read = Callable[[Sequence[Object], str], Sequence[Value]]


def _strings(objects: Sequence[Object], field: str) -> list[str]:
    """The texts of a field, '' where it is missing."""
    found = [one.get(field) for one in objects]
    if not {type(value) for value in found} <= {str, type(None)}:
        raise OddError
    return [value or "" for value in found]


def _texts(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return plain_rows.read_texts(_strings(objects, field))


def _words(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return plain_rows.read_words(_strings(objects, field))


def _named(objects: Sequence[Object], field: str) -> list[str]:
    """The sourcedIds of references, '' where there is none."""
    found = []
    for one in objects:
        reference = one.get(field)
        if reference is None:
            found.append("")
            continue
        if type(reference) is not dict:
            raise OddError
        sourced_id = reference.get("sourcedId")
        kind, href = reference.get("type", ""), reference.get("href", "")
        if not sourced_id or {type(sourced_id), type(kind), type(href)} != {str}:
            raise OddError
        found.append(sourced_id)
    return found


def _keys(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return plain_rows.read_keys(_named(objects, field))


def _optional_keys(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return plain_rows.read_optional_keys(_named(objects, field))


def _days(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return plain_rows.read_days(_strings(objects, field))


def _moments(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return plain_rows.read_stamps(_strings(objects, field))


def _numbers(objects: Sequence[Object], field: str) -> Sequence[Value]:
    found = [one.get(field) for one in objects]
    if not {type(value) for value in found} <= {int, float, type(None)}:
        raise OddError
    numbers = [None if value is None else float(value) for value in found]
    # Not a number is not itself; infinity less itself is not nought.
    if any(value is not None and value - value != 0 for value in numbers):
        raise OddError
    return numbers


def _flags(objects: Sequence[Object], field: str) -> Sequence[Value]:
    found = [one.get(field) for one in objects]
    if not {type(value) for value in found} <= {bool, str, type(None)}:
        raise OddError
    texts = [value if type(value) is str else _FLAG_WORDS[value] for value in found]
    return plain_rows.read_flags(texts)


_FLAG_WORDS: Final = {None: "", True: "true", False: "false"}


def _roles(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return plain_rows.read_roles(_strings(objects, field))


def _statuses(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return plain_rows.read_statuses(_strings(objects, field))


def _nothing(objects: Sequence[Object], field: str) -> Sequence[Value]:
    """A field that a plain object has not."""
    if any(one.get(field) is not None for one in objects):
        raise OddError
    return [None] * len(objects)


def _empty_list(objects: Sequence[Object], field: str) -> Sequence[Value]:
    found = [one.get(field) for one in objects]
    if any(value is not None and value != [] for value in found):
        raise OddError
    return ["[]"] * len(objects)


def _no_metadata(objects: Sequence[Object], field: str) -> Sequence[Value]:
    found = [one.get(field) for one in objects]
    if any(value is not None and value != {} for value in found):
        raise OddError
    return found


def _no_value(objects: Sequence[Object], field: str) -> Sequence[Value]:
    del field
    return [None] * len(objects)


# Staged column, the field it is filled from, and how; "" is no field.
_PLANS: Final[Mapping[str, Mapping[str, tuple[str, Read]]]] = MappingProxyType(
    {
        "enrollments": {
            "class_sourced_id": ("class", _keys),
            "school_sourced_id": ("school", _optional_keys),
            "user_sourced_id": ("user", _keys),
            "role": ("role", _roles),
            "is_primary": ("primary", _flags),
            "begins_on": ("beginDate", _days),
            "ends_on": ("endDate", _days),
        },
        "lineItems": {
            "class_sourced_id": ("class", _keys),
            "school_sourced_id": ("school", _optional_keys),
            "score_scale_sourced_id": ("scoreScale", _optional_keys),
            "parent_sourced_id": ("", _no_value),
            "title": ("title", _words),
            "description": ("description", _texts),
            "assigned_at": ("assignDate", _moments),
            "due_at": ("dueDate", _moments),
            "category_sourced_id": ("category", _optional_keys),
            "term_sourced_id": ("academicSession", _optional_keys),
            "minimum": ("resultValueMin", _numbers),
            "maximum": ("resultValueMax", _numbers),
            "learning_objectives": ("learningObjectiveSet", _empty_list),
        },
        "results": {
            "line_item_sourced_id": ("lineItem", _keys),
            "student_sourced_id": ("student", _keys),
            "given": ("score", _numbers),
            "text_score": ("textScore", _texts),
            "score_status": ("scoreStatus", _statuses),
            "scored_on": ("scoreDate", _days),
            "comment": ("comment", _texts),
            "learning_objectives": ("learningObjectiveSet", _empty_list),
            "score_scale_sourced_id": ("scoreScale", _optional_keys),
            "percentile": ("", _no_value),
        },
    }
)
# Looked at without being staged. A line item of 1.1 names its term otherwise, which is
# a matter for the one who reads with care.
_BESIDE: Final[Mapping[str, Sequence[tuple[str, Read]]]] = MappingProxyType(
    {
        "enrollments": (("metadata", _no_metadata),),
        "lineItems": (("metadata", _no_metadata), ("gradingPeriod", _nothing)),
        "results": (("metadata", _no_metadata), ("class", _optional_keys)),
    }
)
_MARKS: Final = (
    ("in_progress", "inProgress"),
    ("incomplete", "incomplete"),
    ("late", "late"),
    ("missing", "missing"),
)
_STATUSES: Final = {"active": "active", "tobedeleted": "ended"}


class PlainObjects:
    """Turns the objects of a page into staged rows; names are the staged columns."""

    def __init__(self, collection: str, names: Sequence[str]) -> None:
        plan = _PLANS[collection]
        self._steps = [plan.get(name, ("", _marks)) for name in names]
        self._beside = _BESIDE[collection]

    @staticmethod
    def reads(collection: str) -> bool:
        """Tell whether there is a plain way for a collection."""
        return collection in _PLANS

    def rows(self, objects: Sequence[object]) -> Iterator[Staged | None]:
        """Yield the staged row of each object, None for one that is odd.

        An odd one is found by halving, so that the plain ones beside it lose little.
        """
        try:
            found = self._rows(objects)
        except (ValueError, TypeError):
            if len(objects) <= 1:
                yield from [None] * len(objects)
                return
            half = len(objects) // 2
            yield from self.rows(objects[:half])
            yield from self.rows(objects[half:])
        else:
            yield from found

    def _rows(self, objects: Sequence[Any]) -> list[Staged]:
        if any(type(one) is not dict for one in objects):
            raise OddError
        for field, read in self._beside:
            read(objects, field)
        ids = plain_rows.read_keys(_strings(objects, "sourcedId"))
        said = [one.get("status") for one in objects]
        if not set(said) <= _STATUSES.keys():
            raise OddError
        moments = _moments(objects, "dateLastModified")
        values = [read(objects, field) for field, read in self._steps]
        return [
            finished(sourced_id, _STATUSES[status], moment, row)
            for sourced_id, status, moment, row in zip(
                ids, said, moments, zip(*values, strict=True), strict=True
            )
        ]


def _marks(objects: Sequence[Object], field: str) -> Sequence[Value]:
    """The marks of results, as one JSON object each."""
    del field
    said = [_flags(objects, name) for _, name in _MARKS]
    if not any(any(column) for column in said):
        return ["{}"] * len(objects)
    return [
        json.dumps(
            {mark: True for (mark, _), is_so in zip(_MARKS, row, strict=True) if is_so},
            sort_keys=True,
        )
        for row in zip(*said, strict=True)
    ]
