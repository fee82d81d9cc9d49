"""All that is kept about a person, or a course, as one zip that a person can read.

In it: README.txt, which says in words what each file holds and what is left out; the
whole as one JSON document; and each table as CSV.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any, Final

from lti_tool.storage import holdings, named_rows
from lti_tool.storage.database import Database
from lti_tool.storage.evidence import put_change
from lti_tool.storage.holdings import HOLDINGS, NOT_HELD
from lti_tool.work.tables import csv_text

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_NEVER: Final = (
    "Never in it: secrets of her visits. Other people, where one of them did something "
    "for her, are given as person:NUMBER."
)
_ELSEWHERE: Final = (
    "What other systems hold of her (the LMS, the SIS, a warehouse that pulls) is in "
    "their keeping; delivery.csv says what was told to which of them."
)
_BESIDE: Final = (
    "Not in it: the framework (masterybridge framework export), students' records over "
    "all courses (export records --over-all), and who visited when."
)


@dataclass(frozen=True, slots=True)
class Part:
    """One table: what it tells, and its rows."""

    name: str
    about: str
    rows: Sequence[dict[str, Any]]


def write_person(
    database: Database, person_id: int, file: IO[bytes], *, who: str, now: datetime
) -> dict[str, int]:
    """Write all that is kept about a person; returns how many rows of which table.

    The audit keeps that it was done, and by whom.

    Raises:
        NotFoundError: there is no such person.
    """
    with database.read() as session:
        one = holdings.load_who(session, person_id)
        parts = [
            Part(held.table.name, held.about, holdings.load_held(session, held, one))
            for held in reversed(HOLDINGS)
        ]
    left_out = [
        "Tables that hold nothing of her, or nothing that may be given away:",
        *(f"  {name}: {why}" for name, why in NOT_HELD.items()),
        _NEVER,
        _ELSEWHERE,
    ]
    title = f"All that MasteryBridge keeps about person {person_id}"
    _write(file, title, parts, left_out, now)
    with database.write() as session:
        put_change(
            session,
            at=now,
            who=who,
            what="person exported",
            subject=("person", person_id),
        )
    return {part.name: len(part.rows) for part in parts}


def write_course(
    database: Database, course_id: int, file: IO[bytes], *, now: datetime
) -> dict[str, int]:
    """Write what is kept about a course; returns how many rows of which table."""
    with database.read() as session:
        found = named_rows.iter_course(session, course_id)
        parts = [Part(name, about, rows) for name, about, rows in found]
    title = f"What MasteryBridge keeps about course {course_id}"
    _write(file, title, parts, [_BESIDE], now)
    return {part.name: len(part.rows) for part in parts}


def _write(
    file: IO[bytes],
    title: str,
    parts: Sequence[Part],
    left_out: Sequence[str],
    now: datetime,
) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, "README.txt", "\n".join(_manifest(title, parts, left_out, now)))
        tables = {part.name: part.rows for part in parts}
        whole = {"about": title, "made_at": now, "tables": tables}
        text = json.dumps(whole, default=_plain, ensure_ascii=False, indent=1)
        _put(archive, "everything.json", text)
        for part in parts:
            if part.rows:
                head = list(part.rows[0])
                lines = ([_cell(row[name]) for name in head] for row in part.rows)
                _put(archive, f"{part.name}.csv", "".join(csv_text(head, lines)))


def _manifest(
    title: str, parts: Sequence[Part], left_out: Sequence[str], now: datetime
) -> Iterator[str]:
    yield f"{title}, {now:%Y-%m-%d %H:%M} UTC"
    yield ""
    yield "everything.json holds it all; each table that has rows is a CSV file too:"
    for part in parts:
        count = f"{len(part.rows)} rows" if part.rows else "nothing"
        yield f"  {part.name}.csv: {part.about} ({count})"
    yield ""
    yield "Times are UTC. Beside a number (course_id) stands its name (course)."
    yield "In the CSV files a text that a spreadsheet would run has ' before it."
    yield ""
    yield from left_out
    yield ""


def _put(archive: zipfile.ZipFile, name: str, text: str) -> None:
    member = zipfile.ZipInfo(name, date_time=_EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, text.encode())


def _cell(value: object) -> object:
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return value


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
