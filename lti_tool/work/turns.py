"""A turn held by one worker while it uses what only one may use at a time."""

from __future__ import annotations

import secrets as chance
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from lti_tool.errors import DeliveryError
from lti_tool.storage import turns
from lti_tool.storage.database import Database

# What a turn is renewed after: enough of it is left for the longest request.
FRESH: Final = timedelta(seconds=20)
# How often, and with what pause, somebody who is waited for is asked again.
TRIES: Final = 12
PAUSE_SECONDS: Final = 2.5
T = TypeVar("T")


class Turn:
    """One worker's turn at what a name stands for; whoever else asks comes later.

    Workers are threads and processes alike: what they agree by is the database.
    """

    def __init__(
        self, database: Database, name: str, *, clock: Callable[[], datetime]
    ) -> None:
        """Ask for name; nothing is taken yet."""
        self.name = name
        self._database = database
        self._clock = clock
        self._holder = chance.token_hex(16)
        self._taken_at: datetime | None = None

    def hold(self) -> None:
        """Take the turn, or go on holding it; call it before each request.

        Raises:
            DeliveryError: turn, somebody else has it.
        """
        now = self._clock()
        if self._taken_at is not None and now - self._taken_at < FRESH:
            return
        with self._database.write() as session:
            is_ours = turns.take(session, self.name, self._holder, now)
        if not is_ours:
            self._taken_at = None
            raise DeliveryError(
                "another worker is using this connection right now, and only one may; "
                "it goes on shortly",
                "turn",
                permanent=False,
            )
        self._taken_at = now

    def give_back(self) -> None:
        """Let others have the turn; may be called twice."""
        if self._taken_at is None:
            return
        self._taken_at = None
        with self._database.write() as session:
            turns.give_back(session, self.name, self._holder)


def patiently(
    work: Callable[[], T],
    *,
    tries: int = TRIES,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return what work does, once others have had their turn; for half a minute.

    For what a person waits for; a delivery goes back into the outbox instead.

    Raises:
        DeliveryError: turn, others are still at it; besides what work raises.
    """
    for _ in range(tries - 1):
        try:
            return work()
        except DeliveryError as error:
            if error.code != "turn":
                raise
        sleep(PAUSE_SECONDS)
    return work()
