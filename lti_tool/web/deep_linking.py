"""The page on which a teacher says which of our pages her course shall link to.

Three kinds of link: the class, the student's own page, and one competency checked.
They open one address; the words in ``custom`` say what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, current_app, render_template, request
from flask_babel import lazy_gettext

from lti_tool.logs import log
from lti_tool.lti13.deep_linking import Asked
from lti_tool.storage import curriculum
from lti_tool.storage.database import Session
from lti_tool.storage.resource_links import CLASS, MINE
from lti_tool.web import offers
from lti_tool.web.sessions import Seat, clock, database, require
from lti_tool.web.texts import gettext, ngettext
from lti_tool.work import deep_linking
from lti_tool.work.admission import LAUNCH_PATH
from lti_tool.work.deep_linking import Answering, Gradebook, Pick, Picked

pages = Blueprint("deep_linking", __name__, template_folder="templates")

# Views that need no competency: the word in `custom`, the title, and what it shows.
VIEWS: Final = {
    CLASS: (
        lazy_gettext("Class mastery"),
        lazy_gettext("Who has shown what, for teachers. Students see their own page."),
    ),
    MINE: (
        lazy_gettext("My mastery"),
        lazy_gettext("Where a student stands and what comes next."),
    ),
}
# An administrator has a role here outside courses alone, as in an account's template.
PLACING: Final = ("instructor", "administrator")
# More titles than these are counted, not named.
NAMED: Final = 3


@pages.get("/s/<sid>/deep-linking")
def choose() -> tuple[str, int]:
    """Show what may be placed: from outside a course, what needs no plan."""
    seat = require(*PLACING)
    with database().read() as session:
        asked, plan, gradebook = _asked(session, seat)
    ticked = set() if asked is None or asked.accepts_several else {CLASS}
    return _page(seat, asked, offers.arrange(plan, gradebook, ticked), 200)


@pages.post("/s/<sid>/deep-linking")
def place() -> tuple[str, int]:
    """Take what was ticked, or nothing, back to the LMS; or search the list."""
    seat = require(*PLACING)
    with database().read() as session:
        asked, plan, gradebook = _asked(session, seat)
    if asked is None or seat.registration_id is None:
        return _page(seat, None, offers.arrange(plan, gradebook, set()), 410)
    ticked = set(request.form.getlist("pick"))
    offer = offers.arrange(
        plan,
        gradebook,
        ticked,
        words=request.form.get("words", ""),
        wish=offers.Wish("column" in request.form, "again" in request.form),
    )
    if "find" in request.form:
        return _page(seat, asked, offer, 200)
    if "cancel" in request.form:
        return _answered(seat, _nothing(asked))
    picks = _picks(asked, plan, gradebook, offer)
    if fault := _fault(asked, picks):
        return _page(seat, asked, offer, 422, fault=fault)
    return _answered(seat, Picked(picks=picks, said=_said(picks)))


def _asked(
    session: Session, seat: Seat
) -> tuple[Asked | None, curriculum.Plan, Gradebook]:
    """What is asked for, what the course teaches, and where its levels go."""
    return (
        deep_linking.find_asked(session, seat.session_id),
        curriculum.load_plan(session, seat.course_id)
        if seat.course_id is not None
        else offers.NO_PLAN,
        deep_linking.load_gradebook(session, seat.course_id, seat.placement_id),
    )


def _picks(
    asked: Asked, plan: curriculum.Plan, gradebook: Gradebook, offer: offers.Offer
) -> tuple[Pick, ...]:
    """What is ticked, in the order of the page."""
    views = [
        Pick(view=view, title=str(title), text=str(text))
        for view, (title, text) in VIEWS.items()
        if view in offer.ticked
    ]
    wish = offer.wish if asked.takes_columns else offers.Wish()
    checks = offers.checks(plan, gradebook, offer.ticked, wish)
    return (*views, *checks)


def _fault(asked: Asked, picks: Sequence[Pick]) -> str | None:
    if not asked.accepts_links:
        return gettext("MasteryBridge can only be added as a link.")
    if not picks:
        return gettext("Choose what to add, or cancel.")
    if len(picks) > 1 and not asked.accepts_several:
        return gettext("Your LMS takes one link at a time. Choose one.")
    return None


def _nothing(asked: Asked) -> Picked:
    if asked.accepts_links:
        return Picked()
    return Picked(
        fault=gettext("MasteryBridge can only be added as a link."),
        fault_log="MasteryBridge: accept_types has no ltiResourceLink",
    )


def _said(picks: Sequence[Pick]) -> str:
    if len(picks) > NAMED:
        return ngettext(
            "You chose %(num)d link.", "You chose %(num)d links.", len(picks)
        )
    titles = ", ".join(one.title for one in picks)
    return gettext("You chose: %(titles)s", titles=titles)


def _answered(seat: Seat, picked: Picked) -> tuple[str, int]:
    settings = current_app.config["SETTINGS"]
    answering = Answering(
        visit_id=seat.session_id,
        registration_id=seat.registration_id or 0,
        course_id=seat.course_id,
        launch_url=settings.public_url.rstrip("/") + LAUNCH_PATH,
    )
    with database().write() as session:
        reply = deep_linking.answer(
            session,
            answering,
            picked,
            secret_key=settings.load_secret_key(),
            now=clock(),
        )
    if reply is None:
        return _page(seat, None, None, 410)
    log().info(
        "deep_linking answered",
        registration_id=seat.registration_id,
        placement_id=seat.placement_id,
        links=len(picked.picks),
    )
    return render_template("deep_linking/answer.html", seat=seat, reply=reply), 200


def _page(
    seat: Seat,
    asked: Asked | None,
    offer: offers.Offer | None,
    status: int,
    *,
    fault: str | None = None,
) -> tuple[str, int]:
    page = render_template(
        "deep_linking/choose.html",
        seat=seat,
        asked=asked,
        views=VIEWS,
        offer=offer,
        fault=fault,
    )
    return page, 410 if asked is None else status
