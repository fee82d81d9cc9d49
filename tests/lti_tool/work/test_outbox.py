"""The outbox: what waits, who holds it, what became of it."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.storage import outbox, requeue, schema, settling, tallies, told
from lti_tool.storage.figures import load_figures
from lti_tool.storage.outbox import LEASE, Delivery, Sending, Settlement
from lti_tool.storage.told import Sent

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def outcome(
    room: Classroom, student: str, value: float | None, code: str = "7.A"
) -> dict[str, Any]:
    return {
        "destination": "ags",
        "course_id": room.course_id,
        "person_id": room.people[student],
        "competency_id": room.competencies[code],
        "value": value,
        "maximum": 4.0,
        "level_name": None,
        "basis": {},
    }


def put(room: Classroom, *values: float | None, student: str = "ana") -> None:
    for value in values:
        with room.database.write() as session:
            assert outbox.put(session, [outcome(room, student, value)], NOON) == 1


def claim(room: Classroom, now: datetime = NOON, limit: int = 500) -> list[Delivery]:
    with room.database.write() as session:
        return outbox.claim(session, now, limit=limit)


def settle(room: Classroom, row: Delivery, state: str, **fields: Any) -> None:  # noqa: ANN401 -- the fields of Settlement
    with room.database.write() as session:
        settling.settle(session, [Settlement(row.id, state, **fields)], NOON)


def states(room: Classroom) -> list[tuple[float | None, str]]:
    return [(value, state) for _to, _who, value, state, _code in room.deliveries()]


def test_a_newer_value_supersedes_the_waiting_one(room: Classroom) -> None:
    put(room, 1.0, 2.0, 3.0)
    assert states(room) == [
        (1.0, "superseded"),
        (2.0, "superseded"),
        (3.0, "pending"),
    ]
    assert [row.value for row in claim(room)] == [3.0]


def test_one_row_of_a_key_is_in_flight(room: Classroom) -> None:
    put(room, 1.0)
    (first,) = claim(room)
    put(room, 2.0)
    assert claim(room) == []
    settle(room, first, "delivered", read_back=1.0)
    assert [row.value for row in claim(room)] == [2.0]


def test_a_delivery_is_taken_by_one_worker_only(room: Classroom) -> None:
    put_all(room)
    barrier = threading.Barrier(4)

    def work(_number: int) -> list[int]:
        barrier.wait()
        taken: list[int] = []
        while tallied(room)["pending"]:
            for row in claim(room, limit=2):
                settle(room, row, "delivered")
                taken.append(row.id)
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [row for held in pool.map(work, range(4)) for row in held]
    assert sorted(taken) == list(range(1, 13))
    assert {attempts for (attempts,) in room.rows(schema.delivery, "attempts")} == {1}


def put_all(room: Classroom) -> None:
    """One value for each student, competency and destination: twelve rows."""
    waiting = [
        {**outcome(room, student, 1.0, code), "destination": destination}
        for student in room.people
        for code in room.competencies
        for destination in ("ags", "oneroster")
    ]
    with room.database.write() as session:
        outbox.put(session, waiting, NOON)


def tallied(room: Classroom) -> Counter[str]:
    return Counter(state for _value, state in states(room))


def test_one_worker_at_a_time_writes_to_a_gradebook(room: Classroom) -> None:
    put_all(room)
    first = claim(room, limit=3)
    assert {(row.destination, row.person_id) for row in first} == {
        ("ags", 1),
        ("oneroster", 1),
    }
    assert claim(room) == []
    for row in first:
        if row.destination == "ags":
            settle(room, row, "delivered")
    assert {row.destination for row in claim(room)} == {"ags"}


def test_a_dead_workers_row_comes_back_after_its_lease_as_unknown(
    room: Classroom,
) -> None:
    put(room, 1.0)
    (first,) = claim(room)
    assert (first.state, first.attempts) == ("sending", 1)
    assert claim(room, NOON + LEASE - timedelta(seconds=1)) == []
    (again,) = claim(room, NOON + LEASE)
    assert (again.id, again.state, again.attempts) == (first.id, "unknown", 2)
    assert timedelta(minutes=2) > LEASE


def test_a_worker_that_lives_renews_its_lease(room: Classroom) -> None:
    put(room, 1.0)
    (row,) = claim(room)
    with room.database.write() as session:
        outbox.renew(session, [row.id], NOON + timedelta(seconds=60))
    assert claim(room, NOON + LEASE) == []


@pytest.mark.parametrize("state", ["pending", "blocked", "conflict"])
def test_settling_gives_way_to_a_newer_value(room: Classroom, state: str) -> None:
    put(room, 1.0)
    (first,) = claim(room)
    put(room, 2.0)
    settle(room, first, state)
    assert states(room) == [(1.0, "superseded"), (2.0, "pending")]
    with room.database.write() as session:
        assert requeue.release(session, NOON) == 0


def test_who_settles_late_changes_nothing(room: Classroom) -> None:
    """The lease ran out, another worker delivered it and the newer one too."""
    put(room, 1.0)
    (slow,) = claim(room)
    (again,) = claim(room, NOON + LEASE)
    settle(room, again, "delivered", read_back=1.0)
    put(room, 2.0)
    (newer,) = claim(room)
    settle(room, newer, "delivered", read_back=2.0)
    settle(room, slow, "pending", due_at=NOON)
    assert states(room) == [(1.0, "delivered"), (2.0, "delivered")]


def test_putting_and_settling_at_once_keeps_the_newer_value(room: Classroom) -> None:
    for number in range(1, 9):
        put(room, float(number))
        (row,) = claim(room)
        barrier = threading.Barrier(2)

        def renew(value: float, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            put(room, value)

        def wait_once_more(
            row: Delivery = row, barrier: threading.Barrier = barrier
        ) -> None:
            barrier.wait()
            settle(room, row, "pending", due_at=NOON)

        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(renew, number + 0.5), pool.submit(wait_once_more)]
            for one in done:
                one.result()
        assert [value for value, state in states(room) if state == "pending"] == [
            number + 0.5
        ]


def test_a_stuck_row_waits_for_a_person_or_a_newer_value(room: Classroom) -> None:
    put(room, 1.0)
    (row,) = claim(room)
    settle(room, row, "blocked", code="auth", reason="the LMS refuses our key")
    assert claim(room, NOON + timedelta(days=1)) == []
    with room.database.read() as session:
        assert tallies.load_reasons(session) == [
            {
                "destination": "ags",
                "state": "blocked",
                "code": "auth",
                "reason": "the LMS refuses our key",
                "count": 1,
            }
        ]
    with room.database.write() as session:
        assert requeue.release(session, NOON, "oneroster") == 0
        assert requeue.release(session, NOON, "ags") == 1
    assert [one.id for one in claim(room)] == [row.id]


def test_what_may_stand_there_counts_as_ours(room: Classroom) -> None:
    """Noted before sending: the worker dies, its value and time are known."""
    put(room, 1.0)
    (row,) = claim(room)
    with room.database.write() as session:
        outbox.note_sending(
            session, [Sending(row.id, NOON + timedelta(seconds=5), None)], NOON
        )
    sent = _sent(room)[room.people["ana"], room.competencies["7.A"]]
    assert sent == Sent(NOON + timedelta(seconds=5), frozenset([1.0]), ((1.0, None),))


def _sent(room: Classroom) -> dict[tuple[int, int], Sent]:
    with room.database.read() as session:
        return told.load_sent(session, "ags", room.course_id)


def test_after_a_delivery_only_its_value_and_later_ones_are_ours(
    room: Classroom,
) -> None:
    for value in (1.0, 2.0, 3.0):
        put(room, value)
        (row,) = claim(room)
        state = "delivered" if value == 2.0 else "pending"
        settle(room, row, state, sent_at=NOON, due_at=NOON)
    assert _sent(room)[room.people["ana"], room.competencies["7.A"]].values == {
        2.0,
        3.0,
    }


def test_a_later_time_of_an_earlier_delivery_is_not_forgotten(room: Classroom) -> None:
    """A clock was put back between the two: the next time must lie after both."""
    late = NOON + timedelta(hours=1)
    for value, at in ((1.0, late), (2.0, NOON)):
        put(room, value)
        (row,) = claim(room)
        settle(room, row, "delivered", sent_at=at)
    sent = _sent(room)[room.people["ana"], room.competencies["7.A"]]
    assert sent == Sent(late, frozenset([2.0]), ((2.0, None),))


def test_a_value_restored_is_ours_only_if_we_sent_it_before(room: Classroom) -> None:
    for student, values in (("ana", (1.0, 2.0)), ("ben", (2.0,))):
        for value in values:
            put(room, value, student=student)
            (row,) = claim(room)
            settle(room, row, "delivered", sent_at=NOON)
        with room.database.write() as session:
            again = outcome(room, student, 1.0) | {"undoes_id": row.id}
            outbox.put(session, [again], NOON)
        (row,) = claim(room)
        settle(room, row, "delivered", sent_at=NOON)
    code = room.competencies["7.A"]
    found = {
        name: _sent(room)[room.people[name], code].values
        for name in room.people
        if (room.people[name], code) in _sent(room)
    }
    assert found == {"ana": {1.0}, "ben": frozenset()}


def test_of_many_rows_settled_together_each_gets_its_own(room: Classroom) -> None:
    put(room, 1.0)
    put(room, 2.0, student="ben")
    put(room, 3.0, student="eva")
    ana, ben, eva = claim(room)
    put(room, 4.0, student="eva")
    with room.database.write() as session:
        settling.settle(
            session,
            [
                Settlement(eva.id, "pending", due_at=NOON, code="busy"),
                Settlement(ben.id, "conflict", code="set_by_person", read_back=9.0),
                Settlement(ana.id, "delivered", read_back=1.0, receipt={"a": 1}),
                Settlement(ana.id + 1000, "delivered"),
            ],
            NOON,
        )
    columns = ("value", "state", "code", "read_back", "receipt")
    assert room.rows(schema.delivery, *columns) == [
        (1.0, "delivered", None, 1.0, {"a": 1}),
        (2.0, "conflict", "set_by_person", 9.0, None),
        (3.0, "superseded", "busy", None, None),
        (4.0, "pending", None, None, None),
    ]


def test_counts_are_by_destination_and_state(room: Classroom) -> None:
    put(room, 1.0, 2.0)
    with room.database.read() as session:
        assert tallies.load_counts(session) == {"ags": {"pending": 1, "superseded": 1}}
        (row,) = tallies.load_rows(session)
        assert len(tallies.load_rows(session, only_newest=False)) == 2
        assert outbox.has_due(session, NOON)
        assert not outbox.has_due(session, NOON - timedelta(seconds=1))
    assert (row["course"], row["human_code"], row["value"], row["state"]) == (
        "Mathematics 7",
        "7.A",
        2.0,
        "pending",
    )


def test_figures_count_a_key_once_however_often_it_was_told(room: Classroom) -> None:
    for value in (1.0, 2.0):
        put(room, value)
        (row,) = claim(room)
        settle(room, row, "delivered", read_back=value)
    with room.database.read() as session:
        assert load_figures(session)["delivered"] == {"ags": 1}
    assert room.count(schema.delivery) == 2
