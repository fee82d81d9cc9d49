"""A person decides whether a competency is replaced by another, and may undo it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import ConfigError
from lti_tool.storage import curriculum, moved_rows, replacements
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

__all__ = [
    "change_framework",
    "confirm",
    "decline",
    "load_proposals",
    "renamed",
    "undo",
]

Rules = Mapping[str, Mapping[str, Any]]  # of competencies, by the id as text


IN_FORCE: Final = "this replacement is in force already; undo it first"
IS_DECLINED: Final = "this replacement is declined already"
NOTHING_TO_UNDO: Final = "this replacement is not in force; there is nothing to undo"
REPLACED_AGAIN: Final = (
    "the new competency was itself replaced; undo that replacement first"
)


def sentences() -> tuple[str, ...]:
    """Every text this room refuses a decision with."""
    return (IN_FORCE, IS_DECLINED, NOTHING_TO_UNDO, REPLACED_AGAIN)


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
        raise ConfigError(IN_FORCE)
    moved = moved_rows.move(session, one, replacements.load_courses(session, one))
    _decide(session, one, CONFIRMED, moved, who=who, now=now)
    _refresh(session, one, now)
    return _count(moved)


def decline(session: Session, replacement_id: int, *, who: str, now: datetime) -> None:
    """Leave everything where it is; the proposal is not made again.

    Raises:
        NotFoundError: there is no such replacement.
        ConfigError: it is in force.
    """
    one = replacements.load_replacement(session, replacement_id)
    if one.status not in (PROPOSED, UNDONE):
        raise ConfigError(IN_FORCE if one.status == CONFIRMED else IS_DECLINED)
    _decide(session, one, DECLINED, one.moved, who=who, now=now)


def undo(session: Session, replacement_id: int, *, who: str, now: datetime) -> None:
    """Put back what a confirmed replacement moved; levels follow.

    Raises:
        NotFoundError: there is no such replacement.
        ConfigError: it is not in force, or the new competency was itself replaced.
    """
    one = replacements.load_replacement(session, replacement_id)
    if one.status != CONFIRMED:
        raise ConfigError(NOTHING_TO_UNDO)
    if replacements.load_confirmed(session, from_id=one.to_id):
        raise ConfigError(REPLACED_AGAIN)
    moved_rows.put_back(session, one)
    _decide(session, one, UNDONE, None, who=who, now=now)
    _refresh(session, one, now)


def change_framework(
    session: Session, course_id: int, before: int | None, *, who: str, now: datetime
) -> int:
    """Let confirmed replacements follow a course that has just changed its framework.

    before: the framework it had. What was moved when it left the framework it is in
    now is put back; then what it brings along moves to what replaced it there.
    Returns how many rows moved either way. Levels are left to the caller, who works
    them out after such a change anyhow.
    """
    back = _come_back(session, course_id, before, who=who, now=now)
    return back + _follow(session, course_id, who=who, now=now)


def _come_back(
    session: Session, course_id: int, before: int | None, *, who: str, now: datetime
) -> int:
    here = curriculum.load_plan_values(session, course_id)["framework_id"]
    if before is None or here is None:
        return 0
    count = 0
    for one in replacements.load_left(session, here, before):
        left = moved_rows.put_back(session, one, course_id=course_id)
        back = _count(one.moved or {}) - _count(left)
        if back:
            replacements.save_decision(
                session, one.id, CONFIRMED, left, who=who, now=now
            )
            count += back
    return count


def _follow(session: Session, course_id: int, *, who: str, now: datetime) -> int:
    count = 0
    for one in replacements.load_waiting(session, course_id):
        moved = moved_rows.move(session, one, [course_id])
        if moved:
            both = moved_rows.joined(one.moved, moved)
            replacements.save_decision(
                session, one.id, CONFIRMED, both, who=who, now=now
            )
            count += _count(moved)
    return count


def _count(moved: replacements.Moved) -> int:
    return sum(len(rows) for parts in moved.values() for rows in parts.values())


def renamed(session: Session, rules: Rules, framework_id: int | None) -> Rules:
    """Return rules of competencies, each under what has replaced it in a framework.

    A rule of the new competency itself goes before one that comes from an old one.
    """
    if not rules or framework_id is None:
        return rules
    onward = replacements.load_successors(session, framework_id)
    found: dict[str, Mapping[str, Any]] = {}
    for one in sorted(rules, key=lambda one: int(one) in onward):
        last, seen = int(one), {int(one)}
        while last in onward and onward[last] not in seen:
            last = onward[last]
            seen.add(last)
        found.setdefault(str(last), rules[one])
    return {one: found[one] for one in sorted(found, key=int)}


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
