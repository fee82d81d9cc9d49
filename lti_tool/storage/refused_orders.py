"""Orders that a worker did not carry out: why, for the page that waits for the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import select

from lti_tool.storage import schema
from lti_tool.storage.evidence import put_change
from lti_tool.storage.session import Session

_WHAT: Final = "sync refused"
change = schema.change


def put_refused(
    session: Session, source_id: int, why: Mapping[str, str], *, now: datetime
) -> None:
    """Keep why no run began; why: code and text."""
    subject = ("source", source_id)
    put_change(
        session, at=now, who="worker", what=_WHAT, subject=subject, after=dict(why)
    )


def find_refused(
    session: Session, source_id: int, *, since: datetime
) -> dict[str, str] | None:
    """Why the newest order since then was not carried out; None if none was refused."""
    found = session.scalar(
        select(change.c.after)
        .where(
            change.c.subject_table == "source",
            change.c.subject_id == source_id,
            change.c.what == _WHAT,
            change.c.at >= since,
        )
        .order_by(change.c.id.desc())
        .limit(1)
    )
    return dict(found) if found else None
