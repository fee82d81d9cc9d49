"""What hangs on competencies, moved from a replaced one to the new one, and back.

What was moved is kept in the replacement, so that exactly that can be put back, for
one course or for all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, delete, exists, or_, select, update

from lti_tool.storage.database import batches, rows, upsert
from lti_tool.storage.replacements import Moved, Replacement
from lti_tool.storage.schema import (
    alignment,
    carried_alignment,
    competency_rule,
    placement,
    resource_link,
    resource_use,
)
from lti_tool.storage.session import Session

# What names a row beside its competency: where the new one stands already, the old
# row is taken away, and kept in what was moved.
_KEYS: Final[Mapping[Table, tuple[str, ...]]] = {
    alignment: ("course_id", "assignment_id", "part"),
    carried_alignment: ("course_id", "title", "part"),
    competency_rule: ("course_id",),
    resource_use: ("resource_id", "course_id"),
    resource_link: (),
}


def move(session: Session, one: Replacement, courses: Collection[int]) -> Moved:
    """Hang what these courses have on the old competency on the new one.

    What belongs to no course, a school's resources, moves as well.
    """
    moved: Moved = {}
    for table, keys in _KEYS.items():
        found = _found(session, table, one.from_id, courses)
        there = _held(session, table, keys, one.to_id) if keys else set()
        double = [row for row in found if _key(row, keys) in there]
        doubles = {row["id"] for row in double}
        ids = [row["id"] for row in found if row["id"] not in doubles]
        for some in batches(sorted(doubles)):
            session.execute(delete(table).where(table.c.id.in_(some)))
        for some in batches(ids):
            session.execute(
                update(table)
                .where(table.c.id.in_(some))
                .values(competency_id=one.to_id)
            )
        if found:
            removed = [_plain(row) for row in double]
            moved[table.name] = {"ids": ids, "removed": removed}
    return moved


def _found(
    session: Session, table: Table, competency_id: int, courses: Collection[int]
) -> list[dict[str, Any]]:
    """Return what courses, or no course, have on a competency; each row once."""
    some = list(batches(sorted(courses))) or [[]]
    return list(
        {
            row["id"]: row
            for part in some
            for row in rows(
                session,
                select(table).where(
                    table.c.competency_id == competency_id, _of_courses(table, part)
                ),
            )
        }.values()
    )


def put_back(
    session: Session, one: Replacement, *, course_id: int | None = None
) -> Moved:
    """Put back what was moved, as far as it still hangs on the new competency.

    course_id: what this course has, alone. Returns what stays moved.
    """
    left: Moved = {}
    for table in _KEYS:
        moved = (one.moved or {}).get(table.name)
        if moved is None:
            continue
        ids, removed = moved["ids"], moved["removed"]
        if course_id is not None:
            ids = _ids_of(session, table, ids, course_id)
            removed = [row for row in removed if row.get("course_id") == course_id]
        for some in batches(ids):
            session.execute(
                update(table)
                .where(table.c.id.in_(some), table.c.competency_id == one.to_id)
                .values(competency_id=one.from_id)
            )
        for row in removed:
            _insert_again(session, table, _stored(row))
        stays = {
            "ids": [row_id for row_id in moved["ids"] if row_id not in set(ids)],
            "removed": [row for row in moved["removed"] if row not in removed],
        }
        if any(stays.values()):
            left[table.name] = stays
    return left


def _ids_of(
    session: Session, table: Table, ids: Sequence[int], course_id: int
) -> list[int]:
    """Return those of these rows that are a course's own."""
    mine = _of_courses(table, [course_id])
    if table is resource_use:  # what is the school's stays where it was moved
        mine = table.c.course_id == course_id
    return [
        row_id
        for some in batches(ids)
        for row_id in session.scalars(
            select(table.c.id).where(table.c.id.in_(some), mine)
        )
    ]


def _insert_again(session: Session, table: Table, row: Mapping[str, Any]) -> None:
    """Write a row that was taken away, under its old id where that is free.

    Where somebody has made the same again meanwhile, theirs stands.
    """
    is_taken = session.scalar(select(table.c.id).where(table.c.id == row["id"]))
    values = {name: one for name, one in row.items() if name != "id" or not is_taken}
    session.execute(upsert(session, table).values(**values).on_conflict_do_nothing())


def joined(one: Moved | None, other: Moved) -> Moved:
    """Return what was moved in two goes."""
    both: Moved = {name: {**parts} for name, parts in (one or {}).items()}
    for name, parts in other.items():
        held = both.setdefault(name, {"ids": [], "removed": []})
        for part, values in parts.items():
            held[part] = [*held[part], *values]
    return both


def _of_courses(table: Table, courses: Collection[int]) -> ColumnElement[bool]:
    if table is resource_link:
        place = placement.c.id == resource_link.c.placement_id
        return exists().where(and_(place, placement.c.course_id.in_(courses)))
    mine = table.c.course_id.in_(courses)
    return or_(mine, table.c.course_id.is_(None)) if table is resource_use else mine


def _held(
    session: Session, table: Table, keys: Sequence[str], competency_id: int
) -> set[tuple[Any, ...]]:
    found = session.execute(
        select(*(table.c[name] for name in keys)).where(
            table.c.competency_id == competency_id
        )
    )
    return {tuple(row) for row in found}


def _key(row: Mapping[str, Any], keys: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in keys)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as JSON holds it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row out of the JSON that kept it."""
    return {
        name: datetime.fromisoformat(value)
        if value is not None and name.endswith("_at")
        else value
        for name, value in values.items()
    }
