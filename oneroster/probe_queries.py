"""Which questions a service understands: filters, fields, changes, deletions."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from oneroster.probe_findings import Check, check
from oneroster.probe_steps import Answered, Look
from oneroster.wire import format_moment, parse_moment

__all__ = ["ask_queries"]

FAR: Final = timedelta(days=365)
LONG_AGO: Final = "1970-01-01T00:00:00.000Z"
DELETED: Final = frozenset({"tobedeleted", "inactive"})
DELETED_OF: Final = ("enrollments", "users", "classes")


def ask_queries(look: Look, now: datetime) -> Iterator[Check]:
    """Find out whether filter, fields, changes alone and deletions are honoured."""
    row = next(row for row in look.rows_of(look.pivot) or [] if isinstance(row, dict))
    yield _filter(look, row)
    yield _fields(look)
    yield _delta(look, row, now)
    yield _tombstones(look)


def _filter(look: Look, row: dict[str, Any]) -> Check:
    key = str(row.get("sourcedId"))
    only = look.ask(limit=5, offset=0, filter=f"sourcedId='{key}'")
    other = look.ask(limit=5, offset=0, filter=f"sourcedId!='{key}'")
    look.found.filter = only.ids == [key] and key not in other.ids
    if look.found.filter:
        return check("filter", "ok", "a filter finds what it names", reply=only.reply)
    if only.rows is None:
        text = "a filter is refused: everything is read each time"
    else:
        text = "a filter is ignored: everything is read each time"
    fix = "ask for filter on sourcedId, status and dateLastModified"
    return check("filter", "warn", text, fix=fix, reply=only.reply)


def _fields(look: Look) -> Check:
    page = look.ask(limit=1, offset=0, fields="sourcedId,status")
    rows = [row for row in page.rows or [] if isinstance(row, dict)]
    look.found.fields = bool(rows) and set(rows[0]) <= {"sourcedId", "status"}
    if look.found.fields:
        return check("fields", "ok", "only the fields named come", reply=page.reply)
    word = "refused" if page.rows is None else "ignored"
    text = f"a choice of fields is {word}: whole records are read"
    return check("fields", "warn", text, reply=page.reply)


def _delta(look: Look, row: dict[str, Any], now: datetime) -> Check:
    """Ask for changes of next year (none), and of a moment a record has (that one)."""
    future = format_moment(now + FAR)
    none = look.ask(limit=1, offset=0, filter=f"dateLastModified>'{future}'")
    fix = "ask for filter=dateLastModified>'...'; until then every sync reads all"
    if none.rows is None:
        text = "a filter by dateLastModified is refused: every sync reads everything"
        return check("delta", "warn", text, fix=fix, reply=none.reply)
    if none.rows:
        text = "a filter by dateLastModified is ignored: every sync reads everything"
        return check("delta", "warn", text, fix=fix, reply=none.reply)
    past = look.ask(limit=1, offset=0, filter=f"dateLastModified>'{LONG_AGO}'")
    if not past.rows:
        text = "no record was ever changed, says the filter: it cannot be believed"
        return check("delta", "warn", text, fix=fix, reply=past.reply)
    look.found.delta = True
    exact = _exact(look, row)
    if exact is not None and len(exact.ids) <= 1:
        look.found.boundary = bool(exact.ids)
    reply = past.reply if exact is None else exact.reply
    text = "changes alone can be asked for"
    if look.found.boundary is False:
        text += "; >= leaves out a record of that very moment"
    return check("delta", "ok", text, reply=reply)


def _exact(look: Look, row: dict[str, Any]) -> Answered | None:
    """Ask for one record from its own moment on; None if that cannot be asked."""
    try:
        moment = format_moment(parse_moment(row.get("dateLastModified")))
    except ValueError:
        return None
    key = row.get("sourcedId")
    asked = f"dateLastModified>='{moment}' AND sourcedId='{key}'"
    page = look.ask(limit=2, offset=0, filter=asked)
    return None if page.rows is None else page


def _tombstones(look: Look) -> Check:
    seen = [
        row.get("status")
        for reply in look.first
        for row in look.rows_of(reply) or []
        if isinstance(row, dict)
    ]
    look.found.tombstones = any(str(one).lower() in DELETED for one in seen)
    last = None
    for name in DELETED_OF if look.found.filter and not look.found.tombstones else ():
        if look.rows_of(name) is None:
            continue
        last = look.ask(name, limit=2, offset=0, filter="status='tobedeleted'")
        rows = [row for row in last.rows or [] if isinstance(row, dict)]
        if rows and all(str(row.get("status")).lower() in DELETED for row in rows):
            look.found.tombstones = True
            break
    reply = last.reply if last is not None else None
    if look.found.tombstones:
        text = "deleted records come as tobedeleted"
        return check("tombstones", "ok", text, reply=reply)
    text = "no deleted record was seen: what is gone is found by reading everything"
    return check("tombstones", "warn", text, reply=reply)
