"""The matching desk in a real browser: for everybody, by keys, at every width."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.web.admin.browsing import Site, let_in
from tests.web.admin.conftest import Office
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
    fill(office, 5)
    let_in(office.app, office.database, office.rosa, office.clock, "/admin/matching")
    return Site(serve(office.app))


def test_the_desk_is_for_everybody_and_fits(browser: Browser, site: Site) -> None:
    assert site.survey(browser, PAGES) == []


def test_a_decision_takes_no_mouse(
    context: BrowserContext, site: Site, office: Office
) -> None:
    page = site.page(context)
    button = page.get_by_role("button", name="Same person Márta O'Neil")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]").first).to_have_text("1 accepted.")
    assert persons(office)[0] == persons(office)[1]
    ticks = page.locator(".tick input")
    # One box ticks all that is shown; taken out of it, the first stays as it is.
    page.get_by_label("Tick all shown").focus()
    page.keyboard.press("Space")
    ticks.first.focus()
    page.keyboard.press("Space")
    expect(page.get_by_label("Tick all shown")).not_to_be_checked()
    page.locator(".many button", has_text="Not the same").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]").first).to_contain_text("3 refused")
    decided = [status for status, _by in links(office)]
    assert decided == ["active", "proposed", "refused", "refused", "refused"]
    site.check(page)
