"""What a source sent, beside what we hold: staged, checked, planned, merged in sets.

The live tables are written in one transaction at the end. What was staged by a run that
was cut off may be gone on with (see :mod:`lti_tool.storage.staging_areas`).

Longer than our usual room: the one face of the staged rows, most of it handed on to the
rooms behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import chain
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Table,
    and_,
    delete,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from lti_tool.errors import SyncError
from lti_tool.storage import quarantines, staged_checks
from lti_tool.storage.database import Database
from lti_tool.storage.entities import (
    BY_NAME,
    ENTITIES,
    MOMENT,
    STAGES,
    Entity,
    Link,
    Staged,
    Value,
    put_rows,
    sent_columns,
    unindexed,
    value_columns,
)
from lti_tool.storage.movements import Checked, Movement, NotTaken, as_counts
from lti_tool.storage.moves import Moved, MovedScores, Moves
from lti_tool.storage.plans import PlanFacts, work_out
from lti_tool.storage.quarantines import Holding
from lti_tool.storage.scopes import OUT, Scope, judge_scope
from lti_tool.storage.staging_areas import (
    RESUMABLE,
    SAMPLE,
    Area,
    Mark,
    PageKept,
    Reason,
)

__all__ = [
    "ENTITIES",
    "MOMENT",
    "Checked",
    "Movement",
    "NotTaken",
    "Staged",
    "Staging",
    "Value",
    "as_counts",
    "value_columns",
]

_TOLD: Final = 1000  # rows not taken that are named, beside their count
# Told by the reader of the source already, or the school's own wish.
_UNTOLD: Final = ("rejected", OUT)
# Rows written at once that make PostgreSQL's statistics stale: so many, and a tenth.
_MANY: Final = 100
_SHARE: Final = 10


class Staging:
    """The staging area of one run; use it as a context manager.

    Attributes:
        marks: how far the collections had come that an earlier run staged.
        started_at: when the first of those runs began; None where there was none to
            go on with.
    """

    def __init__(
        self, database: Database, source_id: int, reason: Reason | None = None
    ) -> None:
        self._tables = STAGES
        self._source_id = source_id
        self._complete: set[str] = set()
        self._area = Area(database, source_id, reason)
        self._connection: Connection = self._area.connection
        self._is_sqlite = database.is_sqlite
        self._is_stale = False
        self.marks = self._area.marks
        self.started_at = self._area.started_at
        self._position = max((one.position for one in self.marks.values()), default=0)
        self._moves = Moves(self._connection, self._tables, source_id, self._complete)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What a fault of the source itself staged is not to be believed again.
        is_cut = error is not None and not isinstance(error, SyncError)
        is_cut |= isinstance(error, SyncError) and error.code in RESUMABLE
        self._area.close(keeps=is_cut)

    def put(
        self,
        collection: str,
        staged: Sequence[Staged],
        *,
        rejected: Sequence[str] = (),
        mark: Mark | None = None,
    ) -> None:
        """Stage rows of a collection, in the order they came.

        rejected: records that could not be read; they were sent, so they do not end.
        mark: how far the collection is with them; it stands or falls with the rows.
        """
        if not (staged or rejected or mark):
            return
        marks = {"verdict": "rejected", "fingerprint": ""}
        first = self._position + 1
        last = self._position + len(staged) + len(rejected)
        with self._connection.begin():
            if staged:
                put_rows(self._connection, collection, staged, first)
            if rejected:
                rows = [
                    {"position": place, "sourced_id": one, **marks}
                    for place, one in enumerate(rejected, first + len(staged))
                ]
                self._connection.execute(insert(self._tables[collection]), rows)
            if mark is not None:
                self._area.mark(collection, replace(mark, position=last))
        self._position = last

    def held(
        self, collection: str, sourced_ids: Sequence[str], names: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """Return these columns of the live rows of those records, by sourcedId."""
        entity = BY_NAME[collection]
        live = entity.table.c
        wanted = select(live.sourced_id, *(live[name] for name in names)).where(
            entity.is_of(self._source_id), live.sourced_id.in_(sourced_ids)
        )
        found = self._connection.execute(wanted).mappings()
        rows = {row["sourced_id"]: {name: row[name] for name in names} for row in found}
        self._connection.commit()
        return rows

    def keep(self, collection: str, page: PageKept) -> None:
        """Keep a page as it came until its rows are staged."""
        with self._connection.begin():
            self._area.keep_page(collection, page)

    def kept(self, collection: str) -> PageKept | None:
        """Return the page that an earlier run kept last, None if there is none."""
        return self._area.pages.get(collection)

    def finish(self, collection: str, mark: Mark) -> None:
        """Note that a collection was read to its end."""
        with self._connection.begin():
            self._area.mark(collection, replace(mark, position=self._position))

    def forget(self, collection: str) -> None:
        """Take back what was staged of a collection, to stage it anew."""
        with self._connection.begin():
            self._connection.execute(delete(self._tables[collection]))
            self._area.forget(collection)

    def mark_complete(self, collection: str) -> None:
        """Say that the whole collection was sent, with proof: absent means gone."""
        self._complete.add(collection)

    def check(self, scope: Scope | None = None) -> Checked:
        """Judge the staged rows; returns those not taken, and scores above the maximum.

        scope: what the school takes of the SIS; what it leaves out is no fault.
        """
        self._forget_verdicts()
        self._stage_waiting()
        unique = self._index()
        judge_scope(
            self._connection,
            self._tables,
            self._source_id,
            scope or Scope(),
            self._complete,
        )
        for entity in ENTITIES:
            staged_checks.judge(
                self._connection,
                self._tables,
                entity,
                self._source_id,
                repeats=entity.collection not in unique,
            )
        counts: Counter[str] = Counter()
        first: list[NotTaken] = []
        for look in (self._not_taken, self._over_maximum):
            for one in chain.from_iterable(map(look, ENTITIES)):
                counts[one.code] += 1
                if len(first) < _TOLD:
                    first.append(one)
        self._connection.commit()
        return Checked(dict(counts), first)

    def _index(self) -> set[str]:
        """Index what is staged; returns the collections without repeated rows."""
        unique = set()
        for collection, table in self._tables.items():
            # The index comes after the rows, the statistics after the index.
            if self._area.index(table):
                unique.add(collection)
            if not self._is_sqlite:
                self._connection.exec_driver_sql(f"ANALYZE {table.name}")
        if self._is_sqlite:
            self._area.analyze()
        return unique

    def _forget_verdicts(self) -> None:
        """Judge anew what a run judged that was cut off before it applied."""
        if not self.marks:
            return
        with self._connection.begin():
            for table in self._tables.values():
                self._connection.execute(
                    update(table)
                    .where(table.c.verdict.is_not(None), table.c.verdict != "rejected")
                    .values(verdict=None, verdict_column=None)
                )

    def _stage_waiting(self) -> None:
        """Stage what earlier runs held aside and this one did not bring."""
        waiting = list(
            quarantines.load_waiting(
                self._connection, self._tables, self._source_id, self._complete
            )
        )
        self._connection.commit()
        for collection, staged in waiting:
            self.put(collection, staged)

    def hold_aside(self, run_id: int, now: datetime) -> None:
        """Keep the rows whose references lead nowhere; inside the transaction."""
        quarantines.hold_aside(
            self._connection,
            self._tables,
            Holding(self._source_id, run_id, frozenset(self._complete), now),
        )

    def _not_taken(self, entity: Entity) -> Iterator[NotTaken]:
        stage = self._tables[entity.collection]
        named = {need.column for need in entity.needs} | {entity.parent} - {None}
        shown = [stage.c[name] for name in sorted(filter(None, named))]
        found = self._connection.execute(
            select(stage.c.sourced_id, stage.c.verdict, stage.c.verdict_column, *shown)
            .where(stage.c.verdict.is_not(None), stage.c.verdict.not_in(_UNTOLD))
            .order_by(stage.c.position)
        )
        for row in found.mappings():
            column = row["verdict_column"] or "sourced_id"
            yield NotTaken(
                entity.collection,
                row["sourced_id"],
                row["verdict"],
                column,
                quarantines.as_names(row.get(column, "")) or None,
            )

    def _over_maximum(self, entity: Entity) -> Iterator[NotTaken]:
        found = staged_checks.over_maximum(self._tables, entity, self._source_id)
        for row in () if found is None else self._connection.execute(found):
            value = f"{row.given:g} of {row.most:g}"
            yield NotTaken(
                entity.collection, row.sourced_id, "over_maximum", "given", value
            )

    def plan(self, put: Callable[[list[dict[str, Any]]], None]) -> PlanFacts:
        """Return what a merge would do; its rows go to put, a batch at a time."""
        facts = work_out(self._moves, put)
        self._connection.commit()
        return facts

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield the connection in the one transaction that writes; commits at the end.

        merge() belongs inside.
        """
        self._connection.execution_options(writes=True, preserve_rowcount=True)
        with self._connection.begin():
            yield self._connection

    def merge(self, plan: Mapping[str, Movement], after: Callable[[str], int]) -> int:
        """Write what differs and nothing else; returns how many rows were written.

        after is told of each collection once its rows stand, and returns how many rows
        it wrote itself.
        """
        written = 0
        for entity in ENTITIES:
            moves = plan[entity.collection]
            merged = 0
            if moves.adds or moves.changes or moves.rewrites:
                with unindexed(self._connection, entity.table):
                    merged = self._merge(entity)
            stale = max(_MANY, moves.now // _SHARE)
            ended = self._end(entity) if moves.ends else 0
            if merged > stale:
                self._is_stale = True
                if not self._is_sqlite:
                    self._connection.exec_driver_sql(f'ANALYZE "{entity.table.name}"')
            written += merged + ended + after(entity.collection)
        return written

    def renew_statistics(self) -> None:
        """Let SQLite know how many rows it holds now, once a merge wrote many.

        It takes any index to lead to ten rows else, and walks all scores of a source
        to find the few that were sent. PostgreSQL was told table by table.
        """
        if self._is_stale and self._is_sqlite:
            self._connection.exec_driver_sql(f"PRAGMA analysis_limit={SAMPLE}")
            self._connection.exec_driver_sql("ANALYZE main")

    def _end(self, entity: Entity) -> int:
        return self._connection.execute(
            update(entity.table)
            .where(self._moves.is_ending(entity))
            .values(status="ended")
        ).rowcount

    def _merge(self, entity: Entity) -> int:
        stage, live = self._tables[entity.collection], entity.table
        names = sent_columns(stage)
        differs = or_(
            live.c.id.is_(None),
            live.c.status != "active",
            live.c.fingerprint != stage.c.fingerprint,
        )
        keys: list[ColumnElement[Any]] = [literal(self._source_id)]
        if entity.kind is not None:
            keys.append(literal(entity.kind))
        is_fresh = self._moves.is_fresh(entity)
        beside = {
            link: BY_NAME[link.collection].table.alias() for link in entity.at_once
        }
        news = select(
            *keys,
            *(stage.c[name] for name in names),
            *(table.c[link.found] for link, table in beside.items()),
        ).select_from(stage)
        if not is_fresh:
            news = news.outerjoin(live, self._moves.same(entity)).where(differs)
        for link, table in beside.items():
            news = news.outerjoin(table, self._named(link, table, stage))
        news = news.where(
            stage.c.verdict.is_(None), stage.c.status == "active"
        ).order_by(stage.c.position)
        statement = (sqlite if self._is_sqlite else postgresql).insert(live)
        into = [*entity.keys[:-1], *names, *(link.column for link in beside)]
        if is_fresh:
            return self._connection.execute(statement.from_select(into, news)).rowcount
        changes: dict[str, Any] = {
            name: statement.excluded[name] for name in names if name != "sourced_id"
        }
        changes |= dict.fromkeys(entity.links)
        changes |= {link.column: statement.excluded[link.column] for link in beside}
        return self._connection.execute(
            statement.from_select(into, news).on_conflict_do_update(
                index_elements=entity.keys, set_=changes
            )
        ).rowcount

    def _named(
        self, link: Link, table: FromClause, stage: Table
    ) -> ColumnElement[bool]:
        """The one row that a reference of a staged row names."""
        kind = BY_NAME[link.collection].kind
        is_of = and_(
            table.c.source_id == self._source_id,
            table.c.sourced_id == stage.c[link.reference],
        )
        return is_of if kind is None else and_(is_of, table.c.kind == kind)

    def moved_line_items(self, plan: Mapping[str, Movement]) -> set[str]:
        """Return the line items whose scores or facts a plan would move."""
        moved = self._moves.moved_line_items(plan)
        self._connection.commit()
        return moved

    def moved_scores(self, plan: Mapping[str, Movement]) -> MovedScores | None:
        """Return the results that a plan would move; None where they are many."""
        moved = self._moves.moved_scores(plan)
        self._connection.commit()
        return moved

    def moved_work(self, plan: Mapping[str, Movement]) -> set[str]:
        """Return the line items whose own facts a plan would move."""
        moved = self._moves.moved_work(plan)
        self._connection.commit()
        return moved

    def moved_roster(self, plan: Mapping[str, Movement]) -> Moved | None:
        """Return whose seats a plan may move; None where any seat may."""
        moved = self._moves.moved_roster(plan)
        self._connection.commit()
        return moved
