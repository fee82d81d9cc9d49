"""/api/v1: what changed since, and why a level stands, for a data warehouse.

A level is worked out at one moment and stored at a later one, so that a reader who
goes by the moment alone can miss what was stored behind her back. Each pull therefore
begins a day before the one before it began; what comes twice is the same.
Source: docs/pulling-outcomes.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lti_tool.errors import PullError
from lti_tool.storage import judging, pulls
from lti_tool.storage.database import Database
from lti_tool.storage.judging import Judging
from lti_tool.storage.pulls import Place
from lti_tool.storage.standing import StoredAttainment
from lti_tool.work import reasons, whys
from lti_tool.work.published import PublishedCatalog

LEVELS: Final = "assessment.readonly"
EVIDENCE: Final = "evidence.readonly"
MOST: Final = 5000
USUAL: Final = 1000
OVERLAP: Final = timedelta(days=1)

_BASIS: Final = ("rule", "parameter", "evidence", "is_by_teacher")
COLUMNS: Final = (
    "id",
    "status",
    "course_id",
    "course_title",
    "class_sourced_id",
    "student_id",
    "student_sourced_id",
    "competency_id",
    "competency_guid",
    "competency_code",
    "level",
    "value",
    "is_mastered",
    "computed_at",
    *_BASIS,
)
"""The columns of attainments.csv."""

_ERA: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_CURSOR: Final = re.compile(r"(\d{1,17})-(\d{1,12})(?:-(\d{1,17}))?")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: its scopes, by short name, and whose records it sees; None: all."""

    scopes: frozenset[str]
    source_id: int | None

    def check(self, scope: str) -> None:
        """Let it pass if it has a scope.

        Raises:
            PullError: 403, it has not.
        """
        if scope not in self.scopes:
            raise PullError(403, f"the token lacks the scope {scope}")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader is: behind which row, and when this pull of hers began.

    ``began`` None: the pull is over, the next one begins with this cursor.
    """

    place: Place
    began: datetime | None = None

    def __str__(self) -> str:
        """Write it for the wire; opaque to readers."""
        told = f"{_ticks(self.place.at)}-{self.place.id}"
        return told if self.began is None else f"{told}-{_ticks(self.began)}"


def parse_cursor(text: str) -> Cursor:
    """Read a cursor that we gave.

    Raises:
        PullError: 400, it is none of ours.
    """
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise PullError(400, "cursor: give back the one that came with the last page")
    at, row_id, began = found.groups()
    return Cursor(
        Place(_moment(at), int(row_id)), None if began is None else _moment(began)
    )


def parse_limit(text: str) -> int:
    """Read how many records a page is to hold; empty: the usual.

    Raises:
        PullError: 400, it is no number from 1 to 5,000.
    """
    if not text:
        return USUAL
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MOST))
    if not is_number or not 1 <= int(text) <= MOST:
        raise PullError(400, f"limit: a number from 1 to {MOST}")
    return int(text)


def changes(
    database: Database,
    reader: Reader,
    *,
    cursor: Cursor | None,
    limit: int,
    now: datetime,
) -> dict[str, Any]:
    """Return a page of attainments, oldest change first, and the cursor to go on with.

    Raises:
        PullError: 403, the reader may not see levels.
    """
    reader.check(LEVELS)
    began = now if cursor is None or cursor.began is None else cursor.began
    after = None if cursor is None else cursor.place
    with database.read() as session:
        found = pulls.load_changes(
            session, source_id=reader.source_id, after=after, limit=limit
        )
        judged = judging.load(session, sorted({row["course_id"] for row in found}))
    names = PublishedCatalog(database, reader.source_id)
    if len(found) == limit:
        last = found[-1]
        onward = Cursor(Place(last["told_at"], last["key"]), began)
    else:
        onward = Cursor(Place(began - OVERLAP))
    return {
        "attainments": [_attainment(row, names, judged) for row in found],
        "cursor": str(onward),
        "has_more": onward.began is not None,
    }


def every(
    database: Database,
    reader: Reader,
    *,
    cursor: Cursor | None,
    now: datetime,
) -> Iterator[dict[str, Any]]:
    """Yield all attainments from a cursor on, a page of them in memory.

    Raises:
        PullError: 403, the reader may not see levels.
    """
    while True:
        found = changes(database, reader, cursor=cursor, limit=MOST, now=now)
        yield from found["attainments"]
        if not found["has_more"]:
            return
        cursor = parse_cursor(found["cursor"])


def next_pull(cursor: Cursor | None, now: datetime) -> Cursor:
    """Return where the pull after this one begins, before it has been read."""
    began = now if cursor is None or cursor.began is None else cursor.began
    return Cursor(Place(began - OVERLAP))


def line(told: Mapping[str, Any]) -> list[object]:
    """Return an attainment as a line of the columns COLUMNS."""
    flat = {
        name: value for name, value in told.items() if not isinstance(value, Mapping)
    }
    for part in ("course", "student", "competency"):
        flat |= {f"{part}_{name}": value for name, value in told[part].items()}
    flat |= {
        "course_title": told["course"]["title"],
        "class_sourced_id": told["course"]["class_sourced_id"],
        **{name: told["basis"][name] for name in _BASIS},
    }
    return [flat[name] for name in COLUMNS]


def why(
    database: Database, reader: Reader, key: tuple[int, int, int], *, now: datetime
) -> dict[str, Any]:
    """Return why a level stands: the "why" of the pages as data.

    key: ids of course, student and competency, as an attainment names them.

    Raises:
        PullError: 403, the reader may not see evidence; 404, it is told no such level.
    """
    reader.check(EVIDENCE)
    course_id, person_id, competency_id = key
    with database.read() as session:
        if not pulls.is_told(
            session,
            source_id=reader.source_id,
            course_id=course_id,
            person_id=person_id,
            competency_id=competency_id,
        ):
            raise PullError(404, "there is no such level, or it is not told to you")
        found = whys.why(session, course_id, person_id, competency_id, now=now)
    return reasons.document(found)


def _attainment(
    row: Mapping[str, Any], names: PublishedCatalog, judged: Mapping[int, Judging]
) -> dict[str, Any]:
    one = StoredAttainment(*(row[name] for name in StoredAttainment._fields))
    terms = judged[one.course_id].terms(one.competency_id)

    def told(field: str) -> str | None:
        sourced_id = row[field]
        return sourced_id and names.told_id(row["source_id"], sourced_id)

    course, student, competency = one.key
    return {
        "id": row["sourced_id"],
        "status": "withdrawn" if one.value is None else "active",
        "course": {
            "id": course,
            "title": row["course_title"],
            "class_sourced_id": told("class_sourced_id"),
        },
        "student": {"id": student, "sourced_id": told("student_sourced_id")},
        "competency": {
            "id": competency,
            "guid": row["case_id"],
            "code": row["human_code"],
        },
        "level": one.level_name,
        "value": one.value,
        "is_mastered": one.is_mastered,
        "computed_at": row["told_at"].isoformat(),
        "basis": reasons.told_to_others(one, terms, row["told_at"]),
        "why": f"/api/v1/courses/{course}/students/{student}"
        f"/competencies/{competency}/why",
    }


def _ticks(moment: datetime) -> int:
    return (moment - _ERA) // _TICK


def _moment(ticks: str) -> datetime:
    return _ERA + int(ticks) * _TICK
