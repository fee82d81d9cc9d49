"""/api/v1 and /openapi.json: levels for a data warehouse that pulls; see work.pulls."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from flask import Blueprint, Request, Response, current_app, jsonify, request

from lti_tool.errors import PullError
from lti_tool.web.sessions import clock, database
from lti_tool.work import pulls
from lti_tool.work.openapi import document
from lti_tool.work.pulls import Reader

pages = Blueprint("api", __name__)

UNAUTHORIZED = 401
Gate = Callable[[Request], Reader]
"""Tells who asks by her token; raises PullError 401."""


@pages.get("/api/v1/attainments")
def attainments() -> Response:
    """Levels in the order they were worked out, a page at a time."""
    given = request.args.get("cursor")
    return jsonify(
        pulls.changes(
            database(),
            _reader(),
            cursor=pulls.parse_cursor(given) if given else None,
            limit=pulls.parse_limit(request.args.get("limit", "")),
            now=clock(),
        )
    )


@pages.get(
    "/api/v1/courses/<int:course_id>/students/<int:person_id>"
    "/competencies/<int:competency_id>/why"
)
def why(course_id: int, person_id: int, competency_id: int) -> Response:
    """Why one level stands."""
    key = (course_id, person_id, competency_id)
    return jsonify(pulls.why(database(), _reader(), key, now=clock()))


@pages.get("/openapi.json")
def openapi() -> Response:
    """What is here, in the words of OpenAPI 3.1."""
    return jsonify(document(current_app.config["SETTINGS"].public_url))


@pages.errorhandler(PullError)
def refuse(error: PullError) -> Response:
    """Say in JSON why it is not given."""
    answer = jsonify(error=str(error))
    answer.status_code = error.status
    if error.status == UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@pages.after_request
def keep_nothing(answer: Response) -> Response:
    """Let no cache hold what is told of students."""
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _reader() -> Reader:
    gate = cast("Gate", current_app.extensions["gate"])
    return gate(request)
