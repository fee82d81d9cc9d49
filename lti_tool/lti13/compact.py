"""A compact JWS read strictly: what is not plainly one is refused.

Source: RFC 7515 (compact serialisation), RFC 7519; facts/security.md section 1.1.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from lti_tool.errors import LaunchError

MAX_TOKEN = 64 * 1024
MAX_DEPTH = 20
MAX_KID = 255
ALGORITHM: Final = "RS256"
# Members that would let a token bring its own key or its own rules.
FORBIDDEN: Final = frozenset({"crit", "b64", "jku", "jwk", "x5u", "x5c"})

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# One that does not end ends with the text: it is read once, not from each quote anew.
_STRING = re.compile(r'"(?:[^"\\]|\\.?)*(?:"|\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_UNPAIRED_OR_NUL = re.compile(r"[\ud800-\udfff\x00]")
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Token:
    """An id_token taken apart, not yet verified."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]
    kid: str


def parse_token(text: str) -> Token:
    """Take an id_token apart.

    Raises:
        LaunchError: E_TOO_LARGE, E_FORMAT, E_ALG or E_KID.
    """
    if len(text) > MAX_TOKEN:
        raise LaunchError("E_TOO_LARGE", f"the id_token is over {MAX_TOKEN} bytes")
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise LaunchError("E_FORMAT", f"the id_token has {len(parts)} parts, not three")
    header = parse_object(_decode(parts[0], "header"), "header")
    kid = _check_header(header)
    claims = parse_object(_decode(parts[1], "payload"), "payload")
    if not parts[2]:
        raise LaunchError("E_SIG", "the id_token is not signed")
    _decode(parts[2], "signature")
    return Token(text, header, claims, kid)


def parse_object(octets: bytes, part: str) -> dict[str, Any]:
    """Read one JSON object without leniency; part names it in the refusal.

    Raises:
        LaunchError: E_FORMAT for bad UTF-8, a repeated member, NaN, Infinity, a
            number out of range, too deep nesting, an unpaired surrogate or NUL,
            or anything but an object.
    """
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LaunchError("E_FORMAT", f"the {part} is not UTF-8") from error
    if _depth(text) > MAX_DEPTH:
        raise LaunchError("E_FORMAT", f"the {part} nests deeper than {MAX_DEPTH}")
    try:
        found = _STRICT.decode(text)
    except (ValueError, RecursionError) as error:
        raise LaunchError("E_FORMAT", f"the {part} is not strict JSON") from error
    if not isinstance(found, dict):
        raise LaunchError("E_FORMAT", f"the {part} is not a JSON object")
    if "\\u" in text and any(map(_UNPAIRED_OR_NUL.search, _strings(found))):
        raise LaunchError("E_FORMAT", f"the {part} holds a character that is not text")
    return found


def decode_base64url(text: str) -> bytes:
    """Decode canonical base64url without padding.

    Raises:
        ValueError: text is not that.
    """
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise ValueError("not base64url")
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Only the last, short group of four has bits that no octet takes.
    over = len(text) % 4
    if over and base64.urlsafe_b64encode(octets[1 - over :])[:over] != (
        text[-over:].encode()
    ):
        raise ValueError("not canonical base64url")
    return octets


def _decode(part: str, name: str) -> bytes:
    try:
        return decode_base64url(part)
    except ValueError as error:
        raise LaunchError("E_FORMAT", f"the {name} is not base64url") from error


def _check_header(header: dict[str, Any]) -> str:
    if header.get("alg") != ALGORITHM:
        raise LaunchError("E_ALG", f"the id_token is not signed with {ALGORITHM}")
    if FORBIDDEN & header.keys():
        raise LaunchError("E_FORMAT", "the header names a key or rule of its own")
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.upper() != "JWT":
        raise LaunchError("E_FORMAT", "the header's typ is not JWT")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID:
        raise LaunchError("E_KID", "the header has no kid that could name a key")
    return kid


def _depth(text: str) -> int:
    """How deep text nests, or at most as much where that is within the limit."""
    opened = text.count("[") + text.count("{")
    if opened <= MAX_DEPTH:
        return opened
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is repeated")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


# Made once: json.loads with these makes a decoder a call.
_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
)


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
