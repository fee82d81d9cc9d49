"""Who sits where as the SIS says, and how long one who left may still come in.

A seat is ``active``; ``leaving``, when the SIS names a learner no more: nothing lists
her and nothing is delivered for her, but her own pages open until ``closes_on``; or
``ended``. What she did stays, whatever becomes of her seat.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    MetaData,
    ScalarResult,
    Select,
    String,
    Table,
    Update,
    and_,
    case,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from lti_tool.storage.moves import Moved
from lti_tool.storage.schema import (
    course,
    enrollment,
    seat,
    sis_class,
    sis_user,
    web_session,
)
from lti_tool.storage.session import Session

# OneRoster's enrollment roles in our words.
SEAT_ROLES: Final = {
    "student": "learner",
    "teacher": "instructor",
    "administrator": "administrator",
    "proctor": "proctor",
}
# Whose own pages open.
OPEN: Final = ("active", "leaving")
_BATCH: Final = 500


def _role() -> ColumnElement[Any]:
    return case(
        *((enrollment.c.role == theirs, ours) for theirs, ours in SEAT_ROLES.items())
    )


@dataclass(frozen=True, slots=True)
class Days:
    """The days that decide about seats.

    Attributes:
        today: the day that enrolments must hold on.
        since: the day on which seats were last looked at; None where never.
        grace_days: so long a learner who left a class may still open her own pages.
    """

    today: date
    since: date | None = None
    grace_days: int = 0


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


# Whose seats are looked at, where not all are.
_LOOKED_AT: Final = Table(
    "looked_at",
    MetaData(),
    Column("kind", String(8), primary_key=True),
    Column("id", Integer, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
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


def follow_seats(
    connection: Connection, source_id: int, days: Days, moved: Moved | None
) -> int:
    """Make and end seats as the SIS speaks today; LMS seats are not its matter.

    A learner the SIS names no more is leaving: for the days of grace nothing lists
    her any more, but she may open her own pages. Any other role ends at once, since
    it shows what others did.

    moved: whose seats are looked at, beside those whose enrolments begin or end with
    the days that passed; None looks at all.
    """
    if moved is None or days.since is None:
        return _follow(connection, source_id, days, is_whole=True)
    chosen = list(_choose(connection, source_id, days, moved))
    if not chosen:
        return 0
    _LOOKED_AT.create(connection, checkfirst=False)
    connection.execute(insert(_LOOKED_AT), chosen)
    written = _follow(connection, source_id, days, is_whole=False)
    _LOOKED_AT.drop(connection, checkfirst=False)
    return written


def _follow(
    connection: Connection, source_id: int, days: Days, *, is_whole: bool
) -> int:
    everywhere = _seated(source_id, days.today)
    seated: Select[Any] | CompoundSelect[Any] = everywhere
    gone = _gone(source_id)
    if not is_whole:
        # Each by its own index, which one question with "or" would not use.
        seated = everywhere.where(sis_user.c.person_id.in_(_looked_at("person"))).union(
            everywhere.where(course.c.id.in_(_looked_at("course")))
        )
        gone = gone.where(
            or_(
                seat.c.person_id.in_(_looked_at("person")),
                seat.c.course_id.in_(_looked_at("course")),
            )
        )
    _SEATED.create(connection, checkfirst=False)
    connection.execute(insert(_SEATED).from_select(_SEATED.columns.keys(), seated))
    written = _make_seats(connection)
    if days.grace_days:
        closes_on = days.today + timedelta(days=days.grace_days)
        written += connection.execute(
            gone.where(seat.c.role == "learner").values(
                status="leaving", closes_on=closes_on
            )
        ).rowcount
    ended = gone.values(status="ended", closes_on=None)
    written += connection.execute(ended).rowcount
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
            set_={"status": "active", "origin": "sis", "closes_on": None},
            where=or_(seat.c.status != "active", seat.c.origin != "sis"),
        )
    ).rowcount


def _looked_at(kind: str) -> Select[Any]:
    return select(_LOOKED_AT.c.id).where(_LOOKED_AT.c.kind == kind)


def _choose(
    connection: Connection, source_id: int, days: Days, moved: Moved
) -> Iterator[dict[str, Any]]:
    """Yield the people and courses whose seats may move, each once."""
    users = moved.users
    if days.since != days.today:
        users |= set(_turned(connection, source_id, days))
    known = select(sis_user.c.person_id).where(sis_user.c.source_id == source_id)
    for one in _found(connection, known, sis_user.c.sourced_id, users):
        yield {"kind": "person", "id": one}
    known = select(course.c.id).join(sis_class, sis_class.c.id == course.c.sis_class_id)
    known = known.where(sis_class.c.source_id == source_id)
    for one in _found(connection, known, sis_class.c.sourced_id, moved.classes):
        yield {"kind": "course", "id": one}


def _turned(connection: Connection, source_id: int, days: Days) -> ScalarResult[str]:
    """The users of whom an enrolment began or ended with the days that passed."""
    return connection.scalars(
        select(enrollment.c.user_sourced_id).where(
            enrollment.c.source_id == source_id,
            or_(
                *(
                    and_(one > days.since, one <= days.today)
                    for one in (enrollment.c.begins_on, enrollment.c.ends_on)
                )
            ),
        )
    )


def _found(
    connection: Connection,
    known: Select[Any],
    named: ColumnElement[str],
    sourced_ids: Collection[str],
) -> set[int]:
    names = sorted(sourced_ids)
    batches = (names[start:][:_BATCH] for start in range(0, len(names), _BATCH))
    found = {
        one
        for batch in batches
        for one in connection.scalars(known.where(named.in_(batch)))
    }
    return found - {None}


def _gone(source_id: int) -> Update:
    """The active seats of a source's classes that the SIS names no more."""
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
    return update(seat).where(
        seat.c.course_id.in_(mine),
        seat.c.origin == "sis",
        seat.c.status == "active",
        ~kept,
    )


def close_leaving(session: Session, *, today: date) -> int:
    """End the seats whose grace is over, and the visits they held open.

    Returns how many seats ended. May be run again; meant for every day.
    """
    ended = session.execute(
        update(seat)
        .where(seat.c.status == "leaving", seat.c.closes_on <= today)
        .values(status="ended", closes_on=None)
        .returning(seat.c.person_id, seat.c.course_id)
    ).all()
    for start in range(0, len(ended), _BATCH):
        gone = ended[start : start + _BATCH]
        session.execute(
            delete(web_session).where(
                tuple_(web_session.c.person_id, web_session.c.course_id).in_(
                    [(row.person_id, row.course_id) for row in gone]
                ),
                web_session.c.role == "learner",
            )
        )
    return len(ended)
