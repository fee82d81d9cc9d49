"""What a provider accepts into its gradebook: the standard, strictly.

Source: OneRoster 1.2 Gradebook, information model and REST binding; Assessment
Results Profile 1.0; identifiers by the CSV Binding 1.2.1.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from oneroster.catalog import Catalog
from oneroster.dialects import COLLECTIONS, upgrade
from oneroster.models import Record, parse_record
from oneroster.provider_replies import Manners, RefusalError
from oneroster.provider_selections import read_one
from oneroster.wire import format_moment, parse_moment

__all__ = ["allocate_id", "check_place", "parse_object", "parse_old_object", "taken"]

Wire = Mapping[str, Any]

SOURCED_ID = re.compile(r"[0-9A-Za-z./@_-]{1,255}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
REQUIRED: Mapping[str, str] = {
    "categories": "title",
    "lineItems": "title assignDate dueDate class school category",
    "results": "lineItem student scoreStatus scoreDate",
    "scoreScales": "title type class scoreScaleValue",
    "assessmentLineItems": "title",
    "assessmentResults": "assessmentLineItem student scoreStatus scoreDate",
}
REFERENCES: Mapping[str, str] = {
    "class": "classes",
    "course": "courses",
    "school": "schools",
    "student": "students",
    "category": "categories",
    "gradingPeriod": "academicSessions",
    "academicSession": "academicSessions",
    "scoreScale": "scoreScales",
    "lineItem": "lineItems",
    "assessmentLineItem": "assessmentLineItems",
    "parentAssessmentLineItem": "assessmentLineItems",
}
SCORE_STATUSES = (
    "exempt",
    "fully graded",
    "not submitted",
    "partially graded",
    "submitted",
)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_moment(value: object) -> bool:
    try:
        parse_moment(value)
    except ValueError:
        return False
    return isinstance(value, str) and "T" in value


def _is_day(value: object) -> bool:
    try:
        parse_moment(value)
    except ValueError:
        return False
    return isinstance(value, str) and DAY.fullmatch(value) is not None


def _is_flag(value: object) -> bool:
    return value in ("true", "false")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_objective_set(value: object) -> bool:
    """Tell whether it is a list of sources, each with ids or scores, one at least."""
    return isinstance(value, list) and all(
        isinstance(group, Mapping)
        and isinstance(group.get("source"), str)
        and (_is_ids(group) or _is_scores(group))
        for group in value
    )


def _is_ids(group: Wire) -> bool:
    ids = group.get("learningObjectiveIds")
    return isinstance(ids, list) and bool(ids) and all(map(_is_text, ids))


def _is_scores(group: Wire) -> bool:
    scores = group.get("learningObjectiveResults")
    return (
        isinstance(scores, list)
        and bool(scores)
        and all(
            isinstance(part, Mapping)
            and isinstance(part.get("learningObjectiveId"), str)
            and ("score" not in part or _is_number(part["score"]))
            for part in scores
        )
    )


CHECKS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(
        ("score", "scorePercentile", "weight", "resultValueMin", "resultValueMax"),
        (_is_number, "is not a number"),
    ),
    **dict.fromkeys(
        ("inProgress", "incomplete", "late", "missing"),
        (_is_flag, 'is neither "true" nor "false"'),
    ),
    **dict.fromkeys(
        ("title", "description", "comment", "textScore", "type"),
        (_is_text, "is not text"),
    ),
    **dict.fromkeys(
        ("assignDate", "dueDate"), (_is_moment, "is not an ISO 8601 date-time")
    ),
    "scoreDate": (_is_day, "is not a date of the form YYYY-MM-DD"),
    "scoreStatus": (
        lambda value: value in SCORE_STATUSES,
        "is no scoreStatus of the standard",
    ),
    "learningObjectiveSet": (
        _is_objective_set,
        "is no list of sources with objectives",
    ),
}


OLD_REQUIRED: Mapping[str, str] = {
    "categories": "title",
    "lineItems": "title assignDate dueDate class category gradingPeriod "
    "resultValueMin resultValueMax",
    "results": "lineItem student scoreStatus score scoreDate",
}


def taken(payload: object, manners: Manners) -> object:
    """Give what is kept of an object that a client writes.

    Raises:
        RefusalError: 422, it has a field that is refused here.
    """
    if not isinstance(payload, Mapping):
        return payload
    refused = sorted(manners.refused_fields & payload.keys())
    if refused:
        raise _refusal(f"{refused[0]} is not taken here")
    return {
        name: value
        for name, value in payload.items()
        if name not in manners.dropped_fields
    }


def parse_old_object(
    catalog: Catalog, name: str, payload: object, *, now: datetime
) -> Record:
    """Read an object that a client of 1.1 writes; it becomes one of 1.2.

    A line item belongs to the school of its class, which 1.1 does not name.

    Raises:
        RefusalError: 422, it breaks the standard or refers to nothing we have.

    Source: OneRoster 1.1, tables of lineItem, result and category.
    """
    if isinstance(payload, Mapping):
        for field in OLD_REQUIRED[name].split():
            if payload.get(field) in (None, "", []):
                raise _refusal(f"{field} is missing")
        payload = upgrade(name, payload)
        reference = payload.get("class")
        if name == "lineItems" and isinstance(reference, Mapping):
            sis_class = catalog.read("classes", str(reference.get("sourcedId")))
            school = getattr(sis_class, "school", None)
            if school is not None:
                payload["school"] = {"sourcedId": school.sourced_id, "type": "org"}
    return parse_object(catalog, name, payload, now=now)


def parse_object(
    catalog: Catalog, name: str, payload: object, *, now: datetime
) -> Record:
    """Read an object that a client writes into a collection of the gradebook.

    Its dateLastModified becomes ``now``, its status active if it has none.

    Raises:
        RefusalError: 422, it breaks the standard or refers to nothing we have.
    """
    if not isinstance(payload, Mapping):
        raise _refusal("the body holds no object")
    fault = next(_faults(catalog, name, payload), None)
    if fault is not None:
        raise _refusal(fault)
    stamped = {"status": "active"} | dict(payload)
    stamped["dateLastModified"] = format_moment(now)
    record, problems = parse_record(COLLECTIONS[name].kind, stamped)
    if record is None:
        raise _refusal(f"{problems[0].field} {problems[0].text}")
    return record


def _faults(catalog: Catalog, name: str, payload: Wire) -> Iterator[str]:
    sourced_id = payload.get("sourcedId")
    if not isinstance(sourced_id, str) or SOURCED_ID.fullmatch(sourced_id) is None:
        yield "sourcedId is not 1 to 255 of 0-9 A-Z a-z . / @ _ -"
    for field in REQUIRED[name].split():
        if payload.get(field) in (None, "", []):
            yield f"{field} is missing"
    for field, value in payload.items():
        check = CHECKS.get(field)
        if check is not None and value is not None and not check[0](value):
            yield f"{field} {check[1]}"
        if field in REFERENCES and value is not None:
            fault = _reference_fault(catalog, field, value)
            if fault is not None:
                yield fault


def _reference_fault(catalog: Catalog, field: str, value: object) -> str | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("sourcedId"), str):
        return f"{field} is no reference with a sourcedId"
    try:
        read_one(catalog, REFERENCES[field], value["sourcedId"])
    except RefusalError:
        return f"{field} refers to nothing in {REFERENCES[field]}"
    return None


def check_place(
    catalog: Catalog, path: str, ids: Sequence[str], record: Record
) -> None:
    """Check that a posted object belongs where it was posted.

    Raises:
        RefusalError: 422, it names another owner than the path.
    """
    owners = dict(zip(path.split("/")[::2], ids, strict=False))
    if "lineItems" in owners:
        _same("lineItem", getattr(record, "line_item", None), owners["lineItems"])
    item = record
    if path.endswith("/results") and "classes" in owners:
        reference = getattr(record, "line_item", None)
        item = read_one(catalog, "lineItems", reference.sourced_id if reference else "")
    if "classes" in owners:
        _same("class", getattr(item, "class_", None), owners["classes"])
    if "schools" in owners:
        _same("school", getattr(item, "school", None), owners["schools"])
    if "academicSessions" in owners:
        session = getattr(item, "academic_session", None)
        session = session or getattr(item, "grading_period", None)
        _same("academicSession", session, owners["academicSessions"])


def _same(field: str, reference: object, sourced_id: str) -> None:
    if getattr(reference, "sourced_id", None) != sourced_id:
        raise _refusal(f"{field} is not the one of the path")


def allocate_id(catalog: Catalog, name: str, supplied: str, *, now: datetime) -> str:
    """Give a sourcedId that the collection does not hold, the same for the same."""
    keys = (f"{name}/{supplied}/{now.isoformat()}/{turn}" for turn in count())
    ids = (str(uuid5(NAMESPACE_URL, key)) for key in keys)
    return next(found for found in ids if catalog.read(name, found) is None)


def _refusal(text: str) -> RefusalError:
    return RefusalError(422, "invaliddata", f"{text}; correct it and send it again")
