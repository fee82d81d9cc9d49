"""What a SIS gives a class to use: on the shelf, linked, named for, hidden."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    update,
)

from lti_tool.storage.alignments import BY_SIS
from lti_tool.storage.database import batches, rows
from lti_tool.storage.evidence import put_change
from lti_tool.storage.schema import (
    class_resource,
    competency,
    course,
    resource,
    resource_use,
    sis_class,
    sis_course,
    sis_resource,
)
from lti_tool.storage.session import Session
from lti_tool.storage.work_of_course import names_objectives

ORIGIN: Final = "oneroster"
# What the shelf takes over from the SIS; the rest is read where it stands.
_TAKEN: Final = ("title", "url", "licence", "language", "description")
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ClassResource:
    """A resource that a class has from its SIS.

    Attributes:
        texts: what may name competencies: title, description, objectives.
        codes: of the competencies of the course's framework it is offered for.
    """

    id: int
    title: str
    url: str | None
    licence: str | None
    vendor: str | None
    importance: str | None
    roles: tuple[str, ...]
    is_hidden: bool
    texts: tuple[str, ...]
    codes: tuple[str, ...] = ()


def is_theirs() -> ColumnElement[bool]:
    """The row of the SIS that a resource of the shelf was made of."""
    return and_(
        sis_resource.c.source_id == resource.c.source_id,
        sis_resource.c.sourced_id == resource.c.sourced_id,
    )


def is_shown(course_id: int) -> ColumnElement[bool]:
    """Which resources a course may show: of a SIS only what its class has."""
    has_it = exists().where(
        class_resource.c.resource_id == resource.c.id,
        class_resource.c.course_id == course_id,
        class_resource.c.hidden_at.is_(None),
    )
    return or_(resource.c.origin != ORIGIN, has_it)


def follow_shelf(session: Session, source_id: int, *, now: datetime) -> int:
    """Put what a SIS names on the shelf, as it says now; returns how many moved.

    What the SIS has taken back stays there for those who opened it; no class has it.
    """
    is_live = and_(
        sis_resource.c.source_id == source_id, sis_resource.c.status == "active"
    )
    known = exists().where(is_theirs())
    theirs = select(
        literal(ORIGIN),
        sis_resource.c.source_id,
        sis_resource.c.sourced_id,
        *(sis_resource.c[name] for name in _TAKEN),
        literal(BY_SIS),
        literal(now, resource.c.made_at.type),
    )
    made = session.execute(
        insert(resource).from_select(
            ["origin", "source_id", "sourced_id", *_TAKEN, "made_by", "made_at"],
            theirs.where(is_live, ~known).order_by(sis_resource.c.id),
        )
    )
    differs = [
        resource.c[name].is_distinct_from(sis_resource.c[name]) for name in _TAKEN
    ]
    changed = session.execute(
        update(resource)
        .where(resource.c.origin == ORIGIN, is_theirs(), is_live, or_(*differs))
        .values({name: sis_resource.c[name] for name in _TAKEN})
    )
    return made.rowcount + changed.rowcount


def follow_links(session: Session, source_id: int) -> set[int]:
    """Bring in line which class has what; returns the courses where that moved.

    What a teacher hid stays hidden if the SIS takes it back and gives it again.
    """
    wanted = _wanted(session, source_id)
    held = {
        (row.course_id, row.resource_id): row
        for row in session.execute(
            select(class_resource)
            .join(resource, resource.c.id == class_resource.c.resource_id)
            .where(resource.c.source_id == source_id)
        )
    }
    fresh = sorted(wanted - held.keys())
    gone = [
        row
        for pair, row in held.items()
        if pair not in wanted and row.hidden_at is None
    ]
    for some in batches(fresh):
        session.execute(
            insert(class_resource),
            [{"course_id": one[0], "resource_id": one[1]} for one in some],
        )
    for some in batches([row.id for row in gone]):
        session.execute(delete(class_resource).where(class_resource.c.id.in_(some)))
    return {one[0] for one in fresh} | {row.course_id for row in gone}


def _wanted(session: Session, source_id: int) -> set[Pair]:
    """Course and resource, as class and catalogue entry name them."""
    own, general = (
        table.c.resource_sourced_ids.label(name)
        for table, name in ((sis_class, "own"), (sis_course, "general"))
    )
    found = session.execute(
        select(course.c.id, own, general)
        .join(sis_class, sis_class.c.id == course.c.sis_class_id)
        .outerjoin(
            sis_course,
            and_(
                sis_course.c.source_id == sis_class.c.source_id,
                sis_course.c.sourced_id == sis_class.c.sis_course_sourced_id,
            ),
        )
        .where(
            sis_class.c.source_id == source_id,
            or_(
                names_objectives(sis_class.c.resource_sourced_ids),
                names_objectives(sis_course.c.resource_sourced_ids),
            ),
        )
    ).all()
    if not found:
        return set()
    known = {
        row.sourced_id: row.id
        for row in session.execute(
            select(resource.c.sourced_id, resource.c.id)
            .join(sis_resource, is_theirs())
            .where(resource.c.source_id == source_id, sis_resource.c.status == "active")
        )
    }
    return {
        (row.id, known[name])
        for row in found
        for name in (*(row.own or ()), *(row.general or ()))
        if name in known
    }


def load_having(session: Session, source_id: int) -> set[int]:
    """Return the courses whose class has anything from a source."""
    return set(
        session.scalars(
            select(class_resource.c.course_id)
            .join(resource, resource.c.id == class_resource.c.resource_id)
            .where(resource.c.source_id == source_id)
            .distinct()
        )
    )


def load_class(session: Session, course_id: int) -> list[ClassResource]:
    """Return what the class of a course has from its SIS, by title."""
    found = session.execute(
        select(
            resource,
            class_resource.c.hidden_at,
            sis_resource.c.vendor_id,
            sis_resource.c.importance,
            sis_resource.c.roles,
            sis_resource.c.learning_objectives,
        )
        .join(resource, resource.c.id == class_resource.c.resource_id)
        .join(sis_resource, is_theirs())
        .where(
            class_resource.c.course_id == course_id,
            resource.c.retired_at.is_(None),
            sis_resource.c.status == "active",
        )
        .order_by(resource.c.title, resource.c.id)
    ).all()
    codes = _codes(session, course_id) if found else {}
    return [
        ClassResource(
            id=row.id,
            title=row.title,
            url=row.url,
            licence=row.licence,
            vendor=row.vendor_id,
            importance=row.importance,
            roles=tuple(row.roles or ()),
            is_hidden=row.hidden_at is not None,
            texts=(row.title, row.description or "", *(row.learning_objectives or ())),
            codes=codes.get(row.id, ()),
        )
        for row in found
    ]


def _codes(session: Session, course_id: int) -> dict[int, tuple[str, ...]]:
    """By resource the competencies of the framework that a course offers it for."""
    framework_id = select(course.c.framework_id).where(course.c.id == course_id)
    found = session.execute(
        select(resource_use.c.resource_id, competency.c.human_code, competency.c.id)
        .join(competency, competency.c.id == resource_use.c.competency_id)
        .where(
            resource_use.c.course_id == course_id,
            competency.c.framework_id == framework_id.scalar_subquery(),
        )
        .order_by(competency.c.human_code, competency.c.id)
    )
    codes: dict[int, tuple[str, ...]] = {}
    for row in found:
        named = (*codes.get(row.resource_id, ()), row.human_code or f"#{row.id}")
        codes[row.resource_id] = named
    return codes


def follow_named(
    session: Session, course_id: int, wanted: Collection[Pair], *, now: datetime
) -> int:
    """Offer in a course what names its competencies; returns how many came or went.

    wanted: (resource, competency). What a teacher offered or pinned stays.
    """
    held = rows(
        session,
        select(resource_use)
        .join(resource, resource.c.id == resource_use.c.resource_id)
        .where(resource_use.c.course_id == course_id, resource.c.origin == ORIGIN),
    )
    known = {(one["resource_id"], one["competency_id"]) for one in held}
    fresh = sorted(set(wanted) - known)
    gone = [
        one["id"]
        for one in held
        if one["made_by"] == BY_SIS
        and not one["is_pinned"]
        and (one["resource_id"], one["competency_id"]) not in wanted
    ]
    if fresh:
        session.execute(
            insert(resource_use),
            [_use(course_id, one, now) for one in fresh],
        )
    for some in batches(gone):
        session.execute(delete(resource_use).where(resource_use.c.id.in_(some)))
    return len(fresh) + len(gone)


def _use(course_id: int, pair: Pair, now: datetime) -> dict[str, Any]:
    return {
        "resource_id": pair[0],
        "competency_id": pair[1],
        "course_id": course_id,
        "made_by": BY_SIS,
        "made_at": now,
    }


def hide(
    session: Session, course_id: int, resource_id: int, *, who: str, now: datetime
) -> bool:
    """Show a resource of the SIS nowhere in a course; tells whether it was shown."""
    values = {"hidden_by": who, "hidden_at": now}
    return _turn(session, course_id, resource_id, values, who=who, now=now)


def show(
    session: Session, course_id: int, resource_id: int, *, who: str, now: datetime
) -> bool:
    """Show a hidden resource again; tells whether it was hidden."""
    values = {"hidden_by": None, "hidden_at": None}
    return _turn(session, course_id, resource_id, values, who=who, now=now)


def _turn(
    session: Session,
    course_id: int,
    resource_id: int,
    values: dict[str, Any],
    *,
    who: str,
    now: datetime,
) -> bool:
    is_hiding = values["hidden_at"] is not None
    turned = session.execute(
        update(class_resource)
        .where(
            class_resource.c.course_id == course_id,
            class_resource.c.resource_id == resource_id,
            class_resource.c.hidden_at.is_(None)
            if is_hiding
            else class_resource.c.hidden_at.is_not(None),
        )
        .values(values)
    )
    if not turned.rowcount:
        return False
    put_change(
        session,
        at=now,
        who=who,
        what="resource hidden" if is_hiding else "resource shown again",
        subject=("resource", resource_id),
        after={"course_id": course_id},
    )
    return True
