"""What is wrong among staged rows, found in sets: each gets its verdict.

A row with a verdict is not taken. It was sent all the same, so the live row of its
sourcedId does not end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from lti_tool.storage.entities import BY_NAME, Entity, Need
from lti_tool.storage.scopes import list_items

Stages = Mapping[str, Table]
_WORK: Final = "line_item_sourced_id"


def judge(
    connection: Connection,
    stages: Stages,
    entity: Entity,
    source: int,
    *,
    repeats: bool = True,
) -> None:
    """Give a verdict to every staged row of a collection that cannot be taken.

    repeats: whether a sourcedId may stand there twice.
    """
    stage = stages[entity.collection]
    _judge_lengths(connection, stage, entity)
    if repeats:
        _judge_repeats(connection, stage)
    if entity.parent:
        _judge_cycles(connection, stage, entity.parent)
    for need in entity.needs:
        _judge_need(connection, stages, stage, need, source)


def _judge_lengths(connection: Connection, stage: Table, entity: Entity) -> None:
    """Find texts that are longer than their column: PostgreSQL takes none of them."""
    limits = [
        (func.length(stage.c[column.name]) > column.type.length, column.name)
        for column in entity.table.columns
        if isinstance(column.type, String)
        and column.type.length
        and column.name in stage.c
    ]
    connection.execute(
        update(stage)
        .where(stage.c.verdict.is_(None), or_(*(is_over for is_over, _ in limits)))
        .values(verdict="too_long", verdict_column=case(*limits))
    )


def _judge_repeats(connection: Connection, stage: Table) -> None:
    repeated = (
        select(stage.c.sourced_id)
        .where(stage.c.verdict.is_(None))
        .group_by(stage.c.sourced_id)
    )
    if connection.scalar(repeated.having(func.count() > 1).limit(1)) is None:
        return
    content = func.distinct(stage.c.fingerprint + stage.c.status)
    connection.execute(
        update(stage)
        .where(
            stage.c.verdict.is_(None),
            stage.c.sourced_id.in_(repeated.having(func.count(content) > 1)),
        )
        .values(verdict="conflict")
    )
    same = stage.alias("same")
    first = (
        select(func.min(same.c.position))
        .where(same.c.sourced_id == stage.c.sourced_id, same.c.verdict.is_(None))
        .scalar_subquery()
    )
    connection.execute(
        update(stage)
        .where(
            stage.c.verdict.is_(None),
            stage.c.sourced_id.in_(repeated.having(func.count() > 1)),
            stage.c.position > first,
        )
        .values(verdict="duplicate")
    )


def _judge_cycles(connection: Connection, stage: Table, parent: str) -> None:
    """Refuse the records that are their own ancestors."""
    found = connection.execute(
        select(stage.c.sourced_id, stage.c[parent]).where(stage.c.verdict.is_(None))
    )
    parents: dict[str, str | None] = {row[0]: row[1] for row in found}
    in_cycle = sorted(_cyclic(parents))
    for start in range(0, len(in_cycle), 500):
        connection.execute(
            update(stage)
            .where(stage.c.sourced_id.in_(in_cycle[start : start + 500]))
            .values(verdict="cycle", verdict_column=parent)
        )


def _cyclic(parents: Mapping[str, str | None]) -> Iterator[str]:
    """Yield the members of every cycle, each once."""
    done: set[str] = set()
    for start in parents:
        path: dict[str, None] = {}
        one: str | None = start
        while one is not None and one in parents and not (one in done or one in path):
            path[one] = None
            one = parents[one]
        done.update(path)
        if one in path:
            walked = list(path)
            yield from walked[walked.index(one) :]


def _judge_need(
    connection: Connection, stages: Stages, stage: Table, need: Need, source: int
) -> None:
    sent, held = stages[need.collection].alias("sent"), BY_NAME[need.collection]

    def is_lost(wanted: ColumnElement[str]) -> ColumnElement[bool]:
        is_sent = exists().where(
            sent.c.sourced_id == wanted,
            or_(sent.c.verdict.is_(None), sent.c.verdict == "duplicate"),
        )
        is_held = exists().where(held.is_of(source), held.table.c.sourced_id == wanted)
        return and_(wanted.is_not(None), ~is_sent, ~is_held)

    column = stage.c[need.column]
    if need.is_list:
        items, item = list_items(connection, column)
        lost = select(literal(1)).select_from(items).where(is_lost(item))
        is_dangling: ColumnElement[bool] = exists(lost.correlate(stage))
    else:
        is_dangling = is_lost(column)
    connection.execute(
        update(stage)
        .where(stage.c.verdict.is_(None), stage.c.status == "active", is_dangling)
        .values(verdict="dangling", verdict_column=need.column)
    )


def over_maximum(stages: Stages, entity: Entity, source: int) -> Select[Any] | None:
    """What finds the scores, among those taken, above what their work gives at most.

    They are kept and count as all of it. Each row has a sourcedId, the points given and
    the maximum: of the work as it was sent, else as it is held. None of a collection
    without scores.
    """
    need = next((one for one in entity.needs if one.column == _WORK), None)
    if need is None:
        return None
    stage, held = stages[entity.collection], BY_NAME[need.collection]
    sent = stages[need.collection].alias("sent")
    most = case(
        (sent.c.sourced_id.is_not(None), sent.c.maximum), else_=held.table.c.maximum
    )
    return (
        select(stage.c.sourced_id, stage.c.given, most.label("most"))
        .select_from(stage)
        .outerjoin(
            sent,
            and_(sent.c.sourced_id == stage.c[_WORK], sent.c.verdict.is_(None)),
        )
        .outerjoin(
            held.table,
            and_(held.is_of(source), held.table.c.sourced_id == stage.c[_WORK]),
        )
        .where(
            stage.c.verdict.is_(None), stage.c.status == "active", stage.c.given > most
        )
        .order_by(stage.c.position)
    )
