"""Versions of a framework, and what each changed, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import request
from flask_babel import lazy_gettext
from markupsafe import Markup, escape

from lti_tool.errors import NotFoundError
from lti_tool.storage import framework_pages, framework_versions
from lti_tool.web import marks
from lti_tool.web.admin.frameworks import asked_page, show
from lti_tool.web.admin.guard import pages
from lti_tool.web.sessions import database
from lti_tool.web.texts import gettext
from mappings.differences import (
    ASSOCIATION,
    COMPETENCY,
    DEFINITION,
    DOCUMENT,
    RUBRIC,
    Difference,
)

SUBJECTS: Final = {
    COMPETENCY: lazy_gettext("Competencies"),
    ASSOCIATION: lazy_gettext("Associations"),
    DOCUMENT: lazy_gettext("Framework itself"),
    RUBRIC: lazy_gettext("Rubrics"),
    DEFINITION: lazy_gettext("Definitions"),
}
# Fields of CASE in words; another one goes by its own name.
FIELDS: Final = {
    "fullStatement": lazy_gettext("statement"),
    "humanCodingScheme": lazy_gettext("code"),
    "abbreviatedStatement": lazy_gettext("short statement"),
    "CFItemType": lazy_gettext("kind"),
    "educationLevel": lazy_gettext("grades"),
    "language": lazy_gettext("language"),
    "listEnumeration": lazy_gettext("place in the list"),
    "sequenceNumber": lazy_gettext("order"),
    "title": lazy_gettext("title"),
    "version": lazy_gettext("version"),
    "adoptionStatus": lazy_gettext("adoption status"),
}
STATEMENT: Final = "fullStatement"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that differs: as it was, as it is."""

    name: str
    before: Markup | str
    after: Markup | str


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a diff."""

    kind: str
    name: str
    statement: Markup | str
    fields: tuple[Field, ...]


@pages.get("/frameworks/<int:framework_id>/versions")
def framework_history(framework_id: int) -> str:
    """List the versions of a framework, newest first."""
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        versions = framework_versions.load_versions(session, framework_id)
        gone = framework_pages.count_retired_alignments(session, framework_id)
    return show(
        "versions",
        held=held,
        gone=gone,
        versions=versions,
    )


@pages.get("/frameworks/<int:framework_id>/versions/<int:number>")
def framework_diff(framework_id: int, number: int) -> str:
    """Show what one version changed."""
    asked = request.args.get("of", COMPETENCY)
    subject = asked if asked in SUBJECTS else COMPETENCY
    page = asked_page()
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        version = next(
            (
                one
                for one in framework_versions.load_versions(session, framework_id)
                if one["number"] == number
            ),
            None,
        )
        if version is None:
            raise NotFoundError(f"no version {number}")
        found = framework_versions.load_changes(
            session,
            framework_id,
            number,
            subject=subject,
            limit=framework_pages.PAGE + 1,
            offset=(page - 1) * framework_pages.PAGE,
        )
        gone = framework_pages.count_retired_alignments(session, framework_id)
        known = framework_pages.load_codes(session, _named(found))
    return show(
        "diff",
        held=held,
        version=version,
        subjects=SUBJECTS,
        subject=subject,
        lines=[_line(one, known) for one in found[: framework_pages.PAGE]],
        has_more=len(found) > framework_pages.PAGE,
        page=page,
        gone=gone,
    )


def _named(found: Iterable[Difference]) -> set[str]:
    """Every GUID whose code a line may show."""
    names = set()
    for one in found:
        names.add(one.case_id)
        for record in (one.before, one.after):
            for end in ("originNodeURI", "destinationNodeURI"):
                node = (record or {}).get(end)
                if isinstance(node, Mapping):
                    names.add(str(node.get("identifier") or ""))
    return names


def _line(one: Difference, known: Mapping[str, tuple[str, str]]) -> Line:
    whole = one.after or one.before or {}
    if one.kind == "changed":
        code, statement = known.get(one.case_id, ("", ""))
        fields = tuple(
            Field(
                str(FIELDS.get(name, name)),
                _text(name, (one.before or {}).get(name), known),
                _text(name, (one.after or {}).get(name), known),
            )
            for name in {**(one.before or {}), **(one.after or {})}
        )
        is_told = STATEMENT in whole or not statement
        told = "" if is_told else marks.statement(statement)
        return Line(one.kind, code or one.case_id, told, fields)
    if one.subject == ASSOCIATION:
        return Line(
            one.kind, str(whole.get("associationType", "")), _edge(whole, known), ()
        )
    name = whole.get("humanCodingScheme") or whole.get("title") or ""
    told = marks.statement(str(whole.get(STATEMENT) or whole.get("description") or ""))
    return Line(one.kind, str(name), told, ())


def _edge(record: Mapping[str, Any], known: Mapping[str, tuple[str, str]]) -> str:
    """Say an edge from one code to another."""
    return gettext(
        "%(first)s to %(then)s",
        first=_text("originNodeURI", record.get("originNodeURI"), known),
        then=_text("destinationNodeURI", record.get("destinationNodeURI"), known),
    )


def _text(
    name: str, value: object, known: Mapping[str, tuple[str, str]]
) -> Markup | str:
    """A value of a record as a person reads it."""
    if value is None or value == "":
        return gettext("nothing")
    if name == STATEMENT:
        return marks.statement(str(value))
    if isinstance(value, Mapping):
        case_id = str(value.get("identifier") or "")
        code, statement = known.get(case_id, ("", ""))
        return code or marks.plain(statement)[:60] or str(value.get("title") or case_id)
    if isinstance(value, list):
        return ", ".join(str(_text("", one, known)) for one in value)
    return escape(str(value))
