"""A2, step by step: choose, in the LMS, paste back, live checks, done."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from lti_tool.storage import invitations, keys, platforms, registrations, schema
from lti_tool.storage.database import Database
from lti_tool.web.admin.guard import COOKIE
from lti_tool.work import guides
from tests.lti_tool.conftest import World, make_world, serving
from tests.web.admin.conftest import PUBLIC, Office, Visitor, make_office, words

MOODLE = {
    "name": "Our Moodle",
    "issuer": "https://moodle.example.org",
    "client_id": "abc",
    "auth_url": "https://moodle.example.org/mod/lti/auth.php",
    "token_url": "https://moodle.example.org/mod/lti/token.php",
    "jwks_url": "https://moodle.example.org/mod/lti/certs.php",
}
FORM = "/admin/register/moodle?way=manual"


def fields(page: str) -> dict[str, str]:
    """The values of the form's inputs, by name."""
    form = page.rsplit("<form", 1)[1]
    found = re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


def copied(page: str) -> set[str]:
    return {
        html.unescape(value).replace("\n", " ")
        for value in re.findall(r'id="value-[^"]+"(?: value="([^"]*)"| rows)', page)
    } | {
        html.unescape(value).replace("\n", " ")
        for value in re.findall(r'<textarea id="value-[^>]+>([^<]*)<', page)
    }


@pytest.mark.parametrize("vendor", list(guides.products()))
def test_each_vendor_has_its_menus_and_our_values_to_copy(
    rosa: Visitor, vendor: str
) -> None:
    guide = guides.guide(vendor)
    for way in guide.ways:
        page = rosa.read(f"/admin/register/{vendor}?way={way.name}")
        assert f'href="/admin/register/{vendor}"' in rosa.read("/admin/register")
        if way.invites:
            assert "Make the address" in page
            continue
        for step in way.steps:
            assert html.escape(step.menu) in page
        assert words(page).count("Copy") >= 3
        assert {f"{PUBLIC}/lti/launch {PUBLIC}/lti/deep-linking"} <= copied(page)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (
            "moodle?way=manual&site=moodle.example.org/course/",
            {"issuer": "https://moodle.example.org/course"},
        ),
        (
            "moodle?way=manual&site=https://moodle.example.org/",
            {name: MOODLE[name] for name in ("issuer", "auth_url", "jwks_url")},
        ),
        (
            "canvas",
            {
                "issuer": "https://canvas.instructure.com",
                "jwks_url": "https://sso.canvaslms.com/api/lti/security/jwks",
            },
        ),
        (
            "canvas?edition=own&site=https://canvas.example.org",
            {"token_url": "https://canvas.example.org/login/oauth2/token"},
        ),
        (
            "canvas?edition=beta",
            {"issuer": "https://canvas.beta.instructure.com"},
        ),
        (
            "brightspace?site=https://learn.example.org",
            {
                "jwks_url": "https://learn.example.org/d2l/.well-known/jwks",
                "token_audience": "https://api.brightspace.com/auth/token",
            },
        ),
        (
            "blackboard?client_id=11-22",
            {
                "client_id": "11-22",
                "issuer": "https://blackboard.com",
                "jwks_url": "https://developer.blackboard.com/api/v1/management/"
                "applications/11-22/jwks.json",
            },
        ),
        ("moodle?way=manual&site=javascript:alert(1)", {"issuer": ""}),
        ("moodle?way=manual&site=https://[x", {"issuer": ""}),
        ("moodle?way=manual", {"issuer": "", "auth_url": ""}),
    ],
)
def test_the_addresses_are_filled_in_from_the_site(
    rosa: Visitor, query: str, wanted: dict[str, str]
) -> None:
    found = fields(rosa.read(f"/admin/register/{query}"))
    assert {name: found[name] for name in wanted} == wanted


def test_a_kind_of_lms_we_do_not_know_is_no_page(rosa: Visitor) -> None:
    rosa.read("/admin/register/nobody", 404)


def test_what_was_pasted_back_becomes_a_platform_that_is_checked_next(
    office: Office, rosa: Visitor
) -> None:
    answer = rosa.send(
        FORM,
        **{**MOODLE, "client_id": "  abc\n"},
        deployment_ids=" 3 \n\n4",
        outcomes_token="s3cret",  # noqa: S106 -- looked for in the tables
        status="pending",
        made_by="dynamic",
    )
    assert answer.location == "/admin/register/platform/1/checks"
    with office.database.read() as session:
        held = platforms.load_platform(session, 1)
        found = registrations.load_deployments(session, 1)
        assert keys.has_current(session)
        token = session.scalar(select(schema.registration.c.outcomes_token)) or ""
    assert {name: held[name] for name in MOODLE} == MOODLE
    assert (held["vendor"], held["status"], held["made_by"]) == (
        "moodle",
        "active",
        "by_hand",
    )
    assert [(one["deployment_id"], one["status"]) for one in found] == [
        ("3", "active"),
        ("4", "active"),
    ]
    assert token.startswith("v1.")
    page = rosa.read(answer.location)
    assert "Not made yet." in words(page)
    assert "Waiting for your test launch. Add an activity External tool" in words(page)
    assert "data-auto" in page
    assert office.changes() == [("admin:1", "platform added")]
    begun = rosa.read("/admin/register")
    assert "Our Moodle : no launch yet · Go on" in words(begun)


def test_a_wrong_field_is_named_and_the_rest_is_kept(
    office: Office, rosa: Visitor
) -> None:
    rosa.send(FORM, **MOODLE)
    answer = rosa.send(FORM, **{**MOODLE, "token_url": ""}, deployment_ids="3\n3")
    text = words(answer.text)
    assert answer.status_code == 422
    assert "3 fields need another look; nothing was saved." in text
    assert (
        "The platform “Our Moodle” has this issuer and this client id already" in text
    )
    assert "The same deployment id stands here twice." in text
    assert "This is needed; paste what the LMS shows." in text
    assert fields(answer.text)["auth_url"] == MOODLE["auth_url"]
    with office.database.read() as session:
        assert len(platforms.load_platforms(session)) == 1


def test_an_invitation_is_shown_once_and_tells_when_it_was_used(
    office: Office, rosa: Visitor
) -> None:
    path = "/admin/register/moodle/invite?way=dynamic"
    answer = rosa.send(
        "/admin/register/moodle",
        path,
        invited_name="Our Moodle",
        issuer_host="https://Moodle.example.org/",
    )
    assert answer.status_code == 200
    (address,) = [one for one in copied(answer.text) if "/lti/register?" in one]
    assert address.startswith(f"{PUBLIC}/lti/register?invitation=")
    state = "/admin/register/invitations/1"
    assert f'data-poll="{state}"' in answer.text
    assert "Waiting for the LMS to register itself." in answer.text
    begun = words(rosa.read("/admin/register"))
    assert "Invitation for Our Moodle (Moodle): not used yet, ends in 1 week" in begun
    token = address.rsplit("=", 1)[1]
    with office.database.write() as session:
        found = invitations.find_invitation(session, token)
        assert found is not None
        assert (found.issuer_host, found.made_by) == ("moodle.example.org", "admin:1")
        invitations.claim_invitation(session, 1, now=office.now)
    assert "The LMS is registering just now." in rosa.client.get(state).text
    rosa.send(FORM, **MOODLE)
    with office.database.write() as session:
        invitations.settle_invitation(session, 1, 1, now=office.now)
    used = rosa.client.get(state).text
    assert "data-settled" in used
    assert 'href="/admin/platforms/1"' in used
    assert rosa.client.get("/admin/register/invitations/9").status_code == 404


def test_an_invitation_is_taken_back(office: Office, rosa: Visitor) -> None:
    rosa.send("/admin/register/moodle", "/admin/register/moodle/invite")
    withdrawn = "/admin/register/invitations/1/withdraw"
    answer = rosa.send("/admin/register", withdrawn)
    assert "The invitation works no more." in words(rosa.read(answer.location))
    assert office.changes()[-1][:2] == ("admin:1", "platform invitation withdrawn")
    office.wait(seconds=1)
    state = rosa.client.get("/admin/register/invitations/1").text
    assert "The address works no more." in state


def test_a_host_that_is_none_makes_no_invitation(office: Office, rosa: Visitor) -> None:
    answer = rosa.send(
        "/admin/register/moodle",
        "/admin/register/moodle/invite",
        issuer_host="two words",
    )
    assert answer.status_code == 422
    assert "Write the host name of your LMS alone" in answer.text
    with office.database.read() as session:
        assert invitations.load_invitations(session) == []


def test_the_last_step_says_what_is_left_and_what_to_tell_teachers(
    office: Office, rosa: Visitor
) -> None:
    rosa.send(FORM, **MOODLE)
    done = "/admin/register/platform/1/done"
    text = words(rosa.read(done))
    assert text.startswith("Our Moodle: one step is left")
    assert "No launch was let in yet. Add an activity External tool" in text
    with office.database.write() as session:
        platforms.save_platform(session, 1, launched_at=office.now)
    text = words(rosa.read(done))
    assert text.startswith("Our Moodle is connected")
    assert "Mastery is now in Moodle. In your course, choose Add an activity" in text


# --- with a platform that answers -------------------------------------------


@pytest.fixture
def live(sqlite_database: Database, tmp_path: Path) -> Iterator[tuple[World, Visitor]]:
    """An administrator of the very installation the pretend LMS launches."""
    with serving() as start:
        world = make_world(sqlite_database, start, tmp_path, deployment=False)
        office = make_office(sqlite_database, tmp_path, datetime.now(UTC))
        office.app.config["SETTINGS"] = world.settings
        office.app.config.pop("NOW")
        yield world, office.signed_in()


def test_the_checks_ask_the_platform_and_the_launch_is_seen_as_it_comes(
    live: tuple[World, Visitor],
) -> None:
    world, rosa = live
    page = f"/admin/register/platform/{world.registration_id}/checks"
    seen = f"/admin/register/platform/{world.registration_id}/seen"
    assert rosa.send(page).location == page
    text = words(rosa.read(page))
    assert "Its key set is fetched ✓ OK 1 usable key" in text
    assert "A test launch was seen … Waiting" in text
    assert world.open("tea").headers["X-MasteryBridge-Code"] == "E_DEPLOYMENT"
    waits = rosa.client.get(seen).text
    assert "A launch came from a deployment you have not approved:" in waits
    assert world.deployment_id in waits
    with world.database.read() as session:
        row_id = session.scalar(select(schema.deployment.c.id))
    approved = rosa.send(
        page,
        f"/admin/platforms/{world.registration_id}/deployments/{row_id}",
        decision="approve",
        back="checks",
    )
    assert approved.location == page
    assert world.open("tea").status_code == 200
    assert "data-settled" in rosa.client.get(seen).text
    rosa.send(page)
    text = words(rosa.read(page))
    assert "A test launch was seen ✓ OK" in text
    assert "Names and roles ✓ OK" in text


def test_a_stale_page_that_asks_on_is_told_nothing(office: Office) -> None:
    visitor = office.signed_in()
    visitor.send(FORM, **MOODLE)
    with office.database.write() as session:
        session.execute(
            update(schema.admin_session).values(
                expires_at=office.now - timedelta(minutes=1)
            )
        )
    answer = visitor.client.get("/admin/register/platform/1/seen")
    assert answer.status_code == 303
    assert visitor.client.get_cookie(COOKIE) is not None
