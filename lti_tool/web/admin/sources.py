"""The roster sources: the list, one of them in full, and what is done with it."""

from __future__ import annotations

from typing import Any, Final

from flask import abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.errors import ConfigError
from lti_tool.storage import source_pages
from lti_tool.web.admin.guard import pages, settings
from lti_tool.web.admin.platforms import author
from lti_tool.web.admin.run_words import READS
from lti_tool.web.admin.source_words import (
    COLLECTIONS,
    DAYS,
    MATCHES,
    PROFILE,
    SAID,
    kind_words,
    parked_words,
    run_state,
    source_state,
)
from lti_tool.web.admin.writing_words import writing_words
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext
from lti_tool.work import orders, source_care, uploads
from lti_tool.work.orders import Order

SHOWN_RUNS: Final = 5
# The pages a run's line leads to, once they are there.
RUN_PAGE: Final = "admin.run"
DESK: Final = "admin.matching"


@pages.get("/sources")
def sources() -> str:
    """List the sources with their state."""
    with database().read() as session:
        listed = source_pages.load_sources(session)
        newest = {
            one["id"]: source_pages.load_newest_runs(session, one["id"], 1)
            for one in listed
        }
    return render_template(
        "admin/sources/list.html",
        sources=[
            (
                one,
                kind_words(one, is_upload=_is_upload(one)),
                source_state(one, next(iter(newest[one["id"]]), None), clock()),
            )
            for one in listed
        ],
        said=SAID.get(request.args.get("said", "")),
    )


@pages.get("/sources/<int:source_id>")
def source(source_id: int) -> str:
    """Show one source, how it stands and what can be done with it."""
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
        runs = source_pages.load_newest_runs(session, source_id, SHOWN_RUNS)
        has_brought = source_pages.has_brought(session, source_id)
        look = source_pages.find_look(session, source_id, "test")
    return render_template(
        "admin/sources/source.html",
        source=held,
        kind=kind_words(held, is_upload=_is_upload(held)),
        is_upload=_is_upload(held),
        state=source_state(held, next(iter(runs), None), clock()),
        parked=parked_words(held, clock()),
        runs=[(one, run_state(one)) for one in runs],
        reads=READS,
        after=request.args.get("after", type=int),
        is_open=_is_awaited(runs) or any(one["ended_at"] is None for one in runs),
        run_page=run_page(),
        desk=desk(),
        has_brought=has_brought,
        look=look,
        profile=profile_words(held["profile"]),
        chosen=chosen_words(held["settings"]),
        writing=writing_words(held) if held["kind"] == "rest" else None,
        collections=COLLECTIONS,
        said=SAID.get(request.args.get("said", "")),
    )


@pages.post("/sources/<int:source_id>/switch")
def switch_source(source_id: int) -> ResponseReturnValue:
    """Pause a source, or let it sync by its schedule again."""
    status = request.form.get("status", "")
    if status not in {"active", "paused"}:
        abort(400)
    with database().write() as session:
        held = source_pages.load_source(session, source_id)
        if held["status"] != "draft":
            source_care.switch(session, source_id, status, by=author())
    return said(source_id, status)


@pages.post("/sources/<int:source_id>/run")
def run_source(source_id: int) -> ResponseReturnValue:
    """Have the worker sync a source now; a dry run plans only."""
    kind = request.form.get("kind", "")
    back = "finish_source" if request.form.get("back") == "finish" else "source"
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
    order = Order(source=held["name"], is_dry_run=kind == "dry", is_full=kind == "full")
    return order_run(held, order, back)


@pages.get("/sources/<int:source_id>/remove")
def confirm_source_removal(source_id: int) -> str:
    """Ask once more before a source goes that brought nothing."""
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
        has_brought = source_pages.has_brought(session, source_id)
    return render_template(
        "admin/sources/remove.html", source=held, has_brought=has_brought
    )


@pages.post("/sources/<int:source_id>/remove")
def remove_source(source_id: int) -> ResponseReturnValue:
    """Remove a source that brought nothing; any other stays."""
    try:
        with database().write() as session:
            source_care.remove(session, settings(), source_id, by=author())
    except ConfigError:
        return redirect(
            url_for("admin.confirm_source_removal", source_id=source_id), 303
        )
    return redirect(url_for("admin.sources", said="removed"), 303)


def order_run(held: dict[str, Any], order: Order, back: str) -> ResponseReturnValue:
    """Have the worker sync, unless a run is going on, and go back to a page.

    That page waits for a run after the newest there is now.
    """
    by = author()
    with database().write() as session:
        newest = source_pages.load_newest_runs(session, held["id"], 1)
        refusal = orders.refuse(session, held, now=by.now)
        if refusal is None:
            orders.note(session, order, held["id"], who=by.who, now=by.now)
    told: dict[str, Any] = {"said": refusal.code if refusal else "ordered"}
    if refusal is None:
        current_app.extensions["order_sync"](order)
        told["after"] = newest[0]["id"] if newest else 0
    return redirect(url_for(f"admin.{back}", source_id=held["id"], **told), 303)


def said(source_id: int, word: str) -> ResponseReturnValue:
    """Go to the page of a source and say a word of SAID there."""
    return redirect(url_for("admin.source", source_id=source_id, said=word), 303)


def run_page() -> str:
    """The endpoint of a run's own page, '' if there is none."""
    return RUN_PAGE if RUN_PAGE in current_app.view_functions else ""


def desk() -> str:
    """The endpoint of the matching desk, '' if there is none."""
    return DESK if DESK in current_app.view_functions else ""


def _is_awaited(runs: list[Any]) -> bool:
    after = request.args.get("after", type=int)
    return after is not None and not any(one["id"] > after for one in runs)


def _is_upload(one: dict[str, Any]) -> bool:
    return one["kind"] == "csv" and uploads.is_upload(settings(), one["location"])


def profile_words(profile: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What the last test found a source can do, a line each."""
    if not profile:
        return []
    found = [
        (str(words), gettext("yes") if profile[name] else gettext("no"))
        for name, words in PROFILE.items()
        if isinstance(profile.get(name), bool)
    ]
    if isinstance(profile.get("page_size"), int):
        found.append((gettext("Records a page"), str(profile["page_size"])))
    skew = profile.get("skew_seconds")
    if isinstance(skew, int | float):
        found.append((gettext("Its clock differs by"), f"{abs(round(skew))} s"))
    return found


def chosen_words(held: dict[str, Any]) -> dict[str, str]:
    """What the school chose, a few words a step."""
    scope, schedule = held.get("scope") or {}, held.get("schedule") or {}
    schools, terms = scope.get("schools") or [], scope.get("terms") or []
    times = schedule.get("times", ["03:15"])
    days = schedule.get("days") or list(DAYS)
    shown_days = ", ".join(str(DAYS[one]) for one in days if one in DAYS)
    ways = (held.get("matching") or {}).get("lms") or list(MATCHES)
    return {
        "schools": gettext("%(num)d chosen", num=len(schools))
        if schools
        else gettext("all schools"),
        "terms": gettext("%(num)d chosen", num=len(terms))
        if terms
        else gettext("all terms"),
        "demographics": gettext("taken")
        if scope.get("demographics_reason")
        else gettext("not taken"),
        "times": ", ".join(times) if times else gettext("never by itself"),
        "days": gettext("every day") if len(days) == len(DAYS) else shown_days,
        "zone": schedule.get("time_zone", "UTC"),
        "grace": str(held.get("grace_days", 14)),
        "told": ", ".join(held.get("told") or []) or gettext("nobody named"),
        "pauses": str(len(held.get("pauses") or [])),
        "matching": str(len(ways)),
    }
