"""Bundles and pages changed by chance: an ending by name, and nobody lost.

The target of tests/fuzz/rosters.py, a hundred or so of it; by hand it runs as
`python -m tests.fuzz.rosters --count 2000 --seed 2`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from lti_tool.storage.database import Database
from tests.fuzz.rosters import run

# A first look; `python -m tests.fuzz.rosters --count 2000` is the long one.
COUNTS = {"sqlite": 40, "postgresql": 20}


@pytest.fixture(autouse=True)
def silence() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


def test_input_changed_by_chance_ends_by_name_and_removes_nobody(
    database: Database, tmp_path: Path
) -> None:
    count = COUNTS[database.engine.dialect.name]
    result = run(database, tmp_path, count=count, seed=2026)
    assert result.failures == []
    assert sum(result.outcomes.values()) == count
    kinds = {outcome.split(" ")[0] for outcome in result.outcomes}
    assert {"applied", "applied_with_rejects", "held", "failed"} <= kinds
