"""OneRoster records as rows, one line a field; and rows as they are staged.

A staged row holds plain values as both databases take them, in the order of the
staging table: days and moments are text, lists are JSON. The fingerprint is made of
exactly these, so that it is the same whichever way a record came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

from lti_tool.storage.staging import MOMENT, Staged, Value, value_columns
from lti_tool.work import resource_facts
from oneroster.models import (
    AcademicSession,
    Course,
    Demographics,
    Enrollment,
    Org,
    Record,
    Reference,
    Resource,
    Role,
    SisClass,
    User,
)
from oneroster.models_gradebook import (
    AssessmentLineItem,
    AssessmentResult,
    Category,
    LineItem,
    Result,
    ResultFields,
    ScoreScale,
)

Row = dict[str, Any]


def _key(reference: Reference | None) -> str | None:
    return None if reference is None else reference.sourced_id


def org_row(org: Org) -> Row:
    """Return a school or district."""
    return {
        "name": org.name,
        "kind": org.type,
        "identifier": org.identifier,
        "parent_sourced_id": _key(org.parent),
    }


def term_row(session: AcademicSession) -> Row:
    """Return a stretch of the school year."""
    return {
        "title": session.title,
        "kind": session.type,
        "starts_on": session.start_date,
        "ends_on": session.end_date,
        "school_year": session.school_year,
        "parent_sourced_id": _key(session.parent),
    }


def course_row(course: Course) -> Row:
    """Return an entry of the catalogue."""
    return {
        "title": course.title,
        "course_code": course.course_code,
        "grades": list(course.grades),
        "subjects": list(course.subjects),
        "org_sourced_id": _key(course.org),
        "resource_sourced_ids": [one.sourced_id for one in course.resources],
    }


def class_row(sis_class: SisClass) -> Row:
    """Return a class."""
    return {
        "title": sis_class.title,
        "class_code": sis_class.class_code,
        "class_type": sis_class.class_type,
        "grades": list(sis_class.grades),
        "subjects": list(sis_class.subjects),
        "periods": list(sis_class.periods),
        "sis_course_sourced_id": _key(sis_class.course),
        "school_sourced_id": _key(sis_class.school),
        "term_sourced_ids": [term.sourced_id for term in sis_class.terms],
        "resource_sourced_ids": [one.sourced_id for one in sis_class.resources],
    }


def user_row(user: User) -> Row:
    """Return a person as the SIS knows him; passwords are left where they are."""
    return {
        "username": user.username,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "middle_name": user.middle_name,
        "preferred_given_name": user.preferred_first_name,
        "preferred_family_name": user.preferred_last_name,
        "identifier": user.identifier,
        "email": user.email,
        "is_enabled": user.enabled_user,
        "roles": [
            {
                "role": role.role,
                "role_type": role.role_type,
                "org": role.org.sourced_id,
                "begins_on": _day(role.begin_date),
                "ends_on": _day(role.end_date),
            }
            for role in user.roles
            if not is_over(role)
        ],
        "grades": list(user.grades),
        "user_ids": [
            {"type": one.type, "identifier": one.identifier} for one in user.user_ids
        ],
        "agents": [agent.sourced_id for agent in user.agents],
        "user_master_identifier": user.user_master_identifier,
        "primary_org_sourced_id": _key(user.primary_org),
    }


def is_over(role: Role) -> bool:
    """Tell whether a delta says that this role is gone, and not the person."""
    return bool((role.model_extra or {}).get("status", "active") != "active")


def _day(day: date | None) -> str | None:
    return None if day is None else str(day)


def demographics_row(facts: Demographics) -> Row:
    """Return what a district reports of a person."""
    return {
        "facts": facts.model_dump(
            mode="json",
            by_alias=True,
            exclude_none=True,
            exclude={"sourced_id", "status", "date_last_modified"},
        )
    }


def enrollment_row(enrollment: Enrollment) -> Row:
    """Return a person's place in a class."""
    return {
        "class_sourced_id": enrollment.class_.sourced_id,
        "school_sourced_id": _key(enrollment.school),
        "user_sourced_id": enrollment.user.sourced_id,
        "role": enrollment.role,
        "is_primary": enrollment.primary,
        "begins_on": enrollment.begin_date,
        "ends_on": enrollment.end_date,
    }


def resource_row(resource: Resource) -> Row:
    """Return learning material, with what its vendor says beside the standard."""
    return {
        "title": resource.title,
        "vendor_resource_id": resource.vendor_resource_id,
        "vendor_id": resource.vendor_id,
        "application_id": resource.application_id,
        "roles": list(resource.roles),
        "importance": resource.importance,
        "url": resource_facts.url_of(resource),
        "licence": resource_facts.licence_of(resource),
        "language": resource_facts.language_of(resource),
        "description": resource_facts.description_of(resource),
        "learning_objectives": resource_facts.objectives_of(resource),
    }


def category_row(category: Category) -> Row:
    """Return a kind of work."""
    return {"title": category.title, "weight": category.weight}


def score_scale_row(scale: ScoreScale) -> Row:
    """Return what the words of a gradebook are worth."""
    return {
        "title": scale.title,
        "kind": scale.type,
        "class_sourced_id": _key(scale.class_),
        "course_sourced_id": _key(scale.course),
        "org_sourced_id": None,
        "steps": [
            [step.item_value_lhs, step.item_value_rhs]
            for step in scale.score_scale_value
        ],
    }


def line_item_row(line_item: LineItem) -> Row:
    """Return a gradebook column as an assignment."""
    return {
        "class_sourced_id": line_item.class_.sourced_id,
        "school_sourced_id": _key(line_item.school),
        "score_scale_sourced_id": _key(line_item.score_scale),
        "parent_sourced_id": None,
        "title": line_item.title,
        "description": line_item.description,
        "assigned_at": line_item.assign_date,
        "due_at": line_item.due_date,
        "category_sourced_id": _key(line_item.category),
        "term_sourced_id": _key(line_item.academic_session or line_item.grading_period),
        "minimum": line_item.result_value_min,
        "maximum": line_item.result_value_max,
        "learning_objectives": _plain(line_item.learning_objective_set),
    }


def assessment_line_item_row(item: AssessmentLineItem) -> Row:
    """Return something assessed, which may belong to no class, as an assignment."""
    return {
        "class_sourced_id": _key(item.class_),
        "school_sourced_id": None,
        "score_scale_sourced_id": _key(item.score_scale),
        "parent_sourced_id": _key(item.parent_assessment_line_item),
        "title": item.title,
        "description": item.description,
        "assigned_at": None,
        "due_at": None,
        "category_sourced_id": None,
        "term_sourced_id": None,
        "minimum": item.result_value_min,
        "maximum": item.result_value_max,
        "learning_objectives": _plain(item.learning_objective_set),
    }


def result_row(result: Result) -> Row:
    """Return one student's result as a score."""
    return _score_row(result, result.line_item.sourced_id, None)


def assessment_result_row(result: AssessmentResult) -> Row:
    """Return one student's result on something assessed as a score."""
    item = result.assessment_line_item.sourced_id
    return _score_row(result, item, result.score_percentile)


def _score_row(result: ResultFields, item: str, percentile: float | None) -> Row:
    return {
        "line_item_sourced_id": item,
        "student_sourced_id": result.student.sourced_id,
        "given": result.score,
        "text_score": result.text_score,
        "score_status": result.score_status,
        "scored_on": result.score_date,
        "comment": result.comment,
        "flags": {
            name: True
            for name in ("in_progress", "incomplete", "late", "missing")
            if getattr(result, name)
        },
        "learning_objectives": _plain(result.learning_objective_set),
        "score_scale_sourced_id": _key(result.score_scale),
        "percentile": percentile,
    }


def _plain(parts: tuple[Any, ...]) -> list[Any]:
    return [part.model_dump(mode="json", by_alias=True) for part in parts]


ROWS: Mapping[str, Callable[[Any], Row]] = MappingProxyType(
    {
        "orgs": org_row,
        "academicSessions": term_row,
        "courses": course_row,
        "classes": class_row,
        "users": user_row,
        "demographics": demographics_row,
        "enrollments": enrollment_row,
        "resources": resource_row,
        "categories": category_row,
        "scoreScales": score_scale_row,
        "lineItems": line_item_row,
        "results": result_row,
        "assessmentLineItems": assessment_line_item_row,
        "assessmentResults": assessment_result_row,
    }
)


def staged_row(collection: str, record: Record) -> Staged:
    """Return the whole staged row of a record."""
    row = ROWS[collection](record)
    values = tuple([plain_value(row[name]) for name in value_columns(collection)])
    modified = record.date_last_modified
    return finished(
        record.sourced_id,
        "active" if record.status == "active" else "ended",
        None if modified is None else format_moment(modified),
        values,
    )


def finished(
    sourced_id: Value, status: str, modified_at: Value, values: tuple[Value, ...]
) -> Staged:
    """Return a staged row: its four first values, and those of its collection.

    The fingerprint covers what we keep, not dateLastModified: a record only touched
    has not changed.
    """
    text = repr(values).encode("utf-8", "surrogatepass")
    fingerprint = blake2b(text, digest_size=16).hexdigest()
    return (sourced_id, status, modified_at, fingerprint, *values)


class Same(list[Value]):
    """A column in which every row has the same value."""


class Numbers(list[Value]):
    """A column of numbers, and of nothing."""


class _Spelt(dict[Value, str]):
    """How numbers are spelt; those that come again are spelt once."""

    MOST = 4096

    def __missing__(self, value: Value) -> str:
        text = repr(value)
        # Nought and less than nought are one key, and are spelt apart.
        if value and len(self) < self.MOST:
            self[value] = text
        return text


_SPELT: Final = _Spelt()


def fingerprints(columns: Sequence[Sequence[Value]]) -> list[str]:
    """Return what :func:`finished` would take of each row; the rows are in columns.

    A tuple is spelt as its parts are, between commas: most of it stands for all rows
    once and for all.

    Raises:
        ValueError: a text holds half of a character.
    """
    if not columns[0]:
        return []
    form: list[str] = []
    moving: list[Iterable[str]] = []
    for column in columns:
        if isinstance(column, Same):
            form.append(repr(column[0]).replace("%", "%%"))
            continue
        form.append("%s")
        spell = _SPELT.__getitem__ if isinstance(column, Numbers) else repr
        moving.append(map(spell, column))
    if not moving:
        moving.append([""] * len(columns[0]))
        form[-1] += "%s"
    spelt = map(f"({', '.join(form)})".__mod__, zip(*moving, strict=True))
    return [blake2b(text.encode(), digest_size=16).hexdigest() for text in spelt]


def format_moment(moment: datetime) -> str:
    """Return a moment as it is staged: UTC, without a zone."""
    return moment.astimezone(UTC).strftime(MOMENT)


def plain_value(value: object) -> Value:
    """Return a value of a row as it is staged."""
    if value is None or isinstance(value, (str, bool, float)):
        return value
    if isinstance(value, datetime):
        return format_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return float(value)
    return json.dumps(value, sort_keys=True)
