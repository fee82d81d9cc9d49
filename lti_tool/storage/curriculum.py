"""Courses with their plans: framework, alignments, rule and scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.orm import Session

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows, upsert
from lti_tool.storage.evidence import put_change
from lti_tool.storage.naming import find_course
from lti_tool.storage.schema import (
    alignment,
    assignment,
    association,
    competency,
    course,
    course_destination,
    framework,
    score,
    sis_class,
)
from mappings.scales import FOUR, Level, Scale

__all__ = [
    "AlignedAssignment",
    "Plan",
    "PlanCompetency",
    "find_course",
    "insert_course",
    "load_assignments",
    "load_destinations",
    "load_plan",
    "parse_scale",
    "remove_alignment",
    "save_alignment",
    "save_course_plan",
    "save_destination",
    "take_framework",
]


@dataclass(frozen=True, slots=True)
class PlanCompetency:
    """One competency of a course's plan, in reading order."""

    id: int
    case_id: str
    human_code: str | None
    statement: str
    abbreviated: str | None
    area: str
    position: int
    language: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Framework, rule and scale of one course; alignments are counted elsewhere."""

    course_id: int
    title: str
    framework_id: int | None
    framework_title: str | None
    competencies: tuple[PlanCompetency, ...]
    scale: Scale
    rule: str
    parameter: float | None
    source_id: int | None
    class_sourced_id: str | None
    refreshed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlignedAssignment:
    """One assignment of a course with the competencies it speaks for."""

    id: int
    sourced_id: str
    title: str
    description: str | None
    due_at: datetime | None
    maximum: float | None
    score_count: int
    alignments: tuple[tuple[int, int, float], ...]  # (alignment, competency, weight)


def load_plan(session: Session, course_id: int) -> Plan:
    """Return the plan of a course.

    Raises:
        NotFoundError: there is no such course.
    """
    found = session.execute(
        select(
            course,
            framework.c.title.label("framework_title"),
            sis_class.c.source_id,
            sis_class.c.sourced_id,
        )
        .outerjoin(framework, framework.c.id == course.c.framework_id)
        .outerjoin(sis_class, sis_class.c.id == course.c.sis_class_id)
        .where(course.c.id == course_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"no course {course_id}")
    return Plan(
        course_id=course_id,
        title=found.title,
        framework_id=found.framework_id,
        framework_title=found.framework_title,
        competencies=_plan_competencies(session, found.framework_id),
        scale=parse_scale(found.scale, found.mastery_cut),
        rule=found.rule,
        parameter=found.parameter,
        source_id=found.source_id,
        class_sourced_id=found.sourced_id,
        refreshed_at=found.refreshed_at,
    )


def parse_scale(levels: Sequence[Mapping[str, Any]] | None, cut: float | None) -> Scale:
    """Return the stored scale, or the default one; cut replaces its mastery cut."""
    stored = (
        tuple(Level(one["name"], one["cut"], one["points"]) for one in levels)
        if levels
        else FOUR.levels
    )
    mastery = cut if cut is not None else FOUR.mastery
    return Scale(stored, mastery)


def _plan_competencies(
    session: Session, framework_id: int | None
) -> tuple[PlanCompetency, ...]:
    if framework_id is None:
        return ()
    parent = competency.alias()
    found = session.execute(
        select(
            competency.c.id,
            competency.c.case_id,
            competency.c.human_code,
            competency.c.statement,
            competency.c.abbreviated,
            func.coalesce(parent.c.abbreviated, parent.c.statement, "").label("area"),
            competency.c.position,
            func.coalesce(
                func.nullif(competency.c.language, ""), framework.c.language
            ).label("language"),
        )
        .join(framework, framework.c.id == competency.c.framework_id)
        .outerjoin(
            association,
            and_(
                association.c.framework_id == framework_id,
                association.c.kind == "isChildOf",
                association.c.origin_case_id == competency.c.case_id,
                association.c.retired_at.is_(None),
            ),
        )
        .outerjoin(
            parent,
            and_(
                parent.c.framework_id == framework_id,
                parent.c.case_id == association.c.destination_case_id,
            ),
        )
        .where(
            competency.c.framework_id == framework_id,
            competency.c.is_assessable,
            competency.c.retired_at.is_(None),
        )
        .order_by(competency.c.position)
    )
    by_id: dict[int, PlanCompetency] = {}
    for row in found:  # several parents: the first one names the area
        by_id.setdefault(row.id, PlanCompetency(*row))
    return tuple(by_id.values())


def load_assignments(session: Session, course_id: int) -> list[AlignedAssignment]:
    """Return the assignments of a course, newest due first, with their alignments."""
    pairs: dict[int, list[tuple[int, int, float]]] = {}
    for assignment_id, *pair in session.execute(
        select(
            alignment.c.assignment_id,
            alignment.c.id,
            alignment.c.competency_id,
            alignment.c.weight,
        )
        .join(competency, competency.c.id == alignment.c.competency_id)
        .where(alignment.c.course_id == course_id)
        .order_by(competency.c.position)
    ):
        pairs.setdefault(assignment_id, []).append((pair[0], pair[1], pair[2]))
    found = session.execute(
        select(
            assignment.c.id,
            assignment.c.sourced_id,
            assignment.c.title,
            assignment.c.description,
            assignment.c.due_at,
            assignment.c.maximum,
            func.count(score.c.id).label("score_count"),
        )
        .outerjoin(
            score,
            and_(score.c.assignment_id == assignment.c.id, score.c.given.is_not(None)),
        )
        .where(assignment.c.course_id == course_id, assignment.c.status == "active")
        .group_by(assignment.c.id)
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
            score_count=row.score_count,
            alignments=tuple(pairs.get(row.id, ())),
        )
        for row in found
    ]


def save_alignment(  # noqa: PLR0913 -- the parts of one alignment and of its audit row
    session: Session,
    *,
    course_id: int,
    assignment_id: int,
    competency_id: int,
    weight: float,
    made_by: str,
    now: datetime,
) -> bool:
    """Let an assignment speak for a competency; tells whether anything changed."""
    old = session.scalar(
        select(alignment.c.weight).where(
            alignment.c.assignment_id == assignment_id,
            alignment.c.competency_id == competency_id,
        )
    )
    if old == weight:
        return False
    statement = upsert(session, alignment).values(
        course_id=course_id,
        assignment_id=assignment_id,
        competency_id=competency_id,
        weight=weight,
        made_by=made_by,
        created_at=now,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["assignment_id", "competency_id"],
            set_={"weight": weight, "made_by": made_by},
        )
    )
    put_change(
        session,
        at=now,
        who=made_by,
        what="alignment saved",
        subject=("assignment", assignment_id),
        before=None if old is None else {"weight": old},
        after={"competency_id": competency_id, "weight": weight},
    )
    return True


def remove_alignment(
    session: Session, *, course_id: int, alignment_id: int, made_by: str, now: datetime
) -> bool:
    """Take an alignment back; tells whether there was one in this course."""
    gone = session.execute(
        delete(alignment)
        .where(alignment.c.id == alignment_id, alignment.c.course_id == course_id)
        .returning(
            alignment.c.assignment_id, alignment.c.competency_id, alignment.c.weight
        )
    ).one_or_none()
    if gone is None:
        return False
    put_change(
        session,
        at=now,
        who=made_by,
        what="alignment removed",
        subject=("assignment", gone.assignment_id),
        before={"competency_id": gone.competency_id, "weight": gone.weight},
    )
    return True


def save_course_plan(
    session: Session,
    course_id: int,
    values: Mapping[str, Any],
    *,
    who: str,
    now: datetime,
) -> None:
    """Write framework_id, rule, parameter, scale or mastery_cut of a course."""
    names = ("framework_id", "rule", "parameter", "scale", "mastery_cut")
    (before,) = rows(
        session,
        select(*(course.c[name] for name in names)).where(course.c.id == course_id),
    )
    session.execute(update(course).where(course.c.id == course_id).values(**values))
    put_change(
        session,
        at=now,
        who=who,
        what="course plan set",
        subject=("course", course_id),
        before={name: before[name] for name in values},
        after=dict(values),
    )


def save_destination(
    session: Session,
    course_id: int,
    destination: str,
    *,
    is_on: bool,
    who: str,
    now: datetime,
) -> None:
    """Switch a destination of a course on or off."""
    values = {"is_on": is_on, "changed_by": who, "changed_at": now}
    session.execute(
        upsert(session, course_destination)
        .values(course_id=course_id, destination=destination, **values)
        .on_conflict_do_update(index_elements=["course_id", "destination"], set_=values)
    )
    put_change(
        session,
        at=now,
        who=who,
        what=f"destination {destination} {'on' if is_on else 'off'}",
        subject=("course", course_id),
    )


def load_destinations(session: Session, course_id: int) -> list[str]:
    """Return the destinations of a course that are switched on, sorted."""
    return list(
        session.scalars(
            select(course_destination.c.destination)
            .where(
                course_destination.c.course_id == course_id, course_destination.c.is_on
            )
            .order_by(course_destination.c.destination)
        )
    )


def take_framework(session: Session, framework_id: int) -> int:
    """Give the framework to every course that has none yet; returns how many."""
    found = session.execute(
        update(course)
        .where(course.c.framework_id.is_(None))
        .values(framework_id=framework_id)
        .returning(course.c.id)
    )
    return len(found.all())


def insert_course(session: Session, title: str, now: datetime) -> int:
    """Make a course that no SIS class stands behind; returns its id."""
    return int(
        session.execute(
            insert(course).values(title=title, created_at=now).returning(course.c.id)
        ).scalar_one()
    )
