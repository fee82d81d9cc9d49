"""Groups of a course as an LMS has them, and who is in which."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from lti_tool.storage.database import upsert
from lti_tool.storage.schema import course_group, group_member, lms_user, placement
from lti_tool.storage.session import Session


@dataclass(frozen=True, slots=True)
class SavedGroup:
    """A group to keep: the platform's id, its name, that of its set if it has one."""

    group_id: str
    name: str
    set_name: str | None


@dataclass(frozen=True, slots=True)
class CourseGroup:
    """A group of a course, by our id; set_name is '' for one in no set."""

    id: int
    name: str
    set_name: str


def save_groups(
    session: Session, placement_id: int, groups: Collection[SavedGroup]
) -> dict[str, int]:
    """Let a placement have exactly these groups; returns our ids by theirs."""
    table = course_group
    kept: dict[str, int] = {}
    for one in groups:
        insertion = upsert(session, table).values(
            placement_id=placement_id,
            group_id=one.group_id,
            name=one.name,
            set_name=one.set_name,
        )
        saved = session.execute(
            insertion.on_conflict_do_update(
                index_elements=["placement_id", "group_id"],
                set_={"name": one.name, "set_name": one.set_name},
            ).returning(table.c.id)
        )
        kept[one.group_id] = saved.scalar_one()
    gone = select(table.c.id).where(
        table.c.placement_id == placement_id, table.c.id.not_in(kept.values())
    )
    session.execute(
        delete(group_member).where(group_member.c.course_group_id.in_(gone))
    )
    session.execute(
        delete(table).where(
            table.c.placement_id == placement_id, table.c.id.not_in(kept.values())
        )
    )
    return kept


def save_members(
    session: Session,
    registration_id: int,
    group_ids: Collection[int],
    subjects: Mapping[int, Collection[str]],
) -> int:
    """Let groups have exactly these members; returns how many were written.

    subjects are the platform's user ids by our group id; one we do not know is left
    out.
    """
    session.execute(
        delete(group_member).where(group_member.c.course_group_id.in_(group_ids))
    )
    wanted = sorted({subject for some in subjects.values() for subject in some})
    known: dict[str, int] = {}
    for start in range(0, len(wanted), 1000):
        found = session.execute(
            select(lms_user.c.subject, lms_user.c.id).where(
                lms_user.c.registration_id == registration_id,
                lms_user.c.subject.in_(wanted[start : start + 1000]),
            )
        )
        known.update((subject, user_id) for subject, user_id in found)
    rows = [
        {"course_group_id": group_id, "lms_user_id": known[subject]}
        for group_id, some in subjects.items()
        for subject in sorted(set(some))
        if subject in known
    ]
    if rows:
        session.execute(group_member.insert(), rows)
    return len(rows)


def load_groups(session: Session, course_id: int) -> list[CourseGroup]:
    """The groups of a course, by set and name."""
    set_name = func.coalesce(course_group.c.set_name, "")
    found = session.execute(
        select(course_group.c.id, course_group.c.name, set_name)
        .join(placement, placement.c.id == course_group.c.placement_id)
        .where(placement.c.course_id == course_id)
        .order_by(set_name, course_group.c.name, course_group.c.id)
    )
    return [CourseGroup(*row) for row in found]


def load_group_people(session: Session, group_id: int) -> set[int]:
    """The people of a group."""
    found = session.scalars(
        select(lms_user.c.person_id)
        .join(group_member, group_member.c.lms_user_id == lms_user.c.id)
        .where(
            group_member.c.course_group_id == group_id,
            lms_user.c.person_id.is_not(None),
        )
    )
    return {person_id for person_id in found if person_id is not None}
