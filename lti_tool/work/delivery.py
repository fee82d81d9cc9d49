"""Claims deliveries, calls destinations, settles them.

Longer than 400 lines because the road from claim to settle is one.

For each column the order is: read, judge, note, send, read again, settle. No network
call happens inside a transaction, and "delivered" means that the destination showed
the value afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import groupby
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.logs import log
from lti_tool.platforms.destination import (
    NOTHING,
    ByStudent,
    Outcome,
    Shown,
    Together,
)
from lti_tool.storage import columns, outbox, registrations
from lti_tool.storage.database import Database
from lti_tool.storage.outbox import Delivery, Sending, Settlement
from lti_tool.work import verdicts
from lti_tool.work.gradebooks import (
    Connect,
    Ground,
    OpenColumn,
    forget_column,
    open_column,
    open_ground,
)
from lti_tool.work.verdicts import AWAY

__all__ = ["Clock", "Connect", "deliver"]

BATCH: Final = 200
ROUNDS: Final = 8  # sends a thread does before the lease is renewed
# What says that a gradebook is not ours to write to.
NOT_OURS: Final = frozenset({"gone", "column_gone", "forbidden"})
APART: Final = 30.0  # seconds between two clocks that somebody should hear of
Clock = Callable[[], datetime]


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
        batch.sort(key=lambda row: (row.destination, row.course_id, row.competency_id))
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
        ground = open_ground(database, connect, *where, clock())
        for some in _rounds(ground, batch):
            held = list(open_rows)
            done, away = _deliver_columns(database, ground, clock, some, held)
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
        left = [verdicts.failed(row, away, clock()) for row in open_rows.values()]
        states += _settle(database, clock, left)
    if ground is not None:
        _note_place(database, ground, ended, away, clock())
        ground.close()
    return states


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


def _renew(database: Database, ids: Sequence[int], clock: Clock) -> None:
    with database.write() as session:
        outbox.renew(session, ids, clock())


@dataclass(frozen=True, slots=True)
class _Told:
    """One row that went out: what was answered, or why it failed."""

    row: Delivery
    answer: Mapping[str, Any] | None
    error: DeliveryError | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    """A column whose rows went out, and what of it needed no sending.

    away: the error, if the destination is.
    """

    settled: Sequence[Settlement]
    column: OpenColumn | None = None
    told: Sequence[_Told] = ()
    away: DeliveryError | None = None


def _rounds(
    ground: Ground, batch: Sequence[Delivery]
) -> Iterator[list[list[Delivery]]]:
    """Yield the rows of columns that are read again together."""
    by_column = groupby(batch, key=lambda row: row.competency_id)
    columns_of = [list(group) for _competency, group in by_column]
    if isinstance(ground.destination, ByStudent):
        yield columns_of
        return
    yield from ([one] for one in columns_of)


def _deliver_columns(
    database: Database,
    ground: Ground,
    clock: Clock,
    columns_of: Sequence[list[Delivery]],
    held: Sequence[int],
) -> tuple[list[Settlement], DeliveryError | None]:
    """Take columns from read to read again; held are all rows of this worker.

    Returns what became of each row, and the error if the destination is away.
    """
    done: list[Settlement] = []
    sent: list[_Sent] = []
    for rows in columns_of:
        _renew(database, held, clock)
        sent.append(_send_column(database, ground, clock, rows, held))
        if sent[-1].away is not None:
            break
    away = sent[-1].away
    for one in sent:
        done += one.settled
        if one.column is not None:
            _renew(database, held, clock)
            seen, lost = _see(ground, one.column, one.told, clock)
            done += seen
            away = away or lost
    return done, away


def _send_column(
    database: Database,
    ground: Ground,
    clock: Clock,
    batch: Sequence[Delivery],
    held: Sequence[int],
) -> _Sent:
    """Read a column, judge its rows and send what is to be sent."""
    try:
        column = open_column(database, ground, batch, clock())
    except DeliveryError as error:
        done = [verdicts.failed(row, error, clock()) for row in batch]
        return _Sent(done, away=error if error.code in AWAY else None)
    settled, sending = verdicts.before_sending(
        batch, ground.recipients, ground.sent, column.shown
    )
    told = _send_all(database, ground, column, sending, clock, held)
    if told and all(one.error and one.error.code == "gone" for one in told):
        forget_column(database, ground, batch[0])
    away = next((one.error for one in told if _is_away(one.error)), None)
    return _Sent(settled, column, told, away)


def _see(
    ground: Ground, column: OpenColumn, told: Sequence[_Told], clock: Clock
) -> tuple[list[Settlement], DeliveryError | None]:
    """Read the column again and say what became of what was sent."""
    away = next((one.error for one in told if _is_away(one.error)), None)
    is_worth_it = any(one.error is None or one.error.code == "stale" for one in told)
    shown: Mapping[str, Shown] | None = None
    if is_worth_it:
        try:
            rows = [one.row for one in told]
            shown = ground.read(column.address, column.column, rows)
        except DeliveryError as error:
            away = error if error.code in AWAY else away
            told = [
                _Told(one.row, None, one.error if _is_final(one.error) else error)
                for one in told
            ]
    done = [_settlement(ground, one, shown, clock()) for one in told]
    return done, away


def _is_away(error: DeliveryError | None) -> bool:
    return error is not None and error.code in AWAY


def _is_final(error: DeliveryError | None) -> bool:
    return error is not None and error.code != "stale"


def _settlement(
    ground: Ground, one: _Told, shown: Mapping[str, Shown] | None, now: datetime
) -> Settlement:
    if shown is None:
        error = one.error or DeliveryError("not read back", permanent=False)
        return verdicts.failed(one.row, error, now)
    there = shown.get(ground.recipients[one.row.person_id], NOTHING)
    if one.error is not None:
        return verdicts.after_refusal(one.row, one.error, there, now)
    return verdicts.after_sending(one.row, one.answer or {}, there, now)


def _send_all(
    database: Database,
    ground: Ground,
    column: OpenColumn,
    sending: Sequence[Delivery],
    clock: Clock,
    held: Sequence[int],
) -> list[_Told]:
    """Send rows, several at once; when the destination goes away, the rest waits."""
    told: list[_Told] = []
    together = ground.destination
    if isinstance(together, Together):
        room = together.batch
    else:
        room = ground.destination.parallel * ROUNDS
    away: list[DeliveryError] = []

    def send(row: Delivery, outcome: Outcome) -> _Told:
        if away:
            return _Told(row, None, away[0])
        try:
            answer = ground.destination.send(column.address, outcome)
        except DeliveryError as error:
            if error.code in AWAY:
                away.append(error)
            return _Told(row, None, error)
        return _Told(row, answer)

    with ThreadPoolExecutor(ground.destination.parallel) as pool:
        for start in range(0, len(sending), room):
            rows = sending[start : start + room]
            outcomes = [_outcome(ground, column, row, clock()) for row in rows]
            with database.write() as session:
                outbox.renew(session, held, clock())
                outbox.note_sending(
                    session,
                    [
                        Sending(row.id, one.at, _there(column, one.recipient).value)
                        for row, one in zip(rows, outcomes, strict=True)
                    ],
                    clock(),
                )
            if isinstance(together, Together):
                told += _send_together(together, column.address, rows, outcomes, away)
            else:
                told += pool.map(send, rows, outcomes)
    return told


def _send_together(
    destination: Together,
    address: str,
    rows: Sequence[Delivery],
    outcomes: Sequence[Outcome],
    away: list[DeliveryError],
) -> list[_Told]:
    """Send rows by one call; away, filled here, keeps the next ones at home."""
    if away:
        return [_Told(row, None, away[0]) for row in rows]
    try:
        answers = destination.send_together(address, outcomes)
    except DeliveryError as error:
        if error.code in AWAY:
            away.append(error)
        return [_Told(row, None, error) for row in rows]
    return [
        _Told(row, None, one) if isinstance(one, DeliveryError) else _Told(row, one)
        for row, one in zip(rows, answers, strict=True)
    ]


def _there(column: OpenColumn, recipient: str) -> Shown:
    return column.shown.get(recipient, NOTHING)


def _outcome(
    ground: Ground, column: OpenColumn, row: Delivery, now: datetime
) -> Outcome:
    last = ground.sent.get((row.person_id, row.competency_id))
    recipient = ground.recipients[row.person_id]
    step = timedelta(seconds=ground.destination.clock_step_seconds)
    return Outcome(
        recipient=recipient,
        value=row.value,
        maximum=row.maximum,
        level_name=row.level_name,
        at=now if last is None else max(now, last.newest_at + step),
        basis=row.basis,
        case_id=column.column.case_id,
        told_level_name=_told_level(ground, row, _there(column, recipient)),
    )


def _told_level(ground: Ground, row: Delivery, there: Shown) -> str | None:
    """The level the destination was last told with the value that stands there.

    Of two values whose answers were lost, the one that shows arrived with its name.
    """
    key = (row.person_id, row.competency_id)
    sent, told = ground.sent.get(key), ground.told.get(key)
    seen = [
        name
        for value, name in (sent.names if sent is not None else ())
        if there.shows(value) or there.shows_unscaled(value)
    ]
    if seen:
        return seen[-1]
    return None if told is None else told.level_name


def _settle(
    database: Database, clock: Clock, settlements: Sequence[Settlement]
) -> list[str]:
    with database.write() as session:
        outbox.settle(session, settlements, clock())
    states = [done.state for done in settlements]
    for state, count in Counter(states).items():
        log().info("deliveries settled", outcome=state, count=count)
    return states
