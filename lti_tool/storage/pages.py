"""Read models of the pages: each is one or two statements, whatever the class size."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CTE, ScalarSelect, and_, case, func, select

from lti_tool.storage.database import rows
from lti_tool.storage.schema import (
    alignment,
    association,
    attainment,
    competency,
    course,
    delivery,
    difference,
    framework,
    lms_user,
    person,
    score,
    seat,
    source,
    teacher_level,
)
from lti_tool.storage.session import Session
from lti_tool.storage.sources import is_sis
from lti_tool.storage.standing import STANDS
from lti_tool.storage.summaries import summary_title

WAITING = ("pending", "sending", "unknown")
REFUSED = ("blocked", "conflict", "dead")
# What Cell.sending says: nothing to tell, on its way, refused, another value there.
SENT, ON_ITS_WAY, NOT_SENT, OTHERWISE = 0, 1, 2, 3
# What Cell.teacher says: by rule, set by a teacher, and with evidence dated since.
BY_RULE, BY_TEACHER, WITH_NEWS = 0, 1, 2


class Student(NamedTuple):
    """One row of the class grid."""

    person_id: int
    given_name: str
    family_name: str
    display_name: str


class Cell(NamedTuple):
    """One student's standing in one competency, as stored."""

    person_id: int
    competency_id: int
    level: int | None
    value: float | None
    is_mastered: bool
    evidence_count: int
    rule: str
    parameter: float | None
    sending: int
    teacher: int = 0  # whether a teacher set the level


@dataclass(frozen=True, slots=True)
class Freshness:
    """How new the facts of a course are, and what waits to be sent."""

    rosters_at: datetime | None
    sources: str | None
    refreshed_at: datetime | None
    waiting: int
    refused: int


def load_students(session: Session, course_id: int) -> list[Student]:
    """Return the learners of a course, by family name."""
    found = session.execute(
        select(
            person.c.id,
            person.c.given_name,
            person.c.family_name,
            person.c.display_name,
        )
        .join(seat, seat.c.person_id == person.c.id)
        .where(
            seat.c.course_id == course_id,
            seat.c.role == "learner",
            seat.c.status == "active",
        )
        .order_by(person.c.family_name, person.c.given_name, person.c.id)
    )
    return [Student._make(row) for row in found]


def load_cells(
    session: Session, course_id: int, *, person_id: int | None = None
) -> list[Cell]:
    """Return the standings of a course, or of one person in it, in one statement."""
    newest = newest_of(course_id)
    trouble = (
        select(
            newest.c.person_id,
            newest.c.competency_id,
            func.max(
                case(
                    (newest.c.state == "conflict", OTHERWISE),
                    (difference.c.id.is_not(None), OTHERWISE),
                    (newest.c.state.in_(REFUSED), NOT_SENT),
                    (newest.c.state.in_(WAITING), ON_ITS_WAY),
                    else_=SENT,
                )
            ).label("sending"),
        )
        .outerjoin(
            difference,
            and_(
                difference.c.delivery_id == newest.c.id,
                difference.c.status == "open",
            ),
        )
        .group_by(newest.c.person_id, newest.c.competency_id)
        .cte("trouble")
    )
    statement = (
        select(
            attainment.c.person_id,
            attainment.c.competency_id,
            attainment.c.level,
            attainment.c.value,
            attainment.c.is_mastered,
            attainment.c.evidence_count,
            attainment.c.rule,
            attainment.c.parameter,
            func.coalesce(trouble.c.sending, SENT),
            case(
                (teacher_level.c.id.is_(None), BY_RULE),
                (attainment.c.evidence_at > teacher_level.c.made_at, WITH_NEWS),
                else_=BY_TEACHER,
            ),
        )
        .outerjoin(teacher_level, teacher_level.c.id == attainment.c.teacher_level_id)
        .outerjoin(
            trouble,
            and_(
                trouble.c.person_id == attainment.c.person_id,
                trouble.c.competency_id == attainment.c.competency_id,
            ),
        )
        .where(attainment.c.course_id == course_id, STANDS)
    )
    if person_id is not None:
        statement = statement.where(attainment.c.person_id == person_id)
    return [Cell._make(row) for row in session.execute(statement)]


def newest_of(course_id: int) -> CTE:
    """The newest delivery of each key of a course that still stands."""
    last = (
        select(func.max(delivery.c.id))
        .where(delivery.c.course_id == course_id, delivery.c.state != "superseded")
        .group_by(
            delivery.c.destination, delivery.c.person_id, delivery.c.competency_id
        )
    )
    return (
        select(delivery)
        .where(delivery.c.course_id == course_id, delivery.c.id.in_(last))
        .cte("newest")
    )


def load_freshness(session: Session, course_id: int) -> Freshness:
    """Return how new the facts of a course are."""
    newest = newest_of(course_id)
    heard = (
        select(func.min(source.c.synced_at), func.min(source.c.name))
        .select_from(source)
        .where(
            is_sis(),
            source.c.id.in_(
                select(_course_sources(course_id).c.source_id).scalar_subquery()
            ),
        )
    )
    rosters_at, name = session.execute(heard).one()
    waiting, refused, refreshed_at = session.execute(
        select(
            _count_in(newest, WAITING),
            _count_in(newest, REFUSED),
            course.c.refreshed_at,
        ).where(course.c.id == course_id)
    ).one()
    return Freshness(rosters_at, name, refreshed_at, waiting, refused)


def _course_sources(course_id: int) -> CTE:
    """The sources whose scores speak in a course."""
    return (
        select(score.c.source_id)
        .join(alignment, alignment.c.assignment_id == score.c.assignment_id)
        .where(alignment.c.course_id == course_id)
        .distinct()
        .cte("course_sources")
    )


def _count_in(newest: CTE, states: Collection[str]) -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(newest)
        .where(newest.c.state.in_(states))
        .scalar_subquery()
    )


def load_refused(session: Session, course_id: int) -> list[dict[str, Any]]:
    """Return what could not be sent, with the other side's words."""
    newest = newest_of(course_id)
    return rows(
        session,
        select(
            newest.c.destination,
            newest.c.person_id,
            newest.c.competency_id,
            person.c.display_name,
            competency.c.human_code,
            summary_title(newest),
            newest.c.reason,
            newest.c.code,
        )
        .join(person, person.c.id == newest.c.person_id)
        .outerjoin(competency, competency.c.id == newest.c.competency_id)
        .where(newest.c.state.in_(REFUSED))
        .order_by(newest.c.destination, person.c.display_name, newest.c.id),
    )


def load_precedes(session: Session, framework_id: int | None) -> list[tuple[int, int]]:
    """Return (earlier, later) competency pairs of a framework, by our ids."""
    if framework_id is None:
        return []
    earlier, later = competency.alias(), competency.alias()
    found = session.execute(
        select(earlier.c.id, later.c.id)
        .select_from(association)
        .join(earlier, earlier.c.case_id == association.c.origin_case_id)
        .join(later, later.c.case_id == association.c.destination_case_id)
        .where(
            association.c.kind == "precedes",
            association.c.retired_at.is_(None),
            earlier.c.framework_id == framework_id,
            later.c.framework_id == framework_id,
        )
        .order_by(later.c.position, earlier.c.position)
    )
    # Two frameworks may publish the same edge, an extra file may draw it once more.
    return list(dict.fromkeys((first, then) for first, then in found))


def load_link(
    session: Session, registration_id: int | None, person_id: int
) -> dict[str, Any] | None:
    """Return how the LMS person was joined to person, or None for no launch yet."""
    statement = (
        select(lms_user.c.link_rule, lms_user.c.link_confidence, lms_user.c.linked_at)
        .where(lms_user.c.person_id == person_id)
        .order_by(lms_user.c.linked_at.desc(), lms_user.c.id)
        .limit(1)
    )
    if registration_id is not None:
        statement = statement.where(lms_user.c.registration_id == registration_id)
    found = rows(session, statement)
    return found[0] if found else None


def load_level_descriptions(
    session: Session, framework_id: int, competency_id: int
) -> dict[str, str]:
    """Return level names with their descriptions from the framework's rubrics.

    Source: CASE 1.1 CFRubricCriterion (CFItemURI) and its levels (quality).
    """
    found = session.execute(
        select(framework.c.package, competency.c.case_id)
        .join(competency, competency.c.framework_id == framework.c.id)
        .where(framework.c.id == framework_id, competency.c.id == competency_id)
    ).one_or_none()
    if found is None:
        return {}
    return _descriptions(found.package or {}, found.case_id)


def _descriptions(package: dict[str, Any], case_id: str) -> dict[str, str]:
    levels: dict[str, str] = {}
    for rubric in package.get("CFRubrics") or ():
        for criterion in rubric.get("CFRubricCriteria") or ():
            item = criterion.get("CFItemURI") or {}
            if isinstance(item, dict) and item.get("identifier") == case_id:
                for level in criterion.get("CFRubricCriterionLevels") or ():
                    if level.get("quality") and level.get("description"):
                        levels[level["quality"]] = level["description"]
    return levels


def load_statement(session: Session, competency_id: int) -> str | None:
    """Return what a competency of any framework says, None where there is none."""
    return session.scalar(
        select(competency.c.statement).where(competency.c.id == competency_id)
    )


def load_taught(session: Session, course_id: int) -> set[int]:
    """Return the competencies some work of a course speaks for."""
    return set(
        session.scalars(
            select(alignment.c.competency_id).where(alignment.c.course_id == course_id)
        )
    )


def load_name(session: Session, person_id: int) -> str:
    """Return what a person is called: the given name where there is one.

    Empty where the LMS said no name at all: nobody wants to be greeted by a number.
    """
    found = session.execute(
        select(person.c.given_name, person.c.family_name, person.c.display_name).where(
            person.c.id == person_id
        )
    ).one()
    is_nameless = not (found.given_name or found.family_name)
    # work.people writes "User" and the LMS's own id where there is no name.
    if is_nameless and str(found.display_name).startswith("User "):
        return ""
    return str(found.given_name or found.display_name)


def load_deliveries(
    session: Session, course_id: int, person_id: int, competency_id: int
) -> list[dict[str, Any]]:
    """Return the newest delivery of one cell to each destination."""
    newest = newest_of(course_id)
    return rows(
        session,
        select(
            newest.c.id,
            newest.c.destination,
            newest.c.state,
            newest.c.value,
            newest.c.maximum,
            newest.c.level_name,
            newest.c.sent_at,
            newest.c.read_back_at,
            newest.c.due_at,
            newest.c.reason,
            newest.c.waits_for,
            newest.c.read_back,
            difference.c.id.label("difference_id"),
            difference.c.theirs,
        )
        .outerjoin(
            difference,
            and_(
                difference.c.delivery_id == newest.c.id,
                difference.c.status == "open",
            ),
        )
        .where(newest.c.person_id == person_id, newest.c.competency_id == competency_id)
        .order_by(newest.c.destination),
    )
