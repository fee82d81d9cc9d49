"""Canvas's outcomes by live assessments: levels without an assignment, for good.

A live assessment counts passes: so many of so many are a level. Its results can never
be taken away, and all under one key are counted together, so each evaluation has a key
of its own, and only an outcome that shows the most recent score shows the newest.
Canvas has called this interface beta since 2014. Source: facts/canvas.md section 6 B;
app/controllers/live_assessments, app/models/live_assessments, seen 2026-11.
"""

from __future__ import annotations

import secrets as chance
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms.canvas_course import CanvasCourse, CourseThere
from lti_tool.platforms.canvas_models import LIVE, RESULTS, CanvasOutcome, OutcomeResult
from lti_tool.platforms.canvas_outcomes import (
    LATEST,
    CanvasScale,
    Outcomes,
    conflict,
)
from lti_tool.platforms.canvas_rest import CanvasRest, read
from lti_tool.platforms.canvas_waiting import Waiting, looked_for
from lti_tool.platforms.destination import Column, Outcome, Reach, Shown
from mappings.scales import reaches

PREFIX: Final = "live/"
KEY: Final = "masterybridge"
# Passes and fails that make up one level: each is a row in Canvas for good.
MOST_RESULTS: Final = 20
# How far so many of so many may lie from the points of a level.
NEAR: Final = 0.5 / MOST_RESULTS
_ALIGNMENT: Final = "live_assessment"


class CanvasLive:
    """The outcomes of one Canvas course, told by live assessments."""

    clock_step_seconds = 1.0  # the newest result is the one that counts
    parallel = 1
    batch = 50

    def __init__(
        self,
        rest: CanvasRest,
        course: CanvasCourse,
        *,
        waiting: Waiting | None = None,
        token: Callable[[], str] = lambda: chance.token_hex(4),
    ) -> None:
        """Write to course through rest; token makes keys differ."""
        self._rest = rest
        self._course = course
        self._waiting = waiting or Waiting()
        self._token = token
        self._there = CourseThere(rest, course.number)
        self._outcomes = Outcomes(
            rest, course.number, course.scale, course.folder, self._waiting
        )
        # By address and student: what we sent in this run says when it was reached.
        self._awaited: dict[tuple[str, str], datetime] = {}

    def close(self) -> None:
        """Let others use the token of this Canvas."""
        self._rest.close()

    def find_column(self, column: Column) -> str | None:
        """Return the outcome in the course, None if it is not there."""
        self._there.check()
        found = self._outcomes.known().get(column.case_id or "")
        return None if found is None else PREFIX + found.id

    def foresee(self, column: Column) -> DeliveryError | None:
        """Return why Canvas would show something else than we say, None if not."""
        outcome = self._outcomes.find(column.case_id)
        return None if outcome is None else live_conflict(outcome, self._course.scale)

    def make_column(self, column: Column) -> str:
        """Bring the outcome into the course, and those of all that is told besides.

        Raises:
            DeliveryError: calculation or scale, this outcome would show something
                else than we say; besides what Canvas refuses.
        """
        self._there.check()
        wanted = {one.case_id: one for one in (*self._course.columns, column)}
        own = self._outcomes.ensure(list(wanted.values()))[column.case_id or ""]
        self._judge(own)
        return PREFIX + own.id

    def read(
        self, address: str, column: Column, recipients: Collection[str]
    ) -> Mapping[str, Shown]:
        """Return the newest level that a live assessment says, by Canvas's number."""
        del recipients  # one answer has them all
        outcome = _outcome_of(address)
        late = {who for where, who in self._awaited if where == address}

        def look() -> dict[str, Shown]:
            return {
                who: self._shown((address, who), one, column.maximum)
                for who, one in self._newest(outcome).items()
            }

        return looked_for(
            look,
            lambda found: all(who in found and found[who].is_settled for who in late),
            self._waiting,
        )

    def send(self, address: str, outcome: Outcome) -> Mapping[str, Any]:
        """Write one outcome."""
        told = self.send_together(address, [outcome])[0]
        if isinstance(told, DeliveryError):
            raise told
        return told

    def send_together(
        self, address: str, outcomes: Sequence[Outcome]
    ) -> Sequence[Mapping[str, Any] | DeliveryError]:
        """Write the outcomes of a class as one live assessment of its own.

        Raises:
            DeliveryError: calculation or scale; no_live, this Canvas has no live
                assessments; besides what Canvas refuses.
        """
        number = _outcome_of(address)
        for held in self._outcomes.known().values():
            if held.id == number:
                self._judge(held)
        refused = {
            one.recipient: error
            for one in outcomes
            if (error := self._hindrance(one)) is not None
        }
        going = [one for one in outcomes if one.recipient not in refused]
        answer: dict[str, Any] = {}
        if going:
            at = max(one.at for one in going)
            key = f"{KEY}/{going[0].case_id}/{_iso(at)}/{self._token()}"
            assessment = self._make(key, number, at)
            results = [
                {"passed": passed, "assessed_at": _iso(one.at), "links": {"user": who}}
                for one in going
                for who, passed in self._results(one)
            ]
            self._rest.send(
                "POST",
                f"{self._there.path}/live_assessments/{assessment}/results",
                {"results": results},
            )
            self._awaited.update(((address, one.recipient), one.at) for one in going)
            answer = {"assessment": assessment, "key": key, "outcome": number}
        return [refused.get(one.recipient, answer) for one in outcomes]

    def _judge(self, outcome: CanvasOutcome) -> None:
        wrong = live_conflict(outcome, self._course.scale)
        if wrong is not None:
            raise wrong

    def _hindrance(self, outcome: Outcome) -> DeliveryError | None:
        """Return why nothing is sent for one student, None if it is."""
        if outcome.value is None:
            return DeliveryError(
                "a live assessment of Canvas cannot be taken back: the level stays "
                "there until the next one; where levels are to be withdrawn, choose "
                "the rubric",
                "no_withdrawal",
                permanent=True,
            )
        return self._there.absence(outcome.recipient)

    def _make(self, key: str, outcome: str, at: datetime) -> str:
        """Make a live assessment and align it with an outcome; returns its number."""
        told = {
            "key": key,
            "title": f"MasteryBridge {at.astimezone(UTC):%Y-%m-%d}",
            "links": {"outcome": outcome},
        }
        try:
            sent = self._rest.send(
                "POST", f"{self._there.path}/live_assessments", {"assessments": [told]}
            )
        except DeliveryError as error:
            if error.code != "gone":
                raise
            raise DeliveryError(
                f"{self._rest.host} has no live assessments; choose the rubric on the "
                "platform's page",
                "no_live",
                permanent=True,
            ) from error
        made = read(sent, LIVE).assessments
        if not made:
            raise DeliveryError(
                f"{self._rest.host} made no live assessment", "format", permanent=False
            )
        return made[0].id

    def _results(self, outcome: Outcome) -> Iterator[tuple[str, bool]]:
        """Yield so many passes and fails as are the level of an outcome."""
        share = share_of(outcome.value or 0.0, outcome.maximum, self._course.scale)
        for place in range(share.denominator):
            yield outcome.recipient, place < share.numerator

    def _newest(self, outcome: str) -> dict[str, OutcomeResult]:
        pages = self._rest.every(
            f"{self._there.path}/outcome_results",
            RESULTS,
            [("outcome_ids[]", outcome)],
        )
        found: dict[str, OutcomeResult] = {}
        for page in pages:
            for one in page.outcome_results:
                if not one.links.alignment.startswith(_ALIGNMENT):
                    continue
                held = found.get(one.links.user)
                if held is None or _reached(one) >= _reached(held):
                    found[one.links.user] = one
        return found

    def _shown(
        self, where: tuple[str, str], result: OutcomeResult, maximum: float
    ) -> Shown:
        """Return what stands there for one student; her level is all that it is."""
        sent = self._awaited.get(where)
        at = result.submitted_or_assessed_at
        is_there = sent is None or (
            at is not None and at >= sent.replace(microsecond=0)
        )
        if result.score is None or not result.possible:
            return Shown(None, is_settled=is_there)
        ratio, scale = result.score / result.possible, self._course.scale
        value = ratio * maximum
        place = min(
            range(len(scale.ratings)),
            key=lambda one: abs(scale.ratings[one][0] / scale.maximum - ratio),
        )
        points, name = scale.ratings[place]
        if abs(points / scale.maximum - ratio) > NEAR:
            return Shown(value, is_settled=is_there)
        higher = scale.cuts[place - 1] if place else None
        reach = Reach(scale.cuts[place], higher, maximum)
        return Shown(value, text=name, reach=reach, is_settled=is_there)


def share_of(value: float, maximum: float, scale: CanvasScale) -> Fraction:
    """Return the passes of so many results that are the level of a value."""
    levels = zip(scale.ratings, scale.cuts, strict=True)
    points = next(
        (points for (points, _name), cut in levels if reaches(value / maximum, cut)),
        scale.ratings[-1][0],
    )
    return Fraction(points / scale.maximum).limit_denominator(MOST_RESULTS)


def live_conflict(outcome: CanvasOutcome, scale: CanvasScale) -> DeliveryError | None:
    """Return why a live assessment cannot stand right in an outcome, None if it can.

    Each evaluation is a result for good: only the newest may count.
    """
    if outcome.calculation_method != LATEST:
        return DeliveryError(
            f'the outcome "{outcome.title}" does not show its most recent score in '
            "Canvas, and live assessments leave a result for each evaluation; set its "
            'calculation to "most recent score", or choose the rubric',
            "calculation",
            permanent=True,
        )
    return conflict(outcome, scale)


def _outcome_of(address: str) -> str:
    """Return the outcome of an address.

    Raises:
        DeliveryError: gone, it is that of a rubric, from before live assessments were
            chosen.
    """
    if not address.startswith(PREFIX):
        raise DeliveryError("this column was in a rubric", "gone", permanent=True)
    return address.removeprefix(PREFIX)


def _reached(one: OutcomeResult) -> datetime:
    return one.submitted_or_assessed_at or datetime.min.replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
