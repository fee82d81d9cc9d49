"""The Platform Notification Service: who listens to what, and telling them.

Source: Platform Notification Service 1.0; facts/lti.md section 11.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

import requests
from flask import Blueprint, Response

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_checks import answer, require_access, require_json, stop
from lti_tool.demo.platform_claims import LTI, compact
from lti_tool.demo.platform_manners import NOTICE_SCOPE
from lti_tool.demo.platform_records import Course, Edit, Key, Tool

CONTEXT_COPY: Final = "LtiContextCopyNotice"
HELLO: Final = "LtiHelloWorldNotice"
NOTICE_SECONDS: Final = 300
TIMEOUT_SECONDS: Final = 9


def notice_routes(campus: Campus) -> Blueprint:
    """Where a tool says which address takes which notices."""
    routes = Blueprint("notices", __name__)

    @routes.get("/lti/notice-handlers/<deployment_id>")
    def handlers(deployment_id: str) -> Response:
        tool = _tool(campus, deployment_id)
        return answer(_listed(campus, tool))

    @routes.put("/lti/notice-handlers/<deployment_id>")
    def handle(deployment_id: str) -> Response:
        tool = _tool(campus, deployment_id)
        body = require_json(campus, "application/json")
        kind, handler = body.get("notice_type"), body.get("handler")
        if kind not in campus.manners.notices or not isinstance(handler, str):
            stop(400, "notice_type or handler is wrong")
        with campus.lock:
            if handler:
                campus.handlers[tool.client_id, kind] = handler
            else:
                campus.handlers.pop((tool.client_id, kind), None)
        return answer(_listed(campus, tool))

    return routes


def _tool(campus: Campus, deployment_id: str) -> Tool:
    access = require_access(campus, NOTICE_SCOPE)
    tool = campus.tools[access.client_id]
    if tool.deployment_id != deployment_id:
        stop(404, "no such deployment of yours")
    return tool


def _listed(campus: Campus, tool: Tool) -> dict[str, Any]:
    return {
        "client_id": tool.client_id,
        "deployment_id": tool.deployment_id,
        "notice_handlers": [
            {
                "notice_type": kind,
                "handler": campus.handlers.get((tool.client_id, kind), ""),
            }
            for kind in campus.manners.notices
        ],
    }


def sign_notice(
    campus: Campus,
    client_id: str,
    kind: str,
    claims: dict[str, Any],
    *,
    edit: Edit | None = None,
    key: Key | None = None,
) -> str:
    """A notice to a tool; edit changes header and claims before signing."""
    tool, now = campus.tools[client_id], campus.clock()
    header: dict[str, Any] = {"typ": "JWT", "alg": "RS256", "kid": campus.key.kid}
    told: dict[str, Any] = {
        "iss": campus.url,
        "aud": tool.client_id,
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + NOTICE_SECONDS,
        "jti": secrets.token_urlsafe(16),
        LTI + "version": "1.3.0",
        LTI + "deployment_id": tool.deployment_id,
        LTI + "notice": {
            "id": secrets.token_urlsafe(16),
            "timestamp": now.isoformat(),
            "type": kind,
        },
        **claims,
    }
    if edit is not None:
        edit(header, told)
    return compact(header, told, key or campus.key)


def copy_claims(course: Course) -> dict[str, Any]:
    """What a notice of a copied course says besides."""
    return {
        LTI + "context": {
            "id": course.id,
            "label": course.label,
            "title": course.title,
        },
        LTI + "origin_contexts": list(course.history[:1]),
    }


def tell_of_copy(campus: Campus, course: Course) -> list[int]:
    """Tell every tool that listens of a copied course; gives the answers' statuses.

    A tool that does not answer is not told again, as on Canvas.
    """
    return [
        send(handler, sign_notice(campus, client_id, kind, copy_claims(course)))
        for (client_id, kind), handler in list(campus.handlers.items())
        if kind == CONTEXT_COPY
    ]


def send(handler: str, *notices: str) -> int:
    """Post notices to a tool's address; gives the answer's status."""
    told = {"notices": [{"jwt": notice} for notice in notices]}
    return requests.post(handler, json=told, timeout=TIMEOUT_SECONDS).status_code
