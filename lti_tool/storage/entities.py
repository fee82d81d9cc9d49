"""The collections of a source, the tables they are kept in, and their staged form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from psycopg import sql
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
)

from lti_tool.storage import schema

# What a staged row carries beside the columns of its live table.
OWN_COLUMNS: Final = ("position", "verdict", "verdict_column")


@dataclass(frozen=True, slots=True)
class Need:
    """A reference that must lead somewhere, or the record is held aside."""

    column: str
    collection: str


@dataclass(frozen=True, slots=True)
class Entity:
    """One collection of a source and the table it is kept in.

    Attributes:
        ours: columns the source knows nothing of.
        links: those of ours that are found anew when the record changes.
        parent: the column that leads to another row of the same collection.
    """

    collection: str
    table: Table
    needs: tuple[Need, ...] = ()
    ours: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    parent: str | None = None


# Referred-to collections first. Source: facts/oneroster.md section 8, rule 4.
ENTITIES: Final = (
    Entity("orgs", schema.org, parent="parent_sourced_id"),
    Entity("academicSessions", schema.term, parent="parent_sourced_id"),
    Entity("courses", schema.sis_course),
    Entity(
        "classes",
        schema.sis_class,
        (Need("sis_course_sourced_id", "courses"), Need("school_sourced_id", "orgs")),
    ),
    # A person stays who he is, whatever becomes of the record.
    Entity("users", schema.sis_user, ours=("person_id",)),
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
        ours=("course_id",),
        links=("course_id",),
    ),
    Entity(
        "results",
        schema.score,
        (
            Need("line_item_sourced_id", "lineItems"),
            Need("student_sourced_id", "users"),
        ),
        ours=("assignment_id", "person_id"),
        links=("assignment_id", "person_id"),
    ),
)
BY_NAME: Final[Mapping[str, Entity]] = MappingProxyType(
    {entity.collection: entity for entity in ENTITIES}
)


def _stage_table(metadata: MetaData, entity: Entity) -> Table:
    """Return the temporary table of a collection; texts of any length fit in."""
    left_out = {"id", "source_id", *entity.ours}
    return Table(
        f"stage_{entity.table.name}",
        metadata,
        Column("position", Integer, primary_key=True, autoincrement=False),
        Column("verdict", Text),
        Column("verdict_column", Text),
        *(
            Column(
                column.name,
                Text() if isinstance(column.type, String) else column.type,
            )
            for column in entity.table.columns
            if column.name not in left_out
        ),
        prefixes=["TEMPORARY"],
    )


# The same for every run, so that each statement is compiled once a process.
STAGE_METADATA: Final = MetaData()
STAGES: Final[Mapping[str, Table]] = MappingProxyType(
    {entity.collection: _stage_table(STAGE_METADATA, entity) for entity in ENTITIES}
)


def sent_columns(stage: Table) -> list[str]:
    """Return the names of the columns that a merge copies."""
    return [one.name for one in stage.columns if one.name not in OWN_COLUMNS]


def put_rows(
    connection: Connection, stage: Table, staged: Sequence[dict[str, Any]]
) -> None:
    """Write staged rows, which all have the same columns, in the caller's transaction.

    On PostgreSQL by COPY, which is many times faster than INSERT.
    """
    if connection.dialect.name != "postgresql":
        connection.execute(insert(stage), staged)
        return
    names = list(staged[0])
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(stage.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    is_json = [isinstance(stage.c[name].type, JSON) for name in names]
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(statement) as copy:
        for row in staged:
            values = zip((row[name] for name in names), is_json, strict=True)
            copy.write_row([json.dumps(v) if is_j else v for v, is_j in values])
