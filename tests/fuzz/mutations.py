"""What can be done to a launch before it is posted: each change by its own seed."""

from __future__ import annotations

import json
import random
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz import oracle
from tests.fuzz.oracle import AGS, DEEP, NRPS, L, Login

Bytes = Callable[[bytes], bytes]


@dataclass
class Draft:
    """A launch being made: every part may still be changed."""

    now: float
    login: Login
    others: list[Login]
    header: dict[str, Any]
    claims: dict[str, Any]
    browser: str
    signer: str = "own"
    header_bytes: list[Bytes] = field(default_factory=list)
    claims_bytes: list[Bytes] = field(default_factory=list)
    signed: list[Callable[[str], str]] = field(default_factory=list)
    fields: list[Callable[[dict[str, str]], None]] = field(default_factory=list)
    later: float = 0.0  # seconds that go by before it is posted


Mutation = Callable[[Draft, random.Random], None]

STANDARD = [
    "iss", "aud", "azp", "sub", "exp", "iat", "nbf", "nonce", "name", "given_name",
    "family_name", "email", "locale", L + "message_type", L + "version",
    L + "deployment_id", L + "target_link_uri", L + "roles", L + "resource_link",
    L + "context", L + "lis", L + "custom", L + "launch_presentation",
    L + "role_scope_mentor", AGS, NRPS, DEEP,
]  # fmt: skip
INNER = {
    L + "resource_link": ["id", "title", "description"],
    L + "context": ["id", "title", "label", "type"],
    L + "lis": ["person_sourcedid", "course_section_sourcedid"],
    L + "custom": ["sis_person", "sis_class", "anything"],
    L + "launch_presentation": ["locale", "return_url", "document_target"],
    AGS: ["scope", "lineitems", "lineitem"],
    NRPS: ["context_memberships_url"],
    DEEP: ["deep_link_return_url", "accept_types", "accept_multiple", "data",
           "accept_presentation_document_targets", "title"],
}  # fmt: skip
TIMES = (
    -(10**400), -1e300, -1e15, -(2**63), -1, 0, 1.5, 2**31, 2**53, 2**63, 1e15, 1e16,
    1e308, 10**400, float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
STEPS = (-86461, -86400, -3661, -3660, -3600, -61, -60, -59.5, -1, 0, 1, 60, 60.5, 61,
         3600, 86400, 86401)  # fmt: skip


def _nested(depth: int, value: object = 1) -> object:
    for _ in range(depth):
        value = [value] if depth % 2 else {"a": value}
    return value


def odd(draft: Draft, rng: random.Random) -> Any:  # noqa: ANN401 -- any JSON
    """A value of the wrong kind, or of the right kind and odd."""
    return rng.choice(
        (
            None, True, False, 0, 1, -1, 7, 1.5, 1e308, 10**400, float("nan"),
            float("inf"), "", "0", "1", " ", "x", "null", "x" * 255, "x" * 256,
            "x" * 1024, "x" * 1025, "x" * 2049, "\u017e" * 255, "\u017e" * 256,
            "a\0b", "\ud800", "\udfff\ud800", "\U0001f600" * 255, "\u202e\u2066x",
            "$Canvas.user.sisSourceId", "javascript:alert(1)", "https://", "http://x",
            "https://lms.example@evil.example/", "https://evil.example/x", [], {},
            [None], [""], ["x"], [1], [[]], ["x"] * 51, ["x"] * 201, ["x"] * 501,
            {"id": None}, {"id": 1}, {"id": ""}, {"id": "x"}, {"id": ["x"]},
            {"id": "x" * 256}, {"$": 1}, _nested(17), _nested(18), _nested(19),
            _nested(25), str(int(draft.now)), "<script>alert(1)</script>", "'; --",
            "../../etc/passwd", "%00", "\r\nSet-Cookie: a=b", "Instructor",
        )
    )  # fmt: skip


def drop(draft: Draft, rng: random.Random) -> None:
    draft.claims.pop(rng.choice(STANDARD), None)


def retype(draft: Draft, rng: random.Random) -> None:
    draft.claims[rng.choice(STANDARD)] = odd(draft, rng)


def change_inner(draft: Draft, rng: random.Random) -> None:
    name = rng.choice(list(INNER))
    held = draft.claims.get(name)
    inner = dict(held) if isinstance(held, dict) else {}
    key = rng.choice(INNER[name])
    if rng.random() < 0.2:
        inner.pop(key, None)
    else:
        inner[key] = odd(draft, rng)
    draft.claims[name] = inner


def nest(draft: Draft, rng: random.Random) -> None:
    name = rng.choice(STANDARD)
    if name in draft.claims:
        draft.claims[name] = rng.choice(
            (
                [draft.claims[name]],
                {"value": draft.claims[name]},
                [[draft.claims[name]]],
            )
        )


def as_text(draft: Draft, rng: random.Random) -> None:
    name = rng.choice(STANDARD)
    if name in draft.claims:
        value = draft.claims[name]
        draft.claims[name] = value if isinstance(value, str) else json.dumps(value)


def recase(draft: Draft, rng: random.Random) -> None:
    """Write a member's name or text in another case: both are case-sensitive."""
    name = rng.choice(STANDARD)
    if name in draft.claims:
        value = draft.claims[name]
        if rng.random() < 0.5 and isinstance(value, str):
            draft.claims[name] = value.swapcase()
        else:
            draft.claims[name.upper()] = draft.claims.pop(name)


def unknown(draft: Draft, rng: random.Random) -> None:
    name = rng.choice(("x", "https://vendor.example/claim", "__proto__", "roles", "id"))
    draft.claims[name] = odd(draft, rng)


def fill(draft: Draft, rng: random.Random) -> None:
    draft.claims["filler"] = "x" * rng.choice((1000, 20_000, 46_000, 47_500, 60_000))


def times(draft: Draft, rng: random.Random) -> None:
    for name in rng.sample(("exp", "iat", "nbf"), rng.randint(1, 3)):
        draft.claims[name] = rng.choice(
            (int(draft.now) + rng.choice(STEPS), rng.choice(TIMES),
             draft.now + rng.choice(STEPS), str(int(draft.now)))
        )  # fmt: skip


def roles(draft: Draft, rng: random.Random) -> None:
    known = (*oracle.TEACHING, *oracle.LEARNING, *oracle.MENTORING, *oracle.NO_ROLES)
    chosen = rng.sample(sorted(known), rng.randint(0, 4))
    if rng.random() < 0.15:
        chosen.append(odd(draft, rng))
    draft.claims[L + "roles"] = chosen
    if rng.random() < 0.3:
        draft.claims[L + "role_scope_mentor"] = ["a", "b"][: rng.randint(0, 2)]


def cross(draft: Draft, rng: random.Random) -> None:
    """Take something of another login, or of another party."""
    if not draft.others:
        return
    other = rng.choice(draft.others)
    party = other.party
    kind = rng.choice(("nonce", "state", "browser", "aud", "iss", "signer", "all",
                       "deployment", "replay", "aud2", "azp"))  # fmt: skip
    changes: dict[str, Callable[[], object]] = {
        "nonce": lambda: draft.claims.update(nonce=other.nonce),
        "state": lambda: draft.fields.append(lambda f: f.update(state=other.state)),
        "browser": lambda: setattr(draft, "browser", other.browser),
        "aud": lambda: draft.claims.update(aud=party.client_id),
        "iss": lambda: draft.claims.update(iss=party.issuer),
        "signer": lambda: setattr(draft, "signer", "party"),
        "deployment": lambda: draft.claims.update(
            {L + "deployment_id": rng.choice(sorted(party.deployments))}
        ),
        "aud2": lambda: draft.claims.update(
            aud=rng.sample([draft.login.party.client_id, party.client_id, "z"], 2)
        ),
        "azp": lambda: draft.claims.update(
            azp=rng.choice((party.client_id, draft.login.party.client_id, "", None))
        ),
    }
    if kind == "replay":  # another's state and browser, our own token
        changes["state"]()
        changes["browser"]()
    elif kind == "all":  # all but the nonce
        for name in ("state", "browser", "aud", "iss"):
            changes[name]()
    else:
        changes[kind]()


def audience(draft: Draft, rng: random.Random) -> None:
    ours = draft.login.party.client_id
    draft.claims["aud"] = rng.choice(
        (ours, [ours], [ours, "z"], ["z", ours], [ours, ours], [], [ours, 5], {ours: 1},
         "z", None, [[ours]], ours + " ", ours.upper())
    )  # fmt: skip
    if rng.random() < 0.5:
        draft.claims["azp"] = rng.choice((ours, "z", None, [ours], ""))


def deployment(draft: Draft, rng: random.Random) -> None:
    draft.claims[L + "deployment_id"] = rng.choice(
        ("1", "2", "off", "waiting", "never-seen", "1 ", "", 1, None, "x" * 255)
    )


def target(draft: Draft, rng: random.Random) -> None:
    own = draft.login.target
    draft.claims[L + "target_link_uri"] = rng.choice(
        (own, own + "?a=1", own + "/", own.upper(), own.replace("https", "http"),
         "https://evil.example/lti/launch", own.replace("/lti", "@evil.example/lti"))
    )  # fmt: skip


def deep_linking(draft: Draft, rng: random.Random) -> None:
    """Ask for links instead."""
    claims = draft.claims
    claims[L + "message_type"] = "LtiDeepLinkingRequest"
    if rng.random() < 0.5:
        claims.pop(L + "resource_link", None)
    site = draft.login.party.issuer
    claims[DEEP] = {
        "deep_link_return_url": rng.choice(
            (f"{site}/back", f"{site}/back", f"{site}/back?a=1",
             site.replace("https", "http") + "/back", "https://evil.example/back",
             f"{site}.evil.example/back", f"{site}@evil.example/", f"{site}\\@evil/",
             "javascript:alert(1)", "")
        ),
        "accept_types": rng.choice((["ltiResourceLink"], ["link"], [], ["a"] * 51)),
        "accept_presentation_document_targets": ["iframe"],
    }  # fmt: skip


def header(draft: Draft, rng: random.Random) -> None:
    name, value = rng.choice(
        (
            ("alg", "none"), ("alg", "None"), ("alg", "HS256"), ("alg", "RS512"),
            ("alg", "PS256"), ("alg", "ES256"), ("alg", "rs256"), ("alg", None),
            ("alg", ["RS256"]), ("alg", 256), ("kid", None), ("kid", 5), ("kid", ""),
            ("kid", "x" * 255), ("kid", "x" * 256), ("kid", ["own"]), ("kid", "enc"),
            ("kid", "weak"), ("kid", "twice"), ("kid", "second"), ("kid", "a\0b"),
            ("kid", "../../own"), ("kid", "\ud800"), ("typ", "JWT"), ("typ", "jwt"),
            ("typ", "JWE"), ("typ", None), ("typ", 5), ("typ", "at+jwt"),
            ("crit", ["exp"]), ("crit", []), ("b64", False), ("b64", True),
            ("jku", "https://evil.example/jwks"), ("jwk", {"kty": "RSA"}),
            ("x5u", "https://evil.example/x"), ("x5c", ["AAAA"]), ("cty", "JWT"),
            ("x5t", "AAAA"), ("zip", "DEF"), ("unknown", _nested(19)),
            ("unknown", _nested(25)), ("filler", "x" * 9000), ("filler", "x" * 6000),
        )
    )  # fmt: skip
    draft.header[name] = value
    if rng.random() < 0.1:
        draft.header.pop(name)


def signer(draft: Draft, rng: random.Random) -> None:
    draft.signer = rng.choice(
        ("stranger", "second", "weak", "enc", "twice", "hs256", "none", "zero",
         "reversed", "sha1", "rs512", "pss", "party")
    )  # fmt: skip
    if rng.random() < 0.5 and draft.signer in {"second", "weak", "enc", "twice"}:
        draft.header["kid"] = draft.signer


def json_bytes(draft: Draft, rng: random.Random) -> None:
    """Write the JSON in another way, right or wrong."""
    place = draft.header_bytes if rng.random() < 0.3 else draft.claims_bytes
    change: Bytes = rng.choice(
        (
            lambda b: b"\xef\xbb\xbf" + b, lambda b: b" \t\r\n" + b + b"\n",
            lambda b: b + b"}", lambda b: b + b"\0", lambda b: b[:-1],
            lambda b: b"[" + b + b"]", lambda b: json.dumps(b.decode()).encode(),
            lambda b: b.replace(b'"', b"'"), lambda b: b[:-1] + b",}",
            lambda b: b[:-1] + b', "sub": "other"}', lambda b: b"{}",
            lambda b: b[:-1] + b', "sub": "u1", "sub": "u1"}',
            lambda b: b[:-1] + b', "kid": "own"}', lambda b: b[:-1] + b', "a": NaN}',
            lambda b: b[:-1] + b', "a": -Infinity}', lambda b: b"null", lambda b: b"",
            lambda b: b[:-1] + b', "a": 1e999}', lambda b: b[:-1] + b', "a": 01}',
            lambda b: b[:-1] + b', "a": ' + b"9" * 5000 + b"}",
            lambda b: b[:-1] + b', "a": {"b": 1, "b": 2}}', lambda b: b"5",
            lambda b: b[:-1] + b', "a": "\xff\xfe"}', lambda b: b"\xff" + b,
            lambda b: b[:-1] + b', "a": "\\ud83d"}', lambda b: b"[]",
            lambda b: b[:-1] + b', "a": "\\u0000"}', lambda b: b'"sub"',
            lambda b: b[:-1] + b', "\\u0061": 1, "a": 2}',
            lambda b: b[:-1] + b', "a": "\\ud83d\\ude00"}',
            lambda b: b[:-1] + b', "a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
            lambda b: b[:-1] + b', "a": "' + b"[{" * 50 + b'"}',
            lambda b: b[:-1] + b', /* c */ "a": 1}',
            lambda b: b.decode().encode("utf-16"),
            lambda b: b[:-1] + b', "a": "' + b'\\"[' * 40 + b'"}',
        )
    )  # fmt: skip
    place.append(change)


def spelling(draft: Draft, rng: random.Random) -> None:
    """Spell the signed token in another way: nothing but its own spelling counts."""
    letter = rng.randrange(1 << 30)
    draft.signed.append(
        rng.choice(
            (
                lambda t: t + "=", lambda t: t + ".", lambda t: "." + t,
                lambda t: " " + t, lambda t: t + "\n", lambda t: t.replace(".", ".."),
                lambda t: "\ufeff" + t, lambda t: t + ".e30.e30", lambda t: t[:-1],
                lambda t: t.rpartition(".")[0], lambda t: t.rpartition(".")[0] + ".",
                lambda t: t.replace("-", "+"), lambda t: t.replace("_", "/"),
                lambda t: t.replace(".", ". "), lambda t: "Bearer " + t,
                lambda t: t.replace(".", "%2E"), lambda t: t + "A", lambda t: t + "\0",
                lambda t: _other_letter(t, letter), _loose_bits,
                lambda t: ".".join(one + "=" * (-len(one) % 4) for one in t.split(".")),
                lambda t: t.swapcase(), lambda t: "", lambda t: "..",
                lambda t: t.replace("e", "\u0435", 1), lambda t: t[: len(t) // 2],
            )
        )
    )  # fmt: skip


def _other_letter(token: str, at: int) -> str:
    """One letter of the token changed."""
    place = at % max(len(token), 1)
    other = "A" if token[place : place + 1] != "A" else "B"
    return token[:place] + other + token[place + 1 :]


def _loose_bits(token: str) -> str:
    """The last letter changed in bits that base64 does not use."""
    letters = oracle._LETTERS  # noqa: SLF001 -- the same alphabet
    if not token or token[-1] not in letters:
        return token
    return token[:-1] + letters[letters.index(token[-1]) ^ 1]


def form(draft: Draft, rng: random.Random) -> None:
    change: Callable[[dict[str, str]], None] = rng.choice(
        (
            lambda f: _without(f, "state"), lambda f: _without(f, "id_token"),
            lambda f: f.update(state="state-forged"), lambda f: f.update(state=""),
            lambda f: f.update(state=f.get("state", "")[:-1]),
            lambda f: f.update(state=f.get("state", "") + "\0"),
            lambda f: f.update(error="login_required"), lambda f: f.update(error=""),
            lambda f: f.update(error="<script>", error_description="x"),
            lambda f: f.update(other="x" * 8193), lambda f: f.update(other="a\0b"),
            lambda f: f.update(other="x" * 8192, more="\U0001f600"),
            lambda f: f.update(id_token=""), lambda f: f.update(state="x" * 9000),
            lambda f: f.update(state=f.get("state", "").upper()),
        )
    )  # fmt: skip
    draft.fields.append(change)
    if rng.random() < 0.2:
        draft.browser = rng.choice(("", "somebody-else", draft.browser[:-1]))


def _without(fields: dict[str, str], name: str) -> None:
    fields.pop(name, None)


def late(draft: Draft, rng: random.Random) -> None:
    """Post it later, and make the token at that time or before."""
    draft.later = rng.choice((1, 599, 600, 601, 3600, -1))
    if rng.random() < 0.7:
        for name in ("iat", "exp"):
            value = draft.claims.get(name)
            if isinstance(value, int) and abs(value) < 1e12:
                draft.claims[name] = value + int(draft.later)


def nothing(draft: Draft, rng: random.Random) -> None:
    """A launch as it should be."""
    del draft, rng


MUTATIONS: dict[str, Mutation] = {
    one.__name__: one
    for one in (
        drop, retype, change_inner, nest, as_text, recase, unknown, fill, times, roles,
        cross, audience, deployment, target, deep_linking, header, signer, json_bytes,
        spelling, form, late, nothing,
    )
}  # fmt: skip


def encoded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
