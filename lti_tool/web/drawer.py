"""One cell of the class: why it stands, and what a teacher can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, tzinfo
from typing import Final

from flask import abort, current_app, redirect, render_template, request
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import BridgeError, NotFoundError
from lti_tool.storage import curriculum, observations, pages, zones
from lti_tool.storage.curriculum import Plan
from lti_tool.storage.database import Session
from lti_tool.web import marks, reasons, records
from lti_tool.web.sessions import Seat, clock, database, seat_url
from lti_tool.web.texts import gettext
from lti_tool.work import observations as entries
from lti_tool.work import teacher_levels
from lti_tool.work.observations import NewObservation
from lti_tool.work.teacher_levels import LASTING, NewLevel
from mappings.errors import MappingError

Key = tuple[int, int]  # person, competency
# What a teacher can enter here, in the order of the menu.
KINDS: Final = {
    "observation": lazy_gettext("what I saw"),
    "conference": lazy_gettext("a talk with the student"),
    "outside": lazy_gettext("learning elsewhere that I checked"),
}
SAID: Final = {
    "set": lazy_gettext("The level is set."),
    "rule": lazy_gettext("The level by rule stands again."),
    "undone": lazy_gettext("Undone. What stood before stands again."),
    "entered": lazy_gettext("The evidence is entered and the level worked out again."),
    "withdrawn": lazy_gettext("The entry is withdrawn. It stays here, uncounted."),
}


class FormError(BridgeError):
    """The form of a cell says nothing we can do; the text tells the teacher why."""


def page(
    seat: Seat,
    course_id: int,
    key: Key,
    *,
    said: str | None = None,
    fault: str | None = None,
) -> str:
    """Render a cell: a page, or the grid's drawer where htmx asks."""
    person_id, competency_id = key
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        students = pages.load_students(session, course_id)
        place = next(
            (at for at, one in enumerate(students) if one.person_id == person_id), None
        )
        if place is None:
            abort(404)
        reason = reasons.load_reason(
            session, plan, person_id, competency_id, now=clock()
        )
        if reason is None:
            abort(404)
        sent = pages.load_deliveries(session, course_id, person_id, competency_id)
        link = pages.load_link(session, seat.registration_id, person_id)
        cells = pages.load_cells(session, course_id, person_id=person_id)
        zone = zones.load_zone(session, course_id)
        record = records.load_record(session, person_id, competency_id, now=clock())
    shown = next((one for one in cells if one.competency_id == competency_id), None)
    return render_template(
        "teacher/drawer.html" if _is_partial() else "teacher/cell.html",
        seat=seat,
        plan=plan,
        who=students[place],
        before=students[place - 1] if place else None,
        after=students[place + 1] if place + 1 < len(students) else None,
        reason=reason,
        record=record,
        sent=sent,
        link=link,
        levels=marks.marks_of(plan.scale),
        kinds=KINDS,
        today=clock().astimezone(zone).date().isoformat(),
        said=SAID.get(said or request.args.get("said", "")),
        can_undo=(said or request.args.get("said")) == "set",
        fault=fault,
        typed=request.form,
        # The grid behind an open drawer shows what has come of an act at once.
        td=marks.CellMarks(plan, show="level").cell(shown) if said else None,
        palette=marks.palette_of(plan),
    )


def _is_partial() -> bool:
    return request.headers.get("HX-Request") == "true"


def change(seat: Seat, course_id: int, key: Key) -> Answer | str | tuple[str, int]:
    """Do what the form of a cell asks for; a fault is said beside the form."""
    act = ACTS.get(request.form.get("act", ""))
    if act is None:
        return page(seat, course_id, key)
    try:
        with database().write() as session:
            plan = curriculum.load_plan(session, course_id)
            students = pages.load_students(session, course_id)
            if key[0] not in {one.person_id for one in students}:
                abort(404)
            refuse_ended(plan)
            said = act(session, plan, key, f"person:{seat.person_id}", clock())
    except NotFoundError:
        abort(404)
    except FormError as error:
        return page(seat, course_id, key, fault=str(error)), 422
    except MappingError:
        text = gettext("That could not be done; nothing was changed. Look again.")
        return page(seat, course_id, key, fault=text), 422
    current_app.extensions["tell_worker"]()
    if _is_partial():
        return page(seat, course_id, key, said=said)
    person_id, competency_id = key
    place = seat_url(
        "teacher.cell", person_id=person_id, competency_id=competency_id, said=said
    )
    return redirect(place, 303)


def refuse_ended(plan: Plan) -> None:
    """Refuse to change anything in a course that has ended.

    Raises:
        FormError: it has.
    """
    if plan.status != "active":
        raise FormError(
            gettext("This course has ended. Its levels are kept as they are.")
        )


def _set(session: Session, plan: Plan, key: Key, who: str, now: datetime) -> str:
    form = request.form
    reason, lasts = form.get("reason", "").strip(), form.get("lasts", "")
    if not reason:
        raise FormError(
            gettext("Say why you set this level. The reason stays beside it.")
        )
    if lasts not in LASTING:
        raise FormError(gettext("Say how long this level is kept."))
    new = NewLevel(plan.course_id, *key, parse_level(form, plan), reason[:2000], lasts)
    teacher_levels.set_level(session, new, who=who, now=now)
    return "set"


def parse_level(form: Mapping[str, str], plan: Plan) -> int:
    """Return the level a form names by its place in the scale.

    Raises:
        FormError: it names none.
    """
    text = form.get("level", "")
    level = int(text) if text.isascii() and text.isdecimal() else -1
    if not 0 <= level < len(plan.scale.levels):
        raise FormError(gettext("Choose a level."))
    return level


def _use_rule(session: Session, plan: Plan, key: Key, who: str, now: datetime) -> str:
    standing = teacher_levels.load_level(session, plan.course_id, *key)
    if standing is not None:
        teacher_levels.remove_level(session, standing.id, who=who, now=now)
    return "rule"


def _undo(session: Session, plan: Plan, key: Key, who: str, now: datetime) -> str:
    standing = teacher_levels.load_level(session, plan.course_id, *key)
    if standing is not None:
        teacher_levels.undo_level(session, standing.id, who=who, now=now)
    return "undone"


def _enter(session: Session, plan: Plan, key: Key, who: str, now: datetime) -> str:
    form = request.form
    kind, title = form.get("kind", ""), form.get("title", "").strip()
    if kind not in KINDS:
        raise FormError(gettext("Say what kind of evidence it is."))
    if not title:
        raise FormError(gettext("Say in a few words what it was."))
    given, maximum = entries.at_level(plan.scale, parse_level(form, plan))
    new = NewObservation(
        *key,
        plan.course_id,
        kind,
        title[:255],
        given,
        maximum,
        parse_day(form.get("day", ""), now, zones.load_zone(session, plan.course_id)),
        note=form.get("note", "").strip()[:4000] or None,
    )
    entries.add(session, new, who=who, is_staff=True, now=now)
    return "entered"


def parse_day(text: str, now: datetime, zone: tzinfo) -> datetime:
    """Return when something happened: now for today, noon of a day before.

    Days are those of the school's time zone.

    Raises:
        FormError: it is no day, or one that has not come yet.
    """
    today = now.astimezone(zone).date()
    try:
        day = datetime.fromisoformat(text).date() if text else today
    except ValueError:
        raise FormError(gettext("Write the day as year, month, day.")) from None
    if day > today:
        raise FormError(gettext("That day has not come yet."))
    if day == today:
        return now
    return datetime.combine(day, time(12), zone)


def _withdraw(session: Session, plan: Plan, key: Key, who: str, now: datetime) -> str:
    text = request.form.get("entry", "")
    one = observations.load_observation(session, int(text) if text.isdecimal() else 0)
    is_here = one is not None and one.course_id in (plan.course_id, None)
    if one is None or not is_here or (one.person_id, one.competency_id) != key:
        raise NotFoundError(f"no entry {text} of this student here")
    if one.withdrawn_at is None:
        entries.withdraw(session, one.id, who=who, now=now)
    return "withdrawn"


ACTS: Final = {
    "set": _set,
    "rule": _use_rule,
    "undo": _undo,
    "enter": _enter,
    "withdraw": _withdraw,
}
