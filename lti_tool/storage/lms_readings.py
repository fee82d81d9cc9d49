"""Which courses of which platforms are read, how far, and how the last reading went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, case, func, or_, select, true, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows, upsert
from lti_tool.storage.evidence import put_change
from lti_tool.storage.schema import (
    competency,
    course,
    deployment,
    line_item,
    lms_reading,
    placement,
    registration,
    resource_link,
)
from lti_tool.storage.session import Session

WAITING: Final = "waiting"
READING: Final = "reading"
READ: Final = "read"
FAILED: Final = "failed"
# A reading whose worker died is begun anew after so long.
LEASE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Reading:
    """A course of a platform, as far as its grades are read.

    Attributes:
        context_id: what the platform calls the course; services_url: where LTI's
            services of it are.
        has_token: whether there is an address and a token to read with.
        is_read: whether an administrator lets the platform be read; is_on: whether the
            course is.
        status: waiting, reading, read, failed; None before the first.
        found: the counts of the last reading, and whole_at, when all of it was read.
        code, fault: why the last one failed, in the other system's words.
    """

    placement_id: int
    registration_id: int
    platform: str
    vendor: str
    context_id: str
    services_url: str | None
    course_id: int | None
    course: str | None
    title: str | None
    is_active: bool
    has_token: bool
    is_read: bool
    is_on: bool
    status: str | None
    cursor_at: datetime | None
    found: Mapping[str, Any] | None
    code: str | None
    fault: str | None
    ordered_by: str | None
    ordered_at: datetime | None
    started_at: datetime | None
    read_at: datetime | None

    @property
    def can_read(self) -> bool:
        """Tell whether this course may be read, and could."""
        is_let = self.is_active and self.is_read and self.is_on
        return is_let and self.has_token and self.course_id is not None


def _readings() -> Select[Any]:
    return (
        select(
            placement.c.id.label("placement_id"),
            registration.c.id.label("registration_id"),
            registration.c.name.label("platform"),
            registration.c.vendor,
            placement.c.context_id,
            func.coalesce(placement.c.nrps_url, placement.c.ags_line_items_url).label(
                "services_url"
            ),
            placement.c.course_id,
            course.c.title.label("course"),
            placement.c.title,
            and_(
                registration.c.status == "active", deployment.c.status == "active"
            ).label("is_active"),
            and_(
                registration.c.outcomes_url.is_not(None),
                registration.c.outcomes_token.is_not(None),
            ).label("has_token"),
            registration.c.is_read,
            func.coalesce(lms_reading.c.is_on, true()).label("is_on"),
            lms_reading.c.status,
            lms_reading.c.cursor_at,
            lms_reading.c.found,
            lms_reading.c.code,
            lms_reading.c.fault,
            lms_reading.c.ordered_by,
            lms_reading.c.ordered_at,
            lms_reading.c.started_at,
            lms_reading.c.read_at,
        )
        .select_from(placement)
        .join(deployment, deployment.c.id == placement.c.deployment_id)
        .join(registration, registration.c.id == deployment.c.registration_id)
        .outerjoin(course, course.c.id == placement.c.course_id)
        .outerjoin(lms_reading, lms_reading.c.placement_id == placement.c.id)
        .where(placement.c.context_id != "")
    )


def _found(session: Session, statement: Select[Any]) -> list[Reading]:
    return [Reading(**row) for row in rows(session, statement)]


def load_reading(session: Session, placement_id: int) -> Reading:
    """Return how far a placement is read.

    Raises:
        NotFoundError: there is none of this id, or it is no course.
    """
    found = _found(session, _readings().where(placement.c.id == placement_id))
    if not found:
        raise NotFoundError(f"no course of a platform has the placement {placement_id}")
    return found[0]


def load_of_course(session: Session, course_id: int) -> list[Reading]:
    """Return the places of a course in its platforms, latest launched first."""
    return _found(
        session,
        _readings()
        .where(placement.c.course_id == course_id)
        .order_by(placement.c.seen_at.desc(), placement.c.id.desc()),
    )


def load_of_platform(session: Session, registration_id: int) -> list[Reading]:
    """Return the courses of a platform, those that failed first, by title."""
    return _found(
        session,
        _readings()
        .where(registration.c.id == registration_id, placement.c.course_id.is_not(None))
        .order_by(
            case((lms_reading.c.status == FAILED, 0), else_=1),
            course.c.title,
            placement.c.id,
        ),
    )


def load_due(session: Session, *, launched_after: datetime) -> list[int]:
    """Return the placements in use that are read at night, longest unread first."""
    found = session.scalars(
        _readings()
        .with_only_columns(placement.c.id)
        .where(
            registration.c.status == "active",
            deployment.c.status == "active",
            registration.c.is_read,
            registration.c.outcomes_url.is_not(None),
            registration.c.outcomes_token.is_not(None),
            func.coalesce(lms_reading.c.is_on, true()),
            course.c.status == "active",
            placement.c.seen_at > launched_after,
        )
        .order_by(lms_reading.c.read_at, placement.c.id)
    )
    return list(found)


def load_ordered(session: Session, *, now: datetime) -> list[int]:
    """Return the placements somebody waits for, those given up by a worker too."""
    is_lost = and_(
        lms_reading.c.status == READING, lms_reading.c.started_at < now - LEASE
    )
    return list(
        session.scalars(
            select(lms_reading.c.placement_id)
            .where(or_(lms_reading.c.status == WAITING, is_lost))
            .order_by(lms_reading.c.ordered_at, lms_reading.c.id)
        )
    )


def order(session: Session, placement_id: int, *, who: str, now: datetime) -> bool:
    """Write down that a course is to be read; False if it is being read, or waits."""
    _ensure(session, placement_id, who, now)
    is_lost = and_(
        lms_reading.c.status == READING, lms_reading.c.started_at < now - LEASE
    )
    ordered = session.execute(
        update(lms_reading)
        .where(
            lms_reading.c.placement_id == placement_id,
            or_(lms_reading.c.status.not_in([WAITING, READING]), is_lost),
        )
        .values(status=WAITING, ordered_by=who, ordered_at=now)
    )
    return ordered.rowcount == 1


def begin(session: Session, placement_id: int, *, who: str, now: datetime) -> bool:
    """Take a course to read it; False if another worker reads it just now.

    Who ordered it stays, if anybody did.
    """
    _ensure(session, placement_id, who, now)
    taken = session.execute(
        update(lms_reading)
        .where(
            lms_reading.c.placement_id == placement_id,
            or_(
                lms_reading.c.status != READING,
                lms_reading.c.started_at.is_(None),
                lms_reading.c.started_at < now - LEASE,
            ),
        )
        .values(status=READING, started_at=now)
    )
    return taken.rowcount == 1


def _ensure(session: Session, placement_id: int, who: str, now: datetime) -> None:
    session.execute(
        upsert(session, lms_reading)
        .values(placement_id=placement_id, status="", ordered_by=who, ordered_at=now)
        .on_conflict_do_nothing(index_elements=["placement_id"])
    )


def close(
    session: Session, placement_id: int, started_at: datetime, values: Mapping[str, Any]
) -> bool:
    """Write how a reading ended; False if another worker has taken it over since."""
    closed = session.execute(
        update(lms_reading)
        .where(
            lms_reading.c.placement_id == placement_id,
            lms_reading.c.status == READING,
            lms_reading.c.started_at == started_at,
        )
        .values(**values)
    )
    return closed.rowcount == 1


def switch(
    session: Session, placement_id: int, *, is_on: bool, who: str, now: datetime
) -> None:
    """Let the grades of a course be read, or leave them; what was read stays."""
    _ensure(session, placement_id, who, now)
    session.execute(
        update(lms_reading)
        .where(lms_reading.c.placement_id == placement_id)
        .values(is_on=is_on)
    )
    put_change(
        session,
        at=now,
        who=who,
        what="reading switched",
        subject=("placement", placement_id),
        after={"is_on": is_on},
    )


@dataclass(frozen=True, slots=True)
class OurColumn:
    """A column that we made: where it is, what it is called and out of what it is."""

    destination: str
    address: str
    resource_id: str
    title: str
    maximum: float | None


def load_our_columns(session: Session, course_id: int) -> list[OurColumn]:
    """Return every column we made for a course, in any system, and of our links.

    The title is that of today; "" for the grade over all competencies.
    """
    found = session.execute(
        select(
            line_item.c.destination,
            line_item.c.address,
            line_item.c.resource_id,
            competency.c.human_code,
            competency.c.statement,
            line_item.c.maximum,
        )
        .outerjoin(competency, competency.c.id == line_item.c.competency_id)
        .where(line_item.c.course_id == course_id)
        .order_by(line_item.c.id)
    )
    made = [
        OurColumn(
            row.destination,
            row.address or "",
            row.resource_id,
            row.human_code or (row.statement or "")[:80],
            row.maximum,
        )
        for row in found
    ]
    links = session.execute(
        select(resource_link.c.ags_line_item_url, resource_link.c.title)
        .join(placement, placement.c.id == resource_link.c.placement_id)
        .where(
            placement.c.course_id == course_id,
            resource_link.c.ags_line_item_url.is_not(None),
        )
        .order_by(resource_link.c.id)
    )
    return made + [
        OurColumn("ags", row.ags_line_item_url, "", row.title or "", None)
        for row in links
    ]
