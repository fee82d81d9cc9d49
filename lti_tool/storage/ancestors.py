"""What a place or a link was copied from, and what its teacher is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, update

from lti_tool.storage.copies import maker
from lti_tool.storage.database import rows
from lti_tool.storage.schema import (
    alignment,
    carried_alignment,
    change,
    course,
    deployment,
    placement,
    resource_link,
)
from lti_tool.storage.session import Session

COPIED: Final = "course copied"
UNDONE: Final = "course copy undone"


@dataclass(frozen=True, slots=True)
class Origin:
    """The place a place was copied from, and its course."""

    placement_id: int
    course_id: int


@dataclass(frozen=True, slots=True)
class Story:
    """What a teacher is told of a copy.

    state: brought (it came along), undone, or offered (the course had a plan).
    """

    from_course_id: int
    from_title: str
    state: str
    at: datetime | None
    arrived: int
    waiting: int


def find_origin(
    session: Session, deployment_id: int, context_ids: Sequence[str], *, but: int
) -> Origin | None:
    """The first of context_ids that we know in the same registration, or None.

    A context's id is unique in its deployment alone: of two with one id the one of
    this deployment is meant, and of two elsewhere neither. but: a placement that is
    not asked for.
    """
    found = rows(
        session,
        select(
            placement.c.id,
            placement.c.context_id,
            placement.c.deployment_id,
            placement.c.course_id,
        )
        .join(deployment, deployment.c.id == placement.c.deployment_id)
        .where(
            deployment.c.registration_id == _registration_of(deployment_id),
            deployment.c.status == "active",
            placement.c.context_id.in_(context_ids),
            placement.c.course_id.is_not(None),
            placement.c.id != but,
        ),
    )
    for wanted in context_ids:
        one = _one(found, "context_id", wanted, deployment_id)
        if one is not None:
            return Origin(one["id"], one["course_id"])
    return None


def find_link_origin(
    session: Session, deployment_id: int, link_ids: Sequence[str], *, but: int
) -> dict[str, Any] | None:
    """The first of link_ids that we know, by the rules of find_origin."""
    found = rows(
        session,
        select(resource_link)
        .join(deployment, deployment.c.id == resource_link.c.deployment_id)
        .where(
            deployment.c.registration_id == _registration_of(deployment_id),
            deployment.c.status == "active",
            resource_link.c.link_id.in_(link_ids),
            resource_link.c.id != but,
        ),
    )
    for wanted in link_ids:
        one = _one(found, "link_id", wanted, deployment_id)
        if one is not None:
            return one
    return None


def _registration_of(deployment_id: int) -> ColumnElement[int]:
    return (
        select(deployment.c.registration_id)
        .where(deployment.c.id == deployment_id)
        .scalar_subquery()
    )


def _one(
    found: Sequence[dict[str, Any]], column: str, wanted: str, deployment_id: int
) -> dict[str, Any] | None:
    named = [one for one in found if one[column] == wanted]
    here = [one for one in named if one["deployment_id"] == deployment_id]
    meant = here or named
    return meant[0] if len(meant) == 1 else None


def save_origin(session: Session, placement_id: int, origin: Origin) -> None:
    """Say what a place was copied from."""
    session.execute(
        update(placement)
        .where(placement.c.id == placement_id)
        .values(copied_from_id=origin.placement_id)
    )


def save_link_origin(session: Session, link_id: int, origin: dict[str, Any]) -> None:
    """Let a link show what the one it was copied from shows."""
    session.execute(
        update(resource_link)
        .where(resource_link.c.id == link_id)
        .values(
            view=origin["view"],
            competency_id=origin["competency_id"],
            copied_from_id=origin["id"],
        )
    )


def load_story(session: Session, course_id: int) -> Story | None:
    """What a course was copied from and what came of it; None if it is no copy."""
    origin = placement.alias("origin")
    found = session.execute(
        select(origin.c.course_id, course.c.title)
        .select_from(placement)
        .join(origin, origin.c.id == placement.c.copied_from_id)
        .join(course, course.c.id == origin.c.course_id)
        .where(placement.c.course_id == course_id, origin.c.course_id != course_id)
        .order_by(placement.c.id)
        .limit(1)
    ).first()
    if found is None:
        return None
    last = load_last_copy(session, course_id)
    return Story(
        from_course_id=found.course_id,
        from_title=found.title,
        state=_state(last),
        at=last["at"] if last else None,
        arrived=_count_arrived(session, course_id, found.course_id),
        waiting=_count_waiting(session, course_id, found.course_id),
    )


def _state(last: dict[str, Any] | None) -> str:
    if last is None:
        return "offered"
    return "brought" if last["what"] == COPIED else "undone"


def load_last_copy(session: Session, course_id: int) -> dict[str, Any] | None:
    """The last line of the audit about a course's copy: at, what, before, after."""
    found = rows(
        session,
        select(change.c.at, change.c.what, change.c.before, change.c.after)
        .where(
            change.c.subject_table == "course",
            change.c.subject_id == course_id,
            change.c.what.in_((COPIED, UNDONE)),
        )
        .order_by(change.c.id.desc())
        .limit(1),
    )
    return found[0] if found else None


def _count_arrived(session: Session, course_id: int, from_course_id: int) -> int:
    return int(
        session.scalar(
            select(func.count())
            .select_from(alignment)
            .where(
                alignment.c.course_id == course_id,
                alignment.c.made_by == maker(from_course_id),
            )
        )
        or 0
    )


def _count_waiting(session: Session, course_id: int, from_course_id: int) -> int:
    return int(
        session.scalar(
            select(func.count())
            .select_from(carried_alignment)
            .where(
                carried_alignment.c.course_id == course_id,
                carried_alignment.c.from_course_id == from_course_id,
            )
        )
        or 0
    )
