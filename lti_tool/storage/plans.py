"""The rows of a plan: what would be added, changed and ended, for a person to read.

The plan is worked out on the staging connection and its rows are handed over in
batches, so that a plan of any size is held in memory a batch at a time.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, select

from lti_tool.storage.database import rows
from lti_tool.storage.entities import (
    BY_NAME,
    ENTITIES,
    Entity,
    put_tuples,
    sent_columns,
)
from lti_tool.storage.movements import Movement
from lti_tool.storage.moves import BY_SCHOOL, Moves, gains_staff
from lti_tool.storage.schema import run_move
from lti_tool.storage.session import Session

Row = dict[str, Any]
# So many rows of a collection are kept; of the rest the counts.
ADDS_KEPT: Final = 5_000
KEPT: Final = 100_000
_BATCH: Final = 1000
_MASK: Final = "•••"
_KEPT_AS_IS: Final = (
    "collection",
    "kind",
    "sourced_id",
    "label",
    "user_sourced_id",
    "school_sourced_id",
)
_FIELDS: Final = ("before", "after")
# Who a row is about, and what its label is made of.
_WHO: Final = {
    "users": "sourced_id",
    "demographics": "sourced_id",
    "enrollments": "user_sourced_id",
    "results": "student_sourced_id",
    "assessmentResults": "student_sourced_id",
}
_WHERE: Final = {
    "enrollments": ("class_sourced_id", "classes"),
    "results": ("line_item_sourced_id", "lineItems"),
    "assessmentResults": ("line_item_sourced_id", "assessmentLineItems"),
}
_LABELS: Final = {"orgs": "name"}


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What a merge would do, counted.

    Attributes:
        plan_hash: of exactly the moves; the same moves have the same hash.
        fields: by collection, how many changes touch each column.
        schools: by school and collection: now, adds, changes, ends.
        gained_staff: by collection, how many would become staff.
        unsent: collections sent whole and empty.
        renamed: users that end and come again under another sourcedId, and by what
            they are found again.
        school_ids: the orgs that are schools.
    """

    movements: dict[str, Movement]
    plan_hash: str
    fields: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    schools: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    gained_staff: Mapping[str, int] = field(default_factory=dict)
    unsent: Collection[str] = ()
    renamed: tuple[int, str] = (0, "")
    school_ids: Collection[str] = ()


def put_moves(session: Session, run_id: int, moved: Sequence[Row]) -> None:
    """Keep rows of a run's plan; by the driver, for they may be many thousands."""
    rows = (
        (
            run_id,
            *(one[name] for name in _KEPT_AS_IS),
            *(None if one[name] is None else json.dumps(one[name]) for name in _FIELDS),
        )
        for one in moved
    )
    connection = session.connection()
    if not connection.in_transaction():
        # What the driver writes begins no transaction by itself.
        connection.begin()
    put_tuples(connection, run_move.name, ("run_id", *_KEPT_AS_IS, *_FIELDS), rows)


def drop_ends(connection: Connection, run_id: int) -> None:
    """Take the ends out of a run's plan, since a person accepted all but those."""
    ends = run_move.c.kind == "end"
    connection.execute(delete(run_move).where(run_move.c.run_id == run_id, ends))


def load_moves(
    session: Session, run_id: int, collection: str | None = None, *, count: int = 100
) -> list[Row]:
    """Return the first rows of a run's plan, of one collection if one is named."""
    statement = select(run_move).where(run_move.c.run_id == run_id)
    if collection is not None:
        statement = statement.where(run_move.c.collection == collection)
    return rows(session, statement.order_by(run_move.c.id).limit(count))


def work_out(moves: Moves, put: Callable[[list[Row]], None]) -> PlanFacts:
    """Return what a merge would do, and hand its rows to put, a batch at a time."""
    return _Working(moves, put).facts()


class _Working:
    def __init__(self, moves: Moves, put: Callable[[list[Row]], None]) -> None:
        self._moves = moves
        self._put = put
        self._digest = hashlib.sha256()
        self._fields: dict[str, Counter[str]] = {}
        self._staff: Counter[str] = Counter()
        self._changed: dict[str, Counter[str]] = {}

    def facts(self) -> PlanFacts:
        movements = {one.collection: self._movement(one) for one in ENTITIES}
        ends = {name for name, one in movements.items() if one.ends}
        return PlanFacts(
            movements,
            self._digest.hexdigest()[:16],
            fields={name: dict(one) for name, one in self._fields.items()},
            schools=self._schools(movements),
            gained_staff=dict(self._staff),
            unsent={name for name in ends if self._moves.is_unsent(name)},
            renamed=self._moves.renamed_users() if "users" in ends else (0, ""),
            school_ids=self._moves.schools() if ends else (),
        )

    def _movement(self, entity: Entity) -> Movement:
        name = entity.collection
        self._fields[name], self._changed[name] = Counter(), Counter()
        if self._moves.is_silent(name):
            return Movement(self._moves.count_held(entity), 0, 0, 0)
        counts = self._counts(entity)
        if counts["adds"]:
            self._keep(entity, "add", self._added(entity), ADDS_KEPT)
        if counts["ends"]:
            self._keep(entity, "end", self._ended(entity), KEPT)
        return Movement(self._moves.count_held(entity), **counts)

    def _counts(self, entity: Entity) -> dict[str, int]:
        """Hash and count what moves; what does not is not looked for."""
        counts = {"adds": 0, "changes": 0, "rewrites": 0, "ends": 0}
        if self._moves.is_fresh(entity):
            counts["adds"] = self._count(entity, "adds")
            return counts
        tally = self._moves.tally(entity)
        if tally.adds:
            counts["adds"] = self._count(entity, "adds")
        if tally.differing:
            counts |= self._note_changes(entity)
        if tally.may_end:
            counts["ends"] = self._count(entity, "ends")
        return counts

    def _count(self, entity: Entity, kind: str) -> int:
        asked = {"adds": self._moves.adds, "ends": self._moves.ends}[kind]
        count = 0
        for part in self._parts(asked(entity)):
            count += len(part)
            self._note(entity.collection, kind, part)
        return count

    def _parts(self, statement: Select[Any]) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Yield rows of texts, which may be millions, a batch in memory at a time."""
        connection = self._moves.connection
        if connection.dialect.name == "postgresql":
            found = connection.execute(
                statement, execution_options={"yield_per": _BATCH}
            )
            for part in found.partitions():
                yield [tuple(row) for row in part]
            return
        # The driver's own tuples: SQLAlchemy's cost as much again.
        with connection.execute(statement) as whole:
            while rows := whole.cursor.fetchmany(_BATCH):
                yield rows

    def _note(self, collection: str, kind: str, moved: object) -> None:
        self._digest.update(f"{collection}|{kind}|{moved}\n".encode())

    def _note_changes(self, entity: Entity) -> dict[str, int]:
        """Hash, count and keep the changes, in one reading."""
        counts = {"changes": 0, "rewrites": 0}
        self._keep(entity, "change", self._changes(entity, counts), KEPT)
        return counts

    def _changes(self, entity: Entity, counts: dict[str, int]) -> Iterator[Row]:
        name = entity.collection
        for one in self._moves.differences(entity):
            names = one.names
            counts["changes" if names else "rewrites"] += 1
            if not names:
                continue
            self._note(name, "changes", (one.sourced_id, one.fingerprint))
            self._fields[name].update(names)
            self._staff[name] += gains_staff(name, one)
            if name in BY_SCHOOL:
                self._changed[name].update(_schools_of(name, one.held))
            yield {
                **one.sent,
                "sourced_id": one.sourced_id,
                "before": _shown(name, {key: one.held[key] for key in names}),
                "after": _shown(name, {key: one.sent[key] for key in names}),
            }

    def _added(self, entity: Entity) -> Iterator[Row]:
        stage = self._moves.stages[entity.collection]
        names = [one for one in sent_columns(stage) if one not in _UNSHOWN]
        statement = (
            self._moves.adds(entity)
            .with_only_columns(stage.c.sourced_id, *(stage.c[one] for one in names))
            .limit(ADDS_KEPT)
        )
        for row in self._rows(statement):
            shown = {key: row[key] for key in names if _is_something(row[key])}
            yield {**row, "before": None, "after": _shown(entity.collection, shown)}

    def _ended(self, entity: Entity) -> Iterator[Row]:
        live = entity.table
        names = [
            one
            for one in sent_columns(self._moves.stages[entity.collection])
            if one not in _UNSHOWN
        ]
        statement = (
            self._moves.ends(entity)
            .with_only_columns(live.c.sourced_id, *(live.c[one] for one in names))
            .limit(KEPT)
        )
        for row in self._rows(statement):
            yield {**row, "before": None, "after": None}

    def _rows(self, statement: Select[Any]) -> Iterator[Row]:
        found = self._moves.connection.execute(
            statement.execution_options(yield_per=_BATCH)
        )
        names = list(found.keys())
        return (dict(zip(names, row, strict=True)) for row in found)

    def _keep(self, entity: Entity, kind: str, found: Iterable[Row], most: int) -> None:
        """Hand over the first rows; the rest is read, but not kept."""
        coming, kept = iter(found), 0
        while batch := list(islice(coming, _BATCH)):
            if kept < most:
                self._put(
                    self._described(entity.collection, kind, batch[: most - kept])
                )
                kept += len(batch)

    def _described(self, name: str, kind: str, found: list[Row]) -> list[Row]:
        people = self._labels(
            "users", {row[_WHO[name]] for row in found if name in _WHO}
        )
        column, target = _WHERE.get(name, ("", ""))
        places = self._labels(target, {row[column] for row in found if target})
        described = []
        for row in found:
            who = row[_WHO[name]] if name in _WHO else None
            label, school = places.get(row[column] if column else "", ("", None))
            parts = [people[who][0] if who in people else "", label]
            own = "" if name in _WHERE or name == "demographics" else _label(name, row)
            described.append(
                {
                    "collection": name,
                    "kind": kind,
                    "sourced_id": row["sourced_id"],
                    "label": own or " · ".join(part for part in parts if part) or None,
                    "user_sourced_id": who,
                    "school_sourced_id": next(iter(_schools_of(name, row)), school),
                    "before": row["before"],
                    "after": row["after"],
                }
            )
        return described

    def _labels(
        self, collection: str, wanted: Collection[str]
    ) -> dict[str, tuple[str, str | None]]:
        """The labels and schools of records, as sent or else as we hold them."""
        found: dict[str, tuple[str, str | None]] = {}
        if not wanted:
            return found
        entity, stage = BY_NAME[collection], self._moves.stages[collection]
        live = entity.table
        for table, is_mine in (
            (live, entity.is_of(self._moves.source_id)),
            (stage, stage.c.verdict.is_(None)),
        ):
            names = [one for one in _NAMING if one in table.c]
            named = select(table.c.sourced_id, *(table.c[one] for one in names))
            for row in self._rows(named.where(is_mine, table.c.sourced_id.in_(wanted))):
                school = next(iter(_schools_of(collection, row)), None)
                found[row["sourced_id"]] = (_label(collection, row), school)
        return found

    def _schools(
        self, movements: Mapping[str, Movement]
    ) -> dict[str, dict[str, dict[str, int]]]:
        schools: dict[str, dict[str, dict[str, int]]] = {}
        for name in BY_SCHOOL:
            one = movements[name]
            if not (one.adds or one.changes or one.ends):
                continue
            changed = self._changed[name]
            for school, counts in self._moves.by_school(name).items():
                moved = {**counts, "changes": changed[school]}
                if moved["adds"] or moved["changes"] or moved["ends"]:
                    schools.setdefault(school, {})[name] = moved
        return schools


_UNSHOWN: Final = frozenset({"sourced_id", "status", "modified_at", "fingerprint"})
_NAMING: Final = (
    "name",
    "title",
    "class_code",
    "given_name",
    "family_name",
    "preferred_given_name",
    "preferred_family_name",
    "school_sourced_id",
)


def _is_something(value: object) -> bool:
    """Tell whether a field says anything; nought and no do."""
    return bool(value) or value is False or value == 0


def _label(collection: str, row: Mapping[str, Any]) -> str:
    """What a person calls a record."""
    if collection == "users":
        given = row["preferred_given_name"] or row["given_name"]
        family = row["preferred_family_name"] or row["family_name"]
        return f"{given} {family}".strip()
    if collection == "orgs":
        return str(row["name"] or "")
    return str(row.get("title") or row.get("class_code") or "")


def _schools_of(collection: str, row: Mapping[str, Any]) -> list[str]:
    """The schools a record belongs to; a person may have several."""
    if collection == "orgs":
        return [row["sourced_id"]] if row.get("kind") == "school" else []
    if collection == "courses":
        found = [row["org_sourced_id"]]
    elif collection == "users":
        roles = row.get("roles") or ()
        found = [row.get("primary_org_sourced_id"), *(one["org"] for one in roles)]
    else:
        found = [row.get("school_sourced_id")]
    return [one for one in dict.fromkeys(found) if one]


def _shown(collection: str, fields: Mapping[str, Any]) -> Row:
    """Fields as JSON; what a district reports of a person is masked."""
    if collection == "demographics":
        facts = fields.get("facts") or {}
        return {"facts": dict.fromkeys(sorted(facts), _MASK)}
    return {
        name: str(value) if isinstance(value, date | datetime) else value
        for name, value in fields.items()
    }
