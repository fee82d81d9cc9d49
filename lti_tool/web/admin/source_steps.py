"""A3, steps 3 to 5 and 7: what to take, field by field, whom it meets, the dry run.

Source: facts/ux.md section 4.4.
"""

from __future__ import annotations

from typing import Any, Final

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.storage import source_pages
from lti_tool.web.admin import run_words
from lti_tool.web.admin.guard import pages
from lti_tool.web.admin.platforms import author
from lti_tool.web.admin.source_address import look_words
from lti_tool.web.admin.source_words import (
    BECOMES,
    COLLECTIONS,
    MATCHES,
    OURS,
    ROLES,
    SAID,
    STEPS,
    TERM_KINDS,
    run_state,
)
from lti_tool.web.admin.sources import chosen_words, desk, order_run, run_page, said
from lti_tool.web.sessions import database
from lti_tool.web.texts import gettext
from lti_tool.work import source_care
from lti_tool.work.mapping_preview import NOT_TAKEN
from lti_tool.work.orders import Order
from lti_tool.work.probe_words import parse_value, parse_words
from lti_tool.work.source_looks import ELSEWHERE, MOST, MOST_OTHERS, WAYS

LONGEST_REASON: Final = 1000
MOST_IDS: Final = 2000
# Without these no class has anybody in it.
ALWAYS: Final = ("student", "teacher")


@pages.context_processor
def _step_words() -> dict[str, Any]:
    return {
        "step_words": STEPS,
        "probe_said": _probe_said,
        "run_said": run_words.outcome,
        "phase_word": run_words.phase_word,
    }


def _probe_said(text: str) -> str:
    """What a look found, in the reader's language; '' where we know no words for it."""
    words = parse_words(text)
    if words is None:
        return ""
    values = {name: _value_said(name, str(one)) for name, one in words.values.items()}
    return gettext(words.text, **values)


def _value_said(place: str, text: str) -> str:
    """What fills a place of a sentence; a collection goes by its name on our pages."""
    words = parse_value(place, text)
    if words is not None:
        return gettext(words.text, **words.values)
    return str(COLLECTIONS.get(text, text)) if place == "collection" else text


@pages.get("/sources/<int:source_id>/scope")
def scope_source(source_id: int) -> ResponseReturnValue:
    """Step 3: schools, terms and roles to take; demographics are off."""
    return _scope_page(source_id, None, {})


@pages.post("/sources/<int:source_id>/scope")
def save_scope(source_id: int) -> ResponseReturnValue:
    """Keep what is to be taken, or say what is wrong with it."""
    scope = _typed_scope()
    faults = {}
    if "demographics" in request.form and not scope["demographics_reason"]:
        faults["demographics_reason"] = gettext(
            "Write why your school needs them, or leave them out."
        )
    if scope["roles"] and not set(ALWAYS) <= set(scope["roles"]):
        faults["roles"] = gettext(
            "Take students and teachers at least: classes are made of them."
        )
    if faults:
        return _scope_page(source_id, scope, faults)
    with database().write() as session:
        source_care.save_settings(session, source_id, {"scope": scope}, by=author())
        held = source_pages.load_source(session, source_id)
    return onward(held, "mapping")


def _typed_scope() -> dict[str, Any]:
    form = request.form
    more = form.get("more_schools", "").split()
    schools = list(dict.fromkeys([*form.getlist("schools"), *more]))[:MOST_IDS]
    reason = " ".join(form.get("demographics_reason", "").split())[:LONGEST_REASON]
    return {
        "schools": schools if form.get("which_schools") == "some" else [],
        "terms": form.getlist("terms")[:MOST_IDS]
        if form.get("which_terms") == "some"
        else [],
        "roles": form.getlist("roles")[:MOST_IDS]
        if form.get("which_roles") == "some"
        else [],
        "demographics_reason": (reason or None) if "demographics" in form else None,
    }


def _scope_page(
    source_id: int, typed: dict[str, Any] | None, faults: dict[str, str]
) -> ResponseReturnValue:
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
        seen = look_words(session, source_id, "preview")
    found = seen["look"]["document"] if seen["look"] else {}
    scope = typed if typed is not None else held["settings"].get("scope") or {}
    listed = {one["id"] for one in found.get("schools", [])}
    page = render_template(
        "admin/sources/scope.html",
        source=held,
        scope=scope,
        found=found,
        more=[one for one in scope.get("schools") or [] if one not in listed],
        roles=_roles(found),
        term_kinds=TERM_KINDS,
        wants_demographics="demographics" in request.form
        or bool(scope.get("demographics_reason")),
        faults=faults,
        **seen,
    )
    return make_response(page, 422 if faults else 200)


def _roles(found: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    """The roles to choose from: code, word, how many were seen."""
    seen = found.get("roles", {})
    names = list(dict.fromkeys([*ALWAYS, *seen, *([] if seen else ROLES)]))
    return [(one, str(ROLES.get(one, one)), seen.get(one)) for one in names]


@pages.get("/sources/<int:source_id>/mapping")
def mapping_source(source_id: int) -> str:
    """Step 4: what becomes of each field, with rows as they are now."""
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
        seen = look_words(session, source_id, "preview")
    found = seen["look"]["document"] if seen["look"] else {}
    return render_template(
        "admin/sources/mapping.html",
        source=held,
        found=found,
        ours=OURS,
        becomes=BECOMES,
        not_taken=NOT_TAKEN,
        **seen,
    )


@pages.get("/sources/<int:source_id>/matching")
def matching_source(source_id: int) -> str:
    """Step 5: by what people of the LMS are found, and how many would be."""
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
        seen = look_words(session, source_id, "preview")
    found = seen["look"]["document"] if seen["look"] else {}
    chosen = (held["settings"].get("matching") or {}).get("lms") or list(MATCHES)
    users = found.get("collections", {}).get("users", {})
    return render_template(
        "admin/sources/matching.html",
        source=held,
        found=found,
        users=users,
        ways=WAYS,
        elsewhere=ELSEWHERE,
        most=MOST.get("users", MOST_OTHERS),
        matches=MATCHES,
        chosen=chosen,
        desk=desk(),
        **seen,
    )


@pages.post("/sources/<int:source_id>/matching")
def save_matching(source_id: int) -> ResponseReturnValue:
    """Keep by what people of the LMS are found."""
    chosen = [one for one in MATCHES if one in request.form.getlist("lms")]
    with database().write() as session:
        sections = {"matching": {"lms": chosen}}
        source_care.save_settings(session, source_id, sections, by=author())
        held = source_pages.load_source(session, source_id)
    return onward(held, "limits")


@pages.get("/sources/<int:source_id>/finish")
def finish_source(source_id: int) -> str:
    """Step 7: the dry run, what it came to, and the first sync."""
    return render_template(
        "admin/sources/finish.html",
        said=SAID.get(request.args.get("said", "")),
        **_finish_words(source_id),
    )


@pages.get("/sources/<int:source_id>/finish/run")
def finish_state(source_id: int) -> str:
    """How the newest run goes; a part of a page that asks again and again."""
    return render_template("admin/sources/finish_run.html", **_finish_words(source_id))


@pages.post("/sources/<int:source_id>/finish")
def begin_source(source_id: int) -> ResponseReturnValue:
    """Switch a source on and have it synced for the first time."""
    with database().write() as session:
        held = source_pages.load_source(session, source_id)
        source_care.switch(session, source_id, "active", by=author())
    return order_run(held, Order(source=held["name"]), "source")


def onward(held: dict[str, Any], step: str) -> ResponseReturnValue:
    """The next step of a source that is not finished; else its own page."""
    if held["status"] == "draft":
        return redirect(url_for(f"admin.{step}_source", source_id=held["id"]), 303)
    return said(held["id"], "saved")


def _finish_words(source_id: int) -> dict[str, Any]:
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
        newest = source_pages.load_newest_runs(session, source_id, 1)
        test = source_pages.find_look(session, source_id, "test")
    run = next(iter(newest), None)
    after = request.args.get("after", type=int)
    is_awaited = after is not None and (run is None or run["id"] <= after)
    checks = test["document"].get("checks", []) if test else []
    return {
        "source": held,
        "run": run,
        "how": run_state(run) if run else None,
        "after": after,
        "is_awaited": is_awaited,
        "is_open": is_awaited or (run is not None and run["ended_at"] is None),
        "run_page": run_page(),
        "collections": COLLECTIONS,
        "chosen": chosen_words(held["settings"]),
        "is_tested": bool(checks),
        "failed": sum(one["state"] == "fail" for one in checks),
    }
