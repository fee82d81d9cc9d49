"""People, courses and seats, made in sets from what the SIS holds.

These run on the connection of a merge, in its transaction, and may be run again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from lti_tool.storage.schema import (
    assignment,
    course,
    enrollment,
    person,
    score,
    seat,
    sis_class,
    sis_user,
)

# OneRoster's enrollment roles in our words.
SEAT_ROLES: Final = {
    "student": "learner",
    "teacher": "instructor",
    "administrator": "administrator",
    "proctor": "proctor",
}
_BATCH: Final = 1000


def derive(
    connection: Connection, source_id: int, *, today: date, now: datetime
) -> int:
    """Bring people, courses, links and seats in line; returns the rows written."""
    return (
        _make_people(connection, source_id, now)
        + _rename_people(connection, source_id)
        + _make_courses(connection, source_id, now)
        + _rename_courses(connection, source_id)
        + _link_assignments(connection, source_id)
        + _link_scores(connection, source_id)
        + _follow_seats(connection, source_id, today)
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


def _rename_people(connection: Connection, source_id: int) -> int:
    """Follow changed names; the newest active SIS user of a person names him."""
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
    return connection.execute(
        update(score)
        .where(
            score.c.source_id == source_id,
            or_(score.c.assignment_id.is_(None), score.c.person_id.is_(None)),
            assignment.c.source_id == source_id,
            assignment.c.sourced_id == score.c.line_item_sourced_id,
            sis_user.c.source_id == source_id,
            sis_user.c.sourced_id == score.c.student_sourced_id,
        )
        .values(assignment_id=assignment.c.id, person_id=sis_user.c.person_id)
    ).rowcount


def _role() -> ColumnElement[Any]:
    return case(
        *((enrollment.c.role == theirs, ours) for theirs, ours in SEAT_ROLES.items())
    )


def _seated(source_id: int, today: date) -> Select[Any]:
    """Who sits where today, by the SIS: course, person, role; each once."""
    return (
        select(course.c.id, sis_user.c.person_id, _role())
        .select_from(enrollment)
        .join(
            sis_user,
            and_(
                sis_user.c.source_id == enrollment.c.source_id,
                sis_user.c.sourced_id == enrollment.c.user_sourced_id,
            ),
        )
        .join(
            sis_class,
            and_(
                sis_class.c.source_id == enrollment.c.source_id,
                sis_class.c.sourced_id == enrollment.c.class_sourced_id,
            ),
        )
        .join(course, course.c.sis_class_id == sis_class.c.id)
        .where(
            enrollment.c.source_id == source_id,
            enrollment.c.status == "active",
            # A role of another vocabulary gives no seat.
            enrollment.c.role.in_(SEAT_ROLES),
            sis_user.c.status == "active",
            sis_user.c.person_id.is_not(None),
            sis_class.c.status == "active",
            or_(enrollment.c.begins_on.is_(None), enrollment.c.begins_on <= today),
            # The end date of an enrollment is exclusive (OneRoster 1.2).
            or_(enrollment.c.ends_on.is_(None), enrollment.c.ends_on > today),
        )
        .distinct()
    )


# Asked for twice, and too much for SQLite to find anew for every seat.
_SEATED: Final = Table(
    "seated",
    MetaData(),
    Column("course_id", Integer, primary_key=True, autoincrement=False),
    Column("person_id", Integer, primary_key=True, autoincrement=False),
    Column("role", String(16), primary_key=True),
    prefixes=["TEMPORARY"],
)


def _follow_seats(connection: Connection, source_id: int, today: date) -> int:
    """Make and end seats as the SIS speaks today; LMS seats are not its matter."""
    _SEATED.create(connection, checkfirst=False)
    connection.execute(
        insert(_SEATED).from_select(_SEATED.columns.keys(), _seated(source_id, today))
    )
    written = _make_seats(connection) + _end_seats(connection, source_id)
    _SEATED.drop(connection, checkfirst=False)
    return written


def _make_seats(connection: Connection) -> int:
    news = select(_SEATED, literal("active"), literal("sis")).where(
        # SQLite wants a WHERE between a SELECT and its ON CONFLICT.
        _SEATED.c.person_id.is_not(None)
    )
    is_postgres = connection.dialect.name == "postgresql"
    statement = (postgresql if is_postgres else sqlite).insert(seat)
    return connection.execute(
        statement.from_select(
            ["course_id", "person_id", "role", "status", "origin"], news
        ).on_conflict_do_update(
            index_elements=["course_id", "person_id", "role"],
            set_={"status": "active", "origin": "sis"},
            where=or_(seat.c.status != "active", seat.c.origin != "sis"),
        )
    ).rowcount


def _end_seats(connection: Connection, source_id: int) -> int:
    mine = (
        select(course.c.id)
        .join(sis_class, sis_class.c.id == course.c.sis_class_id)
        .where(sis_class.c.source_id == source_id)
    )
    kept = exists().where(
        _SEATED.c.course_id == seat.c.course_id,
        _SEATED.c.person_id == seat.c.person_id,
        _SEATED.c.role == seat.c.role,
    )
    return connection.execute(
        update(seat)
        .where(
            seat.c.course_id.in_(mine),
            seat.c.origin == "sis",
            seat.c.status == "active",
            ~kept,
        )
        .values(status="ended")
    ).rowcount


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
        courses = select(assignment.c.course_id).where(
            assignment.c.source_id == source_id,
            assignment.c.sourced_id.in_(batch),
            assignment.c.course_id.is_not(None),
        )
        connection.execute(
            update(course).where(course.c.id.in_(courses)).values(refreshed_at=None)
        )


def load_stale(connection: Connection) -> list[int]:
    """Return the courses whose standing is to be refreshed: a plan, and news."""
    return list(
        connection.scalars(
            select(course.c.id)
            .where(course.c.refreshed_at.is_(None), course.c.framework_id.is_not(None))
            .order_by(course.c.id)
        )
    )


def claim_stale(connection: Connection, course_id: int) -> bool:
    """Take a stale course for a refresh; False when another worker was faster.

    The row is held until the caller's transaction ends (PostgreSQL; on SQLite the
    transaction is alone as it is).
    """
    found = connection.scalar(
        select(course.c.id)
        .where(course.c.id == course_id, course.c.refreshed_at.is_(None))
        .with_for_update()
    )
    return found is not None
