"""Catalogue C of facts/security.md: what goes wrong when outcomes are written back.

One test a case, here or where CASES says; the table keeps any from being forgotten.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lti_tool.demo.platform import CANVAS
from lti_tool.errors import DeliveryError
from lti_tool.platforms.scores import FinalScore
from lti_tool.storage import columns, outbox, placements, schema
from lti_tool.storage.placements import Place
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Abroad

WORK, TOOL = "tests.lti_tool.work", "tests.lti_tool"
CASES = {
    "C01": (f"{WORK}.test_catalogue_c", "test_c01_a_refused_token_is_renewed_once"),
    "C02": (f"{WORK}.test_catalogue_c", "test_c02_one_refused_column_blocks_no_other"),
    "C03": (
        f"{WORK}.test_delivery",
        "test_a_removed_column_is_not_made_anew_without_a_word",
    ),
    "C04": (f"{WORK}.test_delivery", "test_a_grade_with_a_later_time_is_a_conflict"),
    "C05": (f"{WORK}.test_catalogue_c", "test_c05_canvas_says_400_to_an_older_time"),
    "C06": (f"{WORK}.test_catalogue_c", "test_c06_a_value_refused_is_given_up"),
    "C07": (f"{WORK}.test_catalogue_c", "test_c07_a_busy_platform_rests_alone"),
    "C08": (
        f"{WORK}.test_delivery",
        "test_a_sis_that_is_down_is_asked_again_after_a_growing_wait",
    ),
    "C09": (
        f"{WORK}.test_delivery",
        "test_a_failed_score_ends_with_equal_values_and_one_column",
    ),
    "C10": (f"{WORK}.test_delivery", "test_an_answer_of_html_is_no_delivery"),
    "C11": (
        f"{WORK}.test_writeback_killed",
        "test_a_worker_killed_at_a_step_leaves_one_effect",
    ),
    "C12": (
        f"{WORK}.test_delivery",
        "test_two_workers_at_once_make_one_column_and_send_once",
    ),
    "C13": (
        f"{WORK}.test_delivery",
        "test_what_was_written_twice_is_what_was_written_once",
    ),
    "C14": (f"{WORK}.test_delivery", "test_newer_then_older_ends_on_the_newer"),
    "C15": (
        f"{WORK}.test_delivery",
        "test_timestamps_rise_for_one_student_and_column",
    ),
    "C16": (f"{WORK}.test_catalogue_c", "test_c16_clocks_apart_are_measured_and_told"),
    "C17": (
        f"{WORK}.test_decisions",
        "test_a_click_writes_over_the_value_it_saw_and_no_other",
    ),
    "C18": (f"{WORK}.test_catalogue_c", "test_c18_a_new_maximum_is_sent_to_once"),
    "C19": (
        f"{WORK}.test_delivery",
        "test_a_column_whose_making_was_not_answered_is_made_once",
    ),
    "C20": (
        f"{WORK}.test_delivery",
        "test_a_student_the_lms_does_not_know_is_blocked_alone",
    ),
    "C21": (f"{WORK}.test_catalogue_c", "test_c21_three_misses_and_a_place_is_gone"),
    "C22": (f"{TOOL}.test_members", "test_a_list_that_breaks_off_changes_nothing"),
    "C23": (
        f"{TOOL}.test_members",
        "test_who_left_the_list_loses_the_lms_seat_but_not_that_of_the_sis",
    ),
    "C24": (
        f"{WORK}.test_delivery",
        "test_a_secret_the_sis_refuses_blocks_and_says_so",
    ),
    "C25": (
        f"{TOOL}.test_platform_services",
        "test_pages_are_followed_as_the_platform_names_them",
    ),
    "C26": (f"{WORK}.test_catalogue_c", "test_c26_what_is_no_score_never_goes_out"),
    "C27": (f"{WORK}.test_catalogue_c", "test_c27_after_an_outage_all_is_drained"),
}
# Cases of Canvas outcomes and of Moodle competencies stand with those destinations:
# C24 of their tokens in test_canvas_access.py and in the tests of Moodle's services.
COUNT = 27


def test_every_case_of_the_catalogue_has_a_test() -> None:
    assert sorted(CASES) == [f"C{number:02}" for number in range(1, COUNT + 1)]
    missing = [
        case
        for case, (module, name) in CASES.items()
        if not callable(getattr(importlib.import_module(module), name, None))
    ]
    assert missing == []


def fill(abroad: Abroad, *codes: str) -> None:
    room = abroad.room
    for code in codes:
        room.add_assignment(f"quiz-{code}", code)
        room.score("ana", f"quiz-{code}", 9.0)
    room.refresh()
    room.switch("ags")


def rescore(abroad: Abroad, points: float) -> None:
    abroad.clock.move(minutes=5)
    abroad.room.score("ana", "quiz-7.A", points, days_ago=0)
    abroad.room.refresh(now=abroad.clock())


def newest(abroad: Abroad) -> Any:  # noqa: ANN401 -- a row
    table = schema.delivery
    with abroad.room.database.read() as session:
        return session.execute(select(table).order_by(table.c.id.desc()).limit(1)).one()


def test_c01_a_refused_token_is_renewed_once(abroad: Abroad) -> None:
    fill(abroad, "7.A")
    refused = {"status": "401 Unauthorized"}
    abroad.lms_proxy.play("POST", "/scores", times=1, **refused)
    assert abroad.deliver() == {"delivered": 1}
    rescore(abroad, 5.0)
    abroad.lms_proxy.play("POST", "/scores", times=2, **refused)
    assert abroad.deliver() == {"blocked": 1}
    assert newest(abroad).code == "auth"


def test_c02_one_refused_column_blocks_no_other(abroad: Abroad) -> None:
    fill(abroad, "7.A", "7.B")
    abroad.lms_proxy.play("POST", "/scores", times=1, status="403 Forbidden")
    assert abroad.deliver() == {"blocked": 1, "delivered": 1}
    assert {row[4] for row in abroad.room.deliveries()} == {"forbidden", None}


@pytest.mark.parametrize("manners", [CANVAS], ids=["canvas"])
def test_c05_canvas_says_400_to_an_older_time(abroad: Abroad) -> None:
    fill(abroad, "7.A")
    abroad.deliver()
    (column,) = abroad.lms.line_items("c1")
    theirs = abroad.lms.clock
    abroad.lms.clock = lambda: abroad.clock.now + timedelta(days=2)
    abroad.lms.override(column.id, "lms-ana", None)
    abroad.lms.clock = theirs
    rescore(abroad, 5.0)
    assert abroad.deliver() == {"conflict": 1}
    assert newest(abroad).code == "stale"


@pytest.mark.parametrize("status", ["412 Precondition Failed", "422 Unprocessable"])
def test_c06_a_value_refused_is_given_up(abroad: Abroad, status: str) -> None:
    fill(abroad, "7.A")
    told = (
        b'{"errors": [{"field": "scoreGiven", "message": "scoreGiven is too\\nlarge"}]}'
    )
    abroad.lms_proxy.play("POST", "/scores", status=status, body=told)
    assert abroad.deliver() == {"dead": 1}
    row = newest(abroad)
    assert (row.code, row.receipt) == ("rejected", {"said": "scoreGiven is too large"})
    rescore(abroad, 5.0)
    assert abroad.deliver() == {"delivered": 1}


def test_c07_a_busy_platform_rests_alone(abroad: Abroad) -> None:
    """With all its courses; the SIS is told meanwhile."""
    fill(abroad, "7.A")
    busy = {"status": "429 Too Many Requests", "headers": (("Retry-After", "90"),)}
    abroad.lms_proxy.play("GET", "/results", **busy)
    assert abroad.deliver() == {"pending": 1}
    asked = len(abroad.lms_proxy.seen)
    abroad.room.switch("oneroster")
    rescore(abroad, 5.0)
    abroad.clock.now = NOON + timedelta(seconds=80)
    with abroad.room.database.write() as session:
        session.execute(schema.delivery.update().values(due_at=NOON))
    assert abroad.deliver() == {"pending": 1, "delivered": 1}
    assert len(abroad.lms_proxy.seen) == asked
    abroad.clock.move(minutes=2)
    assert abroad.deliver() == {"delivered": 1}


def test_a_platform_that_takes_some_and_then_asks_us_to_wait_costs_the_rest_no_try(
    abroad: Abroad,
) -> None:
    """They were not tried: they wait as asked, however often they stay at home."""
    room = abroad.room
    room.add_assignment("quiz", "7.A")
    for name in room.people:
        room.score(name, "quiz", 9.0)
    room.refresh()
    room.switch("oneroster")
    busy = {"status": "429 Too Many Requests", "headers": (("Retry-After", "5"),)}
    for left in (2, 1):
        abroad.sis_proxy.play("PUT", "/assessmentResults/", skip=1, **busy)
        assert abroad.deliver() == {"delivered": 1, "pending": left}
        abroad.clock.move(seconds=5)
    waiting = [
        row
        for row in room.rows(schema.delivery, "state", "code", "attempts")
        if row[0] == "pending"
    ]
    assert waiting == [("pending", "rate", 1)]  # taken up twice, tried once


@pytest.mark.parametrize(("times", "delivered"), [(1, 2), (3, 0)])
def test_one_connection_that_breaks_off_is_no_platform_that_is_away(
    abroad: Abroad, times: int, delivered: int
) -> None:
    room = abroad.room
    room.add_assignment("quiz", "7.A")
    for name in room.people:
        room.score(name, "quiz", 9.0)
    room.refresh()
    room.switch("oneroster")
    abroad.sis_proxy.play("PUT", "/assessmentResults/", times=times, drops=True)
    found = abroad.deliver()
    assert (found.get("delivered", 0), found["pending"]) == (delivered, 3 - delivered)


def test_c16_clocks_apart_are_measured_and_told(
    abroad: Abroad, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ours stands still at noon of another day; theirs is this machine's."""
    fill(abroad, "7.A")
    abroad.deliver()
    with abroad.room.database.read() as session:
        skew = session.scalar(select(schema.registration.c.clock_skew_seconds))
    assert skew is not None
    assert abs(skew) > 30
    assert "clocks apart" in "".join(capsys.readouterr())


@pytest.mark.parametrize("manners", [CANVAS], ids=["canvas"])
def test_c18_a_new_maximum_is_sent_to_once(abroad: Abroad) -> None:
    """A teacher doubles a column's maximum; Canvas keeps the points as they are."""
    fill(abroad, "7.A")
    abroad.deliver()
    (column,) = abroad.lms.line_items("c1")
    abroad.lms.gradebook.change_column(replace(column, maximum=8.0))
    theirs, abroad.lms.clock = abroad.lms.clock, abroad.clock
    abroad.lms.override(column.id, "lms-ana", 3.6)
    abroad.lms.clock = theirs
    abroad.clock.move(minutes=5)
    found = abroad.reconcile()
    assert (found.differences, found.resent) == ((), 1)
    assert abroad.deliver() == {"delivered": 1}
    assert abroad.lms_grades() == {("7.A", "lms-ana"): 7.2}
    again = abroad.reconcile()
    assert (again.differences, again.resent) == ((), 0)
    assert newest(abroad).asked_by == "new maximum"


def test_c21_three_misses_and_a_place_is_gone(abroad: Abroad) -> None:
    """Its values are kept; a launch from there brings it back."""
    fill(abroad, "7.A")
    abroad.deliver()
    for points in (5.0, 6.0, 7.0):
        rescore(abroad, points)
        abroad.lms_proxy.play("GET", "/results", times=1, status="403 Forbidden")
        assert abroad.deliver() == {"blocked": 1}
    asked = len(abroad.lms_proxy.seen)
    rescore(abroad, 8.0)
    assert abroad.deliver() == {"blocked": 1}
    assert (newest(abroad).code, len(abroad.lms_proxy.seen)) == ("place_gone", asked)
    assert abroad.lms_grades() == {("7.A", "lms-ana"): 3.6}
    with abroad.room.database.write() as session:
        url = columns.load_ags_place(session, abroad.room.course_id)
        assert url is not None
        place = Place(
            deployment_id=1, context_id="c1", ags_line_items_url=url.ags_line_items_url
        )
        placements.save_placement(session, place, now=abroad.clock())
    rescore(abroad, 10.0)
    assert abroad.deliver() == {"delivered": 1}


@pytest.mark.parametrize("given", [math.nan, math.inf, -1.0, True])
def test_c26_what_is_no_score_never_goes_out(given: float) -> None:
    score = FinalScore(user_id="u", given=given, maximum=4.0, at=NOON)
    with pytest.raises(DeliveryError) as error:
        score.wire()
    assert (error.value.permanent, error.value.hopeless) == (True, True)


def test_c27_after_an_outage_all_is_drained(abroad: Abroad) -> None:
    """A week of changes: what waits is the newest of each, and it goes in one go."""
    fill(abroad, "7.A", "7.B")
    down = abroad.lms_proxy.play("GET", "", times=10_000, status="503 Unavailable")
    for day in range(7):
        abroad.clock.move(days=1)
        abroad.room.score("ana", "quiz-7.A", float(day + 2), days_ago=-day)
        abroad.room.refresh(now=abroad.clock())
        abroad.deliver()
    waiting = [row for row in abroad.room.deliveries() if row[3] == "pending"]
    assert len(waiting) == 2
    down.times = 0
    abroad.clock.move(hours=2)
    assert abroad.deliver() == {"delivered": 2}
    assert abroad.lms_grades()["7.A", "lms-ana"] == 3.2
    with abroad.room.database.read() as session:
        assert not outbox.has_due(session, abroad.clock())
