"""The family's pages: a mentor's children in this course, and where each one stands.

A child is one whom the launch named (`role_scope_mentor`) and who learns here. Any
other id in an address is answered like one that does not exist.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from lti_tool.storage import curriculum, families, pages, visits
from lti_tool.storage.database import Session
from lti_tool.storage.families import Child
from lti_tool.web import marks, plan_words, reasons
from lti_tool.web.nextsteps import NextSteps
from lti_tool.web.reasons import Standing
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import Seat, clock, database, seat_url
from lti_tool.web.texts import LANGUAGES

mentor = Blueprint("mentor", __name__, template_folder="templates")

# Each language by its own name, as whoever reads it looks for it.
LANGUAGE_NAMES: Final = dict(
    zip(LANGUAGES, ("English", "Español", "Français", "العربية"), strict=True)
)


@mentor.get("/s/<sid>/family")
def children() -> Answer | str:
    """List a mentor's children in this course; an only child's page opens at once."""
    seat, course_id = course_seat("mentor")
    with database().read() as session:
        mine = _children(session, seat, course_id)
    unknown = len(seat.mentees) - len(mine)
    if len(mine) == 1 and not unknown:
        return redirect(seat_url("mentor.child", person_id=mine[0].person_id), 303)
    return render_template(
        "mentor/children.html", seat=seat, mine=mine, unknown=max(unknown, 0)
    )


@mentor.get("/s/<sid>/family/<int:person_id>")
def child(person_id: int) -> str:
    """Show what a child can do now, works on, and how to help; never another child."""
    seat, course_id = course_seat("mentor")
    with database().read() as session:
        mine = _children(session, seat, course_id)
        who = _mine(mine, person_id)
        plan = curriculum.load_plan(session, course_id)
        cells = pages.load_cells(session, course_id, person_id=person_id)
        taught = pages.load_taught(session, course_id)
        precedes = pages.load_precedes(session, plan.framework_id)
    areas = reasons.by_area(
        plan, cells, only=taught | {one.competency_id for one in cells}
    )
    standings = [one for _, some in areas for one in some]
    return render_template(
        "mentor/child.html",
        seat=seat,
        plan=plan,
        who=who,
        mine=mine,
        areas=areas,
        can=[one for one in standings if one.is_mastered],
        begun=_working_on(standings, precedes),
        started=any(one.evidence_count for one in standings),
        palette=marks.palette_of(plan),
        levels=marks.marks_of(plan.scale),
        shown_from=marks.mastery_mark(plan.scale),
        languages=LANGUAGE_NAMES,
        judged=plan_words.plan_summary(plan),
    )


@mentor.get("/s/<sid>/family/<int:person_id>/<int:competency_id>")
def competency(person_id: int, competency_id: int) -> str:
    """Show one competency of a child: where she is, why, and what would move it."""
    seat, course_id = course_seat("mentor")
    with database().read() as session:
        mine = _children(session, seat, course_id)
        who = _mine(mine, person_id)
        plan = curriculum.load_plan(session, course_id)
        reason = reasons.load_reason(
            session, plan, person_id, competency_id, now=clock()
        )
    if reason is None:
        abort(404)
    return render_template(
        "mentor/competency.html",
        seat=seat,
        plan=plan,
        who=who,
        mine=mine,
        reason=reason,
        palette=marks.palette_of(plan),
        levels=marks.marks_of(plan.scale),
    )


@mentor.post("/s/<sid>/family/language")
def language() -> Answer:
    """Speak another language for the rest of the visit."""
    seat, course_id = course_seat("mentor")
    wished = request.form.get("language", "")
    if wished in LANGUAGES:
        with database().write() as session:
            visits.speak(session, seat.session_id, wished)
    person_id = request.form.get("child", type=int)
    with database().read() as session:
        mine = {one.person_id for one in _children(session, seat, course_id)}
    if person_id in mine:
        return redirect(seat_url("mentor.child", person_id=person_id), 303)
    return redirect(seat_url("mentor.children"), 303)


def _children(session: Session, seat: Seat, course_id: int) -> list[Child]:
    if seat.registration_id is None:
        return []
    return families.load_children(
        session, seat.registration_id, seat.mentees, course_id
    )


def _mine(mine: list[Child], person_id: int) -> Child:
    who = next((one for one in mine if one.person_id == person_id), None)
    return abort(404) if who is None else who


def _working_on(
    standings: list[Standing], precedes: list[tuple[int, int]]
) -> list[Standing]:
    """Return what a child has begun, or else what is open to begin with."""
    begun = [one for one in standings if one.evidence_count and not one.is_mastered]
    if begun:
        return begun
    steps = NextSteps([(one.id, one.code) for one in standings], precedes)
    ready = steps.ready({one.id for one in standings if one.is_mastered})
    return [one for one in standings if one.id in ready]
