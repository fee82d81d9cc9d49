"""AGS line items: the columns tools see, make, change and remove."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, request

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_checks import (
    answer,
    page,
    require_accept,
    require_access,
    require_json,
    stop,
)
from lti_tool.demo.platform_gradebook import has
from lti_tool.demo.platform_manners import LINE_ITEM_READ_SCOPE, LINE_ITEM_SCOPE
from lti_tool.demo.platform_records import LineItem

ITEM_TYPE: Final = "application/vnd.ims.lis.v2.lineitem+json"
LIST_TYPE: Final = "application/vnd.ims.lis.v2.lineitemcontainer+json"
ITEMS_PATH: Final = "/lti/courses/<course_id>/line_items"
ITEM_PATH: Final = ITEMS_PATH + "/<item_id>"
LABEL_LIMIT: Final = 255
_TEXTS: Final = ("resourceId", "tag", "resourceLinkId")
_TIMES: Final = ("startDateTime", "endDateTime")
_FURTHER: Final = (*_TIMES, "gradesReleased", "submissionReview")
_KNOWN: Final = {"id", "label", "scoreMaximum", *_TEXTS, *_FURTHER}


def line_item_routes(campus: Campus) -> Blueprint:
    """The line item service.

    Source: AGS 2.0, section 3.2.
    """
    routes = Blueprint("line_items", __name__)
    for path, method, view in (
        (ITEMS_PATH, "GET", _listed),
        (ITEMS_PATH, "POST", _made),
        (ITEM_PATH, "GET", _shown),
        (ITEM_PATH, "PUT", _changed),
        (ITEM_PATH, "DELETE", _removed),
    ):
        answer_with = partial(view, campus)
        routes.add_url_rule(path, view.__name__, answer_with, methods=[method])
    return routes


def _listed(campus: Campus, course_id: str) -> Response:
    access = require_access(campus, LINE_ITEM_SCOPE, LINE_ITEM_READ_SCOPE)
    require_accept(campus, LIST_TYPE)
    _require_course(campus, course_id)
    matches = has(
        client_id=access.client_id,
        resource_link_id=request.args.get("resource_link_id"),
        resource_id=request.args.get("resource_id"),
        tag=request.args.get("tag"),
    )
    shown, next_url = page(campus, campus.gradebook.columns(course_id, matches))
    response = answer([formatted(campus, item) for item in shown], media_type=LIST_TYPE)
    if next_url:
        response.headers["Link"] = _link(campus, next_url)
    return response


def _made(campus: Campus, course_id: str) -> Response:
    access = require_access(campus, LINE_ITEM_SCOPE)
    sent = require_json(campus, ITEM_TYPE)
    _require_course(campus, course_id)
    _require_item(sent)
    link_id = sent.get("resourceLinkId")
    _require_link(campus, link_id, course_id, access.client_id)
    item = campus.gradebook.add_column(
        course_id=course_id, client_id=access.client_id, **_fields(sent)
    )
    response = answer(formatted(campus, item), status=201, media_type=ITEM_TYPE)
    response.headers["Location"] = campus.line_item_url(item)
    return response


def _shown(campus: Campus, course_id: str, item_id: str) -> Response:
    access = require_access(campus, LINE_ITEM_SCOPE, LINE_ITEM_READ_SCOPE)
    require_accept(campus, ITEM_TYPE)
    item = owned(campus, course_id, item_id, access.client_id)
    return answer(formatted(campus, item), media_type=ITEM_TYPE)


def _changed(campus: Campus, course_id: str, item_id: str) -> Response:
    access = require_access(campus, LINE_ITEM_SCOPE)
    sent = require_json(campus, ITEM_TYPE)
    item = owned(campus, course_id, item_id, access.client_id)
    _require_item(sent)
    # The id and the resource link never change by a PUT: what was applied is what
    # is answered.
    fields = _fields(sent) | {"resource_link_id": item.resource_link_id}
    item = replace(item, **fields)
    campus.gradebook.change_column(item)
    return answer(formatted(campus, item), media_type=ITEM_TYPE)


def _removed(campus: Campus, course_id: str, item_id: str) -> Response:
    access = require_access(campus, LINE_ITEM_SCOPE)
    item = owned(campus, course_id, item_id, access.client_id)
    refusal = campus.manners.coupled_delete_status
    if item.coupled and refusal:
        stop(refusal, "this column belongs to a link and goes with it")
    campus.gradebook.remove_column(item)
    return Response(status=204)


def owned(campus: Campus, course_id: str, item_id: str, client_id: str) -> LineItem:
    """The tool's own column; refused with 404 if it is not there or not its own."""
    item = campus.gradebook.column(item_id)
    if item is None or item.course_id != course_id or item.client_id != client_id:
        stop(404, "this course has no such line item of yours")
    return item


def formatted(campus: Campus, item: LineItem) -> dict[str, Any]:
    """A column as tools see it."""
    told: dict[str, Any] = {
        "id": campus.line_item_url(item),
        "label": item.label,
        "scoreMaximum": item.maximum,
        "resourceLinkId": item.resource_link_id,
        "resourceId": item.resource_id,
        "tag": item.tag,
        **item.further,
    }
    if campus.manners.empty_tags:
        told |= {"resourceId": item.resource_id or "", "tag": item.tag or ""}
    return {name: value for name, value in told.items() if value is not None}


def is_amount(value: object, *, above_zero: bool = True) -> bool:
    """Tell whether a JSON value is a number above 0 (or at it); true is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and (value > 0 or (value == 0 and not above_zero))


def parse_moment(text: object) -> datetime | None:
    """An ISO 8601 date and time with its zone; None if it is anything else."""
    if not isinstance(text, str) or "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def require_words(sent: Mapping[str, Any], known: set[str]) -> None:
    """Refuse fields that are neither the standard's nor named by a full URL."""
    for name in sent:
        if name not in known and not name.startswith(("https://", "http://")):
            stop(400, f"unknown field {name!r}; extensions are named by full URLs")


def _require_item(sent: Mapping[str, Any]) -> None:
    require_words(sent, _KNOWN)
    label = sent.get("label")
    if not isinstance(label, str) or not label.strip() or len(label) > LABEL_LIMIT:
        stop(400, f"label must be a text of 1 to {LABEL_LIMIT} characters")
    if not is_amount(sent.get("scoreMaximum")):
        stop(400, "scoreMaximum must be a number above 0")
    for name in _TEXTS:
        if not isinstance(sent.get(name, ""), str):
            stop(400, f"{name} must be a text")
    for name in _TIMES:
        if sent.get(name) is not None and parse_moment(sent[name]) is None:
            stop(400, f"{name} must be an ISO 8601 time with its zone")
    if not isinstance(sent.get("gradesReleased", False), bool):
        stop(400, "gradesReleased must be true or false")


def _fields(sent: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "label": sent["label"],
        "maximum": sent["scoreMaximum"],
        "resource_link_id": sent.get("resourceLinkId") or None,
        "resource_id": sent.get("resourceId") or None,
        "tag": sent.get("tag") or None,
        "further": {
            name: value
            for name, value in sent.items()
            if name in _FURTHER or name not in _KNOWN
        },
    }


def _require_course(campus: Campus, course_id: str) -> None:
    if course_id not in campus.courses:
        stop(404, "no such course")


def _require_link(
    campus: Campus, link_id: str | None, course_id: str, client_id: str
) -> None:
    if not link_id:
        return
    link = campus.links.get(link_id)
    if link is None or link.course_id != course_id or link.client_id != client_id:
        stop(404, "resourceLinkId names no link of yours in this course")


def _link(campus: Campus, next_url: str) -> str:
    if campus.manners.mangled_links:
        # Moodle 4.5: &amp; and typographic quotes, as UTF-8 bytes; facts/moodle.md 7.
        curly = "\u201cnext\u201d".encode().decode("latin-1")
        return f"<{next_url.replace('&', '&amp;')}>; rel={curly}"
    return f'<{next_url}>; rel="next"'
