"""A reader who pages misses nothing that two writers store meanwhile, late or at once.

Time is the test's own: a writer takes the moment before it commits, as a refresh does,
and hours may pass between. PostgreSQL alone: SQLite has one writer.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from lti_tool.storage import schema, standing
from lti_tool.storage.database import Database
from lti_tool.storage.session import Session
from lti_tool.storage.standing import StoredAttainment
from lti_tool.work import pulls
from lti_tool.work.pulls import LEVELS, Reader, parse_cursor
from tests.lti_tool.published import LEVELLED, District

PLACES = ("hill", "dale")
# So long a writer may take, in hours: the overlap of pulls is a day.
PATIENCE = 20

cells = st.sets(st.integers(0, 2), min_size=1)
steps = st.one_of(
    st.tuples(st.just("begin"), st.sampled_from(PLACES), cells, st.booleans()),
    st.tuples(st.just("commit"), st.sampled_from(PLACES)),
    st.tuples(st.just("page")),
    st.tuples(st.just("hours"), st.integers(1, 9)),
)


class Warehouse:
    """Pulls a page at a time and writes by id; two writers change levels meanwhile."""

    def __init__(self, district: District) -> None:
        self.district = district
        self.database = district.database
        self.now = LEVELLED + timedelta(days=1)
        self.cursor: str | None = None
        self.held: dict[str, Any] = {}
        self.open: dict[str, tuple[ExitStack, datetime]] = {}
        self.levels = 0
        with self.database.write() as session:
            found = schema.attainment
            session.execute(
                update(found).values(computed_at=LEVELLED, withdrawn_at=None, value=1.0)
            )
            self.cells = {
                name: self._cells(session, district.courses[name]) for name in PLACES
            }

    def _cells(self, session: Session, course: int) -> list[StoredAttainment]:
        names = {one: who for who, one in self.district.people.items()}
        held = standing.load_cells(session, [course]).values()
        sitting = [one for one in held if names[one.person_id][-3:] in {"ada", "/bo"}]
        return sorted(sitting)

    def step(self, what: str, *words: Any) -> None:  # noqa: ANN401 -- of each step its own
        {
            "begin": self.begin,
            "commit": self.commit,
            "page": self.page,
            "hours": self.hours,
        }[what](*words)

    def begin(self, place: str, chosen: set[int], gone: bool) -> None:  # noqa: FBT001 -- drawn
        if place in self.open:
            return
        opened = ExitStack()
        session = opened.enter_context(self.database.write())
        self.levels += 1
        mine = [self.cells[place][one] for one in sorted(chosen)]
        new = [one._replace(value=float(self.levels)) for one in mine]
        standing.save(session, [] if gone else new, mine if gone else [], self.now)
        self.open[place] = (opened, self.now)

    def commit(self, place: str) -> None:
        opened, _at = self.open.pop(place, (ExitStack(), None))
        opened.close()

    def hours(self, count: int) -> None:
        self.now += timedelta(hours=count)
        for place, (_opened, at) in list(self.open.items()):
            if self.now - at > timedelta(hours=PATIENCE):
                self.commit(place)

    def page(self) -> bool:
        read = None if self.cursor is None else parse_cursor(self.cursor)
        reader = Reader(frozenset({LEVELS}), None)
        told = pulls.changes(self.database, reader, cursor=read, limit=2, now=self.now)
        self.held |= {one["id"]: one for one in told["attainments"]}
        self.cursor = told["cursor"]
        return bool(told["has_more"])


@pytest.mark.parametrize(
    "database", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_no_change_is_lost_to_a_reader_who_goes_by_the_cursor(
    database: Database,
) -> None:
    district = District(database)

    @settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.lists(steps, min_size=8, max_size=30))
    def follows(told: list[tuple[Any, ...]]) -> None:
        warehouse = Warehouse(district)
        for one in told:
            warehouse.step(*one)
        for place in PLACES:
            warehouse.commit(place)
        while warehouse.page():  # the end of the pull under way
            pass
        while warehouse.page():  # and the next one
            pass
        held = warehouse.held
        warehouse.cursor, warehouse.held = None, {}
        while warehouse.page():
            pass
        assert held == warehouse.held
        assert len(held) == 6

    follows()
