"""What a source sent, beside what we hold: staged, checked, planned, merged in sets.

A staging area is a set of temporary tables on one connection: it is gone with the run,
whatever ends it, and the live tables are written in one transaction at the end.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from lti_tool.storage import staged_checks
from lti_tool.storage.database import Database
from lti_tool.storage.entities import (
    BY_NAME,
    ENTITIES,
    STAGE_METADATA,
    STAGES,
    Entity,
    put_rows,
    sent_columns,
)

__all__ = ["ENTITIES", "Checked", "Movement", "Staged", "Staging", "as_counts"]

# Who may see or change what others did. Source: OneRoster 1.2, the role vocabularies.
STAFF: Final = frozenset(
    {
        "administrator",
        "aide",
        "counselor",
        "districtAdministrator",
        "principal",
        "proctor",
        "siteAdministrator",
        "systemAdministrator",
        "teacher",
    }
)
_TOLD: Final = 1000  # rows not taken that are named, beside their count
_MANY: Final = 100  # rows written at once that make PostgreSQL's statistics stale


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


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows not taken: how many of each code, and the first of them."""

    counts: Mapping[str, int]
    first: Sequence[Staged]


class Staging:
    """The staging area of one run; use it as a context manager."""

    def __init__(self, database: Database, source_id: int) -> None:
        self._tables = STAGES
        self._source_id = source_id
        self._complete: set[str] = set()
        self._position = 0
        # A connection of its own: its temporary tables end with it.
        self._connection: Connection = database.engine.connect()
        self._connection.detach()
        self._is_sqlite = database.is_sqlite
        if self._is_sqlite:
            self._stage_on_disk()
        STAGE_METADATA.create_all(self._connection, checkfirst=False)
        self._connection.commit()

    def _stage_on_disk(self) -> None:
        """Keep what SQLite stages in a file that has no name, not in memory."""
        driver = self._connection.connection.cursor()
        driver.execute("PRAGMA temp_store=FILE")
        driver.execute("PRAGMA temp.cache_size=-65536")
        driver.close()

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
        with self._connection.begin():
            put_rows(self._connection, self._tables[collection], staged)

    def put_rejected(self, collection: str, sourced_ids: Sequence[str]) -> None:
        """Note records that could not be read: they were sent, so they do not end."""
        rejected = {"verdict": "rejected", "fingerprint": ""}
        self.put(collection, [{"sourced_id": one, **rejected} for one in sourced_ids])

    def forget(self, collection: str) -> None:
        """Take back what was staged of a collection, to stage it anew."""
        self._connection.execute(delete(self._tables[collection]))
        self._connection.commit()

    def mark_complete(self, collection: str) -> None:
        """Say that the whole collection was sent, with proof: absent means gone."""
        self._complete.add(collection)

    def check(self) -> Checked:
        """Judge the staged rows; returns those that will not be taken."""
        for table in self._tables.values():
            # The index comes after the rows, the statistics after the index.
            self._connection.exec_driver_sql(
                f"CREATE INDEX ix_{table.name} ON {table.name} (sourced_id)"
            )
            if not self._is_sqlite:
                self._connection.exec_driver_sql(f"ANALYZE {table.name}")
        for entity in ENTITIES:
            staged_checks.judge(self._connection, self._tables, entity, self._source_id)
        counts: Counter[str] = Counter()
        first: list[Staged] = []
        for entity in ENTITIES:
            for one in self._not_taken(entity):
                counts[one.code] += 1
                if len(first) < _TOLD:
                    first.append(one)
        self._connection.commit()
        return Checked(dict(counts), first)

    def _not_taken(self, entity: Entity) -> Iterator[Staged]:
        stage = self._tables[entity.collection]
        found = self._connection.execute(
            select(stage.c.sourced_id, stage.c.verdict, stage.c.verdict_column)
            .where(stage.c.verdict.is_not(None), stage.c.verdict != "rejected")
            .order_by(stage.c.position)
        )
        for sourced_id, verdict, column in found:
            yield Staged(entity.collection, sourced_id, verdict, column or "sourced_id")

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

    def _same(self, entity: Entity) -> ColumnElement[bool]:
        stage, live = self._tables[entity.collection], entity.table
        return and_(
            live.c.source_id == self._source_id, live.c.sourced_id == stage.c.sourced_id
        )

    def _moves(self, entity: Entity) -> dict[str, Select[Any]]:
        stage, live = self._tables[entity.collection], entity.table
        same = self._same(entity)
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

    def _is_ending(self, entity: Entity) -> ColumnElement[bool]:
        """Which live rows end: said so, or absent from a complete collection."""
        stage, live = self._tables[entity.collection], entity.table
        says_so = and_(
            stage.c.status == "ended",
            func.coalesce(stage.c.verdict, "duplicate") == "duplicate",
        )
        named = stage.c.sourced_id == live.c.sourced_id
        if entity.collection in self._complete:
            is_over = ~exists().where(named, says_so.is_not(True))
        else:
            is_over = exists().where(named, says_so)
        return and_(
            live.c.source_id == self._source_id, live.c.status == "active", is_over
        )

    def gained_staff(self) -> dict[str, int]:
        """Return how many live users and enrollments would become staff."""
        users = self._changed("users", "roles")
        seats = self._changed("enrollments", "role")
        self._connection.commit()
        return {
            "users": sum(
                _is_staff(new) and not _is_staff(old)
                for old, new in (map(_names, pair) for pair in users)
            ),
            "enrollments": sum(new in STAFF and old not in STAFF for old, new in seats),
        }

    def _changed(self, collection: str, column: str) -> list[tuple[Any, Any]]:
        entity = BY_NAME[collection]
        changes = self._moves(entity)["changes"].order_by(None)
        old, new = entity.table.c[column], self._tables[collection].c[column]
        return [
            (before, after)
            for before, after in self._connection.execute(
                changes.with_only_columns(old, new)
            )
        ]

    def renamed_users(self) -> int:
        """Return how many ending users come again with another sourcedId."""
        entity = BY_NAME["users"]
        stage, live = self._tables["users"], entity.table
        adds = self._moves(entity)["adds"].order_by(None)
        again = adds.with_only_columns(stage.c.identifier).where(
            stage.c.identifier.is_not(None)
        )
        count = self._connection.scalar(
            select(func.count()).where(
                self._is_ending(entity), live.c.identifier.in_(again)
            )
        )
        self._connection.commit()
        return int(count or 0)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield the connection in the one transaction that writes; commits at the end.

        merge() belongs inside.
        """
        self._connection.execution_options(writes=True, preserve_rowcount=True)
        with self._connection.begin():
            yield self._connection

    def merge(self) -> int:
        """Write what differs and nothing else; returns how many rows were written."""
        written = 0
        for entity in ENTITIES:
            merged = self._merge(entity)
            ended = self._connection.execute(
                update(entity.table)
                .where(self._is_ending(entity))
                .values(status="ended")
            ).rowcount
            if merged > _MANY and not self._is_sqlite:
                self._connection.exec_driver_sql(f'ANALYZE "{entity.table.name}"')
            written += merged + ended
        return written

    def _merge(self, entity: Entity) -> int:
        stage, live = self._tables[entity.collection], entity.table
        names = sent_columns(stage)
        differs = or_(
            live.c.id.is_(None),
            live.c.status != "active",
            live.c.fingerprint != stage.c.fingerprint,
        )
        news = (
            select(literal(self._source_id), *(stage.c[name] for name in names))
            .outerjoin(live, self._same(entity))
            .where(stage.c.verdict.is_(None), stage.c.status == "active", differs)
            .order_by(stage.c.position)
        )
        statement = (sqlite if self._is_sqlite else postgresql).insert(live)
        changes: dict[str, Any] = {
            name: statement.excluded[name] for name in names if name != "sourced_id"
        }
        changes |= dict.fromkeys(entity.links)
        return self._connection.execute(
            statement.from_select(["source_id", *names], news).on_conflict_do_update(
                index_elements=["source_id", "sourced_id"], set_=changes
            )
        ).rowcount

    def moved_line_items(self) -> set[str]:
        """Return the line items whose scores or facts a merge would move."""
        moved: set[str] = set()
        for collection, column in (
            ("results", "line_item_sourced_id"),
            ("lineItems", "sourced_id"),
        ):
            entity = BY_NAME[collection]
            new, old = self._tables[collection].c[column], entity.table.c[column]
            moves = self._moves(entity)
            for kind, moving in (
                ("adds", new),
                ("changes", new),
                ("changes", old),
                ("ends", old),
            ):
                found = moves[kind].with_only_columns(moving).order_by(None)
                moved.update(self._connection.scalars(found.distinct()))
        self._connection.commit()
        return moved


def _names(roles: list[dict[str, str]] | None) -> set[str]:
    return {role["role"] for role in roles or ()}


def _is_staff(roles: set[str]) -> bool:
    return not STAFF.isdisjoint(roles)


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
