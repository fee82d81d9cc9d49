"""An LMS registers itself, over real HTTP, in the manners of three vendors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from click.testing import CliRunner
from flask import Flask, redirect
from playwright.sync_api import Browser, expect

from lti_tool.app import create_app
from lti_tool.cli import masterybridge
from lti_tool.demo.browserless import browser_session, launch_by_http, read_forms
from lti_tool.demo.platform import CANVAS, MOODLE, STANDARD, Manners, Platform
from lti_tool.demo.platform_enrolling import TOOL_CONFIGURATION
from lti_tool.errors import RegistrationError
from lti_tool.settings import Settings
from lti_tool.storage import invitations, registrations, schema
from lti_tool.storage.database import Database, rows
from lti_tool.work import platforms, registration
from lti_tool.work.platforms import Author
from lti_tool.work.registration import Terms
from tests.lti_tool.conftest import Serve, make_key
from tests.ports import free_port

SOMEBODY = Author("admin:1", datetime(2026, 11, 2, tzinfo=UTC))

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
CANVAS_KEY = "https://canvas.instructure.com/lti/"
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
Edit = Callable[[dict[str, Any]], None]


@dataclass
class Meeting:
    """An LMS and a tool that have not heard of one another."""

    lms: Platform
    tool_url: str
    database: Database
    settings: Settings

    def invite(self, **terms: Any) -> str:  # noqa: ANN401 -- whatever Terms take
        with self.database.write() as session:
            made = registration.make_invitation(
                session,
                Terms(**terms),
                public_url=self.tool_url,
                now=datetime.now(UTC),
            )
        return made.url

    def show(self, url: str, client_id: str | None = None) -> requests.Response:
        """What an administrator of the LMS sees first."""
        return requests.get(self.lms.opening_url(url, client_id), timeout=30)

    def connect(self, url: str, client_id: str | None = None) -> requests.Response:
        """What an administrator of the LMS sees after pressing Connect."""
        return press(self.show(url, client_id))

    def kept(self, table: str) -> list[dict[str, Any]]:
        with self.database.read() as session:
            found = schema.metadata.tables[table]
            return rows(session, found.select().order_by(found.c.id))

    def approve(self) -> None:
        (one,) = self.kept("registration")
        with self.database.write() as session:
            platforms.decide(session, one["id"], approves=True, by=SOMEBODY)

    def open_up(self) -> None:
        """Connect, let the platform in, and switch the tool on in all of it."""
        self.connect(self.invite())
        self.approve()
        (tool,) = self.lms.tools.values()
        self.lms.switch_on(tool.client_id)
        (one,) = self.kept("registration")
        with self.database.write() as session:
            registrations.activate_deployment(
                session, one["id"], tool.deployment_id, now=datetime.now(UTC)
            )

    def launch(self, person: str, link: str) -> requests.Response:
        return launch_by_http(self.lms.url, browser_session(), person, link)


def press(page: requests.Response, **changed: str) -> requests.Response:
    (form,) = read_forms(page)
    return requests.post(form.action, data=form.fields | changed, timeout=30)


Meet = Callable[..., Meeting]


@pytest.fixture
def meet(serve: Serve, tmp_path: Path) -> Meet:
    def start(
        database: Database, manners: Manners = STANDARD, local: str = "localhost,"
    ) -> Meeting:
        tool_port, lms_port = free_port(), free_port()
        tool_url = f"http://127.0.0.1:{tool_port}"
        settings = Settings(
            data_dir=tmp_path,
            secret_key_file=make_key(tmp_path),
            public_url=tool_url,
            local_network=f"{local}127.0.0.1:{tool_port}",
        )
        lms = Platform(url=f"http://localhost:{lms_port}", manners=manners)
        lms.add_course("c1", "Mathematics 7", "M7", sis_class_sourced_id="class-7")
        lms.add_person("tea", "Tea", "Cher", "tea@school.example")
        lms.add_person(
            "ana", "Ana", "Z", "ana@school.example", sis_user_sourced_id="sis-ana"
        )
        lms.enroll("c1", "tea", "instructor")
        lms.enroll("c1", "ana", "learner")
        serve(create_app(settings, database), tool_port)
        serve(lms.app, lms_port)
        return Meeting(lms, tool_url, database, settings)

    return start


@pytest.fixture
def meeting(meet: Meet, sqlite_database: Database) -> Meeting:
    return meet(sqlite_database)


def asked_of(meeting: Meeting) -> dict[str, Any]:
    (tool,) = meeting.lms.tools.values()
    assert tool.registration is not None
    return dict(tool.registration)


def code_of(page: requests.Response) -> tuple[int, str]:
    """The status of a refusal and its code, which stands on the page."""
    return page.status_code, page.text.rpartition("<code>")[2].partition("<")[0]


# Flow --------------------------------------------------------------------------


@pytest.mark.parametrize("manners", [STANDARD, MOODLE, CANVAS], ids=lambda m: m.name)
def test_an_lms_registers_waits_and_launches_when_approved(
    meet: Meet, database: Database, manners: Manners
) -> None:
    meeting = meet(database, manners)
    done = meeting.connect(meeting.invite(name="Our LMS"))
    assert done.status_code == 200
    assert "Our LMS is connected and waits for approval" in done.text
    (kept,) = meeting.kept("registration")
    (tool,) = meeting.lms.tools.values()
    vendors = {"standard": "other", "moodle": "moodle", "canvas": "canvas"}
    assert {name: kept[name] for name in ("status", "made_by", "vendor", "issuer")} == {
        "status": "pending",
        "made_by": "dynamic",
        "vendor": vendors[manners.name],
        "issuer": meeting.lms.url,
    }
    assert kept["client_id"] == tool.client_id
    assert kept["asked"] == asked_of(meeting)
    assert meeting.kept("invitation")[0]["registration_id"] == kept["id"]
    meeting.lms.switch_on(tool.client_id)
    if not manners.enrolling.switched_off:
        meeting.lms.add_link("c1", "menu-c1", "Mastery", tool.launch_url)

    early = meeting.launch("tea", "menu-c1")
    assert early.headers["X-MasteryBridge-Code"] == "E_DISABLED"
    assert "this registration waits for approval" in early.text
    meeting.approve()
    if not manners.enrolling.names_deployment:
        unknown = meeting.launch("tea", "menu-c1")
        assert unknown.headers["X-MasteryBridge-Code"] == "E_DEPLOYMENT"
        with database.write() as session:
            (waiting,) = registration.load_waiting(session).deployments
            assert waiting.seen == {
                "context": "Mathematics 7",
                "platform": "Pretend LMS (demo)",
                "product": "canvas",
            }
            assert waiting.seen_at is not None
            registrations.activate_deployment(
                session,
                waiting.registration_id,
                waiting.deployment_id,
                now=datetime.now(UTC),
            )
    opened = meeting.launch("tea", "menu-c1")
    assert (opened.status_code, urlsplit(opened.url).path[-6:]) == (200, "/class")
    assert [
        (one["deployment_id"], one["status"]) for one in meeting.kept("deployment")
    ] == [(tool.deployment_id, "active")]


def test_the_first_page_only_shows_and_sends_nothing(meeting: Meeting) -> None:
    page = meeting.show(meeting.invite(issuer_host="localhost"))
    host = urlsplit(meeting.lms.url).netloc
    assert page.status_code == 200
    assert f"Connect {host}?" in page.text
    assert "This invitation is only for localhost." in page.text
    assert "frame-ancestors *" in page.headers["Content-Security-Policy"]
    assert meeting.lms.wire == []
    assert meeting.kept("invitation")[0]["used_at"] is None


def test_an_invitation_opened_by_hand_says_where_to_paste_it(meeting: Meeting) -> None:
    page = requests.get(meeting.invite(), timeout=30)
    assert page.status_code == 200
    assert "copy it whole and paste it into your LMS" in page.text


def test_the_standard_registration_is_whole(meeting: Meeting) -> None:
    meeting.connect(meeting.invite())
    url = meeting.tool_url
    target = {"label": "Mastery", "icon_uri": f"{url}/static/mark.svg"}
    assert asked_of(meeting) == {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": f"{url}/lti/login",
        "redirect_uris": [f"{url}/lti/launch", f"{url}/lti/deep-linking"],
        "client_name": "MasteryBridge",
        "client_uri": url,
        "logo_uri": f"{url}/static/mark.svg",
        "jwks_uri": f"{url}/lti/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": f"{AGS}lineitem {AGS}lineitem.readonly {AGS}result.readonly "
        f"{AGS}score "
        "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
        TOOL_CONFIGURATION: {
            "domain": urlsplit(url).netloc,
            "target_link_uri": f"{url}/lti/launch",
            "description": "Shows teachers and students who has mastered which "
            "competency, and sends the outcomes to the gradebook.",
            "custom_parameters": {
                "sis_person": "$Person.sourcedId",
                "sis_class": "$CourseSection.sourcedId",
                "platform_user_id": "$User.id",
                "context_history": "$Context.id.history",
                "link_history": "$ResourceLink.id.history",
            },
            "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
            "messages": [
                {
                    "type": "LtiResourceLinkRequest",
                    "target_link_uri": f"{url}/lti/launch",
                    **target,
                },
                {
                    "type": "LtiDeepLinkingRequest",
                    "target_link_uri": f"{url}/lti/deep-linking",
                    "placements": ["ContentArea"],
                    **target,
                },
            ],
        },
    }


def test_canvas_is_asked_with_its_own_keys(
    meet: Meet, sqlite_database: Database
) -> None:
    meeting = meet(sqlite_database, CANVAS)
    meeting.connect(meeting.invite())
    asked = asked_of(meeting)[TOOL_CONFIGURATION]
    assert asked[CANVAS_KEY + "privacy_level"] == "public"
    assert asked[CANVAS_KEY + "tool_id"] == "masterybridge"
    assert asked["custom_parameters"] == {
        "sis_person": "$Person.sourcedId",
        "sis_class": "$Canvas.course.sisSourceId",
        "sis_sections": "$Canvas.course.sectionSisSourceIds",
        "platform_user_id": "$Canvas.user.id",
        "platform_course_id": "$Canvas.course.id",
        "context_history": "$Context.id.history",
        "link_history": "$ResourceLink.id.history",
    }
    assert [
        (one["placements"], one["type"], one.get(CANVAS_KEY + "visibility"))
        for one in asked["messages"]
    ] == [
        (["course_navigation"], "LtiResourceLinkRequest", "members"),
        (["account_navigation"], "LtiResourceLinkRequest", "admins"),
        (["assignment_selection"], "LtiDeepLinkingRequest", None),
        (["link_selection"], "LtiDeepLinkingRequest", None),
    ]
    first = asked["messages"][0]
    assert first[CANVAS_KEY + "course_navigation/default_enabled"] is True
    (kept,) = meeting.kept("registration")
    assert (kept["name"], kept["token_audience"]) == ("Pretend District", None)
    assert kept["product"] == {
        "family": "canvas",
        "version": "1",
        "guid": "guid:pretend-lms",
        "name": "Pretend District",
    }


def test_custom_parameters_bring_the_sis_ids_and_the_number(
    meet: Meet, database: Database
) -> None:
    meeting = meet(database, CANVAS)
    meeting.open_up()
    meeting.lms.launch_edit = lambda _head, claims: claims.pop(LTI + "lis")
    assert meeting.launch("ana", "menu-c1").status_code == 200
    (ana,) = meeting.kept("lms_user")
    assert ana["lis_person_sourcedid"] == "sis-ana"
    assert (ana["platform_user_id"] or "").isdecimal()


def test_an_account_menu_opens_the_administrators_page(
    meet: Meet, database: Database
) -> None:
    meeting = meet(database, CANVAS)
    meeting.open_up()

    def from_account(_head: dict[str, Any], claims: dict[str, Any]) -> None:
        claims[LTI + "context"] = {"id": "acc", "title": "Dist", "type": ["Account"]}
        claims[LTI + "roles"] = [
            "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
        ]

    meeting.lms.launch_edit = from_account
    page = meeting.launch("tea", "menu-c1")
    assert page.status_code == 200
    assert "MasteryBridge for administrators" in page.text
    assert 'href="/admin/"' in page.text
    assert meeting.kept("course") == []


# Granted against asked ---------------------------------------------------------


def test_what_was_not_granted_is_shown(meeting: Meeting) -> None:
    def narrow(body: dict[str, Any]) -> None:
        body["scope"] = f"{AGS}score"
        del body[TOOL_CONFIGURATION]["custom_parameters"]["sis_class"]
        body[TOOL_CONFIGURATION]["claims"] = ["iss", "sub", "name"]
        body[TOOL_CONFIGURATION]["messages"].pop()

    meeting.lms.registration_edit = narrow
    page = meeting.connect(meeting.invite())
    assert "Your LMS did not grant everything" in page.text
    assert "data-close-after" not in page.text
    (kept,) = meeting.kept("registration")
    missing = registration.differences(kept["asked"], kept["granted"])
    assert [(one.kind, one.name.rpartition("/")[2], one.state) for one in missing] == [
        ("scope", "lineitem", "refused"),
        ("scope", "lineitem.readonly", "refused"),
        ("scope", "result.readonly", "refused"),
        ("scope", "contextmembership.readonly", "refused"),
        ("scope", "noticehandlers", "not_offered"),
        ("scope", "contextgroup.readonly", "not_offered"),
        ("placement", "ContentArea", "refused"),
        ("claim", "email", "refused"),
        ("custom", "sis_class", "refused"),
    ]


@pytest.mark.parametrize("manners", [STANDARD, MOODLE, CANVAS], ids=lambda m: m.name)
def test_a_whole_grant_closes_by_itself(
    meet: Meet, sqlite_database: Database, manners: Manners
) -> None:
    meeting = meet(sqlite_database, manners)
    page = meeting.connect(meeting.invite())
    assert "Your LMS granted everything that was asked for." in page.text
    assert 'data-close-after="20"' in page.text


@pytest.mark.parametrize(
    ("asked", "granted", "state"),
    [
        ({"scope": f"{AGS}score"}, {}, "granted"),
        ({"scope": f"{AGS}score"}, {"scope": ""}, "refused"),
        ({"scope": f"{AGS}score"}, {"scope": [f"{AGS}score"]}, "granted"),
        ({"scope": ""}, {"scope": f"{AGS}score"}, "not_offered"),
    ],
)
def test_a_scope_is_granted_refused_or_not_offered(
    asked: dict[str, Any], granted: dict[str, Any], state: str
) -> None:
    lines = registration.agreed(asked, granted)
    assert [one.state for one in lines if one.name == f"{AGS}score"] == [state]


# Refusals ----------------------------------------------------------------------


def set_to(name: str, value: object) -> Edit:
    return lambda said: said.__setitem__(name, value)


@pytest.mark.parametrize(
    ("edit", "code", "words"),
    [
        (set_to("issuer", "https://lms.example"), "foreign_issuer", "another site"),
        (
            set_to("issuer", "http://localhost:1"),
            "foreign_issuer",
            "says that it is http://localhost:1",
        ),
        (
            set_to("jwks_uri", "https://keys.attacker.example/"),
            "foreign_host",
            "jwks_uri lies on keys.attacker.example",
        ),
        (
            set_to("token_endpoint", "https://localhost.attacker.example/"),
            "foreign_host",
            "token_endpoint lies on localhost.attacker.example",
        ),
        (
            set_to("registration_endpoint", "http://lms.example/r"),
            "address",
            "registration_endpoint: lms.example is asked for over plain http",
        ),
        (
            set_to("jwks_uri", "https://localhost\\@attacker.example/"),
            "address",
            "jwks_uri: it is not written as an address is",
        ),
        (
            set_to("authorization_endpoint", "https://u:p@localhost/"),
            "address",
            "authorization_endpoint: the address of localhost carries a user name",
        ),
        (
            set_to("registration_endpoint", "http://localhost.:1/"),
            "address",
            "registration_endpoint",
        ),
        (lambda said: said.pop("jwks_uri"), "missing", "jwks_uri"),
        (lambda said: said.pop("registration_endpoint"), "missing", "registration_"),
        (set_to("issuer", 7), "missing", "issuer"),
        (
            set_to("token_endpoint_auth_methods_supported", ["client_secret_post"]),
            "unsupported",
            "does not offer private_key_jwt",
        ),
        (
            set_to("id_token_signing_alg_values_supported", ["HS256"]),
            "unsupported",
            "does not offer RS256",
        ),
        (
            set_to(
                PLATFORM, {"messages_supported": [{"type": "LtiDeepLinkingRequest"}]}
            ),
            "unsupported",
            "does not offer LtiResourceLinkRequest",
        ),
        (set_to("padding", "x" * 300_000), "unreachable", "answers more than"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_configuration_that_does_not_hold_is_refused(
    meeting: Meeting, edit: Edit, code: str, words: str
) -> None:
    meeting.lms.configuration_edit = edit
    page = meeting.connect(meeting.invite())
    assert code_of(page) == (502, code)
    assert words in page.text
    assert "The invitation is still good" in page.text
    assert meeting.kept("registration") == []
    assert meeting.lms.tools == {}
    (invitation,) = meeting.kept("invitation")
    assert (invitation["used_at"], invitation["registration_id"]) == (None, None)


def test_what_the_platform_says_is_shown_short_and_plain(
    meet: Meet, sqlite_database: Database, serve: Serve
) -> None:
    meeting = meet(sqlite_database)
    site = Flask("refusing")
    url = serve(site, free_port()).replace("127.0.0.1", "localhost")
    meeting.lms.configuration_edit = set_to("registration_endpoint", f"{url}/r")

    @site.post("/r")
    def refuse() -> tuple[str, int]:
        return "<h1>no &amp; never</h1><script>x</script>" + "y" * 900, 422

    page = meeting.connect(meeting.invite())
    assert code_of(page) == (502, "refused")
    assert "<script>x" not in page.text
    said = page.text.partition('dir="auto">')[2].partition("<")[0]
    assert said.startswith("no &amp;amp; never x yyy")
    assert len(said) < 320


@pytest.mark.parametrize("manners", [STANDARD, MOODLE, CANVAS], ids=lambda m: m.name)
def test_each_vendors_refusal_is_shown_in_its_own_words(
    meet: Meet, sqlite_database: Database, manners: Manners
) -> None:
    meeting = meet(sqlite_database, manners)
    tool = meeting.show(meeting.invite())
    token = read_forms(tool)[0].fields["registration_token"]
    press(tool)
    page = press(
        tool, invitation=parse_qs(urlsplit(meeting.invite()).query)["invitation"][0]
    )
    assert token
    assert code_of(page) == (502, "refused")
    assert "token_already_used" in page.text


def test_a_configuration_that_redirects_is_not_followed(
    meeting: Meeting, serve: Serve
) -> None:
    site = Flask("redirecting")
    url = serve(site, free_port()).replace("127.0.0.1", "localhost")

    @site.get("/c")
    def away() -> Any:  # noqa: ANN401 -- Flask's own answer
        return redirect(f"{meeting.lms.url}/lti/openid-configuration")

    page = press(meeting.show(meeting.invite()), openid_configuration=f"{url}/c")
    assert code_of(page) == (502, "unreachable")
    assert "redirects; it must answer" in page.text
    assert meeting.lms.wire == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://169.254.169.254/latest", "unreachable"),
        ("https://127.0.0.1:1/c", "unreachable"),
        ("https://2130706433/c", "unreachable"),
        ("https://[::ffff:127.0.0.1]/c", "unreachable"),
        ("https://[64:ff9b::7f00:1]/c", "unreachable"),
        ("ftp://localhost/c", "opening"),
        ("https://user@localhost/c", "opening"),
        ("", "opening"),
    ],
)
def test_no_address_inside_is_asked(meeting: Meeting, url: str, code: str) -> None:
    page = press(meeting.show(meeting.invite()), openid_configuration=url)
    assert code_of(page)[1] == code
    assert meeting.kept("invitation")[0]["used_at"] is None


def test_an_invitation_locked_to_a_host_is_for_that_host(meeting: Meeting) -> None:
    page = meeting.connect(meeting.invite(issuer_host="moodle.school.example"))
    assert code_of(page) == (403, "locked")
    assert (
        "This invitation is for moodle.school.example, not for localhost" in page.text
    )
    port = urlsplit(meeting.lms.url).port
    url = meeting.invite(issuer_host=f"localhost:{port}")
    assert meeting.connect(url).status_code == 200


def test_an_unknown_an_old_and_a_used_invitation_are_told_apart(
    meeting: Meeting,
) -> None:
    unknown = f"{meeting.tool_url}/lti/register?invitation=nobody"
    assert code_of(meeting.show(unknown)) == (404, "unknown")
    old = meeting.invite(life=timedelta(seconds=-1))
    assert code_of(meeting.show(old)) == (410, "ended")
    used = meeting.invite()
    page = meeting.show(used)
    press(page)
    assert code_of(press(page)) == (410, "used")
    assert code_of(meeting.show(used)) == (410, "used")
    taken = meeting.invite()
    shown = meeting.show(taken)
    with meeting.database.write() as session:
        newest = registration.load_invitations(session)[0]
        invitations.revoke_invitation(session, newest.id, now=datetime.now(UTC))
    assert code_of(press(shown)) == (410, "ended")
    assert len(meeting.kept("registration")) == 1


def test_who_took_too_long_finds_the_invitation_used(database: Database) -> None:
    now = datetime.now(UTC)
    with database.write() as session:
        held, _ = invitations.make_invitation(session, Terms(), now=now)
        late = now + invitations.CLAIM
        for at in (now, late):
            assert invitations.claim_invitation(session, held, now=at)
        first, second = (
            registrations.add_registration(
                session,
                registrations.NewRegistration(
                    name=name, issuer=f"https://{name}.example", client_id="1",
                    **dict.fromkeys(("auth_url", "token_url", "jwks_url"), "https://a"),
                ),
                now=now,
            )
            for name in ("a", "b")
        )  # fmt: skip
        invitations.settle_invitation(session, held, first, now=late)
        with pytest.raises(RegistrationError, match="used meanwhile"):
            invitations.settle_invitation(session, held, second, now=late)


def test_two_at_once_make_one_registration(meet: Meet, database: Database) -> None:
    meeting = meet(database)
    url = meeting.invite()
    pages = [meeting.show(url) for _ in range(4)]
    answers: list[tuple[int, str]] = []
    threads = [
        threading.Thread(target=lambda p=page: answers.append(code_of(press(p))))
        for page in pages
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} <= {200, 409, 410}
    assert sum(status == 200 for status, _ in answers) == 1
    assert len(meeting.kept("registration")) == len(meeting.lms.tools) == 1


def test_a_pair_that_is_registered_already_is_refused(
    meet: Meet, database: Database, serve: Serve
) -> None:
    """D27: issuer and client id belong to one registration."""
    meeting = meet(database)
    site = Flask("forgetful")
    url = serve(site, free_port()).replace("127.0.0.1", "localhost")
    meeting.lms.configuration_edit = set_to("registration_endpoint", f"{url}/r")

    @site.post("/r")
    def same() -> dict[str, str]:
        return {"client_id": "always the same"}

    assert meeting.connect(meeting.invite()).status_code == 200
    page = meeting.connect(meeting.invite())
    assert code_of(page) == (409, "already")
    assert "with the client id always the same is connected already" in page.text
    assert len(meeting.kept("registration")) == 1
    assert meeting.kept("invitation")[1]["used_at"] is None


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"client_id": true}', b'{"client_id": ""}', b"\xff"]
)
def test_an_answer_without_a_client_id_makes_nothing(
    meeting: Meeting, serve: Serve, answer: bytes
) -> None:
    site = Flask("vague")
    url = serve(site, free_port()).replace("127.0.0.1", "localhost")
    meeting.lms.configuration_edit = set_to("registration_endpoint", f"{url}/r")

    @site.post("/r")
    def vague() -> bytes:
        return answer

    assert code_of(meeting.connect(meeting.invite())) == (502, "answer")
    assert meeting.kept("registration") == []


def test_a_management_address_and_its_token_are_kept_and_the_token_sealed(
    meeting: Meeting, serve: Serve
) -> None:
    site = Flask("telling")
    url = serve(site, free_port()).replace("127.0.0.1", "localhost")
    meeting.lms.configuration_edit = set_to("registration_endpoint", f"{url}/r")

    @site.post("/r")
    def tell() -> dict[str, Any]:
        return {
            "client_id": 17,
            "registration_client_uri": f"{url}/r/17",
            "registration_access_token": "open sesame",
            "deployment_id": "17:ab",
        }

    meeting.connect(meeting.invite())
    (kept,) = meeting.kept("registration")
    assert (kept["client_id"], kept["registration_url"]) == ("17", f"{url}/r/17")
    assert "open sesame" not in json.dumps(kept, default=str)
    assert kept["registration_token"].startswith("v1.")
    assert meeting.kept("deployment")[0]["deployment_id"] == "17:ab"


def test_no_token_of_either_side_is_logged(
    meeting: Meeting, log_lines: Callable[[], list[str]]
) -> None:
    page = meeting.show(meeting.invite())
    fields = read_forms(page)[0].fields
    meeting.lms.configuration_edit = set_to("issuer", "https://other.example")
    press(page)
    meeting.lms.configuration_edit = None
    press(page)
    written = "\n".join(log_lines())
    assert "registration refused" in written
    assert "platform registered" in written
    assert fields["invitation"] not in written
    assert fields["registration_token"] not in written


# Updates -----------------------------------------------------------------------


def test_an_update_sends_everything_again_and_shows_what_changed(
    meet: Meet, database: Database
) -> None:
    meeting = meet(database, MOODLE)

    def narrow(body: dict[str, Any]) -> None:
        body["scope"] = ""
        body[TOOL_CONFIGURATION]["messages"] = []

    meeting.lms.registration_edit = narrow
    meeting.connect(meeting.invite())
    meeting.approve()
    (tool,) = meeting.lms.tools.values()
    meeting.lms.registration_edit = None
    done = meeting.connect(meeting.invite(), tool.client_id)
    assert done.status_code == 200
    assert "is up to date" in done.text
    changed = done.text.partition('id="changed"')[2].partition("</section>")[0]
    assert "Send grades to its columns</th><td>Not granted</td><td>Granted" in changed
    (renewed,) = meeting.lms.tools.values()
    assert renewed.client_id == tool.client_id
    assert f"{AGS}score" in (renewed.scopes or ())
    assert asked_of(meeting)[TOOL_CONFIGURATION]["custom_parameters"] != {}
    (kept,) = meeting.kept("registration")
    assert kept["status"] == "active"
    assert f"{AGS}score" in kept["granted"]["scope"]
    assert [one["registration_id"] for one in meeting.kept("invitation")] == [
        kept["id"],
        kept["id"],
    ]


def test_an_update_of_a_tool_we_do_not_know_registers_it(
    meet: Meet, sqlite_database: Database
) -> None:
    meeting = meet(sqlite_database, MOODLE)
    meeting.connect(meeting.invite())
    (tool,) = meeting.lms.tools.values()
    with sqlite_database.write() as session:
        for name in ("invitation", "deployment", "registration"):
            session.execute(schema.metadata.tables[name].delete())
    meeting.connect(meeting.invite(), tool.client_id)
    (kept,) = meeting.kept("registration")
    assert (kept["client_id"], kept["status"]) == (tool.client_id, "pending")


# Approval, and the command line ------------------------------------------------


def test_a_refused_registration_stays_out(meeting: Meeting) -> None:
    meeting.connect(meeting.invite())
    (tool,) = meeting.lms.tools.values()
    meeting.lms.add_link("c1", "l1", "Mastery", tool.launch_url)
    with meeting.database.write() as session:
        (waiting,) = registration.load_waiting(session).registrations
        platforms.decide(session, waiting.id, approves=False, by=SOMEBODY)
        assert registration.load_waiting(session).registrations == []
    page = meeting.launch("tea", "l1")
    assert page.headers["X-MasteryBridge-Code"] == "E_DISABLED"
    assert "this registration is switched off" in page.text


def run(meeting: Meeting, *words: str) -> tuple[int, Any]:
    env = {
        "MASTERYBRIDGE_DATABASE_URL": str(meeting.database.engine.url),
        "MASTERYBRIDGE_PUBLIC_URL": meeting.tool_url,
        "MASTERYBRIDGE_DATA_DIR": str(meeting.settings.data_dir),
        "MASTERYBRIDGE_SECRET_KEY_FILE": str(meeting.settings.secret_key_file),
    }
    done = CliRunner().invoke(masterybridge, ["platform", *words, "--json"], env=env)
    return done.exit_code, json.loads(done.stdout)


def test_the_command_line_does_all_of_it(meeting: Meeting) -> None:
    status, made = run(meeting, "invite", "--vendor", "moodle", "--name", "Ours")
    assert (status, made["id"]) == (0, 1)
    assert len(parse_qs(urlsplit(made["url"]).query)["invitation"][0]) == 43
    meeting.connect(made["url"])
    _, waiting = run(meeting, "waiting")
    (one,) = waiting["registrations"]
    assert (one["name"], one["vendor"], waiting["deployments"]) == (
        "Ours",
        "moodle",
        [],
    )
    assert {line["state"] for line in one["not_granted"]} == {"not_offered"}
    assert run(meeting, "approve-registration", "1") == (0, {"active": 1})
    assert run(meeting, "approve-registration", "1")[0] == 1
    assert run(meeting, "refuse-registration", "1")[0] == 1
    _, found = run(meeting, "invitations")
    assert [(each["id"], each["state"]) for each in found] == [(1, "used")]
    assert run(meeting, "revoke-invitation", "1")[0] == 1
    run(meeting, "invite", "--issuer-host", " Moodle.Example ", "--days", "1")
    assert run(meeting, "revoke-invitation", "2") == (0, {"revoked": 2})
    _, found = run(meeting, "invitations")
    assert (found[0]["state"], found[0]["issuer_host"]) == ("ended", "moodle.example")
    told = [
        (one["what"], one["subject_table"], one["subject_id"], one["after"])
        for one in meeting.kept("change")
        if one["who"] == "cli"
    ]
    assert told == [
        ("platform invited", "invitation", 1, None),
        ("platform switched", "registration", 1, {"status": "active"}),
        ("platform invited", "invitation", 2, None),
        ("platform invitation withdrawn", "invitation", 2, None),
    ]


# Canvas's document -------------------------------------------------------------


def test_the_canvas_document_is_exact(meeting: Meeting) -> None:
    answer = requests.get(f"{meeting.tool_url}/lti/config/canvas.json", timeout=30)
    url = meeting.tool_url
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in answer.headers
    shown = {"text": "Mastery", "enabled": True}
    assert answer.json() == {
        "title": "MasteryBridge",
        "description": "Shows teachers and students who has mastered which competency, "
        "and sends the outcomes to the gradebook.",
        "oidc_initiation_url": f"{url}/lti/login",
        "target_link_uri": f"{url}/lti/launch",
        "public_jwk_url": f"{url}/lti/jwks",
        "scopes": [
            f"{AGS}lineitem",
            f"{AGS}lineitem.readonly",
            f"{AGS}result.readonly",
            f"{AGS}score",
            "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
            "https://purl.imsglobal.org/spec/lti/scope/noticehandlers",
        ],
        "custom_fields": {
            "sis_person": "$Person.sourcedId",
            "sis_class": "$Canvas.course.sisSourceId",
            "sis_sections": "$Canvas.course.sectionSisSourceIds",
            "platform_user_id": "$Canvas.user.id",
            "platform_course_id": "$Canvas.course.id",
            "context_history": "$Context.id.history",
            "link_history": "$ResourceLink.id.history",
        },
        "extensions": [
            {
                "domain": urlsplit(url).netloc,
                "tool_id": "masterybridge",
                "platform": "canvas.instructure.com",
                "privacy_level": "public",
                "settings": {
                    "text": "Mastery",
                    "icon_url": f"{url}/static/mark.svg",
                    "selection_width": 800,
                    "selection_height": 600,
                    "placements": [
                        {
                            "placement": "course_navigation",
                            "message_type": "LtiResourceLinkRequest",
                            "target_link_uri": f"{url}/lti/launch",
                            "visibility": "members",
                            "default": "enabled",
                            **shown,
                        },
                        {
                            "placement": "account_navigation",
                            "message_type": "LtiResourceLinkRequest",
                            "target_link_uri": f"{url}/lti/launch",
                            "visibility": "admins",
                            **shown,
                        },
                        {
                            "placement": "assignment_selection",
                            "message_type": "LtiDeepLinkingRequest",
                            "target_link_uri": f"{url}/lti/deep-linking",
                            **shown,
                        },
                        {
                            "placement": "link_selection",
                            "message_type": "LtiDeepLinkingRequest",
                            "target_link_uri": f"{url}/lti/deep-linking",
                            **shown,
                        },
                    ],
                },
            }
        ],
    }
    assert requests.get(f"{url}/static/mark.svg", timeout=30).status_code == 200


# In a browser ------------------------------------------------------------------


@pytest.mark.browser
def test_an_administrator_connects_in_the_lmss_own_frame(
    meet: Meet, sqlite_database: Database, browser: Browser
) -> None:
    meeting = meet(sqlite_database, MOODLE)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{meeting.lms.url}/admin/tools")
        page.get_by_label("Tool registration address").fill(meeting.invite())
        page.get_by_role("button", name="Add").click()
        frame = page.frame_locator("#enrol")
        frame.get_by_role("button", name="Connect").click()
        expect(frame.get_by_role("heading", level=1)).to_contain_text("is connected")
        expect(frame.get_by_text("This page closes by itself")).to_be_visible()
        frame.get_by_role("button", name="Stay here").click()
        expect(frame.get_by_text("This page closes by itself")).to_be_hidden()
        frame.get_by_role("button", name="Close").click()
        page.wait_for_url("**/admin/tools")
        expect(page.get_by_role("listitem")).to_contain_text("MasteryBridge")


@pytest.mark.browser
def test_a_registration_that_lacks_nothing_closes_by_itself(
    meet: Meet, sqlite_database: Database, browser: Browser
) -> None:
    meeting = meet(sqlite_database, CANVAS)
    with browser.new_context() as context:
        page = context.new_page()
        page.clock.install()
        page.goto(f"{meeting.lms.url}/admin/tools")
        page.get_by_label("Tool registration address").fill(meeting.invite())
        page.get_by_role("button", name="Add").click()
        frame = page.frame_locator("#enrol")
        frame.get_by_role("button", name="Connect").click()
        expect(frame.get_by_text("This page closes by itself")).to_be_visible()
        page.clock.fast_forward(21_000)
        page.wait_for_url("**/admin/tools")
        page.get_by_role("button", name="Switch on").click()
        expect(page.get_by_role("button", name="Switch on")).to_have_count(0)
    assert [one.title for one in meeting.lms.course_links("c1")] == ["Mastery"]
