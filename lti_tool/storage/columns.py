"""Where a course's outcomes go: its places elsewhere, and who is who there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, select, update

from lti_tool.storage.schema import (
    competency,
    course,
    deployment,
    enrollment,
    lms_user,
    placement,
    registration,
    sis_class,
    sis_user,
    source,
)
from lti_tool.storage.session import Session

# So often in a row a gradebook is not ours before it counts as gone.
MISSES: Final = 3


@dataclass(frozen=True, slots=True)
class Place:
    """One gradebook that outcomes of a course go to: an LMS course or a SIS class.

    Attributes:
        busy_until: nothing is sent before then; the other system said so.
        gone_at: since when it counts as gone.
    """

    placement_id: int | None = None
    registration_id: int | None = None
    ags_line_items_url: str | None = None
    ags_scopes: tuple[str, ...] = ()
    source_id: int | None = None
    class_sourced_id: str | None = None
    course_id: int | None = None
    context_id: str | None = None
    launched_id: int | None = None  # the placement, where it is not AGS we go by
    services_url: str | None = None
    busy_until: datetime | None = None
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What a column for a competency is made from."""

    case_id: str
    human_code: str | None
    statement: str


def newest_placement(course_id: int, *more: ColumnElement[Any]) -> Select[Any]:
    """The id, registration_id and more of the placement of a course seen last.

    Only where deployment and registration are active; narrow it by where().
    """
    return (
        select(placement.c.id, deployment.c.registration_id, *more)
        .join(deployment, deployment.c.id == placement.c.deployment_id)
        .join(registration, registration.c.id == deployment.c.registration_id)
        .where(
            placement.c.course_id == course_id,
            deployment.c.status == "active",
            registration.c.status == "active",
        )
        .order_by(placement.c.seen_at.desc(), placement.c.id.desc())
        .limit(1)
    )


def load_ags_place(session: Session, course_id: int) -> Place | None:
    """Return the newest placement of the course that offered AGS, or None."""
    found = session.execute(
        newest_placement(
            course_id,
            placement.c.ags_line_items_url,
            placement.c.ags_scopes,
            placement.c.ags_gone_at,
            registration.c.busy_until,
        ).where(placement.c.ags_line_items_url.is_not(None))
    ).one_or_none()
    if found is None:
        return None
    return Place(
        placement_id=found.id,
        registration_id=found.registration_id,
        ags_line_items_url=found.ags_line_items_url,
        ags_scopes=tuple(found.ags_scopes or ()),
        busy_until=found.busy_until,
        gone_at=found.ags_gone_at,
    )


def load_sis_place(session: Session, course_id: int) -> Place | None:
    """Return the SIS class of the course when its source is a REST service."""
    found = session.execute(
        select(sis_class.c.source_id, sis_class.c.sourced_id, source.c.busy_until)
        .join(course, course.c.sis_class_id == sis_class.c.id)
        .join(source, source.c.id == sis_class.c.source_id)
        .where(course.c.id == course_id, source.c.kind == "rest")
    ).one_or_none()
    if found is None:
        return None
    return Place(
        source_id=found.source_id,
        class_sourced_id=found.sourced_id,
        course_id=course_id,
        busy_until=found.busy_until,
    )


def note_busy(session: Session, place: Place, until: datetime) -> None:
    """Send nothing to a place's platform, or source, before a time it named.

    A platform's own interface and its LTI services have limits of their own.
    """
    if place.source_id is not None:
        table, row_id, name = source, place.source_id, "busy_until"
    else:
        table, row_id = registration, place.registration_id or 0
        name = "busy_until" if place.launched_id is None else "services_busy_until"
    session.execute(update(table).where(table.c.id == row_id).values({name: until}))


def note_miss(session: Session, placement_id: int, now: datetime) -> bool:
    """Count one more time that a gradebook was not ours; tells whether it is gone now.

    Source: facts/security.md section 5, C21.
    """
    misses = session.scalar(
        update(placement)
        .where(placement.c.id == placement_id, placement.c.ags_gone_at.is_(None))
        .values(ags_misses=placement.c.ags_misses + 1)
        .returning(placement.c.ags_misses)
    )
    if misses is None or misses < MISSES:
        return False
    session.execute(
        update(placement).where(placement.c.id == placement_id).values(ags_gone_at=now)
    )
    return True


def note_hit(session: Session, placement_id: int | None = None) -> None:
    """Forget misses: a gradebook was ours again, or is to be tried again.

    placement_id None: every gradebook's.
    """
    statement = update(placement).where(placement.c.ags_misses > 0)
    if placement_id is not None:
        statement = statement.where(placement.c.id == placement_id)
    session.execute(statement.values(ags_misses=0, ags_gone_at=None))


def load_recipients(
    session: Session, place: Place, persons: Collection[int] | None = None
) -> dict[int, str]:
    """Return what the other system calls each person: SIS id, or LMS user id.

    Of several accounts of a person that of the class, else an active one. persons: of
    these alone; a district has a hundred thousand.
    """
    if place.source_id is not None:
        statement = select(sis_user.c.person_id, sis_user.c.sourced_id).where(
            sis_user.c.source_id == place.source_id
        )
        # The active record last: of two it is the one that stays in the dict.
        statement = statement.order_by(sis_user.c.status.desc(), sis_user.c.id)
    else:
        statement = select(lms_user.c.person_id, lms_user.c.subject).where(
            lms_user.c.registration_id == place.registration_id
        )
        statement = statement.order_by(lms_user.c.seen_at, lms_user.c.id)
    if persons is not None:
        (who, _name) = statement.selected_columns
        statement = statement.where(who.in_(persons))
    found = {who: name for who, name in session.execute(statement) if who is not None}
    if place.source_id is not None:
        found.update(map(tuple, session.execute(_of_class(place))))
    return found


def _of_class(place: Place) -> Select[tuple[Any, str]]:
    """Who is enrolled in the class, by the account that is."""
    return (
        select(sis_user.c.person_id, sis_user.c.sourced_id)
        .join(
            enrollment,
            and_(
                enrollment.c.source_id == sis_user.c.source_id,
                enrollment.c.user_sourced_id == sis_user.c.sourced_id,
            ),
        )
        .where(
            enrollment.c.source_id == place.source_id,
            enrollment.c.class_sourced_id == place.class_sourced_id,
            enrollment.c.status == "active",
            sis_user.c.person_id.is_not(None),
        )
        .order_by(sis_user.c.status.desc(), sis_user.c.id)
    )


def load_facts(session: Session, competency_id: int) -> ColumnFacts:
    """Return what the column of a competency is made from."""
    found = session.execute(
        select(
            competency.c.case_id, competency.c.human_code, competency.c.statement
        ).where(competency.c.id == competency_id)
    ).one()
    return ColumnFacts(found.case_id, found.human_code, found.statement)
