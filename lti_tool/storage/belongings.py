"""What belongs to people: accounts, seats, scores, levels, deliveries; many at once.

For people who turn out to be one, and for taking that back: work.merging decides,
here is what it reads and writes. The number of statements grows with the hundreds of
people, not with the people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Select, and_, bindparam, delete, insert, select, update

from lti_tool.storage.database import rows
from lti_tool.storage.outbox import is_same_key
from lti_tool.storage.schema import (
    alignment,
    assignment,
    attainment,
    course,
    delivery,
    enrollment,
    lms_user,
    score,
    seat,
    sis_class,
    sis_user,
    web_session,
)
from lti_tool.storage.seats import SEAT_ROLES
from lti_tool.storage.session import Session

_BATCH: Final = 500
_T = TypeVar("_T")


class SeatKey(NamedTuple):
    """Who sits where as what."""

    person_id: int
    course_id: int
    role: str


@dataclass(frozen=True, slots=True)
class SeatFacts:
    """How a seat stands."""

    status: str
    origin: str
    closes_on: date | None


class Place(NamedTuple):
    """A course and a role in it."""

    course_id: int
    role: str


def _batches(ids: Collection[_T]) -> Iterator[list[_T]]:
    several = list(ids)
    for start in range(0, len(several), _BATCH):
        yield several[start : start + _BATCH]


def load_sis_accounts(
    session: Session, people: Collection[int]
) -> list[tuple[int, int]]:
    """Return (sis_user, person) of people."""
    return [
        (row.id, row.person_id)
        for some in _batches(people)
        for row in session.execute(
            select(sis_user.c.id, sis_user.c.person_id)
            .where(sis_user.c.person_id.in_(some))
            .order_by(sis_user.c.id)
        )
    ]


def load_lms_accounts(
    session: Session, people: Collection[int]
) -> list[dict[str, Any]]:
    """Return the LMS users of people: id, person_id, lis_person_sourcedid, rule."""
    return [
        row
        for some in _batches(people)
        for row in rows(
            session,
            select(
                lms_user.c.id,
                lms_user.c.person_id,
                lms_user.c.lis_person_sourcedid,
                lms_user.c.link_rule,
            )
            .where(lms_user.c.person_id.in_(some))
            .order_by(lms_user.c.id),
        )
    ]


def load_places(
    session: Session, sis_users: Collection[int]
) -> dict[int, dict[Place, bool]]:
    """Return where each SIS user is enrolled, and whether she still is."""
    found: dict[int, dict[Place, bool]] = {}
    for some in _batches(sis_users):
        for user, course_id, role, status in session.execute(_enrolled(some)):
            if role in SEAT_ROLES:
                places = found.setdefault(user, {})
                place = Place(course_id, SEAT_ROLES[role])
                places[place] = places.get(place, False) or status == "active"
    return found


def _enrolled(sis_users: Sequence[int]) -> Select[Any]:
    return (
        select(sis_user.c.id, course.c.id, enrollment.c.role, enrollment.c.status)
        .select_from(sis_user)
        .join(
            enrollment,
            and_(
                enrollment.c.source_id == sis_user.c.source_id,
                enrollment.c.user_sourced_id == sis_user.c.sourced_id,
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
        .where(sis_user.c.id.in_(sis_users))
    )


def load_seats(session: Session, people: Collection[int]) -> dict[SeatKey, SeatFacts]:
    """Return every seat of people."""
    return {
        SeatKey(row.person_id, row.course_id, row.role): SeatFacts(
            row.status, row.origin, row.closes_on
        )
        for some in _batches(people)
        for row in session.execute(select(seat).where(seat.c.person_id.in_(some)))
    }


_SEAT_NAMED: Final = and_(
    seat.c.person_id == bindparam("of_person"),
    seat.c.course_id == bindparam("of_course"),
    seat.c.role == bindparam("of_role"),
)

_NEW_FACTS: Final[dict[str, Any]] = {
    name: bindparam(f"new_{name}") for name in SeatFacts.__slots__
}


def save_seats(
    session: Session,
    old: Mapping[SeatKey, SeatFacts],
    new: Mapping[SeatKey, SeatFacts],
) -> None:
    """Bring seats from how they were to how they are to be."""
    gone = [key for key in old if key not in new]
    changed = {key: facts for key, facts in new.items() if old.get(key) != facts}
    added = [key for key in changed if key not in old]
    connection = session.connection()
    if gone:
        connection.execute(delete(seat).where(_SEAT_NAMED), [*map(_named, gone)])
    if added:
        values = [{**key._asdict(), **_facts(changed[key])} for key in added]
        connection.execute(insert(seat), values)
    moved = [
        _named(key) | {f"new_{name}": one for name, one in _facts(facts).items()}
        for key, facts in changed.items()
        if key in old
    ]
    if moved:
        connection.execute(update(seat).where(_SEAT_NAMED).values(_NEW_FACTS), moved)


def _named(key: SeatKey) -> dict[str, Any]:
    return {
        "of_person": key.person_id,
        "of_course": key.course_id,
        "of_role": key.role,
    }


def _facts(one: SeatFacts) -> dict[str, Any]:
    return {name: getattr(one, name) for name in SeatFacts.__slots__}


def give_sis_users(session: Session, moves: Sequence[tuple[int, int]]) -> None:
    """Let each SIS user be this person: (sis_user, person). Her scores follow."""
    if not moves:
        return
    session.connection().execute(
        update(sis_user)
        .where(sis_user.c.id == bindparam("user"))
        .values(person_id=bindparam("person")),
        [{"user": user, "person": person} for user, person in moves],
    )
    for some in _batches([user for user, _person in moves]):
        session.execute(
            update(score)
            .where(
                sis_user.c.id.in_(some),
                score.c.source_id == sis_user.c.source_id,
                score.c.student_sourced_id == sis_user.c.sourced_id,
                score.c.person_id.is_distinct_from(sis_user.c.person_id),
            )
            .values(person_id=sis_user.c.person_id)
        )


def give_lms_users(session: Session, moves: Sequence[tuple[int, int]]) -> None:
    """Let each LMS user be this person: (lms_user, person). Her visits go on so."""
    if not moves:
        return
    values = [{"user": user, "person": person} for user, person in moves]
    for table, key in (
        (lms_user, lms_user.c.id),
        (web_session, web_session.c.lms_user_id),
    ):
        session.connection().execute(
            update(table)
            .where(key == bindparam("user"))
            .values(person_id=bindparam("person")),
            values,
        )


def load_work_courses(session: Session, sis_users: Collection[int]) -> set[int]:
    """Return the courses in which the scores of SIS users speak."""
    found: set[int] = set()
    for some in _batches(sis_users):
        found.update(
            session.scalars(
                select(alignment.c.course_id)
                .distinct()
                .select_from(sis_user)
                .join(
                    score,
                    and_(
                        score.c.source_id == sis_user.c.source_id,
                        score.c.student_sourced_id == sis_user.c.sourced_id,
                    ),
                )
                .join(assignment, assignment.c.id == score.c.assignment_id)
                .join(alignment, alignment.c.assignment_id == assignment.c.id)
                .where(sis_user.c.id.in_(some))
            )
        )
    return found


class LevelKey(NamedTuple):
    """Whose level, in which course, of which competency."""

    person_id: int
    course_id: int
    competency_id: int


def load_levels(session: Session, people: Collection[int]) -> dict[LevelKey, int]:
    """Return the attainments of people: our id by whose, where and of what."""
    return {
        LevelKey(row.person_id, row.course_id, row.competency_id): row.id
        for some in _batches(people)
        for row in session.execute(
            select(
                attainment.c.id,
                attainment.c.person_id,
                attainment.c.course_id,
                attainment.c.competency_id,
            ).where(attainment.c.person_id.in_(some))
        )
    }


def move_levels(session: Session, moves: Sequence[tuple[int, int]]) -> None:
    """Let each attainment be this person's: (attainment, person)."""
    if moves:
        session.connection().execute(
            update(attainment)
            .where(attainment.c.id == bindparam("row"))
            .values(person_id=bindparam("person")),
            [{"row": row, "person": person} for row, person in moves],
        )


def drop_levels(session: Session, ids: Collection[int]) -> None:
    """Drop attainments that a refresh makes anew for whom they are true of."""
    for some in _batches(ids):
        session.execute(delete(attainment).where(attainment.c.id.in_(some)))


def move_deliveries(
    session: Session, old: int, new: int, courses: Collection[int]
) -> None:
    """Let what was told of a person in courses have been told of another.

    What waits to be told of both waits once: the other's own stays.
    """
    mine, theirs = delivery.alias("mine"), delivery.alias("theirs")
    both = (
        select(theirs.c.id)
        .where(
            theirs.c.person_id == new,
            theirs.c.state == "pending",
            theirs.c.destination == mine.c.destination,
            theirs.c.course_id == mine.c.course_id,
            theirs.c.competency_id.is_not_distinct_from(mine.c.competency_id),
        )
        .correlate(mine)
        .exists()
    )
    for some in _batches(sorted(courses)):
        held = and_(delivery.c.person_id == old, delivery.c.course_id.in_(some))
        twice = select(mine.c.id).where(
            mine.c.person_id == old, mine.c.state == "pending", both
        )
        session.execute(
            update(delivery)
            .where(held, delivery.c.id.in_(twice))
            .values(state="superseded")
        )
        session.execute(update(delivery).where(held).values(person_id=new))


def told_of(session: Session, people: Collection[int]) -> set[int]:
    """Return those of people of whom anything was told, or waits to be."""
    return {
        person_id
        for some in _batches(people)
        for person_id in session.scalars(
            select(delivery.c.person_id)
            .distinct()
            .where(delivery.c.person_id.in_(some))
        )
    }


def load_deliveries(
    session: Session, person_id: int, courses: Collection[int]
) -> list[tuple[int, str]]:
    """Return (delivery, state) of what was told of a person in courses."""
    return [
        (row.id, row.state)
        for some in _batches(sorted(courses))
        for row in session.execute(
            select(delivery.c.id, delivery.c.state).where(
                delivery.c.person_id == person_id, delivery.c.course_id.in_(some)
            )
        )
    ]


def give_back_deliveries(session: Session, ids: Collection[int], person: int) -> None:
    """Let deliveries have been told of this person again."""
    for some in _batches(ids):
        session.execute(
            update(delivery).where(delivery.c.id.in_(some)).values(person_id=person)
        )


def revive_deliveries(session: Session, ids: Collection[int]) -> None:
    """Let deliveries wait again that were put aside, where nothing newer waits."""
    newer = delivery.alias("newer")
    waits = (
        select(newer.c.id)
        .where(
            newer.c.state == "pending",
            is_same_key(newer, delivery),
        )
        .correlate(delivery)
        .exists()
    )
    for some in _batches(ids):
        session.execute(
            update(delivery)
            .where(delivery.c.id.in_(some), delivery.c.state == "superseded", ~waits)
            .values(state="pending")
        )
