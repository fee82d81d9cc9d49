"""People, courses and seats, made in sets from what the SIS holds.

These run on the connection of a merge, in its transaction, and may be run again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from lti_tool.storage.moves import Moved
from lti_tool.storage.schema import (
    assignment,
    course,
    person,
    score,
    sis_class,
    sis_user,
)
from lti_tool.storage.seats import Days, follow_seats
from lti_tool.storage.work_of_course import courses_of

_BATCH: Final = 1000


def derive_after(
    connection: Connection, source_id: int, collection: str, *, now: datetime
) -> int:
    """Make what the next collections of a merge need; returns the rows written."""
    if collection != "users":
        return 0
    return _make_people(connection, source_id, now)


def derive(
    connection: Connection,
    source_id: int,
    *,
    days: Days,
    now: datetime,
    moved: Moved | None = None,
) -> int:
    """Bring people, courses, links and seats in line; returns the rows written.

    moved: whose names and seats are looked at; None looks at all.
    """
    return (
        _rename_people(connection, source_id, moved)
        + _make_courses(connection, source_id, now)
        + _rename_courses(connection, source_id)
        + _link_assignments(connection, source_id)
        + _link_scores(connection, source_id)
        + follow_seats(connection, source_id, days, moved)
    )


def _given() -> ColumnElement[Any]:
    return func.coalesce(
        func.nullif(sis_user.c.preferred_given_name, ""), sis_user.c.given_name
    )


def _family() -> ColumnElement[Any]:
    return func.coalesce(
        func.nullif(sis_user.c.preferred_family_name, ""), sis_user.c.family_name
    )


def _display() -> ColumnElement[Any]:
    return func.trim(_given() + " " + _family())


def _make_people(connection: Connection, source_id: int, now: datetime) -> int:
    """Give every new SIS user a person; nobody is merged with anybody here."""
    new = connection.execute(
        select(
            sis_user.c.id,
            _given().label("given_name"),
            _family().label("family_name"),
            _display().label("display_name"),
        )
        .where(sis_user.c.source_id == source_id, sis_user.c.person_id.is_(None))
        .order_by(sis_user.c.id)
    ).all()
    for start in range(0, len(new), _BATCH):
        batch = new[start : start + _BATCH]
        people = connection.scalars(
            insert(person).returning(person.c.id, sort_by_parameter_order=True),
            [
                {
                    "given_name": row.given_name,
                    "family_name": row.family_name,
                    "display_name": row.display_name,
                    "created_at": now,
                }
                for row in batch
            ],
        ).all()
        connection.execute(
            update(sis_user)
            .where(sis_user.c.id == bindparam("user_row"))
            .values(person_id=bindparam("their_person")),
            [
                {"user_row": row.id, "their_person": person_id}
                for row, person_id in zip(batch, people, strict=True)
            ],
        )
    return 2 * len(new)


def _rename_people(connection: Connection, source_id: int, moved: Moved | None) -> int:
    """Follow changed names; the newest active SIS user of a person names him."""
    if moved is None:
        return _rename(connection, source_id, true())
    users = sorted(moved.users)
    return sum(
        _rename(connection, source_id, _people_of(source_id, users[start:][:_BATCH]))
        for start in range(0, len(users), _BATCH)
    )


def _people_of(source_id: int, users: Collection[str]) -> ColumnElement[bool]:
    """The SIS users who are the same people as some."""
    moved = sis_user.alias("moved")
    return sis_user.c.person_id.in_(
        select(moved.c.person_id).where(
            moved.c.source_id == source_id, moved.c.sourced_id.in_(users)
        )
    )


def _rename(
    connection: Connection, source_id: int, is_looked_at: ColumnElement[bool]
) -> int:
    newer = sis_user.alias("newer")
    has_newer = exists().where(
        newer.c.person_id == sis_user.c.person_id,
        newer.c.id > sis_user.c.id,
        newer.c.status == "active",
    )
    named = (
        select(
            sis_user.c.person_id,
            _given().label("given_name"),
            _family().label("family_name"),
            _display().label("display_name"),
        )
        .where(
            sis_user.c.source_id == source_id,
            sis_user.c.status == "active",
            ~has_newer,
            is_looked_at,
        )
        .subquery()
    )
    return connection.execute(
        update(person)
        .where(
            person.c.id == named.c.person_id,
            or_(
                person.c.given_name != named.c.given_name,
                person.c.family_name != named.c.family_name,
            ),
        )
        .values(
            given_name=named.c.given_name,
            family_name=named.c.family_name,
            display_name=named.c.display_name,
        )
    ).rowcount


def _title() -> ColumnElement[Any]:
    """A class without a title (some servers send none) goes by its code."""
    return func.coalesce(
        func.nullif(func.trim(sis_class.c.title), ""),
        func.nullif(func.trim(sis_class.c.class_code), ""),
        sis_class.c.sourced_id,
    )


def _make_courses(connection: Connection, source_id: int, now: datetime) -> int:
    known = exists().where(course.c.sis_class_id == sis_class.c.id)
    return connection.execute(
        insert(course).from_select(
            ["sis_class_id", "title", "created_at", "status"],
            select(
                sis_class.c.id,
                _title(),
                literal(now, course.c.created_at.type),
                sis_class.c.status,
            )
            .where(sis_class.c.source_id == source_id, ~known)
            .order_by(sis_class.c.id),
        )
    ).rowcount


def _rename_courses(connection: Connection, source_id: int) -> int:
    """Follow changed titles, and the end or return of a class."""
    named = (
        select(sis_class.c.id, _title().label("title"), sis_class.c.status)
        .where(sis_class.c.source_id == source_id)
        .subquery()
    )
    return connection.execute(
        update(course)
        .where(
            course.c.sis_class_id == named.c.id,
            or_(course.c.title != named.c.title, course.c.status != named.c.status),
        )
        .values(title=named.c.title, status=named.c.status)
    ).rowcount


def _link_assignments(connection: Connection, source_id: int) -> int:
    return connection.execute(
        update(assignment)
        .where(
            assignment.c.source_id == source_id,
            assignment.c.course_id.is_(None),
            sis_class.c.source_id == source_id,
            sis_class.c.sourced_id == assignment.c.class_sourced_id,
            course.c.sis_class_id == sis_class.c.id,
        )
        .values(course_id=course.c.id)
    ).rowcount


def _link_scores(connection: Connection, source_id: int) -> int:
    """Find person and work of scores that came before them; mostly there are none."""
    is_loose = and_(
        score.c.source_id == source_id,
        or_(score.c.assignment_id.is_(None), score.c.person_id.is_(None)),
    )
    if connection.scalar(select(score.c.id).where(is_loose).limit(1)) is None:
        return 0
    return connection.execute(
        update(score)
        .where(
            is_loose,
            assignment.c.source_id == source_id,
            assignment.c.kind == _holding(),
            assignment.c.sourced_id == score.c.line_item_sourced_id,
            sis_user.c.source_id == source_id,
            sis_user.c.sourced_id == score.c.student_sourced_id,
        )
        .values(assignment_id=assignment.c.id, person_id=sis_user.c.person_id)
    ).rowcount


def _holding() -> ColumnElement[str]:
    """The kind of assignment that a score stands under."""
    return case((score.c.kind == "result", "line_item"), else_="assessment")


def mark_stale(
    connection: Connection, source_id: int, line_items: Collection[str]
) -> None:
    """Mark the courses of these line items: their standing must be refreshed.

    The mark stands in the transaction that brought the scores, so that a worker
    killed before the refresh loses nothing.
    """
    names = sorted(line_items)
    for start in range(0, len(names), _BATCH):
        batch = names[start : start + _BATCH]
        courses = courses_of(source_id, batch)
        connection.execute(
            update(course).where(course.c.id.in_(courses)).values(refreshed_at=None)
        )


def load_stale(connection: Connection) -> list[int]:
    """Return the courses whose standing is to be refreshed: a plan, and news.

    Those of a school beside each other: their students are the same.
    """
    return list(
        connection.scalars(
            select(course.c.id)
            .outerjoin(sis_class, sis_class.c.id == course.c.sis_class_id)
            .where(course.c.refreshed_at.is_(None), course.c.framework_id.is_not(None))
            .order_by(
                func.coalesce(sis_class.c.source_id, 0),
                func.coalesce(sis_class.c.school_sourced_id, ""),
                course.c.id,
            )
        )
    )


def claim_stale(connection: Connection, courses: Collection[int]) -> list[int]:
    """Take stale courses for a refresh; those another worker was faster at are left.

    The rows are held until the caller's transaction ends (PostgreSQL; on SQLite the
    transaction is alone as it is).
    """
    return list(
        connection.scalars(
            select(course.c.id)
            .where(course.c.id.in_(courses), course.c.refreshed_at.is_(None))
            .order_by(course.c.id)
            .with_for_update(key_share=True)
        )
    )
