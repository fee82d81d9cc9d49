"""When and for whom a token is good. Source: facts/security.md section 1.1."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from lti_tool.errors import LaunchError

LEEWAY_SECONDS: Final = 60
MAX_AGE_SECONDS: Final = 3600
MAX_LIFE_SECONDS: Final = 24 * 3600


def check_audience(payload: Mapping[str, Any], *, issuer: str, client_id: str) -> None:
    """Check iss, aud and azp against the registration the login was made for.

    Raises:
        LaunchError: E_ISS or E_AUD.
    """
    if payload.get("iss") != issuer:
        raise LaunchError("E_ISS", "the issuer is not the one the login was made for")
    audience = payload.get("aud")
    wanted = [audience] if isinstance(audience, str) else audience
    if not isinstance(wanted, list) or client_id not in wanted:
        raise LaunchError("E_AUD", "the launch is not addressed to our client id")
    if len(wanted) > 1 and "azp" not in payload:
        raise LaunchError("E_AUD", "several audiences and no authorized party")
    if payload.get("azp", client_id) != client_id:
        raise LaunchError("E_AUD", "the authorized party is not our client id")


def check_times(payload: Mapping[str, Any], now: datetime) -> None:
    """Check that the token was made lately and is still good.

    Raises:
        LaunchError: E_TIME.
    """
    at = now.timestamp()
    expires, issued = _number(payload, "exp"), _number(payload, "iat")
    if at > expires + LEEWAY_SECONDS:
        raise LaunchError("E_TIME", "the launch has expired")
    if issued > at + LEEWAY_SECONDS:
        raise LaunchError("E_TIME", "the launch was issued in our future")
    if issued < at - MAX_AGE_SECONDS - LEEWAY_SECONDS:
        raise LaunchError("E_TIME", "the launch was issued over an hour ago")
    if expires - issued > MAX_LIFE_SECONDS:
        raise LaunchError("E_TIME", "the launch would be good for over a day")
    if "nbf" in payload and _number(payload, "nbf") > at + LEEWAY_SECONDS:
        raise LaunchError("E_TIME", "the launch is not good yet")


def clock_skew(payload: Mapping[str, Any], now: datetime) -> float | None:
    """Seconds by which our clock is ahead of the platform's, None if it is unsaid."""
    issued = payload.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        return None
    if abs(issued) > _FAR:  # an integer may be too large to be reckoned with
        return None
    return max(-_YEAR_SECONDS, min(_YEAR_SECONDS, now.timestamp() - issued))


def check_nonce(payload: Mapping[str, Any], nonce_hash: str, hashed: str) -> None:
    """Check that hashed, the hash of the token's nonce, is the login's.

    Raises:
        LaunchError: E_NONCE.
    """
    if not isinstance(payload.get("nonce"), str):
        raise LaunchError("E_NONCE", "the launch carries no nonce")
    if not hmac.compare_digest(hashed, nonce_hash):
        raise LaunchError("E_NONCE", "the nonce is not the one of this login")


_YEAR_SECONDS = 365.0 * 24 * 3600
_FAR = 1e15


def _number(payload: Mapping[str, Any], name: str) -> float:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LaunchError("E_TIME", f"{name} is not a number")
    if abs(value) > _FAR:
        raise LaunchError("E_TIME", f"{name} is out of range")
    return float(value)
