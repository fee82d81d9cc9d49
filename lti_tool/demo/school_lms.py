"""The same district as its LMS knows it: other ids, other spellings, gaps."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from lti_tool.demo.school_names import ASSISTANT, SCHOOLMATES, STUDENT, TEACHER, Name
from lti_tool.demo.school_records import Desk
from lti_tool.demo.school_roster import Group, Person, Roster, Seat

MemberRole = Literal["learner", "instructor"]

# Accounts the LMS never linked to the SIS: these, and about this share of the rest.
UNLINKED: Final = (
    Name("Zoë", "Müller"),
    Name("Siobhán", "O'Brien"),
    Name("Ben", "Ortiz"),
)
UNLINKED_SHARE: Final = 0.04


@dataclass(frozen=True, slots=True)
class LmsPerson:
    """An account of the pretend LMS.

    Attributes:
        subject: the LMS's own id of the person; never the sourcedId.
        lis_person_sourcedid: what the LMS says the SIS calls them, None if it was
            never told: such a person is matched by name among the class.
        sourced_id: whose account it truly is, None for someone the SIS does not
            know; for tests, the LMS tells no one.
    """

    subject: str
    given_name: str
    family_name: str
    email: str
    lis_person_sourcedid: str | None
    sourced_id: str | None

    @property
    def name(self) -> str:
        """The name as the LMS shows it."""
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True, slots=True)
class LmsMember:
    """A person of the LMS in one of its courses."""

    subject: str
    role: MemberRole


@dataclass(frozen=True, slots=True)
class LmsCourse:
    """A course of the pretend LMS: one class of the SIS, with today's members.

    Attributes:
        context_id: the LMS's own id of the course; never the sourcedId.
        lis_course_section_sourcedid: the class's sourcedId, as the LMS was told it.
    """

    context_id: str
    label: str
    title: str
    lis_course_section_sourcedid: str
    members: tuple[LmsMember, ...]


def lms_people(desk: Desk, roster: Roster) -> tuple[LmsPerson, ...]:
    """Open the accounts: everyone in a class today, and those who run the schools."""
    chance = desk.chance("lms")
    seated = {seat.person for seat in roster.seats if seat.end is None}
    leading = {"principal", "systemAdministrator"}
    accounts = []
    twins: set[Name] = set()
    for person in roster.people:
        # One draw a person, used or not, so that nobody's account hangs on another's.
        unlinked = chance.random() < UNLINKED_SHARE
        if person in seated or person.role in leading:
            alike = person.name in twins
            twins.add(person.name)
            linked = not (alike or _is_unlinked(person, drawn=unlinked))
            accounts.append(_account(desk, chance, person, linked=linked))
    return (*accounts, _assistant(desk))


def _is_unlinked(person: Person, *, drawn: bool) -> bool:
    """Tell whether the LMS lacks a sourcedId; of two namesakes the second does."""
    if person.name in UNLINKED:
        return True
    chosen = {STUDENT, *SCHOOLMATES}
    return drawn and person.role == "student" and person.name not in chosen


def _account(desk: Desk, chance: Random, person: Person, *, linked: bool) -> LmsPerson:
    spelt = person.name if linked else _respelt(chance, person.name)
    subject = desk.opaque(f"lms/{person.key}")
    return LmsPerson(
        subject=subject,
        given_name=spelt.given,
        family_name=spelt.family,
        email=f"{subject[:8]}@learn.lakeview.example",
        lis_person_sourcedid=person.sourced_id if linked else None,
        sourced_id=person.sourced_id,
    )


def _respelt(chance: Random, name: Name) -> Name:
    """Spell a name as someone typed it into the LMS by hand."""
    manner = chance.choice(("same", "plain", "capitals"))
    given, family = (
        name.given,
        name.family.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}"),
    )
    if manner == "plain":
        return Name(_without_marks(given), _without_marks(family))
    if manner == "capitals":
        return Name(given, family.upper())
    return Name(given, family)


def _without_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    kept = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", kept)


def _assistant(desk: Desk) -> LmsPerson:
    """Open the account of Ms. Lee's assistant, whom the SIS does not know."""
    subject = desk.opaque("lms/assistant")
    email = f"{subject[:8]}@learn.lakeview.example"
    return LmsPerson(subject, ASSISTANT.given, ASSISTANT.family, email, None, None)


def lms_courses(desk: Desk, roster: Roster) -> tuple[LmsCourse, ...]:
    """Open a course for every class, with the people who sit in it today."""
    return tuple(_course(desk, group, roster.seats) for group in roster.groups)


def _course(desk: Desk, group: Group, seats: Sequence[Seat]) -> LmsCourse:
    here = [seat for seat in seats if seat.group == group and seat.end is None]
    members = [
        LmsMember(
            desk.opaque(f"lms/{seat.person.key}"),
            "instructor" if seat.role == "teacher" else "learner",
        )
        for seat in here
    ]
    if here[0].person.name == TEACHER:
        members.append(LmsMember(desk.opaque("lms/assistant"), "instructor"))
    return LmsCourse(
        context_id=desk.opaque(f"lms/course/{group.key}"),
        label=f"M7-{group.section.label.replace(' ', '').upper()}",
        title=f"{group.title} ({group.school})",
        lis_course_section_sourcedid=group.sourced_id,
        members=tuple(members),
    )
