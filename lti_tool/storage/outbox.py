"""Deliveries waiting, on their way, done and refused.

An outcome enters in the transaction that changed the attainment. Its key is
(destination, course, person, competency), without competency where it is the grade
over all of them: a newer value supersedes a waiting older one, one row a key is in
flight, and rows are closed, never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from lti_tool.storage.schema import delivery
from lti_tool.storage.session import Session

# A worker that dies gives its rows back after this (contract: within 2 minutes).
LEASE: Final = timedelta(seconds=90)
IN_FLIGHT: Final = ("sending", "unknown")
# Waiting for something to change: taken up again by hand or by a newer value.
STUCK: Final = ("blocked", "conflict")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One outcome on its way to one destination.

    Attributes:
        competency_id: None of the grade over all competencies of the course.
        over_value: a value of somebody else's that a person said may be written over;
            over_at None: nothing may.
        undoes_id: the delivery whose old value this one restores.
        unshown: how often the destination took it and did not show it.
    """

    id: int
    destination: str
    course_id: int
    person_id: int
    competency_id: int | None
    value: float | None
    maximum: float
    level_name: str | None
    basis: Mapping[str, Any]
    state: str
    attempts: int
    sent_at: datetime | None
    over_value: float | None = None
    over_at: datetime | None = None
    undoes_id: int | None = None
    unshown: int = 0

    @property
    def key(self) -> tuple[int, int | None]:
        """Of whom and of what it tells, within its course and destination."""
        return self.person_id, self.competency_id

    @property
    def column(self) -> tuple[int, float]:
        """What stands in one column, on one maximum, has this in common; sortable."""
        return self.competency_id or 0, self.maximum


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a delivery; state 'pending' means once more at due_at.

    attempts: how many count, where the last was none of this row. unshown: how often it
    was taken and not shown, where it was so again.
    """

    delivery_id: int
    state: str
    sent_at: datetime | None = None
    due_at: datetime | None = None
    read_back: float | None = None
    code: str | None = None
    reason: str | None = None
    receipt: Mapping[str, Any] | None = None
    attempts: int | None = None
    unshown: int | None = None


_GRADEBOOK = ("destination", "course_id")
_OF_PERSON = (*_GRADEBOOK, "person_id")
KEY = (*_OF_PERSON, "competency_id")
# The code of a row that says: what a person set there is kept.
THEIRS: Final = "theirs_taken"
# Two names for the table in one statement; made once, for it has many columns.
_MINE: Final = delivery.alias("mine")
_OTHER: Final = delivery.alias("other")
# The code of a row that waited for what is not told any more.
SWITCHED_OFF: Final = "switched_off"
# What an outcome may say besides: see the table.
_MORE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "waits_for": None,
        "asked_by": None,
        "over_value": None,
        "over_at": None,
        "undoes_id": None,
    }
)


def put(session: Session, outcomes: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Store outcomes to be delivered, superseding older ones not yet sent.

    Each mapping has the four parts of the key, value, maximum, level_name, basis, and
    may have what _MORE names. Returns how many rows entered.
    """
    if outcomes:
        _supersede(session, outcomes, now)
        session.execute(
            insert(delivery),
            [
                {
                    **_MORE,
                    **outcome,
                    "state": "pending",
                    "due_at": now,
                    "created_at": now,
                }
                for outcome in outcomes
            ],
        )
    return len(outcomes)


def _place(outcome: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where the key of an outcome stands among others."""
    *rest, competency_id = (outcome[name] for name in KEY)
    return competency_id is None, *rest, competency_id or 0


def _supersede(
    session: Session, outcomes: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Close what waits under the keys of outcomes.

    Rows in flight keep their state and are locked all the same: settle() waits, and
    then sees that a newer value is there.
    """
    is_flying = _is_any(IN_FLIGHT)
    closing = (
        update(delivery)
        .where(_is_any(("pending", *STUCK, *IN_FLIGHT)))
        .values(
            state=case((is_flying, delivery.c.state), else_="superseded"),
            closed_at=case((is_flying, delivery.c.closed_at), else_=now),
        )
    )
    # A grade over all competencies has none, and NULL equals nothing.
    by_kind: dict[bool, list[Mapping[str, Any]]] = {False: [], True: []}
    # In the order settle() locks them in, so that neither waits for the other.
    for one in sorted(outcomes, key=_place):
        by_kind[one["competency_id"] is None].append(one)
    for is_summary, some in by_kind.items():
        names = _OF_PERSON if is_summary else KEY
        statement = closing.where(
            *(delivery.c[name] == bindparam(f"key_{name}") for name in names)
        )
        if is_summary:
            statement = statement.where(delivery.c.competency_id.is_(None))
        keys = [{f"key_{name}": one[name] for name in names} for one in some]
        if keys:
            session.connection().execute(statement, keys)


def is_same_key(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """The condition that two rows of deliveries have one key, summary or not."""
    return and_(
        *(one.c[name] == other.c[name] for name in _OF_PERSON),
        one.c.competency_id.is_not_distinct_from(other.c.competency_id),
    )


def _is_any(states: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a row has one of these states, fit for many rows at once."""
    return or_(*(delivery.c.state == state for state in states))


def claim(
    session: Session, now: datetime, *, limit: int = 500, course_id: int | None = None
) -> list[Delivery]:
    """Take the deliveries that have waited longest, none of them twice.

    One UPDATE both finds and takes them, so two workers never hold the same row, and
    one worker at a time writes to a course's gradebook: two would each make the
    column that both miss. A row whose worker died is taken as ``unknown``: it must
    be read back before it is sent again.
    """
    _queue_up(session)
    mine, other = _MINE, _OTHER
    # Said outright what belongs to the outer row: the UPDATE around it names the
    # same table.
    in_flight = (
        select(other.c.id)
        .where(
            *(other.c[name] == mine.c[name] for name in _GRADEBOOK),
            other.c.id != mine.c.id,
            other.c.state.in_(IN_FLIGHT),
        )
        .correlate(mine)
        .exists()
    )
    due = or_(
        and_(
            mine.c.state == "pending",
            mine.c.waits_for.is_(None),
            mine.c.due_at <= now,
            ~in_flight,
        ),
        and_(mine.c.state.in_(IN_FLIGHT), mine.c.lease_until <= now),
    )
    if course_id is not None:
        due = and_(due, mine.c.course_id == course_id)
    oldest = select(mine.c.id).where(due).order_by(mine.c.due_at, mine.c.id)
    taken = session.execute(
        update(delivery)
        .where(
            delivery.c.id.in_(
                oldest.limit(limit).with_for_update(skip_locked=True, of=mine)
            )
        )
        .values(
            state=case(
                (delivery.c.state == "pending", "sending"),
                else_="unknown",
            ),
            lease_until=now + LEASE,
            attempts=delivery.c.attempts + 1,
        )
        .returning(*(delivery.c[name] for name in Delivery.__slots__))
    )
    return sorted((Delivery(*row) for row in taken), key=lambda row: row.id)


def _queue_up(session: Session) -> None:
    """Let one worker claim at a time; SQLite has one writer by itself."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_CLAIM_LOCK)))


_CLAIM_LOCK: Final = 0x6D62  # any number that is ours alone


def renew(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Hold rows for another lease: their worker is alive."""
    session.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.state.in_(IN_FLIGHT))
        .values(lease_until=now + LEASE)
    )


@dataclass(frozen=True, slots=True)
class Sending:
    """What is written down of a row before it is sent: its time, what stands there."""

    delivery_id: int
    at: datetime
    before: float | None


def note_sending(session: Session, some: Sequence[Sending], now: datetime) -> None:
    """Write down, before anything is sent, the timestamps and what stands there.

    A worker may die between the sending and the settling: what may stand there then
    counts as ours, and the next timestamp is later all the same.
    """
    if some:
        session.connection().execute(
            update(delivery)
            .where(delivery.c.id == bindparam("row_id"))
            .values(
                sent_at=bindparam("noted_at"),
                before_value=bindparam("stood_there"),
                before_at=now,
            ),
            [
                {
                    "row_id": one.delivery_id,
                    "noted_at": one.at,
                    "stood_there": one.before,
                }
                for one in some
            ],
        )


def drop_waiting(
    session: Session,
    course_id: int,
    destination: str,
    now: datetime,
    *,
    is_summary: bool | None = None,
) -> int:
    """Close what waits for a destination that is not told of it any more.

    is_summary: only the grades over all competencies, or only what is of one; None:
    everything, as it was switched off. Returns how many rows.
    """
    wanted = [delivery.c.course_id == course_id, delivery.c.destination == destination]
    if is_summary is not None:
        of_one = delivery.c.competency_id
        wanted.append(of_one.is_(None) if is_summary else of_one.is_not(None))
    dropped = session.execute(
        update(delivery)
        .where(*wanted, delivery.c.state.in_(("pending", *STUCK)))
        .values(state="superseded", closed_at=now, code=SWITCHED_OFF)
        .returning(delivery.c.id)
    )
    return len(dropped.all())


def has_due(session: Session, now: datetime) -> bool:
    """Tell whether anything waits to be sent or read back."""
    due = or_(
        and_(
            delivery.c.state == "pending",
            delivery.c.waits_for.is_(None),
            delivery.c.due_at <= now,
        ),
        and_(delivery.c.state.in_(IN_FLIGHT), delivery.c.lease_until <= now),
    )
    return session.scalar(select(delivery.c.id).where(due).limit(1)) is not None


def load_waiting(session: Session, destination: str, course_id: int) -> list[Delivery]:
    """Return what of a course waits to be sent to a destination, for whatever."""
    found = session.execute(
        select(*(delivery.c[name] for name in Delivery.__slots__))
        .where(
            delivery.c.destination == destination,
            delivery.c.course_id == course_id,
            delivery.c.state == "pending",
        )
        .order_by(delivery.c.id)
    )
    return [Delivery(*row) for row in found]


def load_waiting_places(session: Session) -> list[tuple[str, int]]:
    """Return each (destination, course) that something waits for."""
    found = session.execute(
        select(delivery.c.destination, delivery.c.course_id)
        .where(delivery.c.state == "pending")
        .distinct()
        .order_by(delivery.c.destination, delivery.c.course_id)
    )
    return [(name, course_id) for name, course_id in found]


def load_next_due(session: Session) -> datetime | None:
    """Return when the next waiting delivery is due, None if none waits."""
    due_at: datetime | None = session.scalar(
        select(func.min(delivery.c.due_at)).where(
            delivery.c.state == "pending", delivery.c.waits_for.is_(None)
        )
    )
    return due_at
