"""What of a token may be kept and shown: a list of what may stand in clear.

Whatever is not on it, and whatever on it has not the form it should have, is told by
its kind and length alone: `text of 12 characters`. An unsigned token is whatever its
sender wrote, so sizes and counts are bounded too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from lti_tool.lti13.claims import AGS, DEEP_LINKING, LTI, NRPS

MAX_TEXT: Final = 255
MAX_URL: Final = 500
MAX_ENTRIES: Final = 20
MAX_MEMBERS: Final = 60
MAX_TIME: Final = 1e15

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._:\-/~+=]{1,255}", re.ASCII)
_MESSAGE: Final = re.compile(r"(?:Lti|DataPrivacy)[A-Za-z]{1,60}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,63}", re.ASCII)
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,_+()/:\-]{0,63}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#\-]{0,159}", re.ASCII)
_ROLE: Final = re.compile(
    r"http://purl\.imsglobal\.org/vocab/[A-Za-z0-9./#\-]{1,160}"
    r"|urn:lti:[A-Za-z0-9:/.\-]{1,160}",
    re.ASCII,
)
# Bare words LTI still allows; a role of any other form may be somebody's name.
_SHORT_ROLES: Final = frozenset(
    {
        "Administrator", "ContentDeveloper", "Instructor", "Learner", "Manager",
        "Member", "Mentor", "Observer", "Officer", "Student", "TeachingAssistant",
    }
)  # fmt: skip

_CONTEXT_TYPES: Final = frozenset(
    {"CourseTemplate", "CourseOffering", "CourseSection", "Group"}
)

Mask = Callable[[object], object]


# What stands for a value that is not shown: its kind, and its size where it has one.
KINDS: Final = {
    "null": "null",
    "flag": "true or false",
    "number": "number",
    "text": "text of %(size)d characters",
    "list": "list of %(size)d",
    "object": "object of %(size)d members",
    "more": "%(size)d more",
}


def kind_of(value: object) -> dict[str, str | int]:
    """What a value is, without a word of it; see KINDS."""
    if value is None:
        return {"kind": "null"}
    if isinstance(value, bool):
        return {"kind": "flag"}
    if isinstance(value, str):
        return {"kind": "text", "size": len(value)}
    if isinstance(value, list):
        return {"kind": "list", "size": len(value)}
    if isinstance(value, dict):
        return {"kind": "object", "size": len(value)}
    return {"kind": "number"}


def is_kind(shown: object) -> bool:
    """Tell whether a masked value is the kind that stands for what is not shown."""
    return isinstance(shown, dict) and isinstance(shown.get("kind"), str)


def format_kind(shown: Mapping[str, Any]) -> str:
    """A kind in English: `text of 12 characters`."""
    return KINDS[shown["kind"]] % shown


def address(value: object) -> object:
    """An http address without user, query and fragment; else its kind."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return kind_of(value)
    try:
        parts = urlsplit(value)
    except ValueError:
        return kind_of(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in value:
        return kind_of(value)
    if _is_token(parts.path):
        return kind_of(value)
    shown = f"{parts.scheme}://{parts.netloc}{parts.path}"[:MAX_URL]
    return f"{shown}?…" if parts.query or parts.fragment else shown


def identifier(value: object) -> object:
    """An id as platforms make them, of no more than 255 characters; else its kind."""
    return _shaped(_IDENTIFIER, value)


def _shaped(form: re.Pattern[str], value: object) -> object:
    if isinstance(value, str) and form.fullmatch(value) and not _is_token(value):
        return value
    return kind_of(value)


def _is_token(text: str) -> bool:
    """Tell whether a text may be a JWT or a part of one: base64url of `{"`."""
    return "eyJ" in text


def _word(value: object) -> object:
    return _shaped(_WORD, value)


def _message(value: object) -> object:
    return _shaped(_MESSAGE, value)


def _version(value: object) -> object:
    return _shaped(_VERSION, value)


def _time(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return kind_of(value)
    return value if abs(value) < MAX_TIME else kind_of(value)


def _flag(value: object) -> object:
    return value if isinstance(value, bool) else kind_of(value)


def _role(value: object) -> object:
    is_known = isinstance(value, str) and (
        value in _SHORT_ROLES or _ROLE.fullmatch(value) is not None
    )
    return value if is_known else kind_of(value)


def _context_type(value: object) -> object:
    if isinstance(value, str) and value in _CONTEXT_TYPES:
        return value
    return _role(value)


def _scope(value: object) -> object:
    shown = address(value)
    return shown if value == shown else kind_of(value)


def _audience(value: object) -> object:
    return _each(identifier)(value) if isinstance(value, list) else identifier(value)


def _each(mask: Mask) -> Mask:
    def masked(value: object) -> object:
        if not isinstance(value, list):
            return kind_of(value)
        shown = [mask(one) for one in value[:MAX_ENTRIES]]
        rest = len(value) - len(shown)
        return [*shown, {"kind": "more", "size": rest}] if rest else shown

    return masked


def _members(clear: Mapping[str, Mask]) -> Mask:
    def masked(value: object) -> object:
        if not isinstance(value, dict):
            return kind_of(value)
        return _object(value, clear)

    return masked


def _object(value: dict[str, Any], clear: Mapping[str, Mask]) -> dict[str, object]:
    shown: dict[str, object] = {}
    for name in list(value)[:MAX_MEMBERS]:
        mask = clear.get(name, kind_of)
        shown[_named(name, len(shown))] = mask(value[name])
    rest = len(value) - len(shown)
    return {**shown, "…": {"kind": "more", "size": rest}} if rest > 0 else shown


def _named(name: str, place: int) -> str:
    """The name of a member, if it has the form of one."""
    if _NAME.fullmatch(name) and not _is_token(name):
        return name
    return f"({place + 1}: a name of {len(name)} characters)"


def _one_of(words: frozenset[str]) -> Mask:
    def masked(value: object) -> object:
        return value if isinstance(value, str) and value in words else kind_of(value)

    return masked


_ALGORITHMS: Final = frozenset(
    {"none", "EdDSA"}
    | {f"{kind}{bits}" for kind in ("HS", "RS", "ES", "PS") for bits in (256, 384, 512)}
)
# Source: RFC 6749 section 4.1.2.1; OpenID Connect Core section 3.1.2.6; and what
# facts/lti.md section 1 has seen platforms send.
_ERRORS: Final = frozenset(
    {
        "access_denied", "account_selection_required", "consent_required",
        "interaction_required", "invalid_client", "invalid_request",
        "invalid_request_object", "invalid_scope", "launch_no_longer_valid",
        "login_required", "server_error", "temporarily_unavailable",
        "unauthorized_client", "unsupported_response_type",
    }
)  # fmt: skip
_FIELDS: Final[Mapping[str, Mask]] = {
    "iss": address,
    "client_id": identifier,
    "target_link_uri": address,
    "lti_deployment_id": identifier,
    "deployment_id": identifier,
    "error": _one_of(_ERRORS),
}
_HEADER: Final[Mapping[str, Mask]] = {
    "alg": _one_of(_ALGORITHMS),
    "typ": _one_of(frozenset({"JWT", "jwt", "JWE", "at+jwt"})),
    "kid": identifier,
}
_CLAIMS: Final[Mapping[str, Mask]] = {
    "iss": address,
    "aud": _audience,
    "azp": identifier,
    "exp": _time,
    "iat": _time,
    "nbf": _time,
    LTI + "message_type": _message,
    LTI + "version": _version,
    LTI + "deployment_id": identifier,
    LTI + "target_link_uri": address,
    LTI + "roles": _each(_role),
    LTI + "context": _members({"id": identifier, "type": _each(_context_type)}),
    LTI + "resource_link": _members({"id": identifier}),
    LTI + "tool_platform": _members(
        {"product_family_code": _word, "version": _version}
    ),
    LTI + "launch_presentation": _members(
        {"document_target": _word, "locale": _word, "return_url": address}
    ),
    AGS: _members({"scope": _each(_scope), "lineitems": address, "lineitem": address}),
    NRPS: _members(
        {
            "context_memberships_url": address,
            "service_versions": _each(_version),
        }
    ),
    DEEP_LINKING: _members(
        {
            "deep_link_return_url": address,
            "accept_types": _each(_word),
            "accept_presentation_document_targets": _each(_word),
            "accept_multiple": _flag,
            "accept_lineitem": _flag,
        }
    ),
    # Of what an administrator made, the names alone: values may be anybody's.
    LTI + "custom": _members({}),
    LTI + "lis": _members({}),
}


def masked_header(header: Mapping[str, Any]) -> dict[str, object]:
    """A token's header: what names algorithm and key, and the kind of all else."""
    return _object(dict(header), _HEADER)


def masked_claims(claims: Mapping[str, Any]) -> dict[str, object]:
    """A token's claims: what is nobody's own in clear, the kind of all else."""
    return _object(dict(claims), _CLAIMS)


def masked_fields(fields: Mapping[str, str]) -> dict[str, object]:
    """What a request brought: issuer, client, deployment and target in clear."""
    return _object(dict(fields), _FIELDS)
