"""A Canvas on a real socket, read into evidence: rubric rows, deltas, a dead answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lti_tool.errors import DeliveryError
from lti_tool.platforms.paging import Patience
from lti_tool.storage import lms_offers, lms_readings, schema
from lti_tool.work import lms_reading
from lti_tool.work.lms_stage import Counts
from tests.lti_tool.work.test_canvas_gradebook import Reader, reader

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

__all__ = ["reader"]


def read(reader: Reader, *, is_whole: bool = False) -> Counts:
    found = lms_reading.read(
        reader.school.room.database,
        lambda _placement: reader.waiting(Patience(sleep=lambda _seconds: None)),
        reader.placement_id,
        reader.canvas.now,
        is_whole=is_whole,
    )
    assert found is not None
    return found


def given(room: Classroom) -> list[tuple[float | None, str, int | None]]:
    return [
        (row[0], row[1], row[2])
        for row in room.rows(schema.score, "given", "status", "person_id")
    ]


def test_a_canvas_is_read_whole_then_by_what_changed(reader: Reader) -> None:
    room, book = reader.school.room, reader.book
    room.change(schema.registration, reader.school.registration_id, is_read=True)
    essay = book.add("Essay", 20.0, group="Homework")
    book.add_rubric(essay, clarity=(4.0, "guid-7.A"))
    book.grade(essay, "ana", 18.0)
    book.grade(essay, "ben", 11.0)
    first = read(reader)
    assert (first.works, first.is_whole, first.offered) == (1, True, 1)
    people = room.people
    held = {one for one in given(room) if one[0] is not None}
    assert held == {(18.0, "active", people["ana"]), (11.0, "active", people["ben"])}
    with room.database.read() as session:
        (offered,) = lms_offers.load_offered(session, room.course_id)
    assert (offered.part, offered.code) == ("row:_clarity", "guid-7.A")
    reader.school.clock.move(hours=12)
    book.grade(essay, "ben", 19.0)
    again = read(reader)
    assert (again.is_whole, again.added, again.changed) == (False, 0, 1)
    book.take_back(essay, "ana")
    assert read(reader).ended == 0
    assert read(reader, is_whole=True).ended == 1
    assert set(given(room)) == {
        (18.0, "ended", people["ana"]),
        (19.0, "active", people["ben"]),
    }


def test_an_answer_that_breaks_off_leaves_all_as_it_was(reader: Reader) -> None:
    room, book = reader.school.room, reader.book
    room.change(schema.registration, reader.school.registration_id, is_read=True)
    essay = book.add("Essay", 20.0)
    book.grade(essay, "ana", 18.0)
    read(reader)
    before = given(room)
    book.grade(essay, "ana", 2.0)
    reader.school.proxy.play("GET", "/students/submissions", times=99, drops=True)
    with pytest.raises(DeliveryError):
        read(reader, is_whole=True)
    assert given(room) == before
    with room.database.read() as session:
        state = lms_readings.load_reading(session, reader.placement_id)
    assert state.status == "failed"
    assert state.fault
