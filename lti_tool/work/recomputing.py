"""Levels that follow what a framework says: ordered where it changes, done by a worker.

First the courses of the framework, then every student's record of it, some students a
transaction: nobody waits long for it, and a worker killed in between loses little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from lti_tool.logs import log
from lti_tool.storage import copies, crosswalks, framework_pages, recomputes
from lti_tool.storage import student_records as stored
from lti_tool.storage.database import Database, Session
from lti_tool.storage.framework_versions import FrameworkImport
from lti_tool.storage.recomputes import Taken
from lti_tool.work import roster, student_records
from mappings.frameworks import IS_CHILD_OF, PRECEDES, Association

BATCH: Final = 100  # students worked out in one transaction


def order(session: Session, framework_id: int, *, who: str, now: datetime) -> None:
    """Have the levels of a framework's courses and of its students worked out again.

    What is carried from it into other frameworks follows.
    """
    copies.mark_stale(session, framework_pages.load_course_ids(session, framework_id))
    order_carried(session, framework_id, who=who, now=now)


def order_carried(
    session: Session, framework_id: int, *, who: str, now: datetime
) -> None:
    """Have students' records of a framework worked out again, and what they feed.

    The levels of its courses stay.
    """
    onward = {
        to_id
        for from_id, to_id in crosswalks.load_links(session)
        if from_id == framework_id
    }
    recomputes.order(session, {framework_id, *onward}, who=who, now=now)


def order_records(
    session: Session, framework_id: int, *, who: str, now: datetime
) -> None:
    """Have what students are said to show in a framework worked out again.

    The levels of its courses stay: what is carried over speaks in records alone.
    """
    recomputes.order(session, {framework_id}, who=who, now=now)


def follow(session: Session, done: FrameworkImport, *, who: str, now: datetime) -> None:
    """Order the levels anew if a version changed what they rest on.

    A competency more or less, what stands under what, another prerequisite or bridge
    to another framework; other words or another order change no level.
    """
    items = done.competencies
    is_moved = items.added or items.retired or items.returned
    is_judged = is_moved or any(_speaks(one) for one in done.edge_kinds)
    if done.number in (None, 1) or not is_judged:
        return
    order(session, done.framework_id, who=who, now=now)


def follow_edges(
    session: Session, edges: Iterable[Association], *, who: str, now: datetime
) -> None:
    """Order the records anew into which edges beside a framework may carry levels."""
    ends = {
        end
        for edge in edges
        if crosswalks.may_carry(edge.kind)
        for end in (edge.origin_case_id, edge.destination_case_id)
    }
    links = crosswalks.load_links_of(session, ends)
    recomputes.order(session, {to_id for _from_id, to_id in links}, who=who, now=now)


def _speaks(kind: str) -> bool:
    """Tell whether levels may rest on an edge of this kind."""
    return kind in (PRECEDES, IS_CHILD_OF) or crosswalks.may_carry(kind)


def carry_out(database: Database, clock: Callable[[], datetime]) -> int:
    """Work out whatever was ordered; returns how many students' records changed.

    May be run by several workers at once: each takes another framework.
    """
    changed = 0
    while (taken := _take(database, clock)) is not None:
        changed += _work_out(database, taken, clock)
    return changed


def _take(database: Database, clock: Callable[[], datetime]) -> Taken | None:
    with database.read() as session:
        if not recomputes.has_waiting(session):
            return None
    with database.write() as session:
        return recomputes.take(session, clock())


def _work_out(database: Database, taken: Taken, clock: Callable[[], datetime]) -> int:
    framework_id = taken.framework_id

    def renew(done: int, whole: int | None) -> None:
        with database.write() as session:
            recomputes.move_on(session, framework_id, done, whole, clock())

    roster.refresh_stale(database, clock, lambda _phase, _count: renew(0, None))
    with database.read() as session:
        persons = stored.load_persons(session, framework_id)
    changed = 0
    for start in range(0, len(persons), BATCH):
        some = persons[start : start + BATCH]
        with database.write() as session:
            changed += student_records.refresh_all(
                session, framework_id, now=clock(), persons=some
            )
        renew(start + len(some), len(persons))
    with database.write() as session:
        recomputes.settle(session, taken, clock())
    log().info("levels worked out", framework=framework_id, records=changed)
    return changed
