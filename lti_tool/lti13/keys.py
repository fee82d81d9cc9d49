"""The platforms' public keys: parsed once, kept, refetched with restraint.

Source: facts/security.md section 1.2.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from lti_tool.errors import LaunchError, PlatformError
from lti_tool.lti13.compact import ALGORITHM, Token, decode_base64url, parse_object

MAX_KEYS: Final = 100
MIN_MODULUS_BITS: Final = 2048
MAX_MODULUS_BITS: Final = 16384
FRESH_SECONDS: Final = 3600.0
STALE_SECONDS: Final = 24 * 3600.0
REFETCH_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 8.0

_REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
# The token as a whole has a limit of its own; a large header is no bad signature.
_REGISTRY.max_header_length = 64 * 1024
_REGISTRY.max_payload_length = 64 * 1024


def verify_signature(token: Token, key: RSAKey) -> None:
    """Check that key signed the token.

    Raises:
        LaunchError: E_SIG, it did not.
    """
    try:
        jws.deserialize_compact(token.text, key, registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise LaunchError("E_SIG", "the signature is not the platform's") from error


def parse_key_set(body: bytes) -> dict[str, RSAKey]:
    """Read a JWKS into its usable keys by kid.

    Usable are RSA keys of 2048 bits or more, meant for RS256 signatures. A kid that
    two usable keys share is left out: nobody could say which is meant.

    Raises:
        PlatformError: keys_format, this is not a key set.
    """
    try:
        entries = parse_object(body, "key set").get("keys")
    except LaunchError as error:
        raise PlatformError(error.reason, "keys_format") from error
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise PlatformError(
            f"the key set has no list of at most {MAX_KEYS} keys", "keys_format"
        )
    found: dict[str, RSAKey] = {}
    shared: set[str] = set()
    for entry in entries:
        key = _usable_key(entry)
        if key is None:
            continue
        if entry["kid"] in found:
            shared.add(entry["kid"])
        found[entry["kid"]] = key
    return {kid: key for kid, key in found.items() if kid not in shared}


def _usable_key(entry: object) -> RSAKey | None:
    if not isinstance(entry, dict) or not _is_meant_for_us(entry):
        return None
    modulus, exponent = entry.get("n"), entry.get("e")
    if not isinstance(modulus, str) or not isinstance(exponent, str):
        return None
    try:
        bits = int.from_bytes(decode_base64url(modulus)).bit_length()
        if not MIN_MODULUS_BITS <= bits <= MAX_MODULUS_BITS:
            return None
        return RSAKey.import_key({"kty": "RSA", "n": modulus, "e": exponent})
    except (JoseError, ValueError):
        return None


def _is_meant_for_us(entry: dict[str, Any]) -> bool:
    kid = entry.get("kid")
    return (
        isinstance(kid, str)
        and bool(kid)
        and entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHM) == ALGORITHM
    )


@dataclass(slots=True)
class _Entry:
    keys: dict[str, RSAKey] = field(default_factory=dict)
    fetched_at: float | None = None
    refetched_at: float | None = None
    failed_at: float | None = None


class KeyCache:
    """Keys by registration, shared by every thread of a process.

    Fresh for an hour; for a day if the platform does not answer. An unknown kid
    causes at most one refetch a registration in 60 s. Threads that want the same
    key set at once share one fetch and its outcome; an error is never kept. Nobody
    waits longer than 8 s, however slowly a name resolves or an answer drips in.
    """

    def __init__(
        self,
        fetch: Callable[[str], bytes],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep keys that fetch brings; fetch raises PlatformError."""
        self._fetch = fetch
        self._now = monotonic
        self._lock = threading.Lock()
        self._entries: dict[tuple[int, str], _Entry] = {}
        self._flights: dict[tuple[int, str], Future[None]] = {}
        self._given: dict[int, tuple[str, dict[str, RSAKey]]] = {}

    def key(self, registration_id: int, jwks_url: str, kid: str) -> RSAKey:
        """The registration's key named kid.

        Raises:
            LaunchError: E_KID, it has none of that name; E_KEYS_UNAVAILABLE, its
                keys cannot be had and none are kept.
        """
        at = (registration_id, jwks_url)
        with self._lock:
            entry = self._entries.setdefault(at, _Entry())
        seen_at, failure = entry.fetched_at, None
        if self._age(entry) > FRESH_SECONDS and not self._rests(entry):
            failure = self._renew(at, entry, seen_at)
            entry.failed_at = self._now() if failure else None
            seen_at = entry.fetched_at
        if self._age(entry) > STALE_SECONDS:
            raise _unavailable(failure)
        if kid not in entry.keys and failure is None and self._may_refetch(entry):
            failure = self._renew(at, entry, seen_at)
        found = entry.keys.get(kid)
        if found is not None:
            return found
        if failure is not None:
            raise _unavailable(failure)
        raise LaunchError("E_KID", "the platform publishes no usable key of that kid")

    def given_key(self, registration_id: int, key_set: str, kid: str) -> RSAKey:
        """The key named kid of a set that the registration holds itself.

        Parsed once, and again when the registration holds another set.

        Raises:
            LaunchError: E_KID, the set has none of that name; E_KEYS_UNAVAILABLE, it
                is no key set.
        """
        kept = self._given.get(registration_id)
        if kept is None or kept[0] != key_set:
            try:
                kept = (key_set, parse_key_set(key_set.encode()))
            except PlatformError as error:
                raise _unavailable(error) from error
            self._given[registration_id] = kept
        found = kept[1].get(kid)
        if found is None:
            raise LaunchError(
                "E_KID", "the registration holds no usable key of that kid"
            )
        return found

    def kids(self, registration_id: int, jwks_url: str) -> list[str]:
        """The names of the usable keys that are kept; nothing is fetched."""
        with self._lock:
            given = self._given.get(registration_id)
            entry = self._entries.get((registration_id, jwks_url))
            if given is not None:
                return list(given[1])
            return list(entry.keys) if entry else []

    def _age(self, entry: _Entry) -> float:
        if entry.fetched_at is None:
            return float("inf")
        return self._now() - entry.fetched_at

    def _rests(self, entry: _Entry) -> bool:
        """Tell whether keys that are kept serve a while without asking again.

        A platform that hangs would else cost every launch of a day eight seconds.
        """
        failed_at = entry.failed_at
        if failed_at is None or self._age(entry) > STALE_SECONDS:
            return False
        return self._now() - failed_at < REFETCH_SECONDS

    def _may_refetch(self, entry: _Entry) -> bool:
        with self._lock:
            last = entry.refetched_at
            if last is not None and self._now() - last < REFETCH_SECONDS:
                return False
            entry.refetched_at = self._now()
            return True

    def _renew(
        self, at: tuple[int, str], entry: _Entry, seen_at: float | None
    ) -> PlatformError | None:
        """Fetch the key set, or wait for the thread that does; returns the failure.

        Does nothing if another thread has renewed it since seen_at.
        """
        with self._lock:
            if entry.fetched_at != seen_at:
                return None
            flight = self._flights.get(at)
            if flight is None:
                flight = Future()
                self._depart(at, entry, flight)
                self._flights[at] = flight
        try:
            failure = flight.exception(WAIT_SECONDS)
        except TimeoutError:
            return PlatformError("the key set did not arrive in time", "timeout")
        if failure is not None and not isinstance(failure, PlatformError):
            raise failure
        return failure

    def _depart(self, at: tuple[int, str], entry: _Entry, flight: Future[None]) -> None:
        """Fetch in a thread of its own, which those who wait can leave behind."""
        threading.Thread(
            target=self._fly, args=(at, entry, flight), name="key set", daemon=True
        ).start()

    def _fly(self, at: tuple[int, str], entry: _Entry, flight: Future[None]) -> None:
        try:
            keys = parse_key_set(self._fetch(at[1]))
        except BaseException as error:  # noqa: BLE001 -- those waiting must hear of any
            outcome: BaseException | None = error
        else:
            outcome = None
            with self._lock:
                entry.keys, entry.fetched_at = keys, self._now()
        with self._lock:
            del self._flights[at]
        if outcome is None:
            flight.set_result(None)
        else:
            flight.set_exception(outcome)


def _unavailable(failure: PlatformError | None) -> LaunchError:
    kind = failure.code if failure else "none kept"
    return LaunchError(
        "E_KEYS_UNAVAILABLE", f"the platform's keys cannot be fetched ({kind})"
    )
