"""A4: the runs of the roster sources, one that is going on, and how to start one.

Source: facts/ux.md 4.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flask import (
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from lti_tool.errors import NotFoundError
from lti_tool.storage import refused_orders, run_pages
from lti_tool.storage.run_pages import RunWish
from lti_tool.web.admin import run_words
from lti_tool.web.admin.guard import admin, pages
from lti_tool.web.admin.run_progress import Step, steps_of
from lti_tool.web.sessions import clock, database
from lti_tool.work import orders
from lti_tool.work.orders import Order

PAGE: Final = 25
# An order that nobody takes up so long is said to wait.
LATE_SECONDS: Final = 20
# How a run that a page starts is to go.
WAYS: Final = frozenset({"plain", "dry", "full"})
_LONGEST_ID: Final = 9
_LAST_SECOND: Final = 2**32


@pages.get("/runs")
def runs() -> str:
    """List the runs, newest first."""
    return _list()


@pages.post("/runs/start")
def start_run() -> ResponseReturnValue:
    """Order a sync; the worker makes it."""
    way = request.form.get("way", "plain")
    source = load_source(request.form.get("source", type=number))
    if way not in WAYS or source is None:
        abort(400)
    order = Order(source=source["name"], is_dry_run=way == "dry", is_full=way == "full")
    return place_order(order, source)


@pages.get("/runs/starting")
def run_starting() -> ResponseReturnValue:
    """Wait for the worker to take an order up, then show its run."""
    source = load_source(request.args.get("source", type=number))
    after = request.args.get("after", 0, type=number)
    at = request.args.get("at", 0, type=int)
    if source is None:
        raise NotFoundError("no such source")
    with database().read() as session:
        found = run_pages.find_next(session, source["id"], after)
        since = datetime.fromtimestamp(min(max(at, 0), _LAST_SECOND), UTC)
        refused = refused_orders.find_refused(session, source["id"], since=since)
    is_part = "X-Part" in request.headers
    if found is not None and not is_part:
        return redirect(url_for("admin.run", run_id=found), 303)
    return render_template(
        "admin/runs/starting_part.html" if is_part else "admin/runs/starting.html",
        source=source,
        after=after,
        found=found,
        refused=run_words.refusal(refused) if refused else "",
        at=at,
        is_late=clock().timestamp() - at > LATE_SECONDS,
    )


@pages.get("/runs/<int:run_id>/live")
def run_live(run_id: int) -> str:
    """Tell how far a run is: a part of its page, asked for every two seconds."""
    with database().read() as session:
        run = run_pages.load_run(session, run_id)
    return render_template("admin/runs/live.html", run=run, **live(run))


@pages.post("/runs/<int:run_id>/stop")
def stop_run(run_id: int) -> ResponseReturnValue:
    """Ask a run to stop after the page it is reading."""
    with database().write() as session:
        orders.stop(session, run_id, who=admin().who, now=clock())
    return redirect(url_for("admin.run", run_id=run_id), 303)


def place_order(order: Order, source: Mapping[str, Any]) -> ResponseReturnValue:
    """Hand an order to the worker and wait for its run; or say why it cannot be."""
    now = clock()
    with database().write() as session:
        refusal = orders.refuse(session, source, now=now)
        newest = run_pages.last_id(session, source["id"])
        if refusal is None:
            orders.note(session, order, source["id"], who=admin().who, now=now)
    if refusal is not None:
        return make_response(_list(refusal=refusal, refused=source), 409)
    return send_order(order, source["id"], newest)


def send_order(order: Order, source_id: int, newest: int) -> ResponseReturnValue:
    """Hand an order over and go where its run is waited for."""
    current_app.extensions["order_sync"](order)
    at = int(clock().timestamp())
    where = url_for("admin.run_starting", source=source_id, after=newest, at=at)
    return redirect(where, 303)


def live(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the part of a page that follows a run needs."""
    steps = steps_of(run)
    now: Step | None = next((one for one in steps if one.state == "now"), None)
    return {
        "steps": steps,
        "step": now,
        "length": run_words.length(run["started_at"], run["ended_at"] or clock()),
        "is_going": run["ended_at"] is None,
    }


def number(text: str) -> int:
    """An id of ours; a ValueError makes Flask leave the argument out."""
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_ID:
        raise ValueError(text)
    return int(text)


def load_source(source_id: int | None) -> dict[str, Any] | None:
    """The source of an id, if there is one."""
    with database().read() as session:
        found = run_pages.load_sources(session)
    return next((one for one in found if one["id"] == source_id), None)


def _list(
    *, refusal: orders.Refusal | None = None, refused: Mapping[str, Any] | None = None
) -> str:
    status = request.args.get("result", "")
    wish = RunWish(
        source_id=request.args.get("source", type=number),
        statuses=(status,) if status in run_words.RESULTS else None,
    )
    first = request.args.get("first", 0, type=number)
    with database().read() as session:
        found = run_pages.load_runs(session, wish, first=first, count=PAGE)
        levels = run_pages.load_levels(session, [one["id"] for one in found])
        total = run_pages.count_runs(session, wish)
        is_empty = not total and not run_pages.count_runs(session, RunWish())
        sources = run_pages.load_sources(session)
    return render_template(
        "admin/runs/list.html",
        lines=[_line(one, levels.get(one["id"], {})) for one in found],
        sources=sources,
        results=run_words.RESULTS,
        wish=wish,
        status=status,
        total=total,
        is_empty=is_empty,
        shown=(first + 1, first + len(found)),
        earlier=_page(first - PAGE) if first else None,
        later=_page(first + PAGE) if first + len(found) < total else None,
        refusal=refusal,
        refused=refused,
        endpoints=current_app.view_functions,
    )


def _line(run: Mapping[str, Any], levels: Mapping[str, str]) -> dict[str, Any]:
    left_out, warned = run_words.split_problems(run["problem_counts"], levels)
    return {
        "run": run,
        "state": run_words.result(run, clock()),
        "read": run_words.read_count(run),
        "moves": run_words.totals(run["plan"]),
        "is_applied": run["status"].startswith("applied"),
        "left_out": left_out,
        "warned": warned,
        "length": run_words.length(run["started_at"], run["ended_at"] or clock()),
        "reads": run_words.READS.get(run["kind"], run["kind"]),
        "trigger": run_words.TRIGGERS.get(run["trigger"], run["trigger"]),
        "why": run_words.failure(run) if run["status"] == "failed" else "",
    }


def _page(first: int) -> str:
    """The address of this list from another row on, its filters kept."""
    kept: dict[str, Any] = {
        name: request.args[name]
        for name in ("source", "result")
        if request.args.get(name)
    }
    return url_for("admin.runs", **kept, first=max(first, 0) or None)
