"""What sending would change in another system, found out without changing anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from lti_tool.errors import DeliveryError
from lti_tool.logs import log
from lti_tool.platforms.destination import NOTHING, Shown
from lti_tool.storage import curriculum, delivery_plans, outbox
from lti_tool.storage.database import Database, Session
from lti_tool.storage.outbox import Delivery
from lti_tool.work import standing, verdicts
from lti_tool.work.delivery import Clock, Connect
from lti_tool.work.gradebooks import Ground, open_ground
from lti_tool.work.our_columns import foresee, peek_column
from lti_tool.work.turns import patiently


@dataclass(frozen=True, slots=True)
class Change:
    """What sending one value would do.

    Attributes:
        action: add, change or withdraw; same: it stands there; keep: a person set what
            stands there; blocked: it cannot be sent, reason says why.
        competency_id: None of the grade over all competencies of the course.
        is_new_column: it would stand in a column that is not there yet.
    """

    person_id: int
    competency_id: int | None
    action: str
    theirs: float | None
    ours: float | None
    level_name: str | None
    reason: str | None = None
    is_new_column: bool = False


def forecast(
    database: Database, connect: Connect, clock: Clock, name: str, course_id: int
) -> list[Change]:
    """Return what sending all that a course has for a destination would change.

    Of one that is off, what switching it on would send.

    Raises:
        DeliveryError: it cannot be read.
    """
    with database.read() as session:
        rows = _rows(session, name, course_id, clock())
    ground = patiently(
        lambda: open_ground(database, connect, (name, course_id), clock())
    )
    found: list[Change] = []
    by_column = sorted(rows, key=lambda row: (row.column, row.person_id))
    try:
        for _column_of, group in groupby(by_column, key=lambda row: row.column):
            found += _column(database, ground, list(group))
    finally:
        ground.close()
    return found


def _rows(
    session: Session, name: str, course_id: int, now: datetime
) -> Sequence[Delivery]:
    if name in curriculum.load_destinations(session, course_id):
        return outbox.load_waiting(session, name, course_id)
    return list(_unsent(standing.news(session, course_id, name, now)))


def _unsent(outcomes: Iterable[Mapping[str, Any]]) -> Iterable[Delivery]:
    """Outcomes as rows that no database holds; their ids tell them apart."""
    for number, one in enumerate(outcomes, 1):
        yield Delivery(
            id=number,
            destination=one["destination"],
            course_id=one["course_id"],
            person_id=one["person_id"],
            competency_id=one["competency_id"],
            value=one["value"],
            maximum=one["maximum"],
            level_name=one["level_name"],
            basis=one["basis"],
            state="pending",
            attempts=0,
            sent_at=None,
        )


def _column(
    database: Database, ground: Ground, rows: Sequence[Delivery]
) -> list[Change]:
    hindered = foresee(database, ground, rows[0])
    is_there, shown = _peek(database, ground, rows, hindered)
    settled, sending = verdicts.before_sending(
        rows, ground.recipients, ground.sent, shown
    )
    by_id = {row.id: row for row in rows}

    def change(row: Delivery, action: str, reason: str | None = None) -> Change:
        there = shown.get(ground.recipients.get(row.person_id, ""), NOTHING)
        return Change(
            row.person_id,
            row.competency_id,
            action,
            there.value,
            row.value,
            row.level_name,
            reason,
            is_new_column=not is_there,
        )

    found = [
        change(by_id[one.delivery_id], _SETTLED[one.state], one.reason)
        for one in settled
    ]
    for row in sending:
        there = shown.get(ground.recipients[row.person_id], NOTHING).value
        kind = "withdraw" if row.value is None else "add" if there is None else "change"
        found.append(change(row, "blocked" if hindered else kind, hindered))
    return found


def _peek(
    database: Database, ground: Ground, rows: Sequence[Delivery], hindered: str | None
) -> tuple[bool, Mapping[str, Shown]]:
    """Whether a column is there and what it shows; one that is hindered may not tell.

    Raises:
        DeliveryError: it cannot be read, and nothing foresaw it.
    """
    try:
        return peek_column(database, ground, rows)
    except DeliveryError as error:
        if hindered is None or error.code in verdicts.AWAY:
            raise
        return True, {}


_SETTLED = {"delivered": "same", "conflict": "keep", "blocked": "blocked"}


def carry_out(database: Database, connect: Connect, plan_id: int, clock: Clock) -> None:
    """Work out the plan a page asked for, and keep it for the page."""
    with database.read() as session:
        plan = delivery_plans.load_plan(session, plan_id)
    if plan is None:
        return
    found: list[dict[str, Any]] | None = None
    fault: str | None = None
    try:
        changes = forecast(
            database, connect, clock, plan["destination"], plan["course_id"]
        )
        found = [asdict(one) for one in changes]
    except DeliveryError as error:
        fault = str(error)
        log().info("plan not found", course=plan["course_id"], code=error.code)
    with database.write() as session:
        delivery_plans.save_found(session, plan_id, found, fault, now=clock())
