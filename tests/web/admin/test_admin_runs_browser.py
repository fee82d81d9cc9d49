"""The pages of runs and plans in a real browser: for all, live, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from lti_tool.storage import schema
from lti_tool.web.admin import moves, problems
from lti_tool.work.orders import Order
from tests.web.admin.browsing import Site, let_in
from tests.web.admin.conftest import Office
from tests.web.admin.seeding import District, put_run, seed_district

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """A site with a district behind it, and what its pages ordered."""

    site: Site
    office: Office
    district: District
    live: int
    ordered: list[Order]


@pytest.fixture
def desk(serve: Callable[..., str], office: Office) -> Desk:
    ordered: list[Order] = []
    office.app.extensions["order_sync"] = ordered.append
    with office.database.write() as session:
        district = seed_district(session, office.now, ends=160)
        put_run(session, district.source, office.now, status="failed", text="auth: x")
        live = put_run(
            session,
            district.source,
            office.now - timedelta(minutes=3),
            status="running",
            ended_at=None,
            phase="users",
            counts={"orgs": 12},
            progress={"collection": "users", "count": 100, "expected": 8400},
        )

    let_in(office.app, office.database, office.rosa, office.clock)
    return Desk(Site(serve(office.app)), office, district, live, ordered)


def end(desk: Desk) -> None:
    with desk.office.database.write() as session:
        session.execute(
            update(schema.run)
            .where(schema.run.c.id == desk.live)
            .values(status="applied", ended_at=desk.office.now, plan={})
        )


def test_every_page_is_for_everybody_and_fits(
    browser: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (moves, problems):  # a few rows are as good as fifty
        monkeypatch.setattr(one, "PAGE", 6)
    held, done = desk.district.held, desk.district.done
    paths = (
        "/admin/",
        "/admin/runs",
        f"/admin/runs/{held}",
        f"/admin/runs/{held}?type=users",
        f"/admin/runs/{held + 1}",
        f"/admin/runs/{desk.live}",
        f"/admin/runs/{held}/people?words=haddad",
        f"/admin/runs/{held}/person?id=user-0",
        f"/admin/runs/{done}/errors",
        f"/admin/runs/starting?source={desk.district.source}&after=999&at=1",
    )
    assert desk.site.survey(browser, paths) == []


def test_a_run_is_seen_to_move_and_to_end(browser: Browser, desk: Desk) -> None:
    context = browser.new_context()
    page = desk.site.page(context)
    page.goto(f"{desk.site.url}/admin/runs/{desk.live}")
    live = page.locator(".live")
    expect(live).to_contain_text("100 of 8,400")
    page.evaluate("document.querySelector('.live').dataset.mark = 'same page'")
    with desk.office.database.write() as session:
        session.execute(
            update(schema.run)
            .where(schema.run.c.id == desk.live)
            .values(
                progress={"collection": "users", "count": 4200, "expected": 8400},
                counts={"orgs": 12},
            )
        )
    expect(live).to_contain_text("4,200 of 8,400")
    assert live.get_attribute("data-mark") == "same page"
    page.get_by_role("button", name="Stop after this page").focus()
    page.keyboard.press("Enter")
    expect(live).to_contain_text("It stops after the page it is reading.")
    end(desk)
    # The page turns into that of a run that has ended, by itself.
    expect(page.locator("h1 ~ p .state")).to_contain_text("Done")
    desk.site.check(page)
    context.close()


def test_a_plan_is_accepted_by_the_keyboard_alone(browser: Browser, desk: Desk) -> None:
    end(desk)
    context = browser.new_context()
    page = desk.site.page(context)
    page.goto(f"{desk.site.url}/admin/runs/{desk.district.held}")
    page.locator("#reason").focus()
    page.keyboard.type("Term 1 is over")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "accepted"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "accepted_without_ends"
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/runs/starting?*")
    assert [one.is_without_ends for one in desk.ordered] == [True]
    with desk.office.database.write() as session:
        run = put_run(
            session,
            desk.district.source,
            desk.office.now,
            status="running",
            ended_at=None,
            of_run_id=desk.district.held,
        )
    # It goes to the run as soon as the worker has begun it.
    page.wait_for_url(f"**/admin/runs/{run}")
    expect(page.locator("main")).to_contain_text("It applies the plan a person")
    desk.site.check(page)
    context.close()


def test_without_scripts_a_plan_is_read_and_decided(
    browser: Browser, desk: Desk
) -> None:
    end(desk)
    context = browser.new_context(java_script_enabled=False)
    page = desk.site.page(context)
    page.goto(f"{desk.site.url}/admin/runs/{desk.district.held}")
    page.select_option("select[name=kind]", "end")
    page.locator("#rows ~ form button", has_text="Show").click()
    assert "kind=end" in page.url
    page.get_by_role("link", name="Further").click()
    assert page.locator(".moves tbody tr").count() == 50
    # To discard no reason is asked for.
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#decided")).to_have_text("Discarded")
    page.goto(f"{desk.site.url}/admin/runs")
    page.select_option("select[name=way]", "dry")
    page.get_by_role("button", name="Start a run now").click()
    expect(page.locator("main")).to_contain_text("Handed to the worker")
    assert [one.is_dry_run for one in desk.ordered] == [True]
    context.close()
