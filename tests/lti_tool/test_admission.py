"""Launches over real HTTP: the pretend LMS on one socket, the tool on another."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import time_machine
from joserfc.jwk import RSAKey
from sqlalchemy import select, update

from lti_tool.demo.browserless import browser_session, read_forms
from lti_tool.storage import registrations, schema
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work import erasing

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/"
MEMBERSHIP = f"{VOCABULARY}membership"
Header = dict[str, Any]
Claims = dict[str, Any]
WRITTEN = ("person", "lms_user", "seat", "placement", "web_session")


def drop(name: str) -> Callable[[Header, Claims], None]:
    return lambda _header, claims: claims.pop(name)


def put(name: str, value: object) -> Callable[[Header, Claims], None]:
    return lambda _header, claims: claims.__setitem__(name, value)


def head(name: str, value: object) -> Callable[[Header, Claims], None]:
    return lambda header, _claims: header.__setitem__(name, value)


def shift(name: str, seconds: float) -> Callable[[Header, Claims], None]:
    return lambda _header, claims: claims.__setitem__(name, claims[name] + seconds)


def now_and(seconds: float) -> int:
    return int(time.time() + seconds)


REFUSED: list[tuple[str, Callable[[Header, Claims], None], str, int]] = [
    ("no kid", lambda header, _: header.pop("kid"), "E_KID", 401),
    ("unknown kid", head("kid", "nobody's"), "E_KID", 401),
    ("key in the header", head("jwk", {"kty": "RSA"}), "E_FORMAT", 400),
    ("key address", head("jku", "https://evil.example/k"), "E_FORMAT", 400),
    ("certificate address", head("x5u", "https://evil.example/"), "E_FORMAT", 400),
    ("no exp", drop("exp"), "E_TIME", 401),
    ("no iat", drop("iat"), "E_TIME", 401),
    ("exp is text", put("exp", "9999999999"), "E_TIME", 401),
    ("exp is true", put("exp", value=True), "E_TIME", 401),
    ("iat an hour ahead", shift("iat", 3600), "E_TIME", 401),
    ("iat 1970", put("iat", 5), "E_TIME", 401),
    ("nbf ahead", lambda _, c: c.update(nbf=now_and(3600)), "E_TIME", 401),
    ("another audience", put("aud", "another-client"), "E_AUD", 401),
    ("empty audience", put("aud", []), "E_AUD", 401),
    ("audience an object", put("aud", {"a": 1}), "E_AUD", 401),
    ("several, no azp", lambda _, c: c.update(aud=[c["aud"], "x"]), "E_AUD", 401),
    ("azp another", put("azp", "another-client"), "E_AUD", 401),
    ("trailing slash", lambda _, c: c.update(iss=c["iss"] + "/"), "E_ISS", 401),
    ("no nonce", drop("nonce"), "E_NONCE", 401),
    ("another nonce", put("nonce", "of another login"), "E_NONCE", 401),
    ("another deployment", put(f"{LTI}deployment_id", "99"), "E_DEPLOYMENT", 403),
    ("deployment missing", drop(f"{LTI}deployment_id"), "E_CLAIM", 400),
    ("version 1.3.1", put(f"{LTI}version", "1.3.1"), "E_VERSION", 400),
    ("no version", drop(f"{LTI}version"), "E_VERSION", 400),
    ("no message type", drop(f"{LTI}message_type"), "E_MSGTYPE", 400),
    ("privacy launch", put(f"{LTI}message_type", "DataPrivacyLaunchRequest"),
     "E_MSGTYPE", 400),
    ("no resource link", drop(f"{LTI}resource_link"), "E_CLAIM", 400),
    ("resource link text", put(f"{LTI}resource_link", "l1"), "E_CLAIM", 400),
    ("resource link null", put(f"{LTI}resource_link", None), "E_CLAIM", 400),
    ("resource link empty", put(f"{LTI}resource_link", {"id": ""}), "E_CLAIM", 400),
    ("no roles", drop(f"{LTI}roles"), "E_CLAIM", 400),
    ("roles text", put(f"{LTI}roles", "Instructor"), "E_CLAIM", 400),
    ("roles numbers", put(f"{LTI}roles", [5]), "E_CLAIM", 400),
    ("roles null", put(f"{LTI}roles", [None]), "E_CLAIM", 400),
    ("no sub", drop("sub"), "E_CLAIM", 400),
    ("sub a number", put("sub", 7), "E_CLAIM", 400),
    ("sub too long", put("sub", "s" * 256), "E_CLAIM", 400),
    ("sub with NUL", put("sub", "s\x00"), "E_FORMAT", 400),
    ("target elsewhere", put(f"{LTI}target_link_uri", "https://evil.example/lti/x"),
     "E_TARGET", 400),
    ("too large", put("filler", "x" * 70_000), "E_TOO_LARGE", 413),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_a_launch_with_one_thing_wrong_is_refused_and_leaves_nothing(
    quiet_world: World,
    log_lines: Callable[[], list[str]],
    change: Callable[[Header, Claims], None],
    code: str,
    status: int,
) -> None:
    world = quiet_world
    before = [world.count(table) for table in WRITTEN]
    world.edit(change)
    answer = world.open("ana")
    assert (answer.headers.get("X-MasteryBridge-Code"), answer.status_code) == (
        code,
        status,
    )
    assert "Set-Cookie" not in answer.headers
    assert [world.count(table) for table in WRITTEN] == before
    lines = [line for line in log_lines() if "launch." in line]
    assert len(lines) == 1
    for secret in ("Ana", "ana@school.example", "eyJ"):
        assert secret not in lines[0]
        assert secret not in answer.text


ACCEPTED: list[tuple[str, Callable[[Header, Claims], None], str]] = [
    ("several audiences, azp ours",
     lambda _, c: c.update(aud=["other", c["aud"]], azp=c["aud"]), "/mastery"),
    ("exp 30 s past", lambda _, c: c.update(exp=now_and(-30)), "/mastery"),
    ("no names, no mail", lambda _, c: [c.pop(k, None) for k in
     ("name", "given_name", "family_name", "email")] and None, "/mastery"),
    ("short role", put(f"{LTI}roles", ["Instructor"]), "/class"),
    ("several roles", put(f"{LTI}roles", [f"{MEMBERSHIP}#Learner",
     f"{MEMBERSHIP}#Instructor"]), "/class"),
    ("teaching assistant", put(f"{LTI}roles",
     [f"{MEMBERSHIP}/Instructor#TeachingAssistant"]), "/class"),
    ("learner by sub-role", put(f"{LTI}roles", [f"{MEMBERSHIP}/Learner#Instructor"]),
     "/mastery"),
    ("administrator of the institution", put(f"{LTI}roles",
     [f"{VOCABULARY}institution/person#Administrator", f"{MEMBERSHIP}#Learner"]),
     "/mastery"),
    ("unknown role", put(f"{LTI}roles", [f"{VOCABULARY}unknown/unknown#Helper"]), "/"),
    ("unknown namespace", put(f"{LTI}roles", ["http://evil.example/v2#Instructor"]),
     "/"),
    ("no role", put(f"{LTI}roles", []), "/"),
    ("one empty role", put(f"{LTI}roles", [""]), "/"),
    ("no context", drop(f"{LTI}context"), "/"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "page"),
    [case[1:] for case in ACCEPTED],
    ids=[case[0] for case in ACCEPTED],
)
def test_a_launch_the_standard_allows_opens_a_useful_page(
    quiet_world: World, change: Callable[[Header, Claims], None], page: str
) -> None:
    quiet_world.edit(change)
    answer = quiet_world.open("ana")
    assert answer.status_code == 200
    assert answer.url.endswith(page)
    assert "<h1" in answer.text


def test_a_token_signed_with_another_key_is_refused(world: World) -> None:
    world.lms.launch_key = RSAKey.generate_key(2048, {"kid": world.lms.key.kid})
    assert world.open().headers["X-MasteryBridge-Code"] == "E_SIG"


def begun(world: World, session: requests.Session) -> dict[str, str]:
    """A launch up to the form that carries the id_token to the tool."""
    session.post(f"{world.lms_url}/session", data={"person_id": "ana"}, timeout=30)
    page = session.get(f"{world.lms_url}/launch", params={"link": "l1"}, timeout=30)
    while "id_token" not in page.text:
        form = read_forms(page)[0]
        page = session.request(
            form.method, form.action, data=form.fields, timeout=30
        ) if form.method == "post" else session.get(
            form.action, params=form.fields, timeout=30
        )  # fmt: skip
    return read_forms(page)[0].fields


def post(world: World, session: requests.Session, fields: dict[str, str]) -> str:
    answer = session.post(
        f"{world.tool_url}/lti/launch", data=fields, timeout=30, allow_redirects=False
    )
    return answer.headers.get("X-MasteryBridge-Code", str(answer.status_code))


def test_a_launch_is_good_once(world: World) -> None:
    session = browser_session()
    fields = begun(world, session)
    assert [post(world, session, fields) for _ in range(2)] == ["303", "E_STATE"]


def test_of_two_launches_at_one_instant_one_is_let_in(world: World) -> None:
    session = browser_session()
    fields, start, codes = begun(world, session), threading.Barrier(4), []

    def race() -> None:
        mine = browser_session()
        mine.cookies.update(session.cookies)
        start.wait()
        codes.append(post(world, mine, fields))

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count("303") == 1
    assert set(codes) <= {"303", "E_STATE", "E_REPLAY"}
    assert world.count("web_session") == 1


def test_a_launch_belongs_to_the_browser_that_logged_in(world: World) -> None:
    session = browser_session()
    fields = begun(world, session)
    assert post(world, browser_session(), fields) == "E_STATE"
    assert post(world, session, fields) == "303"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": ""}, "E_STATE"),
        ({"state": "state-forged"}, "E_STATE"),
        ({"id_token": ""}, "E_REQ"),
        ({"id_token": "a.b"}, "E_FORMAT"),
        ({"id_token": "a.b.c.d.e"}, "E_FORMAT"),
        ({"id_token": "A" * 200_000}, "E_TOO_LARGE"),
        ({"error": "login_required", "id_token": ""}, "E_PLATFORM_ERROR"),
        ({"error": "<script>alert(1)</script>"}, "E_PLATFORM_ERROR"),
    ],
)
def test_an_answer_that_is_no_launch_is_refused(
    quiet_world: World, change: dict[str, str], code: str
) -> None:
    session, world = browser_session(), quiet_world
    world.lms.launch_edit = None
    assert post(world, session, begun(world, session) | change) == code


def test_a_nonce_belongs_to_its_own_login(world: World) -> None:
    session = browser_session()
    one, two = begun(world, session), begun(world, session)
    assert post(world, session, one | {"id_token": two["id_token"]}) == "E_NONCE"


def test_an_unsigned_token_does_not_use_the_login_up(world: World) -> None:
    session = browser_session()
    fields = begun(world, session)
    head_, body, signature = fields["id_token"].split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"x"}').rstrip(b"=").decode()
    changed = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed["sub"] = "tea"
    other = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
    for token, code in (
        (f"{none}.{body}.", "E_ALG"),
        (f"{head_}.{other}.{signature}", "E_SIG"),
    ):
        assert post(world, session, fields | {"id_token": token}) == code
    assert post(world, session, fields) == "303"


def test_a_login_runs_out_after_ten_minutes(world: World) -> None:
    session = browser_session()
    fields = begun(world, session)
    later = time.time() + timedelta(minutes=10, seconds=1).total_seconds()
    # By the server's clock the connection of the login idled too long as well.
    session.close()
    with time_machine.travel(later):
        assert post(world, session, fields) == "E_STATE"


def test_a_launch_by_get_is_refused(world: World) -> None:
    answer = requests.get(f"{world.tool_url}/lti/launch", timeout=30)
    assert (answer.status_code, answer.headers["X-MasteryBridge-Code"]) == (
        405,
        "E_METHOD",
    )


LOGINS = [
    ({"iss": ""}, "E_REQ"),
    ({"login_hint": ""}, "E_REQ"),
    ({"target_link_uri": ""}, "E_REQ"),
    ({"iss": "https://nobody.example"}, "E_ISS"),
    ({"client_id": "unknown"}, "E_ISS"),
    ({"client_id": ""}, "302"),
    ({"target_link_uri": "https://evil.example/lti/launch"}, "E_TARGET"),
    ({"target_link_uri": "{tool}.evil.example/lti/launch"}, "E_TARGET"),
    ({"target_link_uri": "{tool}@evil.example/lti/launch"}, "E_TARGET"),
    ({"target_link_uri": "{tool}/s/anything/"}, "E_TARGET"),
    ({"target_link_uri": "{tool}/lti/../s/x/"}, "E_TARGET"),
    ({"login_hint": "x" * 9000}, "E_REQ"),
    ({"login_hint": "a\x00b"}, "E_REQ"),
    ({}, "302"),
]


@pytest.mark.parametrize(("change", "code"), LOGINS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_login_is_answered_or_refused(
    quiet_world: World, change: dict[str, str], code: str, method: str
) -> None:
    world, before = quiet_world, quiet_world.count("login_state")
    fields = login_fields(world) | {
        name: value.replace("{tool}", world.tool_url) for name, value in change.items()
    }
    answer = requests.request(
        method,
        f"{world.tool_url}/lti/login",
        params=fields if method == "GET" else None,
        data=fields if method == "POST" else None,
        timeout=30,
        allow_redirects=False,
    )
    found = answer.headers.get("X-MasteryBridge-Code", str(answer.status_code))
    assert found == code
    assert world.count("login_state") - before == (1 if code == "302" else 0)


def login_fields(world: World) -> dict[str, str]:
    registration = registration_of(world)
    return {
        "iss": registration.issuer,
        "client_id": registration.client_id,
        "login_hint": "ana",
        "lti_message_hint": "a hint",
        "target_link_uri": f"{world.tool_url}/lti/launch",
    }


def registration_of(world: World) -> registrations.Registration:
    with world.database.read() as session:
        return registrations.load_registration(session, world.registration_id)


def test_a_login_asks_for_exactly_what_the_standard_says(world: World) -> None:
    answer = requests.get(
        f"{world.tool_url}/lti/login",
        params=login_fields(world),
        timeout=30,
        allow_redirects=False,
    )
    target = urlsplit(answer.headers["Location"])
    asked = {name: values[0] for name, values in parse_qs(target.query).items()}
    assert len(asked.pop("state")) > 43
    assert len(asked.pop("nonce")) == 43
    assert asked == {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": registration_of(world).client_id,
        "redirect_uri": f"{world.tool_url}/lti/launch",
        "login_hint": "ana",
        "lti_message_hint": "a hint",
    }
    cookie = answer.headers["Set-Cookie"]
    for attribute in ("__Host-masterybridge-", "Secure", "HttpOnly", "SameSite=None",
                      "Partitioned", "Path=/"):  # fmt: skip
        assert attribute in cookie


def test_a_disabled_registration_lets_nobody_in(world: World) -> None:
    session = browser_session()
    fields = begun(world, session)
    with world.database.write() as writing:
        writing.execute(schema.registration.update().values(status="disabled"))
    assert post(world, session, fields) == "E_DISABLED"
    assert world.open().headers["X-MasteryBridge-Code"] == "E_DISABLED"


def test_who_was_erased_is_not_let_in_until_somebody_lifts_it(world: World) -> None:
    assert world.open("ana").status_code == 200
    with world.database.read() as reading:
        user = reading.execute(schema.lms_user.select()).one()
    erasing.erase(world.database, user.person_id, who="cli", now=user.seen_at)
    assert world.open("ana").headers["X-MasteryBridge-Code"] == "E_DISABLED"
    with world.database.read() as reading:
        assert reading.execute(schema.lms_user.select()).all() == []
    assert erasing.lift(world.database, user.subject, who="cli", now=user.seen_at) == 1
    assert world.open("ana").status_code == 200


def test_an_unknown_deployment_waits_for_an_administrator(unapproved: World) -> None:
    world = unapproved
    answer = world.open()
    assert answer.headers["X-MasteryBridge-Code"] == "E_DEPLOYMENT"
    with world.database.read() as session:
        waiting = registrations.load_deployments(session, world.registration_id)
    assert [(one["deployment_id"], one["status"]) for one in waiting] == [
        (world.deployment_id, "pending")
    ]
    assert world.count("person") == 0
    with world.database.write() as writing:
        registrations.activate_deployment(
            writing, world.registration_id, world.deployment_id,
            now=world.lms.clock(),
        )  # fmt: skip
    assert world.open().status_code == 200


def test_what_a_launch_says_is_remembered(world: World) -> None:
    world.open("ana")
    with world.database.read() as session:
        user = session.execute(select(schema.lms_user)).mappings().one()
        place = session.execute(select(schema.placement)).mappings().one()
        course = session.execute(select(schema.course)).mappings().one()
        seat = session.execute(select(schema.seat)).mappings().one()
    assert (user["subject"], user["given_name"], user["link_rule"]) == (
        "ana", "Ana", "alone",
    )  # fmt: skip
    assert (place["context_id"], place["course_id"]) == ("c1", course["id"])
    assert place["nrps_url"].startswith(world.lms_url)
    assert place["ags_line_items_url"].startswith(world.lms_url)
    assert (course["title"], course["sis_class_id"]) == ("Mathematics 7", None)
    assert (seat["person_id"], seat["role"], seat["origin"]) == (
        user["person_id"], "learner", "lms",
    )  # fmt: skip


def test_a_launch_tells_which_product_a_platform_is(world: World) -> None:
    world.open("ana")
    with world.database.read() as session:
        kept = session.scalar(select(schema.registration.c.product))
    assert kept == {
        "family": "pretend-lms",
        "version": "1",
        "guid": world.lms_url.partition("://")[2],
        "name": "Pretend LMS (demo)",
    }


def test_a_platform_that_is_down_gives_503_and_is_asked_again(world: World) -> None:
    session = browser_session()
    fields = begun(world, session)
    with world.database.write() as writing:
        writing.execute(
            schema.registration.update().values(jwks_url="http://localhost:1/jwks")
        )
    answer = session.post(f"{world.tool_url}/lti/launch", data=fields, timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert answer.headers["X-MasteryBridge-Code"] == "E_KEYS_UNAVAILABLE"
    with world.database.write() as writing:
        writing.execute(
            schema.registration.update().values(jwks_url=f"{world.lms_url}/lti/jwks")
        )
    assert post(world, session, fields) == "303"


def test_our_keys_are_published_and_public(world: World) -> None:
    keys = requests.get(f"{world.tool_url}/lti/jwks", timeout=30).json()["keys"]
    assert len(keys) == 2
    for key in keys:
        assert sorted(key) == ["alg", "e", "kid", "kty", "n", "use"]
        assert (key["alg"], key["use"], key["kty"]) == ("RS256", "sig", "RSA")


def seed_class(world: World, sourced_id: str = "class-7") -> int:
    with world.database.write() as session:
        source = session.scalar(
            schema.source.insert()
            .values(name="sis", kind="csv", location="x", created_at=world.lms.clock())
            .returning(schema.source.c.id)
        )
        found = session.scalar(
            schema.sis_class.insert()
            .values(
                source_id=source, sourced_id=sourced_id, fingerprint="x", title="Maths"
            )
            .returning(schema.sis_class.c.id)
        )
    return int(found or 0)


def courses(world: World) -> list[int | None]:
    with world.database.read() as session:
        joined = select(schema.course.c.sis_class_id).join(
            schema.placement, schema.placement.c.course_id == schema.course.c.id
        )
        return list(session.scalars(joined))


def test_a_launch_that_names_a_sis_class_joins_its_course(world: World) -> None:
    sis_class = seed_class(world)
    world.open("tea")
    world.open("ana")
    assert courses(world) == [sis_class]


def test_a_course_of_the_lms_joins_the_sis_class_once_it_is_known(
    world: World,
) -> None:
    world.open("tea")
    assert courses(world) == [None]
    sis_class = seed_class(world)
    world.open("tea")
    assert courses(world) == [sis_class]


def test_a_course_may_name_its_sis_class_by_custom_parameter(world: World) -> None:
    sis_class = seed_class(world, "other-9")
    world.edit(put(f"{LTI}custom", {"sis_class": "other-9"}))
    world.open("tea")
    assert courses(world) == [sis_class]


def test_where_teachers_write_custom_parameters_they_name_no_sis_class(
    world: World,
) -> None:
    seed_class(world, "other-9")
    with world.database.write() as session:
        session.execute(update(schema.registration).values(vendor="moodle"))
    custom = {"sis_class": "other-9", "sis_sections": "other-9", "sis_person": "x"}
    world.edit(put(f"{LTI}custom", custom))
    world.open("tea")
    assert courses(world) == [None]
    with world.database.read() as session:
        assert session.scalar(select(schema.lms_user.c.lis_person_sourcedid)) is None


def test_a_token_in_the_address_is_not_looked_at(world: World) -> None:
    session = browser_session()
    fields = begun(world, session)
    answer = session.post(
        f"{world.tool_url}/lti/launch",
        params={"id_token": fields.pop("id_token")},
        data=fields,
        timeout=30,
    )
    assert answer.headers["X-MasteryBridge-Code"] == "E_REQ"


@pytest.mark.parametrize(
    ("vendor", "kept"), [("moodle", "?id=2"), ("other", "?id=2&sesskey=secret")]
)
def test_the_way_back_is_kept_without_the_platforms_secret(
    world: World, vendor: str, kept: str
) -> None:
    back = f"{world.lms_url}/back"
    presentation = {"return_url": f"{back}?id=2&sesskey=secret", "locale": "pt-BR"}
    world.edit(put(f"{LTI}launch_presentation", presentation))
    with world.database.write() as session:
        session.execute(schema.registration.update().values(vendor=vendor))
    world.open("ana")
    with world.database.read() as session:
        visit = session.execute(select(schema.web_session)).mappings().one()
    assert (visit["return_url"], visit["locale"]) == (back + kept, "pt-BR")


@pytest.mark.parametrize("url", ["https://evil.example/", "http://localhost:1/"])
def test_a_way_back_elsewhere_is_not_kept(world: World, url: str) -> None:
    presentation = {"return_url": url, "locale": "<b>"}
    world.edit(put(f"{LTI}launch_presentation", presentation))
    world.open("ana")
    with world.database.read() as session:
        visit = session.execute(select(schema.web_session)).mappings().one()
    assert (visit["return_url"], visit["locale"]) == (None, None)


def test_a_student_preview_is_shown_and_not_recorded(world: World) -> None:
    test_user = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
    world.edit(put(f"{LTI}roles", [f"{MEMBERSHIP}#Learner", test_user]))
    answer = world.open("ana")
    assert answer.url.endswith("/mastery")
    assert world.count("seat") == 0


def test_two_clients_of_one_issuer_must_be_told_apart(world: World) -> None:
    registration = registration_of(world)
    with world.database.write() as session:
        registrations.add_registration(
            session,
            NewRegistration(
                name="Another", issuer=registration.issuer, client_id="another",
                auth_url=registration.auth_url, token_url=registration.token_url,
                jwks_url=registration.jwks_url,
            ),
            now=world.lms.clock(),
        )  # fmt: skip
    for client_id, code in (("", "E_ISS"), (registration.client_id, None)):
        answer = requests.get(
            f"{world.tool_url}/lti/login",
            params=login_fields(world) | {"client_id": client_id},
            timeout=30,
            allow_redirects=False,
        )
        assert answer.headers.get("X-MasteryBridge-Code") == code
