"""Links: which account of a SIS or an LMS is which person, by which rule, since when.

A link is a fact that can be undone. One that waits for a person is ``proposed``;
``active`` ones hold; ``refused`` and ``undone`` ones keep a rule from saying it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows
from lti_tool.storage.schema import lms_user, person, person_link, sis_user
from lti_tool.storage.session import Session

SIS: Final = "sis"
LMS: Final = "lms"
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class NewLink:
    """An account that is, or may be, a person."""

    kind: str
    account_id: int
    person_id: int
    from_person_id: int | None
    rule: str
    confidence: float
    status: str
    facts: Mapping[str, Any]
    made_by: str


def put_links(session: Session, links: Sequence[NewLink], *, now: datetime) -> None:
    """Write links down."""
    if not links:
        return
    session.execute(
        insert(person_link),
        [
            {
                "kind": one.kind,
                "sis_user_id": one.account_id if one.kind == SIS else None,
                "lms_user_id": one.account_id if one.kind == LMS else None,
                "person_id": one.person_id,
                "from_person_id": one.from_person_id,
                "rule": one.rule,
                "confidence": one.confidence,
                "status": one.status,
                "facts": dict(one.facts),
                "made_by": one.made_by,
                "made_at": now,
            }
            for one in links
        ],
    )


def load_link(session: Session, link_id: int) -> dict[str, Any]:
    """Return one link, held until the caller's transaction ends.

    Raises:
        NotFoundError: there is none.
    """
    found = rows(
        session,
        select(person_link).where(person_link.c.id == link_id).with_for_update(),
    )
    if not found:
        raise NotFoundError(f"no link {link_id}; see masterybridge link list")
    return found[0]


def save_link(session: Session, link_id: int, values: Mapping[str, Any]) -> None:
    """Change a link: status, facts, person_id, from_person_id, decided_by and at."""
    session.execute(
        update(person_link).where(person_link.c.id == link_id).values(**values)
    )


def end_links(
    session: Session, kind: str, accounts: Collection[int], *, now: datetime, by: str
) -> None:
    """Let the active links of accounts give way to better ones."""
    for some in _batches(accounts):
        session.execute(
            update(person_link)
            .where(
                _account(kind).in_(some),
                person_link.c.kind == kind,
                person_link.c.status == "active",
            )
            .values(status="replaced", decided_by=by, decided_at=now)
        )


def drop_proposals(session: Session, ids: Iterable[int]) -> None:
    """Drop proposals that have become pointless."""
    for some in _batches(list(ids)):
        session.execute(
            delete(person_link).where(
                person_link.c.id.in_(some), person_link.c.status == "proposed"
            )
        )


def load_known(session: Session, kind: str) -> list[dict[str, Any]]:
    """Return what was said of accounts of a kind: id, account, person, status, facts.

    Every link that keeps a rule from saying the same again.
    """
    return rows(
        session,
        select(
            person_link.c.id,
            _account(kind).label("account_id"),
            person_link.c.person_id,
            person_link.c.rule,
            person_link.c.status,
            person_link.c.facts,
        )
        .where(person_link.c.kind == kind)
        .order_by(person_link.c.id),
    )


def load_of_accounts(
    session: Session, kind: str, accounts: Collection[int], statuses: Collection[str]
) -> list[dict[str, Any]]:
    """Return the links of accounts that stand so, oldest first."""
    return [
        row
        for some in _batches(accounts)
        for row in rows(
            session,
            select(person_link)
            .where(
                person_link.c.kind == kind,
                _account(kind).in_(some),
                person_link.c.status.in_(statuses),
            )
            .order_by(person_link.c.id),
        )
    ]


def keep_lms_links(session: Session, *, now: datetime) -> None:
    """Write a link for every LMS user who was joined before links were kept."""
    known = exists().where(person_link.c.lms_user_id == lms_user.c.id)
    session.execute(
        insert(person_link).from_select(
            [
                "kind",
                "lms_user_id",
                "person_id",
                "rule",
                "confidence",
                "status",
                "made_by",
                "made_at",
            ],
            select(
                literal(LMS),
                lms_user.c.id,
                lms_user.c.person_id,
                lms_user.c.link_rule,
                func.coalesce(lms_user.c.link_confidence, 1.0),
                literal("active"),
                literal("rule"),
                func.coalesce(
                    lms_user.c.linked_at, literal(now, lms_user.c.linked_at.type)
                ),
            ).where(
                lms_user.c.link_rule.in_(("lis", "name_in_class", "by_hand")),
                lms_user.c.person_id.is_not(None),
                ~known,
            ),
        )
    )


def load_alike(session: Session) -> list[dict[str, Any]]:
    """Return the SIS users who share an id or a name with another, by id.

    Whether they are one person is for work.matching to say.
    """
    user = sis_user
    name = (func.lower(user.c.family_name), func.lower(user.c.given_name))
    alike = or_(
        user.c.user_master_identifier.in_(_shared(user.c.user_master_identifier)),
        user.c.identifier.in_(_shared(user.c.identifier)),
        _pair_of_names().in_(
            select(_pair_of_names()).group_by(*name).having(func.count() > 1)
        ),
    )
    return rows(
        session,
        select(
            user.c.id,
            user.c.source_id,
            user.c.sourced_id,
            user.c.status,
            user.c.person_id,
            user.c.username,
            user.c.given_name,
            user.c.family_name,
            user.c.preferred_given_name,
            user.c.preferred_family_name,
            user.c.identifier,
            user.c.user_master_identifier,
            user.c.user_ids,
            user.c.roles,
            user.c.primary_org_sourced_id,
        )
        .where(user.c.person_id.is_not(None), alike)
        .order_by(user.c.id),
    )


def _shared(column: ColumnElement[Any]) -> Select[Any]:
    return (
        select(column)
        .where(column.is_not(None), column != literal_column("''"))
        .group_by(column)
        .having(func.count() > 1)
    )


def _pair_of_names() -> ColumnElement[str]:
    family, given = sis_user.c.family_name, sis_user.c.given_name
    return func.lower(family, type_=Text).concat("|").concat(func.lower(given))


def find_account(session: Session, kind: str, account_id: int) -> dict[str, Any]:
    """Return an account: id, person_id.

    Raises:
        NotFoundError: there is none, or it is nobody yet.
    """
    table = sis_user if kind == SIS else lms_user
    found = rows(
        session, select(table.c.id, table.c.person_id).where(table.c.id == account_id)
    )
    if not found or found[0]["person_id"] is None:
        raise NotFoundError(f"no {kind} account {account_id}")
    return found[0]


def require_person(session: Session, person_id: int) -> None:
    """Go on only if there is such a person.

    Raises:
        NotFoundError: there is none.
    """
    load_names(session, person_id)


def load_names(session: Session, person_id: int) -> tuple[str, str, str]:
    """Return given, family and whole name of a person.

    Raises:
        NotFoundError: there is none.
    """
    found = session.execute(
        select(person.c.given_name, person.c.family_name, person.c.display_name).where(
            person.c.id == person_id
        )
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"no person {person_id}; see masterybridge link list")
    return found[0], found[1], found[2]


def accounts_of(session: Session, person_id: int, *, but: int) -> list[int]:
    """Return the SIS users of a person but one, oldest first."""
    return list(
        session.scalars(
            select(sis_user.c.id)
            .where(sis_user.c.person_id == person_id, sis_user.c.id != but)
            .order_by(sis_user.c.id)
        )
    )


def _account(kind: str) -> ColumnElement[int]:
    return person_link.c.sis_user_id if kind == SIS else person_link.c.lms_user_id


def _batches(ids: Collection[int]) -> Iterable[list[int]]:
    several = list(ids)
    for start in range(0, len(several), _BATCH):
        yield several[start : start + _BATCH]
