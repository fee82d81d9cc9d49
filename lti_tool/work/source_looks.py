"""What a page asks the worker to find out of a source: does it answer, what is in it.

A page waits on no one: it asks for a look, the worker writes what it finds as it finds
it, and the page reads that. Nothing is synced and nothing of the source is changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from lti_tool.errors import BridgeError, SyncError
from lti_tool.logs import log
from lti_tool.storage import source_pages, sources
from lti_tool.storage.database import Database
from lti_tool.storage.sources import Source
from lti_tool.work import probe
from lti_tool.work.feeds import Feed
from lti_tool.work.mapping_preview import FIELDS, Gathering
from oneroster.models import AcademicSession, Org, Record, User
from oneroster.probe_findings import vendor_text
from oneroster.probing import Probe

KINDS: Final = ("test", "preview")
# So many records of a collection are read for a preview; a whole one is not needed.
MOST: Final = {"orgs": 5000, "academicSessions": 2000, "users": 20000}
MOST_OTHERS: Final = 1000
# Longer lists than these help nobody who chooses from them.
MOST_CHOICES: Final = 1000
# By what the SIS id of an LMS user is found, in this order; never by e-mail.
WAYS: Final = ("sourcedId", "identifier")
# Where it stands instead, if nobody is found: something to mend in the LMS or the SIS.
ELSEWHERE: Final = ("userIds", "username")

Clock = Callable[[], datetime]


class Opens(Protocol):
    """The way out, as far as a look needs it."""

    def feed(self, source: Source, *, is_trial: bool = False) -> Feed:
        """Open a source; a trial does not wait for one that is away."""

    def probe(self, source: Source) -> Probe:
        """Make a look at a service ready."""


def look(
    database: Database, outside: Opens, source_id: int, kind: str, clock: Clock
) -> None:
    """Find out what was asked and write it down; takes as long as the source does."""
    with database.read() as session:
        source = sources.load_source_by_id(session, source_id)
    found = {"test": _test, "preview": _preview}[kind](database, outside, source, clock)
    try:
        for document in found:
            with database.write() as session:
                source_pages.write_look(session, source_id, kind, document, clock())
    finally:
        with database.write() as session:
            source_pages.end_look(session, source_id, kind, clock())
    log().info("source looked at", source=source_id, kind=kind)


def _test(
    database: Database, outside: Opens, source: Source, clock: Clock
) -> Iterator[dict[str, Any]]:
    """Yield the checks of a source, one more each time, then them for its vendor."""
    found: list[probe.Check] = []
    checks: list[dict[str, Any]] = []
    for one in probe.look_over(database, outside, source, clock):
        found.append(one)
        checks.append(one.document())
        yield {"checks": checks}
    title = f'OneRoster source "{source.name}" ({source.location})'
    yield {"checks": checks, "vendor_text": vendor_text(title, found)}


def _preview(
    database: Database, outside: Opens, source: Source, _clock: Clock
) -> Iterator[dict[str, Any]]:
    """Yield what is in a source, a collection more each time."""
    document: dict[str, Any] = {"collections": {}, "failed": {}}
    choices = Choices()
    try:
        feed = outside.feed(source, is_trial=True)
    except BridgeError as error:
        code = error.code if isinstance(error, SyncError) else "address"
        yield {**document, "failed": {"open": {"code": code, "text": str(error)}}}
        return
    for collection in FIELDS:
        document["reading"] = collection
        yield document
        gathering = Gathering(collection)
        try:
            for records in _read(feed, gathering):
                choices.add(records)
        except SyncError as error:
            document["failed"][collection] = {"code": error.code, "text": str(error)}
        document["collections"][collection] = gathering.document()
        document.update(choices.document())
    with database.read() as session:
        document["people"] = matches(choices.ids, source_pages.load_lms_ids(session))
    document.pop("reading")
    yield document


def _read(feed: Feed, gathering: Gathering) -> Iterator[Sequence[Record]]:
    """Yield the batches of a collection, as many as a preview needs."""
    most = MOST.get(gathering.collection, MOST_OTHERS)
    for batch in feed.batches(gathering.collection):
        gathering.add(batch.records, batch.problems)
        yield batch.records
        if gathering.seen >= most:
            return
    gathering.is_whole = True


class Choices:
    """What a school may choose from, and by which ids its people go."""

    def __init__(self) -> None:
        self._schools: list[dict[str, str]] = []
        self._terms: list[dict[str, str]] = []
        self._roles: Counter[str] = Counter()
        self.ids: dict[str, Counter[str]] = {
            way: Counter() for way in (*WAYS, *ELSEWHERE)
        }

    def add(self, records: Iterable[Record]) -> None:
        """Take from records what can be chosen."""
        for one in records:
            if isinstance(one, Org) and one.type == "school":
                self._schools.append({"id": one.sourced_id, "name": one.name})
            elif isinstance(one, AcademicSession):
                self._terms.append(_term(one))
            elif isinstance(one, User):
                self._add_user(one)

    def _add_user(self, user: User) -> None:
        self._roles.update({role.role for role in user.roles})
        self.ids["sourcedId"][user.sourced_id] += 1
        for way, value in (
            ("identifier", user.identifier),
            ("username", user.username),
        ):
            if value:
                self.ids[way][value] += 1
        self.ids["userIds"].update({one.identifier for one in user.user_ids})

    def document(self) -> dict[str, Any]:
        """The schools, terms and roles, in an order a person can read."""
        by_name = sorted(self._schools, key=lambda one: one["name"].casefold())
        terms = sorted(self._terms, key=lambda one: one["starts"], reverse=True)
        return {
            "schools": by_name[:MOST_CHOICES],
            "terms": terms[:MOST_CHOICES],
            "roles": dict(self._roles.most_common()),
        }


def _term(one: AcademicSession) -> dict[str, str]:
    return {
        "id": one.sourced_id,
        "title": one.title,
        "kind": one.type,
        "starts": str(one.start_date or ""),
        "ends": str(one.end_date or ""),
    }


def matches(
    ids: Mapping[str, Mapping[str, int]], people: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """How many people of each platform are found in the SIS, and by which id.

    A person is found by the first way that knows her id; one whom that way knows more
    than once is ambiguous. Who sends no SIS id is silent: she is joined in class.
    """
    found: dict[int, dict[str, Any]] = {}
    for one in people:
        entry = found.setdefault(
            one["registration_id"],
            {
                "platform": one["name"],
                "people": 0,
                "silent": 0,
                "unmatched": 0,
                "ambiguous": 0,
                "by": dict.fromkeys(WAYS, 0),
                "elsewhere": dict.fromkeys(ELSEWHERE, 0),
            },
        )
        entry["people"] += 1
        _count(entry, one["sis_id"], ids)
    return list(found.values())


def _count(
    entry: dict[str, Any], sis_id: str | None, ids: Mapping[str, Mapping[str, int]]
) -> None:
    if not sis_id:
        entry["silent"] += 1
        return
    for way in WAYS:
        times = ids[way].get(sis_id, 0)
        if times == 1:
            entry["by"][way] += 1
            return
        if times > 1:
            entry["ambiguous"] += 1
            return
    entry["unmatched"] += 1
    for way in ELSEWHERE:
        entry["elsewhere"][way] += bool(ids[way].get(sis_id, 0))
