"""Scales with a name, for courses to choose: a school's own, a rubric's, Canvas's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from lti_tool.errors import NotFoundError
from lti_tool.storage.evidence import put_change
from lti_tool.storage.schema import named_scale
from lti_tool.storage.session import Session
from mappings.named_scales import NamedLevel, NamedScale


def load_scales(
    session: Session, *, with_retired: bool = False
) -> list[tuple[int, NamedScale]]:
    """Return (id, scale) of the scales that may be chosen, by title."""
    statement = select(named_scale).order_by(named_scale.c.title, named_scale.c.id)
    if not with_retired:
        statement = statement.where(named_scale.c.retired_at.is_(None))
    return [(row.id, _scale(row)) for row in session.execute(statement)]


def load_scale(session: Session, scale_id: int) -> NamedScale:
    """Return one scale, retired or not.

    Raises:
        NotFoundError: there is none of that id.
    """
    found = session.execute(
        select(named_scale).where(named_scale.c.id == scale_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"no scale has the id {scale_id}")
    return _scale(found)


def save_scale(
    session: Session,
    scale: NamedScale,
    *,
    who: str,
    now: datetime,
    scale_id: int | None = None,
) -> int:
    """Store a scale, anew or in the place of one; returns its id.

    One that came from a rubric takes the place of what that rubric gave before.
    Courses keep the levels they took.
    """
    values = {
        "title": scale.title,
        "levels": [asdict(one) for one in scale.levels],
        "mastery_cut": scale.mastery,
        "origin": scale.origin,
        "case_id": scale.case_id,
        "retired_at": None,
    }
    row_id = scale_id or _of_rubric(session, scale.case_id)
    if row_id is None:
        made = session.execute(
            insert(named_scale)
            .values(**values, made_by=who, made_at=now)
            .returning(named_scale.c.id)
        )
        row_id = int(made.scalar_one())
        before = None
    else:
        before = load_scale(session, row_id)
        if before == scale and not _is_retired(session, row_id):
            return row_id
        session.execute(
            update(named_scale).where(named_scale.c.id == row_id).values(**values)
        )
    put_change(
        session,
        at=now,
        who=who,
        what="scale saved",
        subject=("named_scale", row_id),
        before=None if before is None else asdict(before),
        after=asdict(scale),
    )
    return row_id


def retire_scale(session: Session, scale_id: int, *, who: str, now: datetime) -> None:
    """Offer a scale no more; courses that took it keep it.

    Raises:
        NotFoundError: there is none of that id.
    """
    load_scale(session, scale_id)
    session.execute(
        update(named_scale).where(named_scale.c.id == scale_id).values(retired_at=now)
    )
    put_change(
        session,
        at=now,
        who=who,
        what="scale retired",
        subject=("named_scale", scale_id),
    )


def retire_rubrics(
    session: Session, case_ids: Collection[str], *, who: str, now: datetime
) -> None:
    """Offer the scales of rubrics no more that their publisher took away."""
    for case_id in case_ids:
        row_id = _of_rubric(session, case_id)
        if row_id is not None:
            retire_scale(session, row_id, who=who, now=now)


def _of_rubric(session: Session, case_id: str | None) -> int | None:
    if case_id is None:
        return None
    return session.scalar(
        select(named_scale.c.id).where(named_scale.c.case_id == case_id)
    )


def _is_retired(session: Session, scale_id: int) -> bool:
    found = session.scalar(
        select(named_scale.c.retired_at).where(named_scale.c.id == scale_id)
    )
    return found is not None


def _scale(row: Row[Any]) -> NamedScale:
    return NamedScale(
        row.title,
        tuple(NamedLevel(**one) for one in row.levels),
        row.mastery_cut,
        row.origin,
        row.case_id,
    )
