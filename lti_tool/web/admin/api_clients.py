"""The systems that pull outcomes from us: add one, see its secret once, remove it."""

from __future__ import annotations

from typing import Final

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import api_clients as stored
from lti_tool.storage import exports, sources
from lti_tool.web.admin.guard import admin, pages, public_url
from lti_tool.web.admin.tables import csv_answer
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext
from lti_tool.work import api_clients as work
from lti_tool.work.api_clients import NewClient

SCOPES: Final = {
    "assessment.readonly": lazy_gettext("Outcomes: each student's levels"),
    "gradebook.readonly": lazy_gettext("The scales those levels are of"),
    "roster-core.readonly": lazy_gettext("Schools, terms, classes, people and seats"),
    "roster.readonly": lazy_gettext("The same, by school, class and person too"),
    "evidence.readonly": lazy_gettext("Why each level stands, with every piece"),
}


@pages.get("/api-clients")
def api_clients() -> ResponseReturnValue:
    """List the clients and offer to add one."""
    return _list(scopes=work.USUAL)


@pages.get("/levels.csv")
def levels_csv() -> ResponseReturnValue:
    """Every level of the district as one file, sent while it is read."""
    found = exports.iter_levels(database(), exports.Wish())
    lines = ([one[name] for name in exports.LEVELS] for one in found)
    return csv_answer("levels", exports.LEVELS, lines)


@pages.post("/api-clients")
def add_api_client() -> ResponseReturnValue:
    """Add a client and show its secret, once."""
    name, scopes = request.form.get("name", ""), request.form.getlist("scope")
    faults = {}
    if not 0 < len(" ".join(name.split())) <= work.LONGEST_NAME:
        faults["name"] = gettext("Give a name of at most 120 letters.")
    if not scopes or not set(scopes) <= SCOPES.keys():
        faults["scope"] = gettext("Choose what it may read.")
    if faults:
        return _list(scopes=scopes, name=name, faults=faults)
    try:
        with database().write() as session:
            made = work.add(
                session,
                name,
                scopes=scopes,
                source=request.form.get("source") or None,
                made_by=admin().who,
                now=clock(),
            )
    except (ConfigError, NotFoundError):
        words = gettext("This source is there no more. Choose another one.")
        return _list(scopes=scopes, name=name, faults={"source": words})
    return _list(scopes=work.USUAL, made=made)


@pages.post("/api-clients/<int:row_id>/remove")
def remove_api_client(row_id: int) -> ResponseReturnValue:
    """Let a client in no more, at once."""
    with database().write() as session:
        for client in stored.load_all(session):
            if client.id == row_id:
                work.remove(session, client, who=admin().who, now=clock())
    return redirect(url_for("admin.api_clients", said="removed"), 303)


def _list(
    *,
    scopes: list[str] | tuple[str, ...],
    name: str = "",
    faults: dict[str, str] | None = None,
    made: NewClient | None = None,
) -> ResponseReturnValue:
    with database().read() as session:
        found = stored.load_all(session)
        known = sources.load_sources(session)
    page = render_template(
        "admin/api_clients.html",
        clients=found,
        sources=known,
        words=SCOPES,
        scopes=scopes,
        name=name,
        faults=faults or {},
        made=made,
        url=public_url(),
        is_removed=request.args.get("said") == "removed",
        place="admin.api_clients",
    )
    return make_response(page, 422 if faults else 200)
