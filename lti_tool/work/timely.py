"""Runs by schedule: which sources are due, and what unfinished runs leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lti_tool.errors import ConfigError
from lti_tool.logs import log
from lti_tool.storage import cursors, staging_areas
from lti_tool.storage.database import Database
from lti_tool.work.schedules import is_paused, next_time
from lti_tool.work.source_settings import parse_settings


def take_due(database: Database, now: datetime) -> list[str]:
    """Return the names of the sources to pull now; each is returned once.

    A source whose times were missed is due once, one that was parked when its wait is
    over. On a day of a pause nothing is due.
    """
    with database.read() as session:
        found = cursors.load_timely(session, now)
    return [one["name"] for one in found if _take(database, one, now)]


def _take(database: Database, one: Mapping[str, Any], now: datetime) -> bool:
    parked_until = one["parked_until"]
    if parked_until is not None and parked_until > now:
        return False
    try:
        settings = parse_settings(one["settings"])
    except ConfigError:
        log().warning("source not scheduled", source=one["id"], code="settings")
        return False
    is_due = one["next_at"] is not None and one["next_at"] <= now
    # One that asked for patience goes on by itself, once.
    goes_on = parked_until is not None and one["parked_code"] == cursors.WAITS
    upcoming = next_time(settings, now)
    with database.write() as session:
        if is_due or (one["next_at"] is None and upcoming is not None):
            is_mine = cursors.save_next(session, one["id"], one["next_at"], upcoming)
            is_due = is_due and is_mine
        if goes_on:
            goes_on = cursors.unpark(session, one["id"])
    return (is_due or goes_on) and not is_paused(settings, now)


def sweep_areas(database: Database, now: datetime) -> None:
    """Drop what runs have staged that nobody will go on with any more."""
    before = now - staging_areas.LIFE
    for source_id in staging_areas.load_areas(database):
        with database.read() as session:
            is_in_use = cursors.has_run_since(session, source_id, before)
        if not is_in_use:
            staging_areas.drop_area(database, source_id)
