"""Where our columns are in other systems' gradebooks: found, being made, or gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, insert, select, update

from lti_tool.storage.database import rows, upsert
from lti_tool.storage.schema import line_item
from lti_tool.storage.session import Session

# A worker that died while making a column holds it so long.
RESERVED_FOR: Final = timedelta(seconds=90)
# What the kind of a SIS's column begins with once it is gone there.
WAS: Final = "was_"
COLUMN_KEY: Final = (
    "destination",
    "course_id",
    "competency_id",
    "placement_id",
    "source_id",
    "kind",
)


def load_address(session: Session, key: dict[str, Any]) -> str | None:
    """Return the stored address of a column; key has the parts of save_address.

    None for one that is gone, as for one that is not known.
    """
    is_there = and_(_is(key), line_item.c.gone_at.is_(None))
    return session.scalar(select(line_item.c.address).where(is_there)) or None


def is_gone(session: Session, key: dict[str, Any]) -> bool:
    """Tell whether a column of ours was taken away there, and nobody said: anew."""
    was = and_(_is(key), line_item.c.gone_at.is_not(None))
    return session.scalar(select(line_item.c.id).where(was)) is not None


def note_gone(session: Session, key: dict[str, Any], now: datetime) -> None:
    """Write down that a column is not there any more."""
    session.execute(
        update(line_item)
        .where(_is(key), line_item.c.gone_at.is_(None))
        .values(gone_at=now)
    )


def let_make(session: Session, where: dict[str, Any] | None = None) -> None:
    """Let columns that are gone be made anew: a person said so.

    where: parts of the key of those meant; None: all of them.
    """
    was_there = line_item.c.gone_at.is_not(None)
    meant = was_there if where is None else and_(was_there, _is(where))
    for key in rows(
        session, select(*(line_item.c[name] for name in COLUMN_KEY)).where(meant)
    ):
        forget_address(session, key)


def has_other_maximum(session: Session, key: dict[str, Any], maximum: float) -> bool:
    """Tell whether a column was made with another maximum."""
    held = session.scalar(select(line_item.c.maximum).where(_is(key)))
    return held is not None and held != maximum


def reserve(
    session: Session,
    key: dict[str, Any],
    resource_id: str,
    maximum: float,
    now: datetime,
) -> bool:
    """Reserve the making of a column; tells whether it is ours to make.

    A reservation is a row without an address. One whose worker died runs out.
    """
    is_old = and_(
        _is(key),
        line_item.c.address == "",
        line_item.c.created_at <= now - RESERVED_FOR,
    )
    # No placement, no rule of the database: one worker writes to a course's gradebook.
    if key["placement_id"] is None and session.scalar(
        select(line_item.c.id).where(_is(key), ~is_old)
    ):
        return False
    taken = session.execute(
        update(line_item).where(is_old).values(created_at=now).returning(line_item.c.id)
    )
    if taken.all():
        return True
    made = session.execute(
        upsert(session, line_item)
        .values(
            **key, address="", resource_id=resource_id, maximum=maximum, created_at=now
        )
        .on_conflict_do_nothing()
        .returning(line_item.c.id)
    )
    return bool(made.all())


def save_address(
    session: Session,
    key: dict[str, Any],
    *,
    address: str,
    resource_id: str,
    maximum: float,
    now: datetime,
) -> None:
    """Keep the address of a column.

    key: destination, course_id, competency_id, placement_id, source_id, and of a
    column in a SIS its kind.
    """
    values = {"address": address, "resource_id": resource_id, "maximum": maximum}
    found = session.execute(
        update(line_item)
        .where(_is(key))
        .values(**values, gone_at=None)
        .returning(line_item.c.id)
    )
    if not found.all():
        session.execute(insert(line_item).values(**key, **values, created_at=now))


def adopt(
    session: Session,
    key: dict[str, Any],
    *,
    address: str,
    resource_id: str,
    maximum: float,
    now: datetime,
) -> bool:
    """Keep the address of a column that a link brought, if none is known yet.

    One that is just being made stays with the worker that makes it. Tells whether
    the address was kept.
    """
    if session.scalar(select(line_item.c.id).where(_is(key))) is not None:
        return False
    kept = session.execute(
        upsert(session, line_item)
        .values(
            **key,
            address=address,
            resource_id=resource_id,
            maximum=maximum,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(line_item.c.id)
    )
    return bool(kept.all())


def load_columned(session: Session, placement_id: int) -> set[int]:
    """Return the competencies that have a column of ours where we were launched."""
    return set(
        session.scalars(
            select(line_item.c.competency_id).where(
                line_item.c.placement_id == placement_id,
                line_item.c.competency_id.is_not(None),
                line_item.c.gone_at.is_(None),
            )
        )
    )


def forget_address(session: Session, key: dict[str, Any]) -> None:
    """Forget the address of a column that is gone there; it will be found anew.

    That of a SIS stays known as having been ours.
    """
    kind = key.get("kind")
    if kind is not None:
        session.execute(
            update(line_item)
            .where(_is(key), line_item.c.address != "")
            .values(kind=WAS + kind, gone_at=None)
        )
    session.execute(line_item.delete().where(_is(key)))


def _is(key: dict[str, Any]) -> ColumnElement[bool]:
    return and_(*(line_item.c[name].is_not_distinct_from(key[name]) for name in key))
