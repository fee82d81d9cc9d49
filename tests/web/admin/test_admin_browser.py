"""The administrators' pages in a real browser: keys, colours, languages, widths."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from lti_tool.storage import platforms, registrations
from lti_tool.storage.registrations import NewRegistration
from tests.web.admin.browsing import Site, let_in
from tests.web.admin.conftest import PASSWORD, USERNAME, Office

pytestmark = pytest.mark.browser

SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
CHECKS = [
    {"name": "issuer", "finding": "issuer_answers", "values": {"host": "lms"}},
    {"name": "keys", "finding": "keys_silent", "values": {"problem": "away"}},
]
PAGES = (
    "/admin/",
    "/admin/platforms",
    "/admin/platforms/1",
    "/admin/platforms/2",
    "/admin/platforms/1/edit",
    "/admin/platforms/2/canvas",
    "/admin/canvas/back",
    "/admin/platforms/1/remove",
    "/admin/register",
    "/admin/register/canvas",
    "/admin/register/moodle?way=manual&site=moodle.example.org",
    "/admin/register/moodle?way=dynamic",
    "/admin/register/platform/1/checks",
    "/admin/register/platform/1/done",
    "/admin/keys",
    "/admin/accounts",
    "/admin/account",
    "/admin/platforms/99",
)


@pytest.fixture
def site(office: Office, serve: Callable[..., str]) -> Site:
    with office.database.write() as session:
        for client_id in ("a", "b"):
            new = NewRegistration(
                name="Our Moodle",
                issuer="https://moodle.example.org",
                client_id=client_id,
                auth_url="https://moodle.example.org/auth",
                token_url="https://moodle.example.org/token",  # noqa: S106 -- an address
                jwks_url="https://moodle.example.org/jwks",
                vendor={"a": "moodle", "b": "canvas"}[client_id],
            )
            made = registrations.add_registration(
                session, new, deployment_ids=["1"], now=office.now
            )
            registrations.hold_deployment(session, made, "2", now=office.now)
        found = [{**one, "is_silent": False} for one in CHECKS]
        platforms.save_platform(
            session, 1, checks={"at": office.now.isoformat(), "checks": found}
        )
        platforms.save_platform(
            session,
            2,
            status="pending",
            asked={"scope": SCOPE},
            granted={"scope": ""},
            outcomes_url="https://school.example",
            outcomes_token="sealed",  # noqa: S106 -- no token
        )

    let_in(office.app, office.database, office.rosa, office.clock)
    return Site(serve(office.app))


def test_every_page_is_for_everybody_and_fits(browser: Browser, site: Site) -> None:
    assert site.survey(browser, PAGES) == []


def test_signing_in_and_registering_takes_no_mouse(
    context: BrowserContext, site: Site
) -> None:
    page = site.page(context, is_in=False)
    page.goto(f"{site.url}/admin/register/moodle?way=manual")
    page.locator("#username").focus()
    page.keyboard.type(USERNAME)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/register/moodle?way=manual")
    page.locator("#site").focus()
    page.keyboard.type("learn.example.org")
    page.keyboard.press("Enter")
    expect(page.locator("#issuer")).to_have_value("https://learn.example.org")
    page.locator("#client_id").focus()
    page.keyboard.type("new")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/register/platform/3/checks")
    # The checks begin by themselves; nothing answers there, and the page says so.
    expect(page.locator(".checks .bad").first).to_be_visible()
    assert "What to do:" in page.locator(".checks .bad").first.inner_text()
    site.check(page)


def test_a_value_is_copied_and_that_is_said(
    context: BrowserContext, site: Site
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    page = site.page(context)
    page.goto(f"{site.url}/admin/register/canvas")
    button = page.locator("[data-copy]").nth(2)
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Copied")
    expect(page.locator("body > p[role=status]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "https://mastery.example.org/lti/config/canvas.json"
    site.check(page)


def test_what_waits_appears_by_itself(
    context: BrowserContext, site: Site, office: Office
) -> None:
    page = site.page(context)
    page.goto(f"{site.url}/admin/register/platform/1/checks")
    live = page.locator(".live")
    expect(live).to_contain_text("Waiting for your test launch.")
    page.evaluate("document.querySelector('.live').dataset.mark = 'same page'")
    with office.database.write() as session:
        registrations.hold_deployment(session, 1, "new one", now=office.now)
    expect(live).to_contain_text("new one")
    assert live.get_attribute("data-mark") == "same page"
    site.check(page)


def test_without_scripts_every_form_still_works(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = site.page(context, is_in=False)
    page.goto(f"{site.url}/admin/platforms/1")
    page.fill("#username", USERNAME)
    page.fill("#password", PASSWORD)
    page.locator("main button").click()
    page.locator("#deployments ~ .scroll button", has_text="Approve").click()
    assert "Approved." in page.locator("[role=status]").inner_text()
    page.goto(f"{site.url}/admin/register/canvas")
    assert page.locator("[data-copy]").first.is_hidden()
    assert page.locator("#value-1-3").input_value().endswith("/lti/config/canvas.json")
    context.close()
