"""Whether a destination is away, found out while its rows are on their way."""

from __future__ import annotations

from typing import Final

from lti_tool.errors import DeliveryError
from lti_tool.work.verdicts import ASKED_TO_WAIT, AWAY

MISSES: Final = 3  # connections broken off in a row that mean that nobody is there


class Away:
    """Whether the destination is away; the first who finds out says so."""

    __slots__ = ("_missed", "error")

    def __init__(self) -> None:
        self.error: DeliveryError | None = None
        self._missed = 0

    def note(self, error: DeliveryError | None) -> None:
        """Keep an error that says that the next request would fare no better.

        One connection that breaks off says little; several in a row do. error None: a
        request was answered.
        """
        if error is None:
            self._missed = 0
        elif error.code in AWAY and self.error is None:
            self._missed += 1
            if error.code in ASKED_TO_WAIT or self._missed >= MISSES:
                self.error = error
