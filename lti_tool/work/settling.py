"""What follows from a roster sync that was applied, beside people, seats and levels."""

from __future__ import annotations

from datetime import datetime

from lti_tool.storage import copies as stored_copies
from lti_tool.storage import twins
from lti_tool.storage.database import Session
from lti_tool.work import class_resources, copies, people


def settle(session: Session, source_id: int, *, now: datetime) -> None:
    """Let what waited for this sync find its place; may be run again.

    Links between accounts, alignments of copied courses, the resources of classes, and
    work that an LMS has as well. Courses whose levels that moves become stale.
    """
    people.match_waiting(session, now=now)
    copies.settle_waiting(session, now=now)
    class_resources.settle(session, source_id, now=now)
    stored_copies.mark_stale(session, twins.settle_source(session, source_id, now=now))
