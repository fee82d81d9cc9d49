"""Claims deliveries, calls destinations, settles them; reads everything back.

For each column the order is: read, judge, note, send, read again, settle. No network
call happens inside a transaction, and "delivered" means that the destination showed
the value afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.logs import log
from lti_tool.platforms.destination import NOTHING, Outcome, Shown, Together
from lti_tool.storage import outbox
from lti_tool.storage.database import Database
from lti_tool.storage.outbox import Delivery, Settlement
from lti_tool.work import verdicts
from lti_tool.work.gradebooks import (
    Connect,
    Ground,
    OpenColumn,
    forget_column,
    open_column,
    open_ground,
    read_column,
)
from lti_tool.work.verdicts import AWAY

__all__ = [
    "Connect",
    "Difference",
    "Reconciliation",
    "deliver",
    "reconcile",
]

BATCH: Final = 200
ROUNDS: Final = 8  # sends a thread does before the lease is renewed
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value we delivered and what the destination shows now."""

    destination: str
    course_id: int
    person_id: int
    competency_id: int
    ours: float | None
    theirs: float | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How many delivered values were read back, by destination, and what differs."""

    read_back: Mapping[str, int]
    differences: tuple[Difference, ...]


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
    away: DeliveryError | None = None
    try:
        ground = open_ground(database, connect, *where)
        for _competency, group in groupby(batch, key=lambda row: row.competency_id):
            held = list(open_rows)
            _renew(database, held, clock)
            done, away = _deliver_column(database, ground, clock, list(group), held)
            states += _settle(database, clock, done)
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
    return states


def _renew(database: Database, ids: Sequence[int], clock: Clock) -> None:
    with database.write() as session:
        outbox.renew(session, ids, clock())


def _deliver_column(
    database: Database,
    ground: Ground,
    clock: Clock,
    batch: Sequence[Delivery],
    held: Sequence[int],
) -> tuple[list[Settlement], DeliveryError | None]:
    """Take one column from read to read again; held are all rows of this worker.

    Returns what became of each row, and the error if the destination is away.
    """
    try:
        column = open_column(database, ground, batch, clock())
    except DeliveryError as error:
        done = [verdicts.failed(row, error, clock()) for row in batch]
        return done, error if error.code in AWAY else None
    settled, sending = verdicts.before_sending(
        batch, ground.recipients, ground.sent, column.shown
    )
    sent = _send_all(database, ground, column, sending, clock, held)
    if sent and all(one.error and one.error.code == "gone" for one in sent):
        forget_column(database, ground, batch[0])
    seen, away = _see(ground, column, sent, clock)
    return [*settled, *seen], away


@dataclass(frozen=True, slots=True)
class _Told:
    """One row that went out: what was answered, or why it failed."""

    row: Delivery
    answer: Mapping[str, Any] | None
    error: DeliveryError | None = None


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
                    {
                        row.id: outcome.at
                        for row, outcome in zip(rows, outcomes, strict=True)
                    },
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


def _outcome(
    ground: Ground, column: OpenColumn, row: Delivery, now: datetime
) -> Outcome:
    last = ground.sent.get((row.person_id, row.competency_id))
    told = ground.told.get((row.person_id, row.competency_id))
    step = timedelta(seconds=ground.destination.clock_step_seconds)
    return Outcome(
        recipient=ground.recipients[row.person_id],
        value=row.value,
        maximum=row.maximum,
        level_name=row.level_name,
        at=now if last is None else max(now, last.newest_at + step),
        basis=row.basis,
        case_id=column.column.case_id,
        told_level_name=told.level_name if told else None,
    )


def _settle(
    database: Database, clock: Clock, settlements: Sequence[Settlement]
) -> list[str]:
    with database.write() as session:
        outbox.settle(session, settlements, clock())
    states = [done.state for done in settlements]
    for state, count in Counter(states).items():
        log().info("deliveries settled", outcome=state, count=count)
    return states


def reconcile(
    database: Database, connect: Connect, *, course_id: int | None = None
) -> Reconciliation:
    """Read back every delivered value and list what differs.

    Raises:
        DeliveryError: a destination did not answer; nothing is said of the rest.
    """
    with database.read() as session:
        places = outbox.load_told_places(session, course_id)
    read_back: Counter[str] = Counter()
    differences: list[Difference] = []
    for name, course in places:
        ground = open_ground(database, connect, name, course)
        read_back[name] += len(ground.told)
        differences += _differences(database, ground)
    return Reconciliation(dict(read_back), tuple(differences))


def _differences(database: Database, ground: Ground) -> list[Difference]:
    found: list[Difference] = []
    by_competency = sorted(
        ground.told.values(), key=lambda row: (row.competency_id, row.person_id)
    )
    for _competency, group in groupby(by_competency, key=lambda row: row.competency_id):
        told = list(group)
        shown = read_column(database, ground, told)
        for row in told:
            recipient = ground.recipients.get(row.person_id, "")
            theirs = shown.get(recipient, NOTHING)
            if not theirs.shows(row.value):
                found.append(
                    Difference(
                        ground.name,
                        ground.course_id,
                        row.person_id,
                        row.competency_id,
                        row.value,
                        theirs.value,
                    )
                )
    return found
