"""Whatever two rosters a SIS sends one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from lti_tool.storage import schema, sources
from lti_tool.storage.database import Database
from lti_tool.work import roster
from lti_tool.work.feeds import BundleFeed
from lti_tool.work.holds import FLOOR, RATIO
from lti_tool.work.roster import SyncReport
from oneroster.bundle_writer import write_bundle
from oneroster.catalog import MemoryCatalog
from oneroster.models import User

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
rosters = st.one_of(
    st.dictionaries(st.integers(0, 400), st.sampled_from("ab"), max_size=30),
    st.builds(
        lambda start, stop, name: dict.fromkeys(range(start, max(start, stop)), name),
        st.integers(0, 60),
        st.integers(0, 400),
        st.sampled_from("ab"),
    ),
)


def _pull(database: Database, source_id: int, names: Mapping[int, str]) -> SyncReport:
    users = [
        User(sourced_id=str(key), status="active", given_name=name)
        for key, name in names.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle"
        write_bundle(path, MemoryCatalog({"users": users}), collections=["users"])
        return roster.sync(database, source_id, lambda: BundleFeed(path), lambda: NOW)


def _active(database: Database, source_id: int) -> dict[str, str]:
    user = schema.sis_user
    with database.engine.connect() as connection:
        found = connection.execute(
            select(user.c.sourced_id, user.c.given_name).where(
                user.c.source_id == source_id, user.c.status == "active"
            )
        )
        return {row.sourced_id: row.given_name for row in found}


@pytest.fixture
def numbers() -> list[int]:
    return []


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=rosters, second=rosters)
def test_a_pull_never_ends_more_than_it_may_and_twice_equals_once(
    database: Database,
    numbers: list[int],
    first: dict[int, str],
    second: dict[int, str],
) -> None:
    numbers.append(1)
    values = {"name": f"sis {len(numbers)}", "kind": "csv", "location": "here"}
    with database.write() as session:
        source_id = sources.add_source(session, values, NOW)
    _pull(database, source_id, first)
    before = _active(database, source_id)
    assert before == {str(key): name for key, name in first.items()}
    report = _pull(database, source_id, second)
    after = _active(database, source_id)
    ended = before.keys() - after.keys()
    wanted = {str(key): name for key, name in second.items()}
    assert len(ended) <= max(FLOOR, RATIO * len(before))
    assert bool(after) >= bool(before)
    assert after == (before if report.status == "held" else wanted)
    again = _pull(database, source_id, second)
    assert (again.status, _active(database, source_id)) == (report.status, after)
    assert again.is_nothing == (report.status == "applied")
