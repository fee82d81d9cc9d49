"""What a column in a SIS must name: term, school, category, scale; and ids it gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, case, func, or_, select

from lti_tool.storage.database import upsert
from lti_tool.storage.schema import (
    assignment,
    category,
    delivery,
    line_item,
    score_scale,
    sis_class,
    sis_result,
    sis_user,
    term,
)
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True)
class SisTerm:
    """A term or grading period of a class."""

    sourced_id: str
    kind: str
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """A class as its SIS has it.

    Attributes:
        term: the one that goes on, by preference a grading period; else the next one,
            else the last.
        category: the one that most of its work is in.
        scales: sourcedId and (word, worth) of those that may be named, its own first.
    """

    school_sourced_id: str | None
    term: SisTerm | None
    category: str | None
    scales: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def load_class(
    session: Session, source_id: int, class_sourced_id: str, today: date
) -> ClassFacts:
    """Return what is known of a class; nothing of one that was never synced."""
    found = session.execute(
        select(sis_class).where(
            sis_class.c.source_id == source_id,
            sis_class.c.sourced_id == class_sourced_id,
        )
    ).one_or_none()
    if found is None:
        return ClassFacts(None, None, None, ())
    return ClassFacts(
        found.school_sourced_id,
        _load_term(session, source_id, list(found.term_sourced_ids or ()), today),
        _load_category(session, source_id, class_sourced_id),
        tuple(
            (row.sourced_id, tuple((str(one[0]), str(one[1])) for one in row.steps))
            for row in session.execute(_scales(found))
        ),
    )


def _load_term(
    session: Session, source_id: int, names: list[str], today: date
) -> SisTerm | None:
    own = term.c.sourced_id.in_(names)
    below = term.c.parent_sourced_id.in_(names) & (term.c.kind == "gradingPeriod")
    goes_on = (term.c.starts_on <= today) & (term.c.ends_on >= today)
    found = session.execute(
        select(term.c.sourced_id, term.c.kind, term.c.ends_on)
        .where(term.c.source_id == source_id, term.c.status == "active", own | below)
        .order_by(
            case((goes_on, 0), (term.c.starts_on > today, 1), else_=2),
            case((term.c.kind == "gradingPeriod", 0), else_=1),
            case((term.c.starts_on > today, term.c.starts_on)),
            term.c.ends_on.desc(),
            term.c.sourced_id,
        )
        .limit(1)
    ).one_or_none()
    return None if found is None else SisTerm(*found)


def _load_category(
    session: Session, source_id: int, class_sourced_id: str
) -> str | None:
    return session.scalar(
        select(category.c.sourced_id)
        .join(assignment, assignment.c.category_sourced_id == category.c.sourced_id)
        .where(
            category.c.source_id == source_id,
            category.c.status == "active",
            assignment.c.source_id == source_id,
            assignment.c.class_sourced_id == class_sourced_id,
        )
        .group_by(category.c.sourced_id)
        .order_by(func.count().desc(), category.c.sourced_id)
        .limit(1)
    )


def _scales(group: Row[Any]) -> Select[Any]:
    of_class = score_scale.c.class_sourced_id == group.sourced_id
    of_course = score_scale.c.course_sourced_id == group.sis_course_sourced_id
    of_school = score_scale.c.org_sourced_id == group.school_sourced_id
    for_none = score_scale.c.class_sourced_id.is_(None)
    return (
        select(score_scale.c.sourced_id, score_scale.c.steps)
        .where(
            score_scale.c.source_id == group.source_id,
            score_scale.c.status == "active",
            or_(of_class, for_none & (of_course | of_school)),
        )
        .order_by(
            case((of_class, 0), (of_course, 1), else_=2), score_scale.c.sourced_id
        )
    )


def load_told_values(
    session: Session, course_id: int
) -> Mapping[str | None, frozenset[float]]:
    """Return by level the values that a course's SIS was told, or is to be."""
    found: dict[str | None, set[float]] = {}
    for level, value in session.execute(
        select(delivery.c.level_name, delivery.c.value)
        .where(
            delivery.c.destination == "oneroster",
            delivery.c.course_id == course_id,
            delivery.c.value.is_not(None),
        )
        .distinct()
    ):
        found.setdefault(level, set()).add(value)
    return {level: frozenset(values) for level, values in found.items()}


def load_results(
    session: Session, source_id: int, kind: str, address: str
) -> dict[str, str]:
    """Return by student what the SIS calls our results in a column, where kept."""
    found = session.execute(
        select(sis_user.c.sourced_id, sis_result.c.sourced_id)
        .join(line_item, line_item.c.id == sis_result.c.line_item_id)
        .join(sis_user, sis_user.c.person_id == sis_result.c.person_id)
        .where(
            sis_user.c.source_id == source_id,
            line_item.c.source_id == source_id,
            line_item.c.kind == kind,
            line_item.c.address == address,
        )
    )
    return dict(map(tuple, found))


def save_result(
    session: Session,
    column: tuple[int, str, str],
    student: str,
    sourced_id: str,
    now: datetime,
) -> None:
    """Keep what the SIS calls a student's result; column: source, kind and address.

    Of a column or a student that we do not know nothing is kept.
    """
    source_id, kind, address = column
    line_item_id = session.scalar(
        select(line_item.c.id).where(
            line_item.c.source_id == source_id,
            line_item.c.kind == kind,
            line_item.c.address == address,
        )
    )
    person_id = session.scalar(
        select(sis_user.c.person_id).where(
            sis_user.c.source_id == source_id, sis_user.c.sourced_id == student
        )
    )
    if line_item_id is None or person_id is None:
        return
    values = {"sourced_id": sourced_id, "told_at": now}
    session.execute(
        upsert(session, sis_result)
        .values(line_item_id=line_item_id, person_id=person_id, **values)
        .on_conflict_do_update(
            index_elements=["line_item_id", "person_id"], set_=values
        )
    )
