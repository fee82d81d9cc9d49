"""Line items and results as a SIS is sent them, and what its own say of a student."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

from lti_tool.platforms.destination import SAME, Column, Outcome, Shown
from lti_tool.platforms.sis_manners import Group, Manner, fold
from oneroster.models import (
    AssessmentLineItem,
    AssessmentResult,
    Category,
    LineItem,
    Record,
    Result,
)

R = TypeVar("R", bound=Record)
AnyColumn = LineItem | AssessmentLineItem
AnyResult = Result | AssessmentResult

OURS: Final = "masteryBridge"  # the key of our own id in metadata
CATEGORY_TITLE: Final = "Competencies"
CATEGORY_NAME: Final = "masterybridge/category"
# What is left out where a SIS refuses it, one more each time.
PLAINER: Final = (
    frozenset[str](),
    frozenset({"textScore", "scoreScale"}),
    frozenset({"textScore", "scoreScale", "learningObjectiveSet"}),
)
_ROOM: Final = uuid.UUID("6f0f3a52-52a7-4f5c-9b2c-0d7f3a8d2c11")


def our_id(name: str) -> str:
    """The sourcedId we give; always the same for the same name."""
    return f"mb-{uuid.uuid5(_ROOM, name)}"


def column_record(
    manner: Manner, group: Group, column: Column, category: str | None, now: datetime
) -> AnyColumn:
    """The line item of a column; category is None in a manner that has none."""
    written: dict[str, Any] = {
        "sourcedId": our_id(column.resource_id),
        "status": "active",
        "dateLastModified": now,
        "metadata": {OURS: column.resource_id},
        "title": column.title,
        "description": column.description,
        "class": _to("class", group.sourced_id),
        "resultValueMin": 0.0,
        "resultValueMax": column.maximum,
    }
    if column.case_id is not None:
        spoken_for = {"source": "case", "learningObjectiveIds": [column.case_id]}
        written["learningObjectiveSet"] = [spoken_for]
        if group.words is not None:
            written["scoreScale"] = _to("scoreScale", group.words.sourced_id)
    if manner.kind == "line_item":
        written |= _graded(group, category, now)
    return manner.column_type.model_validate(written)


def _graded(group: Group, category: str | None, now: datetime) -> dict[str, Any]:
    """What a line item of a gradebook has besides."""
    ends_at = group.ends_at
    written: dict[str, Any] = {
        "assignDate": now,
        "dueDate": now if ends_at is None or ends_at < now else ends_at,
        "category": _to("category", category or ""),
    }
    if group.school is not None:
        written["school"] = _to("org", group.school)
    if group.session is not None:
        written["academicSession"] = _to("academicSession", group.session)
        if group.session_kind == "gradingPeriod":
            written["gradingPeriod"] = _to("academicSession", group.session)
    return written


def category_record(now: datetime) -> Category:
    """Our category: it weighs nothing, so that no average of the SIS moves by it."""
    return Category.model_validate(
        {
            "sourcedId": our_id(CATEGORY_NAME),
            "status": "active",
            "dateLastModified": now,
            "metadata": {OURS: CATEGORY_NAME},
            "title": CATEGORY_TITLE,
            "weight": 0.0,
        }
    )


def result_record(
    manner: Manner, group: Group, address: str, outcome: Outcome, sourced_id: str
) -> AnyResult:
    """The result that tells an outcome."""
    word = _word(manner, group, outcome)
    written: dict[str, Any] = {
        "sourcedId": sourced_id,
        "status": "active",
        "dateLastModified": outcome.at,
        "metadata": {OURS: result_name(address, outcome.recipient)},
        manner.line_item: _to(manner.line_item, address),
        "student": _to("user", outcome.recipient),
        "score": outcome.value,
        "textScore": word,
        "scoreDate": outcome.at.date(),
        "scoreStatus": "fully graded",
    }
    if manner.kind == "line_item":
        written["class"] = _to("class", group.sourced_id)
    if outcome.case_id is not None:
        objective = {
            "learningObjectiveId": outcome.case_id,
            "score": outcome.value,
            "textScore": word,
        }
        told = {"source": "case", "learningObjectiveResults": [objective]}
        written["learningObjectiveSet"] = [told]
    return manner.result_type.model_validate(written)


def _word(manner: Manner, group: Group, outcome: Outcome) -> str | None:
    if not manner.has_words or not group.sends_words or not outcome.level_name:
        return None
    if group.words is None or outcome.case_id is None:
        return outcome.level_name
    return group.words.by_level.get(outcome.level_name, outcome.level_name)


def result_name(address: str, recipient: str) -> str:
    """What a result of ours is called by us, whatever id the SIS gives it."""
    return f"{address}/{recipient}"


def without(record: R, names: frozenset[str]) -> R:
    """The record, some of its fields left out, by their names on the wire."""
    changed = {
        name: () if name == "learning_objective_set" else None
        for name, part in type(record).model_fields.items()
        if part.alias in names
    }
    return record.model_copy(update=changed)


def points_to(record: AnyResult) -> str:
    """The sourcedId of the column that a result stands in."""
    if isinstance(record, Result):
        return record.line_item.sourced_id
    return record.assessment_line_item.sourced_id


def is_column(record: AnyColumn, column: Column, group: Group) -> bool:
    """Tell whether a line item of the class is ours, whatever id it has.

    By what we wrote into its metadata; where a SIS keeps none, by all that it shows:
    title, description, maximum, and the competency where that is kept.
    """
    if record.status != "active":
        return False
    own = record.metadata.get(OURS)
    if own is not None:
        return bool(own == column.resource_id)
    if record.class_ is not None and record.class_.sourced_id != group.sourced_id:
        return False
    ids = [
        one
        for part in record.learning_objective_set
        for one in part.learning_objective_ids
    ]
    if ids and ids != [column.case_id]:
        return False
    return (
        record.title == column.title
        and (record.description or "") == column.description
        and record.result_value_max == column.maximum
    )


def shown(record: AnyResult, column: Column, group: Group) -> Shown | None:
    """What a result shows; None where it shows nothing.

    It holds our number twice, of the result and of the competency. Where the two differ
    a person changed one of them, and that one is what is shown. So it is with the word
    of a scale that we named.
    """
    said = [
        one
        for part in record.learning_objective_set
        for one in part.learning_objective_results
        if column.case_id is not None and one.learning_objective_id == column.case_id
    ]
    numbers = [
        one for one in (record.score, *(part.score for part in said)) if one is not None
    ]
    texts = [
        one for one in (record.text_score, *(part.text_score for part in said)) if one
    ]
    by_word = next(_by_words(group, column, texts, numbers), None)
    if by_word is not None:
        return by_word
    if not numbers:
        return Shown(0.0, texts[0], stands_for=frozenset()) if texts else None
    strange = [one for one in numbers if not _is_any(one, group.told)]
    return Shown((strange or numbers)[0], texts[0] if texts else None)


def _by_words(
    group: Group, column: Column, texts: list[str], numbers: list[float]
) -> Iterator[Shown]:
    """Yield what words of the scale say, where they say more than the numbers."""
    words = group.words
    if words is None or column.case_id is None:
        return
    for text in texts:
        mine = words.values.get(fold(text))
        if mine is None or any(_is_any(one, mine) for one in numbers):
            continue
        if numbers and not any(_is_any(one, group.told) for one in numbers):
            continue  # the number is nobody's of ours: it says enough
        yield Shown(words.points[fold(text)], text, stands_for=mine)


def _is_any(number: float, values: frozenset[float]) -> bool:
    return any(abs(number - one) <= SAME for one in values)


def _to(kind: str, sourced_id: str) -> dict[str, str]:
    return {"href": "", "sourcedId": sourced_id, "type": kind}
