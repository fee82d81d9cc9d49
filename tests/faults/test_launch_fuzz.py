"""Launches changed by chance: each is refused by name, or opens a valid visit.

The fuzz target of tests/fuzz, a few thousand launches of it; by hand it runs as
`python -m tests.fuzz.launches --count 100000 --seed 2`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from lti_tool.errors import LAUNCH_STATUS
from lti_tool.lti13 import messages, times
from lti_tool.storage.database import Database
from tests.fuzz.launches import run

COUNTS = {"sqlite": 1500, "postgresql": 800}
# Codes a launch in one process and over one door cannot meet.
ELSEWHERE = {"E_METHOD", "E_HTTPS", "E_RATE", "E_REPLAY", "E_KEYS_UNAVAILABLE"}


@pytest.fixture(autouse=True)
def silence() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


def test_a_launch_changed_by_chance_is_refused_by_rule_or_is_valid(
    database: Database, tmp_path: Path
) -> None:
    count = COUNTS[database.engine.dialect.name]
    result = run(database, tmp_path, count=count, seed=2026)
    assert result.failures == []
    assert sum(result.outcomes.values()) == count
    assert set(result.outcomes) == {"valid", *LAUNCH_STATUS} - ELSEWHERE


def nothing(*_args: object, **_kwargs: object) -> None:
    """A check that checks nothing."""


@pytest.mark.parametrize(
    ("place", "check"),
    [
        (times, "check_audience"),
        (times, "check_times"),
        (times, "check_nonce"),
        (messages, "verify_signature"),
    ],
    ids=["audience", "times", "nonce", "signature"],
)
def test_a_check_left_out_is_noticed(
    sqlite_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: object,
    check: str,
) -> None:
    monkeypatch.setattr(place, check, nothing)
    result = run(sqlite_database, tmp_path, count=1000, seed=2026, stop_at=1)
    (failure,) = result.failures
    assert "let in and not refused by" in failure or "and not E_" in failure
