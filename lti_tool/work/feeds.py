"""What a source sends, the same whether it speaks REST or lies in CSV files.

A feed yields a collection in batches and says afterwards whether all of it was sent:
only then may the absence of a record mean anything.

Longer than our usual room by a little: both kinds of feed keep the same promise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol, cast, runtime_checkable

from lti_tool.errors import SyncError
from lti_tool.storage.staging import Staged, value_columns
from lti_tool.work.plain_objects import PlainObjects
from lti_tool.work.plain_parts import ROLES, PlainRoles
from lti_tool.work.plain_rows import PLANS, Cells, PlainReader
from oneroster.auth import ClientCredentials
from oneroster.bundle import Bundle, Sheet
from oneroster.bundle_rows import Block, Row
from oneroster.client import Client
from oneroster.errors import (
    AuthError,
    BundleError,
    NotFoundError,
    OneRosterError,
    Problem,
    RateLimitError,
    StatusError,
)
from oneroster.filters import modified_since
from oneroster.models import Record
from oneroster.pull import Kept, Mark

BATCH: Final = 4000
# Source: OneRoster CSV binding 1.2.1, the list of files.
NOT_IN_FILES: Final = frozenset({"assessmentLineItems", "assessmentResults"})
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
# No roster waits for these, whatever a service answers: their room may not be there,
# or be closed to us, and gateways say so in many ways.
EXTRAS: Final = frozenset({"resources"})
# Collections a service may lack: a roster without a gradebook is a roster.
OPTIONAL: Final = frozenset(
    {
        "demographics",
        "resources",
        "categories",
        "scoreScales",
        "lineItems",
        "results",
        "assessmentLineItems",
        "assessmentResults",
    }
)


# What a scope covers. Source: OneRoster 1.2, the scopes of the three services.
SCOPES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "roster-demographics.readonly": ("demographics",),
        "resource.readonly": ("resources",),
        "gradebook.readonly": ("categories", "scoreScales", "lineItems", "results"),
        "assessment.readonly": ("assessmentLineItems", "assessmentResults"),
    }
)

# What of a record stands in a file of its own, and the column we stage it in.
SIDES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "users": (("roles", "roles"),),
        "courses": (("courseResources", "resource_sourced_ids"),),
        "classes": (("classResources", "resource_sourced_ids"),),
        "lineItems": (
            ("lineItemLearningObjectiveIds", "learning_objectives"),
            ("lineItemScoreScales", "score_scale_sourced_id"),
        ),
        "results": (
            ("resultLearningObjectiveIds", "learning_objectives"),
            ("resultScoreScales", "score_scale_sourced_id"),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of a collection, and the rows that gave none or a doubtful one.

    plain: rows that were so plain that they were staged without a record between.
    mark: where a later run goes on after this batch; None where none can.
    """

    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    plain: Sequence[Staged] = ()
    mark: Mark | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a collection.

    since: only what changed at or after this moment; None asks for all of it.
    mark: where an earlier run stopped.
    kept: the page that had come to it by then, and was perhaps not staged.
    keep: keeps each page as it comes; the next is asked for meanwhile.
    """

    since: datetime | None = None
    mark: Mark | None = None
    kept: Kept | None = None
    keep: Callable[[Kept], None] | None = None


ALL: Final = Ask()


class Feed(Protocol):
    """A source opened for one run."""

    def batches(self, collection: str, ask: Ask = ALL) -> Iterator[Batch]:
        """Yield the collection, a batch in memory at a time.

        Raises:
            SyncError: it cannot be read to its end.
        """

    def is_complete(self, collection: str) -> bool:
        """Tell, after its last batch, whether all that was asked for was sent."""

    def file_hash(self, collection: str) -> str | None:
        """What the collection's files hash to; None where it comes in no file."""

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What was noticed that belongs to no record."""


@runtime_checkable
class Placing(Protocol):
    """A feed that can tell where records stand in it."""

    def places(self, collection: str, sourced_ids: Collection[str]) -> dict[str, str]:
        """Tell the place of each of these records, for a person to look there.

        Raises:
            SyncError: it cannot be read to its end.
        """


@runtime_checkable
class Resumable(Protocol):
    """A feed of which a later run may go on where an earlier one stopped."""

    resumes: bool


@runtime_checkable
class Partial(Protocol):
    """A feed that may send a part of a record and say nothing of the rest."""

    def unsure(self, collection: str) -> tuple[str, ...]:
        """Name the staged columns of which what was not sent stays as it is."""


class RestFeed:
    """A OneRoster service."""

    resumes = True

    def __init__(self, client: Client, *, has_plain: bool = True) -> None:
        """Stage plain objects at once, unless whoever reads wants records of all."""
        self._client = client
        self._has_plain = has_plain
        self._complete: set[str] = set()
        self._warnings: list[Problem] = []

    def batches(self, collection: str, ask: Ask = ALL) -> Iterator[Batch]:
        """Yield the pages of a collection."""
        if collection not in self._client.service.dialect.readable:
            return
        wanted = None if ask.since is None else modified_since(ask.since)
        pull = self._client.pages(
            collection, filter=wanted, mark=ask.mark, kept=ask.kept
        )
        pull.keep = ask.keep
        if self._has_plain and PlainObjects.reads(collection):
            pull.plain = PlainObjects(collection, value_columns(collection)).rows
        try:
            for page in pull:
                plain = cast("tuple[Staged, ...]", page.plain)
                yield Batch(page.records, page.problems, plain, pull.mark, page.total)
        except OneRosterError as error:
            if not _is_skipped(collection, error):
                raise _stopped(collection, error) from error
            self._warnings.append(_unserved(collection, error))
            return
        if pull.proof is not None:
            self._complete.add(collection)

    def is_complete(self, collection: str) -> bool:
        """Tell whether the pull proved its end."""
        return collection in self._complete

    def file_hash(self, collection: str) -> str | None:
        """Return None: nothing comes in files."""
        del collection
        return None

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Collections the service does not serve, or not to us."""
        auth = self._client.auth
        lacking = auth.lacking if isinstance(auth, ClientCredentials) else ()
        refused = (
            Problem(
                ", ".join(SCOPES[name]),
                None,
                "",
                f"the token server refuses the scope {name}; ask the SIS to grant it, "
                "until then nothing changes of what it covers",
                "scope_refused",
                warning=True,
            )
            for name in sorted(one.rsplit("/", 1)[-1] for one in lacking)
            if name in SCOPES
        )
        return (*self._warnings, *refused)


def _is_skipped(collection: str, error: OneRosterError) -> bool:
    """Tell whether a run goes on without a collection: what we hold of it stays."""
    if isinstance(error, StatusError) and error.status == FORBIDDEN:
        return True
    if collection in EXTRAS:
        is_answer = isinstance(error, AuthError | StatusError)
        return is_answer and not isinstance(error, RateLimitError)
    return collection in OPTIONAL and isinstance(error, NotFoundError)


def _unserved(collection: str, error: OneRosterError) -> Problem:
    status = error.status if isinstance(error, StatusError) else UNAUTHORIZED
    said = f"the service answered {status}; left as it was"
    return Problem(collection, None, "", said, "not_served", warning=True)


def _stopped(collection: str, error: OneRosterError) -> SyncError:
    wait = error.retry_after if isinstance(error, RateLimitError) else None
    return SyncError(f"{collection}: {error}", error.code, retry_after=wait)


class BundleFeed:
    """A folder or zip of CSV files."""

    def __init__(self, path: Path, *, has_plain: bool = True) -> None:
        """Open it; plain rows are staged at once, as those of a service."""
        self._has_plain = has_plain
        try:
            self._bundle = Bundle.open(path)
        except BundleError as error:
            raise SyncError(str(error), error.code) from error
        self._complete: set[str] = set()

    def batches(self, collection: str, ask: Ask = ALL) -> Iterator[Batch]:
        """Yield the rows of a file, a thousand at a time; always all of them."""
        del ask
        if collection in NOT_IN_FILES:
            return
        try:
            is_plain = self._has_plain and collection in PLANS
            has_sides = is_plain and collection == "users"
            with self._bundle.sheet(collection, has_sides=has_sides) as sheet:
                is_plain &= not has_sides or (
                    sheet is not None and PlainRoles.reads(sheet.sides)
                )
                if sheet is None or not is_plain:
                    rows = self._bundle.records(collection)
                    yield from _batches(rows)
                else:
                    yield from _plain_batches(collection, sheet)
        except BundleError as error:
            raise SyncError(str(error), error.code) from error
        if self._bundle.mode(collection) == "bulk":
            self._complete.add(collection)

    def is_complete(self, collection: str) -> bool:
        """Tell whether the file is a whole snapshot, read to its end."""
        return collection in self._complete

    def file_hash(self, collection: str) -> str | None:
        """What the collection's file hashes to, with those that speak of its rows.

        None where nothing is sent, or not as a snapshot.
        """
        if collection in NOT_IN_FILES or self._bundle.mode(collection) != "bulk":
            return None
        try:
            return self._bundle.digest(collection)
        except BundleError as error:
            raise SyncError(str(error), error.code) from error

    def unsure(self, collection: str) -> tuple[str, ...]:
        """Name what stands in files that are not there, or tell only of changes."""
        return tuple(
            column
            for side, column in SIDES.get(collection, ())
            if self._bundle.is_partial(side)
        )

    def places(self, collection: str, sourced_ids: Collection[str]) -> dict[str, str]:
        """Tell the file and line of each of these records."""
        try:
            lines = self._bundle.lines(collection, sourced_ids)
        except BundleError as error:
            raise SyncError(str(error), error.code) from error
        return {one: f"{collection}.csv line {line}" for one, line in lines.items()}

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Files, columns and properties read all the same."""
        return self._bundle.warnings


def _batches(rows: Iterable[Record | Problem]) -> Iterator[Batch]:
    coming = iter(rows)
    while batch := list(islice(coming, BATCH)):
        yield Batch(
            tuple(row for row in batch if isinstance(row, Record)),
            tuple(row for row in batch if isinstance(row, Problem)),
        )


def _plain_batches(collection: str, sheet: Sheet) -> Iterator[Batch]:
    """Yield the rows of a file, staged at once where nothing in them is odd."""
    yield from _batches(sheet.before)
    names = value_columns(collection)
    if sheet.sides:
        users = PlainReader(collection, [*sheet.columns, ROLES], names)
        read = _with_roles(users, sheet)
    else:
        read = PlainReader(collection, sheet.columns, names).rows
    plain: list[Staged] = []
    odd: list[Record | Problem] = []
    for block in sheet.blocks:
        if isinstance(block, Problem):
            odd.append(block)
        else:
            # Few at a time: cells that live long are gone through by the collector.
            found = list(read(block.rows))
            plain += [staged for staged in found if staged is not None]
            odd += _odd(sheet, block, found) if None in found else ()
        if len(plain) + len(odd) >= BATCH:
            yield from _both(odd, plain)
            plain, odd = [], []
    yield from _both(odd, plain)
    yield from _batches(sheet.after)


def _both(odd: Sequence[Record | Problem], plain: Sequence[Staged]) -> Iterator[Batch]:
    yield from _batches(odd)
    if plain:
        yield Batch((), (), plain)


def _with_roles(
    reader: PlainReader, sheet: Sheet
) -> Callable[[Sequence[Cells]], Iterator[Staged | None]]:
    """Return what reads rows of users, with their roles as one more cell."""
    roles, width = PlainRoles(sheet.sides), len(sheet.columns)
    place = next(
        place
        for place, column in enumerate(sheet.columns)
        if column is not None and column.field == "sourcedId"
    )

    def rows(block: Sequence[Cells]) -> Iterator[Staged | None]:
        # What belongs to a row that cannot be read is left over.
        ids = [cells[place] if len(cells) >= width else "" for cells in block]
        found = roles.column(ids, sheet.parts(ids))
        ready = [
            [*cells, text]
            for cells, text in zip(block, found, strict=True)
            if text is not None
        ]
        staged = reader.rows(ready)
        return (None if text is None else next(staged) for text in found)

    return rows


def _odd(
    sheet: Sheet, block: Block, found: Sequence[Staged | None]
) -> Iterator[Record | Problem]:
    """Read the rows of a block that were not plain."""
    for row, staged in zip(map(Row, *block), found, strict=True):
        if staged is None:
            yield from sheet.read(row)
