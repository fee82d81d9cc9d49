"""What a rule expected, and what a refused launch brought: side by side, masked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lti_tool.lti13.claims import DEEP_LINKING, LTI, MESSAGE_TYPES, VERSION
from lti_tool.lti13.refusals import Rule
from lti_tool.lti13.times import LEEWAY_SECONDS
from lti_tool.storage.refusals import Refusal
from lti_tool.work.words import Words

A_VALUE: Final = "a value"
AN_ISSUER: Final = "the issuer of a registration"
ITS_CLIENT: Final = "the client id of that registration"
SOME_TEXT: Final = "text of 1 to 255 characters"
TEXTS: Final = "list of texts"
AN_ADDRESS: Final = "http address"
WITH_ID: Final = "object with an id"
WITH_SETTINGS: Final = (
    "object with deep_link_return_url, accept_types and "
    "accept_presentation_document_targets"
)
OUR_ADDRESS: Final = "an address under /lti/ of this tool"
APPROVED: Final = "an approved deployment"
BEFORE: Final = "before %(time)s"
AFTER: Final = "after %(time)s"
AT_MOST: Final = "at most %(seconds)d s"

# What a required claim may look like, where the reason names the claim.
_REQUIRED: Final = {
    "sub": SOME_TEXT,
    LTI + "roles": TEXTS,
    LTI + "deployment_id": SOME_TEXT,
    LTI + "target_link_uri": AN_ADDRESS,
    LTI + "resource_link": WITH_ID,
    LTI + "context": WITH_ID,
    LTI + "for_user": WITH_ID,
    DEEP_LINKING: WITH_SETTINGS,
}


def sentences() -> tuple[str, ...]:
    """Every text of the comparisons, for the catalogue."""
    return (
        *(A_VALUE, AN_ISSUER, ITS_CLIENT, SOME_TEXT, TEXTS, AN_ADDRESS, WITH_ID),
        *(WITH_SETTINGS, OUR_ADDRESS, APPROVED, BEFORE, AFTER, AT_MOST),
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One value: what it is called on the wire, what was expected, what was found.

    Each is a text, a list of texts, Words, None for nothing, or a kind (work.masking).
    """

    name: str
    expected: object
    found: object


def compared(rule: Rule, refusal: Refusal) -> tuple[Comparison, ...]:
    """What the rule compares, for this refusal; nothing where it compares nothing."""
    compare = _COMPARE.get(rule.id)
    return tuple(compare(_Sides(refusal))) if compare else ()


class _Sides:
    """The two sides of a refusal: what we knew, and what was sent."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.facts: dict[str, Any] = refusal.facts or {}
        self.fields: dict[str, Any] = self.facts.get("fields") or {}
        self.header: dict[str, Any] = refusal.header or {}
        self.claims: dict[str, Any] = refusal.claims or {}


def _claim(name: str, key: str) -> Callable[[_Sides], list[Comparison]]:
    def compare(sides: _Sides) -> list[Comparison]:
        found = sides.claims.get(name)
        return [Comparison(name.removeprefix(LTI), sides.facts.get(key), found)]

    return compare


def _fixed(name: str, expected: object) -> Callable[[_Sides], list[Comparison]]:
    def compare(sides: _Sides) -> list[Comparison]:
        found = sides.claims.get(name)
        return [Comparison(name.removeprefix(LTI), expected, found)]

    return compare


def _login(sides: _Sides) -> list[Comparison]:
    names = ("iss", "login_hint", "target_link_uri")
    return [Comparison(name, Words(A_VALUE), sides.fields.get(name)) for name in names]


def _registered(sides: _Sides) -> list[Comparison]:
    found = sides.fields
    return [
        Comparison("iss", Words(AN_ISSUER), found.get("iss")),
        Comparison("client_id", Words(ITS_CLIENT), found.get("client_id")),
    ]


def _key(sides: _Sides) -> list[Comparison]:
    kids = sides.facts.get("kids")
    return [Comparison("kid", kids or None, sides.header.get("kid"))]


def _audience(sides: _Sides) -> list[Comparison]:
    ours = sides.facts.get("client_id")
    found = sides.claims
    return [
        Comparison("aud", ours, found.get("aud")),
        *([Comparison("azp", ours, found["azp"])] if "azp" in found else []),
    ]


def _party(sides: _Sides) -> list[Comparison]:
    ours = sides.facts.get("client_id")
    return [
        Comparison("aud", ours, sides.claims.get("aud")),
        Comparison("azp", ours, sides.claims.get("azp")),
    ]


def _times(sides: _Sides) -> list[Comparison]:
    now = {"time": str(format_time(sides.refusal.refused_at.timestamp()))}
    told = [
        Comparison(name, Words(text, dict(now)), format_time(sides.claims.get(name)))
        for name, text in (("iat", BEFORE), ("exp", AFTER))
    ]
    skew = sides.facts.get("skew_seconds")
    if skew is not None:
        allowed = Words(AT_MOST, {"seconds": LEEWAY_SECONDS})
        told.append(Comparison("our clock - iat", allowed, f"{skew} s"))
    return told


def _target(sides: _Sides) -> list[Comparison]:
    found = sides.claims.get(LTI + "target_link_uri")
    return [
        Comparison(
            "target_link_uri",
            sides.facts.get("target_link_uri") or Words(OUR_ADDRESS),
            found if found is not None else sides.fields.get("target_link_uri"),
        )
    ]


def _named(sides: _Sides) -> list[Comparison]:
    """The claims that the reason names."""
    reason = sides.refusal.reason
    return [
        Comparison(name.removeprefix(LTI), Words(text), sides.claims.get(name))
        for name, text in _REQUIRED.items()
        if name in reason.replace(",", " ").split()
    ]


def _deployment(sides: _Sides) -> list[Comparison]:
    found = sides.claims.get(LTI + "deployment_id")
    return [Comparison("deployment_id", Words(APPROVED), found)]


def _error(sides: _Sides) -> list[Comparison]:
    return [Comparison("error", None, sides.fields.get("error"))]


def format_time(seconds: object) -> object:
    """A JWT's time as a date, if it is a number that has one; else as it is."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return seconds
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return str(seconds)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


_COMPARE: Final[dict[str, Callable[[_Sides], list[Comparison]]]] = {
    "login-fields": _login,
    "registered": _registered,
    "client-named": _registered,
    "platform-error": _error,
    "platform-error-client": _error,
    "algorithm": lambda sides: [Comparison("alg", "RS256", sides.header.get("alg"))],
    "kid-sent": _key,
    "kid-known": _key,
    "signature": _key,
    "expired": _times,
    "issued-ahead": _times,
    "issued-long-ago": _times,
    "times": _times,
    "issuer-of-login": _claim("iss", "issuer"),
    "audience": _audience,
    "authorized-party": _party,
    "deployment-approved": _deployment,
    "deployment-on": _deployment,
    "deployment-of-login": _claim(LTI + "deployment_id", "deployment_id"),
    "version": _fixed(LTI + "version", VERSION),
    "message-type": _fixed(LTI + "message_type", list(MESSAGE_TYPES)),
    "claims": _named,
    "target-of-login": _target,
    "target": _target,
}
