"""What one grade over all competencies of a course is made of, and what was told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Label, func, or_, select

from lti_tool.storage.outbox import SWITCHED_OFF, THEIRS
from lti_tool.storage.schema import alignment, competency, course, delivery
from lti_tool.storage.session import Session

LONGEST_NAME: Final = 40  # of a competency without a code, in a line of arithmetic


def summary_title(deliveries: FromClause) -> Label[Any]:
    """What the column of a grade over all is called, of the rows that tell of one."""
    title: ColumnElement[Any] = deliveries.c.basis[("summary", "title")].as_string()
    return title.label("summary_title")


SUMMARY_TITLE: Final = summary_title(delivery)


class Named(NamedTuple):
    """A competency by what it is called in a line of arithmetic."""

    id: int
    name: str


def load_aligned(session: Session, course_id: int) -> list[Named]:
    """Return the competencies that work of a course is aligned to, in reading order.

    Only those that are judged: of its framework, assessable, not retired.
    """
    worked_on = select(alignment.c.competency_id).where(
        alignment.c.course_id == course_id
    )
    return _load_named(
        session,
        competency.c.id.in_(worked_on),
        competency.c.framework_id
        == select(course.c.framework_id)
        .where(course.c.id == course_id)
        .scalar_subquery(),
        competency.c.is_assessable,
        competency.c.retired_at.is_(None),
    )


def load_named(session: Session, ids: Collection[int]) -> list[Named]:
    """Return these competencies, in reading order."""
    return _load_named(session, competency.c.id.in_(ids))


def _load_named(session: Session, *wanted: ColumnElement[bool]) -> list[Named]:
    found = session.execute(
        select(competency.c.id, competency.c.human_code, competency.c.statement)
        .where(*wanted)
        .order_by(competency.c.position, competency.c.id)
    )
    return [
        Named(row.id, row.human_code or row.statement[:LONGEST_NAME]) for row in found
    ]


class Told(NamedTuple):
    """A grade as it was put into the outbox last."""

    value: float | None
    maximum: float


def load_last(
    session: Session,
    course_id: int,
    destinations: Collection[str],
    persons: Collection[int],
) -> dict[tuple[str, int], Told]:
    """Return by (destination, person) the grade that was worked out and told last.

    Whatever became of it since: it may wait, stand there, have been undone or given
    way to what a person set. One that waited while it was switched off is none.
    """
    newest = (
        select(func.max(delivery.c.id))
        .where(
            delivery.c.destination.in_(destinations),
            delivery.c.course_id == course_id,
            delivery.c.person_id.in_(persons),
            delivery.c.competency_id.is_(None),
            delivery.c.undoes_id.is_(None),
            or_(
                delivery.c.code.is_(None),
                delivery.c.code.not_in((THEIRS, SWITCHED_OFF)),
            ),
        )
        .group_by(delivery.c.destination, delivery.c.person_id)
    )
    found = session.execute(
        select(
            delivery.c.destination,
            delivery.c.person_id,
            delivery.c.value,
            delivery.c.maximum,
        ).where(delivery.c.id.in_(newest))
    )
    return {
        (row.destination, row.person_id): Told(row.value, row.maximum) for row in found
    }
