"""Rows of other files that belong inside a record: roles, profiles, objectives.

They wait in a temporary SQLite file, because a file may be in any order and
larger than memory.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Self

from oneroster.errors import Problem
from oneroster.models import Record

__all__ = ["SideRows", "Unclaimed"]

Wire = dict[str, Any]
ORPHAN = "belongs to a record that is not in the bundle; left out"

_TABLE = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE side (
        id INTEGER PRIMARY KEY, owner TEXT, file TEXT, line INTEGER, body TEXT,
        is_cells INTEGER, taken INTEGER DEFAULT 0);
"""
# After the rows: they come in no order.
_INDEX = "CREATE INDEX IF NOT EXISTS by_owner ON side (owner)"
ReadCells = Callable[[int, list[str]], Wire]
Part = tuple[str, "list[str] | None"]
"""A row that belongs to a record: its file and its cells, None if it is odd."""


@dataclass(frozen=True, slots=True)
class Unclaimed(Problem):
    """Rows of a delta whose record did not change itself, and so was not sent.

    part: a record of that sourcedId with what the rows say and nothing else. Who
    holds the record can take it from there; to anybody else it is an orphan.
    """

    part: Record | None = None


class SideRows:
    """Rows by the record they belong to, handed out as that record is read."""

    def __init__(self) -> None:
        """Open an empty, temporary table on disk."""
        self._db = sqlite3.connect("", check_same_thread=False)
        self._db.executescript(_TABLE)
        self._reads: dict[str, ReadCells] = {}
        self._is_indexed = False

    def __enter__(self) -> Self:
        """Stay open."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Remove the table."""
        self._db.close()

    def put(self, file: str, line: int, owner: str, row: Wire) -> None:
        """Keep a row of a file for the record of that sourcedId."""
        self._db.execute(
            "INSERT INTO side (owner, file, line, body, is_cells) "
            "VALUES (?, ?, ?, ?, 0)",
            (owner, file, line, json.dumps(row)),
        )

    def put_cells(
        self,
        file: str,
        lines: Iterable[int],
        owners: Iterable[str],
        rows: Iterable[Sequence[str]],
        read: ReadCells,
    ) -> None:
        """Keep many sound rows as they stand; read makes of each what put() takes."""
        self._reads[file] = read
        self._db.executemany(
            "INSERT INTO side (owner, file, line, body, is_cells) "
            "VALUES (?, ?, ?, ?, 1)",
            zip(owners, repeat(file), lines, map(json.dumps, rows)),
        )

    def merge(self, record: Wire) -> None:
        """Put into the record, as REST sends it, the rows that belong to it."""
        self._index()
        taken = self._db.execute(
            "UPDATE side SET taken = 1 WHERE owner = ? "
            "RETURNING id, file, line, body, is_cells",
            (record.get("sourcedId"),),
        ).fetchall()
        for _id, file, line, body, is_cells in sorted(taken):
            row = json.loads(body)
            if is_cells:
                row = self._reads[file](line, row)
            _MERGES[file](record, row)

    def _index(self) -> None:
        if not self._is_indexed:
            self._db.execute(_INDEX)
            self._is_indexed = True

    def parts(self, owners: Sequence[str]) -> dict[str, list[Part]]:
        """Give the rows that belong to these records, each in the order they came."""
        self._index()
        taken = self._db.execute(
            "UPDATE side SET taken = 1 "
            "WHERE owner IN (SELECT value FROM json_each(?)) "
            "RETURNING id, owner, file, body, is_cells",
            (json.dumps(owners),),
        ).fetchall()
        found: dict[str, list[Part]] = {}
        for _id, owner, file, body, is_cells in sorted(taken):
            part = (file, json.loads(body) if is_cells else None)
            found.setdefault(owner, []).append(part)
        return found

    def unclaimed(self, file: str) -> Iterator[tuple[int, Wire]]:
        """Yield the records of which only rows of this file came, with their line."""
        owners = self._db.execute(
            "SELECT owner, min(line) FROM side WHERE taken = 0 AND file = ? "
            "GROUP BY owner ORDER BY min(line)",
            (file,),
        ).fetchall()
        for owner, line in owners:
            record: Wire = {"sourcedId": owner, "status": "active"}
            self.merge(record)
            yield line, record

    def left_over(self) -> Iterator[Problem]:
        """Yield a Problem for each row whose record never came."""
        rows = self._db.execute(
            "SELECT file, line, owner FROM side WHERE taken = 0 "
            "AND (is_cells OR json_extract(body, '$.status') = 'active') ORDER BY id"
        )
        with closing(rows):
            for file, line, owner in rows:
                yield Problem(f"{file}.csv", line, "", ORPHAN, "orphan", owner)


def _picked(row: Wire, names: str) -> Wire:
    return {name: row[name] for name in names.split() if name in row}


def _add_role(user: Wire, row: Wire) -> None:
    role = _picked(row, "roleType role org userProfile beginDate endDate")
    if row["status"] != "active" and user["status"] == "active":
        role["status"] = row["status"]
    user.setdefault("roles", []).append(role)


def _add_profile(user: Wire, row: Wire) -> None:
    profile = _picked(row, "profileType vendorId applicationId description")
    credential = _picked(row, "username password") | {"type": row["credentialType"]}
    profile |= {"profileId": row["sourcedId"], "credentials": [credential]}
    user.setdefault("userProfiles", []).append(profile)


def _add_resource(record: Wire, row: Wire) -> None:
    record.setdefault("resources", []).append(row["resource"])


def _objectives(record: Wire, row: Wire, name: str) -> list[Any]:
    """Find the list of the row's source in the set, or begin it."""
    groups: list[Wire] = record.setdefault("learningObjectiveSet", [])
    for group in groups:
        if group["source"] == row["source"]:
            found: list[Any] = group[name]
            return found
    groups.append({"source": row["source"], name: []})
    begun: list[Any] = groups[-1][name]
    return begun


def _add_objective(item: Wire, row: Wire) -> None:
    ids = _objectives(item, row, "learningObjectiveIds")
    ids.append(row["learningObjectiveId"])


def _add_objective_score(result: Wire, row: Wire) -> None:
    scores = _objectives(result, row, "learningObjectiveResults")
    scores.append(_picked(row, "learningObjectiveId score textScore"))


def _add_scale(record: Wire, row: Wire) -> None:
    record["scoreScale"] = row["scoreScale"]


_MERGES: Mapping[str, Callable[[Wire, Wire], None]] = {
    "roles": _add_role,
    "userProfiles": _add_profile,
    "userResources": _add_resource,
    "classResources": _add_resource,
    "courseResources": _add_resource,
    "lineItemLearningObjectiveIds": _add_objective,
    "lineItemScoreScales": _add_scale,
    "resultLearningObjectiveIds": _add_objective_score,
    "resultScoreScales": _add_scale,
}
