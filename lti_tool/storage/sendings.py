"""What of a course is told to its destinations, when, and of whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy import ColumnElement, func, select, update

from lti_tool.storage.database import upsert
from lti_tool.storage.evidence import put_change
from lti_tool.storage.groups import load_group_people
from lti_tool.storage.people import load_learners
from lti_tool.storage.schema import course_sending, delivery
from lti_tool.storage.session import Session
from mappings.summary import Summary, format_summary, parse_summary

NOW, NIGHTLY, RELEASE = "now", "nightly", "release"
WHEN: Final = (NOW, NIGHTLY, RELEASE)
# What a row of the outbox waits for, by when its course sends.
WAITS_FOR: Final[Mapping[str, str | None]] = MappingProxyType(
    {NOW: None, NIGHTLY: "night", RELEASE: "release"}
)


@dataclass(frozen=True, slots=True)
class Sending:
    """How a course sends; as it is here where nobody chose otherwise.

    Attributes:
        when: now, nightly, or after a teacher's release.
        is_secure_only: only levels from mastery on are told, and taken back below it.
        group_id: of whom; None: of all who learn here.
        released_at: when a teacher last released what waited.
        is_each: whether each competency has a column of its own in a gradebook.
        summary: the formula of one grade over all of them; None: there is none.
    """

    when: str = NOW
    is_secure_only: bool = False
    group_id: int | None = None
    released_at: datetime | None = None
    is_each: bool = True
    summary: Summary | None = None

    @property
    def waits_for(self) -> str | None:
        """What a new row of the outbox waits for."""
        return WAITS_FOR[self.when]


def load_sending(session: Session, course_id: int) -> Sending:
    """Return how a course sends."""
    return load_sendings(session, [course_id])[course_id]


def load_sendings(session: Session, courses: Collection[int]) -> dict[int, Sending]:
    """Return how each of courses sends."""
    table = course_sending.c
    found = session.execute(
        select(
            table.course_id,
            table.send_when,
            table.is_secure_only,
            table.course_group_id,
            table.released_at,
            table.is_each,
            table.summary,
        ).where(table.course_id.in_(courses))
    )
    chosen = {
        row.course_id: Sending(
            row.send_when,
            row.is_secure_only,
            row.course_group_id,
            row.released_at,
            row.is_each,
            None if row.summary is None else parse_summary(row.summary),
        )
        for row in found
    }
    return {one: chosen.get(one, Sending()) for one in courses}


def save_sending(
    session: Session, course_id: int, new: Sending, *, who: str, now: datetime
) -> Sending:
    """Keep how a course sends; returns how it did before.

    What waits follows: of a course that now sends at once it is due.
    """
    old = load_sending(session, course_id)
    new = replace(new, released_at=old.released_at)
    if new == old:
        return old
    _keep(session, course_id, new, who=who, now=now)
    put_change(
        session,
        at=now,
        who=who,
        what="sending changed",
        subject=("course", course_id),
        before=_document(old),
        after=_document(new),
    )
    if new.when != old.when:
        session.execute(
            update(delivery)
            .where(delivery.c.course_id == course_id, _waits())
            .values(waits_for=new.waits_for)
        )
    return old


def release(session: Session, course_id: int, *, who: str, now: datetime) -> int:
    """Let everything of a course that waits for a release go; returns how many rows."""
    freed = session.execute(
        update(delivery)
        .where(delivery.c.course_id == course_id, _waits())
        .values(waits_for=None, due_at=now)
        .returning(delivery.c.id)
    )
    count = len(freed.all())
    old = load_sending(session, course_id)
    _keep(session, course_id, replace(old, released_at=now), who=who, now=now)
    put_change(
        session,
        at=now,
        who=who,
        what="outcomes released",
        subject=("course", course_id),
        after={"count": count},
    )
    return count


def release_nightly(session: Session, now: datetime) -> int:
    """Let everything go that waits for the night; returns how many rows."""
    freed = session.execute(
        update(delivery)
        .where(delivery.c.state == "pending", delivery.c.waits_for == "night")
        .values(waits_for=None, due_at=now)
        .returning(delivery.c.id)
    )
    return len(freed.all())


def count_waiting(session: Session, course_id: int) -> int:
    """Return how many rows of a course wait for the night or a release."""
    return int(
        session.scalar(
            select(func.count())
            .select_from(delivery)
            .where(delivery.c.course_id == course_id, _waits())
        )
        or 0
    )


def load_whom(session: Session, course_id: int, sending: Sending) -> frozenset[int]:
    """Return the people of a course of whom levels are told."""
    here = load_learners(session, course_id)
    if sending.group_id is None:
        return here
    return here & frozenset(load_group_people(session, sending.group_id))


def _waits() -> ColumnElement[bool]:
    return (delivery.c.state == "pending") & delivery.c.waits_for.is_not(None)


def _keep(
    session: Session, course_id: int, new: Sending, *, who: str, now: datetime
) -> None:
    values = {
        "send_when": new.when,
        "is_secure_only": new.is_secure_only,
        "course_group_id": new.group_id,
        "released_at": new.released_at,
        "is_each": new.is_each,
        "summary": None if new.summary is None else format_summary(new.summary),
        "changed_by": who,
        "changed_at": now,
    }
    session.execute(
        upsert(session, course_sending)
        .values(course_id=course_id, **values)
        .on_conflict_do_update(index_elements=["course_id"], set_=values)
    )


def _document(one: Sending) -> dict[str, object]:
    return {
        "when": one.when,
        "is_secure_only": one.is_secure_only,
        "group_id": one.group_id,
        "is_each": one.is_each,
        "summary": None if one.summary is None else format_summary(one.summary),
    }
