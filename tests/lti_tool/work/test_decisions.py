"""What a person decides about a delivery: send again, take theirs, undo; and receipts.

Played on an LMS over real sockets.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lti_tool.demo.platform import MOODLE
from lti_tool.errors import OutboxError
from lti_tool.storage import differences, receipts, schema
from lti_tool.storage import teacher_levels as levels
from lti_tool.work import decisions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lti_tool.work.conftest import Abroad

WHO = "person:7"


@pytest.fixture
def told(abroad: Abroad) -> Abroad:
    """Ana's 3.6 and Ben's 2.0 stand in the LMS."""
    room = abroad.room
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.score("ben", "quiz", 5.0)
    room.refresh()
    room.switch("ags")
    assert abroad.deliver() == {"delivered": 2}
    return abroad


def ids(abroad: Abroad, student: str = "ana") -> list[int]:
    table = schema.delivery
    with abroad.room.database.read() as session:
        return list(
            session.scalars(
                select(table.c.id)
                .where(table.c.person_id == abroad.room.people[student])
                .order_by(table.c.id)
            )
        )


def receipt(abroad: Abroad, delivery_id: int) -> dict[str, Any]:
    with abroad.room.database.read() as session:
        return receipts.load_receipt(session, delivery_id)


def act(abroad: Abroad, what: Callable[..., int], delivery_id: int) -> int:
    with abroad.room.database.write() as session:
        return what(session, delivery_id, who=WHO, now=abroad.clock())


def rescore(abroad: Abroad, points: float, student: str = "ana") -> None:
    abroad.clock.move(minutes=5)
    abroad.room.score(student, "quiz", points, days_ago=0)
    abroad.room.refresh(now=abroad.clock())


def override(abroad: Abroad, value: float | None, student: str = "ana") -> None:
    (column,) = abroad.lms.line_items("c1")
    theirs, abroad.lms.clock = abroad.lms.clock, abroad.clock
    abroad.lms.override(column.id, f"lms-{student}", value)
    abroad.lms.clock = theirs
    abroad.clock.move(minutes=5)


def shown(abroad: Abroad, student: str = "ana") -> float | None:
    return abroad.lms_grades()["7.A", f"lms-{student}"]


def test_a_receipt_tells_what_stood_there_and_what_was_answered(told: Abroad) -> None:
    rescore(told, 5.0)
    told.deliver()
    first, second = (receipt(told, one) for one in ids(told))
    assert (first["before_value"], first["before_at"]) == (
        None,
        told.clock.now - timedelta(minutes=5),
    )
    assert (second["before_value"], second["value"], second["read_back"]) == (
        3.6,
        2.0,
        2.0,
    )
    assert second["receipt"]["status"] in {200, 204}
    assert second["basis"]["rule"] == "latest"
    assert second["asked_by"] is None


def test_a_delivery_undone_lets_the_old_value_stand_again(told: Abroad) -> None:
    rescore(told, 5.0)
    told.deliver()
    made = act(told, decisions.undo, ids(told)[-1])
    told.clock.move(minutes=1)
    assert told.deliver() == {"delivered": 1}
    assert shown(told) == 3.6
    row = receipt(told, made)
    assert (row["undoes_id"], row["asked_by"], row["before_value"]) == (
        ids(told)[-2],
        WHO,
        2.0,
    )
    # Nothing differs, and the same level is not told again by itself.
    assert told.reconcile().differences == ()
    told.room.refresh(now=told.clock())
    assert told.deliver() == {}
    rescore(told, 10.0)
    assert told.deliver() == {"delivered": 1}
    assert shown(told) == 4.0


def test_the_first_delivery_undone_leaves_no_value(told: Abroad) -> None:
    act(told, decisions.undo, ids(told)[0])
    told.clock.move(minutes=1)
    assert told.deliver() == {"delivered": 1}
    assert shown(told) is None
    assert shown(told, "ben") == 2.0


def test_a_persons_value_restored_by_an_undo_is_still_hers(told: Abroad) -> None:
    override(told, 1.0)
    rescore(told, 5.0)
    assert told.deliver() == {"conflict": 1}
    act(told, decisions.send_again, ids(told)[-1])
    assert told.deliver() == {"delivered": 1}
    assert shown(told) == 2.0
    act(told, decisions.undo, ids(told)[-1])
    told.clock.move(minutes=1)
    told.deliver()
    assert shown(told) == 1.0
    rescore(told, 10.0)
    assert told.deliver() == {"conflict": 1}
    assert shown(told) == 1.0


def test_an_undo_keeps_what_a_person_set_since(told: Abroad) -> None:
    override(told, 1.0)
    act(told, decisions.undo, ids(told)[0])
    assert told.deliver() == {"conflict": 1}
    assert shown(told) == 1.0


@pytest.mark.parametrize("manners", [MOODLE], ids=["moodle"])
def test_a_click_writes_over_the_value_it_saw_and_no_other(told: Abroad) -> None:
    """C17."""
    override(told, 1.0)
    rescore(told, 5.0)
    assert told.deliver() == {"conflict": 1}
    act(told, decisions.send_again, ids(told)[-1])
    override(told, 1.5)
    assert told.deliver() == {"conflict": 1}
    assert shown(told) == 1.5
    made = act(told, decisions.send_again, ids(told)[-1])
    assert told.deliver() == {"delivered": 1}
    assert shown(told) == 2.0
    row = receipt(told, made)
    assert (row["asked_by"], row["over_value"], row["before_value"]) == (WHO, 1.5, 1.5)


def test_their_value_taken_is_a_level_set_by_hand_and_stays_theirs(
    told: Abroad,
) -> None:
    override(told, 1.0)
    rescore(told, 5.0)
    told.deliver()
    act(told, decisions.take_theirs, ids(told)[-1])
    room = told.room
    with room.database.read() as session:
        (level,) = levels.load_history(
            session, room.course_id, room.people["ana"], room.competencies["7.A"]
        )
    assert (level.reason, level.made_by, level.lasts) == (
        "1 of 4 was set in the LMS gradebook.",
        WHO,
        "evidence",
    )
    assert room.values()["ana", "7.A"] == 1.0
    assert told.deliver() == {}
    assert told.reconcile().differences == ()
    rescore(told, 10.0)
    assert told.deliver() == {"conflict": 1}
    assert shown(told) == 1.0


def test_a_difference_is_kept_until_somebody_decides(told: Abroad) -> None:
    override(told, 1.0)
    override(told, 1.0, "ben")
    assert len(told.reconcile().differences) == 2
    assert len(told.reconcile().differences) == 2
    assert {one["theirs"] for one in open_ones(told)} == {1.0}
    act(told, decisions.send_again, ids(told)[0])
    act(told, decisions.take_theirs, ids(told, "ben")[0])
    assert open_ones(told) == []
    assert told.deliver() == {"delivered": 1}
    assert (shown(told), shown(told, "ben")) == (3.6, 1.0)
    assert told.reconcile().differences == ()


def test_a_difference_that_goes_by_itself_is_closed(told: Abroad) -> None:
    override(told, 1.0)
    told.reconcile()
    override(told, 3.6)
    told.reconcile()
    assert open_ones(told) == []
    with told.room.database.read() as session:
        assert session.scalars(select(schema.difference.c.status)).all() == ["gone"]


def open_ones(abroad: Abroad) -> list[dict[str, Any]]:
    with abroad.room.database.read() as session:
        return differences.load_open(session)


def test_a_course_that_cannot_be_read_is_named_and_holds_up_no_other(
    told: Abroad,
) -> None:
    told.room.switch("oneroster")
    told.deliver()
    override(told, 1.0)
    told.sis_proxy.play("GET", "/assessmentResults", status="503 Service Unavailable")
    found = told.reconcile()
    assert [(one.destination, one.code) for one in found.unread] == [
        ("oneroster", "http_503")
    ]
    assert [one.destination for one in found.differences] == ["ags"]
    with told.room.database.read() as session:
        last = differences.load_last(session)
    assert last is not None
    assert (last["found"], last["read_back"], len(last["unread"])) == (1, {"ags": 2}, 1)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (decisions.undo, "only what was delivered can be undone"),
        (decisions.take_theirs, "there is none to take"),
    ],
)
def test_what_cannot_be_done_with_a_delivery_is_said(
    told: Abroad, what: Callable[..., int], words: str
) -> None:
    rescore(told, 5.0)
    with pytest.raises(OutboxError, match=words):
        act(told, what, ids(told)[-1])
    with pytest.raises(OutboxError, match="a newer value"):
        act(told, what, ids(told)[0])


def test_nothing_is_sent_again_where_the_course_sends_nothing(told: Abroad) -> None:
    told.room.switch("ags", is_on=False)
    with pytest.raises(OutboxError, match="switch it on"):
        act(told, decisions.send_again, ids(told)[0])
