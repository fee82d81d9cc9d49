"""Our signing keys, as an administrator looks after them."""

from __future__ import annotations

from datetime import datetime

from lti_tool.storage import keys
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import put_change
from lti_tool.storage.keys import Rotation


def rotate(
    session: Session,
    secret_key: bytes,
    *,
    who: str,
    now: datetime,
    at_once: bool = False,
) -> Rotation:
    """Sign with the next key as soon as platforms know it. Written into the audit."""
    before = {one["status"]: one["kid"] for one in keys.load_ages(session)}
    turn = keys.rotate(session, secret_key, now=now, at_once=at_once)
    put_change(
        session,
        at=now,
        who=who,
        what="keys rotated",
        subject=("tool_key", None),
        before={"current": before.get("current")},
        after={"current": turn.current, "following": turn.following},
    )
    return turn
