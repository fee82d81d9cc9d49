"""A Canvas for one school: the REST interface that outcomes go through, and its ways.

It does what the sources of Canvas say it does, also where that hurts: jobs that work
later, an assessment replaced whole, a second rubric that destroys the first one's
results, refusals with status 200, a throttle that says 403. Each rule names where it
is read: app/… and lib/… are of instructure/canvas-lms, seen 2026-11; the rest is
facts/canvas.md. Nothing waits: a job works when it has been asked after often enough.
The addresses are in canvas_routes.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

Json = dict[str, Any]

# Ids beyond 2^53: who reads them as floating point numbers is lost.
FIRST_ID = 2**53 + 1
_SHOWN = (
    "id",
    "description",
    "points",
    "ratings",
    "criterion_use_range",
    "ignore_for_scoring",
)
RIGHTS = frozenset(
    {"grades", "outcomes", "rubrics", "assignments", "import", "read"},
)


@dataclass
class Job:
    """Something Canvas does later: after it was asked for ``polls`` times."""

    work: Callable[[], tuple[str, str | None]]
    polls: int
    state: str = "queued"
    message: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state not in {"queued", "running"}

    def ask(self) -> None:
        """Look after it; the last look finds it done."""
        if not self.is_over:
            self.polls -= 1
            self.state = "running"
            if self.polls < 0:
                self.state, self.message = self.work()


@dataclass
class Outcome:
    id: int
    context: str
    vendor_guid: str
    title: str
    description: str = ""
    ratings: list[tuple[float, str]] = field(default_factory=list)
    mastery: float = 0.0
    method: str = "decaying_average"
    number: int | None = 65


@dataclass
class Course:
    id: int
    students: dict[int, str] = field(default_factory=dict)
    is_over: bool = False
    assignments: dict[int, Json] = field(default_factory=dict)
    rubrics: dict[int, Json] = field(default_factory=dict)
    # (assignment, user) -> {criterion: {points, rating_id, comments}}
    assessments: dict[tuple[int, int], dict[str, Json]] = field(default_factory=dict)
    # (assignment, outcome, user) -> the result
    results: dict[tuple[int, int, int], Json] = field(default_factory=dict)
    # What canvas_live.py does: (live assessment, outcome, user) -> the result
    live_results: dict[tuple[int, int, int], Json] = field(default_factory=dict)

    def uses(self, rubric: int) -> list[Json]:
        """What a rubric is used for to grade."""
        found = [one["association"] for one in self.assignments.values()]
        return [one for one in found if one and one["rubric_id"] == rubric]


@dataclass
class Asked:
    method: str
    path: str
    accept: str
    token: str


class Canvas:
    """The service, its one school account, and what it was asked.

    Attributes:
        slow: how often a job is asked after in vain before it works.
        lag: how often results are read in vain before an assessment is worked in.
        page: how many rows a page has at most.
        quota: what is left of the token's, and cost, what a request takes of it.
        rights, scopes: what the account's role, and its key, let it do.
    """

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self.now = now or (lambda: datetime.now(UTC))
        self.url = ""
        self.slow, self.lag, self.page = 0, 0, 100
        self.quota, self.cost = 700.0, 0.0
        self.rights = set(RIGHTS)
        self.scopes: set[str] | None = None
        self.token, self.refresh, self.secret = "first-token", "refresh-me", "word"
        self.codes: dict[str, str] = {}
        self.renewals = 0
        self.account_scale: tuple[list[tuple[float, str]], float] | None = None
        self.courses: dict[int, Course] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.groups: dict[int, Json] = {}
        self.links: set[tuple[str, int]] = set()
        self.imports: dict[int, tuple[Job, list[list[Any]]]] = {}
        self.jobs: dict[int, Job] = {}
        self.later: list[tuple[int, Callable[[], None]]] = []
        self.asked: list[Asked] = []
        self.under_way, self.most_at_once = 0, 0
        self.ids = count(FIRST_ID)

    # What a test sets up and looks at.

    def add_course(self, *students: str) -> Course:
        made = Course(next(self.ids))
        made.students = {next(self.ids): name for name in students}
        self.courses[made.id] = made
        self._group(f"course_{made.id}", None, "", "Course")
        return made

    def add_student(self, course: Course, name: str) -> int:
        number = next(self.ids)
        course.students[number] = name
        return number

    def add_outcome(self, context: str, guid: str, **values: Any) -> Outcome:  # noqa: ANN401 -- fields of Outcome
        made = Outcome(next(self.ids), context, guid, values.pop("title", guid))
        for name, value in values.items():
            setattr(made, name, value)
        self.outcomes[made.id] = made
        self.links.add((context, made.id))
        return made

    def add_assignment(self, course: Course, **values: Any) -> Json:  # noqa: ANN401 -- as Canvas takes it
        made = {
            "id": next(self.ids),
            "name": "Essay",
            "description": "",
            "submission_types": ["online_text_entry"],
            "grading_type": "points",
            "points_possible": 10.0,
            "published": True,
            "association": None,
            **values,
        }
        course.assignments[made["id"]] = made
        return made

    def user(self, course: Course, name: str) -> int:
        return next(key for key, one in course.students.items() if one == name)

    def guid_of(self, outcome_id: int) -> str:
        return self.outcomes[outcome_id].vendor_guid

    def shown(self, course: Course) -> dict[tuple[str, str], float | None]:
        """What the mastery gradebook has to show: by student and vendor_guid."""
        self.work_off()
        return {
            (course.students[who], self.guid_of(what)): one["score"]
            for (_where, what, who), one in course.results.items()
        }

    def counts(self) -> Counter[str]:
        """How often each path was asked for, numbers left out."""
        return Counter(
            one.method + " " + "/".join("N" if s.isdigit() else s for s in steps)
            for one in self.asked
            for steps in [one.path.removeprefix("/api/v1/").split("/")]
        )

    def work_off(self) -> None:
        """Do all that waits in the background."""
        for job in self.jobs.values():
            while not job.is_over:
                job.ask()
        while self.later:
            self.later.pop(0)[1]()

    # How it works.

    def note(self, method: str, path: str, accept: str, token: str) -> None:
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        self.asked.append(Asked(method, path, accept, token))

    def renew(self) -> str:
        self.renewals += 1
        self.token = f"renewed-{self.renewals}"
        return self.token

    def _group(self, context: str, parent: int | None, guid: str, title: str) -> int:
        made = {"id": next(self.ids), "context": context, "title": title}
        made |= {"vendor_guid": guid, "parent": parent}
        self.groups[made["id"]] = made
        return int(made["id"])

    def look_at_results(self) -> None:
        """Each look brings what an assessment says a step nearer to its results."""
        waiting, self.later = self.later, []
        for looks, work in waiting:
            if looks <= 0:
                work()
            else:
                self.later.append((looks - 1, work))

    def assess(
        self, course: Course, assignment: Json, user: int, rows: Mapping[str, Json]
    ) -> None:
        """Replace an assessment whole; its results follow in a job of their own.

        Rows of criteria that are not sent are dropped; without any row nothing is
        replaced; points beyond a criterion's are cut
        (app/models/rubric_association.rb assess, assessment_points).
        """
        rubric = course.rubrics[assignment["association"]["rubric_id"]]
        held: dict[str, Json] = {}
        for criterion in rubric["criteria"]:
            sent = rows.get(criterion["id"])
            if sent is None:
                continue
            points = sent.get("points")
            is_there = points is not None and points != ""
            mark: Json = {"rating_id": sent.get("rating_id")}
            mark["comments"] = sent.get("comments")
            mark["points"] = (
                min(criterion["points"], float(points)) if is_there else None
            )
            held[criterion["id"]] = mark
        if held:
            course.assessments[assignment["id"], user] = held
            self.later.append((self.lag, lambda: self._track(course, assignment, user)))

    def _track(self, course: Course, assignment: Json, user: int) -> None:
        """Make results of an assessment (app/models/rubric_assessment.rb).

        Of the rows it has now; one without points gives a result without a score. A
        row that was dropped leaves the result it had.
        """
        if assignment["association"] is None:
            return
        rubric = course.rubrics[assignment["association"]["rubric_id"]]
        for criterion in rubric["criteria"]:
            mark = course.assessments.get((assignment["id"], user), {}).get(
                criterion["id"]
            )
            outcome = criterion.get("learning_outcome_id")
            if mark is None or outcome is None:
                continue
            score = mark["points"]
            course.results[assignment["id"], outcome, user] = {
                "id": next(self.ids),
                "score": score,
                "possible": criterion["points"],
                "mastery": score is not None and score >= criterion["mastery_points"],
                "submitted_or_assessed_at": _iso(self.now()),
                "hidden": assignment["association"].get("hides_results", False),
            }

    def attach(self, course: Course, assignment: Json, rubric: Json) -> Json:
        """Hang a rubric on an assignment for grading (assert_uniqueness).

        What hung there is destroyed for good: its assessments are cut loose and its
        outcome results are gone.
        """
        held = assignment["association"]
        if held is not None and held["rubric_id"] == rubric["id"]:
            return dict(held)
        if held is not None:
            number = assignment["id"]
            for one in [key for key in course.assessments if key[0] == number]:
                del course.assessments[one]
            for result in [key for key in course.results if key[0] == number]:
                del course.results[result]
        made = {
            "id": next(self.ids),
            "rubric_id": rubric["id"],
            "association_id": assignment["id"],
            "association_type": "Assignment",
            "purpose": "grading",
        }
        assignment["association"] = made
        return made

    def save_rubric(self, course: Course, told: Json, number: int | None) -> Json:
        """Save a rubric; what it may not be comes back as a list of faults."""
        places = sorted(told.get("criteria", {}).items(), key=lambda one: int(one[0]))
        criteria = [self._criterion(one) for _place, one in places]
        named = [one["learning_outcome_id"] for one in criteria]
        named = [one for one in named if one is not None]
        if len(set(named)) != len(named):
            return {"faults": ["This rubric has Outcomes aligned more than once"]}
        of_this = {one["association_id"] for one in course.uses(number or 0)}
        used = {what for (where, what, _) in course.results if where in of_this}
        if used - set(named):
            return {
                "faults": [
                    "This rubric removes criterions that have learning outcome results"
                ]
            }
        key = number or next(self.ids)
        rubric = course.rubrics.setdefault(key, {"id": key})
        rubric |= {"title": told.get("title", "Rubric"), "criteria": criteria}
        return rubric

    def _criterion(self, told: Json) -> Json:
        """A row of a rubric; its points are its highest rating's (rubric.rb)."""
        ratings = [
            {
                "id": one.get("id") or f"r{next(self.ids)}",
                "description": (one.get("description") or "No Description").strip(),
                "points": float(one["points"]),
            }
            for one in told.get("ratings", {}).values()
        ]
        ratings.sort(key=lambda one: -one["points"])
        number = told.get("learning_outcome_id")
        outcome = self.outcomes.get(int(number)) if number else None
        mastery = told.get("mastery_points") or (outcome.mastery if outcome else 0)
        return {
            "id": (told.get("id") or f"_{next(self.ids)}").strip(),
            "description": told.get("description") or "No Description",
            "points": max((one["points"] for one in ratings), default=0.0),
            "ratings": ratings,
            "learning_outcome_id": outcome.id if outcome else None,
            "mastery_points": float(mastery),
            "ignore_for_scoring": told.get("ignore_for_scoring") in {"1", "true", True},
            "criterion_use_range": told.get("criterion_use_range") in {"true", True},
        }

    def read_csv(self, context: str, body: bytes, faults: list[list[Any]]) -> str:
        """Import outcomes as Canvas does (lib/outcomes/import.rb).

        A vendor_guid is looked for everywhere: one of another course or account is
        refused.
        """
        parents: dict[str, int] = {}
        lines = list(csv.reader(io.StringIO(body.decode("utf-8"))))
        header = lines[0]
        rest = header.index("ratings")
        for number, line in enumerate(lines[1:], 2):
            row = dict(zip(header[:rest], line, strict=False))
            try:
                self._import(context, row, line[rest:], parents)
            except ValueError as error:
                faults.append([number, str(error)])
        return "failed" if faults else "succeeded"

    def _import(
        self, context: str, row: Json, steps: Sequence[str], parents: dict[str, int]
    ) -> None:
        guid = row["vendor_guid"]
        if not guid or not row["title"]:
            raise ValueError('The "vendor_guid" field is required')
        if " " in guid:
            raise ValueError('The "vendor_guid" field must have no spaces')
        if row["object_type"] == "group":
            if any(steps) or row["mastery_points"]:
                raise ValueError("Invalid fields for a group")
            parents[guid] = self._folder(context, guid, row["title"])
        elif row["parent_guids"] not in parents:
            raise ValueError("Parent references not found prior to this row")
        else:
            self._import_outcome(context, row, steps)

    def _folder(self, context: str, guid: str, title: str) -> int:
        for key, one in self.groups.items():
            if (one["vendor_guid"], one["context"]) == (guid, context):
                return key
        return self._group(context, 0, guid, title)

    def _import_outcome(self, context: str, row: Json, steps: Sequence[str]) -> None:
        guid = row["vendor_guid"]
        prior = [one for one in self.outcomes.values() if one.vendor_guid == guid]
        if prior and prior[0].context != context:
            raise ValueError(f'Outcome "{guid}" is in another unrelated context')
        pairs = list(zip(steps[::2], steps[1::2], strict=True))
        ratings = [(float(points), words) for points, words in pairs if points]
        if ratings != sorted(ratings, key=lambda one: -one[0]):
            raise ValueError("ratings must decrease")
        made = prior[0] if prior else self.add_outcome(context, guid)
        made.title, made.description = row["title"], row["description"]
        made.ratings, made.mastery = ratings, float(row["mastery_points"])
        made.method = row["calculation_method"] or "decaying_average"
        made.number = int(row["calculation_int"]) if row["calculation_int"] else None

    def outcome_json(self, one: Outcome) -> Json:
        """An outcome; with an account's scale, that stands in its place."""
        ratings, mastery = self.account_scale or (one.ratings, one.mastery)
        return {
            "id": one.id,
            "context_type": one.context.partition("_")[0].title(),
            "vendor_guid": one.vendor_guid,
            "title": one.title,
            "description": one.description,
            "calculation_method": one.method,
            "calculation_int": one.number,
            "points_possible": max((p for p, _name in ratings), default=None),
            "mastery_points": mastery if ratings else None,
            "ratings": [{"points": p, "description": name} for p, name in ratings],
        }

    def assignment_json(self, course: Course, one: Json) -> Json:
        """An assignment, with the rows and the name of its rubric (lib/api/v1)."""
        shown = {name: value for name, value in one.items() if name != "association"}
        if one["association"] is None:
            return shown
        rubric = course.rubrics[one["association"]["rubric_id"]]
        rows = []
        for row in rubric["criteria"]:
            line = {key: row[key] for key in _SHOWN}
            if row["learning_outcome_id"]:
                line["outcome_id"] = row["learning_outcome_id"]
                line["vendor_guid"] = self.guid_of(row["learning_outcome_id"])
            rows.append(line)
        total = sum(r["points"] for r in rows if not r["ignore_for_scoring"])
        settings = {"id": rubric["id"], "title": rubric["title"]}
        settings["points_possible"] = total
        return shown | {"rubric": rows, "rubric_settings": settings}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def later(moment: datetime, seconds: float) -> datetime:
    """So many seconds after a moment, or before it."""
    return moment + timedelta(seconds=seconds)
