"""Frameworks in a real browser: import with its progress, keyboard, accessibility."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from lti_tool.app import create_app
from lti_tool.demo.servers import free_ports
from lti_tool.settings import Settings
from lti_tool.storage import accounts
from lti_tool.storage.database import Database
from lti_tool.work.jobs import Jobs
from tests.web.admin import browsing
from tests.web.admin.browsing import let_in
from tests.web.admin.test_frameworks_pages import changed, package

pytestmark = pytest.mark.browser


@pytest.fixture
def base(
    sqlite_database: Database, tmp_path: Path, serve: Callable[..., str]
) -> Iterator[str]:
    """The tool with its worker; /enter signs an administrator in."""
    (tmp_path / "key").write_bytes(b"k" * 32)
    port = free_ports("127.0.0.1", 1)[0]
    settings = Settings(
        data_dir=tmp_path,
        secret_key_file=tmp_path / "key",
        public_url=f"http://127.0.0.1:{port}",
        local_network="127.0.0.1",
    )
    jobs = Jobs(settings, sqlite_database)
    app = create_app(settings, sqlite_database, order_import=jobs.import_framework)
    now = datetime.now(UTC)
    with sqlite_database.write() as session:
        rosa = accounts.add_account(
            session, username="rosa", display_name="Rosa", password_hash="", now=now
        )

    let_in(app, sqlite_database, rosa, lambda: now)
    worker = jobs.embedded_worker()
    worker.start()
    yield serve(app, port)
    worker.stop(graceful=True)


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds, light and dark."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of the two
        found += browsing.violations(page)
    return found


def send(page: Page, base: str, name: str, document: object) -> None:
    """Import a document as a file and wait until it is here."""
    page.goto(f"{base}/admin/frameworks")
    body = json.dumps(document).encode()
    page.set_input_files(
        "#file", {"name": name, "mimeType": "application/json", "buffer": body}
    )
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("link", name="See it")).to_be_visible(timeout=30_000)


def test_an_import_is_seen_to_end_and_its_pages_are_accessible(
    context: BrowserContext, base: str
) -> None:
    page = context.new_page()
    page.goto(f"{base}/enter")
    send(page, base, "math.json", package())
    send(page, base, "math.json", changed())
    found = violations(page)
    page.get_by_role("link", name="See what changed").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("What version 2 changed")
    found += violations(page)
    for name in ("Versions", "Replacements", "Crosswalks", "Courses", "Competencies"):
        page.get_by_role("navigation", name="This framework").get_by_role(
            "link", name=name
        ).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Mathematics 7")
        found += violations(page)
    assert found == []


def test_a_framework_is_written_and_ordered_with_the_keyboard_alone(
    context: BrowserContext, base: str
) -> None:
    page = context.new_page()
    page.goto(f"{base}/enter")
    page.goto(f"{base}/admin/frameworks")
    page.get_by_label("Title").focus()
    page.keyboard.type("Coding")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Coding")
    for statement in ("Loops", "Tests"):
        page.get_by_label("What a student can do").focus()
        page.keyboard.type(statement)
        page.keyboard.press("Enter")
        expect(page.locator(".tree")).to_contain_text(statement)
    page.get_by_role("button", name="Move Tests up").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".tree li").first).to_contain_text("Tests")
    found = violations(page)
    page.get_by_role("link", name="Edit Tests").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What it says")).to_be_visible()
    found += violations(page)
    page.get_by_label("Level 1", exact=True).focus()
    page.keyboard.type("Beginning")
    page.keyboard.press("Tab")
    page.keyboard.type("With help.")
    page.keyboard.press("Enter")
    saved = page.get_by_role("status").filter(has_text="Saved, as a version")
    expect(saved).to_be_visible()
    assert page.get_by_label("What level 1 means").input_value() == "With help."
    assert found == []
