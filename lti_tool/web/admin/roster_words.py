"""The words of rosters on the administrators' pages: collections, fields, values.

Our tables hold codes and the SIS's own column names; a person reads these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from flask_babel import lazy_gettext

from lti_tool.web.texts import decimal, gettext, ngettext

COLLECTIONS: Final = {
    "orgs": lazy_gettext("Schools and districts"),
    "academicSessions": lazy_gettext("Terms"),
    "courses": lazy_gettext("Courses"),
    "classes": lazy_gettext("Classes"),
    "users": lazy_gettext("Users"),
    "demographics": lazy_gettext("Demographics"),
    "enrollments": lazy_gettext("Enrollments"),
    "resources": lazy_gettext("Resources"),
    "categories": lazy_gettext("Categories"),
    "scoreScales": lazy_gettext("Score scales"),
    "lineItems": lazy_gettext("Line items"),
    "results": lazy_gettext("Results"),
    "assessmentLineItems": lazy_gettext("Assessment line items"),
    "assessmentResults": lazy_gettext("Assessment results"),
}
# A number of each, as ngettext needs it: spelled out, so that it can be translated.
_COUNTED: Final[Mapping[str, Callable[[int, str], str]]] = {
    "orgs": lambda num, count: ngettext(
        "%(count)s school or district",
        "%(count)s schools or districts",
        num,
        count=count,
    ),
    "academicSessions": lambda num, count: ngettext(
        "%(count)s term", "%(count)s terms", num, count=count
    ),
    "courses": lambda num, count: ngettext(
        "%(count)s course", "%(count)s courses", num, count=count
    ),
    "classes": lambda num, count: ngettext(
        "%(count)s class", "%(count)s classes", num, count=count
    ),
    "users": lambda num, count: ngettext(
        "%(count)s user", "%(count)s users", num, count=count
    ),
    "enrollments": lambda num, count: ngettext(
        "%(count)s enrollment", "%(count)s enrollments", num, count=count
    ),
    "lineItems": lambda num, count: ngettext(
        "%(count)s line item", "%(count)s line items", num, count=count
    ),
    "results": lambda num, count: ngettext(
        "%(count)s result", "%(count)s results", num, count=count
    ),
}
KINDS: Final = {
    "add": lazy_gettext("Add"),
    "change": lazy_gettext("Change"),
    "end": lazy_gettext("End"),
}
# Our columns, by what a person calls them; any other is shown as it is.
FIELDS: Final = {
    "title": lazy_gettext("title"),
    "name": lazy_gettext("name"),
    "given_name": lazy_gettext("given name"),
    "family_name": lazy_gettext("family name"),
    "middle_name": lazy_gettext("middle name"),
    "preferred_given_name": lazy_gettext("preferred given name"),
    "preferred_family_name": lazy_gettext("preferred family name"),
    "username": lazy_gettext("username"),
    "email": lazy_gettext("e-mail"),
    "identifier": lazy_gettext("identifier"),
    "is_enabled": lazy_gettext("enabled"),
    "roles": lazy_gettext("roles"),
    "role": lazy_gettext("role"),
    "grades": lazy_gettext("grades"),
    "status": lazy_gettext("status"),
    "begins_on": lazy_gettext("begins"),
    "starts_on": lazy_gettext("begins"),
    "ends_on": lazy_gettext("ends"),
    "class_sourced_id": lazy_gettext("class"),
    "user_sourced_id": lazy_gettext("user"),
    "school_sourced_id": lazy_gettext("school"),
    "org_sourced_id": lazy_gettext("school"),
    "parent_sourced_id": lazy_gettext("belongs to"),
    "term_sourced_ids": lazy_gettext("terms"),
    "term_sourced_id": lazy_gettext("term"),
    "sis_course_sourced_id": lazy_gettext("course"),
    "primary_org_sourced_id": lazy_gettext("main school"),
    "user_ids": lazy_gettext("further ids"),
    "agents": lazy_gettext("guardians"),
    "is_primary": lazy_gettext("main teacher"),
    "kind": lazy_gettext("kind"),
    "school_year": lazy_gettext("school year"),
    "maximum": lazy_gettext("maximum"),
    "due_at": lazy_gettext("due"),
    "given": lazy_gettext("score"),
    "score_status": lazy_gettext("status of the score"),
}
ROLES: Final = {
    "student": lazy_gettext("student"),
    "teacher": lazy_gettext("teacher"),
    "administrator": lazy_gettext("administrator"),
    "aide": lazy_gettext("aide"),
    "guardian": lazy_gettext("guardian"),
    "parent": lazy_gettext("parent"),
    "proctor": lazy_gettext("proctor"),
    "learner": lazy_gettext("student"),
    "instructor": lazy_gettext("teacher"),
}
_LONGEST: Final = 200


def collection_word(collection: str) -> str:
    """What a collection is called."""
    return str(COLLECTIONS.get(collection, collection))


def counted(collection: str, num: int) -> str:
    """So many records of a collection, as words."""
    count = decimal(num)
    words = _COUNTED.get(collection)
    return words(num, count) if words else f"{collection_word(collection)}: {count}"


def field_word(field: str) -> str:
    """What a field is called."""
    return str(FIELDS.get(field, field))


def said(value: object) -> str:
    """A value as a person reads it; a long one is cut."""
    if value is None or value in ("", []):
        return gettext("nothing")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        text = ", ".join(said(one) for one in value)
    elif isinstance(value, dict):
        text = _role(value) if "role" in value else _pairs(value)
    elif isinstance(value, float):
        text = f"{value:g}"
    elif isinstance(value, date):
        text = value.isoformat()
    else:
        text = str(ROLES.get(str(value), value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _role(value: Mapping[str, Any]) -> str:
    name = str(ROLES.get(str(value["role"]), value["role"]))
    return f"{name} ({value['org']})" if value.get("org") else name


def _pairs(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {said(one)}" for name, one in value.items())
