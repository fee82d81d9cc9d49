"""Scores as short as a judge needs them, of some students in all their courses.

A refresh of a whole school reads millions of them: what a page would show beside a
score is left where it is, and each day and each moment is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any, Final, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Dialect,
    Select,
    String,
    Text,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy import cast as as_type
from sqlalchemy.types import TypeDecorator, TypeEngine

from lti_tool.storage.evidence import learns_there
from lti_tool.storage.schema import alignment, assignment, score
from lti_tool.storage.session import Session
from lti_tool.storage.work_of_course import is_not_ours

# Beyond this a number is no score; NaN and infinity are beyond it on PostgreSQL.
_MOST = 1e300
# Flags that do not keep a score from counting, as both databases hold them.
_PLAIN_FLAGS = ("{}", "null", '{"late": true}')

PlainScore = tuple[
    int,
    int,
    int,
    int,
    str,
    int,
    float,
    float,
    float,
    date,
    datetime | None,
    datetime | None,
    int,
]
"""A score beside one competency.

Person, competency, the course in which it speaks, score, its kind, assignment, weight,
given, maximum, scored_on, scored_at (None where the day is all that is known), due_at
(None unless asked for), and the sum of PLAIN and GUEST. One that is not PLAIN may count
and has to be read in full, being in words, by parts, flagged, without a day or out of
bounds; then only the first four and the assignment say anything. A GUEST is of another
system than its work is.
"""
PLAIN: Final = 1
GUEST: Final = 2


def load(
    session: Session,
    persons: Collection[int],
    *,
    competencies: Collection[int] | None,
    not_counted: Collection[str],
    with_due: bool,
) -> list[PlainScore]:
    """Return what may count of these people, in every course, in no order.

    competencies: only for these; None is for all. not_counted: score statuses that
    keep a score from counting.
    """
    statement = _statement(with_due=with_due, is_scoped=competencies is not None)
    values: dict[str, Any] = {
        "persons": list(persons),
        "not_counted": list(not_counted),
    }
    if competencies is not None:
        values["competencies"] = list(competencies)
    found = session.execute(statement, values).all()
    return cast("list[PlainScore]", found)


class Seldom(TypeDecorator[Any]):
    """A day or a moment of which a column has few: each is read once a result."""

    impl = String
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the column is of."""
        return self.of.dialect_impl(dialect)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], Any] | None:
        """Read as the column's own type does, and remember."""
        read = self.of.dialect_impl(dialect).result_processor(dialect, coltype)
        return None if read is None else _Remembering(read).__getitem__


class _Remembering(dict[Any, Any]):
    """What was read already, by how it was sent."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, sent: object) -> object:
        found = self[sent] = self._read(sent)
        return found


def seldom(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of days or moments, each of which is read once a result."""
    return type_coerce(column, Seldom(column.type))


def _statement(*, with_due: bool, is_scoped: bool) -> Select[Any]:
    """What load() asks: written anew each time, compiled once by its shape."""
    statement = (
        select(
            score.c.person_id,
            alignment.c.competency_id,
            alignment.c.course_id,
            score.c.id,
            score.c.kind,
            assignment.c.id,
            alignment.c.weight,
            score.c.given,
            _maximum(),
            seldom(score.c.scored_on),
            seldom(score.c.scored_at),
            seldom(assignment.c.due_at) if with_due else null(),
            case((_is_plain(), PLAIN), else_=0)
            + case((score.c.source_id != assignment.c.source_id, GUEST), else_=0),
        )
        .select_from(score)
        .join(assignment, assignment.c.id == score.c.assignment_id)
        .join(alignment, alignment.c.assignment_id == assignment.c.id)
        .where(
            score.c.person_id.in_(bindparam("persons", expanding=True)),
            score.c.status == "active",
            assignment.c.status == "active",
            is_not_ours(),
            ~alignment.c.is_practice,
            or_(
                score.c.score_status.is_(None),
                score.c.score_status.not_in(bindparam("not_counted", expanding=True)),
            ),
            or_(assignment.c.course_id == alignment.c.course_id, learns_there()),
        )
    )
    if is_scoped:
        wanted: BindParameter[int] = bindparam("competencies", expanding=True)
        statement = statement.where(alignment.c.competency_id.in_(wanted))
    return statement


def _maximum() -> ColumnElement[Any]:
    return func.coalesce(score.c.maximum, assignment.c.maximum)


def _is_plain() -> ColumnElement[bool]:
    """Whether a score is a number on a day that counts as it stands."""
    flags = score.c.flags
    return and_(
        score.c.given >= 0,
        score.c.given <= _MOST,
        _maximum() > 0,
        _maximum() <= _MOST,
        func.coalesce(score.c.minimum, assignment.c.minimum, 0) == 0,
        alignment.c.weight > 0,
        alignment.c.weight <= _MOST,
        alignment.c.part == "",
        score.c.scored_on.is_not(None),
        or_(flags.is_(None), as_type(flags, Text).in_(_PLAIN_FLAGS)),
    )
