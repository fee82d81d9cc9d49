"""Competencies replaced by others: proposed by a publisher, decided by a person.

A decision moves what courses hang on the old competency to the new one, and keeps
what it moved, so that undoing puts exactly that back. Evidence hangs on the work and
moves with it; what people observed stays where they saw it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    exists,
    func,
    or_,
    select,
    update,
)

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows, upsert
from lti_tool.storage.schema import (
    alignment,
    association,
    competency,
    course,
    replacement,
)
from lti_tool.storage.session import Session

REPLACED_BY: Final = "replacedBy"
PROPOSED, CONFIRMED, DECLINED, UNDONE = "proposed", "confirmed", "declined", "undone"
Moved = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True, slots=True)
class Replacement:
    """One replacement as stored; moved is None until it is confirmed."""

    id: int
    from_id: int
    to_id: int
    status: str
    moved: Moved | None


def propose(session: Session, now: datetime) -> int:
    """Write a proposal for each replacedBy edge between competencies held.

    One that was decided stays decided; returns how many are new.
    """
    old, new = competency.alias(), competency.alias()
    known = exists().where(
        replacement.c.from_id == old.c.id, replacement.c.to_id == new.c.id
    )
    found = session.execute(
        select(old.c.id, new.c.id, association.c.case_id)
        .select_from(association)
        .join(old, old.c.case_id == association.c.origin_case_id)
        .join(new, new.c.case_id == association.c.destination_case_id)
        .where(
            association.c.kind == REPLACED_BY,
            association.c.retired_at.is_(None),
            new.c.retired_at.is_(None),
            old.c.id != new.c.id,
            ~known,
        )
    )
    fresh = {(old_id, new_id): case_id for old_id, new_id, case_id in found}
    if fresh:
        session.execute(
            upsert(session, replacement).on_conflict_do_nothing(
                index_elements=["from_id", "to_id"]
            ),
            [
                {
                    "from_id": pair[0],
                    "to_id": pair[1],
                    "association_case_id": case_id,
                    "proposed_at": now,
                }
                for pair, case_id in fresh.items()
            ],
        )
    return len(fresh)


def load_proposals(
    session: Session, framework_id: int | None = None
) -> list[dict[str, Any]]:
    """Return replacements of competencies of a framework, or all, open ones first."""
    old, new = competency.alias(), competency.alias()
    count = (
        select(func.count())
        .where(alignment.c.competency_id == old.c.id)
        .scalar_subquery()
    )
    names = ("status", "proposed_at", "decided_by", "decided_at")
    statement = (
        select(
            replacement.c.id,
            *(replacement.c[name] for name in names),
            *(
                side.c[name].label(f"{word}_{name.removeprefix('human_')}")
                for word, side in (("from", old), ("to", new))
                for name in ("id", "case_id", "human_code", "statement", "framework_id")
            ),
            count.label("alignments"),
        )
        .join(old, old.c.id == replacement.c.from_id)
        .join(new, new.c.id == replacement.c.to_id)
        .order_by(replacement.c.status != PROPOSED, old.c.framework_id, old.c.position)
    )
    if framework_id is not None:
        here = (old.c.framework_id == framework_id, new.c.framework_id == framework_id)
        statement = statement.where(or_(*here))
    return rows(session, statement)


def load_replacement(session: Session, replacement_id: int) -> Replacement:
    """Return one replacement.

    Raises:
        NotFoundError: there is none of that id.
    """
    table = replacement
    found = session.execute(
        select(
            table.c.id, table.c.from_id, table.c.to_id, table.c.status, table.c.moved
        )
        .where(table.c.id == replacement_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"no replacement has the id {replacement_id}")
    return Replacement(*found)


def load_confirmed(session: Session, *, from_id: int) -> list[int]:
    """Return the replacements in force that start at a competency."""
    return list(
        session.scalars(
            select(replacement.c.id).where(
                replacement.c.from_id == from_id, replacement.c.status == CONFIRMED
            )
        )
    )


def load_waiting(session: Session, course_id: int) -> list[Replacement]:
    """Return the confirmed replacements that lead into the framework of a course."""
    table, new = replacement, competency
    found = session.execute(
        select(
            table.c.id, table.c.from_id, table.c.to_id, table.c.status, table.c.moved
        )
        .join(new, new.c.id == table.c.to_id)
        .join(course, course.c.framework_id == new.c.framework_id)
        .where(course.c.id == course_id, table.c.status == CONFIRMED)
        .order_by(table.c.id)
    )
    return [Replacement(*row) for row in found]


def save_decision(
    session: Session,
    replacement_id: int,
    status: str,
    moved: Moved | None,
    *,
    who: str,
    now: datetime,
) -> None:
    """Write what was decided, and what it moved."""
    session.execute(
        update(replacement)
        .where(replacement.c.id == replacement_id)
        .values(status=status, moved=moved, decided_by=who, decided_at=now)
    )


def load_courses(session: Session, one: Replacement) -> list[int]:
    """Return the courses whose framework holds the new competency, or that have none.

    A course that still follows the old framework keeps its work there.
    """
    found = session.scalars(
        select(course.c.id)
        .join(competency, competency.c.id == one.to_id)
        .where(
            or_(
                course.c.framework_id == competency.c.framework_id,
                course.c.framework_id.is_(None),
            )
        )
    )
    return list(found)


def load_successors(session: Session, framework_id: int) -> dict[int, int]:
    """Return the competencies that others of a framework have replaced, by old id.

    Of several that replaced one, the first confirmed; chains are not followed.
    """
    table, new = replacement, competency
    found = session.execute(
        select(table.c.from_id, table.c.to_id)
        .join(new, new.c.id == table.c.to_id)
        .where(new.c.framework_id == framework_id, table.c.status == CONFIRMED)
        .order_by(table.c.id.desc())
    )
    return {row.from_id: row.to_id for row in found}


def load_left(
    session: Session, framework_id: int, to_framework_id: int
) -> list[Replacement]:
    """Return the confirmed replacements of what one framework holds by another's.

    framework_id: of the old competencies; to_framework_id: of the new ones. The one
    that moved last comes first.
    """
    table, old, new = replacement, competency.alias(), competency.alias()
    found = session.execute(
        select(
            table.c.id, table.c.from_id, table.c.to_id, table.c.status, table.c.moved
        )
        .join(old, old.c.id == table.c.from_id)
        .join(new, new.c.id == table.c.to_id)
        .where(
            old.c.framework_id == framework_id,
            new.c.framework_id == to_framework_id,
            table.c.status == CONFIRMED,
        )
        .order_by(table.c.id.desc())
    )
    return [Replacement(*row) for row in found]


def load_touched(session: Session, one: Replacement) -> list[int]:
    """Return the courses that have work aligned to either competency."""
    found = session.scalars(
        select(alignment.c.course_id)
        .join(course, course.c.id == alignment.c.course_id)
        .where(
            alignment.c.competency_id.in_([one.from_id, one.to_id]),
            course.c.framework_id.is_not(None),
        )
        .distinct()
        .order_by(alignment.c.course_id)
    )
    return list(found)
