"""Our levels on the scales of a platform: the school says which item each level is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import abort, current_app, make_response, redirect, request, url_for
from flask import render_template as render
from flask.typing import ResponseReturnValue

from lti_tool.errors import ConfigError
from lti_tool.storage import platforms as stored
from lti_tool.storage import scale_maps
from lti_tool.storage.scale_maps import MetScale
from lti_tool.web.admin.guard import pages
from lti_tool.web.admin.platforms import author
from lti_tool.web.sessions import database
from lti_tool.web.texts import gettext
from lti_tool.work import competencies
from lti_tool.work import scale_maps as work

_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Row:
    """One level and its item, as the page shows it."""

    place: int
    name: str
    item: int
    is_mastery: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One scale as it was met by courses of some levels.

    Attributes:
        place: where it stands in the list, which is how a form names it.
        is_said: the school said it; else the items are proposed.
        is_wrong: what was typed does not do.
        mixes: the levels that lie below mastery here and are proficient there, or the
            other way round.
        courses: (title, items) of courses that say otherwise for themselves.
    """

    place: int
    met: MetScale
    rows: tuple[Row, ...]
    is_said: bool
    is_wrong: bool
    mixes: tuple[str, ...]
    courses: tuple[tuple[str, str], ...]


@pages.get("/platforms/<int:registration_id>/scales")
def platform_scales(registration_id: int) -> ResponseReturnValue:
    """List the scales that were met, each with its items or a proposal."""
    return _page(registration_id)


@pages.post("/platforms/<int:registration_id>/scales")
def save_scale(registration_id: int) -> ResponseReturnValue:
    """Keep which item of a scale each level is, for all courses of the platform."""
    with database().write() as session:
        found = scale_maps.load_scales(session, registration_id)
        place = _number(request.form.get("scale", ""))
        if not 0 <= place < len(found):
            abort(400)
        met = found[place]
        # What was shown is what was meant, even if the scale was met anew since.
        shown = request.form.get("names", "").replace("\r\n", "\n")
        if shown != "\n".join(met.names):
            fault = gettext("The scale was changed meanwhile. Look at it again.")
            return _page(registration_id, fault=fault)
        items = [
            _number(request.form.get(f"item-{level}", ""))
            for level in range(1, len(met.levels) + 1)
        ]
        try:
            freed = work.choose(session, registration_id, met, items, by=author())
        except ConfigError:
            fault = gettext(
                "Nothing was saved: a higher level is a higher item, or the same one."
            )
            return _page(registration_id, fault=fault, typed=(place, items))
    current_app.extensions["tell_worker"]()
    to = url_for(
        "admin.platform_scales", registration_id=registration_id, said="saved", n=freed
    )
    return redirect(to, 303)


def _number(text: str) -> int:
    """The number a form sent, -1 where it is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if is_number else -1


def _page(
    registration_id: int,
    *,
    fault: str | None = None,
    typed: tuple[int, list[int]] | None = None,
) -> ResponseReturnValue:
    with database().read() as session:
        held = stored.load_platform(session, registration_id)
        found = scale_maps.load_scales(session, registration_id)
        others = work.load_exceptions(session, registration_id)
    interface = competencies.interface_of(held["vendor"])
    if interface is None:
        abort(404)
    page = render(
        "admin/platform_scales.html",
        platform=held,
        cards=[
            _card(place, one, typed[1] if typed and typed[0] == place else None, others)
            for place, one in enumerate(found)
        ],
        fault=fault,
        is_saved=request.args.get("said") == "saved",
        freed=max(_number(request.args.get("n", "")), 0),
    )
    return make_response(page, 422 if fault else 200)


def _card(
    place: int,
    met: MetScale,
    typed: list[int] | None,
    others: Sequence[tuple[int, str, MetScale]],
) -> Card:
    items = typed or met.items or work.proposed(met)
    rows = tuple(
        Row(
            level,
            name,
            items[level - 1],
            level == met.below + 1,
        )
        for level, name in enumerate(met.levels, 1)
    )
    return Card(
        place,
        met,
        rows[::-1],
        is_said=met.items is not None,
        is_wrong=typed is not None,
        mixes=tuple(
            one.name
            for one in rows
            if (one.place > met.below) != (one.item in met.proficient)
        ),
        courses=tuple(
            (title, " · ".join(own.names[item - 1] for item in own.items or ()))
            for _course, title, own in others
            if own.key == met.key
        ),
    )
