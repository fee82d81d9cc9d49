"""What teachers do in the gradebook of the Canvas of canvas.py, and how it is read.

As the sources say (instructure/canvas-lms, seen 2026-11): a place in an assignment for
every student from the moment it is published; graded_at moves with a score or an
excuse and with nothing else (app/models/assignment.rb save_grade_to_submission,
app/models/submission.rb infer_values); an assignment of AGS is one of Canvas's with
title and points in common and nothing else (app/models/lti/line_item.rb).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Response, request

from tests.faults.canvas import Canvas, Course, Json
from tests.faults.canvas_routes import (
    API,
    Refused,
    Routes,
    at,
    json_answer,
    paged,
    unauthorized,
)

# What a submission tells of itself (lib/api/v1/submission.rb).
_FIELDS = (
    "id", "assignment_id", "user_id", "score", "grade", "workflow_state", "graded_at",
    "submitted_at", "posted_at", "grader_id", "excused", "late", "missing", "body",
)  # fmt: skip
TEACHER = 77
TOOL = 42


@dataclass
class Gradebook:
    """One course's grades; every change is at the Canvas's own time.

    grants: whether its LTI services let us in.
    asked: the fields of each question for submissions.
    """

    canvas: Canvas
    course: Course
    groups: dict[int, str] = field(default_factory=dict)
    places: dict[tuple[int, int], Json] = field(default_factory=dict)
    ags: dict[int, Json] = field(default_factory=dict)
    grants: bool = True
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    def add(self, name: str, points: float | None, **values: Any) -> int:  # noqa: ANN401 -- as Canvas takes it
        """Make an assignment, published unless told; gives its number."""
        group = values.pop("group", "Assignments")
        key = next((n for n, one in self.groups.items() if one == group), None)
        if key is None:
            key = next(self.canvas.ids)
            self.groups[key] = group
        made = self.canvas.add_assignment(
            self.course,
            name=name,
            points_possible=points,
            assignment_group_id=key,
            **{"post_manually": False, "due_at": None, "html_url": None, **values},
        )
        number = int(made["id"])
        made["html_url"] = f"{self.canvas.url}/courses/{self.course.id}/{number}"
        for user in self.course.students:
            self._place(number, user)
        return number

    def add_rubric(self, assignment: int, **rows: tuple[float, str | None]) -> Json:
        """Hang a rubric on an assignment: points and an outcome's guid a row."""
        told: Json = {"title": "Rubric", "criteria": {}}
        for place, (name, (points, guid)) in enumerate(rows.items()):
            steps = {"0": {"description": "Full", "points": points}}
            row: Json = {"id": f"_{name}", "description": name, "ratings": steps}
            if guid is not None:
                made = self.canvas.add_outcome(f"course_{self.course.id}", guid)
                row["learning_outcome_id"] = made.id
            told["criteria"][str(place)] = row
        rubric = self.canvas.save_rubric(self.course, told, None)
        return self.canvas.attach(
            self.course, self.course.assignments[assignment], rubric
        )

    def add_column(self, label: str, points: float) -> int:
        """Let our tool make a column by AGS: an assignment of this name."""
        number = self.add(label, points, submission_types=["none"])
        self.ags[number] = {"id": next(self.canvas.ids)}
        return number

    def grade(self, assignment: int, who: str, score: float, **said: Any) -> None:  # noqa: ANN401 -- fields of a submission
        """Give a grade; students see it at once unless the work is posted by hand."""
        place = self._of(assignment, who)
        now = _iso(self.canvas.now())
        place |= {"score": score, "grade": f"{score:g}", "excused": False}
        place |= {"workflow_state": "graded", "graded_at": now, "grader_id": TEACHER}
        if not self.course.assignments[assignment]["post_manually"]:
            place["posted_at"] = place["posted_at"] or now
        place |= said

    def take_back(self, assignment: int, who: str) -> None:
        """Empty a cell: graded_at stays as it was."""
        self._of(assignment, who).update(score=None, grade=None)

    def excuse(self, assignment: int, who: str) -> None:
        place = self._of(assignment, who)
        now = _iso(self.canvas.now())
        place |= {"score": None, "grade": None, "excused": True}
        place |= {"workflow_state": "graded", "graded_at": now, "posted_at": now}

    def post(self, assignment: int, *, is_seen: bool = True) -> None:
        """Show the grades of an assignment to its students, or hide them."""
        now = _iso(self.canvas.now()) if is_seen else None
        for (number, _user), place in self.places.items():
            if number == assignment:
                place["posted_at"] = now

    def mark(self, assignment: int, who: str, **rows: float | None) -> None:
        """Assess by the rubric, without a grade."""
        given = {f"_{name}": {"points": points} for name, points in rows.items()}
        one = self.course.assignments[assignment]
        self.canvas.assess(self.course, one, self.canvas.user(self.course, who), given)

    def change(self, assignment: int, who: str, **said: Any) -> None:  # noqa: ANN401 -- fields of a submission
        self._of(assignment, who).update(said)

    def _of(self, assignment: int, who: str) -> Json:
        return self.places[assignment, self.canvas.user(self.course, who)]

    def _place(self, assignment: int, user: int) -> None:
        made: Json = dict.fromkeys(_FIELDS)
        made |= {"id": next(self.canvas.ids), "assignment_id": assignment}
        made |= {"user_id": user, "workflow_state": "unsubmitted"}
        made |= {"late": False, "missing": False, "excused": None, "body": "x" * 200}
        self.places[assignment, user] = made

    def submissions(self) -> list[Json]:
        """All places of published assignments by number, with their assessments."""
        found = []
        for (number, user), place in self.places.items():
            if self.course.assignments.get(number, {}).get("published"):
                marks = self.course.assessments.get((number, user))
                more = {} if marks is None else {"rubric_assessment": marks}
                found.append(place | more)
        return found

    def line_items(self) -> list[Json]:
        """Our columns as AGS lists them: title and points are the assignment's."""
        found = []
        for number, item in self.ags.items():
            one = self.course.assignments[number]
            where = f"{self.canvas.url}/api/lti/courses/{self.course.id}/line_items"
            told = {"id": f"{where}/{item['id']}", "label": one["name"]}
            found.append(told | {"scoreMaximum": one["points_possible"]})
        return found


class GradebookRoutes(Routes):
    """app/controllers/submissions_api_controller.rb for_students, and neighbours."""

    def __init__(self, canvas: Canvas, book: Gradebook) -> None:
        super().__init__(canvas)
        self.book = book

    @at("GET", f"{API}/courses/<int:number>/assignment_groups")
    def groups(self, number: int) -> Response:
        self.course(number)
        found = [{"id": key, "name": name} for key, name in self.book.groups.items()]
        return paged(self.canvas, found)

    @at("GET", f"{API}/courses/<int:number>/students/submissions")
    def submissions(self, number: int) -> Response:
        self.course(number)
        self.book.asked.append(request.args.to_dict(flat=False))
        if "grades" not in self.canvas.rights:
            raise unauthorized()
        if request.args.getlist("student_ids[]") != ["all"]:
            raise Refused(400, {"error": "too many students"})
        wanted = {int(one) for one in request.args.getlist("assignment_ids[]")}
        there = {
            key for key, one in self.book.course.assignments.items() if one["published"]
        }
        if wanted - there:
            raise Refused(403, {"error": "invalid assignment ids requested"})
        found = [
            one
            for one in self.book.submissions()
            if (not wanted or one["assignment_id"] in wanted) and _is_since(one)
        ]
        return paged(self.canvas, [_shown(one) for one in found])

    @at("POST", "/lti-token")
    def lti_token(self) -> Response:
        if not self.book.grants:
            return json_answer({"error": "invalid_client"}, 401)
        scope = request.form["scope"]
        return json_answer(
            {"access_token": "lti", "expires_in": 3600, "scope": scope,
             "token_type": "Bearer"}
        )  # fmt: skip

    @at("GET", "/api/lti/courses/<int:number>/line_items")
    def line_items(self, number: int) -> Response:
        self.course(number)
        return json_answer(self.book.line_items())


def _is_since(one: Json) -> bool:
    """`graded_at > ?`: what was never graded is not later than anything."""
    told = request.args.get("graded_since")
    if told is None:
        return True
    since = datetime.fromisoformat(told)
    graded = one["graded_at"]
    return graded is not None and datetime.fromisoformat(graded) > since


def _shown(one: Json) -> Json:
    left_out = set(request.args.getlist("exclude_response_fields[]"))
    if "rubric_assessment" not in request.args.getlist("include[]"):
        left_out.add("rubric_assessment")
    return {name: value for name, value in one.items() if name not in left_out}


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
