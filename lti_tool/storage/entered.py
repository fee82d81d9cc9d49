"""What people entered of a student, when she turns out to be another.

Entries and teachers' levels go along with the courses they speak in.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from lti_tool.storage.database import batches
from lti_tool.storage.schema import observation, teacher_level
from lti_tool.storage.session import Session


def entered_of(session: Session, persons: Collection[int]) -> set[int]:
    """Return those of people of whom anything was entered, or a level set."""
    return {
        person_id
        for some in batches(sorted(persons))
        for table in (observation, teacher_level)
        for person_id in session.scalars(
            select(table.c.person_id).where(table.c.person_id.in_(some)).distinct()
        )
    }


def move_entered(
    session: Session,
    old: int,
    new: int,
    courses: Collection[int],
    *,
    is_all: bool,
) -> dict[str, list[int]]:
    """Let what was entered of a person in courses be entered of another.

    is_all: what was entered for no course goes along, nothing is left of her. Where
    both have a teacher's level, the other's own stands. Returns what moved, as JSON.
    """
    mine: ColumnElement[bool] = observation.c.course_id.in_(courses)
    if is_all:
        mine = or_(mine, observation.c.course_id.is_(None))
    entries = session.scalars(
        update(observation)
        .where(observation.c.person_id == old, mine)
        .values(person_id=new)
        .returning(observation.c.id)
    ).all()
    taken = teacher_level.alias("taken")
    both = (
        select(taken.c.id)
        .where(
            taken.c.person_id == new,
            taken.c.ended_at.is_(None),
            taken.c.course_id == teacher_level.c.course_id,
            taken.c.competency_id == teacher_level.c.competency_id,
        )
        .exists()
    )
    held = session.scalars(
        select(teacher_level.c.id).where(
            teacher_level.c.person_id == old,
            teacher_level.c.course_id.in_(courses),
            or_(teacher_level.c.ended_at.is_not(None), ~both),
        )
    ).all()
    _give_levels(session, held, new)
    return {"entries": sorted(entries), "levels": sorted(held)}


def give_back_entered(session: Session, moved: dict[str, Any], person_id: int) -> None:
    """Let what moved be a person's again."""
    session.execute(
        update(observation)
        .where(observation.c.id.in_(moved.get("entries", ())))
        .values(person_id=person_id)
    )
    _give_levels(session, moved.get("levels", ()), person_id)


def _give_levels(session: Session, ids: Collection[int], person_id: int) -> None:
    session.execute(
        update(teacher_level)
        .where(teacher_level.c.id.in_(ids))
        .values(person_id=person_id)
    )
