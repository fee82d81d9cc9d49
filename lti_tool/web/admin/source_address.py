"""A3, steps 1 and 2: which kind of source, where it is, and whether it answers.

Source: facts/ux.md section 4.4.
"""

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

from lti_tool.storage import secrets, source_pages
from lti_tool.storage.session import Session
from lti_tool.web.admin.guard import pages, settings, takes_file
from lti_tool.web.admin.platforms import author
from lti_tool.web.admin.source_words import AUTHS, CHECKS, COLLECTIONS, DOORS, SAID
from lti_tool.web.admin.sources import said
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext
from lti_tool.work import source_care, source_fields, uploads
from lti_tool.work.platform_fields import Fault
from lti_tool.work.source_fields import FAULTS
from lti_tool.work.source_looks import KINDS
from lti_tool.work.uploads import UploadError

FIELDS: Final = (*source_fields.FIELDS, "client_secret")
BACK: Final = {
    "address": "admin.address_source",
    "scope": "admin.scope_source",
    "mapping": "admin.mapping_source",
    "matching": "admin.matching_source",
    "source": "admin.source",
}
# A worker takes a look up within a moment; after this we say that none seems to run.
TAKEN_UP_SECONDS: Final = 15


@pages.get("/sources/new")
def new_source() -> str:
    """Step 1: choose the kind; and what was begun and not finished."""
    with database().read() as session:
        begun = [
            one
            for one in source_pages.load_sources(session)
            if one["status"] == "draft"
        ]
    return render_template("admin/sources/new.html", doors=DOORS, begun=begun)


@pages.get("/sources/new/<door>")
def new_source_form(door: str) -> ResponseReturnValue:
    """Step 2: where it is and how we sign in."""
    return _form_page(door, {}, {})


@pages.post("/sources/new/<door>")
@takes_file(uploads.MOST_BYTES)
def add_source(door: str) -> ResponseReturnValue:
    """Keep a source as a draft, or say field by field what is wrong."""
    if door not in DOORS or DOORS[door].form == "clever":
        abort(404)
    fields = _typed()
    values, faults = _place(DOORS[door].form, fields, has_secret=False, is_new=True)
    with database().write() as session:
        if fault := source_fields.name_fault(session, fields["name"]):
            faults["name"] = _words(fault)
        if faults:
            return _form_page(door, fields, faults)
        values["name"] = fields["name"]
        source_id = source_care.add_draft(session, values, by=author())
    return redirect(url_for("admin.address_source", source_id=source_id, new=1), 303)


@pages.get("/sources/<int:source_id>/address")
def address_source(source_id: int) -> ResponseReturnValue:
    """Step 2 of a source that is kept: what the test found, and what to change."""
    return _address_page(source_id, {}, {})


@pages.post("/sources/<int:source_id>/address")
@takes_file(uploads.MOST_BYTES)
def save_address(source_id: int) -> ResponseReturnValue:
    """Keep another address, other credentials or a newer file."""
    fields = _typed()
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
    values, faults = _place(_form_of(held), fields, has_secret=held["has_secret"])
    with database().write() as session:
        if fault := source_fields.name_fault(session, fields["name"], but=source_id):
            faults["name"] = _words(fault)
        if faults:
            return _address_page(source_id, fields, faults)
        values["name"] = fields["name"]
        changed = source_care.edit(session, source_id, values, by=author())
        source_care.sweep(session, settings(), by=author())
    return redirect(
        url_for(
            "admin.address_source",
            source_id=source_id,
            said="saved" if changed else "same",
        ),
        303,
    )


@pages.post("/sources/<int:source_id>/upload")
@takes_file(uploads.MOST_BYTES)
def upload_source(source_id: int) -> ResponseReturnValue:
    """Take a newer file of a source whose files are sent by a page."""
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
    if _form_of(held) != "upload":
        abort(400)
    values, faults = _sent_file(is_needed=True)
    if faults:
        return _address_page(source_id, {}, faults)
    with database().write() as session:
        source_care.edit(session, source_id, values, by=author())
        source_care.sweep(session, settings(), by=author())
    return said(source_id, "uploaded")


@pages.post("/sources/<int:source_id>/look/<kind>")
def look_source(source_id: int, kind: str) -> ResponseReturnValue:
    """Have the worker look at a source; the page it came from shows what it finds."""
    back = BACK.get(request.form.get("back", ""), "admin.source")
    if kind not in KINDS:
        abort(404)
    with database().write() as session:
        source_pages.load_source(session, source_id)
        is_new = source_pages.ask_look(session, source_id, kind, clock())
    if is_new:
        current_app.extensions["order_look"](source_id, kind)
    return redirect(url_for(back, source_id=source_id) + "#look", 303)


@pages.get("/sources/<int:source_id>/look/<kind>")
def look_state(source_id: int, kind: str) -> str:
    """What a look found so far; a part of a page that asks again and again."""
    if kind not in KINDS:
        abort(404)
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
        seen = look_words(session, source_id, kind)
    return render_template(f"admin/sources/look_{kind}.html", source=held, **seen)


def look_words(session: Session, source_id: int, kind: str) -> dict[str, Any]:
    """What a page shows of a look: it, whether it goes on, and its words."""
    look = source_pages.find_look(session, source_id, kind)
    now = clock()
    is_open = look is not None and source_pages.is_going_on(look, now)
    is_late = (
        look is not None
        and is_open
        and look["seen_at"] is None
        and (now - look["asked_at"]).total_seconds() > TAKEN_UP_SECONDS
    )
    return {
        "look": look,
        "is_open": is_open,
        "is_late": is_late,
        "is_dead": look is not None and not is_open and look["ended_at"] is None,
        "checks": CHECKS,
        "collections": COLLECTIONS,
    }


def _typed() -> dict[str, str]:
    """What the form holds, without the space around a pasted value."""
    fields = {name: request.form.get(name, "").strip() for name in FIELDS}
    fields["name"] = " ".join(fields["name"].split())
    return fields


def _place(
    form: str, fields: dict[str, str], *, has_secret: bool, is_new: bool = False
) -> tuple[dict[str, Any], dict[str, str]]:
    """The columns that say where a source is, and what is wrong by field."""
    if form == "upload":
        return _sent_file(is_needed=is_new)
    if form == "place":
        return {}, {}
    if form == "folder":
        if fault := source_fields.folder_fault(fields["location"]):
            return {}, {"location": _words(fault)}
        folder = uploads.filled_folder(settings(), fields["location"])
        return {"kind": "csv", "location": str(folder)}, {}
    full = source_fields.completed(fields)
    faults = source_fields.rest_faults(
        full, local_hosts=settings().local_hosts, has_secret=has_secret
    )
    values = source_fields.rest_values(full)
    if full["client_secret"]:
        key = settings().load_secret_key()
        values["client_secret"] = secrets.encrypt(full["client_secret"], key)
    return values, {name: _words(fault) for name, fault in faults.items()}


def _sent_file(*, is_needed: bool) -> tuple[dict[str, Any], dict[str, str]]:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return ({}, {"file": gettext(FAULTS["file"])}) if is_needed else ({}, {})
    try:
        path = uploads.keep_upload(settings(), sent.stream)
    except UploadError as error:
        return {}, {
            "file": gettext(
                "This file cannot be read: %(problem)s. It was not kept.",
                problem=str(error),
            )
        }
    finally:
        sent.close()
    return {"kind": "csv", "location": str(path)}, {}


def _words(fault: Fault) -> str:
    return gettext(FAULTS[fault.code], **fault.values)


def _form_of(held: dict[str, Any]) -> str:
    """Which form a source that is kept is changed by: rest, upload, folder, place."""
    if held["kind"] == "rest":
        return "rest"
    if uploads.is_upload(settings(), held["location"]):
        return "upload"
    named = uploads.folder_name(settings(), held["location"])
    return "folder" if named else "place"


def _form_page(
    door: str, fields: dict[str, str], faults: dict[str, str]
) -> ResponseReturnValue:
    if door not in DOORS:
        abort(404)
    chosen = DOORS[door]
    usual = {"version": chosen.version, "auth": chosen.auth}
    page = render_template(
        "admin/sources/address_new.html",
        door=door,
        chosen=chosen,
        form=chosen.form,
        fields={**dict.fromkeys(FIELDS, ""), **usual, **fields},
        faults=faults,
        auths=AUTHS,
        incoming=str(settings().data_dir.resolve() / uploads.FILLED),
    )
    return make_response(page, 422 if faults else 200)


def _address_page(
    source_id: int, fields: dict[str, str], faults: dict[str, str]
) -> ResponseReturnValue:
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
        seen = look_words(session, source_id, "test")
    form = _form_of(held)
    shown = {name: held.get(name) or "" for name in FIELDS}
    if form == "folder":
        shown["location"] = uploads.folder_name(settings(), held["location"])
    page = render_template(
        "admin/sources/address.html",
        source=held,
        form=form,
        fields={**shown, **fields, "client_secret": ""},
        faults=faults,
        auths=AUTHS,
        incoming=str(settings().data_dir.resolve() / uploads.FILLED),
        said=SAID.get(request.args.get("said", "")),
        **seen,
    )
    return make_response(page, 422 if faults else 200)
