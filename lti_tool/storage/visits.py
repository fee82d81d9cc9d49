"""Who is in: a seat's session in one browser, found again by its public id.

A visit is worth nothing by its public id alone: the browser that opened it holds a
secret, and only the hash of that secret is kept here.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, bindparam, delete, insert, null, select, update

from lti_tool.storage import schema
from lti_tool.storage.session import Session

ABSOLUTE = timedelta(hours=8)
IDLE = timedelta(minutes=60)
# A page view is written down at most this often, so that reading stays reading.
TOUCH = timedelta(minutes=1)
# Ended visits stay a while: "your session ended" can then name the course.
REMEMBERED = timedelta(days=7)


def secret_hash(secret: str) -> str:
    """The form in which a random secret of ours is kept: SHA-256, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One person, in one course or none, in one role, from one launch."""

    person_id: int
    role: str
    course_id: int | None = None
    registration_id: int | None = None
    placement_id: int | None = None
    lms_user_id: int | None = None
    resource_link_id: int | None = None
    mentees: tuple[str, ...] = ()
    locale: str | None = None
    return_url: str | None = None
    deep_linking: dict[str, Any] | None = None
    review_person_id: int | None = None
    is_test_user: bool = False


# Every launch sends these: built once, they cost half of what they cost built anew.
_SEAT = schema.web_session
_END_OTHERS: Final = delete(_SEAT).where(
    _SEAT.c.browser_hash == bindparam("browser"),
    _SEAT.c.person_id == bindparam("person"),
    _SEAT.c.course_id.is_not_distinct_from(bindparam("course", type_=Integer)),
    _SEAT.c.role != bindparam("new_role"),
)
_FORGET: Final = delete(_SEAT).where(_SEAT.c.expires_at < bindparam("before"))
_OPEN: Final = insert(_SEAT)


def open_visit(
    session: Session, visit: Visit, *, browser_hash: str, now: datetime
) -> str:
    """Open a visit and return its public id.

    An earlier visit of the same person to the same course in this browser under
    another role ends with it.
    """
    session.execute(
        _END_OTHERS,
        {
            "browser": browser_hash,
            "person": visit.person_id,
            "course": visit.course_id,
            "new_role": visit.role,
        },
    )
    session.execute(_FORGET, {"before": now - REMEMBERED})
    public_id = secrets.token_urlsafe(16)
    values = {name: getattr(visit, name) for name in Visit.__slots__}
    session.execute(
        _OPEN,
        {
            **values,
            "mentees": list(visit.mentees),
            "public_id": public_id,
            "browser_hash": browser_hash,
            "csrf": secrets.token_urlsafe(24),
            "created_at": now,
            "seen_at": now,
            "expires_at": now + ABSOLUTE,
        },
    )
    return public_id


def branch_visit(
    session: Session, visit: dict[str, Any], *, browser_hash: str, now: datetime
) -> str:
    """Open a second visit with the rights of one, for another tab; gives its public id.

    It ends when the first would at the latest, and has nothing to answer.
    """
    table = schema.web_session
    kept = {column.name: visit[column.name] for column in table.c}
    del kept["id"]
    public_id = secrets.token_urlsafe(16)
    session.execute(
        insert(table).values(
            **kept
            | {
                "public_id": public_id,
                "browser_hash": browser_hash,
                "csrf": secrets.token_urlsafe(24),
                "created_at": now,
                "seen_at": now,
                "deep_linking": null(),
            }
        )
    )
    return public_id


def find_visit(session: Session, public_id: str) -> dict[str, Any] | None:
    """Return the visit with its course's title and where it came from, or None.

    Whether it is alive and whose browser asks is for the caller to check.
    """
    registration, placement = schema.registration, schema.placement
    deployment = schema.deployment
    found = session.execute(
        select(
            schema.web_session,
            schema.course.c.title.label("course_title"),
            registration.c.name.label("platform_name"),
            registration.c.issuer,
            registration.c.auth_url,
            registration.c.vendor,
            registration.c.extra_origins,
            registration.c.status.label("registration_status"),
            deployment.c.status.label("deployment_status"),
        )
        .outerjoin(schema.course, schema.course.c.id == schema.web_session.c.course_id)
        .outerjoin(
            registration, registration.c.id == schema.web_session.c.registration_id
        )
        .outerjoin(placement, placement.c.id == schema.web_session.c.placement_id)
        .outerjoin(deployment, deployment.c.id == placement.c.deployment_id)
        .where(schema.web_session.c.public_id == public_id)
    ).mappings()
    row = found.first()
    return dict(row) if row else None


def is_alive(visit: dict[str, Any], now: datetime) -> bool:
    """Tell whether a visit is within its 8 hours and its 60 idle minutes."""
    return bool(now < visit["expires_at"] and now < visit["seen_at"] + IDLE)


def is_worth_touching(visit: dict[str, Any], now: datetime) -> bool:
    """Tell whether the last time seen is old enough to be written anew."""
    return bool(now >= visit["seen_at"] + TOUCH)


def touch_visit(session: Session, visit_id: int, now: datetime) -> None:
    """Write down that the visit was used at now."""
    session.execute(
        update(schema.web_session)
        .where(schema.web_session.c.id == visit_id)
        .values(seen_at=now)
    )


def speak(session: Session, visit_id: int, locale: str) -> None:
    """Let the pages of a visit speak another language from now on."""
    session.execute(
        update(schema.web_session)
        .where(schema.web_session.c.id == visit_id)
        .values(locale=locale)
    )


def find_deep_linking(session: Session, visit_id: int) -> dict[str, Any] | None:
    """Return what a visit's launch asked to be brought; None when it is answered."""
    table = schema.web_session
    return session.scalar(select(table.c.deep_linking).where(table.c.id == visit_id))


def close_deep_linking(session: Session, visit_id: int) -> bool:
    """Forget what a visit's launch asked for: it is answered.

    Returns whether it still waited; of two answers at a time one is told so.
    """
    table = schema.web_session
    closed = session.execute(
        update(table)
        .where(table.c.id == visit_id, table.c.deep_linking.is_not(null()))
        .values(deep_linking=null())
        .returning(table.c.id)
    )
    return closed.first() is not None


def end_visits(session: Session, lms_user_id: int, course_id: int) -> int:
    """End an LMS user's visits to a course, as when its roster no longer has her.

    Returns the number of visits ended.
    """
    table = schema.web_session
    ended = session.execute(
        delete(table)
        .where(table.c.lms_user_id == lms_user_id, table.c.course_id == course_id)
        .returning(table.c.id)
    )
    return len(ended.all())
