"""Erasing a person: everywhere here, in one transaction, and so that she stays away.

Source: GDPR Art. 17; facts/security.md F02 to F04;
docs/decisions/0023-export-and-erasure.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lti_tool.errors import ErasureError
from lti_tool.storage import erasures, outbox, staging_areas
from lti_tool.storage.database import Database, Session
from lti_tool.storage.erasures import Standing
from lti_tool.storage.evidence import put_change
from lti_tool.storage.holdings import Who, load_who


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure takes away, and what others hold still.

    Attributes:
        rows: how many rows of which table.
        told: what stands of her in other systems, that we told them.
        identifiers: how many of hers are remembered as hashes.
    """

    rows: Mapping[str, int]
    told: Sequence[Mapping[str, Any]]
    identifiers: int


def preview(database: Database, person_id: int) -> Erasure:
    """Say what erasing a person would take away; nothing is changed.

    Raises:
        ErasureError: it cannot be done, or not now; says why.
        NotFoundError: there is no such person.
    """
    with database.read() as session:
        who = load_who(session, person_id)
        standing = erasures.load_standing(session, who)
        _check(standing)
        rows = erasures.count(session, who)
    return Erasure(rows, standing.told, len(who.sis) + len(who.lms))


def erase(database: Database, person_id: int, *, who: str, now: datetime) -> Erasure:
    """Take a person out of every table, in one transaction.

    Her identifiers are remembered as salted hashes. The audit keeps that somebody was
    erased, when and by whom, and how many rows; no name and no number of hers.

    Raises:
        ErasureError: it cannot be done, or not now; says why.
        NotFoundError: there is no such person.
    """
    with database.write() as session:
        one = load_who(session, person_id)
        standing = erasures.load_standing(session, one)
        _check(standing)
        done = _erase(session, one, standing, who, now)
    # What a sync that was cut had staged may hold her still.
    for source_id in sorted({source_id for source_id, _told in one.sis}):
        staging_areas.drop_area(database, source_id)
    return done


def _erase(
    session: Session, one: Who, standing: Standing, who: str, now: datetime
) -> Erasure:
    remembered = erasures.remember(session, one, now)
    gone = erasures.erase(session, one)
    put_change(
        session,
        at=now,
        who=who,
        what="person erased",
        subject=("person", None),
        after={"rows": dict(gone)},
    )
    return Erasure(gone, standing.told, remembered)


def _check(standing: Standing) -> None:
    if standing.is_staff:
        raise ErasureError(
            "she teaches or taught here: what she decided is part of her students' "
            "record. Only students are erased"
        )
    if standing.in_flight:
        raise ErasureError(
            f"{standing.in_flight} results of hers are being sent right now; try again "
            "in two minutes"
        )
    if standing.syncing:
        names = ", ".join(standing.syncing)
        raise ErasureError(f"{names} is being synced right now; try again afterwards")


def withdraw(database: Database, person_id: int, *, who: str, now: datetime) -> int:
    """Take back what was told of a person to other systems; returns how many.

    The worker sends it; what a person set there since is kept, as always.

    Raises:
        ErasureError: it cannot be done, or not now; says why.
        NotFoundError: there is no such person.
    """
    with database.write() as session:
        one = load_who(session, person_id)
        standing = erasures.load_standing(session, one)
        _check(standing)
        outcomes = [
            {**told, "value": None, "level_name": None, "basis": {}, "asked_by": who}
            for told in standing.told
        ]
        return outbox.put(session, outcomes, now)


def lift(database: Database, identity: str, *, who: str, now: datetime) -> int:
    """Let whoever was erased come back; returns in how many systems she may.

    Raises:
        ErasureError: nobody was erased under it.
    """
    with database.write() as session:
        count = erasures.lift(session, identity)
        if not count:
            raise ErasureError("nobody was erased under this identifier")
        put_change(
            session, at=now, who=who, what="erasure lifted", subject=("erasure", None)
        )
    return count


def reapply(
    database: Database, kept: Sequence[Mapping[str, Any]], *, who: str, now: datetime
) -> int:
    """Erase again whom a restored backup brought back; returns how many people."""
    if not kept:
        return 0
    with database.write() as session:
        found = erasures.keep_remembered(session, kept)
        for one in found:
            _erase(session, one, erasures.load_standing(session, one), who, now)
    return len(found)
