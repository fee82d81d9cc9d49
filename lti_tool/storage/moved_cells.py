"""Which cells scores of a SIS speak in: courses and competencies of their work."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, true

from lti_tool.storage.database import batches
from lti_tool.storage.schema import alignment, assignment, course, sis_user
from lti_tool.storage.session import Session
from lti_tool.storage.standing import CellKey
from lti_tool.storage.work_of_course import courses_of

Pair = tuple[str, str]  # sourcedIds of a line item and of a student


def load(
    session: Session,
    source_id: int,
    pairs: Collection[Pair],
    *,
    is_fresh: bool = False,
) -> set[CellKey]:
    """Return the cells that students' scores on line items speak in, or may.

    Of courses with a framework. is_fresh: not of those that wait to be worked out
    whole.
    """
    if not pairs:
        return set()
    work = _load_work(
        session, source_id, sorted({item for item, _one in pairs}), is_fresh=is_fresh
    )
    people = _load_people(session, source_id, sorted({one for _item, one in pairs}))
    return {
        (course_id, people[student], competency_id)
        for item, student in pairs
        if student in people
        for course_id, competency_id in work.get(item, ())
    }


def load_courses(
    session: Session, source_id: int, line_items: Collection[str]
) -> set[int]:
    """Return the courses in which these line items speak, or may."""
    found: set[int] = set()
    for some in batches(sorted(line_items)):
        found.update(session.scalars(courses_of(source_id, some)))
    return found


def _load_work(
    session: Session, source_id: int, line_items: list[str], *, is_fresh: bool
) -> dict[str, list[tuple[int, int]]]:
    """Return in which courses, and for what, each line item speaks."""
    found: dict[str, list[tuple[int, int]]] = {}
    is_wanted = course.c.refreshed_at.is_not(None) if is_fresh else true()
    for some in batches(line_items):
        for sourced_id, course_id, competency_id in session.execute(
            select(
                assignment.c.sourced_id,
                alignment.c.course_id,
                alignment.c.competency_id,
            )
            .join(alignment, alignment.c.assignment_id == assignment.c.id)
            .join(course, course.c.id == alignment.c.course_id)
            .where(
                course.c.framework_id.is_not(None),
                is_wanted,
                assignment.c.source_id == source_id,
                # named for the index, which has the kinds in the middle
                assignment.c.kind.in_(("line_item", "assessment")),
                assignment.c.sourced_id.in_(some),
            )
        ):
            found.setdefault(sourced_id, []).append((course_id, competency_id))
    return found


def _load_people(
    session: Session, source_id: int, students: list[str]
) -> dict[str, int]:
    """Return who these students are; one we know nobody of is left out."""
    found: dict[str, int] = {}
    for some in batches(students):
        known = session.execute(
            select(sis_user.c.sourced_id, sis_user.c.person_id).where(
                sis_user.c.source_id == source_id, sis_user.c.sourced_id.in_(some)
            )
        )
        found |= {student: who for student, who in known if who is not None}
    return found
