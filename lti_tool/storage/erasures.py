"""Taking a person out of every table, and remembering that she was, by a hash alone.

What is remembered is a salted hash of each identifier, so that a sync or a class list
does not bring her back; nobody can read an identifier from it, only ask for one.
Source: docs/decisions/0023-export-and-erasure.md.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, Text, cast, delete, func, select, update

from lti_tool.storage import schema as s
from lti_tool.storage.database import rows, upsert
from lti_tool.storage.holdings import HOLDINGS, Who, load_who
from lti_tool.storage.session import Session

SIS: Final = "sis"
LMS: Final = "lms"
# What no one may take from under a worker.
IN_FLIGHT: Final = ("sending", "unknown")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Whom of one source, or platform, we were told to forget; empty for most."""

    salt: str = ""
    hashes: frozenset[str] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def __contains__(self, identity: str) -> bool:
        return bool(self.hashes) and hash_of(self.salt, identity) in self.hashes


NOBODY: Final = Forgotten()


def hash_of(salt: str, identity: str) -> str:
    """Return what is kept of an identifier."""
    return hashlib.sha256(f"{salt}\n{identity}".encode()).hexdigest()


def load_forgotten(session: Session, kind: str, place_id: int) -> Forgotten:
    """Return whom of one source (sis) or platform (lms) we were told to forget."""
    table = s.erasure.c
    found = session.execute(
        select(table.salt, table.identity_hash).where(
            table.kind == kind, table.place_id == place_id
        )
    ).all()
    if not found:
        return NOBODY
    return Forgotten(found[0].salt, frozenset(one.identity_hash for one in found))


def remember(session: Session, who: Who, now: datetime) -> int:
    """Remember every identifier of a person as a hash; returns how many."""
    salt = session.scalar(select(s.erasure.c.salt).limit(1)) or secrets.token_hex(16)
    found = [(SIS, *one) for one in who.sis] + [(LMS, *one) for one in who.lms]
    for kind, place_id, identity in found:
        session.execute(
            upsert(session, s.erasure)
            .values(
                kind=kind,
                place_id=place_id,
                salt=salt,
                identity_hash=hash_of(salt, identity),
                erased_at=now,
            )
            .on_conflict_do_nothing()
        )
    return len(found)


def lift(session: Session, identity: str) -> int:
    """Let whoever has this identifier come back; returns in how many systems."""
    salt = session.scalar(select(s.erasure.c.salt).limit(1))
    if salt is None:
        return 0
    hashed = hash_of(salt, identity)
    gone = session.execute(delete(s.erasure).where(s.erasure.c.identity_hash == hashed))
    return gone.rowcount


def count(session: Session, who: Who) -> dict[str, int]:
    """Return how many rows of which table would be taken away."""
    found = {}
    for held in HOLDINGS:
        counted = select(func.count()).select_from(held.table).where(held.where(who))
        found[held.table.name] = session.scalar(counted) or 0
    return {name: one for name, one in found.items() if one}


def erase(session: Session, who: Who) -> dict[str, int]:
    """Take a person out of every table; returns how many rows of which.

    In the caller's transaction. Where she stands inside what is another's, she is
    taken out of it: plans of deliveries, looks at a source, relatives, mentors.
    """
    _out_of_others(session, who)
    gone: dict[str, int] = {}
    for held in HOLDINGS:
        done = session.execute(delete(held.table).where(held.where(who)))
        gone[held.table.name] = done.rowcount
    return {name: one for name, one in gone.items() if one}


def _out_of_others(session: Session, who: Who) -> None:
    seated = select(s.seat.c.course_id).where(s.seat.c.person_id == who.person_id)
    told = select(s.delivery.c.course_id).where(s.delivery.c.person_id == who.person_id)
    plan = s.delivery_plan
    session.execute(delete(plan).where(plan.c.course_id.in_(seated.union(told))))
    sources = {source_id for source_id, _told in who.sis}
    look = s.source_look
    session.execute(delete(look).where(look.c.source_id.in_(sources)))
    for source_id, sourced_id in who.sis:
        mine = s.sis_user.c.source_id == source_id
        _out_of_lists(session, s.sis_user, "agents", mine, sourced_id)
    for registration_id, subject in who.lms:
        mine = s.web_session.c.registration_id == registration_id
        _out_of_lists(session, s.web_session, "mentees", mine, subject)


def _out_of_lists(
    session: Session, table: Table, name: str, mine: ColumnElement[bool], identity: str
) -> None:
    """Take an identifier out of the lists of a column."""
    holding = cast(table.c[name], Text).contains(identity, autoescape=True)
    found = rows(session, select(table.c.id, table.c[name]).where(mine, holding))
    for one in found:
        kept = [each for each in one[name] or () if each != identity]
        session.execute(
            update(table).where(table.c.id == one["id"]).values({name: kept})
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What speaks against erasing a person now, and what others hold of her.

    Attributes:
        is_staff: she taught, or ran something: what she decided is others' record.
        in_flight: results of hers that a worker is sending.
        syncing: names of sources of hers that a run is reading.
        told: what stands in other systems: destination, course, competency, value.
    """

    is_staff: bool
    in_flight: int
    syncing: Sequence[str]
    told: Sequence[Mapping[str, Any]]


def load_standing(session: Session, who: Who) -> Standing:
    """Return what speaks against erasing a person now, and what others hold."""
    sources = {source_id for source_id, _told in who.sis}
    teaching = select(func.count()).where(
        s.seat.c.person_id == who.person_id, s.seat.c.role != "learner"
    )
    sending = select(func.count()).where(
        s.delivery.c.person_id == who.person_id, s.delivery.c.state.in_(IN_FLIGHT)
    )
    syncing = (
        select(s.source.c.name)
        .join(s.run, s.run.c.source_id == s.source.c.id)
        .where(s.source.c.id.in_(sources), s.run.c.ended_at.is_(None))
        .order_by(s.source.c.name)
    )
    return Standing(
        bool(session.scalar(teaching)),
        session.scalar(sending) or 0,
        session.scalars(syncing).all(),
        load_told(session, who.person_id),
    )


def load_told(session: Session, person_id: int) -> list[dict[str, Any]]:
    """Return what was told of a person and was not taken back, newest of each key."""
    table = s.delivery
    newest = (
        select(func.max(table.c.id))
        .where(table.c.person_id == person_id, table.c.state == "delivered")
        .group_by(table.c.destination, table.c.course_id, table.c.competency_id)
    )
    columns = (
        "destination",
        "course_id",
        "person_id",
        "competency_id",
        "value",
        "maximum",
        "level_name",
    )
    return rows(
        session,
        select(*(table.c[name] for name in columns))
        .where(table.c.id.in_(newest), table.c.value.is_not(None))
        .order_by(table.c.id),
    )


def keep_remembered(session: Session, kept: Sequence[Mapping[str, Any]]) -> list[Who]:
    """Write hashes down again after a restore; returns who is to be erased by them."""
    for one in kept:
        values = {name: value for name, value in one.items() if name != "id"}
        session.execute(
            upsert(session, s.erasure).values(**values).on_conflict_do_nothing()
        )
    people: set[int] = set()
    for kind, table, place, name in (
        (SIS, s.sis_user, "source_id", "sourced_id"),
        (LMS, s.lms_user, "registration_id", "subject"),
    ):
        for place_id in {one["place_id"] for one in kept if one["kind"] == kind}:
            forgotten = load_forgotten(session, kind, place_id)
            found = session.execute(
                select(table.c.person_id, table.c[name].label("identity")).where(
                    table.c[place] == place_id, table.c.person_id.is_not(None)
                )
            )
            people |= {one.person_id for one in found if one.identity in forgotten}
    return [load_who(session, one) for one in sorted(people)]
