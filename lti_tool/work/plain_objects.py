"""Objects of a REST page as staged rows, without a model between, where nothing is odd.

What :mod:`lti_tool.work.plain_rows` is for files, this is for pages: an object that is
what the standard asks for, to the letter, is staged as it came; any other is read with
care by :mod:`oneroster`, and both ways give the same staged row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from lti_tool.storage.staging import Staged, Value
from lti_tool.work import plain_parts, plain_rows
from lti_tool.work.plain_rows import OddError
from lti_tool.work.records import Numbers, Same, fingerprints

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


def _names(references: Sequence[Any]) -> list[str]:
    """The sourcedIds of references, all of which must be sound."""
    if not {type(one) for one in references} <= {dict}:
        raise OddError
    names = [one.get("sourcedId") for one in references]
    words = {type(one.get("type", "")) for one in references}
    words |= {type(one.get("href", "")) for one in references}
    if not (all(names) and words | {type(one) for one in names} <= {str}):
        raise OddError
    return names


def _named(objects: Sequence[Object], field: str) -> list[str]:
    """The sourcedIds of references, '' where there is none."""
    found = [one.get(field) for one in objects]
    if None not in found:
        return _names(found)
    named = iter(_names([one for one in found if one is not None]))
    return ["" if one is None else next(named) for one in found]


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
    return Numbers(numbers)


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
    return Same([None] * len(objects))


def _empty_list(objects: Sequence[Object], field: str) -> Sequence[Value]:
    found = [one.get(field) for one in objects]
    if any(value is not None and value != [] for value in found):
        raise OddError
    return Same(["[]"] * len(objects))


def _no_metadata(objects: Sequence[Object], field: str) -> Sequence[Value]:
    found = [one.get(field) for one in objects]
    if any(value is not None and value != {} for value in found):
        raise OddError
    return found


def _no_value(objects: Sequence[Object], field: str) -> Sequence[Value]:
    del field
    return Same([None] * len(objects))


def _enabled(objects: Sequence[Object], field: str) -> Sequence[Value]:
    """A flag that is true where nothing is said."""
    found = [True if one.get(field) is None else one[field] for one in objects]
    return _flags([{field: value} for value in found], field)


def _items(one: Object, field: str) -> list[Any]:
    found = one.get(field)
    if found is None:
        return []
    if type(found) is not list:
        raise OddError
    return found


def _texts_of(one: Object, field: str) -> tuple[str, ...]:
    found = tuple(_items(one, field))
    if not {type(text) for text in found} <= {str}:
        raise OddError
    return found


@lru_cache(maxsize=4096)
def _dumped(texts: tuple[str, ...]) -> str:
    return json.dumps(texts)


def _lists(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return [_dumped(_texts_of(one, field)) for one in objects]


def _key_lists(objects: Sequence[Object], field: str) -> Sequence[Value]:
    found = [_items(one, field) for one in objects]
    if not any(found):
        return Same(["[]"] * len(objects))
    names = [_names(references) for references in found]
    plain_rows.read_keys([name for each in names for name in each])
    return list(map(json.dumps, names))


def _user_ids(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return [
        json.dumps([_user_id(part) for part in _items(one, field)]) for one in objects
    ]


def _user_id(part: Object) -> dict[str, str]:
    if type(part) is not dict:
        raise OddError
    kind, identifier = part.get("type", ""), part.get("identifier")
    if {type(kind), type(identifier)} != {str}:
        raise OddError
    return {"identifier": identifier, "type": kind}


def _user_roles(objects: Sequence[Object], field: str) -> Sequence[Value]:
    return [f"[{', '.join(map(_role, _items(one, field)))}]" for one in objects]


def _role(part: Object) -> str:
    if type(part) is not dict:
        raise OddError
    if part.get("status", "active") != "active":
        raise OddError
    kind = "primary" if part.get("roleType") is None else part["roleType"]
    words = (part.get("role"), kind, part.get("beginDate"), part.get("endDate"))
    profile = part.get("userProfile")
    if not {type(word) for word in (*words, profile)} <= {str, type(None)}:
        raise OddError
    (org,) = _names([part.get("org")])
    plain_rows.read_keys([org])
    told = plain_parts.role_text(*(word or "" for word in words))
    return told % json.dumps(org)


# Staged column, the field it is filled from, and how; "" is no field.
_PLANS: Final[Mapping[str, Mapping[str, tuple[str, Read]]]] = MappingProxyType(
    {
        "users": {
            "username": ("username", _texts),
            "given_name": ("givenName", _words),
            "family_name": ("familyName", _words),
            "middle_name": ("middleName", _texts),
            "preferred_given_name": ("preferredFirstName", _texts),
            "preferred_family_name": ("preferredLastName", _texts),
            "identifier": ("identifier", _texts),
            "email": ("email", _texts),
            "is_enabled": ("enabledUser", _enabled),
            "roles": ("roles", _user_roles),
            "grades": ("grades", _lists),
            "user_ids": ("userIds", _user_ids),
            "agents": ("agents", _key_lists),
            "user_master_identifier": ("userMasterIdentifier", _texts),
            "primary_org_sourced_id": ("primaryOrg", _optional_keys),
        },
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
# Looked at without being staged. A line item of 1.1 names its term otherwise, and a
# user of 1.1 its role: a matter for the one who reads with care.
_BESIDE: Final[Mapping[str, Sequence[tuple[str, Read]]]] = MappingProxyType(
    {
        "users": (
            ("metadata", _no_metadata),
            ("role", _nothing),
            ("org", _nothing),
            ("orgs", _nothing),
            ("userProfiles", _empty_list),
            ("resources", _key_lists),
            *(
                (name, _texts)
                for name in ("preferredMiddleName", "pronouns", "sms", "phone")
            ),
            ("password", _texts),
        ),
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
        statuses = [_STATUSES[status] for status in said]
        moments = _moments(objects, "dateLastModified")
        values = [read(objects, field) for field, read in self._steps]
        first = (ids, statuses, moments, fingerprints(values))
        return list(zip(*first, *values, strict=True))


def _marks(objects: Sequence[Object], field: str) -> Sequence[Value]:
    """The marks of results, as one JSON object each."""
    del field
    said = [_flags(objects, name) for _, name in _MARKS]
    if not any(any(column) for column in said):
        return Same(["{}"] * len(objects))
    return [
        json.dumps(
            {mark: True for (mark, _), is_so in zip(_MARKS, row, strict=True) if is_so},
            sort_keys=True,
        )
        for row in zip(*said, strict=True)
    ]
