"""Pulls the members of a placement: the whole class joined, whoever launched.

A list is fetched to its end before anything of it is written. It is written a few
hundred members at a time, so that launches need not wait for a large class; who left
is ended last, and only by a list that came whole or a member called deleted or
inactive. Source: facts/security.md section 5, C22 and C23.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal, Protocol

from lti_tool.errors import PlatformError
from lti_tool.logs import log
from lti_tool.lti13.roles import is_test_user, role_in_course
from lti_tool.platforms.members import Member, Roster
from lti_tool.storage import (
    erasures,
    identities,
    placements,
    resource_links,
    visits,
)
from lti_tool.storage.database import Database, Session
from lti_tool.storage.identities import LmsUser
from lti_tool.work import people, rolls
from lti_tool.work.people import Arrival, Known

BATCH: Final = 500
# After these a list of all may still come: it is the list of changes that is amiss.
_AMISS: Final = frozenset({"forbidden", "format", "gone", "paging", "rejected"})
Kind = Literal["nothing", "all", "changes"]


@dataclass(frozen=True, slots=True)
class MemberPull:
    """What a pull of a course's members did; each count is of people.

    kind tells whether the list was of all members or of changes since the last.
    """

    members: int
    joined: int
    alone: int
    ended: int
    kind: Kind = "all"
    roster: Roster = field(default=Roster(()), compare=False, repr=False)


NOTHING: Final = MemberPull(0, 0, 0, 0, "nothing")


class MemberSource(Protocol):
    """Whoever can tell the members of a placement's context.

    Both methods raise PlatformError if a list does not come whole.
    """

    def roster(
        self,
        nrps_url: str,
        *,
        link_id: str | None = None,
        context_id: str | None = None,
        with_groups: bool = False,
    ) -> Roster:
        """Everybody, each with what a link's custom parameters say of her."""

    def changes(self, differences_url: str) -> Roster:
        """Whose membership changed since."""


def pull_members(
    database: Database,
    source: MemberSource,
    placement_id: int,
    *,
    now: datetime,
    is_full: bool = False,
) -> MemberPull:
    """Fetch the members of a placement and join the whole class.

    Only changes are asked for where the platform offers that, unless is_full. Who is
    no longer a member loses the seat the LMS gave and her open visits; records stay.
    Does nothing for a placement whose platform offers no members or that has no
    course.

    Raises:
        PlatformError: the platform did not give the whole list; nothing is changed.
    """
    with database.read() as session:
        place = placements.load_placement(session, placement_id)
        link_id = resource_links.newest_link_id(session, placement_id)
    if not place["nrps_url"] or place["course_id"] is None:
        return NOTHING
    kind, roster = _fetch(source, place, link_id, is_full=is_full)
    if kind == "all" and not roster.members:
        _require_nobody_known(database, place)
    known = _save(database, place, roster, now)
    with database.write() as session:
        ended = _end_departed(session, place, known, now, kind)
        placements.save_pull(session, placement_id, roster.differences_url, now=now)
    alone = sum(one is not None and one.rule == "alone" for one in known.values())
    count = sum(one is not None for one in known.values())
    log().info(
        "members pulled", placement_id=placement_id, kind=kind, members=count,
        joined=count - alone, ended=ended,
    )  # fmt: skip
    return MemberPull(count, count - alone, alone, ended, kind, roster)


def _fetch(
    source: MemberSource, place: dict[str, Any], link_id: str | None, *, is_full: bool
) -> tuple[Kind, Roster]:
    # Groups may change with no member changing: they come with a list of all.
    is_full = is_full or place["groups_url"] is not None
    if place["nrps_differences_url"] and not is_full:
        try:
            return "changes", source.changes(place["nrps_differences_url"])
        except PlatformError as error:
            if error.code not in _AMISS:
                raise
            log().info(
                "differences not given", placement_id=place["id"], code=error.code
            )
    return "all", source.roster(
        place["nrps_url"],
        link_id=link_id,
        context_id=place["context_id"] or None,
        with_groups=place["groups_url"] is not None,
    )


def _require_nobody_known(database: Database, place: dict[str, Any]) -> None:
    """Refuse an empty list of a course that people have launched from.

    Whoever opened us there is a member: such a list is a fault, and would end a class.
    """
    with database.read() as session:
        held = identities.users_in_course(
            session, place["course_id"], place["registration_id"]
        )
    if held:
        raise PlatformError(
            "the LMS lists nobody in a course that people opened the tool in; nothing "
            "was changed",
            "empty",
        )


def _save(
    database: Database, place: dict[str, Any], roster: Roster, now: datetime
) -> dict[str, Known | None]:
    """Write members down, a batch at a time; None stands for one who left."""
    known: dict[str, Known | None] = {
        one.user_id: None for one in roster.members if not one.is_active
    }
    with database.read() as session:
        forgotten = erasures.load_forgotten(
            session, erasures.LMS, place["registration_id"]
        )
    waiting = iter(
        [
            one
            for one in roster.members
            if one.is_active
            and not is_test_user(one.roles)
            and one.user_id not in forgotten
        ]
    )
    while batch := list(islice(waiting, BATCH)):
        with database.write() as session:
            saved = _save_batch(session, place, batch, now)
        known.update(zip((one.user_id for one in batch), saved, strict=True))
    return known


def _save_batch(
    session: Session, place: dict[str, Any], batch: Sequence[Member], now: datetime
) -> list[Known]:
    arrivals = [Arrival(member_user(one), role_in_course(one.roles)) for one in batch]
    known = people.remember_all(
        session,
        place["registration_id"],
        arrivals,
        course_id=place["course_id"],
        now=now,
    )
    seats = {
        (one.person_id, arrival.role)
        for one, arrival in zip(known, arrivals, strict=True)
        if arrival.role in rolls.SEATED
    }
    identities.save_seats(session, place["course_id"], sorted(seats))
    return known


def member_user(member: Member) -> LmsUser:
    """What a member list says of a user, as we keep it."""
    custom = member.custom or {}
    return LmsUser(
        subject=member.user_id,
        given_name=member.given_name,
        family_name=member.family_name,
        full_name=member.name,
        email=member.email,
        lis_person_sourcedid=(
            member.lis_person_sourcedid or custom.get(people.SIS_PERSON)
        ),
        platform_user_id=custom.get(people.PLATFORM_USER),
    )


def _end_departed(
    session: Session,
    place: dict[str, Any],
    known: dict[str, Known | None],
    now: datetime,
    kind: Kind,
) -> int:
    """End the access of who left: is told so, or lacks in a list of everybody.

    One who launched after the list was asked for is no less a member for it.
    """
    course_id = place["course_id"]
    staying = {one.person_id for one in known.values() if one is not None}
    departed = [
        user
        for user in identities.users_in_course(
            session, course_id, place["registration_id"]
        )
        if _has_left(user, known, kind) and user["seen_at"] <= now
    ]
    for user in departed:
        visits.end_visits(session, user["id"], course_id)
    gone = {user["person_id"] for user in departed} - staying
    if kind == "changes":
        gone -= _held_by_others(session, place, departed)
    identities.end_seats(session, course_id, sorted(gone))
    return len(departed)


def _has_left(user: dict[str, Any], known: dict[str, Known | None], kind: Kind) -> bool:
    if user["subject"] in known:
        return known[user["subject"]] is None
    return kind == "all"


def _held_by_others(
    session: Session, place: dict[str, Any], departed: Iterable[dict[str, Any]]
) -> set[int]:
    """People with a second user of this LMS in the course who did not leave."""
    left = {user["id"] for user in departed}
    return {
        user["person_id"]
        for user in identities.users_in_course(
            session, place["course_id"], place["registration_id"]
        )
        if user["id"] not in left
    }
