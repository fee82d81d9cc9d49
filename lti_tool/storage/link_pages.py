"""What the matching desk shows: counts, links with both sides' facts, people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, case, func, or_, select

from lti_tool.storage.account_pages import Account, load_lms, load_sis, real
from lti_tool.storage.database import rows
from lti_tool.storage.links import LMS, SIS
from lti_tool.storage.schema import (
    lms_user,
    person,
    person_link,
    registration,
    sis_user,
    source,
)
from lti_tool.storage.session import Session

STATUSES: Final = ("proposed", "active", "refused", "undone", "replaced")
_LONGEST: Final = 100


class Tally(NamedTuple):
    """How many accounts a source or a platform has, and how far they are joined."""

    kind: str
    id: int
    name: str
    accounts: int
    joined: int
    waiting: int
    alone: int


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link with both its sides; other is None where the person has no account."""

    id: int
    kind: str
    status: str
    rule: str
    confidence: float
    same: dict[str, str]
    made_by: str
    made_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    person_id: int
    person_name: str
    account: Account | None
    other: Account | None


@dataclass(frozen=True, slots=True)
class Wish:
    """Which links are asked for; an empty part asks for all."""

    status: str = "proposed"
    kind: str = ""
    system: int = 0  # a source of SIS links, a registration of LMS links
    words: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A person with her accounts."""

    id: int
    name: str
    accounts: tuple[Account, ...]
    links: tuple[ShownLink, ...] = field(default=())


def load_tallies(session: Session) -> list[Tally]:
    """Return the counts of each source, then of each platform, by name."""
    return [*_sis_tallies(session), *_lms_tallies(session)]


def _sis_tallies(session: Session) -> list[Tally]:
    shared = (
        select(sis_user.c.person_id)
        .where(sis_user.c.person_id.is_not(None))
        .group_by(sis_user.c.person_id)
        .having(func.count() > 1)
    )
    in_lms = select(lms_user.c.person_id).where(lms_user.c.person_id.is_not(None))
    is_joined = or_(sis_user.c.person_id.in_(shared), sis_user.c.person_id.in_(in_lms))
    found = session.execute(
        select(
            source.c.id,
            source.c.name,
            func.count(sis_user.c.id),
            func.sum(case((is_joined, 1), else_=0)),
        )
        .join(sis_user, sis_user.c.source_id == source.c.id)
        .where(sis_user.c.status == "active")
        .group_by(source.c.id, source.c.name)
        .order_by(source.c.name)
    )
    waiting = _waiting(session, SIS)
    return [
        Tally(SIS, one, name, count, joined, waiting.get(one, 0), count - joined)
        for one, name, count, joined in found
    ]


def _lms_tallies(session: Session) -> list[Tally]:
    is_joined = lms_user.c.link_rule.in_(("lis", "name_in_class", "by_hand"))
    found = session.execute(
        select(
            registration.c.id,
            registration.c.name,
            func.count(lms_user.c.id),
            func.sum(case((is_joined, 1), else_=0)),
        )
        .join(lms_user, lms_user.c.registration_id == registration.c.id)
        .where(registration.c.made_by != "trial", lms_user.c.link_rule != "preview")
        .group_by(registration.c.id, registration.c.name)
        .order_by(registration.c.name)
    )
    waiting = _waiting(session, LMS)
    return [
        Tally(LMS, one, name, count, joined, waiting.get(one, 0), count - joined)
        for one, name, count, joined in found
    ]


def _waiting(session: Session, kind: str) -> dict[int, int]:
    """How many accounts of each system wait for a person."""
    system = _system(kind)
    count: ColumnElement[Any] = func.count(_account_id(kind).distinct())
    found = session.execute(
        _joined(select(*(system, count)))
        .where(person_link.c.kind == kind, person_link.c.status == "proposed")
        .group_by(system)
    )
    return {row[0]: row[1] for row in found}


def _system(kind: str) -> ColumnElement[int]:
    return sis_user.c.source_id if kind == SIS else lms_user.c.registration_id


def _account_id(kind: str) -> ColumnElement[int]:
    return person_link.c.sis_user_id if kind == SIS else person_link.c.lms_user_id


def _joined(statement: Select[Any]) -> Select[Any]:
    return (
        statement.select_from(person_link)
        .outerjoin(sis_user, sis_user.c.id == person_link.c.sis_user_id)
        .outerjoin(lms_user, lms_user.c.id == person_link.c.lms_user_id)
        .join(person, person.c.id == person_link.c.person_id)
    )


def _asked(wish: Wish) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = [person_link.c.status == wish.status]
    if wish.kind:
        asked.append(person_link.c.kind == wish.kind)
    if wish.system:
        asked.append(_system(wish.kind or SIS) == wish.system)
    asked += [_says(word) for word in wish.words[:_LONGEST].split()]
    return asked


def _says(word: str) -> ColumnElement[bool]:
    """Tell whether a name or an id of either side has a word in it."""
    columns = (
        sis_user.c.given_name,
        sis_user.c.family_name,
        sis_user.c.sourced_id,
        sis_user.c.identifier,
        lms_user.c.given_name,
        lms_user.c.family_name,
        lms_user.c.full_name,
        lms_user.c.subject,
        lms_user.c.lis_person_sourcedid,
        person.c.display_name,
    )
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


def count_links(session: Session, wish: Wish) -> int:
    """Count the links a wish asks for."""
    return int(session.scalar(_joined(select(func.count())).where(*_asked(wish))) or 0)


def load_links(
    session: Session, wish: Wish, *, first: int, count: int
) -> list[ShownLink]:
    """Return links with both sides: the likeliest first, of the others the newest."""
    is_open = wish.status == "proposed"
    newest = func.coalesce(person_link.c.decided_at, person_link.c.made_at).desc()
    order = person_link.c.confidence.desc() if is_open else newest
    found = rows(
        session,
        _joined(select(person_link, person.c.display_name))
        .where(*_asked(wish))
        .order_by(order, person_link.c.id)
        .offset(first)
        .limit(count),
    )
    return _shown(session, found)


def _shown(session: Session, found: Sequence[dict[str, Any]]) -> list[ShownLink]:
    others = {row["id"]: (row["facts"] or {}).get("with") for row in found}
    users = {row["sis_user_id"] for row in found} | set(others.values())
    lms = {row["lms_user_id"] for row in found}
    sis = {one.id: one for one in load_sis(session, sis_user.c.id.in_(real(users)))}
    known = {one.id: one for one in load_lms(session, lms_user.c.id.in_(real(lms)))}
    people = [row["person_id"] for row in found if not others[row["id"]]]
    theirs: dict[int, Account] = {}
    for one in load_sis(session, sis_user.c.person_id.in_(real(people))):
        theirs.setdefault(one.person_id or 0, one)
    links = []
    for row in found:
        is_sis = row["kind"] == SIS
        mine = sis if is_sis else known
        other = others[row["id"]]
        links.append(
            ShownLink(
                id=row["id"],
                kind=row["kind"],
                status=row["status"],
                rule=row["rule"],
                confidence=row["confidence"],
                same=dict((row["facts"] or {}).get("same") or {}),
                made_by=row["made_by"],
                made_at=row["made_at"],
                decided_by=row["decided_by"],
                decided_at=row["decided_at"],
                person_id=row["person_id"],
                person_name=row["display_name"],
                account=mine.get(row["sis_user_id" if is_sis else "lms_user_id"]),
                other=sis.get(other) if other else theirs.get(row["person_id"]),
            )
        )
    return links


def count_people(session: Session, words: str, *, alone: int = 0) -> int:
    """Count the people of a name or id who have an account.

    alone: only those of this registration whom no SIS knows.
    """
    named = _named(words, alone).subquery("named")
    return int(session.scalar(select(func.count()).select_from(named)) or 0)


def find_people(
    session: Session, words: str, *, first: int, count: int, alone: int = 0
) -> list[Found]:
    """Return people with an account by name or id, by name.

    alone: only those of this registration whom no SIS knows.
    """
    ids = list(
        session.scalars(
            _named(words, alone)
            .order_by(person.c.family_name, person.c.given_name, person.c.id)
            .offset(first)
            .limit(count)
        )
    )
    accounts: dict[int, list[Account]] = {}
    for one in (
        *load_sis(session, sis_user.c.person_id.in_(ids)),
        *load_lms(session, lms_user.c.person_id.in_(ids)),
    ):
        accounts.setdefault(one.person_id or 0, []).append(one)
    names = {
        row.id: row.display_name
        for row in session.execute(
            select(person.c.id, person.c.display_name).where(person.c.id.in_(ids))
        )
    }
    return [Found(one, names[one], tuple(accounts.get(one, ()))) for one in ids]


def _named(words: str, alone: int) -> Select[Any]:
    sis = select(sis_user.c.person_id).where(
        *(
            or_(
                sis_user.c.given_name.icontains(word, autoescape=True),
                sis_user.c.family_name.icontains(word, autoescape=True),
                sis_user.c.sourced_id == word,
                sis_user.c.identifier == word,
                sis_user.c.username == word,
            )
            for word in words[:_LONGEST].split()
        )
    )
    lms = select(lms_user.c.person_id).where(
        *(
            or_(
                lms_user.c.given_name.icontains(word, autoescape=True),
                lms_user.c.family_name.icontains(word, autoescape=True),
                lms_user.c.full_name.icontains(word, autoescape=True),
                lms_user.c.subject == word,
                lms_user.c.lis_person_sourcedid == word,
            )
            for word in words[:_LONGEST].split()
        )
    )
    found = select(person.c.id, person.c.family_name, person.c.given_name).where(
        or_(person.c.id.in_(sis), person.c.id.in_(lms))
    )
    if not alone:
        return found
    unknown = select(lms_user.c.person_id).where(
        lms_user.c.registration_id == alone,
        lms_user.c.link_rule.in_(("alone", "apart")),
    )
    return found.where(person.c.id.in_(unknown))


def load_person(session: Session, person_id: int) -> Found | None:
    """Return everything known of who a person is: accounts, and links that concern her.

    None where there is no such person.
    """
    name = session.scalar(select(person.c.display_name).where(person.c.id == person_id))
    if name is None:
        return None
    accounts = (
        *load_sis(session, sis_user.c.person_id == person_id),
        *load_lms(session, lms_user.c.person_id == person_id),
    )
    concerned = or_(
        person_link.c.person_id == person_id,
        person_link.c.from_person_id == person_id,
    )
    found = rows(
        session,
        _joined(select(person_link, person.c.display_name))
        .where(concerned)
        .order_by(person_link.c.id.desc())
        .limit(_LONGEST),
    )
    return Found(person_id, name, accounts, tuple(_shown(session, found)))
