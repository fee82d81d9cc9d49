"""The gradebook of the Moodle of moodle.py, and how its web services tell it.

As Moodle 4.5.5 has it (grade/report/user and
admin/tool/lp/classes/external.php; seen 2026-11): every column whosever report it is,
the course total last, the grade left out where the course's user report leaves it out,
an outcome's number in scaleid, and no word on who is no student.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, request

from tests.lti_tool.work.moodle import FUNCTIONS, SERVICE_USER, PretendMoodle, Refusal

READING = (
    "gradereport_user_get_grade_items",
    "tool_lp_data_for_course_competencies_page",
    "core_course_get_contents",
    "core_grades_get_gradeitems",
)
TOTAL = 900


@dataclass
class GradedMoodle(PretendMoodle):
    """A Moodle whose course has columns and grades.

    Attributes:
        sees_hidden: the account may see hidden grades (moodle/grade:viewhidden).
        unviewed: kinds of activities that it may not view (mod/assign:view).
        shows: what the course's user report has: "grade" and "range".
        unreported: users whom Moodle does not report on, with its errorcode.
        uses: competencies by activity.
    """

    functions: set[str] = field(default_factory=lambda: {*FUNCTIONS, *READING})
    items: list[dict[str, Any]] = field(default_factory=list)
    grades: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    sees_hidden: bool = True
    unviewed: set[str] = field(default_factory=set)
    shows: set[str] = field(default_factory=lambda: {"grade", "range"})
    unreported: dict[int, str] = field(default_factory=dict)
    uses: dict[int, list[int]] = field(default_factory=dict)
    activities: dict[int, dict[str, Any]] = field(default_factory=dict)
    ags: list[int] = field(default_factory=list)
    url: str = ""

    @property
    def app(self) -> Flask:
        app = Flask("moodle")
        app.add_url_rule(
            "/webservice/rest/server.php", view_func=self._answer, methods=["POST"]
        )
        app.add_url_rule("/token", view_func=_token, methods=["POST"])
        app.add_url_rule("/lineitems", view_func=self._line_items)
        return app

    def add_item(self, name: str, maximum: float = 100.0, **values: Any) -> int:  # noqa: ANN401 -- any field
        """Add a column; an activity's has a module and its number."""
        made = {
            "id": len(self.items) + 501, "itemname": name, "itemtype": "manual",
            "itemmodule": None, "iteminstance": None, "itemnumber": None,
            "idnumber": None, "categoryid": 1, "outcomeid": None, "grademin": 0.0,
            "grademax": maximum, "hidden": False, "labels": None, **values,
        }  # fmt: skip
        self.items.append(made)
        return int(made["id"])

    def add_activity(self, kind: str, name: str, maximum: float, **more: Any) -> int:  # noqa: ANN401 -- any field
        """Add an activity with its column; gives the column's number."""
        cmid = 31 + len(self.activities)
        self.activities[cmid] = {
            "id": cmid, "name": name, "modname": kind, "dates": more.pop("dates", []),
            "description": more.pop("description", None),
        }  # fmt: skip
        return self.add_item(
            name, maximum, itemtype="mod", itemmodule=kind, iteminstance=cmid - 20,
            cmid=cmid, **more,
        )  # fmt: skip

    def add_scale_item(self, name: str, *labels: str) -> int:
        return self.add_item(name, len(labels), grademin=1.0, labels=labels)

    def add_column(self, name: str, maximum: float = 4.0) -> int:
        """Let our tool make a column by AGS: one made by hand, for all one sees."""
        self.ags.append(self.add_item(name, maximum))
        return self.ags[-1]

    def grade(self, item: int, student: int, raw: float | None, **said: Any) -> None:  # noqa: ANN401 -- any field
        self.grades[item, student] = {"raw": raw, "at": 1_795_600_000, **said}

    def address(self, item: int) -> str:
        """The AGS address of a column."""
        return (
            f"{self.url}/mod/lti/services.php/{self.course}/lineitems/{item}/lineitem"
            "?type_id=1"
        )

    def _line_items(self) -> Response:
        names = {one["id"]: one for one in self.items}
        found = [
            {"id": self.address(one), "label": names[one]["itemname"],
             "scoreMaximum": names[one]["grademax"]}
            for one in self.ags
        ]  # fmt: skip
        return Response(json.dumps(found), mimetype="application/json")

    def _gradereport_user_get_grade_items(self, form: Any) -> Any:  # noqa: ANN401
        self._enter(form["courseid"])
        user = int(form["userid"])
        if user not in {SERVICE_USER, *self.students}:
            raise Refusal("invaliduser", "Invalid user")
        if user in self.unreported:
            raise Refusal(self.unreported[user], "no report")
        total = {"id": TOTAL, "itemname": None, "itemtype": "course", "hidden": False,
                 "itemmodule": None, "iteminstance": 1, "outcomeid": None,
                 "grademin": 0.0, "grademax": 100.0, "labels": None}  # fmt: skip
        items = [
            self._item(one, grade)
            for one in (*self.items, total)
            if one["itemmodule"] not in self.unviewed
            for grade in [self.grades.get((one["id"], user), {})]
            if self.sees_hidden or not (one["hidden"] or grade.get("hidden"))
        ]
        return {
            "usergrades": [
                {"courseid": self.course, "userid": user, "gradeitems": items}
            ],
            "warnings": [],
        }

    def _item(self, one: dict[str, Any], grade: dict[str, Any]) -> dict[str, Any]:
        raw = grade.get("raw")
        is_hidden = one["hidden"] or bool(grade.get("hidden"))
        is_told = not is_hidden or self.sees_hidden
        told = {name: one[name] for name in one if name not in {"hidden", "labels"}}
        told |= {"scaleid": one["outcomeid"], "gradeishidden": is_hidden}
        told["gradeneedsupdate"] = grade.get("stale", False)
        told["feedback"] = grade.get("feedback", "") if is_told else ""
        told["status"] = grade.get("status", "used")
        if "range" not in self.shows:
            del told["grademin"], told["grademax"]
        if "grade" in self.shows:
            told["gradedatesubmitted"] = grade.get("submitted")
            told["gradedategraded"] = None if raw is None else grade["at"]
            told["graderaw"] = raw if is_told and not grade.get("stale") else None
            told["gradeformatted"] = _formatted(one, raw) if is_told else "-"
        return told

    def _tool_lp_data_for_course_competencies_page(self, form: Any) -> Any:  # noqa: ANN401
        self._enter(form["courseid"])
        return {
            "courseid": self.course,
            "competencies": [
                {
                    "competency": one,
                    "coursemodules": [
                        {"id": cmid, "name": "-"}
                        for cmid, used in self.uses.items()
                        if one["id"] in used
                    ],
                }
                for one in self.competencies
                if one["id"] in self.linked
            ],
        }

    def _core_grades_get_gradeitems(self, form: Any) -> Any:  # noqa: ANN401
        self._enter(form["courseid"])
        found = [
            {"id": str(one["id"]), "itemname": one["itemname"], "category": "-"}
            for one in self.items
        ]
        return {"gradeItems": found, "warnings": []}

    def _core_course_get_contents(self, form: Any) -> Any:  # noqa: ANN401
        self._enter(form["courseid"])
        return [{"id": 1, "name": "Topic", "modules": list(self.activities.values())}]


def _formatted(one: dict[str, Any], raw: float | None) -> str:
    """A grade as people read it; one that passes has a sign before it."""
    if raw is None:
        return "-"
    if one["labels"]:
        label = one["labels"][int(raw) - 1]
        return f'<i class="icon fa fa-check" title="Pass"></i>{label}'
    return f"{raw:.2f}"


def _token() -> Response:
    told = {"access_token": "lti", "expires_in": 3600, "token_type": "Bearer",
            "scope": request.form["scope"]}  # fmt: skip
    return Response(json.dumps(told), mimetype="application/json")
