"""Read models of the administrators' pages of frameworks: a branch, a search, a list.

Each is one or two statements and brings at most a page, whatever the size.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Label,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
)

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows
from lti_tool.storage.schema import (
    alignment,
    assignment,
    association,
    competency,
    course,
    framework,
)
from lti_tool.storage.session import Session

PAGE: Final = 100
IS_CHILD_OF: Final = "isChildOf"


class Item(NamedTuple):
    """One competency of a branch; children counts those directly below it."""

    id: int
    case_id: str
    human_code: str | None
    statement: str
    abbreviated: str | None
    kind: str | None
    language: str | None
    is_assessable: bool
    children: int


def load_framework(session: Session, framework_id: int) -> dict[str, Any]:
    """Return a framework with its counts, its whole package left out.

    Raises:
        NotFoundError: there is none of that id.
    """
    mine = competency.c.framework_id == framework_id
    names = (
        "id", "case_id", "title", "version", "publisher", "language", "creator",
        "imported_at", "origin", "source_url", "case_version", "retired_at",
    )  # fmt: skip
    found = rows(
        session,
        select(
            *(framework.c[name] for name in names),
            _count(competency, mine, competency.c.retired_at.is_(None)),
            _count(
                competency,
                mine,
                competency.c.retired_at.is_not(None),
                name="retired_competencies",
            ),
            _count(course, course.c.framework_id == framework_id, name="courses"),
        ).where(framework.c.id == framework_id),
    )
    if not found:
        raise NotFoundError(f"no framework {framework_id}")
    return found[0]


def _count(
    table: FromClause, *where: ColumnElement[bool], name: str = "competencies"
) -> Label[int]:
    return (
        select(func.count())
        .select_from(table)
        .where(*where)
        .scalar_subquery()
        .label(name)
    )


def load_item(session: Session, framework_id: int, competency_id: int) -> Item:
    """Return one live competency of a framework.

    Raises:
        NotFoundError: the framework has none of that id.
    """
    found = session.execute(
        _items(framework_id).where(competency.c.id == competency_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"no competency {competency_id} in this framework")
    return Item._make(found)


def _items(framework_id: int) -> Select[Any]:
    """The live competencies of a framework, in reading order."""
    edge = association.alias()
    child = competency.alias()
    below = (
        select(func.count(edge.c.origin_case_id.distinct()))
        .join(
            child,
            and_(
                child.c.case_id == edge.c.origin_case_id,
                child.c.framework_id == framework_id,
                child.c.retired_at.is_(None),
            ),
        )
        .where(
            edge.c.kind == IS_CHILD_OF,
            edge.c.retired_at.is_(None),
            edge.c.destination_case_id == competency.c.case_id,
        )
        .scalar_subquery()
    )
    return (
        select(
            competency.c.id,
            competency.c.case_id,
            competency.c.human_code,
            competency.c.statement,
            competency.c.abbreviated,
            competency.c.kind,
            competency.c.language,
            competency.c.is_assessable,
            below.label("children"),
        )
        .where(
            competency.c.framework_id == framework_id,
            competency.c.retired_at.is_(None),
        )
        .order_by(competency.c.position, competency.c.id)
    )


def _is_child_of(case_id: str) -> ColumnElement[bool]:
    """Directly below one; asked from the parent's side, whose children are few."""
    return competency.c.case_id.in_(
        select(association.c.origin_case_id).where(
            association.c.kind == IS_CHILD_OF,
            association.c.retired_at.is_(None),
            association.c.destination_case_id == case_id,
        )
    )


def _is_top(framework_id: int) -> ColumnElement[bool]:
    """Below no live competency of the framework."""
    parent = competency.alias()
    return ~exists().where(
        association.c.kind == IS_CHILD_OF,
        association.c.retired_at.is_(None),
        association.c.origin_case_id == competency.c.case_id,
        parent.c.case_id == association.c.destination_case_id,
        parent.c.framework_id == framework_id,
        parent.c.retired_at.is_(None),
    )


def load_branch(
    session: Session, framework_id: int, above: Item | None, *, page: int = 1
) -> tuple[list[Item], int]:
    """Return a page of what is directly below one, or on top, and the whole count."""
    where = _is_top(framework_id) if above is None else _is_child_of(above.case_id)
    return _page(session, framework_id, _items(framework_id).where(where), page)


def search(
    session: Session, framework_id: int, words: str, *, page: int = 1
) -> tuple[list[Item], int]:
    """Return a page of the competencies whose code or statement holds every word."""
    statement = _items(framework_id)
    for word in words.casefold().split():
        statement = statement.where(
            or_(
                func.lower(competency.c.human_code).contains(word, autoescape=True),
                func.lower(competency.c.statement).contains(word, autoescape=True),
                competency.c.case_id == word,
            )
        )
    return _page(session, framework_id, statement, page)


def _page(
    session: Session, framework_id: int, statement: Select[Any], page: int
) -> tuple[list[Item], int]:
    whole = session.scalar(
        select(func.count()).select_from(
            statement.with_only_columns(competency.c.id).order_by(None).subquery()
        )
    )
    # The page first and what it tells of each after: SQLite would count what is below
    # every row of the branch before it leaves most of them out.
    ids = session.scalars(
        statement.with_only_columns(competency.c.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    found = session.execute(_items(framework_id).where(competency.c.id.in_(ids)))
    return [Item._make(row) for row in found], int(whole or 0)


def load_ancestors(session: Session, framework_id: int, item: Item) -> list[Item]:
    """Return what is above a competency, the top first; of several parents one."""
    found: list[Item] = []
    seen = {item.case_id}
    at = item
    while True:
        above = session.execute(
            _items(framework_id)
            .join(
                association,
                and_(
                    association.c.kind == IS_CHILD_OF,
                    association.c.retired_at.is_(None),
                    association.c.origin_case_id == at.case_id,
                    association.c.destination_case_id == competency.c.case_id,
                ),
            )
            .limit(1)
        ).one_or_none()
        if above is None or above.case_id in seen:
            return found[::-1]
        at = Item._make(above)
        seen.add(at.case_id)
        found.append(at)


def count_retired_alignments(session: Session, framework_id: int) -> int:
    """Return how many alignments of any course point to retired competencies."""
    return int(
        session.scalar(
            select(func.count())
            .select_from(alignment)
            .join(competency, competency.c.id == alignment.c.competency_id)
            .where(
                competency.c.framework_id == framework_id,
                competency.c.retired_at.is_not(None),
            )
        )
        or 0
    )


def load_retired_alignments(
    session: Session, framework_id: int, *, page: int = 1
) -> list[dict[str, Any]]:
    """Return a page of the alignments that point to retired competencies."""
    return rows(
        session,
        select(
            alignment.c.id,
            course.c.id.label("course_id"),
            course.c.title.label("course"),
            assignment.c.title.label("work"),
            competency.c.human_code,
            competency.c.statement,
            competency.c.retired_at,
        )
        .join(competency, competency.c.id == alignment.c.competency_id)
        .join(course, course.c.id == alignment.c.course_id)
        .join(assignment, assignment.c.id == alignment.c.assignment_id)
        .where(
            competency.c.framework_id == framework_id,
            competency.c.retired_at.is_not(None),
        )
        .order_by(course.c.title, assignment.c.title, alignment.c.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE),
    )


def load_courses(
    session: Session, framework_id: int, *, words: str = "", page: int = 1
) -> tuple[list[dict[str, Any]], int]:
    """Return a page of active courses with their framework, and the count.

    Those that have this framework come first, then those that have none.
    """
    mine = course.c.framework_id == framework_id
    statement = (
        select(
            course.c.id,
            course.c.title,
            course.c.framework_id,
            framework.c.title.label("framework"),
        )
        .outerjoin(framework, framework.c.id == course.c.framework_id)
        .where(course.c.status == "active")
        .order_by(
            mine.is_(True).desc(),
            course.c.framework_id.is_not(None),
            course.c.title,
            course.c.id,
        )
    )
    for word in words.casefold().split():
        statement = statement.where(
            func.lower(course.c.title).contains(word, autoescape=True)
        )
    whole = session.scalar(
        select(func.count()).select_from(statement.order_by(None).subquery())
    )
    found = rows(session, statement.limit(PAGE).offset((page - 1) * PAGE))
    return found, int(whole or 0)


def load_codes(
    session: Session, case_ids: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Return by GUID (code, statement) of competencies, retired ones too."""
    found = session.execute(
        select(
            competency.c.case_id, competency.c.human_code, competency.c.statement
        ).where(competency.c.case_id.in_(case_ids))
    )
    return {row.case_id: (row.human_code or "", row.statement) for row in found}


def load_bare_courses(session: Session, course_ids: Collection[int]) -> list[int]:
    """Return those of the courses that are active and have no framework yet."""
    return list(
        session.scalars(
            select(course.c.id)
            .where(
                course.c.id.in_(course_ids),
                course.c.framework_id.is_(None),
                course.c.status == "active",
            )
            .order_by(course.c.id)
        )
    )


def load_course_ids(session: Session, framework_id: int) -> list[int]:
    """Return the courses that work on a framework."""
    return list(
        session.scalars(
            select(course.c.id).where(course.c.framework_id == framework_id)
        )
    )


def load_grades(session: Session, competency_id: int) -> list[str]:
    """Return the grades a competency is of."""
    found = session.scalar(
        select(competency.c.education_levels).where(competency.c.id == competency_id)
    )
    return list(found or ())
