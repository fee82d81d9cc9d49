"""Live assessments in the Canvas of canvas.py: passes counted, and never taken away.

As the sources say (instructure/canvas-lms, seen 2026-11,
app/controllers/live_assessments, app/models/live_assessments): an assessment is found
by its key or made, and aligned with an outcome of the course; a student who is not in
the course spoils the call; all results of a student under one key are counted
together, in a job; there is nothing that would delete one.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from tests.faults.canvas import Canvas, Course, Json
from tests.faults.canvas_routes import (
    API,
    Refused,
    Routes,
    at,
    json_answer,
    not_found,
    paged,
)


class LiveRoutes(Routes):
    """Beta since 2014; is_there says whether this Canvas has them still."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self.is_there = True
        # By course and key: the assessment with its results, in the order they came.
        self.held: dict[tuple[int, str], Json] = {}

    @at("GET", f"{API}/courses/<int:number>/live_assessments")
    def index(self, number: int) -> Response:
        self._course(number, "grades")
        found = [one for (where, _key), one in self.held.items() if where == number]
        shown = [{name: one[name] for name in ("id", "key", "title")} for one in found]
        return paged(self.canvas, shown, "assessments")

    @at("POST", f"{API}/courses/<int:number>/live_assessments")
    def create(self, number: int) -> Response:
        self._course(number, "assignments")
        self.need("outcomes")
        made = []
        for told in request.get_json()["assessments"]:
            outcome = int(told["links"]["outcome"])
            if (f"course_{number}", outcome) not in self.canvas.links:
                raise _bad("outcome must be linked to the context")
            one = self.held.setdefault(
                (number, told["key"]),
                {"id": next(self.canvas.ids), "results": [], "outcomes": set()},
            )
            one |= {"key": told["key"], "title": told["title"]}
            one["outcomes"].add(outcome)
            made.append({name: one[name] for name in ("id", "key", "title")})
        return json_answer({"assessments": made})

    @at("POST", f"{API}/courses/<int:number>/live_assessments/<int:key>/results")
    def add(self, number: int, key: int) -> Response:
        course = self._course(number, "assignments")
        one = next((a for a in self.held.values() if a["id"] == key), None)
        if one is None:
            raise not_found()
        results = request.get_json()["results"]
        people = {int(told["links"]["user"]) for told in results}
        if people - course.students.keys():
            raise _bad("user must be in the context")
        one["results"] += results
        for who in people:
            self.canvas.later.append(
                (self.canvas.lag, lambda who=who: self._count(course, one, who))
            )
        return json_answer(
            {"results": [{"id": next(self.canvas.ids)} for _ in results]}
        )

    def _course(self, number: int, right: str) -> Course:
        if not self.is_there:
            raise not_found()
        self.need(right)
        return self.course(number, writes=request.method == "POST")

    def _count(self, course: Course, one: Json, who: int) -> None:
        """generate_submissions_for, create_outcome_result."""
        mine = [told for told in one["results"] if int(told["links"]["user"]) == who]
        percent = sum(bool(told["passed"]) for told in mine) / len(mine)
        for number in one["outcomes"]:
            outcome = self.canvas.outcomes[number]
            possible = max((points for points, _name in outcome.ratings), default=1.0)
            course.live_results[one["id"], number, who] = {
                "id": next(self.canvas.ids),
                "score": percent * possible,
                "possible": possible,
                "percent": percent,
                "mastery": percent >= outcome.mastery / possible,
                "submitted_or_assessed_at": max(told["assessed_at"] for told in mine),
                "hidden": False,
            }

    def shown(self, course: Course) -> dict[tuple[str, str], float]:
        """What the mastery gradebook shows by `latest`: by student and vendor_guid."""
        self.canvas.work_off()
        newest: dict[tuple[int, int], Any] = {}
        for (_where, what, who), one in course.live_results.items():
            held = newest.get((what, who))
            at_held = held["submitted_or_assessed_at"] if held else ""
            if one["submitted_or_assessed_at"] >= at_held:
                newest[what, who] = one
        return {
            (course.students[who], self.canvas.guid_of(what)): one["score"]
            for (what, who), one in newest.items()
        }


def _bad(message: str) -> Refused:
    return Refused(400, {"message": message})
