"""Which work is a course's own: that of its class, and assessments of no class."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    exists,
    literal,
    or_,
    select,
)

from lti_tool.storage import addresses
from lti_tool.storage.schema import (
    alignment,
    assignment,
    line_item,
    score,
    seat,
    source,
)
from lti_tool.storage.session import Session


def has_assessments(session: Session) -> bool:
    """Tell whether any SIS sends assessments, which may belong to no class."""
    found = exists().where(
        assignment.c.source_id == source.c.id, assignment.c.kind == "assessment"
    )
    return session.scalar(select(source.c.id).where(found).limit(1)) is not None


def is_of_course(course_id: int, *, assessments: bool) -> ColumnElement[bool]:
    """Which assignments are work of a course.

    Those of its class; and assessments of no class that are aligned here, or that
    its learners have results of. Work of an LMS that a SIS has as well is the SIS's.
    """
    of_class = and_(assignment.c.course_id == course_id, assignment.c.twin_id.is_(None))
    not_ours = is_not_ours()
    if not assessments:
        return and_(not_ours, of_class)
    speaks, had = alignment.alias("speaks"), score.alias("had")
    aligned = exists().where(
        speaks.c.assignment_id == assignment.c.id, speaks.c.course_id == course_id
    )
    scored = exists().where(
        had.c.assignment_id == assignment.c.id,
        had.c.person_id.in_(learners(course_id)),
    )
    return and_(not_ours, or_(of_class, and_(is_classless(), or_(aligned, scored))))


def is_not_ours() -> ColumnElement[bool]:
    """Which assignments are none of the columns that we ourselves made in a SIS.

    What we told a SIS is no evidence, or it would speak for itself; neither is it while
    a column that is gone there still stands in what was read last.
    """
    kinds = (assignment.c.kind, literal(addresses.WAS).concat(assignment.c.kind))
    return ~exists().where(
        line_item.c.source_id == assignment.c.source_id,
        line_item.c.address == assignment.c.sourced_id,
        line_item.c.kind.in_(kinds),
    )


def is_classless() -> ColumnElement[bool]:
    """Which assignments are assessments that belong to no class."""
    return and_(
        assignment.c.kind == "assessment",
        assignment.c.course_id.is_(None),
        assignment.c.class_sourced_id.is_(None),
    )


def learners(course_id: int) -> Select[tuple[int]]:
    """Who learns in a course or did: what is left of them keeps speaking."""
    return select(seat.c.person_id).where(
        seat.c.course_id == course_id, seat.c.role == "learner"
    )


def names_objectives(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell whether a learningObjectiveSet says anything."""
    return and_(column.is_not(None), cast(column, Text).not_in(["[]", "null", ""]))


def worded(source_id: int) -> Select[tuple[str]]:
    """The line items of a source on which anybody has a score in words alone."""
    return (
        select(score.c.line_item_sourced_id)
        .distinct()
        .where(
            score.c.source_id == source_id,
            score.c.given.is_(None),
            score.c.text_score.is_not(None),
        )
    )


def courses_of(source_id: int, line_items: Collection[str]) -> Select[tuple[int]]:
    """The courses in which work speaks, or may: its own, and where it is aligned.

    Of assessments that belong to no class, where those who have a result of them learn.
    """
    mine = and_(  # the kinds are named for the index, which has them in the middle
        assignment.c.source_id == source_id,
        assignment.c.kind.in_(("line_item", "assessment")),
        assignment.c.sourced_id.in_(line_items),
    )
    own = select(assignment.c.course_id.label("course_id")).where(
        mine, assignment.c.course_id.is_not(None)
    )
    aligned = (
        select(alignment.c.course_id)
        .join(assignment, assignment.c.id == alignment.c.assignment_id)
        .where(mine)
    )
    learning = (
        select(seat.c.course_id)
        .join(score, score.c.person_id == seat.c.person_id)
        .join(assignment, assignment.c.id == score.c.assignment_id)
        .where(mine, is_classless(), seat.c.role == "learner")
    )
    return select(own.union(aligned, learning).subquery().c.course_id)
