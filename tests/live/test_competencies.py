"""500 students by 10 competencies in a real Moodle: grades and ratings, read back.

The same levels go two ways, as grades by AGS and as competency ratings by web
services. Half of them stand as ratings when the token is taken away: the other half is
then worked out, waits, and goes out once there is a token again. What stands there in
the end is read in Moodle's own tables and compared with the scores of the SIS, by
nothing of ours. See conftest.py for the settings.
"""

from __future__ import annotations

import html
import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from lti_tool.platforms.moodle_needs import MAKING, READING, WRITING
from oneroster.bundle_writer import write_bundle
from tests.live.conftest import (
    DESCRIPTION,
    FRAMEWORK,
    STUDENTS,
    TOLD,
    Tool,
    Trial,
    align,
    records,
    score_of,
)
from tests.live.moodle import Moodle
from tests.live.moodle_records import Cell, Records
from tests.live.moodle_teaching import edit_grade, rate

TEN = ("RP.1", "RP.2", "RP.3", "RP.4", "RP.5", "RP.6", "RP.7", "RP.8", "EE.1", "EE.2")
HALF = TEN[:5]
ALL = STUDENTS * len(TEN)
RIGHTS = (
    "webservice/rest:use",
    "moodle/course:view",
    "moodle/competency:usercompetencyview",
    "moodle/competency:competencygrade",
    "moodle/competency:coursecompetencymanage",
)
# The item of a score of 10, where levels begin at 50, 75 and 90 percent.
ITEMS = {4: 1, 5: 2, 6: 2, 7: 2, 8: 3, 9: 4, 10: 4}
# Who of the class a teacher graded, rated and locked by hand, and in what.
GRADED, RATED, LOCKED = (0, "RP.1"), (1, "RP.2"), (2, "RP.3")
LATER = {GRADED: 9, RATED: 8, LOCKED: 10}
HELD = "and is kept there: the grade was overridden or locked by a person"
MOVING = ("pending", "sending", "unknown")

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
def first_codes() -> tuple[str, ...]:
    return HALF


@pytest.fixture(scope="module")
def there(course: int) -> Records:
    """Moodle's own tables."""
    return Records(TOLD["sql"], course)


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


def settle(tool: Tool) -> dict[str, dict[str, int]]:
    """Deliver until nothing is on its way; gives the counts by destination."""
    while True:
        tool.run("outcomes", "deliver", is_whole=False)
        counts = tool.run("outcomes", "status")["destinations"]
        if not any(counts[name].get(one) for name in counts for one in MOVING):
            return dict(counts)
        time.sleep(1)


def timed(what: str, tool: Tool) -> dict[str, dict[str, int]]:
    started = time.monotonic()
    counts = settle(tool)
    print(f"\n{what}: {time.monotonic() - started:.0f} s; {counts}")  # noqa: T201 -- a figure of the trial
    return counts


@pytest.fixture(scope="module")
def half_graded(tool: Tool, opened: int) -> dict[str, dict[str, int]]:
    """Half of the levels sent as grades."""
    assert opened
    return timed(f"{ALL // 2} grades", tool)


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
def half_rated(
    tool: Tool, trial: Trial, connected: int, half_graded: dict[str, dict[str, int]]
) -> dict[str, dict[str, int]]:
    """Half of the levels sent as ratings too."""
    assert connected
    assert half_graded
    tool.run("course", "set", trial.class_id, "--destination", "moodle=on")
    return timed(f"{ALL // 2} ratings", tool)


@pytest.fixture(scope="module")
def revoked(
    tool: Tool, trial: Trial, admin: Moodle, half_rated: dict[str, dict[str, int]]
) -> dict[str, dict[str, int]]:
    """The token taken away, then the other half of the levels worked out and sent."""
    assert half_rated
    admin.delete_token(f"svc{trial.mark}")
    align(tool, trial, TEN)
    return timed(f"{ALL // 2} grades more, no token for the ratings", tool)


@pytest.fixture(scope="module")
def restored(
    tool: Tool,
    trial: Trial,
    admin: Moodle,
    connected: int,
    revoked: dict[str, dict[str, int]],
) -> dict[str, dict[str, int]]:
    """A new token given, and what waited for it sent."""
    assert revoked
    give_token(tool, trial, connected, admin.add_token(f"svc{trial.mark}"))
    return timed(f"{ALL // 2} ratings more", tool)


@pytest.fixture(scope="module")
def by_hand(
    tool: Tool,
    trial: Trial,
    teacher: Moodle,
    there: Records,
    framework_file: Path,
    restored: dict[str, dict[str, int]],
) -> dict[str, dict[str, int]]:
    """A grade, a rating and a lock by a teacher; then other levels of these cells."""
    assert restored
    course, columns, known = there.course, there.columns(), there.competencies()
    codes = published(framework_file, "humanCodingScheme")
    users = {who: there.user(trial.students[who].id_number) for who, _ in LATER}
    edit_grade(teacher, course, columns["RP.1"], users[GRADED[0]], grade="1.5")
    edit_grade(teacher, course, columns["RP.3"], users[LOCKED[0]], is_locked=True)
    (number,) = [
        number for guid, (number, _text) in known.items() if codes[guid] == RATED[1]
    ]
    rate(teacher, course, number, users[RATED[0]], item="Advanced")
    write_bundle(trial.folder / "roster", records(trial, LATER))
    tool.run("source", "sync", "sis")
    return timed("3 levels changed under a teacher's hand", tool)


def published(framework_file: Path, name: str) -> dict[str, str]:
    """A member of each competency by its GUID, as published."""
    package = json.loads(framework_file.read_text("utf-8"))
    return {one["identifier"]: one.get(name, "") for one in package["CFItems"]}


def cells(trial: Trial) -> dict[Cell, int]:
    """The score of each student in each work, by what Moodle calls both."""
    return {
        (one.id_number, code): score_of(number)
        for number, one in enumerate(trial.students)
        for code in TEN
    }


def test_half_of_the_levels_are_grades(half_graded: dict[str, dict[str, int]]) -> None:
    assert half_graded == {"ags": {"delivered": ALL // 2}}


def test_the_live_checks_find_nothing_missing(
    tool: Tool, connected: int, half_rated: dict[str, dict[str, int]]
) -> None:
    assert half_rated["moodle"] == {"delivered": ALL // 2}
    found = {
        one["name"]: one["state"]
        for one in platform_checks(tool, connected)
        if one["name"].startswith("outcomes")
    }
    assert found == {
        "outcomes": "ok",
        "outcomes:functions": "ok",
        "outcomes:rights": "ok",
        # The role may not make frameworks: none is made, and that is said.
        "outcomes:making": "not tried",
        "outcomes:scales": "ok",
    }


def test_a_token_that_was_taken_away_holds_the_ratings_back_and_no_grade(
    tool: Tool, revoked: dict[str, dict[str, int]]
) -> None:
    assert revoked == {
        "ags": {"delivered": ALL},
        "moodle": {"delivered": ALL // 2, "blocked": ALL // 2},
    }
    reasons = {
        one["reason"]
        for one in tool.run("outcomes", "status", "--rows")["rows"]
        if one["state"] == "blocked"
    }
    assert len(reasons) == 1
    assert "does not know our token" in reasons.pop()


def test_every_level_stands_twice_and_is_read_back_equal(
    tool: Tool, restored: dict[str, dict[str, int]]
) -> None:
    assert restored == {"ags": {"delivered": ALL}, "moodle": {"delivered": ALL}}
    started = time.monotonic()
    found = tool.run("outcomes", "reconcile")
    print(f"\nread back: {time.monotonic() - started:.0f} s")  # noqa: T201 -- a figure of the trial
    assert found["read_back"] == {"ags": ALL, "moodle": ALL}
    assert found["differences"] == []


def test_moodles_own_tables_have_what_follows_from_the_scores_of_the_sis(
    there: Records,
    trial: Trial,
    restored: dict[str, dict[str, int]],
) -> None:
    assert restored
    scores = cells(trial)
    grades, ratings = there.grades(), there.ratings()
    # A grade of 4 points at most; Moodle keeps five decimals.
    assert {cell: round(grade / 4 * 10, 4) for cell, grade in grades.items()} == scores
    assert ratings == {cell: ITEMS[score] for cell, score in scores.items()}
    # Neither a revoked token nor a second try left anything in anybody's history.
    assert there.evidence() == ALL


def test_statements_stand_whole_whatever_their_length(
    there: Records, framework_file: Path, half_rated: dict[str, Any]
) -> None:
    assert half_rated
    statements = published(framework_file, "fullStatement")
    kept = {
        guid: html.unescape(text) for guid, (_id, text) in there.competencies().items()
    }
    assert kept == {guid: statements[guid] for guid in kept}
    assert max(map(len, kept.values())) > 100


def test_what_a_teacher_set_by_hand_stays_and_is_told(
    tool: Tool,
    trial: Trial,
    there: Records,
    by_hand: dict[str, dict[str, int]],
) -> None:
    assert {name: states.get("conflict") for name, states in by_hand.items()} == {
        "ags": 2, "moodle": 1,
    }  # fmt: skip
    names = [one.id_number for one in trial.students[:3]]
    grades, ratings = there.grades(), there.ratings()
    assert [grades[name, code] for name, code in zip(names, HALF, strict=False)] == [
        1.5, 3.2, 2.4,
    ]  # fmt: skip
    assert [ratings[name, code] for name, code in zip(names, HALF, strict=False)] == [
        4, 4, 4,
    ]  # fmt: skip
    reasons = sorted(
        one["reason"]
        for one in tool.run("outcomes", "status", "--rows")["rows"]
        if one["state"] == "conflict"
    )
    assert reasons == [
        '"Advanced" stands there and 2 came from us: a person set it, so it is kept',
        "1.5 stands there and 1.6 came from us: a person set it, so it is kept",
        f"2.4 stands there {HELD}",
    ]
