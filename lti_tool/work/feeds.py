"""What a source sends, the same whether it speaks REST or lies in CSV files.

A feed yields a collection in batches and says afterwards whether all of it was sent:
only then may the absence of a record mean anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from lti_tool.errors import SyncError
from oneroster.bundle import Bundle
from oneroster.client import Client
from oneroster.errors import (
    BundleError,
    NotFoundError,
    OneRosterError,
    Problem,
    StatusError,
)
from oneroster.models import Record

BATCH: Final = 1000
FORBIDDEN: Final = 403
# Collections a service may lack: a roster without a gradebook is a roster.
OPTIONAL: Final = frozenset({"categories", "lineItems", "results"})


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of a collection, and the rows that gave none or a doubtful one."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...]


class Feed(Protocol):
    """A source opened for one run."""

    def batches(self, collection: str) -> Iterator[Batch]:
        """Yield the collection, a batch in memory at a time.

        Raises:
            SyncError: it cannot be read to its end.
        """

    def is_complete(self, collection: str) -> bool:
        """Tell, after its last batch, whether all of the collection was sent."""

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What was noticed that belongs to no record."""


class RestFeed:
    """A OneRoster service."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._complete: set[str] = set()
        self._warnings: list[Problem] = []

    def batches(self, collection: str) -> Iterator[Batch]:
        """Yield the pages of a collection."""
        pull = self._client.pages(collection)
        try:
            for page in pull:
                yield Batch(page.records, page.problems)
        except StatusError as error:
            if collection in OPTIONAL and _is_absent(error):
                self._warnings.append(
                    Problem(
                        collection,
                        None,
                        "",
                        f"the service answered {error.status}; left as it was",
                        "not_served",
                        warning=True,
                    )
                )
                return
            raise _stopped(collection, error) from error
        except OneRosterError as error:
            raise _stopped(collection, error) from error
        if pull.proof is not None:
            self._complete.add(collection)

    def is_complete(self, collection: str) -> bool:
        """Tell whether the pull proved its end."""
        return collection in self._complete

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Collections the service does not serve."""
        return tuple(self._warnings)


def _is_absent(error: StatusError) -> bool:
    return isinstance(error, NotFoundError) or error.status == FORBIDDEN


def _stopped(collection: str, error: OneRosterError) -> SyncError:
    return SyncError(f"{collection}: {error}", error.code)


class BundleFeed:
    """A folder or zip of CSV files."""

    def __init__(self, path: Path) -> None:
        try:
            self._bundle = Bundle.open(path)
        except BundleError as error:
            raise SyncError(str(error), error.code) from error
        self._complete: set[str] = set()

    def batches(self, collection: str) -> Iterator[Batch]:
        """Yield the rows of a file, a thousand at a time."""
        rows = self._bundle.records(collection)
        try:
            while batch := list(islice(rows, BATCH)):
                yield Batch(
                    tuple(row for row in batch if isinstance(row, Record)),
                    tuple(row for row in batch if isinstance(row, Problem)),
                )
        except BundleError as error:
            raise SyncError(str(error), error.code) from error
        if self._bundle.mode(collection) == "bulk":
            self._complete.add(collection)

    def is_complete(self, collection: str) -> bool:
        """Tell whether the file is a whole snapshot, read to its end."""
        return collection in self._complete

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Files, columns and properties read all the same."""
        return self._bundle.warnings
