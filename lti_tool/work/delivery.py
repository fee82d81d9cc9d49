"""Claims deliveries, calls destinations, settles them; reads everything back.

For each column the order is: read, judge, send, read again, settle. No network call
happens inside a transaction, and "delivered" means that the destination showed the
value afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from lti_tool.errors import DeliveryError
from lti_tool.logs import log
from lti_tool.platforms.destination import Column, Destination, Outcome, Shown
from lti_tool.storage import columns, outbox
from lti_tool.storage.columns import Place
from lti_tool.storage.database import Database
from lti_tool.storage.outbox import Delivery, Sent, Settlement

FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(hours=1)
GIVE_UP_AFTER: Final = 200  # attempts: about a week at the longest wait
SAME: Final = 0.0001  # Moodle keeps five decimals after rescaling

Connect = Callable[[str, Place], Destination]
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Ground:
    """What the deliveries of one course to one destination stand on."""

    destination: Destination
    place: Place
    recipients: Mapping[int, str]
    told: Mapping[tuple[int, int], Delivery]
    sent: Mapping[tuple[int, int], Sent]


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

    May be run by several workers at once: a row is held by one of them.
    """
    ended: Counter[str] = Counter()
    while True:
        with database.write() as session:
            batch = outbox.claim(session, clock(), limit=200, course_id=course_id)
        if not batch:
            return ended
        batch.sort(key=lambda row: (row.destination, row.course_id, row.competency_id))
        for (name, course), group in groupby(
            batch, key=lambda row: (row.destination, row.course_id)
        ):
            for settlement in _deliver_course(
                database, connect, clock, name, course, list(group)
            ):
                ended[settlement.state] += 1
            on_progress(sum(ended.values()))


def _deliver_course(
    database: Database,
    connect: Connect,
    clock: Clock,
    name: str,
    course_id: int,
    batch: Sequence[Delivery],
) -> list[Settlement]:
    try:
        ground = _ground(database, connect, name, course_id)
    except DeliveryError as error:
        return _settle(database, clock, [_failed(row, error, clock()) for row in batch])
    settled: list[Settlement] = []
    for competency_id, group in groupby(batch, key=lambda row: row.competency_id):
        column = list(group)
        with database.write() as session:
            outbox.renew(session, [row.id for row in batch], clock())
        done = _deliver_column(database, ground, clock, competency_id, column)
        settled += _settle(database, clock, done)
    return settled


def _ground(database: Database, connect: Connect, name: str, course_id: int) -> Ground:
    with database.read() as session:
        if name == "ags":
            place = columns.load_ags_place(session, course_id)
        else:
            place = columns.load_sis_place(session, course_id)
        if place is None:
            raise DeliveryError(_NO_PLACE[name], "no_place", permanent=True)
        told = outbox.load_told(session, name, course_id)
        sent = outbox.load_sent(session, name, course_id)
    destination = connect(name, place)  # may learn who is who there
    with database.read() as session:
        recipients = columns.load_recipients(session, place)
    return Ground(destination, place, recipients, told, sent)


_NO_PLACE: Final = {
    "ags": "this course was never opened from an LMS that offers grade columns; "
    "open the tool once from the course",
    "oneroster": "this course has no SIS class from a OneRoster REST source; "
    "add the source and sync",
}


def _deliver_column(
    database: Database,
    ground: Ground,
    clock: Clock,
    competency_id: int,
    batch: Sequence[Delivery],
) -> list[Settlement]:
    """Take one column from read to read again."""
    try:
        column, address = _column(database, ground, competency_id, batch[0], clock())
        before = ground.destination.read(address, column)
    except DeliveryError as error:
        return [_failed(row, error, clock()) for row in batch]
    settled, sending = _judge(ground, batch, before)
    sent = _send_all(ground, address, column, sending, clock)
    failed = [done for done in sent if isinstance(done, Settlement)]
    waiting = [done for done in sent if not isinstance(done, Settlement)]
    if not waiting:
        return [*settled, *failed]
    try:
        after = ground.destination.read(address, column)
    except DeliveryError as error:
        unsure = [
            replace(_failed(row, error, clock()), sent_at=outcome.at)
            for row, outcome, _answer in waiting
        ]
        return [*settled, *failed, *unsure]
    seen = [_seen(ground, *one, after, clock()) for one in waiting]
    return [*settled, *failed, *seen]


Told = tuple[Delivery, Outcome, Mapping[str, Any]]


def _column(
    database: Database,
    ground: Ground,
    competency_id: int,
    first: Delivery,
    now: datetime,
) -> tuple[Column, str]:
    """Return the column and its address, found or made once and then remembered."""
    key = {
        "destination": first.destination,
        "course_id": first.course_id,
        "competency_id": competency_id,
        "placement_id": ground.place.placement_id,
        "source_id": ground.place.source_id,
    }
    with database.read() as session:
        facts = columns.load_facts(session, competency_id)
        address = columns.load_address(session, key)
    place = ground.place.class_sourced_id or f"course-{first.course_id}"
    column = Column(
        resource_id=f"masterybridge/{place}/{facts.case_id}",
        title=facts.human_code or facts.statement[:80],
        description=facts.statement,
        maximum=first.maximum,
        case_id=facts.case_id,
    )
    if address is None:
        address = ground.destination.find_column(column)
        with database.write() as session:
            columns.save_address(
                session,
                key,
                address=address,
                resource_id=column.resource_id,
                maximum=column.maximum,
                now=now,
            )
    return column, address


def _judge(
    ground: Ground, batch: Sequence[Delivery], before: Mapping[str, Shown]
) -> tuple[list[Settlement], list[Delivery]]:
    """Part what needs no sending from what is to be sent."""
    settled: list[Settlement] = []
    sending: list[Delivery] = []
    for row in batch:
        recipient = ground.recipients.get(row.person_id)
        if recipient is None:
            settled.append(
                Settlement(
                    row.id,
                    "blocked",
                    code="no_recipient",
                    reason=_NO_ONE[row.destination],
                )
            )
            continue
        shown = before.get(recipient, Shown(None)).value
        sent = ground.sent.get((row.person_id, row.competency_id))
        if is_same(shown, row.value):
            settled.append(Settlement(row.id, "delivered", read_back=shown))
        elif row.state == "sending" and _is_theirs(shown, sent):
            settled.append(_conflict(row, shown or 0.0, sent))
        else:
            sending.append(row)
    return settled, sending


_NO_ONE: Final = {
    "ags": "the LMS has not told us who this student is there; the student opens the "
    "tool once, or the class list is pulled",
    "oneroster": "this student is not in the SIS source of the course",
}


def is_same(shown: float | None, value: float | None) -> bool:
    """Tell whether a destination shows value, as exactly as it can keep it."""
    if shown is None or value is None:
        return shown is value
    return abs(shown - value) <= SAME


def _is_theirs(shown: float | None, sent: Sent | None) -> bool:
    """Tell whether a person set what is shown: it is nothing that we sent."""
    if shown is None:
        return False
    return sent is None or not any(is_same(shown, value) for value in sent.values)


def _conflict(row: Delivery, shown: float, sent: Sent | None) -> Settlement:
    numbers = (
        [f"{value:g}" for value in sent.values if value is not None] if sent else []
    )
    ours = f"{' or '.join(numbers)} came from us" if numbers else "we sent none"
    return Settlement(
        row.id,
        "conflict",
        code="set_by_person",
        read_back=shown,
        reason=f"{shown:g} stands there and {ours}: a person set it, so it is kept",
    )


def _send_all(
    ground: Ground,
    address: str,
    column: Column,
    sending: Sequence[Delivery],
    clock: Clock,
) -> list[Settlement | Told]:
    def send(row: Delivery) -> Settlement | Told:
        outcome = _outcome(ground, column, row, clock())
        try:
            return row, outcome, ground.destination.send(address, outcome)
        except DeliveryError as error:
            return replace(_failed(row, error, clock()), sent_at=outcome.at)

    with ThreadPoolExecutor(ground.destination.parallel) as pool:
        return list(pool.map(send, sending))


def _outcome(ground: Ground, column: Column, row: Delivery, now: datetime) -> Outcome:
    last = ground.sent.get((row.person_id, row.competency_id))
    step = timedelta(seconds=ground.destination.clock_step_seconds)
    return Outcome(
        recipient=ground.recipients[row.person_id],
        value=row.value,
        maximum=row.maximum,
        level_name=row.level_name,
        at=now if last is None else max(now, last.newest_at + step),
        basis=row.basis,
        case_id=column.case_id,
    )


def _seen(
    ground: Ground,
    row: Delivery,
    outcome: Outcome,
    answer: Mapping[str, Any],
    after: Mapping[str, Shown],
    now: datetime,
) -> Settlement:
    shown = after.get(ground.recipients[row.person_id], Shown(None)).value
    if is_same(shown, row.value):
        return Settlement(
            row.id, "delivered", sent_at=outcome.at, read_back=shown, receipt=answer
        )
    return Settlement(
        row.id,
        "pending",
        sent_at=outcome.at,
        due_at=now + _wait(row),
        code="not_shown",
        reason="the destination took the value and does not show it yet",
        receipt=answer,
    )


def _failed(row: Delivery, error: DeliveryError, now: datetime) -> Settlement:
    reason = str(error)
    if error.permanent:
        return Settlement(row.id, "blocked", code=error.code, reason=reason)
    if row.attempts >= GIVE_UP_AFTER:
        return Settlement(row.id, "dead", code=error.code, reason=reason)
    wait = _wait(row)
    if error.retry_after is not None:
        wait = max(wait, timedelta(seconds=error.retry_after))
    return Settlement(
        row.id, "pending", due_at=now + wait, code=error.code, reason=reason
    )


def _wait(row: Delivery) -> timedelta:
    """Return the doubling wait, spread by the row's number so that not all return."""
    doubled = FIRST_WAIT * (1 << min(row.attempts - 1, 12))
    return min(doubled, LONGEST_WAIT) * (1 + (row.id % 50) / 100)


def _settle(
    database: Database, clock: Clock, settlements: list[Settlement]
) -> list[Settlement]:
    with database.write() as session:
        outbox.settle(session, settlements, clock())
    for state, count in Counter(done.state for done in settlements).items():
        log().info("deliveries settled", outcome=state, count=count)
    return settlements


def reconcile(
    database: Database, connect: Connect, *, course_id: int | None = None
) -> Reconciliation:
    """Read back every delivered value and list what differs.

    Raises:
        DeliveryError: a destination did not answer; nothing is said of the rest.
    """
    with database.read() as session:
        keys = outbox.load_told_places(session, course_id)
    read_back: Counter[str] = Counter()
    differences: list[Difference] = []
    for name, course in keys:
        ground = _ground(database, connect, name, course)
        by_competency = sorted(
            ground.told.values(), key=lambda row: (row.competency_id, row.person_id)
        )
        for competency_id, group in groupby(
            by_competency, key=lambda row: row.competency_id
        ):
            told = list(group)
            shown = _read(database, ground, competency_id, told[0])
            for row in told:
                recipient = ground.recipients.get(row.person_id, "")
                theirs = shown.get(recipient, Shown(None)).value
                read_back[name] += 1
                if not is_same(theirs, row.value):
                    differences.append(
                        Difference(
                            name,
                            course,
                            row.person_id,
                            competency_id,
                            row.value,
                            theirs,
                        )
                    )
    return Reconciliation(dict(read_back), tuple(differences))


def _read(
    database: Database, ground: Ground, competency_id: int, first: Delivery
) -> Mapping[str, Shown]:
    now = first.sent_at or datetime.now(UTC)
    column, address = _column(database, ground, competency_id, first, now)
    return ground.destination.read(address, column)
