"""A seat (who, where, as what) carried without third-party cookies.

One cookie stands for the browser; it is partitioned, so it lives in the LMS's frame.
Each launch opens a visit whose public id stands in every address, `/s/<sid>/...`:
two tabs with two courses never mix. The sid alone opens nothing: the browser's secret
must match. Views get no ``sid`` argument; ``url_for`` fills it in by itself.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, render_template, request, url_for

from lti_tool.errors import SeatError
from lti_tool.storage import visits
from lti_tool.storage.database import Database
from lti_tool.storage.visits import Visit
from lti_tool.work import origins

COOKIE = "__Host-masterybridge"
# A page of text alone may stand in anybody's frame.
ANYBODY = ("*",)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ROLE_WORDS = {
    "instructor": "teachers",
    "learner": "students",
    "mentor": "mentors",
    "none": "guests",
}


@dataclass(frozen=True, slots=True)
class Seat:
    """Who asks, where, and as what; good for one request."""

    session_id: int
    public_id: str
    person_id: int
    course_id: int | None
    role: str
    placement_id: int | None
    registration_id: int | None
    lms_user_id: int | None
    csrf: str
    locale: str | None
    return_url: str | None
    frame_origins: tuple[str, ...]


def clock() -> datetime:
    """The present, or what the application's NOW setting says it is."""
    now = current_app.config.get("NOW")
    return cast("datetime", now()) if now else datetime.now(UTC)


def database() -> Database:
    """The application's database."""
    return cast("Database", current_app.extensions["database"])


def browser_secret() -> str:
    """The secret this browser holds, or a new one for it."""
    held = request.cookies.get(COOKIE, "")
    return held if len(held) == _SECRET_LENGTH else secrets.token_urlsafe(32)


def keep_browser(response: Response, secret: str) -> None:
    """Give the browser its secret (again), for the length of a visit."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(visits.ABSOLUTE.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="None",
        partitioned=True,
    )


def open_seat(visit: Visit, secret: str) -> str:
    """Open a visit for the browser holding secret; returns the sid of its pages."""
    with database().write() as session:
        return visits.open_visit(
            session, visit, browser_hash=visits.secret_hash(secret), now=clock()
        )


def current_seat() -> Seat:
    """The seat of this request.

    Raises:
        SeatError: no visit of this browser stands behind the address, or it ended.
    """
    if g.get("seat") is None:
        g.seat = _load_seat()
    return cast("Seat", g.seat)


def require(*roles: str) -> Seat:
    """The seat of this request, if it is in one of roles.

    Raises:
        SeatError: no live seat, or one in another role; says who may see the page.
    """
    seat = current_seat()
    if seat.role not in roles:
        who = " and ".join(ROLE_WORDS.get(role, role) for role in roles)
        raise SeatError(f"This page is for {who} of the course.")
    return seat


def check_csrf() -> None:
    """Let an unsafe request pass only if our own page sent it.

    Raises:
        SeatError: another site sent it, or its token is not the seat's.
    """
    if request.method in SAFE_METHODS:
        return
    seat = current_seat()
    token = request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")
    if not _is_same_site() or not hmac.compare_digest(
        token.encode(), seat.csrf.encode()
    ):
        raise SeatError(
            "This request did not come from one of our own pages. "
            "Go back, reload the page and try again."
        )


def seat_url(endpoint: str, **values: Any) -> str:  # noqa: ANN401 -- whatever the route takes
    """The address of endpoint within the seat of this request."""
    return url_for(endpoint, sid=current_seat().public_id, **values)


def install(app: Flask) -> None:
    """Teach app about seats: addresses, the check of unsafe requests, headers."""
    app.url_value_preprocessor(_take_sid)
    app.url_defaults(_give_sid)
    app.before_request(_guard_seat_pages)
    app.after_request(_secure)
    app.register_error_handler(SeatError, _refuse_seat)


_SECRET_LENGTH = len(secrets.token_urlsafe(32))


def _take_sid(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.sid = values.pop("sid", None) if values else None


def _give_sid(endpoint: str, values: dict[str, Any]) -> None:
    sid = g.get("sid")
    if sid and "sid" not in values:
        map_ = current_app.url_map
        if map_.is_endpoint_expecting(endpoint, "sid"):
            values["sid"] = sid


def _guard_seat_pages() -> None:
    if g.get("sid") is not None:
        current_seat()
        check_csrf()


def _load_seat() -> Seat:
    sid = g.get("sid")
    secret = request.cookies.get(COOKIE, "")
    now = clock()
    with database().read() as session:
        visit = visits.find_visit(session, sid) if sid else None
    if visit is None:
        raise SeatError("There is no such session.")
    g.frame_origins = origins.frame_origins(visit)
    if not hmac.compare_digest(visit["browser_hash"], visits.secret_hash(secret)):
        raise SeatError("This session belongs to another browser.")
    g.ended_visit = visit
    if not visits.is_alive(visit, now) or visit["registration_status"] == "disabled":
        raise SeatError("This session ended.")
    if visits.is_worth_touching(visit, now):
        with database().write() as session:
            visits.touch_visit(session, visit["id"], now)
    return _seat(visit)


def _seat(visit: dict[str, Any]) -> Seat:
    return Seat(
        session_id=visit["id"],
        public_id=visit["public_id"],
        person_id=visit["person_id"],
        course_id=visit["course_id"],
        role=visit["role"],
        placement_id=visit["placement_id"],
        registration_id=visit["registration_id"],
        lms_user_id=visit["lms_user_id"],
        csrf=visit["csrf"],
        locale=visit["locale"],
        return_url=visit["return_url"],
        frame_origins=origins.frame_origins(visit),
    )


def _is_same_site() -> bool:
    """Tell by the browser's own headers whether our page sent the request.

    Under Referrer-Policy no-referrer a form of ours sends ``Origin: null``; there
    Sec-Fetch-Site, which no page can set, is the witness.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return urlsplit(origin)[:2] in _own_origins()


def _own_origins() -> set[tuple[str, str]]:
    public_url = str(current_app.config["SETTINGS"].public_url)
    return {urlsplit(url)[:2] for url in (public_url, request.host_url)}


def _secure(response: Response) -> Response:
    """Set the headers every answer carries. Source: facts/ux.md 1.2 rule 5."""
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint == "static":
        return response
    if g.get("sid") is not None or "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store, private"
        response.vary.add("Cookie")
    if response.mimetype == "text/html":
        framed_by = g.get("frame_origins", ())
        headers["Content-Security-Policy"] = content_policy(framed_by)
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    return response


def content_policy(framed_by: tuple[str, ...]) -> str:
    """The Content-Security-Policy of a page that framed_by may show in a frame."""
    platforms = " ".join(framed_by)
    receivers = "" if framed_by == ANYBODY else platforms
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        f"form-action 'self'{receivers and ' ' + receivers}; "
        "base-uri 'none'; frame-ancestors " + (platforms or "'none'")
    )


def _refuse_seat(error: SeatError) -> tuple[str, int]:
    """401 where no live seat is known, 403 where it may not see the page."""
    if g.get("seat") is not None:
        page = render_template("launch/not_yours.html", reason=str(error), seat=g.seat)
        return page, 403
    return render_template("launch/ended.html", visit=g.get("ended_visit")), 401
