"""Canvas's own REST interface: one request at a time, refusals told apart, pages.

Source: facts/canvas.md section 9; Canvas doc/api/throttling.md, pagination.md.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
from pydantic import TypeAdapter, ValidationError

from lti_tool.errors import DeliveryError, PlatformError
from lti_tool.platforms.canvas_tokens import API, CanvasToken, root_of
from lti_tool.platforms.http import Answer, Ask, ask
from lti_tool.platforms.paging import ONCE, Pages, Patience
from lti_tool.platforms.profiles import PROFILES

# Whole numbers beyond 2^53 lose their last digits in many a JSON reader.
STRING_IDS: Final = "application/json+canvas-string-ids"
PAGE: Final = 100
# A quota comes back at about 10 a second, and a throttled token has used up hundreds.
UNSAID_SECONDS: Final = 15.0
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_TOO_MANY, _UNAVAILABLE, _SERVER = 429, 503, 500
_TEXT_LIMIT: Final = 300
_NAMED: Final = re.compile(r":\w+")
_NUMBER: Final = re.compile(r"/\d+(?:~\d+)?(?=/|$)")
_PERMANENT: Final = frozenset({"auth", "address", "redirect", "config"})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast we go.

    Attributes:
        low: of a quota of usually 700; with less than it left, we rest.
        refill: how much of it comes back in a second.
        longest_rest: seconds; a worker that slept longer would lose its lease.
        sleep: how a rest is taken.
    """

    low: float = 150.0
    refill: float = 10.0
    longest_rest: float = 5.0
    sleep: Callable[[float], None] = time.sleep


Fields = Sequence[tuple[str, str]]


class Turn(Protocol):
    """The right to use a token: one worker has it at a time."""

    def hold(self) -> None:
        """Take it, or go on holding it.

        Raises:
            DeliveryError: turn, somebody else has it.
        """

    def give_back(self) -> None:
        """Let others have it; may be called twice."""


class Alone:
    """The turn of who is alone with a token: nobody else knows it."""

    def hold(self) -> None:
        """Go on: there is nobody to wait for."""

    def give_back(self) -> None:
        """Keep nobody waiting."""


class CanvasRest:
    """Asks one Canvas in the name of its service account.

    Holds the turn of its token from the first request until it is closed; a block
    closes it:

        with canvases.rest(registration_id) as rest:
            rest.get("/users/self", USER)
    """

    def __init__(
        self,
        session: requests.Session,
        token: CanvasToken,
        pace: Pace | None = None,
        turn: Turn | None = None,
        *,
        on_refused: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask with token, where it is good; a turn is held meanwhile.

        on_refused is told when the token is taken no more, and renewed no more.
        """
        self._session = session
        self.base_url = root_of(token.base_url)
        self._token = token
        self._pace = pace or Pace()
        self._turn = turn or Alone()
        self._on_refused = on_refused
        self._left = math.inf
        self._answered_at: datetime | None = None

    @property
    def host(self) -> str:
        """The host, for what is said to people."""
        return urlsplit(self.base_url).hostname or "?"

    @property
    def account(self) -> str | None:
        """The Canvas account that outcomes are made in, None for the course alone."""
        return self._token.credential.account

    def close(self) -> None:
        """Let others use the token: nothing more is asked now."""
        self._turn.give_back()

    def __enter__(self) -> Self:
        """Ask within a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it, whatever happened."""
        self.close()

    def get(self, path: str, shape: TypeAdapter[T], fields: Fields = ()) -> T:
        """Return what stands at a path of the interface, read.

        Raises:
            DeliveryError: see call.
        """
        return read(self.call("GET", self._url(path, fields)), shape)

    def every(
        self,
        path: str,
        shape: TypeAdapter[T],
        fields: Fields = (),
        patience: Patience = ONCE,
    ) -> Iterator[T]:
        """Yield the pages of a list, each next one as Canvas names it.

        Raises:
            DeliveryError: paging; besides what call raises.
        """
        first = self._url(path, [*fields, ("per_page", str(PAGE))])
        pages = Pages(
            lambda url: self.call("GET", url), lambda one: read(one, shape), patience
        )
        for page in pages(first):
            yield page.content

    def send(
        self, method: str, path: str, content: Mapping[str, Any] | bytes | None = None
    ) -> Answer:
        """Write something: content goes as JSON, bytes as a CSV file.

        Raises:
            DeliveryError: see call; after timeout and connect nobody knows whether
                it was carried out.
        """
        return self.call(method, self._url(path), content)

    def call(
        self, method: str, url: str, content: Mapping[str, Any] | bytes | None = None
    ) -> Answer:
        """Ask once, with a fresh token if ours was refused; gives a success.

        Raises:
            DeliveryError: turn, auth, scope, forbidden, gone, rejected, rate or
                platform; or Canvas was not reached: connect, timeout, redirect,
                too_large or address.
        """
        try:
            return self._call(method, url, content)
        except DeliveryError as error:
            if error.code == "auth":
                self._on_refused()
            raise
        except PlatformError as error:
            raise DeliveryError(
                str(error), error.code, permanent=error.code in _PERMANENT
            ) from error

    def _call(
        self, method: str, url: str, content: Mapping[str, Any] | bytes | None
    ) -> Answer:
        token = self.token()
        answer = self._ask(method, url, content, token)
        if is_bad_token(answer) and self._token.renew(token):
            answer = self._ask(method, url, content, self._token.current())
        if not requests.codes.ok <= answer.status < requests.codes.multiple_choices:
            raise refusal(answer, method)
        return answer

    def token(self) -> str:
        """Return the token as it is good now, renewed if it has ended.

        Raises:
            DeliveryError: turn, another worker uses it; auth, Canvas renews it no
                more; or it is not reached.
        """
        self._turn.hold()
        return self._token.current()

    def _ask(
        self,
        method: str,
        url: str,
        content: Mapping[str, Any] | bytes | None,
        token: str,
    ) -> Answer:
        self._rest()
        self._turn.hold()
        headers = {"Authorization": f"Bearer {token}", "Accept": STRING_IDS}
        body = content if isinstance(content, bytes) else None
        if body is not None:
            headers["Content-Type"] = "text/csv; charset=utf-8"
        elif content is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(content, allow_nan=False).encode()
        answer = ask(self._session, Ask(method, url, headers, body))
        self._left = _number(answer.headers.get("X-Rate-Limit-Remaining"))
        self._answered_at = answered_at(answer)
        return answer

    def ahead(self, now: datetime) -> timedelta:
        """Return how far Canvas's clock was ahead of ours when it answered just now."""
        return (self._answered_at or now) - now

    def _rest(self) -> None:
        """Let the quota come back before it is used up."""
        missing = self._pace.low - self._left
        if missing > 0:
            rest = min(missing / self._pace.refill, self._pace.longest_rest)
            self._pace.sleep(rest)

    def _url(self, path: str, fields: Fields = ()) -> str:
        query = f"?{urlencode(fields)}" if fields else ""
        return f"{self.base_url}{API}{path}{query}"


def read(answer: Answer, shape: TypeAdapter[T]) -> T:
    """Return an answer as what it should be.

    Raises:
        DeliveryError: format, it is something else.
    """
    try:
        return shape.validate_json(answer.body)
    except ValidationError:
        raise DeliveryError(
            f"{urlsplit(answer.url).hostname} answers with something we do not know "
            "as Canvas's",
            "format",
            permanent=False,
        ) from None


def answered_at(answer: Answer) -> datetime:
    """Return when Canvas answered, by its own clock, in whole seconds."""
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC).replace(microsecond=0)


def is_bad_token(answer: Answer) -> bool:
    """Tell whether a 401 speaks of the token, not of what its owner may do.

    Canvas says 401 for both; only for a token it adds how to authenticate.
    """
    return answer.status == _UNAUTHORIZED and "WWW-Authenticate" in answer.headers


def refusal(answer: Answer, method: str) -> DeliveryError:
    """Return what an answer to method that is no success means."""
    host, status = urlsplit(answer.url).hostname, answer.status
    said = _said(answer)
    code, words = _kind(answer, said)
    if code == "scope":
        words = f"{words}: {scope_of(method, answer.url)}"
    quoted = f" ({said})" if said else ""
    return DeliveryError(
        f"{host} answered {status}{quoted}: {words}",
        code,
        permanent=code not in {"rate", "platform"},
        retry_after=_retry_after(answer) if code == "rate" else None,
    )


def _kind(answer: Answer, said: str) -> tuple[str, str]:
    status = answer.status
    # Canvas: throttled is 403, told from "forbidden" by its body alone.
    is_throttled = status == _FORBIDDEN and b"rate limit exceeded" in (
        answer.body[:_TEXT_LIMIT].lower()
    )
    if is_throttled or status in {_TOO_MANY, _UNAVAILABLE}:
        return "rate", "it asks us to wait"
    if status >= _SERVER:
        return "platform", "it failed; it is tried again"
    return _refused(answer, said)


def _refused(answer: Answer, said: str) -> tuple[str, str]:
    if "insufficient scopes" in said.lower():
        return "scope", (
            "the developer key does not grant this; an administrator adds the scope "
            "to it and connects Canvas again"
        )
    if is_bad_token(answer):
        return "auth", "it takes our token no more; connect Canvas again"
    if answer.status in {_UNAUTHORIZED, _FORBIDDEN}:
        return "forbidden", (
            "the service account may not do this there; give its role the rights "
            "that the guide lists"
        )
    if answer.status == _NOT_FOUND:
        return "gone", "it is not there"
    return "rejected", "it does not take what we sent"


def scope_of(method: str, url: str) -> str:
    """Return the scope that a request takes, as a developer key names it.

    One that our profile does not list is written with the numbers left out.
    """
    path = urlsplit(url).path
    path = path[path.find(API) :]
    known = PROFILES["canvas"]
    for scope in (*known.rest_scopes, *known.live_scopes):
        verb, _, template = scope.removeprefix("url:").partition("|")
        if verb == method and re.fullmatch(_NAMED.sub("[^/]+", template), path):
            return scope
    return f"url:{method}|{_NUMBER.sub('/:id', path)}"


def _said(answer: Answer) -> str:
    """Return Canvas's own words, as far as they are told apart from a page."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return ""
    errors = found.get("errors", found) if isinstance(found, dict) else found
    messages = [one for one in _messages(errors) if one.strip()]
    return "; ".join(dict.fromkeys(messages))[:_TEXT_LIMIT]


def _messages(errors: object) -> Iterator[str]:
    if isinstance(errors, str):
        yield errors
    elif isinstance(errors, list):
        for one in errors:
            yield from _messages(one)
    elif isinstance(errors, dict):
        named = [errors[name] for name in ("message", "error") if name in errors]
        for one in named or errors.values():
            yield from _messages(one)


def _retry_after(answer: Answer) -> float:
    """Return how long we are to wait; Canvas's own throttle does not say."""
    seconds = _number(answer.headers.get("Retry-After"))
    return seconds if math.isfinite(seconds) and seconds > 0 else UNSAID_SECONDS


def _number(text: str | None) -> float:
    try:
        return math.inf if text is None else float(text)
    except ValueError:
        return math.inf
