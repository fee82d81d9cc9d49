"""Turns: who of several workers uses what only one may use at a time.

A turn is a lease in the table `turn`: taken and renewed in transactions of their own,
so no call over the network is made inside one. It runs out by itself when its worker
was killed. Source: docs/decisions/0021.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_

from lti_tool.storage.database import upsert
from lti_tool.storage.schema import turn
from lti_tool.storage.session import Session

# A request lasts 60 seconds at most, and is followed by no longer pause than a few.
LEASE: Final = timedelta(seconds=90)


def take(session: Session, name: str, holder: str, now: datetime) -> bool:
    """Take a turn, or hold it for another lease; tells whether it is the holder's.

    One statement looks and takes, so of two workers one has it. One that has run out
    is taken over.
    """
    row = {"name": name, "holder": holder, "until": now + LEASE}
    taken = session.execute(
        upsert(session, turn)
        .values(**row)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": holder, "until": now + LEASE},
            where=or_(turn.c.holder == holder, turn.c.until <= now),
        )
        .returning(turn.c.id)
    )
    return bool(taken.all())


def give_back(session: Session, name: str, holder: str) -> None:
    """Let others have a turn; nothing happens where it is another's by now."""
    session.execute(delete(turn).where(turn.c.name == name, turn.c.holder == holder))
