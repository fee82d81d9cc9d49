"""Every route under /admin/: who may use it, from where, and what reading changes."""

from __future__ import annotations

import hashlib

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Table, select

from lti_tool.demo.door import door
from lti_tool.storage import registrations, schema
from lti_tool.storage.registrations import NewRegistration
from lti_tool.web.admin.guard import COOKIE, VISITOR
from tests.web.admin.conftest import PASSWORD, USERNAME, Office, Visitor

SAFE = {"GET", "HEAD", "OPTIONS"}
VALUES = {"vendor": "moodle", "token": "x" * 43, "filename": "x"}
PLATFORM = NewRegistration(
    name="Our Moodle",
    issuer="https://moodle.example.org",
    client_id="abc",
    auth_url="https://moodle.example.org/auth",
    token_url="https://moodle.example.org/token",  # noqa: S106 -- an address
    jwks_url="https://moodle.example.org/jwks",
    vendor="moodle",
)


def routes(office: Office, *, safe: bool) -> list[tuple[str, str]]:
    """Endpoint and address of each route of the pages, its places filled."""
    found = []
    with office.app.test_request_context(base_url="http://localhost"):
        from flask import url_for  # noqa: PLC0415 -- within a request alone

        for rule in office.app.url_map.iter_rules():
            if not rule.rule.startswith("/admin/"):
                continue
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            if bool(methods - SAFE) == safe:
                continue
            values = {name: VALUES.get(name, 1) for name in rule.arguments}
            found.append((rule.endpoint, url_for(rule.endpoint, **values)))
    return sorted(found)


@pytest.fixture
def filled(office: Office) -> Office:
    with office.database.write() as session:
        registrations.add_registration(
            session, PLATFORM, deployment_ids=["1"], now=office.now
        )
    return office


def fingerprint(office: Office) -> dict[str, str]:
    def rows(table: Table) -> str:
        with office.database.read() as session:
            found = session.execute(select(table).order_by(*table.primary_key.columns))
            return hashlib.sha256(str(found.all()).encode()).hexdigest()

    return {table.name: rows(table) for table in schema.metadata.sorted_tables}


PUBLIC = {"admin.sign_in", "admin.enter", "admin.invitation", "admin.accept"}


def test_a_stranger_is_sent_to_sign_in_from_every_page(filled: Office) -> None:
    """P6: a route without a word about it is closed."""
    client = filled.visitor().client
    seen = {}
    for endpoint, path in routes(filled, safe=True):
        answer = client.get(path)
        seen[endpoint] = answer.status_code
        if endpoint not in PUBLIC:
            assert answer.status_code == 303, path
            assert answer.location.startswith("/admin/sign-in?next=/admin/"), path
    assert {name: seen[name] for name in seen if name in PUBLIC} == {
        "admin.sign_in": 200,
        "admin.invitation": 410,
    }
    assert len(seen) >= 15


def test_a_stranger_changes_nothing_by_any_form(filled: Office) -> None:
    visitor = filled.visitor()
    token = visitor.token("/admin/sign-in")
    before = fingerprint(filled)
    paths = [path for name, path in routes(filled, safe=False) if name not in PUBLIC]
    for path in paths:
        assert visitor.client.post(path, data={"csrf": token}).status_code == 401, path
    assert fingerprint(filled) == before
    assert len(paths) >= 15


def test_no_form_is_taken_without_its_token(filled: Office) -> None:
    visitor, other = filled.signed_in(), filled.signed_in()
    foreign = other.token("/admin/")
    before = fingerprint(filled)
    for client in (visitor.client, filled.visitor().client):
        for endpoint, path in routes(filled, safe=False):
            is_in = client is visitor.client
            for data in ({}, {"csrf": ""}, {"csrf": foreign}, {"csrf": "é"}):
                status = client.post(path, data=data).status_code
                wanted = 403 if is_in or endpoint in PUBLIC else 401
                assert status == wanted, (path, data)
    assert fingerprint(filled) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    ],
)
def test_no_form_is_taken_from_another_site(
    filled: Office, headers: dict[str, str]
) -> None:
    """D01: even one that knows the token."""
    visitor, guest = filled.signed_in(), filled.visitor()
    tokens = {
        visitor.client: visitor.token("/admin/"),
        guest.client: guest.token("/admin/sign-in"),
    }
    before = fingerprint(filled)
    for client, token in tokens.items():
        for endpoint, path in routes(filled, safe=False):
            if client is guest.client and endpoint not in PUBLIC:
                continue
            answer = client.post(path, data={"csrf": token}, headers=headers)
            assert answer.status_code == 403, path
    assert fingerprint(filled) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "http://localhost"},
        {"Origin": "https://mastery.example.org"},
        {},
    ],
)
def test_our_own_page_is_let_through(office: Office, headers: dict[str, str]) -> None:
    """Under Referrer-Policy no-referrer a browser sends Origin: null."""
    guest = office.visitor()
    fields = {"username": USERNAME, "password": PASSWORD}
    data = {"csrf": guest.token("/admin/sign-in"), **fields}
    answer = guest.client.post("/admin/sign-in", data=data, headers=headers)
    assert answer.status_code == 303


def test_reading_changes_nothing(filled: Office) -> None:
    """D20: every page twice, and every table is as it was."""
    visitor = filled.signed_in()
    before = fingerprint(filled)
    for _ in range(2):
        for endpoint, path in routes(filled, safe=True):
            answer = visitor.client.get(path)
            assert answer.status_code < 500, (endpoint, answer.text)
    assert fingerprint(filled) == before


def test_pages_stand_in_no_frame_and_no_cache(filled: Office) -> None:
    visitor = filled.signed_in()
    for _endpoint, path in routes(filled, safe=True):
        answer = visitor.client.get(path)
        assert answer.headers["Cache-Control"] == "no-store, private", path
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        if answer.mimetype == "text/html":
            policy = answer.headers["Content-Security-Policy"]
            assert policy.endswith("frame-ancestors 'none'"), path
            assert "form-action 'self';" in policy


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mastery.example.org", 200),
        ("localhost:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 400),
        ("mastery.example.org.evil.example", 400),
        ("192.0.2.7", 400),
    ],
)
def test_only_our_own_address_is_answered(
    office: Office, host: str, status: int
) -> None:
    """D24: a name that was pointed at us opens nothing."""
    client: FlaskClient = office.visitor().client
    answer = client.get("/admin/sign-in", base_url=f"https://{host}")
    assert answer.status_code == status


def test_a_seat_of_a_course_opens_no_page_here(filled: Office) -> None:
    client = filled.visitor().client
    client.set_cookie("__Host-masterybridge", "s" * 43)
    client.set_cookie(COOKIE, "s" * 43)
    client.set_cookie(VISITOR, "s" * 43)
    assert client.get("/admin/").status_code == 303


def test_a_disabled_administrator_is_out_at_once(office: Office) -> None:
    other = office.add("other")
    visitor: Visitor = office.signed_in(other)
    assert visitor.client.get("/admin/").status_code == 200
    rosa = office.signed_in()
    rosa.send("/admin/accounts", f"/admin/accounts/{other}/disable")
    assert visitor.client.get("/admin/").status_code == 303


def test_the_demo_door_signs_its_visitor_in_and_opens_in_no_other_house(
    office: Office,
) -> None:
    office.app.register_blueprint(door)
    client = office.visitor().client
    assert client.get("/demo/enter/admin").status_code == 404
    office.app.config["DEMO_ADMIN"] = office.rosa
    answer = client.get("/demo/enter/admin")
    assert (answer.status_code, answer.location) == (303, "/admin/")
    assert "Rosa" in client.get("/admin/").text


def test_a_launch_in_an_administrators_browser_leaves_her_cookies_alone(
    filled: Office,
) -> None:
    client, host = filled.visitor().client, "mastery.example.org"
    for name in (COOKIE, VISITOR):
        client.set_cookie(name, name[-1] * 43, domain=host, secure=True)
    answer = client.get(
        "/lti/login",
        query_string={
            "iss": PLATFORM.issuer,
            "client_id": PLATFORM.client_id,
            "login_hint": "7",
            "target_link_uri": f"https://{host}/lti/launch",
        },
        base_url=f"https://{host}",
    )
    assert answer.status_code == 302
    (kept,) = answer.headers.getlist("Set-Cookie")
    assert kept.partition("=")[0] not in {COOKIE, VISITOR}
    assert not {kept.partition("=")[2][:43]} & {"n" * 43, "r" * 43}
    held = client.get(f"/lti/cookie/{COOKIE}", base_url=f"https://{host}")
    assert held.json == {"held": False}
