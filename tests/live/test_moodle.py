"""LTI Advantage in a real Moodle, from an invitation to a copied course.

One story in the order of the file: each fixture goes a step further in the same
Moodle. What is asserted is what people see there. The browser keeps no third-party
cookies, and Moodle offers no platform storage. See conftest.py for the settings.
"""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.live.conftest import (
    CODES,
    DESCRIPTION,
    PASSWORD,
    SCORED,
    STUDENTS,
    SignIn,
    Tool,
    Trial,
)
from tests.live.moodle import PAGE_MS, Moodle

GRADEBOOK_SECONDS = 30
ITEMS = ("Class mastery", "My mastery")

pytestmark = [
    pytest.mark.live,
    pytest.mark.browser,
    pytest.mark.skipif(
        not DESCRIPTION, reason="no Moodle is under trial (MASTERYBRIDGE_LIVE_MOODLE)"
    ),
]


@pytest.fixture(scope="module")
def activities(
    teacher: Moodle, admin: Moodle, course: int, approved: dict[str, Any]
) -> dict[str, int]:
    """Two pages and a competency check with its column, placed by deep linking."""
    tool_id = admin.tool_id(approved["client_id"])
    assert [one["deployment_id"] for one in approved["deployments"]] == [tool_id]
    frame = teacher.content_dialog(course, tool_id)
    for title in ITEMS:
        frame.get_by_label(title).check()
    frame.get_by_label(CODES[0]).first.check()
    frame.get_by_label("Give each competency check a grade column").check()
    frame.get_by_role("button", name="Add to the course").click()
    teacher.save_content()
    return teacher.activities(course)


@pytest.fixture(scope="module")
def delivered(
    tool: Tool, teacher: Moodle, activities: dict[str, int]
) -> dict[str, Any]:
    """The class pulled over NRPS and its outcomes sent over AGS."""
    teacher.open_tool(activities["Class mastery"])
    deadline = time.monotonic() + GRADEBOOK_SECONDS
    sent = tool.run("outcomes", "deliver")
    while time.monotonic() < deadline and "pending" in str(sent):
        sent = tool.run("outcomes", "deliver")
    return dict(tool.run("outcomes", "status"))


def test_a_registration_waits_for_an_administrator(registered: dict[str, Any]) -> None:
    assert registered["vendor"] == "moodle"
    assert registered["status"] == "pending"


def test_an_update_leaves_nothing_out(
    tool: Tool, admin: Moodle, approved: dict[str, Any]
) -> None:
    before = admin.tool_settings(admin.tool_id(approved["client_id"]))
    assert before["contentitem"] == "1"
    assert before["gradesynchronization"] == "2"
    url = tool.run("platform", "invite", "--vendor", "moodle")["url"]
    frame = admin.register_tool(url, "Connect", updates="MasteryBridge")
    frame.get_by_role("button", name="Connect").click()
    expect(frame.get_by_role("button", name="Close")).to_be_visible(timeout=PAGE_MS)
    expect(frame.get_by_text("out of the activity chooser")).to_be_visible()
    admin.see_registration_close(frame)
    after = admin.tool_settings(admin.tool_id(approved["client_id"]))
    # Moodle 4.5.5 takes an updated tool out of the activity chooser, whatever is sent.
    assert (before.pop("coursevisible"), after.pop("coursevisible")) == ("2", "1")
    assert after == before
    assert [one["status"] for one in tool.run("platform", "list")] == ["active"]


def test_several_items_are_placed_by_deep_linking(activities: dict[str, int]) -> None:
    assert set(ITEMS) <= set(activities)
    assert len([title for title in activities if title.startswith(CODES[0])]) == 1


def test_a_teacher_sees_the_class_grid_inside_moodle(
    teacher: Moodle, activities: dict[str, int], tool: Tool
) -> None:
    frame = teacher.open_tool(activities["Class mastery"])
    expect(frame.locator("table[role=grid]")).to_be_visible(timeout=PAGE_MS)
    assert [one.url.startswith(f"{tool.url}/") for one in teacher.frames()] == [True]


def test_a_student_sees_her_own_mastery_inside_moodle(
    sign_in: SignIn, trial: Trial, activities: dict[str, int]
) -> None:
    student = trial.students[0]
    frame = sign_in(student.username).open_tool(activities["My mastery"])
    expect(frame.locator("h1").first).to_contain_text(student.first)
    expect(frame.locator("table[role=grid]")).to_have_count(0)


def test_the_whole_class_is_joined_to_the_sis(
    tool: Tool, delivered: dict[str, Any]
) -> None:
    assert delivered["counts"] == {"delivered": SCORED * len(CODES)}
    pulled = tool.events("members pulled")[0]
    # Who made the course is its teacher too, and unknown to the SIS.
    assert pulled["members"] == STUDENTS + 2
    assert pulled["joined"] == STUDENTS + 1


def test_moodles_own_gradebook_shows_every_score(
    teacher: Moodle, course: int, activities: dict[str, int], delivered: dict[str, Any]
) -> None:
    assert delivered
    shown = {
        title: scores for title, scores in teacher.scores(course).items() if scores
    }
    first, second = sorted(title for title in shown if title.startswith("RP."))
    # The check's own column took the scores of its competency: there is no other.
    assert first.startswith(CODES[0])
    assert first in activities
    assert second.startswith(CODES[1])
    assert [len(shown[first]), len(shown[second])] == [SCORED, SCORED]


def test_what_was_sent_is_read_back_equal(tool: Tool) -> None:
    assert tool.run("outcomes", "reconcile")["differences"] == []


def test_a_tool_set_up_by_hand_opens_as_well(
    admin: Moodle, teacher: Moodle, course: int, tool: Tool, trial: Trial
) -> None:
    name = f"By hand {trial.mark}"
    shown = admin.add_tool(name, tool.url)
    tool.run(
        "platform", "add", "--vendor", "moodle", "--name", name,
        "--issuer", shown["Platform ID"], "--client-id", shown["Client ID"],
        "--deployment-id", shown["Deployment ID"],
        "--jwks-url", shown["Public keyset URL"],
        "--token-url", shown["Access token URL"],
        "--auth-url", shown["Authentication request URL"],
    )  # fmt: skip
    frame = teacher.content_dialog(course, shown["Deployment ID"])
    frame.get_by_label("Class mastery").check()
    frame.get_by_role("button", name="Add to the course").click()
    teacher.name_content(name)
    frame = teacher.open_tool(teacher.activities(course)[name])
    expect(frame.locator("table[role=grid]")).to_be_visible(timeout=PAGE_MS)


def test_a_copied_course_keeps_the_mapping_and_nobodys_data(
    admin: Moodle, sign_in: SignIn, trial: Trial, tool: Tool, delivered: dict[str, Any],
    course: int,
) -> None:  # fmt: skip
    assert delivered
    copy = admin.copy_course(course, f"{trial.mark}-copy")
    activities = admin.activities(copy)
    assert set(ITEMS) <= set(activities)
    frame = admin.open_tool(activities["Class mastery"])
    expect(frame.locator("body")).to_contain_text(
        re.compile("copied", re.IGNORECASE), timeout=PAGE_MS
    )
    original, copied = tool.run("course", "list")
    assert copied["framework"] == original["framework"]
    assert copied["rule"] == original["rule"]
    assert copied["students"] == 0
    assert sign_in(trial.teacher.username, PASSWORD)
