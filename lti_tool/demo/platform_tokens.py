"""The token endpoint of the pretend LMS."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from flask import Blueprint, Response, request

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_checks import answer
from lti_tool.demo.platform_records import Tool
from lti_tool.demo.platform_vault import (
    TOKEN_LIFE,
    UntrustedError,
    require_audience,
    require_times,
)

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def token_routes(campus: Campus) -> Blueprint:
    """The token endpoint."""
    routes = Blueprint("tokens", __name__)

    @routes.post("/lti/token")
    def token() -> Response:
        kind = campus.manners.grant_media_type
        form = request.form
        if form.get("grant_type") != "client_credentials":
            return _error(kind, "unsupported_grant_type", "use client_credentials")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return _error(kind, "invalid_request", "client_assertion_type is wrong")
        if not form.get("scope"):
            return _error(kind, "invalid_request", "scope is missing")
        try:
            tool = _asserted(campus, form.get("client_assertion", ""))
        except UntrustedError as error:
            return _error(kind, "invalid_client", str(error))
        asked = form["scope"].split()
        granted = tool.may_use(campus.manners.scopes)
        scopes = tuple(scope for scope in granted if scope in asked)
        if not scopes:
            return _error(kind, "invalid_scope", "none of the scopes is granted")
        token_answer = {
            "access_token": campus.vault.issue(tool, scopes, campus.clock()),
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
            "scope": " ".join(scopes),
        }
        response = answer(token_answer, media_type=kind)
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


def _asserted(campus: Campus, assertion: str) -> Tool:
    """The tool that made a client assertion.

    Source: Security Framework 1.0, 4.1.1; RFC 7523, section 3.
    """
    now = campus.clock()
    tool = campus.tools.get(str(_unverified(assertion).get("sub")))
    if tool is None:
        raise UntrustedError("no tool with the client_id in sub is registered")
    claims = campus.vault.opened(tool, assertion)
    if claims.get("iss") != tool.client_id or claims.get("sub") != tool.client_id:
        raise UntrustedError("iss and sub must both be the client_id")
    require_audience(claims, f"{campus.url}/lti/token")
    until = require_times(claims, now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise UntrustedError("jti is missing")
    if not campus.vault.is_first(f"jti {tool.client_id}", jti, until, now):
        raise UntrustedError("jti was used before")
    return tool


def _unverified(signed: str) -> dict[str, Any]:
    """The claims of a JWT before its signature is checked: only to find the tool."""
    try:
        raw = signed.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    except (IndexError, ValueError) as error:
        raise UntrustedError("client_assertion is not a JWT") from error
    return claims if isinstance(claims, dict) else {}


def _error(kind: str, code: str, reason: str) -> Response:
    """Source: RFC 6749, section 5.2."""
    body = {"error": code, "error_description": reason}
    return answer(body, status=400, media_type=kind)
