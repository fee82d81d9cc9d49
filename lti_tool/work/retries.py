"""The records of a run that were not taken, pulled again, and nothing else.

With them come the records they name, since those are most often what was missing.
From a service each is read by its sourcedId; of files just those rows are taken.
Nothing ends for being absent from such a pull.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lti_tool.errors import NotFoundError, SyncError
from lti_tool.storage import quarantines, sources
from lti_tool.storage.entities import BY_NAME
from lti_tool.storage.session import Session
from lti_tool.work.feeds import Batch, BundleFeed, Feed
from lti_tool.work.outside import Outside
from oneroster.client import Client
from oneroster.errors import NotFoundError as NoObjectError
from oneroster.errors import OneRosterError, PagingError, Problem

# Read one by one; who misses more than this is better served by a whole run.
MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Picks:
    """What to pull again, by collection.

    left_out: how many more there are than are read one by one.
    """

    source_id: int
    wanted: Mapping[str, tuple[str, ...]]
    left_out: int = 0


def picks(session: Session, run_id: int, *, most: int = MOST) -> Picks:
    """Return what a run left out and what its source holds aside, with what they name.

    Raises:
        NotFoundError: there is no such run, or it left nothing out.
    """
    source_id = quarantines.load_owner(session, run_id)
    pairs: dict[tuple[str, str], None] = {}
    for row in quarantines.load_open(session, source_id):
        target = _target(row["collection"], row["field"])
        if target is not None:
            pairs[target, row["names"]] = None
        pairs[row["collection"], row["sourced_id"]] = None
    for collection, sourced_id in quarantines.load_left_out(session, run_id):
        if collection in BY_NAME:
            pairs[collection, sourced_id] = None
    if not pairs:
        raise NotFoundError(f"run {run_id} left out nothing that could be pulled again")
    wanted: dict[str, list[str]] = defaultdict(list)
    for collection, sourced_id in list(pairs)[:most]:
        wanted[collection].append(sourced_id)
    found = {name: tuple(one) for name, one in wanted.items()}
    return Picks(source_id, found, max(0, len(pairs) - most))


def _target(collection: str, field: str) -> str | None:
    needs = BY_NAME[collection].needs
    return next((one.collection for one in needs if one.column == field), None)


class _Picked:
    """A feed of some records only: never whole, so that nothing ends."""

    def __init__(self, wanted: Picks) -> None:
        self._picks = wanted
        self._noted: list[Problem] = []
        if wanted.left_out:
            text = f"{wanted.left_out} more wait; sync the source to try them all"
            self._note("", None, text, "more_wait")

    def is_complete(self, collection: str) -> bool:
        """Return False: the rest was not asked for."""
        del collection
        return False

    def file_hash(self, collection: str) -> str | None:
        """Return None: no file was read whole."""
        del collection
        return None

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What was noticed that belongs to no record."""
        return tuple(self._noted)

    def _note(
        self, collection: str, sourced_id: str | None, text: str, code: str
    ) -> None:
        found = Problem(
            collection, None, "", text, code, sourced_id=sourced_id, warning=True
        )
        self._noted.append(found)


class PickedObjects(_Picked):
    """Records of a service, each read by its sourcedId."""

    def __init__(self, client: Client, wanted: Picks) -> None:
        super().__init__(wanted)
        self._client = client

    def batches(self, collection: str, ask: object = None) -> Iterator[Batch]:
        """Yield the picked records, one a batch; one that is gone is noted.

        Raises:
            SyncError: the service failed.
        """
        del ask
        if collection not in self._client.service.dialect.readable:
            return
        for sourced_id in self._picks.wanted.get(collection, ()):
            try:
                record = self._client.read(collection, sourced_id)
            except NoObjectError:
                self._note(collection, sourced_id, "is not there", "gone")
            except PagingError as error:
                text = "came in a form that cannot be read"
                self._note(collection, sourced_id, text, error.code)
            except OneRosterError as error:
                raise SyncError(f"{collection}: {error}", error.code) from error
            else:
                yield Batch((record,), ())


class PickedRows(_Picked):
    """Rows of files, by their sourcedId."""

    def __init__(self, whole: Feed, wanted: Picks) -> None:
        super().__init__(wanted)
        self._whole = whole

    def batches(self, collection: str, ask: object = None) -> Iterator[Batch]:
        """Yield the picked rows, with what is wrong with them.

        Raises:
            SyncError: the file cannot be read to its end.
        """
        del ask
        wanted = frozenset(self._picks.wanted.get(collection, ()))
        if not wanted:
            return
        for batch in self._whole.batches(collection):
            yield Batch(
                tuple(one for one in batch.records if one.sourced_id in wanted),
                tuple(one for one in batch.problems if one.sourced_id in wanted),
                [one for one in batch.plain if one[0] in wanted],
            )


def retry_feed(outside: Outside, source: sources.Source, wanted: Picks) -> Feed:
    """Open a source for the picked records alone.

    Raises:
        SyncError: the CSV files are no bundle.
        ConfigError: the address is not one we go to.
    """
    if source.kind == "csv":
        return PickedRows(BundleFeed(Path(source.location)), wanted)
    return PickedObjects(outside.client(source), wanted)
