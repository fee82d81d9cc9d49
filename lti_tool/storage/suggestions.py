"""What suggestions are made of: stored indexes, what people chose, what was learned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, insert, or_, select

from lti_tool.storage.database import upsert
from lti_tool.storage.schema import (
    assignment,
    association,
    competency,
    course,
    framework,
    framework_index,
    ranker,
    sis_class,
    sis_course,
    suggestion_choice,
)
from lti_tool.storage.session import Session
from lti_tool.storage.work_of_course import has_assessments, is_of_course


@dataclass(frozen=True, slots=True)
class WorkText:
    """What is written of one piece of work: what suggestions are made from."""

    id: int
    title: str
    description: str
    parts: tuple[tuple[str, str], ...]  # (key, title) of rows and questions


@dataclass(frozen=True, slots=True)
class CourseAbout:
    """The grades and subjects a course is for, as the SIS writes them."""

    grades: tuple[str, ...]
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person answered to one suggestion."""

    course_id: int
    assignment_id: int
    competency_id: int
    is_accepted: bool
    features: Mapping[str, float]


def load_fingerprint(session: Session, framework_id: int) -> str:
    """Return what changes with any competency of a framework or its place."""
    digest = hashlib.sha256()
    digest.update(
        str(
            session.scalar(select(framework.c.language).filter_by(id=framework_id))
        ).encode()
    )
    for table in (competency, association):
        found = session.scalars(
            select(table.c.fingerprint)
            .where(table.c.framework_id == framework_id, table.c.retired_at.is_(None))
            .order_by(table.c.id)
        )
        for one in found:
            digest.update(one.encode())
    return digest.hexdigest()


def load_index(
    session: Session, framework_id: int, kind: str, fingerprint: str
) -> bytes | None:
    """Return a stored index; None if there is none of just this version."""
    return session.scalar(
        select(framework_index.c.content).where(
            framework_index.c.framework_id == framework_id,
            framework_index.c.kind == kind,
            framework_index.c.fingerprint == fingerprint,
        )
    )


def save_index(
    session: Session,
    key: tuple[int, str],
    fingerprint: str,
    content: bytes,
    *,
    now: datetime,
) -> None:
    """Store an index of (framework, kind) in place of the one before."""
    values = {"fingerprint": fingerprint, "content": content, "made_at": now}
    session.execute(
        upsert(session, framework_index)
        .values(framework_id=key[0], kind=key[1], **values)
        .on_conflict_do_update(index_elements=["framework_id", "kind"], set_=values)
    )


def load_unread(session: Session, kind: str) -> list[int]:
    """Return the frameworks that were imported after their index of a kind was made."""
    made = framework_index
    found = session.scalars(
        select(framework.c.id)
        .outerjoin(
            made, and_(made.c.framework_id == framework.c.id, made.c.kind == kind)
        )
        .where(or_(made.c.id.is_(None), made.c.made_at < framework.c.imported_at))
        .order_by(framework.c.id)
    )
    return list(found)


def load_work_texts(session: Session, course_id: int) -> list[WorkText]:
    """Return what is written of each piece of work of a course."""
    mine = is_of_course(course_id, assessments=has_assessments(session))
    found = session.execute(
        select(
            assignment.c.id,
            assignment.c.title,
            assignment.c.description,
            assignment.c.parts,
        )
        .where(mine, assignment.c.status == "active")
        .order_by(assignment.c.id)
    )
    return [
        WorkText(row.id, row.title, row.description or "", _parts(row.parts))
        for row in found
    ]


def _parts(parts: list[dict[str, Any]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((one["key"], str(one.get("title") or "")) for one in parts or ())


def load_about(session: Session, course_id: int) -> CourseAbout:
    """Return what the SIS says of the class, else of its catalogue entry."""
    found = session.execute(
        select(
            sis_class.c.grades,
            sis_class.c.subjects,
            sis_course.c.grades.label("course_grades"),
            sis_course.c.subjects.label("course_subjects"),
        )
        .select_from(course)
        .join(sis_class, sis_class.c.id == course.c.sis_class_id)
        .outerjoin(
            sis_course,
            (sis_course.c.source_id == sis_class.c.source_id)
            & (sis_course.c.sourced_id == sis_class.c.sis_course_sourced_id),
        )
        .where(course.c.id == course_id)
    ).one_or_none()
    if found is None:
        return CourseAbout((), ())
    return CourseAbout(
        tuple(found.grades or found.course_grades or ()),
        tuple(found.subjects or found.course_subjects or ()),
    )


def load_language(session: Session, framework_id: int) -> str | None:
    """Return the language a framework is written in."""
    return session.scalar(
        select(framework.c.language).where(framework.c.id == framework_id)
    )


def load_framework_of(session: Session, course_id: int) -> int | None:
    """Return the framework of a course, None if it has none."""
    return session.scalar(select(course.c.framework_id).where(course.c.id == course_id))


def load_courses(session: Session) -> list[tuple[int, int]]:
    """Return (course, framework) of every course that has one."""
    found = session.execute(
        select(course.c.id, course.c.framework_id)
        .where(course.c.framework_id.is_not(None))
        .order_by(course.c.id)
    )
    return [(row[0], row[1]) for row in found]


def save_choice(session: Session, one: Choice, *, who: str, now: datetime) -> None:
    """Keep what a person answered; a later answer takes the place of it."""
    values = {
        "is_accepted": one.is_accepted,
        "features": dict(one.features),
        "decided_by": who,
        "decided_at": now,
    }
    session.execute(
        upsert(session, suggestion_choice)
        .values(
            course_id=one.course_id,
            assignment_id=one.assignment_id,
            competency_id=one.competency_id,
            **values,
        )
        .on_conflict_do_update(
            index_elements=["course_id", "assignment_id", "competency_id"], set_=values
        )
    )


def load_skipped(session: Session, course_id: int) -> set[tuple[int, int]]:
    """Return (assignment, competency) of suggestions that were answered with no."""
    table = suggestion_choice
    found = session.execute(
        select(table.c.assignment_id, table.c.competency_id).where(
            table.c.course_id == course_id, table.c.is_accepted.is_(False)
        )
    )
    return {(row[0], row[1]) for row in found}


def load_pairs(session: Session) -> list[tuple[dict[str, float], bool]]:
    """Return every answer that has numbers to learn from, oldest first."""
    table = suggestion_choice
    found = session.execute(
        select(table.c.features, table.c.is_accepted).order_by(table.c.id)
    )
    return [(row[0], row[1]) for row in found if row[0]]


def save_ranker(
    session: Session, weights: Mapping[str, float], pairs: int, *, now: datetime
) -> None:
    """Keep what was learned; those before stay, for the record."""
    session.execute(
        insert(ranker).values(weights=dict(weights), pairs=pairs, trained_at=now)
    )


def load_ranker(session: Session) -> tuple[dict[str, float], int] | None:
    """Return what was learned last, and from how many answers."""
    found = session.execute(
        select(ranker.c.weights, ranker.c.pairs).order_by(ranker.c.id.desc()).limit(1)
    ).one_or_none()
    return None if found is None else (found.weights, found.pairs)
