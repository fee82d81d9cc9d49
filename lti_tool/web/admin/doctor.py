"""The launch doctor: what was refused, why, and what to set; and a token examined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from lti_tool.errors import LAUNCH_STATUS, NotFoundError
from lti_tool.lti13.refusals import rule_of
from lti_tool.storage import refusals, registrations
from lti_tool.storage.refusals import Wish
from lti_tool.storage.registrations import Registration
from lti_tool.web.admin.guard import pages, settings
from lti_tool.web.admin.platforms import author
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext
from lti_tool.work import platforms as work
from lti_tool.work.comparing import format_time
from lti_tool.work.doctor import diagnose
from lti_tool.work.examination import MAX_PASTE, examine
from lti_tool.work.masking import KINDS, is_kind
from lti_tool.work.words import Words

PAGE: Final = 50
WEEK: Final = timedelta(days=7)
# How far back the list goes, by the word in its address.
SPANS: Final = {
    "day": (timedelta(days=1), lazy_gettext("the last 24 hours")),
    "week": (WEEK, lazy_gettext("the last 7 days")),
    "month": (timedelta(days=30), lazy_gettext("the last 30 days")),
    "all": (refusals.KEPT_FOR, lazy_gettext("the last 90 days")),
}
STAGES: Final = {
    "answer": lazy_gettext("what the LMS answered"),
    "format": lazy_gettext("the form of the token"),
    "registration": lazy_gettext("issuer and audience"),
    "signature": lazy_gettext("key and signature"),
    "times": lazy_gettext("times"),
    "message": lazy_gettext("message, target and deployment"),
}
_TIMES: Final = frozenset({"exp", "iat", "nbf"})
_UNKNOWN: Final = "unknown"
_LONGEST_ID: Final = 9


@dataclass(frozen=True, slots=True)
class Line:
    """One member of a token as the page shows it; inside: how deep it lies."""

    name: str
    text: str
    inside: int
    is_hidden: bool


@pages.get("/doctor")
def doctor() -> str:
    """List what was refused, newest first."""
    now = clock()
    span = request.args.get("span", "all")
    length, _words = SPANS.get(span, SPANS["all"])
    wish = _wish(now - length)
    first = request.args.get("first", 0, type=_number)
    with database().read() as session:
        found = refusals.load_refusals(session, wish, first=first, count=PAGE)
        platforms = registrations.load_registrations(session)
        total = refusals.count_refusals(session, wish)
        week = refusals.count_by_code(session, Wish(since=now - WEEK))
        is_empty = not total and not refusals.count_refusals(session, Wish())
    return render_template(
        "admin/doctor/list.html",
        refusals=[(one, gettext(_rule(one.code, one.reason))) for one in found],
        names={one.id: one.name for one in platforms},
        platforms=platforms,
        codes=sorted(LAUNCH_STATUS),
        spans=SPANS,
        span=span,
        week=week,
        total=total,
        is_empty=is_empty,
        shown=(first + 1, first + len(found)),
        earlier=_page(first - PAGE) if first else None,
        later=_page(first + PAGE) if first + len(found) < total else None,
    )


@pages.get("/doctor/<reference>")
def doctor_case(reference: str) -> ResponseReturnValue:
    """Explain one refusal."""
    with database().read() as session:
        try:
            found = diagnose(session, reference)
        except NotFoundError:
            page = render_template("admin/doctor/missing.html", reference=reference)
            return page, 404
    return render_template(
        "admin/doctor/case.html",
        case=found,
        one=found.refusal,
        header=list(lines(found.refusal.header or {})),
        claims=list(lines(found.refusal.claims or {})),
        fields=list(lines((found.refusal.facts or {}).get("fields") or {})),
        approved=found.rule.id == "deployment-approved" and found.waiting is None,
        platform_url=_platform_url(found.platform),
        said=said,
    )


@pages.post("/doctor/<reference>/approve")
def doctor_approve(reference: str) -> ResponseReturnValue:
    """Let the deployment of a refused launch in. Source: facts/security.md A61."""
    with database().write() as session:
        try:
            found = diagnose(session, reference)
        except NotFoundError:
            abort(404)
        if found.waiting is not None and found.platform is not None:
            at = found.platform.id
            held = registrations.find_deployment(session, at, found.waiting)
            if held is not None:
                work.switch_deployment(session, at, held[0], "active", by=author())
    return redirect(url_for("admin.doctor_case", reference=reference), 303)


@pages.get("/doctor/examine")
def doctor_examine() -> str:
    """Offer the box for a token."""
    return render_template("admin/doctor/examine.html", found=None, fault=None)


@pages.post("/doctor/examine")
def doctor_examined() -> ResponseReturnValue:
    """Say of a token what a launch with it would meet; nothing of it is kept."""
    pasted = request.form.get("token", "")
    if not pasted.strip():
        fault = gettext("Paste an id_token, or the form that carried it.")
        page = render_template("admin/doctor/examine.html", found=None, fault=fault)
        return page, 422
    found = examine(database(), settings(), pasted[:MAX_PASTE], clock=clock)
    return render_template(
        "admin/doctor/examine.html",
        found=found,
        fault=None,
        header=list(lines(found.shown.header or {})),
        claims=list(lines(found.shown.claims or {})),
        passed=[STAGES[stage] for stage in found.passed],
        said=said,
    )


def lines(shown: Mapping[str, Any], inside: int = 0) -> Iterator[Line]:
    """Yield the members of a masked token, one a line, members of members inset."""
    for name, value in shown.items():
        if isinstance(value, dict) and not is_kind(value):
            yield Line(name, "", inside, is_hidden=False)
            yield from lines(value, inside + 1)
        else:
            text = said(value)
            if name in _TIMES and not is_kind(value):
                text = f"{text} ({format_time(value)})"
            yield Line(name, text, inside, is_hidden=is_kind(value))


def said(value: object) -> str:
    """A masked value, or what was expected, in the reader's language."""
    if value is None:
        return gettext("nothing")
    if isinstance(value, Words):
        return gettext(value.text, **value.values)
    if isinstance(value, dict):
        sizes = {"size": value["size"]} if "size" in value else {}
        return gettext(KINDS[value["kind"]], **sizes)
    if isinstance(value, list):
        return ", ".join(said(one) for one in value) or gettext("an empty list")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _platform_url(platform: Registration | None) -> str | None:
    """Where the registration is shown, if there is such a page."""
    if platform is None or "admin.platform" not in current_app.view_functions:
        return None
    return url_for("admin.platform", registration_id=platform.id)


def _wish(since: datetime) -> Wish:
    code, platform = request.args.get("code", ""), request.args.get("platform", "")
    return Wish(
        registration_id=request.args.get("platform", type=_number),
        is_unknown_platform=platform == _UNKNOWN,
        code=code if code in LAUNCH_STATUS else None,
        since=since,
    )


def _number(text: str) -> int:
    """An id of ours; a ValueError makes Flask leave the argument out."""
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_ID:
        raise ValueError(text)
    return int(text)


def _page(first: int) -> str:
    """The address of this list from another row on, its filters kept."""
    kept: dict[str, Any] = {
        name: request.args[name]
        for name in ("platform", "code", "span")
        if request.args.get(name)
    }
    return url_for("admin.doctor", **kept, first=max(first, 0) or None)


def _rule(code: str, reason: str) -> str:
    return rule_of(code, reason).happened
