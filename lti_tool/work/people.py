"""Who is who: the person behind an LMS user, by a rule that can be told.

In this order: the SIS id the platform sends (`lis`); the one person of that name the
SIS seats in the course, if no SIS id is sent (`name_in_class`); otherwise a person of
her own (`alone`). Never by e-mail. A link once made is not moved to another person;
only `alone` gives way, when the SIS has come to know her. A student preview (TestUser)
is nobody: whatever it says of itself, it is joined to no one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lti_tool.logs import log
from lti_tool.lti13 import tool_description
from lti_tool.lti13.roles import Role
from lti_tool.storage import identities, links
from lti_tool.storage.database import Session
from lti_tool.storage.identities import Link, LmsUser, Names
from lti_tool.storage.links import LMS, NewLink
from lti_tool.work import matching, merging
from lti_tool.work.matching import BY_RULE
from lti_tool.work.merging import Move, Moved
from lti_tool.work.rolls import Book, Match

# Custom parameters of ours that bring what the LMS and the SIS call a person.
SIS_PERSON: Final = tool_description.SIS_PERSON
PLATFORM_USER: Final = tool_description.PLATFORM_USER
# Of one whom several people may be; so many of them are proposed.
UNSURE_CONFIDENCE: Final = 0.4
MOST_CHOICES: Final = 5
# Links that give way as soon as the SIS knows her, or she comes as herself.
_LOOSE: Final = ("alone", "preview")
# What a person decided stays, whatever the systems say.
_BY_HAND: Final = ("by_hand", "apart")
# Rules whose links are written down, each with what spoke for it.
_TOLD: Final = ("lis", "name_in_class")
_WORDS: Final = {
    "lis": "joined by SIS id",
    "name_in_class": "joined by name: the only match in this class",
    "alone": "not joined: the SIS has nobody who matches",
    "by_hand": "joined by hand",
    "apart": "kept apart by hand",
    "preview": "a teacher's student preview: nobody",
}


@dataclass(frozen=True, slots=True)
class Known:
    """An LMS user and the person she is."""

    lms_user_id: int
    person_id: int
    rule: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """An LMS user, and as what she comes into the course."""

    user: LmsUser
    role: Role


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
    return remember_all(
        session, registration_id, [Arrival(user, role)], course_id=course_id, now=now
    )[0]


def remember_all(
    session: Session,
    registration_id: int,
    arrivals: Sequence[Arrival],
    *,
    course_id: int | None,
    now: datetime,
) -> list[Known]:
    """Write LMS users down and say who each is, in order; may be run again.

    Each subject arrives once. The number of statements does not grow with them.
    """
    users = [one.user for one in arrivals]
    saved = identities.save_users(session, registration_id, users, now=now)
    rows = [saved[user.subject] for user in users]
    book = Book(session, now)
    book.look_up({row["lis_person_sourcedid"] for row in rows} - {None, ""})
    book.seated_in(course_id, registration_id)
    found = [
        _judge(book, row, one.role) for row, one in zip(rows, arrivals, strict=True)
    ]
    strangers = [row for row, match in zip(rows, found, strict=True) if match is None]
    added = iter(identities.add_people(session, [*map(_called, strangers)], now=now))
    matches = [match or Match(next(added), "alone", None) for match in found]
    _write(session, rows, matches, now)
    return [
        Known(row["id"], match.person_id, match.rule)
        for row, match in zip(rows, matches, strict=True)
    ]


def _judge(book: Book, row: dict[str, Any], role: str) -> Match | None:
    """Say who an LMS user is; None for a person who is not there yet."""
    held, rule = row["person_id"], row["link_rule"]
    if held is not None and rule not in _LOOSE:
        return _confirmed(book, row)
    match = book.match(row, role)
    if match is None:
        return None if held is None else Match(held, "alone", None)
    return match


def _write(
    session: Session,
    rows: Sequence[dict[str, Any]],
    matches: Sequence[Match],
    now: datetime,
) -> None:
    """Write down what changed: new links, and names of those we know by the LMS."""
    changed, names = [], {}
    for row, match in zip(rows, matches, strict=True):
        if (row["person_id"], row["link_rule"]) != (match.person_id, match.rule):
            changed.append((row, match))
        if match.rule == "alone" and row["person_id"] is not None and _is_named(row):
            names[match.person_id] = _called(row)
    _join(session, changed, now)
    identities.rename_people(session, names)


def _join(
    session: Session, changed: Sequence[tuple[dict[str, Any], Match]], now: datetime
) -> None:
    """Let LMS users be who they were found to be, and keep why in their links."""
    moves = [
        Move(LMS, row["id"], row["person_id"], match.person_id)
        for row, match in changed
        if row["person_id"] not in (None, match.person_id)
    ]
    moved = dict(
        zip(
            (one.account_id for one in moves),
            merging.move(session, moves, now=now),
            strict=True,
        )
    )
    identities.link_users(
        session,
        [
            Link(row["id"], match.person_id, match.rule, match.confidence)
            for row, match in changed
        ],
        now=now,
    )
    told = [(row, match) for row, match in changed if match.rule in _TOLD]
    replaced = [row["id"] for row, _match in told if row["link_rule"] in _TOLD]
    links.end_links(session, LMS, replaced, now=now, by=BY_RULE)
    made = [
        NewLink(
            LMS,
            row["id"],
            match.person_id,
            row["person_id"],
            match.rule,
            match.confidence or 0.0,
            "active",
            _facts(row, match, moved.get(row["id"])),
            BY_RULE,
        )
        for row, match in told
    ]
    links.put_links(session, made, now=now)


def _facts(row: dict[str, Any], match: Match, moved: Moved | None) -> dict[str, Any]:
    """What spoke for a link, and what moved with it."""
    same = {"name": f"{row['given_name']} {row['family_name']}".strip()}
    if match.rule in ("lis", "lis_twice"):
        same = {"sis_id": row["lis_person_sourcedid"]}
    return {"same": same, **({"moved": moved.facts} if moved else {})}


def remember_preview(
    session: Session, registration_id: int, subject: str, *, now: datetime
) -> Known:
    """Write a student preview down as an LMS user who is nobody of the roster.

    Only the subject is kept: a SIS id or a name it carries is not its own. Where a
    platform previews under a teacher's own subject, she stays who she is.
    """
    users = [LmsUser(subject=subject)]
    row = identities.save_users(session, registration_id, users, now=now)[subject]
    if row["person_id"] is not None:
        return Known(row["id"], row["person_id"], row["link_rule"])
    (person_id,) = identities.add_people(session, [_called(row)], now=now)
    link = Link(row["id"], person_id, "preview", None)
    identities.link_users(session, [link], now=now)
    return Known(row["id"], person_id, "preview")


def match_waiting(session: Session, *, now: datetime) -> int:
    """Join accounts of one person, and LMS users whom the SIS did not know before.

    Returns how many LMS users were joined. For the end of a roster sync. May be run
    again. The number of statements grows with the courses, not with the people.
    """
    links.keep_lms_links(session, now=now)
    matching.match_accounts(session, now=now)
    joined: dict[int, tuple[dict[str, Any], Match]] = {}
    several: dict[int, tuple[dict[str, Any], str, set[int]]] = {}
    waiting = identities.waiting_users(session)
    book = Book(session, now)
    book.look_up({row["lis_person_sourcedid"] for row in waiting} - {None, ""})
    seats: dict[int, set[tuple[int, str]]] = {}
    for row in waiting:
        if row["id"] in joined:
            continue
        book.seated_in(row["course_id"], row["registration_id"])
        match = book.match(row, row["role"] or "none")
        if match is None:
            rule, people = book.several(row, row["role"] or "none")
            if people:
                several.setdefault(row["id"], (row, rule, people))
            continue
        if match.person_id == row["person_id"]:
            continue
        joined[row["id"]] = row, match
        if row["course_id"] is not None:
            seat = (match.person_id, row["role"])
            seats.setdefault(row["course_id"], set()).add(seat)
    _join(session, list(joined.values()), now)
    for course_id, mine in sorted(seats.items()):
        identities.save_seats(session, course_id, sorted(mine))
    _propose(session, [several[one] for one in several if one not in joined], now)
    return len(joined)


def _propose(
    session: Session,
    several: Sequence[tuple[dict[str, Any], str, set[int]]],
    now: datetime,
) -> None:
    """Let a person choose whom of several an LMS user is; each is proposed once."""
    if not several:
        return
    known = {
        (one["account_id"], one["person_id"]) for one in links.load_known(session, LMS)
    }
    made = [
        NewLink(
            LMS,
            row["id"],
            person_id,
            row["person_id"],
            rule,
            UNSURE_CONFIDENCE,
            "proposed",
            _facts(row, Match(person_id, rule, None), None),
            BY_RULE,
        )
        for row, rule, people in several
        for person_id in sorted(people)[:MOST_CHOICES]
        if (row["id"], person_id) not in known
    ]
    links.put_links(session, made, now=now)


def _confirmed(book: Book, row: dict[str, Any]) -> Match:
    """Keep a link; a SIS id that agrees makes it certain, one that does not is told."""
    kept = Match(row["person_id"], row["link_rule"], row["link_confidence"])
    if kept.rule in _BY_HAND or not row["lis_person_sourcedid"]:
        return kept
    match = book.by_sis_id(row["lis_person_sourcedid"])
    if match is None:
        return kept
    if match.person_id != kept.person_id:
        log().warning(
            "link disputed", lms_user_id=row["id"], person_id=kept.person_id,
            other_person_id=match.person_id,
        )  # fmt: skip
        return kept
    return match


def _called(row: dict[str, Any]) -> Names:
    given, family = row["given_name"] or "", row["family_name"] or ""
    display = row["full_name"] or f"{given} {family}".strip()
    return Names(given, family, display or f"User {row['subject']}")


def _is_named(row: dict[str, Any]) -> bool:
    return bool(row["full_name"] or row["given_name"] or row["family_name"])
