"""Access tokens: who we are to a platform, proved by a signed assertion.

Source: LTI Security Framework 1.0 section 4.1; facts/security.md section 1.3.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import BaseModel, ConfigDict, ValidationError

from lti_tool.errors import PlatformError
from lti_tool.platforms.http import Answer, Ask, ask
from lti_tool.platforms.profiles import PlatformProfile

ASSERTION_SECONDS: Final = 300
EARLY_SECONDS: Final = 60
DEFAULT_LIFE_SECONDS: Final = 3600
TOKEN_LIMIT: Final = 64 * 1024
_OK, _SERVER = 200, 500
_PASSING = frozenset({408, 425, 429})
DEPLOYMENT_CLAIM: Final = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who we are to a platform, and how it is."""

    registration_id: int
    client_id: str
    token_url: str
    token_audience: str | None
    deployment_id: str | None
    profile: PlatformProfile
    kid: str
    private_key: RSAKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Grant:
    token: str = field(repr=False)
    good_until: datetime


class Tokens:
    """Access tokens of this process, one a registration, address and scope set.

    Renewed a minute early. Threads that want the same token share one request.
    """

    def __init__(
        self, session: requests.Session, clock: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._clock = clock
        self._lock = threading.Lock()
        self._grants: dict[tuple[object, ...], _Grant] = {}
        self._flights: dict[tuple[object, ...], Future[_Grant]] = {}

    def token(self, client: Client, scopes: Iterable[str]) -> str:
        """A token good for scopes.

        Raises:
            PlatformError: auth, the platform grants none; or it cannot be reached.
        """
        wanted = _widened(scopes, client.profile)
        at = _cache_key(client, wanted)
        with self._lock:
            held = self._grants.get(at)
            if held and held.good_until > self._clock():
                return held.token
            flight = self._flights.get(at)
            is_ours = flight is None
            if flight is None:
                flight = self._flights[at] = Future()
        if is_ours:
            self._fly(at, flight, client, wanted)
        return flight.result().token

    def drop(self, client: Client, scopes: Iterable[str], token: str) -> None:
        """Forget a token that was refused, unless it was renewed meanwhile."""
        at = _cache_key(client, _widened(scopes, client.profile))
        with self._lock:
            held = self._grants.get(at)
            if held and held.token == token:
                del self._grants[at]

    def _fly(
        self,
        at: tuple[object, ...],
        flight: Future[_Grant],
        client: Client,
        scopes: tuple[str, ...],
    ) -> None:
        try:
            grant = self._fetch(client, scopes)
        except BaseException as error:  # noqa: BLE001 -- those waiting must hear of any
            with self._lock:
                del self._flights[at]
            flight.set_exception(error)
            return
        with self._lock:
            self._grants[at] = grant
            del self._flights[at]
        flight.set_result(grant)

    def _fetch(self, client: Client, scopes: tuple[str, ...]) -> _Grant:
        now = self._clock()
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": (
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            ),
            "client_assertion": _assertion(client, now),
            "scope": " ".join(scopes),
        }
        answer = ask(
            self._session,
            Ask(
                "POST",
                client.token_url,
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                },
                body=urlencode(form).encode(),
                limit=TOKEN_LIMIT,
            ),
        )
        return _grant(answer, now)


class _TokenAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    access_token: str
    expires_in: float = DEFAULT_LIFE_SECONDS


def _grant(answer: Answer, now: datetime) -> _Grant:
    """Read a token answer. Moodle sends JSON as text/html: the body alone counts."""
    host = urlsplit(answer.url).hostname
    if answer.status != _OK:
        kind = "platform" if _is_passing(answer.status) else "auth"
        raise PlatformError(
            f"{host} gives no access token ({answer.status}); check that the platform "
            "knows our key set address and grants the services",
            kind,
        )
    try:
        read = _TokenAnswer.model_validate_json(answer.body)
    except ValidationError:
        raise PlatformError(
            f"{host} answers our request for an access token with something else; "
            "check the token address of the registration",
            "auth",
        ) from None
    life = max(read.expires_in - EARLY_SECONDS, 0.0)
    return _Grant(read.access_token, now + timedelta(seconds=min(life, 86_400.0)))


def _assertion(client: Client, now: datetime) -> str:
    issued = int(now.timestamp()) - client.profile.token_backdate_seconds
    claims: dict[str, Any] = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.token_audience or client.token_url,
        "iat": issued,
        "exp": issued + ASSERTION_SECONDS,
        "jti": secrets.token_urlsafe(24),
    }
    if client.deployment_id:
        claims[DEPLOYMENT_CLAIM] = client.deployment_id
    header = {"alg": "RS256", "kid": client.kid, "typ": "JWT"}
    return jwt.encode(header, claims, client.private_key)


def _widened(scopes: Iterable[str], profile: PlatformProfile) -> tuple[str, ...]:
    wanted = set(scopes)
    for scope in tuple(wanted):
        wanted.update(profile.companion_scopes.get(scope, ()))
    return tuple(sorted(wanted))


def _cache_key(client: Client, scopes: tuple[str, ...]) -> tuple[object, ...]:
    return (
        client.registration_id,
        client.token_url,
        client.client_id,
        client.deployment_id,
        scopes,
    )


def _is_passing(status: int) -> bool:
    return status in _PASSING or status >= _SERVER
