"""Accounts of SIS and LMS with what an administrator needs to tell them apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, select

from lti_tool.storage.database import rows
from lti_tool.storage.links import LMS, SIS
from lti_tool.storage.schema import (
    course,
    enrollment,
    lms_user,
    org,
    registration,
    seat,
    sis_class,
    sis_user,
    source,
)
from lti_tool.storage.session import Session

_CLASSES: Final = 4  # named of an account; the others are counted


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a SIS or an LMS, as far as an administrator needs to see it."""

    kind: str
    id: int
    person_id: int | None
    system: str
    name: str
    their_id: str
    identifier: str | None
    login: str | None
    email: str | None  # masked
    roles: tuple[tuple[str, str], ...]  # (role, school)
    classes: tuple[str, ...]
    class_count: int
    is_active: bool
    rule: str | None = None


def real(ids: Iterable[int | None]) -> list[int]:
    """The ids that are there, each once."""
    return sorted({one for one in ids if one})


def load_sis(session: Session, which: ColumnElement[bool]) -> list[Account]:
    """Return SIS accounts with their facts, oldest first."""
    found = rows(
        session,
        select(sis_user, source.c.name.label("system"))
        .join(source, source.c.id == sis_user.c.source_id)
        .where(which)
        .order_by(sis_user.c.id),
    )
    classes = _classes_of(session, [one["id"] for one in found])
    schools = _schools(session, found)
    return [
        Account(
            kind=SIS,
            id=one["id"],
            person_id=one["person_id"],
            system=one["system"],
            name=f"{one['given_name']} {one['family_name']}".strip(),
            their_id=one["sourced_id"],
            identifier=one["identifier"],
            login=one["username"],
            email=masked(one["email"]),
            roles=tuple(
                (
                    str(role.get("role") or ""),
                    schools.get((one["source_id"], role.get("org")), role.get("org"))
                    or "",
                )
                for role in one["roles"] or ()
            ),
            classes=tuple(classes.get(one["id"], ())[:_CLASSES]),
            class_count=len(classes.get(one["id"], ())),
            is_active=one["status"] == "active",
        )
        for one in found
    ]


def _classes_of(session: Session, users: Collection[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if not users:
        return found
    statement = (
        select(sis_user.c.id, sis_class.c.title)
        .distinct()
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
        .where(sis_user.c.id.in_(users), enrollment.c.status == "active")
        .order_by(sis_class.c.title)
    )
    for user, title in session.execute(statement):
        found.setdefault(user, []).append(title)
    return found


def _schools(
    session: Session, users: Sequence[dict[str, Any]]
) -> dict[tuple[int, Any], str]:
    names = {role.get("org") for one in users for role in one["roles"] or ()}
    found = session.execute(
        select(org.c.source_id, org.c.sourced_id, org.c.name).where(
            org.c.sourced_id.in_(sorted(filter(None, names)))
        )
    )
    return {(row[0], row[1]): row[2] for row in found}


def load_lms(session: Session, which: ColumnElement[bool]) -> list[Account]:
    """Return LMS accounts with their facts, oldest first."""
    found = rows(
        session,
        select(lms_user, registration.c.name.label("system"))
        .join(registration, registration.c.id == lms_user.c.registration_id)
        .where(which)
        .order_by(lms_user.c.id),
    )
    seats: dict[int, list[tuple[str, str]]] = {}
    for who, role, title in session.execute(
        select(seat.c.person_id, seat.c.role, course.c.title)
        .join(course, course.c.id == seat.c.course_id)
        .where(
            seat.c.person_id.in_(real(one["person_id"] for one in found)),
            seat.c.status == "active",
        )
        .order_by(course.c.title)
    ):
        seats.setdefault(who, []).append((role, title))
    return [_lms_account(one, seats.get(one["person_id"], [])) for one in found]


def _lms_account(one: dict[str, Any], seats: list[tuple[str, str]]) -> Account:
    parts = (one["given_name"], one["family_name"])
    titles = list(dict.fromkeys(title for _role, title in seats))
    return Account(
        kind=LMS,
        id=one["id"],
        person_id=one["person_id"],
        system=one["system"],
        name=one["full_name"] or " ".join(filter(None, parts)),
        their_id=one["subject"],
        identifier=one["lis_person_sourcedid"],
        login=None,
        email=masked(one["email"]),
        roles=tuple((role, "") for role in sorted({role for role, _title in seats})),
        classes=tuple(titles[:_CLASSES]),
        class_count=len(titles),
        is_active=True,
        rule=one["link_rule"],
    )


def masked(email: str | None) -> str | None:
    """An e-mail address by its first letter and its domain; it joins nobody."""
    if not email or "@" not in email:
        return None
    name, _at, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}"
