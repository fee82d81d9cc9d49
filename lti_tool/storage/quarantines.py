"""Records held aside: each names one that the source did not send.

They are kept as they were staged and staged again in every run that does not bring
them itself, so that one is taken as soon as the record it names arrives, changed or
not, in a delta too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows
from lti_tool.storage.entities import ENTITIES, FIRST, MOMENT, Staged, value_columns
from lti_tool.storage.schema import quarantine, run, run_problem
from lti_tool.storage.session import Session

Row = dict[str, Any]
Stages = Mapping[str, Table]
# So many a collection are held aside; a source that lacks more of them lacks a file.
KEPT: Final = 100_000
_BATCH: Final = 1000
_WAITS: Final = "dangling"


def load_waiting(
    connection: Connection, stages: Stages, source_id: int, complete: Collection[str]
) -> Iterator[tuple[str, list[Staged]]]:
    """Yield the rows held aside that a run did not bring, by collection, as staged.

    complete: collections that were sent whole; what is absent there is gone.
    """
    for entity in ENTITIES:
        name = entity.collection
        if name in complete:
            continue
        stage = stages[name]
        found = connection.execute(
            select(quarantine.c.row)
            .where(
                _is_open(source_id, name),
                ~exists().where(stage.c.sourced_id == quarantine.c.sourced_id),
            )
            .order_by(quarantine.c.id)
        )
        waiting = [_thawed(name, row) for row in found.scalars()]
        if waiting:
            yield name, waiting


@dataclass(frozen=True, slots=True)
class Holding:
    """What is to be known of a run to keep what it held aside.

    complete: the collections it was sent whole.
    """

    source_id: int
    run_id: int
    complete: frozenset[str]
    now: datetime


def hold_aside(connection: Connection, stages: Stages, held: Holding) -> None:
    """Keep what still waits after a run and settle what waits no more.

    Belongs into the transaction that applies the run.
    """
    for entity in ENTITIES:
        _settle(connection, stages, entity.collection, held)
        _keep(connection, stages[entity.collection], entity.collection, held)


def _is_open(source_id: int, collection: str) -> ColumnElement[bool]:
    return and_(
        quarantine.c.source_id == source_id,
        quarantine.c.collection == collection,
        quarantine.c.settled_at.is_(None),
    )


def _settle(
    connection: Connection, stages: Stages, collection: str, held: Holding
) -> None:
    stage = stages[collection]
    same = stage.c.sourced_id == quarantine.c.sourced_id
    is_over: ColumnElement[bool] = ~exists().where(same, stage.c.verdict == _WAITS)
    if collection not in held.complete:
        is_over = and_(is_over, exists().where(same))
    connection.execute(
        update(quarantine)
        .where(_is_open(held.source_id, collection), is_over)
        .values(settled_at=held.now)
    )


def _keep(connection: Connection, stage: Table, collection: str, held: Holding) -> None:
    waiting = connection.execute(
        select(stage)
        .where(stage.c.verdict == _WAITS)
        .order_by(stage.c.position)
        .limit(KEPT)
    ).mappings()
    while batch := waiting.fetchmany(_BATCH):
        _put(
            connection,
            [
                {
                    "source_id": held.source_id,
                    "run_id": held.run_id,
                    "collection": collection,
                    "sourced_id": row["sourced_id"],
                    "field": row["verdict_column"],
                    "names": as_names(row[row["verdict_column"]])[:255],
                    "place": f'{collection} "{row["sourced_id"]}"',
                    "row": _frozen(row),
                    "first_seen_at": held.now,
                    "seen_at": held.now,
                    "settled_at": None,
                }
                for row in batch
            ],
        )


def _put(connection: Connection, held: list[Row]) -> None:
    is_postgres = connection.dialect.name == "postgresql"
    statement = (postgresql if is_postgres else sqlite).insert(quarantine)
    fresh: Row = {
        name: statement.excluded[name]
        for name in (
            "run_id",
            "field",
            "names",
            "place",
            "row",
            "seen_at",
            "settled_at",
        )
    }
    # One that was settled and waits again is first seen now.
    fresh["first_seen_at"] = case(
        (quarantine.c.settled_at.is_(None), quarantine.c.first_seen_at),
        else_=statement.excluded.first_seen_at,
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source_id", "collection", "sourced_id"], set_=fresh
        ),
        held,
    )


def as_names(value: object) -> str:
    """What a column names: one record, or several of which one is missing."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _frozen(row: Mapping[Any, Any]) -> Row:
    return {name: _text(value) for name, value in row.items() if name not in _OWN}


_OWN: Final = frozenset({"position", "verdict", "verdict_column"})


def _text(value: object) -> object:
    """A value as a staged row has it, see entities.Staged."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime(MOMENT)
    if isinstance(value, date):
        return str(value)
    if isinstance(value, list | dict):
        return json.dumps(value)
    return value


def _thawed(collection: str, row: Mapping[str, Any]) -> Staged:
    return tuple(row.get(name) for name in (*FIRST, *value_columns(collection)))


def load_open(session: Session, source_id: int) -> list[Row]:
    """Return what is held aside of a source, the longest first, rows left out."""
    columns = (one for one in quarantine.columns if one.name != "row")
    return rows(
        session,
        select(*columns)
        .where(quarantine.c.source_id == source_id, quarantine.c.settled_at.is_(None))
        .order_by(quarantine.c.first_seen_at, quarantine.c.id),
    )


def load_owner(session: Session, run_id: int) -> int:
    """Return the source a run pulled.

    Raises:
        NotFoundError: there is no such run.
    """
    found = session.scalar(select(run.c.source_id).where(run.c.id == run_id))
    if found is None:
        raise NotFoundError(f"no run {run_id}; masterybridge runs list shows them")
    return int(found)


def load_left_out(session: Session, run_id: int) -> list[tuple[str, str]]:
    """Return the records a run did not take, as far as they are named."""
    found = session.execute(
        select(run_problem.c.collection, run_problem.c.sourced_id)
        .where(
            run_problem.c.run_id == run_id,
            run_problem.c.level == "error",
            run_problem.c.sourced_id.is_not(None),
        )
        .order_by(run_problem.c.id)
    )
    return [
        (collection.removesuffix(".csv"), sourced_id)
        for collection, sourced_id in found
    ]


def load_causes(session: Session, run_id: int) -> list[Row]:
    """Return what was wrong in a run, by cause, the most frequent first.

    Counts the problems that are kept by name: of one run at most the first thousand.
    """
    named = [run_problem.c[name] for name in ("collection", "field", "code", "level")]
    count = func.count().label("count")
    return rows(
        session,
        select(*named, count)
        .where(run_problem.c.run_id == run_id)
        .group_by(*named)
        .order_by(count.desc(), *named),
    )
