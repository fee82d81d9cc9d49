"""Settling: what became of the deliveries a worker holds is stored, many together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from lti_tool.storage.database import batches
from lti_tool.storage.outbox import IN_FLIGHT, KEY, STUCK, Settlement
from lti_tool.storage.schema import delivery
from lti_tool.storage.session import Session

# Two names for the table in one statement; made once, for it has many columns.
_MINE: Final = delivery.alias("mine")
_OTHER: Final = delivery.alias("other")


def settle(session: Session, settlements: Sequence[Settlement], now: datetime) -> None:
    """Store what became of deliveries this worker holds.

    A row that is no longer in flight was settled by another worker, and stays so. A
    row that is to be tried again, or to wait for a person, gives way to a newer value.
    """
    by_id = {done.delivery_id: done for done in settlements}
    for some in batches(sorted(by_id)):
        # In the order put() locks them in, so that neither waits for the other.
        held = session.scalars(
            select(delivery.c.id)
            .where(delivery.c.id.in_(some), delivery.c.state.in_(IN_FLIGHT))
            .order_by(
                delivery.c[KEY[-1]].is_(None), *(delivery.c[name] for name in KEY)
            )
            .with_for_update()
        ).all()
        overtaken = _overtaken(session, held)
        changes: dict[frozenset[str], list[dict[str, Any]]] = {}
        for row_id in held:
            values = _settled(by_id[row_id], now, is_overtaken=row_id in overtaken)
            changes.setdefault(frozenset(values), []).append(
                values | {"row_id": row_id}
            )
        for names, rows in changes.items():
            session.connection().execute(
                update(delivery)
                .where(delivery.c.id == bindparam("row_id"))
                .values({name: bindparam(f"new_{name}") for name in sorted(names)}),
                [
                    {
                        name if name == "row_id" else f"new_{name}": value
                        for name, value in row.items()
                    }
                    for row in rows
                ],
            )


def _settled(done: Settlement, now: datetime, *, is_overtaken: bool) -> dict[str, Any]:
    """What a row holds once it is settled, by column."""
    state = done.state
    if is_overtaken and state in {"pending", *STUCK}:
        state = "superseded"
    values: dict[str, Any] = {
        "state": state,
        "lease_until": None,
        "due_at": done.due_at or now,
        "code": done.code,
        "reason": done.reason,
        "closed_at": now if state in {"delivered", "superseded", "dead"} else None,
    }
    # What is only written when there is something to write.
    if done.sent_at is not None:
        values["sent_at"] = done.sent_at
    if done.state in {"delivered", "conflict"}:
        values |= {"read_back": done.read_back, "read_back_at": now}
    if done.receipt is not None:
        values["receipt"] = dict(done.receipt)
    if done.attempts is not None:
        values["attempts"] = done.attempts
    if done.unshown is not None:
        values["unshown"] = done.unshown
    return values


def _overtaken(session: Session, ids: Sequence[int]) -> set[int]:
    """Return those of ids whose key has a newer value, waiting or gone out."""
    return set(
        session.scalars(
            select(_MINE.c.id).where(
                _MINE.c.id.in_(ids),
                select(_OTHER.c.id)
                .where(
                    *(_OTHER.c[name] == _MINE.c[name] for name in KEY[:-1]),
                    # A grade over all competencies has none.
                    _OTHER.c[KEY[-1]].is_not_distinct_from(_MINE.c[KEY[-1]]),
                    _OTHER.c.id > _MINE.c.id,
                )
                .correlate(_MINE)
                .exists(),
            )
        )
    )
