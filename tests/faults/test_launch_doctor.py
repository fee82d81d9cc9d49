"""Every refusal over HTTP is explained: its rule, where that stands, what mends it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from lti_tool.app import create_app
from lti_tool.errors import LAUNCH_STATUS, LaunchError
from lti_tool.lti13.refusals import RULES, rule_of
from lti_tool.lti13.wrapping import Trace
from lti_tool.storage import refusals, schema
from lti_tool.storage.database import Database
from lti_tool.storage.refusals import Refusal, Wish
from lti_tool.work import doctor
from lti_tool.work.doctor import Diagnosis, Recorder, Refused, diagnose
from lti_tool.work.examination import MAX_PASTE, examine, parse_paste
from lti_tool.work.masking import is_kind, masked_claims, masked_header
from lti_tool.work.words import Words
from tests.faults.conftest import Play, alone, now_and, opened, rs256, signed
from tests.faults.test_catalogue_a import CASES, LTI
from tests.lti_tool.conftest import Serve, World
from tests.ports import free_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# The case of the catalogue that meets a code, and the rule that explains it.
EXPLAINED = [
    ("A13", "posted", "5.1.1.3", "place the tool"),
    ("A14", "https", "section 3", "MASTERYBRIDGE_PUBLIC_URL"),
    ("A22", "size", "Limit", "custom parameters"),
    ("A01", "login-fields", "5.1.1.1", "initiate login URL"),
    ("A20", "token-sent", "5.1.1.3", "breaks the standard"),
    ("A21-login-required", "platform-error", "5.1.1.5", "switched on"),
    ("A16", "state", "7.3.1", "back button"),
    ("A23", "token-form", "RFC 7515", "breaks the standard"),
    ("A39", "own-key", "5.4", "trying the door"),
    ("A30", "algorithm", "item 6", "RS256"),
    ("A34", "kid-sent", "6.3", "breaks the standard"),
    ("A35", "kid-known", "6.2", "key set address"),
    ("A74", "keys-fetched", "6.3", "MASTERYBRIDGE_LOCAL_NETWORK"),
    ("A37", "signature", "item 1", "key set address"),
    ("A46", "expired", "item 7", "NTP"),
    ("A48", "issued-ahead", "item 8", "NTP"),
    ("A49-over-an-hour-old", "issued-long-ago", "item 8", "NTP"),
    ("A44", "times", "items 7 and 8", "breaks the standard"),
    ("A04", "registered", "3.1.2", "Add the platform"),
    ("A06", "client-named", "5.1.1.1", "?client_id="),
    ("A55", "issuer-of-login", "item 2", "slash at the end"),
    ("A50", "audience", "item 3", "client id"),
    ("A52", "authorized-party", "items 4 and 5", "breaks the standard"),
    ("A56-missing", "nonce-sent", "5.1.2", "breaks the standard"),
    ("A57", "nonce", "item 9", "trying the door"),
    ("A61", "deployment-approved", "5.3.3", "Approve the deployment"),
    ("A62", "deployment-of-login", "5.3.3", "breaks the standard"),
    ("A11", "registration-on", "3.1.2", "switch on the registration"),
    ("A63-1.3.1", "version", "5.3.2", "Choose LTI 1.3"),
    ("A64-unknown", "message-type", "5.3.1", "Place the tool"),
    ("A65-absent", "claims", "5.3 and 5.4", "breaks the standard"),
    ("A72", "target-of-login", "5.3.4", "launch address"),
    ("A08", "target", "5.3.4", "MASTERYBRIDGE_PUBLIC_URL"),
]
# Those whose play needs more than one request: they have tests of their own below.
APART = {"E_RATE", "E_REPLAY"}
PLAYS = {one.id: one for one in CASES}


def explained(world: World, answer: requests.Response) -> Diagnosis:
    reference = answer.headers["X-MasteryBridge-Correlation"]
    assert reference in answer.text
    with world.database.read() as session:
        return diagnose(session, reference)


def forget(world: World) -> None:
    with world.database.write() as session:
        session.execute(delete(schema.refusal))


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PER_SECOND", 10_000.0)


def test_every_code_has_a_play_and_a_rule_for_whatever_is_left() -> None:
    played = {PLAYS[case].code for case, *_ in EXPLAINED} | APART
    assert played == set(LAUNCH_STATUS)
    assert {one.code for one in RULES if not one.reason} == set(LAUNCH_STATUS)
    assert len({one.id for one in RULES}) == len(RULES)
    named = {rule for _, rule, *_ in EXPLAINED} | {"rate", "once"}
    # What the table leaves out is looked up by reason in the next test.
    assert named <= {one.id for one in RULES}


@pytest.mark.parametrize(
    ("code", "reason", "rule"),
    [
        ("E_REQ", "a field of the request is not acceptable", "fields"),
        ("E_PLATFORM_ERROR", "the LMS does not know our client id",
         "platform-error-client"),
        ("E_STATE", "the login was made in another browser", "browser"),
        ("E_CLAIM", ("deep_link_return_url is not an https address of the LMS as "
         "registered"), "return-address"),
        ("E_DEPLOYMENT", ("this deployment is switched off; an administrator can "
         "approve it"), "deployment-on"),
    ],
)  # fmt: skip
def test_a_reason_finds_the_rule_of_its_own(code: str, reason: str, rule: str) -> None:
    assert rule_of(code, reason).id == rule


@pytest.mark.parametrize(
    ("case", "rule", "section", "fix"), EXPLAINED, ids=[one[0] for one in EXPLAINED]
)
def test_a_refusal_leads_to_its_rule_section_and_fix(
    play: Play, case: str, rule: str, section: str, fix: str
) -> None:
    answer = PLAYS[case].act(play)
    found = explained(play.world, answer)
    assert found.rule.id == rule
    assert section in found.rule.section
    assert fix in f"{found.rule.here} {found.rule.there}"
    assert found.rule.person in answer.text.replace("&#39;", "'")
    assert (found.refusal.code, found.refusal.stage) == (
        PLAYS[case].code,
        PLAYS[case].stage,
    )
    assert f"/admin/doctor/{found.refusal.correlation_id}" in answer.text
    assert found.refusal.is_signed is (
        PLAYS[case].spent and case[:3] not in {"A21", "A59"}
    )


def said(found: Diagnosis) -> dict[str, tuple[object, object]]:
    return {
        one.name: (
            str(one.expected) if isinstance(one.expected, Words) else one.expected,
            one.found,
        )
        for one in found.comparisons
    }


def test_expected_and_found_stand_side_by_side(play: Play) -> None:
    world = play.world
    client = opened(play.begin()["id_token"])[1]["aud"]

    def of(case: str) -> dict[str, tuple[object, object]]:
        return said(explained(world, PLAYS[case].act(Play(play.stage))))

    assert of("A50") == {"aud": (client, "another-client")}
    assert of("A55")["iss"] == (world.lms_url, world.lms_url + "/")
    assert of("A63-1.3.1") == {"version": ("1.3.0", "1.3.1")}
    assert of("A63-absent") == {"version": ("1.3.0", None)}
    assert of("A71-number") == {
        "sub": ("text of 1 to 255 characters", {"kind": "number"})
    }
    assert of("A05")["client_id"][1] == "unknown"
    assert of("A72")["target_link_uri"] == (
        f"{world.tool_url}/lti/launch",
        "https://evil.example/lti/launch",
    )
    late = of("A46")
    assert late["our clock - iat"][0] == "at most 60 s"
    assert late["our clock - iat"][1] in {"121 s", "122 s", "123 s"}


def test_a_flood_of_logins_is_explained_as_one(play: Play, serve: Serve) -> None:
    world = play.world
    app = create_app(world.settings, world.database)
    url = serve(app, free_port())
    fields = play.login_fields()
    for _ in range(301):
        answer = play.browser.post(
            f"{url}/lti/login", data=fields, timeout=30, allow_redirects=False
        )
    assert explained(world, answer).rule.id == "rate"


class Greedy:
    """A key set that uses up every login while it is asked for."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(
        self, _environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        with self._world.database.write() as session:
            session.execute(delete(schema.login_state))
        start_response("200 OK", [("Content-Type", "application/json")])
        public = self._world.lms.key.as_dict(private=False)
        return [json.dumps({"keys": [public]}).encode()]


def test_a_launch_that_another_overtook_is_explained(play: Play, serve: Serve) -> None:
    port = free_port()
    serve(Greedy(play.world), port)
    with play.stage.keys_at(f"http://localhost:{port}/jwks"):
        answer = play.launch()
    assert answer.headers["X-MasteryBridge-Code"] == "E_REPLAY"
    assert explained(play.world, answer).rule.id == "once"


def test_the_person_is_told_that_a_deployment_waits(play: Play) -> None:
    answer = play.launch(
        lambda _, claims: claims.update({f"{LTI}deployment_id": "waits"}),
        lti_deployment_id="waits",
    )
    assert "The tool waits for approval here." in answer.text
    found = explained(play.world, answer)
    assert found.waiting == "waits"
    assert said(found)["deployment_id"] == ("an approved deployment", "waits")


def test_an_unknown_kid_comes_with_those_that_are_published(play: Play) -> None:
    answer = play.launch(lambda header, _: header.update(kid="unheard-of"))
    found = explained(play.world, answer)
    assert said(found) == {"kid": ([play.world.lms.key.kid], "unheard-of")}


# --- what is kept ------------------------------------------------------------------

SECRETS = ("Ana", "Žebrė", "ana@school.example", "eyJ")


def stored(world: World) -> str:
    with world.database.read() as session:
        rows = session.execute(select(schema.refusal)).mappings().all()
    return json.dumps([dict(row) for row in rows], default=str, ensure_ascii=False)


def test_no_name_address_or_token_of_the_catalogue_is_kept(play: Play) -> None:
    forget(play.world)
    for case in ("A37", "A44", "A46", "A50", "A61", "A65-absent", "A72", "A23"):
        PLAYS[case].act(Play(play.stage))
    kept = stored(play.world)
    assert '"kind": "text"' in kept
    assert play.world.lms_url in kept
    assert [one for one in SECRETS if one in kept] == []


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    min_size=9,
    max_size=60,
)
PERSONAL = (
    "name", "given_name", "family_name", "middle_name", "email", "picture", "sub",
    "nonce", "preferred_username", "phone_number", "birthdate", "locale", "at_hash",
)  # fmt: skip
NESTED = (
    (LTI + "lis", "person_sourcedid"),
    (LTI + "lis", "course_section_sourcedid"),
    (LTI + "custom", "user_login"),
    (LTI + "custom", "sis_person"),
    (LTI + "context", "title"),
    (LTI + "context", "label"),
    (LTI + "resource_link", "title"),
    (LTI + "resource_link", "description"),
    (LTI + "tool_platform", "contact_email"),
    (LTI + "launch_presentation", "unknown"),
    (LTI + "for_user", "user_id"),
    (LTI + "lti1p1", "user_id"),
    ("https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings", "data"),
    ("https://vendor.example/ext", "user_username"),
)
# Values that may stand in clear if they look as they should: a name does not.
SHAPED = (
    LTI + "message_type", LTI + "version", LTI + "deployment_id", "iss", "aud", "azp",
    LTI + "target_link_uri",
)  # fmt: skip


@st.composite
def personal(draw: st.DrawFn) -> tuple[dict[str, Any], list[str]]:
    """Claims with somebody's data all over them, and what must not be seen again."""
    seeded: list[str] = []

    def somebody() -> str:
        text = f"Zoë {draw(NAMES)} @home"
        seeded.append(text)
        return text

    claims: dict[str, Any] = {name: somebody() for name in PERSONAL}
    for place, name in NESTED:
        claims.setdefault(place, {})[name] = somebody()
    for name in draw(st.lists(st.sampled_from(SHAPED), unique=True)):
        claims[name] = somebody()
    claims[LTI + "roles"] = [somebody(), "Instructor"]
    claims[LTI + "role_scope_mentor"] = [somebody()]
    claims[LTI + "launch_presentation"]["return_url"] = (
        "https://lms.example/back?sesskey=K3YK3YK3Y&user=ana"
    )
    claims["https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"] = {
        "context_memberships_url": "https://lms.example/m?key=K3YK3YK3Y"
    }
    seeded.extend(("K3YK3YK3Y", "user=ana"))
    return claims, seeded


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=personal())
def test_no_seeded_value_is_kept_shown_logged_or_printed(
    world: World,
    log_lines: Callable[[], list[str]],
    drawn: tuple[dict[str, Any], list[str]],
) -> None:
    claims, seeded = drawn
    sign = rs256(world.lms.key)
    token = signed({"alg": "RS256", "kid": world.lms.key.kid}, claims, sign)
    fields = {"id_token": token, "state": "s" * 43, "login_hint": seeded[0]}
    answer = requests.post(
        f"{world.tool_url}/lti/launch", data=fields, timeout=30, allow_redirects=False
    )
    found = examine(world.database, world.settings, token)
    shown = json.dumps(
        [found.shown.header, found.shown.claims, found.shown.facts], ensure_ascii=False
    )
    everything = [stored(world), answer.text, "\n".join(log_lines()), shown]
    for text in everything:
        plain = text.replace("\\\\", "\\")
        assert [one for one in seeded if one in plain] == []
        assert token not in text
        assert token.split(".")[1] not in text
    assert found.shown.claims is not None
    assert all(is_kind(found.shown.claims[name]) for name in PERSONAL)


def test_what_stands_in_clear_is_what_a_diagnosis_needs() -> None:
    claims = {
        "iss": "https://lms.example", "aud": ["7", "x"], "azp": "7", "exp": 5, "iat": 4,
        f"{LTI}message_type": "LtiResourceLinkRequest", f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": "12:abc", f"{LTI}target_link_uri": "https://t/l?a=b",
        f"{LTI}roles": ["Instructor", "Ana", ("http://purl.imsglobal.org/vocab/lis/v2/"
                        "membership#Learner")],
        f"{LTI}context": {"id": "c1", "type": ["CourseSection"], "title": "Maths"},
        f"{LTI}custom": {"sis": "44"},
        f"{LTI}tool_platform": {"product_family_code": "canvas", "version": "cloud",
                                "name": "Our school"},
    }  # fmt: skip
    assert masked_claims(claims) == {
        **claims,
        f"{LTI}target_link_uri": "https://t/l?…",
        f"{LTI}roles": ["Instructor", {"kind": "text", "size": 3},
                        claims[f"{LTI}roles"][2]],
        f"{LTI}context": {"id": "c1", "type": ["CourseSection"],
                          "title": {"kind": "text", "size": 5}},
        f"{LTI}custom": {"sis": {"kind": "text", "size": 2}},
        f"{LTI}tool_platform": {"product_family_code": "canvas", "version": "cloud",
                                "name": {"kind": "text", "size": 10}},
    }  # fmt: skip
    header = {"alg": "RS256", "kid": "k1", "typ": "JWT", "jwk": {"n": "x"}}
    assert masked_header(header) == {**header, "jwk": {"kind": "object", "size": 1}}


def test_what_is_kept_of_a_huge_token_is_small() -> None:
    claims = {f"claim{n}": "x" * 100 for n in range(5_000)}
    claims[f"{LTI}roles"] = ["Instructor"] * 5_000  # type: ignore[assignment] # odd
    first = {f"{LTI}roles": claims.pop(f"{LTI}roles"), **claims}
    shown = masked_claims(first)
    assert len(shown) == 61
    assert shown["…"] == {"kind": "more", "size": 4_941}
    assert len(shown[f"{LTI}roles"]) == 21  # type: ignore[arg-type] # a list
    assert len(json.dumps(shown)) < 8_000


# --- how much is kept --------------------------------------------------------------


def refused(number: int, *, is_signed: bool = False, at: int | None = None) -> Refused:
    return Refused(
        error=LaunchError("E_STATE", "no login is waiting for this launch"),
        trace=Trace(registration_id=at, is_signed=is_signed),
        correlation_id=f"{number:016x}",
        fields={},
    )


def count(database: Database) -> int:
    with database.read() as session:
        return refusals.count_refusals(session, Wish())


def test_a_flood_writes_a_burst_and_then_a_few_a_second(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "PER_SECOND", 3.0)
    clock = [0.0]
    recorder = Recorder(database, monotonic=lambda: clock[0])
    kept = [recorder.record(refused(number)) for number in range(500)]
    assert (kept.count(True), count(database)) == (30, 30)
    # What a platform signed has its own measure.
    assert recorder.record(refused(1_000, is_signed=True))
    clock[0] = 10.0
    again = [recorder.record(refused(2_000 + number)) for number in range(500)]
    assert again.count(True) == 30
    clock[0] = 11.0
    assert [recorder.record(refused(3_000 + n)) for n in range(9)].count(True) == 3


def put(database: Database, number: int, now: datetime, **changed: Any) -> None:  # noqa: ANN401 -- any column
    values = {
        "correlation_id": f"{number:016x}", "code": "E_SIG", "reason": "r",
        "stage": "signature", "registration_id": None, "iss_host": None,
        "header": None, "claims": None, "facts": None, "is_signed": False,
        "refused_at": now,
    }  # fmt: skip
    with database.write() as session:
        refusals.put_refusal(session, Refusal(**(values | changed)))


def test_the_newest_are_kept_and_no_flood_pushes_the_signed_out(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "KEEP_UNSIGNED", 5)
    monkeypatch.setattr(refusals, "KEEP_SIGNED", 3)
    put(database, 1, now, is_signed=True)
    for number in range(2, 20):
        put(database, number, now)
    with database.read() as session:
        found = refusals.load_refusals(session, Wish())
    assert [int(one.correlation_id, 16) for one in found] == [19, 18, 17, 16, 15, 1]


def test_a_refusal_is_forgotten_after_90_days(
    database: Database, now: datetime
) -> None:
    put(database, 1, now - timedelta(days=91))
    put(database, 2, now - timedelta(days=89))
    put(database, 3, now)
    with database.read() as session:
        left = refusals.load_refusals(session, Wish())
    assert [one.correlation_id for one in left] == [
        f"{3:016x}",
        f"{2:016x}",
    ]
    with database.write() as session:
        assert refusals.prune(session, now=now + timedelta(days=2)) == 1
    assert count(database) == 1


def test_refusals_are_listed_by_platform_code_and_time(
    database: Database, now: datetime
) -> None:
    put(database, 1, now - timedelta(days=3), code="E_ALG")
    put(database, 2, now - timedelta(days=8))
    put(database, 3, now)
    with database.read() as session:

        def listed(**wish: Any) -> list[int]:  # noqa: ANN401 -- any condition
            found = refusals.load_refusals(session, Wish(**wish))
            return [int(one.correlation_id, 16) for one in found]

        assert listed() == [3, 2, 1]
        assert listed(code="E_ALG") == [1]
        assert listed(since=now - timedelta(days=7)) == [3, 1]
        assert listed(registration_id=7) == []
        assert listed(is_unknown_platform=True) == [3, 2, 1]
        assert refusals.count_by_code(session, Wish()) == {"E_SIG": 2, "E_ALG": 1}
        assert refusals.load_refusals(session, Wish(), first=1, count=1)[0].code == (
            "E_SIG"
        )


def test_a_busy_database_changes_no_answer(world: World) -> None:
    """Somebody writes all the while: the refusal is not kept, and not held up."""
    play = Play(alone(world))
    fields = play.begin() | {"id_token": "x"}
    with world.database.write() as session:
        session.execute(delete(schema.refusal))
        answer = play.post(fields)
    assert (answer.status_code, answer.headers["X-MasteryBridge-Code"]) == (
        400,
        "E_FORMAT",
    )
    assert count(world.database) == 0


# --- counters ----------------------------------------------------------------------


def counted(url: str, **headers: str) -> dict[str, float]:
    answer = requests.get(f"{url}/metrics", headers=headers, timeout=30)
    assert answer.status_code == 200
    lines = re.findall(r"^(masterybridge_[^ ]+) ([\d.e+]+)$", answer.text, re.MULTILINE)
    return {name: float(number) for name, number in lines}


def test_refusals_launches_and_logins_are_counted(world: World) -> None:
    play = Play(alone(world))
    before = counted(world.tool_url)
    assert before['masterybridge_refusals_total{code="E_NONCE"}'] == 0
    play.launch(lambda _, claims: claims.pop("nonce"))
    play.launch(lambda _, claims: claims.pop("nonce"))
    play.post({"state": "x"})
    play.launch()
    after = counted(world.tool_url)
    changed = {
        name: number - before.get(name, 0)
        for name, number in after.items()
        if number != before.get(name, 0) and "created" not in name
    }
    assert changed == {
        'masterybridge_refusals_total{code="E_NONCE"}': 2,
        'masterybridge_refusals_total{code="E_STATE"}': 1,
        'masterybridge_launches_total{role="learner"}': 1,
        "masterybridge_logins_total": 3,
    }


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"]
)
def test_metrics_are_not_told_to_what_a_proxy_passed_on(play: Play, name: str) -> None:
    # The tests' own server takes such headers away before the application sees them.
    client = create_app(play.world.settings, play.world.database).test_client()
    here = client.get("/metrics")
    passed_on = client.get("/metrics", headers={name: "127.0.0.1"})
    elsewhere = client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    answers = [here.status_code, passed_on.status_code, elsewhere.status_code]
    assert answers == [200, 404, 404]


# --- a token examined --------------------------------------------------------------


def test_a_sound_token_passes_and_nothing_is_used_up(play: Play) -> None:
    forget(play.world)
    fields = play.begin()
    found = examine(play.world.database, play.world.settings, fields["id_token"])
    assert found.refusals == ()
    assert found.passed == (
        "answer", "format", "registration", "signature", "times", "message",
    )  # fmt: skip
    assert found.shown.is_signed
    assert count(play.world.database) == 0
    assert play.post(fields).status_code == 303


def test_all_that_is_wrong_with_a_token_is_said_in_the_order_of_a_launch(
    play: Play,
) -> None:
    fields = play.begin(
        lambda header, claims: (
            header.update(kid="unheard-of"),
            claims.update({"exp": now_and(-90), "iat": now_and(-120)}),
            claims.pop(f"{LTI}roles"),
        )
    )
    pasted = f"state={fields['state']}&id_token={fields['id_token']}"
    found = examine(play.world.database, play.world.settings, pasted)
    assert [one.rule.id for one in found.refusals] == [
        "kid-known",
        "expired",
        "claims",
    ]
    assert found.passed == ("answer", "format", "registration")
    assert said(found.refusals[0])["kid"] == (
        [play.world.lms.key.kid],
        "unheard-of",
    )


@pytest.mark.parametrize(
    "form",
    [
        '<form><input type="hidden" name="id_token" value="{}"><input name="state">',
        '{{"id_token": "{}", "state": "s"}}',
        "state=s&id_token={}&lti_storage_target=_parent",
        " {}\n",
    ],
)
def test_the_whole_form_may_be_pasted(play: Play, form: str) -> None:
    token = play.begin()["id_token"]
    pasted = form.format(token)
    found = examine(play.world.database, play.world.settings, pasted)
    assert (found.refusals, found.shown.is_signed) == ((), True)


@pytest.mark.parametrize(
    ("pasted", "rule"),
    [
        ("error=unauthorized_client&state=x", "platform-error-client"),
        ("what is this", "token-form"),
        ("a.b", "token-form"),
        ("x" * 70_000, "size"),
    ],
)
def test_what_is_no_token_is_explained_too(play: Play, pasted: str, rule: str) -> None:
    found = examine(play.world.database, play.world.settings, pasted)
    assert [one.rule.id for one in found.refusals] == [rule]


def test_a_token_of_a_platform_that_is_not_ours_is_told_apart(
    play: Play,
) -> None:
    token = signed(
        {"alg": "RS256", "kid": "k"},
        {"iss": play.world.lms_url.upper(), "aud": "7"},
        rs256(play.world.lms.key),
    )
    found = examine(play.world.database, play.world.settings, token)
    first = found.refusals[0]
    assert first.rule.id == "registered"
    assert datetime.now(UTC) > first.refusal.refused_at


def test_where_to_set_it_is_worded_as_the_menus_of_the_lms_are(play: Play) -> None:
    world = play.world
    play.stage.switch(world.registration_id, vendor="moodle")
    found = explained(world, PLAYS["A50"].act(play))
    play.stage.switch(world.registration_id, vendor="other")
    assert found.menu == (
        "Site administration > Plugins > Activity modules > External tool > Manage "
        "tools > gear icon > Tool settings"
    )


@pytest.mark.parametrize(
    "pasted",
    ["<input name=id_token ", "<input", "id_token ", "<input name='id_token' value='"],
)
def test_what_is_pasted_holds_nobody_up_whatever_it_is(pasted: str) -> None:
    # Of some patterns a few kilobytes took minutes; a whole paste takes no second.
    token, error = parse_paste(pasted * (MAX_PASTE // len(pasted)))
    assert "eyJ" not in token
    assert error == ""


def test_a_form_is_read_with_its_attributes_in_any_order() -> None:
    form = '<INPUT type="hidden" value="aa.bb.cc" name="id_token"><input name="state">'
    assert parse_paste(form) == ("aa.bb.cc", "")
