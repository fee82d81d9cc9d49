"""The launch doctor: what was refused is kept, masked; and why, is told in words.

Nothing here changes an answer: a refusal is kept after it was decided, without waiting
for anybody, and a flood is counted by its log lines and not by rows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import LaunchError, NotFoundError
from lti_tool.logs import log
from lti_tool.lti13.compact import MAX_TOKEN, decode_base64url, parse_object
from lti_tool.lti13.refusals import Rule, rule_of
from lti_tool.lti13.wrapping import Trace
from lti_tool.platforms.profiles import profile
from lti_tool.storage import refusals, registrations
from lti_tool.storage.database import Database, Session
from lti_tool.storage.refusals import Refusal
from lti_tool.storage.registrations import Registration
from lti_tool.work.comparing import Comparison, compared
from lti_tool.work.lms import utc_now
from lti_tool.work.masking import (
    address,
    identifier,
    masked_claims,
    masked_fields,
    masked_header,
)

# Rows a process writes: a few at once, then so many a second. What a platform signed
# has a measure of its own, which no flood of anybody's uses up.
BURST: Final = 30
PER_SECOND: Final = 3.0
MAX_KIDS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refusal as it was decided: the error, how far it came, what was sent."""

    error: LaunchError
    trace: Trace
    correlation_id: str
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A refusal explained.

    Attributes:
        platform: the registration it concerns, None if none does.
        comparisons: what was expected and what was found.
        menu: where the LMS has the setting of rule.there, as its menus are worded.
        waiting: the deployment that one click would approve, None if there is none.
        namesakes: registrations that the sender may have meant.
    """

    refusal: Refusal
    rule: Rule
    platform: Registration | None
    comparisons: tuple[Comparison, ...]
    menu: str
    waiting: str | None
    namesakes: tuple[Registration, ...] = ()


class Recorder:
    """Keeps refusals. Make one a process and share it between threads."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._signed = _Measure(monotonic)
        self._unsigned = _Measure(monotonic)

    def record(self, refused: Refused) -> bool:
        """Keep a refusal, unless there are too many or the database is busy.

        Tells whether it was kept. It was logged already, and its answer is decided.
        """
        measure = self._signed if refused.trace.is_signed else self._unsigned
        if not measure.has_room():
            return False
        now = self._clock()
        is_kept = self._database.try_write(
            lambda session: refusals.put_refusal(session, _row(session, refused, now))
        )
        if not is_kept:
            log().warning("refusal not kept", correlation_id=refused.correlation_id)
        return is_kept


class _Measure:
    """How many rows may be written: a burst, and then a steady few."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._now = monotonic
        self._lock = threading.Lock()
        self._left = float(BURST)
        self._at = monotonic()

    def has_room(self) -> bool:
        """Take one, if there is one."""
        with self._lock:
            now = self._now()
            self._left = min(BURST, self._left + (now - self._at) * PER_SECOND)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


def diagnose(session: Session, correlation_id: str) -> Diagnosis:
    """Explain the refusal of this reference.

    Raises:
        NotFoundError: there is none, or it is kept no longer.
    """
    found = refusals.find_refusal(session, correlation_id)
    if found is None:
        raise NotFoundError(
            f"no refusal has the reference {correlation_id[:32]}; they are kept for 90 "
            "days, and of a flood only the newest"
        )
    return explained(session, found)


def explained(session: Session, refusal: Refusal) -> Diagnosis:
    """Explain a refusal, kept or not."""
    rule = rule_of(refusal.code, refusal.reason)
    platform = _platform(session, refusal.registration_id)
    menus = profile(platform.vendor).menus if platform else {}
    return Diagnosis(
        refusal=refusal,
        rule=rule,
        platform=platform,
        comparisons=compared(rule, refusal),
        menu=menus.get(rule.topic, ""),
        waiting=_waiting(session, refusal, rule),
        namesakes=_namesakes(session, refusal, rule),
    )


def peek(token: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The header and claims of what may be a token, each None if it cannot be read."""
    if len(token) > MAX_TOKEN:
        return None, None
    parts = token.split(".")
    return _part(parts, 0), _part(parts, 1)


def _part(parts: list[str], place: int) -> dict[str, Any] | None:
    try:
        return parse_object(decode_base64url(parts[place]), "part")
    except (LaunchError, ValueError, IndexError):
        return None


def _row(session: Session, refused: Refused, now: datetime) -> Refusal:
    trace = refused.trace
    header, claims = peek(refused.fields.get("id_token", ""))
    platform = _platform(session, trace.registration_id)
    return Refusal(
        correlation_id=refused.correlation_id,
        code=refused.error.code,
        reason=refused.error.reason,
        stage=trace.stage,
        registration_id=platform.id if platform else None,
        iss_host=trace.iss_host[:255] if trace.iss_host else None,
        header=masked_header(header) if header is not None else None,
        claims=masked_claims(claims) if claims is not None else None,
        facts=facts_of(trace.expected, platform, refused.fields),
        is_signed=trace.is_signed,
        refused_at=now,
    )


def facts_of(
    expected: Mapping[str, Any],
    platform: Registration | None,
    fields: Mapping[str, str],
) -> dict[str, Any]:
    """What was expected of a launch, and what its request brought, masked."""
    told: dict[str, Any] = {"fields": masked_fields(fields)}
    if platform is not None:
        told |= {"issuer": platform.issuer, "client_id": platform.client_id}
    if expected.get("target_link_uri"):
        told["target_link_uri"] = address(expected["target_link_uri"])
    if expected.get("deployment_id"):
        told["deployment_id"] = identifier(expected["deployment_id"])
    if "kids" in expected:
        told["kids"] = [identifier(kid) for kid in expected["kids"][:MAX_KIDS]]
    if expected.get("skew_seconds") is not None:
        told["skew_seconds"] = round(float(expected["skew_seconds"]))
    return told


def _platform(session: Session, registration_id: int | None) -> Registration | None:
    if registration_id is None:
        return None
    try:
        return registrations.load_registration(session, registration_id)
    except NotFoundError:
        return None


def _waiting(session: Session, refusal: Refusal, rule: Rule) -> str | None:
    """The deployment an administrator may approve: named by the platform itself."""
    is_about_it = rule.id in {"deployment-approved", "deployment-on"}
    if not is_about_it or not refusal.is_signed or refusal.registration_id is None:
        return None
    named = (refusal.claims or {}).get(
        "https://purl.imsglobal.org/spec/lti/claim/deployment_id"
    )
    if not isinstance(named, str):
        return None
    found = registrations.find_deployment(session, refusal.registration_id, named)
    return named if found is not None and found[1] != "active" else None


def _namesakes(
    session: Session, refusal: Refusal, rule: Rule
) -> tuple[Registration, ...]:
    """Registrations whose issuer differs from the one sent by case or slash at most."""
    sent = ((refusal.facts or {}).get("fields") or {}).get("iss")
    if rule.id not in {"registered", "client-named"} or not isinstance(sent, str):
        return ()
    wanted = sent.rstrip("/").lower()
    return tuple(
        one
        for one in registrations.load_registrations(session)
        if one.issuer.rstrip("/").lower() == wanted
    )
