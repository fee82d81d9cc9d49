"""The pretend LMS in the browser: launches, deep linking, pages.

The second opinion is a tool written here on pylti1p3: what it accepts or refuses is
decided by another library than the one the pretend LMS is written with.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from flask import Flask, Response, jsonify, make_response, request
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from playwright.sync_api import Browser, expect
from pylti1p3.contrib.flask.message_launch import FlaskMessageLaunch
from pylti1p3.contrib.flask.oidc_login import FlaskOIDCLogin
from pylti1p3.contrib.flask.request import FlaskRequest
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.exception import LtiException
from pylti1p3.lineitem import LineItem as PyltiLineItem
from pylti1p3.tool_config.dict import ToolConfDict
from werkzeug.serving import BaseWSGIServer, make_server

from lti_tool.demo.browserless import (
    WalkError,
    browser_session,
    follow,
    is_loopback,
    launch_by_http,
    read_forms,
    submit,
)
from lti_tool.demo.platform import (
    CANVAS,
    MOODLE,
    STANDARD,
    Manners,
    Platform,
    UnknownRecordError,
)
from tests.ports import free_port

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
KEY = RSAKey.generate_key(2048)
LMS_KEY = RSAKey.generate_key(2048, auto_kid=True)
Site = Callable[..., str]


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve an application on a real socket until the test ends."""
    running: list[tuple[BaseWSGIServer, threading.Thread]] = []

    def start(app: Flask, port: int = 0) -> str:
        server = make_server("127.0.0.1", port, app, threaded=True)
        thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join(timeout=30)
        server.server_close()


def heard() -> FlaskRequest:
    """The request as pylti1p3 sees it: loopback is as good as https."""
    untyped: Callable[..., FlaskRequest] = FlaskRequest
    return untyped(request_is_secure=True)


@dataclass
class Tool:
    """A tool on pylti1p3; keeps what its last launch said."""

    url: str = ""
    config: ToolConfDict | None = None
    logins: list[dict[str, str]] = field(default_factory=list)
    launches: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    posted: list[dict[str, str]] = field(default_factory=list)
    cookies: list[str | None] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask("tool-on-pylti1p3")
        app.secret_key = secrets.token_hex()
        app.config.update(
            SESSION_COOKIE_NAME="tool_session",
            SESSION_COOKIE_SAMESITE="None",
            SESSION_COOKIE_SECURE=True,
            SESSION_COOKIE_PARTITIONED=True,
        )

        @app.route("/login", methods=["GET", "POST"])
        def login() -> Response:
            self.logins.append(request.values.to_dict())
            oidc = FlaskOIDCLogin(heard(), self.config)
            response: Response = oidc.redirect(f"{self.url}/launch")
            response.set_cookie("__Host-seat", "7", secure=True, path="/")
            return response

        @app.post("/launch")
        def launch() -> Response:
            self.posted.append(request.form.to_dict())
            self.cookies.append(request.cookies.get("__Host-seat"))
            if "error" in request.form:
                return make_response(f"sent away: {request.form['error']}", 401)
            message = FlaskMessageLaunch(heard(), self.config)
            try:
                claims = message.get_launch_data()
            except LtiException as error:
                self.refusals.append(str(error))
                return make_response("refused", 401)
            self.launches.append(dict(claims))
            if message.is_deep_link_launch():
                return make_response(
                    '<form method="post" action="/pick"><input name="title">'
                    f'<input type="hidden" name="id" value="{message.get_launch_id()}">'
                    "</form>"
                )
            return make_response(f"hello {claims['name']}")

        @app.post("/pick")
        def pick() -> str:
            message = FlaskMessageLaunch.from_cache(
                request.form["id"], heard(), self.config
            )
            item = PyltiLineItem().set_label("Unit 1").set_score_maximum(4)
            picked = (
                DeepLinkResource()
                .set_title(request.form["title"])
                .set_url(f"{self.url}/launch?unit=1")
                .set_custom_params({"who": "$Person.sourcedId", "unit": "1"})
                .set_lineitem(item.set_tag("mastery").set_resource_id("unit-1"))
            )
            return str(message.get_deep_link().output_response_form([picked]))

        @app.get("/jwks")
        def jwks() -> Response:
            keys = self.config.get_jwks() if self.config else {}
            return jsonify(keys)

        return app

    def learn(self, platform: Platform) -> None:
        """Register with the platform, both ways."""
        told = platform.register_tool(
            login_url=f"{self.url}/login",
            redirect_uris=[f"{self.url}/launch"],
            jwks_url=f"{self.url}/jwks",
            launch_url=f"{self.url}/launch",
        )
        self.config = ToolConfDict(
            {
                told.issuer: {
                    "default": True,
                    "client_id": told.client_id,
                    "auth_login_url": told.auth_url,
                    "auth_token_url": told.token_url,
                    "key_set_url": told.jwks_url,
                    "deployment_ids": [told.deployment_id],
                }
            }
        )
        self.config.set_private_key(
            told.issuer, KEY.as_pem(private=True).decode(), client_id=told.client_id
        )
        self.config.set_public_key(
            told.issuer, KEY.as_pem(private=False).decode(), client_id=told.client_id
        )


@dataclass(frozen=True)
class Pair:
    """A pretend LMS and a tool, each on a socket of its own."""

    platform: Platform
    tool: Tool

    def client_id(self) -> str:
        return next(iter(self.platform.tools))


@pytest.fixture
def pair_with(site: Site) -> Callable[..., Pair]:
    def start(manners: Manners = STANDARD, host: str = "127.0.0.1") -> Pair:
        port = free_port()
        platform = Platform(
            url=f"http://{host}:{port}", manners=manners, seed=7, key=LMS_KEY
        )
        tool = Tool()
        tool.url = site(tool.app())
        tool.learn(platform)
        furnish(platform, tool.url)
        site(platform.app, port)
        return Pair(platform, tool)

    return start


@pytest.fixture
def pair(pair_with: Callable[..., Pair]) -> Pair:
    return pair_with()


def furnish(platform: Platform, tool_url: str) -> None:
    platform.add_course("c7", "Mathematics 7", "M7", "class-7")
    platform.add_course("c8", "Mathematics 8", "M8")
    platform.add_person("lee", "Grace", "Lee", "lee@school.example", locale="en-GB")
    platform.add_person(
        "amira",
        "Amira",
        "Nasser",
        "amira@school.example",
        sis_user_sourced_id="sis-amira",
        locale="ar",
    )
    platform.enroll("c7", "lee", "instructor")
    platform.enroll("c7", "amira", "learner")
    platform.add_link(
        "c7",
        "link-1",
        "Mastery",
        f"{tool_url}/launch",
        custom={"person": "$Person.sourcedId", "odd": "$Canvas.course.id"},
        graded=True,
    )


def opened(pair: Pair, person_id: str, place_id: str = "link-1") -> requests.Response:
    return launch_by_http(pair.platform.url, browser_session(), person_id, place_id)


# -- launches ---------------------------------------------------------------------


def test_pylti1p3_accepts_the_launch_of_a_student(pair: Pair) -> None:
    page = opened(pair, "amira")
    assert (page.status_code, page.text) == (200, "hello Amira Nasser")
    (claims,) = pair.tool.launches
    platform, (course_url) = pair.platform, pair.platform.url + "/lti/courses/c7"
    now = claims.pop("iat")
    nonce = claims.pop("nonce")
    assert len(nonce) >= 16
    assert claims.pop("exp") == now + 300
    assert claims == {
        "iss": platform.url,
        "aud": pair.client_id(),
        "sub": "amira",
        "name": "Amira Nasser",
        "given_name": "Amira",
        "family_name": "Nasser",
        "email": "amira@school.example",
        "locale": "ar",
        LTI + "version": "1.3.0",
        LTI + "message_type": "LtiResourceLinkRequest",
        LTI + "deployment_id": platform.tools[pair.client_id()].deployment_id,
        LTI + "target_link_uri": f"{pair.tool.url}/launch",
        LTI + "roles": [f"{MEMBERSHIP}#Learner"],
        LTI + "context": {
            "id": "c7",
            "label": "M7",
            "title": "Mathematics 7",
            "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"],
        },
        LTI + "resource_link": {"id": "link-1", "title": "Mastery"},
        LTI + "lis": {
            "person_sourcedid": "sis-amira",
            "course_section_sourcedid": "class-7",
        },
        LTI + "custom": {"person": "sis-amira", "odd": "$Canvas.course.id"},
        LTI + "launch_presentation": {
            "document_target": "iframe",
            "return_url": f"{platform.url}/courses/c7",
            "locale": "ar",
        },
        LTI + "tool_platform": {
            "guid": urlsplit(platform.url).netloc,
            "name": "Pretend LMS (demo)",
            "url": platform.url,
            "product_family_code": "pretend-lms",
            "version": "1",
        },
        AGS: {
            "scope": [
                "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
                "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly",
                "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly",
                "https://purl.imsglobal.org/spec/lti-ags/scope/score",
            ],
            "lineitems": f"{course_url}/line_items",
            "lineitem": f"{course_url}/line_items/1",
        },
        NRPS: {
            "context_memberships_url": f"{course_url}/memberships",
            "service_versions": ["2.0"],
        },
    }


def test_pylti1p3_accepts_the_launch_of_a_teacher(pair: Pair) -> None:
    assert opened(pair, "lee").text == "hello Grace Lee"
    (claims,) = pair.tool.launches
    assert claims[LTI + "roles"] == [f"{MEMBERSHIP}#Instructor"]
    assert claims[LTI + "lis"] == {"course_section_sourcedid": "class-7"}
    assert claims[LTI + "custom"]["person"] == ""


@pytest.mark.parametrize("manners", [CANVAS, MOODLE], ids=lambda m: m.name)
def test_pylti1p3_accepts_launches_with_vendor_manners(
    pair_with: Callable[..., Pair], manners: Manners
) -> None:
    pair = pair_with(manners)
    assert opened(pair, "amira").text == "hello Amira Nasser"
    (claims,) = pair.tool.launches
    (login,) = pair.tool.logins
    lasts = claims["exp"] - claims["iat"]
    extras = sorted(set(login) - {"iss", "login_hint", "target_link_uri"})
    seen = (lasts, extras, len(claims[LTI + "roles"]), claims[LTI + "context"]["type"])
    assert (
        seen
        == {
            "canvas": (
                3600,
                [
                    "canvas_environment",
                    "canvas_region",
                    "client_id",
                    "deployment_id",
                    "lti_message_hint",
                    "lti_storage_target",
                ],
                2,
                ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"],
            ),
            "moodle": (
                60,
                ["client_id", "lti_deployment_id", "lti_message_hint"],
                1,
                ["CourseSection"],
            ),
        }[manners.name]
    )


def test_a_moodle_address_of_a_column_carries_its_query(
    pair_with: Callable[..., Pair],
) -> None:
    pair = pair_with(MOODLE)
    opened(pair, "amira")
    endpoint = pair.tool.launches[0][AGS]
    assert endpoint["lineitem"].endswith("/line_items/1?type_id=1")


def test_a_second_column_of_a_link_takes_lineitem_out_of_the_launch(
    pair: Pair,
) -> None:
    pair.platform.gradebook.add_column(
        course_id="c7",
        client_id=pair.client_id(),
        label="More",
        maximum=1,
        resource_link_id="link-1",
    )
    opened(pair, "amira")
    assert "lineitem" not in pair.tool.launches[0][AGS]


def test_a_launch_can_be_edited_before_it_is_signed(pair: Pair) -> None:
    def age(header: dict[str, Any], claims: dict[str, Any]) -> None:
        header["typ"] = "odd"
        claims["exp"] = 1

    pair.platform.launch_edit = age
    assert opened(pair, "amira").status_code == 401
    assert pair.tool.refusals == [
        "Can't decode id_token: Signature has expired",
    ]


def test_a_launch_can_be_signed_by_another_key(pair: Pair) -> None:
    pair.platform.launch_key = KEY
    assert opened(pair, "amira").status_code == 401
    assert pair.tool.refusals == [
        "Can't decode id_token: Signature verification failed",
    ]


def test_sign_launch_gives_a_token_without_any_browser(pair: Pair) -> None:
    ticket = pair.platform.issue_ticket(
        "resource", "amira", course_id="c7", link_id="link-1"
    )
    signed = pair.platform.sign_launch(
        ticket, "n-1", edit=lambda _, claims: claims.pop("email")
    )
    claims = jwt.decode(signed, pair.platform.key).claims
    assert (claims["sub"], claims["nonce"], "email" in claims) == (
        "amira",
        "n-1",
        False,
    )


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"alg": "none"}, None),
        ({"alg": "HS256"}, OctKey.import_key("a secret of more than thirty-two bytes")),
        ({"alg": "RS512"}, None),
        ({"alg": "made-up"}, None),
        ({"kid": None}, None),
        ({"kid": 5}, None),
        ({"crit": ["exp"], "jku": "https://evil.example/jwks"}, None),
    ],
)
def test_a_launch_can_lie_about_itself(
    pair: Pair, change: dict[str, Any], key: OctKey | None
) -> None:
    pair.platform.launch_edit = lambda header, _: header.update(change)
    pair.platform.launch_key = key
    opened(pair, "amira")
    sent = pair.tool.posted[0]["id_token"]
    header = json.loads(urlsafe_b64decode(sent.partition(".")[0] + "=="))
    right = {"typ": "JWT", "alg": "RS256", "kid": LMS_KEY.kid}
    assert header == right | change
    assert sent.endswith(".") is (change.get("alg") == "none")


# -- the authorization endpoint ---------------------------------------------------


def asked(pair: Pair, session: requests.Session) -> tuple[str, dict[str, str]]:
    """The authentication request a tool is about to send."""
    session.post(
        f"{pair.platform.url}/session", data={"person_id": "amira"}, timeout=30
    )
    page = session.get(
        f"{pair.platform.url}/launch", params={"link": "link-1"}, timeout=30
    )
    (form,) = read_forms(page)
    sent = session.post(
        form.action, data=form.fields, timeout=30, allow_redirects=False
    )
    address = urlsplit(sent.headers["Location"])
    return (
        f"{address.scheme}://{address.netloc}{address.path}",
        dict(parse_qsl(address.query)),
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_authorization_answers_get_and_post(pair: Pair, method: str) -> None:
    session = browser_session()
    url, fields = asked(pair, session)
    sent = (fields, None) if method == "GET" else (None, fields)
    page = session.request(method, url, params=sent[0], data=sent[1], timeout=30)
    assert follow(session, page).text == "hello Amira Nasser"


@pytest.mark.parametrize(
    ("change", "error", "description"),
    [
        ({"scope": "openid email"}, "invalid_scope", "scope must be openid"),
        (
            {"response_type": "code"},
            "unsupported_response_type",
            "response_type must be id_token",
        ),
        (
            {"response_mode": "query"},
            "invalid_request",
            "response_mode must be form_post",
        ),
        ({"prompt": "login"}, "invalid_request", "prompt must be none"),
        ({"prompt": None}, "invalid_request", "prompt must be none"),
        ({"nonce": None}, "invalid_request", "nonce is missing"),
        ({"state": None}, "invalid_request", "state is missing"),
        ({"login_hint": None}, "invalid_request", "login_hint is missing"),
        ({"lti_message_hint": None}, "invalid_request", "lti_message_hint is missing"),
        (
            {"lti_message_hint": "made-up"},
            "invalid_request",
            "this launch is unknown, used or too old; open the link again",
        ),
        (
            {"login_hint": "lee"},
            "login_required",
            "somebody else is signed in to the LMS by now",
        ),
    ],
)
def test_a_wrong_authentication_request_is_told_to_the_tool(
    pair: Pair, change: dict[str, str | None], error: str, description: str
) -> None:
    session = browser_session()
    url, fields = asked(pair, session)
    state = {"state": fields["state"]} if "state" not in change else {}
    wrong = {name: value for name, value in (fields | change).items() if value}
    page = follow(session, session.get(url, params=wrong, timeout=30))
    assert page.text == f"sent away: {error}"
    assert pair.tool.posted == [
        state | {"error": error, "error_description": description}
    ]


def test_a_changed_login_hint_is_refused_without_a_session_too(pair: Pair) -> None:
    url, fields = asked(pair, browser_session())
    stranger = browser_session()
    page = stranger.get(url, params=fields | {"login_hint": "lee"}, timeout=30)
    assert follow(stranger, page).text == "sent away: access_denied"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"client_id": "other"}, "No tool with this client_id is registered here."),
        (
            {"redirect_uri": "https://evil.example/launch"},
            "The redirect_uri is not one the tool registered.",
        ),
    ],
)
def test_nothing_is_sent_to_an_address_nobody_registered(
    pair: Pair, change: dict[str, str], text: str
) -> None:
    session = browser_session()
    url, fields = asked(pair, session)
    page = session.get(url, params=fields | change, timeout=30)
    assert page.status_code == 400
    assert text in page.text
    assert read_forms(page) == []


def test_a_launch_works_once(pair: Pair) -> None:
    session = browser_session()
    url, fields = asked(pair, session)
    follow(session, session.get(url, params=fields, timeout=30))
    again = follow(session, session.get(url, params=fields, timeout=30))
    assert again.text == "sent away: invalid_request"


def test_canvas_names_a_launch_used_twice_in_its_own_word(
    pair_with: Callable[..., Pair],
) -> None:
    pair = pair_with(CANVAS)
    session = browser_session()
    url, fields = asked(pair, session)
    follow(session, session.get(url, params=fields, timeout=30))
    again = follow(session, session.get(url, params=fields, timeout=30))
    assert again.text == "sent away: launch_no_longer_valid"


def test_a_launch_grows_old() -> None:
    moment = [datetime(2026, 11, 24, 12, 0, tzinfo=UTC)]
    platform = Platform(url="http://127.0.0.1:1", clock=lambda: moment[0])
    platform.register_tool(
        "tool",
        login_url="https://tool.example/login",
        redirect_uris=["https://tool.example/launch"],
        jwks_url="https://tool.example/jwks",
        launch_url="https://tool.example/launch",
    )
    furnish(platform, "https://tool.example")
    ticket = platform.issue_ticket(
        "resource", "amira", course_id="c7", link_id="link-1"
    )
    moment[0] += timedelta(minutes=10)
    assert platform.redeem_ticket(ticket.id, client_id="tool") is None


# -- deep linking -----------------------------------------------------------------


def test_what_a_teacher_picks_becomes_a_link_with_its_column(pair: Pair) -> None:
    session = browser_session()
    picker = launch_by_http(
        pair.platform.url, session, "lee", "c7", kind="deep_linking"
    )
    done = submit(session, picker, title="Unit one")
    assert "Content added" in done.text
    link = pair.platform.course_links("c7")[-1]
    assert (link.title, link.target_link_uri, dict(link.custom)) == (
        "Unit one",
        f"{pair.tool.url}/launch?unit=1",
        {"who": "$Person.sourcedId", "unit": "1"},
    )
    column = pair.platform.line_items("c7")[-1]
    assert (column.label, column.maximum, column.tag, column.resource_id) == (
        "Unit 1",
        4,
        "mastery",
        "unit-1",
    )
    assert (column.resource_link_id, column.coupled) == (link.id, True)
    assert opened(pair, "amira", link.id).text == "hello Amira Nasser"
    assert pair.tool.launches[-1][LTI + "custom"] == {"who": "sis-amira", "unit": "1"}


def test_a_deep_linking_answer_is_taken_once(pair: Pair) -> None:
    session = browser_session()
    picker = launch_by_http(
        pair.platform.url, session, "lee", "c7", kind="deep_linking"
    )
    pick = read_forms(picker)[0]
    page = session.post(pick.action, data=pick.fields | {"title": "A"}, timeout=30)
    (form,) = read_forms(page)
    first = session.post(form.action, data=form.fields, timeout=30)
    second = session.post(form.action, data=form.fields, timeout=30)
    assert (first.status_code, second.status_code) == (200, 400)
    assert "This address is used or too old." in second.text


def test_a_student_may_not_add_content(pair: Pair) -> None:
    page = launch_by_http(
        pair.platform.url, browser_session(), "amira", "c7", kind="deep_linking"
    )
    assert page.status_code == 403
    assert "Amira Nasser may not open this in this course." in page.text


# -- pages ------------------------------------------------------------------------


def looked_at(pair: Pair, person_id: str, path: str) -> str:
    session = browser_session()
    session.post(
        f"{pair.platform.url}/session", data={"person_id": person_id}, timeout=30
    )
    page = session.get(pair.platform.url + path, timeout=30)
    assert page.status_code == 200
    return page.text


def test_the_course_page_frames_the_tool_by_its_full_address(pair: Pair) -> None:
    page = looked_at(pair, "amira", "/courses/c7")
    source = f'src="{pair.platform.url}/launch?link=link-1"'
    assert source in looked_at(pair, "amira", "/courses/c7?link=link-1")
    assert f'{source} allow="clipboard-write; fullscreen"' in page
    assert "Add content" not in page
    assert "Add content" in looked_at(pair, "lee", "/courses/c7")


def test_a_student_sees_only_their_own_grades(pair: Pair) -> None:
    pair.platform.add_person("omar", "Omar", "Diaz", "omar@school.example")
    pair.platform.enroll("c7", "omar", "learner")
    pair.platform.override("1", "omar", 61.5)
    assert "61.5" in looked_at(pair, "lee", "/courses/c7/gradebook")
    assert "61.5" in looked_at(pair, "omar", "/courses/c7/gradebook")
    assert "61.5" not in looked_at(pair, "amira", "/courses/c7/gradebook")


def test_somebody_outside_the_course_opens_nothing(pair: Pair) -> None:
    pair.platform.add_person("eve", "Eve", "Outside", "eve@school.example")
    assert opened(pair, "eve").status_code == 403
    page = looked_at(pair, "eve", "/courses/c7")
    assert "Eve Outside does not sit in this course." in page


def test_every_page_is_marked_as_a_demo_and_seals_its_sources(pair: Pair) -> None:
    for path in ("/", "/courses/c7", "/courses/c7/gradebook", "/wire"):
        page = requests.get(pair.platform.url + path, timeout=30)
        assert '<strong class="demo">DEMO</strong>' in page.text
        assert "style=" not in page.text
        assert page.headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; script-src 'self'; "
            "img-src 'self'; connect-src 'self'; "
            f"frame-src 'self' {pair.tool.url}; form-action 'self' {pair.tool.url}; "
            "base-uri 'none'; frame-ancestors 'self'"
        )


def test_the_switch_of_persons_stays_on_this_site(pair: Pair) -> None:
    url = f"{pair.platform.url}/session"
    for wanted, target in (
        ("/wire", "/wire"),
        ("//evil.example", "/"),
        ("/\\evil", "/"),
    ):
        sent = {"person_id": "lee", "next": wanted}
        answer = requests.post(url, data=sent, timeout=30, allow_redirects=False)
        assert answer.headers["Location"] == target
    elsewhere = requests.post(
        url,
        data={"person_id": "lee"},
        headers={"Origin": "https://evil.example"},
        timeout=30,
    )
    assert elsewhere.status_code == 403


def test_nothing_is_launched_for_nobody_or_for_no_link(pair: Pair) -> None:
    nobody = requests.get(f"{pair.platform.url}/launch?link=link-1", timeout=30)
    assert nobody.status_code == 403
    assert "Sign in as somebody first." in nobody.text
    session = browser_session()
    session.post(f"{pair.platform.url}/session", data={"person_id": "lee"}, timeout=30)
    nothing = session.get(f"{pair.platform.url}/launch", timeout=30)
    assert nothing.status_code == 404
    assert "no link named; add link= to the address." in nothing.text


def test_what_is_not_there_is_a_page_that_says_so(pair: Pair) -> None:
    for path, text in (
        ("/courses/c99", "no course &#39;c99&#39; in this LMS."),
        ("/courses/c8?link=link-1", "no link &#39;link-1&#39; in this course."),
    ):
        page = requests.get(pair.platform.url + path, timeout=30)
        assert page.status_code == 404
        assert text in page.text


def test_the_wire_shows_each_call_with_its_secrets_masked(pair: Pair) -> None:
    opened(pair, "amira")
    calls = [(call.method, call.path.partition("?")[0]) for call in pair.platform.wire]
    assert calls == [("GET", "/lti/auth"), ("GET", "/lti/jwks")]
    path = pair.platform.wire[0].path
    shown = dict(parse_qsl(path.partition("?")[2]))
    hidden = {name for name, text in shown.items() if text == "•••"}
    assert hidden == {"state", "nonce", "lti_message_hint"}
    assert shown["login_hint"] == "amira"
    told = requests.get(f"{pair.platform.url}/wire.json?after=1", timeout=30).json()
    assert [call["path"] for call in told] == ["/lti/jwks"]


# -- the player -------------------------------------------------------------------


def test_secure_cookies_come_back_over_plain_http_on_loopback(pair: Pair) -> None:
    opened(pair, "amira")
    assert pair.tool.cookies == ["7"]


def test_a_plain_session_is_taught_to_keep_loopback_cookies(pair: Pair) -> None:
    session = requests.Session()
    session.cookies.set("kept", "yes", domain="127.0.0.1", path="/")
    launch_by_http(pair.platform.url, session, "amira", "link-1")
    assert pair.tool.cookies == ["7"]
    assert session.cookies["kept"] == "yes"


def test_a_form_is_read_as_a_browser_would_send_it(site: Site) -> None:
    page = """<input name="outside">
      <form action="/there"><input name="a" value="1"><input type="checkbox" name="b">
      <input type="checkbox" name="c" checked value="2"><input type="submit" name="d">
      <input></form>"""
    app = Flask("forms")
    app.add_url_rule("/", "form", lambda: page)
    app.add_url_rule("/there", "there", lambda: dict(request.args))
    url = site(app)
    session = browser_session()
    first = session.get(url, timeout=30)
    assert submit(session, first, a="one").json() == {"a": "one", "c": "2"}
    with pytest.raises(WalkError, match="the page has no form to send"):
        submit(session, session.get(f"{url}/there", timeout=30))


def test_a_307_sends_the_form_on(site: Site) -> None:
    app = Flask("again")
    page = '<form method="post" action="/a" data-auto-post><input name="x" value="1">'
    app.add_url_rule("/", "first", lambda: page)
    app.add_url_rule("/a", "a", lambda: ("", 307, {"Location": "/b"}), methods=["POST"])
    app.add_url_rule("/b", "b", lambda: dict(request.form), methods=["POST"])
    session = browser_session()
    first = session.get(site(app), timeout=30)
    assert follow(session, first).json() == {"x": "1"}


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("[::1]", True),
        ("localhost", True),
        ("lms.localhost", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_only_this_machine_is_trusted_with_secure_cookies(
    host: str, *, own: bool
) -> None:
    assert is_loopback(host) is own


def test_pages_that_send_each_other_round_are_given_up(site: Site) -> None:
    app = Flask("round")
    app.add_url_rule("/", "again", lambda: ("", 307, {"Location": "/"}))
    url = site(app)
    session = browser_session()
    first = session.get(url, timeout=30, allow_redirects=False)
    with pytest.raises(WalkError, match="more than 20 pages sent the browser on"):
        follow(session, first)


# -- records ----------------------------------------------------------------------


def test_ids_depend_on_the_seed_alone() -> None:
    def registered(seed: int) -> str:
        platform = Platform(url="http://127.0.0.1:9", seed=seed, key=LMS_KEY)
        told = platform.register_tool(
            login_url="https://tool.example/login",
            redirect_uris=["https://tool.example/launch"],
            jwks_url="https://tool.example/jwks",
            launch_url="https://tool.example/launch",
        )
        return f"{told.client_id} {told.deployment_id}"

    assert registered(1) == registered(1)
    assert registered(1) != registered(2)


def test_a_link_belongs_to_the_tool_on_its_origin() -> None:
    platform = Platform(url="http://127.0.0.1:9", key=LMS_KEY)
    for name in ("one", "two"):
        platform.register_tool(
            name,
            login_url=f"https://{name}.example/login",
            redirect_uris=[f"https://{name}.example/launch"],
            jwks_url=f"https://{name}.example/jwks",
            launch_url=f"https://{name}.example/launch",
        )
    platform.add_course("c1", "One", "1")
    owners = [
        platform.add_link("c1", host, "L", f"https://{host}.example/x").client_id
        for host in ("two", "one", "elsewhere")
    ]
    assert owners == ["two", "one", "one"]


def test_a_record_that_is_not_there_is_named() -> None:
    platform = Platform(url="http://127.0.0.1:9")
    with pytest.raises(UnknownRecordError) as course:
        platform.line_items("c1")
    platform.add_course("c1", "One", "1")
    with pytest.raises(UnknownRecordError) as tool:
        platform.add_link("c1", "l", "L", "https://tool.example/")
    with pytest.raises(UnknownRecordError) as item:
        platform.results("9")
    with pytest.raises(UnknownRecordError) as person:
        platform.enroll("c1", "nobody", "learner")
    assert [str(found.value) for found in (course, tool, item, person)] == [
        "no course 'c1' in this LMS",
        "no tool is registered; call register_tool first",
        "no line item '9' in this LMS",
        "no person 'nobody' in this LMS",
    ]


# -- a real browser ---------------------------------------------------------------


@pytest.mark.browser
def test_a_browser_sees_the_tool_in_the_frame_and_the_wire_move(
    pair_with: Callable[..., Pair], browser: Browser
) -> None:
    pair = pair_with(host="localhost")
    page = browser.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text))
    page.goto(pair.platform.url)
    page.select_option("#person", "amira")
    page.click("form.switch button")
    page.click("text=Mathematics 7")
    frame = page.frame_locator("iframe.tool")
    frame.get_by_text("hello Amira Nasser").wait_for()
    page.locator("#wire li").first.wait_for()
    page.locator("#wire summary").first.click()
    # By now a newer call may stand above the one that was opened.
    expect(page.locator("#wire details[open] pre").first).to_be_visible()
    pair.platform.override("1", "amira", 88)
    page.click("text=My grades")
    expect(page.locator("td").first).to_have_text(re.compile("^88"))
    assert problems == []
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for path in ("/", "/courses/c7/gradebook", "/wire"):
        page.goto(pair.platform.url + path)
        assert axe.run(page).response["violations"] == []
    page.close()
