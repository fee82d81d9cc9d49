"""The outbox: what waits, what was refused, what differs there, and receipts.

Source: facts/ux.md 4.4; facts/security.md section 5.
"""

from __future__ import annotations

from typing import Any, Final

from flask import current_app, redirect, request, url_for
from flask import render_template as render
from flask.typing import ResponseReturnValue

from lti_tool.errors import OutboxError
from lti_tool.storage import differences, outbox_pages, receipts, tallies
from lti_tool.web import receipt_words
from lti_tool.web.admin.guard import admin, pages
from lti_tool.web.sending import ACTS
from lti_tool.web.sessions import clock, database

PAGE: Final = 100
VIEWS: Final = ("refused", "waiting", "delivered")


@pages.get("/outbox")
def outbox() -> ResponseReturnValue:
    """Show what of the outbox needs a person, and the last comparison."""
    return _page()


@pages.post("/outbox")
def decide_delivery() -> ResponseReturnValue:
    """Compare now, or decide about one delivery."""
    act, _, about = request.form.get("act", "").partition(":")
    if act == "reconcile":
        current_app.extensions["order_reconcile"](admin().who)
        return redirect(url_for("admin.outbox", said="reconcile"), 303)
    if act not in ACTS:
        return _page()
    delivery_id = int(about) if about.isascii() and about.isdecimal() else 0
    try:
        with database().write() as session:
            made = ACTS[act](session, delivery_id, who=admin().who, now=clock())
            done = receipt_words.done(act, receipts.load_receipt(session, made))
    except OutboxError as error:
        return _page(fault=receipt_words.refused(error)), 409
    current_app.extensions["tell_worker"]()
    if request.form.get("from") == "receipt":
        return redirect(url_for("admin.delivery", delivery_id=made, said=done), 303)
    return redirect(url_for("admin.outbox", said=done), 303)


@pages.get("/outbox/<int:delivery_id>")
def delivery(delivery_id: int) -> ResponseReturnValue:
    """Show the receipt of one delivery."""
    with database().read() as session:
        row = receipts.load_receipt(session, delivery_id)
        told = receipt_words.load(session, row, now=clock())
    return render(
        "admin/delivery.html",
        place="admin.outbox",
        told=told,
        said=request.args.get("said"),
    )


def _page(fault: str = "") -> str:
    view = request.args.get("show", "")
    view = view if view in VIEWS else VIEWS[0]
    after = request.args.get("before", type=int)
    with database().read() as session:
        counts = tallies.load_counts(session)
        rows = outbox_pages.load_rows(session, view, before=after, limit=PAGE + 1)
        differs = differences.load_open(session)
        last = differences.load_last(session)
    shown = rows[:PAGE]
    return render(
        "admin/outbox.html",
        counts=[_counted(name, some) for name, some in counts.items()],
        rows=[(one, *receipt_words.state(one)) for one in shown],
        more=shown[-1]["id"] if len(rows) > PAGE else None,
        view=view,
        differs=differs,
        last=last,
        fault=fault,
        said=request.args.get("said") if request.method == "GET" else None,
        names=receipt_words.NAMES,
    )


def _counted(name: str, states: dict[str, int]) -> dict[str, Any]:
    def count(view: str) -> int:
        return sum(states.get(one, 0) for one in outbox_pages.STATES[view])

    return {"name": receipt_words.place(name), **{view: count(view) for view in VIEWS}}
