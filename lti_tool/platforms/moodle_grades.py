"""What Moodle's web services answer of grades, as far as we read it.

Source: facts/moodle.md section 10; grade/report/user of Moodle 4.5.5.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, Field, FiniteFloat, TypeAdapter

from lti_tool.platforms.moodle_shapes import MoodleCompetency


class GradeItem(BaseModel):
    """A column of a course's gradebook with what one student has in it.

    Moodle 4.5.5 says an outcome's number in scaleid too, so nothing here tells a scale
    from points: seen 2026-11, grade/report/user/classes/report/user.php.
    """

    id: int
    itemname: str | None = None
    itemtype: str = ""
    itemmodule: str | None = None
    iteminstance: int | None = None
    cmid: int | None = None
    idnumber: str | None = None
    outcomeid: int | None = None
    graderaw: FiniteFloat | None = None
    grademin: FiniteFloat | None = None
    grademax: FiniteFloat | None = None
    gradeformatted: str | None = None
    gradedatesubmitted: int | None = None
    gradedategraded: int | None = None
    gradeneedsupdate: bool | None = None
    gradeishidden: bool | None = None
    feedback: str | None = None

    @property
    def is_shown(self) -> bool:
        """Tell whether the report has a grade and its range at all."""
        return {"graderaw", "grademin", "grademax"} <= self.model_fields_set


class UserGrades(BaseModel):
    """The gradebook of a course as one student has it."""

    userid: int
    gradeitems: list[GradeItem]


class GradeReport(BaseModel):
    """The gradebook of a course for those who were asked about."""

    usergrades: list[UserGrades]


class Column(BaseModel):
    """A column of a course's gradebook, whoever sees it; its number is a word here."""

    id: str
    itemname: str = ""


class Columns(BaseModel):
    """The columns of a course's gradebook, without its totals."""

    columns: list[Column] = Field(alias="gradeItems")


class _Module(BaseModel):
    id: int


class CompetencyUse(BaseModel):
    """A competency of a course, and the activities that speak for it."""

    competency: MoodleCompetency
    coursemodules: list[_Module] = Field(default_factory=list)


class CompetencyPage(BaseModel):
    """The competencies of a course."""

    competencies: list[CompetencyUse]


class ActivityDate(BaseModel):
    """A date of an activity; dataid is Moodle's name of it."""

    timestamp: int
    dataid: str | None = None


class Activity(BaseModel):
    """An activity of a course."""

    id: int
    description: str | None = None
    dates: list[ActivityDate] = Field(default_factory=list)


class CourseSection(BaseModel):
    """A part of a course's page."""

    name: str = ""
    modules: list[Activity] = Field(default_factory=list)


GRADE_REPORT: Final = TypeAdapter(GradeReport)
COLUMNS: Final = TypeAdapter(Columns)
COMPETENCY_PAGE: Final = TypeAdapter(CompetencyPage)
CONTENTS: Final = TypeAdapter(list[CourseSection])
