"""The Platform Notification Service: telling platforms where we listen, and listening.

A notice is a hint. It lets nobody in, and a platform does not repeat one that got
lost: what it tells is found out at the next launch as well. Source: facts/lti.md
section 11.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from joserfc.jwk import RSAKey

from lti_tool.errors import BridgeError, LaunchError
from lti_tool.logs import log
from lti_tool.lti13.keys import KeyCache
from lti_tool.lti13.notices import (
    CONTEXT_COPY,
    WANTED,
    NoticeClaims,
    Sender,
    parse_delivery,
    parse_notice,
    verify_notice,
)
from lti_tool.lti13.wrapping import Platform
from lti_tool.settings import Settings
from lti_tool.storage import copies as stored
from lti_tool.storage import notices, registrations
from lti_tool.storage.database import Database, Session
from lti_tool.storage.notices import Listening
from lti_tool.storage.registrations import Registration
from lti_tool.work import copies
from lti_tool.work.admission import platform_of
from lti_tool.work.arrivals import Arrival, RateLimit, check_transport
from lti_tool.work.copies import NewPlace

HANDLER_PATH: Final = "/lti/notices"
# A platform that could not be told is tried again so much later.
AGAIN: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=400)
ACCEPTED, KNOWN = "accepted", "known"


class Subscriptions(Protocol):
    """Whoever can tell a platform which address takes its notices."""

    def put(self, notice_type: str, handler: str) -> None:
        """Name the address, or raise PlatformError."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one notice: accepted, known already, or the code of a refusal."""

    outcome: str
    status: int


def subscribe_due(
    database: Database,
    open_service: Callable[[Listening], Subscriptions],
    handler: str,
    *,
    now: datetime,
) -> int:
    """Tell each platform that does not know it yet where we listen.

    Returns the number of subscriptions made. Once a deployment, and again when our
    address or what it offers has changed; may be run again.
    """
    with database.read() as session:
        listening = notices.load_listening(session, tried_before=now - AGAIN)
    return sum(
        _subscribe(database, open_service, one, handler, now)
        for one in listening
        if _missing(one, handler)
    )


def _missing(one: Listening, handler: str) -> list[str]:
    return [
        kind for kind in WANTED if kind in one.offered and one.told.get(kind) != handler
    ]


def _subscribe(
    database: Database,
    open_service: Callable[[Listening], Subscriptions],
    one: Listening,
    handler: str,
    now: datetime,
) -> int:
    told = dict(one.told)
    made = 0
    try:
        service = open_service(one)
        for kind in _missing(one, handler):
            service.put(kind, handler)
            told[kind] = handler
            made += 1
    except BridgeError as error:
        log().warning(
            "notices not subscribed", deployment=one.deployment_id,
            code=getattr(error, "code", type(error).__name__),
        )  # fmt: skip
    with database.write() as session:
        notices.save_told(session, one, told, now=now)
    return made


class Listener:
    """Takes notices in. Make one a process and share it between threads."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        keys: KeyCache,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Listen at settings.public_url, with the keys launches are verified by."""
        self._database = database
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._rate = RateLimit(monotonic)

    def hear(self, arrival: Arrival, body: bytes) -> list[Verdict]:
        """Verify each notice of a posted body by itself, and heed what is new.

        Raises:
            LaunchError: E_HTTPS, E_RATE, E_TOO_LARGE or E_FORMAT: none was read.
        """
        check_transport(arrival, self._settings)
        self._rate.check(arrival.remote_address)
        return [self._verdict(signed) for signed in parse_delivery(body)]

    def _verdict(self, signed: str) -> Verdict:
        try:
            return Verdict(self._heed(signed), 200)
        except LaunchError as error:
            log().warning("notice.refused", code=error.code, reason=error.reason)
            return Verdict(error.code, error.status)

    def _heed(self, signed: str) -> str:
        now = self._clock()
        token, sender = parse_notice(signed)
        registration = self._registration(sender)
        claims = verify_notice(
            token, platform_of(registration), find_key=self._find_key, now=now
        )
        with self._database.write() as session:
            deployment = registrations.find_deployment(
                session, registration.id, claims.deployment_id
            )
            if deployment is None or deployment[1] != "active":
                raise LaunchError("E_DEPLOYMENT", "no active deployment of this id")
            is_new = notices.put_notice(
                session,
                registration.id,
                claims.notice.id,
                kind=claims.notice.type,
                body=_body(claims, deployment[0]),
                now=now,
            )
            if is_new:
                _follow(session, claims, deployment[0], now)
        outcome = ACCEPTED if is_new else KNOWN
        log().info(
            "notice heard", registration_id=registration.id, kind=claims.notice.type,
            outcome=outcome,
        )  # fmt: skip
        return outcome

    def _registration(self, sender: Sender) -> Registration:
        with self._database.read() as session:
            found = [
                one
                for audience in dict.fromkeys(sender.audiences)
                if (
                    one := registrations.find_registration(
                        session, sender.issuer, audience
                    )
                )
            ]
        if len(found) != 1:
            raise LaunchError("E_ISS", "no registration has this issuer and client id")
        if not found[0].is_active:
            raise LaunchError("E_DISABLED", "this registration is switched off")
        return found[0]

    def _find_key(self, platform: Platform, kid: str) -> RSAKey:
        at = platform.registration_id
        if platform.key_set is not None:
            return self._keys.given_key(at, platform.key_set, kid)
        return self._keys.key(at, platform.jwks_url, kid)


def _body(claims: NoticeClaims, deployment_id: int) -> dict[str, Any] | None:
    """What is kept of a notice: of a copy, what was copied from what."""
    if claims.notice.type != CONTEXT_COPY or claims.context is None:
        return None
    return {
        "deployment_id": deployment_id,
        "context_id": claims.context.id,
        "origins": claims.origin_contexts,
    }


def _follow(
    session: Session, claims: NoticeClaims, deployment_id: int, now: datetime
) -> None:
    """Bring a copy along whose first launch came before its notice.

    One that was not launched yet is brought along at its first launch. A course that
    has got a plan meanwhile keeps it.
    """
    if claims.notice.type != CONTEXT_COPY or claims.context is None:
        return
    place = notices.find_uncopied(session, deployment_id, claims.context.id)
    if place is None or stored.has_plan(session, place["course_id"]):
        return
    copies.arrive(
        session,
        NewPlace(place["id"], deployment_id, place["course_id"]),
        claims.origin_contexts,
        now=now,
    )
