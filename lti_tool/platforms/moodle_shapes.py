"""What Moodle's web services answer, as far as we read it.

Source: facts/moodle.md section 9; seen on Moodle 4.5.5 in November 2026.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field, TypeAdapter


class MoodleCompetency(BaseModel):
    """A competency; without a scale of its own it has its framework's."""

    id: int
    shortname: str = ""
    idnumber: str = ""
    competencyframeworkid: int = 0
    scaleid: int | None = None
    scaleconfiguration: str | None = None


class CourseCompetency(BaseModel):
    """A competency of a course."""

    competency: MoodleCompetency


class MoodleFramework(BaseModel):
    """A competency framework."""

    id: int
    shortname: str = ""
    idnumber: str = ""
    scaleconfiguration: str = ""


class ScaleItem(BaseModel):
    """One item of a scale."""

    id: int
    name: str


class UserCompetency(BaseModel):
    """A student's rating in a course; no grade: none was given."""

    competencyid: int
    grade: int | None = None
    usermodified: int = 0


class Rated(BaseModel):
    """One line of a student's report."""

    rating: UserCompetency = Field(alias="usercompetencycourse")


class Report(BaseModel):
    """What the competency report of a course has of one student."""

    usercompetencies: list[Rated]


ANYTHING: Final[TypeAdapter[Any]] = TypeAdapter(Any)
COMPETENCIES: Final = TypeAdapter(list[MoodleCompetency])
COMPETENCY: Final = TypeAdapter(MoodleCompetency)
COURSE_COMPETENCIES: Final = TypeAdapter(list[CourseCompetency])
FRAMEWORK: Final = TypeAdapter(MoodleFramework)
FRAMEWORKS: Final = TypeAdapter(list[MoodleFramework])
REPORT: Final = TypeAdapter(Report)
SCALE_VALUES: Final = TypeAdapter(list[ScaleItem])
