"""500 students by 10 competencies in a real Moodle: grades and ratings, read back.

The same levels go two ways, as grades by AGS and as competency ratings by web
services. Half way through the ratings the token is taken away: with few students they
may all be rated before. See conftest.py for the settings.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from lti_tool.platforms.moodle_needs import MAKING, READING, WRITING
from tests.live.conftest import DESCRIPTION, FRAMEWORK, STUDENTS, Tool, Trial
from tests.live.moodle import Moodle

TEN = ("RP.1", "RP.2", "RP.3", "RP.4", "RP.5", "RP.6", "RP.7", "RP.8", "EE.1", "EE.2")
ALL = STUDENTS * len(TEN)
RIGHTS = (
    "webservice/rest:use",
    "moodle/course:view",
    "moodle/competency:usercompetencyview",
    "moodle/competency:competencygrade",
    "moodle/competency:coursecompetencymanage",
)

pytestmark = [
    pytest.mark.live,
    pytest.mark.browser,
    pytest.mark.skipif(
        not DESCRIPTION, reason="no Moodle is under trial (MASTERYBRIDGE_LIVE_MOODLE)"
    ),
]


@pytest.fixture(scope="module")
def extent() -> tuple[int, tuple[str, ...]]:
    return STUDENTS, TEN


@pytest.fixture(scope="module")
def framework_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The framework under GUIDs of this run: Moodle holds each only once."""
    room, text = uuid.uuid4(), FRAMEWORK.read_text("utf-8")
    file = tmp_path_factory.mktemp("framework") / "framework.json"
    guid = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    file.write_text(
        guid.sub(lambda found: str(uuid.uuid5(room, found[0])), text), "utf-8"
    )
    return file


@pytest.fixture(scope="module")
def opened(
    teacher: Moodle, admin: Moodle, course: int, approved: dict[str, Any]
) -> int:
    """The tool's page, placed in the course and opened: so the class is known."""
    frame = teacher.content_dialog(course, admin.tool_id(approved["client_id"]))
    frame.get_by_label("Class mastery").check()
    frame.get_by_role("button", name="Add to the course").click()
    teacher.name_content("Class mastery")
    teacher.open_tool(teacher.activities(course)["Class mastery"])
    return course


@pytest.fixture(scope="module")
def graded(tool: Tool, opened: int) -> float:
    """All levels sent as grades; gives the seconds it took."""
    assert opened
    started = time.monotonic()
    deliver_all(tool)
    seconds = time.monotonic() - started
    print(f"\n{ALL} grades: {seconds:.0f} s")  # noqa: T201 -- a figure of the trial
    return seconds


def deliver_all(tool: Tool) -> None:
    """Deliver until nothing waits for its time."""
    while "pending" in str(tool.run("outcomes", "deliver", is_whole=False)):
        time.sleep(1)


@pytest.fixture(scope="module")
def connected(
    tool: Tool,
    admin: Moodle,
    trial: Trial,
    approved: dict[str, Any],
    framework_file: Path,
) -> int:
    """Framework, scale, service and token in Moodle; gives our id of the platform."""
    file = trial.folder / "framework.csv"
    document = json.loads(framework_file.read_text("utf-8"))["CFDocument"]
    tool.run("framework", "export", document["identifier"], "--format", "moodle",
             "--output", str(file))  # fmt: skip
    admin.import_framework(file)
    admin.open_web_services()
    token = admin.add_service(f"svc{trial.mark}", RIGHTS, READING + WRITING + MAKING)
    give_token(tool, trial, approved["id"], token)
    return int(approved["id"])


def platform_checks(tool: Tool, platform: int) -> list[dict[str, Any]]:
    (one,) = tool.run("platform", "check", str(platform), is_whole=False)
    return list(one["checks"])


def give_token(tool: Tool, trial: Trial, platform: int, token: str) -> None:
    file = trial.folder / "token"
    file.write_text(token, "utf-8")
    tool.run("platform", "edit", str(platform), "--outcomes-url", trial.site_url,
             "--outcomes-token-file", str(file))  # fmt: skip


@pytest.fixture(scope="module")
def rated(
    tool: Tool, trial: Trial, admin: Moodle, connected: int, graded: float
) -> dict[str, Any]:
    """All levels sent as ratings, the token revoked and restored in the middle."""
    assert graded
    tool.run("course", "set", trial.class_id, "--destination", "moodle=on")
    started = time.monotonic()
    running = tool.begin("outcomes", "deliver")
    while not tool.run("outcomes", "status")["destinations"]["moodle"].get("delivered"):
        assert running.poll() is None
        time.sleep(1)
    admin.delete_token(f"svc{trial.mark}")
    running.wait()
    between = tool.run("outcomes", "status")["destinations"]["moodle"]
    give_token(tool, trial, connected, admin.add_token(f"svc{trial.mark}"))
    deliver_all(tool)
    seconds = time.monotonic() - started
    print(f"\n{ALL} ratings: {seconds:.0f} s; in between {between}")  # noqa: T201 -- a figure of the trial
    return {"between": between, "seconds": seconds}


def test_every_level_is_a_grade_and_is_read_back_equal(
    tool: Tool, graded: float
) -> None:
    assert graded
    assert tool.run("outcomes", "status")["destinations"]["ags"] == {"delivered": ALL}


def test_the_live_checks_find_nothing_missing(tool: Tool, connected: int) -> None:
    found = {
        one["name"]: one["state"]
        for one in platform_checks(tool, connected)
        if one["name"].startswith("outcomes")
    }
    assert found["outcomes:functions"] == "ok"
    assert found["outcomes:rights"] == "ok"
    # The role may not make frameworks: none is made, and that is said.
    assert found["outcomes:making"] == "not tried"


def test_a_token_that_was_taken_away_holds_the_rest_back(
    rated: dict[str, Any],
) -> None:
    assert set(rated["between"]) == {"delivered", "blocked"}
    assert sum(rated["between"].values()) == ALL


def test_every_level_is_a_rating_and_is_read_back_equal(
    tool: Tool, rated: dict[str, Any]
) -> None:
    assert rated
    assert tool.run("outcomes", "status")["destinations"] == {
        "ags": {"delivered": ALL},
        "moodle": {"delivered": ALL},
    }
    found = tool.run("outcomes", "reconcile")
    assert found["read_back"] == {"ags": ALL, "moodle": ALL}
    assert found["differences"] == []
