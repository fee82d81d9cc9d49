"""The page of one alignment: what of a piece of work speaks for which competency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, abort, current_app, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from lti_tool.storage import curriculum
from lti_tool.storage.curriculum import AlignedAssignment, Plan
from lti_tool.storage.database import Session
from lti_tool.web import alignment
from lti_tool.web.alignment import Link, WordsError
from lti_tool.web.grid import code_of
from lti_tool.web.plan_effects import Effect
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import clock, current_seat, database, seat_url
from lti_tool.web.texts import gettext
from lti_tool.work import standing

views = Blueprint("align_link", __name__, template_folder="templates")
# Where a link was followed from, and where its page leads back to.
BACK: Final = {"review": "aligning.review", "align": "teacher.align"}


@dataclass(frozen=True, slots=True)
class Held:
    """One alignment as it is, with its piece of work."""

    alignment_id: int
    work: AlignedAssignment
    link: Link


@views.get("/s/<sid>/align/link/<int:alignment_id>")
def show(alignment_id: int) -> str:
    """Show an alignment with its options, or what taking it back would do."""
    _, course_id = course_seat("instructor")
    return _page(course_id, alignment_id, act=request.args.get("act", ""))


@views.post("/s/<sid>/align/link/<int:alignment_id>")
def change(alignment_id: int) -> Answer | str | tuple[str, int]:
    """Change an alignment or take it back, or show what that would move."""
    seat, course_id = course_seat("instructor")
    act = request.form.get("act", "")
    if act not in {"save", "remove"}:
        return _page(course_id, alignment_id, act=act)
    who, now = f"person:{seat.person_id}", clock()
    try:
        with database().write() as session:
            plan = curriculum.load_plan(session, course_id)
            held = _find(session, course_id, alignment_id)
            if act == "save":
                changed = save(session, plan, held, request.form, who=who, now=now)
            else:
                named = {"alignment": str(alignment_id)}
                changed = alignment.remove(session, plan, named, who=who, now=now)
    except WordsError as error:
        return _page(course_id, alignment_id, act=act, fault=str(error)), 422
    current_app.extensions["tell_worker"]()
    said = {"said": "same"} if changed is None else {"said": "saved", "n": changed}
    back = BACK[_back()]
    place = seat_url(back, **said, _anchor=f"work-{held.work.id}")
    return redirect(place, code=303)


def save(
    session: Session,
    plan: Plan,
    held: Held,
    form: Mapping[str, str],
    *,
    who: str,
    now: datetime,
) -> int | None:
    """Let an alignment say what a form says; returns how many levels changed.

    None where it said so before.

    Raises:
        WordsError: the form names no competency, weight or part; the work speaks so
            already by another alignment; the course has ended.
    """
    alignment.refuse_ended(plan)
    told = alignment.parse_link(plan, held.work, form)
    if told == held.link:
        return None
    if (told.competency_id, told.part) != (held.link.competency_id, held.link.part):
        if _speaks(held, told):
            raise WordsError(
                gettext(
                    "“%(work)s” speaks for this competency already. Nothing was "
                    "changed; change that alignment, or take it back.",
                    work=held.work.title,
                )
            )
        # What the SIS named is declined by that, or the next sync would bring it back.
        curriculum.remove_alignment(
            session,
            course_id=plan.course_id,
            alignment_id=held.alignment_id,
            made_by=who,
            now=now,
        )
    alignment.save_link(session, plan, held.work.id, told, who=who, now=now)
    return standing.refresh(session, plan.course_id, now=now).changed


def _speaks(held: Held, told: Link) -> bool:
    """Tell whether the same part of the work speaks for the competency by another."""
    return any(
        (link.competency_id, link.part) == (told.competency_id, told.part)
        for one, link in _links(held.work).items()
        if one != held.alignment_id
    )


def _links(work: AlignedAssignment) -> dict[int, Link]:
    """The alignments of a piece of work, by id."""
    return {
        one: Link(
            competency_id, weight, work.part_of.get(one, ""), one in work.practice
        )
        for one, competency_id, weight in work.alignments
    }


def _find(session: Session, course_id: int, alignment_id: int) -> Held:
    every = curriculum.load_assignments(session, course_id)
    work = next((one for one in every if alignment_id in _links(one)), None)
    if work is None:
        abort(404)
    return Held(alignment_id, work, _links(work)[alignment_id])


def _page(course_id: int, alignment_id: int, *, act: str, fault: str = "") -> str:
    # A preview is worked out in a transaction that is rolled back; a look needs none.
    tries = act in {"preview", "remove"} and not fault
    with database().write() if tries else database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        held = _find(session, course_id, alignment_id)
        effect = None
        if tries:
            try:
                effect = _effect(session, plan, held, act)
            except WordsError as error:
                fault = str(error)
    names = {one.id: alignment.option_of(one) for one in plan.competencies}
    return render_template(
        "teacher/align_link.html",
        seat=current_seat(),
        plan=plan,
        held=held,
        names=names,
        codes={one.id: code_of(one) for one in plan.competencies},
        fields=_fields(held, names),
        part_words=alignment.part_words,
        back=_back(),
        back_to=BACK[_back()],
        act=act,
        effect=effect,
        fault=fault,
    )


def _effect(session: Session, plan: Plan, held: Held, act: str) -> Effect | None:
    """What the act the page is asked for would move; None where it asks for none."""
    now = clock()
    if act == "remove":
        return alignment.preview_removal(session, plan, held.alignment_id, now=now)
    if act != "preview":
        return None
    return alignment.preview(
        session,
        plan,
        lambda trial: save(trial, plan, held, request.form, who="preview", now=now),
        now=now,
    )


def _fields(held: Held, names: Mapping[int, str]) -> dict[str, object]:
    """What the fields of the page hold: what was typed, else what is."""
    if "weight" in request.form:
        typed = request.form
        return {
            "competency": typed.get("competency", ""),
            "weight": typed.get("weight", ""),
            "part": typed.get("part", ""),
            "until": typed.get("until", ""),
            "is_practice": "practice" in typed,
        }
    part, until = split_part(held.link.part)
    return {
        "competency": names.get(held.link.competency_id, ""),
        "weight": f"{held.link.weight:g}",
        "part": part,
        "until": until,
        "is_practice": held.link.is_practice,
    }


def split_part(part: str) -> tuple[str, str]:
    """Return the first and the last key of a part: "question:1-4" is 1 to 4."""
    kind, _colon, numbers = part.partition(":")
    first, _dash, last = numbers.partition("-")
    is_range = first.isdecimal() and last.isdecimal()
    return (f"{kind}:{first}", f"{kind}:{last}") if is_range else (part, "")


def _back() -> str:
    asked = request.values.get("back", "align")
    return asked if asked in BACK else "align"
