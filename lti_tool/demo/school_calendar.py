"""The school year around a day: it began twelve weeks before that day's Monday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from lti_tool.demo.school_records import Desk, Wire, reference

WEEKS_BEHIND: Final = 12
FRIDAY: Final = 4
# Title, kind, the session it is part of, first week, weeks.
SESSIONS: Final = (
    ("School year", "schoolYear", None, 0, 40),
    ("Semester 1", "semester", "School year", 0, 20),
    ("Semester 2", "semester", "School year", 20, 20),
    ("Quarter 1", "gradingPeriod", "Semester 1", 0, 10),
    ("Quarter 2", "gradingPeriod", "Semester 1", 10, 10),
    ("Quarter 3", "gradingPeriod", "Semester 2", 20, 10),
    ("Quarter 4", "gradingPeriod", "Semester 2", 30, 10),
)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of a school year.

    Attributes:
        start: the first day of school, a Monday.
        today: the day the district is looked at; nothing is scored on it or later.
    """

    start: date
    today: date

    def school_day(self, week: float) -> date:
        """Tell the school day some weeks after the start; weekends give Friday."""
        return self.no_weekend(self.start + timedelta(days=round(week * 7)))

    def no_weekend(self, day: date) -> date:
        """Tell the day itself, or the Friday before where it is a weekend."""
        return day - timedelta(days=max(0, day.weekday() - FRIDAY))

    def weeks(self, day: date) -> float:
        """Tell how many weeks after the start a day lies."""
        return (day - self.start).days / 7

    @property
    def school_year(self) -> str:
        """The year the school year ends in, as OneRoster names it."""
        return str((self.start + timedelta(weeks=40)).year)

    def grading_period(self, day: date) -> str:
        """Name the grading period a day lies in."""
        quarter = min(int(self.weeks(day)) // 10, 3)
        return f"Quarter {quarter + 1}"


def make_calendar(today: date) -> Calendar:
    """Lay the school year around a day."""
    monday = today - timedelta(days=today.weekday())
    return Calendar(monday - timedelta(weeks=WEEKS_BEHIND), today)


def academic_sessions(desk: Desk, calendar: Calendar) -> list[Wire]:
    """Write the year, its two semesters and four grading periods."""
    changed_on = calendar.start - timedelta(weeks=6)
    records = []
    for title, kind, parent, first, weeks in SESSIONS:
        start = calendar.start + timedelta(weeks=first)
        record = desk.record(
            "academicSession",
            title,
            changed_on,
            title=title,
            type=kind,
            startDate=start,
            endDate=start + timedelta(weeks=weeks),
            schoolYear=calendar.school_year,
            children=[
                reference("academicSession", desk.sourced_id("academicSession", name))
                for name, _, above, _, _ in SESSIONS
                if above == title
            ],
        )
        if parent:
            above = desk.sourced_id("academicSession", parent)
            record["parent"] = reference("academicSession", above)
        records.append(record)
    return records
