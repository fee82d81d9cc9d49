"""Who is in: a seat's session in one browser, found again by its public id.

A visit is worth nothing by its public id alone: the browser that opened it holds a
secret, and only the hash of that secret is kept here.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, null, select, update
from sqlalchemy.orm import Session

from lti_tool.storage import schema

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
    mentees: tuple[str, ...] = ()
    locale: str | None = None
    return_url: str | None = None
    deep_linking: dict[str, Any] | None = None


def open_visit(
    session: Session, visit: Visit, *, browser_hash: str, now: datetime
) -> str:
    """Open a visit and return its public id.

    An earlier visit of the same person to the same course in this browser under
    another role ends with it.
    """
    table = schema.web_session
    session.execute(
        delete(table).where(
            table.c.browser_hash == browser_hash,
            table.c.person_id == visit.person_id,
            table.c.course_id.is_not_distinct_from(visit.course_id),
            table.c.role != visit.role,
        )
    )
    session.execute(delete(table).where(table.c.expires_at < now - REMEMBERED))
    public_id = secrets.token_urlsafe(16)
    session.execute(
        insert(table).values(
            **{**asdict(visit), "mentees": list(visit.mentees)},
            public_id=public_id,
            browser_hash=browser_hash,
            csrf=secrets.token_urlsafe(24),
            created_at=now,
            seen_at=now,
            expires_at=now + ABSOLUTE,
        )
    )
    return public_id


def find_visit(session: Session, public_id: str) -> dict[str, Any] | None:
    """Return the visit with its course's title and its registration, or None.

    Whether it is alive and whose browser asks is for the caller to check.
    """
    registration = schema.registration
    found = session.execute(
        select(
            schema.web_session,
            schema.course.c.title.label("course_title"),
            registration.c.name.label("platform_name"),
            registration.c.issuer,
            registration.c.auth_url,
            registration.c.vendor,
            registration.c.status.label("registration_status"),
        )
        .outerjoin(schema.course, schema.course.c.id == schema.web_session.c.course_id)
        .outerjoin(
            registration, registration.c.id == schema.web_session.c.registration_id
        )
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
