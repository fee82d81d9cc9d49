"""The pretend LMS behind the browser: tokens, line items, scores, results, rosters.

pylti1p3's service connector is the second opinion; what it never sends is sent by
hand.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from flask import Flask, Response, jsonify
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey
from pylti1p3.assignments_grades import AssignmentsGradesService
from pylti1p3.grade import Grade as PyltiGrade
from pylti1p3.lineitem import LineItem as PyltiLineItem
from pylti1p3.names_roles import NamesRolesProvisioningService
from pylti1p3.registration import Registration as PyltiRegistration
from pylti1p3.service_connector import ServiceConnector
from requests.utils import parse_header_links
from werkzeug.serving import BaseWSGIServer, make_server

from lti_tool.demo.browserless import browser_session, follow, read_forms
from lti_tool.demo.platform import (
    CANVAS,
    MOODLE,
    STANDARD,
    Grade,
    Manners,
    Platform,
)
from lti_tool.demo.platform_campus import utc_now
from lti_tool.demo.platform_gradebook import GoneError
from lti_tool.demo.platform_manners import (
    LINE_ITEM_READ_SCOPE,
    LINE_ITEM_SCOPE,
    RESULT_SCOPE,
    ROSTER_SCOPE,
    SCOPES,
    SCORE_SCOPE,
)
from tests.ports import free_port

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
ITEM = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
ROSTER = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEY = RSAKey.generate_key(2048, {"kid": "first"})
LMS_KEY = RSAKey.generate_key(2048, auto_kid=True)
NEXT_KEY = RSAKey.generate_key(2048, {"kid": "second"})
STRANGER = RSAKey.generate_key(2048, {"kid": "first"})
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_numbers = itertools.count()


@dataclass
class Desk:
    """A tool without pages, and the platform it talks to."""

    platform: Platform
    client_id: str = "tool"
    keys: list[RSAKey] = field(default_factory=lambda: [KEY])
    key_fetches: int = 0
    token: str = ""

    @property
    def token_url(self) -> str:
        return f"{self.platform.url}/lti/token"

    @property
    def items_url(self) -> str:
        return self.platform.line_items_url("c7")

    def assertion(
        self,
        *,
        signed_by: RSAKey | None = None,
        changed: dict[str, object] | None = None,
    ) -> dict[str, object]:
        now = int(self.platform.clock().timestamp())
        claims: dict[str, object] = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.token_url,
            "iat": now,
            "exp": now + 60,
            "jti": f"jti-{next(_numbers)}",
        }
        claims = {k: v for k, v in (claims | (changed or {})).items() if v is not None}
        chosen = signed_by or self.keys[0]
        signed = jwt.encode({"alg": "RS256", "kid": chosen.kid}, claims, chosen)
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": BEARER,
            "client_assertion": signed,
            "scope": " ".join(SCOPES),
        }

    def ask_token(self, form: dict[str, object]) -> requests.Response:
        return requests.post(self.token_url, data=form, timeout=30)

    def sign_in(self, *scopes: str) -> None:
        form = self.assertion() | {"scope": " ".join(scopes or SCOPES)}
        self.token = self.ask_token(form).json()["access_token"]

    def call(
        self,
        method: str,
        url: str,
        *,
        accept: str | None = None,
        kind: str | None = None,
        json: object = None,
    ) -> requests.Response:
        headers: dict[str, str | bytes] = {"Authorization": f"Bearer {self.token}"}
        if accept:
            headers["Accept"] = accept
        if kind:
            headers["Content-Type"] = kind
        return requests.request(method, url, headers=headers, json=json, timeout=30)

    def make(self, **changed: object) -> requests.Response:
        item = {"label": "MA.7.1", "scoreMaximum": 4, "tag": "mastery"} | changed
        sent = {name: value for name, value in item.items() if value is not None}
        return self.call("POST", self.items_url, kind=ITEM, json=sent)

    def score(self, item_url: str, **changed: object) -> requests.Response:
        score = {
            "userId": "amira",
            "timestamp": "2026-11-24T12:00:00.000Z",
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            "scoreGiven": 3,
            "scoreMaximum": 4,
        } | changed
        sent = {name: value for name, value in score.items() if value is not None}
        return self.call("POST", below(item_url, "scores"), kind=SCORE, json=sent)

    def results(self, item_url: str, query: str = "") -> list[dict[str, object]]:
        url = below(item_url, "results") + query
        told: list[dict[str, object]] = self.call("GET", url, accept=RESULTS).json()
        return told


def below(url: str, word: str) -> str:
    address, mark, query = url.partition("?")
    return f"{address}/{word}{mark}{query}"


def reason(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


@pytest.fixture
def desk_with() -> Iterator[Callable[..., Desk]]:
    running: list[tuple[BaseWSGIServer, threading.Thread]] = []

    def serve(app: Flask, port: int = 0) -> str:
        server = make_server("127.0.0.1", port, app, threaded=True)
        thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    def start(
        manners: Manners = STANDARD,
        *,
        clock: Callable[[], datetime] = lambda: NOON,
    ) -> Desk:
        port = free_port()
        platform = Platform(
            url=f"http://127.0.0.1:{port}", manners=manners, clock=clock, key=LMS_KEY
        )
        desk = Desk(platform)
        tool = Flask("keys")

        @tool.get("/jwks")
        def jwks() -> Response:
            desk.key_fetches += 1
            public = [dict(key.as_dict(private=False)) for key in desk.keys]
            return jsonify({"keys": [key | {"alg": "RS256"} for key in public]})

        tool_url = serve(tool)
        platform.register_tool(
            "tool",
            login_url=f"{tool_url}/login",
            redirect_uris=[f"{tool_url}/launch"],
            jwks_url=f"{tool_url}/jwks",
            launch_url=f"{tool_url}/launch",
        )
        furnish(platform, tool_url)
        serve(platform.app, port)
        desk.sign_in()
        return desk

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join(timeout=30)
        server.server_close()


@pytest.fixture
def desk(desk_with: Callable[..., Desk]) -> Desk:
    return desk_with()


def furnish(platform: Platform, tool_url: str) -> None:
    platform.add_course("c7", "Mathematics 7", "M7", "class-7")
    platform.add_course("c8", "Mathematics 8", "M8")
    for person_id, given, family in (
        ("lee", "Grace", "Lee"),
        ("amira", "Amira", "Nasser"),
        ("omar", "Omar", "Diaz"),
        ("9", "Zoë", "Żak"),
    ):
        platform.add_person(
            person_id,
            given,
            family,
            f"{person_id}@school.example",
            sis_user_sourced_id="sis-amira" if person_id == "amira" else None,
        )
    platform.enroll("c7", "lee", "instructor")
    for person_id in ("amira", "omar", "9"):
        platform.enroll("c7", person_id, "learner")
    platform.add_link(
        "c7",
        "link-1",
        "Mastery",
        f"{tool_url}/launch",
        custom={"sis": "$Person.sourcedId"},
        graded=True,
    )


def everything(desk: Desk, url: str, accept: str) -> list[Any]:
    """Every page of a list, each next address used as it is."""
    found: list[Any] = []
    while url:
        answer = desk.call("GET", url, accept=accept)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body if isinstance(body, list) else body["members"]
        links = parse_header_links(answer.headers.get("Link", ""))
        url = next((link["url"] for link in links if link["rel"] == "next"), "")
    return found


# -- pylti1p3 as the tool ---------------------------------------------------------


class Connector(ServiceConnector):
    """pylti1p3's, with the token cache it leaves to its users."""

    def __init__(self, registration: PyltiRegistration) -> None:
        super().__init__(registration, requests.Session())
        self.cached: dict[str, str] = {}

    def _get_cached_access_token(self, scope_key: str) -> str | None:
        return self.cached.get(scope_key)

    def _cache_access_token(
        self, scope_key: str, access_token: str, expires_in: float
    ) -> None:
        assert expires_in == 3600
        self.cached[scope_key] = access_token


def connector(desk: Desk) -> Connector:
    registration = PyltiRegistration()
    registration.set_client_id("tool").set_auth_token_url(desk.token_url)
    registration.set_tool_private_key(KEY.as_pem(private=True).decode())
    registration.set_tool_public_key(KEY.as_pem(private=False).decode())
    desk.keys = [RSAKey.import_key(dict(registration.get_jwks()[0]))]  # its own kid
    return Connector(registration)


@pytest.mark.parametrize("manners", [STANDARD, CANVAS, MOODLE], ids=lambda m: m.name)
def test_pylti1p3_makes_a_column_scores_and_reads_it_back(
    desk_with: Callable[..., Desk], manners: Manners
) -> None:
    desk = desk_with(manners, clock=utc_now)
    endpoint: Any = {"scope": list(SCOPES[:4]), "lineitems": desk.items_url}
    ags = AssignmentsGradesService(connector(desk), endpoint)
    wanted = PyltiLineItem().set_label("MA.7.1").set_score_maximum(4)
    item = ags.find_or_create_lineitem(wanted.set_tag("mastery"))
    grade = (
        PyltiGrade()
        .set_user_id("amira")
        .set_score_given(3.5)
        .set_score_maximum(4)
        .set_timestamp("2026-11-24T12:00:00.123+00:00")
        .set_activity_progress("Completed")
        .set_grading_progress("FullyGraded")
        .set_comment("Proficient")
    )
    ags.put_grade(grade, item)
    (result,) = list(ags.get_grades(item))
    assert (result["userId"], result["resultScore"], result["resultMaximum"]) == (
        "amira",
        3.5,
        4,
    )
    assert result["comment"] == "Proficient"
    assert result["scoreOf"] == item.get_id()
    again = PyltiLineItem().set_label("MA.7.1").set_score_maximum(4)
    found = ags.find_or_create_lineitem(again.set_tag("mastery"))
    assert found.get_id() == item.get_id()
    (kept,) = desk.platform.results(str(item.get_id()))
    assert (kept.person_id, kept.score, kept.overridden) == ("amira", 3.5, False)


@pytest.mark.parametrize("manners", [STANDARD, CANVAS, MOODLE], ids=lambda m: m.name)
def test_pylti1p3_reads_the_whole_roster(
    desk_with: Callable[..., Desk], manners: Manners
) -> None:
    desk = desk_with(replace(manners, page_size=3), clock=utc_now)
    url = f"{desk.platform.url}/lti/courses/c7/memberships"
    nrps = NamesRolesProvisioningService(
        connector(desk), {"context_memberships_url": url}
    )
    members = nrps.get_members()
    assert [member["user_id"] for member in members] == ["omar", "lee", "amira", "9"]
    assert {role for member in members for role in member["roles"]} == {
        "standard": {f"{MEMBERSHIP}#Instructor", f"{MEMBERSHIP}#Learner"},
        "canvas": {
            f"{MEMBERSHIP}#Instructor",
            f"{MEMBERSHIP}#Learner",
            "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty",
            "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Student",
        },
        "moodle": {"Instructor", "Learner"},
    }[manners.name]


# -- tokens -----------------------------------------------------------------------


def test_a_token_carries_the_scopes_granted_and_its_life(desk: Desk) -> None:
    form = desk.assertion() | {"scope": f"{SCORE_SCOPE} openid {RESULT_SCOPE}"}
    answer = desk.ask_token(form)
    told = answer.json()
    assert len(told.pop("access_token")) >= 32
    assert told == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": f"{RESULT_SCOPE} {SCORE_SCOPE}",
    }
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        (
            {"grant_type": "password"},
            "unsupported_grant_type",
            "use client_credentials",
        ),
        (
            {"client_assertion_type": "jwt"},
            "invalid_request",
            "client_assertion_type is wrong",
        ),
        ({"scope": ""}, "invalid_request", "scope is missing"),
        ({"scope": "openid"}, "invalid_scope", "none of the scopes is granted"),
        (
            {"client_assertion": "a.b"},
            "invalid_client",
            "client_assertion is not a JWT",
        ),
    ],
)
def test_a_wrong_token_request_is_refused(
    desk: Desk, form: dict[str, object], error: str, description: str
) -> None:
    answer = desk.ask_token(desk.assertion() | form)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": error, "error_description": description},
    )


@pytest.mark.parametrize(
    ("change", "description"),
    [
        ({"iss": "other"}, "iss and sub must both be the client_id"),
        ({"sub": "other"}, "no tool with the client_id in sub is registered"),
        ({"aud": "https://other.example"}, "aud must be {token_url}"),
        ({"exp": None}, "exp is missing or no number"),
        ({"iat": None}, "iat is missing or no number"),
        ({"iat": True}, "iat is missing or no number"),
        ({"exp": int(NOON.timestamp()) - 60}, "exp has passed"),
        ({"iat": int(NOON.timestamp()) + 61}, "iat lies in the future"),
        (
            {"exp": int(NOON.timestamp()) + 3601},
            "exp must be after iat, by an hour at most",
        ),
        ({"jti": None}, "jti is missing"),
    ],
)
def test_a_wrong_client_assertion_is_refused(
    desk: Desk, change: dict[str, object], description: str
) -> None:
    answer = desk.ask_token(desk.assertion(changed=change))
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "invalid_client",
            "error_description": description.format(token_url=desk.token_url),
        },
    )


def test_an_assertion_is_good_once(desk: Desk) -> None:
    form = desk.assertion()
    assert desk.ask_token(form).status_code == 200
    assert desk.ask_token(form).json()["error_description"] == "jti was used before"


@pytest.mark.parametrize(
    ("header", "key", "description"),
    [
        (
            {"alg": "RS256", "kid": "first"},
            STRANGER,
            "the signature is not by a key of the tool",
        ),
        ({"alg": "RS256"}, KEY, "the header has no kid"),
        (
            {"alg": "HS256", "kid": "first"},
            OctKey.import_key(b"public words of some length, thirty-two"),
            "the signature is not by a key of the tool",
        ),
    ],
)
def test_an_assertion_by_another_key_is_refused(
    desk: Desk, header: dict[str, str], key: RSAKey | OctKey, description: str
) -> None:
    signed = jws.serialize_compact(header, b'{"sub": "tool"}', key)
    answer = desk.ask_token(desk.assertion() | {"client_assertion": signed})
    assert answer.json() == {
        "error": "invalid_client",
        "error_description": description,
    }


def test_a_new_key_of_the_tool_is_fetched_and_an_old_one_is_remembered(
    desk: Desk,
) -> None:
    desk.sign_in()
    assert desk.key_fetches == 1
    desk.keys.append(NEXT_KEY)
    assert desk.ask_token(desk.assertion(signed_by=NEXT_KEY)).status_code == 200
    assert desk.key_fetches == 2


def test_a_tool_whose_keys_cannot_be_read_gets_no_token(desk: Desk) -> None:
    desk.platform.register_tool(
        "silent",
        login_url="http://127.0.0.1:1/login",
        redirect_uris=["http://127.0.0.1:1/launch"],
        jwks_url="http://127.0.0.1:1/jwks",
        launch_url="http://127.0.0.1:1/launch",
    )
    desk.client_id = "silent"
    assert desk.ask_token(desk.assertion()).json()["error_description"] == (
        "the tool's key set cannot be read"
    )


def test_moodle_labels_its_json_as_html(desk_with: Callable[..., Desk]) -> None:
    answer = desk_with(MOODLE).ask_token({})
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(
    ("scope", "method", "place", "allowed"),
    [
        (LINE_ITEM_SCOPE, "GET", "items", True),
        (LINE_ITEM_READ_SCOPE, "GET", "items", True),
        (SCORE_SCOPE, "GET", "items", False),
        (LINE_ITEM_SCOPE, "POST", "items", True),
        (LINE_ITEM_READ_SCOPE, "POST", "items", False),
        (LINE_ITEM_READ_SCOPE, "GET", "item", True),
        (LINE_ITEM_SCOPE, "PUT", "item", True),
        (LINE_ITEM_READ_SCOPE, "PUT", "item", False),
        (LINE_ITEM_READ_SCOPE, "DELETE", "item", False),
        (SCORE_SCOPE, "POST", "scores", True),
        (LINE_ITEM_SCOPE, "POST", "scores", False),
        (RESULT_SCOPE, "GET", "results", True),
        (LINE_ITEM_SCOPE, "GET", "results", False),
        (ROSTER_SCOPE, "GET", "roster", True),
        (RESULT_SCOPE, "GET", "roster", False),
    ],
)
def test_each_verb_needs_its_scope(
    desk: Desk, scope: str, method: str, place: str, *, allowed: bool
) -> None:
    item = desk.platform.line_item_url(desk.platform.line_items("c7")[0])
    url, kind = {
        "items": (desk.items_url, ITEMS if method == "GET" else ITEM),
        "item": (item, ITEM),
        "scores": (f"{item}/scores", SCORE),
        "results": (f"{item}/results", RESULTS),
        "roster": (f"{desk.platform.url}/lti/courses/c7/memberships", ROSTER),
    }[place]
    desk.sign_in(scope)
    answer = desk.call(method, url, accept=kind, kind=kind, json={})
    assert (answer.status_code != 403) is allowed


@pytest.mark.parametrize("token", ["", "made-up"])
def test_without_a_token_nothing_is_answered(desk: Desk, token: str) -> None:
    desk.token = token
    answer = desk.call("GET", desk.items_url, accept=ITEMS)
    assert reason(answer) == (401, "the access token is missing, unknown or expired")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_ends_after_an_hour(desk_with: Callable[..., Desk]) -> None:
    moment = [NOON]
    desk = desk_with(clock=lambda: moment[0])
    moment[0] += timedelta(minutes=59)
    assert desk.call("GET", desk.items_url, accept=ITEMS).status_code == 200
    moment[0] += timedelta(minutes=1)
    assert desk.call("GET", desk.items_url, accept=ITEMS).status_code == 401
    desk.sign_in()
    assert desk.call("GET", desk.items_url, accept=ITEMS).status_code == 200


def test_tokens_can_be_revoked(desk: Desk) -> None:
    desk.platform.vault.revoke()
    assert desk.call("GET", desk.items_url, accept=ITEMS).status_code == 401


# -- line items -------------------------------------------------------------------


def test_a_column_is_made_read_changed_and_removed(desk: Desk) -> None:
    made = desk.make(resourceId="K1", gradesReleased=True)
    url = made.json()["id"]
    assert (made.status_code, made.headers["Location"]) == (201, url)
    assert made.headers["Content-Type"] == ITEM
    told = {
        "id": url,
        "label": "MA.7.1",
        "scoreMaximum": 4,
        "resourceId": "K1",
        "tag": "mastery",
        "gradesReleased": True,
    }
    assert made.json() == told
    assert desk.call("GET", url, accept=ITEM).json() == told
    change = {"label": "MA.7.2", "scoreMaximum": 8, "resourceLinkId": "link-1"}
    changed = desk.call("PUT", url, kind=ITEM, json=change)
    assert changed.json() == {"id": url, "label": "MA.7.2", "scoreMaximum": 8}
    assert desk.call("DELETE", url).status_code == 204
    gone = (404, "this course has no such line item of yours")
    assert reason(desk.call("GET", url, accept=ITEM)) == gone
    assert reason(desk.score(url)) == gone


def test_columns_are_found_by_what_the_tool_wrote_on_them(desk: Desk) -> None:
    desk.make(label="A", tag="x", resourceId="K1", resourceLinkId="link-1")
    desk.make(label="B", tag="x")
    desk.make(label="C", tag=None)
    for query, labels in (
        ("", ["Mastery", "A", "B", "C"]),
        ("?tag=x", ["A", "B"]),
        ("?tag=", ["Mastery", "C"]),
        ("?tag=x&resource_id=K1", ["A"]),
        ("?resource_link_id=link-1", ["Mastery", "A"]),
        ("?resource_id=none", []),
        ("?limit=1", ["Mastery"]),
    ):
        answer = desk.call("GET", desk.items_url + query, accept=ITEMS)
        assert [item["label"] for item in answer.json()] == labels
        assert answer.headers["Content-Type"] == ITEMS


def test_columns_come_in_pages_whose_marks_keep_their_case(
    desk_with: Callable[..., Desk],
) -> None:
    desk = desk_with(replace(STANDARD, page_size=3))
    for number in range(7):
        desk.make(label=f"K{number}")
    first = desk.call("GET", f"{desk.items_url}?tag=mastery", accept=ITEMS)
    (link,) = parse_header_links(first.headers["Link"])
    assert "tag=mastery" in link["url"]
    lowered = desk.call("GET", link["url"].lower(), accept=ITEMS)
    assert lowered.status_code == 400 or lowered.json() != first.json()
    labels = [
        item["label"]
        for item in everything(desk, f"{desk.items_url}?tag=mastery&limit=2", ITEMS)
    ]
    assert labels == [f"K{number}" for number in range(7)]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-1", "page=x"])
def test_a_page_that_cannot_be_is_refused(desk: Desk, query: str) -> None:
    answer = desk.call("GET", f"{desk.items_url}?{query}", accept=ITEMS)
    assert answer.status_code == 400


def test_moodle_writes_links_no_parser_reads(desk_with: Callable[..., Desk]) -> None:
    desk = desk_with(MOODLE)
    desk.make()
    answer = desk.call("GET", f"{desk.items_url}&limit=1", accept=ITEMS)
    written = answer.headers["Link"].encode("latin-1").decode()
    assert written.endswith("; rel=\u201cnext\u201d")
    assert "&amp;limit=1" in written


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"label": " "}, 400, "label must be a text of 1 to 255 characters"),
        ({"label": "x" * 256}, 400, "label must be a text of 1 to 255 characters"),
        ({"label": None}, 400, "label must be a text of 1 to 255 characters"),
        ({"scoreMaximum": 0}, 400, "scoreMaximum must be a number above 0"),
        ({"scoreMaximum": True}, 400, "scoreMaximum must be a number above 0"),
        ({"scoreMaximum": "4"}, 400, "scoreMaximum must be a number above 0"),
        ({"scoreMaximum": None}, 400, "scoreMaximum must be a number above 0"),
        ({"tag": 5}, 400, "tag must be a text"),
        (
            {"endDateTime": "2026-11-24"},
            400,
            "endDateTime must be an ISO 8601 time with its zone",
        ),
        ({"gradesReleased": "no"}, 400, "gradesReleased must be true or false"),
        (
            {"points": 4},
            400,
            "unknown field 'points'; extensions are named by full URLs",
        ),
        (
            {"resourceLinkId": "link-9"},
            404,
            "resourceLinkId names no link of yours in this course",
        ),
    ],
)
def test_a_wrong_column_is_refused(
    desk: Desk, change: dict[str, object], status: int, text: str
) -> None:
    assert reason(desk.make(**change)) == (status, text)
    assert len(desk.platform.line_items("c7")) == 1


def test_extensions_named_by_full_urls_are_kept(desk: Desk) -> None:
    name = "https://canvas.instructure.com/lti/submission_type"
    made = desk.make(**{name: {"type": "none"}})
    assert made.json()[name] == {"type": "none"}


@pytest.mark.parametrize(
    ("manners", "statuses"),
    [(STANDARD, (406, 415, 403)), (MOODLE, (400, 400, 204)), (CANVAS, (406, 415, 401))],
    ids=lambda value: getattr(value, "name", None),
)
def test_each_vendor_refuses_in_its_own_way(
    desk_with: Callable[..., Desk], manners: Manners, statuses: tuple[int, ...]
) -> None:
    desk = desk_with(manners)
    coupled = desk.platform.line_item_url(desk.platform.line_items("c7")[0])
    answers = (
        desk.call("GET", desk.items_url, accept="application/json"),
        desk.call("POST", desk.items_url, kind="application/json", json={}),
        desk.call("DELETE", coupled),
    )
    assert tuple(answer.status_code for answer in answers) == statuses


def test_a_list_of_types_is_no_accept_header(desk: Desk) -> None:
    answer = desk.call("GET", desk.items_url, accept=f"{ITEMS}, */*")
    assert reason(answer) == (406, f"Accept must be {ITEMS}")


def test_a_body_must_be_one_json_object(desk: Desk) -> None:
    answer = desk.call("POST", desk.items_url, kind=ITEM, json=[])
    assert reason(answer) == (400, "the body must be one JSON object")
    infinite = requests.post(
        desk.items_url,
        data='{"label": "x", "scoreMaximum": Infinity}',
        headers={"Authorization": f"Bearer {desk.token}", "Content-Type": ITEM},
        timeout=30,
    )
    assert infinite.status_code == 400


def test_another_tool_does_not_see_our_columns(desk: Desk) -> None:
    url = desk.make().json()["id"]
    mine = desk.platform.tools["tool"]
    desk.platform.register_tool(
        "other",
        login_url="http://127.0.0.1:2/login",
        redirect_uris=["http://127.0.0.1:2/launch"],
        jwks_url=mine.jwks_url,
        launch_url="http://127.0.0.1:2/launch",
    )
    desk.client_id = "other"
    desk.sign_in()
    assert desk.call("GET", desk.items_url, accept=ITEMS).json() == []
    assert desk.score(url).status_code == 404
    assert reason(desk.make(resourceLinkId="link-1"))[0] == 404


def test_moodle_sends_empty_tags_and_standard_leaves_them_out(
    desk_with: Callable[..., Desk],
) -> None:
    moodle = desk_with(MOODLE).make(tag=None).json()
    standard = desk_with().make(tag=None).json()
    assert (moodle["tag"], moodle["resourceId"]) == ("", "")
    assert sorted(standard) == ["id", "label", "scoreMaximum"]


# -- scores -----------------------------------------------------------------------


@pytest.fixture
def item(desk: Desk) -> str:
    return str(desk.make().json()["id"])


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"userId": None}, 400, "userId must be a text and not empty"),
        ({"userId": 7}, 400, "userId must be a text and not empty"),
        ({"userId": "lee"}, 422, "userId is no learner of this course"),
        ({"userId": "nobody"}, 422, "userId is no learner of this course"),
        (
            {"timestamp": None},
            400,
            "timestamp must be an ISO 8601 time with its zone",
        ),
        (
            {"timestamp": "2026-11-24T12:00:00.000"},
            400,
            "timestamp must be an ISO 8601 time with its zone",
        ),
        (
            {"timestamp": "2026-11-24Tnoon"},
            400,
            "timestamp must be an ISO 8601 time with its zone",
        ),
        (
            {"timestamp": "2026-11-24T12:00:00Z"},
            400,
            "timestamp must have fractions of a second",
        ),
        (
            {"activityProgress": "Done"},
            400,
            (
                "activityProgress must be one of Initialized, Started, InProgress, "
                "Submitted, Completed"
            ),
        ),
        (
            {"gradingProgress": None},
            400,
            (
                "gradingProgress must be one of FullyGraded, Pending, PendingManual, "
                "Failed, NotReady"
            ),
        ),
        ({"scoreGiven": -1}, 400, "scoreGiven must be a number, 0 or above"),
        ({"scoreGiven": "3"}, 400, "scoreGiven must be a number, 0 or above"),
        (
            {"scoreMaximum": None},
            400,
            "scoreMaximum must be a number above 0 where scoreGiven is sent",
        ),
        ({"comment": 5}, 400, "comment must be a text"),
        ({"scoringUserId": ""}, 400, "scoringUserId must be a text and not empty"),
        ({"submission": []}, 400, "submission must be an object"),
        (
            {"submission": {"startedAt": "monday"}},
            400,
            "submission.startedAt must be an ISO 8601 time with its zone",
        ),
        (
            {
                "submission": {
                    "startedAt": "2026-11-24T12:00:00Z",
                    "submittedAt": "2026-11-24T11:00:00Z",
                }
            },
            400,
            "submission.submittedAt lies before startedAt",
        ),
        (
            {"grade": 3},
            400,
            "unknown field 'grade'; extensions are named by full URLs",
        ),
    ],
)
def test_a_wrong_score_is_refused_and_changes_nothing(
    desk: Desk, item: str, change: dict[str, object], status: int, text: str
) -> None:
    assert reason(desk.score(item, **change)) == (status, text)
    assert desk.platform.results(item) == []


def test_a_score_may_tell_when_the_work_was_handed_in(desk: Desk, item: str) -> None:
    handed_in = {"submittedAt": "2026-11-24T11:00:00Z"}
    assert desk.score(item, submission=handed_in).status_code == 200


def test_a_score_is_recorded_in_the_scale_of_its_column(desk: Desk, item: str) -> None:
    answer = desk.score(item, scoreGiven=40, scoreMaximum=50, scoringUserId="lee")
    assert (answer.status_code, answer.text) == (200, "")
    assert desk.results(item) == [
        {
            "id": f"{item}/results/amira",
            "scoreOf": item,
            "userId": "amira",
            "resultScore": 3.2,
            "resultMaximum": 4,
            "scoringUserId": "lee",
        }
    ]


T1, T2 = "2026-11-24T12:00:00.100Z", "2026-11-24T12:00:00.200Z"


@pytest.mark.parametrize(
    ("manners", "first", "second", "status"),
    [
        (STANDARD, T1, T2, 200),
        (STANDARD, T1, T1, 409),
        (STANDARD, T2, T1, 409),
        (CANVAS, T1, T1, 200),
        (CANVAS, T2, T1, 400),
        (MOODLE, T1, T2, 409),
        (MOODLE, T1, "2026-11-24T12:00:01Z", 200),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_times_of_scores_must_rise(
    desk_with: Callable[..., Desk],
    manners: Manners,
    first: str,
    second: str,
    status: int,
) -> None:
    desk = desk_with(manners)
    url = desk.make().json()["id"]
    assert desk.score(url, timestamp=first, scoreGiven=1).status_code == 200
    assert desk.score(url, timestamp=first, userId="omar").status_code == 200
    answer = desk.score(url, timestamp=second, scoreGiven=2)
    assert answer.status_code == status
    stands = desk.platform.results(url)[0].score
    assert stands == (2 if status == 200 else 1)


@pytest.mark.parametrize(
    ("manners", "change", "score", "comment"),
    [
        (STANDARD, {"scoreGiven": None, "scoreMaximum": None}, None, None),
        (STANDARD, {"comment": " "}, 3, None),
        (STANDARD, {"comment": "Two"}, 3, "Two"),
        (STANDARD, {"scoreGiven": 9}, 9, None),
        (STANDARD, {"gradingProgress": "Pending"}, 1, None),
        (CANVAS, {"comment": "Two"}, 3, "One\nTwo"),
        (CANVAS, {}, 3, "One"),
        (CANVAS, {"gradingProgress": "Pending"}, None, "One"),
        (CANVAS, {"gradingProgress": "PendingManual"}, 3, "One"),
        (MOODLE, {"gradingProgress": "PendingManual"}, None, None),
        (MOODLE, {"scoreGiven": 9}, 4, None),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_second_score_replaces_clears_or_adds(
    desk_with: Callable[..., Desk],
    manners: Manners,
    change: dict[str, object],
    score: float | None,
    comment: str | None,
) -> None:
    desk = desk_with(manners)
    url = desk.make().json()["id"]
    desk.score(url, scoreGiven=1, comment="One")
    later = {"timestamp": "2026-11-24T12:00:05.000Z"} | change
    assert desk.score(url, **later).status_code == 200
    (stands,) = desk.platform.results(url)
    assert (stands.score, stands.comment) == (score, comment)


def test_a_cleared_score_leaves_a_result_without_one(desk: Desk, item: str) -> None:
    desk.score(item)
    desk.score(
        item,
        scoreGiven=None,
        scoreMaximum=None,
        timestamp=T2,
        gradingProgress="NotReady",
        activityProgress="Initialized",
    )
    assert desk.results(item) == [
        {"id": f"{item}/results/amira", "scoreOf": item, "userId": "amira"}
    ]


def test_what_a_teacher_typed_shows_in_results_and_blocks_older_scores(
    desk: Desk, item: str
) -> None:
    desk.score(item, scoreGiven=1, timestamp="2026-11-24T11:00:00.000Z")
    desk.platform.override(item, "amira", 4, comment="Shown in class")
    (result,) = desk.results(item)
    assert (result["resultScore"], result["comment"]) == (4, "Shown in class")
    late = desk.score(item, timestamp="2026-11-24T11:59:59.000Z")
    assert reason(late) == (
        409,
        "timestamp is not after the one on record for this person",
    )
    assert desk.score(item, timestamp=T2, scoreGiven=2).status_code == 200
    assert desk.platform.results(item)[0].score == 2


def test_moodle_keeps_a_teachers_grade_on_a_links_own_column(
    desk_with: Callable[..., Desk],
) -> None:
    desk = desk_with(MOODLE)
    coupled = desk.platform.line_items("c7")[0]
    desk.platform.override(coupled.id, "amira", 77)
    url = desk.platform.line_item_url(coupled)
    sent = desk.score(url, timestamp="2026-11-24T13:00:00Z", scoreGiven=1)
    assert sent.status_code == 200
    assert desk.platform.results(url) == [
        Grade(
            line_item_id=coupled.id,
            person_id="amira",
            score=77,
            maximum=100,
            at=NOON,
            overridden=True,
        )
    ]


def test_a_column_removed_meanwhile_takes_no_score(desk: Desk, item: str) -> None:
    kept = desk.platform.line_item(item)
    desk.platform.gradebook.remove_column(kept)
    with pytest.raises(GoneError, match="line item 2 was removed"):
        desk.platform.gradebook.override(kept, "amira", 1, at=NOON, comment=None)


def test_a_new_maximum_keeps_the_percentages(desk: Desk, item: str) -> None:
    desk.score(item)
    change = {"label": "MA.7.1", "scoreMaximum": 100}
    desk.call("PUT", item, kind=ITEM, json=change)
    (stands,) = desk.platform.results(item)
    assert (stands.score, stands.maximum) == (75, 100)


def test_results_come_in_pages_and_for_one_person(desk: Desk, item: str) -> None:
    for person_id in ("amira", "omar", "9"):
        desk.score(item, userId=person_id)
    url = f"{item}/results?limit=2"
    assert [r["userId"] for r in everything(desk, url, RESULTS)] == [
        "amira",
        "omar",
        "9",
    ]
    assert [r["userId"] for r in desk.results(item, "?user_id=omar")] == ["omar"]
    assert desk.results(item, "?user_id=nobody") == []


def test_some_platforms_send_ids_as_numbers(desk_with: Callable[..., Desk]) -> None:
    desk = desk_with(replace(STANDARD, number_ids=True))
    url = desk.make().json()["id"]
    desk.score(url, userId="9")
    assert desk.results(url)[0]["userId"] == 9


def test_scores_sent_at_once_leave_the_newest(desk: Desk, item: str) -> None:
    def send(number: int) -> None:
        at = (NOON + timedelta(milliseconds=number)).isoformat(timespec="milliseconds")
        desk.score(item, timestamp=at, scoreGiven=number / 10)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (stands,) = desk.platform.results(item)
    assert stands.score == 2


# -- rosters ----------------------------------------------------------------------


def roster(desk: Desk, query: str = "") -> requests.Response:
    url = f"{desk.platform.url}/lti/courses/c7/memberships{query}"
    return desk.call("GET", url, accept=ROSTER)


def test_a_roster_names_everyone_with_their_role(desk: Desk) -> None:
    answer = roster(desk, "?limit=3")
    told = answer.json()
    assert answer.headers["Content-Type"] == ROSTER
    assert told["id"] == f"{desk.platform.url}/lti/courses/c7/memberships"
    assert told["context"] == {"id": "c7", "label": "M7", "title": "Mathematics 7"}
    assert told["members"][2] == {
        "status": "Active",
        "user_id": "amira",
        "roles": [f"{MEMBERSHIP}#Learner"],
        "name": "Amira Nasser",
        "given_name": "Amira",
        "family_name": "Nasser",
        "email": "amira@school.example",
        "lis_person_sourcedid": "sis-amira",
    }


@pytest.mark.parametrize("role", [f"{MEMBERSHIP}#Learner", "Learner"])
def test_a_role_filter_holds_on_every_page(desk: Desk, role: str) -> None:
    query = urlencode({"role": role, "limit": 1})
    path = f"{desk.platform.url}/lti/courses/c7/memberships?{query}"
    assert [m["user_id"] for m in everything(desk, path, ROSTER)] == [
        "omar",
        "amira",
        "9",
    ]


def test_moodle_forgets_the_role_filter_on_the_next_page(
    desk_with: Callable[..., Desk],
) -> None:
    desk = desk_with(MOODLE)
    path = f"{desk.platform.url}/lti/courses/c7/memberships?role=Learner&limit=1"
    assert "lee" in {m["user_id"] for m in everything(desk, path, ROSTER)}


def test_a_link_adds_its_custom_parameters_to_each_member(desk: Desk) -> None:
    told = roster(desk, "?rlid=link-1").json()
    assert told["members"][2]["message"] == [
        {
            LTI + "message_type": "LtiResourceLinkRequest",
            LTI + "custom": {"sis": "sis-amira"},
        }
    ]
    assert reason(roster(desk, "?rlid=other")) == (
        404,
        "rlid names no link of yours in this course",
    )


def test_differences_tell_who_came_and_who_left(desk: Desk) -> None:
    (link,) = parse_header_links(roster(desk).headers["Link"])
    assert link["rel"] == "differences"
    desk.platform.add_person("new", "Nia", "Abara", "new@school.example")
    desk.platform.enroll("c7", "new", "learner")
    desk.platform.withdraw("c7", "omar")
    answer = desk.call("GET", link["url"], accept=ROSTER)
    assert [(m["user_id"], m["status"]) for m in answer.json()["members"]] == [
        ("new", "Active"),
        ("omar", "Deleted"),
    ]
    (later,) = parse_header_links(answer.headers["Link"])
    assert desk.call("GET", later["url"], accept=ROSTER).json()["members"] == []
    assert roster(desk, "?since=x").status_code == 400


def test_a_roster_of_a_course_that_is_not_there_is_refused(desk: Desk) -> None:
    url = f"{desk.platform.url}/lti/courses/c99/memberships"
    assert reason(desk.call("GET", url, accept=ROSTER)) == (404, "no such course")


# -- deep linking answers -----------------------------------------------------------

DEEP = "https://purl.imsglobal.org/spec/lti-dl/claim/"
UNIT: dict[str, object] = {"type": "ltiResourceLink", "title": "Unit"}


def answered(desk: Desk, change: dict[str, object]) -> requests.Response:
    """Send a deep linking answer with some claims changed, None leaves one out."""
    platform = desk.platform
    started = platform.issue_ticket("deep_linking", "lee", course_id="c7")
    ticket = platform.redeem_ticket(started.id, client_id="tool")
    assert ticket == started
    now = int(NOON.timestamp())
    claims: dict[str, object] = {
        "iss": "tool",
        "aud": [platform.url],
        "iat": now,
        "exp": now + 60,
        "nonce": f"nonce-{next(_numbers)}",
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        LTI + "deployment_id": platform.tools["tool"].deployment_id,
        DEEP + "content_items": [UNIT],
        DEEP + "data": "course=c7",
    }
    sent = {k: v for k, v in (claims | change).items() if v is not None}
    signed = jwt.encode({"alg": "RS256", "kid": KEY.kid}, sent, KEY)
    url = f"{platform.url}/lti/deep_linking/{ticket.id}"
    page = requests.post(url, data={"JWT": signed}, timeout=30)
    return follow(browser_session(), page)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"iss": "other"}, "iss must be tool"),
        ({"aud": "other"}, "aud must be http://"),
        ({"exp": None}, "exp is missing or no number"),
        ({"nonce": None}, "nonce is missing"),
        ({LTI + "message_type": "x"}, "message_type must be LtiDeepLinkingResponse"),
        ({LTI + "version": None}, "version must be 1.3.0"),
        ({LTI + "deployment_id": "1"}, "deployment_id must be deployment-"),
        ({DEEP + "data": None}, "data must be course=c7"),
        ({DEEP + "content_items": None}, "content_items must be a list"),
        (
            {DEEP + "content_items": [UNIT | {"type": "file"}]},
            "every content item must be of type ltiResourceLink",
        ),
        (
            {DEEP + "content_items": [UNIT | {"custom": {"n": 1}}]},
            "custom must be an object of texts",
        ),
        (
            {DEEP + "content_items": [UNIT | {"lineItem": 4}]},
            "lineItem must be an object",
        ),
        (
            {DEEP + "content_items": [UNIT | {"lineItem": {"scoreMaximum": 0}}]},
            "lineItem.scoreMaximum must be a number above 0",
        ),
    ],
)
def test_a_wrong_deep_linking_answer_places_nothing(
    desk: Desk, change: dict[str, object], text: str
) -> None:
    answer = answered(desk, change)
    assert answer.status_code == 400
    assert f"<p>{text}" in answer.text
    assert len(desk.platform.course_links("c7")) == 1


def test_an_answer_may_bring_nothing_and_say_why(desk: Desk) -> None:
    note: dict[str, object] = {
        DEEP + "content_items": [],
        DEEP + "errormsg": "Nothing fits.",
    }
    answer = answered(desk, note)
    assert answer.status_code == 200
    assert "Nothing was added" in answer.text
    assert "Nothing fits." in answer.text


def test_a_nonce_of_an_answer_is_good_once(desk: Desk) -> None:
    assert answered(desk, {"nonce": "same"}).status_code == 200
    assert "nonce was used before" in answered(desk, {"nonce": "same"}).text


def test_moodle_sends_no_data_and_wants_none_back(
    desk_with: Callable[..., Desk],
) -> None:
    desk = desk_with(MOODLE)
    wrong = answered(desk, {DEEP + "data": "course=c7"})
    assert "data must be left out where none was sent" in wrong.text
    assert answered(desk, {DEEP + "data": None}).status_code == 200
    (placed,) = desk.platform.course_links("c7")[1:]
    assert (placed.title, placed.custom) == ("Unit", {})


def test_moodle_posts_an_answer_to_itself_where_its_cookie_was_kept_back(
    desk_with: Callable[..., Desk],
) -> None:
    desk = desk_with(MOODLE)
    ticket = desk.platform.issue_ticket("deep_linking", "lee", course_id="c7")
    desk.platform.redeem_ticket(ticket.id, client_id="tool")
    url = f"{desk.platform.url}/lti/deep_linking/{ticket.id}"
    (form,) = read_forms(requests.post(url, data={"JWT": "a.b.c"}, timeout=30))
    assert form.posts_itself
    assert form.action == url
    assert form.fields == {"JWT": "a.b.c", "repost": "true"}


def test_a_place_for_one_item_takes_no_two(desk: Desk) -> None:
    platform = desk.platform
    issue = platform.issue_ticket
    platform.issue_ticket = lambda *a, **k: issue(*a, **k, single=True)  # type: ignore[method-assign] # every place is for one
    two = answered(desk, {DEEP + "content_items": [UNIT, UNIT]})
    assert "content_items may hold one item here" in two.text
    assert answered(desk, {}).status_code == 200


def test_a_form_without_an_answer_is_refused(desk: Desk) -> None:
    ticket = desk.platform.issue_ticket("deep_linking", "lee", course_id="c7")
    desk.platform.redeem_ticket(ticket.id, client_id="tool")
    url = f"{desk.platform.url}/lti/deep_linking/{ticket.id}"
    assert "The form has no field JWT." in requests.post(url, timeout=30).text


# -- the wire ---------------------------------------------------------------------


def test_no_secret_is_written_on_the_wire(desk: Desk, item: str) -> None:
    form = desk.assertion()
    token = desk.ask_token(form).json()["access_token"]
    desk.score(item, comment="Keep")
    written = "".join(
        f"{call.path}{call.body}{call.answer}" for call in desk.platform.wire
    )
    for secret in (token, str(form["client_assertion"]), desk.token):
        assert secret not in written
    last = desk.platform.wire[-1]
    assert (last.method, last.status) == ("POST", 200)
    assert last.path == f"{item.removeprefix(desk.platform.url)}/scores"
    assert '"comment": "Keep"' in last.body
