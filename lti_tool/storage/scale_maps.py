"""Scales of other systems that were met, and which of their items each level is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import upsert
from lti_tool.storage.evidence import put_change
from lti_tool.storage.schema import (
    course,
    course_destination,
    delivery,
    deployment,
    placement,
    registration,
)
from lti_tool.storage.session import Session

_KEY: Final = "scales"  # in the settings of a registration, or of a destination
_COURSES: Final = 20
UNMAPPED: Final = "scale_unmapped"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetScale:
    """A scale as it was met, and what our levels are on it.

    Attributes:
        scale_id: what the other system calls it.
        names: its items, the lowest first.
        proficient: those that mean proficient there, counted from 1.
        levels: the levels of the course it was met for, the lowest first.
        below: how many of them lie below mastery.
        items: the item of each level; None: nobody said it yet.
    """

    scale_id: int
    names: tuple[str, ...]
    proficient: tuple[int, ...]
    levels: tuple[str, ...]
    below: int
    items: tuple[int, ...] | None = None

    @property
    def key(self) -> tuple[int, tuple[str, ...]]:
        """What it is found by: one scale may be met by courses of several scales."""
        return self.scale_id, self.levels


def load_scales(session: Session, registration_id: int) -> list[MetScale]:
    """Return the scales met on a platform, in the order they were met."""
    return _parse(_platform_settings(session, registration_id))


def load_scales_of_course(
    session: Session, course_id: int, destination: str
) -> list[MetScale]:
    """Return what a course says of scales by itself; each has its items."""
    return _parse(_course_settings(session, course_id, destination))


def load_exceptions(
    session: Session, registration_id: int, destination: str
) -> list[tuple[int, str, MetScale]]:
    """Return (course, title, scale) of what courses of a platform say by themselves."""
    here = (
        select(placement.c.course_id)
        .join(deployment, deployment.c.id == placement.c.deployment_id)
        .where(deployment.c.registration_id == registration_id)
    )
    table = course_destination.c
    found = session.execute(
        select(table.course_id, course.c.title, table.settings)
        .join(course, course.c.id == table.course_id)
        .where(
            table.destination == destination,
            table.settings.is_not(None),
            table.course_id.in_(here),
        )
        .order_by(course.c.title, table.course_id)
    )
    return [
        (course_id, title, one)
        for course_id, title, settings in found
        for one in _parse(settings)
    ]


def note_scale(session: Session, registration_id: int, met: MetScale) -> bool:
    """Keep a scale that was met; tells whether it is new, or was changed there.

    What was chosen for it stays, unless its items are others now.
    """
    known = {one.key: one for one in load_scales(session, registration_id)}
    held = known.get(met.key)
    if held is not None and held.names == met.names:
        met = replace(met, items=held.items)
    if held == met:
        return False
    _save(session, registration_id, {**known, met.key: met})
    return held is None or held.names != met.names


def save_items(
    session: Session, registration_id: int, chosen: MetScale, *, who: str, now: datetime
) -> None:
    """Keep which items of a scale the levels are, for every course of the platform."""
    known = {one.key: one for one in load_scales(session, registration_id)}
    before = known.get(chosen.key)
    _save(session, registration_id, {**known, chosen.key: chosen})
    put_change(
        session,
        at=now,
        who=who,
        what="levels placed on a scale",
        subject=("registration", registration_id),
        before=None if before is None else asdict(before),
        after=asdict(chosen),
    )


def save_items_of_course(
    session: Session,
    where: tuple[int, str],
    chosen: MetScale,
    *,
    who: str,
    now: datetime,
) -> None:
    """Keep which items of a scale the levels are in one course; items None: none.

    where: the course and the destination.
    """
    course_id, destination = where
    held = load_scales_of_course(session, course_id, destination)
    known = {one.key: one for one in held if one.key != chosen.key}
    if chosen.items is not None:
        known[chosen.key] = chosen
    settings = {
        **_course_settings(session, course_id, destination),
        _KEY: _format(known.values()),
    }
    values = {"is_on": False, "changed_by": who, "changed_at": now}
    session.execute(
        upsert(session, course_destination)
        .values(
            course_id=course_id, destination=destination, settings=settings, **values
        )
        .on_conflict_do_update(
            index_elements=["course_id", "destination"], set_={"settings": settings}
        )
    )
    put_change(
        session,
        at=now,
        who=who,
        what="levels placed on a scale",
        subject=("course", course_id),
        after=asdict(chosen),
    )


def load_courses(
    session: Session, registration_id: int, destination: str
) -> list[tuple[int, str]]:
    """Return (course, its id on the platform) of courses that send there, newest first.

    No more than some: what holds for these holds for the others, most likely.
    """
    is_on = select(course_destination.c.course_id).where(
        course_destination.c.destination == destination, course_destination.c.is_on
    )
    found = session.execute(
        select(placement.c.course_id, placement.c.context_id)
        .join(deployment, deployment.c.id == placement.c.deployment_id)
        .where(
            deployment.c.registration_id == registration_id,
            placement.c.course_id.in_(is_on),
        )
        .order_by(placement.c.seen_at.desc(), placement.c.id.desc())
        .limit(_COURSES)
    )
    return [(course_id, context_id) for course_id, context_id in found]


def release_unmapped(session: Session, registration_id: int, now: datetime) -> int:
    """Let what waited for somebody to place levels on a scale go out; how many."""
    courses = (
        select(placement.c.course_id)
        .join(deployment, deployment.c.id == placement.c.deployment_id)
        .where(deployment.c.registration_id == registration_id)
    )
    found = session.execute(
        update(delivery)
        .where(
            delivery.c.state == "blocked",
            delivery.c.code == UNMAPPED,
            delivery.c.course_id.in_(courses),
        )
        .values(state="pending", due_at=now)
        .returning(delivery.c.id)
    )
    return len(found.all())


def _course_settings(
    session: Session, course_id: int, destination: str
) -> dict[str, Any]:
    table = course_destination.c
    found = session.scalar(
        select(table.settings).where(
            table.course_id == course_id, table.destination == destination
        )
    )
    return dict(found or {})


def _platform_settings(
    session: Session, registration_id: int, *, is_held: bool = False
) -> dict[str, Any]:
    table = registration.c
    statement = select(table.outcomes_settings).where(table.id == registration_id)
    if is_held:
        statement = statement.with_for_update()
    found = session.execute(statement).one_or_none()
    if found is None:
        raise NotFoundError(
            f"no platform has the id {registration_id}; see `platform list`"
        )
    return dict(found.outcomes_settings or {})


def _save(
    session: Session,
    registration_id: int,
    known: Mapping[tuple[int, tuple[str, ...]], MetScale],
) -> None:
    settings = _platform_settings(session, registration_id, is_held=True)
    settings[_KEY] = _format(known.values())
    session.execute(
        update(registration)
        .where(registration.c.id == registration_id)
        .values(outcomes_settings=settings)
    )


def _format(scales: Iterable[MetScale]) -> list[dict[str, Any]]:
    return [asdict(one) for one in scales]


def _parse(settings: Mapping[str, Any]) -> list[MetScale]:
    return [
        MetScale(
            scale_id=one["scale_id"],
            names=tuple(one["names"]),
            proficient=tuple(one["proficient"]),
            levels=tuple(one["levels"]),
            below=one["below"],
            items=None if one["items"] is None else tuple(one["items"]),
        )
        for one in settings.get(_KEY, ())
    ]
