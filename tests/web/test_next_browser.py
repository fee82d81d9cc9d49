"""Groups and resources in a real browser: copying names, leaving by a new tab, axe."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import func, select

from lti_tool.storage import schema
from lti_tool.storage.resources import Use
from lti_tool.work import resources
from tests.web.conftest import Class
from tests.web.test_pages_browser import tool_app, violations

pytestmark = pytest.mark.browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport={"width": 1000, "height": 800}, reduced_motion="reduce"
    )
    yield context
    context.close()


@pytest.fixture
def tool(
    room: Class, serve_class: Callable[..., Flask], serve: Callable[..., str]
) -> str:
    return serve(tool_app(serve_class, room))


def test_ticked_names_are_copied_and_the_page_is_accessible(
    context: BrowserContext, room: Class, tool: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=tool)
    page = context.new_page()
    sid = room.sid(room.teacher, "instructor")
    page.goto(f"{tool}/enter?to=/s/{sid}/groups")
    copy = page.get_by_role("button", name="Copy names")
    said = page.locator("#names-said")
    copy.click()
    expect(said).to_have_text("Tick at least one student first.")
    page.get_by_role("checkbox", name="Wei Chen").first.check()
    page.get_by_role("checkbox", name="Ben Ortiz").first.check()
    copy.click()
    expect(said).to_have_text("Copied: Wei Chen, Ben Ortiz")
    assert page.evaluate("navigator.clipboard.readText()") == "Wei Chen\nBen Ortiz"
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []


def test_a_resource_opens_in_a_tab_that_knows_nothing_of_ours(
    context: BrowserContext, room: Class, tool: str, serve: Callable[..., str]
) -> None:
    other = Flask("elsewhere")
    other.add_url_rule("/", "page", lambda: "<!doctype html><title>Elsewhere</title>")
    place = serve(other).replace("127.0.0.1", "localhost") + "/"
    third = room.competencies[2]
    with room.database.write() as session:
        fields = {"title": "Video", "url": place}
        use = Use(0, third, room.course)
        resources.offer(session, fields, use, origin="own", who="x", now=room.now)
    page = context.new_page()
    sid = room.sid(room.students[0], "learner")
    page.goto(f"{tool}/enter?to=/s/{sid}/mastery")
    assert violations(page) == []
    with context.expect_page() as opened:
        page.get_by_role("button", name="Open Video").click()
    tab = opened.value
    tab.wait_for_url(place)
    assert tab.evaluate("[document.referrer, window.opener]") == ["", None]
    with room.database.read() as session:
        count = select(func.count()).select_from(schema.resource_opening)
        assert session.scalar(count) == 1
    teacher = room.sid(room.teacher, "instructor")
    page.goto(f"{tool}/enter?to=/s/{teacher}/resources/{third}")
    assert violations(page) == []
