"""A sign of life, given again and again while long work is under way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

BEAT_SECONDS: Final = 2.0


class Pulse:
    """Calls beat every few seconds while the block runs, whatever the block waits for.

    A worker that is killed gives no more beats, so its lease runs out.
    """

    def __init__(
        self, beat: Callable[[], None], *, seconds: float = BEAT_SECONDS
    ) -> None:
        self._beat = beat
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            self._beat()
