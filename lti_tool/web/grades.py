"""Where the scores of a course come from: its SIS, and the LMSs that are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from flask import Blueprint, abort, current_app, redirect, render_template, request
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import NotFoundError
from lti_tool.storage import curriculum, lms_readings, pages, twins
from lti_tool.storage.curriculum import Plan
from lti_tool.storage.database import Session
from lti_tool.storage.lms_readings import READING, WAITING, Reading
from lti_tool.storage.twins import Work
from lti_tool.web import reading_words
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import clock, database, seat_url
from lti_tool.web.texts import ngettext
from lti_tool.work import standing

SAID: Final = {
    "ordered": lazy_gettext("It is being read. Look again in a moment."),
    "already": lazy_gettext("It is being read already."),
    "off": lazy_gettext("This course is left out from now on. What was read stays."),
    "on": lazy_gettext("This course is read again, from tonight on."),
}
views = Blueprint("grades", __name__, template_folder="templates")


@views.get("/s/<sid>/grades")
def show() -> str:
    """Show which systems tell scores, how they were read, and what both have."""
    seat, course_id = course_seat("instructor")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        readings = lms_readings.load_of_course(session, course_id)
        works = [one for one in twins.load_works(session, course_id) if one.is_active]
        fresh = pages.load_freshness(session, course_id)
    said = request.args.get("said", "")
    changed = request.args.get("levels", type=int)
    known = {one.id: one for one in works}
    return render_template(
        "teacher/grades.html",
        seat=seat,
        plan=plan,
        fresh=fresh,
        readings=[one for one in readings if one.is_read],
        words=reading_words,
        is_going=any(one.status in {WAITING, READING} for one in readings),
        joined=[(one, known[one.twin_id]) for one in works if one.twin_id in known],
        alone=[one for one in works if one.is_lms and one.twin_id is None],
        theirs=_free(works),
        said=SAID.get(said),
        changed=None if changed is None else _changed(changed),
    )


def _free(works: list[Work]) -> list[Work]:
    """The line items of the SIS that no work of an LMS is joined with."""
    taken = {one.twin_id for one in works}
    return [one for one in works if not one.is_lms and one.id not in taken]


def _changed(count: int) -> str:
    return ngettext("%(num)d level changed.", "%(num)d levels changed.", count)


@views.post("/s/<sid>/grades")
def change() -> Answer:
    """Order a reading, leave a course out, or say what is the same work."""
    seat, course_id = course_seat("instructor")
    act, _colon, name = request.form.get("act", "").partition(":")
    number = int(name) if name.isascii() and name.isdecimal() else 0
    who, now = f"person:{seat.person_id}", clock()
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
    if plan.status != "active":
        abort(409)
    if act == "read":
        return _order(course_id, number, who, now)
    if act in {"on", "off"}:
        with database().write() as session:
            one = _reading(session, course_id, number)
            lms_readings.switch(
                session, one.placement_id, is_on=act == "on", who=who, now=now
            )
        return redirect(seat_url("grades.show", said=act), 303)
    if act not in {"same", "other"}:
        abort(400)
    try:
        with database().write() as session:
            changed = _say(session, plan, (act, number), who, now)
    except NotFoundError:
        abort(404)
    current_app.extensions["tell_worker"]()
    return redirect(seat_url("grades.show", levels=changed), 303)


def _say(
    session: Session, plan: Plan, said: tuple[str, int], who: str, now: datetime
) -> int:
    """Join or part work as a teacher says; returns how many levels changed."""
    act, number = said
    if act == "same":
        pair = (number, _other(request.form, number))
        twins.say_same(session, plan.course_id, pair, who=who, now=now)
    else:
        twins.say_other(session, plan.course_id, number, who=who, now=now)
    return standing.refresh(session, plan.course_id, now=now).changed


def _other(form: Mapping[str, str], number: int) -> int:
    text = form.get(f"sis-{number}", "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _reading(session: Session, course_id: int, placement_id: int) -> Reading:
    """The place of a course that a form names; of no other course."""
    found = lms_readings.load_of_course(session, course_id)
    one = next((one for one in found if one.placement_id == placement_id), None)
    if one is None or not one.is_read:
        abort(404)
    return one


def _order(course_id: int, placement_id: int, who: str, now: datetime) -> Answer:
    with database().write() as session:
        one = _reading(session, course_id, placement_id)
        if not one.can_read:
            abort(409)
        is_new = lms_readings.order(session, placement_id, who=who, now=now)
    if is_new:
        current_app.extensions["order_reading"](placement_id)
    said = "ordered" if is_new else "already"
    return redirect(seat_url("grades.show", said=said), 303)
