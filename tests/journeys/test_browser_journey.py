"""The main job as a teacher sees it, in real Chromium, between three real parties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from lti_tool.demo.run import Demo
from lti_tool.settings import Settings
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder: Path = tmp_path_factory.mktemp("demo")
    port = free_port()
    with Demo(Settings(data_dir=folder), port=port, size="school") as demo:
        demo.start()
        demo.open_for_visitors()
        yield demo


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def enter(page: Page, demo: Demo, card: str) -> None:
    page.goto(f"{demo.tool_url}/demo")
    page.get_by_role("link", name=card).click()


def tool(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def test_a_teacher_opens_the_tool_and_sees_who_has_mastered_what(
    page: Page, demo: Demo
) -> None:
    enter(page, demo, "Teacher Ms. Lee")
    grid = tool(page).locator("table[role=grid]")
    expect(grid).to_be_visible()
    expect(grid.get_by_role("row")).not_to_have_count(0)
    expect(tool(page).get_by_text("Amira Haddad")).to_be_visible()


def test_a_level_opens_to_its_evidence_and_arithmetic(page: Page, demo: Demo) -> None:
    enter(page, demo, "Teacher Ms. Lee")
    cell = tool(page).locator("table[role=grid] tbody td[data-c], tbody td").first
    cell.click()
    drawer = tool(page).locator("#drawer")
    expect(drawer).to_be_visible()
    expect(drawer).to_contain_text("How we got")


def test_a_student_sees_her_own_mastery(page: Page, demo: Demo) -> None:
    enter(page, demo, "Student Amira")
    expect(tool(page).locator("h1")).to_contain_text("Amira")
    expect(tool(page).locator("table[role=grid]")).to_have_count(0)


def test_scores_arrive_in_the_pretend_lms(page: Page, demo: Demo) -> None:
    enter(page, demo, "Results received")
    cells = page.locator("table td").filter(has_text="Developing")
    expect(cells.first).to_be_visible()
    heads = page.locator("thead th").all_inner_texts()
    assert len(heads) == len(set(heads)), "a competency has two columns"


def test_an_alignment_taken_back_and_given_again_is_told_to_the_lms(
    page: Page, demo: Demo
) -> None:
    enter(page, demo, "Teacher Ms. Lee")
    tool(page).get_by_role("link", name="Align work").click()
    work = tool(page).locator("li[id^=work-]").filter(has=page.locator("ul.aligned"))
    work.last.get_by_role("link", name="Remove").first.click()
    before = len(demo.lms.wire)
    tool(page).get_by_role("button", name="Remove", exact=True).click()
    expect(tool(page).get_by_role("status")).to_contain_text("Saved.")
    changed = tool(page).get_by_role("status").inner_text()
    assert "0 levels" not in changed
    for _ in range(200):
        sent = [call.path for call in demo.lms.wire[before:]]
        if any(path.endswith("/scores") for path in sent):
            return
        page.wait_for_timeout(500)
    pytest.fail("no score was sent after the levels changed")
