"""Work and scores as an LMS shows them, beside those of the SIS.

A platform whose grades are read is a source of the kind 'lms'. Its work stands among
the assignments, its scores among the scores, so that whatever asks for evidence finds
them with their source.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, insert, or_, select, update

from lti_tool.storage.database import batches, upsert
from lti_tool.storage.schema import (
    alignment,
    assignment,
    category,
    course,
    lms_user,
    score,
    seat,
    source,
)
from lti_tool.storage.session import Session
from lti_tool.storage.sources import LMS
from lti_tool.storage.standing import CellKey

_KEY: Final = ["source_id", "kind", "sourced_id"]


@dataclass(frozen=True, slots=True)
class Held:
    """What we hold of a piece of work, or of a score, of an LMS."""

    id: int
    fingerprint: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class HeldScore:
    """What we hold of a score of an LMS; person_id None: nobody we know."""

    id: int
    fingerprint: str
    is_active: bool
    work: str
    user: str
    person_id: int | None


def find_source(session: Session, registration_id: int) -> int | None:
    """Return the source that is a platform's grades; None before they are read."""
    return session.scalar(
        select(source.c.id).where(
            source.c.registration_id == registration_id, source.c.kind == LMS
        )
    )


def ensure_source(
    session: Session, registration_id: int, name: str, *, now: datetime
) -> int:
    """Return the source that is a platform's grades, made if it is not there yet.

    It goes by the platform's name; where a SIS has that, a number stands behind it.
    """
    found = find_source(session, registration_id)
    if found is not None:
        return found
    names = (name if one == 1 else f"{name} ({one})" for one in count(1))
    taken = set(session.scalars(select(source.c.name)))
    free = next(one[:255] for one in names if one not in taken)
    return int(
        session.execute(
            insert(source)
            .values(
                name=free,
                kind=LMS,
                location="",
                registration_id=registration_id,
                created_at=now,
            )
            .returning(source.c.id)
        ).scalar_one()
    )


def load_works(
    session: Session, source_id: int, course_id: int, names: Collection[str]
) -> dict[str, Held]:
    """Return what we hold of the work of a course, and of work by these names."""
    mine = and_(assignment.c.source_id == source_id, assignment.c.kind == "line_item")
    columns = (
        assignment.c.sourced_id,
        assignment.c.id,
        assignment.c.fingerprint,
        assignment.c.status == "active",
    )
    found = list(
        session.execute(
            select(*columns).where(mine, assignment.c.course_id == course_id)
        )
    )
    for some in batches(sorted(names)):
        named = select(*columns).where(mine, assignment.c.sourced_id.in_(some))
        found += session.execute(named)
    return {name: Held(*told) for name, *told in found}


def load_scores(
    session: Session, source_id: int, works: Collection[int]
) -> dict[str, HeldScore]:
    """Return the scores we hold of an LMS on pieces of its work, by their names."""
    found: dict[str, HeldScore] = {}
    for some in batches(sorted(works)):
        twins = select(assignment.c.twin_id).where(
            assignment.c.id.in_(some), assignment.c.twin_id.is_not(None)
        )
        for name, *told in session.execute(
            select(
                score.c.sourced_id,
                score.c.id,
                score.c.fingerprint,
                score.c.status == "active",
                score.c.line_item_sourced_id,
                score.c.student_sourced_id,
                score.c.person_id,
            ).where(
                score.c.source_id == source_id,
                or_(score.c.assignment_id.in_(some), score.c.assignment_id.in_(twins)),
            )
        ):
            found[name] = HeldScore(*told)
    return found


def put_works(session: Session, values: Sequence[Mapping[str, Any]]) -> None:
    """Write pieces of work, new or changed; whose twin they are stays."""
    _put(session, assignment, values)


def put_categories(session: Session, source_id: int, titles: Collection[str]) -> None:
    """Write the categories work is in; each goes by its title."""
    for title in sorted(titles):
        session.execute(
            upsert(session, category)
            .values(source_id=source_id, sourced_id=title, title=title, fingerprint="")
            .on_conflict_do_nothing(index_elements=["source_id", "sourced_id"])
        )


def load_hooks(
    session: Session, source_id: int, names: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return on what the scores of pieces of work hang, by the names of these.

    On the line item of the SIS where that has the work as well, with their own bounds.
    """
    found: dict[str, dict[str, Any]] = {}
    for some in batches(sorted(names)):
        for row in session.execute(
            select(
                assignment.c.sourced_id,
                assignment.c.id,
                assignment.c.twin_id,
                assignment.c.minimum,
                assignment.c.maximum,
            ).where(
                assignment.c.source_id == source_id,
                assignment.c.kind == "line_item",
                assignment.c.sourced_id.in_(some),
            )
        ):
            is_hung = row.twin_id is not None
            found[row.sourced_id] = {
                "assignment_id": row.twin_id if is_hung else row.id,
                "minimum": (row.minimum or 0) if is_hung else None,
                "maximum": row.maximum if is_hung else None,
            }
    return found


def put_scores(session: Session, values: Sequence[Mapping[str, Any]]) -> None:
    """Write scores, new or changed, on the work they hang on (load_hooks)."""
    _put(session, score, values)


def _put(session: Session, table: Table, values: Sequence[Mapping[str, Any]]) -> None:
    for some in batches(values):
        statement = upsert(session, table).values([dict(one) for one in some])
        said = {name: statement.excluded[name] for name in some[0] if name not in _KEY}
        session.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=said))


def end(session: Session, table: Table, ids: Collection[int]) -> None:
    """Let rows of an LMS be over: it shows them no more."""
    for some in batches(sorted(ids)):
        session.execute(
            update(table).where(table.c.id.in_(some)).values(status="ended")
        )


def load_people(session: Session, registration_id: int) -> dict[str, int]:
    """Return who the users of a platform are, by each name it has for them.

    A name that two people have is nobody's; the subject of a launch comes before the
    platform's own number.
    """
    found: dict[str, set[int]] = {}
    for column in (lms_user.c.subject, lms_user.c.platform_user_id):
        more: dict[str, set[int]] = {}
        for name, person_id in session.execute(
            select(column, lms_user.c.person_id).where(
                lms_user.c.registration_id == registration_id,
                lms_user.c.person_id.is_not(None),
                column.is_not(None),
            )
        ):
            more.setdefault(name, set()).add(person_id)
        found = {**more, **found}
    return {name: next(iter(who)) for name, who in found.items() if len(who) == 1}


def link(session: Session, links: Mapping[int, int]) -> None:
    """Say of scores, by id, whose they are."""
    for score_id, person_id in links.items():
        session.execute(
            update(score).where(score.c.id == score_id).values(person_id=person_id)
        )


def load_learners(session: Session, course_id: int) -> set[int]:
    """Return who learns in a course now."""
    return set(
        session.scalars(
            select(seat.c.person_id).where(
                seat.c.course_id == course_id,
                seat.c.role == "learner",
                seat.c.status == "active",
            )
        )
    )


def load_cells(
    session: Session, course_id: int, pairs: Collection[tuple[int, int]]
) -> set[CellKey]:
    """Return the cells in which people's scores speak: (assignment, person)."""
    speaks: dict[int, list[int]] = {}
    for some in batches(sorted({work for work, _person in pairs})):
        for work, competency_id in session.execute(
            select(alignment.c.assignment_id, alignment.c.competency_id)
            .join(course, course.c.id == alignment.c.course_id)
            .where(
                alignment.c.course_id == course_id,
                course.c.framework_id.is_not(None),
                alignment.c.assignment_id.in_(some),
            )
        ):
            speaks.setdefault(work, []).append(competency_id)
    return {
        (course_id, person_id, competency_id)
        for work, person_id in pairs
        for competency_id in speaks.get(work, ())
    }


def is_fresh(session: Session, course_id: int) -> bool:
    """Tell whether the levels of a course stand, and do not wait to be worked out."""
    found = select(course.c.refreshed_at).where(course.c.id == course_id)
    return session.scalar(found) is not None


def give_scores(session: Session, lms_users: Collection[int]) -> None:
    """Let the scores of LMS users be of whoever these are now."""
    for some in batches(sorted(lms_users)):
        session.execute(
            update(score)
            .where(
                _is_of(some),
                score.c.person_id.is_distinct_from(lms_user.c.person_id),
            )
            .values(person_id=lms_user.c.person_id)
        )


def load_work_courses(session: Session, lms_users: Collection[int]) -> set[int]:
    """Return the courses in which the scores of LMS users stand."""
    found: set[int] = set()
    for some in batches(sorted(lms_users)):
        found.update(
            session.scalars(
                select(assignment.c.course_id)
                .distinct()
                .select_from(assignment)
                .join(score, score.c.assignment_id == assignment.c.id)
                .where(_is_of(some), assignment.c.course_id.is_not(None))
            )
        )
    return found


def _is_of(lms_users: Collection[int]) -> ColumnElement[bool]:
    """Which scores are of these LMS users, by subject or the platform's number."""
    return and_(
        lms_user.c.id.in_(lms_users),
        source.c.registration_id == lms_user.c.registration_id,
        source.c.kind == LMS,
        score.c.source_id == source.c.id,
        score.c.student_sourced_id.in_(
            [lms_user.c.subject, lms_user.c.platform_user_id]
        ),
    )
