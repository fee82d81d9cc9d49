"""A5: what a run would change, or did: the plan, its rows, and the word of a person.

Source: facts/ux.md 4.4; facts/security.md, promise P3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import (
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from lti_tool.errors import NotFoundError
from lti_tool.storage import accounts, move_pages, run_pages
from lti_tool.storage.session import Session
from lti_tool.web.admin import run_words
from lti_tool.web.admin.guard import admin, pages
from lti_tool.web.admin.moves import rows_of
from lti_tool.web.admin.plan_figures import lines_of, movers_of, settings_of
from lti_tool.web.admin.runs import live, load_source, send_order
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext
from lti_tool.work import orders
from lti_tool.work.orders import Order
from lti_tool.work.platforms import Author

REASON: Final = 500
ACCEPTS: Final = frozenset({"accepted", "accepted_without_ends"})


@pages.get("/runs/<int:run_id>")
def run(run_id: int) -> str:
    """Show one run: how far it is, or what it would change, or did."""
    return _page(run_id)


@pages.post("/runs/<int:run_id>/decide")
def decide_plan(run_id: int) -> ResponseReturnValue:
    """Keep a person's word on a plan; a yes orders the run that applies it."""
    decision = request.form.get("decision", "")
    reason = " ".join(request.form.get("reason", "").split())[:REASON]
    with database().read() as session:
        held = run_pages.load_run(session, run_id)
    fault = _fault(held, decision, reason)
    if fault:
        return make_response(_page(run_id, fault=fault, reason=reason), 422)
    order = _order(held, decision)
    with database().write() as session:
        fault = _decide(session, held, decision, reason, order)
    if fault:
        return make_response(_page(run_id, fault=fault, reason=reason), 409)
    if order is None:
        return redirect(url_for("admin.run", run_id=run_id), 303)
    with database().read() as session:
        newest = run_pages.last_id(session, held["source_id"])
    return send_order(order, held["source_id"], newest)


def _fault(held: Mapping[str, Any], decision: str, reason: str) -> str:
    """What keeps a decision from being taken, in words; '' if nothing does."""
    if decision not in run_words.DECISIONS:
        return gettext("Choose one of the three buttons.")
    if not run_words.can_decide(held):
        return gettext("Somebody has decided on this plan already, or it is none.")
    if decision == "discarded":
        return ""
    if run_words.is_lapsed(held, clock()):
        return gettext("This plan is older than 24 hours. Start a new run.")
    if not reason:
        return gettext("Say why: the reason is kept with the run.")
    return ""


def _order(held: Mapping[str, Any], decision: str) -> Order | None:
    if decision not in ACCEPTS:
        return None
    return Order(
        source=held["source"],
        accept=held["plan_hash"],
        is_without_ends=decision == "accepted_without_ends",
        of_run_id=held["id"],
    )


def _decide(
    session: Session,
    held: Mapping[str, Any],
    decision: str,
    reason: str,
    order: Order | None,
) -> str:
    """Write a decision down; returns what kept it from being taken, in words."""
    now, who = clock(), admin().who
    source = load_source(held["source_id"])
    if order is not None and source is not None:
        refusal = orders.refuse(session, source, now=now)
        if refusal is not None and refusal.code == "busy":
            return gettext("Another run of this source is going on. Wait for its end.")
        if refusal is not None:
            return gettext("The source may not be asked now; try again later.")
    if order is None:
        values = {
            "decision": decision,
            "decided_by": who,
            "decision_reason": reason or None,
        }
        taken = run_pages.decide(session, held["id"], values, now=now)
    else:
        taken = orders.accept(
            session,
            held["id"],
            is_without_ends=order.is_without_ends,
            reason=reason,
            by=Author(who, now),
        )
    if not taken:
        return gettext("Somebody has decided on this plan already, or it is none.")
    if order is not None:
        orders.note(session, order, held["source_id"], who=who, now=now)
    return ""


def _page(run_id: int, *, fault: str = "", reason: str = "") -> str:
    now = clock()
    with database().read() as session:
        found = run_pages.load_run(session, run_id)
        schools = move_pages.load_names(
            session, found["source_id"], run_id, list(found["schools"] or {})
        )
        lines = lines_of(found, settings_of(found).limits)
        context: dict[str, Any] = {
            "lines": lines,
            "movers": movers_of(session, found, schools, now.date()),
            "moves": rows_of(session, found, lines, schools),
            "schools": schools,
            "follower": run_pages.find_follower(session, found),
            "decider": _decider(session, found["decided_by"]),
            "levels": run_pages.load_levels(session, [run_id]).get(run_id, {}),
        }
    left_out, warned = run_words.split_problems(
        found["problem_counts"], context["levels"]
    )
    return render_template(
        "admin/runs/run.html",
        run=found,
        state=run_words.result(found, now),
        reasons=run_words.hold_words(found["holds"] or (), schools),
        can_decide=run_words.can_decide(found),
        is_lapsed=run_words.is_lapsed(found, now),
        lapses_at=run_words.lapses_at(found),
        decision=run_words.DECISIONS.get(found["decision"], ""),
        why=run_words.failure(found),
        totals=run_words.totals(found["plan"]),
        read=run_words.read_count(found),
        reads=run_words.READS.get(found["kind"], found["kind"]),
        trigger=run_words.TRIGGERS.get(found["trigger"], found["trigger"]),
        left_out=left_out,
        warned=warned,
        fault=fault,
        reason=reason,
        **context,
        **live(found),
    )


def _decider(session: Session, who: str | None) -> str:
    """The name of the administrator who decided, or what the audit calls her."""
    prefix, _, text = (who or "").partition(":")
    if prefix != "admin" or not text.isdecimal():
        return who or ""
    try:
        return accounts.load_account(session, int(text)).display_name
    except NotFoundError:
        return who or ""
