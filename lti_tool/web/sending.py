"""What of a course is sent where, when and of whom; what was refused; receipts.

Nothing is sent anywhere until a teacher has seen what it would change there and
switched it on. What needs the network is found out by the worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import Blueprint, abort, current_app, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from lti_tool.errors import NotFoundError, OutboxError
from lti_tool.storage import (
    curriculum,
    delivery_plans,
    groups,
    receipts,
    sending_pages,
    sendings,
)
from lti_tool.storage.database import Session
from lti_tool.storage.sending_pages import Going
from lti_tool.storage.sendings import Sending
from lti_tool.web import receipt_words, summary_form
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import Seat, clock, current_seat, database, seat_url
from lti_tool.web.summary_form import Form
from lti_tool.web.texts import gettext, ngettext
from lti_tool.work import decisions, standing
from lti_tool.work.gradebooks import DESTINATIONS, has_place
from mappings.summary import Summary

sending = Blueprint("sending", __name__, template_folder="templates")

Page = Answer | str | tuple[str, int]
ACTS: Final[Mapping[str, Callable[..., int]]] = {
    "again": decisions.send_again,
    "theirs": decisions.take_theirs,
    "undo": decisions.undo,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What sending would change, as a page shows it.

    Attributes:
        counts: how many values by what would become of them.
        lines: (student, competency, change), the first of them.
    """

    status: str
    fault: str | None
    counts: Mapping[str, int]
    lines: tuple[tuple[str, str, Mapping[str, Any]], ...]
    at: Any


MOST_LINES: Final = 200


@sending.get("/s/<sid>/sending")
def show() -> str:
    """Show where the results of the course go, and what waits for the teacher."""
    _, course_id = course_seat("instructor")
    return _page(course_id)


@sending.post("/s/<sid>/sending")
def change() -> Page:
    """Look at a plan, switch, choose, release, or decide about one result."""
    seat, course_id = course_seat("instructor")
    act, _, about = request.form.get("act", "").partition(":")
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
    if plan.status != "active":
        return _page(
            course_id,
            fault=gettext("This course has ended. It sends nothing any more."),
        ), 403
    if act in {"example", "preview", "save"}:
        return _choose(seat, course_id, act)
    if act in ACTS:
        return _decide(seat, course_id, act, about)
    if about in DESTINATIONS and act in {"look", "on", "off"}:
        return _switch(seat, course_id, act, about)
    if act != "release":
        abort(400)
    with database().write() as session:
        count = sendings.release(session, course_id, who=_who(seat), now=clock())
    current_app.extensions["tell_worker"]()
    return redirect(seat_url("sending.show", said="released", n=count), 303)


def _who(seat: Seat) -> str:
    return f"person:{seat.person_id}"


def _switch(seat: Seat, course_id: int, act: str, name: str) -> Page:
    who, now = _who(seat), clock()
    if act == "look":
        with database().write() as session:
            made = delivery_plans.order_plan(session, course_id, name, who=who, now=now)
        current_app.extensions["order_plan"](made)
        return redirect(seat_url("sending.show", look=name, _anchor=f"to-{name}"), 303)
    with database().write() as session:
        seen = delivery_plans.load_newest(session, course_id, name, now=now)
        if act == "on" and (seen is None or seen["status"] != "found"):
            text = gettext("Look first at what it would change there.")
            return _page(course_id, fault=text), 422
        standing.switch(session, course_id, name, is_on=act == "on", who=who, now=now)
    current_app.extensions["tell_worker"]()
    return redirect(seat_url("sending.show", said=act, _anchor=f"to-{name}"), 303)


def _choose(seat: Seat, course_id: int, act: str) -> Page:
    """Say what a choice would send and take back, or keep it."""
    now = clock()
    news: list[Mapping[str, object]] = []
    with database().write() as session:
        plan = curriculum.load_plan(session, course_id)
        held = sendings.load_sending(session, course_id)
        wanted = _chosen(session, course_id, held)
        new, form, summary = summary_form.read(request.form, wanted, plan.scale)
        form = replace(form, examples=summary_form.examples(session, plan, summary))
        if form.faults or act == "example":
            return _page(course_id, chosen=new, form=form), 422 if form.faults else 200
        if act == "save":
            standing.set_sending(session, course_id, new, who=_who(seat), now=now)
        else:
            on = curriculum.load_destinations(session, course_id)
            news = [
                one
                for name in on
                for one in standing.news(session, course_id, name, now, new)
            ]
    if act == "save":
        current_app.extensions["tell_worker"]()
        return redirect(seat_url("sending.show", said="saved"), 303)
    taken = sum(one["value"] is None for one in news)
    told = [*_effect(len(news) - taken, taken), *summary_form.changes(held, new)]
    return _page(course_id, chosen=new, form=form, effect=told)


def _effect(sent: int, taken: int) -> list[str]:
    """Say in whole sentences what a choice does: each counts one thing alone."""
    told = []
    if sent:
        told.append(
            ngettext(
                "This choice would send %(num)d result.",
                "This choice would send %(num)d results.",
                sent,
            )
        )
    if taken:
        told.append(
            ngettext(
                "It would take %(num)d result back.",
                "It would take %(num)d results back.",
                taken,
            )
        )
    return told or [gettext("This choice would send nothing and take nothing back.")]


def _chosen(session: Session, course_id: int, held: Sending) -> Sending:
    form = request.form
    when = form.get("when", "")
    text = form.get("group", "")
    known = {one.id for one in groups.load_groups(session, course_id)}
    group = int(text) if text.isascii() and text.isdecimal() else None
    return replace(
        held,
        when=when if when in sendings.WHEN else sendings.NOW,
        is_secure_only=form.get("tell") == "secure",
        group_id=group if group in known else None,
    )


def _decide(seat: Seat, course_id: int, act: str, about: str) -> Page:
    delivery_id = int(about) if about.isascii() and about.isdecimal() else 0
    try:
        with database().write() as session:
            row = receipts.load_receipt(session, delivery_id)
            if row["course_id"] != course_id:
                abort(404)
            made = ACTS[act](session, delivery_id, who=_who(seat), now=clock())
    except NotFoundError:
        abort(404)
    except OutboxError as error:
        return _page(course_id, fault=receipt_words.refused(error)), 409
    current_app.extensions["tell_worker"]()
    done = receipt_words.done(act, row)
    if request.form.get("from") == "receipt":
        return redirect(seat_url("sending.receipt", delivery_id=made, said=done), 303)
    return redirect(seat_url("sending.show", said=done), 303)


@sending.get("/s/<sid>/sending/<int:delivery_id>")
def receipt(delivery_id: int) -> str:
    """Show the receipt of one delivery: who, when, old, new, basis, the answer."""
    seat, course_id = course_seat("instructor")
    try:
        with database().read() as session:
            row = receipts.load_receipt(session, delivery_id)
            told = receipt_words.load(session, row, now=clock())
    except NotFoundError:
        abort(404)
    if row["course_id"] != course_id:
        abort(404)
    return render_template(
        "teacher/receipt.html",
        seat=seat,
        told=told,
        said=request.args.get("said"),
        post_to=seat_url("sending.change"),
    )


def _page(
    course_id: int,
    *,
    fault: str | None = None,
    chosen: Sending | None = None,
    form: Form | None = None,
    effect: Sequence[str] = (),
) -> str:
    now = clock()
    with database().read() as session:
        plan = curriculum.load_plan(session, course_id)
        goings = sending_pages.load_goings(session, course_id, DESTINATIONS)
        held = sendings.load_sending(session, course_id)
        if form is None:
            shown = summary_form.examples(session, plan, held.summary)
            form = replace(summary_form.form_of(held, plan.scale), examples=shown)
        plans = {
            one.destination: _plan(
                session,
                delivery_plans.load_newest(
                    session, course_id, one.destination, now=now
                ),
                held.summary,
            )
            for one in goings
        }
        troubles = sending_pages.load_troubles(session, course_id)
        waiting = sendings.count_waiting(session, course_id)
        teams = groups.load_groups(session, course_id)
        places = {
            one.destination: _has_place(session, course_id, one) for one in goings
        }
    return render_template(
        "teacher/sending.html",
        seat=current_seat(),
        plan=plan,
        goings=goings,
        plans=plans,
        places=places,
        held=chosen or held,
        form=form,
        choices=summary_form.choices(),
        effect=effect,
        troubles=troubles,
        waiting=waiting,
        teams=teams,
        fault=fault,
        said=request.args.get("said") if request.method == "GET" else None,
        count=request.args.get("n", type=int, default=0),
        is_looking=any(one and one.status == "waiting" for one in plans.values()),
        names=receipt_words.NAMES,
    )


def _has_place(session: Session, course_id: int, one: Going) -> bool:
    """Tell whether the course has such a place, or sends there."""
    return one.is_on or has_place(session, one.destination, course_id)


def _plan(
    session: Session, found: dict[str, Any] | None, summary: Summary | None
) -> Plan | None:
    if found is None:
        return None
    grade = summary_form.usual_title("") if summary is None else summary.title
    changes = found["found"] or []
    telling = [one for one in changes if one["action"] != "same"]
    who, what = sending_pages.load_names(
        session,
        {one["person_id"] for one in telling[:MOST_LINES]},
        {one["competency_id"] for one in telling[:MOST_LINES]} - {None},
    )
    return Plan(
        found["status"],
        found["fault"],
        Counter(one["action"] for one in changes),
        tuple(
            (
                who.get(one["person_id"], ""),
                what.get(one["competency_id"], grade),
                one,
            )
            for one in telling[:MOST_LINES]
        ),
        found["found_at"],
    )
