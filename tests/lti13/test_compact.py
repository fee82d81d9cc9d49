"""What is not plainly a compact JWS is refused."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.errors import LaunchError
from lti_tool.lti13.compact import decode_base64url, parse_object, parse_token

HEADER = {"alg": "RS256", "kid": "k1", "typ": "JWT"}


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def token(header: object = HEADER, payload: bytes = b"{}", tail: str = "c2ln") -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(payload)}.{tail}"


def test_a_token_is_taken_apart() -> None:
    parsed = parse_token(token(payload=b'{"sub":"7"}'))
    assert (parsed.kid, parsed.header, parsed.claims) == ("k1", HEADER, {"sub": "7"})


REFUSED = [
    (token(HEADER | {"alg": "none"}, tail=""), "E_ALG"),
    (token(HEADER | {"alg": "HS256"}), "E_ALG"),
    (token(HEADER | {"alg": "RS512"}), "E_ALG"),
    (token(HEADER | {"alg": ["RS256"]}), "E_ALG"),
    (token({"kid": "k1"}), "E_ALG"),
    (token({"alg": "RS256"}), "E_KID"),
    (token(HEADER | {"kid": 5}), "E_KID"),
    (token(HEADER | {"kid": ""}), "E_KID"),
    (token(HEADER | {"kid": "k" * 256}), "E_KID"),
    (token(HEADER | {"crit": ["exp"]}), "E_FORMAT"),
    (token(HEADER | {"b64": False}), "E_FORMAT"),
    (token(HEADER | {"x5c": []}), "E_FORMAT"),
    (token(HEADER | {"typ": "JWE"}), "E_FORMAT"),
    (token(["RS256"]), "E_FORMAT"),
    (token(tail=""), "E_SIG"),
    (token(tail="****"), "E_FORMAT"),
    (token(payload=b"[1]"), "E_FORMAT"),
    (token(payload=b'"text"'), "E_FORMAT"),
    (token(payload=b"5"), "E_FORMAT"),
    (token(payload=b"\xff\xfe"), "E_FORMAT"),
    (token(payload=b"\xef\xbb\xbf{}"), "E_FORMAT"),
    (token(payload=b'{"sub":"a","sub":"b"}'), "E_FORMAT"),
    (token(payload=b'{"a":NaN}'), "E_FORMAT"),
    (token(payload=b'{"a":-Infinity}'), "E_FORMAT"),
    (token(payload=b'{"a":1e999}'), "E_FORMAT"),
    (token(payload=b'{"a":' + b"9" * 5000 + b"}"), "E_FORMAT"),
    (token(payload=rb'{"a":"\ud800"}'), "E_FORMAT"),
    (token(payload=rb'{"a":["\u0000"]}'), "E_FORMAT"),
    (token(payload=b'{"a":' + b"[" * 21 + b"]" * 21 + b"}"), "E_FORMAT"),
    (token(payload=b"[" * 40_000), "E_FORMAT"),
    (token(payload=b"[" * 100_000), "E_TOO_LARGE"),
    (token() + ".d.e", "E_FORMAT"),
    (token().rsplit(".", 1)[0], "E_FORMAT"),
    (token().replace(".", "=.", 1), "E_FORMAT"),
    ("", "E_FORMAT"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_what_is_no_token_of_ours_is_refused_at_once(text: str, code: str) -> None:
    began = time.perf_counter()
    with pytest.raises(LaunchError) as refusal:
        parse_token(text)
    assert refusal.value.code == code
    assert time.perf_counter() - began < 0.5


@given(st.binary())
def test_base64url_gives_back_what_was_put_in(octets: bytes) -> None:
    if octets:
        assert decode_base64url(b64(octets)) == octets


@given(st.text(max_size=200))
def test_any_text_is_a_token_or_a_refusal(text: str) -> None:
    with pytest.raises(LaunchError):
        parse_token(text)


@given(st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text("xyz")))
def test_an_object_is_read_as_it_was_written(value: dict[str, object]) -> None:
    assert parse_object(json.dumps(value).encode(), "payload") == value


def test_brackets_inside_text_are_no_depth() -> None:
    assert parse_object(b'{"a":"[[[[[[[[[[[[[[[[[[[[[[[["}', "payload")["a"]
