"""How a service gives pages: their size, order and end, and the same one twice."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from oneroster.probe_asking import Asker, Reply
from oneroster.probe_findings import Check, Findings, State, check
from oneroster.service import Service

__all__ = ["Look", "ask_pages"]

WINDOW: Final = 20
SIZES: Final = (1000, 5000)
SAFE_SIZE: Final = 100
BY_ID: Final = {"sort": "sourcedId", "orderBy": "asc"}
# Those with many records first: a cap shows in them.
LARGE: Final = ("enrollments", "users", "results", "classes", "courses", "orgs")
PIVOTS: Final = ("users", "enrollments", "classes", "courses", "orgs")


@dataclass(slots=True)
class Look:
    """A service as far as it has been seen; ``pivot`` is the collection tried on."""

    asker: Asker
    service: Service
    found: Findings
    first: dict[str, Reply] = field(default_factory=dict)
    pivot: str = ""

    def rows_of(self, name: str) -> list[Any] | None:
        """The first rows of a collection; None if it gave none to read."""
        reply = self.first.get(name)
        if reply is None:
            return None
        return reply.rows(self.service.dialect.collection(name))

    def choose(self) -> str | None:
        """Choose the collection to try things on; None if there is no record at all."""
        filled = [name for name in PIVOTS if self.rows_of(name)]
        several = [name for name in filled if len(self.rows_of(name) or []) > 1]
        self.pivot = next(iter(several or filled), "")
        return self.pivot or None

    def ask(self, name: str = "", **query: object) -> "Answered":
        """Ask for records of a collection, of the pivot where none is named."""
        name = name or self.pivot
        written = urlencode(
            {key: str(value) for key, value in query.items()}, quote_via=quote, safe=""
        )
        reply = self.asker.get(f"{self.service.url(name)}?{written}")
        return Answered(reply, reply.rows(self.service.dialect.collection(name)))


@dataclass(frozen=True, slots=True)
class Answered:
    """A page that was asked for; ``rows`` is None where it was refused."""

    reply: Reply
    rows: list[Any] | None

    @property
    def ids(self) -> list[str]:
        """The sourcedIds of its records, in order."""
        return [
            str(row["sourcedId"])
            for row in self.rows or ()
            if isinstance(row, dict) and "sourcedId" in row
        ]


def ask_pages(look: Look) -> Iterator[Check]:
    """Find out how pages come: order, sameness, limit, offset, total, links, size."""
    rising = look.ask(limit=WINDOW, offset=0, **BY_ID)
    yield _sort(look, rising)
    yield _stable(look, rising)
    order = BY_ID if look.found.sorts else {}
    count = len(rising.ids)
    half = max(1, min(10, count // 2))
    head = look.ask(limit=half, offset=0, **order)
    yield _limit(look, head, half, count)
    rest = look.ask(limit=half, offset=half, **order) if count > 1 else None
    yield _offset(look, head, rest)
    yield _total(look, head, rest)
    yield _links(look, head, rest)
    yield _size(look)


def _sort(look: Look, rising: Answered) -> Check:
    if rising.rows is None:
        text = "an order is refused; pages are asked for without one"
        return check("sort", "warn", text, reply=rising.reply)
    falling = look.ask(limit=WINDOW, offset=0, sort="sourcedId", orderBy="desc")
    up, down = rising.ids, falling.ids
    if not up[1:]:
        return check("sort", "ok", "too few records to tell", reply=falling.reply)
    look.found.sorts = bool(down) and up[0] != down[0]
    if look.found.sorts:
        return check("sort", "ok", "sort and orderBy are honoured", reply=falling.reply)
    text = "sort or orderBy is ignored: records come in an order of the service's own"
    fix = "records that move between pages are found by their total or a second pass"
    return check("sort", "warn", text, fix=fix, reply=falling.reply)


def _stable(look: Look, once: Answered) -> Check:
    order = BY_ID if once.rows is not None else {}
    if not order:
        once = look.ask(limit=WINDOW, offset=0)
    twice = look.ask(limit=WINDOW, offset=0, **order)
    look.found.stable = once.ids == twice.ids if once.ids else None
    if look.found.stable is False and set(once.ids) == set(twice.ids):
        look.found.stable = True
        text = "the same records came twice, in another order"
        return check("stable", "warn", text, reply=twice.reply)
    if look.found.stable is False:
        text = "the same page asked twice holds other records"
        fix = "ask whether sourcedIds are kept, and whether records are being changed"
        return check("stable", "fail", text, fix=fix, reply=twice.reply)
    return check("stable", "ok", "the same page holds the same ids", reply=twice.reply)


def _limit(look: Look, head: Answered, asked: int, count: int) -> Check:
    came = len(head.ids)
    look.found.limit = head.rows is not None and came <= asked
    if not look.found.limit:
        text = f"limit={asked} gave {came} records"
        return check("limit", "warn", text, fix="", reply=head.reply)
    if came < asked and count >= asked:
        text = f"limit={asked} gave {came}: pages are shorter than asked for"
        return check("limit", "warn", text, reply=head.reply)
    return check("limit", "ok", f"limit={asked} gave {came} records", reply=head.reply)


def _offset(look: Look, head: Answered, rest: Answered | None) -> Check:
    if rest is None:
        look.found.offset = True
        return Check("offset", "ok", "too few records to tell")
    look.found.offset = bool(rest.ids) and not set(rest.ids) & set(head.ids)
    if look.found.offset:
        return check("offset", "ok", "the second page is another", reply=rest.reply)
    text = "offset is ignored: the second page repeats the first"
    fix = "without it no more than one page can be read; ask for offset or Link"
    return check("offset", "fail", text, fix=fix, reply=rest.reply)


def _total(look: Look, head: Answered, rest: Answered | None) -> Check:
    totals = {one.reply.total for one in (head, rest) if one is not None}
    look.found.total = totals == {head.reply.total} and head.reply.total is not None
    if look.found.total:
        text = f"X-Total-Count says {head.reply.total}"
        return check("total", "ok", text, reply=head.reply)
    if totals == {None}:
        text = "no X-Total-Count: the end is proven by an empty page"
        return check("total", "warn", text, reply=head.reply)
    text = "X-Total-Count is another on each page"
    fix = "ask whether records are being changed; a pull of them may fail"
    shown = rest.reply if rest is not None else head.reply
    return check("total", "warn", text, fix=fix, reply=shown)


def _links(look: Look, head: Answered, rest: Answered | None) -> Check:
    target = head.reply.next_link
    if target is None:
        if "next" in head.reply.links:
            text = "the Link to the next page leads to another host; it is not followed"
            fix = "ask for links with the name of the host that is asked"
            return check("links", "warn", text, fix=fix, reply=head.reply)
        text = "no Link to a next page: offsets are counted"
        return check("links", "warn" if rest else "ok", text, reply=head.reply)
    reply = look.asker.get(target)
    followed = Answered(reply, reply.rows(look.service.dialect.collection(look.pivot)))
    look.found.links = bool(followed.ids) and not set(followed.ids) & set(head.ids)
    if look.found.links:
        return check("links", "ok", "the Link leads to the next page", reply=reply)
    text = "the Link to the next page does not lead to other records"
    fix = "ask for a Link that keeps limit, offset and filter"
    return check("links", "warn", text, fix=fix, reply=reply)


def _size(look: Look) -> Check:
    """Find out the longest page, on the collection that has most records."""
    name = _largest(look)
    page = look.ask(name, limit=SIZES[0], offset=0)
    if page.rows is None:
        look.found.page_size = SAFE_SIZE
        page = look.ask(name, limit=SAFE_SIZE, offset=0)
        text = f"limit={SIZES[0]} is refused, {SAFE_SIZE} is asked for instead"
        state: State = "warn" if page.rows is not None else "fail"
        return check("page_size", state, text, reply=page.reply)
    if len(page.rows) >= SIZES[0]:
        return _try_larger(look, name, page)
    came, total = len(page.rows), page.reply.total
    more = None
    if total is None and came:
        more = look.ask(name, limit=SIZES[0], offset=came)
    is_capped = (total is not None and came < total) or bool(
        more is not None and set(more.ids) - set(page.ids)
    )
    if not is_capped:
        text = f"all {came} {name} come on one page; a cap cannot be seen"
        return check("page_size", "ok", text, reply=page.reply)
    look.found.page_cap = came
    look.found.page_size = max(came, 1)
    text = f"pages hold at most {came} records, whatever is asked for"
    return check("page_size", "ok", text, reply=page.reply)


def _try_larger(look: Look, name: str, page: Answered) -> Check:
    look.found.page_size = SIZES[0]
    larger = look.ask(name, limit=SIZES[1], offset=0)
    came = len(larger.rows or ())
    if came > SIZES[0]:
        look.found.page_size = SIZES[1]
        text = f"limit={SIZES[1]} gave {came} records"
        return check("page_size", "ok", text, reply=larger.reply)
    is_all = page.reply.total is not None and page.reply.total <= SIZES[0]
    look.found.page_cap = None if is_all else SIZES[0]
    text = f"pages of {SIZES[0]} come; longer ones do not"
    return replace(check("page_size", "ok", text, reply=larger.reply), records=came)


def _largest(look: Look) -> str:
    """The collection with the most records, by what is told or by what is usual."""
    counted = {
        name: count or 0
        for name, count in look.found.counts.items()
        if name != "demographics"
    }
    most = max(counted, key=lambda name: counted[name], default=look.pivot)
    if counted.get(most):
        return most
    return next((name for name in LARGE if look.rows_of(name)), look.pivot)
