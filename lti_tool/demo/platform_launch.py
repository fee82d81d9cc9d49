"""The browser's part of a launch: login by form, authorization, keys."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, render_template, request

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_claims import sign_launch
from lti_tool.demo.platform_records import Ticket, Tool


class _RefusedError(Exception):
    """An authentication request refused with an OAuth error code."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def login_form(campus: Campus, ticket: Ticket) -> str:
    """The page that begins a launch by posting itself to the tool.

    Source: Security Framework 1.0, 5.1.1.1.
    """
    tool = campus.tools[ticket.client_id]
    fields = {
        "iss": campus.url,
        "login_hint": ticket.person_id,
        "target_link_uri": ticket.target_link_uri,
        "lti_message_hint": ticket.id,
        "client_id": tool.client_id,
        campus.manners.deployment_hint: tool.deployment_id,
        **dict(campus.manners.login_extras),
    }
    if campus.manners.storage_target:
        fields["lti_storage_target"] = campus.manners.storage_target
    return _post_page(tool.login_url, fields)


def launch_routes(campus: Campus) -> Blueprint:
    """The authorization endpoint and the key set."""
    routes = Blueprint("launch", __name__)

    @routes.route("/lti/auth", methods=["GET", "POST"])
    def auth() -> Response:
        sent = request.form if request.method == "POST" else request.args
        asked = sent.to_dict()
        tool = campus.tools.get(asked.get("client_id", ""))
        if tool is None:
            return _dead_end("No tool with this client_id is registered here.")
        redirect_uri = asked.get("redirect_uri", "")
        if redirect_uri not in tool.redirect_uris:
            # Nothing is sent to an address nobody registered.
            return _dead_end("The redirect_uri is not one the tool registered.")
        state = {"state": asked["state"]} if asked.get("state") else {}
        try:
            token = _id_token(campus, tool, asked)
        except _RefusedError as refused:
            state |= {"error": refused.code, "error_description": refused.reason}
            return Response(_post_page(redirect_uri, state))
        return Response(_post_page(redirect_uri, {"id_token": token, **state}))

    @routes.get("/lti/jwks")
    def jwks() -> Response:
        public = dict(campus.key.as_dict(private=False))
        response = jsonify({"keys": [public | {"use": "sig", "alg": "RS256"}]})
        response.headers["Cache-Control"] = "max-age=300"
        return response

    return routes


def _id_token(campus: Campus, tool: Tool, asked: Mapping[str, str]) -> str:
    _require_oidc(asked)
    if not tool.is_on:
        raise _RefusedError("unauthorized_client", "the tool is switched off here")
    ticket = _redeemed(campus, tool, asked)
    return sign_launch(
        campus,
        ticket,
        asked["nonce"],
        edit=campus.launch_edit,
        key=campus.launch_key,
    )


def _require_oidc(asked: Mapping[str, str]) -> None:
    """Refuse a request that is not word for word what the standard asks.

    Source: Security Framework 1.0, 5.1.1.2.
    """
    fixed = {
        "scope": ("openid", "invalid_scope"),
        "response_type": ("id_token", "unsupported_response_type"),
        "response_mode": ("form_post", "invalid_request"),
        "prompt": ("none", "invalid_request"),
    }
    for name, (value, code) in fixed.items():
        if asked.get(name) != value:
            raise _RefusedError(code, f"{name} must be {value}")
    for name in ("nonce", "state", "login_hint", "lti_message_hint"):
        if not asked.get(name):
            raise _RefusedError("invalid_request", f"{name} is missing")


def _redeemed(campus: Campus, tool: Tool, asked: Mapping[str, str]) -> Ticket:
    person = campus.signed_in(request.cookies.get(campus.cookie_name))
    if person is not None and person.id != asked["login_hint"]:
        raise _RefusedError(
            "login_required", "somebody else is signed in to the LMS by now"
        )
    ticket = campus.redeem_ticket(asked["lti_message_hint"], client_id=tool.client_id)
    if ticket is None:
        raise _RefusedError(
            campus.manners.gone_error,
            "this launch is unknown, used or too old; open the link again",
        )
    if ticket.person_id != asked["login_hint"]:
        raise _RefusedError("access_denied", "login_hint was changed on the way")
    return ticket


def _post_page(action: str, fields: Mapping[str, str]) -> str:
    return render_template("platform/post.html", action=action, fields=fields)


def _dead_end(text: str) -> Response:
    shown = render_template(
        "platform/message.html", title="This launch cannot go on", text=text
    )
    return Response(shown, status=400)
