"""The pretend LMS as one Flask application: services, pages, headers, wire."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

from lti_tool.demo.platform_ags import line_item_routes
from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_checks import refuse
from lti_tool.demo.platform_deep_linking import deep_linking_routes
from lti_tool.demo.platform_gradebook import GoneError
from lti_tool.demo.platform_groups import group_routes
from lti_tool.demo.platform_launch import launch_routes
from lti_tool.demo.platform_notices import notice_routes
from lti_tool.demo.platform_nrps import roster_routes
from lti_tool.demo.platform_pages import page_routes
from lti_tool.demo.platform_registration import registration_routes
from lti_tool.demo.platform_scores import score_routes
from lti_tool.demo.platform_tokens import token_routes

BODY_LIMIT: Final = 1_048_576


def make_app(campus: Campus) -> Flask:
    """The application that serves a campus."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    for routes in (
        launch_routes,
        token_routes,
        line_item_routes,
        score_routes,
        roster_routes,
        group_routes,
        deep_linking_routes,
        notice_routes,
        registration_routes,
        page_routes,
    ):
        app.register_blueprint(routes(campus))

    @app.errorhandler(GoneError)
    def gone(error: GoneError) -> Response:
        return refuse(404, str(error))

    @app.after_request
    def seal(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy(campus))
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        # Not no-referrer: browsers would then send "Origin: null" with our own forms.
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        campus.heard.note(request, response)
        return response

    return app


def policy(campus: Campus) -> str:
    """The content security policy: own files only, frames and forms to tools."""
    tools = " ".join(["'self'", *campus.tool_origins()])
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            f"frame-src {tools}",
            f"form-action {tools}",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )
