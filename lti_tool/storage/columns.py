"""Where a course's outcomes go: our columns elsewhere, and who is who there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, insert, select, update

from lti_tool.storage.database import rows, upsert
from lti_tool.storage.schema import (
    competency,
    course,
    deployment,
    enrollment,
    line_item,
    lms_user,
    placement,
    registration,
    sis_class,
    sis_user,
    source,
)
from lti_tool.storage.session import Session

# A worker that died while making a column holds it so long.
RESERVED_FOR: Final = timedelta(seconds=90)
# What the kind of a SIS's column begins with once it is gone there.
WAS: Final = "was_"
COLUMN_KEY: Final = (
    "destination",
    "course_id",
    "competency_id",
    "placement_id",
    "source_id",
    "kind",
)
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


def load_address(session: Session, key: dict[str, Any]) -> str | None:
    """Return the stored address of a column; key has the parts of save_address.

    None for one that is gone, as for one that is not known.
    """
    is_there = and_(_is(key), line_item.c.gone_at.is_(None))
    return session.scalar(select(line_item.c.address).where(is_there)) or None


def is_gone(session: Session, key: dict[str, Any]) -> bool:
    """Tell whether a column of ours was taken away there, and nobody said: anew."""
    was = and_(_is(key), line_item.c.gone_at.is_not(None))
    return session.scalar(select(line_item.c.id).where(was)) is not None


def note_gone(session: Session, key: dict[str, Any], now: datetime) -> None:
    """Write down that a column is not there any more."""
    session.execute(
        update(line_item)
        .where(_is(key), line_item.c.gone_at.is_(None))
        .values(gone_at=now)
    )


def let_make(session: Session, where: dict[str, Any] | None = None) -> None:
    """Let columns that are gone be made anew: a person said so.

    where: parts of the key of those meant; None: all of them.
    """
    was_there = line_item.c.gone_at.is_not(None)
    meant = was_there if where is None else and_(was_there, _is(where))
    for key in rows(
        session, select(*(line_item.c[name] for name in COLUMN_KEY)).where(meant)
    ):
        forget_address(session, key)


def has_other_maximum(session: Session, key: dict[str, Any], maximum: float) -> bool:
    """Tell whether a column was made with another maximum."""
    held = session.scalar(select(line_item.c.maximum).where(_is(key)))
    return held is not None and held != maximum


def reserve(
    session: Session,
    key: dict[str, Any],
    resource_id: str,
    maximum: float,
    now: datetime,
) -> bool:
    """Reserve the making of a column; tells whether it is ours to make.

    A reservation is a row without an address. One whose worker died runs out.
    """
    is_old = and_(
        _is(key),
        line_item.c.address == "",
        line_item.c.created_at <= now - RESERVED_FOR,
    )
    # No placement, no rule of the database: one worker writes to a course's gradebook.
    if key["placement_id"] is None and session.scalar(
        select(line_item.c.id).where(_is(key), ~is_old)
    ):
        return False
    taken = session.execute(
        update(line_item).where(is_old).values(created_at=now).returning(line_item.c.id)
    )
    if taken.all():
        return True
    made = session.execute(
        upsert(session, line_item)
        .values(
            **key, address="", resource_id=resource_id, maximum=maximum, created_at=now
        )
        .on_conflict_do_nothing()
        .returning(line_item.c.id)
    )
    return bool(made.all())


def save_address(
    session: Session,
    key: dict[str, Any],
    *,
    address: str,
    resource_id: str,
    maximum: float,
    now: datetime,
) -> None:
    """Keep the address of a column.

    key: destination, course_id, competency_id, placement_id, source_id, and of a
    column in a SIS its kind.
    """
    values = {"address": address, "resource_id": resource_id, "maximum": maximum}
    found = session.execute(
        update(line_item)
        .where(_is(key))
        .values(**values, gone_at=None)
        .returning(line_item.c.id)
    )
    if not found.all():
        session.execute(insert(line_item).values(**key, **values, created_at=now))


def adopt(
    session: Session,
    key: dict[str, Any],
    *,
    address: str,
    resource_id: str,
    maximum: float,
    now: datetime,
) -> bool:
    """Keep the address of a column that a link brought, if none is known yet.

    One that is just being made stays with the worker that makes it. Tells whether
    the address was kept.
    """
    if session.scalar(select(line_item.c.id).where(_is(key))) is not None:
        return False
    kept = session.execute(
        upsert(session, line_item)
        .values(
            **key,
            address=address,
            resource_id=resource_id,
            maximum=maximum,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(line_item.c.id)
    )
    return bool(kept.all())


def load_columned(session: Session, placement_id: int) -> set[int]:
    """Return the competencies that have a column of ours where we were launched."""
    return set(
        session.scalars(
            select(line_item.c.competency_id).where(
                line_item.c.placement_id == placement_id,
                line_item.c.competency_id.is_not(None),
                line_item.c.gone_at.is_(None),
            )
        )
    )


def forget_address(session: Session, key: dict[str, Any]) -> None:
    """Forget the address of a column that is gone there; it will be found anew.

    That of a SIS stays known as having been ours.
    """
    kind = key.get("kind")
    if kind is not None:
        session.execute(
            update(line_item)
            .where(_is(key), line_item.c.address != "")
            .values(kind=WAS + kind, gone_at=None)
        )
    session.execute(line_item.delete().where(_is(key)))


def _is(key: dict[str, Any]) -> ColumnElement[bool]:
    return and_(*(line_item.c[name].is_not_distinct_from(key[name]) for name in key))
