"""A school's own framework: made, changed and put in order; each save is a version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.storage import (
    framework_pages,
    framework_versions,
    frameworks,
    level_descriptions,
    naming,
)
from lti_tool.storage.database import Session
from lti_tool.storage.framework_pages import Item
from lti_tool.web.admin.frameworks import list_page, show
from lti_tool.web.admin.guard import admin, pages
from lti_tool.web.sessions import clock, database
from lti_tool.web.texts import gettext, told
from lti_tool.work import own_frameworks
from lti_tool.work.own_frameworks import Draft, Editor, LevelText
from mappings.errors import FrameworkError

# So many empty rows for levels are offered beside those there are.
MORE_LEVELS: Final = 2
FEWEST_LEVELS: Final = 4
MOST_LEVELS: Final = 12

Change = Callable[[Editor, Item], object]


@pages.post("/frameworks/start")
def start_framework() -> ResponseReturnValue:
    """Make an empty framework of the school's own."""
    title = request.form.get("title", "")
    try:
        with database().write() as session:
            made = own_frameworks.start(session, title, who=admin().who, now=clock())
    except FrameworkError:
        words = gettext("Give the framework a title.")
        return list_page(title=title, faults={"title": words})
    return redirect(url_for("admin.one_framework", framework_id=made), 303)


@pages.post("/frameworks/<int:framework_id>/rename")
def rename_framework(framework_id: int) -> ResponseReturnValue:
    """Change the words of the framework itself."""
    form = request.form
    return _saved(
        framework_id,
        lambda editor: editor.rename(
            form.get("title", ""), form.get("language", ""), form.get("publisher", "")
        ),
        url_for("admin.one_framework", framework_id=framework_id),
    )


@pages.post("/frameworks/<int:framework_id>/undo")
def undo_framework(framework_id: int) -> ResponseReturnValue:
    """Bring an earlier version back, as a new one."""
    number = request.form.get("number", 0, type=int)
    return _saved(
        framework_id,
        lambda editor: editor.undo(number),
        url_for("admin.framework_history", framework_id=framework_id),
    )


@pages.post("/frameworks/<int:framework_id>/competencies")
def add_competency(framework_id: int) -> ResponseReturnValue:
    """Add a competency, last below the one the page shows."""
    above = request.form.get("above", type=int)

    def add(editor: Editor) -> None:
        parent = ""
        if above is not None:
            item = framework_pages.load_item(editor.session, framework_id, above)
            parent = item.case_id
        editor.add(_draft(), parent)

    back = url_for("admin.one_framework", framework_id=framework_id, at=above)
    return _saved(framework_id, add, f"{back}#add")


@pages.get("/frameworks/<int:framework_id>/competencies/<int:competency_id>")
def edit_competency(framework_id: int, competency_id: int) -> ResponseReturnValue:
    """Show everything that can be changed of one competency."""
    return _edit_page(framework_id, competency_id)


@pages.post("/frameworks/<int:framework_id>/competencies/<int:competency_id>")
def change_competency(framework_id: int, competency_id: int) -> ResponseReturnValue:
    """Change a competency's words, place, levels or prerequisites, or retire it."""
    act = request.form.get("act", "")
    change = ACTS.get(act)
    here = url_for(
        "admin.edit_competency",
        framework_id=framework_id,
        competency_id=competency_id,
        said=act,
    )
    try:
        with database().write() as session:
            held = framework_pages.load_framework(session, framework_id)
            item = framework_pages.load_item(session, framework_id, competency_id)
            path = framework_pages.load_ancestors(session, framework_id, item)
            if change is not None:
                change(_editor(session, held["id"]), item)
    except (FrameworkError, ConfigError) as error:
        return _edit_page(framework_id, competency_id, fault=told(error))
    current_app.extensions["order_levels"]()
    branch = url_for(
        "admin.one_framework",
        framework_id=framework_id,
        at=path[-1].id if path else None,
    )
    is_of_branch = act == "retire" or "branch" in request.form
    return redirect(f"{branch}#k-{competency_id}" if is_of_branch else here, 303)


def _editor(session: Session, framework_id: int) -> Editor:
    expected = request.form.get("expected", type=int)
    return Editor(session, framework_id, admin().who, clock(), expected)


def _draft() -> Draft:
    form = request.form
    grades = form.get("grades", "").replace(",", " ").split()
    return Draft(
        statement=form.get("statement", ""),
        code=form.get("code", ""),
        abbreviated=form.get("abbreviated", ""),
        kind=form.get("kind", ""),
        education_levels=tuple(grades),
        language=form.get("language", ""),
    )


def _place(editor: Editor, item: Item) -> None:
    """Put it below the competency that is named, or on top where none is."""
    named = request.form.get("parent", "").strip()
    parent = _named(editor, named) if named else ""
    editor.place(item.case_id, parent)


def _named(editor: Editor, named: str) -> str:
    try:
        found = naming.find_competency(editor.session, named, editor.framework_id)
    except NotFoundError as error:
        raise FrameworkError(
            gettext(
                "“%(named)s” is not exactly one competency of this framework; write "
                "its code or its GUID",
                named=named,
            )
        ) from error
    return framework_pages.load_item(editor.session, editor.framework_id, found).case_id


def _describe(editor: Editor, item: Item) -> None:
    """Take the levels of the form; a row without a name is none."""
    form = request.form
    rows = zip(
        form.getlist("level"),
        form.getlist("means"),
        form.getlist("points"),
        strict=False,
    )
    editor.describe(
        item.case_id,
        [
            LevelText(name.strip(), means.strip(), _points(points))
            for name, means, points in rows
            if name.strip() or means.strip()
        ],
    )


def _points(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise FrameworkError(
            gettext(
                "“%(points)s” is no number of points; write 3 or 2.5, or nothing",
                points=text,
            )
        ) from error


def _require(editor: Editor, item: Item) -> None:
    """Add the prerequisite that is named to those there are."""
    wanted = _named(editor, request.form.get("before", "").strip())
    editor.require(item.case_id, [*_before(editor.session, item, editor), wanted])


def _release(editor: Editor, item: Item) -> None:
    """Take away one prerequisite."""
    gone = request.form.get("before", "")
    kept = [one for one in _before(editor.session, item, editor) if one != gone]
    editor.require(item.case_id, kept)


def _before(session: Session, item: Item, editor: Editor) -> list[str]:
    edges = frameworks.load_precedes(session, editor.framework_id)
    return list(dict.fromkeys(one for one, later in edges if later == item.case_id))


ACTS: Final[dict[str, Change]] = {
    "edit": lambda editor, item: editor.edit(item.case_id, _draft()),
    "up": lambda editor, item: editor.move(item.case_id, -1),
    "down": lambda editor, item: editor.move(item.case_id, 1),
    "place": _place,
    "levels": _describe,
    "require": _require,
    "release": _release,
    "retire": lambda editor, item: editor.retire(item.case_id),
}


def _saved(
    framework_id: int, change: Callable[[Editor], object], place: str
) -> ResponseReturnValue:
    """Make a change and go on to place, or say why it was not made."""
    try:
        with database().write() as session:
            framework_pages.load_framework(session, framework_id)
            change(_editor(session, framework_id))
    except (FrameworkError, ConfigError) as error:
        with database().read() as session:
            held = framework_pages.load_framework(session, framework_id)
        page = show(
            "refused", held=held, gone=0, fault=told(error), back=place, typed=_typed()
        )
        return make_response(page, 422)
    current_app.extensions["order_levels"]()
    return redirect(place, 303)


def _typed() -> list[str]:
    """What was written, so that it can be copied and is not lost."""
    names = ("title", "code", "statement", "abbreviated")
    return [text for name in names if (text := request.form.get(name, "").strip())]


def _edit_page(
    framework_id: int, competency_id: int, *, fault: str = ""
) -> ResponseReturnValue:
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        if not own_frameworks.is_editable(held["origin"]):
            raise NotFoundError("this framework is published elsewhere")
        item = framework_pages.load_item(session, framework_id, competency_id)
        editor = Editor(session, framework_id, admin().who, clock())
        before = _before(session, item, editor)
        values = _values(session, held, item)
        known = framework_pages.load_codes(session, before)
    levels = values["levels"]
    room = max(len(levels) + MORE_LEVELS, FEWEST_LEVELS)
    page = show(
        "competency",
        held=held,
        item=item,
        fault=fault,
        said=request.args.get("said"),
        is_retiring=request.args.get("retire") == "1",
        before=[(one, *known.get(one, ("", one))) for one in before],
        typed=request.form if fault else {},
        blank_rows=range(min(room, MOST_LEVELS) - len(levels)),
        **values,
    )
    return make_response(page, 422 if fault else 200)


def _values(session: Session, held: dict[str, Any], item: Item) -> dict[str, Any]:
    """What the forms of a competency begin with."""
    return {
        "path": framework_pages.load_ancestors(session, held["id"], item),
        "grades": framework_pages.load_grades(session, item.id),
        "levels": level_descriptions.load(session, item.id),
        "expected": framework_versions.newest(session, held["id"]),
        "gone": framework_pages.count_retired_alignments(session, held["id"]),
    }
