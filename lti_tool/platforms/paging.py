"""Lists that come in pages: whole or not at all.

A page that fails in a way that may pass (429, 5xx, a cut connection, a body that
breaks off) is asked for again, by its own address, so many times and with growing
pauses or the one the platform names. Source: facts/security.md section 1.3.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from lti_tool.errors import DeliveryError
from lti_tool.platforms.http import Answer
from lti_tool.platforms.links import followed, parse_links

MAX_PAGES: Final = 1_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a page is asked for, and how long we wait in between.

    ``sleep`` and ``jitter`` (a number from 0 to 1) come in, so that a test need not
    wait. longest_wait_seconds is for all pages of a list together.
    """

    attempts: int = 5
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0
    longest_wait_seconds: float = 300.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


# For callers who come back by themselves, as the outbox does.
ONCE: Final = Patience(attempts=1)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, read, and the links it carries."""

    content: T
    url: str
    links: Mapping[str, str]


class Pages(Generic[T]):
    """Reads one list to its end."""

    def __init__(
        self,
        fetch: Callable[[str], Answer],
        read: Callable[[Answer], T],
        patience: Patience,
    ) -> None:
        """Fetch pages by address, read each; both raise DeliveryError."""
        self._fetch = fetch
        self._read = read
        self._patience = patience
        self._waited = 0.0

    def __call__(self, url: str) -> Iterator[Page[T]]:
        """Yield the pages, each next one as the platform names it.

        Raises:
            DeliveryError: paging, a next page lies elsewhere, repeats, or there is no
                end; besides what fetch and read raise once patience has ended.
        """
        addresses, bodies = {url}, set[bytes]()
        for _ in range(MAX_PAGES):
            page, body = self._retried(url)
            if page.content and body in bodies:
                raise _astray(url, "sends the same page twice")
            bodies.add(body)
            yield page
            target = page.links.get("next")
            if target is None:
                return
            further = followed(url, target)
            if further is None or further in addresses:
                raise _astray(url, "names a next page that is not the next page")
            url = further
            addresses.add(url)
        raise _astray(url, f"lists more than {MAX_PAGES} pages")

    def _retried(self, url: str) -> tuple[Page[T], bytes]:
        retrying = Retrying(
            stop=self._is_over,
            retry=retry_if_exception(_may_pass),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._page, url)

    def _page(self, url: str) -> tuple[Page[T], bytes]:
        answer = self._fetch(url)
        links = parse_links(answer.headers.get("Link", ""))
        page = Page(self._read(answer), url, links)
        return page, hashlib.sha256(answer.body).digest()

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, DeliveryError) and error.retry_after is not None:
            return error.retry_after
        doubled = self._patience.first_pause_seconds * 2.0 ** (state.attempt_number - 1)
        ceiling = min(doubled, self._patience.longest_pause_seconds)
        return ceiling * (0.5 + self._patience.jitter() / 2)

    def _is_over(self, state: RetryCallState) -> bool:
        pause = state.upcoming_sleep
        return (
            stop_after_attempt(self._patience.attempts)(state)
            or pause > self._patience.longest_pause_seconds
            or self._waited + pause > self._patience.longest_wait_seconds
        )

    def _sleep(self, seconds: float) -> None:
        self._waited += seconds
        self._patience.sleep(seconds)


def _may_pass(error: BaseException) -> bool:
    if not isinstance(error, DeliveryError):
        return False
    return not error.permanent and error.code != "too_large"


def _astray(url: str, what: str) -> DeliveryError:
    return DeliveryError(f"{urlsplit(url).hostname} {what}", "paging", permanent=True)
