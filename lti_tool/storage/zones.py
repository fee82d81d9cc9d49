"""Where a course is, by the clock: the time zone its school's source is set to."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Select, select

from lti_tool.storage.schema import course, sis_class, sis_user, source
from lti_tool.storage.session import Session


def load_zone(session: Session, course_id: int) -> tzinfo:
    """Return the time zone of a course's school; UTC where none was chosen."""
    return _first(
        session,
        select(source.c.settings)
        .join(sis_class, sis_class.c.source_id == source.c.id)
        .join(course, course.c.sis_class_id == sis_class.c.id)
        .where(course.c.id == course_id),
    )


def load_zone_of_person(session: Session, person_id: int) -> tzinfo:
    """Return the time zone of a person's school; UTC where none was chosen."""
    return _first(
        session,
        select(source.c.settings)
        .join(sis_user, sis_user.c.source_id == source.c.id)
        .where(sis_user.c.person_id == person_id)
        .order_by(sis_user.c.id)
        .limit(1),
    )


def _first(session: Session, found: Select[Any]) -> tzinfo:
    settings = session.scalar(found) or {}
    name = (settings.get("schedule") or {}).get("time_zone")
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
