"""A stand-in for Moodle's web services, as far as competencies go.

It behaves as Moodle 4.5.5 was seen to in November 2026 (facts/moodle.md section 9):
refusals with status 200, one evidence row a rating, no way to clear one, short names
of at most 100 characters, and a competency report that shows one student at a time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, request

SERVICE_USER = 9
TEACHER = 3
FUNCTIONS = (
    "core_webservice_get_site_info",
    "core_competency_list_course_competencies",
    "core_competency_grade_competency_in_course",
    "core_competency_list_competency_frameworks",
    "core_competency_read_competency_framework",
    "core_competency_list_competencies",
    "core_competency_create_competency_framework",
    "core_competency_create_competency",
    "core_competency_add_competency_to_course",
    "core_competency_get_scale_values",
    "report_competency_data_for_report",
)
OUR_LEVELS = ["Beginning", "Developing", "Proficient", "Advanced"]


class Refusal(Exception):  # noqa: N818 -- a Moodle exception, not one of ours
    def __init__(self, errorcode: str, message: str) -> None:
        super().__init__(message)
        self.errorcode = errorcode


@dataclass
class PretendMoodle:
    """One Moodle with one course, its students and what a service is granted."""

    token: str = "token-1"  # noqa: S105 -- of this stand-in
    course: int = 17
    students: set[int] = field(default_factory=set)
    functions: set[str] = field(default_factory=lambda: set(FUNCTIONS))
    may_enter: bool = True
    denied: dict[str, str] = field(default_factory=dict)
    scales: dict[int, list[str]] = field(
        default_factory=lambda: {2: ["Not yet competent", "Competent"], 5: OUR_LEVELS}
    )
    frameworks: list[dict[str, Any]] = field(default_factory=list)
    competencies: list[dict[str, Any]] = field(default_factory=list)
    linked: list[int] = field(default_factory=list)
    ratings: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    evidence: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    @property
    def app(self) -> Flask:
        app = Flask("moodle")
        app.add_url_rule(
            "/webservice/rest/server.php", view_func=self._answer, methods=["POST"]
        )
        return app

    def add_framework(self, idnumber: str, scale: int, proficient: set[int]) -> int:
        items = [
            {"id": number, "scaledefault": int(number == 1),
             "proficient": int(number in proficient)}
            for number in range(1, len(self.scales[scale]) + 1)
        ]  # fmt: skip
        return self._add_framework(
            {"shortname": idnumber, "idnumber": idnumber,
             "scaleid": scale,
             "scaleconfiguration": json.dumps([{"scaleid": str(scale)}, *items])}
        )  # fmt: skip

    def add_competency(self, framework: int, **values: Any) -> int:  # noqa: ANN401 -- any column
        number = len(self.competencies) + 41
        self.competencies.append(
            {"id": number, "competencyframeworkid": framework, "parentid": 0,
             "shortname": "", "idnumber": "", "description": "",
             "scaleid": None, "scaleconfiguration": None, **values}
        )  # fmt: skip
        return number

    def rate(self, student: int, competency: int, grade: int) -> None:
        """What a teacher does on her page."""
        self.ratings[student, competency] = (grade, TEACHER)

    def shown(self) -> dict[tuple[int, str], str]:
        """The ratings as people read them, by student and ID number."""
        names = {one["id"]: one for one in self.competencies}
        return {
            (student, names[number]["idnumber"]): self._scale_of(names[number])[
                grade - 1
            ]
            for (student, number), (grade, _who) in self.ratings.items()
        }

    def _answer(self) -> Response:
        form = request.form
        function = form["wsfunction"]
        self.calls.append(function)
        try:
            self._let_in(form["wstoken"], function)
            found = getattr(self, f"_{function}")(form)
        except Refusal as refused:
            found = {"exception": "moodle_exception", "message": str(refused)}
            if refused.errorcode:
                found["errorcode"] = refused.errorcode
        return Response(json.dumps(found), mimetype="application/json")

    def _let_in(self, token: str, function: str) -> None:
        if token != self.token:
            raise Refusal("invalidtoken", "Invalid token - token not found")
        if function not in self.functions:
            raise Refusal("accessexception", "Access control exception")
        if function in self.denied:
            raise Refusal("nopermissions", f"no permissions ({self.denied[function]})")

    def _enter(self, course: str) -> None:
        if int(course) != self.course:
            raise Refusal("invalidrecord", "Can't find data record")
        if not self.may_enter:
            raise Refusal("requireloginerror", "Course or activity not accessible.")

    def _core_webservice_get_site_info(self, _form: Any) -> Any:  # noqa: ANN401 -- Moodle's shapes, here and below
        return {
            "userid": SERVICE_USER, "username": "mbservice", "release": "4.5.5+",
            "userprivateaccesskey": "not to be kept",
            "functions": [{"name": one, "version": "1"} for one in self.functions],
        }  # fmt: skip

    def _core_competency_list_course_competencies(self, form: Any) -> Any:  # noqa: ANN401
        self._enter(form["id"])
        return [
            {"competency": one, "coursecompetency": {"courseid": self.course}}
            for one in self.competencies
            if one["id"] in self.linked
        ]

    def _core_competency_list_competency_frameworks(self, _form: Any) -> Any:  # noqa: ANN401
        return self.frameworks

    def _core_competency_read_competency_framework(self, form: Any) -> Any:  # noqa: ANN401
        return next(one for one in self.frameworks if one["id"] == int(form["id"]))

    def _core_competency_list_competencies(self, form: Any) -> Any:  # noqa: ANN401
        column, value = form["filters[0][column]"], form["filters[0][value]"]
        return [one for one in self.competencies if one[column] == value]

    def _core_competency_create_competency_framework(self, form: Any) -> Any:  # noqa: ANN401
        if int(form["competencyframework[scaleid]"]) not in self.scales:
            raise Refusal("invalidpersistenterror", "Error: Incorrect scale ID")
        names = ("shortname", "idnumber", "description", "scaleconfiguration")
        values = {name: form[f"competencyframework[{name}]"] for name in names}
        scale = int(form["competencyframework[scaleid]"])
        number = self._add_framework({**values, "scaleid": scale})
        return self.frameworks[-1] if number else None

    def _core_competency_create_competency(self, form: Any) -> Any:  # noqa: ANN401
        names = ("shortname", "idnumber", "description")
        values = {name: form[f"competency[{name}]"] for name in names}
        if len(values["shortname"]) > 100:
            raise Refusal("dmlwriteexception", "Error writing to database")
        if "<" in values["shortname"] or "<" in values["description"]:
            raise Refusal("invalidparameter", "Invalid parameter value detected")
        framework = int(form["competency[competencyframeworkid]"])
        parent = int(form["competency[parentid]"])
        self.add_competency(framework, parentid=parent, **values)
        return self.competencies[-1]

    def _core_competency_add_competency_to_course(self, form: Any) -> Any:  # noqa: ANN401
        self._enter(form["courseid"])
        number = int(form["competencyid"])
        if number not in {one["id"] for one in self.competencies}:
            raise Refusal("invalidrecord", "Can't find data record")
        is_new = number not in self.linked
        self.linked += [number] if is_new else []
        return is_new

    def _core_competency_get_scale_values(self, form: Any) -> Any:  # noqa: ANN401
        items = self.scales.get(int(form["scaleid"]))
        if items is None:
            raise Refusal("", "Call to a member function load_items() on bool")
        return [{"id": at, "name": name} for at, name in enumerate(items, 1)]

    def _report_competency_data_for_report(self, form: Any) -> Any:  # noqa: ANN401
        self._enter(form["courseid"])
        student = int(form["userid"])
        if student not in self.students:
            raise Refusal("", 'Class "report_competency\\coding_exception" not found')
        lines = []
        for number in self.linked:
            grade, who = self.ratings.get((student, number), (None, SERVICE_USER))
            rating = {"competencyid": number, "grade": grade, "usermodified": who}
            lines.append({"usercompetencycourse": rating, "competency": {}})
        return {"usercompetencies": lines}

    def _core_competency_grade_competency_in_course(self, form: Any) -> Any:  # noqa: ANN401
        self._enter(form["courseid"])
        student, number = int(form["userid"]), int(form["competencyid"])
        grade, note = int(form["grade"]), form["note"]
        if number not in self.linked:
            raise Refusal(
                "codingerror", "The competency does not belong to this course: 5, 2"
            )
        if student not in self.students:
            raise Refusal(
                "codingerror", "The competency may not be rated at this time."
            )
        if "<" in note:
            raise Refusal("invalidparameter", "Invalid parameter value detected")
        one = next(one for one in self.competencies if one["id"] == number)
        if not 1 <= grade <= len(self._scale_of(one)):
            raise Refusal("invalidpersistenterror", "Error: Invalid rating")
        self.ratings[student, number] = (grade, SERVICE_USER)
        self.evidence.append(
            {"id": len(self.evidence) + 1, "user": student, "grade": grade,
             "note": note, "gradename": self._scale_of(one)[grade - 1]}
        )  # fmt: skip
        return self.evidence[-1]

    def _add_framework(self, values: dict[str, Any]) -> int:
        self.frameworks.append({"id": len(self.frameworks) + 1, **values})
        return len(self.frameworks)

    def _scale_of(self, competency: dict[str, Any]) -> list[str]:
        framework = self.frameworks[competency["competencyframeworkid"] - 1]
        return self.scales[competency["scaleid"] or framework["scaleid"]]
