"""/api/v1 and /openapi.json: levels for a data warehouse that pulls; see work.pulls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from flask import (
    Blueprint,
    Request,
    Response,
    current_app,
    jsonify,
    request,
    stream_with_context,
)

from lti_tool.errors import PullError
from lti_tool.web.sessions import clock, database
from lti_tool.work import pulls
from lti_tool.work.openapi import document
from lti_tool.work.pulls import Cursor, Reader
from lti_tool.work.tables import csv_text

pages = Blueprint("api", __name__)

UNAUTHORIZED = 401
CURSOR, HAS_MORE = "X-Next-Cursor", "X-Has-More"
Gate = Callable[[Request], Reader]
"""Tells who asks by her token; raises PullError 401."""


@pages.get("/api/v1/attainments")
def attainments() -> Response:
    """Levels in the order they were worked out, a page at a time."""
    reader, cursor, now = _reader(), _cursor(), clock()
    limit = pulls.parse_limit(request.args.get("limit", ""))
    return jsonify(
        pulls.changes(database(), reader, cursor=cursor, limit=limit, now=now)
    )


@pages.get("/api/v1/attainments.csv")
def attainments_csv() -> Response:
    """The same as CSV: a page where a limit is given, else all, sent while read.

    The cursor to go on with stands in a header, as no line could hold it.
    """
    reader, cursor, now = _reader(), _cursor(), clock()
    reader.check(pulls.LEVELS)
    found: Iterable[Mapping[str, Any]]
    if request.args.get("limit"):
        limit = pulls.parse_limit(request.args["limit"])
        page = pulls.changes(database(), reader, cursor=cursor, limit=limit, now=now)
        found, onward, has_more = page["attainments"], page["cursor"], page["has_more"]
    else:
        found = pulls.every(database(), reader, cursor=cursor, now=now)
        onward, has_more = str(pulls.next_pull(cursor, now)), False
    lines = csv_text(pulls.COLUMNS, map(pulls.line, found), mark=False)
    answer = Response(stream_with_context(lines), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="attainments.csv"'
    answer.headers[CURSOR] = onward
    answer.headers[HAS_MORE] = "true" if has_more else "false"
    return answer


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


def _cursor() -> Cursor | None:
    given = request.args.get("cursor")
    return pulls.parse_cursor(given) if given else None


def _reader() -> Reader:
    gate = cast("Gate", current_app.extensions["gate"])
    return gate(request)
