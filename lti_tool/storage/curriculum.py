"""Courses with their plans: framework, alignments, rule and scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import and_, delete, func, insert, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.alignments import (
    AlignedAssignment,
    load_assignments,
    remove_alignment,
    save_alignment,
)
from lti_tool.storage.database import rows, upsert
from lti_tool.storage.endings import load_ended_on
from lti_tool.storage.evidence import put_change
from lti_tool.storage.naming import find_course
from lti_tool.storage.schema import (
    association,
    competency,
    competency_rule,
    course,
    course_destination,
    framework,
    sis_class,
)
from lti_tool.storage.session import Session
from mappings.scales import FOUR, Level, Scale

__all__ = [
    "AlignedAssignment",
    "OwnRule",
    "Plan",
    "PlanCompetency",
    "colours_of",
    "find_course",
    "insert_course",
    "load_assignments",
    "load_destinations",
    "load_plan",
    "load_plan_values",
    "load_scale",
    "parse_scale",
    "remove_alignment",
    "save_alignment",
    "save_course_plan",
    "save_destination",
    "take_framework",
]


# What of a course says how it is judged; "rules" beside them are the competencies' own.
PLAN: Final = (
    "framework_id",
    "rule",
    "parameter",
    "scale",
    "mastery_cut",
    "evidence_order",
    "minimum_pieces",
    "counts",
    "successor_share",
)


@dataclass(frozen=True, slots=True)
class OwnRule:
    """How one competency of a course is judged, where that differs from the course."""

    rule: str
    parameter: float | None = None
    minimum_pieces: int | None = None  # None: as the course


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
    """Framework, rule and scale of one course; alignments are counted elsewhere.

    Attributes:
        evidence_order: submitted, due or assessed: the time that orders evidence.
        counts: the kinds of evidence that count; None: the usual ones.
        successor_share: what evidence for a successor is worth before it; 0: nothing.
        own_rules: the competencies that are judged otherwise, by id.
        colours: a fill a level, lowest first; empty: the usual palette.
        status: active, or how the class of the SIS ended.
        ended_on: the day it ended, where it has and that is told.
    """

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
    evidence_order: str = "submitted"
    minimum_pieces: int = 1
    counts: tuple[str, ...] | None = None
    successor_share: float = 0.0
    own_rules: Mapping[int, OwnRule] = field(default_factory=dict)
    colours: tuple[str, ...] = ()
    status: str = "active"
    ended_on: date | None = None

    def rule_of(self, competency_id: int) -> tuple[str, float | None]:
        """Return name and parameter of the rule that judges a competency."""
        own = self.own_rules.get(competency_id)
        if own is None:
            return self.rule, self.parameter
        return own.rule, own.parameter


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
        evidence_order=found.evidence_order,
        minimum_pieces=found.minimum_pieces,
        counts=None if found.counts is None else tuple(found.counts),
        successor_share=found.successor_share,
        own_rules=_own_rules(session, course_id),
        colours=colours_of(found.scale),
        status=found.status,
        ended_on=(
            None if found.status == "active" else load_ended_on(session, course_id)
        ),
    )


def _own_rules(session: Session, course_id: int) -> dict[int, OwnRule]:
    table = competency_rule.c
    found = session.execute(
        select(
            table.competency_id, table.rule, table.parameter, table.minimum_pieces
        ).where(table.course_id == course_id)
    )
    return {row.competency_id: OwnRule(*row[1:]) for row in found}


def colours_of(levels: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:
    """Return the fills of a stored scale, or none where one of its levels has none."""
    found = tuple(one.get("colour") or "" for one in levels or ())
    return found if all(found) else ()


def load_scale(session: Session, course_id: int) -> Scale:
    """Return the scale of a course alone."""
    found = session.execute(
        select(course.c.scale, course.c.mastery_cut).where(course.c.id == course_id)
    ).one()
    return parse_scale(found.scale, found.mastery_cut)


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


def load_plan_values(session: Session, course_id: int) -> dict[str, Any]:
    """Return all that says how a course is judged, as columns and "rules" hold it.

    "rules" has a dict a competency, by the id as text: it goes through JSON unchanged.
    """
    (found,) = rows(
        session,
        select(*(course.c[name] for name in PLAN)).where(course.c.id == course_id),
    )
    own = _own_rules(session, course_id)
    found["rules"] = {
        str(one): {
            "rule": own[one].rule,
            "parameter": own[one].parameter,
            "minimum_pieces": own[one].minimum_pieces,
        }
        for one in sorted(own)
    }
    return found


def save_course_plan(
    session: Session,
    course_id: int,
    values: Mapping[str, Any],
    *,
    who: str,
    now: datetime,
) -> None:
    """Write some of the values that ``load_plan_values`` returns."""
    before = load_plan_values(session, course_id)
    columns = {name: value for name, value in values.items() if name != "rules"}
    if columns:
        session.execute(
            update(course).where(course.c.id == course_id).values(**columns)
        )
    if "rules" in values:
        _save_rules(session, course_id, values["rules"])
    put_change(
        session,
        at=now,
        who=who,
        what="course plan set",
        subject=("course", course_id),
        before={name: before[name] for name in values},
        after=dict(values),
    )


def _save_rules(
    session: Session, course_id: int, rules: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the competencies' own rules; a row that stays keeps its id."""
    table = competency_rule
    kept = [int(one) for one in rules]
    session.execute(
        delete(table).where(
            table.c.course_id == course_id, table.c.competency_id.not_in(kept)
        )
    )
    if rules:
        statement = upsert(session, table)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["course_id", "competency_id"],
                set_={
                    name: statement.excluded[name]
                    for name in ("rule", "parameter", "minimum_pieces")
                },
            ),
            [
                {"course_id": course_id, "competency_id": int(one), **own}
                for one, own in rules.items()
            ],
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
