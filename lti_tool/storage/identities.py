"""LMS users, the people behind them, and the places they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from lti_tool.storage import schema
from lti_tool.storage.database import rows, upsert


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsUser:
    """What a platform last said of a person; every name may be missing."""

    subject: str
    given_name: str | None = None
    family_name: str | None = None
    full_name: str | None = None
    email: str | None = None
    lis_person_sourcedid: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a launch came from; context_id is '' when it named none."""

    deployment_id: int
    context_id: str
    title: str | None = None
    ags_line_items_url: str | None = None
    ags_scopes: tuple[str, ...] = ()
    nrps_url: str | None = None


def save_user(
    session: Session, registration_id: int, user: LmsUser, *, now: datetime
) -> dict[str, Any]:
    """Write down what a platform says of a user; returns the whole row.

    What it leaves unsaid this time stays as it was.
    """
    table = schema.lms_user
    values = {name: getattr(user, name) for name in LmsUser.__slots__}
    said = {name: value for name, value in values.items() if value is not None}
    saved = session.execute(
        upsert(session, table)
        .values(registration_id=registration_id, seen_at=now, **values)
        .on_conflict_do_update(
            index_elements=["registration_id", "subject"],
            set_={**said, "seen_at": now},
        )
        .returning(table)
    )
    return dict(saved.mappings().one())


def link_user(
    session: Session,
    lms_user_id: int,
    person_id: int,
    *,
    rule: str,
    confidence: float | None,
    now: datetime,
) -> None:
    """Say which person an LMS user is, and by which rule."""
    session.execute(
        update(schema.lms_user)
        .where(schema.lms_user.c.id == lms_user_id)
        .values(
            person_id=person_id,
            link_rule=rule,
            link_confidence=confidence,
            linked_at=now,
        )
    )


def move_to_person(session: Session, lms_user_id: int, old: int, new: int) -> None:
    """Let what an unmatched person had from the LMS belong to the match.

    Her visits go on as the new person; her seats of LMS origin go, unless another
    LMS user is that person too.
    """
    session.execute(
        update(schema.web_session)
        .where(schema.web_session.c.lms_user_id == lms_user_id)
        .values(person_id=new)
    )
    others = session.scalar(
        select(func.count())
        .select_from(schema.lms_user)
        .where(schema.lms_user.c.person_id == old, schema.lms_user.c.id != lms_user_id)
    )
    if not others:
        session.execute(
            delete(schema.seat).where(
                schema.seat.c.person_id == old, schema.seat.c.origin == "lms"
            )
        )


def people_by_sourced_id(session: Session, sourced_id: str) -> list[dict[str, Any]]:
    """SIS users with exactly this sourcedId: id, person_id, names."""
    return _sis_users(session, schema.sis_user.c.sourced_id == sourced_id)


def people_by_identifier(session: Session, identifier: str) -> list[dict[str, Any]]:
    """SIS users with exactly this identifier: id, person_id, names."""
    return _sis_users(session, schema.sis_user.c.identifier == identifier)


def people_in_course(
    session: Session, course_id: int, role: str, *, registration_id: int
) -> list[dict[str, Any]]:
    """People the SIS seats in a course in a role and nobody of the LMS is yet.

    One row a name a person goes by: person_id, given_name, family_name.
    """
    sis_user, seat = schema.sis_user, schema.seat
    taken = (
        select(schema.lms_user.c.person_id)
        .where(
            schema.lms_user.c.registration_id == registration_id,
            schema.lms_user.c.person_id.is_not(None),
            schema.lms_user.c.link_rule != "alone",
        )
        .scalar_subquery()
    )
    return rows(
        session,
        select(
            seat.c.person_id,
            sis_user.c.given_name,
            sis_user.c.family_name,
            sis_user.c.preferred_given_name,
            sis_user.c.preferred_family_name,
        )
        .join(sis_user, sis_user.c.person_id == seat.c.person_id)
        .where(
            seat.c.course_id == course_id,
            seat.c.role == role,
            seat.c.status == "active",
            sis_user.c.status == "active",
            seat.c.person_id.not_in(taken),
        ),
    )


def add_person(
    session: Session,
    *,
    given_name: str,
    family_name: str,
    display_name: str,
    now: datetime,
) -> int:
    """Add a person; returns the id."""
    table = schema.person
    added = session.scalar(
        insert(table)
        .values(
            given_name=given_name,
            family_name=family_name,
            display_name=display_name,
            created_at=now,
        )
        .returning(table.c.id)
    )
    return int(added or 0)


def rename_person(
    session: Session,
    person_id: int,
    *,
    given_name: str,
    family_name: str,
    display_name: str,
) -> None:
    """Write down what a person is called now."""
    session.execute(
        update(schema.person)
        .where(schema.person.c.id == person_id)
        .values(
            given_name=given_name, family_name=family_name, display_name=display_name
        )
    )


def give_person(session: Session, sis_user_id: int, person_id: int) -> None:
    """Say that a SIS user without a person is this one."""
    session.execute(
        update(schema.sis_user)
        .where(schema.sis_user.c.id == sis_user_id)
        .values(person_id=person_id)
    )


def waiting_users(session: Session) -> list[dict[str, Any]]:
    """LMS users nobody in the SIS matched so far, with their seats' course and role."""
    seat = schema.seat
    return rows(
        session,
        select(schema.lms_user, seat.c.course_id, seat.c.role)
        .outerjoin(seat, seat.c.person_id == schema.lms_user.c.person_id)
        .where(schema.lms_user.c.link_rule == "alone")
        .order_by(schema.lms_user.c.id, seat.c.id),
    )


def save_seat(session: Session, person_id: int, course_id: int, role: str) -> None:
    """Seat a person as the LMS says; a seat of the SIS stays the SIS's."""
    table = schema.seat
    insertion = upsert(session, table).values(
        person_id=person_id,
        course_id=course_id,
        role=role,
        status="active",
        origin="lms",
    )
    session.execute(
        insertion.on_conflict_do_update(
            index_elements=["course_id", "person_id", "role"],
            set_={"status": "active"},
            where=(table.c.origin == "lms") & (table.c.status != "active"),
        )
    )


def end_seats(session: Session, course_id: int, people: Sequence[int]) -> int:
    """End the seats of LMS origin that people hold in a course; returns how many."""
    table = schema.seat
    ended = session.execute(
        update(table)
        .where(
            table.c.course_id == course_id,
            table.c.person_id.in_(people),
            table.c.origin == "lms",
            table.c.status == "active",
        )
        .values(status="ended")
        .returning(table.c.id)
    )
    return len(ended.all())


def users_in_course(
    session: Session, course_id: int, registration_id: int
) -> list[dict[str, Any]]:
    """LMS users of a registration whose person has an active seat in a course."""
    user, seat = schema.lms_user, schema.seat
    return rows(
        session,
        select(user.c.id, user.c.subject, user.c.person_id)
        .distinct()
        .join(seat, seat.c.person_id == user.c.person_id)
        .where(
            user.c.registration_id == registration_id,
            seat.c.course_id == course_id,
            seat.c.status == "active",
        ),
    )


def _sis_users(
    session: Session, condition: ColumnElement[bool]
) -> list[dict[str, Any]]:
    table = schema.sis_user
    return rows(
        session,
        select(
            table.c.id,
            table.c.person_id,
            table.c.given_name,
            table.c.family_name,
        )
        .where(condition, table.c.status == "active")
        .order_by(table.c.id),
    )
