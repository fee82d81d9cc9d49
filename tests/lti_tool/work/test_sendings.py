"""What a course tells, when and of whom; and the plan of it, read without a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.errors import DeliveryError
from lti_tool.storage import delivery_plans, schema, sendings
from lti_tool.storage.sendings import Sending
from lti_tool.work import forecasts, standing
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Abroad, Classroom


def fill(room: Classroom) -> None:
    """Ana is secure at 3.6 of 4, Ben is not at 2.0."""
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.score("ben", "quiz", 5.0)
    room.refresh()


def choose(room: Classroom, new: Sending) -> int:
    with room.database.write() as session:
        return standing.set_sending(
            session, room.course_id, new, who="person:7", now=NOON
        )


def waiting(room: Classroom) -> list[tuple[str, float | None]]:
    return [
        (student, value)
        for _to, student, value, state, _code in room.deliveries()
        if state == "pending"
    ]


def released(room: Classroom) -> int:
    with room.database.write() as session:
        return sendings.release(session, room.course_id, who="person:7", now=NOON)


def test_what_waits_for_a_release_goes_when_a_teacher_says_so(abroad: Abroad) -> None:
    room = abroad.room
    fill(room)
    choose(room, Sending(when="release"))
    room.switch("ags")
    assert len(waiting(room)) == 2
    assert abroad.deliver() == {}
    with room.database.read() as session:
        assert sendings.count_waiting(session, room.course_id) == 2
    assert released(room) == 2
    assert abroad.deliver() == {"delivered": 2}
    # What comes after the release waits for the next one, and is superseded meanwhile.
    room.score("ana", "quiz", 2.0, days_ago=0)
    room.refresh()
    room.score("ana", "quiz", 3.0, days_ago=0)
    room.refresh()
    assert waiting(room) == [("ana", 1.2)]
    assert (abroad.deliver(), released(room)) == ({}, 1)
    with room.database.read() as session:
        assert sendings.load_sending(session, room.course_id) == Sending(
            "release", released_at=NOON
        )


def test_what_waits_for_the_night_goes_at_night_or_when_the_course_sends_at_once(
    abroad: Abroad,
) -> None:
    room = abroad.room
    fill(room)
    choose(room, Sending(when="nightly"))
    room.switch("ags")
    assert abroad.deliver() == {}
    with room.database.write() as session:
        assert sendings.release_nightly(session, NOON) == 2
    assert abroad.deliver() == {"delivered": 2}
    room.score("ana", "quiz", 2.0, days_ago=0)
    room.refresh()
    assert abroad.deliver() == {}
    choose(room, Sending(when="now"))
    abroad.clock.move(minutes=1)
    assert abroad.deliver() == {"delivered": 1}


def test_secure_levels_alone_are_told_and_taken_back_below_mastery(
    room: Classroom,
) -> None:
    fill(room)
    choose(room, Sending(is_secure_only=True))
    room.switch("ags")
    assert waiting(room) == [("ana", 3.6)]
    room.score("ana", "quiz", 4.0, days_ago=0)
    room.score("ben", "quiz", 6.0, days_ago=0)
    room.refresh()
    assert waiting(room) == [("ana", None)]
    room.score("ben", "quiz", 10.0, days_ago=0)
    room.refresh()
    assert sorted(waiting(room)) == [("ana", None), ("ben", 4.0)]


def test_choosing_secure_levels_takes_back_the_others_that_were_told(
    abroad: Abroad,
) -> None:
    room = abroad.room
    fill(room)
    room.switch("ags")
    assert abroad.deliver() == {"delivered": 2}
    assert choose(room, Sending(is_secure_only=True)) == 1
    abroad.clock.move(minutes=1)
    assert abroad.deliver() == {"delivered": 1}
    assert abroad.lms_grades() == {("7.A", "lms-ana"): 3.6, ("7.A", "lms-ben"): None}
    assert choose(room, Sending()) == 1
    abroad.clock.move(minutes=1)
    abroad.deliver()
    assert abroad.lms_grades()["7.A", "lms-ben"] == 2.0


def test_a_group_alone_is_told_of_and_what_stands_of_others_stays(
    abroad: Abroad,
) -> None:
    room = abroad.room
    fill(room)
    group_id = room.insert(
        schema.course_group, placement_id=1, group_id="g", name="Pilots"
    )
    (ben, *_rest) = [
        row_id
        for row_id, who in room.rows(schema.lms_user, "id", "person_id")
        if who == room.people["ben"]
    ]
    room.insert(schema.group_member, course_group_id=group_id, lms_user_id=ben)
    choose(room, Sending(group_id=group_id))
    room.switch("ags")
    assert waiting(room) == [("ben", 2.0)]
    room.score("ana", "quiz", 2.0, days_ago=0)
    room.refresh()
    assert waiting(room) == [("ben", 2.0)]
    assert choose(room, Sending()) == 2
    assert sorted(waiting(room)) == [("ana", 0.8), ("ben", 2.0)]


def test_the_same_choice_again_changes_nothing(room: Classroom) -> None:
    choose(room, Sending(when="release"))
    before = room.count(schema.change)
    assert choose(room, Sending(when="release")) == 0
    assert room.count(schema.change) == before


# --- the plan -------------------------------------------------------------------------


def plan(abroad: Abroad, name: str = "ags") -> dict[int, Any]:
    found = forecasts.forecast(
        abroad.room.database,
        abroad.outside.connect,
        abroad.clock,
        name,
        abroad.room.course_id,
    )
    return {one.person_id: one for one in found}


@pytest.mark.parametrize("name", ["ags", "oneroster"])
def test_the_plan_of_a_destination_that_is_off_changes_nothing(
    abroad: Abroad, name: str
) -> None:
    fill(abroad.room)
    people = abroad.room.people
    found = plan(abroad, name)
    assert {
        who: (one.action, one.theirs, one.ours, one.is_new_column)
        for who, one in found.items()
    } == {
        people["ana"]: ("add", None, 3.6, True),
        people["ben"]: ("add", None, 2.0, True),
    }
    assert (abroad.lms.line_items("c1"), abroad.room.deliveries()) == ([], [])
    assert not list(abroad.catalog.records("assessmentLineItems"))
    writes = {"POST", "PUT", "DELETE"}
    seen = [*abroad.lms_proxy.seen, *abroad.sis_proxy.seen]
    assert [
        path for method, path in seen if method in writes and "token" not in path
    ] == []


def test_the_plan_tells_what_is_kept_changed_taken_back_and_cannot_be_sent(
    abroad: Abroad,
) -> None:
    room = abroad.room
    fill(room)
    room.score("eva", "quiz", 10.0)
    room.refresh()
    room.switch("ags")
    abroad.deliver()
    (column,) = abroad.lms.line_items("c1")
    abroad.lms.override(column.id, "lms-ana", 1.0)
    choose(room, Sending(is_secure_only=True))
    room.score("ana", "quiz", 10.0, days_ago=0)
    room.score("eva", "quiz", 8.0, days_ago=0)
    room.refresh()
    found = plan(abroad)
    told = {who: (one.action, one.theirs, one.ours) for who, one in found.items()}
    assert told == {
        room.people["ana"]: ("keep", 1.0, 4.0),
        room.people["ben"]: ("withdraw", 2.0, None),
        room.people["eva"]: ("change", 4.0, 3.2),
    }
    assert "a person set it" in (found[room.people["ana"]].reason or "")
    with room.database.write() as session:
        session.execute(
            schema.lms_user.delete().where(schema.lms_user.c.subject == "lms-eva")
        )
    assert plan(abroad)[room.people["eva"]].action == "blocked"


def test_a_page_finds_its_plan_or_why_there_is_none(abroad: Abroad) -> None:
    room = abroad.room
    fill(room)

    def ordered() -> dict[str, Any]:
        with room.database.write() as session:
            made = delivery_plans.order_plan(
                session, room.course_id, "ags", who="person:7", now=abroad.clock()
            )
        forecasts.carry_out(room.database, abroad.outside.connect, made, abroad.clock)
        with room.database.read() as session:
            found = delivery_plans.load_newest(
                session, room.course_id, "ags", now=abroad.clock()
            )
        assert found is not None
        return found

    found = ordered()
    assert (found["status"], len(found["found"])) == ("found", 2)
    assert found["found"][0]["action"] == "add"
    with room.database.write() as session:
        session.execute(schema.placement.delete())
    found = ordered()
    assert (found["status"], found["found"]) == ("failed", None)
    assert "never opened from an LMS" in found["fault"]
    abroad.clock.move(hours=25)
    with room.database.write() as session:
        assert (
            delivery_plans.load_newest(
                session, room.course_id, "ags", now=abroad.clock()
            )
            is None
        )
        delivery_plans.sweep_plans(session, now=abroad.clock())
    with pytest.raises(DeliveryError, match="never opened"):
        plan(abroad)
