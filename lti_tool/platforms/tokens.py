"""Access tokens: who we are to a platform, proved by a signed assertion.

Source: LTI Security Framework 1.0 section 4.1; facts/security.md section 1.3.
"""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lti_tool.errors import PlatformError
from lti_tool.platforms.http import Answer, Ask, ask
from lti_tool.platforms.profiles import PlatformProfile

ASSERTION_SECONDS: Final = 300
EARLY_SECONDS: Final = 60
DEFAULT_LIFE_SECONDS: Final = 3600
LONGEST_LIFE_SECONDS: Final = 86_400
# A platform that refuses us for good is not asked again at once.
REFUSED_SECONDS: Final = 30
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
    scopes: frozenset[str] | None  # None: as many as were asked for


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: PlatformError
    until: datetime


class Tokens:
    """Access tokens of this process, one a registration, deployment and scope set.

    Renewed a minute early. Threads that want the same token share one request. A
    refusal for good is remembered for half a minute.
    """

    def __init__(
        self, session: requests.Session, clock: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._clock = clock
        self._lock = threading.Lock()
        self._grants: dict[tuple[object, ...], _Grant] = {}
        self._refusals: dict[tuple[object, ...], _Refusal] = {}
        self._flights: dict[tuple[object, ...], Future[_Grant]] = {}

    def token(self, client: Client, scopes: Iterable[str]) -> str:
        """A token good for scopes.

        Raises:
            PlatformError: auth, the platform grants none; forbidden, it grants one
                for less; or it cannot be reached.
        """
        scopes = tuple(scopes)
        wanted = widened(scopes, client.profile)
        at = _cache_key(client, wanted)
        with self._lock:
            held = self._grants.get(at)
            if held and held.good_until > self._clock():
                return _good_for(held, scopes, client)
            refused = self._refusals.get(at)
            if refused and refused.until > self._clock():
                raise refused.error
            flight = self._flights.get(at)
            is_ours = flight is None
            if flight is None:
                flight = self._flights[at] = Future()
        if is_ours:
            self._fly(at, flight, client, wanted)
        return _good_for(flight.result(), scopes, client)

    def drop(self, client: Client, scopes: Iterable[str], token: str) -> None:
        """Forget a token that was refused, unless it was renewed meanwhile."""
        at = _cache_key(client, widened(scopes, client.profile))
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
                if isinstance(error, PlatformError) and error.code == "auth":
                    until = self._clock() + timedelta(seconds=REFUSED_SECONDS)
                    self._refusals[at] = _Refusal(error, until)
            flight.set_exception(error)
            return
        with self._lock:
            self._grants[at] = grant
            self._refusals.pop(at, None)
            del self._flights[at]
        flight.set_result(grant)

    def _fetch(self, client: Client, scopes: tuple[str, ...]) -> _Grant:
        now = self._clock()
        return _grant(ask_for_token(self._session, client, scopes, now), now)


def ask_for_token(
    session: requests.Session, client: Client, scopes: Iterable[str], now: datetime
) -> Answer:
    """What the platform answers when asked for a token good for exactly scopes.

    Raises:
        PlatformError: it cannot be reached.
    """
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": (
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ),
        "client_assertion": _assertion(client, now),
        "scope": " ".join(scopes),
    }
    return ask(
        session,
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


class _TokenAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    access_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$", max_length=16_384)]
    token_type: Literal["bearer"] | None = None
    expires_in: float = DEFAULT_LIFE_SECONDS
    scope: str | None = None

    @field_validator("token_type", mode="before")
    @classmethod
    def _lower(cls, kind: object) -> object:
        return kind.lower() if isinstance(kind, str) else kind

    @field_validator("expires_in", mode="before")
    @classmethod
    def _seconds(cls, life: object) -> float:
        """How long it lives; what is no such number is a short while."""
        try:
            seconds = math.nan if isinstance(life, bool) else float(str(life))
        except ValueError:
            seconds = math.nan
        if not seconds > 0:
            return 5.0 * EARLY_SECONDS
        return min(seconds, LONGEST_LIFE_SECONDS)

    @field_validator("scope", mode="before")
    @classmethod
    def _words(cls, scope: object) -> object:
        return scope if isinstance(scope, str) and scope.strip() else None


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
    # A token of a minute or two is used for half its life, not asked for each time.
    life = max(read.expires_in - EARLY_SECONDS, read.expires_in / 2)
    scopes = None if read.scope is None else frozenset(read.scope.split())
    return _Grant(read.access_token, now + timedelta(seconds=life), scopes)


def _good_for(grant: _Grant, scopes: tuple[str, ...], client: Client) -> str:
    """The token, if it was granted for every one of scopes."""
    missing = sorted(set(scopes) - grant.scopes) if grant.scopes is not None else []
    if not missing:
        return grant.token
    host = urlsplit(client.token_url).hostname
    raise PlatformError(
        f"{host} grants our client {client.client_id} no access to {missing[0]}; "
        "switch that service on for the tool in the LMS",
        "forbidden",
    )


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


def widened(scopes: Iterable[str], profile: PlatformProfile) -> tuple[str, ...]:
    """The scopes to ask for, sorted: those wanted, and what the vendor wants beside."""
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
