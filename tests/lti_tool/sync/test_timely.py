"""A source runs by itself at its own hours, once, and never on a day of a pause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from lti_tool.storage import cursors, schema, sources, staging_areas
from lti_tool.storage.database import Database
from lti_tool.work import source_care
from lti_tool.work.platforms import Author
from lti_tool.work.schedules import next_time
from lti_tool.work.source_settings import parse_settings
from lti_tool.work.timely import sweep_areas, take_due

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("settings", "after", "found"),
    [
        ({}, "2026-11-24T12:00", "2026-11-25T03:15"),
        ({"schedule": {"times": ["13:00", "02:00"]}}, "2026-11-24T12:00",
         "2026-11-24T13:00"),
        ({"schedule": {"days": ["sat"]}}, "2026-11-24T12:00", "2026-11-28T03:15"),
        ({"schedule": {"time_zone": "Asia/Tokyo"}}, "2026-11-24T12:00",
         "2026-11-24T18:15"),
        # The clocks of Paris skip from 2 to 3 on that night.
        ({"schedule": {"times": ["02:30"], "time_zone": "Europe/Paris"}},
         "2027-03-27T12:00", "2027-03-28T01:30"),
        ({"pauses": [{"from": "2026-11-25", "to": "2026-12-01"}]},
         "2026-11-24T12:00", "2026-12-02T03:15"),
        ({"schedule": {"times": []}}, "2026-11-24T12:00", None),
    ],
)  # fmt: skip
def test_the_next_time_is_that_of_the_school(
    settings: dict[str, Any], after: str, found: str | None
) -> None:
    wanted = None if found is None else moment(found)
    assert next_time(parse_settings(settings), moment(after)) == wanted


def add(database: Database, name: str = "sis", **more: object) -> int:
    with database.write() as session:
        values = {"name": name, "kind": "csv", "location": "here", **more}
        return sources.add_source(session, values, NOON)


def test_a_new_source_waits_for_its_hour_and_is_due_once(database: Database) -> None:
    add(database)
    assert take_due(database, NOON) == []
    assert take_due(database, NOON + timedelta(hours=15)) == []
    night = NOON + timedelta(hours=15, minutes=16)
    assert take_due(database, night) == ["sis"]
    assert take_due(database, night) == []


def test_runs_that_were_missed_are_made_up_once(database: Database) -> None:
    add(database, next_at=NOON - timedelta(days=9))
    assert take_due(database, NOON) == ["sis"]
    assert take_due(database, NOON) == []


def test_a_paused_source_and_a_draft_are_never_due(database: Database) -> None:
    add(database, "paused", status="paused", next_at=NOON)
    add(database, "draft", status="draft", next_at=NOON)
    assert take_due(database, NOON) == []


def test_nothing_is_due_on_a_day_of_a_pause(database: Database) -> None:
    pause = {"pauses": [{"from": "2026-11-24", "to": "2026-11-24"}]}
    add(database, settings=pause, next_at=NOON)
    assert take_due(database, NOON) == []
    assert take_due(database, NOON + timedelta(days=1)) == ["sis"]


def test_a_time_set_half_a_minute_ahead_is_kept_today(database: Database) -> None:
    """The schedule looks once a minute: it would find tomorrow's alone."""
    source_id = add(database)
    assert take_due(database, NOON) == []
    schedule = {"times": [f"{NOON:%H}:01"], "time_zone": "UTC"}
    with database.write() as session:
        by = Author("test", NOON + timedelta(seconds=30))
        source_care.save_settings(session, source_id, {"schedule": schedule}, by=by)
    assert take_due(database, NOON + timedelta(seconds=90)) == ["sis"]
    assert take_due(database, NOON + timedelta(seconds=150)) == []


def test_a_parked_source_goes_on_when_its_wait_is_over(database: Database) -> None:
    source_id = add(database, next_at=NOON + timedelta(days=3))
    with database.write() as session:
        cursors.park(session, source_id, NOON + timedelta(hours=1), cursors.WAITS)
    assert take_due(database, NOON) == []
    assert take_due(database, NOON + timedelta(hours=1)) == ["sis"]
    assert take_due(database, NOON + timedelta(hours=1)) == []


def test_a_source_that_refused_us_waits_for_its_schedule(database: Database) -> None:
    source_id = add(database, next_at=NOON + timedelta(hours=1))
    with database.write() as session:
        cursors.park(session, source_id, NOON + timedelta(minutes=15), "auth")
    assert take_due(database, NOON + timedelta(minutes=20)) == []
    assert take_due(database, NOON + timedelta(hours=1)) == ["sis"]


def test_what_an_unfinished_run_staged_goes_after_a_day(database: Database) -> None:
    source_id = add(database)
    with database.write() as session:
        run_id = sources.open_run(session, source_id, "by_hand", NOON)
    reason = staging_areas.Reason("key", run_id, NOON)
    staging_areas.Area(database, source_id, reason).close(keeps=True)
    assert staging_areas.load_areas(database) == [source_id]
    sweep_areas(database, NOON + timedelta(days=2))
    assert staging_areas.load_areas(database) == [source_id]
    with database.write() as session:
        session.execute(update(schema.run).values(ended_at=NOON))
    sweep_areas(database, NOON + timedelta(days=2))
    assert staging_areas.load_areas(database) == []


def test_a_broken_area_is_thrown_away(sqlite_database: Database) -> None:
    source_id = add(sqlite_database)
    reason = staging_areas.Reason("key", 1, NOON)
    staging_areas.Area(sqlite_database, source_id, reason).close(keeps=True)
    path = staging_areas.path_of(sqlite_database, source_id)
    assert path is not None
    path.write_bytes(b"no database at all, but long enough to be looked at" * 99)
    area = staging_areas.Area(sqlite_database, source_id, reason)
    assert area.started_at == NOON
    assert area.connection.scalar(select(schema.source.c.id)) == source_id
    area.close(keeps=False)
    assert not path.exists()
