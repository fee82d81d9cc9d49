"""What would become of a source's records here: field by field, before any sync.

Only shapes leave this module: whatever belongs to a person is masked, and counts are
of the records that were read, which may be fewer than there are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from oneroster.errors import Problem
from oneroster.models import Record

SAMPLE: Final = 5
# Values of one field that nobody knows: no more are listed.
MOST_VALUES: Final = 20
LONGEST: Final = 120
_SHOWN_LETTERS: Final = 12
_RUN: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of theirs, the name of ours, and whether it tells of a person.

    known are the words of its vocabulary; unknown is what becomes of any other: a
    code the pages have words for.
    """

    theirs: str
    ours: str
    is_personal: bool = False
    known: tuple[str, ...] = ()
    unknown: str = ""


_USER_ROLES: Final = (
    "aide counselor districtAdministrator guardian parent principal proctor relative "
    "siteAdministrator student systemAdministrator teacher"
)
# Source: OneRoster 1.2; what is kept is what lti_tool.work.records writes.
FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {
    "orgs": (
        Field("sourcedId", "id"),
        Field("name", "name"),
        Field(
            "type",
            "kind",
            known=("department", "school", "district", "local", "state", "national"),
            unknown="not_a_school",
        ),
        Field("identifier", "number"),
        Field("parent", "parent"),
    ),
    "academicSessions": (
        Field("sourcedId", "id"),
        Field("title", "title"),
        Field(
            "type",
            "kind",
            known=("gradingPeriod", "semester", "schoolYear", "term"),
            unknown="kept",
        ),
        Field("startDate", "first_day"),
        Field("endDate", "last_day"),
        Field("schoolYear", "school_year"),
        Field("parent", "parent"),
    ),
    "courses": (
        Field("sourcedId", "id"),
        Field("title", "title"),
        Field("courseCode", "code"),
        Field("grades", "grades"),
        Field("subjects", "subjects"),
        Field("org", "school"),
    ),
    "classes": (
        Field("sourcedId", "id"),
        Field("title", "course_title"),
        Field("classCode", "code"),
        Field("classType", "kind", known=("homeroom", "scheduled"), unknown="kept"),
        Field("course", "catalogue_course"),
        Field("school", "school"),
        Field("terms", "terms"),
        Field("periods", "periods"),
    ),
    "users": (
        Field("sourcedId", "id", is_personal=True),
        Field("givenName", "given_name", is_personal=True),
        Field("familyName", "family_name", is_personal=True),
        Field("preferredFirstName", "preferred_name", is_personal=True),
        Field("username", "username", is_personal=True),
        Field("identifier", "number", is_personal=True),
        Field("userIds", "other_ids", is_personal=True),
        Field("userMasterIdentifier", "master_id", is_personal=True),
        Field("email", "email", is_personal=True),
        Field("roles", "roles", known=tuple(_USER_ROLES.split()), unknown="no_rights"),
        Field("primaryOrg", "school"),
        Field("grades", "grades"),
        Field("enabledUser", "enabled"),
        Field("agents", "family", is_personal=True),
    ),
    "enrollments": (
        Field("sourcedId", "id"),
        Field("user", "person", is_personal=True),
        Field("class", "course_title"),
        Field("school", "school"),
        Field(
            "role",
            "role",
            known=("administrator", "proctor", "student", "teacher"),
            unknown="no_seat",
        ),
        Field("beginDate", "first_day"),
        Field("endDate", "day_after"),
    ),
}
# Sent by many systems and of no use here: not read into any table.
NOT_TAKEN: Final = ("password", "phone", "sms", "pronouns", "userProfiles")


def masked(text: str) -> str:
    """The shape of a text: of each word its first letter, the rest as dots.

    >>> masked("Amira Haddad")
    'A•••• H•••••'
    """
    return _RUN.sub(_masked_word, text)


def _masked_word(found: re.Match[str]) -> str:
    word = found.group()[:_SHOWN_LETTERS]
    return word[0] + "•" * (len(word) - 1) if len(word) > 1 else "•"


@dataclass(slots=True)
class Gathering:
    """What was seen of one collection so far."""

    collection: str
    seen: int = 0
    is_whole: bool = False
    rows: list[dict[str, str]] = field(default_factory=list)
    empty: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    faults: Counter[tuple[str, str, bool]] = field(default_factory=Counter)

    def add(self, records: Iterable[Record], problems: Iterable[Problem]) -> None:
        """Count some more records, and the rows that gave none or a doubtful one."""
        for record in records:
            self._add(record.model_dump(mode="json", by_alias=True))
        for one in problems:
            self.faults[(one.field, one.code, one.warning)] += 1

    def _add(self, record: Mapping[str, Any]) -> None:
        self.seen += 1
        fields = FIELDS[self.collection]
        for one in fields:
            value = record.get(one.theirs)
            if value in (None, "", [], {}):
                self.empty[one.theirs] += 1
            elif one.known:
                self._count_unknown(one, value)
        if len(self.rows) < SAMPLE:
            self.rows.append(
                {one.theirs: shown(record.get(one.theirs), one) for one in fields}
            )

    def _count_unknown(self, one: Field, value: object) -> None:
        for word in _words(value):
            if word not in one.known:
                counted = self.unknown.setdefault(one.theirs, Counter())
                if word in counted or len(counted) < MOST_VALUES:
                    counted[word] += 1

    def document(self) -> dict[str, Any]:
        """What is kept of it: no value of a person in it."""
        return {
            "seen": self.seen,
            "is_whole": self.is_whole,
            "fields": [
                {
                    "theirs": one.theirs,
                    "ours": one.ours,
                    "is_masked": one.is_personal,
                    "empty": self.empty[one.theirs],
                    "rows": [row[one.theirs] for row in self.rows],
                }
                for one in FIELDS[self.collection]
            ],
            "unknown": [
                {
                    "field": name,
                    "value": word[:LONGEST],
                    "count": count,
                    "becomes": _becomes(self.collection, name),
                }
                for name, counted in self.unknown.items()
                for word, count in counted.most_common()
            ],
            "faults": [
                {"field": name, "code": code, "is_warning": warns, "count": count}
                for (name, code, warns), count in self.faults.most_common(MOST_VALUES)
            ],
        }


def _becomes(collection: str, name: str) -> str:
    return next(one.unknown for one in FIELDS[collection] if one.theirs == name)


def _words(value: object) -> Sequence[str]:
    """The words of a vocabulary in a value: a role of each of a person's roles."""
    if isinstance(value, list):
        return [str(one.get("role", "")) for one in value if isinstance(one, Mapping)]
    return [str(value)]


def shown(value: object, one: Field) -> str:
    """A value as a cell of the preview, masked where it tells of a person."""
    text = _text(value)[:LONGEST]
    return masked(text) if one.is_personal else text


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, Mapping):
        return _part(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _part(value: Mapping[str, Any]) -> str:
    if "role" in value:
        return f"{value['role']} @ {_text(value.get('org'))}"
    if "identifier" in value:
        return f"{value.get('type', '')}:{value['identifier']}"
    return str(value.get("sourcedId", ""))
