"""What the scores of a sync move, worked out in the transaction that stores them.

A score that came or changed moves few cells: those are worked out at once, so that
nobody ever sees a score without its level. A first load, and work whose own facts
moved, concern whole courses: these keep a mark and are worked out right after, some at
a time, because so long a transaction would keep everybody else waiting. See decision
0016.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from lti_tool.storage import moved_cells, roster
from lti_tool.storage import standing as stored
from lti_tool.storage.database import Session
from lti_tool.storage.moves import MovedScores
from lti_tool.storage.staging import Movement, Staging
from lti_tool.work import standing


class Incoming:
    """The cells and the courses that a plan moves; asked before it is applied."""

    def __init__(
        self, staging: Staging, source_id: int, plan: Mapping[str, Movement]
    ) -> None:
        self._source_id = source_id
        moved = staging.moved_scores(plan)
        if moved is None:  # so many that whole courses are worked out afterwards
            self._scores = MovedScores(frozenset(), frozenset())
            self._whole = staging.moved_line_items(plan)
        else:
            self._scores = moved
            self._whole = staging.moved_work(plan) | moved.naming

    def hold(self, session: Session) -> None:
        """Wait for whoever works on these levels, before anything is written.

        The courses first, then the people, as every refresh does; and mark the courses
        that are to be worked out whole.
        """
        cells = moved_cells.load(session, self._source_id, self._scores.pairs)
        whole = moved_cells.load_courses(session, self._source_id, self._whole)
        stored.hold_courses(session, sorted(whole | {key[0] for key in cells}))
        stored.hold_people(session, (), sorted({key[1] for key in cells}))
        self._mark(session)

    def work_out(self, session: Session, now: datetime) -> int:
        """Work out what moved, once it is stored; returns in how many courses.

        A line item may have moved from one course to another: the marks are set once
        more. What is marked is left to whoever works out its course.
        """
        self._mark(session)
        cells = moved_cells.load(
            session, self._source_id, self._scores.pairs, is_fresh=True
        )
        if not cells:
            return 0
        standing.refresh_moved(session, cells, now=now)
        courses = {key[0] for key in cells}
        stored.mark_refreshed(session, courses, now)
        return len(courses)

    def _mark(self, session: Session) -> None:
        roster.mark_stale(session.connection(), self._source_id, self._whole)
