"""Deep linking over real HTTP: the pretend LMS asks, the tool answers, it verifies."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from sqlalchemy import insert

from lti_tool.demo.browserless import (
    browser_session,
    follow,
    launch_by_http,
    read_forms,
    submit,
)
from lti_tool.errors import LaunchError
from lti_tool.lti13.claims import parse_claims
from lti_tool.lti13.deep_linking import Asked, Choice, Parties, response_claims
from lti_tool.storage import registrations, schema, visits
from lti_tool.storage.database import Database
from lti_tool.storage.visits import Visit
from lti_tool.work.deep_linking import check_return, find_asked

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
SETTINGS = f"{DL}deep_linking_settings"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

Edit = Callable[[dict[str, Any], dict[str, Any]], None]


def ask(world: World, session: requests.Session) -> requests.Response:
    return launch_by_http(world.lms_url, session, "tea", "c1", kind="deep_linking")


def wish(**changed: object) -> Edit:
    return lambda _header, claims: claims[SETTINGS].update(changed)


def send(
    session: requests.Session, page: requests.Response, *picks: str, **more: str
) -> requests.Response:
    """Tick boxes and press the button, not going on to the LMS."""
    form = read_forms(page)[0]
    return session.post(
        form.action,
        data={"csrf": form.fields["csrf"], "pick": list(picks), **more},
        timeout=30,
    )


def told(page: requests.Response) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and claims of the answer that waits in a page's form."""
    head, body, _ = read_forms(page)[0].fields["JWT"].split(".")
    return decoded(head), decoded(body)


def decoded(part: str) -> dict[str, Any]:
    padded = part + "=" * (-len(part) % 4)
    return dict(json.loads(urlsafe_b64decode(padded)))


def placed(world: World) -> list[tuple[str, dict[str, str]]]:
    links = world.lms.course_links("c1")
    return [(one.title, dict(one.custom)) for one in links if one.id != "l1"]


def test_one_link_is_placed_and_opens_the_tool(world: World) -> None:
    session = browser_session()
    page = ask(world, session)
    assert page.url.endswith("/deep-linking")
    assert 'type="checkbox"' in page.text
    done = follow(session, send(session, page, "mine"))
    assert done.status_code == 200
    assert "Content added" in done.text
    assert "You chose: My mastery" in done.text
    assert placed(world) == [("My mastery", {"view": "mine"})]


def test_several_links_are_placed_at_once(world: World) -> None:
    session = browser_session()
    follow(session, send(session, ask(world, session), "mine", "class"))
    assert placed(world) == [
        ("Class mastery", {"view": "class"}),
        ("My mastery", {"view": "mine"}),
    ]


def test_cancelling_brings_the_lms_an_empty_list(world: World) -> None:
    session = browser_session()
    done = submit(session, ask(world, session), cancel="1")
    assert "Nothing was added" in done.text
    assert placed(world) == []


@pytest.mark.parametrize(
    ("person", "view", "page"),
    [
        ("tea", "class", "/class"),
        ("ana", "class", "/mastery"),
        ("tea", "mine", "/class?view=one&from=link"),
        ("ana", "mine", "/mastery"),
    ],
)
def test_a_placed_link_shows_what_it_is_for_to_whoever_comes(
    world: World, person: str, view: str, page: str
) -> None:
    session = browser_session()
    follow(session, send(session, ask(world, session), view))
    (link,) = [one for one in world.lms.course_links("c1") if one.id != "l1"]
    opened = world.open(person, link.id)
    assert opened.status_code == 200
    assert opened.url.endswith(page)


def test_the_answer_names_the_parties_the_right_way_round(world: World) -> None:
    session = browser_session()
    page = send(session, ask(world, session), "class")
    header, claims = told(page)
    keys = requests.get(f"{world.tool_url}/lti/jwks", timeout=30).json()["keys"]
    assert header == {"typ": "JWT", "alg": "RS256", "kid": keys[0]["kid"]}
    (client_id,) = world.lms.tools
    assert claims["iss"] == client_id
    assert claims["aud"] == world.lms_url
    assert claims[f"{LTI}message_type"] == "LtiDeepLinkingResponse"
    assert claims[f"{LTI}deployment_id"] == world.deployment_id
    assert claims["exp"] - claims["iat"] == 300
    assert claims[f"{DL}content_items"] == [
        {
            "type": "ltiResourceLink",
            "title": "Class mastery",
            "text": "Who has shown what, for teachers. Students see their own page.",
            "custom": {"view": "class"},
            "url": f"{world.tool_url}/lti/launch",
        }
    ]
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action 'self' {world.lms_url};" in policy
    assert "<button>Go on</button>" in page.text


@pytest.mark.parametrize("echoes", [True, False])
def test_data_goes_back_only_if_it_came(world: World, *, echoes: bool) -> None:
    world.lms.manners = replace(world.lms.manners, echoes_deep_link_state=echoes)
    session = browser_session()
    page = send(session, ask(world, session), "class")
    assert (f"{DL}data" in told(page)[1]) is echoes
    assert "Content added" in follow(session, page).text


def test_an_empty_text_of_data_is_echoed_too() -> None:
    asked = Asked(
        return_url="https://lms.example/back",
        deployment_id="1",
        accepts_links=True,
        accepts_several=False,
        data="",
    )
    claims = response_claims(
        asked,
        Choice(),
        Parties("https://lms.example", "c"),
        nonce="n",
        now=datetime(2026, 11, 24, tzinfo=UTC),
    )
    assert claims[f"{DL}data"] == ""
    assert claims[f"{DL}content_items"] == []
    assert f"{DL}msg" not in claims


@pytest.mark.parametrize("several", [False, None])
def test_an_lms_that_takes_one_link_is_brought_one(
    world: World, *, several: bool | None
) -> None:
    world.edit(wish(accept_multiple=several))
    session = browser_session()
    page = ask(world, session)
    assert 'type="radio"' in page.text
    refused = send(session, page, "class", "mine")
    assert refused.status_code == 422
    assert "Your LMS takes one link at a time. Choose one." in refused.text
    assert "Content added" in submit(session, page, pick="mine").text
    assert placed(world) == [("My mastery", {"view": "mine"})]


def test_ticking_nothing_is_asked_about(world: World) -> None:
    session = browser_session()
    page = send(session, ask(world, session), "of nobody")
    assert page.status_code == 422
    assert "Choose what to add, or cancel." in page.text


def test_an_lms_that_takes_no_links_is_told_why_it_gets_none(world: World) -> None:
    world.edit(wish(accept_types=["file"]))
    session = browser_session()
    page = ask(world, session)
    assert "this place in your LMS takes none" in page.text
    assert send(session, page, "class").status_code == 422
    done = submit(session, page, cancel="1")
    assert "MasteryBridge can only be added as a link." in done.text
    assert placed(world) == []


def test_an_answer_is_given_once(world: World) -> None:
    session = browser_session()
    page = ask(world, session)
    follow(session, send(session, page, "class"))
    again = send(session, page, "class")
    assert again.status_code == 410
    assert "Nothing is waiting to be added here." in again.text
    assert session.get(page.url, timeout=30).status_code == 410
    assert len(placed(world)) == 1


def test_an_answer_that_comes_too_late_is_refused_by_the_lms(world: World) -> None:
    session = browser_session()
    page = send(session, ask(world, session), "class")
    world.lms.clock = lambda: datetime.now(UTC) + timedelta(days=1)
    late = follow(session, page)
    assert late.status_code == 400
    assert "This address is used or too old." in late.text
    assert placed(world) == []


def test_what_was_asked_is_kept_until_it_is_answered(
    database: Database, now: datetime
) -> None:
    asked = Asked(
        return_url="https://lms.example/back",
        deployment_id="1",
        accepts_links=True,
        accepts_several=True,
        data="d",
    )
    with database.write() as session:
        person = session.execute(
            insert(schema.person)
            .values(given_name="Tea", family_name="", display_name="", created_at=now)
            .returning(schema.person.c.id)
        ).scalar_one()
        for kept in (None, asked.model_dump()):
            sid = visits.open_visit(
                session,
                Visit(person_id=person, role="instructor", deep_linking=kept),
                browser_hash="b",
                now=now,
            )
        visit = visits.find_visit(session, sid)
        assert visit is not None
        assert find_asked(session, visit["id"] - 1) is None
        assert find_asked(session, visit["id"]) == asked
        assert not visits.close_deep_linking(session, visit["id"] - 1)
        assert visits.close_deep_linking(session, visit["id"])
        assert not visits.close_deep_linking(session, visit["id"])
        assert find_asked(session, visit["id"]) is None


def test_an_ordinary_launch_has_nothing_to_answer(world: World) -> None:
    session = browser_session()
    page = world.open("tea", session=session)
    asked = session.get(page.url.replace("/class", "/deep-linking"), timeout=30)
    assert asked.status_code == 410


def test_the_answer_needs_the_token_of_our_own_page(world: World) -> None:
    session = browser_session()
    page = ask(world, session)
    forged = session.post(page.url, data={"pick": "class"}, timeout=30)
    assert forged.status_code == 403
    assert placed(world) == []


@pytest.mark.parametrize("roles", [[LEARNER], []], ids=["student", "nobody"])
def test_only_a_teacher_may_place_links(world: World, roles: list[str]) -> None:
    world.edit(lambda _header, claims: claims.update({f"{LTI}roles": roles}))
    session = browser_session()
    page = ask(world, session)
    assert page.status_code == 403
    assert "This page is for teachers of the course." in page.text
    assert session.post(page.url, data={"pick": "class"}, timeout=30).status_code == 403


ADMINISTRATOR = (
    "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
)


def outside(world: World, roles: list[str] | None) -> None:
    def change(_header: dict[str, Any], claims: dict[str, Any]) -> None:
        claims.pop(f"{LTI}context", None)
        if roles is not None:
            claims[f"{LTI}roles"] = roles

    world.edit(change)


@pytest.mark.parametrize("roles", [None, [ADMINISTRATOR]], ids=["teacher", "admin"])
def test_outside_a_course_the_views_may_be_placed_and_no_check(
    world: World, roles: list[str] | None
) -> None:
    outside(world, roles)
    session = browser_session()
    page = ask(world, session)
    assert page.status_code == 200
    assert "A competency check belongs to one course." in page.text
    form = read_forms(page)[0]
    answer = session.post(
        form.action,
        data={"csrf": form.fields["csrf"], "pick": ["class", "check-1"]},
        timeout=30,
    )
    items = told(answer)[1][f"{DL}content_items"]
    assert [(one["title"], one["custom"]) for one in items] == [
        ("Class mastery", {"view": "class"})
    ]


def test_outside_a_course_one_may_cancel(world: World) -> None:
    outside(world, None)
    session = browser_session()
    done = submit(session, ask(world, session), cancel="1")
    assert "Nothing was added" in done.text


def test_outside_a_course_a_student_places_nothing(world: World) -> None:
    outside(world, [LEARNER])
    assert ask(world, browser_session()).status_code == 403


def test_links_may_be_asked_for_at_an_address_of_their_own(world: World) -> None:
    other = f"{world.tool_url}/lti/deep-linking"
    for tool in world.lms.tools.values():
        world.lms.tools[tool.client_id] = replace(
            tool, launch_url=other, redirect_uris=(*tool.redirect_uris, other)
        )
    session = browser_session()
    page = ask(world, session)
    assert page.url.endswith("/deep-linking")
    follow(session, send(session, page, "class"))
    assert world.lms.course_links("c1")[-1].target_link_uri.endswith("/lti/launch")
    assert requests.get(other, timeout=30).status_code == 405


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/back",
        "javascript:alert(1)",
        "http://localhost:1/back",
        "http://localhost.evil.example/",
    ],
)
def test_a_foreign_return_address_is_refused_and_leaves_nothing(
    world: World, url: str
) -> None:
    world.edit(wish(deep_link_return_url=url))
    page = ask(world, browser_session())
    assert page.headers["X-MasteryBridge-Code"] == "E_CLAIM"
    assert page.status_code == 400
    assert world.count("web_session") == 0


def check(world: World, url: str, local_hosts: set[str], **known: str) -> None:
    with world.database.read() as session:
        registration = registrations.load_registration(session, world.registration_id)
    claims = parse_claims(
        {
            "sub": "tea",
            f"{LTI}message_type": "LtiDeepLinkingRequest",
            f"{LTI}version": "1.3.0",
            f"{LTI}deployment_id": "1",
            f"{LTI}target_link_uri": "https://tool.example/lti/launch",
            f"{LTI}roles": [],
            SETTINGS: {
                "deep_link_return_url": url,
                "accept_types": [],
                "accept_presentation_document_targets": [],
            },
        }
    )
    check_return(claims, replace(registration, **known), local_hosts)


PLACES = {"issuer": "https://lms.example", "auth_url": "https://sso.lms.example/auth"}
CANVAS = PLACES | {"vendor": "canvas"}
NEAR = {"issuer": "http://lms.local:8080", "auth_url": "http://lms.local:8080/auth"}


@pytest.mark.parametrize(
    ("url", "known", "local_hosts"),
    [
        ("https://lms.example/back?sesskey=1", PLACES, set()),
        ("https://sso.lms.example/back", PLACES, set()),
        ("https://school.instructure.com/back", CANVAS, set()),
        ("http://lms.local:8080/back", NEAR, {"lms.local"}),
        ("http://lms.local:8080/back", NEAR, {"lms.local:8080"}),
    ],
)
def test_an_address_of_the_lms_may_be_answered(
    quiet_world: World, url: str, known: dict[str, str], local_hosts: set[str]
) -> None:
    check(quiet_world, url, local_hosts, **known)


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("http://lms.example/back", PLACES),
        ("https://lms.example:8443/back", PLACES),
        ("https://lms.example:99999/back", PLACES),
        ("https://evil.example\\.instructure.com/", CANVAS),
        ("https://evil.example/.instructure.com/", CANVAS),
        ("https://lms.example/ back", PLACES),
        ("https://lms.example/\tback", PLACES),
        ("http://lms.local:8080/back", NEAR),
    ],
)
def test_no_other_address_is_answered(
    quiet_world: World, url: str, known: dict[str, str]
) -> None:
    with pytest.raises(LaunchError, match="is not an https address of the LMS"):
        check(quiet_world, url, set(), **known)


@pytest.mark.browser
def test_a_teacher_places_a_link_in_the_pretend_lms(
    world: World, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        context.request.post(f"{world.lms_url}/session", form={"person_id": "tea"})
        page.goto(f"{world.lms_url}/courses/c1?add=1")
        tool = page.frame_locator("iframe.tool")
        box = tool.get_by_role("checkbox", name="My mastery")
        box.check()
        tool.get_by_role("button", name="Add to the course").click()
        expect(tool.get_by_role("heading", name="Content added")).to_be_visible()
        tool.get_by_role("link", name="My mastery").click()
        heading = page.frame_locator("iframe.tool").get_by_role("heading", level=1)
        expect(heading).to_be_visible()
        assert placed(world) == [("My mastery", {"view": "mine"})]
    finally:
        context.close()


@pytest.mark.browser
def test_the_page_of_choices_has_no_barrier(world: World, browser: Browser) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        context.request.post(f"{world.lms_url}/session", form={"person_id": "tea"})
        page.goto(f"{world.lms_url}/launch?course=c1&kind=deep_linking")
        page.get_by_role("button", name="Cancel").wait_for()
        found = Axe().run(page, options={"runOnly": TAGS})
        assert found.violations_count == 0, found.generate_report()
    finally:
        context.close()
