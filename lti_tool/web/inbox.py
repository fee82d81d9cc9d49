"""What waits for a teacher: learning from elsewhere, and students who see it otherwise.

Accepting and declining keep who, when and why; the student reads the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, current_app, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from lti_tool.storage import curriculum, observations, pages
from lti_tool.storage.curriculum import Plan
from lti_tool.storage.database import Session
from lti_tool.storage.observations import StoredObservation
from lti_tool.web import elsewhere, marks
from lti_tool.web.drawer import FormError, refuse_ended
from lti_tool.web.elsewhere import Told
from lti_tool.web.marks import Mark
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import Seat, clock, database, seat_url
from lti_tool.web.texts import gettext
from lti_tool.work import observations as entries
from lti_tool.work.observations import NewObservation

inbox = Blueprint("inbox", __name__, template_folder="templates")

FAR: Final = 2  # levels between a student's own view and where she stands


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits: who sent it, and the level she saw in it."""

    told: Told
    person_id: int
    competency_id: int
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A student who sees herself far from where she stands."""

    person_id: int
    competency_id: int
    name: str
    code: str
    own: Mark
    stands: Mark
    sentence: str | None


@inbox.get("/s/<sid>/inbox")
def show() -> str:
    """Show what waits for the teachers of the course."""
    seat, course_id = course_seat("instructor")
    return _page(seat, course_id)


@inbox.post("/s/<sid>/inbox")
def decide() -> Answer | tuple[str, int]:
    """Let what is ticked count, or not, with one reason for all of it."""
    seat, course_id = course_seat("instructor")
    try:
        with database().write() as session:
            plan = curriculum.load_plan(session, course_id)
            refuse_ended(plan)
            count = _decide(session, plan, f"person:{seat.person_id}", clock())
    except FormError as error:
        return _page(seat, course_id, fault=str(error)), 422
    current_app.extensions["tell_worker"]()
    return redirect(seat_url("inbox.show", n=count), 303)


def _decide(session: Session, plan: Plan, who: str, now: datetime) -> int:
    form = request.form
    ticked = set(form.getlist("entry"))
    mine = [one for one in _waiting(session, plan) if str(one.told.id) in ticked]
    reason = form.get("reason", "").strip()[:2000]
    if not mine:
        raise FormError(gettext("Tick what you have looked at."))
    if form.get("act") != "accept" and not reason:
        raise FormError(gettext("Say why it does not count. The student reads it."))
    for one in mine:
        if form.get("act") == "accept":
            _accept(session, plan, one, reason, who, now)
        else:
            entries.decline(session, one.told.id, reason, who=who, now=now)
    return len(mine)


def _accept(
    session: Session, plan: Plan, one: Waiting, reason: str, who: str, now: datetime
) -> None:
    """Let it count: as the student said, or at the level the teacher saw in it."""
    text = request.form.get(f"level-{one.told.id}", "")
    level = int(text) if text.isascii() and text.isdecimal() else one.level
    if level == one.level or level >= len(plan.scale.levels):
        entries.accept(session, one.told.id, who=who, now=now, reason=reason)
        return
    given, maximum = entries.at_level(plan.scale, level)
    new = NewObservation(
        one.person_id,
        one.competency_id,
        plan.course_id,
        "outside",
        one.told.title,
        given,
        maximum,
        one.told.on,
        note=one.told.note,
        proof_url=one.told.link,
    )
    entries.supersede(session, one.told.id, new, who=who, is_staff=True, now=now)


def _waiting(session: Session, plan: Plan) -> list[Waiting]:
    told = marks.marks_of(plan.scale)
    names = {
        one.person_id: one.display_name
        for one in pages.load_students(session, plan.course_id)
    }
    found = []
    for one in observations.load_proposed(session, [plan.course_id]):
        if one.person_id in names and not one.is_superseded:
            shown = elsewhere.told_of(one, plan, told)
            found.append(
                Waiting(
                    shown,
                    one.person_id,
                    one.competency_id,
                    names[one.person_id],
                    told.index(shown.mark),
                )
            )
    return found


def _otherwise(session: Session, plan: Plan) -> list[Otherwise]:
    """Return who last saw herself two levels or more from where she stands."""
    told = marks.marks_of(plan.scale)
    cells = {
        (one.person_id, one.competency_id): one
        for one in pages.load_cells(session, plan.course_id)
    }
    names = {
        one.person_id: one.display_name
        for one in pages.load_students(session, plan.course_id)
    }
    last = _last_views(observations.load_in_courses(session, [plan.course_id]))
    found = []
    for key, one in last.items():
        cell = cells.get(key)
        if key[0] not in names or cell is None or cell.level is None:
            continue
        shown = elsewhere.told_of(one, plan, told)
        if abs(told.index(shown.mark) - cell.level) >= FAR:
            found.append(
                Otherwise(
                    *key,
                    names[key[0]],
                    shown.code,
                    shown.mark,
                    told[cell.level],
                    one.note,
                )
            )
    return found


def _last_views(
    known: Sequence[StoredObservation],
) -> dict[tuple[int, int], StoredObservation]:
    """Return the newest self-assessment of each student and competency."""
    return {
        (one.person_id, one.competency_id): one
        for one in known
        if one.kind == "self" and one.withdrawn_at is None and not one.is_superseded
    }


def _page(seat: Seat, course_id: int, *, fault: str | None = None) -> str:
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        waiting = _waiting(session, plan)
        otherwise = _otherwise(session, plan)
    return render_template(
        "teacher/inbox.html",
        seat=seat,
        plan=plan,
        waiting=waiting,
        otherwise=otherwise,
        levels=marks.marks_of(plan.scale),
        palette=marks.palette_of(plan),
        fault=fault,
        ticked=request.form.getlist("entry"),
        reason=request.form.get("reason", ""),
        decided=request.args.get("n", type=int),
    )
