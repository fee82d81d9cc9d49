"""Pages of a teacher that go beyond one class: groups of students."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from lti_tool.storage import curriculum, pages, teaching
from lti_tool.storage.database import Session
from lti_tool.web import marks
from lti_tool.web.grouping import SUPPORT, TABS, Group, Grouping, Room
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import database
from lti_tool.web.texts import gettext

views = Blueprint("teaching", __name__, template_folder="templates")


@views.get("/s/<sid>/groups")
def groups() -> str:
    """Show who needs the same next, over all classes of hers on this framework."""
    seat, course_id = course_seat("instructor")
    tab = request.args.get("tab", SUPPORT)
    only = request.args.get("course", type=int)
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        courses = teaching.load_courses(session, seat.person_id, course_id)
        known = {one.id for one in courses}
        chosen = [one for one in courses if only not in known or one.id == only]
        room = _room(session, chosen, plan.framework_id)
    tab = tab if tab in TABS else SUPPORT
    grouping = Grouping(room, marks.mastery_mark(plan.scale).words)
    found = {one: grouping.groups(one) for one in TABS}
    return render_template(
        "teacher/groups.html",
        seat=seat,
        plan=plan,
        courses=courses,
        only=only if only in known else None,
        has_students=bool(room.learners),
        has_work=bool(room.taught),
        tab=tab,
        tabs={
            "support": gettext("Needs support"),
            "check": gettext("Ready to check"),
            "more": gettext("Ready for more"),
        },
        counts={one: len(some) for one, some in found.items()},
        groups=found[tab],
        ticked=_ticked(found[tab]),
        chosen=set(request.args.getlist("who")),
    )


def _room(
    session: Session, courses: list[teaching.TaughtCourse], framework_id: int | None
) -> Room:
    ids = [one.id for one in courses]
    return Room(
        courses=courses,
        learners=teaching.load_learners(session, ids),
        stands=teaching.load_stands(session, ids),
        taught=teaching.load_taught(session, ids),
        aligned=teaching.load_aligned(session, ids),
        precedes=pages.load_precedes(session, framework_id),
        elsewhere=teaching.load_shown_elsewhere(session, ids),
    )


def _ticked(groups: list[Group]) -> list[str] | None:
    """The names that were ticked, each once; None where no names were asked for."""
    if "names" not in request.args:
        return None
    wanted = set(request.args.getlist("who"))
    found = {
        member.person_id: member.name
        for group in groups
        for member in group.members
        if f"{group.competency_id}-{member.person_id}" in wanted
    }
    return list(found.values())
