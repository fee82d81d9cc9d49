"""Where the results of a course go, as its pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from lti_tool.storage.database import rows
from lti_tool.storage.pages import REFUSED, WAITING, newest_of
from lti_tool.storage.schema import (
    competency,
    course_destination,
    difference,
    person,
)
from lti_tool.storage.session import Session
from lti_tool.storage.summaries import summary_title


@dataclass(frozen=True, slots=True)
class Going:
    """One destination of a course: whether it is on, and what became of its results.

    Attributes:
        seen_at: when a result was last seen there.
    """

    destination: str
    is_on: bool
    delivered: int = 0
    waiting: int = 0
    refused: int = 0
    seen_at: datetime | None = None


def load_goings(
    session: Session, course_id: int, names: tuple[str, ...]
) -> list[Going]:
    """Return each destination by name, in the order of names."""
    newest = newest_of(course_id)

    def count(*states: str) -> ColumnElement[int]:
        return func.sum(case((newest.c.state.in_(states), 1), else_=0))

    found = {
        destination: rest
        for destination, *rest in session.execute(
            select(
                newest.c.destination,
                count("delivered"),
                count(*WAITING),
                count(*REFUSED),
                func.max(newest.c.read_back_at),
            ).group_by(newest.c.destination)
        )
    }
    on = set(
        session.scalars(
            select(course_destination.c.destination).where(
                course_destination.c.course_id == course_id,
                course_destination.c.is_on,
            )
        )
    )
    return [Going(one, one in on, *found.get(one, ())) for one in names]


def load_troubles(
    session: Session, course_id: int, *, limit: int = 200
) -> list[dict[str, Any]]:
    """Return what was refused or stands otherwise there, by student.

    theirs: what stands there, where somebody else set it.
    """
    newest = newest_of(course_id)
    differs = difference.c.id.is_not(None)
    return rows(
        session,
        select(
            newest.c.id,
            newest.c.destination,
            newest.c.state,
            newest.c.person_id,
            newest.c.competency_id,
            newest.c.value,
            newest.c.maximum,
            newest.c.level_name,
            newest.c.code,
            newest.c.reason,
            newest.c.receipt,
            case(
                (differs, difference.c.theirs),
                (newest.c.state == "conflict", newest.c.read_back),
                else_=None,
            ).label("theirs"),
            or_(differs, newest.c.state == "conflict").label("is_otherwise"),
            person.c.display_name,
            competency.c.human_code,
            summary_title(newest),
        )
        .join(person, person.c.id == newest.c.person_id)
        .outerjoin(competency, competency.c.id == newest.c.competency_id)
        .outerjoin(
            difference,
            and_(
                difference.c.delivery_id == newest.c.id,
                difference.c.status == "open",
            ),
        )
        .where(or_(newest.c.state.in_(REFUSED), differs))
        .order_by(person.c.display_name, newest.c.id)
        .limit(limit),
    )


def load_names(
    session: Session, people: set[int], competencies: set[int]
) -> tuple[dict[int, str], dict[int, str]]:
    """Return what people and competencies are called, by id."""
    who = session.execute(
        select(person.c.id, person.c.display_name).where(person.c.id.in_(people))
    )
    what = session.execute(
        select(competency.c.id, competency.c.human_code, competency.c.statement).where(
            competency.c.id.in_(competencies)
        )
    )
    return (
        {row.id: row.display_name for row in who},
        {row.id: row.human_code or row.statement[:40] for row in what},
    )
