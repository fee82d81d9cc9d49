"""Rows with the names of their numbers; and all that is kept about one course."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Select, Table, select

from lti_tool.storage import schema as s
from lti_tool.storage.database import batches, rows
from lti_tool.storage.session import Session

# By what numbers of a row are known to a reader.
NAMES: Final[Mapping[str, tuple[Table, str]]] = {
    "course_id": (s.course, "title"),
    "competency_id": (s.competency, "statement"),
    "assignment_id": (s.assignment, "title"),
    "source_id": (s.source, "name"),
    "registration_id": (s.registration, "name"),
}


def load_named(
    session: Session, statement: Select[Any], names: Mapping[str, tuple[Table, str]]
) -> list[dict[str, Any]]:
    """Return rows; beside a number stands what it is called: course_id and course."""
    found = rows(session, statement)
    for column, (table, name) in names.items():
        wanted = {one[column] for one in found if one.get(column) is not None}
        if not wanted:
            continue
        called = {
            row.id: row.called
            for some in batches(sorted(wanted))
            for row in session.execute(
                select(table.c.id, table.c[name].label("called")).where(
                    table.c.id.in_(some)
                )
            )
        }
        for one in found:
            one[column.removesuffix("_id")] = called.get(one[column])
    return found


# --- one course ----------------------------------------------------------------------

_OF_COURSE: Final[Mapping[str, str]] = {
    "course": "its plan",
    "course_destination": "where its results go",
    "course_sending": "what is sent, when and of whom",
    "competency_rule": "competencies with a rule of their own",
    "plan_version": "the versions of its plan",
    "alignment": "which work counts for which competency",
    "assignment": "its work",
    "seat": "who sits in it",
    "score": "scores of its work",
    "observation": "what was seen, said and shown beside scores",
    "teacher_level": "levels teachers set, with their reasons",
    "attainment": "where each student stands",
    "delivery": "what was told to other systems, receipts",
    "class_resource": "learning material of its class",
    "resource_use": "learning material a teacher chose",
}
_BEHIND: Final[Mapping[str, str]] = {"score": "assignment_id"}


def iter_course(
    session: Session, course_id: int
) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield what is kept about a course: table, what it tells, its rows."""
    names = {**NAMES, "person_id": (s.person, "display_name")}
    mine = select(s.assignment.c.id).where(s.assignment.c.course_id == course_id)
    for name, about in _OF_COURSE.items():
        table = s.metadata.tables[name]
        if name == "course":
            where = table.c.id == course_id
        elif name in _BEHIND:
            where = table.c[_BEHIND[name]].in_(mine)
        else:
            where = table.c.course_id == course_id
        statement = select(table).where(where).order_by(table.c.id)
        yield name, about, load_named(session, statement, names)
