"""The wizard in a real browser, against the demo's SIS on a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import func, select

from lti_tool.app import create_app
from lti_tool.demo.parties import make_sis
from lti_tool.demo.school import make_school
from lti_tool.settings import Settings
from lti_tool.storage import accounts, schema, source_pages
from lti_tool.storage.database import Database
from lti_tool.work.jobs import Jobs
from tests.ports import free_port
from tests.web.admin.browsing import Site, let_in

pytestmark = pytest.mark.browser
SECRET = "a secret of the demo"  # noqa: S105 -- of a made-up SIS
PATHS = (
    *("", "/address", "/scope", "/mapping", "/matching", "/limits", "/writing"),
    "/finish",
)


@dataclass
class Desk:
    """The whole installation on real sockets, its worker beside it."""

    site: Site
    sis_url: str
    database: Database

    @property
    def url(self) -> str:
        return self.site.url

    def page(self, context: BrowserContext) -> Page:
        return self.site.page(context)

    def fill_address(self, page: Page) -> None:
        page.goto(f"{self.url}/admin/sources/new")
        page.get_by_role("link", name="OneRoster 1.2 service").click()
        page.fill("#name", "Lakeview SIS")
        page.fill("#location", self.sis_url)
        page.fill("#client_id", "masterybridge")
        page.fill("#client_secret", SECRET)
        page.get_by_role("button", name="Save and test").click()

    def count(self, table: str) -> int:
        with self.database.read() as session:
            found = session.scalar(
                select(func.count()).select_from(schema.metadata.tables[table])
            )
        return int(found or 0)


@pytest.fixture
def desk(
    sqlite_database: Database, tmp_path: Path, serve: Callable[..., str]
) -> Iterator[Desk]:
    school = make_school(seed=7, size="school", today=date(2026, 11, 24))
    sis_url = serve(make_sis(school, "masterybridge", SECRET))
    (tmp_path / "key").write_bytes(b"k" * 32)
    port = free_port()
    settings = Settings(
        data_dir=tmp_path,
        secret_key_file=tmp_path / "key",
        public_url=f"http://127.0.0.1:{port}",
        local_network="127.0.0.1",
    )
    jobs = Jobs(settings, sqlite_database)
    app = create_app(
        settings, sqlite_database, order_sync=jobs.order, order_look=jobs.look
    )
    with sqlite_database.write() as session:
        rosa = accounts.add_account(
            session,
            username="rosa",
            display_name="Rosa",
            password_hash="",
            now=datetime.now(UTC),
        )

    let_in(app, sqlite_database, rosa, lambda: datetime.now(UTC), "/admin/sources")
    worker = jobs.embedded_worker()
    worker.start()
    yield Desk(Site(serve(app, port)), sis_url, sqlite_database)
    worker.stop(graceful=True)


def test_an_administrator_connects_a_sis_and_syncs_it(
    context: BrowserContext, desk: Desk
) -> None:
    page = desk.page(context)
    page.get_by_role("link", name="Connect a roster source").click()
    desk.fill_address(page)
    # The test begins by itself and ticks line by line.
    expect(page.locator("#look [data-settled]")).to_be_visible()
    assert page.locator("#look li.bad").count() == 0, page.inner_text("#look")
    page.get_by_role("button", name="Go on").click()
    # So does the reading of what there is to choose from.
    expect(page.locator(".picks label").first).to_be_visible()
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("heading", name="Words nobody knows")).to_be_visible()
    assert "•" in page.locator("#c-users ~ details .samples").nth(1).inner_text()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="How many would be found")).to_be_visible()
    page.get_by_role("button", name="Save and go on").click()
    page.select_option("#time_zone", "Europe/Paris")
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("button", name="Start the dry run").click()
    expect(page.locator("#run")).to_contain_text("Dry run")
    assert desk.count("sis_user") == 0
    page.get_by_role("button", name="Sync now and switch it on").click()
    expect(page.get_by_role("cell", name="Done").first).to_be_visible()
    assert desk.count("sis_user") > 0
    assert desk.count("enrollment") > 0
    with desk.database.read() as session:
        held = source_pages.load_source(session, 1)
    assert (held["status"], held["settings"]["schedule"]["time_zone"]) == (
        "active",
        "Europe/Paris",
    )
    assert page.evaluate("window.refusals") == []


def test_a_wizard_left_in_the_middle_is_taken_up_again_without_a_mouse(
    context: BrowserContext, desk: Desk
) -> None:
    page = desk.page(context)
    page.goto(f"{desk.url}/admin/sources/new/rest12")
    page.locator("#name").focus()
    for text in ("Lakeview SIS", desk.sis_url, "", "", "masterybridge", SECRET):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/sources/1/address*")
    page.goto(f"{desk.url}/admin/sources")
    page.get_by_role("link", name="Go on Lakeview SIS").press("Enter")
    page.wait_for_url("**/admin/sources/1/address")
    page.get_by_role("link", name="Limits and times").press("Enter")
    page.get_by_role("button", name="Back").press("Enter")
    page.wait_for_url("**/admin/sources/1/matching*")


def test_wrong_credentials_are_told_line_by_line(
    context: BrowserContext, desk: Desk
) -> None:
    page = desk.page(context)
    page.goto(f"{desk.url}/admin/sources/new/rest12")
    page.fill("#name", "Lakeview SIS")
    page.fill("#location", desk.sis_url)
    page.fill("#client_id", "masterybridge")
    page.fill("#client_secret", "not it")
    page.get_by_role("button", name="Save and test").click()
    expect(page.locator("#look li.bad").first).to_be_visible()
    expect(page.locator("#look")).to_contain_text("failed")
    assert "not it" not in page.content()


def test_every_step_is_for_everybody_and_fits(
    browser: Browser, context: BrowserContext, desk: Desk
) -> None:
    page = desk.page(context)
    desk.fill_address(page)
    expect(page.locator("#look [data-settled]")).to_be_visible()
    page.goto(f"{desk.url}/admin/sources/1/scope")
    expect(page.locator(".picks label").first).to_be_visible()
    page.goto(f"{desk.url}/admin/sources/1/finish")
    page.locator("main form button").first.click()
    expect(page.locator("#run .state.ok")).to_be_visible()
    doors = ("", "/new", "/new/upload", "/new/clever")
    paths = [f"/admin/sources{one}" for one in (*doors, *(f"/1{one}" for one in PATHS))]
    assert desk.site.survey(browser, paths, is_open=True) == []


def test_without_scripts_the_whole_wizard_works(browser: Browser, desk: Desk) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = desk.page(context)
    desk.fill_address(page)
    page.get_by_role("button", name="Run the test").click()
    for _ in range(200):
        if page.locator("#look [data-settled]").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator("#look")).to_contain_text("Asked")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("button", name="Sync now and switch it on").click()
    for _ in range(200):
        if page.get_by_role("cell", name="Done").count():
            break
        page.wait_for_timeout(500)
        page.get_by_role("link", name="Look again").click()
    assert desk.count("sis_user") > 0
    context.close()
