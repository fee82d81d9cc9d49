"""Pages asked for before they are needed, so that the next one need not be awaited.

Off unless asked for: a service is read one request at a time by default. A reader that
keeps each page as it came has the next one under way while it reads
(:attr:`oneroster.pull.Pull.keep`).
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from oneroster.errors import TransportError
from oneroster.transport import Answer

__all__ = ["Ahead"]


class Ahead:
    """At most ``most`` requests under way or answered and not yet taken."""

    def __init__(self, fetch: Callable[[int], Answer], most: int) -> None:
        self.most = most
        self._fetch = fetch
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: dict[int, Future[Answer]] = {}

    def ask(self, offsets: Iterable[int]) -> None:
        """Ask for the pages at the first of these offsets, as many as may be."""
        for offset in offsets:
            if len(self._waiting) >= self.most:
                return
            if offset not in self._waiting:
                self._pool = self._pool or ThreadPoolExecutor(self.most)
                self._waiting[offset] = self._pool.submit(self._fetch, offset)

    def take(self, offset: int) -> Answer | None:
        """Give the page at an offset, waiting for it; None if it was not asked for.

        A page that did not come by the network is None as well, if others were under
        way with it: the reader asks for it again, alone, and nothing is asked for
        before its turn any more.

        Raises:
            OneRosterError: the service refused it or failed.
        """
        found = self._waiting.pop(offset, None)
        if found is None:
            self.forget()
            return None
        try:
            return found.result()
        except TransportError:
            self.forget()
            if self.most == 1:
                raise
            self.most = 0
            return None

    def forget(self) -> None:
        """Give up what was asked for; a request under way ends unheard."""
        for future in self._waiting.values():
            future.cancel()
        self._waiting.clear()

    def close(self) -> None:
        """Ask for nothing more, and wait for what is under way."""
        self.forget()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
