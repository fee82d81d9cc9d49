"""Our keys change, and nothing we sign is refused meanwhile, whoever caches them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import time_machine
from joserfc.jwk import KeySet
from sqlalchemy import select

from lti_tool.demo.browserless import (
    browser_session,
    launch_by_http,
    read_forms,
)
from lti_tool.demo.platform_records import Tool
from lti_tool.demo.platform_vault import Vault, _decoded, fetch_keys
from lti_tool.storage import keys, schema
from lti_tool.storage.database import Database
from lti_tool.work.jobs import Jobs
from lti_tool.work.lms import Lms
from tests.lti_tool.conftest import World

SECRET = b"k" * 32
DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)


def current(database: Database) -> str:
    with database.read() as session:
        return keys.load_current(session, SECRET).kid


def published(database: Database) -> list[str]:
    with database.read() as session:
        return [one["kid"] for one in keys.load_public(session, SECRET)]


def rotate(database: Database, at: datetime, *, at_once: bool = False) -> keys.Rotation:
    with database.write() as session:
        return keys.rotate(session, SECRET, now=at, at_once=at_once)


def test_whoever_caches_our_keys_for_a_day_always_knows_the_one_that_signs(
    database: Database, now: datetime
) -> None:
    """Rotations at any hour, caches filled at every hour and kept for 24 hours."""
    caches: list[tuple[datetime, set[str]]] = []
    signed: list[str] = []
    with database.write() as session:
        keys.ensure(session, SECRET, now=now)
    for hour in range(24 * 5):
        at = now + hour * HOUR
        if hour in {1, 2, 27, 28, 40, 70, 71, 96}:
            rotate(database, at)
        with database.write() as session:
            keys.take_over(session, SECRET, now=at)
        caches = [one for one in caches if at - one[0] < DAY]
        caches.append((at, set(published(database))))
        signed.append(current(database))
        assert [hour for _, kids in caches if signed[-1] not in kids] == []
    # At once (the next key was there from the start), then 25 hours after each other.
    changes = [
        hour for hour in range(1, len(signed)) if signed[hour - 1] != signed[hour]
    ]
    assert changes == [1, 26, 51, 76, 101]


def test_a_rotation_soon_after_another_waits_and_is_done_once(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        keys.ensure(session, SECRET, now=now)
    at = now + HOUR
    first = rotate(database, at)
    assert first.signs_at is None  # the next key was published with the first one
    again = [rotate(database, at + HOUR) for _ in range(2)]
    waiting = keys.Rotation(first.current, first.following, at + 25 * HOUR)
    assert again == [waiting, waiting]
    with database.write() as session:
        early = at + 25 * HOUR - timedelta(seconds=1)
        assert keys.take_over(session, SECRET, now=early) is None
        assert keys.take_over(session, SECRET, now=at + 25 * HOUR) == first.following
        assert keys.take_over(session, SECRET, now=at + 25 * HOUR) is None
    assert published(database)[2] == first.current


def test_a_key_that_leaked_is_published_no_more(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        keys.ensure(session, SECRET, now=now)
    leaked = rotate(database, now).current
    turn = rotate(database, now + HOUR, at_once=True)
    assert turn.current != leaked
    assert leaked not in published(database)
    assert published(database)[0] == turn.current


def test_of_rotations_at_one_instant_none_leaves_two_keys_signing(
    database: Database, now: datetime
) -> None:
    twin = Database(database.engine.url.render_as_string(hide_password=False))
    for at in (now, now + 30 * HOUR):
        start = threading.Barrier(2)

        def race(
            one: Database, at: datetime = at, start: threading.Barrier = start
        ) -> None:
            start.wait(60)
            rotate(one, at)
            with one.write() as session:
                keys.take_over(session, SECRET, now=at)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(race, (database, twin)))
        with database.read() as session:
            statuses = sorted(session.scalars(select(schema.tool_key.c.status)))
        assert statuses[0] == "current"
        assert statuses[1] in {"due", "next"}
        assert statuses[2:] == ["previous"]
    twin.close()


class DayLong(Vault):
    """An LMS that asks for a tool's keys once a day and never on a miss."""

    def __init__(self, clock: Any) -> None:  # noqa: ANN401 -- the campus's own
        super().__init__()
        self._clock = clock
        self._held: tuple[datetime, KeySet] | None = None
        self.fetches = 0

    def opened(self, tool: Tool, signed: str) -> dict[str, Any]:
        now = self._clock()
        if self._held is None or now - self._held[0] >= DAY:
            self._held = (now, fetch_keys(tool.jwks_url))
            self.fetches += 1
        return _decoded(signed, self._held[1])


def test_launches_links_and_tokens_go_on_while_our_keys_change(world: World) -> None:
    """Four days against an LMS with a cache of a day, a rotation every few hours."""
    vault = world.lms.vault = DayLong(world.lms.clock)
    jobs = Jobs(world.settings, world.database)
    kids, start = [], datetime.now(UTC)
    for hour in range(0, 90, 7):
        with time_machine.travel(start + hour * HOUR):
            assert urlsplit(world.open("tea").url).path.endswith("/class")
            page = launch_by_http(
                world.lms_url, session := browser_session(), "tea", "c1",
                kind="deep_linking",
            )  # fmt: skip
            form = read_forms(page)[0]
            answer = session.post(
                form.action, data=form.fields | {"pick": "mine"}, timeout=30
            )
            reply = read_forms(answer)[0]
            placed = session.post(reply.action, data=reply.fields, timeout=30)
            assert placed.status_code == 200, placed.text
            # A process of its own holds no token yet: it asks for one, signed.
            lms = Lms(world.database, world.settings)
            roster = lms.members(1).roster(_nrps(world.database))
            assert len(roster.members) == 2
            rotate(world.database, datetime.now(UTC))
            jobs._take_over()  # noqa: SLF001 -- what the tick does every minute
            kids.append(current(world.database))
    assert len(set(kids)) == 4
    assert vault.fetches == 4


def _nrps(database: Database) -> str:
    with database.read() as session:
        return str(session.scalar(select(schema.placement.c.nrps_url)))
