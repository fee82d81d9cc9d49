"""The settings of a course: rule, evidence and levels, with what a change would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import NotFoundError, PlanError
from lti_tool.storage import curriculum, pages, plan_choices, plan_versions
from lti_tool.storage.curriculum import Plan
from lti_tool.storage.database import Session
from lti_tool.web import alignment, plan_effects, plan_words, settings_form
from lti_tool.web.grid import code_of
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import clock, current_seat, database, seat_url
from lti_tool.web.settings_form import Fields
from lti_tool.web.texts import gettext
from lti_tool.work import plans_of_course
from mappings.counting import USUAL_KINDS
from mappings.rules import RULES

settings = Blueprint("settings", __name__, template_folder="templates")

Page = Answer | str | tuple[str, int]


@settings.get("/s/<sid>/settings")
def show() -> str:
    """Show how this course is judged, as a form."""
    _, course_id = course_seat("instructor")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        held = curriculum.load_plan_values(session, course_id)
    return _form(plan, settings_form.fields_of(held, plan), {})


@settings.post("/s/<sid>/settings")
def change() -> Page:
    """Edit the form, show what it would do, or set it."""
    _, course_id = course_seat("instructor")
    fields: Fields = MultiDict(request.form)
    act = fields.get("act", "preview")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        held = curriculum.load_plan_values(session, course_id)
        scales = plan_choices.load_scales(session)
    if plan.status != "active":
        return _form(plan, settings_form.fields_of(held, plan), {}), 403
    if act not in {"preview", "save"}:
        _edit(fields, act, scales)
        return _form(plan, fields, {})
    read = settings_form.parse(fields, plan, held)
    with database().read() as session:
        whole = plans_of_course.whole(session, course_id, read.settings)
        faults = _faults(session, whole, read.unknown)
    if faults:
        return _form(plan, fields, faults), 422
    if act == "save":
        return _save(course_id, whole)
    return _preview(plan, held, whole, fields)


def _edit(fields: Fields, act: str, scales: Sequence[plan_choices.NamedScale]) -> None:
    """Do what a button of the form asks for, short of saving."""
    if act == "add-level":
        settings_form.add_level(fields)
    elif act.startswith("drop-level-"):
        place = settings_form.whole(act.removeprefix("drop-level-"))
        settings_form.drop_level(fields, -1 if place is None else place)
    elif act == "take-scale":
        wanted = fields.get("named", "")
        if wanted == "usual":
            settings_form.put_levels(fields, None, None)
        for one in scales:
            if str(one.id) == wanted:
                settings_form.put_levels(fields, one.levels, one.mastery_cut)
    elif act == "add-rule":
        fields["owns"] = str((settings_form.whole(fields.get("owns", "")) or 0) + 1)


def _faults(
    session: Session, whole: Mapping[str, Any], unknown: Sequence[str]
) -> dict[str, str]:
    """Return what is wrong, in words, by field."""
    found = plans_of_course.faults(session, whole)
    told = {one.field: plan_words.fault_words(one) for one in reversed(found)}
    if unknown:
        told["rules"] = gettext(
            "“%(words)s” is not exactly one competency of this course. Choose one "
            "from the list.",
            words=unknown[0],
        )
    return told


def _form(plan: Plan, fields: Fields, faults: Mapping[str, str]) -> str:
    with database().read() as session:
        frameworks = plan_choices.load_frameworks(session)
        scales = plan_choices.load_scales(session)
        students = pages.load_students(session, plan.course_id)
        cells = pages.load_cells(session, plan.course_id)
        number = plan_versions.last_number(session, plan.course_id)
    shown = plan_effects.load_example(
        plan, fields, students, cells, now=clock(), is_wanted=not faults
    )
    return render_template(
        "teacher/settings.html",
        seat=current_seat(),
        plan=plan,
        fields=fields,
        faults=faults,
        frameworks=frameworks,
        scales=scales,
        rules=RULES.values(),
        orders=plan_words.ORDERS,
        kinds=plan_words.KINDS,
        counts=_ticked(fields),
        levels=settings_form.level_rows(fields),
        alike=plan_effects.alike(settings_form.level_rows(fields)),
        owns=settings_form.rule_rows(fields, plan),
        options=[alignment.option_of(one) for one in plan.competencies],
        students=students,
        codes={one.id: code_of(one) for one in plan.competencies},
        example=shown,
        number=number,
        said=request.args.get("said") if request.method == "GET" else None,
        moved=request.args.get("n", type=int, default=0),
    )


def _ticked(fields: Fields) -> Sequence[str]:
    """Return the kinds that are ticked; untouched, it is the usual ones."""
    if fields.get("has_counts") == "1":
        return fields.getlist("counts")
    return tuple(USUAL_KINDS)


def _preview(
    plan: Plan, held: Mapping[str, Any], whole: Mapping[str, Any], fields: Fields
) -> Page:
    with database().write() as session:
        names = _names(session, plan)
        lines = plan_words.lines(held, whole, names)
        if not lines:
            return redirect(seat_url("settings.show", said="same"), 303)
        moves = plans_of_course.preview(session, plan.course_id, whole, now=clock())
        students = pages.load_students(session, plan.course_id)
    return render_template(
        "teacher/settings_preview.html",
        seat=current_seat(),
        plan=plan,
        lines=lines,
        effect=plan_effects.arrange(plan, whole, moves, students),
        hidden=[
            (name, value)
            for name, value in fields.items(multi=True)
            if name not in {"csrf", "act", "reason"}
        ],
        target=seat_url("settings.change"),
        number=None,
    )


def _save(course_id: int, whole: Mapping[str, Any]) -> Answer:
    seat = current_seat()
    try:
        with database().write() as session:
            saved = plans_of_course.save(
                session,
                course_id,
                whole,
                who=f"person:{seat.person_id}",
                now=clock(),
                reason=request.form.get("reason", "").strip() or None,
            )
    except PlanError:
        abort(409)
    return _saved(saved)


def _saved(saved: plans_of_course.Saved) -> Answer:
    if saved.number is None:
        return redirect(seat_url("settings.show", said="same"), 303)
    current_app.extensions["tell_worker"]()
    place = seat_url("settings.show", said="saved", n=saved.effect["moved"])
    return redirect(place, 303)


def _names(session: Session, plan: Plan) -> plan_words.Names:
    return plan_words.Names(
        dict(plan_choices.load_frameworks(session)),
        {one.id: code_of(one) for one in plan.competencies},
    )


@settings.get("/s/<sid>/settings/history")
def history() -> str:
    """Show every version of the plan: who, when, why, what changed, what moved."""
    seat, course_id = course_seat("instructor")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        versions = plan_versions.load_versions(session, course_id)
        makers = {one.made_by.removeprefix("person:") for one in versions}
        people = plan_choices.load_people(
            session, [int(one) for one in makers if one.isdecimal()]
        )
        names = _names(session, plan)
    older = [one.settings for one in versions[1:]]
    return render_template(
        "teacher/settings_history.html",
        seat=seat,
        plan=plan,
        versions=[
            (
                one,
                plan_words.maker_words(one, people),
                plan_words.lines(older[place], one.settings, names)
                if place < len(older)
                else [],
            )
            for place, one in enumerate(versions)
        ],
    )


@settings.post("/s/<sid>/settings/history")
def restore() -> Page:
    """Show what bringing a version back would do, then do it."""
    seat, course_id = course_seat("instructor")
    number = request.form.get("number", type=int, default=0)
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
    if plan.status != "active":
        abort(403)
    try:
        if request.form.get("act") == "save":
            with database().write() as session:
                return _saved(
                    plans_of_course.restore(
                        session,
                        course_id,
                        number,
                        who=f"person:{seat.person_id}",
                        now=clock(),
                        reason=request.form.get("reason", "").strip() or None,
                    )
                )
        return _preview_restore(plan, number)
    except NotFoundError:
        abort(404)


def _preview_restore(plan: Plan, number: int) -> Page:
    with database().write() as session:
        version = plan_versions.load_version(session, plan.course_id, number)
        held = curriculum.load_plan_values(session, plan.course_id)
        then = plans_of_course.settings_of(session, version)
        lines = plan_words.lines(held, then, _names(session, plan))
        if not lines:
            return redirect(seat_url("settings.show", said="same"), 303)
        moves = plans_of_course.preview_restore(
            session, plan.course_id, number, now=clock()
        )
        students = pages.load_students(session, plan.course_id)
    return render_template(
        "teacher/settings_preview.html",
        seat=current_seat(),
        plan=plan,
        lines=lines,
        effect=plan_effects.arrange(plan, then, moves, students),
        hidden=[("number", str(number))],
        target=seat_url("settings.restore"),
        number=number,
    )
