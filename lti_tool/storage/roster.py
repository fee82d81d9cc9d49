"""People, courses and seats, made in sets from what the SIS holds.

These run on the connection of a merge, in its transaction, and may be run again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
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
) -> None:
    """Bring people, courses, links and seats in line with the merged roster."""
    _make_people(connection, source_id, now)
    _rename_people(connection, source_id)
    _make_courses(connection, source_id, now)
    _link_assignments(connection, source_id)
    _link_scores(connection, source_id)
    _make_seats(connection, source_id, today)
    _end_seats(connection, source_id, today)


def _given() -> Any:  # noqa: ANN401 -- a SQL expression
    return func.coalesce(
        func.nullif(sis_user.c.preferred_given_name, ""), sis_user.c.given_name
    )


def _family() -> Any:  # noqa: ANN401 -- a SQL expression
    return func.coalesce(
        func.nullif(sis_user.c.preferred_family_name, ""), sis_user.c.family_name
    )


def _display() -> Any:  # noqa: ANN401 -- a SQL expression
    return func.trim(_given() + " " + _family())


def _make_people(connection: Connection, source_id: int, now: datetime) -> None:
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


def _rename_people(connection: Connection, source_id: int) -> None:
    """Follow changed names; the newest SIS user of a person names him."""
    named = (
        select(
            sis_user.c.person_id,
            _given().label("given_name"),
            _family().label("family_name"),
            _display().label("display_name"),
        )
        .where(sis_user.c.source_id == source_id, sis_user.c.status == "active")
        .subquery()
    )
    connection.execute(
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
    )


def _title() -> Any:  # noqa: ANN401 -- a SQL expression
    """A class without a title (some servers send none) goes by its code."""
    return func.coalesce(
        func.nullif(sis_class.c.title, ""),
        func.nullif(sis_class.c.class_code, ""),
        sis_class.c.sourced_id,
    )


def _make_courses(connection: Connection, source_id: int, now: datetime) -> None:
    known = exists().where(course.c.sis_class_id == sis_class.c.id)
    connection.execute(
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
    )
    mine = select(sis_class.c.id, _title().label("title"), sis_class.c.status).where(
        sis_class.c.source_id == source_id
    )
    named = mine.subquery()
    connection.execute(
        update(course)
        .where(
            course.c.sis_class_id == named.c.id,
            or_(course.c.title != named.c.title, course.c.status != named.c.status),
        )
        .values(title=named.c.title, status=named.c.status)
    )


def _link_assignments(connection: Connection, source_id: int) -> None:
    found = (
        select(course.c.id)
        .join(sis_class, sis_class.c.id == course.c.sis_class_id)
        .where(
            sis_class.c.source_id == source_id,
            sis_class.c.sourced_id == assignment.c.class_sourced_id,
        )
        .scalar_subquery()
    )
    connection.execute(
        update(assignment)
        .where(assignment.c.source_id == source_id, assignment.c.course_id.is_(None))
        .values(course_id=found)
    )


def _link_scores(connection: Connection, source_id: int) -> None:
    work = (
        select(assignment.c.id)
        .where(
            assignment.c.source_id == source_id,
            assignment.c.sourced_id == score.c.line_item_sourced_id,
        )
        .scalar_subquery()
    )
    who = (
        select(sis_user.c.person_id)
        .where(
            sis_user.c.source_id == source_id,
            sis_user.c.sourced_id == score.c.student_sourced_id,
        )
        .scalar_subquery()
    )
    connection.execute(
        update(score)
        .where(
            score.c.source_id == source_id,
            or_(score.c.assignment_id.is_(None), score.c.person_id.is_(None)),
        )
        .values(assignment_id=work, person_id=who)
    )


def _seated(source_id: int, today: date) -> Any:  # noqa: ANN401 -- a SQL selectable
    """Who sits where today, by the SIS: course, person, role; each once."""
    role = case(
        *((enrollment.c.role == theirs, ours) for theirs, ours in SEAT_ROLES.items()),
        else_="none",
    )
    return (
        select(
            course.c.id.label("course_id"),
            sis_user.c.person_id,
            role.label("role"),
        )
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
            sis_user.c.status == "active",
            or_(enrollment.c.begins_on.is_(None), enrollment.c.begins_on <= today),
            # The end date of an enrollment is exclusive (OneRoster 1.2).
            or_(enrollment.c.ends_on.is_(None), enrollment.c.ends_on > today),
        )
        .distinct()
    )


def _make_seats(connection: Connection, source_id: int, today: date) -> None:
    seated = _seated(source_id, today).subquery()
    news = select(
        seated.c.course_id,
        seated.c.person_id,
        seated.c.role,
        literal("active"),
        literal("sis"),
    ).where(seated.c.person_id.is_not(None))
    is_postgres = connection.dialect.name == "postgresql"
    statement = (postgresql if is_postgres else sqlite).insert(seat)
    connection.execute(
        statement.from_select(
            ["course_id", "person_id", "role", "status", "origin"], news
        ).on_conflict_do_update(
            index_elements=["course_id", "person_id", "role"],
            set_={"status": "active", "origin": "sis"},
            where=or_(seat.c.status != "active", seat.c.origin != "sis"),
        )
    )


def _end_seats(connection: Connection, source_id: int, today: date) -> None:
    """End the seats the SIS no longer speaks for; LMS seats are not its matter."""
    seated = _seated(source_id, today).subquery()
    mine = (
        select(course.c.id)
        .join(sis_class, sis_class.c.id == course.c.sis_class_id)
        .where(sis_class.c.source_id == source_id)
    )
    kept = exists().where(
        seated.c.course_id == seat.c.course_id,
        seated.c.person_id == seat.c.person_id,
        seated.c.role == seat.c.role,
    )
    connection.execute(
        update(seat)
        .where(
            seat.c.course_id.in_(mine),
            seat.c.origin == "sis",
            seat.c.status == "active",
            ~kept,
        )
        .values(status="ended")
    )


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
