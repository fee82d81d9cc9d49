"""How we tell a OneRoster service who we are.

Three ways, each a ``requests`` auth object that also says, by ``renew``, whether
a refused request may be tried once more: OAuth 2 client credentials, OAuth 1.0a
for old 1.1 services, and a fixed bearer key. No secret shows in a ``repr``.

Source: OneRoster 1.2 Rostering, section 4; RFC 6749, 4.4; RFC 5849, section 3.
"""

import hashlib
import hmac
import json
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import parse_qsl, quote_plus, urlsplit

import requests
from authlib.oauth1.rfc5849.signature import normalize_parameters
from authlib.oauth1.rfc5849.util import escape
from requests.auth import AuthBase

from oneroster.errors import AuthError, PagingError, StatusError, TransportError

__all__ = [
    "Authorization",
    "BearerKey",
    "ClientCredentials",
    "OAuth1",
    "local_session",
    "read_bounded",
]

TIMEOUT_SECONDS = (5.0, 30.0)
RENEW_BEFORE_SECONDS = 60.0
LIFETIME_SECONDS = 3600.0
MOST_TOKEN_BYTES = 1_000_000
MOST_REFUSAL_BYTES = 4096
CHUNK_BYTES = 65_536
# A server that takes credentials in the form alone refuses Basic with any of these.
OTHER_STYLE_STATUSES = frozenset({400, 401, 422})
# Source: RFC 6749, 5.2 (invalid_scope); some gateways say 403.
SCOPE_STATUSES = frozenset({400, 403})
PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})

Style = Literal["basic", "form", "either"]


class Authorization(Protocol):
    """What signs each request, and may be asked for another try after a 401."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request."""

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """Tell whether the refused request may succeed if it is signed anew."""


def local_session() -> requests.Session:
    """Make a session that takes no proxy, certificate or password from outside."""
    session = requests.Session()
    session.trust_env = False
    return session


def read_bounded(response: requests.Response, most_bytes: int, place: str) -> bytes:
    """Read a body whole, counting its bytes after decompression.

    Raises:
        PagingError: it is longer than the limit; reading stopped there.
    """
    body = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > most_bytes:
            raise PagingError(
                f"{place} answers more than {most_bytes} bytes; use a smaller page",
                code="too_large",
            )
    return bytes(body)


class BearerKey(AuthBase):
    """A fixed key sent as a bearer token, as ClassLink's proxy wants it."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key into the request."""
        request.headers["Authorization"] = self._header
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """Tell that a refused key stays refused."""
        del refused
        return False


class ClientCredentials(AuthBase):
    """OAuth 2 client credentials; one token for all threads, renewed in time.

    ``style`` says where the credentials stand: in HTTP Basic, in the form, or
    ``either``: in Basic first, and in the form where that is refused; the style
    that worked is kept. ``granted`` holds the scopes the service says it gave,
    None while it says nothing of them. Where the scopes asked for are refused, those
    of ``fallbacks`` are asked for in their order, and ``scope`` tells which it were.
    A token is renewed a minute before it ends
    and once after a 401. Ten threads in want of a token ask for one, since on some
    hosts a new token ends the older one.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str,
        style: Style = "basic",
        session: requests.Session | None = None,
    ) -> None:
        self.token_url = token_url
        self.client_id = client_id
        self.scope = scope
        self.style: Style = style
        self.fallbacks: tuple[str, ...] = ()
        self.lacking: frozenset[str] = frozenset()
        self.granted: frozenset[str] | None = None
        self.address_guard: Callable[[str], None] | None = None
        self.clock: Callable[[], float] = time.monotonic
        self._client_secret = client_secret
        self._session = session or local_session()
        self._lock = threading.Lock()
        self._header: str | None = None
        self._ends_at = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put a token into the request, asking for one if there is none.

        Raises:
            AuthError: the token endpoint does not accept the credentials.
            StatusError: the token endpoint failed.
            TransportError: the token endpoint gave no answer.
        """
        with self._lock:
            if self._header is None or self.clock() >= self._ends_at:
                self._header = self._fetch()
            request.headers["Authorization"] = self._header
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """Forget the token that was refused, unless another came meanwhile."""
        with self._lock:
            if refused.headers.get("Authorization") == self._header:
                self._header = None
        return True

    def ask_for(self, scope: str) -> None:
        """Ask for other rights from the next request on, by a new token."""
        with self._lock:
            if scope != self.scope:
                self.scope, self._header = scope, None

    def _fetch(self) -> str:
        """Ask for a token; where scopes are refused, for less of them."""
        try:
            return self._fetch_style()
        except AuthError as refused:
            if refused.status not in SCOPE_STATUSES:
                raise
            first, asked = refused, self.scope
        for fallback in self.fallbacks:
            self.scope = fallback
            try:
                header = self._fetch_style()
            except AuthError as refused:
                if refused.status not in SCOPE_STATUSES:
                    break
            else:
                self.lacking = frozenset(asked.split()) - frozenset(fallback.split())
                self.fallbacks = ()
                return header
        self.scope = asked
        raise first

    def _fetch_style(self) -> str:
        if self.style != "either":
            return self._ask(self.style)
        try:
            header = self._ask("basic")
        except AuthError as refused:
            # Who complains of the scope has accepted the credentials.
            is_of_scope = b"scope" in refused.body.lower()
            if is_of_scope or refused.status not in OTHER_STYLE_STATUSES:
                raise
        else:
            self.style = "basic"
            return header
        header = self._ask("form")
        self.style = "form"
        return header

    def _ask(self, style: Style) -> str:
        form = {"grant_type": "client_credentials", "scope": self.scope}
        headers = {"Accept": "application/json"}
        if style == "form":
            form |= {"client_id": self.client_id, "client_secret": self._client_secret}
        else:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self._client_secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        if self.address_guard is not None:
            self.address_guard(self.token_url)
        began = self.clock()
        try:
            with self._session.post(
                self.token_url,
                data=form,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return self._accept(answer, began)
        except requests.exceptions.SSLError as error:
            raise TransportError(
                f"the token endpoint {self.token_url}: its certificate cannot be "
                "trusted; renew it, or name its authority's file",
                code="tls",
            ) from error
        except requests.RequestException as error:
            raise TransportError(
                f"the token endpoint {self.token_url} gave no answer "
                f"({type(error).__name__}); check the URL and the network"
            ) from error

    def _accept(self, answer: requests.Response, began: float) -> str:
        if answer.status_code in PASSING_STATUSES:
            raise StatusError(
                f"the token endpoint {self.token_url} answered {answer.status_code}; "
                "try again later",
                status=answer.status_code,
                where=self.token_url,
            )
        if answer.status_code not in {200, 201}:
            raise AuthError(
                f"the token endpoint {self.token_url} answered {answer.status_code}; "
                "check client id, client secret and scopes",
                status=answer.status_code,
                body=next(answer.iter_content(MOST_REFUSAL_BYTES), b""),
            )
        given = _parse_token(read_bounded(answer, MOST_TOKEN_BYTES, self.token_url))
        if given is None:
            raise AuthError(
                f"the token endpoint {self.token_url} answered without an "
                "access_token; check that the URL is the token endpoint"
            )
        self.granted = given.scopes
        # A token that lives less than two minutes is used for half its life.
        early = min(RENEW_BEFORE_SECONDS, given.lifetime / 2)
        self._ends_at = began + given.lifetime - early
        return f"Bearer {given.token}"


@dataclass(frozen=True, slots=True)
class _Token:
    """What a token endpoint gave; scopes are None if it does not name them."""

    token: str = field(repr=False)
    lifetime: float
    scopes: frozenset[str] | None


def _parse_token(body: bytes) -> _Token | None:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        return None
    try:
        lifetime = float(answer.get("expires_in", LIFETIME_SECONDS))
    except (TypeError, ValueError):
        lifetime = LIFETIME_SECONDS
    named = answer.get("scope")
    scopes = frozenset(named.split()) if isinstance(named, str) else None
    return _Token(answer["access_token"], max(lifetime, 0.0), scopes)


class OAuth1(AuthBase):
    """OAuth 1.0a with two legs, for services of OneRoster 1.1.

    The signature covers every parameter of the query just as it is sent.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        digest: Literal["sha1", "sha256"] = "sha256",
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_urlsafe(24),
    ) -> None:
        self.client_id = client_id
        self.digest = digest
        self._client_secret = client_secret
        self._clock = clock
        self._nonce = nonce

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request anew, with a nonce and a time of its own."""
        signed = [
            ("oauth_consumer_key", self.client_id),
            ("oauth_nonce", self._nonce()),
            ("oauth_signature_method", f"HMAC-{self.digest.upper()}"),
            ("oauth_timestamp", str(int(self._clock()))),
            ("oauth_version", "1.0"),
        ]
        url = request.url or ""
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        covered = (
            (request.method or "GET").upper(),
            _base_url(url),
            normalize_parameters(query + signed),
        )
        base = "&".join(escape(part) for part in covered)
        key = f"{escape(self._client_secret)}&"
        name = "sha1" if self.digest == "sha1" else "sha256"
        mark = hmac.new(key.encode(), base.encode(), getattr(hashlib, name)).digest()
        signed.append(("oauth_signature", b64encode(mark).decode()))
        written = ", ".join(f'{name}="{escape(value)}"' for name, value in signed)
        request.headers["Authorization"] = f"OAuth {written}"
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """Tell that another signature would be refused as well."""
        del refused
        return False


def _base_url(url: str) -> str:
    """The URL without its query and usual port. Source: RFC 5849, 3.4.1.2."""
    parts = urlsplit(url)
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    host = parts.netloc.lower().removesuffix(usual)
    return f"{parts.scheme}://{host}{parts.path}"
