"""The grades teachers gave in an LMS, read as evidence beside those of the SIS.

A reading changes everything or nothing: what comes is held against what we have, what
differs is kept aside until all of it has come, and is then written in one transaction
with the levels it moves (decision 0016). Where only changes come, absence says nothing.
See decision 0019.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from lti_tool.errors import BridgeError, ConfigError, DeliveryError, PlatformError
from lti_tool.logs import log
from lti_tool.platforms.gradebook import Gradebook, LmsWork
from lti_tool.storage import (
    copies,
    erasures,
    lms_readings,
    lms_scores,
    schema,
    twins,
    zones,
)
from lti_tool.storage import standing as stored
from lti_tool.storage.database import Database, Session
from lti_tool.storage.lms_readings import FAILED, READ, WAITING, OurColumn, Reading
from lti_tool.storage.lms_scores import HeldScore
from lti_tool.storage.moves import MANY
from lti_tool.work import roster, standing
from lti_tool.work.lms_stage import Counts, Stage, fingerprint

# Who asks, where nobody does.
SCHEDULE: Final = "schedule"
TURN: Final = "turn"
# Its clock and ours may differ; what is read twice changes nothing.
OVERLAP: Final = timedelta(minutes=10)
# All is read every night: of changes alone Canvas tells no grade that was taken back,
# and none that was given earlier and posted now.
WHOLE_EVERY: Final = timedelta(hours=20)

Clock = Callable[[], datetime]
Connect = Callable[[int], Gradebook]


def read(
    database: Database,
    connect: Connect,
    placement_id: int,
    clock: Clock,
    *,
    who: str = SCHEDULE,
    is_whole: bool = False,
) -> Counts | None:
    """Read a course once; None if another worker reads it just now.

    Raises:
        ConfigError: it may not be read, or cannot as it is set up.
        DeliveryError: it did not come whole; nothing was changed. The course says why.
    """
    started_at = clock()
    with database.read() as session:
        reading = lms_readings.load_reading(session, placement_id)
    with database.write() as session:
        if not lms_readings.begin(session, placement_id, who=who, now=started_at):
            return None
    try:
        refuse_unready(reading)
        stage = _fetch(database, connect, reading, started_at, is_whole=is_whole)
        if who == SCHEDULE:
            _refuse_emptied(stage)
        counts = _apply(database, stage, clock)
    except BridgeError as error:
        _fail(database, reading, started_at, error)
        raise
    except BaseException:
        stopped = PlatformError("stopped by an error of the tool", "error")
        _fail(database, reading, started_at, stopped)
        raise
    roster.refresh_stale(database, clock)
    log().info("grades read", placement=placement_id, **_numbers(counts))
    return counts


def read_ordered(
    database: Database, connect: Connect, placement_id: int, clock: Clock
) -> Counts | None:
    """Read a course that somebody waits for, whole; None if nobody does any more.

    Raises:
        BridgeError: see read(); the course says why.
    """
    with database.read() as session:
        if placement_id not in lms_readings.load_ordered(session, now=clock()):
            return None
        who = lms_readings.load_reading(session, placement_id).ordered_by or SCHEDULE
    return read(database, connect, placement_id, clock, who=who, is_whole=True)


def refuse_unready(reading: Reading) -> None:
    """Refuse to read what may not, or cannot, be read.

    Raises:
        ConfigError: says what is to be done first.
    """
    platform = reading.registration_id
    if not reading.is_active:
        raise ConfigError(f"platform {platform} is disabled; nothing is read there")
    if not reading.is_read:
        raise ConfigError(
            f"the grades of platform {platform} are not read; an administrator lets "
            f"them be: masterybridge platform edit {platform} --read on"
        )
    if not reading.has_token:
        raise ConfigError(
            f"platform {platform} has no address or no token to read grades with; "
            f"give both: masterybridge platform edit {platform} --outcomes-url URL "
            "--outcomes-token-file FILE"
        )
    if reading.course_id is None:
        raise ConfigError(
            f"placement {reading.placement_id} leads to no course of ours yet; open "
            "the tool there once"
        )
    if not reading.is_on:
        raise ConfigError("reading is switched off in this course")


def _fetch(
    database: Database,
    connect: Connect,
    reading: Reading,
    started_at: datetime,
    *,
    is_whole: bool,
) -> Stage:
    """Read all of it, in no transaction, and keep what differs."""
    course_id = reading.course_id or 0
    with database.read() as session:
        ours = lms_readings.load_our_columns(session, course_id)
        stage = Stage(reading, zones.load_zone(session, course_id), started_at)
    gradebook = connect(reading.placement_id)
    for work in gradebook.works():
        if is_ours(work, ours):
            stage.counts.ours += 1
        else:
            stage.put_work(work)
    with database.read() as session:
        source_id = lms_scores.find_source(session, reading.registration_id)
        if source_id is not None:
            stage.held_works = lms_scores.load_works(
                session, source_id, course_id, stage.works
            )
            ids = {one.id for one in stage.held_works.values()}
            stage.held = lms_scores.load_scores(session, source_id, ids)
    since = None if is_whole else since_of(reading, started_at)
    stage.counts.is_whole = since is None or gradebook.is_whole
    for one in gradebook.scores(since):
        stage.put_score(one)
    stage.counts.works, stage.counts.scores = len(stage.works), len(stage.seen)
    return stage


def since_of(reading: Reading, now: datetime) -> datetime | None:
    """From when on changes are asked for; None: everything is read."""
    whole_at = (reading.found or {}).get("whole_at")
    if reading.cursor_at is None or whole_at is None:
        return None
    if now - datetime.fromisoformat(whole_at) >= WHOLE_EVERY:
        return None
    return reading.cursor_at - OVERLAP


def is_ours(work: LmsWork, ours: Iterable[OurColumn]) -> bool:
    """Tell whether work is a column of ours that the LMS did not know for one.

    By what we call it and out of what it is: a course that was copied in the LMS has
    our columns under numbers that nobody told us.
    """
    return any(
        one.title == work.title and one.maximum == work.maximum
        for one in ours
        if one.title and one.maximum is not None and one.destination != "oneroster"
    )


def _refuse_emptied(stage: Stage) -> None:
    """Let no night end all of a course: a person is to have seen it.

    Raises:
        DeliveryError: the platform shows nothing any more where it showed something.
    """
    count = sum(one.is_active for one in stage.held_works.values())
    if count and not stage.works:
        raise DeliveryError(
            f"it shows no assignments any more, where there were {count}; nothing was "
            "changed. If that is right, choose Read now",
            "emptied",
            permanent=True,
        )


def _apply(database: Database, stage: Stage, clock: Clock) -> Counts:
    """Write everything in one transaction, the levels that move included."""
    reading, counts = stage.reading, stage.counts
    course_id = reading.course_id or 0
    with database.write() as session:
        stored.hold_courses(session, [course_id])
        source_id = lms_scores.ensure_source(
            session, reading.registration_id, reading.platform, now=clock()
        )
        is_moved = _put_works(session, stage, source_id)
        is_moved |= twins.settle(session, course_id, now=clock())
        pairs = _put_scores(session, stage, source_id)
        _work_out(session, course_id, pairs, clock(), is_moved=is_moved)
        counts.twins = sum(
            one.twin_id is not None for one in twins.load_works(session, course_id)
        )
        found = {**asdict(counts), "whole_at": _whole_at(stage)}
        closed = {
            "status": READ,
            "cursor_at": stage.now,
            "read_at": clock(),
            "found": found,
            "code": None,
            "fault": None,
        }
        if not lms_readings.close(session, reading.placement_id, stage.now, closed):
            raise PlatformError("another worker has read it meanwhile", "lost_lease")
    return counts


def _whole_at(stage: Stage) -> str | None:
    if stage.counts.is_whole:
        return stage.now.isoformat()
    return (stage.reading.found or {}).get("whole_at")


def _put_works(session: Session, stage: Stage, source_id: int) -> bool:
    """Write the work that differs; tells whether any we knew has moved."""
    is_moved = False
    fresh: list[dict[str, Any]] = []
    for name, values in stage.works.items():
        told = {**values, "course_id": stage.reading.course_id}
        print_ = fingerprint(told)
        held = stage.held_works.get(name)
        if held is not None and held.is_active and held.fingerprint == print_:
            continue
        is_moved |= held is not None
        key = {"source_id": source_id, "kind": "line_item", "sourced_id": name}
        fresh.append({**key, **told, "status": "active", "fingerprint": print_})
    prefix = f"{stage.reading.context_id}:"
    gone = [
        one.id
        for name, one in stage.held_works.items()
        if one.is_active and name not in stage.works and name.startswith(prefix)
    ]
    categories = {one["category_sourced_id"] for one in fresh} - {None}
    lms_scores.put_categories(session, source_id, categories)
    lms_scores.put_works(session, fresh)
    lms_scores.end(session, schema.assignment, gone)
    return is_moved or bool(gone)


def _put_scores(session: Session, stage: Stage, source_id: int) -> set[tuple[int, int]]:
    """Write the scores that differ; returns (work, person) of all that moved."""
    counts = stage.counts
    people = lms_scores.load_people(session, stage.reading.registration_id)
    hooks = lms_scores.load_hooks(
        session,
        source_id,
        {one["line_item_sourced_id"] for one in stage.scores.values()}
        | {one.work for one in stage.held.values()},
    )
    fresh = []
    moved: set[tuple[int, int | None]] = set()
    forgotten = erasures.load_forgotten(session, erasures.SIS, source_id)
    for name, values in stage.scores.items():
        if values["student_sourced_id"] in forgotten:
            continue
        hook = hooks[values["line_item_sourced_id"]]
        held = stage.held.get(name)
        person_id = people.get(values["student_sourced_id"])
        key = {"source_id": source_id, "kind": "result", "sourced_id": name}
        fresh.append(
            {**key, **values, **hook, "status": "active", "person_id": person_id}
        )
        moved.add((hook["assignment_id"], person_id))
        if held is not None:
            moved.add((hook["assignment_id"], held.person_id))
        counts.added += held is None or not held.is_active
        counts.changed += held is not None and held.is_active
    lms_scores.put_scores(session, fresh)
    links, gone = _linked(stage, people), _gone(session, stage)
    lms_scores.link(session, {one.id: who for one, who in links})
    lms_scores.end(session, schema.score, {one.id for one in gone})
    counts.ended = len(gone)
    for one, who in [*links, *((one, one.person_id) for one in gone)]:
        work = hooks[one.work]["assignment_id"]
        moved |= {(work, who), (work, one.person_id)}
    unknown = {one["student_sourced_id"] for one in fresh} - people.keys()
    unknown |= {one.user for one in stage.held.values()} - people.keys()
    counts.unknown = len(unknown)
    return {(work, who) for work, who in moved if who is not None}


def _linked(stage: Stage, people: Mapping[str, int]) -> list[tuple[HeldScore, int]]:
    """Scores we hold whose students we know better now, with who they are."""
    return [
        (one, people[one.user])
        for name, one in stage.held.items()
        if name not in stage.scores
        and people.get(one.user, one.person_id) != one.person_id
    ]


def _gone(session: Session, stage: Stage) -> list[HeldScore]:
    """The scores that a whole reading shows no more.

    Of students who learn here still: who has left is not shown any more, and what she
    had stays hers.
    """
    if not stage.counts.is_whole:
        return []
    learners = lms_scores.load_learners(session, stage.reading.course_id or 0)
    return [
        one
        for name, one in stage.held.items()
        if one.is_active
        and name not in stage.seen
        and one.work in stage.works
        and (one.user in stage.users or one.person_id in learners | {None})
    ]


def _work_out(
    session: Session,
    course_id: int,
    pairs: Collection[tuple[int, int]],
    now: datetime,
    *,
    is_moved: bool,
) -> None:
    """Work out the cells that moved; a whole course is marked, and done after."""
    if is_moved or len(pairs) > MANY or not lms_scores.is_fresh(session, course_id):
        copies.mark_stale(session, [course_id])
        return
    cells = lms_scores.load_cells(session, course_id, pairs)
    if cells:
        standing.refresh_moved(session, cells, now=now)
        stored.mark_refreshed(session, [course_id], now)


def _fail(
    database: Database, reading: Reading, started_at: datetime, error: BridgeError
) -> None:
    """Write why nothing was read, in the other system's words where it had any."""
    code = error.code if isinstance(error, PlatformError) else "config"
    said = error.said if isinstance(error, DeliveryError) else None
    fault = f"{error} ({said})" if said and said not in str(error) else str(error)
    # Another worker has the platform's turn: whoever waits waits on.
    status = WAITING if code == TURN else FAILED
    values = {"status": status, "code": code[:32], "fault": fault}
    with database.write() as session:
        lms_readings.close(session, reading.placement_id, started_at, values)
    log().warning("grades not read", placement=reading.placement_id, code=code)


def _numbers(counts: Counts) -> dict[str, Any]:
    return asdict(counts)
