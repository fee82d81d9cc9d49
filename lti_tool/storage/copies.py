"""A course copied in the LMS: the plan and the alignments that come along.

Nothing here reads or writes a student's data: seats, scores, attainments, deliveries
and groups stay where they are. Work is known again by its title; a title that several
pieces of work have names none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Subquery,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from lti_tool.storage.database import rows, upsert
from lti_tool.storage.schema import (
    alignment,
    assignment,
    carried_alignment,
    change,
    competency,
    course,
    placement,
    resource_link,
)
from lti_tool.storage.session import Session


def maker(from_course_id: int) -> str:
    """What stands in made_by of an alignment that came along."""
    return f"copy:{from_course_id}"


def has_plan(session: Session, course_id: int) -> bool:
    """Tell whether a course has a framework or an alignment of its own."""
    aligned = exists().where(alignment.c.course_id == course_id)
    return bool(
        session.scalar(
            select(course.c.framework_id.is_not(None) | aligned).where(
                course.c.id == course_id
            )
        )
    )


def _key(title: ColumnElement[str]) -> ColumnElement[str]:
    return func.lower(func.trim(title))


def _single(courses: ColumnElement[bool], name: str) -> Subquery:
    """The titles that one piece of work alone has in its course, with its id."""
    return (
        select(
            assignment.c.course_id,
            _key(assignment.c.title).label("key"),
            func.min(assignment.c.id).label("assignment_id"),
        )
        .where(courses)
        .group_by(assignment.c.course_id, _key(assignment.c.title))
        .having(func.count() == 1)
        .subquery(name)
    )


def bring_alignments(
    session: Session, course_id: int, from_course_id: int, *, now: datetime
) -> list[dict[str, Any]]:
    """Align work of a course as work of the same title was aligned in another.

    What has no such work here, or several, is kept waiting. Returns the alignments
    made: assignment_id, competency_id, weight. May be run again.
    """
    here = _single(
        and_(
            assignment.c.course_id == course_id,
            assignment.c.status == "active",
            assignment.c.twin_id.is_(None),
        ),
        "here",
    )
    there = _single(assignment.c.course_id == from_course_id, "there")
    old = (
        select(
            func.trim(assignment.c.title).label("title"),
            _key(assignment.c.title).label("key"),
            alignment.c.competency_id,
            func.max(alignment.c.weight).label("weight"),
            alignment.c.part,
            alignment.c.is_practice,
        )
        .join(assignment, assignment.c.id == alignment.c.assignment_id)
        .join(competency, competency.c.id == alignment.c.competency_id)
        .where(
            alignment.c.course_id == from_course_id,
            competency.c.retired_at.is_(None),
        )
        .group_by(
            func.trim(assignment.c.title),
            _key(assignment.c.title),
            alignment.c.competency_id,
            alignment.c.part,
            alignment.c.is_practice,
        )
        .subquery("old")
    )
    matched = (
        select(
            here.c.assignment_id,
            old.c.competency_id,
            old.c.weight,
            old.c.part,
            old.c.is_practice,
        )
        .join(here, here.c.key == old.c.key)
        .join(there, there.c.key == old.c.key)
    )
    made = session.execute(
        upsert(session, alignment)
        .from_select(
            [
                "course_id",
                "assignment_id",
                "competency_id",
                "weight",
                "part",
                "is_practice",
                "made_by",
                "created_at",
            ],
            select(
                literal(course_id),
                *matched.subquery("matched").c,
                literal(maker(from_course_id)),
                literal(now, alignment.c.created_at.type),
            ).where(literal(1) == 1),  # SQLite wants a WHERE before its ON CONFLICT
        )
        .on_conflict_do_nothing(
            index_elements=["course_id", "assignment_id", "competency_id", "part"]
        )
        .returning(
            alignment.c.assignment_id, alignment.c.competency_id, alignment.c.weight
        )
    )
    found = [dict(row) for row in made.mappings()]
    is_matched = exists().where(here.c.key == old.c.key, there.c.key == old.c.key)
    session.execute(
        upsert(session, carried_alignment)
        .from_select(
            [
                "course_id",
                "from_course_id",
                "competency_id",
                "title",
                "weight",
                "part",
                "is_practice",
                "created_at",
            ],
            select(
                literal(course_id),
                literal(from_course_id),
                old.c.competency_id,
                old.c.title,
                old.c.weight,
                old.c.part,
                old.c.is_practice,
                literal(now, carried_alignment.c.created_at.type),
            ).where(~is_matched),
        )
        .on_conflict_do_nothing(
            index_elements=["course_id", "competency_id", "title", "part"]
        )
    )
    return found


def take_back_alignments(
    session: Session, course_id: int, from_course_id: int
) -> list[dict[str, Any]]:
    """Remove what came along and nobody has changed since, and what still waits.

    Returns the alignments removed: assignment_id, competency_id, weight.
    """
    gone = session.execute(
        delete(alignment)
        .where(
            alignment.c.course_id == course_id,
            alignment.c.made_by == maker(from_course_id),
        )
        .returning(
            alignment.c.assignment_id, alignment.c.competency_id, alignment.c.weight
        )
    )
    found = [dict(row) for row in gone.mappings()]
    session.execute(
        delete(carried_alignment).where(
            carried_alignment.c.course_id == course_id,
            carried_alignment.c.from_course_id == from_course_id,
        )
    )
    return found


def take_back_links(session: Session, course_id: int) -> None:
    """Let links whose view came along show again what a new link shows."""
    places = select(placement.c.id).where(placement.c.course_id == course_id)
    session.execute(
        update(resource_link)
        .where(
            resource_link.c.placement_id.in_(places),
            resource_link.c.copied_from_id.is_not(None),
        )
        .values(view="class", competency_id=None, copied_from_id=None)
    )


def mark_stale(session: Session, courses: Sequence[int]) -> None:
    """Let the worker work the levels of courses out again."""
    session.execute(
        update(course).where(course.c.id.in_(courses)).values(refreshed_at=None)
    )


def put_changes(
    session: Session, made: Sequence[dict[str, Any]], *, what: str, now: datetime
) -> None:
    """Write one line of the audit for each alignment: made_by, before or after."""
    if made:
        session.execute(
            insert(change),
            [
                {
                    "at": now,
                    "who": one["made_by"],
                    "what": what,
                    "subject_table": "assignment",
                    "subject_id": one["assignment_id"],
                    "before": _said(one) if what == "alignment removed" else None,
                    "after": None if what == "alignment removed" else _said(one),
                }
                for one in made
            ],
        )


def _said(one: dict[str, Any]) -> dict[str, Any]:
    return {"competency_id": one["competency_id"], "weight": one["weight"]}


def load_arrived(session: Session) -> list[dict[str, Any]]:
    """What waits for work of its title, and such work has come meanwhile.

    One row each: id, course_id, assignment_id, competency_id, weight, from_course_id,
    and held: the work is aligned with the competency already. What is of another
    framework than the course's plan by now goes on waiting.
    """
    waits = carried_alignment
    if session.scalar(select(waits.c.id).limit(1)) is None:
        return []
    here = _single(
        and_(
            assignment.c.course_id.in_(select(waits.c.course_id)),
            assignment.c.status == "active",
        ),
        "here",
    )
    there = _single(assignment.c.course_id.in_(select(waits.c.from_course_id)), "there")
    held = exists().where(
        alignment.c.assignment_id == here.c.assignment_id,
        alignment.c.competency_id == waits.c.competency_id,
        alignment.c.part == waits.c.part,
    )
    return rows(
        session,
        select(
            waits.c.id,
            waits.c.course_id,
            here.c.assignment_id,
            waits.c.competency_id,
            waits.c.weight,
            waits.c.part,
            waits.c.is_practice,
            waits.c.from_course_id,
            held.label("held"),
        )
        .join(
            here,
            and_(
                here.c.course_id == waits.c.course_id, here.c.key == _key(waits.c.title)
            ),
        )
        .join(
            there,
            and_(
                there.c.course_id == waits.c.from_course_id,
                there.c.key == _key(waits.c.title),
            ),
        )
        .join(competency, competency.c.id == waits.c.competency_id)
        .join(course, course.c.id == waits.c.course_id)
        .where(
            competency.c.framework_id == course.c.framework_id,
            competency.c.retired_at.is_(None),
        )
        .order_by(waits.c.id),
    )


def settle(
    session: Session, arrived: Sequence[dict[str, Any]], *, now: datetime
) -> None:
    """Make alignments of what waited; one a teacher has made herself stays hers."""
    if not arrived:
        return
    session.execute(
        upsert(session, alignment).on_conflict_do_nothing(
            index_elements=["course_id", "assignment_id", "competency_id", "part"]
        ),
        [
            {
                "course_id": one["course_id"],
                "assignment_id": one["assignment_id"],
                "competency_id": one["competency_id"],
                "weight": one["weight"],
                "part": one["part"],
                "is_practice": one["is_practice"],
                "made_by": maker(one["from_course_id"]),
                "created_at": now,
            }
            for one in arrived
        ],
    )
    ids = [one["id"] for one in arrived]
    for start in range(0, len(ids), 1000):
        session.execute(
            delete(carried_alignment).where(
                carried_alignment.c.id.in_(ids[start : start + 1000])
            )
        )
