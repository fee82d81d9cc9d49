"""Catalogue A: every abuse of a launch, refused with its own code, over real HTTP.

Each case is a valid flow with one change. Source: facts/security.md sections 2 and 3.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc.jwk import ECKey, RSAKey

from lti_tool.app import create_app
from lti_tool.demo.browserless import browser_session
from lti_tool.storage import registrations
from lti_tool.storage.database import Database
from lti_tool.work.admission import Admission
from tests.faults.conftest import (
    Edit,
    Part,
    Play,
    add_client,
    alone,
    asked_for,
    encoded,
    now_and,
    octets,
    opened,
    rs256,
    signed,
)
from tests.lti_tool.conftest import Serve, World, make_world
from tests.ports import free_port

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/"
MEMBERSHIP = f"{VOCABULARY}membership"
INSTITUTION = f"{VOCABULARY}institution/person"
STATUS = {
    "E_METHOD": 405, "E_HTTPS": 400, "E_TOO_LARGE": 413, "E_RATE": 429, "E_REQ": 400,
    "E_PLATFORM_ERROR": 400, "E_STATE": 401, "E_FORMAT": 400, "E_ALG": 401,
    "E_KID": 401, "E_KEYS_UNAVAILABLE": 503, "E_SIG": 401, "E_TIME": 401,
    "E_ISS": 401, "E_AUD": 401, "E_NONCE": 401, "E_REPLAY": 401, "E_DEPLOYMENT": 403,
    "E_DISABLED": 403, "E_VERSION": 400, "E_MSGTYPE": 400, "E_CLAIM": 400,
    "E_TARGET": 400,
}  # fmt: skip
LINE = {
    "event", "code", "reason", "correlation_id", "registration_id", "iss_host",
    "kid_hash", "stage", "level", "timestamp",
}  # fmt: skip
# What a refusal may not repeat: a name, an address, a token, a state.
PRIVATE = ("Ana", "Žebrė", "ana@school.example", "eyJ", "state-")
WEAK_BITS = 1024
ATTACKER = RSAKey.generate_key(2048, {"kid": "attacker"})
Act = Callable[[Play], requests.Response]
Forge = Callable[[Part, Part], tuple[Part | bytes, Part | bytes]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One abuse: the act, the refusal it must meet, and where it must meet it."""

    id: str
    act: Act
    code: str
    stage: str
    spent: bool = False  # the login is used up: the signature was valid


CASES: list[Case] = []


def case(
    number: str, code: str, stage: str, *, spent: bool = False
) -> Callable[[Act], Act]:
    def add(act: Act) -> Act:
        CASES.append(Case(id=number, act=act, code=code, stage=stage, spent=spent))
        return act

    return add


def drop(name: str, place: str = "claims") -> Edit:
    return lambda header, claims: (header if place == "header" else claims).pop(name)


def put(name: str, value: object) -> Edit:
    return lambda _, claims: claims.update({name: value})


def head(name: str, value: object) -> Edit:
    return lambda header, _: header.update({name: value})


# Logins: A01 to A11. Nothing is remembered of a login that is refused.
LOGINS: list[tuple[str, dict[str, str], str, str, str]] = [
    ("A01", {}, "iss", "E_REQ", "login"),
    ("A02", {}, "login_hint", "E_REQ", "login"),
    ("A03", {}, "target_link_uri", "E_REQ", "login"),
    ("A04", {"iss": "https://nobody.example"}, "", "E_ISS", "login"),
    ("A05", {"client_id": "unknown"}, "", "E_ISS", "login"),
    ("A08", {"target_link_uri": "https://evil.example/lti/launch"}, "", "E_TARGET",
     "target"),
    ("A09", {"target_link_uri": "{tool}.evil.example/lti/launch"}, "", "E_TARGET",
     "target"),
    ("A10", {"target_link_uri": "{tool}@evil.example/lti/launch"}, "", "E_TARGET",
     "target"),
    ("A10-somebody-at-our-own", {"target_link_uri": "http://me@{host}/lti/launch"}, "",
     "E_TARGET", "target"),
]  # fmt: skip


def login_without(changed: dict[str, str], without: str) -> Act:
    return lambda play: play.login(changed, without=without)


for number, changed, without, code, stage_ in LOGINS:
    case(number, code, stage_)(login_without(changed, without))


@case("A06", "E_ISS", "login")
def two_registrations_and_no_client_id(play: Play) -> requests.Response:
    with play.stage.switched(play.stage.other_id, status="active"):
        answer = play.login({}, without="client_id")
    assert "ambiguous" in answer.text
    return answer


@case("A11", "E_DISABLED", "login")
def a_registration_switched_off(play: Play) -> requests.Response:
    with play.stage.switched(play.world.registration_id, status="disabled"):
        return play.login({})


# Arrivals: A13 to A22.
@case("A13", "E_METHOD", "arrival")
def a_launch_by_get(play: Play) -> requests.Response:
    fields = play.begin()
    play.before = play.rows()
    answer = play.browser.get(
        f"{play.world.tool_url}/lti/launch",
        params=fields,
        timeout=30,
        allow_redirects=False,
    )
    assert answer.headers["Allow"] == "POST"
    play.refusals += 1
    return answer


@case("A14", "E_HTTPS", "state")
def a_launch_over_plain_http(play: Play) -> requests.Response:
    fields = play.begin()
    play.before = play.rows()
    play.refusals += 1
    return play.browser.post(
        f"{play.stage.strict_url}/lti/launch",
        data=fields,
        timeout=30,
        allow_redirects=False,
    )


@case("A15", "E_STATE", "state")
def no_state(play: Play) -> requests.Response:
    fields = play.begin()
    del fields["state"]
    return play.post(fields)


@case("A16", "E_STATE", "state")
def a_forged_state(play: Play) -> requests.Response:
    return play.post(play.begin() | {"state": "state-forged"})


@case("A17", "E_STATE", "state")
def a_state_of_ten_minutes_ago(play: Play) -> requests.Response:
    fields = play.begin()
    with time_machine.travel(time.time() + 601):
        answer = play.post(fields)
    assert "open the tool again" in answer.text
    return answer


@case("A18", "E_STATE", "state")
def a_browser_without_its_cookie(play: Play) -> requests.Response:
    return play.post(play.begin(), browser_session())


@case("A19", "E_STATE", "state")
def a_launch_slipped_into_a_victims_browser(play: Play) -> requests.Response:
    victim = Play(play.stage)
    victim.begin()
    return play.post(play.begin(), victim.browser)


@case("A20", "E_REQ", "answer")
def neither_token_nor_error(play: Play) -> requests.Response:
    fields = play.begin()
    del fields["id_token"]
    return play.post(fields)


def platform_says(error: str) -> Act:
    def act(play: Play) -> requests.Response:
        sent = {"state": play.begin()["state"], "error": error}
        return play.post(sent | {"error_description": f"{error} said so"})

    return act


for number, error in (
    ("A21-login-required", "login_required"),
    ("A21-access-denied", "access_denied"),
):
    case(number, "E_PLATFORM_ERROR", "answer", spent=True)(platform_says(error))


@case("A21-markup", "E_PLATFORM_ERROR", "answer", spent=True)
def an_error_with_markup(play: Play) -> requests.Response:
    answer = platform_says("<script>alert(1)</script>")(play)
    assert "<script>alert" not in answer.text
    return answer


@case("A22", "E_TOO_LARGE", "format")
def seventy_kibibytes(play: Play) -> requests.Response:
    answer = play.launch(put("filler", "x" * 52 * 1024))
    sent = str(answer.request.body)
    assert 70 * 1024 < len(sent) < 75 * 1024
    return answer


# Tokens that are malformed: A23 to A29. All but the first are signed by the platform.
def malformed(forge: Forge) -> Act:
    def act(play: Play) -> requests.Response:
        sign = rs256(play.world.lms.key)
        return play.forged(lambda header, claims: signed(*forge(header, claims), sign))

    return act


@case("A23", "E_FORMAT", "format")
def two_parts(play: Play) -> requests.Response:
    fields = play.begin()
    return play.post(fields | {"id_token": fields["id_token"].rpartition(".")[0]})


@case("A24", "E_FORMAT", "format")
def five_parts(play: Play) -> requests.Response:
    header = encoded(octets({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "1"}))
    token = ".".join([header, *(encoded(b"part" * 9) for _ in range(4))])
    return play.post(play.begin() | {"id_token": token})


def nested(depth: int) -> list[Any]:
    return [] if depth == 1 else [nested(depth - 1)]


MALFORMED: list[tuple[str, Forge]] = [
    ("A25-list", lambda h, _: (h, b'["sub"]')),
    ("A25-string", lambda h, _: (h, b'"sub"')),
    ("A25-number", lambda h, _: (h, b"5")),
    ("A26", lambda h, c: (json.dumps([h]).encode(), c)),
    ("A27", lambda h, c: (h, octets(c).replace(b"Ana", b"\xff\xfe"))),
    ("A28-within-the-limit", lambda h, _: (h, b"[" * 20_000 + b"]" * 20_000)),
    ("A28-in-a-claim", lambda h, c: (h, octets(c)[:-1] + b', "deep": '
     + b'{"a":' * 5_000 + b"1" + b"}" * 5_001)),
    ("A28-one-too-deep", lambda h, c: (h, c | {"deep": nested(20)})),
    ("A29", lambda h, c: (h, octets(c)[:-1] + b', "sub": "tea"}')),
]  # fmt: skip
for number, forge in MALFORMED:
    case(number, "E_FORMAT", "format")(malformed(forge))


@case("A28", "E_TOO_LARGE", "format")
def a_hundred_thousand_deep(play: Play) -> requests.Response:
    fields = play.begin()
    header, _ = opened(fields["id_token"])
    whole, fitting = (
        signed(header, b"[" * depth + b"]" * depth, lambda _: b"any")
        for depth in (100_000, 24_000)
    )
    assert len(fitting) < 64 * 1024 < len(whole)
    endless = signed(header, b'{"sub":"' + b'\\"' * 23_000, lambda _: b"any")
    # Of several tries the quickest tells what it costs on a busy machine, too.
    for token in (fitting, endless, whole):
        tries = [play.post(fields | {"id_token": token}) for _ in range(5)]
        assert min(one.elapsed.total_seconds() for one in tries) < 0.1
    return play.post(fields | {"id_token": whole})


# Algorithms and keys: A30 to A43.
@case("A30", "E_ALG", "format")
def unsigned(play: Play) -> requests.Response:
    return play.forged(lambda h, c: signed(h | {"alg": "none"}, c, lambda _: b""))


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda text: hmac.digest(secret, text, hashlib.sha256)


@case("A31", "E_ALG", "format")
def the_public_key_as_a_secret(play: Play) -> requests.Response:
    secret = play.world.lms.key.as_pem(private=False)
    return play.forged(lambda h, c: signed(h | {"alg": "HS256"}, c, hs256(secret)))


@case("A32", "E_ALG", "format")
def a_shared_secret_in_the_key_set(play: Play) -> requests.Response:
    secret = {"kty": "oct", "kid": "shared", "alg": "HS256", "k": encoded(b"s" * 32)}
    with play.stage.keys_at(play.stage.site.publish("/A32", secret)):
        return play.forged(
            lambda h, c: signed(
                h | {"alg": "HS256", "kid": "shared"}, c, hs256(b"s" * 32)
            )
        )


def signed_as(algorithm: str) -> Act:
    def act(play: Play) -> requests.Response:
        lms = play.world.lms
        key: RSAKey | ECKey = lms.key
        if algorithm == "ES256":
            key = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
        public = {**key.as_dict(private=False), "kid": lms.key.kid}
        url = play.stage.site.publish(f"/A33/{algorithm}", public)
        lms.launch_key = key
        with play.stage.keys_at(url):
            return play.launch(head("alg", algorithm))

    return act


for algorithm in ("RS512", "ES256", "PS256"):
    case(f"A33-{algorithm}", "E_ALG", "format")(signed_as(algorithm))


def launched(edit: Edit) -> Act:
    return lambda play: play.launch(edit)


case("A34", "E_KID", "format")(launched(drop("kid", "header")))


@case("A35", "E_KID", "key")
def an_unknown_kid(play: Play) -> requests.Response:
    site = play.stage.site
    with play.stage.keys_at(
        site.publish("/A35", play.world.lms.key.as_dict(private=False))
    ):
        assert play.launch().status_code == 303
        asked = site.heard["/A35"]
        answers = [play.launch(head("kid", f"nobody's-{one}")) for one in range(5)]
    assert site.heard["/A35"] <= asked + 1
    return answers[-1]


case("A36-number", "E_KID", "format")(launched(head("kid", 7)))
case("A36-list", "E_KID", "format")(launched(head("kid", ["a"])))
case("A36-null", "E_KID", "format")(launched(head("kid", None)))


@case("A37", "E_SIG", "signature")
def another_private_key(play: Play) -> requests.Response:
    return play.forged(lambda h, c: signed(h, c, rs256(ATTACKER)))


@case("A38", "E_SIG", "signature")
def a_payload_changed_after_signing(play: Play) -> requests.Response:
    fields = play.begin()
    head_, body, signature = fields["id_token"].split(".")
    claims = opened(fields["id_token"])[1] | {"sub": "tea"}
    assert encoded(octets(claims)) != body
    token = f"{head_}.{encoded(octets(claims))}.{signature}"
    return play.post(fields | {"id_token": token})


@case("A39", "E_FORMAT", "format")
def a_key_in_the_header(play: Play) -> requests.Response:
    own = {"jwk": ATTACKER.as_dict(private=False), "kid": "attacker"}
    return play.forged(lambda h, c: signed(h | own, c, rs256(ATTACKER)))


def key_address(name: str) -> Act:
    def act(play: Play) -> requests.Response:
        site = play.stage.site
        own = {name: site.publish("/A40", ATTACKER.as_dict(private=False))}
        answer = play.forged(lambda h, c: signed(h | own, c, rs256(ATTACKER)))
        assert site.heard["/A40"] == 0
        return answer

    return act


for name in ("jku", "x5u"):
    case(f"A40-{name}", "E_FORMAT", "format")(key_address(name))
case("A41", "E_FORMAT", "format")(
    launched(lambda h, _: h.update(crit=["unknown"], unknown=True))
)


@case("A42", "E_KID", "key")
def a_weak_key(play: Play) -> requests.Response:
    weak = generate_private_key(65537, WEAK_BITS)
    numbers = weak.public_key().public_numbers()
    public = {
        "kty": "RSA", "kid": "weak", "use": "sig", "alg": "RS256",
        "n": encoded(numbers.n.to_bytes(WEAK_BITS // 8, "big")), "e": "AQAB",
    }  # fmt: skip
    with play.stage.keys_at(play.stage.site.publish("/A42", public)):
        return play.forged(lambda h, c: signed(h | {"kid": "weak"}, c, rs256(weak)))


@case("A43", "E_KID", "key")
def a_key_meant_to_encrypt(play: Play) -> requests.Response:
    public = {**play.world.lms.key.as_dict(private=False), "use": "enc"}
    with play.stage.keys_at(play.stage.site.publish("/A43", public)):
        return play.launch()


# What the platform signed and we refuse all the same: A44 to A72.
def aud(make: Callable[[str], object], **also: object) -> Edit:
    return lambda _, c: c.update(also | {"aud": make(c["aud"])})


SIGNED: list[tuple[str, Edit, str, str]] = [
    ("A44", drop("exp"), "E_TIME", "times"),
    ("A45", drop("iat"), "E_TIME", "times"),
    ("A48", lambda _, c: c.update(iat=now_and(3600), exp=now_and(3660)),
     "E_TIME", "times"),
    ("A49", put("iat", 0), "E_TIME", "times"),
    ("A49-over-an-hour-old", lambda _, c: c.update(iat=now_and(-3700)),
     "E_TIME", "times"),
    ("A49-until-2099", lambda _, c: c.update(iat=5, exp=4_070_908_800),
     "E_TIME", "times"),
    ("A56-missing", drop("nonce"), "E_NONCE", "nonce"),
    ("A56-wrong", put("nonce", "n" * 43), "E_NONCE", "nonce"),
    ("A62", put(f"{LTI}deployment_id", "second"), "E_DEPLOYMENT", "message"),
    ("A63-1.3.1", put(f"{LTI}version", "1.3.1"), "E_VERSION", "message"),
    ("A63-absent", drop(f"{LTI}version"), "E_VERSION", "message"),
    ("A64-absent", drop(f"{LTI}message_type"), "E_MSGTYPE", "message"),
    ("A64-unknown", put(f"{LTI}message_type", "Anything"), "E_MSGTYPE", "message"),
    ("A64-privacy", put(f"{LTI}message_type", "DataPrivacyLaunchRequest"),
     "E_MSGTYPE", "message"),
    ("A65-absent", drop(f"{LTI}resource_link"), "E_CLAIM", "message"),
    ("A65-string", put(f"{LTI}resource_link", "l1"), "E_CLAIM", "message"),
    ("A65-null", put(f"{LTI}resource_link", None), "E_CLAIM", "message"),
    ("A65-empty", put(f"{LTI}resource_link", {"id": ""}), "E_CLAIM", "message"),
    ("A66-absent", drop(f"{LTI}roles"), "E_CLAIM", "message"),
    ("A66-string", put(f"{LTI}roles", "Instructor"), "E_CLAIM", "message"),
    ("A66-number", put(f"{LTI}roles", [5]), "E_CLAIM", "message"),
    ("A66-null", put(f"{LTI}roles", [None]), "E_CLAIM", "message"),
    ("A71-absent", drop("sub"), "E_CLAIM", "message"),
    ("A71-number", put("sub", 7), "E_CLAIM", "message"),
    ("A71-long", put("sub", "s" * 256), "E_CLAIM", "message"),
    ("A72", put(f"{LTI}target_link_uri", "https://evil.example/lti/launch"),
     "E_TARGET", "message"),
]  # fmt: skip
MISADDRESSED: list[tuple[str, Edit, str]] = [
    ("A50", put("aud", "another-client"), "E_AUD"),
    ("A50-its-own-deployment", lambda _, c: c.update(
        {"aud": "another-client", f"{LTI}deployment_id": "of-another-client"}),
     "E_AUD"),
    ("A51", aud(lambda ours: [ours, "another-client"]), "E_AUD"),
    ("A52", aud(lambda ours: [ours, "another-client"], azp="another-client"), "E_AUD"),
    ("A54-list", aud(lambda _: []), "E_AUD"),
    ("A54-object", aud(lambda ours: {ours: ours}), "E_AUD"),
    ("A55", lambda _, c: c.update(iss=c["iss"] + "/"), "E_ISS"),
]  # fmt: skip
for number, edit, code, stage_ in SIGNED:
    case(number, code, stage_, spent=True)(launched(edit))
for number, edit, code in MISADDRESSED:
    case(number, code, "registration")(launched(edit))


@case("A46", "E_TIME", "times", spent=True)
def a_launch_that_ran_out(play: Play) -> requests.Response:
    world = play.world
    play.stage.switch(world.registration_id, clock_skew_seconds=None)
    answer = play.launch(lambda _, c: c.update(iat=now_and(-121), exp=now_and(-61)))
    with world.database.read() as session:
        found = registrations.load_registration(session, world.registration_id)
    assert found.clock_skew_seconds == pytest.approx(121, abs=5)
    play.stage.switch(world.registration_id, clock_skew_seconds=None)
    return answer


@case("A57", "E_NONCE", "nonce", spent=True)
def a_used_nonce_for_somebody_else(play: Play) -> requests.Response:
    first = Play(play.stage)
    used = opened(first.begin()["id_token"])[1]["nonce"]
    assert first.post(first.fields).status_code == 303
    return play.launch(lambda _, c: c.update(nonce=used, sub="tea"))


@case("A58", "E_NONCE", "nonce", spent=True)
def the_nonce_of_another_login(play: Play) -> requests.Response:
    second = play.begin()
    first = play.begin()
    return play.post(first | {"id_token": second["id_token"]})


@case("A59", "E_STATE", "state", spent=True)
def the_same_post_twice(play: Play) -> requests.Response:
    fields = play.begin()
    assert play.post(fields).status_code == 303
    return play.post(fields)


@case("A61", "E_DEPLOYMENT", "entry", spent=True)
def an_unknown_deployment(play: Play) -> requests.Response:
    answer = play.launch(put(f"{LTI}deployment_id", "99"), lti_deployment_id="99")
    with play.world.database.read() as session:
        known = registrations.load_deployments(session, play.world.registration_id)
    found = {one["deployment_id"]: one["status"] for one in known}
    assert found["99"] == "pending"
    return answer


@case("A74", "E_KEYS_UNAVAILABLE", "key")
def keys_behind_a_redirect(play: Play) -> requests.Response:
    site = play.stage.site
    inside = site.publish("/A74/inside", play.world.lms.key.as_dict(private=False))
    inside = inside.replace("localhost", "127.0.0.1")
    url = site.say("/A74", "302 Found", location=inside)
    with play.stage.keys_at(url):
        answer = play.launch()
    assert answer.headers["Retry-After"] == "30"
    assert (site.heard["/A74"], site.heard["/A74/inside"]) == (1, 0)
    return answer


def told(lines: list[str]) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(found) == len(lines)
    return [one for one in found if one["level"] != "info"]


@pytest.mark.parametrize("one", CASES, ids=[one.id for one in CASES])
def test_an_abuse_is_refused_by_name_and_leaves_nothing(
    play: Play, log_lines: Callable[[], list[str]], one: Case
) -> None:
    logins = play.world.count("login_state")
    answer = one.act(play)
    assert answer.headers.get("X-MasteryBridge-Code") == one.code
    assert answer.status_code == STATUS[one.code]
    assert "Set-Cookie" not in answer.headers
    assert "Location" not in answer.headers
    assert play.rows() == play.before
    if play.fields:
        assert play.is_waiting() is not one.spent
    else:
        assert play.world.count("login_state") == logins
    lines = told(log_lines())
    assert [line["event"] for line in lines] == ["launch.refused"] * play.refusals
    line = lines[-1]
    assert set(line) == LINE
    assert (line["code"], line["stage"]) == (one.code, one.stage)
    assert line["correlation_id"] in answer.text
    assert one.code in answer.text
    for secret in PRIVATE:
        assert secret not in json.dumps(line, ensure_ascii=False)
        assert secret not in answer.text


def test_a04_a_refusal_does_not_say_which_issuers_exist(play: Play) -> None:
    unknown, known = (
        re.sub(r"[0-9a-f]{16}", "", play.login(changed).text)
        for changed in ({"iss": "https://nobody.example"}, {"client_id": "unknown"})
    )
    assert unknown == known
    assert urlsplit(play.world.lms_url).netloc not in unknown


# Accepted: each opens the page of the right role.
ACCEPTED: list[tuple[str, Edit, str, str]] = [
    ("A47", lambda _, c: c.update(iat=now_and(-90), exp=now_and(-30)), "/mastery", ""),
    ("A47-deep", put("deep", nested(19)), "/mastery", ""),
    ("A53", lambda _, c: c.update(aud=["other", c["aud"]], azp=c["aud"]), "/mastery",
     ""),
    ("A67-none", put(f"{LTI}roles", []), "/", "No role here"),
    ("A67-empty", put(f"{LTI}roles", [""]), "/", "No role here"),
    ("A68", put(f"{LTI}roles", [f"{MEMBERSHIP}/Learner#Instructor"]), "/mastery", ""),
    ("A69", put(f"{LTI}roles", ["http://evil.example/v2#Instructor"]), "/",
     "No role here"),
    ("A69-lookalike", put(f"{LTI}roles", [VOCABULARY[:-1] + "evil#Instructor"]), "/",
     "No role here"),
    ("A70", put(f"{LTI}roles", [f"{INSTITUTION}#Administrator",
     f"{MEMBERSHIP}#Learner"]), "/mastery", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "page", "words"),
    [one[1:] for one in ACCEPTED],
    ids=[one[0] for one in ACCEPTED],
)
def test_what_only_looks_odd_opens_the_page_of_its_role(
    play: Play,
    log_lines: Callable[[], list[str]],
    edit: Edit,
    page: str,
    words: str,
) -> None:
    answer = play.launch(edit)
    assert answer.status_code == 303
    assert not play.is_waiting()
    shown = play.follow(answer)
    assert shown.status_code == 200
    assert re.fullmatch(r"/s/[\w-]+" + page, urlsplit(shown.url).path)
    assert "<h1" in shown.text
    assert words in shown.text
    sid = urlsplit(shown.url).path.split("/")[2]
    grid = play.browser.get(f"{play.world.tool_url}/s/{sid}/class", timeout=30)
    assert grid.status_code == 403
    assert told(log_lines()) == []


def test_a07_one_registration_needs_no_client_id(play: Play) -> None:
    answer = play.login({}, without="client_id")
    assert answer.status_code == 302
    with play.world.database.read() as session:
        one = registrations.load_registration(session, play.world.registration_id)
    assert asked_for(answer)["client_id"] == one.client_id
    shown = play.follow(answer)
    assert (shown.status_code, shown.url.endswith("/mastery")) == (200, True)


def test_a12_a_flood_of_logins_is_held_back_and_others_are_served(
    world: World, serve: Serve
) -> None:
    app = create_app(world.settings, world.database)
    app.extensions["admission"] = Admission(
        world.database, world.settings, monotonic=lambda: 0.0
    )
    port = free_port()
    serve(app, port)
    play = Play(alone(world))
    form = urlencode(play.login_fields())

    def logins(address: str, times: int) -> list[str]:
        line = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=30, source_address=(address, 0)
        )
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        codes = []
        for _ in range(times):
            line.request("POST", "/lti/login", form, kind)
            with line.getresponse() as answer:
                answer.read()
                code = answer.getheader("X-MasteryBridge-Code")
                codes.append(f"{answer.status} {code or ''}".strip())
        line.close()
        return codes

    assert logins("127.0.0.2", 500) == ["302"] * 300 + ["429 E_RATE"] * 200
    assert logins("127.0.0.3", 5) == ["302"] * 5
    assert world.count("login_state") == 305
    assert world.count("person") == 0


def test_a60_of_one_post_on_two_workers_at_one_instant_one_is_let_in(
    database: Database, serve: Serve, tmp_path: Path
) -> None:
    world = make_world(database, serve, tmp_path)
    twin = Database(database.engine.url.render_as_string(hide_password=False))
    port = free_port()
    workers = [world.tool_url, serve(create_app(world.settings, twin), port)]
    rounds = 5
    for _ in range(rounds):
        play = Play(alone(world))
        fields, start = play.begin(), threading.Barrier(len(workers))

        def race(
            url: str,
            start: threading.Barrier = start,
            fields: dict[str, str] = fields,
            play: Play = play,
        ) -> str:
            mine = browser_session()
            mine.cookies.update(play.browser.cookies)
            start.wait(60)
            answer = mine.post(
                f"{url}/lti/launch", data=fields, timeout=30, allow_redirects=False
            )
            return answer.headers.get("X-MasteryBridge-Code", str(answer.status_code))

        with ThreadPoolExecutor(len(workers)) as pool:
            codes = sorted(pool.map(race, workers))
        assert codes[0] == "303"
        assert codes[1] in {"E_REPLAY", "E_STATE"}
    assert world.count("web_session") == rounds
    assert (world.count("person"), world.count("seat")) == (1, 1)
    twin.close()


def test_a73_keys_that_could_not_be_had_are_asked_for_again(play: Play) -> None:
    site, key = play.stage.site, play.world.lms.key.as_dict(private=False)
    body = json.dumps({"keys": [key]}).encode()
    url = site.say("/A73", "500 Internal Server Error", body)
    with play.stage.keys_at(url):
        fields = play.begin()
        first = play.post(fields)
        assert (first.status_code, first.headers["Retry-After"]) == (503, "30")
        assert first.headers["X-MasteryBridge-Code"] == "E_KEYS_UNAVAILABLE"
        assert play.rows() == play.before
        assert play.is_waiting()
        site.publish("/A73", key)
        assert play.post(fields).status_code == 303


@contextmanager
def sluggish(start: bytes, drip: bytes, pause: float) -> Iterator[str]:
    """A server that begins with start and lets drip follow drip for 30 s."""
    ends = threading.Event()

    def serve_one(line: socket.socket) -> None:
        with line, suppress(OSError):
            line.recv(4096)
            line.sendall(start)
            for _ in range(int(30 / pause)):
                if ends.wait(pause):
                    return
                line.sendall(drip)

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                line, _ = server.accept()
                lines.append(threading.Thread(target=serve_one, args=[line]))
                lines[-1].start()

    lines: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        keeper = threading.Thread(target=serve, args=[server])
        keeper.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/jwks"
        ends.set()
        server.shutdown(socket.SHUT_RDWR)
    for thread in (keeper, *lines):
        thread.join(60)
        assert not thread.is_alive()


# What is sent at first, what after it again and again, and how often.
HANGS = {
    "silent": (b"", b"", 1.0),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" ", 3.5),
    "head": (b"HTTP/1.1 200 OK\r\n", b"X-Filler: x\r\n", 1.0),
}


def test_a75_keys_that_hang_hold_nobody_else_up(world: World) -> None:
    play = Play(alone(world))
    sign = rs256(world.lms.key)

    def hung(client_id: str) -> requests.Response:
        mine = Play(play.stage)
        mine.browser.cookies.update(victim.browser.cookies)
        header, claims = opened(good_token)
        token = signed(header, claims | {"aud": client_id}, sign)
        return mine.post({"state": states[client_id], "id_token": token})

    victim, states = Play(play.stage), {}
    good_token = victim.begin()["id_token"]
    with ExitStack() as hangs, ThreadPoolExecutor(len(HANGS)) as pool:
        for name, hang in HANGS.items():
            add_client(world, name, hangs.enter_context(sluggish(*hang)))
            states[name] = asked_for(victim.login({"client_id": name}))["state"]
        hanging = [pool.submit(hung, name) for name in HANGS]
        meanwhile = [play.launch() for _ in range(3)]
        assert not all(one.done() for one in hanging)
        refused = [one.result(60) for one in hanging]
    assert {one.status_code for one in meanwhile} == {303}
    assert [one.headers.get("X-MasteryBridge-Code") for one in refused] == [
        "E_KEYS_UNAVAILABLE"
    ] * len(HANGS)
    # 9 s by the catalogue; a busy machine adds its own, the silent servers take 30.
    assert [one for one in refused if one.elapsed.total_seconds() >= 25] == []


def test_every_case_of_the_catalogue_is_here() -> None:
    named = [one.id for one in CASES] + [one[0] for one in ACCEPTED]
    named += [
        name.upper() for name in re.findall(r"test_(a\d\d)_", "\n".join(globals()))
    ]
    assert {one[:3] for one in named} == {f"A{one:02}" for one in range(1, 76)}
    assert len({one.id for one in CASES}) == len(CASES)
