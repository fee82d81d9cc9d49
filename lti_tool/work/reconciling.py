"""Compares everything that was told with what each system now shows.

What differs is kept and waits for a person: send again, or take theirs. What is on its
way is left alone, and so is a value that somebody said is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from lti_tool.errors import DeliveryError
from lti_tool.logs import log
from lti_tool.platforms.destination import NOTHING, Shown
from lti_tool.storage import differences, requeue, sendings, told
from lti_tool.storage.database import Database
from lti_tool.storage.differences import Unread
from lti_tool.storage.outbox import Delivery
from lti_tool.work import summaries
from lti_tool.work.delivery import Clock, Connect
from lti_tool.work.gradebooks import Ground, open_ground
from lti_tool.work.our_columns import read_column
from lti_tool.work.turns import patiently
from lti_tool.work.verdicts import is_rescaled

RESCALED = "new maximum"  # who asks, where a column's maximum was changed there


@dataclass(frozen=True, slots=True)
class Difference:
    """One value we delivered and what the destination shows now.

    competency_id is None of the grade over all competencies of the course.
    """

    destination: str
    course_id: int
    person_id: int
    competency_id: int | None
    ours: float | None
    theirs: float | None
    delivery_id: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How many delivered values were read back, by destination, and what differs.

    Attributes:
        unread: the courses that could not be read, with the reason.
        resent: values sent once more by themselves, as a column has a new maximum.
    """

    read_back: Mapping[str, int]
    differences: tuple[Difference, ...]
    unread: tuple[Unread, ...] = ()
    resent: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    differences: list[Difference]
    rescaled: list[Delivery]


def reconcile(
    database: Database,
    connect: Connect,
    clock: Clock,
    *,
    who: str,
    course_id: int | None = None,
) -> Reconciliation:
    """Read back every delivered value and keep what differs.

    A course that cannot be read is told as unread; the others are read all the same.
    """
    started = clock()
    with database.read() as session:
        places = told.load_told_places(session, course_id)
    read_back: Counter[str] = Counter()
    unread: list[Unread] = []
    found = _Found([], [])
    for name, course in places:
        try:
            ground = patiently(
                partial(open_ground, database, connect, (name, course), clock())
            )
            here = _differences(database, ground)
        except DeliveryError as error:
            unread.append(Unread(name, course, error.code, str(error)))
            continue
        read_back[name] += len(ground.told)
        found.differences.extend(here.differences)
        found.rescaled.extend(here.rescaled)
    read = set(places) - {(one.destination, one.course_id) for one in unread}
    with database.write() as session:
        resent = requeue.put_again(session, found.rescaled, who=RESCALED, now=clock())
        kept = differences.save(
            session,
            differences.Comparison(who, dict(read_back), unread, started, clock()),
            {one.delivery_id: one.theirs for one in found.differences},
            read,
        )
    mine = tuple(one for one in found.differences if one.delivery_id in kept)
    log().info("outcomes reconciled", differences=len(mine), unread=len(unread))
    return Reconciliation(dict(read_back), mine, tuple(unread), resent)


def _differences(database: Database, ground: Ground) -> _Found:
    """Compare what is still told there: what is not any more is nobody's affair."""
    found = _Found([], [])
    with database.read() as session:
        how = sendings.load_sending(session, ground.course_id)
    still_told = [
        row
        for row in ground.told.values()
        if summaries.tells(how, ground.name, is_summary=row.competency_id is None)
    ]
    still_told.sort(key=lambda row: (row.column, row.person_id))
    try:
        for _column, group in groupby(still_told, key=lambda row: row.column):
            rows = list(group)
            _compare(ground, rows, read_column(database, ground, rows), found)
    finally:
        ground.close()
    return found


def _compare(
    ground: Ground, rows: Sequence[Delivery], shown: Mapping[str, Shown], found: _Found
) -> None:
    for row in rows:
        there = shown.get(ground.recipients.get(row.person_id, ""), NOTHING)
        sent = ground.sent.get(row.key)
        values = sent.values if sent is not None else frozenset()
        if there.shows(row.value) or any(there.shows(value) for value in values):
            continue  # what is told, or what is on its way
        if is_rescaled(there, sent):
            found.rescaled.append(row)
            continue
        found.differences.append(
            Difference(
                ground.name,
                ground.course_id,
                row.person_id,
                row.competency_id,
                row.value,
                there.as_ours(row.value),
                row.id,
            )
        )
