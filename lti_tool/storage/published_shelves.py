"""The collections we tell, each with its rows and the fields a filter may name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Case, ColumnElement, Table, Text, case, cast, func, or_, select

from lti_tool.storage import published_outcomes as outcomes
from lti_tool.storage.published_fields import Field, Shelf
from lti_tool.storage.schema import (
    enrollment,
    org,
    sis_class,
    sis_course,
    sis_user,
    source,
    term,
)


def _status(column: ColumnElement[str]) -> Case[str]:
    return case((column == "active", "active"), else_="tobedeleted")


def _sourced(table: Table, fields: Mapping[str, Field], *, kind: str = "") -> Shelf:
    """A table whose rows a source brought; its own dates, else the sync's."""
    told_at = func.coalesce(
        table.c.modified_at, source.c.synced_at, source.c.created_at
    )
    status = _status(table.c.status)
    left_out = {"status", "modified_at", "fingerprint", "person_id"}
    columns = [one for one in table.columns if one.name not in left_out]
    statement = (
        select(
            *columns,
            status.label("status"),
            told_at.label("told_at"),
            table.c.id.label("key"),
        )
        .select_from(table)
        .join(source, source.c.id == table.c.source_id)
    )
    if kind:
        statement = statement.where(table.c.kind == kind)
    common = {
        "sourcedId": Field(table.c.sourced_id, "id", table.c.source_id),
        "status": Field(status),
        "dateLastModified": Field(told_at, "moment"),
    }
    return Shelf(statement, table.c.id, table.c.source_id, {**common, **fields})


def _theirs(table: Table, **columns: str) -> dict[str, Field]:
    """References: ``school`` is the field school.sourcedId."""
    return {
        f"{name}.sourcedId": Field(table.c[column], "id", table.c.source_id)
        for name, column in columns.items()
    }


_ORG: Final = {
    "name": Field(org.c.name),
    "type": Field(org.c.kind),
    "identifier": Field(org.c.identifier),
    **_theirs(org, parent="parent_sourced_id"),
}
_TERM: Final = {
    "title": Field(term.c.title),
    "type": Field(term.c.kind),
    "startDate": Field(term.c.starts_on, "day"),
    "endDate": Field(term.c.ends_on, "day"),
    "schoolYear": Field(term.c.school_year),
    **_theirs(term, parent="parent_sourced_id"),
}
_USER: Final = {
    "username": Field(sis_user.c.username),
    "givenName": Field(sis_user.c.given_name),
    "familyName": Field(sis_user.c.family_name),
    "middleName": Field(sis_user.c.middle_name),
    "identifier": Field(sis_user.c.identifier),
    "email": Field(sis_user.c.email),
    "enabledUser": Field(sis_user.c.is_enabled, "flag"),
    "userMasterIdentifier": Field(sis_user.c.user_master_identifier),
    **_theirs(sis_user, primaryOrg="primary_org_sourced_id"),
}
_ENROLLMENT: Final = {
    "role": Field(enrollment.c.role),
    "beginDate": Field(enrollment.c.begins_on, "day"),
    "endDate": Field(enrollment.c.ends_on, "day"),
    **_theirs(
        enrollment,
        user="user_sourced_id",
        school="school_sourced_id",
        **{"class": "class_sourced_id"},
    ),
}
_CLASS: Final = {
    "title": Field(sis_class.c.title),
    "classCode": Field(sis_class.c.class_code),
    "classType": Field(sis_class.c.class_type),
    **_theirs(sis_class, course="sis_course_sourced_id", school="school_sourced_id"),
}
_COURSE: Final = {
    "title": Field(sis_course.c.title),
    "courseCode": Field(sis_course.c.course_code),
    **_theirs(sis_course, org="org_sourced_id"),
}


def _users(role: str) -> Shelf:
    """The users that hold a role in some org; roles are JSON, written by us."""
    shelf = _sourced(sis_user, _USER)
    roles = cast(sis_user.c.roles, Text)
    held = or_(roles.contains(f'"role": "{role}"'), roles.contains(f'"role":"{role}"'))
    return Shelf(shelf.statement.where(held), shelf.key, shelf.source, shelf.fields)


_ROSTER: Final[Mapping[str, Shelf]] = {
    "orgs": _sourced(org, _ORG),
    "schools": _sourced(org, _ORG, kind="school"),
    "academicSessions": _sourced(term, _TERM),
    "terms": _sourced(term, _TERM, kind="term"),
    "gradingPeriods": _sourced(term, _TERM, kind="gradingPeriod"),
    "courses": _sourced(sis_course, _COURSE),
    "classes": _sourced(sis_class, _CLASS),
    "users": _sourced(sis_user, _USER),
    "students": _users("student"),
    "teachers": _users("teacher"),
    "enrollments": _sourced(enrollment, _ENROLLMENT),
}
_OURS: Final[Mapping[str, Shelf]] = {
    "scoreScales": outcomes.scales(),
    "assessmentLineItems": outcomes.items(),
    "assessmentResults": outcomes.results(),
}
# Below a class or a person stand users by their seat, whatever their roles say.
_NESTED: Final = {
    "schools/*/classes": "classes",
    "schools/*/courses": "courses",
    "schools/*/enrollments": "enrollments",
    "schools/*/classes/*/enrollments": "enrollments",
    "schools/*/classes/*/students": "users",
    "schools/*/classes/*/teachers": "users",
    "classes/*/students": "users",
    "classes/*/teachers": "users",
    "courses/*/classes": "classes",
    "terms/*/gradingPeriods": "gradingPeriods",
    "students/*/classes": "classes",
    "teachers/*/classes": "classes",
    "users/*/classes": "classes",
    "classes/*/scoreScales": "scoreScales",
    "schools/*/scoreScales": "scoreScales",
}
SHELVES: Final[Mapping[str, Shelf]] = MappingProxyType({**_ROSTER, **_OURS})
BY_PATH: Final[Mapping[str, Shelf]] = MappingProxyType(
    {**SHELVES, **{path: SHELVES[name] for path, name in _NESTED.items()}}
)
