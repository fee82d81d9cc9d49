"""How the made-up students do: abilities that grow, and the results they leave."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from lti_tool.demo.school_calendar import Calendar
from lti_tool.demo.school_names import STUDENT
from lti_tool.demo.school_records import Desk, Wire, reference
from lti_tool.demo.school_roster import Person, Roster, Seat
from lti_tool.demo.school_work import AREAS, Competency, Task


class Manner(NamedTuple):
    """A way of learning: where it starts, how it grows, how often work is missing."""

    start: float
    growth: float
    missing: float
    late: float
    weak_area: bool = False


STEADY: Final = Manner(1.45, 0.11, 0.025, 0.05)
AHEAD: Final = Manner(2.7, 0.1, 0.01, 0.01)
RISING: Final = Manner(-0.3, 0.32, 0.03, 0.06)
STUCK: Final = Manner(-0.5, 0.02, 0.06, 0.12, weak_area=True)
UNEVEN: Final = Manner(1.8, 0.1, 0.03, 0.05, weak_area=True)
AWAY: Final = Manner(0.3, 0.1, 0.32, 0.2)
MANNERS: Final = (STEADY, AHEAD, RISING, STUCK, UNEVEN, AWAY)
SHARES: Final = {
    "regular": (42, 16, 14, 12, 12, 4),
    "support": (30, 0, 28, 28, 8, 6),
    "honours": (38, 50, 6, 0, 6, 0),
}
# How much harder an area is, in logits.
HARDNESS: Final = {"RP": 0.2, "NS": 0.6, "EE": 0.9, "G": 0.7, "SP": 0.6}
AREAS_OF_AMIRA: Final = {"RP": -0.1, "NS": -1.2, "EE": 0.2, "G": 0.5, "SP": 0.3}
RETAKE_BELOW: Final = 0.6
RETAKE_SHARE: Final = 0.45
RETAKE_GAIN: Final = 0.9
DAYS_TO_GRADE: Final = 3
COMMENTS: Final = (
    "Clear reasoning. Keep showing the units.",
    "You found the rule. Next: say why it works.",
    "Check the sign of your answer against the story.",
    "Good improvement since last time.",
    "Please come and talk to me about question 3.",
)


@dataclass(frozen=True, slots=True)
class Learner:
    """What a student can do, as the scores will show it, in logits."""

    manner: Manner
    areas: Mapping[str, float]
    leanings: Mapping[str, float]
    steadiness: float

    def chance_of(self, competency: Competency, weeks: float) -> float:
        """Tell how much of a task a student gets right, weeks into the year."""
        ability = self.manner.start + self.areas[competency.area]
        ability += self.leanings.get(competency.code, 0.0)
        ability += self.manner.growth * weeks - _difficulty(competency)
        return 0.12 + 0.88 / (1 + math.exp(-ability))


def _difficulty(competency: Competency) -> float:
    """Later competencies of an area are harder; the first ones are easy."""
    return HARDNESS[competency.area] + 0.1 * int(competency.code.partition(".")[2])


def make_learner(chance: Random, person: Person, course: str) -> Learner:
    """Draw how a student learns; Amira is strong but uneven, so there is a next."""
    (manner,) = chance.choices(MANNERS, SHARES[course])
    areas = {area: chance.gauss(0, 0.6) for area in AREAS}
    leanings = {
        f"{area}.{number}": chance.gauss(0, 0.9)
        for area in AREAS
        for number in range(1, 10)
    }
    if person.name == STUDENT:
        manner, areas = STEADY, AREAS_OF_AMIRA
    elif manner.weak_area:
        areas[chance.choice(AREAS[:3])] -= 1.5
    return Learner(manner, areas, leanings, chance.uniform(0.06, 0.15))


def results(
    desk: Desk, calendar: Calendar, roster: Roster, tasks: Sequence[Task]
) -> Iterator[Wire]:
    """Yield what every student left in every gradebook, class by class."""
    learners: dict[Person, Learner] = {}
    for seat in roster.seats:
        if seat.role == "student" and seat.person not in learners:
            stream = desk.chance(f"learner/{seat.person.key}")
            course = seat.group.section.course
            learners[seat.person] = make_learner(stream, seat.person, course)
    for group in roster.groups:
        set_here = [task for task in tasks if task.group == group]
        for seat in roster.students(group):
            stream = desk.chance(f"scores/{group.key}/{seat.person.key}")
            work = Work(desk, calendar, stream, learners[seat.person], seat)
            for task in set_here:
                yield from work.results(task)


@dataclass(frozen=True, slots=True)
class Work:
    """One student's work in one class."""

    desk: Desk
    calendar: Calendar
    chance: Random
    learner: Learner
    seat: Seat

    def results(self, task: Task) -> Iterator[Wire]:
        """Yield the results of one task: none, one, or one more for a retake."""
        seat, today = self.seat, self.calendar.today
        here = seat.begin <= task.due and (seat.end is None or task.due < seat.end)
        if not here or task.due >= today:
            return
        absent = self.chance.random() < self.learner.manner.missing
        if absent:
            yield self._absence(task)
            return
        late = self.chance.random() < self.learner.manner.late
        days = DAYS_TO_GRADE + self.chance.randint(-1, 1) + (5 if late else 0)
        scored_on = self.calendar.no_weekend(task.due + timedelta(days=days))
        if scored_on >= today:
            handed_in = today - timedelta(days=1)
            yield self._write(task, 1, handed_in, scoreStatus="submitted", late=late)
            return
        ratio = self._ratio(task, scored_on, 0)
        yield self._score(task, 1, scored_on, ratio, late=late)
        days = self.chance.randint(6, 12)
        again_on = self.calendar.no_weekend(scored_on + timedelta(days=days))
        wants = ratio < RETAKE_BELOW and self.chance.random() < RETAKE_SHARE
        if wants and again_on < today and (seat.end is None or again_on < seat.end):
            better = self._ratio(task, again_on, RETAKE_GAIN)
            yield self._score(task, 2, again_on, better, late=False)

    def _ratio(self, task: Task, day: date, gain: float) -> float:
        weeks = self.calendar.weeks(day) + gain * 4
        total = sum(weight for _, weight in task.shows)
        right = sum(
            weight * self.learner.chance_of(competency, weeks)
            for competency, weight in task.shows
        )
        ratio = right / total + self.chance.gauss(0, self.learner.steadiness)
        return min(1.0, max(0.0, ratio))

    def _absence(self, task: Task) -> Wire:
        """Write work that did not come: excused now and then, missing otherwise."""
        noted_on = min(
            task.due + timedelta(days=1), self.calendar.today - timedelta(days=1)
        )
        excused = self.chance.random() < 1 / 6
        status = "exempt" if excused else "not submitted"
        return self._write(task, 1, noted_on, scoreStatus=status, missing=not excused)

    def _score(
        self, task: Task, attempt: int, day: date, ratio: float, *, late: bool
    ) -> Wire:
        step = 0.5 if task.kind.category in {"Written work", "Quizzes"} else 1
        given = round(ratio * task.kind.maximum / step) * step
        record = self._write(
            task, attempt, day, score=given, scoreStatus="fully graded", late=late
        )
        if attempt > 1:
            record["comment"] = f"Attempt {attempt}."
        elif self.chance.random() < 1 / 25:
            record["comment"] = self.chance.choice(COMMENTS)
        return record

    def _write(self, task: Task, attempt: int, day: date, **fields: object) -> Wire:
        flags = {name for name in ("late", "missing") if not fields.get(name, True)}
        kept = {name: value for name, value in fields.items() if name not in flags}
        return self.desk.record(
            "result",
            f"{task.key}/{self.seat.person.key}/{attempt}",
            day,
            lineItem=reference("lineItem", task.sourced_id),
            student=reference("user", self.seat.person.sourced_id),
            scoreDate=day,
            **{"class": reference("class", task.group.sourced_id)},
            **kept,
        )
