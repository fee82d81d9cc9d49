"""Sources of rosters and scores, and the runs that pulled from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from lti_tool.errors import BusyError, ConfigError, NotFoundError, SyncError
from lti_tool.storage.database import Database, rows
from lti_tool.storage.entities import ENTITIES
from lti_tool.storage.schema import (
    api_client,
    quarantine,
    run,
    run_move,
    run_problem,
    source,
    source_collection,
    source_look,
)
from lti_tool.storage.session import Session

# The kind of source that is the grades of a platform: it is read, not synced.
LMS: Final = "lms"
# A run that was killed can be started again within 90 s (contract).
LEASE: Final = timedelta(seconds=60)
# A person's yes to a plan holds so long. Source: facts/security.md, promise P3.
APPROVAL: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Source:
    """One SIS: a OneRoster service, or a folder or zip of CSV files."""

    id: int
    name: str
    kind: str
    location: str
    version: str | None
    token_url: str | None
    auth: str | None
    client_id: str | None
    client_secret: str | None  # encrypted
    ca_file: str | None
    synced_at: datetime | None


def add_source(session: Session, values: Mapping[str, Any], now: datetime) -> int:
    """Store a source and return its id.

    Raises:
        ConfigError: a source of that name is there already.
    """
    try:
        return int(
            session.execute(
                insert(source).values(**values, created_at=now).returning(source.c.id)
            ).scalar_one()
        )
    except IntegrityError as error:
        raise ConfigError(
            f'a source named "{values["name"]}" is there already; take another name, '
            f"or remove it first: masterybridge source remove {values['name']}"
        ) from error


def load_source(session: Session, name: str) -> Source:
    """Return the SIS of that name.

    Raises:
        NotFoundError: there is none.
    """
    found = session.execute(
        select(*(source.c[field] for field in Source.__slots__)).where(
            source.c.name == name, is_sis()
        )
    ).one_or_none()
    if found is None:
        raise NotFoundError(
            f'no source is named "{name}"; masterybridge source list shows what is '
            "here, masterybridge source add makes one"
        )
    return Source(*found)


def is_sis() -> ColumnElement[bool]:
    """Which sources are synced: all but the platforms whose grades are read."""
    return source.c.kind != LMS


def load_source_by_id(session: Session, source_id: int) -> Source:
    """Return the source with our id."""
    return Source(
        *session.execute(
            select(*(source.c[field] for field in Source.__slots__)).where(
                source.c.id == source_id
            )
        ).one()
    )


def load_settings(session: Session, source_id: int) -> dict[str, Any] | None:
    """Return what the school chose for a source, as it is kept; None for nothing."""
    found = session.scalar(select(source.c.settings).where(source.c.id == source_id))
    return None if found is None else dict(found)


def load_profile(session: Session, source_id: int) -> dict[str, Any]:
    """Return what the last test of a source found it can; {} before the first."""
    found = session.scalar(select(source.c.profile).where(source.c.id == source_id))
    return dict(found or {})


def forget_reach(session: Session, source_id: int) -> None:
    """Let the next run read a source whole: what it takes has changed."""
    session.execute(
        update(source_collection)
        .where(source_collection.c.source_id == source_id)
        .values(cursor_at=None, file_hash=None)
    )


def load_sources(session: Session) -> list[dict[str, Any]]:
    """Return every SIS, secrets left out, by name."""
    return rows(
        session,
        select(
            source.c.id,
            source.c.name,
            source.c.kind,
            source.c.location,
            source.c.version,
            source.c.auth,
            source.c.synced_at,
        )
        .where(is_sis())
        .order_by(source.c.name),
    )


def remove_source(session: Session, name: str) -> None:
    """Remove a source that has brought nothing yet.

    Raises:
        NotFoundError: there is none of that name.
        ConfigError: records came from it; they and their evidence are kept.
    """
    found = load_source(session, name)
    for entity in ENTITIES:
        count = session.scalar(
            select(func.count()).where(entity.table.c.source_id == found.id)
        )
        if count:
            raise ConfigError(
                f'source "{name}" has brought {count} {entity.collection}; evidence '
                "hangs on what it brought, so it stays. Stop syncing it instead"
            )
    runs = select(run.c.id).where(run.c.source_id == found.id)
    for table in (run_problem, run_move):
        session.execute(delete(table).where(table.c.run_id.in_(runs)))
    for table in (quarantine, source_collection, source_look, api_client):
        session.execute(delete(table).where(table.c.source_id == found.id))
    session.execute(
        update(run).where(run.c.source_id == found.id).values(of_run_id=None)
    )
    session.execute(delete(run).where(run.c.source_id == found.id))
    session.execute(delete(source).where(source.c.id == found.id))


def open_run(session: Session, source_id: int, trigger: str, now: datetime) -> int:
    """Start a run of a source and return its id.

    A run whose worker died is closed as failed first.

    Raises:
        BusyError: another run of this source is going on.
    """
    values = {
        "source_id": source_id,
        "status": "running",
        "trigger": trigger,
        "lease_until": now + LEASE,
        "started_at": now,
    }
    try:
        _close_stale(session, source_id, now)
        found = session.execute(insert(run).values(**values).returning(run.c.id))
        return int(found.scalar_one())
    except IntegrityError as error:
        raise BusyError(
            "another run of this source is going on; masterybridge runs list shows it"
        ) from error
    except OperationalError as error:
        if "locked" not in str(error.orig):
            raise
        raise BusyError(
            "the database is being written, perhaps by another run; try again in a "
            "minute"
        ) from error


def _close_stale(session: Session, source_id: int, now: datetime) -> None:
    session.execute(
        update(run)
        .where(
            run.c.source_id == source_id,
            run.c.ended_at.is_(None),
            or_(run.c.lease_until.is_(None), run.c.lease_until < now),
        )
        .values(
            status="failed",
            text="stopped in the middle; nothing of it was kept",
            ended_at=now,
            lease_until=None,
        )
    )


def note_run(session: Session, run_id: int, values: Mapping[str, Any]) -> None:
    """Write what is known of a run from its beginning."""
    session.execute(update(run).where(run.c.id == run_id).values(**values))


def renew_run(session: Session, run_id: int, phase: str, now: datetime) -> None:
    """Say that the run lives and where it is."""
    session.execute(
        update(run)
        .where(run.c.id == run_id, run.c.ended_at.is_(None))
        .values(phase=phase, lease_until=now + LEASE)
    )


def keep_run(database: Database, run_id: int, now: datetime) -> None:
    """Say that the run lives; when the database is busy, the next time will do."""
    try:
        with database.write() as session:
            session.execute(
                update(run)
                .where(run.c.id == run_id, run.c.ended_at.is_(None))
                .values(lease_until=now + LEASE)
            )
    except OperationalError:
        return


def hold_run(connection: Connection, run_id: int, now: datetime) -> None:
    """Make sure, inside the transaction that applies, that the run is still ours.

    Raises:
        SyncError: its lease ran out and another run closed it.
    """
    held = connection.execute(
        update(run)
        .where(run.c.id == run_id, run.c.ended_at.is_(None))
        .values(lease_until=now + LEASE, phase="apply")
    )
    if held.rowcount != 1:
        raise SyncError(
            "another run took over while this one stood still; nothing of this one "
            "was kept, look at the newest run",
            "lost_lease",
        )


def close_run(
    session: Session | Connection,
    run_id: int,
    now: datetime,
    values: Mapping[str, Any],
) -> None:
    """Write how a run ended: status, plan, plan_hash, problem_counts, text.

    A run that was closed already stays as it was closed.
    """
    session.execute(
        update(run)
        .where(run.c.id == run_id, run.c.ended_at.is_(None))
        .values(**values, ended_at=now, lease_until=None)
    )
    if values["status"].startswith("applied"):
        owner = select(run.c.source_id).where(run.c.id == run_id).scalar_subquery()
        session.execute(
            update(source).where(source.c.id == owner).values(synced_at=now)
        )


def is_open(session: Session, run_id: int) -> bool:
    """Tell whether the run has not ended yet."""
    return bool(
        session.scalar(
            select(func.count()).where(run.c.id == run_id, run.c.ended_at.is_(None))
        )
    )


def was_shown(session: Session, source_id: int, plan_hash: str, now: datetime) -> bool:
    """Tell whether a run showed this plan to a person within the last day."""
    found = session.scalar(
        select(func.count()).where(
            run.c.source_id == source_id,
            run.c.plan_hash == plan_hash,
            run.c.status.in_(["held", "planned"]),
            run.c.ended_at > now - APPROVAL,
            func.coalesce(run.c.decision, "") != "discarded",
        )
    )
    return bool(found)


def load_runs(session: Session, limit: int = 50) -> list[dict[str, Any]]:
    """Return the newest runs, newest first."""
    return rows(session, _runs().limit(limit))


def _runs() -> Select[Any]:
    return (
        select(
            run.c.id,
            source.c.name.label("source"),
            run.c.status,
            run.c.trigger,
            run.c.phase,
            run.c.started_at,
            run.c.ended_at,
            run.c.plan,
            run.c.plan_hash,
            run.c.problem_counts.label("problems"),
            run.c.text,
        )
        .join(source, source.c.id == run.c.source_id)
        .order_by(run.c.id.desc())
    )


def load_run(session: Session, run_id: int) -> dict[str, Any]:
    """Return one run with its first 100 problems.

    Raises:
        NotFoundError: there is no such run.
    """
    found = rows(session, _runs().where(run.c.id == run_id))
    if not found:
        raise NotFoundError(f"no run {run_id}; masterybridge runs list shows them")
    problems = rows(
        session,
        select(
            run_problem.c.collection,
            run_problem.c.place,
            run_problem.c.sourced_id,
            run_problem.c.field,
            run_problem.c.code,
            run_problem.c.text,
        )
        .where(run_problem.c.run_id == run_id)
        .order_by(run_problem.c.id)
        .limit(100),
    )
    return {**found[0], "rows": problems}


def replace_source(session: Session, values: Mapping[str, Any], now: datetime) -> int:
    """Store a source, or give the one of that name a new address and secret."""
    found = session.scalar(
        update(source)
        .where(source.c.name == values["name"], is_sis())
        .values(**values)
        .returning(source.c.id)
    )
    return int(found) if found is not None else add_source(session, values, now)
