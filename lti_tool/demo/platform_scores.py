"""AGS scores and results: what tools tell the gradebook, and what it then holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, request

from lti_tool.demo.platform_ags import (
    ITEM_PATH,
    is_amount,
    owned,
    parse_moment,
    require_words,
)
from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_checks import (
    answer,
    page,
    require_accept,
    require_access,
    require_json,
    sent_id,
    stop,
)
from lti_tool.demo.platform_gradebook import StaleScoreError
from lti_tool.demo.platform_manners import RESULT_SCOPE, SCORE_SCOPE
from lti_tool.demo.platform_records import Grade, LineItem

SCORE_TYPE: Final = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE: Final = "application/vnd.ims.lis.v2.resultcontainer+json"
ACTIVITY: Final = ("Initialized", "Started", "InProgress", "Submitted", "Completed")
GRADING: Final = ("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady")
_KNOWN: Final = {
    "userId",
    "timestamp",
    "activityProgress",
    "gradingProgress",
    "scoreGiven",
    "scoreMaximum",
    "comment",
    "scoringUserId",
    "submission",
}


def score_routes(campus: Campus) -> Blueprint:
    """The score and result services.

    Source: AGS 2.0, sections 3.3 and 3.4.
    """
    routes = Blueprint("scores", __name__)

    @routes.post(ITEM_PATH + "/scores")
    def scored(course_id: str, item_id: str) -> Response:
        access = require_access(campus, SCORE_SCOPE)
        sent = require_json(campus, SCORE_TYPE)
        item = owned(campus, course_id, item_id, access.client_id)
        grade = _parsed(campus, item, sent)
        try:
            campus.gradebook.score(item, grade)
        except StaleScoreError:
            stop(
                campus.manners.old_score_status,
                "timestamp is not after the one on record for this person",
            )
        return Response(status=200)

    @routes.get(ITEM_PATH + "/results")
    def results(course_id: str, item_id: str) -> Response:
        access = require_access(campus, RESULT_SCOPE)
        require_accept(campus, RESULTS_TYPE)
        item = owned(campus, course_id, item_id, access.client_id)
        wanted = request.args.get("user_id")
        grades = [
            grade
            for grade in campus.gradebook.grades(item.id)
            if wanted in (None, grade.person_id)
        ]
        shown, next_url = page(campus, grades)
        response = answer(
            [_formatted(campus, item, grade) for grade in shown],
            media_type=RESULTS_TYPE,
        )
        if next_url:
            response.headers["Link"] = f'<{next_url}>; rel="next"'
        return response

    return routes


def _formatted(campus: Campus, item: LineItem, grade: Grade) -> dict[str, Any]:
    line_item_url = campus.line_item_url(item)
    told = {
        "id": f"{line_item_url.partition('?')[0]}/results/{grade.person_id}",
        "scoreOf": line_item_url,
        "userId": sent_id(campus, grade.person_id),
        "resultScore": grade.score,
        "resultMaximum": grade.maximum if grade.score is not None else None,
        "comment": grade.comment,
        "scoringUserId": grade.scored_by,
    }
    return {name: value for name, value in told.items() if value is not None}


def _parsed(campus: Campus, item: LineItem, sent: Mapping[str, Any]) -> Grade:
    """A score as sent, once everything in it is found in order."""
    require_words(sent, _KNOWN)
    _require_words_of_progress(sent)
    at = _timestamp(campus, sent)
    score, maximum = _points(item, sent)
    comment, scored_by = sent.get("comment"), sent.get("scoringUserId")
    if comment is not None and not isinstance(comment, str):
        stop(400, "comment must be a text")
    if scored_by is not None and (not isinstance(scored_by, str) or not scored_by):
        stop(400, "scoringUserId must be a text and not empty")
    _require_submission(sent.get("submission"))
    return Grade(
        line_item_id=item.id,
        person_id=_learner(campus, item, sent.get("userId")),
        score=score,
        maximum=maximum,
        at=at,
        comment=(comment or "").strip() or None,
        activity=sent["activityProgress"],
        grading=sent["gradingProgress"],
        scored_by=scored_by,
    )


def _require_words_of_progress(sent: Mapping[str, Any]) -> None:
    for name, words in (("activityProgress", ACTIVITY), ("gradingProgress", GRADING)):
        if sent.get(name) not in words:
            stop(400, f"{name} must be one of {', '.join(words)}")


def _timestamp(campus: Campus, sent: Mapping[str, Any]) -> datetime:
    text = sent.get("timestamp")
    at = parse_moment(text)
    if at is None:
        stop(400, "timestamp must be an ISO 8601 time with its zone")
    if "." not in str(text) and not campus.manners.loose_timestamps:
        stop(400, "timestamp must have fractions of a second")
    return at


def _points(item: LineItem, sent: Mapping[str, Any]) -> tuple[float | None, float]:
    score: Any = sent.get("scoreGiven")
    maximum: Any = sent.get("scoreMaximum")
    if score is None:
        return None, item.maximum
    if not is_amount(score, above_zero=False):
        stop(400, "scoreGiven must be a number, 0 or above")
    if not is_amount(maximum):
        stop(400, "scoreMaximum must be a number above 0 where scoreGiven is sent")
    return float(score), float(maximum)


def _require_submission(submission: object) -> None:
    if submission is None:
        return
    if not isinstance(submission, dict):
        stop(400, "submission must be an object")
    moments = {}
    for name in ("startedAt", "submittedAt"):
        if submission.get(name) is not None:
            moments[name] = parse_moment(submission[name])
            if moments[name] is None:
                stop(400, f"submission.{name} must be an ISO 8601 time with its zone")
    started, submitted = moments.get("startedAt"), moments.get("submittedAt")
    if started and submitted and submitted < started:
        stop(400, "submission.submittedAt lies before startedAt")


def _learner(campus: Campus, item: LineItem, person_id: object) -> str:
    if not isinstance(person_id, str) or not person_id:
        stop(400, "userId must be a text and not empty")
    if campus.course(item.course_id).seats.get(person_id) != "learner":
        stop(campus.manners.stranger_status, "userId is no learner of this course")
    return person_id
