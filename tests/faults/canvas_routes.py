"""The addresses of the Canvas of canvas.py: who may, in what form, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from tests.faults.canvas import Canvas, Course, Job, Json

API = "/api/v1"
Answer = Callable[..., Response]


class Refused(HTTPException):
    """An answer in Canvas's own form."""

    def __init__(self, status: int, body: object, **headers: str) -> None:
        super().__init__()
        self.code, self.body, self.said = status, body, headers


def unauthorized() -> Refused:
    """Who may not do something is told 401, as one without a token is."""
    message = "user not authorized to perform that action"
    return Refused(401, {"status": "unauthorized", "errors": [{"message": message}]})


def bad_token() -> Refused:
    return Refused(
        401,
        {"errors": [{"message": "Invalid access token."}]},
        **{"WWW-Authenticate": 'Bearer realm="canvas-lms"'},
    )


def not_found() -> Refused:
    message = "The specified resource does not exist."
    return Refused(404, {"errors": [{"message": message}]})


def serve_canvas(canvas: Canvas, *more: Routes) -> Flask:
    """The application of a Canvas; more answers at addresses beside these."""
    app = Flask("canvas")
    app.before_request(partial(_arrive, canvas))
    app.after_request(partial(_leave, canvas))
    app.register_error_handler(Refused, _refuse)
    kinds = (Access, Outcomes, Courses, Rubrics, Grading)
    for made in (*(routes(canvas) for routes in kinds), *more):
        for name in dir(made):
            answer: Any = getattr(made, name)
            if hasattr(answer, "rule"):
                method, rule = answer.rule
                endpoint = f"{type(made).__name__}.{name}"
                app.add_url_rule(rule, endpoint, answer, methods=[method])
    return app


def _arrive(canvas: Canvas) -> None:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    accept = request.headers.get("Accept", "")
    canvas.note(request.method, request.path, accept, token)
    if not request.path.startswith(API):
        return
    if token != canvas.token:
        raise bad_token()
    # doc/api/throttling.md: 403, and only its words tell it from "forbidden".
    canvas.quota -= canvas.cost
    if canvas.quota <= 0:
        raise Refused(403, "403 Forbidden (Rate Limit Exceeded)")
    template = f"url:{request.method}|{_template(request.path)}"
    if canvas.scopes is not None and template not in canvas.scopes:
        message = "Insufficient scopes on access token."
        raise Refused(401, {"errors": [{"message": message}]})


def _leave(canvas: Canvas, response: Response) -> Response:
    canvas.under_way -= 1
    response.headers["Date"] = format_datetime(canvas.now(), usegmt=True)
    if request.path.startswith(API):
        response.headers["X-Request-Cost"] = str(canvas.cost)
        response.headers["X-Rate-Limit-Remaining"] = str(max(canvas.quota, 0.0))
    return response


def _refuse(error: Refused) -> Response:
    is_text = isinstance(error.body, str)
    body = str(error.body) if is_text else json.dumps(error.body)
    kind = "text/plain" if is_text else "application/json"
    return Response(body, error.code, error.said, content_type=kind)


def _template(path: str) -> str:
    """A path as a scope writes it: /api/v1/courses/:id for /api/v1/courses/7."""
    steps = path.split("/")
    return "/".join(":id" if one.isdigit() or one == "self" else one for one in steps)


def json_answer(value: object, status: int = 200, **headers: str) -> Response:
    as_words = "json+canvas-string-ids" in request.headers.get("Accept", "")
    body = json.dumps(_worded(value, as_words=as_words))
    return Response(body, status, headers, content_type="application/json")


def _worded(value: object, *, as_words: bool, key: str = "") -> object:
    """JSON as Canvas writes it: ids as words for who asks for them so."""
    if isinstance(value, dict):
        return {k: _worded(v, as_words=as_words, key=k) for k, v in value.items()}
    if isinstance(value, list):
        return [_worded(one, as_words=as_words, key=key) for one in value]
    is_id = key == "id" or key.endswith("_id")
    return str(value) if as_words and is_id and isinstance(value, int) else value


def paged(canvas: Canvas, found: Sequence[object], member: str = "") -> Response:
    """A page, and the next one's address: an opaque bookmark, its case counts.

    Source: doc/api/pagination.md; `last` is not always told.
    """
    size = min(int(request.args.get("per_page", 10)), canvas.page)
    mark = request.args.get("page", _bookmark(0))
    start = next((n for n in range(len(found) + 1) if _bookmark(n) == mark), None)
    if start is None:
        raise Refused(400, {"errors": [{"message": "invalid page"}]})
    ways = {"page", "per_page"}
    kept = [(k, v) for k, v in request.args.items(multi=True) if k not in ways]
    here = f"{canvas.url}{request.path}?{urlencode([*kept, ('per_page', size)])}"
    links = [f'<{here}&page={mark}>; rel="current"']
    if start + size < len(found):
        links.append(f'<{here}&page={_bookmark(start + size)}>; rel="next"')
    links.append(f'<{here}&page={_bookmark(0)}>; rel="first"')
    page = list(found[start : start + size])
    body: object = {member: page} if member else page
    return json_answer(body, Link=",".join(links))


def _bookmark(start: int) -> str:
    return f"bookmark:WyJ{start:x}XiQ"


def at(method: str, path: str) -> Callable[[Answer], Answer]:
    """Let a method answer at a path of the interface."""

    def mark(answer: Answer) -> Answer:
        answer.rule = (method, path)  # type: ignore[attr-defined] -- read by serve_canvas
        return answer

    return mark


class Routes:
    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas

    def need(self, right: str) -> None:
        if right not in self.canvas.rights:
            raise unauthorized()

    def course(self, number: int, *, writes: bool = False) -> Course:
        found = self.canvas.courses.get(number)
        if found is None:
            raise not_found()
        # A concluded course takes nothing more; who could is told as one who may not.
        if writes and found.is_over:
            raise unauthorized()
        return found

    def assignment(self, course: Course, key: int) -> Json:
        if key not in course.assignments:
            raise not_found()
        return course.assignments[key]


class Access(Routes):
    """doc/api/oauth_endpoints.md."""

    @at("POST", "/login/oauth2/token")
    def token(self) -> Response:
        form, canvas = request.form, self.canvas
        kind = form.get("grant_type")
        is_known = form.get("client_secret") == canvas.secret
        if kind == "refresh_token":
            is_known = is_known and form.get("refresh_token") == canvas.refresh
        else:
            wanted = canvas.codes.pop(form.get("code", ""), None)
            is_known = is_known and form.get("redirect_uri") == wanted
        if not is_known:
            said = {"error_description": "refresh_token not found"}
            return json_answer({"error": "invalid_request", **said}, 400)
        answer: Json = {"access_token": canvas.renew(), "token_type": "Bearer"}
        answer |= {"user": {"id": 1, "name": "MasteryBridge"}, "expires_in": 3600}
        if kind == "authorization_code":
            answer["refresh_token"] = canvas.refresh
        return json_answer(answer)

    @at("GET", f"{API}/users/self")
    def myself(self) -> Response:
        return json_answer({"id": 1, "name": "MasteryBridge"})


class Outcomes(Routes):
    """app/controllers/outcome_groups_api_controller.rb, outcome_imports_api_…"""

    @at("GET", f"{API}/<any(courses,accounts):kind>/<int:number>/outcome_group_links")
    def links(self, kind: str, number: int) -> Response:
        self.need("read")
        canvas, context = self.canvas, f"{kind.removesuffix('s')}_{number}"
        found = [
            {"outcome": canvas.outcome_json(canvas.outcomes[what])}
            for where, what in sorted(canvas.links)
            if where == context
        ]
        return paged(canvas, found)

    @at("GET", f"{API}/courses/<int:number>/outcome_groups")
    def groups(self, number: int) -> Response:
        found = []
        for one in self.canvas.groups.values():
            if one["context"] == f"course_{number}":
                shown = {"id": one["id"], "title": one["title"]}
                if one["parent"] is not None:
                    shown["parent_outcome_group"] = {"id": one["parent"]}
                found.append(shown)
        return paged(self.canvas, found)

    @at(
        "PUT", f"{API}/courses/<int:number>/outcome_groups/<int:group>/outcomes/<int:o>"
    )
    def link(self, number: int, group: int, o: int) -> Response:
        self.need("outcomes")
        context = f"course_{self.course(number, writes=True).id}"
        canvas = self.canvas
        if canvas.groups[group]["context"] != context or o not in canvas.outcomes:
            raise Refused(400, "error")
        canvas.links.add((context, o))
        return json_answer({"outcome": canvas.outcome_json(canvas.outcomes[o])})

    @at("POST", f"{API}/courses/<int:number>/outcome_groups/<int:group>/outcomes")
    def create(self, number: int, group: int) -> Response:
        self.need("outcomes")
        self.course(number, writes=True)
        told = request.get_json()
        made = self.canvas.add_outcome(
            self.canvas.groups[group]["context"],
            told["vendor_guid"],
            title=told["title"],
            description=told["description"],
            method=told["calculation_method"],
            mastery=float(told["mastery_points"]),
            ratings=[(float(r["points"]), r["description"]) for r in told["ratings"]],
        )
        return json_answer({"outcome": self.canvas.outcome_json(made)})

    @at("POST", f"{API}/accounts/<int:number>/outcome_imports")
    def begin(self, number: int) -> Response:
        self.need("import")
        canvas, body = self.canvas, request.get_data()
        key, faults = next(canvas.ids), list[list[Any]]()

        def work() -> tuple[str, str | None]:
            return canvas.read_csv(f"account_{number}", body, faults), None

        canvas.imports[key] = (Job(work, canvas.slow), faults)
        return json_answer({"id": key, "workflow_state": "created"})

    @at("GET", f"{API}/accounts/<int:number>/outcome_imports/<int:key>")
    def state(self, number: int, key: int) -> Response:
        del number
        job, faults = self.canvas.imports[key]
        job.ask()
        shown = {"running": "importing"}.get(job.state, job.state)
        return json_answer(
            {"id": key, "workflow_state": shown, "processing_errors": faults[:25]}
        )


class Courses(Routes):
    """A course, its students and its assignments."""

    @at("GET", f"{API}/courses/<int:number>")
    def one(self, number: int) -> Response:
        found = self.course(number)
        state = "completed" if found.is_over else "available"
        return json_answer(
            {"id": found.id, "workflow_state": state, "concluded": found.is_over}
        )

    @at("GET", f"{API}/courses/<int:number>/users")
    def users(self, number: int) -> Response:
        self.need("read")
        found = [{"id": key} for key in self.course(number).students]
        return paged(self.canvas, found)

    @at("GET", f"{API}/courses/<int:number>/assignments")
    def assignments(self, number: int) -> Response:
        one = self.course(number)
        told = partial(self.canvas.assignment_json, one)
        return paged(self.canvas, [told(a) for a in one.assignments.values()])

    @at("POST", f"{API}/courses/<int:number>/assignments")
    def create(self, number: int) -> Response:
        self.need("assignments")
        one = self.course(number, writes=True)
        made = self.canvas.add_assignment(one, **request.get_json()["assignment"])
        return json_answer(self.canvas.assignment_json(one, made), 201)

    @at("GET", f"{API}/courses/<int:number>/assignments/<int:key>")
    def shown(self, number: int, key: int) -> Response:
        one = self.course(number)
        return json_answer(self.canvas.assignment_json(one, self.assignment(one, key)))


class Rubrics(Routes):
    """app/controllers/rubrics_controller.rb: a refusal comes with status 200."""

    @at("POST", f"{API}/courses/<int:number>/rubrics")
    def create(self, number: int) -> Response:
        return self._save(number, None)

    @at("PUT", f"{API}/courses/<int:number>/rubrics/<int:key>")
    def update(self, number: int, key: int) -> Response:
        return self._save(number, key)

    @at("GET", f"{API}/courses/<int:number>/rubrics/<int:key>")
    def shown(self, number: int, key: int) -> Response:
        self.need("rubrics")
        course = self.course(number)
        if key not in course.rubrics:
            raise not_found()
        title = course.rubrics[key]["title"]
        uses = course.uses(key)
        return json_answer({"id": key, "title": title, "associations": uses})

    def _save(self, number: int, key: int | None) -> Response:
        self.need("rubrics")
        course = self.course(number, writes=True)
        told = request.get_json()
        use = told["rubric_association"]
        assignment = course.assignments[int(use["association_id"])]
        # Used for grading in two places it is read-only: another one is made of it.
        is_shared = key is not None and len(course.uses(key)) > 1
        rubric = self.canvas.save_rubric(
            course, told["rubric"], None if is_shared else key
        )
        if "faults" in rubric:
            return json_answer({"error": True, "messages": rubric["faults"]})
        held = self.canvas.attach(course, assignment, rubric)
        if use.get("use_for_grading") == "1":
            total = sum(one["points"] for one in rubric["criteria"])
            assignment["points_possible"] = total
        return json_answer({"rubric": rubric, "rubric_association": held})


class Grading(Routes):
    """Submissions, their jobs, and the results that come of them."""

    @at("GET", f"{API}/courses/<int:number>/assignments/<int:key>/submissions")
    def submissions(self, number: int, key: int) -> Response:
        self.need("grades")
        course = self.course(number)
        self.assignment(course, key)
        found = []
        for who in course.students:
            marks = course.assessments.get((key, who))
            row: Json = {"user_id": who}
            found.append(row if marks is None else row | {"rubric_assessment": marks})
        return paged(self.canvas, found)

    @at(
        "POST",
        f"{API}/courses/<int:number>/assignments/<int:key>/submissions/update_grades",
    )
    def update(self, number: int, key: int) -> Response:
        """app/controllers/submissions_api_controller.rb bulk_update."""
        self.need("grades")
        course = self.course(number, writes=True)
        data = request.get_json().get("grade_data")
        if not data:
            raise Refused(400, {"error": "'grade_data' parameter required"})
        assignment = self.assignment(course, key)
        if not assignment["published"]:
            raise unauthorized()
        work = partial(self._grade, course, assignment, data)
        job = next(self.canvas.ids)
        self.canvas.jobs[job] = Job(work, self.canvas.slow)
        return json_answer({"id": job, "workflow_state": "queued", "completion": 0})

    def _grade(
        self, course: Course, assignment: Json, data: Mapping[str, Json]
    ) -> tuple[str, str | None]:
        """Whom it does not find fails the job, after all the others were graded.

        Source: app/models/submission.rb process_bulk_update.
        """
        if not assignment["published"]:
            return "failed", (
                "Some assignments are either not published or deleted and can not be "
                f"graded '{assignment['id']}'"
            )
        missing = [who for who in data if int(who) not in course.students]
        for who in data.keys() - missing:
            rows = data[who].get("rubric_assessment")
            if rows and assignment["association"]:
                self.canvas.assess(course, assignment, int(who), rows)
        if missing:
            words = ", ".join(f"'{who}'" for who in missing)
            return "failed", f"Couldn't find User(s) with API ids {words}"
        return "completed", None

    @at("GET", f"{API}/progress/<int:key>")
    def progress(self, key: int) -> Response:
        """A job; one strand a course, so it waits for those before it."""
        for number in sorted(self.canvas.jobs):
            job = self.canvas.jobs[number]
            if number <= key:
                job.ask()
            if not job.is_over:
                break
        job = self.canvas.jobs[key]
        return json_answer(
            {"id": key, "workflow_state": job.state, "message": job.message}
        )

    @at("GET", f"{API}/courses/<int:number>/outcome_results")
    def results(self, number: int) -> Response:
        """app/controllers/outcome_results_controller.rb; lib/outcomes/result_analytics.

        Of students of the course alone; one asked for who is none spoils the call. What
        a rubric hides is told only when asked for.
        """
        self.need("grades")
        course, canvas = self.course(number), self.canvas
        wanted = {int(one) for one in request.args.getlist("outcome_ids[]")}
        linked = {what for where, what in canvas.links if where == f"course_{number}"}
        if wanted - linked:
            message = "can only include id's of outcomes in the outcome context"
            raise Refused(400, {"message": message})
        asked = {int(one) for one in request.args.getlist("user_ids[]")}
        if asked - course.students.keys():
            message = "can only include id's of users in the outcome context"
            raise Refused(400, {"message": message})
        canvas.look_at_results()
        people = asked or course.students.keys()
        has_hidden = request.args.get("include_hidden") in {"true", "1"}
        all_of_them = [
            (f"assignment_{where}", *rest, one)
            for (where, *rest), one in sorted(course.results.items())
        ] + [
            (f"live_assessments/assessment_{where}", *rest, one)
            for (where, *rest), one in sorted(course.live_results.items())
        ]
        found = []
        for alignment, what, who, one in all_of_them:
            links = {"user": str(who), "learning_outcome": str(what)}
            links["alignment"] = alignment
            shown = {key: value for key, value in one.items() if key != "hidden"}
            if what in wanted and who in people and (has_hidden or not one["hidden"]):
                found.append(shown | {"links": links})
        return paged(canvas, found, "outcome_results")
