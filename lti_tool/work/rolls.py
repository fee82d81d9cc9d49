"""Whom the SIS knows, by id and by name in a class: asked for each LMS user."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lti_tool.storage import identities
from lti_tool.storage.database import Session
from lti_tool.storage.identities import Names
from lti_tool.work.names import Name, names_of, plain_name

NAME_CONFIDENCE: Final = 0.8
SEATED: Final = ("instructor", "learner")


@dataclass(frozen=True, slots=True)
class Match:
    """A person, and the rule that found her."""

    person_id: int
    rule: str
    confidence: float | None


class Book:
    """Whom the SIS knows: read once for many, then asked for each.

    Nobody of a class is matched by name to two users of one LMS.
    """

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._named: list[Mapping[str, Sequence[dict[str, Any]]]] = []
        self._people: dict[int, int] = {}
        self._taken: set[tuple[int, int]] = set()
        self._classes: dict[tuple[int, int, str], dict[Name, set[int]]] = {}
        self._class: tuple[int, int] | None = None

    def look_up(self, sis_ids: Collection[str]) -> None:
        """Learn who goes by these ids, their sourcedId before their identifier."""
        by_id = identities.people_by_sourced_id(self._session, sis_ids)
        others = [sis_id for sis_id in sis_ids if sis_id not in by_id]
        self._named = [by_id, identities.people_by_identifier(self._session, others)]

    def seated_in(self, course_id: int | None, registration_id: int) -> None:
        """Match names with those whom the SIS seats in a course from now on."""
        self._class = None if course_id is None else (course_id, registration_id)

    def match(self, row: dict[str, Any], role: str) -> Match | None:
        """The person of an LMS user, by her SIS id or, failing one, by her name."""
        if row["lis_person_sourcedid"]:
            match = self.by_sis_id(row["lis_person_sourcedid"])
        else:
            match = self._by_name(row, role)
        if match is not None:
            self._taken.add((row["registration_id"], match.person_id))
        return match

    def by_sis_id(self, sis_id: str) -> Match | None:
        """The one person of this SIS id."""
        for named in self._named:
            found = named.get(sis_id)
            if found:
                people = {self._person_of(user) for user in found}
                return Match(people.pop(), "lis", 1.0) if len(people) == 1 else None
        return None

    def _person_of(self, sis_user: dict[str, Any]) -> int:
        if sis_user["person_id"]:
            return int(sis_user["person_id"])
        if sis_user["id"] not in self._people:
            given, family = sis_user["given_name"], sis_user["family_name"]
            names = Names(given, family, f"{given} {family}".strip())
            (person_id,) = identities.add_people(self._session, [names], now=self._now)
            identities.give_person(self._session, sis_user["id"], person_id)
            self._people[sis_user["id"]] = person_id
        return self._people[sis_user["id"]]

    def several(self, row: dict[str, Any], role: str) -> tuple[str, set[int]]:
        """The people an LMS user may be where there is more than one; and why."""
        if not row["lis_person_sourcedid"]:
            people = self._called(row, role)
            return "name_twice", people if len(people) > 1 else set()
        for named in self._named:
            found = named.get(row["lis_person_sourcedid"])
            if found:
                people = {self._person_of(user) for user in found}
                return "lis_twice", people if len(people) > 1 else set()
        return "", set()

    def _by_name(self, row: dict[str, Any], role: str) -> Match | None:
        people = self._called(row, role)
        if len(people) != 1:
            return None
        return Match(people.pop(), "name_in_class", NAME_CONFIDENCE)

    def _called(self, row: dict[str, Any], role: str) -> set[int]:
        """Whom the SIS seats in the class by this name."""
        name = plain_name(row["given_name"], row["family_name"])
        if name is None or self._class is None or role not in SEATED:
            return set()
        return {
            person_id
            for person_id in self._class_names(role).get(name, ())
            if (row["registration_id"], person_id) not in self._taken
        }

    def _class_names(self, role: str) -> dict[Name, set[int]]:
        course_id, registration_id = self._class or (0, 0)
        at = (course_id, registration_id, role)
        if at not in self._classes:
            found: dict[Name, set[int]] = {}
            for user in identities.people_in_course(
                self._session, course_id, role, registration_id=registration_id
            ):
                for name in names_of(user):
                    found.setdefault(name, set()).add(user["person_id"])
            self._classes[at] = found
        return self._classes[at]
