"""The made-up district's rostering records, and the people a visitor may play."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lti_tool.demo.school_calendar import Calendar
from lti_tool.demo.school_names import (
    ADMINISTRATOR,
    GUARDIAN,
    LEADER,
    STUDENT,
    TEACHER,
    Name,
)
from lti_tool.demo.school_records import Desk, Wire, reference
from lti_tool.demo.school_roster import DISTRICT, Group, Person, Roster, Seat

COURSES: Final = {
    "regular": ("Grade 7 Mathematics", "MATH-7"),
    "support": ("Grade 7 Mathematics Support", "MATH-7-S"),
    "honours": ("Grade 7 Mathematics Honours", "MATH-7-H"),
}
# Given names differ from the ones people go by.
PREFERRED: Final = {"José-María": "Chema", "Maximilian-Alexander": "Max"}


@dataclass(frozen=True, slots=True)
class Persona:
    """Someone a visitor may step into; role is their OneRoster role."""

    sourced_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Personas:
    """The people of the demo door, and the class they meet in.

    Attributes:
        sis_class: sourcedId of Grade 7 Math, section B, which the teacher teaches
            and the student attends.
        second_class: sourcedId of the other class the teacher teaches.
    """

    teacher: Persona
    student: Persona
    guardian: Persona
    administrator: Persona
    leader: Persona
    sis_class: str
    second_class: str


def find_personas(roster: Roster) -> Personas:
    """Pick the demo's people out of the roster."""
    lessons = [s.group for s in roster.seats if s.person.name == TEACHER]
    return Personas(
        teacher=_persona(roster.people, TEACHER),
        student=_persona(roster.people, STUDENT),
        guardian=_persona(roster.people, GUARDIAN),
        administrator=_persona(roster.people, ADMINISTRATOR),
        leader=_persona(roster.people, LEADER),
        sis_class=lessons[0].sourced_id,
        second_class=lessons[1].sourced_id,
    )


def _persona(people: Iterable[Person], name: Name) -> Persona:
    person = next(p for p in people if p.name == name)
    return Persona(person.sourced_id, name.full, person.role)


def orgs(desk: Desk, calendar: Calendar, roster: Roster) -> list[Wire]:
    """Write the district and its schools."""
    changed_on = calendar.start - timedelta(weeks=8)
    district = reference("org", desk.sourced_id("org", DISTRICT))
    schools = list(dict.fromkeys(group.school for group in roster.groups))
    records = [
        desk.record(
            "org",
            DISTRICT,
            changed_on,
            name=DISTRICT,
            type="district",
            identifier="LV",
            children=[reference("org", desk.sourced_id("org", s)) for s in schools],
        )
    ]
    records += [
        desk.record(
            "org",
            school,
            changed_on,
            name=school,
            type="school",
            identifier=f"LV-{place:02}",
            parent=district,
        )
        for place, school in enumerate(schools, 1)
    ]
    return records


def courses(desk: Desk, calendar: Calendar, roster: Roster) -> list[Wire]:
    """Write the catalogue entries that are taught."""
    taught = {group.section.course for group in roster.groups}
    year = desk.sourced_id("academicSession", "School year")
    return [
        desk.record(
            "course",
            kind,
            calendar.start - timedelta(weeks=6),
            title=title,
            courseCode=code,
            schoolYear=reference("academicSession", year),
            grades=["07"],
            subjects=["Mathematics"],
            org=reference("org", desk.sourced_id("org", DISTRICT)),
        )
        for kind, (title, code) in COURSES.items()
        if kind in taught
    ]


def classes(desk: Desk, calendar: Calendar, roster: Roster) -> list[Wire]:
    """Write the classes; each lasts both semesters."""
    terms = [
        reference("academicSession", desk.sourced_id("academicSession", title))
        for title in ("Semester 1", "Semester 2")
    ]
    return [
        desk.record(
            "class",
            group.key,
            calendar.start - timedelta(weeks=4),
            title=group.title,
            classCode=_class_code(group),
            classType="scheduled",
            location=f"Room {101 + place}",
            grades=["07"],
            subjects=["Mathematics"],
            periods=[str(1 + place % 7)],
            course=reference("course", desk.sourced_id("course", group.section.course)),
            school=reference("org", desk.sourced_id("org", group.school)),
            terms=terms,
        )
        for place, group in enumerate(roster.groups)
    ]


def _class_code(group: Group) -> str:
    label = group.section.label.upper().replace(" ", "")
    return f"{COURSES[group.section.course][1]}/{label}"


def users(desk: Desk, calendar: Calendar, roster: Roster) -> list[Wire]:
    """Write everyone; guardians and their children point at each other."""
    agents: dict[Person, list[Person]] = dict(roster.wards)
    for guardian, children in roster.wards.items():
        for child in children:
            agents.setdefault(child, []).append(guardian)
    present = {seat.person for seat in roster.seats if seat.end is None}
    arrivals: dict[Person, Seat] = {}
    for seat in roster.seats:
        arrivals.setdefault(seat.person, seat)
    records = []
    for number, person in enumerate(roster.people, 1):
        arrival = arrivals.get(person)
        first_day = arrival.begin if arrival else calendar.start
        record = desk.record(
            "user", person.key, first_day, **_user_fields(desk, person, number)
        )
        record["enabledUser"] = person in present or person not in arrivals
        if person in agents:
            record["agents"] = [
                reference("user", agent.sourced_id) for agent in agents[person]
            ]
        records.append(record)
    return records


def _user_fields(desk: Desk, person: Person, number: int) -> Mapping[str, object]:
    org = reference("org", desk.sourced_id("org", person.place))
    username = f"lv{40_000 + number}"
    fields: dict[str, object] = {
        "givenName": person.name.given,
        "familyName": person.name.family,
        "username": username,
        "userMasterIdentifier": desk.opaque(f"master/{person.key}"),
        "userIds": [{"type": "LDAP", "identifier": f"{username}@lakeview"}],
        "email": f"{username}@lakeview.example",
        "identifier": str(700_000 + number * 37),
        "primaryOrg": org,
        "roles": [{"roleType": "primary", "role": person.role, "org": org}],
    }
    if person.role == "student":
        fields["grades"] = ["07"]
    if preferred := PREFERRED.get(person.name.given):
        fields["preferredFirstName"] = preferred
    return fields


def enrollments(desk: Desk, calendar: Calendar, roster: Roster) -> list[Wire]:
    """Write every seat; one that ended keeps its record and has an endDate."""
    records = []
    for seat in roster.seats:
        changed_on = min(seat.end or seat.begin, calendar.today - timedelta(days=1))
        record = desk.record(
            "enrollment",
            f"{seat.group.key}/{seat.person.key}/{seat.role}",
            changed_on,
            user=reference("user", seat.person.sourced_id),
            school=reference("org", desk.sourced_id("org", seat.group.school)),
            role=seat.role,
            primary=seat.primary,
            beginDate=seat.begin,
            **{"class": reference("class", seat.group.sourced_id)},
        )
        if seat.end:
            record["endDate"] = seat.end
        records.append(record)
    return records
