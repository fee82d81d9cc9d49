"""Takes the rows of one course to one destination, and says what became of each.

For each column the order is: read, judge, note, send, read again. Columns go abreast
where a destination bears several requests at once, so that reading one does not hold
up sending to another. No network call happens inside a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, TypeVar

from lti_tool.errors import DeliveryError
from lti_tool.platforms.destination import (
    NOTHING,
    ByStudent,
    Outcome,
    Shown,
    Together,
)
from lti_tool.storage import outbox
from lti_tool.storage.database import Database
from lti_tool.storage.outbox import Delivery, Sending, Settlement
from lti_tool.work import verdicts
from lti_tool.work.away import Away
from lti_tool.work.gradebooks import Ground
from lti_tool.work.our_columns import (
    Located,
    OpenColumn,
    locate_column,
    look_at_column,
    lose_column,
)
from lti_tool.work.verdicts import KEPT

__all__ = ["Clock", "Trip", "rounds", "send_round"]

ROUNDS: Final = 8  # sends a thread does before more is written down
BREATH: Final = 20.0  # seconds after which a worker that waits says that it lives
Clock = Callable[[], datetime]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trip:
    """What a worker takes to a course: where it goes, and the rows it still holds."""

    database: Database
    ground: Ground
    clock: Clock
    held: Sequence[int]

    def renew(self) -> None:
        """Hold the rows for another lease."""
        with self.database.write() as session:
            outbox.renew(session, self.held, self.clock())

    def gather(self, futures: Sequence[Future[T]]) -> list[T]:
        """Return what comes of futures, the lease renewed while they take long."""
        left: set[Future[T]] = set(futures)
        while left:
            left = wait(left, timeout=BREATH).not_done
            if left:
                self.renew()
        return [one.result() for one in futures]

    def readers(self) -> ThreadPoolExecutor:
        """Return what reads columns, several at once unless one look shows them all."""
        is_one = isinstance(self.ground.destination, ByStudent)
        return ThreadPoolExecutor(1 if is_one else self.ground.destination.parallel)

    def senders(self) -> ThreadPoolExecutor:
        """Return what makes as many requests at once as the destination bears."""
        return ThreadPoolExecutor(self.ground.destination.parallel)


@dataclass(frozen=True, slots=True)
class _Told:
    """One row that went out: what was answered, or why it failed."""

    row: Delivery
    answer: Mapping[str, Any] | None
    error: DeliveryError | None = None


@dataclass(frozen=True, slots=True)
class _Errand:
    """A column that was read, and the rows that are to be sent to it."""

    column: OpenColumn
    rows: Sequence[Delivery]


def rounds(ground: Ground, batch: Sequence[Delivery]) -> Iterator[list[list[Delivery]]]:
    """Yield the rows of columns that go together, in order."""
    by_column = groupby(batch, key=lambda row: row.column)
    columns_of = [list(group) for _column, group in by_column]
    if isinstance(ground.destination, ByStudent) or ground.destination.parallel > 1:
        yield columns_of
        return
    yield from ([one] for one in columns_of)


def send_round(
    trip: Trip, columns_of: Sequence[Sequence[Delivery]]
) -> tuple[list[Settlement], DeliveryError | None]:
    """Take columns from read to read again.

    Returns what became of rows, and the error if the destination is away; rows that
    are not among them were not sent.
    """
    away = Away()
    trip.renew()
    done, errands = _open(trip, columns_of, away)
    told = _send_all(trip, errands, away)
    done += _see_all(trip, errands, told, away)
    return done, away.error


def _open(
    trip: Trip, columns_of: Sequence[Sequence[Delivery]], away: Away
) -> tuple[list[Settlement], list[_Errand]]:
    """Read columns and part what needs no sending from what is to be sent.

    They are found, and made, one after the other, and read abreast.
    """
    located = [_locate(trip, batch, away) for batch in columns_of]
    with trip.readers() as pool:
        looks = [
            pool.submit(_look, trip, one, batch, away)
            for one, batch in zip(located, columns_of, strict=True)
        ]
        columns = trip.gather(looks)
    done: list[Settlement] = []
    errands: list[_Errand] = []
    for column, batch in zip(columns, columns_of, strict=True):
        if isinstance(column, DeliveryError):
            done += [verdicts.failed(row, column, trip.clock()) for row in batch]
        elif column is not None:
            settled, sending = verdicts.before_sending(
                batch, trip.ground.recipients, trip.ground.sent, column.shown
            )
            done += settled
            errands.append(_Errand(column, sending))
    return done, errands


def _locate(
    trip: Trip, batch: Sequence[Delivery], away: Away
) -> Located | DeliveryError | None:
    """Return where a column is; None where nobody is there to ask."""
    if away.error is not None:
        return None
    try:
        return locate_column(trip.database, trip.ground, batch[0], trip.clock())
    except DeliveryError as error:
        away.note(error)
        return error


def _look(
    trip: Trip,
    located: Located | DeliveryError | None,
    batch: Sequence[Delivery],
    away: Away,
) -> OpenColumn | DeliveryError | None:
    """Return what a column shows; None where nobody is there to ask."""
    if located is None or isinstance(located, DeliveryError):
        return located
    if away.error is not None:
        return None
    try:
        return look_at_column(trip.database, trip.ground, located, batch, trip.clock())
    except DeliveryError as error:
        away.note(error)
        return error


def _send_all(
    trip: Trip, errands: Sequence[_Errand], away: Away
) -> dict[int, list[_Told]]:
    """Send the rows of columns, several at once; returns by errand what was told.

    When the destination goes away, the rest stays at home.
    """
    if isinstance(trip.ground.destination, Together):
        return {
            at: _send_batches(trip, trip.ground.destination, errand, away)
            for at, errand in enumerate(errands)
        }
    every = [(at, row) for at, one in enumerate(errands) for row in one.rows]
    room = trip.ground.destination.parallel * ROUNDS
    told: dict[int, list[_Told]] = {at: [] for at in range(len(errands))}
    with trip.senders() as pool:
        for start in range(0, len(every), room):
            some = every[start : start + room]
            columns = [errands[at].column for at, _row in some]
            rows = [row for _at, row in some]
            if away.error is not None:
                break
            outcomes = _noted(trip, columns, rows)
            sends = [
                pool.submit(_send, trip, *one, away)
                for one in zip(columns, rows, outcomes, strict=True)
            ]
            for (at, _row), one in zip(some, trip.gather(sends), strict=True):
                told[at] += [] if one is None else [one]
    return told


def _send(
    trip: Trip, column: OpenColumn, row: Delivery, outcome: Outcome, away: Away
) -> _Told | None:
    """Send a row; None where it stays at home."""
    if away.error is not None:
        return None
    try:
        answer = trip.ground.destination.send(column.address, outcome)
    except DeliveryError as error:
        away.note(error)
        return _Told(row, None, error)
    away.note(None)
    return _Told(row, answer)


def _send_batches(
    trip: Trip, destination: Together, errand: _Errand, away: Away
) -> list[_Told]:
    """Send the rows of a column, many by one call."""
    told: list[_Told] = []
    for start in range(0, len(errand.rows), destination.batch):
        rows = errand.rows[start : start + destination.batch]
        if away.error is not None:
            break
        outcomes = _noted(trip, [errand.column] * len(rows), rows)
        told += _send_together(destination, errand.column.address, rows, outcomes, away)
    return told


def _send_together(
    destination: Together,
    address: str,
    rows: Sequence[Delivery],
    outcomes: Sequence[Outcome],
    away: Away,
) -> list[_Told]:
    try:
        answers = destination.send_together(address, outcomes)
    except DeliveryError as error:
        away.note(error)
        return [_Told(row, None, error) for row in rows]
    return [
        _Told(row, None, one) if isinstance(one, DeliveryError) else _Told(row, one)
        for row, one in zip(rows, answers, strict=True)
    ]


def _noted(
    trip: Trip, columns: Sequence[OpenColumn], rows: Sequence[Delivery]
) -> list[Outcome]:
    """Write down what is about to be sent, and return it."""
    now = trip.clock()
    outcomes = [
        _outcome(trip.ground, column, row, now)
        for column, row in zip(columns, rows, strict=True)
    ]
    sendings = [
        Sending(
            row.id, one.at, _before(trip.ground, row, _there(column, one.recipient))
        )
        for column, row, one in zip(columns, rows, outcomes, strict=True)
    ]
    with trip.database.write() as session:
        outbox.renew(session, trip.held, now)
        outbox.note_sending(session, sendings, now)
    return outcomes


def _before(ground: Ground, row: Delivery, there: Shown) -> float | None:
    """What stands there, as the value of ours it was told as, if it was."""
    told = ground.told.get((row.person_id, row.competency_id))
    return there.as_ours(None if told is None else told.value)


def _outcome(
    ground: Ground, column: OpenColumn, row: Delivery, now: datetime
) -> Outcome:
    last = ground.sent.get(row.key)
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
    sent, told = ground.sent.get(row.key), ground.told.get(row.key)
    seen = [
        name
        for value, name in (sent.names if sent is not None else ())
        if there.shows(value) or there.shows_unscaled(value)
    ]
    if seen:
        return seen[-1]
    return None if told is None else told.level_name


def _there(column: OpenColumn, recipient: str) -> Shown:
    return column.shown.get(recipient, NOTHING)


def _see_all(
    trip: Trip,
    errands: Sequence[_Errand],
    told: Mapping[int, Sequence[_Told]],
    away: Away,
) -> list[Settlement]:
    """Read columns again, abreast, and say what became of what was sent."""
    for at, errand in enumerate(errands):
        some = told[at]
        if some and all(one.error and one.error.code == "gone" for one in some):
            first = errand.rows[0]
            lose_column(trip.database, trip.ground, first, trip.clock())
    trip.renew()
    with trip.readers() as pool:
        looks = [
            pool.submit(_see, trip, errand.column, told[at], away)
            for at, errand in enumerate(errands)
        ]
        return [one for some in trip.gather(looks) for one in some]


def _see(
    trip: Trip, column: OpenColumn, told: Sequence[_Told], away: Away
) -> list[Settlement]:
    """Read a column again and say what became of what was sent to it."""
    is_worth_it = any(one.error is None or one.error.code in KEPT for one in told)
    shown: Mapping[str, Shown] | None = None
    if is_worth_it:
        try:
            rows = [one.row for one in told]
            shown = trip.ground.read(column.address, column.column, rows)
        except DeliveryError as error:
            away.note(error)
            told = [
                _Told(one.row, None, one.error if _is_final(one.error) else error)
                for one in told
            ]
    return [_settlement(trip.ground, one, shown, trip.clock()) for one in told]


def _is_final(error: DeliveryError | None) -> bool:
    return error is not None and error.code not in KEPT


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
