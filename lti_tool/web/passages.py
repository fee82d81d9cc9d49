"""Out of the frame: a page in a tab of its own, a file, and staying a while longer.

The tab gets a visit of its own with the rights of the one it came from, and ends no
later. Source: facts/ux.md 1.2 rules 7 and 8.
"""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    make_response,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import SeatError
from lti_tool.storage import passages, visits
from lti_tool.storage.passages import Passage
from lti_tool.web import sessions
from lti_tool.web.sessions import ANYBODY, clock, current_seat, database

pages = Blueprint("passages", __name__, template_folder="templates")

MOST_PATH: Final = 1000
# What is given as a file goes to whoever holds the address; it opens no visit.
FILES: Final = frozenset({"teacher.export", "teacher.levels"})


@pages.post("/s/<sid>/passage")
def make() -> Response:
    """Make the address that opens one page of this seat once, outside the frame."""
    seat, path = current_seat(), request.form.get("path", "")
    if _page(seat.public_id, path) is None:
        abort(400)
    with database().write() as session:
        token = passages.save_passage(session, seat.session_id, path, now=clock())
    return jsonify(url=url_for("passages.walk", token=token))


@pages.get("/lti/open/<token>")
def walk(token: str) -> Answer:
    """Open what the address stands for, in this browser, if our page sent it here.

    Another site could else seat its visitor as somebody else.
    """
    if not sessions.is_same_site():
        return _used_up()
    now = clock()
    with database().write() as session:
        passage = passages.take_passage(session, token, now=now)
    if passage is None:
        return _used_up()
    try:
        seat = sessions.seat_of(passage.visit)
    except SeatError:
        return _used_up()
    page = _page(seat.public_id, passage.path)
    if page is not None and page[0] in FILES:
        g.sid, g.seat = seat.public_id, seat
        return make_response(current_app.view_functions[page[0]](**page[1]))
    return _new_tab(passage)


@pages.post("/s/<sid>/stay")
def stay() -> Response:
    """Begin the idle hour anew, because the person in front of it said so."""
    seat, now = current_seat(), clock()
    with database().write() as session:
        visits.touch_visit(session, seat.session_id, now)
    idle = int(visits.IDLE.total_seconds())
    return jsonify(idle=idle)


def _new_tab(passage: Passage) -> Answer:
    held = sessions.held_cookies()
    name = next(iter(held), None) or sessions.new_cookie()
    secret = held.get(name) or secrets.token_urlsafe(32)
    with database().write() as session:
        sid = visits.branch_visit(
            session,
            passage.visit,
            browser_hash=visits.secret_hash(secret),
            now=clock(),
        )
    address = url_for("launch.home", sid=sid) + passage.path
    answer = Response(status=303, headers={"Location": address})
    sessions.keep_browser(answer, secret, name)
    return answer


def _page(sid: str, path: str) -> tuple[str, dict[str, str]] | None:
    """The endpoint and arguments of a path below the seat's own, or None."""
    home = url_for("launch.home", sid=sid)
    if len(path) > MOST_PATH or not path.isascii() or not path.isprintable():
        return None
    parts = urlsplit(f"https://here{home}{path}")
    if ".." in parts.path or "\\" in path:
        return None
    adapter = current_app.url_map.bind("here", url_scheme="https")
    try:
        endpoint, values = adapter.match(
            parts.path, method="GET", query_args=dict(parse_qsl(parts.query))
        )
    except HTTPException:
        return None
    if values.get("sid") != sid:
        return None
    return endpoint, {name: one for name, one in values.items() if name != "sid"}


def _used_up() -> Answer:
    g.frame_origins = ANYBODY
    return make_response(render_template("launch/used.html"), 410)
