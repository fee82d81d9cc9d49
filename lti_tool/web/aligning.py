"""The pages where a teacher accepts suggestions and sees what is assessed how."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Final

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
)
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as Answer

from lti_tool.storage import audits, curriculum
from lti_tool.storage.curriculum import Plan
from lti_tool.web import alignment, marks, review_suggestions
from lti_tool.web.alignment import WordsError
from lti_tool.web.grid import code_of, name_of
from lti_tool.web.plan_effects import Effect
from lti_tool.web.review_suggestions import Proposal, Proposals
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import clock, current_seat, database, seat_url
from lti_tool.web.texts import gettext, ngettext
from lti_tool.work.tables import guard

WAYS: Final = {
    "line_item": lazy_gettext("gradebook"),
    "assessment": lazy_gettext("assessment"),
    "row": lazy_gettext("rubric rows"),
    "question": lazy_gettext("questions"),
    "rubric": lazy_gettext("rubric"),
    "observation": lazy_gettext("observation"),
    "conference": lazy_gettext("conference"),
    "outside": lazy_gettext("learned elsewhere"),
}
views = Blueprint("aligning", __name__, template_folder="templates")


@views.get("/s/<sid>/align/review")
def review() -> str:
    """Show a suggestion for each piece of work that speaks for nothing yet.

    Below them what is aligned, with its links.
    """
    _, course_id = course_seat("instructor")
    return _review_page(course_id)


@views.post("/s/<sid>/align/review")
def decide() -> Answer | tuple[str, int] | str:
    """Accept what is ticked, skip one, or show what accepting would change."""
    seat, course_id = course_seat("instructor")
    who, now = f"person:{seat.person_id}", clock()
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
    try:
        alignment.refuse_ended(plan)
    except WordsError as error:
        return _review_page(course_id, fault=str(error)), 422
    offered = review_suggestions.propose(database(), plan, request.form, now=now)
    if "skip" in request.form:
        one = _find(offered.found, request.form["skip"])
        with database().write() as session:
            review_suggestions.skip(session, plan, one, who=who, now=now)
        return redirect(seat_url("aligning.review", said="skipped"), code=303)
    if request.form.get("act") != "accept":
        return _review_page(course_id)
    try:
        ticked = review_suggestions.accepted(plan, offered.found, request.form)
    except WordsError as error:
        return _review_page(course_id, fault=str(error)), 422
    with database().write() as session:
        changed = review_suggestions.save(session, plan, ticked, who=who, now=now)
    current_app.extensions["tell_worker"]()
    said = {"said": "accepted", "n": len(ticked), "levels": changed}
    return redirect(seat_url("aligning.review", **said), code=303)


def _find(proposals: list[Proposal], key: str) -> Proposal:
    found = next((one for one in proposals if one.key == key), None)
    if found is None:
        abort(404)
    return found


def _review_page(course_id: int, *, fault: str = "") -> str:
    now = clock()
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        work = curriculum.load_assignments(session, course_id)
    offered = Proposals([])
    if plan.status == "active":
        offered = review_suggestions.propose(database(), plan, request.form, now=now)
    if offered.is_waiting:
        current_app.extensions["order_meaning"](course_id)
    effect = None
    if offered.ticked and not fault:
        try:
            effect = _effect(plan, offered, now)
        except WordsError as error:
            fault = str(error)
    return render_template(
        "teacher/review.html",
        seat=current_seat(),
        plan=plan,
        work=work,
        aligned=[one for one in work if one.alignments],
        offered=offered,
        accepts=[accept_words(n) for n in range(len(offered.found) + 1)],
        codes={one.id: code_of(one) for one in plan.competencies},
        part_words=alignment.part_words,
        effect=effect,
        is_open=request.form.get("act") == "preview",
        names={one.id: alignment.option_of(one) for one in plan.competencies},
        said=request.args.get("said"),
        accepted=request.args.get("n", type=int, default=0),
        changed=request.args.get("levels", type=int, default=0),
        fault=fault,
    )


def _effect(plan: Plan, offered: Proposals, now: datetime) -> Effect:
    """What accepting all that is ticked would move; nothing is kept."""
    ticked = review_suggestions.accepted(plan, offered.found, request.form)
    with database().write() as session:
        return review_suggestions.effect(session, plan, ticked, now=now)


def accept_words(count: int) -> str:
    """Return what the button says while so many are ticked."""
    return ngettext("Accept %(num)d ticked", "Accept %(num)d ticked", count)


@views.get("/s/<sid>/align/audit")
def audit() -> str:
    """Show what is assessed never, once, or in one way only, and what feeds nothing."""
    _, course_id = course_seat("instructor")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        found = audits.load_audit(session, course_id, plan.competencies, now=clock())
    names = {one.id: (code_of(one), name_of(one)) for one in plan.competencies}
    return render_template(
        "teacher/audit.html",
        seat=current_seat(),
        plan=plan,
        audit=found,
        names=names,
        days=audits.IDLE.days,
        way_words=way_words,
        palette=marks.palette_of(plan),
    )


def way_words(way: str) -> str:
    """Return a way of assessing in the reader's words; a category is the school's."""
    return " · ".join(str(WAYS.get(one, one)) for one in way.split(" · "))


@views.get("/s/<sid>/align/audit.csv")
def audit_file() -> Response:
    """Give the audit as a file for a spreadsheet: a line a competency."""
    _, course_id = course_seat("instructor")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        found = audits.load_audit(session, course_id, plan.competencies, now=clock())
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(
        [
            gettext("Code"),
            gettext("Competency"),
            gettext("Assessed by"),
            gettext("Ways"),
            gettext("Feeds nothing"),
        ]
    )
    idle = found.idle_by_competency
    for one in plan.competencies:
        told = found.by_competency[one.id]
        line = [
            code_of(one),
            name_of(one),
            str(told.pieces),
            ", ".join(map(way_words, told.ways)),
            ", ".join(idle.get(one.id, ())),
        ]
        writer.writerow([guard(text) for text in line])
    return Response(
        "\ufeff" + file.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )
