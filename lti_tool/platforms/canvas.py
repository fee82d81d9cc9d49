"""Canvas's outcomes as a destination: levels in the rubric of an assignment of ours.

Canvas makes an outcome result of each row of a rubric assessment, later, in a job of
its own. A row that is not sent again is dropped from the assessment, so each student's
whole row set goes out every time. What the Learning Mastery Gradebook shows is read
back from the results. Source: facts/canvas.md section 6 A.

Longer than our usual room: one destination, whose every step
reads the state of the one before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.canvas_course import CanvasCourse, CourseThere
from lti_tool.platforms.canvas_models import (
    PROGRESS,
    RESULTS,
    SUBMISSIONS,
    Assignment,
    CanvasOutcome,
    Criterion,
    Mark,
    OutcomeResult,
    Progress,
)
from lti_tool.platforms.canvas_outcomes import Outcomes, conflict
from lti_tool.platforms.canvas_rest import CanvasRest, answered_at, read
from lti_tool.platforms.canvas_rubric import LevelsAssignments
from lti_tool.platforms.canvas_waiting import Waiting, looked_for
from lti_tool.platforms.destination import SAME, Column, Outcome, Shown

_MISSING: Final = re.compile(r"'([^']+)'")
_GLANCE_SECONDS: Final = 2.0
_MISSING_WORDS: Final = "Couldn't find User(s)"
_UNPUBLISHED_WORDS: Final = "Some assignments are either not published"


@dataclass(frozen=True, slots=True)
class _Row:
    """A competency's row in the rubric of our assignment; written "123/456"."""

    assignment: str
    outcome: str

    @classmethod
    def parse(cls, address: str) -> _Row:
        assignment, _, outcome = address.partition("/")
        return cls(assignment, outcome)

    def __str__(self) -> str:
        return f"{self.assignment}/{self.outcome}"


Marks = Mapping[str, Mapping[str, Mark]]


class CanvasOutcomes:
    """The outcomes of one Canvas course."""

    clock_step_seconds = 0.0  # Canvas goes by its own clock
    parallel = 1
    # A class at a time; Rails reads a body of this size without a murmur.
    batch = 100

    def __init__(
        self,
        rest: CanvasRest,
        course: CanvasCourse,
        *,
        clock: Callable[[], datetime],
        waiting: Waiting | None = None,
    ) -> None:
        """Write to course through rest."""
        self._rest = rest
        self._course = course
        self._clock = clock
        self._waiting = waiting or Waiting()
        self._there = CourseThere(rest, course.number)
        self._path = self._there.path
        self._assignments = LevelsAssignments(rest, course.number, course.reference)
        self._outcomes = Outcomes(
            rest, course.number, course.scale, course.folder, self._waiting
        )
        # By address and student: what was read, and when Canvas took what we sent.
        self._seen: dict[tuple[str, str], float | None] = {}
        self._awaited: dict[tuple[str, str], datetime] = {}

    def close(self) -> None:
        """Let others use the token of this Canvas."""
        self._rest.close()

    def find_column(self, column: Column) -> str | None:
        """Return where the competency's row is, None if there is none."""
        self._there.check()
        return self._address(column)

    def foresee(self, column: Column) -> DeliveryError | None:
        """Return why Canvas would show something else than we say, None if not."""
        outcome = self._outcomes.find(column.case_id)
        return None if outcome is None else conflict(outcome, self._course.scale)

    def make_column(self, column: Column) -> str:
        """Make the row, and those of all that is told of the course besides.

        Raises:
            DeliveryError: calculation or scale, this outcome would show something
                else than we say; besides what Canvas refuses.
        """
        self._there.check()
        wanted = {one.case_id: one for one in (*self._course.columns, column)}
        found = self._outcomes.ensure(list(wanted.values()))
        own = found[column.competency]
        self._judge(own)
        fitting = [
            one for one in found.values() if conflict(one, self._course.scale) is None
        ]
        self._assignments.ensure(fitting, self._course.scale)
        made = self._address(column)
        if made is None:
            raise DeliveryError(
                f'{self._rest.host} shows no row for the outcome "{own.title}" in the '
                "rubric that it took",
                "rubric",
                permanent=False,
            )
        return made

    def _address(self, column: Column) -> str | None:
        found = self._assignments.find(column.case_id)
        return (
            None if found is None else str(_Row(found[0].id, found[1].outcome_id or ""))
        )

    def read(
        self, address: str, column: Column, recipients: Collection[str]
    ) -> Mapping[str, Shown]:
        """Return what the results of our assignment say, by Canvas's number.

        Where the rubric says one thing and the results another, Canvas is still at
        work; it is looked at again for a while.
        """
        del recipients  # one answer has them all
        row = _Row.parse(address)
        criterion = self._criterion(row)
        shown = looked_for(
            lambda: self._look(address, criterion, column.maximum),
            lambda found: all(one.is_settled for one in found.values()),
            self._patience(address),
        )
        is_late = any(not one.is_settled for one in shown.values())
        if is_late and self._has_sent(address):
            self._check_shown(row, shown)
        self._seen.update(
            ((address, who), one.value if one.is_settled else None)
            for who, one in shown.items()
        )
        return shown

    def send(self, address: str, outcome: Outcome) -> Mapping[str, Any]:
        """Write one outcome."""
        told = self.send_together(address, [outcome])[0]
        if isinstance(told, DeliveryError):
            raise told
        return told

    def send_together(
        self, address: str, outcomes: Sequence[Outcome]
    ) -> Sequence[Mapping[str, Any] | DeliveryError]:
        """Write the outcomes of a class, and wait until Canvas has taken them.

        Raises:
            DeliveryError: busy, Canvas has not begun or not finished; calculation or
                scale; rejected, it took none.
        """
        row = _Row.parse(address)
        self._judge_address(row)
        criterion = self._criterion(row)
        marks = self._marks(row.assignment)
        refused = {
            one.recipient: error
            for one in outcomes
            if (error := self._hindrance(address, one, criterion, marks)) is not None
        }
        going = [one for one in outcomes if one.recipient not in refused]
        answer: dict[str, Any] = {}
        if going:
            data = {
                one.recipient: {
                    "rubric_assessment": _row_set(
                        criterion, marks.get(one.recipient, {}), one
                    )
                }
                for one in going
            }
            answer, missing = self._update(row, data)
            for one in missing & data.keys():
                refused[one] = self._there.no_student()
            self._awaited.update(
                ((address, one.recipient), answer["at"]) for one in going
            )
            answer = {**answer, "at": answer["at"].isoformat()}
        return [refused.get(one.recipient, answer) for one in outcomes]

    def _patience(self, address: str) -> Waiting:
        """Return how long results are looked for: long only for what we just sent."""
        if self._has_sent(address):
            return self._waiting
        return replace(self._waiting, total=min(self._waiting.total, _GLANCE_SECONDS))

    def _has_sent(self, address: str) -> bool:
        return any(where == address for where, _who in self._awaited)

    def _judge(self, outcome: CanvasOutcome) -> None:
        wrong = conflict(outcome, self._course.scale)
        if wrong is not None:
            raise wrong

    def _judge_address(self, row: _Row) -> None:
        for outcome in self._outcomes.known().values():
            if outcome.id == row.outcome:
                self._judge(outcome)

    def _criterion(self, row: _Row) -> Criterion:
        """Return the row of the rubric as it is now.

        Raises:
            DeliveryError: gone, the assignment or the row is not there any more;
                unpublished, nothing of it is graded.
        """
        ours: Assignment = self._assignments.fetch(row.assignment)
        if not ours.published:
            raise self._unpublished()
        for one in ours.rubric or ():
            if one.outcome_id == row.outcome:
                return one
        raise DeliveryError(
            f"the rubric of our assignment in {self._rest.host} has no row for this "
            "outcome any more",
            "gone",
            permanent=True,
        )

    def _marks(self, assignment: str) -> Marks:
        pages = self._rest.every(
            f"{self._path}/assignments/{assignment}/submissions",
            SUBMISSIONS,
            [("include[]", "rubric_assessment")],
        )
        return {
            one.user_id: one.rubric_assessment
            for page in pages
            for one in page
            if one.rubric_assessment
        }

    def _look(
        self, address: str, criterion: Criterion, maximum: float
    ) -> dict[str, Shown]:
        row = _Row.parse(address)
        marks = {
            who: marked[criterion.id].points
            for who, marked in self._marks(row.assignment).items()
            if criterion.id in marked
        }
        results, ahead = self._results(row)
        factor = maximum / criterion.points if criterion.points else 1.0
        return {
            who: self._shown(
                marks.get(who),
                results.get(who),
                factor,
                (ahead, self._awaited.get((address, who))),
            )
            for who in marks.keys() | results.keys()
        }

    def _check_shown(self, row: _Row, shown: Mapping[str, Shown]) -> None:
        """Look whether what lacks is only kept from sight.

        Raises:
            DeliveryError: hidden, Canvas has it and does not show it.
        """
        seen, _ahead = self._results(row)
        late = {who for who, one in shown.items() if not one.is_settled} - seen.keys()
        if late and late & self._results(row, include_hidden=True)[0].keys():
            raise DeliveryError(
                f"{self._rest.host} keeps the results of our rubric out of the "
                "Learning Mastery Gradebook; edit the rubric of our assignment there "
                'and take "Don\'t post Outcomes results" off it',
                "hidden",
                permanent=True,
            )

    def _results(
        self, row: _Row, *, include_hidden: bool = False
    ) -> tuple[dict[str, OutcomeResult], timedelta]:
        """Return our results by student, and how far Canvas's clock is ahead.

        No students are named: one who is not in the course, and all is refused.
        """
        fields = [("outcome_ids[]", row.outcome)]
        if include_hidden:
            fields.append(("include_hidden", "true"))
        ours = f"assignment_{row.assignment}"
        pages = self._rest.every(
            f"{self._path}/outcome_results",
            RESULTS,
            fields,
        )
        found = {
            one.links.user: one
            for page in pages
            for one in page.outcome_results
            if one.links.alignment == ours and one.links.learning_outcome == row.outcome
        }
        return found, self._rest.ahead(self._clock())

    def _shown(
        self,
        marked: float | None,
        result: OutcomeResult | None,
        factor: float,
        when: tuple[timedelta, datetime | None],
    ) -> Shown:
        """Return what stands there for one student.

        A row that lacks in the rubric leaves its result: that is what is shown. One
        that says something else than its result is about to become it.
        """
        ahead, awaited = when
        scored = result.score if result else None
        at = result.submitted_or_assessed_at if result else None
        is_late = awaited is not None and (at is None or at < awaited)
        is_same = marked is None or (
            scored is not None and abs(scored - marked) <= SAME
        )
        value = scored if marked is None else marked
        return Shown(
            None if value is None else value * factor,
            is_settled=is_same and not is_late,
            at=None if at is None else at - ahead,
        )

    def _hindrance(
        self, address: str, outcome: Outcome, criterion: Criterion, marks: Marks
    ) -> DeliveryError | None:
        """Return why nothing is sent for one student, None if it is."""
        who = outcome.recipient
        absence = self._there.absence(who)
        if absence is not None:
            return absence
        held = marks.get(who, {}).get(criterion.id, Mark()).points
        read_as = self._seen.get((address, who))
        factor = outcome.maximum / criterion.points if criterion.points else 1.0
        is_new = held is not None and (
            read_as is not None and abs(held * factor - read_as) > SAME
        )
        if is_new:
            return DeliveryError(
                "somebody is changing this level in Canvas at this moment; it is "
                "looked at again",
                "changing",
                permanent=False,
            )
        return None

    def _unpublished(self) -> DeliveryError:
        return DeliveryError(
            f"our assignment in {self._rest.host} is not published, so Canvas takes "
            "no levels for it; publish it there",
            "unpublished",
            permanent=True,
        )

    def _update(
        self, row: _Row, data: Mapping[str, Any]
    ) -> tuple[dict[str, Any], frozenset[str]]:
        """Grade students in one call; returns the receipt and who was not found.

        Raises:
            DeliveryError: busy, the job goes on; rejected, it failed.
        """
        sent = self._rest.send(
            "POST",
            f"{self._path}/assignments/{row.assignment}/submissions/update_grades",
            {"grade_data": data},
        )
        job = read(sent, PROGRESS)
        done = looked_for(
            lambda: self._rest.get(f"/progress/{job.id}", PROGRESS),
            lambda one: one.is_over,
            self._waiting,
        )
        if not done.is_over:
            raise DeliveryError(
                f"{self._rest.host} took the levels and has not worked them in yet",
                "busy",
                permanent=False,
            )
        receipt = {
            "assignment": row.assignment,
            "outcome": row.outcome,
            "progress": job.id,
            "at": answered_at(sent),
        }
        return receipt, self._missing(done)

    def _missing(self, done: Progress) -> frozenset[str]:
        if done.workflow_state != "failed":
            return frozenset()
        said = done.message or "it does not say why"
        # Canvas: whoever it does not find fails the job, and the others are graded;
        # seen 2026-11, app/models/submission.rb process_bulk_update.
        if said.startswith(_MISSING_WORDS):
            return frozenset(_MISSING.findall(said.partition("ids")[2]))
        if said.startswith(_UNPUBLISHED_WORDS):
            raise self._unpublished()
        raise DeliveryError(
            f"{self._rest.host} did not work the levels in: {said}",
            "rejected",
            permanent=False,
        )


def _row_set(
    criterion: Criterion, marks: Mapping[str, Mark], outcome: Outcome
) -> dict[str, dict[str, Any]]:
    """Return all rows of one student, those of others as they stand there."""
    kept = {name: _kept(one) for name, one in marks.items() if name != criterion.id}
    return kept | {criterion.id: _told(criterion, outcome)}


def _kept(one: Mark) -> dict[str, Any]:
    fields = {
        "points": "" if one.points is None else one.points,
        "rating_id": one.rating_id,
        "comments": one.comments,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _told(criterion: Criterion, outcome: Outcome) -> dict[str, Any]:
    """Return a row with our level; one without points takes its result back."""
    if outcome.value is None:
        return {"points": ""}
    points = outcome.value * criterion.points / outcome.maximum
    named = [
        one.id
        for one in criterion.ratings
        if one.id and one.description == outcome.level_name
    ]
    return {"points": points} | ({"rating_id": named[0]} if named else {})
