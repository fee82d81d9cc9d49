"""How far a source was read: cursors, proofs, hashes; and when it is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy.exc import OperationalError

from lti_tool.storage import entities
from lti_tool.storage.addresses import WAS
from lti_tool.storage.database import Database, insert_of
from lti_tool.storage.entities import ENTITIES
from lti_tool.storage.schema import line_item, run, source, source_collection
from lti_tool.storage.session import Session
from lti_tool.storage.sources import LEASE, is_sis

# Nobody is to wait for a source that asked for patience, but for a person's wish.
WAITS = "rate_limited"


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one collection was read: changes before cursor_at are known."""

    cursor_at: datetime | None = None
    complete_at: datetime | None = None
    file_hash: str | None = None


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known of a source beside its address."""

    status: str
    location: str
    version: str | None
    client_id: str | None
    settings: Mapping[str, Any]
    profile: Mapping[str, Any]
    parked_until: datetime | None
    parked_code: str | None
    full_at: datetime | None
    reaches: Mapping[str, Reach] = field(default_factory=dict)


def load_state(session: Session, source_id: int) -> SourceState:
    """Return what is known of a source."""
    own = [name for name in SourceState.__slots__ if name != "reaches"]
    found = session.execute(
        select(*(source.c[name] for name in own)).where(source.c.id == source_id)
    ).one()
    values = dict(zip(own, found, strict=True))
    values["settings"] = values["settings"] or {}
    values["profile"] = values["profile"] or {}
    reaches = session.execute(
        select(
            source_collection.c.collection,
            source_collection.c.cursor_at,
            source_collection.c.complete_at,
            source_collection.c.file_hash,
        ).where(source_collection.c.source_id == source_id)
    )
    return SourceState(**values, reaches={row[0]: Reach(*row[1:]) for row in reaches})


def save_reaches(
    connection: Connection,
    source_id: int,
    reaches: Mapping[str, Reach],
    full_at: datetime | None,
) -> None:
    """Keep how far collections were read, in the transaction that applied them.

    full_at: when the run began, if it read the source whole.
    """
    into = insert_of(connection.dialect.name, source_collection)
    statement = into.on_conflict_do_update(
        index_elements=["source_id", "collection"],
        set_={name: into.excluded[name] for name in Reach.__slots__},
    )
    for collection, reach in reaches.items():
        values = {name: getattr(reach, name) for name in Reach.__slots__}
        keys = {"source_id": source_id, "collection": collection}
        connection.execute(statement, {**keys, **values})
    if full_at is not None:
        connection.execute(
            update(source).where(source.c.id == source_id).values(full_at=full_at)
        )


def count_active(session: Session, source_id: int) -> dict[str, int]:
    """How many active rows we hold of a source, by collection."""
    connection = session.connection()
    return {
        one.collection: entities.count_active(connection, one, source_id)
        for one in ENTITIES
    }


def load_counts(session: Session, source_id: int) -> dict[str, int]:
    """How many records the last applied full run read, by collection."""
    found = session.scalar(
        select(run.c.counts)
        .where(
            run.c.source_id == source_id,
            run.c.kind == "full",
            run.c.status.like("applied%"),
            run.c.counts.is_not(None),
        )
        .order_by(run.c.id.desc())
        .limit(1)
    )
    return dict(found or {})


def load_applied_on(session: Session, source_id: int) -> date | None:
    """The day on which the last applied run began; None before the first."""
    found = session.scalar(
        select(run.c.started_at)
        .where(run.c.source_id == source_id, run.c.status.like("applied%"))
        .order_by(run.c.id.desc())
        .limit(1)
    )
    return None if found is None else found.date()


def load_own(session: Session, source_id: int) -> dict[str, frozenset[str]]:
    """SourcedIds of the columns that we write to a source ourselves, by kind.

    Those too that are gone there.
    """
    found = session.execute(
        select(line_item.c.kind, line_item.c.address).where(
            line_item.c.source_id == source_id, line_item.c.kind.is_not(None)
        )
    )
    own: dict[str, set[str]] = {}
    for kind, address in found:
        own.setdefault(kind.removeprefix(WAS), set()).add(address)
    return {kind: frozenset(some) for kind, some in own.items()}


def park(session: Session, source_id: int, until: datetime, code: str) -> None:
    """Let no call go out to a source before a moment."""
    session.execute(
        update(source)
        .where(source.c.id == source_id)
        .values(parked_until=until, parked_code=code)
    )


def unpark(session: Session, source_id: int) -> bool:
    """Let calls go out again; tells whether none might."""
    changed = session.execute(
        update(source)
        .where(source.c.id == source_id, source.c.parked_until.is_not(None))
        .values(parked_until=None, parked_code=None)
    )
    return changed.rowcount == 1


def has_run_since(session: Session, source_id: int, moment: datetime) -> bool:
    """Tell whether a run of a source is going on, or ended after a moment."""
    found = session.scalar(
        select(func.count()).where(
            run.c.source_id == source_id,
            or_(run.c.ended_at.is_(None), run.c.ended_at > moment),
        )
    )
    return bool(found)


def keep_progress(
    database: Database, run_id: int, now: datetime, values: Mapping[str, Any]
) -> None:
    """Say that the run lives and how far it is; if the database is busy, next time."""
    try:
        database.try_write(
            lambda session: session.execute(
                update(run)
                .where(run.c.id == run_id, run.c.ended_at.is_(None))
                .values(**values, lease_until=now + LEASE)
            )
        )
    except OperationalError:
        return


def is_stop_asked(session: Session, run_id: int) -> bool:
    """Tell whether a person asked the run to stop."""
    return bool(session.scalar(select(run.c.stop_asked).where(run.c.id == run_id)))


def load_kind(session: Session, source_id: int, plan_hash: str) -> str | None:
    """The kind of the run that showed a plan, the newest; None if none did."""
    return session.scalar(
        select(run.c.kind)
        .where(run.c.source_id == source_id, run.c.plan_hash == plan_hash)
        .order_by(run.c.id.desc())
        .limit(1)
    )


def load_timely(session: Session, now: datetime) -> list[dict[str, Any]]:
    """The active sources that are due by schedule, or that have waited long enough.

    One whose next time is not known yet is among them.
    """
    found = session.execute(
        select(
            source.c.id,
            source.c.name,
            source.c.settings,
            source.c.next_at,
            source.c.parked_until,
            source.c.parked_code,
        )
        .where(
            source.c.status == "active",
            is_sis(),
            or_(
                source.c.next_at.is_(None),
                source.c.next_at <= now,
                source.c.parked_until <= now,
            ),
        )
        .order_by(source.c.id)
    )
    return [dict(row) for row in found.mappings()]


def save_next(
    session: Session, source_id: int, known: datetime | None, next_at: datetime | None
) -> bool:
    """Keep when a source runs next; False if another worker was faster."""
    is_known = (
        source.c.next_at.is_(None) if known is None else source.c.next_at == known
    )
    changed = session.execute(
        update(source).where(source.c.id == source_id, is_known).values(next_at=next_at)
    )
    return changed.rowcount == 1


def forget_reach(session: Session, source_id: int) -> None:
    """Let the next run read everything: what we hold may be of another address."""
    session.execute(update(source).where(source.c.id == source_id).values(full_at=None))
    session.execute(
        source_collection.delete().where(source_collection.c.source_id == source_id)
    )
