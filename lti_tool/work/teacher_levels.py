"""Levels that teachers set: with a reason and an end; evidence stays what it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lti_tool.errors import NotFoundError
from lti_tool.storage import judging
from lti_tool.storage import standing as stored_standing
from lti_tool.storage import teacher_levels as stored
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.judging import Judging
from lti_tool.storage.teacher_levels import (
    REMOVED,
    REPLACED,
    UNTIL_EVIDENCE,
    UNTIL_REMOVED,
    StoredTeacherLevel,
)
from lti_tool.work import standing
from mappings.errors import EvidenceError, ScaleError

LASTING: Final = (UNTIL_EVIDENCE, UNTIL_REMOVED)
LONGEST_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class NewLevel:
    """A level to be set.

    Attributes:
        level: its place in the course's scale, 0 the lowest.
        lasts: ``evidence`` until new evidence comes, ``removed`` until it is removed.
    """

    course_id: int
    person_id: int
    competency_id: int
    level: int
    reason: str
    lasts: str


def set_level(session: Session, new: NewLevel, *, who: str, now: datetime) -> int:
    """Let a teacher's level stand in the place of the rule's; returns its id.

    One that stood there ends as replaced. The cell is worked out, and told, in the
    caller's transaction.

    Raises:
        EvidenceError: no reason, or no such way to last.
        ScaleError: the scale has no such level.
        NotFoundError: no such course or competency there, or the student does not
            learn in it.
    """
    stored_standing.hold_courses(session, [new.course_id])
    mine = _judging(session, new)
    levels = mine.scale.levels
    reason = new.reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise EvidenceError(
            f"a level set by hand needs a reason of 1 to {LONGEST_REASON} letters"
        )
    if new.lasts not in LASTING:
        raise EvidenceError(
            f"a level cannot last until {new.lasts!r}; give one of {', '.join(LASTING)}"
        )
    if not 0 <= new.level < len(levels):
        raise ScaleError(
            f"the scale has no level {new.level}; give 0 to {len(levels) - 1}"
        )
    before = _standing(session, new.course_id, new.person_id, new.competency_id)
    if before is not None:
        stored.end_teacher_levels(session, [before.id], by=who, why=REPLACED, now=now)
    made = stored.put_teacher_level(
        session,
        {
            "course_id": new.course_id,
            "person_id": new.person_id,
            "competency_id": new.competency_id,
            "level": new.level,
            "level_name": levels[new.level].name,
            "reason": reason,
            "lasts": new.lasts,
            "made_by": who,
            "made_at": now,
        },
    )
    put_change(
        session,
        at=now,
        who=who,
        what="level set by teacher",
        subject=("teacher_level", made),
        before=None if before is None else {"teacher_level_id": before.id},
        after={"level": new.level, "lasts": new.lasts},
    )
    _refresh(session, new, now)
    return made


def remove_level(
    session: Session, teacher_level_id: int, *, who: str, now: datetime
) -> None:
    """Let the rule's level stand again.

    Raises:
        EvidenceError: it has ended already.
        NotFoundError: there is no such level.
    """
    one = _held(session, teacher_level_id)
    stored.end_teacher_levels(session, [one.id], by=who, why=REMOVED, now=now)
    _note(session, one, "teacher's level removed", who, now)
    _refresh(session, one, now)


def undo_level(
    session: Session, teacher_level_id: int, *, who: str, now: datetime
) -> None:
    """Take setting a level back: what stood there before stands there again.

    Raises:
        EvidenceError: it has ended already.
        NotFoundError: there is no such level.
    """
    one = _held(session, teacher_level_id)
    history = stored.load_history(session, *one.key)
    replaced = [
        other
        for other in history
        if other.ended_why == REPLACED and other.ended_at == one.made_at
    ]
    stored.end_teacher_levels(session, [one.id], by=who, why=REMOVED, now=now)
    if replaced:
        stored.reopen_teacher_level(session, replaced[-1].id)
    _note(session, one, "teacher's level undone", who, now)
    _refresh(session, one, now)


def load_level(
    session: Session, course_id: int, person_id: int, competency_id: int
) -> StoredTeacherLevel | None:
    """Return the level a teacher set that stands there, None if none does."""
    return _standing(session, course_id, person_id, competency_id)


def load_history(
    session: Session, course_id: int, person_id: int, competency_id: int
) -> list[StoredTeacherLevel]:
    """Return every level a teacher ever set there, oldest first, with its end."""
    return stored.load_history(session, course_id, person_id, competency_id)


def _standing(
    session: Session, course_id: int, person_id: int, competency_id: int
) -> StoredTeacherLevel | None:
    return stored.load_standing(
        session, [course_id], persons=[person_id], competencies=[competency_id]
    ).get((course_id, person_id, competency_id))


def _held(session: Session, teacher_level_id: int) -> StoredTeacherLevel:
    """Return a level that stands, its course held."""
    one = stored.load_teacher_level(session, teacher_level_id)
    if one is None:
        raise NotFoundError(f"no level {teacher_level_id} set by a teacher")
    stored_standing.hold_courses(session, [one.course_id])
    one = stored.load_teacher_level(session, teacher_level_id)
    if one is None or one.ended_at is not None:
        raise EvidenceError(
            f"level {teacher_level_id} has ended already; nothing was changed"
        )
    return one


def _judging(session: Session, new: NewLevel) -> Judging:
    mine = judging.load(session, [new.course_id]).get(new.course_id)
    if mine is None or new.competency_id not in mine.competencies:
        raise NotFoundError(
            f"course {new.course_id} has no competency {new.competency_id}"
        )
    seated = stored_standing.load_seated(session, [new.course_id], [new.person_id])
    if not seated:
        raise NotFoundError(
            f"student {new.person_id} does not learn in course {new.course_id}"
        )
    return mine


def _note(
    session: Session, one: StoredTeacherLevel, what: str, who: str, now: datetime
) -> None:
    put_change(
        session,
        at=now,
        who=who,
        what=what,
        subject=("teacher_level", one.id),
        before={"level": one.level, "lasts": one.lasts},
    )


def _refresh(
    session: Session, one: NewLevel | StoredTeacherLevel, now: datetime
) -> None:
    standing.refresh_cells(
        session, one.course_id, [one.person_id], [one.competency_id], now=now
    )
