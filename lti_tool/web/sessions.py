"""A seat (who, where, as what) carried without third-party cookies.

A cookie stands for the browser; it is partitioned, so it lives in the LMS's frame.
Where a browser drops even that, the page holds a key and sends it as a header.
Each launch opens a visit whose public id stands in every address, `/s/<sid>/...`:
two tabs with two courses never mix. The sid alone opens nothing: the browser's secret
must match. Views get no ``sid`` argument; ``url_for`` fills it in by itself.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, render_template, request, url_for
from flask_babel import lazy_gettext

from lti_tool.errors import SeatError
from lti_tool.storage import visits
from lti_tool.storage.database import Database
from lti_tool.storage.visits import Visit
from lti_tool.work import origins

COOKIE = "__Host-masterybridge"
KEY_HEADER = "X-MasteryBridge-Key"
MOST_COOKIES = 20
# A page of text alone may stand in anybody's frame.
ANYBODY = ("*",)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Who may see a page that refuses somebody; whole sentences, for other languages.
WHOSE_PAGE = {
    frozenset({"instructor"}): lazy_gettext("This page is for teachers of the course."),
    frozenset({"instructor", "administrator"}): lazy_gettext(
        "This page is for teachers of the course."
    ),
    frozenset({"learner"}): lazy_gettext("This page is for students of the course."),
    frozenset({"mentor"}): lazy_gettext("This page is for mentors of the course."),
    frozenset({"instructor", "learner"}): lazy_gettext(
        "This page is for teachers and students of the course."
    ),
}
OTHERS_PAGE = lazy_gettext("This page is for people with a role in the course.")


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
    resource_link_id: int | None
    csrf: str
    locale: str | None
    return_url: str | None
    frame_origins: tuple[str, ...]
    mentees: tuple[str, ...] = ()
    review_person_id: int | None = None
    is_test_user: bool = False
    # Until it ends by itself, and until it ends whatever is done.
    idle_seconds: int = 0
    lasts_seconds: int = 0


def clock() -> datetime:
    """The present, or what the application's NOW setting says it is."""
    now = current_app.config.get("NOW")
    return cast("datetime", now()) if now else datetime.now(UTC)


def database() -> Database:
    """The application's database."""
    return cast("Database", current_app.extensions["database"])


def held_cookies() -> dict[str, str]:
    """The secrets this browser holds, by the name of their cookie.

    Mostly one; two where two logins began before the first was answered. An
    administrator's cookies are hers alone: a login that took one up would give it
    back to the browser under the rules of ours, for any site to send.
    """
    found = {
        name: value
        for name, value in request.cookies.items()
        if _BROWSER_COOKIE.fullmatch(name) and len(value) == _SECRET_LENGTH
    }
    return dict(sorted(found.items())[:MOST_COOKIES])


def new_cookie() -> str:
    """A name no cookie has yet, so that no login overwrites another's."""
    return f"{COOKIE}-{secrets.token_hex(4)}"


def keep_browser(response: Response, secret: str, name: str = COOKIE) -> None:
    """Give the browser its secret (again), for the length of a visit."""
    response.set_cookie(
        name,
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
        raise SeatError(str(WHOSE_PAGE.get(frozenset(roles), OTHERS_PAGE)))
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
    if not is_same_site() or not hmac.compare_digest(
        token.encode(), seat.csrf.encode()
    ):
        raise SeatError(
            "This request did not come from one of our own pages. "
            "Go back, reload the page and try again."
        )


def seat_url(endpoint: str, **values: object) -> str:
    """The address of endpoint within the seat of this request."""
    given: dict[str, Any] = {"sid": current_seat().public_id, **values}
    return url_for(endpoint, **given)


def is_same_site() -> bool:
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


def install(app: Flask) -> None:
    """Teach app about seats: addresses, the check of unsafe requests, headers."""
    app.url_value_preprocessor(_take_sid)
    app.url_defaults(_give_sid)
    app.before_request(_guard_seat_pages)
    app.after_request(_secure)
    app.register_error_handler(SeatError, _refuse_seat)


_SECRET_LENGTH = len(secrets.token_urlsafe(32))
# What new_cookie makes, and the plain name.
_BROWSER_COOKIE = re.compile(rf"{COOKIE}(-[0-9a-f]{{8}})?")


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
    now = clock()
    with database().read() as session:
        visit = visits.find_visit(session, sid) if sid else None
    if visit is None:
        raise SeatError("There is no such session.")
    g.frame_origins = origins.frame_origins(visit)
    g.foreign_visit = visit
    if not _holds(visit["browser_hash"]):
        raise SeatError("This session belongs to another browser.")
    g.ended_visit = visit
    seat = seat_of(visit)
    if visits.is_worth_touching(visit, now):
        with database().write() as session:
            visits.touch_visit(session, visit["id"], now)
    return seat


def seat_of(visit: dict[str, Any]) -> Seat:
    """The seat of a visit, whoever holds it.

    Raises:
        SeatError: it ended.
    """
    now = clock()
    states = {visit["registration_status"], visit["deployment_status"]}
    if not visits.is_alive(visit, now) or "disabled" in states:
        raise SeatError("This session ended.")
    return _seat(visit, now)


def _holds(browser_hash: str) -> bool:
    """Tell whether this request carries the secret a visit is bound to."""
    secrets_ = (request.headers.get(KEY_HEADER, ""), *held_cookies().values())
    matches = [
        hmac.compare_digest(browser_hash, visits.secret_hash(secret))
        for secret in secrets_
    ]
    return any(matches)


def _seat(visit: dict[str, Any], now: datetime) -> Seat:
    seen_at = now if visits.is_worth_touching(visit, now) else visit["seen_at"]
    return Seat(
        session_id=visit["id"],
        public_id=visit["public_id"],
        person_id=visit["person_id"],
        course_id=visit["course_id"],
        role=visit["role"],
        placement_id=visit["placement_id"],
        registration_id=visit["registration_id"],
        lms_user_id=visit["lms_user_id"],
        resource_link_id=visit["resource_link_id"],
        csrf=visit["csrf"],
        locale=visit["locale"],
        return_url=visit["return_url"],
        frame_origins=origins.frame_origins(visit),
        mentees=tuple(visit["mentees"] or ()),
        review_person_id=visit["review_person_id"],
        is_test_user=visit["is_test_user"],
        idle_seconds=int((seen_at + visits.IDLE - now).total_seconds()),
        lasts_seconds=int((visit["expires_at"] - now).total_seconds()),
    )


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
    page = render_template(
        "launch/ended.html", visit=g.get("ended_visit"), recall=_recall()
    )
    return page, 401


def _recall() -> dict[str, str] | None:
    """What a reloaded page needs to ask its LMS for the key it held, if it held one.

    The LMS's page gives the key to nobody but us, and the seat opens by the key alone.
    """
    visit = g.get("foreign_visit")
    if visit is None or g.get("ended_visit") or not visit["auth_url"]:
        return None
    if KEY_HEADER in request.headers:
        return None
    return {
        "public_id": visit["public_id"],
        "origin": origins.origin(visit["auth_url"]),
    }
