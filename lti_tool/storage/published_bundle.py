"""What a CSV bundle tells of levels: the results and columns of a gradebook.

The rows are those that our OneRoster service tells as assessments. A column of a
bundle must also say its school, its stretch of the year and two days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select, tuple_

from lti_tool.storage import published_outcomes as outcomes
from lti_tool.storage.database import Database, rows
from lti_tool.storage.published_outcomes import taught
from lti_tool.storage.schema import course, sis_class, term
from lti_tool.storage.session import Session

CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class Taught:
    """Where and when a class is taught: what a column of its gradebook says.

    Attributes:
        term: the sourcedId of its first term, None where it names none.
        days: of that term, else the day the course came to us, twice.
    """

    school: str | None
    term: str | None
    days: tuple[date, date]


def iter_rows(
    database: Database, name: str, source_id: int | None
) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of scales, items or results, some at a time, in one order."""
    shelf = {
        "scales": outcomes.scales,
        "items": outcomes.items,
        "results": outcomes.results,
    }[name]()
    statement = shelf.statement
    if name == "results":
        statement = statement.add_columns(taught.c.sourced_id.label("class_sourced_id"))
    if source_id is not None:
        statement = statement.where(shelf.source == source_id)
    after: int | None = None
    while True:
        page = statement if after is None else statement.where(shelf.key > after)
        with database.read() as session:
            found = rows(session, page.order_by(shelf.key).limit(CHUNK))
        if found:
            yield found
        if len(found) < CHUNK:
            return
        after = found[-1]["key"]


def load_taught(session: Session, courses: Sequence[int]) -> Mapping[int, Taught]:
    """Return where and when the classes of courses are taught."""
    found = rows(
        session,
        select(
            course.c.id,
            course.c.created_at,
            sis_class.c.source_id,
            sis_class.c.school_sourced_id,
            sis_class.c.term_sourced_ids,
        )
        .join(sis_class, sis_class.c.id == course.c.sis_class_id)
        .where(course.c.id.in_(courses)),
    )
    first = {
        one["id"]: (one["source_id"], next(iter(one["term_sourced_ids"] or ()), None))
        for one in found
    }
    named = tuple_(term.c.source_id, term.c.sourced_id)
    terms = {
        (one["source_id"], one["sourced_id"]): one
        for one in rows(session, select(term).where(named.in_(_named(first))))
    }
    return {
        one["id"]: _taught(one, first[one["id"]][1], terms.get(first[one["id"]]))
        for one in found
    }


def _named(first: Mapping[int, tuple[int, str | None]]) -> list[tuple[int, str]]:

    return sorted({(source, key) for source, key in first.values() if key is not None})


def _taught(
    one: Mapping[str, Any], name: str | None, held: Mapping[str, Any] | None
) -> Taught:
    day = one["created_at"].date()
    begins, ends = (held["starts_on"], held["ends_on"]) if held else (None, None)
    return Taught(
        one["school_sourced_id"], name, (begins or day, ends or begins or day)
    )
