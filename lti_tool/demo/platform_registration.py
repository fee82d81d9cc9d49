"""Dynamic registration in the pretend LMS: an administrator's page and its services."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request
from joserfc import jwt
from joserfc.errors import JoseError

from lti_tool.demo.platform_campus import Campus, UnknownRecordError
from lti_tool.demo.platform_checks import answer
from lti_tool.demo.platform_enrolling import (
    TOOL_CONFIGURATION,
    UnfitError,
    answer_to,
    configuration,
    enrolled,
)
from lti_tool.demo.platform_records import Tool

TOKEN_LIFE: Final = timedelta(hours=1)
NEW, UPDATE = "reg", "reg-update"
MENU: Final = "course_navigation"


def opening_url(campus: Campus, tool_url: str, client_id: str | None = None) -> str:
    """Where an administrator's browser goes to have a tool register itself.

    With a client_id the tool is to renew that registration.
    """
    query = urlencode(
        {
            "openid_configuration": f"{campus.url}/lti/openid-configuration",
            "registration_token": _token(campus, client_id),
        }
    )
    return f"{tool_url}{'&' if urlsplit(tool_url).query else '?'}{query}"


def registration_routes(campus: Campus) -> Blueprint:
    """The configuration, the registrations, and the page to begin one on."""
    routes = Blueprint("registration", __name__)
    for path, view, methods in (
        ("/lti/openid-configuration", _configuration, ["GET"]),
        ("/lti/registrations", _register, ["GET", "POST"]),
        ("/admin/tools", _tools, ["GET"]),
        ("/admin/tools/add", _add, ["GET"]),
        ("/admin/tools/<client_id>/switch", _switch, ["POST"]),
    ):
        routes.add_url_rule(
            path, view.__name__[1:], partial(view, campus), methods=methods
        )
    return routes


def switch_on(campus: Campus, client_id: str) -> None:
    """Switch a tool on, and put it where it asked to be: in every course's menu."""
    tool = _tool(campus, client_id)
    campus.replace_tool(replace(tool, is_on=True))
    asked = (tool.registration or {}).get(TOOL_CONFIGURATION, {})
    for message in asked.get("messages") or []:
        if MENU in message.get("placements", ()):
            for course_id in list(campus.courses):
                campus.add_link(
                    course_id,
                    f"menu-{course_id}",
                    str(message.get("label") or tool.title),
                    str(message.get("target_link_uri") or tool.launch_url),
                )


def _configuration(campus: Campus) -> Response:
    if campus.manners.enrolling.wants_token and _claims(campus) is None:
        return answer({"errorMessage": "Invalid token"}, status=401)
    return answer(configuration(campus))


def _register(campus: Campus) -> Response:
    token = _claims(campus)
    if token is None:
        return _refusal(campus, 401, "missing_registration_token")
    client_id, is_update = str(token["sub"]), token["scope"] == UPDATE
    if request.method == "GET" and is_update:
        return answer(answer_to(campus, _tool(campus, client_id)))
    if request.method == "GET" or (not is_update and client_id in campus.tools):
        return _refusal(campus, 401, "token_already_used")
    return _taken(campus, client_id, is_update=is_update)


def _taken(campus: Campus, client_id: str, *, is_update: bool) -> Response:
    manners = campus.manners.enrolling
    try:
        tool = enrolled(campus, client_id, _body())
    except UnfitError as error:
        return _refusal(campus, manners.refusal_status, str(error))
    if is_update:
        campus.replace_tool(replace(tool, is_on=_tool(campus, client_id).is_on))
    elif not campus.take_tool(tool):
        return _refusal(campus, 401, "token_already_used")
    return answer(answer_to(campus, tool), status=manners.status)


def _tools(campus: Campus) -> str:
    return _page(campus, "tools")


def _add(campus: Campus) -> Response:
    """Show the tool's own page, which registers it and then asks to be closed."""
    url = request.args.get("url", "")
    if urlsplit(url).scheme not in {"http", "https"}:
        return make_response(_page(campus, "tools", fault="That is no address."), 400)
    known = request.args.get("client_id") or None
    opening = opening_url(campus, url, known)
    shown = make_response(_page(campus, "enrol", opening=opening))
    parts = urlsplit(url)
    shown.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"frame-src {parts.scheme}://{parts.netloc}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'self'"
    )
    return shown


def _switch(campus: Campus, client_id: str) -> Response:
    if request.headers.get("Origin", campus.url) != campus.url:
        return Response("The form came from another site.", status=403)
    switch_on(campus, client_id)
    return make_response(redirect("/admin/tools", code=303))


def _page(campus: Campus, name: str, **values: object) -> str:
    return render_template(
        f"platform/{name}.html",
        lms=campus,
        tools=[one for one in campus.tools.values() if one.registration is not None],
        **values,
    )


def _tool(campus: Campus, client_id: str) -> Tool:
    if (tool := campus.tools.get(client_id)) is None:
        raise UnknownRecordError(f"no tool {client_id!r} in this LMS")
    return tool


def _token(campus: Campus, client_id: str | None) -> str:
    """A registration token: who will be registered, until when, and whether anew."""
    now = int(campus.clock().timestamp())
    claims = {
        "sub": client_id or f"client-{secrets.token_hex(8)}",
        "scope": UPDATE if client_id else NEW,
        "iat": now,
        "exp": now + int(TOKEN_LIFE.total_seconds()),
    }
    return jwt.encode({"alg": "RS256", "kid": campus.key.kid}, claims, campus.key)


def _claims(campus: Campus) -> dict[str, Any] | None:
    """What the request's registration token says; None if it is none of ours."""
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    try:
        found = jwt.decode(sent.strip(), campus.key, algorithms=["RS256"]).claims
    except (JoseError, ValueError):
        return None
    is_alive = float(found["exp"]) > campus.clock().timestamp()
    return dict(found) if kind == "Bearer" and is_alive else None


def _body() -> dict[str, Any]:
    try:
        sent = json.loads(request.get_data(cache=True))
    except ValueError as error:
        raise UnfitError("the body is not JSON") from error
    if not isinstance(sent, dict):
        raise UnfitError("the body is not a JSON object")
    return sent


def _refusal(campus: Campus, status: int, reason: str) -> Response:
    if campus.manners.enrolling.plain_refusals:
        return Response(reason, status, content_type="text/html; charset=utf-8")
    if campus.manners.enrolling.extension:
        return answer({"errorMessage": reason}, status=status)
    error = {"error": "invalid_client_metadata", "error_description": reason}
    return answer(error, status=status)
