"""Claims deliveries, has each course's taken there, settles them.

"Delivered" means that the destination showed the value afterwards: `work.sending`
reads, sends and reads again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import groupby
from typing import Final

from lti_tool.errors import DeliveryError
from lti_tool.logs import log
from lti_tool.storage import columns, outbox, registrations, settling
from lti_tool.storage.database import Database
from lti_tool.storage.outbox import Delivery, Settlement
from lti_tool.work import verdicts
from lti_tool.work.gradebooks import Connect, Ground, open_ground
from lti_tool.work.sending import Clock, Trip, rounds, send_round

__all__ = ["Clock", "Connect", "deliver"]

BATCH: Final = 200
# What says that a gradebook is not ours to write to.
NOT_OURS: Final = frozenset({"gone", "column_gone", "forbidden"})
APART: Final = 30.0  # seconds between two clocks that somebody should hear of


def deliver(
    database: Database,
    connect: Connect,
    clock: Clock,
    *,
    course_id: int | None = None,
    on_progress: Callable[[int], None] = lambda _count: None,
) -> Counter[str]:
    """Send all that is due; returns how many ended in which state.

    May be run by several workers at once: a row is held by one of them. A fault in
    one course does not hold up the others.
    """
    ended: Counter[str] = Counter()
    while True:
        with database.write() as session:
            batch = outbox.claim(session, clock(), limit=BATCH, course_id=course_id)
        if not batch:
            return ended
        batch.sort(key=lambda row: (row.destination, row.course_id, row.column))
        for (name, course), group in groupby(
            batch, key=lambda row: (row.destination, row.course_id)
        ):
            rows = list(group)
            states = _deliver_course(database, connect, clock, (name, course), rows)
            ended.update(states)
            on_progress(sum(ended.values()))


def _deliver_course(
    database: Database,
    connect: Connect,
    clock: Clock,
    where: tuple[str, int],
    batch: Sequence[Delivery],
) -> list[str]:
    """Deliver the rows of one course to one destination; returns their states."""
    open_rows = {row.id: row for row in batch}
    states: list[str] = []
    ended: list[Settlement] = []
    away: DeliveryError | None = None
    ground: Ground | None = None
    try:
        persons = {row.person_id for row in batch}
        ground = open_ground(database, connect, where, clock(), persons=persons)
        for some in rounds(ground, batch):
            held = list(open_rows)
            done, away = send_round(Trip(database, ground, clock, held), some)
            states += _settle(database, clock, done)
            ended += done
            for settlement in done:
                open_rows.pop(settlement.delivery_id)
            if away is not None:
                break
    except DeliveryError as error:
        away = error
    except Exception as error:  # noqa: BLE001 -- the top of a worker's loop
        kind = type(error).__name__
        log().exception("delivery failed", course=where[1], kind=kind)
        text = f"an error of the tool ({kind}); the log has it"
        away = DeliveryError(text, "error", permanent=False)
    if away is not None:
        left = _left(open_rows.values(), away, ended, clock())
        states += _settle(database, clock, left)
    if ground is not None:
        _note_place(database, ground, ended, away, clock())
        ground.close()
    return states


def _left(
    rows: Iterable[Delivery],
    away: DeliveryError,
    ended: Sequence[Settlement],
    now: datetime,
) -> list[Settlement]:
    """Say what becomes of rows that stayed at home as the destination is away."""
    is_there = any(one.state == "delivered" for one in ended)
    judge = verdicts.put_off if is_there else verdicts.failed
    return [judge(row, away, now) for row in rows]


def _note_place(
    database: Database,
    ground: Ground,
    ended: Sequence[Settlement],
    away: DeliveryError | None,
    now: datetime,
) -> None:
    """Write down of a place how long it wants rest, whether it is gone, its clock."""
    place = ground.place
    if away is not None and away.retry_after and away.code in {"busy", "rate"}:
        with database.write() as session:
            until = now + timedelta(seconds=away.retry_after)
            columns.note_busy(session, place, until)
    if place.placement_id is None or not ended:
        return
    is_gone = False
    with database.write() as session:
        if all(one.code in NOT_OURS for one in ended):
            is_gone = columns.note_miss(session, place.placement_id, now)
        elif any(one.state == "delivered" for one in ended):
            columns.note_hit(session, place.placement_id)
        skew = _skew(ended, now)
        if skew is not None and place.registration_id is not None:
            registrations.note_skew_of(session, place.registration_id, skew)
    if is_gone:
        log().warning("gradebook gone", course=ground.course_id)
    if skew is not None and abs(skew) > APART:
        log().warning("clocks apart", course=ground.course_id, seconds=round(skew))


def _skew(ended: Sequence[Settlement], now: datetime) -> float | None:
    """How many seconds our clock is ahead, by the newest answer that tells a time."""
    dates = [
        one.receipt["date"] for one in ended if one.receipt and "date" in one.receipt
    ]
    try:
        return (now - parsedate_to_datetime(dates[-1])).total_seconds()
    except (IndexError, TypeError, ValueError):
        return None


def _settle(
    database: Database, clock: Clock, settlements: Sequence[Settlement]
) -> list[str]:
    with database.write() as session:
        settling.settle(session, settlements, clock())
    states = [done.state for done in settlements]
    for state, count in Counter(states).items():
        log().info("deliveries settled", outcome=state, count=count)
    return states
