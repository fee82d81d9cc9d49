"""A token examined without a launch: every check a launch makes, none of its effects.

What an administrator pastes is parsed, held against the registrations and their keys,
explained, and forgotten. The nonce cannot be checked: it belongs to a login.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from lti_tool.errors import LaunchError
from lti_tool.lti13 import times
from lti_tool.lti13.claims import parse_claims
from lti_tool.lti13.compact import Token, parse_token
from lti_tool.lti13.keys import KeyCache, verify_signature
from lti_tool.lti13.refusals import PLATFORM_ERRORS
from lti_tool.settings import Settings
from lti_tool.storage import registrations
from lti_tool.storage.database import Database, Session
from lti_tool.storage.refusals import Refusal
from lti_tool.storage.registrations import Registration
from lti_tool.work.admission import jwks_fetcher
from lti_tool.work.arrivals import check_target
from lti_tool.work.deep_linking import check_return
from lti_tool.work.doctor import Diagnosis, explained, facts_of, peek
from lti_tool.work.entry import refused_deployment
from lti_tool.work.lms import utc_now
from lti_tool.work.masking import masked_claims, masked_header

MAX_PASTE: Final = 256 * 1024
# Each is linear in what is pasted, whatever that is: an attacker may have written it.
_FIELD: Final = re.compile(
    r"""id_token["']?\s{0,20}(?:=|:|value=)\s{0,20}["']?([A-Za-z0-9_.\-%]+)"""
)
_INPUT: Final = re.compile(r"<input\b([^<>]*)", re.IGNORECASE)
_NAMED: Final = re.compile(r"""\bname=["']?id_token\b""", re.IGNORECASE)
_VALUE: Final = re.compile(r"""\bvalue=["']([^"']*)["']""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination found.

    Attributes:
        refusals: every check that failed, in the order a launch makes them: a launch
            is refused by the first.
        passed: the stages that were passed.
        shown: the token masked, as a refusal without a reference.
    """

    refusals: tuple[Diagnosis, ...]
    passed: tuple[str, ...]
    shown: Refusal
    platform: Registration | None


@dataclass(slots=True)
class _Case:
    """A token on its way through the checks."""

    text: str
    error: str
    settings: Settings
    now: datetime
    keys: KeyCache
    token: Token | None = None
    platform: Registration | None = None
    is_signed: bool = False
    kids: list[str] | None = None


def parse_paste(pasted: str) -> tuple[str, str]:
    """The id_token in what was pasted, and the error of the LMS if it sent one.

    Pasted may be the token itself, the body of the request, or the page's form.
    """
    text = pasted.strip()[:MAX_PASTE]
    held = _in_a_form(text) or _FIELD.search(text)
    if held:
        return unquote(html.unescape(held[1])), ""
    if "error=" in text and "." not in text.partition("error=")[0]:
        return "", parse_qs(text).get("error", [""])[0]
    return "".join(text.split()), ""


def _in_a_form(text: str) -> re.Match[str] | None:
    for tag in _INPUT.finditer(text):
        if _NAMED.search(tag[1]) and (held := _VALUE.search(tag[1])):
            return held
    return None


def examine(
    database: Database,
    settings: Settings,
    pasted: str,
    *,
    clock: Callable[[], datetime] = utc_now,
) -> Examined:
    """Check what was pasted as a launch would be; nothing is stored or used up."""
    text, error = parse_paste(pasted)
    case = _Case(text, error, settings, clock(), KeyCache(jwks_fetcher(settings)))
    failed: list[tuple[str, LaunchError]] = []
    passed: list[str] = []
    for stage, step in _STEPS:
        try:
            with database.read() as session:
                held = step(case, session)
            held()
        except LaunchError as refusal:
            failed.append((stage, refusal))
            if stage in _LAST:
                break
        else:
            passed.append(stage)
    with database.read() as session:
        shown = [_refusal(case, stage, refusal) for stage, refusal in failed]
        told = tuple(explained(session, one) for one in shown)
    plain = _refusal(case, "", LaunchError("E_FORMAT", ""))
    return Examined(told, tuple(passed), plain, case.platform)


Act = Callable[[], object]


def _nothing() -> None:
    """Nothing is left to do once the database is put down."""


def _answer(case: _Case, _session: Session) -> Act:
    if case.error:
        raise LaunchError(
            "E_PLATFORM_ERROR",
            PLATFORM_ERRORS.get(case.error, "the LMS refused, with a word of its own"),
        )
    return _nothing


def _format(case: _Case, _session: Session) -> Act:
    case.token = parse_token(case.text)
    return _nothing


def _registration(case: _Case, session: Session) -> Act:
    payload = _payload(case)
    issuer = payload.get("iss")
    is_text = isinstance(issuer, str) and "\x00" not in issuer
    held = registrations.find_of_issuer(session, str(issuer)) if is_text else []
    named = [one for one in held if one.client_id in set(_audiences(payload))]
    if not held:
        raise LaunchError("E_ISS", "no registration has this issuer and client id")
    case.platform = named[0] if named else held[0]
    times.check_audience(
        payload, issuer=case.platform.issuer, client_id=case.platform.client_id
    )
    if not case.platform.is_active:
        raise LaunchError("E_DISABLED", "this registration is switched off")
    return _nothing


def _key(case: _Case, _session: Session) -> Act:
    """Fetch the key and check the signature, the database put down meanwhile."""
    platform, token = case.platform, case.token

    def act() -> None:
        if platform is None or token is None:
            raise LaunchError("E_ISS", "no registration has this issuer and client id")
        try:
            if platform.jwks is None:
                key = case.keys.key(platform.id, platform.jwks_url, token.kid)
            else:
                key_set = json.dumps(platform.jwks)
                key = case.keys.given_key(platform.id, key_set, token.kid)
        finally:
            case.kids = case.keys.kids(platform.id, platform.jwks_url)
        verify_signature(token, key)
        case.is_signed = True

    return act


def _times(case: _Case, _session: Session) -> Act:
    times.check_times(_payload(case), case.now)
    return _nothing


def _message(case: _Case, session: Session) -> Act:
    claims = parse_claims(_payload(case))
    check_target(claims.target_link_uri, case.settings.public_url)
    if case.platform is not None:
        check_return(claims, case.platform, case.settings.local_hosts)
        found = registrations.find_deployment(
            session, case.platform.id, claims.deployment_id
        )
        if found is None or found[1] != "active":
            raise refused_deployment(found[1] if found else None)
    return _nothing


_STEPS: Final = (
    ("answer", _answer),
    ("format", _format),
    ("registration", _registration),
    ("signature", _key),
    ("times", _times),
    ("message", _message),
)
# Where one of these fails, what follows has nothing to look at.
_LAST: Final = frozenset({"answer", "format"})


def _payload(case: _Case) -> dict[str, Any]:
    return case.token.claims if case.token else {}


def _audiences(payload: dict[str, Any]) -> Iterator[str]:
    audience = payload.get("aud")
    for one in audience if isinstance(audience, list) else [audience]:
        if isinstance(one, str):
            yield one


def _refusal(case: _Case, stage: str, error: LaunchError) -> Refusal:
    header, claims = peek(case.text)
    expected: dict[str, Any] = {}
    if case.kids is not None:
        expected["kids"] = case.kids
    if claims is not None:
        expected["skew_seconds"] = times.clock_skew(claims, case.now)
    fields = {"error": case.error} if case.error else {}
    sent = claims.get("iss") if claims else None
    if isinstance(sent, str):
        fields["iss"] = sent
    return Refusal(
        correlation_id="",
        code=error.code,
        reason=error.reason,
        stage=stage,
        registration_id=case.platform.id if case.platform else None,
        iss_host=None,
        header=masked_header(header) if header is not None else None,
        claims=masked_claims(claims) if claims is not None else None,
        facts=facts_of(expected, case.platform, fields),
        is_signed=case.is_signed,
        refused_at=case.now,
    )
