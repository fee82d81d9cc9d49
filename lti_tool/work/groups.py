"""Pulls the groups of a placement, where its platform offers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from lti_tool.logs import log
from lti_tool.lti13.roles import role_in_course
from lti_tool.platforms.groups import Group
from lti_tool.platforms.members import Roster
from lti_tool.storage import groups, placements
from lti_tool.storage.database import Database
from lti_tool.storage.groups import SavedGroup

# A platform that names no groups in its member list is asked student by student, in
# a class of this size at most.
ASKED_SINGLY: Final = 500


@dataclass(frozen=True, slots=True)
class GroupPull:
    """What a pull of a course's groups found."""

    groups: int
    members: int


class GroupSource(Protocol):
    """Whoever can tell the groups of a placement's context; raises PlatformError."""

    def groups(self, groups_url: str, sets_url: str | None) -> Sequence[Group]:
        """Every group."""

    def groups_of(self, groups_url: str, subject: str) -> Sequence[str]:
        """The ids of the groups a user is in."""


def pull_groups(
    database: Database,
    source: GroupSource,
    placement_id: int,
    roster: Roster,
    *,
    now: datetime,
) -> GroupPull:
    """Fetch the groups of a placement and who of roster, a whole list, is in them.

    Does nothing for a placement whose platform offers no groups.

    Raises:
        PlatformError: they did not come whole; nothing is changed.
    """
    with database.read() as session:
        place = placements.load_placement(session, placement_id)
    if not place["groups_url"]:
        return GroupPull(0, 0)
    found = source.groups(place["groups_url"], place["group_sets_url"])
    told = _memberships(source, place, roster) if found else {}
    with database.write() as session:
        kept = groups.save_groups(
            session,
            placement_id,
            [SavedGroup(one.group_id, one.name, one.set_name) for one in found],
        )
        subjects = {
            kept[group_id]: some for group_id, some in told.items() if group_id in kept
        }
        count = groups.save_members(
            session, place["registration_id"], list(kept.values()), subjects
        )
        placements.save_groups_pull(session, placement_id, now=now)
    log().info(
        "groups pulled", placement_id=placement_id, groups=len(kept), members=count
    )
    return GroupPull(len(kept), count)


def _memberships(
    source: GroupSource, place: dict[str, Any], roster: Roster
) -> dict[str, list[str]]:
    """User ids by group id, from the member list or, failing that, one by one."""
    active = [one for one in roster.members if one.is_active]
    by_user = {
        one.user_id: one.group_ids for one in active if one.group_ids is not None
    }
    if not by_user:
        learners = [one for one in active if role_in_course(one.roles) == "learner"]
        if len(learners) <= ASKED_SINGLY:
            by_user = {
                one.user_id: tuple(source.groups_of(place["groups_url"], one.user_id))
                for one in learners
            }
    by_group: dict[str, list[str]] = {}
    for subject, group_ids in by_user.items():
        for group_id in group_ids:
            by_group.setdefault(group_id, []).append(subject)
    return by_group
