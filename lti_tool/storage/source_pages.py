"""Sources as their pages show them, and what the worker looked up for those pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, or_, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.database import rows
from lti_tool.storage.entities import ENTITIES
from lti_tool.storage.schema import lms_user, registration, run, source, source_look
from lti_tool.storage.session import Session
from lti_tool.storage.sources import is_sis

# A look that gave no sign of life for so long died with its worker.
ALIVE: Final = timedelta(minutes=3)
_SHOWN: Final = (
    "id",
    "name",
    "kind",
    "location",
    "version",
    "token_url",
    "auth",
    "client_id",
    "profile",
    "profiled_at",
    "status",
    "settings",
    "next_at",
    "parked_until",
    "parked_code",
    "created_at",
    "synced_at",
    "full_at",
)


def load_source(session: Session, source_id: int) -> dict[str, Any]:
    """One source without its secret; has_secret tells whether there is one.

    Raises:
        NotFoundError: there is none of that id.
    """
    found = rows(
        session,
        select(
            *(source.c[name] for name in _SHOWN),
            source.c.client_secret.is_not(None).label("has_secret"),
        ).where(source.c.id == source_id, is_sis()),
    )
    if not found:
        raise NotFoundError(f"no source has the id {source_id}")
    return {**found[0], "settings": found[0]["settings"] or {}}


def load_sources(session: Session) -> list[dict[str, Any]]:
    """Every SIS without its secret, by name."""
    shown = select(*(source.c[name] for name in _SHOWN))
    return rows(session, shown.where(is_sis()).order_by(source.c.name))


def find_name(session: Session, name: str) -> int | None:
    """The id of the source of that name, or None if there is none."""
    found = session.scalar(select(source.c.id).where(source.c.name == name))
    return None if found is None else int(found)


def save_source(session: Session, source_id: int, values: Mapping[str, Any]) -> None:
    """Keep other values of a source."""
    session.execute(update(source).where(source.c.id == source_id).values(**values))


def has_brought(session: Session, source_id: int) -> bool:
    """Tell whether any record came from a source."""
    return any(
        session.scalar(
            select(entity.table.c.source_id)
            .where(entity.table.c.source_id == source_id)
            .limit(1)
        )
        is not None
        for entity in ENTITIES
    )


def load_newest_runs(session: Session, source_id: int, limit: int) -> list[Any]:
    """The newest runs of a source, newest first, as their lines on its page."""
    return rows(
        session,
        select(
            run.c.id,
            run.c.status,
            run.c.trigger,
            run.c.kind,
            run.c.phase,
            run.c.progress,
            run.c.plan,
            run.c.plan_hash,
            run.c.holds,
            run.c.text,
            run.c.started_at,
            run.c.ended_at,
        )
        .where(run.c.source_id == source_id)
        .order_by(run.c.id.desc())
        .limit(limit),
    )


def ask_look(session: Session, source_id: int, kind: str, now: datetime) -> bool:
    """Write down that a look is wanted; False if one of its kind is going on."""
    held = find_look(session, source_id, kind)
    if held is None:
        session.execute(
            insert(source_look).values(source_id=source_id, kind=kind, asked_at=now)
        )
        return True
    if is_going_on(held, now):
        return False
    session.execute(
        update(source_look)
        .where(source_look.c.id == held["id"])
        .values(asked_at=now, seen_at=None, ended_at=None, document=None)
    )
    return True


def find_look(session: Session, source_id: int, kind: str) -> dict[str, Any] | None:
    """The last look of a kind, its document {} while nothing is known."""
    found = rows(
        session,
        select(source_look).where(
            source_look.c.source_id == source_id, source_look.c.kind == kind
        ),
    )
    return {**found[0], "document": found[0]["document"] or {}} if found else None


def is_going_on(look: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether somebody still works on a look, or may be about to."""
    last = look["seen_at"] or look["asked_at"]
    return look["ended_at"] is None and bool(now - last < ALIVE)


def write_look(
    session: Session,
    source_id: int,
    kind: str,
    document: Mapping[str, Any],
    now: datetime,
) -> None:
    """Keep what a look found so far."""
    session.execute(
        update(source_look)
        .where(source_look.c.source_id == source_id, source_look.c.kind == kind)
        .values(document=dict(document), seen_at=now)
    )


def end_look(session: Session, source_id: int, kind: str, now: datetime) -> None:
    """Say that a look is over."""
    session.execute(
        update(source_look)
        .where(source_look.c.source_id == source_id, source_look.c.kind == kind)
        .values(seen_at=now, ended_at=now)
    )


def load_lms_ids(session: Session) -> list[dict[str, Any]]:
    """Who of each platform sends which SIS id: registration_id, name, sis_id or None.

    People in their own course previews count like any; one row an LMS user.
    """
    return rows(
        session,
        select(
            lms_user.c.registration_id,
            registration.c.name,
            func.nullif(lms_user.c.lis_person_sourcedid, "").label("sis_id"),
        )
        .join(registration, registration.c.id == lms_user.c.registration_id)
        .where(or_(lms_user.c.link_rule.is_(None), lms_user.c.link_rule != "preview"))
        .order_by(registration.c.name, lms_user.c.id),
    )
