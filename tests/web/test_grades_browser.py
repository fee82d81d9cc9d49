"""Where scores come from, in a real browser: wide and narrow, by key, no barrier."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import let_in
from tests.web.test_grades_page import UNIT, Lms, lms

if TYPE_CHECKING:
    from tests.web.conftest import Class

pytestmark = pytest.mark.browser
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SHOTS = os.environ.get("MASTERYBRIDGE_SHOTS")
__all__ = ["lms"]


@pytest.fixture
def address(
    room: Class,
    lms: Lms,
    serve_class: Callable[..., Flask],
    serve: Callable[..., str],
) -> str:
    """Where the browser gets its secret and then the page of a course that was read."""
    lms.book.put(UNIT)
    lms.book.put(replace(UNIT, number="42", title="Lab report", maximum=20.0))
    for student in range(4):
        lms.book.grade(f"u{student}", 8.0)
    lms.read()
    lms.book.breaks_at = 0
    with pytest.raises(Exception, match="403"):
        lms.read()
    app = serve_class(room)
    let_in(app)
    sid = room.sid(room.teacher, "instructor")
    return f"{serve(app)}/enter?to={quote(f'/s/{sid}/grades')}"


def test_a_teacher_reads_again_by_key_and_meets_no_barrier(
    browser: Browser, address: str
) -> None:
    for width in (1280, 800, 390):
        for scheme in ("light", "dark"):
            if scheme == "dark" and width != 390 and SHOTS is None:
                continue
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme
            )
            page = context.new_page()
            page.goto(address)
            expect(
                page.get_by_text("could not be read", exact=False).first
            ).to_be_visible()
            _shoot(page, f"grades-{width}-{scheme}")
            assert _fits(page)
            context.close()
    page = browser.new_page()
    page.goto(address)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
    assert [one["id"] for one in found.response["violations"]] == []
    page.get_by_role("button", name="Read now").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("waiting to be read")).to_be_visible()
    page.close()


def _fits(page: Page) -> bool:
    """Whether nothing is wider than the window."""
    return bool(
        page.evaluate(
            "() => { const all = document.documentElement;"
            " return all.scrollWidth <= all.clientWidth }"
        )
    )


def _shoot(page: Page, name: str) -> None:
    if SHOTS is not None:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
