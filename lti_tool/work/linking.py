"""What a person decides about links: accept, refuse, take back, join by hand.

Each decision is one transaction with its line in the audit, and can be taken back:
then everything is as it was. A pair that was refused or taken back is not proposed
again by any rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from lti_tool.errors import ConfigError
from lti_tool.storage import identities, links
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.identities import Link, Names
from lti_tool.storage.links import LMS, SIS, NewLink
from lti_tool.work import merging, standing
from lti_tool.work.merging import Move

# Why two accounts are, or may be, one person: rule by rule, in English.
RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "master_id": "The same master identifier",
        "identifier_and_name": "The same identifier and name",
        "other_kind": (
            "The same identifier and name, but one is a student and the other is not"
        ),
        "shared_identifier": (
            "The same identifier and name, but others have this identifier, too"
        ),
        "name_and_login": "The same name, school and login",
        "other_source": "The same identifier and name in another source",
        "lis": "The LMS names the SIS id",
        "lis_twice": "The LMS names a SIS id that several people have",
        "name_in_class": "The only one of this name in the class",
        "name_twice": "One of several of this name in the class",
        "by_hand": "Joined by hand",
    }
)
# As many courses are worked out at once; more wait for the worker.
AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class Author:
    """Who decides, and when."""

    who: str
    now: datetime


def accept(session: Session, link_id: int, by: Author) -> None:
    """Let a proposal hold: the account becomes the person it was proposed to be.

    Raises:
        NotFoundError: there is no such link.
        ConfigError: it does not wait any more.
    """
    link = links.load_link(session, link_id)
    _refuse_unless(link, "proposed")
    kind, account_id = _account(link)
    held = links.find_account(session, kind, account_id)["person_id"]
    person_id = _meant(session, link)
    facts = dict(link["facts"] or {})
    facts["moved"] = _move(session, Move(kind, account_id, held, person_id), by)
    _follow(session, kind, account_id, person_id, link["rule"], by)
    values = {"person_id": person_id, "from_person_id": held, "facts": facts}
    _settle(session, link, "active", by, values)
    _refuse_siblings(session, kind, account_id, link_id, by)


def refuse(session: Session, link_id: int, by: Author) -> None:
    """Say that a proposal is wrong; it is not made again.

    Raises:
        NotFoundError: there is no such link.
        ConfigError: it does not wait any more.
    """
    link = links.load_link(session, link_id)
    _refuse_unless(link, "proposed")
    _settle(session, link, "refused", by)


def undo(session: Session, link_id: int, by: Author) -> None:
    """Take a link back: the account is again who it was, with what was hers.

    Raises:
        NotFoundError: there is no such link.
        ConfigError: it does not hold any more, or a later one holds.
    """
    link = links.load_link(session, link_id)
    _refuse_unless(link, "active")
    kind, account_id = _account(link)
    held = links.find_account(session, kind, account_id)["person_id"]
    later = links.load_of_accounts(session, kind, [account_id], ["active"])
    if held != link["person_id"] or later[-1]["id"] != link_id:
        raise ConfigError(
            f"link {link_id}: the account has moved on since; take the later link back "
            "first"
        )
    before = link["from_person_id"]
    if before is None or before == held:
        before = _person_of_her_own(session, held, by)
    facts = (link["facts"] or {}).get("moved")
    made = Move(kind, account_id, before, held)
    courses = merging.take_back(session, made, facts, now=by.now)
    _follow(session, kind, account_id, before, "apart", by)
    _settle(session, link, "undone", by)
    _refresh(session, courses, by)


def join(
    session: Session, kind: str, account_id: int, person_id: int, by: Author
) -> int:
    """Say by hand that an account is this person; returns the link.

    Raises:
        NotFoundError: there is no such account or person.
        ConfigError: it is this person already.
    """
    held = links.find_account(session, kind, account_id)["person_id"]
    links.require_person(session, person_id)
    if held == person_id:
        raise ConfigError("these are one person already")
    moved = _move(session, Move(kind, account_id, held, person_id), by)
    _follow(session, kind, account_id, person_id, "by_hand", by)
    if kind == LMS:
        links.end_links(session, LMS, [account_id], now=by.now, by=by.who)
    facts: dict[str, Any] = {"moved": moved}
    if kind == SIS:
        others = links.accounts_of(session, person_id, but=account_id)
        facts["with"] = others[0] if others else 0
    made = NewLink(
        kind, account_id, person_id, held, "by_hand", 1.0, "active", facts, by.who
    )
    links.put_links(session, [made], now=by.now)
    (link,) = links.load_of_accounts(session, kind, [account_id], ["active"])[-1:]
    _note(session, link, "person link joined", by, before={"person_id": held})
    return int(link["id"])


def _account(link: Mapping[str, Any]) -> tuple[str, int]:
    kind = link["kind"]
    return kind, link["sis_user_id" if kind == SIS else "lms_user_id"]


def _meant(session: Session, link: Mapping[str, Any]) -> int:
    """Who the other account is today: she may have been joined since."""
    other = (link["facts"] or {}).get("with")
    if other:
        return int(links.find_account(session, SIS, other)["person_id"])
    return int(link["person_id"])


def _refuse_unless(link: Mapping[str, Any], status: str) -> None:
    if link["status"] != status:
        words = {"proposed": "does not wait any more", "active": "does not hold"}
        raise ConfigError(f"link {link['id']} {words[status]}: it is {link['status']}")


def _move(session: Session, move: Move, by: Author) -> dict[str, Any]:
    if move.old == move.new:
        return {}
    (moved,) = merging.move(session, [move], now=by.now)
    _refresh(session, moved.courses, by)
    return moved.facts


def _refresh(session: Session, courses: set[int], by: Author) -> None:
    """Work out the levels of the few courses a decision touches, at once."""
    if len(courses) > AT_ONCE:
        return
    for course_id in standing.with_framework(session, courses):
        standing.refresh(session, course_id, now=by.now)


def _follow(
    session: Session, kind: str, account_id: int, person_id: int, rule: str, by: Author
) -> None:
    """Write at the LMS user who she is and why, as launches read it."""
    if kind == LMS:
        confidence = None if rule == "apart" else 1.0
        known = "by_hand" if rule != "apart" else rule
        link = Link(account_id, person_id, known, confidence)
        identities.link_users(session, [link], now=by.now)


def _person_of_her_own(session: Session, held: int, by: Author) -> int:
    """Make a person for an account that never had one, called as the other is."""
    names = links.load_names(session, held)
    (person_id,) = identities.add_people(session, [Names(*names)], now=by.now)
    return person_id


def _refuse_siblings(
    session: Session, kind: str, account_id: int, link_id: int, by: Author
) -> None:
    """Of several people an LMS account may be, she is one."""
    if kind != LMS:
        return
    for other in links.load_of_accounts(session, kind, [account_id], ["proposed"]):
        if other["id"] != link_id:
            _settle(session, other, "refused", by)


def _settle(
    session: Session,
    link: Mapping[str, Any],
    status: str,
    by: Author,
    values: Mapping[str, Any] | None = None,
) -> None:
    decided = {"status": status, "decided_by": by.who, "decided_at": by.now}
    links.save_link(session, link["id"], {**decided, **(values or {})})
    before = {"status": link["status"], "person_id": link["person_id"]}
    _note(session, {**link, **(values or {})}, f"person link {status}", by, before)


def _note(
    session: Session,
    link: Mapping[str, Any],
    what: str,
    by: Author,
    before: Mapping[str, Any],
) -> None:
    kind, account_id = _account(link)
    put_change(
        session,
        at=by.now,
        who=by.who,
        what=what,
        subject=("person_link", link["id"]),
        before=dict(before),
        after={"kind": kind, "account": account_id, "person_id": link["person_id"]},
    )
