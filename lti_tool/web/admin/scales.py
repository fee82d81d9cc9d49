"""Scales courses may start from: those there are, and one brought in from Canvas."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

from flask import make_response, redirect, request, url_for
from flask import render_template as render
from flask.typing import ResponseReturnValue

from lti_tool.storage import scales as stored
from lti_tool.web import marks
from lti_tool.web.admin.guard import admin, pages
from lti_tool.web.fills import COLOURS
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext, told
from mappings.errors import ScaleError
from mappings.named_scales import NamedScale, parse_canvas_scale


@dataclass(frozen=True, slots=True)
class Row:
    """A level as a page shows it; until is where the next one begins, in percent."""

    name: str
    css: str
    points: float
    cut: float
    until: float | None
    is_mastery: bool


@pages.get("/scales")
def all_scales() -> ResponseReturnValue:
    """List the scales there are, and take another in."""
    return _page()


@pages.post("/scales")
def take_scale() -> ResponseReturnValue:
    """Show what a Canvas scale would be here, or save it."""
    title = request.form.get("title", "").replace("\0", "").strip()
    text = request.form.get("ratings", "").strip()
    try:
        scale = parse_canvas_scale(_parsed(text), title or gettext("Canvas scale"))
    except ScaleError as error:
        return _page(title, text, fault=told(error))
    if request.form.get("act") != "save":
        return _page(title, text, preview=scale)
    with database().write() as session:
        stored.save_scale(session, scale, who=admin().who, now=clock())
    return redirect(url_for("admin.all_scales", said="saved"), 303)


@pages.post("/scales/<int:scale_id>/retire")
def retire_scale(scale_id: int) -> ResponseReturnValue:
    """Offer a scale no more; courses that took it keep it."""
    with database().write() as session:
        stored.retire_scale(session, scale_id, who=admin().who, now=clock())
    return redirect(url_for("admin.all_scales", said="retired"), 303)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        words = gettext("This is no JSON. Copy the whole answer of Canvas, { to }.")
        raise ScaleError(words) from error


def _page(
    title: str = "",
    text: str = "",
    *,
    fault: str = "",
    preview: NamedScale | None = None,
) -> ResponseReturnValue:
    with database().read() as session:
        found = stored.load_scales(session)
    page = render(
        "admin/scales.html",
        place="admin.all_frameworks",
        scales=found,
        title=title,
        ratings=text,
        fault=fault,
        preview=preview,
        rows=[] if preview is None else _rows(preview),
        colours="" if preview is None else _colours(preview),
        said=request.args.get("said"),
    )
    return make_response(page, 422 if fault else 200)


def _rows(scale: NamedScale) -> list[Row]:
    """The levels, the highest first."""
    count = len(scale.levels)
    ends = [*(above.cut for _, above in pairwise(scale.levels)), None]
    return [
        Row(
            one.name,
            marks.css_of(place, count),
            one.points,
            one.cut * 100,
            None if end is None else end * 100,
            one.cut == scale.mastery,
        )
        for place, (one, end) in enumerate(zip(scale.levels, ends, strict=True))
    ][::-1]


def _colours(scale: NamedScale) -> str:
    """What names the style sheet of its fills; empty where there is none."""
    named = "-".join(one.colour for one in scale.levels)
    return named if COLOURS.fullmatch(named) else ""
