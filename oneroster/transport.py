"""One request and its answer: signed, guarded, bounded, tried again where fit.

An answer is read whole, up to a limit counted after decompression. A request is
tried again after a cut connection, a time-out, 429 and the passing 5xx, with
growing pauses or the one the service names; only GET, PUT and DELETE are, since
they leave twice what they leave once (a POST only after 429).
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.utils import parse_header_links
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from oneroster.auth import (
    PASSING_STATUSES,
    Authorization,
    ClientCredentials,
    local_session,
    read_bounded,
)
from oneroster.dialects import MEDIA_TYPE
from oneroster.errors import (
    AuthError,
    NotFoundError,
    OneRosterError,
    RateLimitError,
    StatusError,
    TransportError,
)

__all__ = [
    "Answer",
    "Patience",
    "Transport",
    "explain",
    "is_same_origin",
    "parse_retry_after",
]

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 401, 403, 404, 429
SUCCESS = range(200, 300)
YEAR_SECONDS = 366 * 86_400.0
ERROR_BYTES = 65_536
REDIRECTS = frozenset({301, 302, 303, 307, 308})
USER_AGENT = "masterybridge-oneroster"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often we wait, and how much we take.

    ``sleep`` and ``jitter`` (a number from 0 to 1) come in, so that a test
    need not wait.
    """

    attempts: int = 6
    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0
    longest_wait_seconds: float = 900.0
    most_bytes: int = 64 * 1024 * 1024
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    address_guard: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer, read whole."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def links(self) -> dict[str, str]:
        """The targets of the Link header by relation in lower case, verbatim.

        Source: RFC 8288, section 3; names of parameters are case-insensitive.
        """
        found: dict[str, str] = {}
        for link in parse_header_links(self.headers.get("Link", "")):
            folded = {name.strip().lower(): value for name, value in link.items()}
            for relation in folded.get("rel", "").lower().split():
                target = _joined(self.url, folded["url"])
                if target is not None:
                    found.setdefault(relation, target)
        return found


def _joined(base: str, link: str) -> str | None:
    """Follow a link from a page; None if it leads to no address at all."""
    try:
        target = urljoin(base, link)
        _origin(urlsplit(target))
    except ValueError:
        return None
    return target


def is_same_origin(one: str, other: str) -> bool:
    """Tell whether two URLs share scheme, host and port."""
    return _origin(urlsplit(one)) == _origin(urlsplit(other))


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or usual


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Read a Retry-After header to seconds from now; None if it cannot be read.

    Nobody is asked to wait for more than a year.

    Source: RFC 9110, section 10.2.3.
    """
    if text is None:
        return None
    if text.strip().isdecimal():
        return min(float(text), YEAR_SECONDS)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), YEAR_SECONDS)


class PassingError(Exception):
    """A failure that may pass; ``final`` is raised once patience ends."""

    def __init__(self, final: OneRosterError, *, retry_after: float | None) -> None:
        super().__init__(str(final))
        self.final = final
        self.retry_after = retry_after


class Transport:
    """Sends requests to one service and gives back answers that succeeded."""

    def __init__(
        self,
        auth: Authorization,
        *,
        session: requests.Session | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self._auth = auth
        self._session = session or local_session()
        self._session.trust_env = False
        if isinstance(auth, ClientCredentials) and auth.address_guard is None:
            auth.address_guard = self.patience.address_guard

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        narrower: Callable[[], str] | None = None,
    ) -> Answer:
        """Send a request until it succeeds, fails for good, or patience ends.

        ``narrower`` gives the URL to use after a time-out, such as one that
        asks for a smaller page.

        Raises:
            AuthError: 401, with a new token as well.
            NotFoundError: 404.
            RateLimitError: 429, for longer than we may wait.
            StatusError: any other status that is no success.
            TransportError: no answer, or an address we must not call.
            PagingError: the answer is larger than the limit.
        """
        wanted = [url]

        def attempt() -> Answer:
            try:
                return self._follow(method, wanted[0], body)
            except PassingError as error:
                if narrower is not None and error.final.code == "timeout":
                    wanted[0] = narrower()
                raise

        retrying = Retrying(
            stop=stop_after_attempt(self.patience.attempts),
            retry=retry_if_exception(lambda error: _may_repeat(method, error)),
            wait=self._pause,
            sleep=self.patience.sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except PassingError as error:
            raise error.final from error

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, PassingError) and error.retry_after is not None:
            return error.retry_after
        doubled = self.patience.first_pause_seconds * 2.0 ** (state.attempt_number - 1)
        ceiling = min(doubled, self.patience.longest_pause_seconds)
        return ceiling * (0.5 + self.patience.jitter() / 2)

    def _follow(self, method: str, url: str, body: bytes | None) -> Answer:
        """Send once; follow a few redirects on the same origin; renew a token."""
        renewed = False
        for _ in range(4):
            answer, sent = self._exchange(method, url, body)
            if answer.status == UNAUTHORIZED and not renewed:
                renewed = self._auth.renew(sent)
                if renewed:
                    continue
            if answer.status not in REDIRECTS:
                return self._judge(method, answer)
            target = _joined(url, answer.headers.get("Location", ""))
            if method != "GET" or target is None or not is_same_origin(target, url):
                raise TransportError(
                    f"{_place(method, url)} redirects elsewhere; not followed. "
                    "Set the service URL to where it leads, if that is right",
                    code="ssrf",
                )
            url = target
        raise TransportError(
            f"{_place(method, url)} redirects in circles; check the service URL",
            code="redirects",
        )

    def _exchange(
        self, method: str, url: str, body: bytes | None
    ) -> tuple[Answer, requests.PreparedRequest]:
        if self.patience.address_guard is not None:
            self.patience.address_guard(url)
        place = _place(method, url)
        headers = {"Accept": MEDIA_TYPE, "User-Agent": USER_AGENT}
        if body is not None:
            headers["Content-Type"] = MEDIA_TYPE
        try:
            with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=self._auth,
                timeout=(self.patience.connect_seconds, self.patience.read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                answer = Answer(
                    response.url,
                    response.status_code,
                    response.headers,
                    read_bounded(response, self.patience.most_bytes, place),
                )
                return answer, response.request
        except requests.RequestException as error:
            final = explain(error, place)
            if not _may_pass(error):
                raise final from error
            raise PassingError(final, retry_after=None) from error
        except (StatusError, TransportError) as error:
            # The token endpoint failed; it may be back with the next attempt.
            if error.code in {"ssrf", "tls"}:
                raise
            raise PassingError(error, retry_after=None) from error

    def _judge(self, method: str, answer: Answer) -> Answer:
        status, place = answer.status, _place(method, answer.url)
        if status in SUCCESS:
            return answer
        if status == UNAUTHORIZED:
            raise AuthError(f"{place} answered 401; check client id, secret and scopes")
        if status == NOT_FOUND:
            raise NotFoundError(
                f"{place} answered 404; it has no such object or collection",
                status=status,
                where=place,
            )
        if status in PASSING_STATUSES:
            raise self._passing(answer, place)
        hint = "the client may not read this; ask for its scope"
        raise StatusError(
            f"{place} answered {status}"
            + (f"; {hint}" if status == FORBIDDEN else f"{_reason(answer)}"),
            status=status,
            where=place,
            code="forbidden" if status == FORBIDDEN else None,
        )

    def _passing(self, answer: Answer, place: str) -> Exception:
        retry_after = parse_retry_after(
            answer.headers.get("Retry-After"), datetime.now(UTC)
        )
        final: StatusError = StatusError(
            f"{place} answered {answer.status} every time; try again later",
            status=answer.status,
            where=place,
        )
        if answer.status == TOO_MANY:
            final = RateLimitError(
                f"{place} answered 429; we are asked to wait",
                status=answer.status,
                where=place,
                retry_after=retry_after,
            )
        if retry_after is not None and retry_after > self.patience.longest_wait_seconds:
            return RateLimitError(
                f"{place} asks us to wait {retry_after:.0f} seconds; resume later",
                status=answer.status,
                where=place,
                retry_after=retry_after,
            )
        return PassingError(final, retry_after=retry_after)


def _may_repeat(method: str, error: BaseException) -> bool:
    if not isinstance(error, PassingError):
        return False
    return method != "POST" or isinstance(error.final, RateLimitError)


def _place(method: str, url: str) -> str:
    """Name a request without its query, which may hold a person's name."""
    parts = urlsplit(url)
    return f"{method} {parts.scheme}://{parts.netloc}{parts.path}"


def explain(error: requests.RequestException, place: str) -> TransportError:
    """Say what it means that a request got no whole answer."""
    if isinstance(error, requests.exceptions.SSLError):
        return TransportError(
            f"{place}: the certificate of the service cannot be trusted; "
            "renew it, or name its authority's file",
            code="tls",
        )
    if isinstance(error, requests.Timeout):
        return TransportError(f"{place} did not answer in time", code="timeout")
    return TransportError(
        f"{place} gave no whole answer ({type(error).__name__}); "
        "check the URL and the network"
    )


def _may_pass(error: requests.RequestException) -> bool:
    broken = (
        requests.Timeout,
        requests.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
    )
    is_tls = isinstance(error, requests.exceptions.SSLError)
    return isinstance(error, broken) and not is_tls


def _reason(answer: Answer) -> str:
    """The code of a OneRoster error body, if there is one; never its prose."""
    known = (
        "invalid_filter_field",
        "invalid_selection_field",
        "invalid_sort_field",
        "invaliddata",
        "invalid data",
        "unknownobject",
        "unknown object",
        "deletefailure",
        "unsupported",
    )
    head = answer.body[:ERROR_BYTES].decode("utf-8", "replace")
    return next((f" ({code})" for code in known if f'"{code}"' in head), "")
