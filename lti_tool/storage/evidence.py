"""Scores as received, ready to speak for competencies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from lti_tool.storage.schema import alignment, assignment, change, score, source


@dataclass(frozen=True, slots=True)
class SpokenScore:
    """One score beside one alignment: what it says, of whom, for what."""

    score_id: int
    person_id: int
    competency_id: int
    assignment_id: int
    title: str
    category: str | None
    weight: float
    given: float | None
    minimum: float | None
    maximum: float | None
    score_status: str | None
    scored_on: date | None
    due_at: datetime | None
    modified_at: datetime | None
    status: str
    source: str


def load(
    session: Session,
    course_id: int,
    *,
    persons: Collection[int] | None = None,
    competency_id: int | None = None,
) -> list[SpokenScore]:
    """Return every score of the course beside every alignment it speaks through.

    Ordered by person, competency, day and arrival; scores the SIS took back
    (status 'ended') are among them, so that a page can say so.
    """
    statement = (
        select(
            score.c.id,
            score.c.person_id,
            alignment.c.competency_id,
            assignment.c.id,
            assignment.c.title,
            assignment.c.category_sourced_id,
            alignment.c.weight,
            score.c.given,
            assignment.c.minimum,
            assignment.c.maximum,
            score.c.score_status,
            score.c.scored_on,
            assignment.c.due_at,
            score.c.modified_at,
            score.c.status,
            source.c.name,
        )
        .select_from(alignment)
        .join(assignment, assignment.c.id == alignment.c.assignment_id)
        .join(score, score.c.assignment_id == assignment.c.id)
        .join(source, source.c.id == score.c.source_id)
        .where(
            alignment.c.course_id == course_id,
            score.c.person_id.is_not(None),
            assignment.c.status == "active",
        )
        .order_by(
            score.c.person_id,
            alignment.c.competency_id,
            score.c.scored_on,
            score.c.id,
        )
    )
    if persons is not None:
        statement = statement.where(score.c.person_id.in_(persons))
    if competency_id is not None:
        statement = statement.where(alignment.c.competency_id == competency_id)
    return [SpokenScore(*row) for row in map(tuple, session.execute(statement))]


def put_change(  # noqa: PLR0913 -- the columns of one audit row
    session: Session,
    *,
    at: datetime,
    who: str,
    what: str,
    subject: tuple[str, int | None],
    before: object = None,
    after: object = None,
) -> None:
    """Write one line of who changed what."""
    table, row_id = subject
    session.execute(
        insert(change).values(
            at=at,
            who=who,
            what=what,
            subject_table=table,
            subject_id=row_id,
            before=before,
            after=after,
        )
    )
