"""A person decides whether a competency is replaced by another, and may undo it."""

from __future__ import annotations

from datetime import datetime

from lti_tool.errors import ConfigError
from lti_tool.storage import replacements
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.replacements import (
    CONFIRMED,
    DECLINED,
    PROPOSED,
    UNDONE,
    Replacement,
    load_proposals,
)
from lti_tool.work import standing

__all__ = ["confirm", "decline", "follow", "load_proposals", "undo"]


def confirm(session: Session, replacement_id: int, *, who: str, now: datetime) -> int:
    """Move alignments, checks and rules to the new competency; returns how many.

    Courses that still follow another framework keep theirs until they change to it.
    Levels are worked out anew, in the same transaction.

    Raises:
        NotFoundError: there is no such replacement.
        ConfigError: it is in force already.
    """
    one = replacements.load_replacement(session, replacement_id)
    if one.status == CONFIRMED:
        raise ConfigError("this replacement is in force already; undo it first")
    moved = replacements.move(session, one, replacements.load_courses(session, one))
    _decide(session, one, CONFIRMED, moved, who=who, now=now)
    _refresh(session, one, now)
    return sum(len(part) for parts in moved.values() for part in parts.values())


def decline(session: Session, replacement_id: int, *, who: str, now: datetime) -> None:
    """Leave everything where it is; the proposal is not made again.

    Raises:
        NotFoundError: there is no such replacement.
        ConfigError: it is in force.
    """
    one = replacements.load_replacement(session, replacement_id)
    if one.status not in (PROPOSED, UNDONE):
        raise ConfigError(f"this replacement is {one.status} already")
    _decide(session, one, DECLINED, one.moved, who=who, now=now)


def undo(session: Session, replacement_id: int, *, who: str, now: datetime) -> None:
    """Put back what a confirmed replacement moved; levels follow.

    Raises:
        NotFoundError: there is no such replacement.
        ConfigError: it is not in force, or the new competency was itself replaced.
    """
    one = replacements.load_replacement(session, replacement_id)
    if one.status != CONFIRMED:
        raise ConfigError("this replacement is not in force; there is nothing to undo")
    if replacements.load_confirmed(session, from_id=one.to_id):
        raise ConfigError(
            "the new competency was itself replaced; undo that replacement first"
        )
    replacements.put_back(session, one)
    _decide(session, one, UNDONE, None, who=who, now=now)
    _refresh(session, one, now)


def follow(session: Session, course_id: int, *, who: str, now: datetime) -> int:
    """Let confirmed replacements move what a course brings into its new framework.

    Called when a course changes its framework; returns how many rows moved. Levels
    are left to the caller, who works them out after such a change anyhow.
    """
    count = 0
    for one in replacements.load_waiting(session, course_id):
        moved = replacements.move(session, one, [course_id])
        if moved:
            both = replacements.joined(one.moved, moved)
            replacements.save_decision(
                session, one.id, CONFIRMED, both, who=who, now=now
            )
            count += sum(len(p) for parts in moved.values() for p in parts.values())
    return count


def _decide(
    session: Session,
    one: Replacement,
    status: str,
    moved: replacements.Moved | None,
    *,
    who: str,
    now: datetime,
) -> None:
    replacements.save_decision(session, one.id, status, moved, who=who, now=now)
    put_change(
        session,
        at=now,
        who=who,
        what=f"replacement {status}",
        subject=("replacement", one.id),
        before={"status": one.status},
        after={"status": status, "moved": moved},
    )


def _refresh(session: Session, one: Replacement, now: datetime) -> None:
    for course_id in replacements.load_touched(session, one):
        standing.refresh(session, course_id, now=now)
