"""Work that an LMS and a SIS both have, joined: what speaks for one does for both.

The scores of the LMS then hang on the line item of the SIS, and its alignments with
them. Which of two scores of a student counts is not said here (work.twins).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Table, delete, exists, or_, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows, upsert
from lti_tool.storage.evidence import put_change
from lti_tool.storage.schema import (
    alignment,
    assignment,
    declined_alignment,
    score,
    source,
    suggestion_choice,
)
from lti_tool.storage.session import Session
from lti_tool.storage.sources import LMS

BY_MATCH: Final = "match"
# A SIS names a day, an LMS a moment of it, perhaps in another zone.
_SAME_DAY: Final = timedelta(hours=36)
_ALIGNED: Final = ["course_id", "assignment_id", "competency_id", "part"]
_ANSWERED: Final = ["course_id", "assignment_id", "competency_id"]


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work of a course, as far as it shows whether another is the same."""

    id: int
    source_id: int
    source: str
    is_lms: bool
    sourced_id: str
    parent_sourced_id: str | None
    title: str
    minimum: float | None
    maximum: float | None
    due_at: datetime | None
    web_url: str | None
    is_active: bool
    twin_id: int | None
    twin_by: str | None

    @property
    def key(self) -> tuple[str, float | None]:
        """What two works of the same have in common: title, folded, and maximum."""
        return " ".join(self.title.casefold().split()), self.maximum


def load_works(session: Session, course_id: int) -> list[Work]:
    """Return the line items of a course in every system, ended ones too, by id."""
    found = session.execute(
        select(
            assignment.c.id,
            assignment.c.source_id,
            source.c.name,
            source.c.kind == LMS,
            assignment.c.sourced_id,
            assignment.c.parent_sourced_id,
            assignment.c.title,
            assignment.c.minimum,
            assignment.c.maximum,
            assignment.c.due_at,
            assignment.c.web_url,
            assignment.c.status == "active",
            assignment.c.twin_id,
            assignment.c.twin_by,
        )
        .join(source, source.c.id == assignment.c.source_id)
        .where(assignment.c.course_id == course_id, assignment.c.kind == "line_item")
        .order_by(assignment.c.id)
    )
    return [Work(*row) for row in found]


def settle(session: Session, course_id: int, *, now: datetime) -> bool:
    """Part what is the same no more and join what is; tells whether anything changed.

    What a person said stays, as long as both are there. May be run again.
    """
    works = load_works(session, course_id)
    if not any(one.is_lms for one in works):
        return False
    known = {one.id: one for one in works}
    is_changed = False
    for one in works:
        other = known.get(one.twin_id or 0)
        if one.twin_id is not None and not (
            one.is_active and other and other.is_active
        ):
            _part(session, one, who=BY_MATCH, now=now, twin_by=None)
            is_changed = True
    if is_changed:
        works = load_works(session, course_id)
    for one, other in _matches(works):
        _join(session, one, other, who=BY_MATCH, now=now)
        is_changed = True
    for one in works:
        if one.twin_id is not None:
            _follow(session, one, one.twin_id)
    return is_changed


def settle_source(session: Session, source_id: int, *, now: datetime) -> list[int]:
    """Settle the courses of a SIS in which an LMS has work; returns those that changed.

    A sync may have brought a line item, or ended one. The levels of what changed are
    left to whoever works out the courses.
    """
    theirs, ours = assignment.alias("theirs"), assignment.alias("ours")
    courses = session.scalars(
        select(ours.c.course_id)
        .distinct()
        .join(source, source.c.id == ours.c.source_id)
        .where(
            source.c.kind == LMS,
            ours.c.status == "active",
            exists().where(
                theirs.c.course_id == ours.c.course_id,
                theirs.c.source_id == source_id,
            ),
        )
        .order_by(ours.c.course_id)
    ).all()
    return [one for one in courses if settle(session, one, now=now)]


def _matches(works: Iterable[Work]) -> list[tuple[Work, Work]]:
    """Which work of an LMS is which line item of a SIS, beyond doubt."""
    active = [one for one in works if one.is_active]
    taken = {(one.source_id, one.twin_id) for one in active if one.twin_id}
    free = [one for one in active if one.is_lms and one.twin_id is None]
    theirs = [one for one in active if not one.is_lms]
    found: list[tuple[Work, Work]] = []
    for one in free:
        if one.twin_by is not None:
            continue
        named = [two for two in theirs if two.sourced_id == one.parent_sourced_id]
        if len(named) == 1 and (one.source_id, named[0].id) not in taken:
            found.append((one, named[0]))
            taken.add((one.source_id, named[0].id))
    joined = {one.id for one, _other in found}
    for one in free:
        like = [two for two in theirs if two.key == one.key]
        is_alone = [two for two in free if _is_of(two, one)] == [one]
        if one.twin_by is not None or one.id in joined or len(like) != 1:
            continue
        is_free = (one.source_id, like[0].id) not in taken
        if is_alone and is_free and _is_due(one, like[0]):
            found.append((one, like[0]))
    return found


def _is_of(two: Work, one: Work) -> bool:
    return two.source_id == one.source_id and two.key == one.key


def _is_due(one: Work, other: Work) -> bool:
    if one.maximum is None:
        return False
    if one.due_at is None or other.due_at is None:
        return True
    return abs(one.due_at - other.due_at) <= _SAME_DAY


def say_same(
    session: Session, course_id: int, pair: tuple[int, int], *, who: str, now: datetime
) -> None:
    """Let a person say that work of an LMS and a line item of the SIS are the same.

    pair: the one of the LMS, then that of the SIS.

    Raises:
        NotFoundError: they are not, or no more, both work of this course.
    """
    known = {one.id: one for one in load_works(session, course_id) if one.is_active}
    one, other = known.get(pair[0]), known.get(pair[1])
    if one is None or other is None or not one.is_lms or other.is_lms:
        raise NotFoundError(f"no such two pieces of work in course {course_id}")
    if one.twin_id is not None:
        _part(session, one, who=who, now=now, twin_by=None)
    _join(session, one, other, who=who, now=now)


def say_other(
    session: Session, course_id: int, lms_work: int, *, who: str, now: datetime
) -> None:
    """Let a person say that work of an LMS is not the SIS's; it is never joined again.

    What spoke for both speaks for each from now on.

    Raises:
        NotFoundError: it is no work of this course.
    """
    known = {one.id: one for one in load_works(session, course_id) if one.is_lms}
    if lms_work not in known:
        raise NotFoundError(f"no work {lms_work} of an LMS in course {course_id}")
    _part(session, known[lms_work], who=who, now=now, twin_by=who)


def _join(session: Session, one: Work, other: Work, *, who: str, now: datetime) -> None:
    session.execute(
        update(assignment)
        .where(assignment.c.id == one.id)
        .values(twin_id=other.id, twin_by=who)
    )
    _follow(session, one, other.id)
    put_change(
        session,
        at=now,
        who=who,
        what="work joined",
        subject=("assignment", one.id),
        after={"twin_id": other.id},
    )


def _follow(session: Session, one: Work, other_id: int) -> None:
    """Hang on the SIS's line item whatever hangs on the work of the LMS."""
    _hang(session, one, other_id, {"minimum": one.minimum or 0, "maximum": one.maximum})
    _copy(session, alignment, one.id, other_id, _ALIGNED)
    session.execute(delete(alignment).where(alignment.c.assignment_id == one.id))
    for table in (declined_alignment, suggestion_choice):
        _copy(session, table, one.id, other_id, _ANSWERED)


def _part(
    session: Session, one: Work, *, who: str, now: datetime, twin_by: str | None
) -> None:
    session.execute(
        update(assignment)
        .where(assignment.c.id == one.id)
        .values(twin_id=None, twin_by=twin_by)
    )
    if one.twin_id is not None:
        _hang(session, one, one.id, {"minimum": None, "maximum": None})
        _copy(session, alignment, one.twin_id, one.id, _ALIGNED)
    put_change(
        session,
        at=now,
        who=who,
        what="work parted",
        subject=("assignment", one.id),
        before={"twin_id": one.twin_id},
    )


def _hang(session: Session, one: Work, to: int, out_of: Mapping[str, Any]) -> None:
    here = [row_id for row_id in (one.id, one.twin_id) if row_id is not None]
    session.execute(
        update(score)
        .where(
            score.c.assignment_id.in_(here),
            score.c.source_id == one.source_id,
            score.c.line_item_sourced_id == one.sourced_id,
            or_(
                score.c.assignment_id != to,
                *(score.c[name].is_distinct_from(it) for name, it in out_of.items()),
            ),
        )
        .values(assignment_id=to, **out_of)
    )


def _copy(session: Session, table: Table, old: int, new: int, key: list[str]) -> None:
    """Let new have what old has of a table, but for what it has already."""
    found = rows(session, select(table).where(table.c.assignment_id == old))
    for row in found:
        values = {name: value for name, value in row.items() if name != "id"}
        session.execute(
            upsert(session, table)
            .values({**values, "assignment_id": new})
            .on_conflict_do_nothing(index_elements=key)
        )
