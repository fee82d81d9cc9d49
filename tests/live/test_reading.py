"""What a teacher graded in a real Moodle, read as evidence; our own column left out.

See conftest.py for the settings.
"""

from __future__ import annotations

from typing import Any

import pytest

from lti_tool.platforms.moodle_reading_needs import FINER, FUNCTIONS, LIST, RIGHTS
from tests.live.conftest import CODES, DESCRIPTION, STUDENTS, Tool, Trial
from tests.live.moodle import Moodle

VIEW = "mod/assign:view"
TALK = ("Not yet competent", "Competent")
# As Moodle names them where grades are imported.
COLUMNS = ("Assignment: Essay", "Assignment: Talk", "Spoken work")
ACCOUNT = ("webservice/rest:use", *RIGHTS)

pytestmark = [
    pytest.mark.live,
    pytest.mark.browser,
    pytest.mark.skipif(
        not DESCRIPTION, reason="no Moodle is under trial (MASTERYBRIDGE_LIVE_MOODLE)"
    ),
]


@pytest.fixture(scope="module")
def graded(
    tool: Tool,
    admin: Moodle,
    teacher: Moodle,
    course: int,
    approved: dict[str, Any],
    trial: Trial,
) -> int:
    """The tool placed and opened, its columns filled, and a teacher's grades beside."""
    frame = teacher.content_dialog(course, admin.tool_id(approved["client_id"]))
    frame.get_by_label("Class mastery").check()
    frame.get_by_role("button", name="Add to the course").click()
    teacher.name_content("Class mastery")
    teacher.open_tool(teacher.activities(course)["Class mastery"])
    tool.run("outcomes", "deliver", is_whole=False)
    admin.add_assignment(course, "Essay", 50)
    admin.add_assignment(course, "Talk", "Default competence scale")
    admin.add_column(course, "Spoken work", 10)
    lines = [
        f"{one.username}@lab.example\t{number % 51}\t{TALK[number % 2]}\t{number % 11}"
        for number, one in enumerate(trial.students)
    ]
    admin.import_grades(course, COLUMNS, "\n".join(lines))
    return course


@pytest.fixture(scope="module")
def connected(tool: Tool, admin: Moodle, trial: Trial, approved: dict[str, Any]) -> int:
    """A service that may read, and its token here; gives our id of the platform."""
    admin.open_web_services()
    token = admin.add_service(
        f"rd{trial.mark}", (*ACCOUNT, VIEW), (*FUNCTIONS, *FINER, LIST)
    )
    file = trial.folder / "token"
    file.write_text(token, "utf-8")
    tool.run(
        "platform", "edit", str(approved["id"]), "--outcomes-url", trial.site_url,
        "--outcomes-token-file", str(file), "--read", "on",
    )  # fmt: skip
    return int(approved["id"])


@pytest.fixture(scope="module")
def read(tool: Tool, graded: int, connected: int) -> dict[str, Any]:
    """What the first reading says."""
    assert graded
    (told,) = tool.run("platform", "read", str(connected))
    return dict(told)


def test_the_check_finds_that_grades_can_be_read(
    tool: Tool, read: dict[str, Any], connected: int
) -> None:
    assert read
    (one,) = tool.run("platform", "check", str(connected), is_whole=False)
    found = {check["name"]: check["state"] for check in one["checks"]}
    assert {name: found[name] for name in found if name.startswith("reading")} == {
        "reading": "ok", "reading:columns": "ok", "reading:more": "ok",
    }  # fmt: skip


def test_a_teachers_columns_are_evidence_and_ours_are_not(
    tool: Tool, trial: Trial, read: dict[str, Any]
) -> None:
    assert tool.run("outcomes", "status")["destinations"]["ags"]["delivered"] == (
        trial.scored * len(CODES)
    )
    assert (read["status"], read["works"], read["scores"]) == (
        "read", 3, 3 * STUDENTS,
    )  # fmt: skip
    assert read["unknown"] == 0


def test_a_second_reading_changes_nothing(
    tool: Tool, read: dict[str, Any], connected: int
) -> None:
    assert read
    (again,) = tool.run("platform", "read", str(connected))
    assert [again[name] for name in ("works", "added", "changed", "ended")] == [
        3, 0, 0, 0,
    ]  # fmt: skip


def test_what_was_changed_in_moodle_is_changed_here(
    tool: Tool, admin: Moodle, trial: Trial, graded: int, connected: int
) -> None:
    first = trial.students[0]
    admin.import_grades(graded, COLUMNS[:1], f"{first.username}@lab.example\t49")
    (again,) = tool.run("platform", "read", str(connected))
    assert (again["added"], again["changed"], again["ended"]) == (0, 1, 0)
