"""What a student says of herself: learning from elsewhere, and how she sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, abort, redirect, render_template, request
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as Answer

from lti_tool.storage import curriculum, observations, zones
from lti_tool.storage.curriculum import Plan
from lti_tool.storage.database import Session
from lti_tool.storage.observations import StoredObservation
from lti_tool.web import alignment, marks
from lti_tool.web.drawer import FormError, parse_day, parse_level, refuse_ended
from lti_tool.web.grid import code_of
from lti_tool.web.marks import Mark
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import Seat, clock, database, seat_url
from lti_tool.web.texts import gettext
from lti_tool.work import observations as entries
from lti_tool.work.observations import NewObservation
from mappings.errors import EvidenceError

elsewhere = Blueprint("elsewhere", __name__, template_folder="templates")

MOST: Final = 3  # competencies that one thing can be shown for at a time
STATES: Final = {
    "proposed": lazy_gettext("Sent. Your teacher has not looked at it yet."),
    "accepted": lazy_gettext("Counted."),
    "declined": lazy_gettext("Not counted."),
    "withdrawn": lazy_gettext("You took it back."),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing a student sent, and what became of it."""

    id: int
    title: str
    code: str
    mark: Mark
    note: str | None
    link: str | None
    on: datetime
    state: str
    words: str
    decision: str | None
    who: str = ""


def told_of(one: StoredObservation, plan: Plan, told: Sequence[Mark]) -> Told:
    """Return an entry as pages show it, its level on the scale of the course."""
    codes = {each.id: code_of(each) for each in plan.competencies}
    reached = plan.scale.level(min(max(one.given / one.maximum, 0.0), 1.0))
    state = "withdrawn" if one.withdrawn_at else one.status
    return Told(
        one.id,
        one.title,
        codes.get(one.competency_id, ""),
        told[plan.scale.levels.index(reached)],
        one.note,
        one.proof_url,
        one.happened_at,
        state,
        str(STATES[state]),
        one.decision,
        one.made_by_name,
    )


@elsewhere.get("/s/<sid>/elsewhere")
def show() -> str:
    """Show what the student sent before, and the form for something new."""
    seat, course_id = course_seat("learner")
    return _page(seat, course_id)


@elsewhere.post("/s/<sid>/elsewhere")
def send() -> Answer | tuple[str, int]:
    """Send something learned elsewhere to the teachers, or take it back."""
    seat, course_id = course_seat("learner")
    if seat.is_test_user:
        abort(403)
    now = clock()
    try:
        with database().write() as session:
            plan = curriculum.load_plan(session, course_id)
            refuse_ended(plan)
            if request.form.get("act") == "withdraw":
                _take_back(session, plan, seat, now)
            else:
                _send(session, plan, seat, now)
    except FormError as error:
        return _page(seat, course_id, fault=str(error)), 422
    except EvidenceError:
        text = gettext(
            "That could not be sent. A link must begin with http:// or https://."
        )
        return _page(seat, course_id, fault=text), 422
    said = request.form.get("act", "send")
    return redirect(seat_url("elsewhere.show", said=said), 303)


def _send(session: Session, plan: Plan, seat: Seat, now: datetime) -> None:
    form = request.form
    title = form.get("title", "").strip()
    if not title:
        raise FormError(gettext("Write in a few words what you did."))
    named = [one for one in form.getlist("competency") if one.strip()][:MOST]
    found = [alignment.find(plan, one) for one in named]
    if not found or None in found:
        raise FormError(gettext("Choose what it shows from the list."))
    given, maximum = entries.at_level(plan.scale, parse_level(form, plan))
    zone = zones.load_zone(session, plan.course_id)
    day = parse_day(form.get("day", ""), now, zone)
    for competency_id in dict.fromkeys(one for one in found if one is not None):
        new = NewObservation(
            seat.person_id,
            competency_id,
            plan.course_id,
            "outside",
            title[:255],
            given,
            maximum,
            day,
            note=form.get("note", "").strip()[:4000] or None,
            proof_url=form.get("link", "").strip() or None,
        )
        who = f"person:{seat.person_id}"
        entries.add(session, new, who=who, is_staff=False, now=now)


def _take_back(session: Session, plan: Plan, seat: Seat, now: datetime) -> None:
    text = request.form.get("entry", "")
    one = observations.load_observation(session, int(text) if text.isdecimal() else 0)
    if (
        one is None
        or one.person_id != seat.person_id
        or one.course_id != plan.course_id
        or one.made_by != f"person:{seat.person_id}"
    ):
        abort(404)
    if one.withdrawn_at is None and one.status == "proposed":
        who = f"person:{seat.person_id}"
        entries.withdraw(session, one.id, who=who, now=now)


def _page(seat: Seat, course_id: int, *, fault: str | None = None) -> str:
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        mine = [] if seat.is_test_user else _mine(session, seat, plan)
        zone = zones.load_zone(session, course_id)
    return render_template(
        "student/elsewhere.html",
        seat=seat,
        plan=plan,
        sent=mine,
        options=[alignment.option_of(one) for one in plan.competencies],
        levels=marks.marks_of(plan.scale),
        palette=marks.palette_of(plan),
        today=clock().astimezone(zone).date().isoformat(),
        fault=fault,
        typed=request.form,
        named=[*request.form.getlist("competency"), *[""] * MOST][:MOST],
        said=request.args.get("said"),
    )


def _mine(session: Session, seat: Seat, plan: Plan) -> list[Told]:
    told = marks.marks_of(plan.scale)
    return [
        told_of(one, plan, told)
        for one in observations.load_of_person(session, seat.person_id)[::-1]
        if one.kind == "outside"
        and one.course_id == plan.course_id
        and not one.is_superseded
    ]


@elsewhere.post("/s/<sid>/mastery/<int:competency_id>")
def assess(competency_id: int) -> Answer:
    """Keep how a student sees herself; it never counts by itself."""
    seat, course_id = course_seat("learner")
    said = "short"
    with database().write() as session:
        plan = curriculum.load_plan(session, course_id)
        if competency_id not in {one.id for one in plan.competencies}:
            abort(404)
        if not seat.is_test_user and plan.status == "active":
            said = _assess(session, plan, seat, competency_id)
    place = seat_url("student.competency", competency_id=competency_id, said=said)
    return redirect(place, 303)


def _assess(session: Session, plan: Plan, seat: Seat, competency_id: int) -> str:
    sentence, now = request.form.get("sentence", "").strip(), clock()
    try:
        level = parse_level(request.form, plan)
    except FormError:
        return "short"
    given, maximum = entries.at_level(plan.scale, level)
    new = NewObservation(
        seat.person_id,
        competency_id,
        plan.course_id,
        "self",
        gettext("How I see it"),
        given,
        maximum,
        now,
        note=sentence[:4000] or None,
    )
    who = f"person:{seat.person_id}"
    entries.add(session, new, who=who, is_staff=False, now=now)
    return "assessed"
