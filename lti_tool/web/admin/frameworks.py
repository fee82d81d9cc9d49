"""Frameworks: what is here, importing one, and walking through it branch by branch."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from flask import Response, current_app, make_response, redirect, request, url_for
from flask import render_template as render
from flask.typing import ResponseReturnValue

from lti_tool.errors import ConfigError
from lti_tool.storage import (
    framework_orders,
    framework_pages,
    framework_versions,
    frameworks,
    recomputes,
    secrets,
)
from lti_tool.storage.framework_orders import FrameworkOrder, Where
from lti_tool.storage.framework_pages import Item
from lti_tool.web import marks
from lti_tool.web.admin.guard import admin, pages, settings, takes_file
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext, words
from lti_tool.work import framework_orders as work
from lti_tool.work.import_words import parse_words
from mappings.case import format_case
from mappings.framework_tables import format_table

TAKEN_UP_SECONDS: Final = 15


def asked_page() -> int:
    """Which page of a list is asked for, the first is 1."""
    return max(request.args.get("page", 1, type=int), 1)


def show(template: str, **values: object) -> str:
    """A page of frameworks, with the words they all use."""
    return render(
        f"admin/frameworks/{template}.html",
        place="admin.all_frameworks",
        tabs=_tabs,
        views=current_app.view_functions,
        statement=marks.statement,
        name=_name,
        follow_ups=_levels,
        **values,
    )


def _levels(frameworks_shown: Collection[int]) -> list[dict[str, Any]]:
    """How far the levels of frameworks are that were to be worked out again."""
    with database().read() as session:
        return recomputes.load_states(session, frameworks_shown)


@pages.get("/frameworks/<int:framework_id>/levels")
def framework_levels(framework_id: int) -> str:
    """Show how far levels are that follow a change, for a page that waits."""
    shown = request.args.getlist("of", type=int) or [framework_id]
    return show("levels_part", states=_levels(shown))


def _tabs(held: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pages of one framework: endpoint and word."""
    tabs = [
        ("admin.one_framework", gettext("Competencies")),
        ("admin.framework_history", gettext("Versions")),
        ("admin.framework_replacements", gettext("Replacements")),
        ("admin.framework_crosswalks", gettext("Crosswalks")),
        ("admin.framework_courses", gettext("Courses")),
        ("admin.framework_records", gettext("Records")),
    ]
    is_own = held["origin"] == "own"
    return [one for one in tabs if not is_own or "replacements" not in one[0]]


def _name(one: Item) -> str:
    """What names a competency in a link."""
    return one.human_code or one.abbreviated or marks.plain(one.statement)[:80]


def page_count(whole: int) -> int:
    """How many pages a list of so many has."""
    return max(-(-whole // framework_pages.PAGE), 1)


@pages.get("/frameworks")
def all_frameworks() -> ResponseReturnValue:
    """List the frameworks, and the imports that go on."""
    return list_page()


def list_page(**told: object) -> ResponseReturnValue:
    """The list of frameworks, with what was wrong in a form of it."""
    with database().read() as session:
        found = frameworks.load_list(session)
        going = framework_orders.load_open(session)
    page = show(
        "list",
        frameworks=found,
        going=going,
        **{"url": "", "faults": {}} | told,
    )
    return make_response(page, 422 if told.get("faults") else 200)


@pages.post("/frameworks/import")
@takes_file(work.MOST_BYTES)
def import_framework() -> ResponseReturnValue:
    """Take a file or an address, and have the worker read it."""
    sent, url = request.files.get("file"), request.form.get("url", "").strip()
    path = None
    if sent is not None and sent.filename:
        named = work.file_name(sent.filename)
        path = str(work.keep_file(settings(), sent.stream))
        sent.close()
    else:
        try:
            named = work.check_address(url)
        except ConfigError:
            words = gettext("Choose a file, or give an address: https://…")
            return list_page(url=url, faults={"url": words})
    return _ordered(named, Where(path, None if path else _sealed_token()))


@pages.post("/frameworks/<int:framework_id>/again")
def import_again(framework_id: int) -> ResponseReturnValue:
    """Look for a newer version where a framework came from."""
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        kept = framework_orders.load_token(session, framework_id)
    here = url_for("admin.one_framework", framework_id=framework_id)
    if not held["source_url"]:
        return redirect(here, 303)
    if request.form.get("act") == "forget":
        with database().write() as session:
            framework_orders.keep_token(session, [framework_id], None)
        return redirect(here, 303)
    return _ordered(held["source_url"], Where(token=_sealed_token() or kept))


def _sealed_token() -> str | None:
    """The token of the form, encrypted; None where none was given."""
    token = request.form.get("token", "").strip()
    return secrets.encrypt(token, settings().load_secret_key()) if token else None


def _ordered(named: str, where: Where) -> ResponseReturnValue:
    with database().write() as session:
        order_id = framework_orders.add_order(
            session, named, where, who=admin().who, now=clock()
        )
    current_app.extensions["order_import"](order_id)
    return redirect(url_for("admin.framework_import", order_id=order_id), 303)


@pages.get("/frameworks/imports/<int:order_id>")
def framework_import(order_id: int) -> str:
    """Show how far an import is, and what it brought."""
    with database().read() as session:
        order = framework_orders.load_order(session, order_id)
    part = request.headers.get("X-Part") == "1"
    why = parse_words((order.found or {}).get("text") or "")
    return show(
        "import_part" if part else "import",
        order=order,
        why=words(why) if why else "",
        is_late=_is_late(order),
    )


def _is_late(order: FrameworkOrder) -> bool:
    """Tell whether no worker has taken it up for a while."""
    waited = (clock() - order.ordered_at).total_seconds()
    return order.state == framework_orders.WAITING and waited > TAKEN_UP_SECONDS


@pages.get("/frameworks/<int:framework_id>")
def one_framework(framework_id: int) -> str:
    """Show one branch of a framework, or what a search finds in it."""
    words = request.args.get("words", "").strip()
    at, page = request.args.get("at", type=int), asked_page()
    above, path = None, []
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        newest = framework_versions.newest(session, framework_id)
        token = framework_orders.load_token(session, framework_id)
        gone = framework_pages.count_retired_alignments(session, framework_id)
        if words:
            items, whole = framework_pages.search(
                session, framework_id, words, page=page
            )
        else:
            if at is not None:
                above = framework_pages.load_item(session, framework_id, at)
                path = framework_pages.load_ancestors(session, framework_id, above)
            items, whole = framework_pages.load_branch(
                session, framework_id, above, page=page
            )
    return show(
        "framework",
        held=held,
        gone=gone,
        has_token=bool(token),
        expected=newest,
        above=above,
        path=path,
        items=items,
        whole=whole,
        words=words,
        page=page,
        pages=page_count(whole),
    )


@pages.get("/frameworks/<int:framework_id>/retired")
def retired_alignments(framework_id: int) -> str:
    """Show the alignments that point to competencies no longer published."""
    page = asked_page()
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        whole = framework_pages.count_retired_alignments(session, framework_id)
        found = framework_pages.load_retired_alignments(
            session, framework_id, page=page
        )
    return show(
        "retired",
        held=held,
        gone=whole,
        found=found,
        page=page,
        pages=page_count(whole),
    )


@pages.get("/frameworks/<int:framework_id>/package.json")
def export_framework(framework_id: int) -> Response:
    """Give a framework as a CASE package."""
    with database().read() as session:
        framework_pages.load_framework(session, framework_id)
        package = frameworks.load_package(session, framework_id)
    return Response(
        json.dumps(format_case(package), ensure_ascii=False),
        mimetype="application/json",
        headers={
            "Content-Disposition": (
                f'attachment; filename="framework-{framework_id}.cfpackage.json"'
            )
        },
    )


@pages.get("/frameworks/<int:framework_id>/table.csv")
def export_table(framework_id: int) -> Response:
    """Give a framework as a table that can be imported again."""
    with database().read() as session:
        framework_pages.load_framework(session, framework_id)
        package = frameworks.load_package(session, framework_id)
    named = f"framework-{framework_id}.csv"
    return Response(
        "\ufeff" + format_table(package),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{named}"'},
    )
