"""How levels are written to a source: what its test found, and what the school says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import abort, make_response, render_template, request
from flask.typing import ResponseReturnValue

from lti_tool.storage import source_pages
from lti_tool.web.admin.guard import pages
from lti_tool.web.admin.platforms import author
from lti_tool.web.admin.source_steps import onward
from lti_tool.web.admin.writing_words import MANNERS, found_words, writing_words
from lti_tool.web.sessions import database
from lti_tool.web.texts import gettext
from lti_tool.work import sis, source_care
from lti_tool.work.source_settings import WRITING, faults

_OF_VERSION: Final = {
    "1.1": ("plain",),
    "1.2": ("assessment", "gradebook", "posted"),
}


@pages.get("/sources/<int:source_id>/writing")
def writing_source(source_id: int) -> ResponseReturnValue:
    """Show how levels are written to a service, to be changed."""
    held = _load(source_id)
    kept = sis.writing_of(held["settings"])
    fields = {
        "manner": kept.manner,
        "category": kept.category or "",
        "words": kept.words,
    }
    return _page(held, fields, {})


@pages.post("/sources/<int:source_id>/writing")
def save_writing(source_id: int) -> ResponseReturnValue:
    """Keep it, or say field by field what is wrong."""
    held = _load(source_id)
    fields = {
        "manner": request.form.get("manner", ""),
        "category": request.form.get("category", "").strip(),
        "words": "words" in request.form,
    }
    wrong = {}
    if any(one.name == "writing.category" for one in faults({"writing": fields})):
        wrong["category"] = gettext("Write the sourcedId of a category of the SIS.")
    if fields["manner"] not in _choices(held):
        wrong["manner"] = gettext("Choose one of the list.")
    if wrong:
        return _page(held, fields, wrong)
    kept = {"writing": {**fields, "category": fields["category"] or None}}
    with database().write() as session:
        source_care.save_settings(session, source_id, kept, by=author())
    return onward(held, "finish")


def _load(source_id: int) -> dict[str, Any]:
    with database().read() as session:
        held = source_pages.load_source(session, source_id)
    if held["kind"] != "rest":
        abort(404)
    return held


def _choices(held: Mapping[str, Any]) -> dict[str, str]:
    own = _OF_VERSION.get(held["version"] or "1.2", _OF_VERSION["1.2"])
    found = {"auto": gettext("As the test of the source finds best")}
    found |= {name: str(MANNERS[name]) for name in WRITING if name in own}
    return found


def _page(
    held: Mapping[str, Any], fields: Mapping[str, Any], wrong: Mapping[str, str]
) -> ResponseReturnValue:
    page = render_template(
        "admin/sources/writing.html",
        source=held,
        fields=fields,
        faults=wrong,
        choices=_choices(held),
        now=writing_words(held),
        found=found_words(held),
    )
    return make_response(page, 422 if wrong else 200)
