"""What a course's settings are chosen from: frameworks, scales, competencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from lti_tool.storage.schema import competency, framework, named_scale, person
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True)
class NamedScale:
    """A scale a course may take over; levels from the lowest, as a course stores them.

    origin: own, rubric or canvas.
    """

    id: int
    title: str
    levels: Sequence[Mapping[str, Any]]
    mastery_cut: float
    origin: str


def load_frameworks(session: Session) -> list[tuple[int, str]]:
    """Return id and title of each framework in use, by title."""
    found = session.execute(
        select(framework.c.id, framework.c.title)
        .where(framework.c.retired_at.is_(None))
        .order_by(framework.c.title, framework.c.id)
    )
    return [(row.id, row.title) for row in found]


def has_framework(session: Session, framework_id: int) -> bool:
    """Tell whether there is such a framework, in use or retired."""
    found = select(framework.c.id).where(framework.c.id == framework_id)
    return session.scalar(found) is not None


def load_competency_ids(session: Session, framework_id: int) -> set[int]:
    """Return the competencies of a framework, retired ones too."""
    return set(
        session.scalars(
            select(competency.c.id).where(competency.c.framework_id == framework_id)
        )
    )


def load_scales(session: Session) -> list[NamedScale]:
    """Return the scales there are to choose from, by title."""
    table = named_scale.c
    found = session.execute(
        select(table.id, table.title, table.levels, table.mastery_cut, table.origin)
        .where(table.retired_at.is_(None))
        .order_by(table.title, table.id)
    )
    return [NamedScale(*row) for row in found]


def load_codes(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return what competencies are called in brief, by id."""
    table = competency.c
    found = session.execute(
        select(
            table.id, func.coalesce(table.human_code, table.abbreviated, table.case_id)
        ).where(table.id.in_(ids))
    )
    return {row[0]: row[1] for row in found}


def load_people(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return what people are called, by id."""
    found = session.execute(
        select(person.c.id, person.c.display_name).where(person.c.id.in_(ids))
    )
    return {row.id: row.display_name for row in found}
