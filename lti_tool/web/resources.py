"""Resources of a course: a teacher offers and pins them, a student opens them."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, abort, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from lti_tool.storage import class_resources, curriculum, resources
from lti_tool.storage.class_resources import ClassResource
from lti_tool.storage.curriculum import Plan, PlanCompetency
from lti_tool.storage.database import Session
from lti_tool.storage.resources import Offer, Use
from lti_tool.web import helping, marks
from lti_tool.web.aligned_work import work_for
from lti_tool.web.grid import code_of, name_of
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import Seat, clock, database, seat_url
from lti_tool.web.texts import gettext
from lti_tool.work import resources as work
from mappings.errors import ResourceError
from mappings.resources import host_of

views = Blueprint("resources", __name__, template_folder="templates")


@views.get("/s/<sid>/resources")
def overview() -> str:
    """Show the competencies the course works on, with what each has to help."""
    seat, course_id = course_seat("instructor")
    words = request.args.get("words", "").strip()
    is_whole = request.args.get("all") == "1"
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        offers = resources.load_offers(session, course_id)
        assigned = curriculum.load_assignments(session, course_id)
        given = class_resources.load_class(session, course_id)
    spoken = {aligned for one in assigned for _, aligned, _ in one.alignments}
    found = [
        one
        for one in plan.competencies
        if (is_whole or one.id in spoken or one.id in offers)
        and words.casefold() in f"{code_of(one)} {name_of(one)}".casefold()
    ]
    return render_template(
        "teacher/resources.html",
        seat=seat,
        plan=plan,
        found=found,
        words=words,
        is_whole=is_whole,
        codes={one.id: code_of(one) for one in found},
        names={one.id: name_of(one) for one in found},
        counts={competency: len(some) for competency, some in offers.items()},
        pins={
            competency: sum(one.use.is_pinned for one in some)
            for competency, some in offers.items()
        },
        given=[_given(one) for one in given],
        said=request.args.get("said"),
    )


@views.post("/s/<sid>/resources")
def turn() -> ResponseReturnValue:
    """Hide what the school's system gives the class, or show it again."""
    seat, course_id = course_seat("instructor")
    who = f"person:{seat.person_id}"
    act = request.form.get("act", "")
    wanted = request.form.get("resource", type=int)
    acts = {"hide": class_resources.hide, "show": class_resources.show}
    if wanted is None or act not in acts:
        abort(404)
    with database().write() as session:
        is_new = acts[act](session, course_id, wanted, who=who, now=clock())
    said = act if is_new else "same"
    return redirect(seat_url("resources.overview", said=said, _anchor="given"), 303)


@views.get("/s/<sid>/resources/<int:competency_id>")
def competency(competency_id: int) -> str:
    """Show what the course offers for one competency."""
    seat, course_id = course_seat("instructor")
    return _page(seat, course_id, competency_id)


@views.post("/s/<sid>/resources/<int:competency_id>")
def change(competency_id: int) -> ResponseReturnValue:
    """Add, pin, unpin or remove one resource of a competency."""
    seat, course_id = course_seat("instructor")
    who = f"person:{seat.person_id}"
    act = request.form.get("act", "")
    try:
        with database().write() as session:
            plan = curriculum.load_plan(session, course_id)
            _named(plan, competency_id)
            if act == "add":
                is_new = _add(session, plan, competency_id, who)
            else:
                is_new = _alter(session, course_id, competency_id, act, who)
    except ResourceError as error:
        page = _page(seat, course_id, competency_id, fault=_fault(error))
        return page, 422
    said = {"said": act if is_new else "same"} if act else {}
    return redirect(
        seat_url("resources.competency", competency_id=competency_id, **said), 303
    )


@views.post("/s/<sid>/resources/<int:competency_id>/open")
def leave(competency_id: int) -> ResponseReturnValue:
    """Note that a student goes to a resource, and tell where it is.

    The answer is a page with the address, or for our script the address alone: the
    policy of our pages lets no form lead to another site. Nothing of the seat goes
    along, and no referrer (Referrer-Policy, rel=noreferrer).
    """
    seat, course_id = course_seat("instructor", "learner")
    wanted = request.form.get("resource", type=int)
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        one = _named(plan, competency_id)
        offer = _offer(session, course_id, competency_id, wanted)
    home = "student.competency" if seat.role == "learner" else "resources.competency"
    back = seat_url(home, competency_id=competency_id)
    if wanted is None:
        return redirect(back, 303)
    if offer is None or offer.url is None:
        abort(404)
    if seat.role == "learner" and not offer.is_for_students:
        abort(404)
    if seat.role == "learner" and not seat.is_test_user:
        with database().write() as session:
            resources.put_opening(
                session,
                resource_id=wanted,
                competency_id=competency_id,
                person_id=seat.person_id,
                now=clock(),
            )
    if request.form.get("as") == "json":
        return jsonify(url=offer.url)
    return render_template(
        "student/leave.html" if seat.role == "learner" else "teacher/leave.html",
        seat=seat,
        title=offer.title,
        url=offer.url,
        host=host_of(offer.url),
        code=code_of(one),
        back=back,
    )


def _named(plan: Plan, competency_id: int) -> PlanCompetency:
    one = next((one for one in plan.competencies if one.id == competency_id), None)
    if one is None:
        abort(404)
    return one


def _offer(
    session: Session, course_id: int, competency_id: int, resource_id: int | None
) -> Offer | None:
    offers = resources.load_offers(session, course_id, [competency_id])
    return next(
        (
            one
            for one in offers.get(competency_id, ())
            if one.use.resource_id == resource_id
        ),
        None,
    )


def _add(session: Session, plan: Plan, competency_id: int, who: str) -> bool:
    form = request.form
    fields = work.parse_fields(form)
    if fields["url"] is None:
        raise ResourceError("no address")
    use = Use(
        resource_id=0,
        competency_id=competency_id,
        course_id=plan.course_id,
        from_level=_level(plan, "from_level"),
        to_level=_level(plan, "to_level"),
        is_pinned="pinned" in form,
    )
    work.check_levels(use.from_level, use.to_level)
    return work.offer(session, fields, use, origin="own", who=who, now=clock())


def _level(plan: Plan, name: str) -> int | None:
    place = request.form.get(name, type=int)
    known = place is not None and 0 <= place < len(plan.scale.levels)
    return place if known else None


def _alter(
    session: Session, course_id: int, competency_id: int, act: str, who: str
) -> bool:
    """Pin, unpin or remove; a resource of the school gets a line of the course."""
    wanted = request.form.get("resource", type=int)
    if act == "tie":
        return _tie(session, course_id, competency_id, wanted, who)
    offer = _offer(session, course_id, competency_id, wanted)
    if offer is None:
        return False
    if act == "hide":
        shown = offer.use.resource_id
        return class_resources.hide(session, course_id, shown, who=who, now=clock())
    mine = replace(offer.use, course_id=course_id)
    if act == "remove":
        return resources.drop_use(session, mine, who=who, now=clock())
    if act in {"pin", "unpin"}:
        pinned = replace(mine, is_pinned=act == "pin")
        return resources.save_use(session, pinned, who=who, now=clock())
    return False


def _tie(
    session: Session, course_id: int, competency_id: int, wanted: int | None, who: str
) -> bool:
    """Offer what the class has from the school's system; a teacher's yes."""
    held = class_resources.load_class(session, course_id)
    if wanted not in {one.id for one in held if not one.is_hidden}:
        abort(404)
    use = Use(wanted, competency_id, course_id)
    return resources.save_use(session, use, who=who, now=clock())


def _given(one: ClassResource) -> dict[str, object]:
    """One resource of the class's own list, as its template shows it."""
    return {
        "one": one,
        "host": host_of(one.url) if one.url else "",
        "is_for_students": resources.is_for_students(one.roles),
    }


def _fault(error: ResourceError) -> str:
    """Say to a teacher what is wrong with her form; the error's own words are ours."""
    if not request.form.get("title", "").strip():
        return gettext("Give the resource a title. Nothing was saved.")
    if "lies above" in str(error):
        return gettext(
            "The first level lies above the last one. Nothing was saved; turn them "
            "round."
        )
    return gettext(
        "Give an address of the web that every student may open: it begins with "
        "https:// or http://, and carries no name or password. Nothing was saved."
    )


def _page(seat: Seat, course_id: int, competency_id: int, fault: str = "") -> str:
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        one = _named(plan, competency_id)
        offers = resources.load_offers(session, course_id, [competency_id])
        assigned = curriculum.load_assignments(session, course_id)
        given = class_resources.load_class(session, course_id)
    there = {each.use.resource_id for each in offers.get(competency_id, ())}
    told = marks.marks_of(plan.scale)
    places = [each.id for each in plan.competencies]
    at = places.index(competency_id)
    return render_template(
        "teacher/resources_of.html",
        seat=seat,
        plan=plan,
        one=one,
        code=code_of(one),
        statement=marks.statement(one.statement),
        shown=helping.for_teacher(offers.get(competency_id, ()), told),
        levels=told,
        work=work_for(competency_id, assigned, seat.frame_origins),
        before=places[at - 1] if at else None,
        after=places[at + 1] if at + 1 < len(places) else None,
        given=[each for each in given if not (each.is_hidden or each.id in there)],
        removing=request.args.get("remove", type=int),
        said=request.args.get("said"),
        typed=request.form if fault else {},
        fault=fault,
    )
