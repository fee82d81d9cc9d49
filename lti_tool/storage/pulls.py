"""Attainments in the order they were worked out, for systems that ask what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, tuple_

from lti_tool.storage.published_outcomes import results, taught
from lti_tool.storage.schema import attainment, competency, course
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True)
class Place:
    """Where in that order somebody stands: behind the row ``id`` of the moment."""

    at: datetime
    id: int = 0


def load_changes(
    session: Session, *, source_id: int | None, after: Place | None, limit: int
) -> Sequence[dict[str, Any]]:
    """Return the attainments behind a place, oldest first, at most limit.

    Those of students who sit in a class of the source now, of any where it is None.
    A row has the columns of published_outcomes.results, and of the course and
    competency what a reader knows them by.
    """
    statement = _of(source_id)
    order = (attainment.c.computed_at, attainment.c.id)
    if after is not None:
        statement = statement.where(tuple_(*order) > tuple_(after.at, after.id))
    found = session.execute(statement.order_by(*order).limit(limit)).mappings()
    return [dict(row) for row in found]


def is_told(
    session: Session,
    *,
    source_id: int | None,
    course_id: int,
    person_id: int,
    competency_id: int,
) -> bool:
    """Tell whether one attainment is among those that load_changes tells."""
    one = attainment.c
    found = _of(source_id).where(
        one.course_id == course_id,
        one.person_id == person_id,
        one.competency_id == competency_id,
    )
    return session.scalar(select(found.exists())) or False


def _of(source_id: int | None) -> Select[Any]:
    shelf = results()
    statement = shelf.statement.add_columns(
        course.c.title.label("course_title"),
        taught.c.sourced_id.label("class_sourced_id"),
        competency.c.human_code,
    )
    if source_id is None:
        return statement
    return statement.where(shelf.source == source_id)
