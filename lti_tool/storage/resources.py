"""What may help with a competency: who offers it, where, and who opened it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Subquery,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from lti_tool.storage import class_resources
from lti_tool.storage.database import rows
from lti_tool.storage.evidence import put_change
from lti_tool.storage.schema import (
    attainment,
    competency,
    course,
    resource,
    resource_opening,
    resource_use,
    sis_resource,
)
from lti_tool.storage.session import Session

# What the SIS says of one that came from there.
_SAID = ("vendor_id", "importance", "roles")
FIELDS = ("title", "url", "licence", "language", "kind", "description")


@dataclass(frozen=True, slots=True)
class Use:
    """Where a resource is offered: a competency, in one course or the whole school.

    Levels are places in the scale, 0 the lowest; None is no bound.
    """

    resource_id: int
    competency_id: int
    course_id: int | None
    from_level: int | None = None
    to_level: int | None = None
    is_pinned: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A resource as one course offers it for one competency."""

    use: Use
    origin: str
    title: str
    url: str | None
    licence: str | None
    language: str | None
    kind: str | None
    description: str | None
    opened: int
    succeeded: int
    made_by: str
    vendor_id: str | None = None
    importance: str | None = None
    roles: tuple[str, ...] = ()

    @property
    def is_for_students(self) -> bool:
        """Tell whether students may have it."""
        return is_for_students(self.roles)


def is_for_students(roles: Collection[str]) -> bool:
    """Tell whether students are among roles; where none is named, all may have it.

    Source: OneRoster 1.2 Resources, roles: for whom a resource is.
    """
    said = {role.strip().casefold() for role in roles}
    return not said or not said.isdisjoint({"student", "learner"})


def insert_resource(
    session: Session, values: Mapping[str, Any], *, who: str, now: datetime
) -> int:
    """Store a resource with its origin and whatever of FIELDS; returns its id."""
    return int(
        session.execute(
            insert(resource)
            .values(**values, made_by=who, made_at=now)
            .returning(resource.c.id)
        ).scalar_one()
    )


def find_resource(session: Session, title: str, url: str | None) -> int | None:
    """Return the live resource with this title and address, if one is here."""
    same_url = resource.c.url.is_(None) if url is None else resource.c.url == url
    return session.scalar(
        select(resource.c.id)
        .where(resource.c.title == title, same_url, resource.c.retired_at.is_(None))
        .order_by(resource.c.id)
        .limit(1)
    )


def find_published(session: Session, sourced_id: str) -> int | None:
    """Return the resource an exemplar edge made, whether retired or not."""
    return session.scalar(
        select(resource.c.id).where(
            resource.c.origin == "case", resource.c.sourced_id == sourced_id
        )
    )


def save_use(session: Session, use: Use, *, who: str, now: datetime) -> bool:
    """Offer a resource, or offer it otherwise; tells whether anything changed."""
    there = _is(use.resource_id, use.competency_id, use.course_id)
    values = {
        "from_level": use.from_level,
        "to_level": use.to_level,
        "is_pinned": use.is_pinned,
    }
    held = rows(
        session, select(*(resource_use.c[name] for name in values)).where(there)
    )
    if held and held[0] == values:
        return False
    if held:
        session.execute(update(resource_use).where(there).values(**values))
    else:
        session.execute(
            insert(resource_use).values(
                resource_id=use.resource_id,
                competency_id=use.competency_id,
                course_id=use.course_id,
                made_by=who,
                made_at=now,
                **values,
            )
        )
    put_change(
        session,
        at=now,
        who=who,
        what="resource offered",
        subject=("resource", use.resource_id),
        before=held[0] if held else None,
        after={"competency_id": use.competency_id, "course_id": use.course_id} | values,
    )
    return True


def _is(
    resource_id: int, competency_id: int, course_id: int | None
) -> ColumnElement[bool]:
    return and_(
        resource_use.c.resource_id == resource_id,
        resource_use.c.competency_id == competency_id,
        resource_use.c.course_id.is_(None)
        if course_id is None
        else resource_use.c.course_id == course_id,
    )


def drop_use(session: Session, use: Use, *, who: str, now: datetime) -> bool:
    """Offer a resource no longer; one a teacher made goes with its last offer.

    Who opened it stays known. Tells whether it was offered there.
    """
    there = _is(use.resource_id, use.competency_id, use.course_id)
    gone = session.execute(
        delete(resource_use).where(there).returning(resource_use.c.id)
    )
    if not gone.all():
        return False
    left = session.scalar(
        select(func.count()).where(resource_use.c.resource_id == use.resource_id)
    )
    if not left:
        session.execute(
            update(resource)
            .where(resource.c.id == use.resource_id, resource.c.origin == "own")
            .values(retired_at=now)
        )
    put_change(
        session,
        at=now,
        who=who,
        what="resource no longer offered",
        subject=("resource", use.resource_id),
        before={"competency_id": use.competency_id, "course_id": use.course_id},
    )
    return True


def retire(session: Session, resource_id: int, *, who: str, now: datetime) -> bool:
    """Offer a resource nowhere any more; tells whether it was live."""
    gone = session.execute(
        update(resource)
        .where(resource.c.id == resource_id, resource.c.retired_at.is_(None))
        .values(retired_at=now)
        .returning(resource.c.id)
    )
    if not gone.all():
        return False
    put_change(
        session, at=now, who=who, what="resource retired",
        subject=("resource", resource_id),
    )  # fmt: skip
    return True


def load_offers(
    session: Session, course_id: int, competency_ids: Collection[int] | None = None
) -> dict[int, list[Offer]]:
    """Return by competency what a course offers: its own, and the whole school's.

    Where both offer one resource, what the course says of it holds. Without
    competency_ids, for every competency of the course's framework.
    """
    openings, success = _openings(), _successes()
    mine = resource_use.c.course_id == course_id
    framework_id = select(course.c.framework_id).where(course.c.id == course_id)
    statement = (
        select(
            resource_use,
            *(resource.c[name] for name in ("origin", *FIELDS)),
            *(sis_resource.c[name] for name in _SAID),
            func.coalesce(openings.c.people, 0).label("opened"),
            func.coalesce(success.c.people, 0).label("succeeded"),
        )
        .join(resource, resource.c.id == resource_use.c.resource_id)
        .join(competency, competency.c.id == resource_use.c.competency_id)
        .outerjoin(sis_resource, class_resources.is_theirs())
        .outerjoin(openings, _same(openings))
        .outerjoin(success, _same(success))
        .where(
            resource.c.retired_at.is_(None),
            class_resources.is_shown(course_id),
            or_(mine, resource_use.c.course_id.is_(None)),
            competency.c.framework_id == framework_id.scalar_subquery(),
        )
        # the school's first, so that the course's own overwrites it
        .order_by(mine.is_(True), resource.c.title, resource.c.id)
    )
    if competency_ids is not None:
        statement = statement.where(resource_use.c.competency_id.in_(competency_ids))
    found: dict[tuple[int, int], Offer] = {}
    for row in rows(session, statement):
        found[row["competency_id"], row["resource_id"]] = _offer(row)
    offers: dict[int, list[Offer]] = {}
    for (competency_id, _resource_id), offer in found.items():
        offers.setdefault(competency_id, []).append(offer)
    return offers


def _offer(row: Mapping[str, Any]) -> Offer:
    names = Use.__dataclass_fields__
    told = {name: row[name] for name in Offer.__dataclass_fields__ if name != "use"}
    told["roles"] = tuple(row["roles"] or ())
    return Offer(use=Use(**{name: row[name] for name in names}), **told)


def _same(people: Subquery) -> ColumnElement[bool]:
    return and_(
        people.c.resource_id == resource_use.c.resource_id,
        people.c.competency_id == resource_use.c.competency_id,
    )


def _first() -> Subquery:
    """When each person first opened each resource for each competency."""
    table = resource_opening.c
    return (
        select(
            table.resource_id,
            table.competency_id,
            table.person_id,
            func.min(table.at).label("at"),
        )
        .group_by(table.resource_id, table.competency_id, table.person_id)
        .subquery()
    )


def _openings() -> Subquery:
    first = _first()
    return (
        select(first.c.resource_id, first.c.competency_id, func.count().label("people"))
        .group_by(first.c.resource_id, first.c.competency_id)
        .subquery("openings")
    )


def _successes() -> Subquery:
    """How many of those who opened one have shown the competency by later work."""
    first = _first()
    return (
        select(
            first.c.resource_id,
            first.c.competency_id,
            func.count(first.c.person_id.distinct()).label("people"),
        )
        .join(
            attainment,
            and_(
                attainment.c.person_id == first.c.person_id,
                attainment.c.competency_id == first.c.competency_id,
                attainment.c.is_mastered,
                attainment.c.evidence_at > first.c.at,
            ),
        )
        .group_by(first.c.resource_id, first.c.competency_id)
        .subquery("successes")
    )


def put_opening(
    session: Session,
    *,
    resource_id: int,
    competency_id: int,
    person_id: int,
    now: datetime,
) -> None:
    """Note that a student opened a resource for a competency."""
    session.execute(
        insert(resource_opening).values(
            resource_id=resource_id,
            competency_id=competency_id,
            person_id=person_id,
            at=now,
        )
    )


def load_list(session: Session) -> list[dict[str, Any]]:
    """Return every live resource with how often it is offered and opened, by title."""
    uses = (
        select(func.count())
        .where(resource_use.c.resource_id == resource.c.id)
        .scalar_subquery()
    )
    people = (
        select(func.count(resource_opening.c.person_id.distinct()))
        .where(resource_opening.c.resource_id == resource.c.id)
        .scalar_subquery()
    )
    return rows(
        session,
        select(
            resource.c.id,
            resource.c.origin,
            *(resource.c[name] for name in FIELDS),
            uses.label("offered"),
            people.label("opened"),
        )
        .where(resource.c.retired_at.is_(None))
        .order_by(resource.c.title, resource.c.id),
    )
