"""Every plan a course has had, whole, with who set it, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from lti_tool.errors import NotFoundError
from lti_tool.storage.schema import plan_version
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One plan of a course as it was saved.

    Attributes:
        settings: what ``curriculum.load_plan_values`` returned then.
        made_by: "person:7", "cli", or "start" for what stood before the first change.
        restores: the number of the version it brought back, if it did.
        effect: how many levels it moved: {"moved", "up", "down"}; None: not counted.
    """

    number: int
    settings: Mapping[str, Any]
    made_by: str
    made_at: datetime
    reason: str | None = None
    restores: int | None = None
    effect: Mapping[str, int] | None = None


_FIELDS = tuple(PlanVersion.__slots__)


def insert_version(session: Session, course_id: int, version: PlanVersion) -> None:
    """Keep a version; its number must be a new one of the course."""
    values = {name: getattr(version, name) for name in _FIELDS}
    session.execute(insert(plan_version).values(course_id=course_id, **values))


def last_number(session: Session, course_id: int) -> int:
    """Return the number of a course's newest version, 0 where it has none."""
    table = plan_version.c
    found = session.scalar(
        select(func.max(table.number)).where(table.course_id == course_id)
    )
    return found or 0


def load_versions(session: Session, course_id: int) -> list[PlanVersion]:
    """Return the versions of a course's plan, newest first."""
    table = plan_version.c
    found = session.execute(
        select(*(table[name] for name in _FIELDS))
        .where(table.course_id == course_id)
        .order_by(table.number.desc())
    )
    return [PlanVersion(*row) for row in found]


def load_version(session: Session, course_id: int, number: int) -> PlanVersion:
    """Return one version of a course's plan.

    Raises:
        NotFoundError: the course has no version of that number.
    """
    table = plan_version.c
    found = session.execute(
        select(*(table[name] for name in _FIELDS)).where(
            table.course_id == course_id, table.number == number
        )
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"course {course_id} has no plan version {number}")
    return PlanVersion(*found)
