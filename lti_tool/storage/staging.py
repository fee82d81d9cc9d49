"""What a source sent, beside what we hold: staged, checked, planned, merged in sets.

A staging area is a set of temporary tables on one connection: it is gone with the run,
whatever ends it, and the live tables are written in one transaction at the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from lti_tool.storage import schema
from lti_tool.storage.database import Database


@dataclass(frozen=True, slots=True)
class Need:
    """A reference that must lead somewhere, or the record is held aside."""

    column: str
    collection: str


@dataclass(frozen=True, slots=True)
class Entity:
    """One collection of a source and the table it is kept in."""

    collection: str
    table: Table
    needs: tuple[Need, ...] = ()
    derived: tuple[str, ...] = ()  # ours, found again when the record changes


ENTITIES: Final = (
    Entity("orgs", schema.org),
    Entity("academicSessions", schema.term),
    Entity("courses", schema.sis_course),
    Entity(
        "classes",
        schema.sis_class,
        (Need("sis_course_sourced_id", "courses"), Need("school_sourced_id", "orgs")),
    ),
    Entity("users", schema.sis_user, derived=("person_id",)),
    Entity("demographics", schema.demographics, (Need("sourced_id", "users"),)),
    Entity(
        "enrollments",
        schema.enrollment,
        (Need("user_sourced_id", "users"), Need("class_sourced_id", "classes")),
    ),
    Entity("categories", schema.category),
    Entity(
        "lineItems",
        schema.assignment,
        (Need("class_sourced_id", "classes"),),
        derived=("course_id",),
    ),
    Entity(
        "results",
        schema.score,
        (
            Need("line_item_sourced_id", "lineItems"),
            Need("student_sourced_id", "users"),
        ),
        derived=("assignment_id", "person_id"),
    ),
)
_BY_NAME: Final = {entity.collection: entity for entity in ENTITIES}
# Links that are found anew when a record changes; a person stays who he is.
_KEPT: Final = {"person_id"}


@dataclass(frozen=True, slots=True)
class Movement:
    """What a plan would do to one collection."""

    now: int
    adds: int
    changes: int
    ends: int


@dataclass(frozen=True, slots=True)
class Staged:
    """A staged row that is not taken, and why."""

    collection: str
    sourced_id: str
    code: str
    column: str


def _stage_table(metadata: MetaData, entity: Entity) -> Table:
    left_out = {"id", "source_id", *entity.derived}
    return Table(
        f"stage_{entity.table.name}",
        metadata,
        Column("position", Integer, primary_key=True),
        Column("verdict", String(32)),
        Column("verdict_column", String(64)),
        *(
            Column(column.name, column.type)
            for column in entity.table.columns
            if column.name not in left_out
        ),
        prefixes=["TEMPORARY"],
    )


class Staging:
    """The staging area of one run; use it as a context manager."""

    def __init__(self, database: Database, source_id: int) -> None:
        metadata = MetaData()
        self._tables = {
            entity.collection: _stage_table(metadata, entity) for entity in ENTITIES
        }
        self._source_id = source_id
        self._complete: set[str] = set()
        self._position = 0
        # A connection of its own: its temporary tables end with it.
        self._connection: Connection = database.engine.connect()
        self._connection.detach()
        metadata.create_all(self._connection, checkfirst=False)
        for table in self._tables.values():
            self._connection.exec_driver_sql(
                f"CREATE INDEX ix_{table.name} ON {table.name} (sourced_id)"
            )
        self._connection.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def put(self, collection: str, staged: Sequence[dict[str, Any]]) -> None:
        """Stage rows of a collection, in the order they came."""
        if not staged:
            return
        for row in staged:
            self._position += 1
            row["position"] = self._position
        self._connection.execute(insert(self._tables[collection]), staged)
        self._connection.commit()

    def put_rejected(self, collection: str, sourced_ids: Sequence[str]) -> None:
        """Note records that could not be read: they were sent, so they do not end."""
        rejected = {"verdict": "rejected", "fingerprint": ""}
        self.put(collection, [{"sourced_id": one, **rejected} for one in sourced_ids])

    def mark_complete(self, collection: str) -> None:
        """Say that the whole collection was sent, with proof: absent means gone."""
        self._complete.add(collection)

    def check(self) -> list[Staged]:
        """Judge duplicates and dangling references; returns the rows not taken."""
        for entity in ENTITIES:
            self._check_duplicates(entity)
            for need in entity.needs:
                self._check_need(entity, need)
        self._connection.commit()
        return [one for entity in ENTITIES for one in self._not_taken(entity)]

    def _check_duplicates(self, entity: Entity) -> None:
        stage = self._tables[entity.collection]
        twice = (
            select(stage.c.sourced_id)
            .where(stage.c.verdict.is_(None))
            .group_by(stage.c.sourced_id)
        )
        differing = twice.having(func.count(func.distinct(stage.c.fingerprint)) > 1)
        first = select(func.min(stage.c.position)).group_by(stage.c.sourced_id)
        self._connection.execute(
            update(stage)
            .where(stage.c.sourced_id.in_(differing))
            .values(verdict="conflict")
        )
        self._connection.execute(
            update(stage)
            .where(
                stage.c.verdict.is_(None),
                stage.c.sourced_id.in_(twice.having(func.count() > 1)),
                stage.c.position.not_in(first),
            )
            .values(verdict="duplicate")
        )

    def _check_need(self, entity: Entity, need: Need) -> None:
        stage = self._tables[entity.collection]
        target = _BY_NAME[need.collection].table
        target_stage = self._tables[need.collection].alias("target_stage")
        wanted = stage.c[need.column]
        is_staged = exists().where(
            target_stage.c.sourced_id == wanted,
            or_(
                target_stage.c.verdict.is_(None), target_stage.c.verdict == "duplicate"
            ),
        )
        is_held = exists().where(
            target.c.source_id == self._source_id, target.c.sourced_id == wanted
        )
        self._connection.execute(
            update(stage)
            .where(
                stage.c.verdict.is_(None),
                stage.c.status == "active",
                wanted.is_not(None),
                ~is_staged,
                ~is_held,
            )
            .values(verdict="dangling", verdict_column=need.column)
        )

    def _not_taken(self, entity: Entity) -> list[Staged]:
        stage = self._tables[entity.collection]
        found = self._connection.execute(
            select(stage.c.sourced_id, stage.c.verdict, stage.c.verdict_column)
            .where(
                stage.c.verdict.is_not(None),
                stage.c.verdict.not_in(["rejected"]),
            )
            .order_by(stage.c.position)
        )
        return [
            Staged(entity.collection, sourced_id, verdict, column or "sourced_id")
            for sourced_id, verdict, column in found
        ]

    def plan(self) -> tuple[dict[str, Movement], str]:
        """Return what a merge would do, by collection, and the hash of exactly that."""
        digest = hashlib.sha256()
        movements = {}
        for entity in ENTITIES:
            counts = {"adds": 0, "changes": 0, "ends": 0}
            for kind, statement in self._moves(entity).items():
                for row in self._connection.execute(statement):
                    counts[kind] += 1
                    digest.update(f"{entity.collection}|{kind}|{tuple(row)}\n".encode())
            movements[entity.collection] = Movement(self._held(entity), **counts)
        self._connection.commit()
        return movements, digest.hexdigest()[:16]

    def _held(self, entity: Entity) -> int:
        live = entity.table
        count = self._connection.scalar(
            select(func.count()).where(
                live.c.source_id == self._source_id, live.c.status == "active"
            )
        )
        return int(count or 0)

    def _moves(self, entity: Entity) -> dict[str, Select[Any]]:
        stage, live = self._tables[entity.collection], entity.table
        same = and_(
            live.c.source_id == self._source_id, live.c.sourced_id == stage.c.sourced_id
        )
        sent = and_(stage.c.verdict.is_(None), stage.c.status == "active")
        pair = select(stage.c.sourced_id, stage.c.fingerprint)
        return {
            "adds": pair.outerjoin(live, same)
            .where(sent, or_(live.c.id.is_(None), live.c.status != "active"))
            .order_by(stage.c.sourced_id),
            "changes": pair.join(live, same)
            .where(
                sent,
                live.c.status == "active",
                live.c.fingerprint != stage.c.fingerprint,
            )
            .order_by(stage.c.sourced_id),
            "ends": select(live.c.sourced_id)
            .where(self._is_ending(entity))
            .order_by(live.c.sourced_id),
        }

    def _is_ending(self, entity: Entity) -> Any:  # noqa: ANN401 -- a SQL condition
        """Which live rows end: said so, or absent from a complete collection."""
        stage, live = self._tables[entity.collection], entity.table
        said = exists().where(
            stage.c.sourced_id == live.c.sourced_id,
            stage.c.verdict.is_(None),
            stage.c.status == "ended",
        )
        ends: list[ColumnElement[bool]] = [said]
        if entity.collection in self._complete:
            ends.append(~exists().where(stage.c.sourced_id == live.c.sourced_id))
        return and_(
            live.c.source_id == self._source_id, live.c.status == "active", or_(*ends)
        )

    def merge(self, *, with_ends: bool) -> Connection:
        """Write what differs, in one transaction that the caller commits.

        Returns the connection the transaction is open on.
        """
        self._connection.execution_options(writes=True)
        for entity in ENTITIES:
            self._merge(entity)
            if with_ends:
                self._connection.execute(
                    update(entity.table)
                    .where(self._is_ending(entity))
                    .values(status="ended")
                )
        return self._connection

    def _merge(self, entity: Entity) -> None:
        stage, live = self._tables[entity.collection], entity.table
        names = [
            column.name
            for column in stage.columns
            if column.name not in {"position", "verdict", "verdict_column"}
        ]
        same = and_(
            live.c.source_id == self._source_id, live.c.sourced_id == stage.c.sourced_id
        )
        differs = or_(
            live.c.id.is_(None),
            live.c.status != "active",
            live.c.fingerprint != stage.c.fingerprint,
        )
        news = (
            select(literal(self._source_id), *(stage.c[name] for name in names))
            .outerjoin(live, same)
            .where(stage.c.verdict.is_(None), stage.c.status == "active", differs)
            .order_by(stage.c.position)
        )
        is_postgres = self._connection.dialect.name == "postgresql"
        statement = (postgresql if is_postgres else sqlite).insert(live)
        changes: dict[str, Any] = {
            name: statement.excluded[name] for name in names if name != "sourced_id"
        }
        changes |= {name: None for name in entity.derived if name not in _KEPT}
        self._connection.execute(
            statement.from_select(["source_id", *names], news).on_conflict_do_update(
                index_elements=["source_id", "sourced_id"], set_=changes
            )
        )

    def moved_line_items(self) -> set[str]:
        """Return the line items whose scores or facts a merge would move."""
        moved: set[str] = set()
        for collection, column in (
            ("results", "line_item_sourced_id"),
            ("lineItems", "sourced_id"),
        ):
            entity = _BY_NAME[collection]
            stage, live = self._tables[collection], entity.table
            moves = self._moves(entity)
            for kind in ("adds", "changes"):
                found = moves[kind].with_only_columns(stage.c[column]).order_by(None)
                moved.update(self._connection.scalars(found.distinct()))
            ends = moves["ends"].with_only_columns(live.c[column]).order_by(None)
            moved.update(self._connection.scalars(ends.distinct()))
        self._connection.commit()
        return moved


def as_counts(movements: Mapping[str, Movement]) -> dict[str, dict[str, int]]:
    """Return a plan as JSON: adds, changes and ends by collection."""
    return {
        name: {
            "now": one.now,
            "adds": one.adds,
            "changes": one.changes,
            "ends": one.ends,
        }
        for name, one in movements.items()
    }
