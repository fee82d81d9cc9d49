"""The matching desk in a real browser: for everybody, by keys, at every width."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import redirect
from playwright.sync_api import Browser, BrowserContext, expect
from werkzeug.wrappers import Response

from lti_tool.storage import accounts
from lti_tool.web.admin.guard import keep_admin
from tests.web.admin.conftest import Office
from tests.web.admin.test_admin_browser import Site, violations
from tests.web.admin.test_matching import fill, links, persons

pytestmark = pytest.mark.browser
PAGES = (
    "/admin/matching",
    "/admin/matching?words=nobody",
    "/admin/matching?status=active",
    "/admin/matching/people?words=Neil",
    "/admin/matching/people/1",
    "/admin/matching/people/1?words=Ek",
)


@pytest.fixture
def site(office: Office, serve: Callable[..., str]) -> Site:
    fill(office, 30)

    def enter() -> Response:
        with office.database.write() as session:
            secret = accounts.open_session(session, office.rosa, now=office.clock())
        answer = redirect("/admin/matching", 303)
        keep_admin(answer, secret)
        return answer

    office.app.add_url_rule("/enter", "enter", enter)
    return Site(serve(office.app), office)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    yield context
    context.close()


@pytest.mark.parametrize(
    ("locale", "scheme", "width"),
    [("en", "light", 1280), ("ar", "dark", 390), ("en", "dark", 800)],
)
def test_the_desk_is_for_everybody_and_fits(
    browser: Browser, site: Site, locale: str, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type] # one of its words
        locale=locale,
    )
    page = site.page(context)
    found, wide = {}, {}
    for place, path in enumerate(PAGES):
        page.goto(site.url + path)
        site.check(page)
        if folder := os.environ.get("MATCHING_SHOTS"):
            shot = Path(folder) / f"desk-{place}-{width}-{scheme}-{locale}.png"
            page.screenshot(path=shot)
        if bad := violations(page):
            found[path] = bad
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            wide[path] = over
    context.close()
    assert found == {}
    assert wide == {}


def test_a_decision_takes_no_mouse(context: BrowserContext, site: Site) -> None:
    page = site.page(context)
    button = page.get_by_role("button", name="Same person Márta O'Neil")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]").first).to_have_text("1 accepted.")
    assert persons(site.office)[0] == persons(site.office)[1]
    ticks = page.locator(".tick input")
    for place in (0, 1):
        ticks.nth(place).focus()
        page.keyboard.press("Space")
    page.locator(".many button", has_text="Not the same").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]").first).to_contain_text("2 refused")
    decided = [status for status, _by in links(site.office)]
    assert decided.count("refused") == 2
    site.check(page)
