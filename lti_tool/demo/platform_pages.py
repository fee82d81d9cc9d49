"""The pages of the pretend LMS: courses, the tool in its frame, grades, the wire."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from flask import (
    Blueprint,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)

from lti_tool.demo.platform_campus import Campus, UnknownRecordError
from lti_tool.demo.platform_launch import login_form
from lti_tool.demo.platform_records import TEACHING, Call
from lti_tool.demo.platform_views import (
    ROLE_WORDS,
    cast_of,
    grade_rows,
    people_to_be,
    seat_of,
    visitor,
)

SHOWN_CALLS: Final = 100
Page = str | tuple[str, int]


def page_routes(campus: Campus) -> Blueprint:
    """What a person sees of the LMS."""
    routes = Blueprint("pages", __name__)
    for path, view in (
        ("/", _courses),
        ("/courses/<course_id>", _course),
        ("/courses/<course_id>/gradebook", _gradebook),
        ("/launch", _launch),
        ("/wire", _wire),
        ("/wire.json", _wire_calls),
    ):
        routes.add_url_rule(path, view.__name__[1:], partial(view, campus))
    routes.add_url_rule(
        "/session", "session", partial(_sign_in, campus), methods=["POST"]
    )
    routes.register_error_handler(UnknownRecordError, partial(_unknown, campus))
    return routes


def _render(campus: Campus, name: str, **values: object) -> str:
    return render_template(
        f"platform/{name}.html",
        lms=campus,
        me=visitor(campus),
        role_words=ROLE_WORDS,
        calls=campus.heard.calls()[-SHOWN_CALLS:],
        **values,
    )


def _unknown(campus: Campus, error: UnknownRecordError) -> Page:
    return _render(campus, "message", title="Not here", text=f"{error}."), 404


def _courses(campus: Campus) -> Page:
    me = visitor(campus)
    shown = [
        course
        for course in list(campus.courses.values())
        if me is None or me.id in course.seats
    ]
    return _render(campus, "courses", courses=shown, people=people_to_be(campus))


def _sign_in(campus: Campus) -> Response:
    if request.headers.get("Origin", campus.url) != campus.url:
        return Response("The form came from another site.", status=403)
    key = campus.sign_in(request.form.get("person_id", ""))
    target = request.form.get("next", "/")
    local = target if target.startswith("/") and target[1:2] not in {"/", "\\"} else "/"
    response = make_response(redirect(local, code=303))
    response.set_cookie(
        campus.cookie_name,
        key,
        httponly=True,
        samesite="Lax",
        secure=campus.url.startswith("https:"),
    )
    return response


def _course(campus: Campus, course_id: str) -> Page:
    course = campus.course(course_id)
    role = seat_of(campus, course)
    links = campus.course_links(course_id)
    adds = request.args.get("add") == "1" and role in TEACHING
    chosen = None if adds else _chosen(campus, course_id)
    asked = {"course": course_id, "kind": "deep_linking"} if adds else {"link": chosen}
    if adds and request.args.get("single") == "1":
        asked["single"] = "1"
    return _render(
        campus,
        "course",
        course=course,
        role=role,
        links=links,
        chosen=chosen,
        adds=adds,
        single=adds and "single" in asked,
        may_add=role in TEACHING,
        frame_url=f"{campus.url}/launch?{urlencode(asked)}" if adds or chosen else None,
        people=cast_of(campus, course),
    )


def _chosen(campus: Campus, course_id: str) -> str | None:
    """The link the page shows: the one asked for, else the first."""
    asked = request.args.get("link")
    if asked is None:
        return next((link.id for link in campus.course_links(course_id)), None)
    if campus.link(asked).course_id != course_id:
        raise UnknownRecordError(f"no link {asked!r} in this course")
    return asked


def _gradebook(campus: Campus, course_id: str) -> Page:
    course = campus.course(course_id)
    role = seat_of(campus, course)
    columns = campus.gradebook.columns(course_id)
    return _render(
        campus,
        "gradebook",
        course=course,
        role=role,
        columns=columns,
        may_add=role in TEACHING,
        rows=grade_rows(campus, course, columns),
        people=cast_of(campus, course),
    )


def _launch(campus: Campus) -> Page:
    """The frame's first page, which posts itself to the tool."""
    me = visitor(campus)
    if me is None:
        text = "Sign in as somebody first."
        return _render(campus, "message", title="Nobody is signed in", text=text), 403
    link_id = request.args.get("link")
    adds = request.args.get("kind") == "deep_linking"
    if not link_id and not adds:
        raise UnknownRecordError("no link named; add link= to the address")
    course = campus.course(
        campus.link(link_id).course_id if link_id else request.args.get("course", "")
    )
    seat = course.seats.get(me.id)
    if seat is None or (adds and seat not in TEACHING):
        text = f"{me.name} may not open this in this course."
        return _render(campus, "message", title="Not yours to open", text=text), 403
    ticket = campus.issue_ticket(
        "deep_linking" if adds else "resource",
        me.id,
        course_id=course.id,
        link_id=None if adds else link_id,
        single=adds and request.args.get("single") == "1",
    )
    return login_form(campus, ticket)


def _wire(campus: Campus) -> Page:
    return _render(campus, "wire", people=people_to_be(campus))


def _wire_calls(campus: Campus) -> Response:
    after = request.args.get("after", "0")
    number = int(after) if after.isascii() and after.isdecimal() else 0
    calls = campus.heard.calls(number)[-SHOWN_CALLS:]
    return jsonify([_told(call) for call in calls])


def _told(call: Call) -> dict[str, Any]:
    return asdict(call) | {"at": f"{call.at:%H:%M:%S}"}
