"""Platforms' keys: which are usable, how often they are fetched."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from lti_tool.errors import LaunchError, PlatformError
from lti_tool.lti13.compact import parse_token
from lti_tool.lti13.keys import KeyCache, parse_key_set, verify_signature

KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER = RSAKey.generate_key(2048, {"kid": "two"})
WEAK = base64.urlsafe_b64encode(b"\xff" * 128).rstrip(b"=").decode()  # 1,024 bits


def public(key: RSAKey, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    return {**key.as_dict(private=False), **changed}


def key_set(*entries: object) -> bytes:
    return json.dumps({"keys": entries}).encode()


@pytest.mark.parametrize(
    ("entry", "usable"),
    [
        (public(KEY), True),
        (public(KEY, use="sig", alg="RS256"), True),
        (public(KEY, use="enc"), False),
        (public(KEY, alg="RS512"), False),
        (public(KEY, kid=5), False),
        (public(KEY, kid=""), False),
        (public(KEY, n="AQAB"), False),
        (public(KEY, n="not base64!"), False),
        (public(KEY, e=7), False),
        (public(KEY, n=WEAK), False),
        ({"kty": "oct", "kid": "one", "k": "c2VjcmV0"}, False),
        ({"kty": "EC", "kid": "one", "crv": "P-256", "x": "", "y": ""}, False),
        ("a text", False),
        (None, False),
    ],
)
def test_only_strong_rsa_signature_keys_are_used(
    entry: object, *, usable: bool
) -> None:
    assert bool(parse_key_set(key_set(entry))) is usable


def test_a_kid_that_two_keys_share_names_neither() -> None:
    entries = (public(KEY, kid="x"), public(OTHER, kid="x"), public(OTHER))
    assert list(parse_key_set(key_set(*entries))) == ["two"]


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"keys":5}', key_set(*[None] * 101)]
)
def test_what_is_no_key_set_is_an_error(body: bytes) -> None:
    with pytest.raises(PlatformError) as error:
        parse_key_set(body)
    assert error.value.code == "keys_format"


class Site:
    """A platform that serves a key set, counts, and may be down or slow."""

    def __init__(self, *keys: RSAKey) -> None:
        self.keys = keys
        self.fetches = 0
        self.is_down = False
        self.gate: threading.Event | None = None
        self.now = 0.0

    def fetch(self, _url: str) -> bytes:
        self.fetches += 1
        if self.gate:
            self.gate.wait(60)
        if self.is_down:
            raise PlatformError("down", "connect")
        return key_set(*map(public, self.keys))

    def cache(self) -> KeyCache:
        return KeyCache(self.fetch, monotonic=lambda: self.now)


def kid_of(cache: KeyCache, kid: str) -> str:
    try:
        return str(cache.key(1, "https://lms/jwks", kid).kid or "found")
    except LaunchError as error:
        return error.code


def test_keys_are_fetched_once_an_hour() -> None:
    site = Site(KEY)
    cache = site.cache()
    for site.now in (0, 10, 3599, 3601):
        assert kid_of(cache, "one") != "E_KID"
    assert site.fetches == 2


def test_an_unknown_kid_is_looked_for_once_a_minute() -> None:
    site = Site(KEY)
    cache = site.cache()
    assert [kid_of(cache, f"k{number}") for number in range(20)] == ["E_KID"] * 20
    assert site.fetches == 2
    site.now = 61
    assert kid_of(cache, "k") == "E_KID"
    assert site.fetches == 3


def test_a_rotated_key_is_found_at_once() -> None:
    site = Site(KEY)
    cache = site.cache()
    kid_of(cache, "one")
    site.keys = (OTHER,)
    assert kid_of(cache, "two") not in {"E_KID", "E_KEYS_UNAVAILABLE"}


def test_old_keys_serve_a_day_while_the_platform_is_down() -> None:
    site = Site(KEY)
    cache = site.cache()
    kid_of(cache, "one")
    site.is_down = True
    found = []
    for site.now in (4000, 86_000, 86_401):
        found.append(kid_of(cache, "one") == "E_KEYS_UNAVAILABLE")
    assert found == [False, False, True]


def test_a_platform_that_is_down_is_asked_once_a_minute_while_old_keys_serve() -> None:
    site = Site(KEY)
    cache = site.cache()
    kid_of(cache, "one")
    site.is_down = True
    fetches = []
    for site.now in (4000, 4001, 4059, 4061, 4062):
        assert kid_of(cache, "one") not in {"E_KID", "E_KEYS_UNAVAILABLE"}
        fetches.append(site.fetches)
    assert fetches == [2, 2, 2, 3, 3]
    site.is_down = False
    for site.now in (4121.5, 4122):
        kid_of(cache, "one")
    assert site.fetches == 4


def test_an_error_is_not_kept() -> None:
    site = Site(KEY)
    cache = site.cache()
    site.is_down = True
    assert kid_of(cache, "one") == "E_KEYS_UNAVAILABLE"
    site.is_down = False
    assert kid_of(cache, "one") != "E_KEYS_UNAVAILABLE"


def test_many_launches_at_once_share_one_fetch() -> None:
    site = Site(KEY)
    site.gate = threading.Event()
    cache = site.cache()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(kid_of, cache, "one") for _ in range(8)]
        while site.fetches == 0:
            pass
        site.gate.set()
        assert "E_KID" not in {answer.result() for answer in answers}
    assert site.fetches == 1


def test_a_signature_is_checked_with_the_one_key() -> None:
    text = jws.serialize_compact(
        {"alg": "RS256", "kid": "one"}, b'{"sub":"7"}', KEY, algorithms=["RS256"]
    )
    verify_signature(parse_token(text), KEY)
    with pytest.raises(LaunchError) as refusal:
        verify_signature(parse_token(text), OTHER)
    assert refusal.value.code == "E_SIG"
