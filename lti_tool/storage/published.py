"""What we tell others over OneRoster: one page of a collection at a time.

The roster is told as its source brought it; assessment line items, results and
scales are made of courses, plans and attainments. Source: docs/pulling-outcomes.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select

from lti_tool.storage import published_shelves as shelves
from lti_tool.storage.database import rows
from lti_tool.storage.published_fields import Shelf, joined
from lti_tool.storage.published_outcomes import taught
from lti_tool.storage.published_tests import Test, condition
from lti_tool.storage.schema import (
    enrollment,
    sis_class,
    sis_course,
    sis_user,
    term,
)
from lti_tool.storage.session import Session

SisId = tuple[int, str]
"""Whose identifier it is (our source's id), and the identifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One page: of whose records, which of them, in which order.

    ``source_id`` None: of every source. ``ids`` are those of ``path``, whose own
    source is known. ``after`` is the key of the last row seen.
    """

    path: str
    ids: Sequence[SisId] = ()
    source_id: int | None = None
    tests: Sequence[Test] = ()
    any_of_them: bool = False
    sort: str = ""
    descending: bool = False
    limit: int = 100
    offset: int = 0
    after: int | None = None


def load_page(
    session: Session, asked: Asked
) -> tuple[list[dict[str, Any]], int] | None:
    """Return the rows of a page and how many there are in all.

    None: the database cannot answer it; the records must be looked through.
    """
    shelf = shelves.BY_PATH.get(asked.path)
    narrowed = _narrowed(shelf, asked) if shelf is not None else None
    if shelf is None or narrowed is None:
        return None
    counted = narrowed.with_only_columns(func.count())
    total = session.scalar(counted)
    # Keys first: what a row costs beside is then paid for this page alone.
    keyed = narrowed.with_only_columns(shelf.key)
    page = _ordered(shelf, keyed, asked, is_sqlite=_is_sqlite(session))
    keys = session.scalars(page.limit(asked.limit).offset(asked.offset)).all()
    return _of_keys(session, shelf, keys), int(total or 0)


def _of_keys(
    session: Session, shelf: Shelf, keys: Sequence[int]
) -> list[dict[str, Any]]:
    """The rows of these keys, in their order."""
    found = rows(session, shelf.statement.where(shelf.key.in_(keys)))
    by_key = {row["key"]: row for row in found}
    # One that went meanwhile is left out.
    return [by_key[key] for key in keys if key in by_key]


def load_next(session: Session, asked: Asked) -> list[dict[str, Any]]:
    """Return the rows that follow the one whose key is asked.after, at most limit."""
    shelf = shelves.BY_PATH[asked.path]
    statement = _of_source(shelf, asked)
    if asked.after is not None:
        statement = statement.where(shelf.key > asked.after)
    return rows(session, statement.order_by(shelf.key).limit(asked.limit))


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _of_source(shelf: Shelf, asked: Asked) -> Select[Any]:
    if asked.source_id is None:
        return shelf.statement
    return shelf.statement.where(shelf.source == asked.source_id)


def _narrowed(shelf: Shelf, asked: Asked) -> Select[Any] | None:
    """The rows of a page and of those before and after it."""
    statement = _of_source(shelf, asked)
    if asked.ids:
        nested = NESTED.get(asked.path)
        if nested is None:
            return None
        statement = statement.where(nested(asked.ids))
    found = [condition(shelf, test) for test in asked.tests]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    if known:
        statement = statement.where(or_(*known) if asked.any_of_them else and_(*known))
    return statement


def _ordered(
    shelf: Shelf, statement: Select[Any], asked: Asked, *, is_sqlite: bool
) -> Select[Any]:
    """Sort by a field we know, else by the order rows came in; always one order."""
    field = shelf.fields.get(asked.sort)
    if field is None:
        return statement.order_by(shelf.key)
    column: Any = field.column
    is_told_anew = asked.source_id is None and field.source is not None
    if is_told_anew:
        column = joined("s", field.source, ".", column)
    if (is_told_anew or field.is_ours) and not is_sqlite:
        column = column.collate("C")
    elif field.kind == "text":
        column = func.lower(column)
    if asked.descending:
        return statement.order_by(column.desc(), shelf.key.desc())
    return statement.order_by(column.asc(), shelf.key)


# --- nested paths: what belongs to the objects named in them -----------------------

Nested = Callable[[Sequence[SisId]], ColumnElement[bool]]


def _named(
    source: ColumnElement[int], column: ColumnElement[str], wanted: SisId
) -> ColumnElement[bool]:
    return and_(source == wanted[0], column == wanted[1])


def _of_school(table: Table) -> Nested:
    return lambda ids: _named(table.c.source_id, table.c.school_sourced_id, ids[0])


def _courses_of_school(ids: Sequence[SisId]) -> ColumnElement[bool]:
    """The courses the school owns, and those taught in its classes."""
    table = sis_course
    taught = select(sis_class.c.id).where(
        sis_class.c.source_id == table.c.source_id,
        sis_class.c.sis_course_sourced_id == table.c.sourced_id,
        sis_class.c.school_sourced_id == ids[0][1],
    )
    owned = table.c.org_sourced_id == ids[0][1]
    return and_(table.c.source_id == ids[0][0], or_(owned, taught.exists()))


def _enrollments_of_class(ids: Sequence[SisId]) -> ColumnElement[bool]:
    """Of the class alone: that it is of the school was seen before."""
    seats = enrollment.c
    return _named(seats.source_id, seats.class_sourced_id, ids[1])


def _users_of_class(role: str) -> Nested:
    def users(ids: Sequence[SisId]) -> ColumnElement[bool]:
        seats = enrollment.c
        found = select(seats.id).where(
            _named(seats.source_id, seats.class_sourced_id, ids[-1]),
            seats.user_sourced_id == sis_user.c.sourced_id,
            seats.source_id == sis_user.c.source_id,
            seats.role == role,
            seats.status == "active",
        )
        return found.exists()

    return users


def _classes_of_user(role: str | None) -> Nested:
    def classes(ids: Sequence[SisId]) -> ColumnElement[bool]:
        seats = enrollment.c
        found = select(seats.id).where(
            _named(seats.source_id, seats.user_sourced_id, ids[0]),
            seats.class_sourced_id == sis_class.c.sourced_id,
            seats.source_id == sis_class.c.source_id,
            seats.status == "active",
        )
        return (found if role is None else found.where(seats.role == role)).exists()

    return classes


NESTED: Final[Mapping[str, Nested]] = {
    "schools/*/classes": _of_school(sis_class),
    "schools/*/courses": _courses_of_school,
    "schools/*/enrollments": _of_school(enrollment),
    "schools/*/classes/*/enrollments": _enrollments_of_class,
    "schools/*/classes/*/students": _users_of_class("student"),
    "schools/*/classes/*/teachers": _users_of_class("teacher"),
    "classes/*/students": _users_of_class("student"),
    "classes/*/teachers": _users_of_class("teacher"),
    "courses/*/classes": lambda ids: _named(
        sis_class.c.source_id, sis_class.c.sis_course_sourced_id, ids[0]
    ),
    "terms/*/gradingPeriods": lambda ids: _named(
        term.c.source_id, term.c.parent_sourced_id, ids[0]
    ),
    "students/*/classes": _classes_of_user("student"),
    "teachers/*/classes": _classes_of_user("teacher"),
    "users/*/classes": _classes_of_user(None),
    "classes/*/scoreScales": lambda ids: _named(
        taught.c.source_id, taught.c.sourced_id, ids[0]
    ),
    "schools/*/scoreScales": lambda ids: _named(
        taught.c.source_id, taught.c.school_sourced_id, ids[0]
    ),
}
