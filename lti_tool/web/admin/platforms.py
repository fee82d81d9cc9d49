"""The platforms: the list, one of them in full, and what is done with it."""

from __future__ import annotations

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
from flask_babel import lazy_gettext

from lti_tool.errors import ConfigError
from lti_tool.storage import lms_readings, outcomes_settings, scale_maps, secrets
from lti_tool.storage import platforms as stored
from lti_tool.storage.outcomes_settings import MANNERS
from lti_tool.web import reading_words
from lti_tool.web.admin.forms import platform_fields, words
from lti_tool.web.admin.guard import admin, pages, settings
from lti_tool.web.admin.states import state_of
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext
from lti_tool.work import (
    canvas_access,
    checks,
    competencies,
    guides,
    lms_gradebooks,
    manners,
)
from lti_tool.work import platforms as work
from lti_tool.work.agreements import agreed
from lti_tool.work.platform_fields import parse_origins, platform_faults
from lti_tool.work.platforms import Author

SAID: Final = {
    "approved": lazy_gettext("Approved. Launches from there are let in now."),
    "refused": lazy_gettext("Refused. Launches from there are not let in."),
    "off": lazy_gettext("Switched off. What came from there is kept."),
    "on": lazy_gettext("Switched on. Launches from there are let in again."),
    "saved": lazy_gettext("Saved."),
    "same": lazy_gettext("Nothing was changed."),
    "removed": lazy_gettext("The platform is removed."),
    "canvas": lazy_gettext("Connected. Levels can be sent to its outcomes now."),
    "read": lazy_gettext("Grades are read from now on, every night."),
    "unread": lazy_gettext("Grades are read no more. What was read stays."),
    "ordered": lazy_gettext("The courses are being read. Look again in a moment."),
    "kept": lazy_gettext("The platform is switched off; what came from it is kept."),
}
# So many courses stand on the page, those that failed first.
LISTED: Final = 50
DEPLOYMENT: Final = {
    "approve": ("active", "approved"),
    "on": ("active", "on"),
    "refuse": ("disabled", "refused"),
    "off": ("disabled", "off"),
}


def author() -> Author:
    """Who changes something with this request, and when."""
    return Author(admin().who, clock())


@pages.get("/platforms")
def platforms() -> str:
    """List the platforms with their state."""
    with database().read() as session:
        listed = stored.load_platforms(session)
        states = {
            one["id"]: state_of(one, checks.load_checks(session, one["id"]))
            for one in listed
        }
    return render_template(
        "admin/platforms.html",
        platforms=listed,
        states=states,
        said=SAID.get(request.args.get("said", "")),
    )


@pages.get("/platforms/<int:registration_id>")
def platform(registration_id: int) -> ResponseReturnValue:
    """Show one platform and what can be done with it."""
    return _page(registration_id)


@pages.post("/platforms/<int:registration_id>/decide")
def decide(registration_id: int) -> ResponseReturnValue:
    """Approve or refuse a platform that registered itself."""
    approves = request.form.get("decision") == "approve"
    with database().write() as session:
        work.decide(session, registration_id, approves=approves, by=author())
    return _said(registration_id, "approved" if approves else "refused")


@pages.post("/platforms/<int:registration_id>/deployments/<int:row_id>")
def switch_deployment(registration_id: int, row_id: int) -> ResponseReturnValue:
    """Approve, refuse or switch off a deployment."""
    status, said = DEPLOYMENT.get(request.form.get("decision", ""), ("", ""))
    if not status:
        abort(400)
    with database().write() as session:
        work.switch_deployment(session, registration_id, row_id, status, by=author())
    if request.form.get("back") == "checks":
        return redirect(
            url_for("admin.register_checks", registration_id=registration_id), 303
        )
    return _said(registration_id, said)


@pages.post("/platforms/<int:registration_id>/switch")
def switch_platform(registration_id: int) -> ResponseReturnValue:
    """Switch a platform off or on."""
    is_on = request.form.get("decision") == "on"
    try:
        with database().write() as session:
            work.switch(session, registration_id, is_on=is_on, by=author())
    except ConfigError:
        fault = gettext("This platform waits for approval. Approve or refuse it first.")
        return _page(registration_id, fault=fault)
    return _said(registration_id, "on" if is_on else "off")


@pages.post("/platforms/<int:registration_id>/origins")
def save_origins(registration_id: int) -> ResponseReturnValue:
    """Keep the further sites that show our pages in a frame."""
    text = request.form.get("extra_origins", "")
    sites, fault = parse_origins(text.splitlines(), local_hosts=settings().local_hosts)
    if fault is not None:
        return _page(
            registration_id, faults={"extra_origins": words(fault)}, typed=text
        )
    return _edited(registration_id, {"extra_origins": sites or None})


@pages.post("/platforms/<int:registration_id>/target")
def save_target(registration_id: int) -> ResponseReturnValue:
    """Say what becomes of launches whose target is not their login's."""
    warns = request.form.get("target_mismatch") == "warn"
    return _edited(registration_id, {"target_mismatch": "warn" if warns else "refuse"})


@pages.post("/platforms/<int:registration_id>/reading")
def change_reading(registration_id: int) -> ResponseReturnValue:
    """Let the grades of a platform be read or not, or have its courses read now."""
    decision = request.form.get("decision", "")
    if decision == "now":
        return _order_all(registration_id)
    is_on = decision == "on"
    with database().write() as session:
        values = {"is_read": is_on}
        changed = work.edit(session, registration_id, values, by=author())
    said = "read" if is_on else "unread"
    return _said(registration_id, said if changed else "same")


def _order_all(registration_id: int) -> ResponseReturnValue:
    """Ask the worker to read every course of a platform that may be."""
    who, ordered = admin().who, []
    with database().write() as session:
        for one in lms_readings.load_of_platform(session, registration_id):
            place = one.placement_id
            if one.can_read and lms_readings.order(
                session, place, who=who, now=clock()
            ):
                ordered.append(place)
    for place in ordered:
        current_app.extensions["order_reading"](place)
    return _said(registration_id, "ordered" if ordered else "same")


@pages.get("/platforms/<int:registration_id>/edit")
def edit(registration_id: int) -> ResponseReturnValue:
    """Show the form with what a platform was registered with."""
    with database().read() as session:
        held = stored.load_platform(session, registration_id)
    return _edit_page(held, held, {})


@pages.post("/platforms/<int:registration_id>/edit")
def save_edit(registration_id: int) -> ResponseReturnValue:
    """Keep what was changed of a platform, or say field by field what is wrong."""
    fields = platform_fields()
    with database().write() as session:
        held = stored.load_platform(session, registration_id)
        faults = platform_faults(
            session,
            fields | ({"jwks_url": "https://a"} if held["has_keys"] else {}),
            local_hosts=settings().local_hosts,
            but=registration_id,
            slashless=guides.issuer_of(fields["vendor"], fields["issuer"]),
        )
        if faults:
            told = {name: words(fault) for name, fault in faults.items()}
            return _edit_page(held, fields, told)
        changed = work.edit(session, registration_id, _values(fields), by=author())
    return _said(registration_id, "saved" if changed else "same")


@pages.post("/platforms/<int:registration_id>/manner")
def choose_manner(registration_id: int) -> ResponseReturnValue:
    """Keep how levels get into the outcomes of a Canvas."""
    manner = request.form.get("manner", "")
    with database().write() as session:
        held = stored.load_platform(session, registration_id)
        has_choice = canvas_access.connects(held["vendor"])
        if not has_choice or manner not in MANNERS:
            abort(404)
        try:
            changed = manners.choose(session, registration_id, manner, by=author())
        except ConfigError:
            changed = None
    if changed is None:
        return _page(
            registration_id,
            fault=gettext(
                "Make the live checks first: live assessments were not seen to answer."
            ),
        )
    return _said(registration_id, "saved" if changed else "same")


@pages.get("/platforms/<int:registration_id>/remove")
def confirm_removal(registration_id: int) -> ResponseReturnValue:
    """Ask once more, and say what would be kept."""
    with database().read() as session:
        held = stored.load_platform(session, registration_id)
        was_used = stored.was_used(session, registration_id)
    return render_template("admin/remove.html", platform=held, was_used=was_used)


@pages.post("/platforms/<int:registration_id>/remove")
def remove(registration_id: int) -> ResponseReturnValue:
    """Delete a platform nobody came by; switch any other off."""
    with database().write() as session:
        done = work.remove(session, registration_id, by=author())
    said = "removed" if done.was_deleted else "kept"
    return redirect(url_for("admin.platforms", said=said), 303)


def _edited(registration_id: int, values: dict[str, Any]) -> ResponseReturnValue:
    with database().write() as session:
        changed = work.edit(session, registration_id, values, by=author())
    return _said(registration_id, "saved" if changed else "same")


def _values(fields: dict[str, str]) -> dict[str, Any]:
    """The columns a form fills; an empty token leaves the one there is."""
    values: dict[str, Any] = {name: fields[name] or None for name in work.EDITABLE}
    values["jwks_url"] = fields["jwks_url"]
    if fields["outcomes_token"]:
        key = settings().load_secret_key()
        values["outcomes_token"] = secrets.encrypt(fields["outcomes_token"], key)
    return values


def _said(registration_id: int, word: str) -> ResponseReturnValue:
    return redirect(
        url_for("admin.platform", registration_id=registration_id, said=word), 303
    )


def _page(
    registration_id: int,
    *,
    fault: str | None = None,
    faults: dict[str, str] | None = None,
    typed: str | None = None,
) -> ResponseReturnValue:
    with database().read() as session:
        held = stored.load_platform(session, registration_id)
        deployments = stored.load_deployments(session, registration_id)
        checked = checks.load_checks(session, registration_id)
        scales = scale_maps.load_scales(session, registration_id)
        readings = lms_readings.load_of_platform(session, registration_id)
        outcomes = outcomes_settings.load_settings(session, registration_id)
    page = render_template(
        "admin/platform.html",
        outcomes=outcomes,
        platform=held,
        deployments=deployments,
        checked=checked,
        state=state_of(held, checked),
        guide=guides.guide(held["vendor"]),
        lines=agreed(held["asked"], held["granted"] or {}) if held["asked"] else (),
        interface=competencies.interface_of(held["vendor"]),
        scales=scales,
        unsaid=sum(one.items is None for one in scales),
        sites=typed if typed is not None else "\n".join(held["extra_origins"] or ()),
        reads=lms_gradebooks.reads(held["vendor"]),
        readings=readings[:LISTED],
        unlisted=len(readings[LISTED:]),
        reading_words=reading_words,
        connects=canvas_access.connects(held["vendor"]),
        fault=fault,
        faults=faults or {},
        said=SAID.get(request.args.get("said", "")),
    )
    return make_response(page, 409 if fault else 422 if faults else 200)


def _edit_page(
    held: dict[str, Any], fields: dict[str, Any], faults: dict[str, str]
) -> ResponseReturnValue:
    page = render_template(
        "admin/edit.html",
        platform=held,
        fields=fields,
        faults=faults,
        vendors=guides.products(),
        pasted=guides.guide(fields["vendor"]).pasted if not faults else {},
    )
    return make_response(page, 422 if faults else 200)
