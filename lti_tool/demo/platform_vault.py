"""What the pretend LMS trusts: access tokens it issued, messages tools signed."""

from __future__ import annotations

import json
import secrets
import threading
from datetime import datetime, timedelta
from typing import Any, Final

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from lti_tool.demo.platform_records import Access, Tool

TOKEN_LIFE: Final = timedelta(hours=1)
SKEW: Final = timedelta(seconds=60)
LONGEST_LIFE: Final = timedelta(hours=1)
KEYS_LIMIT: Final = 262_144


class UntrustedError(Exception):
    """Something a tool signed is not to be trusted; the text says why."""


class Vault:
    """Access tokens, key sets of tools, and what was seen once already."""

    def __init__(self) -> None:
        """Begin with nothing issued and nothing seen."""
        self._lock = threading.Lock()
        self._tokens: dict[str, Access] = {}
        self._seen: dict[tuple[str, str], datetime] = {}
        self._keys: dict[str, KeySet] = {}

    def issue(self, tool: Tool, scopes: tuple[str, ...], now: datetime) -> str:
        """Make an access token good for an hour."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            for old in [t for t, had in self._tokens.items() if had.expires_at <= now]:
                del self._tokens[old]
            self._tokens[token] = Access(tool.client_id, scopes, now + TOKEN_LIFE)
        return token

    def access(self, token: str, now: datetime) -> Access | None:
        """What a token may do; None if unknown or expired."""
        access = self._tokens.get(token)
        return access if access and access.expires_at > now else None

    def revoke(self) -> None:
        """Make every access token worthless, as an administrator may."""
        with self._lock:
            self._tokens.clear()

    def is_first(self, kind: str, mark: str, until: datetime, now: datetime) -> bool:
        """Tell whether a one-time mark is seen for the first time."""
        with self._lock:
            for old in [key for key, end in self._seen.items() if end < now]:
                del self._seen[old]
            if (kind, mark) in self._seen:
                return False
            self._seen[kind, mark] = until
            return True

    def opened(self, tool: Tool, signed: str) -> dict[str, Any]:
        """The claims of a JWT the tool signed, its keys read anew on a miss.

        Raises:
            UntrustedError: unreadable, no kid, or no key of the tool made it.
        """
        keys = self._keys.get(tool.jwks_url)
        if keys is not None:
            try:
                return _decoded(signed, keys)
            except UntrustedError:
                # The tool may have changed its keys.
                pass
        keys = fetch_keys(tool.jwks_url)
        claims = _decoded(signed, keys)
        with self._lock:
            self._keys[tool.jwks_url] = keys
        return claims


def fetch_keys(jwks_url: str) -> KeySet:
    """Fetch a tool's key set.

    Raises:
        UntrustedError: no answer, or an answer that is no key set.
    """
    try:
        found = requests.get(jwks_url, timeout=5, allow_redirects=False, stream=True)
        with found:
            found.raise_for_status()
            found.raw.decode_content = True
            raw = found.raw.read(KEYS_LIMIT)
        return KeySet.import_key_set(json.loads(raw))
    except (requests.RequestException, JoseError, ValueError, KeyError) as error:
        raise UntrustedError("the tool's key set cannot be read") from error


def require_times(claims: dict[str, Any], now: datetime) -> datetime:
    """When a signed message ends; it must be alive and not from the future.

    Raises:
        UntrustedError: exp or iat is missing, no number, or out of range.
    """
    exp, iat = (_moment(claims, name) for name in ("exp", "iat"))
    present = now.timestamp()
    if exp <= present - SKEW.total_seconds():
        raise UntrustedError("exp has passed")
    if iat > present + SKEW.total_seconds():
        raise UntrustedError("iat lies in the future")
    if exp - iat > LONGEST_LIFE.total_seconds() or exp <= iat:
        raise UntrustedError("exp must be after iat, by an hour at most")
    return datetime.fromtimestamp(exp, now.tzinfo) + SKEW


def require_audience(claims: dict[str, Any], wanted: str) -> None:
    """Refuse a message meant for somebody else.

    Raises:
        UntrustedError: aud is neither wanted nor a list with it.
    """
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if wanted not in named:
        raise UntrustedError(f"aud must be {wanted}")


def _decoded(signed: str, keys: KeySet) -> dict[str, Any]:
    try:
        token = jwt.decode(signed, keys, algorithms=["RS256"])
    except (JoseError, ValueError) as error:
        raise UntrustedError("the signature is not by a key of the tool") from error
    if not token.header.get("kid"):
        raise UntrustedError("the header has no kid")
    return dict(token.claims)


def _moment(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UntrustedError(f"{name} is missing or no number")
    return float(value)
