"""Scores as received, ready to speak for competencies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    func,
    insert,
    literal,
    or_,
    select,
)

from lti_tool.storage.database import rows
from lti_tool.storage.schema import (
    alignment,
    assignment,
    category,
    change,
    course,
    score,
    score_scale,
    seat,
    sis_class,
    source,
    term,
)
from lti_tool.storage.session import Session
from lti_tool.storage.sources import LMS
from lti_tool.storage.work_of_course import (
    has_assessments,
    is_classless,
    is_not_ours,
    names_objectives,
)


class SpokenScore(NamedTuple):
    """One score beside one competency: what it says, of whom, for what.

    What people entered is told the same way; its assignment is 0 then.

    Attributes:
        course_id: the course in which it speaks; 0 for what speaks in every one.
        text: the score in words, where it was given so.
        flags: in_progress, incomplete, late, missing: those that are set.
        scale: the sourcedId of the score scale it names, itself or by its line item.
        part: the rows or questions that speak; empty for the whole score.
        parts: what the SIS says of each, [given, maximum] by its key.
        is_practice: it is shown and does not count.
        kind: result, assessment, or the kind of what people entered.
        is_objective: the SIS scored this very competency (learningObjectiveSet).
        happened_at: the moment of it, of what people entered and of an LMS's scores;
            a SIS names a day.
        is_lms: an LMS says so, and no SIS.
    """

    course_id: int
    score_id: int
    person_id: int
    competency_id: int
    assignment_id: int
    title: str
    category: str | None
    term: str | None
    weight: float
    given: float | None
    text: str | None
    minimum: float | None
    maximum: float | None
    score_status: str | None
    flags: frozenset[str]
    scale: str | None
    scored_on: date | None
    due_at: datetime | None
    modified_at: datetime | None
    status: str
    source_id: int
    source: str
    kind: str = "result"
    part: str = ""
    is_practice: bool = False
    parts: dict[str, Any] | None = None
    happened_at: datetime | None = None
    is_lms: bool = False
    is_objective: bool = False
    task: str = ""
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ScoredObjective:
    """A score with what the SIS says in it of single competencies."""

    score: SpokenScore
    objectives: list[Any]


def load(
    session: Session,
    courses: Collection[int],
    *,
    persons: Collection[int] | None = None,
    competencies: Collection[int] | None = None,
) -> list[SpokenScore]:
    """Return every score of courses beside every alignment it speaks through.

    Scores the SIS took back (status 'ended') are among them, so that a page can say
    so. Of assessments that belong to no class, those of the course's learners.
    """
    return _spoken_in(
        session, alignment.c.course_id.in_(courses), persons, competencies
    )


def load_elsewhere(
    session: Session,
    courses: Collection[int],
    *,
    persons: Collection[int],
    competencies: Collection[int],
) -> list[SpokenScore]:
    """Return what speaks for these people's competencies in all other courses."""
    elsewhere = alignment.c.course_id.not_in(courses)
    return _spoken_in(session, elsewhere, persons, competencies)


def load_scores(
    session: Session,
    scores: Collection[int],
    competencies: Collection[int] | None = None,
) -> list[SpokenScore]:
    """Return these scores beside every alignment they speak through."""
    return _spoken_in(session, score.c.id.in_(scores), None, competencies)


def _spoken_in(
    session: Session,
    where: ColumnElement[bool],
    persons: Collection[int] | None,
    competencies: Collection[int] | None,
) -> list[SpokenScore]:
    statement = (
        _scores(
            alignment.c.course_id,
            alignment.c.competency_id,
            alignment.c.weight,
            (alignment.c.part, alignment.c.is_practice),
        )
        .join(alignment, alignment.c.assignment_id == assignment.c.id)
        .where(
            where,
            or_(assignment.c.course_id == alignment.c.course_id, learns_there()),
        )
    )
    if persons is not None:
        statement = statement.where(score.c.person_id.in_(persons))
    if competencies is not None:
        statement = statement.where(alignment.c.competency_id.in_(competencies))
    return [_spoken(row) for row in session.execute(statement)]


def learns_there() -> ColumnElement[bool]:
    """Whether the student of a score learns, or did, where its alignment stands."""
    return (
        select(seat.c.id)
        .where(
            seat.c.course_id == alignment.c.course_id,
            seat.c.person_id == score.c.person_id,
            seat.c.role == "learner",
        )
        .exists()
    )


def load_objective_scores(
    session: Session,
    courses: Collection[int],
    *,
    persons: Collection[int] | None = None,
    is_elsewhere: bool = False,
) -> list[ScoredObjective]:
    """Return the scores of courses that speak of single competencies themselves.

    Of assessments that belong to no class, those of the course's learners. The
    competency of each is 0 until the caller has read its objectives. is_elsewhere:
    those of all other courses instead.
    """

    def among(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return column.not_in(courses) if is_elsewhere else column.in_(courses)

    own: Select[Any] = _scores(assignment.c.course_id, literal(0), literal(1.0))
    own = own.where(assignment.c.course_id.is_not(None), among(assignment.c.course_id))
    found = _with_objectives(session, own, persons)
    if has_assessments(session):
        theirs: Select[Any] = _scores(seat.c.course_id, literal(0), literal(1.0))
        theirs = theirs.join(seat, seat.c.person_id == score.c.person_id).where(
            is_classless(), among(seat.c.course_id), seat.c.role == "learner"
        )
        found += _with_objectives(session, theirs, persons)
    return found


def _with_objectives(
    session: Session, mine: Select[Any], persons: Collection[int] | None
) -> list[ScoredObjective]:
    said = score.c.learning_objectives
    statement = mine.add_columns(said).where(names_objectives(said))
    if persons is not None:
        statement = statement.where(score.c.person_id.in_(persons))
    return [
        ScoredObjective(_spoken(row[:-1]), row[-1])
        for row in session.execute(statement)
    ]


def _scores(
    course_id: ColumnElement[Any],
    competency_id: ColumnElement[Any],
    weight: ColumnElement[Any],
    part: tuple[ColumnElement[Any], ColumnElement[Any]] = (literal(""), false()),
) -> Select[Any]:
    """The columns of SpokenScore, in their order."""
    return (
        select(
            course_id,
            score.c.id,
            score.c.person_id,
            competency_id,
            assignment.c.id,
            assignment.c.title,
            category.c.title,
            term.c.title,
            weight,
            score.c.given,
            score.c.text_score,
            func.coalesce(score.c.minimum, assignment.c.minimum),
            func.coalesce(score.c.maximum, assignment.c.maximum),
            score.c.score_status,
            score.c.flags,
            func.coalesce(
                score.c.score_scale_sourced_id, assignment.c.score_scale_sourced_id
            ),
            score.c.scored_on,
            assignment.c.due_at,
            score.c.modified_at,
            score.c.status,
            score.c.source_id,
            source.c.name,
            score.c.kind,
            *part,
            score.c.parts,
            score.c.scored_at,
            source.c.kind == LMS,
        )
        .select_from(assignment)
        .join(score, score.c.assignment_id == assignment.c.id)
        .join(source, source.c.id == score.c.source_id)
        .outerjoin(
            category,
            and_(
                category.c.source_id == assignment.c.source_id,
                category.c.sourced_id == assignment.c.category_sourced_id,
            ),
        )
        .outerjoin(
            term,
            and_(
                term.c.source_id == assignment.c.source_id,
                term.c.sourced_id == assignment.c.term_sourced_id,
            ),
        )
        .where(
            score.c.person_id.is_not(None),
            assignment.c.status == "active",
            is_not_ours(),
        )
    )


_FLAGS = SpokenScore._fields.index("flags")


def _spoken(row: Sequence[Any]) -> SpokenScore:
    values = list(row)
    flags = values[_FLAGS]
    values[_FLAGS] = frozenset(flags) if flags else _NO_FLAGS
    return SpokenScore(*values)


_NO_FLAGS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StoredScale:
    """What the words of a gradebook are worth, as the SIS said it."""

    source_id: int
    sourced_id: str
    title: str
    class_sourced_id: str | None
    course_sourced_id: str | None
    steps: tuple[tuple[str, str], ...]


def load_scales(
    session: Session, course_id: int, named: Collection[tuple[int, str]]
) -> list[StoredScale]:
    """Return the score scales of these names, of the class and of its sis_course.

    named: (source, sourcedId). Those of the class stand before those of its
    sis_course; else by sourcedId.
    """
    here = (
        select(
            sis_class.c.source_id,
            sis_class.c.sourced_id,
            sis_class.c.sis_course_sourced_id,
        )
        .join(course, course.c.sis_class_id == sis_class.c.id)
        .where(course.c.id == course_id)
        .subquery("here")
    )
    of_class = and_(
        score_scale.c.source_id == here.c.source_id,
        score_scale.c.class_sourced_id == here.c.sourced_id,
    )
    of_course = and_(
        score_scale.c.source_id == here.c.source_id,
        score_scale.c.class_sourced_id.is_(None),
        score_scale.c.course_sourced_id == here.c.sis_course_sourced_id,
    )
    names = sorted({name for _source, name in named})
    found = rows(
        session,
        select(score_scale, of_class.label("is_of_class"))
        .outerjoin(here, or_(of_class, of_course))
        .where(
            score_scale.c.status == "active",
            or_(here.c.source_id.is_not(None), score_scale.c.sourced_id.in_(names)),
        )
        .order_by(score_scale.c.sourced_id),
    )
    found.sort(key=lambda one: not one["is_of_class"])
    return [
        StoredScale(
            one["source_id"],
            one["sourced_id"],
            one["title"],
            one["class_sourced_id"],
            one["course_sourced_id"],
            tuple((str(step[0]), str(step[1])) for step in one["steps"] or ()),
        )
        for one in found
    ]


def put_change(  # noqa: PLR0913 -- the columns of one audit row
    session: Session,
    *,
    at: datetime,
    who: str,
    what: str,
    subject: tuple[str, int | None],
    before: object = None,
    after: object = None,
) -> None:
    """Write one line of who changed what."""
    table, row_id = subject
    session.execute(
        insert(change).values(
            at=at,
            who=who,
            what=what,
            subject_table=table,
            subject_id=row_id,
            before=before,
            after=after,
        )
    )
