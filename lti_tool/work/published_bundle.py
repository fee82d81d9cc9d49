"""Levels as a OneRoster CSV bundle: line items, results and their objectives.

The CSV binding has no assessments; a level is a result of a line item, which is a
competency of a class, in a category of its own. What is told and how identifiers are
told is as with our OneRoster service; withdrawn levels are left out.
Source: OneRoster 1.2 CSV Binding 1.2.1, section 4; docs/pulling-outcomes.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, time
from io import UnsupportedOperation
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from lti_tool.storage import judging
from lti_tool.storage import published_bundle as stored
from lti_tool.storage.database import Database
from lti_tool.storage.published_bundle import Taught
from lti_tool.work.published import PublishedCatalog
from lti_tool.work.published_records import Told
from oneroster.bundle_writer import write_bundle
from oneroster.models import Category, LineItem, Record, Result, ScoreScale

CATEGORY: Final = "mb-competencies"
COLLECTIONS: Final = ("categories", "scoreScales", "lineItems", "results")
_HERE: Final = {"status": "active"}
_MEMORY: Final = 1 << 20
_ROWS: Final = {"scoreScales": "scales", "lineItems": "items", "results": "results"}
_KINDS: Final[Mapping[str, type[Record]]] = {
    "categories": Category,
    "scoreScales": ScoreScale,
    "lineItems": LineItem,
    "results": Result,
}
Row = Mapping[str, Any]
Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a bundle holds."""

    line_items: int
    results: int


def write(database: Database, path: Path, source_id: int | None) -> Written:
    """Write a zip, or a folder where the path does not end in .zip.

    source_id None: of all sources, whose identifiers carry the source's number. Each
    row is read once, so that the files of the bundle say the same.
    """
    with Shelves() as shelves:
        shelves.fill(database, source_id)
        write_bundle(path, shelves, collections=COLLECTIONS)
        return Written(shelves.counts["lineItems"], shelves.counts["results"])


class Shelves:
    """The records of a bundle, put down in files until it is written."""

    def __init__(self) -> None:
        self._files: dict[str, IO[str]] = {}
        self._open = ExitStack()
        self.counts = dict.fromkeys(COLLECTIONS, 0)

    def __enter__(self) -> Self:
        for name in COLLECTIONS:
            held = tempfile.SpooledTemporaryFile(_MEMORY, "w+", encoding="utf-8")
            self._files[name] = self._open.enter_context(held)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def fill(self, database: Database, source_id: int | None) -> None:
        """Read results first: what they name is there when it is read afterwards."""
        only = {"sourcedId": CATEGORY, "title": "Competencies", **_HERE}
        self._put("categories", Category.model_validate(only))
        names = PublishedCatalog(database, source_id)
        for name in ("results", "lineItems", "scoreScales"):
            for some in stored.iter_rows(database, _ROWS[name], source_id):
                for one in _records(database, names, name, some):
                    self._put(name, one)

    def records(self, collection: str) -> Iterator[Record]:
        """Yield what was put down."""
        file, kind = self._files[collection], _KINDS[collection]
        file.seek(0)
        for line in file:
            yield kind.model_validate_json(line)

    def read(self, collection: str, sourced_id: str) -> Record | None:
        """Give one record; looked for from the beginning."""
        found = self.records(collection)
        return next((one for one in found if one.sourced_id == sourced_id), None)

    def write(self, collection: str, record: Record) -> None:
        """Refuse: a bundle is only read."""
        raise UnsupportedOperation(f'{collection} "{record.sourced_id}" is only read')

    def delete(self, collection: str, sourced_id: str) -> None:
        """Refuse: a bundle is only read."""
        raise UnsupportedOperation(f'{collection} "{sourced_id}" is only read')

    def _put(self, name: str, one: Record) -> None:
        self._files[name].write(one.model_dump_json(by_alias=True) + "\n")
        self.counts[name] += 1


def _records(
    database: Database, names: PublishedCatalog, name: str, some: list[dict[str, Any]]
) -> Iterator[Record]:
    """Yield the records of some rows; a framework and a withdrawn level are none."""
    courses = sorted({one["course_id"] for one in some if one["course_id"]})
    with database.read() as session:
        told = Told(names.told_id, judging.load(session, courses))
        places = stored.load_taught(session, courses)
    make, kind = _MAKERS[name], _KINDS[name]
    for row in some:
        if row["course_id"] and row["status"] == "active":
            place = places[row["course_id"]]
            named = {"sourcedId": row["sourced_id"], **_HERE}
            yield kind.model_validate({**named, **make(row, told, place)})


def _scale(row: Row, told: Told, place: Taught) -> Wire:
    levels = told.scale(row["course_id"]).levels
    return {
        "title": f"Mastery levels: {row['title']}",
        "type": "mastery",
        "org": told.refer(row, "org", place.school),
        "course": told.refer(row, "course", row["sis_course_sourced_id"]),
        "class": told.refer(row, "class", row["class_sourced_id"]),
        "scoreScaleValue": [
            {"itemValueLHS": level.name, "itemValueRHS": f"{level.points:g}"}
            for level in levels
        ],
    }


def _item(row: Row, told: Told, place: Taught) -> Wire:
    assigned, due = (datetime.combine(day, time.min, UTC) for day in place.days)
    return {
        "title": row["human_code"] or row["statement"],
        "description": row["statement"],
        "assignDate": assigned,
        "dueDate": due,
        "class": told.refer(row, "class", row["class_sourced_id"]),
        "school": told.refer(row, "org", place.school),
        "category": {"sourcedId": CATEGORY, "type": "category"},
        "academicSession": told.refer(row, "academicSession", place.term),
        "scoreScale": _scale_of(row),
        "resultValueMin": 0.0,
        "resultValueMax": told.scale(row["course_id"]).levels[-1].points,
        "learningObjectiveSet": [
            {"source": "case", "learningObjectiveIds": [row["case_id"]]}
        ],
    }


def _result(row: Row, told: Told, place: Taught) -> Wire:
    del place
    objective = {
        "learningObjectiveId": row["case_id"],
        "score": row["value"],
        "textScore": row["level_name"],
    }
    return {
        "lineItem": {"sourcedId": row["item_id"], "type": "lineItem"},
        "student": told.refer(row, "user", row["student_sourced_id"]),
        "class": told.refer(row, "class", row["class_sourced_id"]),
        "score": row["value"],
        "textScore": row["level_name"],
        "scoreDate": (row["evidence_at"] or row["told_at"]).date(),
        "scoreScale": _scale_of(row),
        "scoreStatus": "fully graded",
        "learningObjectiveSet": [
            {"source": "case", "learningObjectiveResults": [objective]}
        ],
    }


def _scale_of(row: Row) -> Wire:
    return {"sourcedId": f"mb-s{row['course_id']}", "type": "scoreScale"}


_MAKERS: Final[Mapping[str, Callable[[Row, Told, Taught], Wire]]] = {
    "scoreScales": _scale,
    "lineItems": _item,
    "results": _result,
}
