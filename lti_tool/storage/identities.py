"""LMS users, the people behind them, and the places they come from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    bindparam,
    case,
    func,
    insert,
    select,
    update,
)

from lti_tool.storage import schema
from lti_tool.storage.database import insert_of, rows
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsUser:
    """What a platform last said of a person; every name may be missing."""

    subject: str
    given_name: str | None = None
    family_name: str | None = None
    full_name: str | None = None
    email: str | None = None
    lis_person_sourcedid: str | None = None
    platform_user_id: str | None = None
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
    groups_url: str | None = None
    group_sets_url: str | None = None


def save_users(
    session: Session, registration_id: int, users: Sequence[LmsUser], *, now: datetime
) -> dict[str, dict[str, Any]]:
    """Write down what a platform says of users; returns their rows by subject.

    What it leaves unsaid this time stays as it was. Each subject stands in users
    once.
    """
    if not users:
        return {}
    saved = session.execute(
        _saving(session.get_bind().dialect.name),
        [
            {"registration_id": registration_id, "seen_at": now}
            | {name: getattr(user, name) for name in LmsUser.__slots__}
            for user in users
        ],
    )
    return {row["subject"]: dict(row) for row in saved.mappings()}


@cache
def _saving(dialect: str) -> Executable:
    """The statement of every launch: to build it costs more than to send it."""
    table = schema.lms_user
    into = insert_of(dialect, table)
    said: dict[str, Any] = {
        name: func.coalesce(into.excluded[name], table.c[name])
        for name in LmsUser.__slots__
        if name != "subject"
    }
    # A list may have been asked for before she launched.
    seen_at = into.excluded.seen_at
    said["seen_at"] = case((table.c.seen_at > seen_at, table.c.seen_at), else_=seen_at)
    return into.on_conflict_do_update(
        index_elements=["registration_id", "subject"], set_=said
    ).returning(table)


@dataclass(frozen=True, slots=True)
class Link:
    """Which person an LMS user is, and by which rule."""

    lms_user_id: int
    person_id: int
    rule: str
    confidence: float | None


def link_users(session: Session, links: Sequence[Link], *, now: datetime) -> None:
    """Say which person each LMS user is."""
    if not links:
        return
    table = schema.lms_user
    session.connection().execute(
        update(table)
        .where(table.c.id == bindparam("user"))
        .values(
            person_id=bindparam("person"),
            link_rule=bindparam("rule"),
            link_confidence=bindparam("confidence"),
            linked_at=now,
        ),
        [
            {
                "user": link.lms_user_id,
                "person": link.person_id,
                "rule": link.rule,
                "confidence": link.confidence,
            }
            for link in links
        ],
    )


def people_by_sourced_id(
    session: Session, sourced_ids: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """Active SIS users by exactly these sourcedIds: id, person_id, names."""
    return _sis_users(session, schema.sis_user.c.sourced_id, sourced_ids, "lis")


def people_by_identifier(
    session: Session, identifiers: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """Active SIS users by exactly these identifiers: id, person_id, names."""
    return _sis_users(session, schema.sis_user.c.identifier, identifiers, "sis_id")


def people_in_course(
    session: Session, course_id: int, role: str, *, registration_id: int
) -> list[dict[str, Any]]:
    """People the SIS seats in a course in a role and nobody of the LMS is yet.

    One row a name a person goes by: person_id, given_name, family_name.
    """
    asked = {"course": course_id, "role": role, "registration": registration_id}
    return [
        {name: value for name, value in row.items() if name != "settings"}
        for row in session.execute(_SEATED, asked).mappings()
        if _lets(row["settings"], "name_in_class")
    ]


def _lets(settings: Mapping[str, Any] | None, way: str) -> bool:
    """Tell whether a school lets people of its source be found that way.

    Source: lti_tool.work.source_settings; nothing said lets all of them.
    """
    chosen = ((settings or {}).get("matching") or {}).get("lms")
    return chosen is None or way in chosen


def _seated() -> Select[Any]:
    sis_user, seat, user = schema.sis_user, schema.seat, schema.lms_user
    taken = (
        select(user.c.person_id)
        .where(
            user.c.registration_id == bindparam("registration"),
            user.c.person_id.is_not(None),
            user.c.link_rule != "alone",
        )
        .scalar_subquery()
    )
    return (
        select(
            seat.c.person_id,
            sis_user.c.given_name,
            sis_user.c.family_name,
            sis_user.c.preferred_given_name,
            sis_user.c.preferred_family_name,
            schema.source.c.settings,
        )
        .join(sis_user, sis_user.c.person_id == seat.c.person_id)
        .join(schema.source, schema.source.c.id == sis_user.c.source_id)
        .where(
            seat.c.course_id == bindparam("course"),
            seat.c.role == bindparam("role"),
            seat.c.status == "active",
            sis_user.c.status == "active",
            seat.c.person_id.not_in(taken),
        )
    )


_SEATED: Final = _seated()


@dataclass(frozen=True, slots=True)
class Names:
    """What a person is called."""

    given_name: str
    family_name: str
    display_name: str

    def values(self) -> dict[str, str]:
        """As the columns of person."""
        return {name: getattr(self, name) for name in Names.__slots__}


def add_people(
    session: Session, people: Sequence[Names], *, now: datetime
) -> list[int]:
    """Add people; returns their ids, in order."""
    if not people:
        return []
    table = schema.person
    added = session.scalars(
        insert(table).returning(table.c.id, sort_by_parameter_order=True),
        [{**one.values(), "created_at": now} for one in people],
    )
    return list(added)


_RENAME: Final = (
    update(schema.person)
    .where(schema.person.c.id == bindparam("person"))
    .values({name: bindparam(f"new_{name}") for name in Names.__slots__})
)


def rename_people(session: Session, names: Mapping[int, Names]) -> None:
    """Write down what people are called now, by person id."""
    if not names:
        return
    session.connection().execute(
        _RENAME,
        [
            {"person": person_id}
            | {f"new_{name}": value for name, value in called.values().items()}
            for person_id, called in names.items()
        ],
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
    save_seats(session, course_id, [(person_id, role)])


def save_seats(
    session: Session, course_id: int, seats: Collection[tuple[int, str]]
) -> None:
    """Seat people in roles as the LMS says; a seat of the SIS stays the SIS's."""
    if not seats:
        return
    session.connection().execute(
        _seating(session.get_bind().dialect.name),
        [
            {
                "person_id": person_id,
                "course_id": course_id,
                "role": role,
                "status": "active",
                "origin": "lms",
            }
            for person_id, role in seats
        ],
    )


@cache
def _seating(dialect: str) -> Executable:
    table = schema.seat
    return insert_of(dialect, table).on_conflict_do_update(
        index_elements=["course_id", "person_id", "role"],
        set_={"status": "active"},
        where=(table.c.origin == "lms") & (table.c.status != "active"),
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
        select(user.c.id, user.c.subject, user.c.person_id, user.c.seen_at)
        .distinct()
        .join(seat, seat.c.person_id == user.c.person_id)
        .where(
            user.c.registration_id == registration_id,
            seat.c.course_id == course_id,
            seat.c.status == "active",
        ),
    )


def _sis_users(
    session: Session, named_by: ColumnElement[Any], names: Collection[str], way: str
) -> dict[str, list[dict[str, Any]]]:
    table = schema.sis_user
    found: dict[str, list[dict[str, Any]]] = {}
    if not names:
        return found
    statement = (
        select(
            named_by.label("named"),
            table.c.id,
            table.c.person_id,
            table.c.given_name,
            table.c.family_name,
            schema.source.c.settings,
        )
        .join(schema.source, schema.source.c.id == table.c.source_id)
        .where(named_by.in_(names), table.c.status == "active")
        .order_by(table.c.id)
    )
    for row in rows(session, statement):
        if _lets(row.pop("settings"), way):
            found.setdefault(row["named"], []).append(row)
    return found
