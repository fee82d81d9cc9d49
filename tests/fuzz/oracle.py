"""What the specification says of a launch: written from its tables, not from our code.

Nothing of lti_tool is imported here. Rules stand in the stages in which they are
checked; the first stage with a rule that is broken decides, and the refusal must be
one of those its broken rules name. Source: facts/security.md sections 1.1 and 2,
facts/lti.md sections 2, 3, 6 and 13.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

L = "https://purl.imsglobal.org/spec/lti/claim/"
LIS = "http://purl.imsglobal.org/vocab/lis/v2/"
DEEP = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
VALID = "valid"
Check = Callable[[Any], bool]
Claims = dict[str, Any]


@dataclass
class Party:
    """A registration, as the one who plays the platform knows it."""

    issuer: str
    client_id: str
    keys: Mapping[str, RSAPublicKey]  # by kid, the usable ones
    deployments: Mapping[str, str]  # status by deployment_id
    is_active: bool = True


@dataclass
class Login:
    """A login the tool answered."""

    party: Party
    state: str
    nonce: str
    browser: str
    target: str
    deployment: str | None
    until: float
    is_used: bool = False


@dataclass
class Verdict:
    """What must come of a launch."""

    codes: frozenset[str]  # one of these refusals; empty if it is let in
    is_spent: bool  # its login is used up
    role: str = ""
    broken: list[str] = field(default_factory=list)


class _BrokenError(Exception):
    """Rules of one stage are broken."""

    def __init__(self, *codes: str) -> None:
        super().__init__(*codes)
        self.codes = frozenset(codes)


def judge(
    fields: Mapping[str, str],
    browser: str,
    logins: Mapping[str, Login],
    now: float,
) -> Verdict:
    """Say what must come of a launch of these fields by this browser."""
    signed = False
    login = None
    try:
        _fields(fields)
        login = _state(fields, browser, logins, now)
        token = _answer(fields)
        header, claims = _parts(token)
        _address(claims, login.party)
        _signature(token, header["kid"], login.party)
        signed = True
        _times(claims, now)
        _nonce(claims, login)
        _message(claims, login)
        _deployment(claims, login.party)
    except _BrokenError as broken:
        return Verdict(broken.codes, signed or "E_PLATFORM_ERROR" in broken.codes)
    return Verdict(frozenset(), is_spent=True, role=role(claims))


# --- what came with the request ----------------------------------------------------


def _fields(fields: Mapping[str, str]) -> None:
    for name, value in fields.items():
        if name != "id_token" and (len(value) > 8192 or "\0" in value):
            raise _BrokenError("E_REQ")


def _state(
    fields: Mapping[str, str], browser: str, logins: Mapping[str, Login], now: float
) -> Login:
    login = logins.get(fields.get("state", ""))
    if login is None or login.is_used or now >= login.until:
        raise _BrokenError("E_STATE")
    if browser != login.browser:
        raise _BrokenError("E_STATE")
    if not login.party.is_active:
        raise _BrokenError("E_DISABLED")
    return login


def _answer(fields: Mapping[str, str]) -> str:
    if fields.get("error"):
        raise _BrokenError("E_PLATFORM_ERROR")
    token = fields.get("id_token", "")
    if not token:
        raise _BrokenError("E_REQ")
    if len(token) > 64 * 1024:
        raise _BrokenError("E_TOO_LARGE")
    return token


# --- the token ---------------------------------------------------------------------


def _parts(token: str) -> tuple[Claims, Claims]:
    """Take the token apart; every fault of its form belongs to this stage."""
    found = token.split(".")
    if len(found) != 3:
        raise _BrokenError("E_FORMAT")
    broken: set[str] = set()
    header = _object(found[0])
    claims = _object(found[1])
    if header is None or claims is None:
        broken.add("E_FORMAT")
    if found[2] and _octets(found[2]) is None:
        broken.add("E_FORMAT")
    if not found[2]:
        broken.add("E_SIG")
    broken |= _header(header or {}) if header is not None else set()
    if broken:
        raise _BrokenError(*broken)
    assert header is not None
    assert claims is not None
    return header, claims


def _header(header: Claims) -> set[str]:
    broken = set()
    if header.get("alg") != "RS256":
        broken.add("E_ALG")
    if set(header) & {"crit", "b64", "jku", "jwk", "x5u", "x5c"}:
        broken.add("E_FORMAT")
    if str(header.get("typ", "JWT")).upper() != "JWT":
        broken.add("E_FORMAT")
    kid = header.get("kid")
    if not isinstance(kid, str):
        broken |= {"E_KID", "E_FORMAT"} if "kid" in header else {"E_KID"}
    elif not 1 <= len(kid) <= 255:
        broken.add("E_KID")
    return broken


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _octets(part: str) -> bytes | None:
    """Read base64url by hand: its letters alone, and no bits left over."""
    if not part or any(letter not in _LETTERS for letter in part):
        return None
    left = len(part) % 4
    if left == 1:
        return None
    spare = {0: 1, 2: 16, 3: 4}[left]
    if _LETTERS.index(part[-1]) % spare:
        return None
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _object(part: str) -> Claims | None:
    """Read one strict JSON object; None for anything else."""
    octets = _octets(part)
    if octets is None or octets.startswith(b"\xef\xbb\xbf"):
        return None
    try:
        found = json.loads(octets.decode("utf-8"), object_pairs_hook=_Pairs)
        if not isinstance(found, _Pairs) or not _is_strict(found, 1):
            return None
        return dict(_plain(found))
    except (ValueError, RecursionError):
        return None


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written, member by member."""


def _is_strict(value: object, depth: int) -> bool:
    if isinstance(value, str):
        return "\0" not in value and not re.search("[\ud800-\udfff]", value)
    if isinstance(value, float):
        return value - value == 0  # neither NaN nor infinite
    if isinstance(value, list | _Pairs) and depth > 20:
        return False
    if isinstance(value, _Pairs):
        names = [name for name, _ in value]
        return len(names) == len(set(names)) and all(
            _is_strict(name, depth) and _is_strict(inner, depth + 1)
            for name, inner in value
        )
    if isinstance(value, list):
        return all(_is_strict(inner, depth + 1) for inner in value)
    return True


def _plain(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, _Pairs):
        return {name: _plain(inner) for name, inner in value}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def _address(claims: Claims, party: Party) -> None:
    broken = set()
    if claims.get("iss") != party.issuer:
        broken.add("E_ISS")
    to = claims.get("aud")
    several = [to] if isinstance(to, str) else to
    is_ours = isinstance(several, list) and party.client_id in several
    needs_azp = isinstance(several, list) and len(several) > 1
    if not is_ours or (needs_azp and "azp" not in claims):
        broken.add("E_AUD")
    if "azp" in claims and claims["azp"] != party.client_id:
        broken.add("E_AUD")
    if broken:
        raise _BrokenError(*broken)


def _signature(token: str, kid: str, party: Party) -> None:
    key = party.keys.get(kid)
    if key is None:
        raise _BrokenError("E_KID")
    text, _, signature = token.rpartition(".")
    octets = _octets(signature)
    assert octets is not None
    try:
        key.verify(octets, text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise _BrokenError("E_SIG") from None


def _times(claims: Claims, now: float) -> None:
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name)
        if name == "nbf" and name not in claims:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _BrokenError("E_TIME")
        if not -1e15 <= value <= 1e15:  # no time of any clock
            raise _BrokenError("E_TIME")
    begins, ends = claims["iat"], claims["exp"]
    is_good = (
        now <= ends + 60
        and now - 3660 <= begins <= now + 60
        and ends - begins <= 86400
        and claims.get("nbf", now) <= now + 60
    )
    if not is_good:
        raise _BrokenError("E_TIME")


# --- the message -------------------------------------------------------------------


def text(most: int, least: int = 0, *, null: bool = False) -> Check:
    def check(value: object) -> bool:
        if value is None:
            return null
        return isinstance(value, str) and least <= len(value) <= most

    return check


def many(item: Check, most: int) -> Check:
    return lambda value: (
        isinstance(value, list) and len(value) <= most and all(map(item, value))
    )


def part(needed: Mapping[str, Check], allowed: Mapping[str, Check]) -> Check:
    def check(value: object) -> bool:
        return (
            isinstance(value, dict)
            and all(name in value and is_(value[name]) for name, is_ in needed.items())
            and all(
                name not in value or is_(value[name]) for name, is_ in allowed.items()
            )
        )

    return check


def url(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= 2048
        and re.match(r"(?i)https?://[a-z0-9.:-]+([/?#]|\Z)", value) is not None
    )


def maybe_url(value: object) -> bool:
    return value is None or value == "" or url(value)


def truth(value: object) -> bool:
    return value is None or isinstance(value, bool)


NAME = text(255, 1)
WORDS = text(1024, null=True)
LONG = text(16384, null=True)
NEEDED: dict[str, Check] = {
    "sub": NAME,
    L + "deployment_id": NAME,
    L + "target_link_uri": url,
    L + "roles": many(text(1024), 200),
}
ALLOWED: dict[str, Check] = {
    L + "resource_link": part({"id": NAME}, {"title": WORDS, "description": LONG}),
    L + "context": part({"id": NAME}, {"label": WORDS, "title": WORDS}),
    L + "lis": part({}, dict.fromkeys(
        ("person_sourcedid", "course_offering_sourcedid", "course_section_sourcedid"),
        WORDS)),
    L + "custom": lambda value: isinstance(value, dict),
    L + "launch_presentation": part(
        {}, {"document_target": WORDS, "locale": WORDS, "return_url": maybe_url}),
    L + "role_scope_mentor": many(NAME, 500),
    AGS: part({}, {"scope": many(text(10**6), 50), "lineitems": maybe_url,
                   "lineitem": maybe_url}),
    NRPS: part({}, {"context_memberships_url": maybe_url}),
    DEEP: part(
        {"deep_link_return_url": url, "accept_types": many(text(10**6), 50),
         "accept_presentation_document_targets": many(text(10**6), 50)},
        {"accept_multiple": truth, "accept_lineitem": truth, "title": LONG,
         "text": LONG, "data": text(32768, null=True)}),
    **dict.fromkeys(("name", "given_name", "family_name", "email", "locale"), WORDS),
}  # fmt: skip
# What each type of message must carry besides.
MESSAGES = {
    "LtiResourceLinkRequest": L + "resource_link",
    "LtiDeepLinkingRequest": DEEP,
}


def _message(claims: Claims, login: Login) -> None:
    broken = set()
    if claims.get(L + "version") != "1.3.0":
        broken.add("E_VERSION")
    kind = claims.get(L + "message_type")
    if not isinstance(kind, str) or kind not in MESSAGES:
        broken.add("E_MSGTYPE")
        kind = ""
    sent = {name: value for name, value in claims.items() if value is not None}
    if kind and not _has_claims(sent, MESSAGES[kind]):
        broken.add("E_CLAIM")
    if not broken:
        broken = _against_login(sent, login)
    if not broken and kind == "LtiDeepLinkingRequest":
        to = sent[DEEP]["deep_link_return_url"]
        if not to.startswith(login.party.issuer + "/") or set("\\ ") & set(to):
            broken.add("E_CLAIM")
    if broken:
        raise _BrokenError(*broken)


def _against_login(sent: Claims, login: Login) -> set[str]:
    broken = set()
    if sent[L + "target_link_uri"] != login.target:
        broken.add("E_TARGET")
    if login.deployment and sent[L + "deployment_id"] != login.deployment:
        broken.add("E_DEPLOYMENT")
    return broken


def _nonce(claims: Claims, login: Login) -> None:
    if claims.get("nonce") != login.nonce:
        raise _BrokenError("E_NONCE")


def _deployment(claims: Claims, party: Party) -> None:
    if party.deployments.get(claims[L + "deployment_id"]) != "active":
        raise _BrokenError("E_DEPLOYMENT")


def _has_claims(sent: Claims, own: str) -> bool:
    return (
        own in sent
        and all(name in sent and is_(sent[name]) for name, is_ in NEEDED.items())
        and all(name not in sent or is_(sent[name]) for name, is_ in ALLOWED.items())
    )


# --- roles, by their exact names ---------------------------------------------------

TEACHING = {
    "Instructor", "Administrator", LIS + "membership#Instructor",
    LIS + "membership#Administrator",
    LIS + "membership/Instructor#TeachingAssistant",
    LIS + "membership/Instructor#Grader",
}  # fmt: skip
LEARNING = {
    "Learner",
    LIS + "membership#Learner",
    LIS + "membership/Learner#Instructor",
}
MENTORING = {"Mentor", LIS + "membership#Mentor"}
# Who runs the LMS; counts where a launch names no course, and gives no course's page.
RUNNING = {
    LIS + "institution/person#Administrator", LIS + "system/person#SysAdmin",
    LIS + "system/person#Administrator", LIS + "system/person#AccountAdmin",
}  # fmt: skip
NO_ROLES = {
    LIS + "institution/person#Administrator", LIS + "system/person#SysAdmin",
    LIS + "institution/person#Instructor", LIS + "membership#Manager",
    LIS[:-1] + "evil#Instructor", "http://evil.example/v2#Instructor", "instructor",
    LIS + "unknown/unknown#Helper", LIS + "membership#instructor", "", " Instructor",
    LIS + "membership#Instructor ", "urn:lti:role:ims/lis/Instructor",
}  # fmt: skip


def role(claims: Claims) -> str:
    """The one role a launch gives: what teaches before what learns before a mentor."""
    held = set(claims[L + "roles"])
    if held & TEACHING:
        return "instructor"
    if held & LEARNING:
        return "learner"
    if held & MENTORING and claims.get(L + "role_scope_mentor"):
        return "mentor"
    if held & RUNNING and claims.get(L + "context") is None:
        return "administrator"
    return "none"
