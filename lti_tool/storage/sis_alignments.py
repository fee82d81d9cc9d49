"""What a SIS itself says that work is about, and the alignments made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from lti_tool.storage.alignments import BY_SIS
from lti_tool.storage.database import rows
from lti_tool.storage.schema import (
    alignment,
    assignment,
    change,
    competency,
    course,
    declined_alignment,
    replacement,
)
from lti_tool.storage.session import Session
from lti_tool.storage.work_of_course import (
    has_assessments,
    is_of_course,
    names_objectives,
)


def load_objectives(session: Session, course_id: int) -> dict[int, list[Any]]:
    """Return what the SIS says the work of a course is about, by assignment.

    Assignments that say nothing are not among them.
    """
    mine = is_of_course(course_id, assessments=has_assessments(session))
    found = session.execute(
        select(assignment.c.id, assignment.c.learning_objectives).where(
            mine,
            assignment.c.status == "active",
            names_objectives(assignment.c.learning_objectives),
        )
    )
    return {row.id: row.learning_objectives for row in found}


def load_with_objectives(session: Session, courses: Collection[int]) -> list[int]:
    """Return those of courses in which a SIS says what work is about, or once did.

    Where any source sends assessments, all: they may speak in every course.
    """
    if has_assessments(session):
        return sorted(courses)
    said = select(assignment.c.course_id).where(
        assignment.c.course_id.in_(courses),
        names_objectives(assignment.c.learning_objectives),
    )
    followed = select(alignment.c.course_id).where(
        alignment.c.course_id.in_(courses), alignment.c.made_by == BY_SIS
    )
    return sorted(session.scalars(said.union(followed)))


def load_declined(session: Session, course_id: int) -> set[tuple[int, int]]:
    """Return (assignment, competency) that a person took away in a course."""
    table = declined_alignment
    found = session.execute(
        select(table.c.assignment_id, table.c.competency_id).where(
            table.c.course_id == course_id
        )
    )
    return {(row[0], row[1]) for row in found}


def load_case_ids(session: Session, course_id: int) -> dict[str, int]:
    """Return the competencies of a course's framework by CASE id, those in force.

    What a person has let another one replace goes by its old CASE id too.
    """
    found = session.execute(
        select(competency.c.case_id, competency.c.id)
        .join(course, course.c.framework_id == competency.c.framework_id)
        .where(
            course.c.id == course_id,
            competency.c.is_assessable,
            competency.c.retired_at.is_(None),
        )
    )
    in_force = {row[0]: row[1] for row in found}
    old = session.execute(
        select(competency.c.case_id, replacement.c.to_id)
        .join(replacement, replacement.c.from_id == competency.c.id)
        .where(
            replacement.c.status == "confirmed",
            replacement.c.to_id.in_(list(in_force.values())),
        )
    )
    return {row[0]: row[1] for row in old} | in_force


def follow_sis(
    session: Session,
    course_id: int,
    wanted: Collection[tuple[int, int]],
    *,
    now: datetime,
) -> int:
    """Bring the alignments the SIS names in line; returns how many came or went.

    wanted: (assignment, competency). What a person aligned or took away stays.
    """
    held = rows(
        session,
        select(
            alignment.c.id,
            alignment.c.assignment_id,
            alignment.c.competency_id,
            alignment.c.made_by,
        ).where(alignment.c.course_id == course_id),
    )
    known = {(one["assignment_id"], one["competency_id"]) for one in held}
    fresh = sorted(set(wanted) - known - load_declined(session, course_id))
    gone = [
        one
        for one in held
        if one["made_by"] == BY_SIS
        and (one["assignment_id"], one["competency_id"]) not in wanted
    ]
    if fresh:
        session.execute(
            insert(alignment),
            [
                {
                    "course_id": course_id,
                    "assignment_id": one[0],
                    "competency_id": one[1],
                    "weight": 1.0,
                    "made_by": BY_SIS,
                    "created_at": now,
                }
                for one in fresh
            ],
        )
    if gone:
        ids = [one["id"] for one in gone]
        session.execute(delete(alignment).where(alignment.c.id.in_(ids)))
    told = [_change("alignment saved", pair, now) for pair in fresh]
    told += [
        _change("alignment removed", (one["assignment_id"], one["competency_id"]), now)
        for one in gone
    ]
    _put_changes(session, told)
    return len(told)


def _change(what: str, pair: tuple[int, int], now: datetime) -> dict[str, Any]:
    said = {"competency_id": pair[1], "weight": 1.0}
    return {
        "at": now,
        "who": BY_SIS,
        "what": what,
        "subject_table": "assignment",
        "subject_id": pair[0],
        "before": said if what == "alignment removed" else None,
        "after": None if what == "alignment removed" else said,
    }


def _put_changes(session: Session, told: Sequence[Mapping[str, Any]]) -> None:
    if told:
        session.execute(insert(change), told)
