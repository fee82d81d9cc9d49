"""Between frameworks: replacements a person decides, crosswalks that carry levels."""

from __future__ import annotations

import math

from flask import current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.errors import ConfigError
from lti_tool.storage import crosswalks, framework_pages
from lti_tool.web.admin.frameworks import asked_page, page_count, show
from lti_tool.web.admin.guard import admin, pages
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext, told
from lti_tool.work import recomputing, replacements


@pages.get("/frameworks/<int:framework_id>/replacements")
def framework_replacements(framework_id: int) -> ResponseReturnValue:
    """List what the publisher replaced, what was decided, and what can be undone."""
    return _replacements(framework_id)


def _replacements(framework_id: int, fault: str = "") -> ResponseReturnValue:
    page = asked_page()
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        gone = framework_pages.count_retired_alignments(session, framework_id)
        found = replacements.load_proposals(session, framework_id)
    first = (page - 1) * framework_pages.PAGE
    text = show(
        "replacements",
        held=held,
        gone=gone,
        found=found[first : first + framework_pages.PAGE],
        waiting=sum(one["status"] == "proposed" for one in found),
        page=page,
        pages=page_count(len(found)),
        said=request.args.get("said"),
        moved=request.args.get("moved", 0, type=int),
        fault=fault,
    )
    return make_response(text, 422 if fault else 200)


@pages.post("/frameworks/<int:framework_id>/replacements")
def decide_replacement(framework_id: int) -> ResponseReturnValue:
    """Confirm, decline or undo one replacement."""
    act, wanted = request.form.get("act", ""), request.form.get("one", 0, type=int)
    who, now, moved = admin().who, clock(), 0
    try:
        with database().write() as session:
            framework_pages.load_framework(session, framework_id)
            mine = replacements.load_proposals(session, framework_id)
            if wanted not in {one["id"] for one in mine}:
                act = ""
            elif act == "confirm":
                moved = replacements.confirm(session, wanted, who=who, now=now)
            elif act == "decline":
                replacements.decline(session, wanted, who=who, now=now)
            elif act == "undo":
                replacements.undo(session, wanted, who=who, now=now)
    except ConfigError as error:
        return _replacements(framework_id, told(error))
    place = url_for(
        "admin.framework_replacements",
        framework_id=framework_id,
        said=act or None,
        moved=moved or None,
    )
    return redirect(place, 303)


@pages.get("/frameworks/<int:framework_id>/crosswalks")
def framework_crosswalks(framework_id: int) -> ResponseReturnValue:
    """List the frameworks that edges join to this one, each way with its shares."""
    return _crosswalks(framework_id)


def _crosswalks(framework_id: int, fault: str = "") -> ResponseReturnValue:
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        gone = framework_pages.count_retired_alignments(session, framework_id)
        pairs = [
            one
            for one in crosswalks.load_pairs(session)
            if framework_id in (one.from_id, one.to_id)
        ]
    text = show(
        "crosswalks",
        held=held,
        gone=gone,
        pairs=pairs,
        concerned=sorted({one.to_id for one in pairs} | {framework_id}),
        said=request.args.get("said"),
        fault=fault,
    )
    return make_response(text, 422 if fault else 200)


@pages.post("/frameworks/<int:framework_id>/crosswalks")
def set_crosswalk(framework_id: int) -> ResponseReturnValue:
    """Switch a crosswalk on or off, and say what each kind of edge is worth."""
    ends = [request.form.get(name, 0, type=int) for name in ("from_id", "to_id")]
    with database().read() as session:
        framework_pages.load_framework(session, framework_id)
        pairs = {
            (one.from_id, one.to_id): one for one in crosswalks.load_pairs(session)
        }
    pair = pairs.get((ends[0], ends[1]))
    if pair is None or framework_id not in ends:
        place = url_for("admin.framework_crosswalks", framework_id=framework_id)
        return redirect(place, 303)
    shares = {
        kind: _share(request.form.get(f"share-{kind}", "")) for kind in pair.kinds
    }
    if any(math.isnan(one) for one in shares.values()):
        return _crosswalks(
            framework_id,
            gettext("A share is a number from 0 to 100 percent. Nothing was saved."),
        )
    who, now = admin().who, clock()
    with database().write() as session:
        crosswalks.save_crosswalk(
            session,
            (pair.from_id, pair.to_id),
            is_on="is_on" in request.form,
            shares=shares,
            who=who,
            now=now,
        )
        recomputing.order_records(session, pair.to_id, who=who, now=now)
    current_app.extensions["order_levels"]()
    place = url_for(
        "admin.framework_crosswalks", framework_id=framework_id, said="saved"
    )
    return redirect(place, 303)


def _share(text: str) -> float:
    """A share of 1 from percent; NaN where it is none."""
    try:
        share = float(text.strip().rstrip("%").replace(",", ".")) / 100
    except ValueError:
        return math.nan
    return share if 0 <= share <= 1 else math.nan


@pages.get("/frameworks/<int:framework_id>/crosswalks/<int:other_id>")
def crosswalk_edges(framework_id: int, other_id: int) -> str:
    """Show the edges between two frameworks, as they were drawn."""
    page = asked_page()
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        other = framework_pages.load_framework(session, other_id)
        gone = framework_pages.count_retired_alignments(session, framework_id)
        edges = crosswalks.load_edges(session, framework_id, other_id)
    first = (page - 1) * framework_pages.PAGE
    return show(
        "edges",
        held=held,
        other=other,
        gone=gone,
        whole=len(edges),
        edges=edges[first : first + framework_pages.PAGE],
        page=page,
        pages=page_count(len(edges)),
    )
