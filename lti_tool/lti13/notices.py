"""Notices of the Platform Notification Service, checked like launches.

A notice is signed as an id_token is, with neither a person nor a nonce in it: nobody
is let in by one, and the same one told twice is heeded once. Source: Platform
Notification Service 1.0; facts/lti.md section 11.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from joserfc.jwk import RSAKey
from pydantic import (
    AliasGenerator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from lti_tool.errors import LaunchError
from lti_tool.lti13 import times
from lti_tool.lti13.claims import LTI, VERSION, Context, Identifier
from lti_tool.lti13.compact import Token, parse_object, parse_token
from lti_tool.lti13.keys import verify_signature
from lti_tool.lti13.wrapping import Platform

CONTEXT_COPY: Final = "LtiContextCopyNotice"
HELLO: Final = "LtiHelloWorldNotice"
# What we listen to, where a platform has it.
WANTED: Final = (CONTEXT_COPY, HELLO)
MAX_BODY: Final = 256 * 1024
MAX_NOTICES: Final = 100
MAX_AUDIENCES: Final = 10


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class _Notice(_Part):
    id: Identifier
    type: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class NoticeClaims(_Part):
    """A notice as its platform signed it."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=lambda name: LTI + name)
    )

    version: Literal["1.3.0"]
    deployment_id: Identifier
    notice: _Notice
    context: Context | None = None
    origin_contexts: list[Identifier] = Field(default_factory=list, max_length=1000)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a notice says it is from, and to whom it is addressed; not yet verified."""

    issuer: str
    audiences: tuple[str, ...]


def parse_delivery(body: bytes) -> list[str]:
    """The signed notices of a posted body.

    Raises:
        LaunchError: E_TOO_LARGE, or E_FORMAT where it is no list of notices.
    """
    if len(body) > MAX_BODY:
        raise LaunchError("E_TOO_LARGE", f"the body is over {MAX_BODY} bytes")
    notices = parse_object(body, "body").get("notices")
    if not isinstance(notices, list) or len(notices) > MAX_NOTICES:
        raise LaunchError(
            "E_FORMAT", f"the body has no list of at most {MAX_NOTICES} notices"
        )
    signed = [one.get("jwt") if isinstance(one, dict) else None for one in notices]
    if not all(isinstance(one, str) for one in signed):
        raise LaunchError("E_FORMAT", "a notice has no jwt")
    return [str(one) for one in signed]


def parse_notice(signed: str) -> tuple[Token, Sender]:
    """Take a notice apart, to find out whose registration it belongs to.

    Raises:
        LaunchError: E_TOO_LARGE, E_FORMAT, E_ALG, E_KID, E_ISS or E_AUD.
    """
    token = parse_token(signed)
    issuer, audience = token.claims.get("iss"), token.claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(issuer, str):
        raise LaunchError("E_ISS", "the notice names no issuer")
    if (
        not isinstance(named, list)
        or not 0 < len(named) <= MAX_AUDIENCES
        or not all(isinstance(one, str) for one in named)
    ):
        raise LaunchError("E_AUD", "the notice is addressed to nobody")
    return token, Sender(issuer, tuple(named))


def verify_notice(
    token: Token,
    platform: Platform,
    *,
    find_key: Callable[[Platform, str], RSAKey],
    now: datetime,
) -> NoticeClaims:
    """Check a notice of a platform: audience, key, signature, times, claims.

    Raises:
        LaunchError: with the code of the first check that failed.
    """
    payload: dict[str, Any] = token.claims
    times.check_audience(payload, issuer=platform.issuer, client_id=platform.client_id)
    verify_signature(token, find_key(platform, token.kid))
    times.check_times(payload, now)
    if payload.get(LTI + "version") != VERSION:
        raise LaunchError("E_VERSION", f"the notice is not LTI {VERSION}")
    try:
        return NoticeClaims.model_validate(
            {name: value for name, value in payload.items() if value is not None}
        )
    except ValidationError as error:
        names = sorted({str(fault["loc"][0]) for fault in error.errors()})
        raise LaunchError("E_CLAIM", f"malformed: {', '.join(names)}") from None
