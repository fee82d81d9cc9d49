"""The settings of a course and the drawer's forms in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.web.test_pages_browser import (
    Site,
    context,
    open_class,
    site,
    violations,
    watched,
)

__all__ = ["context", "site"]
pytestmark = pytest.mark.browser


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).last.click()


def test_the_example_follows_what_is_chosen_before_anything_is_sent(
    context: BrowserContext, site: Site
) -> None:
    page, _, faults = watched(context)
    page.goto(site.enter(f"/s/{site.teacher}/settings"))
    expect(page.locator("#example h3")).to_have_text("Highest")
    page.locator("[name=rule]").select_option("latest")
    expect(page.locator("#example h3")).to_have_text("Latest")
    expect(page.locator("#example-said")).to_contain_text("With these settings: Wei")
    page.locator("#try-student").focus()
    page.locator("#try-student").select_option(label="Chloé Dubois")
    expect(page.locator("#example-said")).to_contain_text("Chloé Dubois")
    expect(page.locator("#try-student")).to_be_focused()
    assert faults == []


def test_settings_are_changed_foreseen_saved_and_brought_back(
    context: BrowserContext, site: Site
) -> None:
    page, _, faults = watched(context)
    page.goto(site.enter(f"/s/{site.teacher}/settings"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings of this course")
    page.get_by_label("Pieces needed for a level").fill("0")
    page.get_by_label("Pieces needed for a level").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("from 1 to 50")
    page.get_by_label("Pieces needed for a level").fill("1")
    page.locator("[name=rule]").select_option("latest")
    press(page, "See what would change")
    expect(page.get_by_role("heading", level=2)).to_contain_text("This would change")
    press(page, "Back to the settings")
    expect(page.locator("[name=rule]")).to_have_value("latest")
    press(page, "See what would change")
    press(page, "Save these settings")
    expect(page.locator(".told")).to_contain_text("Saved.")
    page.get_by_role("link", name="Earlier versions").click()
    expect(page.get_by_role("heading", level=2)).to_have_count(2)
    press(page, "Bring version 1 back")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bring version 1 back")
    # The browser itself reports the form that was refused, and nothing else.
    assert [one for one in faults if "422" not in one] == []
    # Axe writes styles of its own, which our policy reports: it looks last.
    assert violations(page) == []
    press(page, "Bring it back")
    expect(page.locator(".told")).to_contain_text("Saved.")
    assert violations(page) == []
    page.get_by_role("link", name="Earlier versions").click()
    expect(page.get_by_role("heading", level=2)).to_have_count(3)
    assert violations(page) == []


def test_a_level_set_in_the_drawer_shows_in_the_grid_at_once(
    context: BrowserContext, site: Site
) -> None:
    page, _, faults = watched(context)
    open_class(page, site)
    page.locator("table [tabindex='0']").focus()
    page.keyboard.press("Enter")
    drawer = page.locator("#drawer")
    drawer.get_by_text("Change level", exact=True).click()
    drawer.get_by_label("1 Beginning").first.check()
    drawer.get_by_label("Why").fill("Asked her again")
    drawer.get_by_label("until I remove it").check()
    drawer.get_by_role("button", name="Set the level").press("Enter")
    expect(drawer.get_by_text("The level is set.")).to_be_visible()
    expect(page.locator("td.at")).to_have_attribute(
        "aria-label", re.compile("^1 Beginning, .* set by a teacher$")
    )
    drawer.get_by_role("button", name="Undo").press("Enter")
    expect(drawer.get_by_text("Undone.")).to_be_visible()
    expect(page.locator("td.s-set")).to_have_count(0)
    assert faults == []
    drawer.get_by_text("Change level", exact=True).click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
