"""Levels that teachers set: dated facts with a reason and an end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, insert, select, update

from lti_tool.storage.schema import teacher_level
from lti_tool.storage.session import Session

# How long a teacher's level lasts.
UNTIL_EVIDENCE: Final = "evidence"
UNTIL_REMOVED: Final = "removed"
# Why one ended.
BY_EVIDENCE: Final = "evidence"
REMOVED: Final = "removed"
REPLACED: Final = "replaced"

CellKey = tuple[int, int, int]  # course, person, competency


@dataclass(frozen=True, slots=True)
class StoredTeacherLevel:
    """A level a teacher set, and how it ended if it has."""

    id: int
    course_id: int
    person_id: int
    competency_id: int
    level: int
    level_name: str
    reason: str
    lasts: str
    made_by: str
    made_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    ended_why: str | None

    @property
    def key(self) -> CellKey:
        """Where it stands."""
        return self.course_id, self.person_id, self.competency_id


_FIELDS: Final = tuple(StoredTeacherLevel.__slots__)


def put_teacher_level(session: Session, values: Mapping[str, Any]) -> int:
    """Write a level a teacher set; returns its id. None may stand there already."""
    statement = insert(teacher_level).values(**values).returning(teacher_level.c.id)
    return int(session.execute(statement).scalar_one())


def load_standing(
    session: Session,
    courses: Collection[int],
    *,
    persons: Collection[int] | None = None,
    competencies: Collection[int] | None = None,
) -> dict[CellKey, StoredTeacherLevel]:
    """Return the levels of teachers that stand today, by where they stand."""
    statement = _select(
        teacher_level.c.course_id.in_(courses), teacher_level.c.ended_at.is_(None)
    )
    if persons is not None:
        statement = statement.where(teacher_level.c.person_id.in_(persons))
    if competencies is not None:
        statement = statement.where(teacher_level.c.competency_id.in_(competencies))
    found = (StoredTeacherLevel(*row) for row in session.execute(statement))
    return {one.key: one for one in found}


def load_history(
    session: Session, course_id: int, person_id: int, competency_id: int
) -> list[StoredTeacherLevel]:
    """Return every level a teacher ever set there, oldest first."""
    statement = _select(
        teacher_level.c.course_id == course_id,
        teacher_level.c.person_id == person_id,
        teacher_level.c.competency_id == competency_id,
    )
    return [StoredTeacherLevel(*row) for row in session.execute(statement)]


def load_teacher_level(
    session: Session, teacher_level_id: int
) -> StoredTeacherLevel | None:
    """Return one, None if there is none."""
    row = session.execute(_select(teacher_level.c.id == teacher_level_id)).one_or_none()
    return None if row is None else StoredTeacherLevel(*row)


def end_teacher_levels(
    session: Session, ids: Collection[int], *, by: str, why: str, now: datetime
) -> None:
    """End those that still stand."""
    if ids:
        session.execute(
            update(teacher_level)
            .where(teacher_level.c.id.in_(ids), teacher_level.c.ended_at.is_(None))
            .values(ended_at=now, ended_by=by, ended_why=why)
        )


def reopen_teacher_level(session: Session, teacher_level_id: int) -> None:
    """Let one stand again that another had replaced."""
    session.execute(
        update(teacher_level)
        .where(teacher_level.c.id == teacher_level_id)
        .values(ended_at=None, ended_by=None, ended_why=None)
    )


def _select(*where: ColumnElement[bool]) -> Select[Any]:
    columns = (teacher_level.c[name] for name in _FIELDS)
    return select(*columns).where(*where).order_by(teacher_level.c.id)
