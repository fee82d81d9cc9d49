"""Where a review launch leads: one student's evidence for one competency.

Source: Submission Review 1.0; facts/lti.md section 6.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import SeatError
from lti_tool.storage import curriculum, families, reviews
from lti_tool.storage.database import Session
from lti_tool.web.sessions import Seat, database, require, seat_url
from lti_tool.web.texts import gettext

pages = Blueprint("review", __name__, template_folder="templates")


@pages.get("/s/<sid>/review")
def evidence() -> Answer | tuple[str, int]:
    """Go on to the evidence the LMS asked for, or say that we know no such student.

    A teacher of the course may see every student's, a student her own, a mentor her
    children's.
    """
    seat = require("instructor", "learner", "mentor")
    with database().read() as session:
        who, competency_id = _asked(session, seat)
    if who is None or seat.course_id is None:
        return render_template("review/unknown.html", seat=seat), 404
    if seat.role == "instructor":
        return _go(_teacher_page(who, competency_id))
    if seat.role == "mentor":
        return _go(_mentor_page(who, competency_id))
    if who != seat.person_id:
        raise SeatError(gettext("You can look at your own work here, nobody else's."))
    return _go(_student_page(competency_id))


def _asked(session: Session, seat: Seat) -> tuple[int | None, int | None]:
    """Whom and what the seat was opened for, where the seat may see it."""
    who, competency_id = seat.review_person_id, request.args.get("competency", type=int)
    if who is None or seat.course_id is None:
        return None, None
    if not reviews.learns_in(session, who, seat.course_id):
        return None, None
    if seat.role == "mentor":
        mine = families.load_children(
            session, seat.registration_id or 0, seat.mentees, seat.course_id
        )
        if who not in {one.person_id for one in mine}:
            return None, None
    plan = curriculum.load_plan(session, seat.course_id)
    known = competency_id in {one.id for one in plan.competencies}
    return who, competency_id if known else None


def _teacher_page(who: int, competency_id: int | None) -> str:
    if competency_id is None:
        return seat_url("teacher.class_grid", view="one", student=who)
    return seat_url("teacher.cell", person_id=who, competency_id=competency_id)


def _mentor_page(who: int, competency_id: int | None) -> str:
    if competency_id is None:
        return seat_url("mentor.child", person_id=who)
    return seat_url("mentor.competency", person_id=who, competency_id=competency_id)


def _student_page(competency_id: int | None) -> str:
    if competency_id is None:
        return seat_url("student.mastery")
    return seat_url("student.competency", competency_id=competency_id)


def _go(address: str) -> Answer:
    return redirect(address, 303)
