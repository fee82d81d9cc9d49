"""Whether a database holds exactly the made-up district, by counts and checksums."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from sqlalchemy import Table, func, select

from benchmarks.bench import check
from benchmarks.generate import District
from lti_tool.storage import schema
from lti_tool.storage.database import Database

TABLES: dict[str, Table] = {
    "users": schema.sis_user,
    "classes": schema.sis_class,
    "enrollments": schema.enrollment,
    "lineItems": schema.assignment,
    "results": schema.score,
}
# What is compared of each row: ours, and the cell it came from.
CELLS = {
    "users": ("given_name", "givenName"),
    "classes": ("title", "title"),
    "enrollments": ("user_sourced_id", "userSourcedId"),
    "lineItems": ("class_sourced_id", "classSourcedId"),
    "results": ("given", "score"),
}


def count_of(database: Database, name: str) -> int:
    """How many live rows a collection has."""
    table = TABLES[name]
    with database.read() as session:
        found = session.scalar(
            select(func.count()).select_from(table).where(table.c.status == "active")
        )
    return int(found or 0)


def compare(database: Database, source_id: int, district: District) -> None:
    """Hold the live rows against the district, whatever their order.

    Raises:
        WrongResultError: a row is missing, too many, or another.
    """
    for name, (ours, cell) in CELLS.items():
        table = TABLES[name]
        with database.read() as session:
            held = session.execute(
                select(table.c.sourced_id, table.c[ours]).where(
                    table.c.source_id == source_id, table.c.status == "active"
                )
            )
            here = _sum((str(key), _text(value)) for key, value in held)
        there = _sum((row["sourcedId"], row[cell]) for row in district.rows(name))
        check(here == there, f"{name}: {here[0]} rows are held, {there[0]} were sent")


def _text(value: Any) -> str:  # noqa: ANN401 -- of any column
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sum(pairs: Iterator[tuple[str, str]]) -> tuple[int, int]:
    count, total = 0, 0
    for key, value in pairs:
        count += 1
        number = f"{float(value):g}" if value.replace(".", "", 1).isdigit() else value
        text = f"{key}|{number}".encode()
        total ^= int.from_bytes(blake2b(text, digest_size=8).digest())
    return count, total
