"""Spots in an LMS that open us: what each shows, and its own gradebook column.

A link's id is unique only inside its deployment, and a copy of a course has others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows, upsert
from lti_tool.storage.schema import competency, course, resource_link
from lti_tool.storage.session import Session

CLASS, MINE, CHECK = "class", "mine", "check"
VIEWS: Final = frozenset({CLASS, MINE, CHECK})
# A launch of a link that is as it was is written down at most this often.
SEEN_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchedLink:
    """What a launch says of the link it came by; None is left unsaid.

    view and competency_id are said together: a view without a competency has none.
    """

    deployment_id: int
    link_id: str
    placement_id: int
    title: str | None = None
    view: str | None = None
    competency_id: int | None = None
    ags_line_item_url: str | None = None

    def said(self) -> dict[str, Any]:
        """The columns the launch speaks of."""
        values: dict[str, Any] = {
            "placement_id": self.placement_id,
            "title": self.title,
            "view": self.view,
            "ags_line_item_url": self.ags_line_item_url,
        }
        said = {name: value for name, value in values.items() if value is not None}
        return said | ({"competency_id": self.competency_id} if self.view else {})


class SavedLink(NamedTuple):
    """A link by our id, and whether this launch was its first."""

    id: int
    is_new: bool


# Every launch asks this: built once, it costs half of what it costs built anew.
_FIND: Final = select(resource_link).where(
    resource_link.c.deployment_id == bindparam("deployment"),
    resource_link.c.link_id == bindparam("link"),
)


def save_link(session: Session, link: LaunchedLink, *, now: datetime) -> SavedLink:
    """Write a launched link down; what the launch leaves unsaid stays as it was.

    A launch that says nothing new writes nothing, but for the time it was seen, at
    most once in SEEN_EVERY.
    """
    table = resource_link
    known = find_link(session, link.deployment_id, link.link_id)
    said = link.said()
    if known is None:
        made = session.execute(
            upsert(session, table)
            .values(
                deployment_id=link.deployment_id,
                link_id=link.link_id,
                created_at=now,
                seen_at=now,
                **said,
            )
            .on_conflict_do_update(
                index_elements=["deployment_id", "link_id"],
                set_={**said, "seen_at": now},
            )
            .returning(table.c.id)
        )
        return SavedLink(int(made.scalar_one()), is_new=True)
    changed = {name: value for name, value in said.items() if known[name] != value}
    if changed or now >= known["seen_at"] + SEEN_EVERY:
        session.execute(
            update(table)
            .where(table.c.id == known["id"])
            .values(**changed, seen_at=now)
        )
    return SavedLink(known["id"], is_new=False)


def find_link(
    session: Session, deployment_id: int, link_id: str
) -> dict[str, Any] | None:
    """The link a deployment calls link_id, None if it was never launched."""
    asked = {"deployment": deployment_id, "link": link_id}
    row = session.execute(_FIND, asked).mappings().first()
    return dict(row) if row else None


def load_link(session: Session, resource_link_id: int) -> dict[str, Any]:
    """A link by our id.

    Raises:
        NotFoundError: there is none.
    """
    found = rows(
        session, select(resource_link).where(resource_link.c.id == resource_link_id)
    )
    if not found:
        raise NotFoundError(f"no resource link has the id {resource_link_id}")
    return found[0]


def newest_link_id(session: Session, placement_id: int) -> str | None:
    """What the platform calls the link of a placement that was launched last."""
    found: str | None = session.scalar(
        select(resource_link.c.link_id)
        .where(resource_link.c.placement_id == placement_id)
        .order_by(resource_link.c.seen_at.desc(), resource_link.c.id.desc())
        .limit(1)
    )
    return found


def find_competency(
    session: Session, case_id: str, course_id: int | None
) -> int | None:
    """Our id of the competency of a CASE GUID, one of the course's plan before others.

    None when no framework we hold has it. One that is retired is found too: whoever
    asks says what became of it.
    """
    wanted = select(competency.c.id).where(competency.c.case_id == case_id)
    planned = wanted.join(
        course, course.c.framework_id == competency.c.framework_id
    ).where(course.c.id == course_id)
    found = session.scalar(planned)
    if found is None:
        found = session.scalar(wanted.order_by(competency.c.id).limit(1))
    return found
