"""Who is who: the person behind an LMS user, by a rule that can be told.

In this order: the SIS id the platform sends (`lis`); the one person of that name the
SIS seats in the course, if no SIS id is sent (`name_in_class`); otherwise a person of
her own (`alone`). Never by e-mail. A link once made is not moved to another person;
only `alone` gives way, when the SIS has come to know her.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from lti_tool.logs import log
from lti_tool.lti13.roles import Role, is_test_user, role_in_course
from lti_tool.platforms.members import Member
from lti_tool.storage import identities, placements, visits
from lti_tool.storage.database import Database, Session
from lti_tool.storage.identities import LmsUser

NAME_CONFIDENCE: Final = 0.8
SEATED: Final = ("instructor", "learner")

# Combining accents go (other scripts' marks are letters and stay); apostrophes alike.
_FOLDED: Final[dict[int, str | None]] = dict.fromkeys(
    range(0x300, 0x370)
) | dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`"), "'")
_WORDS: Final = {
    "lis": "joined by SIS id",
    "name_in_class": "joined by name: the only match in this class",
    "alone": "not joined: the SIS has nobody who matches",
    "by_hand": "joined by hand",
}


@dataclass(frozen=True, slots=True)
class Match:
    """A person, and the rule that found her."""

    person_id: int
    rule: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Known:
    """An LMS user and the person she is."""

    lms_user_id: int
    person_id: int
    rule: str


@dataclass(frozen=True, slots=True)
class MemberPull:
    """What a pull of a course's members did; each count is of people."""

    members: int
    joined: int
    alone: int
    ended: int


class MemberSource(Protocol):
    """Whoever can tell the members of a placement's context."""

    def members(self, nrps_url: str) -> Iterable[Member]:
        """Yield every member, or raise PlatformError."""


def explain_link(rule: str | None) -> str:
    """Words for a page: how an LMS user came to be this person."""
    return _WORDS.get(rule or "", "not joined yet")


def remember(
    session: Session,
    registration_id: int,
    user: LmsUser,
    *,
    course_id: int | None,
    role: Role,
    now: datetime,
) -> Known:
    """Write an LMS user down and say which person she is; may be run again."""
    row = identities.save_user(session, registration_id, user, now=now)
    held, rule = row["person_id"], row["link_rule"]
    if held is not None and rule != "alone":
        return _confirmed(session, row, now)
    match = _find_match(session, row, course_id=course_id, role=role)
    if match is None and held is not None:
        _rename_alone(session, held, row)
        return Known(row["id"], held, "alone")
    if match is None:
        match = Match(_add_alone(session, row, now), "alone", None)
    if held is not None and held != match.person_id:
        identities.move_to_person(session, row["id"], held, match.person_id)
    _link(session, row["id"], match, now)
    return Known(row["id"], match.person_id, match.rule)


def match_waiting(session: Session, *, now: datetime) -> int:
    """Join LMS users whom the SIS did not know before; returns how many were joined.

    For the end of a roster sync. May be run again.
    """
    joined: set[int] = set()
    for row in identities.waiting_users(session):
        if row["id"] in joined:
            continue
        match = _find_match(
            session, row, course_id=row["course_id"], role=row["role"] or "none"
        )
        if match is None or match.person_id == row["person_id"]:
            continue
        identities.move_to_person(session, row["id"], row["person_id"], match.person_id)
        if row["course_id"] is not None:
            identities.save_seat(
                session, match.person_id, row["course_id"], row["role"]
            )
        _link(session, row["id"], match, now)
        joined.add(row["id"])
    return len(joined)


def pull_members(
    database: Database, source: MemberSource, placement_id: int, *, now: datetime
) -> MemberPull:
    """Fetch the members of a placement and join the whole class.

    Who is no longer a member loses the seat the LMS gave and her open visits; this
    happens only after the last page has come. Returns zeros for a placement whose
    platform offers no members or that has no course.

    Raises:
        PlatformError: the platform did not give the whole list; nothing is changed.
    """
    with database.read() as session:
        place = placements.load_placement(session, placement_id)
    if not place["nrps_url"] or place["course_id"] is None:
        return MemberPull(0, 0, 0, 0)
    members = list(source.members(place["nrps_url"]))
    with database.write() as session:
        pulled = _save_members(session, place, members, now)
    log().info(
        "members pulled", placement_id=placement_id, members=pulled.members,
        joined=pulled.joined, ended=pulled.ended,
    )  # fmt: skip
    return pulled


def _save_members(
    session: Session, place: dict[str, Any], members: Sequence[Member], now: datetime
) -> MemberPull:
    registration_id, course_id = place["registration_id"], place["course_id"]
    known: list[Known] = []
    for member in members:
        if not member.is_active or is_test_user(member.roles):
            continue
        role = role_in_course(member.roles)
        one = remember(
            session,
            registration_id,
            member_user(member),
            course_id=course_id,
            role=role,
            now=now,
        )
        if role in SEATED:
            identities.save_seat(session, one.person_id, course_id, role)
        known.append(one)
    ended = _end_departed(session, registration_id, course_id, known)
    alone = sum(one.rule == "alone" for one in known)
    return MemberPull(len(known), len(known) - alone, alone, ended)


def member_user(member: Member) -> LmsUser:
    """What a member list says of a user, as we keep it."""
    return LmsUser(
        subject=member.user_id,
        given_name=member.given_name,
        family_name=member.family_name,
        full_name=member.name,
        email=member.email,
        lis_person_sourcedid=member.lis_person_sourcedid,
    )


def _end_departed(
    session: Session, registration_id: int, course_id: int, known: Sequence[Known]
) -> int:
    staying = {one.lms_user_id for one in known}
    users = identities.users_in_course(session, course_id, registration_id)
    departed = [user for user in users if user["id"] not in staying]
    for user in departed:
        visits.end_visits(session, user["id"], course_id)
    people = {one.person_id for one in known}
    gone = [user["person_id"] for user in departed if user["person_id"] not in people]
    identities.end_seats(session, course_id, gone)
    return len(departed)


def _confirmed(session: Session, row: dict[str, Any], now: datetime) -> Known:
    """Keep a link; a SIS id that agrees makes it certain, one that does not is told."""
    person_id: int = row["person_id"]
    if row["link_rule"] == "by_hand" or not row["lis_person_sourcedid"]:
        return Known(row["id"], person_id, row["link_rule"])
    match = _by_sis_id(session, row["lis_person_sourcedid"], now)
    if match is None:
        return Known(row["id"], person_id, row["link_rule"])
    if match.person_id != person_id:
        log().warning(
            "link disputed", lms_user_id=row["id"], person_id=person_id,
            other_person_id=match.person_id,
        )  # fmt: skip
        return Known(row["id"], person_id, row["link_rule"])
    if row["link_rule"] != "lis":
        _link(session, row["id"], match, now)
    return Known(row["id"], person_id, "lis")


def _find_match(
    session: Session, row: dict[str, Any], *, course_id: int | None, role: str
) -> Match | None:
    if row["lis_person_sourcedid"]:
        return _by_sis_id(session, row["lis_person_sourcedid"], row["seen_at"])
    if course_id is None or role not in SEATED:
        return None
    return _by_name(session, row, course_id, role)


def _by_sis_id(session: Session, sis_id: str, now: datetime) -> Match | None:
    for find in (identities.people_by_sourced_id, identities.people_by_identifier):
        found = find(session, sis_id)
        if not found:
            continue
        people = {user["person_id"] or _person_of(session, user, now) for user in found}
        return Match(people.pop(), "lis", 1.0) if len(people) == 1 else None
    return None


def _by_name(
    session: Session, row: dict[str, Any], course_id: int, role: str
) -> Match | None:
    name = _plain_name(row["given_name"], row["family_name"])
    if name is None:
        return None
    people = {
        other["person_id"]
        for other in identities.people_in_course(
            session, course_id, role, registration_id=row["registration_id"]
        )
        if name in _names_of(other)
    }
    if len(people) != 1:
        return None
    return Match(people.pop(), "name_in_class", NAME_CONFIDENCE)


def _names_of(user: dict[str, Any]) -> set[tuple[str, str] | None]:
    """A SIS user's legal name, and the one she prefers."""
    given, family = user["given_name"], user["family_name"]
    preferred = (
        user["preferred_given_name"] or given,
        user["preferred_family_name"] or family,
    )
    return {_plain_name(given, family), _plain_name(*preferred)} - {None}


def _plain_name(given: str | None, family: str | None) -> tuple[str, str] | None:
    """A name for comparison; None if there is no name at all.

    Case, width, spaces, accents and the kind of apostrophe do not count: "Zoë" is
    often "Zoe" in the other system, and two who then look alike match nobody. People
    with a single name have it in either part.
    """
    parts = tuple(
        " ".join(
            unicodedata.normalize("NFKD", part or "")
            .translate(_FOLDED)
            .casefold()
            .split()
        )
        for part in (given, family)
    )
    return (parts[0], parts[1]) if any(parts) else None


def _person_of(session: Session, sis_user: dict[str, Any], now: datetime) -> int:
    given, family = sis_user["given_name"], sis_user["family_name"]
    person_id = identities.add_person(
        session,
        given_name=given,
        family_name=family,
        display_name=f"{given} {family}".strip(),
        now=now,
    )
    identities.give_person(session, sis_user["id"], person_id)
    return person_id


def _called(row: dict[str, Any]) -> dict[str, str]:
    given, family = row["given_name"] or "", row["family_name"] or ""
    display = row["full_name"] or f"{given} {family}".strip()
    return {
        "given_name": given,
        "family_name": family,
        "display_name": display or f"User {row['subject']}",
    }


def _add_alone(session: Session, row: dict[str, Any], now: datetime) -> int:
    return identities.add_person(session, **_called(row), now=now)


def _rename_alone(session: Session, person_id: int, row: dict[str, Any]) -> None:
    if row["full_name"] or row["given_name"] or row["family_name"]:
        identities.rename_person(session, person_id, **_called(row))


def _link(session: Session, lms_user_id: int, match: Match, now: datetime) -> None:
    identities.link_user(
        session,
        lms_user_id,
        match.person_id,
        rule=match.rule,
        confidence=match.confidence,
        now=now,
    )
