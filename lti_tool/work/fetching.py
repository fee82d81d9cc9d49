"""Everything a source sends, read to its end and staged beside what we hold.

A collection counts as complete only with proof; one that changed while it was read is
read once more. With every page is noted how far we are, so that a run that was cut off
is gone on with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from lti_tool.errors import SyncError
from lti_tool.platforms.sis_shapes import OURS
from lti_tool.storage.entities import FIRST
from lti_tool.storage.erasures import NOBODY, Forgotten
from lti_tool.storage.staging import Staged, Staging, value_columns
from lti_tool.storage.staging_areas import Mark as StagingMark
from lti_tool.storage.staging_areas import PageKept
from lti_tool.work.feeds import Ask, Batch, Feed, Partial
from lti_tool.work.omissions import amended, fill, role_ends
from lti_tool.work.problems import Problems, is_rejected
from lti_tool.work.records import is_over, staged_row
from lti_tool.work.watching import Watch
from oneroster.bundle import Unclaimed
from oneroster.errors import Problem
from oneroster.models import Record, User
from oneroster.pull import Kept, Mark

# What a roster is made of: a source that tells none of it tells us nothing.
CORE: Final = frozenset({"orgs", "classes", "users", "enrollments"})
# So much of a hash is kept, beside the key of the scope that it was read with.
HASH_LENGTH: Final = 48
# So many of those without a row, where we hold some, are no accident.
BLIND: Final = 2
# The kind of column a collection is of, the one a record is of, and the value of a
# staged row that names it.
# The column that says whose a row is; none: the record is the person.
_PEOPLE: Final = {
    "users": "",
    "demographics": "",
    "enrollments": "user_sourced_id",
    "results": "student_sourced_id",
    "assessmentResults": "student_sourced_id",
}
_COLUMNS: Final[Mapping[str, tuple[str, Callable[[Any], str], str]]] = {
    "assessmentLineItems": ("assessment", lambda one: str(one.sourced_id), ""),
    "assessmentResults": (
        "assessment",
        lambda one: str(one.assessment_line_item.sourced_id),
        "line_item_sourced_id",
    ),
    "lineItems": ("line_item", lambda one: str(one.sourced_id), ""),
    "results": (
        "line_item",
        lambda one: str(one.line_item.sourced_id),
        "line_item_sourced_id",
    ),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is to read.

    Attributes:
        collections: in their order.
        since: of these only what changed since.
        hashes: what the files hashed to that were applied last; the same are skipped.
        held: how many active rows we hold, by collection.
        own: sourcedIds of columns that we wrote there ourselves, by their kind.
        forgotten: who was erased; of them nothing is taken.
    """

    collections: tuple[str, ...]
    since: Mapping[str, datetime] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    own: Mapping[str, Collection[str]] = field(default_factory=dict)
    forgotten: Forgotten = NOBODY


class Fetching:
    """Reads a feed into a staging area.

    Attributes:
        counts: how many records were read of each collection.
        problems: what was wrong with them.
        complete: the collections that were sent to their end.
        hashes: what the files hash to now.
        empty: complete collections without a row, where we hold some.
    """

    def __init__(
        self, staging: Staging, feed: Feed, problems: Problems, watch: Watch
    ) -> None:
        self._staging = staging
        self._feed = feed
        self._watch = watch
        self.problems = problems
        self.counts: dict[str, int] = {}
        self.complete: set[str] = set()
        self.hashes: dict[str, str] = {}
        self.empty: list[str] = []

    def fetch(
        self, wanted: Wanted, phase: Callable[[str], None], *, is_sure: bool = False
    ) -> None:
        """Stage the collections in their order; phase is told which one begins.

        is_sure: a person knows that the source may have nothing left.

        Raises:
            SyncError: one cannot be read to its end.
        """
        for collection in wanted.collections:
            phase(collection)
            known = self._staging.marks.get(collection)
            self._watch.begin(collection, known.count if known else 0)
            if not self._is_unchanged(wanted, collection):
                self._stage(wanted, collection)
        warnings = self._feed.warnings
        self.problems.note("", warnings)
        self._refuse_blind(wanted, warnings, is_sure=is_sure)

    def _is_unchanged(self, wanted: Wanted, collection: str) -> bool:
        """Tell whether a collection comes in a file that was applied already."""
        found = self._feed.file_hash(collection)
        if found is None:
            return False
        found = found[:HASH_LENGTH]
        self.hashes[collection] = found
        return wanted.hashes.get(collection) == found

    def _stage(self, wanted: Wanted, collection: str) -> None:
        """Stage a collection; one that changed while it was read is read once more."""
        known = self._staging.marks.get(collection)
        if known is not None and known.is_done:
            self._take_over(collection, known)
            return
        try:
            problems = self._stage_once(wanted, collection, known)
        except SyncError as error:
            if error.code != "unstable_source":
                raise
            problems = self._stage_anew(wanted, collection, was_resumed=bool(known))
        is_sent = self._feed.is_complete(collection)
        is_whole = is_sent and collection not in wanted.since
        if is_whole and problems.nameless:
            problems.note_withheld(collection)
        is_complete = is_whole and not problems.nameless
        if is_sent:
            self.complete.add(collection)
        if is_complete:
            self._staging.mark_complete(collection)
            if not self.counts[collection] and not problems.rejected:
                self.empty += [collection] * bool(wanted.held.get(collection))
        self._staging.finish(
            collection, self._mark(collection, problems, None, is_complete=is_complete)
        )
        self.problems.add(problems)

    def _stage_anew(
        self, wanted: Wanted, collection: str, *, was_resumed: bool
    ) -> Problems:
        """Read a collection from its beginning; what was resumed gets a try more."""
        try:
            self._staging.forget(collection)
            return self._stage_once(wanted, collection, None)
        except SyncError as error:
            if error.code != "unstable_source" or not was_resumed:
                raise
        self._staging.forget(collection)
        return self._stage_once(wanted, collection, None)

    def _take_over(self, collection: str, known: StagingMark) -> None:
        """Count what an earlier run staged to the end."""
        self.counts[collection] = known.count
        self.complete.add(collection)
        if known.is_complete:
            self._staging.mark_complete(collection)
        self.problems.add(Problems.load(known.problems))

    def _stage_once(
        self, wanted: Wanted, collection: str, known: StagingMark | None
    ) -> Problems:
        problems = Problems.load(known.problems) if known else Problems()
        self.counts[collection] = known.count if known else 0
        ask = Ask(
            wanted.since.get(collection),
            _pull_mark(known),
            self._kept(collection),
            partial(self._keep, collection),
        )
        for batch in self._feed.batches(collection, ask):
            records = _foreign(collection, batch.records, wanted.own)
            rows = [staged_row(collection, one) for one in records]
            rows += _foreign_rows(collection, batch.plain, wanted.own)
            rows = self._filled(collection, rows, records)
            faults, more = self._amended(collection, batch)
            rows = _without(collection, [*rows, *more], wanted.forgotten)
            problems.note(collection, faults)
            self.counts[collection] += len(rows)
            taken = replace(batch, problems=faults)
            self._put(collection, rows, taken, problems)
            self._watch.count(collection, self.counts[collection], batch.total)
        return problems

    def _kept(self, collection: str) -> Kept | None:
        found = self._staging.kept(collection)
        if found is None:
            return None
        return Kept(found.before, found.body, found.headers)

    def _keep(self, collection: str, page: Kept) -> None:
        kept = PageKept(page.offset, page.headers, page.body)
        self._staging.keep(collection, kept)

    def _filled(
        self, collection: str, rows: list[Staged], records: Sequence[Record]
    ) -> list[Staged]:
        """Return the rows, with what a delta left unsaid as we hold it."""
        feed = self._feed
        names = feed.unsure(collection) if isinstance(feed, Partial) else ()
        if not names:
            return rows
        held = self._staging.held(collection, [str(row[0]) for row in rows], names)
        return fill(collection, rows, held, role_ends(records))

    def _amended(
        self, collection: str, batch: Batch
    ) -> tuple[tuple[Problem, ...], list[Staged]]:
        """Return what is a problem still, and the users of whom only roles came."""
        parts = [
            one.part
            for one in batch.problems
            if isinstance(one, Unclaimed) and isinstance(one.part, User)
        ]
        if not parts:
            return batch.problems, []
        names = (*value_columns(collection), "status", "modified_at")
        sourced_ids = [part.sourced_id for part in parts]
        rows = amended(parts, self._staging.held(collection, sourced_ids, names))
        known = {row[0] for row in rows}
        problems = [
            one
            for one in batch.problems
            if not isinstance(one, Unclaimed)
            or (one.sourced_id not in known and _is_lost(one))
        ]
        return tuple(problems), rows

    def _put(
        self, collection: str, rows: list[Staged], batch: Batch, problems: Problems
    ) -> None:
        mark = None
        if batch.mark is not None:
            mark = self._mark(collection, problems, batch.mark)
        self._staging.put(
            collection, rows, rejected=_rejected(collection, batch.problems), mark=mark
        )

    def _mark(
        self,
        collection: str,
        problems: Problems,
        mark: Mark | None,
        *,
        is_complete: bool = False,
    ) -> StagingMark:
        return StagingMark(
            count=self.counts[collection],
            is_done=mark is None,
            is_complete=is_complete,
            mark=asdict(mark) if mark else {},
            problems=problems.dump(),
        )

    def _refuse_blind(
        self, wanted: Wanted, warnings: Iterable[Problem], *, is_sure: bool
    ) -> None:
        """Stop a run whose token sees nothing, or that may read nothing.

        Raises:
            SyncError: so it is; nothing may be concluded from such a silence.
        """
        asked = CORE.intersection(wanted.collections)
        refused = {one.file for one in warnings if one.code == "not_served"}
        if asked and asked <= refused:
            raise SyncError(
                "the client may read no part of the roster; ask for the scope of "
                "rostering",
                "forbidden",
            )
        empty = CORE.intersection(self.empty)
        is_blind = len(empty) >= BLIND and not any(map(self.counts.get, asked))
        if is_blind and not is_sure:
            raise SyncError(
                f"{', '.join(sorted(empty))} came without a single record though we "
                "hold some; the credentials may see nothing any more, ask the SIS",
                "empty",
            )


def _pull_mark(known: StagingMark | None) -> Mark | None:
    return Mark(**known.mark) if known is not None and known.mark else None


def _foreign(
    collection: str, records: tuple[Record, ...], own: Mapping[str, Collection[str]]
) -> tuple[Record, ...]:
    """The records that we did not write there ourselves.

    Ours are known by the column they are of, or by what we wrote into their metadata.
    """
    if collection not in _COLUMNS:
        return records
    kind, named, _place = _COLUMNS[collection]
    ours = own.get(kind, ())
    return tuple(
        one for one in records if OURS not in one.metadata and named(one) not in ours
    )


def _foreign_rows(
    collection: str, rows: Sequence[Staged], own: Mapping[str, Collection[str]]
) -> Sequence[Staged]:
    """The same of rows that were staged as they came."""
    kind, _named, name = _COLUMNS.get(collection, ("", str, ""))
    ours = own.get(kind)
    if not ours:
        return rows
    place = len(FIRST) + value_columns(collection).index(name) if name else 0
    return [one for one in rows if one[place] not in ours]


def _without(collection: str, rows: list[Staged], forgotten: Forgotten) -> list[Staged]:
    """Return the rows without those of people who were erased."""
    if not forgotten or collection not in _PEOPLE:
        return rows
    name = _PEOPLE[collection]
    place = len(FIRST) + value_columns(collection).index(name) if name else 0
    return [one for one in rows if str(one[place]) not in forgotten]


def _is_lost(one: Unclaimed) -> bool:
    """Tell whether a role came, and not only the end of one that we never had."""
    roles = one.part.roles if isinstance(one.part, User) else ()
    return not all(map(is_over, roles))


def _rejected(collection: str, problems: Iterable[Problem]) -> list[str]:
    """Records that could not be read: they were sent, so they do not end."""
    return [
        one.sourced_id
        for one in problems
        if one.sourced_id and is_rejected(collection, one)
    ]
