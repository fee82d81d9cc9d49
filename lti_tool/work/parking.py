"""When no call goes out to a source: it asked for patience, or refused us."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from lti_tool.errors import SyncError
from lti_tool.storage.cursors import WAITS, SourceState

# After a refused token nobody knocks again for so long. Source: catalogue B, B21.
AFTER_REFUSAL: Final = timedelta(minutes=15)
# A shorter wait is waited out; a run that is told so again and again has failed.
PATIENCE: Final = timedelta(minutes=15)
# A wait that the source asked for, but no longer than this.
LONGEST: Final = timedelta(days=7)


def park_until(error: SyncError, now: datetime) -> datetime | None:
    """Return until when no call goes out after an error; None if they may."""
    if error.code == "auth":
        return now + AFTER_REFUSAL
    if error.code != WAITS or error.retry_after is None:
        return None
    wait = timedelta(seconds=error.retry_after)
    return now + min(wait, LONGEST) if wait > PATIENCE else None


def refuse_parked(state: SourceState, now: datetime) -> None:
    """Let nothing begin while a source is parked.

    Raises:
        SyncError: it is; its code is that of what parked it.
    """
    until = state.parked_until
    if until is None or until <= now:
        return
    if state.parked_code == WAITS:
        raise SyncError(
            f"the source asked us to stay away until {moment(until)}; the run goes on "
            "then by itself",
            WAITS,
        )
    raise SyncError(
        f"the source refused our credentials; no call goes out before {moment(until)} "
        "or a change of its settings. masterybridge source test tries them at once",
        state.parked_code or "auth",
    )


def moment(when: datetime) -> str:
    """Return a moment as a person reads it."""
    return when.strftime("%Y-%m-%d %H:%M UTC")
