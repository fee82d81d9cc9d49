"""The page on which a teacher says which of our pages her course shall link to.

Both links open the same address; who opens one decides what it shows. The word in
``custom`` only tells them apart in the LMS.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, current_app, render_template, request
from flask_babel import lazy_gettext

from lti_tool.logs import log
from lti_tool.lti13.deep_linking import Asked, Choice, Link
from lti_tool.web.sessions import Seat, clock, database, require
from lti_tool.web.texts import gettext
from lti_tool.work import deep_linking
from lti_tool.work.admission import LAUNCH_PATH

pages = Blueprint("deep_linking", __name__, template_folder="templates")

# What may be placed: its word in `custom`, its title, and what it shows.
VIEWS: Final = {
    "class": (
        lazy_gettext("Class mastery"),
        lazy_gettext("Who has shown what, for teachers. Students see their own page."),
    ),
    "mine": (
        lazy_gettext("My mastery"),
        lazy_gettext("Where a student stands and what comes next."),
    ),
}


@pages.get("/s/<sid>/deep-linking")
def choose() -> tuple[str, int]:
    """Show what may be placed in the course."""
    seat = require("instructor")
    with database().read() as session:
        asked = deep_linking.find_asked(session, seat.session_id)
    return _page(seat, asked)


@pages.post("/s/<sid>/deep-linking")
def place() -> tuple[str, int]:
    """Take what was ticked, or nothing, back to the LMS."""
    seat = require("instructor")
    with database().read() as session:
        asked = deep_linking.find_asked(session, seat.session_id)
    if asked is None or seat.registration_id is None:
        return _page(seat, None)
    choice = Choice()
    if "cancel" not in request.form:
        views = [view for view in VIEWS if view in request.form.getlist("view")]
        if fault := _fault(asked, views):
            return _page(seat, asked, fault=fault)
        choice = _choice(views)
    elif not asked.accepts_links:
        choice = Choice(fault=gettext("MasteryBridge can only be added as a link."))
    with database().write() as session:
        reply = deep_linking.answer(
            session,
            seat.session_id,
            seat.registration_id,
            choice,
            secret_key=current_app.config["SETTINGS"].load_secret_key(),
            now=clock(),
        )
    if reply is None:
        return _page(seat, None)
    log().info(
        "deep_linking answered",
        registration_id=seat.registration_id,
        placement_id=seat.placement_id,
        links=len(choice.links),
    )
    return render_template("deep_linking/answer.html", seat=seat, reply=reply), 200


def _fault(asked: Asked, views: list[str]) -> str | None:
    if not asked.accepts_links:
        return gettext("MasteryBridge can only be added as a link.")
    if not views:
        return gettext("Choose what to add, or cancel.")
    if len(views) > 1 and not asked.accepts_several:
        return gettext("Your LMS takes one link at a time. Choose one.")
    return None


def _choice(views: list[str]) -> Choice:
    url = current_app.config["SETTINGS"].public_url.rstrip("/") + LAUNCH_PATH
    links = tuple(
        Link(str(title), str(text), url, {"view": view})
        for view, (title, text) in VIEWS.items()
        if view in views
    )
    titles = ", ".join(link.title for link in links)
    return Choice(links, said=gettext("You chose: %(titles)s", titles=titles))


def _page(
    seat: Seat, asked: Asked | None, *, fault: str | None = None
) -> tuple[str, int]:
    status = 410 if asked is None else 422 if fault else 200
    page = render_template(
        "deep_linking/choose.html", seat=seat, asked=asked, views=VIEWS, fault=fault
    )
    return page, status
