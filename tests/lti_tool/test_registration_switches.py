"""What an administrator allows a platform: further sites, another target."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Table, select, update

from lti_tool.demo.browserless import browser_session
from lti_tool.storage import schema

if TYPE_CHECKING:
    from tests.lti_tool.conftest import World

TARGET = "https://purl.imsglobal.org/spec/lti/claim/target_link_uri"


def switch(world: World, **values: object) -> None:
    with world.database.write() as session:
        session.execute(
            update(schema.registration)
            .where(schema.registration.c.id == world.registration_id)
            .values(**values)
        )


def other_target(world: World, url: str) -> None:
    world.edit(lambda _header, claims: claims.__setitem__(TARGET, url))


def seen(world: World) -> dict[str, str]:
    with world.database.read() as session:
        return session.scalar(select(schema.deployment.c.seen)) or {}


def test_a_launch_to_another_target_of_ours_is_refused(world: World) -> None:
    other_target(world, f"{world.tool_url}/lti/deep-linking")
    answer = world.open("tea")
    assert answer.headers["X-MasteryBridge-Code"] == "E_TARGET"
    assert seen(world).get("other_target_at") is None


def test_with_the_switch_on_warn_it_is_let_in_and_written_down(
    world: World, log_lines: Callable[[], list[str]]
) -> None:
    switch(world, target_mismatch="warn")
    other_target(world, f"{world.tool_url}/lti/deep-linking")
    answer = world.open("tea")
    assert answer.status_code == 200
    assert "X-MasteryBridge-Code" not in answer.headers
    assert seen(world)["other_target_at"]
    assert len([one for one in log_lines() if "launch target differs" in one]) == 1


@pytest.mark.parametrize("mismatch", ["refuse", "warn"])
def test_a_target_on_a_foreign_host_is_refused_whatever_the_switch_says(
    world: World, mismatch: str
) -> None:
    switch(world, target_mismatch=mismatch)
    other_target(world, "https://evil.example/lti/launch")
    assert world.open("tea").headers["X-MasteryBridge-Code"] == "E_TARGET"


def test_a_listed_site_may_show_the_pages_of_a_launch_in_a_frame(
    world: World,
) -> None:
    switch(world, extra_origins=["https://lms.school.example"])
    answer = world.open("tea")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    ancestors = policy.rsplit("frame-ancestors ", 1)[1].split()
    assert ancestors == [world.lms_url, "https://lms.school.example"]
    assert f'data-frames="{world.lms_url} https://lms.school.example"' in answer.text


@pytest.mark.parametrize("table", [schema.deployment, schema.registration])
def test_what_is_switched_off_ends_the_sessions_that_came_by_it(
    world: World, table: Table
) -> None:
    browser = browser_session()
    page = world.open("tea", session=browser)
    assert browser.get(page.url, timeout=30).status_code == 200
    with world.database.write() as session:
        session.execute(update(table).values(status="disabled"))
    answer = browser.get(page.url, timeout=30)
    assert answer.status_code == 401
    assert "Ana" not in answer.text
