"""The collections of a source, the tables they are kept in, and their staged form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from psycopg import sql
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    and_,
    func,
    literal_column,
    select,
)

from lti_tool.storage import schema

# What an LMS alone tells of work and scores: no SIS sends it, none takes it away.
_OF_AN_LMS: Final = ("web_url", "twin_id", "twin_by")
_SCORED_IN_LMS: Final = ("minimum", "maximum", "scored_at")
# What a staged row carries beside the columns of its live table.
OWN_COLUMNS: Final = ("position", "verdict", "verdict_column")


@dataclass(frozen=True, slots=True)
class Need:
    """A reference that must lead somewhere, or the record is held aside.

    is_list: the column holds a list of references, each of which must.
    """

    column: str
    collection: str
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A column of ours that a reference fills as the record is written.

    Attributes:
        column: ours.
        reference: the column that names a record of the collection.
        collection: what it names.
        found: the column of that record's row which is taken.
    """

    column: str
    reference: str
    collection: str
    found: str


@dataclass(frozen=True, slots=True)
class Entity:
    """One collection of a source and the table it is kept in.

    Attributes:
        ours: columns the source knows nothing of.
        links: those of ours that are found anew when the record changes.
        at_once: those of the links that are found while the record is written.
        parent: the column that leads to another row of the same collection.
        kind: what its rows say in the column ``kind``, where a table holds two
            collections, whose sourcedIds may be the same.
    """

    collection: str
    table: Table
    needs: tuple[Need, ...] = ()
    ours: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    at_once: tuple[Link, ...] = ()
    parent: str | None = None
    kind: str | None = None

    @property
    def keys(self) -> list[str]:
        """The columns that name one row."""
        kind = [] if self.kind is None else ["kind"]
        return ["source_id", *kind, "sourced_id"]

    def is_of(self, source_id: int) -> ColumnElement[bool]:
        """The live rows of this collection that a source brought."""
        table = self.table
        is_mine = table.c.source_id == source_id
        if self.kind is None:
            return is_mine
        return and_(is_mine, table.c.kind == self.kind)


# Referred-to collections first. Source: facts/oneroster.md section 8, rule 4.
ENTITIES: Final = (
    Entity("orgs", schema.org, parent="parent_sourced_id"),
    Entity("academicSessions", schema.term, parent="parent_sourced_id"),
    Entity("courses", schema.sis_course),
    Entity(
        "classes",
        schema.sis_class,
        (
            Need("sis_course_sourced_id", "courses"),
            Need("school_sourced_id", "orgs"),
            Need("term_sourced_ids", "academicSessions", is_list=True),
        ),
    ),
    # A person stays who he is, whatever becomes of the record.
    Entity("users", schema.sis_user, ours=("person_id",)),
    Entity("demographics", schema.demographics, (Need("sourced_id", "users"),)),
    Entity(
        "enrollments",
        schema.enrollment,
        (Need("user_sourced_id", "users"), Need("class_sourced_id", "classes")),
    ),
    # A class may name one that does not come: what it names is looked up later.
    Entity("resources", schema.sis_resource),
    Entity("categories", schema.category),
    Entity("scoreScales", schema.score_scale),
    Entity(
        "lineItems",
        schema.assignment,
        (Need("class_sourced_id", "classes"),),
        ours=("kind", "course_id", "parts", *_OF_AN_LMS),
        links=("course_id",),
        kind="line_item",
    ),
    Entity(
        "results",
        schema.score,
        (
            Need("line_item_sourced_id", "lineItems"),
            Need("student_sourced_id", "users"),
        ),
        ours=("kind", "assignment_id", "parts", "person_id", *_SCORED_IN_LMS),
        links=("assignment_id", "person_id"),
        at_once=(
            Link("assignment_id", "line_item_sourced_id", "lineItems", "id"),
            Link("person_id", "student_sourced_id", "users", "person_id"),
        ),
        kind="result",
    ),
    Entity(
        "assessmentLineItems",
        schema.assignment,
        (Need("class_sourced_id", "classes"),),
        ours=("kind", "course_id", "parts", *_OF_AN_LMS),
        links=("course_id",),
        parent="parent_sourced_id",
        kind="assessment",
    ),
    Entity(
        "assessmentResults",
        schema.score,
        (
            Need("line_item_sourced_id", "assessmentLineItems"),
            Need("student_sourced_id", "users"),
        ),
        ours=("kind", "assignment_id", "parts", "person_id", *_SCORED_IN_LMS),
        links=("assignment_id", "person_id"),
        kind="assessment",
    ),
)
BY_NAME: Final[Mapping[str, Entity]] = MappingProxyType(
    {entity.collection: entity for entity in ENTITIES}
)


def _stage_table(metadata: MetaData, entity: Entity) -> Table:
    """Return the temporary table of a collection; texts of any length fit in."""
    left_out = {"id", "source_id", *entity.ours}
    return Table(
        f"stage_{entity.collection.lower()}",
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


def count_active(connection: Connection, entity: Entity, source_id: int) -> int:
    """How many active rows a source has of a collection.

    All of them less the few that ended: both are counted in an index alone.
    """
    mine, table = entity.is_of(source_id), entity.table
    whole = connection.scalar(select(func.count()).where(mine)) or 0
    ended = select(func.count()).where(mine, table.c.status != literal_column(_ACTIVE))
    return whole - (connection.scalar(ended) or 0)


_ACTIVE: Final = "'active'"  # as the indexes of what ended have it, to the letter


@contextmanager
def unindexed(connection: Connection, table: Table) -> Iterator[None]:
    """Fill an empty table without its indexes, which come after the rows.

    Nothing is done to a table that holds rows. Source: facts/performance.md, rules 5
    and 6: a first load is about twice as fast so.
    """
    if connection.scalar(select(table.c.id).limit(1)) is not None:
        yield
        return
    for index in table.indexes:
        index.drop(connection)
    yield
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        index.create(connection)


Value = str | float | bool | None
Staged = tuple[Value, ...]
"""sourced_id, status, modified_at, fingerprint, then the collection's own columns.

Values are as both databases take them: days and moments are text (MOMENT, in UTC),
lists and objects JSON.
"""
MOMENT: Final = "%Y-%m-%d %H:%M:%S.%f"
FIRST: Final = ("sourced_id", "status", "modified_at", "fingerprint")


@cache
def value_columns(collection: str) -> tuple[str, ...]:
    """Return the columns of a staged row after the first four, in their order."""
    names = sent_columns(STAGES[collection])
    return tuple(name for name in names if name not in FIRST)


def put_rows(
    connection: Connection, collection: str, staged: Sequence[Staged], position: int
) -> None:
    """Write staged rows, numbered from position, in the caller's transaction."""
    stage = STAGES[collection]
    names = ("position", *FIRST, *value_columns(collection))
    if connection.dialect.name != "postgresql":
        # A position that is not told is the one after the last.
        put_tuples(connection, stage.name, names, [(position, *staged[0])])
        put_tuples(connection, stage.name, names[1:], staged[1:])
        return
    # The session's own time zone must not be taken for that of a moment.
    moments = [
        place
        for place, name in enumerate(names)
        if isinstance(stage.c[name].type, schema.UtcDateTime)
    ]
    put_tuples(connection, stage.name, names, _zoned(staged, position, moments))


def _zoned(
    staged: Sequence[Staged], position: int, moments: Sequence[int]
) -> Iterator[Sequence[object]]:
    for number, row in enumerate(staged, position):
        values: list[object] = [number, *row]
        for place in moments:
            if values[place] is not None:
                values[place] = f"{values[place]}+00"
        yield values


def put_tuples(
    connection: Connection,
    table: str,
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """Write rows of plain values by the driver itself, in the caller's transaction.

    SQLAlchemy costs as much again as SQLite does, and PostgreSQL's COPY is many times
    faster than INSERT.
    """
    cursor: Any = connection.connection.cursor()
    if connection.dialect.name != "postgresql":
        columns = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join("?" * len(names))
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608 -- names of ours
            rows,
        )
        cursor.close()
        return
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
