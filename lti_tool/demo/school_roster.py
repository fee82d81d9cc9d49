"""Who is in the made-up district, and in which class from when to when."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from lti_tool.demo.school_calendar import Calendar
from lti_tool.demo.school_names import (
    ADMINISTRATOR,
    CLASSMATES,
    GUARDIAN,
    LEADER,
    SCHOOLMATES,
    STUDENT,
    TEACHER,
    Name,
    invented_names,
)
from lti_tool.demo.school_records import Desk

DISTRICT: Final = "Lakeview School District"
SCHOOLS: Final = (
    "Lakeview Middle School",
    "Northside Middle School",
    "Harbor Street School",
)


class Section(NamedTuple):
    """A class as a school plans it: how many sit in it, how many of them twice."""

    label: str
    course: str
    size: int
    shared: int = 0


# The last number: students of Support who also sit in another section.
SECTIONS: Final = {
    1: (
        (
            Section("A", "regular", 31),
            Section("B", "regular", 31),
            Section("C", "regular", 30),
            Section("Support", "support", 24, 8),
        ),
    ),
    3: (
        (
            Section("A", "regular", 28),
            Section("B", "regular", 31),
            Section("C", "regular", 27),
            Section("D", "regular", 28),
            Section("E", "regular", 26),
            Section("Support", "support", 24, 8),
            Section("Honours 1", "honours", 25),
            Section("Honours 2", "honours", 24),
        ),
        *(
            (
                Section("A", "regular", 28),
                Section("B", "regular", 27),
                Section("C", "regular", 28),
                Section("D", "regular", 26),
                Section("E", "regular", 27),
                Section("Support", "support", 22, 8),
                Section("Honours 1", "honours", 26),
                Section("Honours 2", "honours", 25),
            ),
        )
        * 2,
    ),
}
# The classes one teacher teaches, by label.
TEACHING: Final = (("B", "Support"), ("A", "C"), ("D", "E"), ("Honours 1", "Honours 2"))
# Moves inside a school: from, to, the week of the move.
MOVES: Final = (("A", "B", 6), ("B", "C", 5), ("C", "A", 8))
NEWCOMER_PLACES: Final = {"A": 1, "B": 1, "D": 2, "Honours 2": 1}
GUARDED_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Person:
    """Someone the SIS knows; place is the org they belong to."""

    key: str
    sourced_id: str
    name: Name
    role: str
    place: str


@dataclass(frozen=True, slots=True)
class Group:
    """A class of a school, and how it was planned."""

    key: str
    sourced_id: str
    school: str
    section: Section

    @property
    def title(self) -> str:
        """The class's name, as teachers say it."""
        label = self.section.label
        if self.section.course == "regular":
            return f"Grade 7 Math, section {label}"
        return f"Grade 7 Math {label}"


@dataclass(frozen=True, slots=True)
class Seat:
    """One person in one class in one role; end is exclusive, None while it lasts."""

    person: Person
    group: Group
    role: str
    begin: date
    end: date | None = None
    primary: bool = True


@dataclass(slots=True)
class Roster:
    """Everyone, every class and every seat; wards maps guardians to children."""

    groups: list[Group] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    wards: dict[Person, list[Person]] = field(default_factory=dict)

    def students(self, group: Group) -> list[Seat]:
        """The seats of a class's students, ended ones included."""
        return [s for s in self.seats if s.group == group and s.role == "student"]


@dataclass(slots=True)
class Enrolment:
    """The work of filling a roster."""

    desk: Desk
    calendar: Calendar
    chance: Random
    names: Iterator[Name]
    roster: Roster = field(default_factory=Roster)

    def admit(self, name: Name, role: str, place: str) -> Person:
        """Write someone into the district's books."""
        key = f"{role}/{len(self.roster.people)}"
        sourced_id = self.desk.sourced_id("user", key)
        person = Person(key, sourced_id, name, role, place)
        self.roster.people.append(person)
        return person

    def open_groups(self, number: int, school: str, plan: Sequence[Section]) -> None:
        """Open the classes of a school."""
        for section in plan:
            key = f"{number}/{section.label}"
            sourced_id = self.desk.sourced_id("class", key)
            self.roster.groups.append(Group(key, sourced_id, school, section))

    def staff(self, school: str, groups: dict[str, Group], names: list[Name]) -> None:
        """Hire a principal and teachers, and give each teacher two classes."""
        self.admit(names.pop(0) if names else next(self.names), "principal", school)
        teachers = []
        for labels in TEACHING:
            if not groups.keys() & set(labels):
                continue
            name = names.pop(0) if names else next(self.names)
            teachers.append(teacher := self.admit(name, "teacher", school))
            for label in labels:
                if label in groups:
                    self.seat(teacher, groups[label], "teacher")
        self.seat(teachers[1], groups["Support"], "teacher", primary=False)

    def seat(
        self, person: Person, group: Group, role: str, *, primary: bool = True
    ) -> None:
        """Seat someone from the first day of school."""
        start = self.calendar.start
        self.roster.seats.append(Seat(person, group, role, start, primary=primary))

    def fill(self, groups: dict[str, Group], names: dict[str, list[Name]]) -> None:
        """Admit the students of a school; Support takes some from the sections."""
        seated: list[Person] = []
        for label, group in groups.items():
            if group.section.shared:
                for person in self.chance.sample(seated, group.section.shared):
                    self.seat(person, group, "student")
            own = names.get(label, [])
            for place in range(group.section.size - group.section.shared):
                name = own[place] if place < len(own) else next(self.names)
                person = self.admit(name, "student", group.school)
                self.seat(person, group, "student")
                if group.section.course == "regular" and place >= len(own):
                    seated.append(person)

    def move(self, groups: dict[str, Group]) -> None:
        """Let students change class, and one leave, during the term."""
        alone = self._movable()
        for source, target, week in MOVES:
            seat = next(s for s in alone if s.group == groups[source])
            alone.remove(seat)
            self._end(seat, week)
            begin = self.calendar.school_day(week)
            moved = Seat(seat.person, groups[target], "student", begin)
            self.roster.seats.append(moved)
        leaver = next(s for s in alone if s.group == groups["A"])
        self._end(leaver, 9)

    def move_between(self, source: Group, target: Group, week: int) -> None:
        """Let one student change to another school."""
        seat = next(s for s in self._movable() if s.group == source)
        self._end(seat, week)
        begin = self.calendar.school_day(week)
        self.roster.seats.append(Seat(seat.person, target, "student", begin))

    def welcome(self, groups: dict[str, Group]) -> None:
        """Seat newcomers of the last school day, who have shown nothing yet."""
        yesterday = self.calendar.today - timedelta(days=1)
        begin = self.calendar.no_weekend(yesterday)
        for label, count in NEWCOMER_PLACES.items():
            if label not in groups:
                continue
            for _ in range(count):
                group = groups[label]
                person = self.admit(next(self.names), "student", group.school)
                self.roster.seats.append(Seat(person, group, "student", begin))

    def guard(self) -> None:
        """Give some students a guardian; siblings are not told apart here."""
        for child in [p for p in self.roster.people if p.role == "student"]:
            if child.name == STUDENT:
                name = GUARDIAN
            elif self.chance.random() < GUARDED_SHARE and child.name.family:
                name = Name(next(self.names).given, child.name.family)
            else:
                continue
            guardian = self.admit(name, "guardian", child.place)
            self.roster.wards[guardian] = [child]

    def _movable(self) -> list[Seat]:
        counts: dict[Person, int] = {}
        for seat in self.roster.seats:
            counts[seat.person] = counts.get(seat.person, 0) + 1
        chosen = {STUDENT, *CLASSMATES, *SCHOOLMATES}
        return [
            seat
            for seat in self.roster.seats
            if seat.role == "student"
            and counts[seat.person] == 1
            and seat.person.name not in chosen
        ]

    def _end(self, seat: Seat, week: int) -> None:
        end = self.calendar.school_day(week)
        ended = Seat(seat.person, seat.group, seat.role, seat.begin, end)
        self.roster.seats[self.roster.seats.index(seat)] = ended


def make_roster(desk: Desk, calendar: Calendar, schools: int) -> Roster:
    """Fill a district of one or three schools."""
    chance = desk.chance("roster")
    work = Enrolment(desk, calendar, chance, invented_names(desk.chance("names")))
    work.admit(ADMINISTRATOR, "systemAdministrator", DISTRICT)
    by_school: list[dict[str, Group]] = []
    for number, plan in enumerate(SECTIONS[schools]):
        school = SCHOOLS[number]
        work.open_groups(number, school, plan)
        groups = {g.section.label: g for g in work.roster.groups if g.school == school}
        work.staff(school, groups, [LEADER, TEACHER] if number == 0 else [])
        work.fill(groups, _chosen_names(groups) if number == 0 else {})
        work.move(groups)
        work.welcome(groups)
        by_school.append(groups)
    for source, target in itertools.pairwise(by_school):
        work.move_between(source["C"], target["B"], 7)
    work.guard()
    return work.roster


def _chosen_names(groups: dict[str, Group]) -> dict[str, list[Name]]:
    emmas, others = list(SCHOOLMATES[:2]), SCHOOLMATES[2:]
    chosen = {"B": [STUDENT, *CLASSMATES], "C": emmas}
    labels = [label for label in groups if label not in {"B", "Support"}]
    for place, name in enumerate(others):
        chosen.setdefault(labels[place % len(labels)], []).append(name)
    return chosen
