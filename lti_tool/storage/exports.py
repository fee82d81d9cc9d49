"""Levels of a course, or of everybody, and records, as long tables: a page at a time.

Course by course they are attainments; over all courses, each student's one record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, Select, Table, and_, select

from lti_tool.storage.database import Database, rows
from lti_tool.storage.schema import (
    attainment,
    competency,
    course,
    framework,
    person,
    record,
    seat,
    sis_class,
    sis_user,
)
from lti_tool.storage.standing import STANDS

CHUNK: Final = 1000
_STUDENT: Final = ("student_id", "student", "student_sourced_id")
_LEVEL: Final = (
    "framework",
    "competency_id",
    "competency_guid",
    "competency_code",
    "competency",
    "level",
    "value",
    "is_mastered",
    "evidence",
    "rule",
    "parameter",
)
LEVELS: Final = (
    "course_id",
    "course",
    "class_sourced_id",
    *_STUDENT,
    "seat",
    *_LEVEL,
    "is_by_teacher",
    "computed_at",
)
RECORDS: Final = (*_STUDENT, *_LEVEL, "computed_at")


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose levels: of one course, of one framework, of all where both are None.

    is_now: only of students who sit in the course today.
    """

    course_id: int | None = None
    framework_id: int | None = None
    is_now: bool = False


def iter_levels(database: Database, wish: Wish) -> Iterator[dict[str, Any]]:
    """Yield the levels that stand, in the columns LEVELS, holding a page of them."""
    statement = _levels().where(STANDS)
    if wish.course_id is not None:
        statement = statement.where(attainment.c.course_id == wish.course_id)
    if wish.framework_id is not None:
        statement = statement.where(competency.c.framework_id == wish.framework_id)
    if wish.is_now:
        statement = statement.where(seat.c.status == "active")
    return _walk(database, statement, attainment.c.id)


def iter_records(database: Database, wish: Wish) -> Iterator[dict[str, Any]]:
    """Yield students' records over all courses, in the columns RECORDS."""
    statement = _people(
        select(record.c.id.label("key"), *_student(record), *_level(record)), record
    )
    if wish.framework_id is not None:
        statement = statement.where(competency.c.framework_id == wish.framework_id)
    return _walk(database, statement, record.c.id)


def _walk(
    database: Database, statement: Select[Any], key: ColumnElement[int]
) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        page = statement.where(key > after).order_by(key).limit(CHUNK)
        with database.read() as session:
            found = rows(session, page)
        yield from found
        if len(found) < CHUNK:
            return
        after = found[-1]["key"]


def _levels() -> Select[Any]:
    one = attainment.c
    statement = select(
        one.id.label("key"),
        one.course_id,
        course.c.title.label("course"),
        sis_class.c.sourced_id.label("class_sourced_id"),
        *_student(attainment),
        seat.c.status.label("seat"),
        *_level(attainment),
        one.teacher_level_id.is_not(None).label("is_by_teacher"),
    )
    sits = and_(
        seat.c.course_id == one.course_id,
        seat.c.person_id == one.person_id,
        seat.c.role == "learner",
    )
    return (
        _people(statement, attainment)
        .join(course, course.c.id == one.course_id)
        .outerjoin(sis_class, sis_class.c.id == course.c.sis_class_id)
        .outerjoin(seat, sits)
    )


def _people(statement: Select[Any], table: Table) -> Select[Any]:
    return (
        statement.select_from(table)
        .join(person, person.c.id == table.c.person_id)
        .join(competency, competency.c.id == table.c.competency_id)
        .join(framework, framework.c.id == competency.c.framework_id)
    )


def _student(table: Table) -> tuple[ColumnElement[Any] | ScalarSelect[Any], ...]:
    """Who: our id, her name, what the SIS calls her now."""
    known = (
        select(sis_user.c.sourced_id)
        .where(sis_user.c.person_id == table.c.person_id, sis_user.c.status == "active")
        .order_by(sis_user.c.id.desc())
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )
    return (
        table.c.person_id.label("student_id"),
        person.c.display_name.label("student"),
        known.label("student_sourced_id"),
    )


def _level(table: Table) -> tuple[ColumnElement[Any], ...]:
    return (
        framework.c.title.label("framework"),
        competency.c.id.label("competency_id"),
        competency.c.case_id.label("competency_guid"),
        competency.c.human_code.label("competency_code"),
        competency.c.statement.label("competency"),
        table.c.level_name.label("level"),
        table.c.value,
        table.c.is_mastered,
        table.c.evidence_count.label("evidence"),
        table.c.rule,
        table.c.parameter,
        table.c.computed_at,
    )
