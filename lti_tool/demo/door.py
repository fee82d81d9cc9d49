"""The demo's front door: one card for each role a visitor may step into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, abort, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from lti_tool.storage import accounts
from lti_tool.web.admin.guard import keep_admin
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext

door = Blueprint("door", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True)
class Card:
    """One way in: where it leads and what is seen there."""

    href: str
    title: str
    words: str


ORDER: Final = ("teacher", "student", "admin", "lms", "gradebook")


@door.get("/demo")
def cards() -> ResponseReturnValue:
    """Show the ways in that the demo was started with; no others."""
    links: Mapping[str, str] = current_app.config.get("DEMO_LINKS") or {}
    told = _told()
    found = [Card(links[name], *told[name]) for name in ORDER if links.get(name)]
    return render_template("door/cards.html", cards=found)


@door.get("/demo/enter/admin")
def enter_admin() -> ResponseReturnValue:
    """Sign the visitor in as the demo's administrator; there is none elsewhere."""
    account_id = current_app.config.get("DEMO_ADMIN")
    if account_id is None:
        abort(404)
    with database().write() as session:
        secret = accounts.open_session(session, account_id, now=clock())
    answer = redirect(url_for("admin.home"), 303)
    keep_admin(answer, secret)
    return answer


def _told() -> dict[str, tuple[str, str]]:
    """Title and words of each card, in the reader's language."""
    return {
        "teacher": (
            gettext("Teacher Ms. Lee"),
            gettext("Her class grid: who has shown what, and why each level stands."),
        ),
        "student": (
            gettext("Student Amira"),
            gettext("Her own mastery page: where she is and what is next."),
        ),
        "admin": (
            gettext("IT admin"),
            gettext("What is connected, what waits, and how a platform is registered."),
        ),
        "lms": (
            gettext("Open inside the pretend LMS"),
            gettext(
                "Its course page launches the tool in a frame, as a real LMS does."
            ),
        ),
        "gradebook": (
            gettext("Results received"),
            gettext("The pretend LMS's gradebook: each score as it arrives."),
        ),
    }
