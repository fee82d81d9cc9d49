"""Lets launches in: a login is answered, a launch verified, who and where remembered.

Nothing is written on behalf of a token that was not verified, and no network call
happens inside a transaction. Source: facts/security.md sections 1 and 2.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from lti_tool.errors import LaunchError, PlatformError, UnprovenError
from lti_tool.logs import log
from lti_tool.lti13.claims import Claims
from lti_tool.lti13.keys import KeyCache
from lti_tool.lti13.messages import Login, Message
from lti_tool.lti13.refusals import PLATFORM_ERRORS
from lti_tool.lti13.wrapping import Expected, Parameters, Platform, ToolConf, Trace
from lti_tool.platforms.http import KEYS_LIMIT, KEYS_TIMES, Ask, GuardedSession, ask
from lti_tool.settings import Settings
from lti_tool.storage import checks, keys, logins, registrations
from lti_tool.storage.database import Database, Session
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
from lti_tool.work.bindings import (
    Departure,
    held_secret,
    is_proven,
    offered_storage,
)
from lti_tool.work.deep_linking import check_return
from lti_tool.work.entry import Launch, Verified, enter, shown_by
from lti_tool.work.lms import utc_now
from lti_tool.work.origins import frame_origins, origin

LAUNCH_PATH: Final = "/lti/launch"
JWKS_OK: Final = 200


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A login that waits for its launch."""

    state_hash: str
    login: LoginState
    registration: Registration


@dataclass(frozen=True, slots=True)
class Checked:
    """A verified launch whose login waits to be used up.

    held is the secret of the browser's cookie; None if the LMS's storage proved it.
    """

    verified: Verified
    state_hash: str
    held: str | None = field(repr=False)


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

    @property
    def key_cache(self) -> KeyCache:
        """The platforms' keys, for whatever else they sign."""
        return self._keys

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

        found: list[Registration] = []

        def find(issuer: str, client_id: str) -> Platform:
            found.append(self._find_registration(issuer, client_id, trace))
            return platform_of(found[-1])

        fields = arrival.fields
        login = Login(Parameters(fields), ToolConf(find))
        url = login.address(self.launch_url)
        trace.stage = "target"
        check_target(fields["target_link_uri"], self._settings.public_url)
        browser = arrival.browser or secrets.token_urlsafe(32)
        is_settled = bool(arrival.browser) or not arrival.is_embedded
        storage = None if is_settled else offered_storage(fields)
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
                    storage_target=storage.target if storage else None,
                    storage_hash=secret_hash(storage.secret) if storage else None,
                ),
                now=self._clock(),
            )
        return Departure(
            url=url,
            browser=browser,
            state=login.state,
            origin=origin(url),
            storage=storage,
            is_settled=is_settled,
            name=found[-1].name,
        )

    def launch(self, arrival: Arrival, trace: Trace) -> Launch:
        """Verify a launch, remember who came from where, and open a visit.

        Where the browser gave back no cookie, the visit is bound to a new key, which
        the page has to hold.

        Raises:
            UnprovenError: all is well, but the LMS's storage has to be asked first;
                nothing was used up or written.
            LaunchError: with the code of the first check that failed.
        """
        checked = self.verify(arrival, trace)
        bound_to = checked.held or secrets.token_urlsafe(32)
        trace.stage = "entry"
        with self._database.write() as session:
            self.consume(session, checked)
            outcome = enter(
                session,
                checked.verified,
                browser_hash=secret_hash(bound_to),
                now=self._clock(),
            )
            if not isinstance(outcome, LaunchError):
                checks.note_launch(
                    session, checked.verified.registration, now=self._clock()
                )
        if isinstance(outcome, LaunchError):
            raise outcome
        return replace(outcome, browser=bound_to, is_keyed=checked.held is None)

    def verify(self, arrival: Arrival, trace: Trace) -> Checked:
        """Verify a launch; its login still waits to be used up, see consume.

        Raises:
            UnprovenError, LaunchError: as launch does.
        """
        trace.stage = "state"
        check_transport(arrival, self._settings)
        check_fields(arrival)
        waiting = self._waiting(arrival, trace)
        held = held_secret(arrival, waiting.login)
        is_keyed = held is None and is_proven(arrival, waiting.login)
        is_bound = held is not None or is_keyed
        if not is_bound and (arrival.proof or not waiting.login.storage_hash):
            raise LaunchError("E_STATE", "the login was made in another browser")
        verified = self._verify(arrival, waiting, trace, spends=is_bound)
        if not is_bound:
            raise UnprovenError(
                origin(waiting.registration.auth_url),
                waiting.login.storage_target or "",
            )
        return Checked(verified, waiting.state_hash, held)

    def consume(self, session: Session, checked: Checked) -> None:
        """Use the login of a verified launch up.

        Raises:
            LaunchError: E_REPLAY, another launch used it.
        """
        if not logins.consume_login(session, checked.state_hash):
            raise LaunchError("E_REPLAY", "this login was used already")
        verified = checked.verified
        if verified.skew_seconds is not None:
            registrations.note_skew(
                session, verified.registration, verified.skew_seconds
            )

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
        return _traced(found[0], trace, self._clock())

    def _waiting(self, arrival: Arrival, trace: Trace) -> _Waiting:
        """The login this launch answers."""
        state = secret_hash(arrival.fields.get("state", ""))
        found = logins.find_login(self._database.ask(), state, now=self._clock())
        if found is None:
            raise LaunchError("E_STATE", "no login is waiting for this launch")
        login, registration = found
        trace.registration_id = registration.id
        trace.frame_origins = frame_origins(shown_by(registration))
        trace.iss_host = _host(registration.issuer)
        trace.expected["target_link_uri"] = login.target_link_uri
        trace.expected["deployment_id"] = login.lti_deployment_id
        return _Waiting(state, login, registration)

    def _verify(
        self, arrival: Arrival, waiting: _Waiting, trace: Trace, *, spends: bool
    ) -> Verified:
        """Verify a launch; one that is signed and refused uses its login up if spends.

        A browser that has not shown whose it is must use up nobody's login.
        """
        now = self._clock()
        registration = _traced(waiting.registration, trace, now)
        state = waiting.state_hash if spends else None
        self._check_answer(arrival, state, trace)
        message = Message(
            Parameters(arrival.fields),
            ToolConf(lambda _issuer, _client_id: platform_of(registration)),
            _expected(registration, waiting.login),
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
            if message.is_signed and state:
                self._spend(state, registration, message.skew_seconds)
            raise
        if message.has_other_target:
            log().warning("launch target differs", registration_id=registration.id)
        return Verified(
            claims, registration, message.skew_seconds, message.has_other_target
        )

    def _check_answer(self, arrival: Arrival, state: str | None, trace: Trace) -> None:
        """Check that the platform sent a token and not an error, which ends state."""
        trace.stage = "answer"
        error = arrival.fields.get("error")
        if error and state:
            with self._database.write() as session:
                logins.consume_login(session, state)
        if error:
            raise LaunchError(
                "E_PLATFORM_ERROR",
                PLATFORM_ERRORS.get(error, "the LMS refused, with a word of its own"),
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


def _traced(registration: Registration, trace: Trace, now: datetime) -> Registration:
    trace.registration_id = registration.id
    trace.iss_host = _host(registration.issuer)
    trace.frame_origins = frame_origins(shown_by(registration))
    if registration.status == "pending":
        raise LaunchError(
            "E_DISABLED",
            "this registration waits for approval; an administrator can approve it",
        )
    if not registration.is_active:
        raise LaunchError("E_DISABLED", "this registration is switched off")
    if registration.has_expired(now):
        raise LaunchError("E_DISABLED", "this trial registration has run out")
    return registration


def platform_of(registration: Registration) -> Platform:
    """What the checks of a token need to know of a registration."""
    return Platform(
        registration_id=registration.id,
        issuer=registration.issuer,
        client_id=registration.client_id,
        auth_url=registration.auth_url,
        token_url=registration.token_url,
        jwks_url=registration.jwks_url,
        key_set=json.dumps(registration.jwks)
        if registration.jwks is not None
        else None,
    )


def _expected(registration: Registration, login: LoginState) -> Expected:
    return Expected(
        platform=platform_of(registration),
        nonce_hash=login.nonce_hash,
        target_link_uri=login.target_link_uri,
        lti_deployment_id=login.lti_deployment_id,
        lets_other_target=registration.lets_other_target,
    )


@lru_cache(maxsize=256)
def _host(url: str) -> str | None:
    """The host of an address; every launch asks for that of its issuer, thrice."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
