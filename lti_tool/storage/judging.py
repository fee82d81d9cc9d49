"""By what courses and records are judged: rule, scale, order, what counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, exists, func, or_, select

from lti_tool.storage.curriculum import parse_scale
from lti_tool.storage.database import rows
from lti_tool.storage.schema import (
    association,
    competency,
    competency_rule,
    course,
    record_rule,
    sis_class,
)
from lti_tool.storage.session import Session
from mappings.counting import USUAL_KINDS, Counting, Terms, shares_before
from mappings.rules import CERTAINTY, rule
from mappings.scales import Scale


@dataclass(frozen=True, slots=True)
class Judging:
    """By what the competencies of one framework are judged, in a course or a record.

    Attributes:
        usual: the terms of every competency that has none of its own.
        own: those of the others, by competency.
        competencies: what there is to be judged; a course without framework has none.
        before: the direct predecessors of a competency; empty where a success at a
            successor is worth nothing.
    """

    framework_id: int | None
    usual: Terms
    own: Mapping[int, Terms] = field(default_factory=dict)
    competencies: frozenset[int] = frozenset()
    before: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def scale(self) -> Scale:
        """The scale of the course or the record."""
        return self.usual.scale

    def terms(self, competency_id: int) -> Terms:
        """By what one competency is judged."""
        return self.own.get(competency_id, self.usual)

    def worth_before(self, competency_id: int) -> dict[int, float]:
        """What a success at a competency is worth for each that comes before it."""
        share = self.usual.counting.successor_share
        if not share or not self.before:
            return {}
        return shares_before(competency_id, self.before, share)


def load(
    session: Session,
    courses: Collection[int],
    *,
    only: Collection[int] | None = None,
) -> dict[int, Judging]:
    """Return by what each course is judged; a course that is not there is left out.

    only: of the competencies of a framework name just these, and those before them.
    """
    found = session.execute(select(course).where(course.c.id.in_(courses))).all()
    frameworks = {row.framework_id for row in found} - {None}
    if any(row.successor_share for row in found):
        only = None
    inside = _competencies(session, frameworks, only)
    before = _before(
        session, {row.framework_id for row in found if row.successor_share} - {None}
    )
    own = _own_rules(session, courses)
    return {row.id: _judging(row, own, inside, before) for row in found}


def load_records(
    session: Session,
    frameworks: Collection[int],
    *,
    only: Collection[int] | None = None,
) -> dict[int, Judging]:
    """Return by what the records of frameworks are judged: as chosen, or as usual.

    only: of the competencies of a framework name just these.
    """
    chosen = {
        row["framework_id"]: row
        for row in rows(
            session,
            select(record_rule).where(record_rule.c.framework_id.in_(frameworks)),
        )
    }
    inside = _competencies(session, frameworks, only)
    return {
        one: Judging(
            one,
            _record_terms(chosen[one]) if one in chosen else _USUAL_TERMS,
            {},
            inside.get(one, _NONE),
        )
        for one in frameworks
    }


def judging_by(
    session: Session, framework_id: int, settings: Mapping[str, Any]
) -> Judging:
    """Return by what the records of a framework would be judged under settings.

    settings: what a row of record_rule holds.
    """
    inside = _competencies(session, [framework_id])
    return Judging(
        framework_id, _record_terms(settings), {}, inside.get(framework_id, _NONE)
    )


_NONE: frozenset[int] = frozenset()
_USUAL_TERMS = Terms(rule(CERTAINTY), parse_scale(None, None))


def ageing_courses(session: Session) -> list[int]:
    """Return the courses whose levels, or whose students' records, change by age.

    Every course with a framework, unless neither its own rules nor its record's
    look at age; a record without a rule of its own does. Those of a school beside each
    other. One question, whatever the number of courses.
    """
    own = exists().where(
        competency_rule.c.course_id == course.c.id, competency_rule.c.rule == CERTAINTY
    )
    ageless_record = exists().where(
        record_rule.c.framework_id == course.c.framework_id,
        record_rule.c.rule != CERTAINTY,
    )
    return list(
        session.scalars(
            select(course.c.id)
            .outerjoin(sis_class, sis_class.c.id == course.c.sis_class_id)
            .where(
                course.c.framework_id.is_not(None),
                course.c.refreshed_at.is_not(None),
                or_(course.c.rule == CERTAINTY, own, ~ageless_record),
            )
            .order_by(func.coalesce(sis_class.c.school_sourced_id, ""), course.c.id)
        )
    )


def framework_of(session: Session, competency_id: int) -> int | None:
    """Return the framework of a competency, None if there is no such one."""
    return session.scalar(
        select(competency.c.framework_id).where(competency.c.id == competency_id)
    )


def _record_terms(row: Mapping[str, Any]) -> Terms:
    return Terms(
        rule(row["rule"], row["parameter"]),
        parse_scale(row["scale"], row["mastery_cut"]),
        Counting(row["evidence_order"], row["minimum_pieces"]),
    )


def _judging(
    row: Row[Any],
    own: Mapping[int, Mapping[int, Row[Any]]],
    inside: Mapping[int, frozenset[int]],
    before: Mapping[int, Mapping[int, tuple[int, ...]]],
) -> Judging:
    usual = Terms(
        rule(row.rule, row.parameter),
        parse_scale(row.scale, row.mastery_cut),
        Counting(
            row.evidence_order,
            row.minimum_pieces,
            USUAL_KINDS if row.counts is None else frozenset(row.counts),
            row.successor_share,
        ),
    )
    mine = own.get(row.id, {})
    return Judging(
        row.framework_id,
        usual,
        {competency_id: _own_terms(usual, one) for competency_id, one in mine.items()},
        inside.get(row.framework_id, _NONE),
        before.get(row.framework_id, {}) if row.successor_share else {},
    )


def _own_terms(usual: Terms, row: Row[Any]) -> Terms:
    counting = usual.counting
    return Terms(
        rule(row.rule, row.parameter),
        usual.scale,
        Counting(
            counting.order,
            row.minimum_pieces or counting.minimum,
            counting.kinds,
            counting.successor_share,
        ),
    )


def _own_rules(
    session: Session, courses: Collection[int]
) -> dict[int, dict[int, Row[Any]]]:
    found: dict[int, dict[int, Row[Any]]] = {}
    for row in session.execute(
        select(competency_rule).where(competency_rule.c.course_id.in_(courses))
    ):
        found.setdefault(row.course_id, {})[row.competency_id] = row
    return found


def _competencies(
    session: Session, frameworks: Collection[int], only: Collection[int] | None = None
) -> dict[int, frozenset[int]]:
    """Return what of each framework is judged, as a plan shows it."""
    statement = select(competency.c.framework_id, competency.c.id).where(
        competency.c.framework_id.in_(frameworks),
        competency.c.is_assessable,
        competency.c.retired_at.is_(None),
    )
    if only is not None:
        statement = statement.where(competency.c.id.in_(only))
    found: dict[int, set[int]] = {}
    for row in session.execute(statement):
        found.setdefault(row.framework_id, set()).add(row.id)
    return {one: frozenset(ids) for one, ids in found.items()}


def _before(
    session: Session, frameworks: Collection[int]
) -> dict[int, dict[int, tuple[int, ...]]]:
    """Return the direct predecessors of each competency, by framework."""
    earlier, later = competency.alias("earlier"), competency.alias("later")
    found: dict[int, dict[int, set[int]]] = {}
    for row in session.execute(
        select(association.c.framework_id, earlier.c.id.label("first"), later.c.id)
        .join(
            earlier,
            (earlier.c.framework_id == association.c.framework_id)
            & (earlier.c.case_id == association.c.origin_case_id),
        )
        .join(
            later,
            (later.c.framework_id == association.c.framework_id)
            & (later.c.case_id == association.c.destination_case_id),
        )
        .where(
            association.c.framework_id.in_(frameworks),
            association.c.kind == "precedes",
            association.c.retired_at.is_(None),
        )
    ):
        mine = found.setdefault(row.framework_id, {})
        mine.setdefault(row.id, set()).add(row.first)
    return {
        one: {later_id: tuple(sorted(ids)) for later_id, ids in edges.items()}
        for one, edges in found.items()
    }
