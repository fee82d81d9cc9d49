"""What we hold, as a OneRoster catalog that others pull from; read only.

The roster goes out under the SIS's own identifiers, our attainments as assessment
results with CASE learning objectives. Demographics, evidence and the scores of the
SIS's own gradebook are never told; by what a level was judged is.
Source: docs/pulling-outcomes.md; docs/decisions/0010-identifiers-we-tell.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import UnsupportedOperation
from typing import Any, Final

from lti_tool.storage import judging
from lti_tool.storage import published as stored
from lti_tool.storage.database import Database
from lti_tool.storage.published import Asked, SisId
from lti_tool.storage.published_shelves import SHELVES
from lti_tool.storage.published_tests import Test
from lti_tool.storage.session import Session
from lti_tool.work.published_records import KINDS, Told, record
from oneroster.catalog import Query
from oneroster.filters import Clause
from oneroster.models import Record, SisClass
from oneroster.provider_replies import RefusalError

_CHUNK: Final = 1000
_ALL: Final = re.compile(r"s([1-9]\d{0,8})\.(.+)", re.DOTALL)
_IN_SCHOOL: Final = "schools/*/classes/*/"
_OURS: Final = frozenset({"scoreScales", "assessmentLineItems", "assessmentResults"})
_OUR_FIELDS: Final = frozenset({"assessmentLineItem", "scoreScale"})


@dataclass(frozen=True, slots=True)
class PublishedCatalog:
    """What one client may see: one source, or all where ``source_id`` is None.

    Of all sources, an identifier of the SIS carries its source's number before it,
    as in ``s3.c-1``, since two sources may use the same.
    """

    database: Database
    source_id: int | None

    def records(self, collection: str) -> Iterator[Record]:
        """Yield the records of a collection, holding a chunk of them."""
        if collection not in SHELVES:
            return
        after: int | None = None
        while True:
            asked = Asked(
                path=collection, source_id=self.source_id, limit=_CHUNK, after=after
            )
            with self.database.read() as session:
                found = stored.load_next(session, asked)
                shown = self._records(session, collection, found)
            yield from shown
            if len(found) < _CHUNK:
                return
            after = int(found[-1]["key"])

    def read(self, collection: str, sourced_id: str) -> Record | None:
        """Give one record, or None if there is none of that sourcedId."""
        test = self._test(collection, Clause("sourcedId", "=", sourced_id))
        found = self._page(collection, (), Query(1), (test,))
        return found[0][0] if found is not None and found[0] else None

    def page(
        self, path: str, ids: Sequence[str], query: Query
    ) -> tuple[Sequence[Record], int] | None:
        """Give the records of one page and how many there are in all, if SQL can.

        Raises:
            RefusalError: 404, the class of the path is not in its school.
        """
        name = path.rpartition("/")[2]
        if name not in SHELVES:
            return [], 0
        if path.startswith(_IN_SCHOOL):
            self._check_school(*ids)
        wanted = query.wanted
        tests = tuple(self._test(name, one) for one in wanted.clauses) if wanted else ()
        return self._page(path, ids, query, tests)

    def write(self, collection: str, record: Record) -> None:
        """Refuse: nothing is written here; the provider refuses before it asks."""
        raise UnsupportedOperation(f'{collection} "{record.sourced_id}" is only read')

    def delete(self, collection: str, sourced_id: str) -> None:
        """Refuse: nothing is deleted here; the provider refuses before it asks."""
        raise UnsupportedOperation(f'{collection} "{sourced_id}" is only read')

    def _check_school(self, school_id: str, class_id: str) -> None:
        sis_class = self.read("classes", class_id)
        school = sis_class.school if isinstance(sis_class, SisClass) else None
        if school is None or school.sourced_id != school_id:
            raise RefusalError(404, "unknownobject", "the school has no such class")

    def _page(
        self, path: str, ids: Sequence[str], query: Query, tests: Sequence[Test]
    ) -> tuple[list[Record], int] | None:
        name = path.rpartition("/")[2]
        if name not in SHELVES:
            return [], 0
        wanted = query.wanted
        asked = Asked(
            path=path,
            ids=[self._sis_id(one) for one in ids],
            source_id=self.source_id,
            tests=tests,
            any_of_them=wanted is not None and wanted.joiner == "OR",
            sort=query.sort,
            descending=query.descending,
            limit=query.limit,
            offset=query.offset,
        )
        with self.database.read() as session:
            found = stored.load_page(session, asked)
            if found is None:
                return None
            return self._records(session, name, found[0]), found[1]

    def _records(
        self, session: Session, name: str, found: Sequence[Mapping[str, Any]]
    ) -> list[Record]:
        courses = sorted({row["course_id"] for row in found if row.get("course_id")})
        judged = judging.load(session, courses) if name in _OURS else {}
        told = Told(self.told_id, judged)
        kind = KINDS[name]
        return [record(kind, row, told) for row in found]

    def told_id(self, source_id: int, sourced_id: str) -> str:
        """Say an identifier of a SIS as this client knows it."""
        if self.source_id is not None:
            return sourced_id
        return f"s{source_id}.{sourced_id}"

    def _sis_id(self, told: str) -> SisId:
        """Whose identifier a told one is; one of nobody is of source 0."""
        if self.source_id is not None:
            return self.source_id, told
        found = _ALL.fullmatch(told)
        return (int(found[1]), found[2]) if found else (0, told)

    def _test(self, name: str, clause: Clause) -> Test:
        head, _, last = clause.field.rpartition(".")
        is_ours = head in _OUR_FIELDS or (not head and name in _OURS)
        if last != "sourcedId" or is_ours:
            return Test(clause.field, clause.operator, clause.value)
        source_id, sourced_id = self._sis_id(clause.value)
        return Test(clause.field, clause.operator, sourced_id, source_id)
