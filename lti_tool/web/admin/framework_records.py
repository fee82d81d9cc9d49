"""By what students' records of a framework are judged: foreseen, set, brought back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from flask import abort, current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.errors import NotFoundError
from lti_tool.storage import framework_pages, observations, plan_choices
from lti_tool.storage.database import Session
from lti_tool.storage.plan_choices import NamedScale
from lti_tool.web import plan_words
from lti_tool.web.admin.frameworks import show
from lti_tool.web.admin.guard import admin, pages
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext, level_name
from lti_tool.work import previews, record_rules
from lti_tool.work.previews import Place
from lti_tool.work.record_rules import Foresight, RecordVersion, Settings
from mappings.rules import RULES

# So many students a page looks at before it says what would move.
MOST: Final = 400
SHOWN: Final = 200
KEEP, USUAL = "keep", "usual"
# What a course has and a record has not.
_REST: Final[dict[str, Any]] = {
    "framework_id": None, "counts": None, "successor_share": 0.0, "rules": {},
}  # fmt: skip
_NOBODY: Final = plan_words.Names({}, {})


@dataclass(frozen=True, slots=True)
class Moved:
    """One level of a record that would change, in words."""

    name: str
    code: str
    before: str
    after: str
    is_lower: bool


@pages.get("/frameworks/<int:framework_id>/records")
def framework_records(framework_id: int) -> ResponseReturnValue:
    """Show by what records are judged, as a form, and what stood before."""
    with database().read() as session:
        settings = record_rules.load(session, framework_id)
    return _form(framework_id, _fields(settings), {})


@pages.post("/frameworks/<int:framework_id>/records")
def change_records(framework_id: int) -> ResponseReturnValue:
    """Show what a change would do, or make it, or bring an earlier one back."""
    number = request.form.get("number", type=int)
    is_done = request.form.get("act") == "save"
    try:
        if number is not None:
            return _restore(framework_id, number, is_done=is_done)
        return _change(framework_id, is_done=is_done)
    except NotFoundError:
        abort(404)


def _change(framework_id: int, *, is_done: bool) -> ResponseReturnValue:
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        scales = plan_choices.load_scales(session)
        values = _parse(request.form, scales)
        settings = record_rules.whole(session, framework_id, values)
    if request.form.get("act") == "edit":
        return _form(framework_id, dict(request.form), {})
    faults = {one.field: one for one in reversed(record_rules.faults(settings))}
    if faults:
        told = {name: plan_words.fault_words(one) for name, one in faults.items()}
        return _form(framework_id, dict(request.form), told)
    if not is_done:
        return _preview(held, settings, dict(request.form))
    with database().write() as session:
        new = record_rules.save(
            session,
            framework_id,
            settings,
            who=admin().who,
            now=clock(),
            reason=_reason(),
        )
    return _saved(framework_id, new)


def _restore(framework_id: int, number: int, *, is_done: bool) -> ResponseReturnValue:
    if is_done:
        with database().write() as session:
            framework_pages.load_framework(session, framework_id)
            new = record_rules.restore(
                session,
                framework_id,
                number,
                who=admin().who,
                now=clock(),
                reason=_reason(),
            )
        return _saved(framework_id, new)
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        version = record_rules.load_version(session, framework_id, number)
    return _preview(held, version.settings, {"number": str(number)}, number)


def _reason() -> str | None:
    return request.form.get("reason", "").strip()[:500] or None


def _saved(framework_id: int, new: int | None) -> ResponseReturnValue:
    if new is not None:
        current_app.extensions["order_levels"]()
    said = "same" if new is None else "saved"
    place = url_for("admin.framework_records", framework_id=framework_id, said=said)
    return redirect(place, 303)


def _fields(settings: Settings) -> dict[str, str]:
    """Return settings as the fields of the form hold them."""
    parameter = settings["parameter"]
    return {
        "rule": settings["rule"],
        "parameter": "" if parameter is None else f"{parameter:g}",
        "evidence_order": settings["evidence_order"],
        "minimum_pieces": str(settings["minimum_pieces"]),
        "scale": USUAL if settings["scale"] is None else KEEP,
    }


def _parse(form: Mapping[str, str], scales: Sequence[NamedScale]) -> dict[str, Any]:
    """Read the form; what is no number becomes NaN, which the check refuses."""
    parameter = form.get("parameter", "").strip()
    values: dict[str, Any] = {
        "rule": form.get("rule", ""),
        "parameter": _number(parameter) if parameter else None,
        "evidence_order": form.get("evidence_order", ""),
        "minimum_pieces": _whole(_number(form.get("minimum_pieces", ""))),
    }
    if form.get("scale") == USUAL:
        values |= {"scale": None, "mastery_cut": None}
    for one in scales:
        if str(one.id) == form.get("scale"):
            levels = [dict(level) for level in one.levels]
            values |= {"scale": levels, "mastery_cut": one.mastery_cut}
    return values


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return math.nan


def _whole(number: float) -> float:
    return int(number) if math.isfinite(number) and number == number // 1 else number


def _form(
    framework_id: int, fields: Mapping[str, str], faults: Mapping[str, str]
) -> ResponseReturnValue:
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        gone = framework_pages.count_retired_alignments(session, framework_id)
        settings = record_rules.load(session, framework_id)
        versions = record_rules.load_versions(session, framework_id)
        scales = plan_choices.load_scales(session)
        names = observations.load_names(session, {one.made_by for one in versions})
    text = show(
        "records",
        held=held,
        gone=gone,
        fields=fields,
        faults=faults,
        rules=RULES.values(),
        orders=plan_words.ORDERS,
        scales=scales,
        has_own_scale=settings["scale"] is not None,
        versions=list(zip(versions, _changes(versions), strict=True)),
        names=names | {"cli": gettext("an administrator, by command")},
        said=request.args.get("said"),
    )
    return make_response(text, 422 if faults else 200)


def _changes(versions: Sequence[RecordVersion]) -> list[list[plan_words.Line]]:
    """Return how each version differs from the one before it, newest first."""
    told = [{**one.settings, **_REST} for one in versions]
    found = [plan_words.lines(old, new, _NOBODY) for new, old in pairwise(told)]
    return [*found, []][: len(versions)]


def _preview(
    held: Mapping[str, Any],
    settings: Settings,
    fields: Mapping[str, str],
    number: int | None = None,
) -> ResponseReturnValue:
    framework_id = held["id"]
    with database().read() as session:
        now = record_rules.load(session, framework_id)
        lines = plan_words.lines({**now, **_REST}, {**settings, **_REST}, _NOBODY)
        if not lines:
            return _saved(framework_id, None)
        seen = record_rules.preview(
            session, framework_id, settings, now=clock(), most=MOST
        )
        rows = _rows(session, seen)
        gone = framework_pages.count_retired_alignments(session, framework_id)
    return show(
        "records_preview",
        held=held,
        gone=gone,
        lines=lines,
        seen=seen,
        rows=rows,
        students=previews.students(seen.moves),
        lower=previews.lowered(seen.moves),
        hidden={
            name: one
            for name, one in fields.items()
            if name not in {"csrf", "act", "reason"}
        },
        number=number,
    )


def _rows(session: Session, seen: Foresight) -> list[Moved]:
    some = seen.moves[:SHOWN]
    names = plan_choices.load_people(session, sorted({one.person_id for one in some}))
    codes = plan_choices.load_codes(
        session, sorted({one.competency_id for one in some})
    )
    return [
        Moved(
            names.get(one.person_id, ""),
            codes.get(one.competency_id, ""),
            _place(one.before),
            _place(one.after),
            one.is_lower,
        )
        for one in some
    ]


def _place(place: Place | None) -> str:
    if place is None or place.name is None:
        return gettext("Not assessed")
    return level_name(place.name)
