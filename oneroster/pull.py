"""A collection read page by page, with the proof that all of it was read.

Servers in the field send no total and no Link, cap pages silently, or ignore
the offset. So the offset advances by the rows received, and a collection has
ended only if one of these says so: a chain of next links that stops, a total
that was met, or an empty page.

Source: OneRoster 1.2 Rostering, section 3.4 (paging, sorting, filtering).

Longer than our usual room: the proof is one state, which every step reads and writes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from oneroster.dialects import Collection
from oneroster.errors import PagingError, Problem, StatusError
from oneroster.filters import Filter, format_filter
from oneroster.prefetch import Ahead
from oneroster.records import Record, parse_record
from oneroster.service import Service
from oneroster.transport import Answer, Transport, is_same_origin

__all__ = [
    "Completeness",
    "Kept",
    "Mark",
    "Page",
    "Pull",
    "Request",
    "parse_envelope",
]

Completeness = Literal["links", "total", "empty_page"]
"""What proved that a collection was read to its end."""

SAFE_LIMIT = 100
LEAST_LIMIT = 10
OK = 200
TELLING = ("X-Total-Count", "Link")
PAGING = frozenset({"next", "prev", "previous", "first", "last"})
MOST_DIGITS = 16
"""Of a total; a longer text is no number of rows."""
REFUSED_QUERY = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its records, and the rows that gave none or a doubtful one.

    ``offset`` counts the rows before it, ``total`` is the service's own count
    of the collection, None if it sends none. ``plain`` holds what the reader's own
    ``plain`` made of rows, which then gave no record.
    """

    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    offset: int
    total: int | None
    is_last: bool
    plain: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a pull has come, for another that goes on there.

    ``last`` is the sourcedId of the last row. It is asked for again with the rows
    that follow: if another row stands in its place, the collection has moved.
    """

    received: int
    last: str
    limit: int
    total: int | None = None
    sorts: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """A page as it came, for a pull that goes on where another was cut off.

    ``offset`` counts the rows received before it; ``headers`` are those that tell of
    paging.
    """

    offset: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a collection; ``offset`` resumes after so many rows.

    ``prefetch`` is how many pages may be under way at once. ``kept`` is the page that
    follows those of ``mark``, if it came already.
    """

    path: str
    filter: Filter | str | None = None
    fields: Sequence[str] = ()
    offset: int = 0
    limit: int = 1000
    mark: Mark | None = None
    sorts: bool = True
    prefetch: int = 1
    kept: Kept | None = None


def parse_json(answer: Answer, place: str) -> object:
    """Read a body as JSON.

    Raises:
        PagingError: it is something else, such as the HTML of a sign-in page.
    """
    try:
        payload: object = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise PagingError(
            f"{place} answered with something that is no JSON; check that the "
            "service URL is the root of the REST service",
            code="bad_json",
        ) from error
    return payload


def parse_envelope(answer: Answer, collection: Collection, place: str) -> list[object]:
    """Take the rows of a page out of its envelope.

    Raises:
        PagingError: the body is no JSON, or has no list under its key; a
            missing key never means an empty collection.
    """
    payload = parse_json(answer, place)
    if isinstance(payload, dict):
        for key in (collection.key, collection.name):
            rows = payload.get(key)
            if isinstance(rows, list):
                return rows
    raise PagingError(
        f'{place} answered without a list under "{collection.key}"; '
        "check the version and the URL of the service",
        code="bad_shape",
    )


class Pull:
    """Yields the pages of a collection in server order, one in memory at a time.

    After the last page ``proof`` names what proved the end; it stays None when
    the iteration stopped early, by an error or by choice. ``received`` counts
    rows, good and bad, so that a later pull may resume at that offset. The last
    page may be empty.
    """

    def __init__(
        self, transport: Transport, service: Service, request: Request
    ) -> None:
        self.request = request
        self.collection = service.dialect.collection(request.path)
        self.proof: Completeness | None = None
        self.received = request.offset
        self.total: int | None = None
        self._transport = transport
        self._upgrade = service.dialect.upgrade
        self._root = service.url(request.path)
        self._limit = request.limit
        self._sorted = request.sorts
        self._next: str | None = None
        self._linked = False
        self._links: set[str] = set()
        self._firsts: set[str] = set()
        self._step: int | None = None
        self._ahead = Ahead(self._fetch_at, request.prefetch)
        # Given the rows of a page, what to keep of each instead of a record; None
        # leaves a row to be read as one.
        self.plain: Callable[[list[object]], Iterable[object]] | None = None
        # Given each page as it comes, before another is asked for: a reader who keeps
        # it may have the next one under way while reading.
        self.keep: Callable[[Kept], None] | None = None
        self._last: str | None = None
        self._wanted: str | None = None
        if request.mark is not None:
            self._go_on(request.mark)
        self._kept = self._fitting(request.kept)
        self._pages = self._walk()

    def _go_on(self, mark: Mark) -> None:
        """Begin at the last row that an earlier pull received."""
        self.received = mark.received - 1
        self.total = mark.total
        self._limit, self._sorted = mark.limit, mark.sorts
        self._wanted = self._last = mark.last

    def _fitting(self, kept: Kept | None) -> Kept | None:
        """Return the page that was kept, if it is the one to be read now."""
        mark = self.request.mark
        received = self.request.offset if mark is None else mark.received
        if kept is None or kept.offset != received:
            return None
        # Its first row is not the last of the page before.
        self.received, self._wanted = received, None
        return kept

    def _take_kept(self) -> Answer | None:
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        return Answer(self._url(), OK, kept.headers, kept.body)

    def _go_on_after(self, rows: list[object]) -> None:
        """Ask for the last row of a kept page again: it proves that nothing moved."""
        self._next = None
        if rows and self.proof is None:
            self._wanted, self.received = self._last, self.received - 1
            self._firsts.discard(self._last or "")

    @property
    def mark(self) -> Mark | None:
        """How far this pull has come; None where nothing could be gone on with."""
        if self._last is None:
            return None
        # A row that is asked for again was received all the same.
        received = self.received + (self._wanted is not None)
        return Mark(received, self._last, self._limit, self.total, self._sorted)

    def __iter__(self) -> Self:
        """Give the pages not yet read."""
        return self

    def __next__(self) -> Page:
        """Fetch the next page.

        Raises:
            PagingError: the pages prove nothing; see its code.
            OneRosterError: the service failed.
        """
        return next(self._pages)

    def _walk(self) -> Iterator[Page]:
        try:
            while self.proof is None:
                kept = self._take_kept()
                answer = kept or self._ahead.take(self.received) or self._fetch()
                rows = parse_envelope(answer, self.collection, self.request.path)
                self._refuse_loop(rows)
                self._note_total(answer)
                offset = self.received
                self.received += len(rows)
                self._judge_end(answer, rows)
                if kept is None:
                    self._keep(answer, offset)
                    self._look_ahead(len(rows))
                news = self._news(rows)
                if kept is not None:
                    self._go_on_after(rows)
                made = self._make_plain(answer, news)
                records, problems = self._read(news, offset, made)
                is_last = self.proof is not None
                plain = tuple(one for one in made if one is not None)
                yield Page(records, problems, offset, self.total, is_last, plain)
        finally:
            self._ahead.close()

    def _keep(self, answer: Answer, offset: int) -> None:
        # What begins one row early is no page to go on with.
        if self.keep is not None and self._wanted is None:
            told = {n: answer.headers[n] for n in TELLING if n in answer.headers}
            self.keep(Kept(offset, answer.body, told))

    def _look_ahead(self, count: int) -> None:
        """Ask for the pages that follow, where their offsets are known.

        They are where a total is told, every page so far was of one length, and
        a next link, if there is one, leads to the offset we would ask for. A page that
        is kept is asked for in an order that the service honours.
        """
        step = self._step or count
        is_even = count == step and self.total is not None and self._is_next_by_offset()
        self._step = step if is_even else -1
        is_kept = self.keep is not None and self._wanted is None and self._sorted
        if is_even and self.proof is None and (self._ahead.most > 1 or is_kept):
            self._ahead.ask(range(self.received, self.total or 0, step))

    def _is_next_by_offset(self) -> bool:
        if self._next is None:
            return True
        asked = parse_qs(urlsplit(self._next).query).get("offset")
        return asked == [str(self.received)]

    def _fetch_at(self, offset: int) -> Answer:
        # Alone under way, a page may be asked for in smaller parts, as in its turn.
        narrower = self._narrower if self._ahead.most == 1 else None
        return self._transport.send("GET", self._url(offset), narrower=narrower)

    def _fetch(self) -> Answer:
        if self._next is not None:
            return self._transport.send("GET", self._next)
        while True:
            try:
                return self._transport.send("GET", self._url(), narrower=self._narrower)
            except StatusError as error:
                if error.status not in REFUSED_QUERY or not self._ask_for_less():
                    raise

    def _ask_for_less(self) -> bool:
        """Ask for a page of the default size, then without an order; once each."""
        if self.received > self.request.offset:
            return False
        if self._limit > SAFE_LIMIT:
            self._limit = SAFE_LIMIT
            return True
        asked, self._sorted = self._sorted, False
        return asked

    def _narrower(self) -> str:
        self._limit = max(self._limit // 2, min(LEAST_LIMIT, self._limit))
        return self._url()

    def _url(self, offset: int | None = None) -> str:
        place = self.received if offset is None else offset
        query = {"limit": str(self._limit), "offset": str(place)}
        if self._sorted:
            query |= {"sort": "sourcedId", "orderBy": "asc"}
        wanted = self.request.filter
        if wanted:
            text = format_filter(wanted) if isinstance(wanted, Filter) else wanted
            query["filter"] = text
        if self.request.fields:
            query["fields"] = ",".join(self.request.fields)
        return f"{self._root}?{urlencode(query, quote_via=quote, safe='')}"

    def _refuse_loop(self, rows: list[object]) -> None:
        sourced_id = _sourced_id(rows[0]) if rows else None
        if sourced_id is None:
            return
        if sourced_id in self._firsts:
            raise PagingError(
                f"{self.request.path} sent a page again after {self.received} rows; "
                "the service ignores the offset, ask its vendor",
                code="paging_loop",
            )
        self._firsts.add(sourced_id)

    def _news(self, rows: list[object]) -> list[object]:
        """The rows not received before; notes the last of them."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None and (not rows or _sourced_id(rows[0]) != wanted):
            raise PagingError(
                f"{self.request.path} has moved since it was read to row "
                f"{self.received}; read it once more",
                code="unstable_source",
            )
        if rows:
            self._last = _sourced_id(rows[-1])
        return rows if wanted is None else rows[1:]

    def _note_total(self, answer: Answer) -> None:
        text = answer.headers.get("X-Total-Count", "").strip()
        is_count = text.isdecimal() and len(text) < MOST_DIGITS
        total = int(text) if is_count else self.total
        if self.total is not None and total != self.total:
            raise PagingError(
                f"{self.request.path} had {self.total} rows and has {total} now; "
                "it changes while it is read, read it once more",
                code="unstable_source",
            )
        self.total = total

    def _judge_end(self, answer: Answer, rows: list[object]) -> None:
        if self.total is not None and self.received > max(
            self.total, self.request.offset
        ):
            raise PagingError(
                f"{self.request.path} sent {self.received} rows but says it has "
                f"{self.total}; read it once more",
                code="unstable_source",
            )
        self._follow_links(answer)
        if self._next is not None:
            return
        if self.total is not None and self.received >= self.total:
            self.proof = "total"
        elif not rows:
            self._refuse_short()
            self.proof = "empty_page"
        elif self._linked and self.total is None:
            self.proof = "links"

    def _follow_links(self, answer: Answer) -> None:
        """Note the next link; one to another origin is left, and offsets used."""
        links = answer.links
        link = links.get("next")
        foreign = link is not None and not is_same_origin(link, self._root)
        self._linked = not foreign and (self._linked or bool(PAGING & links.keys()))
        self._next = None if foreign else link
        if self._next is None:
            return
        if self._next in self._links:
            raise PagingError(
                f"{self.request.path} links to a page already read after "
                f"{self.received} rows; ask the vendor of the service",
                code="paging_loop",
            )
        self._links.add(self._next)

    def _refuse_short(self) -> None:
        if self.total is not None and self.received < self.total:
            raise PagingError(
                f"{self.request.path} says it has {self.total} rows but sent "
                f"{self.received}; nothing may be concluded from what is absent",
                code="short_read",
            )

    def _make_plain(self, answer: Answer, rows: list[object]) -> Sequence[object]:
        """Let the reader make what it wants of rows that may hold no NUL."""
        if self.plain is None or rb"\u0000" in answer.body:
            return [None] * len(rows)
        return list(self.plain(rows))

    def _read(
        self, rows: list[object], offset: int, made: Sequence[object]
    ) -> tuple[tuple[Record, ...], tuple[Problem, ...]]:
        records: list[Record] = []
        problems: list[Problem] = []
        for line, (row, plain) in enumerate(zip(rows, made, strict=True), offset + 1):
            if plain is not None:
                continue
            shaped = (
                self._upgrade(self.collection.name, row)
                if isinstance(row, dict)
                else row
            )
            record, faults = parse_record(
                self.collection.kind, shaped, file=self.request.path, line=line
            )
            problems.extend(faults)
            if record is not None:
                records.append(record)
        return tuple(records), tuple(problems)


def _sourced_id(row: object) -> str | None:
    found = row.get("sourcedId") if isinstance(row, dict) else None
    return None if found is None else str(found)
