"""What the made-up district's classes are asked to do, and what each task shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from lti_tool.demo.school_calendar import Calendar
from lti_tool.demo.school_records import Desk, Wire, reference
from lti_tool.demo.school_roster import Group, Roster


class Competency(NamedTuple):
    """One competency of the demo's framework: its code and its short statement."""

    code: str
    short: str

    @property
    def area(self) -> str:
        """The part of the code before the dot."""
        return self.code.partition(".")[0]


class Kind(NamedTuple):
    """A kind of work: its category, the points it gives, the days it takes."""

    title: str
    category: str
    maximum: int
    days: int
    numbered: bool = False


CATEGORIES: Final = {
    "Quizzes": 30,
    "Written work": 20,
    "Projects": 25,
    "Performance tasks": 25,
}
QUIZ: Final = Kind("Quiz", "Quizzes", 10, 0, numbered=True)
TEST: Final = Kind("Unit test", "Quizzes", 24, 0, numbered=True)
ESSAY: Final = Kind("Essay", "Written work", 16, 6)
JOURNAL: Final = Kind("Problem journal", "Written work", 12, 5)
PROJECT: Final = Kind("Project", "Projects", 40, 14)
TASK: Final = Kind("Performance task", "Performance tasks", 16, 2)
# What a class does, over and over, in this order.
RHYTHM: Final = (QUIZ, TASK, QUIZ, JOURNAL, QUIZ, PROJECT, TASK, TEST, ESSAY, TASK)
AREAS: Final = ("RP", "NS", "EE", "G", "SP")
# Competencies taught by now and tasks set by now, least and most, by kind of course.
PACES: Final = {
    "regular": ((14, 14), (14, 15)),
    "support": ((14, 14), (14, 14)),
    "honours": ((15, 17), (16, 17)),
}
FIRST_DUE_WEEKS: Final = 0.9
LAST_DUE_WEEKS: Final = 11.4
WINDOW: Final = 7


@dataclass(frozen=True, slots=True)
class Task:
    """A line item before it is written: what it asks, when, and what it shows.

    Attributes:
        shows: each competency the task speaks for, with its weight, main one first.
    """

    key: str
    sourced_id: str
    group: Group
    kind: Kind
    title: str
    assigned: date
    due: date
    shows: tuple[tuple[Competency, float], ...]


def read_competencies(package: Mapping[str, Any]) -> list[Competency]:
    """Read the competencies of the demo's package, in the order it lists them."""
    return [
        Competency(item["humanCodingScheme"], item["abbreviatedStatement"])
        for item in package["CFItems"]
        if item["CFItemType"] == "Competency"
    ]


def categories(desk: Desk, calendar: Calendar) -> list[Wire]:
    """Write the kinds of work a gradebook tells apart."""
    changed_on = calendar.start - timedelta(weeks=4)
    return [
        desk.record("category", title, changed_on, title=title, weight=weight)
        for title, weight in CATEGORIES.items()
    ]


def plan_tasks(
    desk: Desk,
    calendar: Calendar,
    roster: Roster,
    competencies: Sequence[Competency],
) -> list[Task]:
    """Plan the work of every class, spread from the first week to this one."""
    tasks = []
    for group in roster.groups:
        chance = desk.chance(f"work/{group.key}")
        order = _teaching_order(chance, competencies)
        taught, count = (chance.randint(*span) for span in PACES[group.section.course])
        chosen = _cover(order[:taught], count)
        tasks += [
            _task(desk, calendar, group, place, (count, shown))
            for place, shown in enumerate(chosen)
        ]
        upcoming = ((order[taught], 1.0), (order[taught - 1], 1.0))
        tasks.append(_task(desk, calendar, group, count, (count, upcoming)))
    return tasks


def _teaching_order(
    chance: Random, competencies: Sequence[Competency]
) -> list[Competency]:
    """Take area after area; here and there a class swaps two neighbours."""
    areas = list(AREAS)
    if chance.random() < 1 / 4:
        areas[1], areas[2] = areas[2], areas[1]
    order = [c for area in areas for c in competencies if c.area == area]
    for place in range(1, len(order)):
        if chance.random() < 1 / 4:
            order[place - 1], order[place] = order[place], order[place - 1]
    return order


def _cover(
    taught: Sequence[Competency], count: int
) -> list[tuple[tuple[Competency, float], ...]]:
    """Choose what each task shows: what was just taught, and what was seen least."""
    seen: Counter[Competency] = Counter()
    led: Counter[Competency] = Counter()
    chosen = []
    for place in range(count):
        last = round((place + 1) / count * len(taught))
        window = list(taught[max(0, last - WINDOW) : max(3, last)])
        window.sort(key=lambda competency: seen[competency])
        shown = sorted(window[:3], key=lambda competency: led[competency])
        led[shown[0]] += 1
        seen.update(shown)
        weights = (1.0, 1.0, 0.5)
        chosen.append(tuple(zip(shown, weights, strict=False)))
    return chosen


def _task(
    desk: Desk,
    calendar: Calendar,
    group: Group,
    place: int,
    content: tuple[int, tuple[tuple[Competency, float], ...]],
) -> Task:
    count, shown = content
    kind = RHYTHM[place % len(RHYTHM)]
    key = f"{group.key}/{place}"
    week = FIRST_DUE_WEEKS + place / (count - 1) * (LAST_DUE_WEEKS - FIRST_DUE_WEEKS)
    due = calendar.school_day(week - desk.chance(f"due/{key}").uniform(0, 0.4))
    if place == count:
        kind, due = PROJECT, calendar.school_day(14)
    number = sum(k == kind for k in (RHYTHM * 2)[: place + 1])
    head = f"{kind.title} {number}" if kind.numbered else kind.title
    return Task(
        key=key,
        sourced_id=desk.sourced_id("lineItem", key),
        group=group,
        kind=kind,
        title=f"{head}: {shown[0][0].short}",
        assigned=calendar.no_weekend(
            max(calendar.start, due - timedelta(days=kind.days))
        ),
        due=due,
        shows=shown,
    )


def line_items(desk: Desk, calendar: Calendar, tasks: Sequence[Task]) -> list[Wire]:
    """Write the tasks as gradebook columns."""
    records = []
    for task in tasks:
        period = desk.sourced_id("academicSession", calendar.grading_period(task.due))
        topics = "; ".join(competency.short for competency, _ in task.shows)
        changed_on = min(task.assigned, calendar.today - timedelta(days=1))
        record = desk.record(
            "lineItem",
            task.key,
            changed_on,
            title=task.title,
            description=f"What it looks at: {topics}.",
            assignDate=_moment(task.assigned, 8),
            dueDate=_moment(task.due, 21),
            resultValueMin=0,
            resultValueMax=task.kind.maximum,
            **{"class": reference("class", task.group.sourced_id)},
            **_places(desk, task, period),
        )
        records.append(record)
    return records


def _places(desk: Desk, task: Task, period: str) -> dict[str, Wire]:
    return {
        "school": reference("org", desk.sourced_id("org", task.group.school)),
        "category": reference(
            "category", desk.sourced_id("category", task.kind.category)
        ),
        "gradingPeriod": reference("academicSession", period),
        "academicSession": reference("academicSession", period),
    }


def _moment(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
