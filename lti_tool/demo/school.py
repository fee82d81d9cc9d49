"""A made-up district, any size, always the same from a seed.

Everything here is invented: the people, the schools, the scores. The records are
what a OneRoster 1.2 service would send; what also lives in the pretend LMS is told
by :meth:`School.lms_people` and :meth:`School.lms_courses`. All dates hang on the
day the district is looked at, so that it is always twelve weeks into a school year.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from typing import Any, Final, Literal, TypeVar

from lti_tool.demo import school_lms, school_people, school_scores, school_work
from lti_tool.demo.school_calendar import academic_sessions, make_calendar
from lti_tool.demo.school_lms import LmsCourse, LmsPerson
from lti_tool.demo.school_people import Personas, find_personas
from lti_tool.demo.school_records import Desk, Wire
from lti_tool.demo.school_roster import Roster, make_roster
from oneroster.catalog import MemoryCatalog
from oneroster.models import (
    AcademicSession,
    Course,
    Enrollment,
    Org,
    Record,
    SisClass,
    User,
)
from oneroster.models_gradebook import Category, LineItem, Result

R = TypeVar("R", bound=Record)
Size = Literal["school", "district"]
SIZES: Final[Mapping[Size, int]] = {"school": 1, "district": 3}


@dataclass(frozen=True, slots=True)
class School:
    """One district, whole: what its SIS holds, and who uses its LMS.

    Attributes:
        alignments: class sourcedId, line item sourcedId, human code of the
            competency, weight; each line item speaks for one to three.
        framework: the demo's CASE 1.1 CFPackage, parsed.
        personas: the people a visitor may step into, by sourcedId.
    """

    seed: int
    today: date
    orgs: tuple[Org, ...]
    academic_sessions: tuple[AcademicSession, ...]
    courses: tuple[Course, ...]
    classes: tuple[SisClass, ...]
    users: tuple[User, ...]
    enrollments: tuple[Enrollment, ...]
    categories: tuple[Category, ...]
    line_items: tuple[LineItem, ...]
    results: tuple[Result, ...]
    alignments: tuple[tuple[str, str, str, float], ...]
    framework: dict[str, Any]
    personas: Personas
    _roster: Roster = field(repr=False, compare=False)

    def collections(self) -> dict[str, tuple[Record, ...]]:
        """The records by the names of their collections, referred-to ones first."""
        return {
            "orgs": self.orgs,
            "academicSessions": self.academic_sessions,
            "courses": self.courses,
            "classes": self.classes,
            "users": self.users,
            "enrollments": self.enrollments,
            "categories": self.categories,
            "lineItems": self.line_items,
            "results": self.results,
        }

    def catalog(self) -> MemoryCatalog:
        """A new catalog holding every record, as the district's SIS serves it."""
        return MemoryCatalog(self.collections())

    def lms_people(self) -> tuple[LmsPerson, ...]:
        """The accounts of the pretend LMS; ids and some spellings are its own."""
        return school_lms.lms_people(Desk(self.seed), self._roster)

    def lms_courses(self) -> tuple[LmsCourse, ...]:
        """The courses of the pretend LMS, one for every class."""
        return school_lms.lms_courses(Desk(self.seed), self._roster)


def load_framework() -> dict[str, Any]:
    """Read the demo's CASE package: 40 competencies of a grade 7 course."""
    text = files("lti_tool.demo").joinpath("framework.json").read_text("utf-8")
    package: dict[str, Any] = json.loads(text)
    return package


def make_school(*, seed: int = 7, size: Size = "district", today: date) -> School:
    """Make the district as it stands on a day; equal arguments give equal ones."""
    desk, calendar = Desk(seed), make_calendar(today)
    framework = load_framework()
    roster = make_roster(desk, calendar, SIZES[size])
    competencies = school_work.read_competencies(framework)
    tasks = school_work.plan_tasks(desk, calendar, roster, competencies)
    where = (desk, calendar, roster)
    return School(
        seed=seed,
        today=today,
        orgs=_read(Org, school_people.orgs(*where)),
        academic_sessions=_read(AcademicSession, academic_sessions(desk, calendar)),
        courses=_read(Course, school_people.courses(*where)),
        classes=_read(SisClass, school_people.classes(*where)),
        users=_read(User, school_people.users(*where)),
        enrollments=_read(Enrollment, school_people.enrollments(*where)),
        categories=_read(Category, school_work.categories(desk, calendar)),
        line_items=_read(LineItem, school_work.line_items(desk, calendar, tasks)),
        results=_read(Result, school_scores.results(*where, tasks)),
        alignments=tuple(
            (task.group.sourced_id, task.sourced_id, competency.code, weight)
            for task in tasks
            for competency, weight in task.shows
        ),
        framework=framework,
        personas=find_personas(roster),
        _roster=roster,
    )


def _read(kind: type[R], records: Iterable[Wire]) -> tuple[R, ...]:
    return tuple(kind.model_validate(record) for record in records)
