"""Levels by certainty grow old: every night, those that fell are written and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from lti_tool.logs import log
from lti_tool.storage import judging
from lti_tool.storage.database import Database
from lti_tool.work import standing

# Courses worked out in one transaction: few enough that nobody waits long for it. They
# stand school by school, so that a student's pieces are mostly read once.
BATCH: Final = 40


def refresh_aged(database: Database, clock: Callable[[], datetime]) -> int:
    """Work out the levels that time alone may have changed; returns how many did.

    Only cells in which somebody sees a change are written. One transaction a few
    courses; may be run again.
    """
    with database.read() as session:
        courses = judging.ageing_courses(session)
    changed = 0
    for start in range(0, len(courses), BATCH):
        with database.write() as session:
            done = standing.refresh_courses(
                session, courses[start : start + BATCH], now=clock(), is_nightly=True
            )
        changed += done.changed
    if changed:
        log().info("levels aged", cells=changed)
    return changed
