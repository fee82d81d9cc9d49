"""The review of suggestions in a real browser: two clicks, keys, no barrier."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, expect
from sqlalchemy import delete

from lti_tool.storage import schema
from tests.web.conftest import let_in

if TYPE_CHECKING:
    from tests.web.conftest import Class

pytestmark = pytest.mark.browser
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TITLES = ("Unit 4 quiz (NU.2)", "Compare amounts in case 3, homework", "Zzz")


@pytest.fixture
def address(
    seed: Callable[..., Class],
    serve_class: Callable[..., Flask],
    serve: Callable[..., str],
) -> str:
    """Where the browser gets its secret and then the review of three pieces of work."""
    room = seed(8, 6)
    for number, title in enumerate(TITLES):
        scores = {who: (who + number) % 11 for who in room.students}
        room.add_work(room.competencies[number], title, scores)
    with room.database.write() as session:
        session.execute(delete(schema.alignment))
    app = serve_class(room)
    let_in(app)
    sid = room.sid(room.teacher, "instructor")
    return f"{serve(app)}/enter?to={quote(f'/s/{sid}/align')}"


def test_suggestions_are_accepted_in_two_clicks_without_a_barrier(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 800}, color_scheme="dark"
    )
    page = context.new_page()
    page.goto(address)
    page.get_by_role("button", name="Review suggestions").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review suggestions")
    expect(page.get_by_text("named in its text: NU.2")).to_be_visible()
    found = Axe().run(page, options={"runOnly": TAGS}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    width = "document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(width) <= 0
    page.locator("summary", has_text="that would change").click()
    expect(page.get_by_role("table")).to_be_visible()
    assert page.evaluate(width) <= 0
    accept = page.get_by_role("button", name="Accept")
    tick = page.get_by_role("checkbox", name=TITLES[1])
    expect(accept).to_have_text("Accept 1 ticked")
    tick.press("Space")
    expect(accept).to_have_text("Accept 2 ticked")
    expect(page.get_by_text("Changed since the preview")).to_be_visible()
    expect(page.get_by_role("table")).to_be_hidden()
    tick.press("Space")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").first).to_contain_text("accepted.")
    context.close()
