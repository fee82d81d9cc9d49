"""What a provider serves and a bundle is written from: records by collection."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, Self, runtime_checkable

from oneroster.dialects import COLLECTIONS
from oneroster.errors import Problem
from oneroster.filters import Filter
from oneroster.models import Record

__all__ = ["KINDS", "Catalog", "MemoryCatalog", "PagedCatalog", "Query", "RecordSource"]

NAMES = (
    "orgs",
    "academicSessions",
    "courses",
    "classes",
    "users",
    "enrollments",
    "demographics",
    "resources",
    "categories",
    "scoreScales",
    "lineItems",
    "results",
    "assessmentLineItems",
    "assessmentResults",
)
KINDS: Mapping[str, type[Record]] = MappingProxyType(
    {name: COLLECTIONS[name].kind for name in NAMES}
)
"""Every collection and the kind of its records, referred-to collections first."""


class Catalog(Protocol):
    """The records of a district, by collection and sourcedId."""

    def records(self, collection: str) -> Iterable[Record]:
        """Give the records of a collection, in the same order every time."""

    def read(self, collection: str, sourced_id: str) -> Record | None:
        """Give one record, or None if there is none of that sourcedId."""

    def write(self, collection: str, record: Record) -> None:
        """Keep the record in place of any other of its sourcedId."""

    def delete(self, collection: str, sourced_id: str) -> None:
        """Forget the record; forgetting one that is not there changes nothing."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a request asks of a collection.

    ``limit`` is what will be given, whatever was asked for; ``fields`` is empty
    for all of them.
    """

    limit: int
    offset: int = 0
    sort: str = ""
    descending: bool = False
    wanted: Filter | None = None
    fields: tuple[str, ...] = ()


@runtime_checkable
class PagedCatalog(Protocol):
    """A catalog that finds a page by itself: one over a database, for one."""

    def page(
        self, path: str, ids: Sequence[str], query: Query
    ) -> tuple[Sequence[Record], int] | None:
        """Give the records of one page and how many there are in all.

        ``path`` is below the root of a service, ``*`` for each of ``ids``, such as
        ``classes/*/students``. None: it cannot, and its records are looked through
        one by one. Fields are picked by the caller.
        """


class RecordSource(Protocol):
    """What a catalog can be made from: a bundle, for one."""

    @property
    def warnings(self) -> Iterable[Problem]:
        """What was found odd before any record was read."""

    def records(self, collection: str) -> Iterable[Record | Problem]:
        """Give the records of a collection and what is wrong with the others."""


class MemoryCatalog:
    """A catalog in memory; any thread may read and write it.

    ``problems`` holds what was wrong with the records it was made from.
    """

    def __init__(self, records: Mapping[str, Iterable[Record]] | None = None) -> None:
        """Take the records of each collection; a later one replaces an earlier.

        Raises:
            KeyError: a collection is none of :data:`KINDS`.
        """
        self.problems: list[Problem] = []
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, Record]] = {name: {} for name in KINDS}
        for collection, given in (records or {}).items():
            rows = self._rows[collection]
            rows.update((record.sourced_id, record) for record in given)

    @classmethod
    def from_bundle(cls, bundle: RecordSource) -> Self:
        """Read a whole bundle; its faulty rows are left out and told of.

        Raises:
            BundleError: a file of the bundle cannot be read to its end.
        """
        catalog = cls()
        catalog.problems.extend(bundle.warnings)
        for collection in KINDS:
            for found in bundle.records(collection):
                if isinstance(found, Problem):
                    catalog.problems.append(found)
                else:
                    catalog.write(collection, found)
        return catalog

    def records(self, collection: str) -> Iterator[Record]:
        """Give the records as they are now, in the order they first came."""
        with self._lock:
            return iter(list(self._rows[collection].values()))

    def read(self, collection: str, sourced_id: str) -> Record | None:
        """Give one record, or None if there is none of that sourcedId."""
        with self._lock:
            return self._rows[collection].get(sourced_id)

    def write(self, collection: str, record: Record) -> None:
        """Keep the record in place of any other of its sourcedId."""
        with self._lock:
            self._rows[collection][record.sourced_id] = record

    def delete(self, collection: str, sourced_id: str) -> None:
        """Forget the record; forgetting one that is not there changes nothing."""
        with self._lock:
            self._rows[collection].pop(sourced_id, None)
