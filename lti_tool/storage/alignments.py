"""Which work speaks for which competency: by hand, by file, or as the SIS says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    delete,
    func,
    or_,
    select,
)

from lti_tool.storage.database import rows, upsert
from lti_tool.storage.evidence import put_change
from lti_tool.storage.schema import (
    alignment,
    assignment,
    category,
    competency,
    declined_alignment,
    score,
    source,
    term,
)
from lti_tool.storage.session import Session
from lti_tool.storage.work_of_course import (
    has_assessments,
    is_of_course,
)

# Who made an alignment that the SIS itself names (learningObjectiveSet).
BY_SIS: Final = "sis"
_KEY: Final = ["course_id", "assignment_id", "competency_id"]
_WHOLE: Final = [*_KEY, "part"]


@dataclass(frozen=True, slots=True)
class NewAlignment:
    """What a piece of work is to speak for in a course, and how.

    Attributes:
        part: keys of its rows or questions, "" for the whole score.
        is_practice: shown, and does not count.
    """

    course_id: int
    assignment_id: int
    competency_id: int
    weight: float = 1.0
    part: str = ""
    is_practice: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same work in an LMS: whose it is, and where people open it."""

    source: str
    web_url: str | None


@dataclass(frozen=True, slots=True)
class AlignedAssignment:
    """One assignment of a course with the competencies it speaks for."""

    id: int
    sourced_id: str
    title: str
    description: str | None
    due_at: datetime | None
    maximum: float | None
    kind: str
    category: str | None
    term: str | None
    score_count: int
    alignments: tuple[tuple[int, int, float], ...]  # (alignment, competency, weight)
    by_sis: tuple[int, ...] = ()  # the alignments the SIS named
    part_of: Mapping[int, str] = field(default_factory=dict)  # those of a part
    practice: tuple[int, ...] = ()  # those that are shown and do not count
    parts: tuple[tuple[str, str], ...] = ()  # (key, title) of what can speak by itself
    source: str = ""
    web_url: str | None = None
    also: tuple[Elsewhere, ...] = ()  # the same work in an LMS


def load_assignments(session: Session, course_id: int) -> list[AlignedAssignment]:
    """Return the assignments of a course, newest due first, with their alignments."""
    held = _load_held(session, course_id)
    same = _load_same(session, course_id)
    mine = is_of_course(course_id, assessments=has_assessments(session))
    found = session.execute(
        select(
            assignment.c.id,
            assignment.c.sourced_id,
            assignment.c.title,
            assignment.c.description,
            assignment.c.due_at,
            assignment.c.maximum,
            assignment.c.kind,
            assignment.c.parts,
            category.c.title.label("category"),
            term.c.title.label("term"),
            func.count(score.c.id).label("score_count"),
            func.count(score.c.person_id.distinct()).label("scored"),
            source.c.name.label("source"),
            assignment.c.web_url,
        )
        .join(source, source.c.id == assignment.c.source_id)
        .outerjoin(score, and_(score.c.assignment_id == assignment.c.id, _has_score()))
        .outerjoin(category, _named(category, "category_sourced_id"))
        .outerjoin(term, _named(term, "term_sourced_id"))
        .where(mine, assignment.c.status == "active")
        .group_by(assignment.c.id, category.c.title, term.c.title, source.c.name)
        .order_by(assignment.c.due_at.desc(), assignment.c.title, assignment.c.id)
    )
    return [
        AlignedAssignment(
            id=row.id,
            sourced_id=row.sourced_id,
            title=row.title,
            description=row.description,
            due_at=row.due_at,
            maximum=row.maximum,
            kind=row.kind,
            category=row.category,
            term=row.term,
            # What two systems say of a student is one score.
            score_count=row.scored if row.id in same else row.score_count,
            parts=_parts([row.parts, *(one.parts for one in same.get(row.id, ()))]),
            source=row.source,
            web_url=row.web_url,
            also=tuple(
                Elsewhere(one.source, one.web_url) for one in same.get(row.id, ())
            ),
            **_told(held.get(row.id, ())),
        )
        for row in found
    ]


def _parts(told: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """What can speak by itself: as the work itself says, else as the same elsewhere."""
    said = next((parts for parts in told if parts), ())
    return tuple((one["key"], one["title"]) for one in said)


def _load_same(session: Session, course_id: int) -> dict[int, list[Any]]:
    """What in LMSs is the same as work of a course: source, web_url, parts."""
    found: dict[int, list[Any]] = {}
    for row in session.execute(
        select(
            assignment.c.twin_id,
            source.c.name.label("source"),
            assignment.c.web_url,
            assignment.c.parts,
        )
        .join(source, source.c.id == assignment.c.source_id)
        .where(
            assignment.c.course_id == course_id,
            assignment.c.twin_id.is_not(None),
            assignment.c.status == "active",
        )
        .order_by(assignment.c.id)
    ):
        found.setdefault(row.twin_id, []).append(row)
    return found


def _load_held(session: Session, course_id: int) -> dict[int, list[dict[str, Any]]]:
    """The alignments of a course by assignment, in the order of the competencies."""
    held: dict[int, list[dict[str, Any]]] = {}
    found = rows(
        session,
        select(
            alignment.c.assignment_id,
            alignment.c.id,
            alignment.c.competency_id,
            alignment.c.weight,
            alignment.c.made_by,
            alignment.c.part,
            alignment.c.is_practice,
        )
        .join(competency, competency.c.id == alignment.c.competency_id)
        .where(alignment.c.course_id == course_id)
        .order_by(competency.c.position, alignment.c.id),
    )
    for row in found:
        held.setdefault(row["assignment_id"], []).append(row)
    return held


def _told(held: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The fields of an AlignedAssignment that its alignments fill."""
    return {
        "alignments": tuple(
            (one["id"], one["competency_id"], one["weight"]) for one in held
        ),
        "by_sis": tuple(one["id"] for one in held if one["made_by"] == BY_SIS),
        "part_of": {one["id"]: one["part"] for one in held if one["part"]},
        "practice": tuple(one["id"] for one in held if one["is_practice"]),
    }


def _has_score() -> ColumnElement[bool]:
    return or_(score.c.given.is_not(None), score.c.text_score.is_not(None))


def _named(table: Table, name: str) -> ColumnElement[bool]:
    return and_(
        table.c.source_id == assignment.c.source_id,
        table.c.sourced_id == assignment.c[name],
    )


def save_alignment(
    session: Session, new: NewAlignment, *, made_by: str, now: datetime
) -> bool:
    """Let an assignment speak for a competency; tells whether anything changed."""
    place = (new.course_id, new.assignment_id, new.competency_id)
    old = session.execute(
        select(alignment.c.weight, alignment.c.is_practice).where(
            _is(alignment, *place), alignment.c.part == new.part
        )
    ).one_or_none()
    said = {"weight": new.weight, "is_practice": new.is_practice}
    if old is not None and (old.weight, old.is_practice) == (*said.values(),):
        return False
    statement = upsert(session, alignment).values(
        course_id=new.course_id,
        assignment_id=new.assignment_id,
        competency_id=new.competency_id,
        part=new.part,
        made_by=made_by,
        created_at=now,
        **said,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=_WHOLE, set_={**said, "made_by": made_by}
        )
    )
    session.execute(delete(declined_alignment).where(_is(declined_alignment, *place)))
    how = {"part": new.part} if new.part else {}
    put_change(
        session,
        at=now,
        who=made_by,
        what="alignment saved",
        subject=("assignment", new.assignment_id),
        before=None if old is None else _how(old.weight, is_practice=old.is_practice),
        after={
            "competency_id": new.competency_id,
            **_how(new.weight, is_practice=new.is_practice),
            **how,
        },
    )
    return True


def _how(weight: float, *, is_practice: bool) -> dict[str, Any]:
    return {"weight": weight, **({"is_practice": True} if is_practice else {})}


def _is(
    table: Table,
    course_id: int,
    assignment_id: int,
    competency_id: int,
) -> ColumnElement[bool]:
    return and_(
        table.c.course_id == course_id,
        table.c.assignment_id == assignment_id,
        table.c.competency_id == competency_id,
    )


def remove_alignment(
    session: Session, *, course_id: int, alignment_id: int, made_by: str, now: datetime
) -> bool:
    """Take an alignment back; tells whether there was one in this course.

    What the SIS says of the work does not make it anew.
    """
    gone = session.execute(
        delete(alignment)
        .where(alignment.c.id == alignment_id, alignment.c.course_id == course_id)
        .returning(
            alignment.c.assignment_id, alignment.c.competency_id, alignment.c.weight
        )
    ).one_or_none()
    if gone is None:
        return False
    declined = upsert(session, declined_alignment).values(
        course_id=course_id,
        assignment_id=gone.assignment_id,
        competency_id=gone.competency_id,
        declined_by=made_by,
        declined_at=now,
    )
    session.execute(declined.on_conflict_do_nothing(index_elements=_KEY))
    put_change(
        session,
        at=now,
        who=made_by,
        what="alignment removed",
        subject=("assignment", gone.assignment_id),
        before={"competency_id": gone.competency_id, "weight": gone.weight},
    )
    return True
