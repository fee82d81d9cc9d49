"""Who looks at a page of the pretend LMS, whom they may play, what they may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import request

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_records import (
    TEACHING,
    Course,
    Grade,
    LineItem,
    Person,
)

PEOPLE_A_COURSE: Final = 3
PEOPLE_AT_MOST: Final = 60
ROLE_WORDS: Final = {
    "instructor": "Teacher",
    "teaching_assistant": "Teaching assistant",
    "learner": "Student",
    "mentor": "Family",
    "administrator": "Administrator",
}


@dataclass(frozen=True, slots=True)
class GradeRow:
    """One person's line of the gradebook; a cell is None where nothing came."""

    person: Person
    cells: list[Grade | None]


def visitor(campus: Campus) -> Person | None:
    """Who looks at the page."""
    return campus.signed_in(request.cookies.get(campus.cookie_name))


def seat_of(campus: Campus, course: Course) -> str | None:
    """The visitor's role in the course."""
    me = visitor(campus)
    return course.seats.get(me.id) if me else None


def cast_of(campus: Campus, course: Course) -> list[tuple[str, Person]]:
    """Whom a visitor of the course may play, with the word for it, teachers first."""
    seats = sorted(dict(course.seats).items(), key=lambda seat: seat[1] == "learner")
    return [(ROLE_WORDS[role], campus.person(person_id)) for person_id, role in seats]


def people_to_be(campus: Campus) -> list[tuple[str, Person]]:
    """Whom a visitor may play: of each course a few, teachers first."""
    found: dict[str, tuple[str, Person]] = {}
    for course in list(campus.courses.values()):
        for word, person in cast_of(campus, course)[:PEOPLE_A_COURSE]:
            found.setdefault(person.id, (word, person))
    ordered = sorted(found.values(), key=lambda pair: pair[0] == "Student")
    return ordered[:PEOPLE_AT_MOST]


def grade_rows(
    campus: Campus, course: Course, columns: list[LineItem]
) -> list[GradeRow]:
    """The lines of the gradebook the visitor may see: all, or a student's own."""
    me = visitor(campus)
    sees_all = seat_of(campus, course) in TEACHING
    people = [
        campus.person(person_id)
        for person_id, role in dict(course.seats).items()
        if role == "learner" and (sees_all or (me is not None and me.id == person_id))
    ]
    return [
        GradeRow(
            person,
            [campus.gradebook.grade(column.id, person.id) for column in columns],
        )
        for person in sorted(people, key=lambda one: (one.family_name, one.given_name))
    ]
