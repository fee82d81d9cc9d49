"""Deliveries to an LMS and a SIS on real sockets, and what goes wrong on the way.

The ids are those of catalogue C in facts/security.md. Longer than 400 lines because
every fault is played on the same class and its two gradebooks.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lti_tool.demo.platform import MOODLE
from lti_tool.platforms.destination import Shown
from lti_tool.storage import addresses, outbox, requeue, schema, settling
from lti_tool.storage.database import rows
from lti_tool.work import decisions, delivery
from oneroster.models import AssessmentResult

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Abroad

both = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
SCORES = "/scores"
RESULTS = "/results"
COLUMNS = "/line_items"
SIS_RESULTS = "/assessmentResults/"


def fill(abroad: Abroad, *destinations: str) -> None:
    """Three students, one piece of work, one competency, told to destinations."""
    room = abroad.room
    room.add_assignment("quiz", "7.A")
    for student, points in (("ana", 9.0), ("ben", 5.0), ("eva", 10.0)):
        room.score(student, "quiz", points)
    room.refresh()
    for name in destinations:
        room.switch(name)


def rescore(abroad: Abroad, student: str, points: float) -> None:
    abroad.room.score(student, "quiz", points, days_ago=0)
    abroad.room.refresh()


def newest(abroad: Abroad, student: str = "ana") -> dict[str, Any]:
    table = schema.delivery
    with abroad.room.database.read() as session:
        found = rows(
            session,
            select(table)
            .where(table.c.person_id == abroad.room.people[student])
            .order_by(table.c.id),
        )
    return found[-1]


LMS = {
    ("7.A", "lms-ana"): 3.6,
    ("7.A", "lms-ben"): 2.0,
    ("7.A", "lms-eva"): 4.0,
}
SIS = {
    ("7.A", "ana"): (3.6, ["guid-7.A"]),
    ("7.A", "ben"): (2.0, ["guid-7.A"]),
    ("7.A", "eva"): (4.0, ["guid-7.A"]),
}


@both
def test_outcomes_stand_in_both_gradebooks_and_are_read_back(abroad: Abroad) -> None:
    fill(abroad, "ags", "oneroster")
    assert abroad.deliver() == {"delivered": 6}
    assert abroad.lms_grades() == LMS
    assert abroad.sis_grades() == SIS
    found = abroad.reconcile()
    assert (found.read_back, found.differences) == ({"ags": 3, "oneroster": 3}, ())
    row = newest(abroad, "eva")
    assert (row["state"], row["read_back"]) == ("delivered", 4.0)


@both
def test_what_was_written_twice_is_what_was_written_once(abroad: Abroad) -> None:
    fill(abroad, "ags", "oneroster")
    abroad.deliver()
    with abroad.room.database.write() as session:
        for row_id, *_rest in abroad.room.rows(schema.delivery, "id"):
            session.execute(
                schema.delivery.update()
                .where(schema.delivery.c.id == row_id)
                .values(state="pending")
            )
    assert abroad.deliver() == {"delivered": 6}
    assert (abroad.lms_grades(), abroad.sis_grades()) == (LMS, SIS)
    assert len(abroad.lms.line_items("c1")) == 1
    # C13: what stands there already is not sent once more.
    sent = [path for method, path in abroad.lms_proxy.seen if SCORES in path]
    assert len(sent) == 3


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"forwards": True, "drops": True}, "connect"),
        ({"forwards": True}, "platform"),
        ({}, "platform"),
        ({"drops": True}, "connect"),
        (
            {"status": "429 Too Many Requests", "headers": (("Retry-After", "7"),)},
            "busy",
        ),
    ],
)
def test_a_failed_score_ends_with_equal_values_and_one_column(
    abroad: Abroad, fault: dict[str, Any], code: str
) -> None:
    """C07, C08, C09: the score may have been taken; only a read tells."""
    fill(abroad, "ags")
    abroad.lms_proxy.play("POST", SCORES, **fault)
    first = abroad.deliver()
    assert first.get("blocked", 0) == 0
    waiting = [row for row in abroad.room.deliveries() if row[3] == "pending"]
    assert {row[4] for row in waiting} <= {code, "not_shown"}
    abroad.clock.move(seconds=8)
    abroad.deliver()
    assert abroad.lms_grades() == LMS
    assert {row[3] for row in abroad.room.deliveries()} == {"delivered"}
    assert len(abroad.lms.line_items("c1")) == 1


@pytest.mark.parametrize(
    "fault",
    [{"forwards": True, "drops": True}, {"forwards": True}, {"drops": True}],
)
def test_a_column_whose_making_was_not_answered_is_made_once(
    abroad: Abroad, fault: dict[str, Any]
) -> None:
    """C19."""
    fill(abroad, "ags")
    abroad.lms_proxy.play("POST", COLUMNS, **fault)
    assert abroad.deliver() == {"pending": 3}
    abroad.clock.move(seconds=3)
    assert abroad.deliver() == {"delivered": 3}
    assert len(abroad.lms.line_items("c1")) == 1
    assert abroad.lms_grades() == LMS


def test_an_answer_of_html_is_no_delivery(abroad: Abroad) -> None:
    """C10: a captive portal says 200 to all; nothing reached the LMS."""
    fill(abroad, "ags")
    page = {"status": "200 OK", "media_type": "text/html", "body": b"<p>Sign in</p>"}
    abroad.lms_proxy.play("POST", SCORES, times=3, **page)
    assert abroad.deliver() == {"pending": 3}
    assert newest(abroad)["reason"] == (
        "the destination took the value and does not show it yet"
    )
    abroad.lms_proxy.play("GET", RESULTS, **page)
    abroad.clock.move(seconds=3)
    assert abroad.deliver() == {"pending": 3}
    assert newest(abroad)["code"] == "format"
    abroad.clock.move(seconds=9)
    assert abroad.deliver() == {"delivered": 3}
    assert abroad.lms_grades() == LMS


def test_retry_after_is_obeyed(abroad: Abroad) -> None:
    """C07."""
    fill(abroad, "oneroster")
    busy = {"status": "429 Too Many Requests", "headers": (("Retry-After", "90"),)}
    abroad.sis_proxy.play("PUT", SIS_RESULTS, **busy)
    assert abroad.deliver() == {"pending": 3}
    assert newest(abroad)["code"] == "rate"
    assert len([one for one in abroad.sis_proxy.seen if one[0] == "PUT"]) == 2
    abroad.clock.move(seconds=89)
    assert abroad.deliver() == {}
    abroad.clock.move(seconds=2)
    assert abroad.deliver() == {"delivered": 3}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"forwards": True, "drops": True}, "no_answer"),
        ({}, "http_500"),
        (
            {"status": "200 OK", "media_type": "text/html", "body": b"<p>Sign in"},
            "not_shown",
        ),
    ],
)
def test_a_failed_result_is_put_once_more(
    abroad: Abroad, fault: dict[str, Any], code: str
) -> None:
    fill(abroad, "oneroster")
    abroad.sis_proxy.play("PUT", SIS_RESULTS, **fault)
    abroad.deliver()
    assert {row[4] for row in abroad.room.deliveries() if row[3] == "pending"} <= {code}
    abroad.clock.move(seconds=3)
    abroad.deliver()
    assert abroad.sis_grades() == SIS
    assert {row[3] for row in abroad.room.deliveries()} == {"delivered"}


@both
def test_a_teachers_grade_is_kept_and_is_a_conflict(abroad: Abroad) -> None:
    """C17."""
    fill(abroad, "ags")
    abroad.deliver()
    (column,) = abroad.lms.line_items("c1")
    abroad.lms.override(column.id, "lms-ana", 1.0)
    abroad.clock.move(minutes=5)
    rescore(abroad, "ana", 5.0)
    assert abroad.deliver() == {"conflict": 1}
    assert abroad.lms_grades()["7.A", "lms-ana"] == 1.0
    row = newest(abroad)
    assert (row["state"], row["code"], row["read_back"]) == (
        "conflict",
        "set_by_person",
        1.0,
    )
    assert row["reason"] == (
        "1 stands there and 3.6 came from us: a person set it, so it is kept"
    )


def test_a_grade_with_a_later_time_is_a_conflict(abroad: Abroad) -> None:
    """C04: the teacher graded and cleared again: her clear stands, newer than ours."""
    fill(abroad, "ags")
    (ahead,) = (timedelta(days=2),)
    abroad.deliver()
    (column,) = abroad.lms.line_items("c1")
    abroad.lms.clock = lambda: abroad.clock.now + ahead
    abroad.lms.override(column.id, "lms-ana", None)
    abroad.lms.clock = abroad.clock
    abroad.clock.move(minutes=5)
    rescore(abroad, "ana", 5.0)
    assert abroad.deliver() == {"conflict": 1}
    row = newest(abroad)
    assert (row["code"], row["reason"]) == (
        "stale",
        "no value stands there with a later time than ours, so it is kept",
    )


def test_a_student_the_lms_does_not_know_is_blocked_alone(abroad: Abroad) -> None:
    """C20."""
    fill(abroad, "ags")
    with abroad.room.database.write() as session:
        session.execute(
            schema.lms_user.delete().where(schema.lms_user.c.subject == "lms-ben")
        )
    abroad.lms.withdraw("c1", "lms-eva")
    assert abroad.deliver() == {"delivered": 1, "blocked": 2}
    assert newest(abroad, "ben")["reason"] == (
        "the LMS has not told us who this student is there; the student opens the "
        "tool once, or the class list is pulled"
    )
    assert newest(abroad, "eva")["code"] == "rejected"
    assert newest(abroad, "eva")["reason"] == (
        "127.0.0.1 answered 422: it does not take what we sent"
    )


@both
def test_a_withdrawn_outcome_leaves_no_value(abroad: Abroad) -> None:
    fill(abroad, "ags", "oneroster")
    abroad.deliver()
    for (row_id,) in abroad.room.rows(schema.score, "id"):
        abroad.room.change(schema.score, row_id, status="ended")
    abroad.room.refresh()
    abroad.clock.move(minutes=1)
    assert abroad.deliver() == {"delivered": 6}
    assert set(abroad.lms_grades().values()) == {None}
    assert abroad.sis_grades() == {}
    assert abroad.reconcile().differences == ()


def test_reconciling_lists_what_somebody_changed(abroad: Abroad) -> None:
    fill(abroad, "ags", "oneroster")
    abroad.deliver()
    (column,) = abroad.lms.line_items("c1")
    abroad.lms.override(column.id, "lms-ana", 1.0)
    record: Any = next(
        one
        for one in abroad.catalog.records("assessmentResults")
        if isinstance(one, AssessmentResult) and one.student.sourced_id == "ben"
    )
    abroad.catalog.delete("assessmentResults", record.sourced_id)
    found = abroad.reconcile()
    assert found.read_back == {"ags": 3, "oneroster": 3}
    room = abroad.room
    assert [
        (one.destination, one.person_id, one.ours, one.theirs)
        for one in found.differences
    ] == [
        ("ags", room.people["ana"], 3.6, 1.0),
        ("oneroster", room.people["ben"], 2.0, None),
    ]


def test_a_removed_column_is_not_made_anew_without_a_word(abroad: Abroad) -> None:
    """C03."""
    fill(abroad, "ags")
    abroad.deliver()
    (column,) = abroad.lms.line_items("c1")
    abroad.lms.gradebook.remove_column(column)
    abroad.clock.move(minutes=5)
    rescore(abroad, "ana", 5.0)
    assert abroad.deliver() == {"blocked": 1}
    row = newest(abroad)
    assert row["code"] == "column_gone"
    assert row["reason"] == (
        "the column was removed there. It is made anew when you say so: "
        "Send again, or masterybridge outcomes deliver"
    )
    assert abroad.lms.line_items("c1") == []
    rescore(abroad, "ben", 4.0)
    assert abroad.deliver() == {"blocked": 1}
    assert abroad.lms.line_items("c1") == []
    with abroad.room.database.write() as session:
        requeue.release(session, abroad.clock())
    assert abroad.deliver() == {"delivered": 2}
    assert abroad.lms_grades() == {("7.A", "lms-ana"): 2.0, ("7.A", "lms-ben"): 1.6}


def test_sending_one_value_again_makes_a_removed_column_for_all_that_wait(
    abroad: Abroad,
) -> None:
    """C03: a teacher's click, without the command line."""
    fill(abroad, "ags")
    abroad.deliver()
    (column,) = abroad.lms.line_items("c1")
    abroad.lms.gradebook.remove_column(column)
    abroad.clock.move(minutes=5)
    rescore(abroad, "ana", 5.0)
    rescore(abroad, "ben", 4.0)
    assert abroad.deliver() == {"blocked": 2}
    row = newest(abroad)
    with abroad.room.database.write() as session:
        decisions.send_again(session, row["id"], who="person:1", now=abroad.clock())
    assert abroad.deliver() == {"delivered": 2}
    assert abroad.lms_grades() == {("7.A", "lms-ana"): 2.0, ("7.A", "lms-ben"): 1.6}


@pytest.mark.parametrize("manners", [MOODLE], ids=["moodle"])
def test_timestamps_rise_for_one_student_and_column(abroad: Abroad) -> None:
    """C15, C16: two values in one second, then a clock put back by five minutes."""
    fill(abroad, "ags")
    abroad.deliver()
    rescore(abroad, "ana", 5.0)
    assert abroad.deliver() == {"delivered": 1}
    abroad.clock.move(minutes=-5)
    rescore(abroad, "ana", 10.0)
    with abroad.room.database.write() as session:
        session.execute(schema.delivery.update().values(due_at=abroad.clock()))
    assert abroad.deliver() == {"delivered": 1}
    assert abroad.lms_grades()["7.A", "lms-ana"] == 4.0
    table = schema.delivery
    with abroad.room.database.read() as session:
        times = session.scalars(
            select(table.c.sent_at)
            .where(table.c.person_id == abroad.room.people["ana"])
            .order_by(table.c.id)
        ).all()
    assert [late - early for early, late in pairwise(times)] == [
        timedelta(seconds=1)
    ] * 2


def test_a_sis_that_is_down_is_asked_again_after_a_growing_wait(
    abroad: Abroad,
) -> None:
    """C08."""
    fill(abroad, "oneroster")
    down = {"status": "503 Service Unavailable"}
    fault = abroad.sis_proxy.play("GET", "", times=1000, **down)
    waits = []
    for _attempt in range(5):
        assert abroad.deliver() == {"pending": 3}
        waits.append((newest(abroad)["due_at"] - abroad.clock.now).total_seconds())
        abroad.clock.now = max(newest(abroad, name)["due_at"] for name in SCHOOL)
    assert waits == sorted(waits)
    assert (waits[0] < 2, waits[-1] > 15) == (True, True)
    assert newest(abroad)["code"] == "http_503"
    fault.times = 0
    assert abroad.deliver() == {"delivered": 3}


SCHOOL = ("ana", "ben", "eva")


@both
def test_a_worker_killed_between_send_and_settle_has_no_second_effect(
    abroad: Abroad, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C11: the row comes back as unknown, is read, and is found delivered."""
    fill(abroad, "ags", "oneroster")
    with monkeypatch.context() as cut:
        cut.setattr(settling, "settle", _die)
        with pytest.raises(KilledError):
            abroad.deliver()
    sends = _sends(abroad)
    assert sends > 0
    assert "sending" in {row[3] for row in abroad.room.deliveries()}
    abroad.clock.move(seconds=91)
    abroad.deliver()
    assert {row[3] for row in abroad.room.deliveries()} == {"delivered"}
    assert (abroad.lms_grades(), abroad.sis_grades()) == (LMS, SIS)
    assert _sends(abroad) == 6


class KilledError(BaseException):
    """Ends a worker as a signal would."""


def _die(*_args: object) -> None:
    raise KilledError


def _sends(abroad: Abroad) -> int:
    lms = [
        one for one in abroad.lms_proxy.seen if one[0] == "POST" and SCORES in one[1]
    ]
    sis = [
        one
        for one in abroad.sis_proxy.seen
        if one[0] == "PUT" and SIS_RESULTS in one[1]
    ]
    return len(lms) + len(sis)


@both
def test_newer_then_older_ends_on_the_newer(abroad: Abroad) -> None:
    """C14: the older row's worker slept; what it wakes up to is overtaken."""
    fill(abroad, "ags")
    with abroad.room.database.write() as session:
        held = outbox.claim(session, abroad.clock(), limit=1)
    rescore(abroad, "ana", 5.0)
    assert abroad.deliver() == {}
    abroad.clock.move(seconds=91)
    assert abroad.deliver() == {"delivered": 4}
    assert held[0].value == 3.6
    assert abroad.lms_grades()["7.A", "lms-ana"] == 2.0


@both
def test_two_workers_at_once_make_one_column_and_send_once(abroad: Abroad) -> None:
    """C12."""
    fill(abroad, "ags", "oneroster")
    barrier = threading.Barrier(3)

    def work(_number: int) -> None:
        barrier.wait()
        abroad.deliver()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    abroad.deliver()
    assert (abroad.lms_grades(), abroad.sis_grades()) == (LMS, SIS)
    assert len(abroad.lms.line_items("c1")) == 1
    assert _sends(abroad) == 6


def test_a_column_another_worker_is_making_is_waited_for(abroad: Abroad) -> None:
    fill(abroad, "ags")
    abroad.lms_proxy.play("POST", COLUMNS, status="503 Service Unavailable")
    room = abroad.room
    key = {
        "destination": "ags",
        "course_id": room.course_id,
        "competency_id": room.competencies["7.A"],
        "placement_id": 1,
        "source_id": None,
    }
    with room.database.write() as session:
        assert addresses.reserve(session, key, "ours", 4.0, abroad.clock())
        assert not addresses.reserve(session, key, "ours", 4.0, abroad.clock())
    assert abroad.deliver() == {"pending": 3}
    assert newest(abroad)["code"] == "column_busy"
    abroad.clock.move(seconds=91)
    assert abroad.deliver() == {"pending": 3}
    assert newest(abroad)["code"] == "platform"
    abroad.clock.move(seconds=9)
    assert abroad.deliver() == {"delivered": 3}


def test_a_column_the_sis_lost_is_put_again_when_a_person_says_so(
    abroad: Abroad,
) -> None:
    fill(abroad, "oneroster")
    abroad.deliver()
    (column,) = abroad.catalog.records("assessmentLineItems")
    for one in list(abroad.catalog.records("assessmentResults")):
        abroad.catalog.delete("assessmentResults", one.sourced_id)
    abroad.catalog.delete("assessmentLineItems", column.sourced_id)
    rescore(abroad, "ana", 5.0)
    assert abroad.deliver() == {"blocked": 1}
    assert newest(abroad)["code"] == "column_gone"
    with abroad.room.database.write() as session:
        requeue.release(session, abroad.clock())
    assert abroad.deliver() == {"delivered": 1}
    assert abroad.sis_grades() == {("7.A", "ana"): (2.0, ["guid-7.A"])}


def test_a_copied_column_is_found_under_its_new_address(abroad: Abroad) -> None:
    """C03: the course was copied; our id stands on another line item there."""
    fill(abroad, "ags")
    abroad.deliver()
    (old,) = abroad.lms.line_items("c1")
    abroad.lms.gradebook.remove_column(old)
    new = abroad.lms.gradebook.add_column(
        course_id="c1",
        client_id=old.client_id,
        label=old.label,
        maximum=old.maximum,
        resource_id=old.resource_id,
        tag=old.tag,
    )
    rescore(abroad, "ana", 5.0)
    assert abroad.deliver() == {"delivered": 1}
    assert [one.id for one in abroad.lms.line_items("c1")] == [new.id]


def test_a_disabled_platform_blocks_its_deliveries_only(abroad: Abroad) -> None:
    fill(abroad, "ags", "oneroster")
    abroad.room.change(schema.registration, 1, status="disabled")
    assert abroad.deliver() == {"blocked": 3, "delivered": 3}


@pytest.mark.parametrize(
    ("destination", "reason"),
    [
        (
            "ags",
            (
                "this course was never opened from an LMS that offers grade columns; "
                "open the tool once from the course"
            ),
        ),
        (
            "oneroster",
            (
                "this course has no SIS class from a OneRoster REST source; "
                "add the source and sync"
            ),
        ),
    ],
)
def test_a_course_without_a_place_is_blocked_with_the_mend(
    abroad: Abroad, destination: str, reason: str
) -> None:
    fill(abroad, destination)
    with abroad.room.database.write() as session:
        session.execute(schema.placement.delete())
        session.execute(schema.source.update().values(kind="csv"))
    assert abroad.deliver() == {"blocked": 3}
    assert newest(abroad)["reason"] == reason


def test_a_secret_the_sis_refuses_blocks_and_says_so(abroad: Abroad) -> None:
    """C01, C24."""
    fill(abroad, "oneroster")
    abroad.sis_proxy.play("POST", "/oauth2/token", times=9, status="401 Unauthorized")
    assert abroad.deliver() == {"blocked": 3}
    assert newest(abroad)["code"] == "auth"


def test_a_fault_of_the_tool_in_one_course_holds_up_no_other(
    abroad: Abroad, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(abroad, "ags", "oneroster")
    connect = abroad.outside.connect

    def faulty(name: str, place: Any) -> Any:  # noqa: ANN401 -- a Connect
        if name == "ags":
            raise ZeroDivisionError
        return connect(name, place)

    ended = delivery.deliver(abroad.room.database, faulty, abroad.clock)
    assert dict(ended) == {"delivered": 3, "pending": 3}
    reasons = {row[4] for row in abroad.room.deliveries() if row[0] == "ags"}
    assert reasons == {"error"}
    assert "ana" not in capsys.readouterr().err.lower()


@pytest.mark.parametrize(
    ("shown", "value", "same"),
    [
        (3.6, 3.6, True),
        (3.60004, 3.6, True),
        (3.61, 3.6, False),
        (None, None, True),
        (None, 0.0, False),
        (0.0, None, False),
    ],
)
def test_values_are_the_same_as_far_as_a_gradebook_can_keep_them(
    shown: float | None, value: float | None, *, same: bool
) -> None:
    assert Shown(shown).shows(value) is same


def test_a_locked_grade_is_a_conflict_at_once(abroad: Abroad) -> None:
    """Moodle says 500 and nothing else of a lock; of a fault it says 500 as well."""
    fill(abroad, "ags")
    abroad.deliver()
    abroad.room.change(schema.registration, 1, vendor="moodle")
    failed = {"status": "500 Internal Server Error"}
    abroad.lms_proxy.play("POST", SCORES, body=b"<h1>Fatal error</h1>", **failed)
    rescore(abroad, "ana", 5.0)
    assert abroad.deliver() == {"pending": 1}
    abroad.lms_proxy.play("POST", SCORES, body=b"[]", **failed)
    abroad.clock.move(minutes=1)
    assert abroad.deliver() == {"conflict": 1}
    row = newest(abroad)
    assert (row["code"], row["read_back"]) == ("held", 3.6)
    assert row["reason"] == (
        "3.6 stands there and is kept there: the grade was overridden or locked by a "
        "person"
    )
    # Unlocked, it is sent when a person says so.
    with abroad.room.database.write() as session:
        decisions.send_again(session, row["id"], who="person:1", now=abroad.clock())
    assert abroad.deliver() == {"delivered": 1}


def test_a_value_that_is_taken_and_never_shown_is_told_in_the_end(
    abroad: Abroad,
) -> None:
    """An override that says what we said looks like ours until ours is another."""
    fill(abroad, "ags")
    abroad.deliver()
    rescore(abroad, "ana", 5.0)
    # Attempts that came to nothing on the way say nothing of an override.
    abroad.lms_proxy.play("POST", SCORES, status="502 Bad Gateway", times=9)
    for _attempt in range(9):
        assert abroad.deliver() == {"pending": 1}
        abroad.clock.move(hours=1)
    # It says yes and keeps what there is.
    abroad.lms_proxy.play("POST", SCORES, status="200 OK", times=99)
    states = []
    while "conflict" not in states:
        states += abroad.deliver()
        abroad.clock.move(hours=1)
    assert states == ["pending"] * 7 + ["conflict"]
    assert newest(abroad)["code"] == "held"
    assert abroad.lms_grades()["7.A", "lms-ana"] == 3.6
