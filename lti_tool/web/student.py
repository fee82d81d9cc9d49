"""The student's pages: my mastery, and one competency with its reasons."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from lti_tool.storage import curriculum, pages, resources
from lti_tool.web import helping, marks, plan_words, reasons, records
from lti_tool.web.aligned_work import work_for
from lti_tool.web.nextsteps import NextSteps
from lti_tool.web.reasons import Standing
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import Seat, clock, database
from lti_tool.web.texts import gettext

student = Blueprint("student", __name__, template_folder="templates")

NEXT = 3
# A student preview shows the pages of somebody who has shown nothing yet: even where
# the platform previews under a teacher's own name, nobody's results stand on them.
NOBODY = 0


@student.get("/s/<sid>/mastery")
def mastery() -> str:
    """Show the student where she stands and what is open next; never a rank."""
    seat, course_id = course_seat("learner")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        cells = pages.load_cells(session, course_id, person_id=_shown(seat))
        precedes = pages.load_precedes(session, plan.framework_id)
        taught = pages.load_taught(session, course_id)
        name = gettext("student")
        if not seat.is_test_user:
            name = pages.load_name(session, seat.person_id)
    areas = reasons.by_area(
        plan, cells, only=taught | {one.competency_id for one in cells}
    )
    standings = [one for _, some in areas for one in some]
    steps = NextSteps([(one.id, one.code) for one in standings], precedes)
    chosen = _next_for(standings, steps)
    with database().read() as session:
        offers = resources.load_offers(
            session, course_id, [one.id for one, _, _ in chosen]
        )
    levels = {cell.competency_id: cell.level for cell in cells}
    aids = {
        one: helping.for_student(some, levels.get(one)) for one, some in offers.items()
    }
    return render_template(
        "student/mastery.html",
        seat=seat,
        plan=plan,
        name=name,
        areas=areas,
        shown=sum(one.is_mastered for one in standings),
        total=len(standings),
        started=any(one.evidence_count for one in standings),
        steps=chosen,
        first={one: some[0] for one, some in aids.items() if some},
        judged=plan_words.plan_summary(plan),
        palette=marks.palette_of(plan),
        levels=marks.marks_of(plan.scale),
    )


def _shown(seat: Seat) -> int:
    return NOBODY if seat.is_test_user else seat.person_id


def _next_for(
    standings: list[Standing], steps: NextSteps
) -> list[tuple[Standing, str, tuple[str, ...]]]:
    """Return up to three competencies to work on, with why each was chosen.

    Open ones come first (all before them is shown), then one begun but not shown,
    then the earliest that keeps others closed.
    """
    by_id = {one.id: one for one in standings}
    mastered = {one.id for one in standings if one.is_mastered}
    chosen: dict[int, tuple[Standing, str, tuple[str, ...]]] = {}
    for one in steps.ready(mastered):
        codes = tuple(by_id[earlier].code for earlier in steps.before(one))
        chosen.setdefault(one, (by_id[one], "ready", codes))
    gap = steps.first_gap(mastered)
    if gap is not None:
        chosen.setdefault(gap, (by_id[gap], "opens", ()))
    for standing in standings:
        if standing.evidence_count and not standing.is_mastered:
            chosen.setdefault(standing.id, (standing, "begun", ()))
    return list(chosen.values())[:NEXT]


@student.get("/s/<sid>/mastery/<int:competency_id>")
def competency(competency_id: int) -> str:
    """Show the student one competency: where she is, why, and what would move it."""
    seat, course_id = course_seat("learner")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        reason = reasons.load_reason(
            session, plan, _shown(seat), competency_id, now=clock()
        )
        if reason is None:
            abort(404)
        precedes = pages.load_precedes(session, plan.framework_id)
        cells = pages.load_cells(session, course_id, person_id=_shown(seat))
        work = curriculum.load_assignments(session, course_id)
        offers = resources.load_offers(session, course_id, [competency_id])
        record = records.load_record(session, _shown(seat), competency_id, now=clock())
    level = next((c.level for c in cells if c.competency_id == competency_id), None)
    areas = reasons.by_area(plan, cells)
    standings = {one.id: one for _, some in areas for one in some}
    steps = NextSteps([(one.id, one.code) for one in standings.values()], precedes)
    return render_template(
        "student/competency.html",
        seat=seat,
        plan=plan,
        reason=reason,
        record=record,
        before=[standings[one] for one in steps.before(competency_id)],
        shown=helping.for_student(offers.get(competency_id, ()), level),
        work=work_for(competency_id, work, seat.frame_origins),
        palette=marks.palette_of(plan),
        levels=marks.marks_of(plan.scale),
    )
