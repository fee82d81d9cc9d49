"""Lets launches in: a login is answered, a launch verified, who and where remembered.

Nothing is written on behalf of a token that was not verified, and no network call
happens inside a transaction. Source: facts/security.md sections 1 and 2.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from lti_tool.errors import LaunchError, PlatformError
from lti_tool.logs import log
from lti_tool.lti13.claims import Claims
from lti_tool.lti13.keys import KeyCache
from lti_tool.lti13.messages import Login, Message
from lti_tool.lti13.wrapping import Expected, Parameters, Platform, ToolConf, Trace
from lti_tool.platforms.http import KEYS_LIMIT, KEYS_TIMES, Ask, GuardedSession, ask
from lti_tool.settings import Settings
from lti_tool.storage import keys, logins, registrations
from lti_tool.storage.database import Database
from lti_tool.storage.logins import LoginState
from lti_tool.storage.registrations import Registration
from lti_tool.storage.visits import secret_hash
from lti_tool.work.arrivals import (
    Arrival,
    RateLimit,
    check_fields,
    check_target,
    check_transport,
)
from lti_tool.work.deep_linking import check_return
from lti_tool.work.entry import Launch, Verified, enter, shown_by
from lti_tool.work.lms import utc_now
from lti_tool.work.origins import frame_origins

LAUNCH_PATH: Final = "/lti/launch"
JWKS_OK: Final = 200
# What platforms say when they refuse a login; their own texts are not shown.
_PLATFORM_ERRORS: Final = {
    "login_required": "the LMS says that nobody is signed in there",
    "access_denied": "the LMS does not let this person open the tool",
    "unauthorized_client": "the LMS does not know our client id",
    "invalid_request": "the LMS does not accept our request",
    "launch_no_longer_valid": "the LMS says that the launch took too long",
}


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a login sends the browser, and the secret the browser keeps."""

    url: str
    browser: str = field(repr=False)


class Admission:
    """The door. Make one a process and share it between threads."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utc_now,
        fetch_jwks: Callable[[str], bytes] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the door of settings.public_url; fetch_jwks brings platforms' keys."""
        self._database = database
        self._settings = settings
        self._clock = clock
        self._keys = KeyCache(fetch_jwks or jwks_fetcher(settings), monotonic=monotonic)
        self._rate = RateLimit(monotonic)

    @property
    def launch_url(self) -> str:
        """The one address platforms send launches to."""
        return self._settings.public_url.rstrip("/") + LAUNCH_PATH

    def jwks(self) -> dict[str, Any]:
        """Our public keys; the first are made when first asked for."""
        secret_key = self._settings.load_secret_key()
        with self._database.read() as session:
            found = keys.load_public(session, secret_key)
        if not found:
            with self._database.write() as session:
                keys.ensure(session, secret_key, now=self._clock())
                found = keys.load_public(session, secret_key)
        return {"keys": found}

    def login(self, arrival: Arrival, trace: Trace) -> Departure:
        """Answer a login initiation: remember it and send the browser to be signed in.

        Raises:
            LaunchError: E_HTTPS, E_RATE, E_REQ, E_ISS, E_DISABLED or E_TARGET.
        """
        trace.stage = "login"
        check_transport(arrival, self._settings)
        self._rate.check(arrival.remote_address)
        check_fields(arrival)
        trace.iss_host = _host(arrival.fields.get("iss", ""))

        def find(issuer: str, client_id: str) -> Platform:
            return _platform(self._find_registration(issuer, client_id, trace))

        fields = arrival.fields
        login = Login(Parameters(fields), ToolConf(find))
        url = login.address(self.launch_url)
        trace.stage = "target"
        check_target(fields["target_link_uri"], self._settings.public_url)
        browser = arrival.browser or secrets.token_urlsafe(32)
        deployment_id = fields.get("lti_deployment_id") or fields.get("deployment_id")
        with self._database.write() as session:
            logins.save_login(
                session,
                LoginState(
                    state_hash=secret_hash(login.state),
                    nonce_hash=secret_hash(login.nonce),
                    binding_hash=secret_hash(browser),
                    registration_id=trace.registration_id or 0,
                    lti_deployment_id=(deployment_id or "")[:255] or None,
                    target_link_uri=fields["target_link_uri"],
                    remote_address=arrival.remote_address[:64] or None,
                ),
                now=self._clock(),
            )
        return Departure(url, browser)

    def launch(self, arrival: Arrival, trace: Trace) -> Launch:
        """Verify a launch, remember who came from where, and open a visit.

        Raises:
            LaunchError: with the code of the first check that failed.
        """
        trace.stage = "state"
        check_transport(arrival, self._settings)
        check_fields(arrival)
        state = secret_hash(arrival.fields.get("state", ""))
        verified = self._verify(arrival, state, trace)
        trace.stage = "entry"
        with self._database.write() as session:
            if not logins.consume_login(session, state):
                raise LaunchError("E_REPLAY", "this login was used already")
            if verified.skew_seconds is not None:
                registrations.note_skew(
                    session, verified.registration, verified.skew_seconds
                )
            outcome = enter(
                session,
                verified,
                browser_hash=secret_hash(arrival.browser),
                now=self._clock(),
            )
        if isinstance(outcome, LaunchError):
            raise outcome
        return outcome

    def _find_registration(
        self, issuer: str, client_id: str, trace: Trace
    ) -> Registration:
        with self._database.read() as session:
            if client_id:
                one = registrations.find_registration(session, issuer, client_id)
                found = [one] if one else []
            else:
                held = registrations.find_of_issuer(session, issuer)
                found = [one for one in held if one.is_active]
        if not found:
            raise LaunchError("E_ISS", "no registration has this issuer and client id")
        if len(found) > 1:
            raise LaunchError("E_ISS", "ambiguous: the login must name a client id")
        return _traced(found[0], trace)

    def _verify(self, arrival: Arrival, state: str, trace: Trace) -> Verified:
        now = self._clock()
        with self._database.read() as session:
            login = logins.find_login(session, state, now=now)
            registration = (
                registrations.load_registration(session, login.registration_id)
                if login
                else None
            )
        if login is None or registration is None:
            raise LaunchError("E_STATE", "no login is waiting for this launch")
        trace.registration_id = registration.id
        trace.frame_origins = frame_origins(shown_by(registration))
        trace.iss_host = _host(registration.issuer)
        if not hmac.compare_digest(secret_hash(arrival.browser), login.binding_hash):
            raise LaunchError("E_STATE", "the login was made in another browser")
        _traced(registration, trace)
        self._check_answer(arrival, state, trace)
        message = Message(
            Parameters(arrival.fields),
            ToolConf(lambda _issuer, _client_id: _platform(registration)),
            _expected(registration, login),
            keys=self._keys,
            now=now,
            hash_secret=secret_hash,
        )
        try:
            claims = _read(message, trace)
            trace.stage = "target"
            check_target(claims.target_link_uri, self._settings.public_url)
            check_return(claims, registration, self._settings.local_hosts)
        except LaunchError:
            if message.is_signed:
                self._spend(state, registration, message.skew_seconds)
            raise
        return Verified(claims, registration, message.skew_seconds)

    def _check_answer(self, arrival: Arrival, state: str, trace: Trace) -> None:
        """Check that the platform sent a token and not an error."""
        trace.stage = "answer"
        error = arrival.fields.get("error")
        if error:
            with self._database.write() as session:
                logins.consume_login(session, state)
            raise LaunchError(
                "E_PLATFORM_ERROR",
                _PLATFORM_ERRORS.get(error, "the LMS refused, with a word of its own"),
            )
        if not arrival.fields.get("id_token"):
            raise LaunchError("E_REQ", "the launch carries no id_token")

    def _spend(
        self, state: str, registration: Registration, skew: float | None
    ) -> None:
        """Use up the login of a signed launch that was refused all the same."""
        with self._database.write() as session:
            logins.consume_login(session, state)
            if skew is not None:
                registrations.note_skew(session, registration, skew)


def jwks_fetcher(settings: Settings) -> Callable[[str], bytes]:
    """What fetches a key set over the network, within the limits set for it."""
    session = GuardedSession(settings.local_hosts)

    def fetch(url: str) -> bytes:
        answer = ask(session, Ask("GET", url, limit=KEYS_LIMIT, times=KEYS_TIMES))
        if answer.status != JWKS_OK:
            raise PlatformError(f"the key set answers {answer.status}", "keys_status")
        return answer.body

    return fetch


def _read(message: Message, trace: Trace) -> Claims:
    try:
        return message.claims(trace)
    except LaunchError:
        raise
    except Exception as error:
        log().exception("launch verification failed", stage=trace.stage)
        raise LaunchError("E_FORMAT", "the token cannot be read") from error


def _traced(registration: Registration, trace: Trace) -> Registration:
    trace.registration_id = registration.id
    trace.iss_host = _host(registration.issuer)
    trace.frame_origins = frame_origins(shown_by(registration))
    if not registration.is_active:
        raise LaunchError("E_DISABLED", "this registration is switched off")
    return registration


def _platform(registration: Registration) -> Platform:
    return Platform(
        registration_id=registration.id,
        issuer=registration.issuer,
        client_id=registration.client_id,
        auth_url=registration.auth_url,
        token_url=registration.token_url,
        jwks_url=registration.jwks_url,
    )


def _expected(registration: Registration, login: LoginState) -> Expected:
    return Expected(
        platform=_platform(registration),
        nonce_hash=login.nonce_hash,
        target_link_uri=login.target_link_uri,
        lti_deployment_id=login.lti_deployment_id,
    )


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
