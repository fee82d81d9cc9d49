"""Requests of a probe, and what they show of themselves to a vendor's support desk.

A probe wants every answer, refusals included, so it does not go by
:mod:`oneroster.transport`. What it shows holds no secret and nothing of a person:
of a value only its form is left.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from http import HTTPStatus
from typing import Any, Final

import requests

from oneroster.auth import Authorization, read_bounded
from oneroster.dialects import MEDIA_TYPE, Collection
from oneroster.errors import OneRosterError, RateLimitError, TransportError
from oneroster.transport import (
    Answer,
    Patience,
    explain,
    is_same_origin,
    parse_retry_after,
)
from oneroster.wire import shape_of

__all__ = ["Asker", "Reply", "SpentError", "masked", "silence"]

UNAUTHORIZED: Final = 401
MOST_REQUESTS: Final = 60
# Ed-Fi counts by the minute and asks for that and a second more.
LONGEST_WAIT_SECONDS: Final = 120.0
MOST_WAITS: Final = 3
SHOWN: Final = 500
TOLD_HEADERS: Final = (
    "Content-Type",
    "Date",
    "Link",
    "Location",
    "Retry-After",
    "Server",
    "WWW-Authenticate",
    "X-Total-Count",
)
# Values that are no one's: what the standard counts and names.
CLEAR: Final = frozenset(
    {
        *("sourcedId", "status", "dateLastModified", "type", "href", "role"),
        *("roleType", "enabledUser", "primary", "classType", "schoolYear"),
        *("startDate", "endDate", "scoreStatus", "importance"),
    }
)
# What a refusal says of itself.
REFUSALS: Final = frozenset(
    {
        *("error", "error_description", "message"),
        *("imsx_codeMajor", "imsx_severity"),
        *("imsx_description", "imsx_codeMinor", "imsx_codeMinorFieldName"),
        *("imsx_codeMinorFieldValue", "CodeMajor", "Severity", "CodeMinor"),
        *("Description", "statusCode", "code"),
    }
)
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_SECRET: Final = re.compile(r"[A-Za-z0-9_\-.~+/=]{24,}")
_TAGS: Final = re.compile(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>")


class SpentError(OneRosterError):
    """A probe has asked as often as it may."""

    default_code = "spent"


def masked(value: object, name: str = "", *, clear: frozenset[str] = CLEAR) -> object:
    """Mask a JSON value: what stands under no name of the list keeps its form alone."""
    if isinstance(value, Mapping):
        return {
            str(key): masked(part, str(key), clear=clear) for key, part in value.items()
        }
    if isinstance(value, list):
        return [masked(part, name, clear=clear) for part in value]
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    return _hidden(str(value)) if name in clear else shape_of(str(value))


def _hidden(text: str) -> str:
    return _MAIL.sub("x@x", text)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of any status, read whole; ``at`` is our time when it was made."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float
    at: datetime
    method: str = "GET"

    @property
    def is_good(self) -> bool:
        """Whether it is a success."""
        return self.status == HTTPStatus.OK

    @property
    def payload(self) -> object:
        """The body as JSON, None if it is none."""
        try:
            found: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found

    def rows(self, collection: Collection) -> list[Any] | None:
        """The rows of a page; None if it holds no list of that collection."""
        payload = self.payload
        if not self.is_good or not isinstance(payload, dict):
            return None
        for key in (collection.key, collection.name):
            if isinstance(payload.get(key), list):
                return list(payload[key])
        return None

    @property
    def total(self) -> int | None:
        """The service's own count; None if it sends none that is a number."""
        text = self.headers.get("X-Total-Count", "").strip()
        return int(text) if text.isdecimal() else None

    @property
    def links(self) -> dict[str, str]:
        """The targets of its Link header, by relation."""
        return Answer(self.url, self.status, self.headers, b"").links

    @property
    def next_link(self) -> str | None:
        """Where its next page is, if it is on the same host."""
        target = self.links.get("next")
        return target if target and is_same_origin(target, self.url) else None

    @property
    def skew_seconds(self) -> float | None:
        """How far its clock is ahead of ours; None if it tells no time."""
        try:
            said = parsedate_to_datetime(self.headers["Date"])
        except (KeyError, ValueError):
            return None
        zoned = said if said.tzinfo else said.replace(tzinfo=UTC)
        # A Date has whole seconds: it is half a second behind on the average.
        return (zoned - self.at).total_seconds() + 0.5

    @property
    def request_line(self) -> str:
        """What was asked."""
        return f"{self.method} {self.url}"

    @property
    def answer(self) -> str:
        """What came, for a support desk: status, headers that matter, masked body."""
        lines = [f"{self.status} {_phrase(self.status)} in {self.seconds:.2f} s"]
        lines += [
            f"{name}: {_hidden(self.headers[name])}"
            for name in TOLD_HEADERS
            if name in self.headers
        ]
        return "\n".join([*lines, self._told()]).rstrip()

    def _told(self) -> str:
        payload = self.payload
        if payload is not None:
            clear = CLEAR if self.is_good else CLEAR | REFUSALS
            shown = masked(payload, clear=clear)
            return json.dumps(shown, ensure_ascii=False)[:SHOWN]
        text = _TAGS.sub(" ", self.body.decode("utf-8", "replace"))
        plain = " ".join(unescape(text).split())
        return _SECRET.sub("***", _hidden(plain))[:SHOWN]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class Asker:
    """Asks a bounded number of times, one request at a time, and waits when told."""

    def __init__(
        self,
        session: requests.Session,
        auth: Authorization,
        patience: Patience,
        clock: Callable[[], datetime],
    ) -> None:
        self.asked = 0
        self.last: Reply | None = None
        self.skews: list[float] = []
        self.auth = auth
        self._session = session
        self._patience = patience
        self._clock = clock

    def get(self, url: str) -> Reply:
        """Ask for a page.

        Raises:
            OneRosterError: as send() does.
        """
        return self.send("GET", url)

    def send(self, method: str, url: str, body: bytes | None = None) -> Reply:
        """Ask once; again after a 401 with a new token, and after a wait.

        Raises:
            AuthError: the token endpoint refuses us.
            TransportError: no answer came.
            RateLimitError: the service wants more time than a probe has.
            SpentError: a probe has asked as often as it may.
        """
        renewed = False
        for _ in range(MOST_WAITS + 2):
            reply, sent = self._once(method, url, body)
            if reply.status == UNAUTHORIZED and not renewed:
                renewed = self.auth.renew(sent)
                if renewed:
                    continue
            wait = parse_retry_after(reply.headers.get("Retry-After"), self._clock())
            if reply.status not in {429, 503} or wait is None:
                return reply
            if wait > LONGEST_WAIT_SECONDS:
                break
            self._patience.sleep(wait)
        raise RateLimitError(
            f"{url.partition('?')[0]} answered {self.last.status if self.last else 0} "
            "and asks us to come back later than a test may wait",
            status=self.last.status if self.last else 0,
            where=url.partition("?")[0],
            retry_after=None,
        )

    def _once(
        self, method: str, url: str, body: bytes | None
    ) -> tuple[Reply, requests.PreparedRequest]:
        if self.asked >= MOST_REQUESTS:
            raise SpentError(f"a test asks {MOST_REQUESTS} times and no more")
        self.asked += 1
        if self._patience.address_guard is not None:
            self._patience.address_guard(url)
        began = time.monotonic()
        place = f"{method} {url.partition('?')[0]}"
        headers = {"Accept": MEDIA_TYPE}
        if body is not None:
            headers["Content-Type"] = MEDIA_TYPE
        try:
            with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=self.auth,
                timeout=(self._patience.connect_seconds, self._patience.read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                at = self._clock()
                told = read_bounded(response, self._patience.most_bytes, place)
                reply = Reply(
                    url,
                    response.status_code,
                    response.headers,
                    told,
                    time.monotonic() - began,
                    at,
                    method,
                )
                sent = response.request
        except requests.RequestException as error:
            failure = explain(error, place)
            raise failure from error
        self.last = reply
        if reply.skew_seconds is not None:
            self.skews.append(reply.skew_seconds)
        return reply, sent


def silence(error: TransportError) -> str:
    """What a service that gives no answer means, by the code of the error."""
    return {
        "tls": "ask for a valid certificate, or name its authority with --ca-file",
        "timeout": "ask whether the service is up and our address is let through",
        "ssrf": "give the address the service has now",
    }.get(error.code, "check the address, the port, and the firewall between us")
