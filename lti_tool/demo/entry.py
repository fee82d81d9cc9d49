"""Doors into the pretend LMS: one click signs a visitor in as somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, abort, make_response, redirect

from lti_tool.demo.platform import Platform


@dataclass(frozen=True, slots=True)
class Door:
    """Who a visitor becomes, and the page of the LMS it leads to."""

    person_id: str
    path: str


def entries(lms: Platform, doors: Mapping[str, Door]) -> Blueprint:
    """Return the routes /enter/<name> of the pretend LMS."""
    routes = Blueprint("entries", __name__)

    @routes.get("/enter/<name>")
    def enter(name: str) -> Response:
        door = doors.get(name)
        if door is None:
            abort(404)
        response = make_response(redirect(door.path, code=303))
        response.set_cookie(
            lms.cookie_name,
            lms.sign_in(door.person_id),
            httponly=True,
            samesite="Lax",
            secure=lms.url.startswith("https:"),
        )
        return response

    return routes
