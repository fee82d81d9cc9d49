"""A1: the health of this installation in a few lines. Source: facts/ux.md 4.4."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask import render_template, url_for

from lti_tool.storage import link_pages, run_pages, source_pages, tallies
from lti_tool.storage import platforms as stored
from lti_tool.web.admin import run_words
from lti_tool.web.admin.guard import pages
from lti_tool.web.admin.states import Mark, State, state_of
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext, ngettext
from lti_tool.work import checks

STALE: Final = timedelta(hours=26)
WAITING: Final = ("pending", "sending", "unknown")
# Of any other run than these the age of what it brought speaks.
TELLING: Final[dict[str, Mark]] = {
    "held": "bad",
    "failed": "bad",
    "running": "wait",
    "parked": "wait",
    "stopped": "off",
}
REFUSED: Final = ("blocked", "conflict", "dead")


@pages.get("/")
def home() -> str:
    """Show what is connected and what waits for a person."""
    with database().read() as session:
        platforms = stored.load_platforms(session)
        states = {
            one["id"]: state_of(one, checks.load_checks(session, one["id"]))
            for one in platforms
        }
        feeds = source_pages.load_sources(session)
        newest = run_pages.load_newest(session)
        planned = {one["id"]: one for one in run_pages.load_sources(session)}
        counts = tallies.load_counts(session)
        proposed = link_pages.count_links(session, link_pages.Wish())
    return render_template(
        "admin/home.html",
        platforms=platforms,
        states=states,
        feeds=[
            (one | planned[one["id"]], _feed_state(one, newest.get(one["id"])))
            for one in feeds
        ],
        outbox=_outbox(counts),
        proposed=proposed,
        waiting=[states[one["id"]] for one in platforms if _waits(one)],
    )


def _waits(platform: dict[str, Any]) -> bool:
    is_open = platform["status"] == "active" and bool(platform["waiting"])
    return is_open or platform["status"] == "pending"


def _feed_state(source: dict[str, Any], run: dict[str, Any] | None) -> State:
    """How a roster source stands, by its newest run and its age."""
    if run is not None and run["status"] in TELLING and not run["decision"]:
        href = url_for("admin.run", run_id=run["id"])
        action = gettext("Review") if run["status"] == "held" else gettext("See")
        return State(TELLING[run["status"]], _run_words(run), href, action)
    if source["status"] == "draft":
        href = url_for("admin.address_source", source_id=source["id"])
        return State("wait", gettext("not finished"), href, gettext("Go on"))
    if source["synced_at"] is None:
        return State("wait", gettext("never synced"))
    if clock() - source["synced_at"] > STALE:
        return State("bad", gettext("older than a day"))
    return State("ok", gettext("ok"))


def _run_words(run: dict[str, Any]) -> str:
    """What the newest run of a source asks for, or is doing."""
    if run["status"] == "held":
        return run_words.hold_line(run["holds"] or ())
    if run["status"] == "failed":
        return run_words.failure(run) or gettext("the last run failed")
    if run["status"] == "running":
        return gettext("a run is going on")
    return str(run_words.result(run).words)


def _outbox(counts: dict[str, dict[str, int]]) -> list[tuple[str, int, int, State]]:
    """Each destination with how many wait, how many went, and its state."""
    found = []
    for destination, by_state in counts.items():
        refused = sum(by_state.get(one, 0) for one in REFUSED)
        words = ngettext("%(num)d refused", "%(num)d refused", refused)
        state = State("bad", words) if refused else State("ok", gettext("ok"))
        waits = sum(by_state.get(one, 0) for one in WAITING)
        found.append((destination, waits, by_state.get("delivered", 0), state))
    return found
