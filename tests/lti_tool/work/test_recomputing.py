"""Levels follow a framework: ordered where it changes, worked out by a worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.storage import crosswalks, recomputes, schema
from lti_tool.storage import student_records as stored_records
from lti_tool.storage.database import Database
from lti_tool.work import recomputing
from lti_tool.work.frameworks import import_documents
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

LATER = NOON + timedelta(minutes=5)
STATE = "State"


def edge(number: int, kind: str, *ends: str) -> dict[str, Any]:
    nodes = [{"identifier": one, "uri": one, "title": one} for one in ends]
    return {
        "identifier": f"e-{number}",
        "associationType": kind,
        "originNodeURI": nodes[0],
        "destinationNodeURI": nodes[1],
    }


def package(*codes: str, edges: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "CFDocument": {"identifier": "state", "title": STATE, "creator": "State"},
        "CFItems": [
            {
                "identifier": f"s-{code}",
                "fullStatement": code,
                "humanCodingScheme": code,
            }
            for code in codes
        ],
        "CFAssociations": list(edges),
    }


def bring(room: Classroom, document: object) -> None:
    import_documents(room.database, [("state.json", document)], LATER, who="rosa")


def carry_out(room: Classroom) -> int:
    return recomputing.carry_out(room.database, lambda: LATER)


def records(room: Classroom) -> list[tuple[str, float | None]]:
    codes = dict(room.rows(schema.competency, "id", "case_id"))
    held = room.rows(schema.record, "competency_id", "value")
    return sorted((codes[which], value) for which, value in held)


def orders(room: Classroom) -> list[tuple[int, bool]]:
    found = room.rows(schema.recompute, "framework_id", "ended_at")
    return [(framework_id, ended_at is not None) for framework_id, ended_at in found]


def switch(room: Classroom, to_id: int, *, is_on: bool, share: float) -> None:
    with room.database.write() as session:
        crosswalks.save_crosswalk(
            session, (1, to_id), is_on=is_on, shares={"isPeerOf": share}, who="t",
            now=NOON,
        )  # fmt: skip
        recomputing.order_records(session, to_id, who="rosa", now=NOON)


def test_records_follow_a_crosswalk_switched_on_changed_and_off(
    room: Classroom,
) -> None:
    bring(room, package("S.1", edges=(edge(1, "isPeerOf", "guid-7.A", "s-S.1"),)))
    other = room.rows(schema.framework, "id")[-1][0]
    for framework_id in (1, other):
        with room.database.write() as session:
            stored_records.save_record_rule(
                session, framework_id, {"rule": "latest"}, who="t", now=NOON
            )
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.refresh()
    assert (records(room), carry_out(room)) == ([("guid-7.A", 3.6)], 0)
    # Nobody learns in a course of the other framework: the bridge alone brings her in.
    switch(room, other, is_on=True, share=0.8)
    assert orders(room) == [(other, False)]
    assert carry_out(room) == 1
    assert records(room) == [("guid-7.A", 3.6), ("s-S.1", pytest.approx(2.88))]
    switch(room, other, is_on=True, share=0.5)
    assert (carry_out(room), records(room)[1]) == (1, ("s-S.1", pytest.approx(1.8)))
    switch(room, other, is_on=False, share=0.5)
    assert (carry_out(room), records(room)) == (1, [("guid-7.A", 3.6)])
    assert orders(room) == [(other, True)]


def test_an_edge_file_moves_the_records_it_leads_to(room: Classroom) -> None:
    bring(room, package("S.1"))
    other = room.rows(schema.framework, "id")[-1][0]
    room.add_assignment("quiz", "7.A")
    room.score("ana", "quiz", 9.0)
    room.refresh()
    switch(room, other, is_on=True, share=1.0)
    assert (carry_out(room), len(records(room))) == (0, 1)
    bring(room, {"CFAssociations": [edge(1, "isPeerOf", "guid-7.A", "s-S.1")]})
    assert orders(room) == [(other, False)]
    assert carry_out(room) == 1
    assert [one for one, _ in records(room)] == ["guid-7.A", "s-S.1"]


def test_an_import_orders_levels_only_where_they_rest_on_what_changed(
    room: Classroom,
) -> None:
    bring(room, package("S.1", "S.2"))
    other = room.rows(schema.framework, "id")[-1][0]
    room.change(schema.course, room.course_id, framework_id=other, refreshed_at=NOON)
    room.competencies = {
        case_id[2:]: row_id
        for row_id, case_id in room.rows(schema.competency, "id", "case_id")
        if case_id.startswith("s-")
    }
    room.add_assignment("quiz", "S.1")
    room.score("ana", "quiz", 9.0)
    room.refresh()
    reworded = package("S.1", "S.2")
    reworded["CFItems"][0]["fullStatement"] = "said otherwise"
    bring(room, reworded)
    assert orders(room) == []
    bring(room, package("S.2", edges=(edge(1, "precedes", "s-S.2", "s-S.1"),)))
    assert orders(room) == [(other, False)]
    assert records(room) == [("s-S.1", pytest.approx(2.0))]
    carry_out(room)
    assert (orders(room), records(room)) == ([(other, True)], [])
    assert room.values() == {}
    assert ("rosa", "levels ordered") in room.rows(schema.change, "who", "what")


def test_two_workers_take_two_orders_and_a_dead_one_gives_its_own_back(
    room: Classroom, database: Database
) -> None:
    def take(at: datetime) -> int | None:
        with database.write() as session:
            taken = recomputes.take(session, at)
            return None if taken is None else taken.framework_id

    bring(room, package("S.1"))
    other = room.rows(schema.framework, "id")[-1][0]
    with database.write() as session:
        recomputes.order(session, [1], who="t", now=NOON)
        recomputes.order(session, [other], who="t", now=NOON + timedelta(seconds=1))
    at = NOON + timedelta(minutes=1)
    assert (take(at), take(at), take(at)) == (1, other, None)
    assert take(at + recomputes.LEASE + timedelta(seconds=1)) == 1


def test_an_order_that_comes_while_one_is_worked_out_is_not_lost(
    room: Classroom,
) -> None:
    with room.database.write() as session:
        recomputes.order(session, [1], who="t", now=NOON)
        taken = recomputes.take(session, LATER)
        assert taken is not None
        recomputes.order(session, [1], who="t", now=LATER)
        recomputes.settle(session, taken, LATER)
    assert orders(room) == [(1, False)]
    carry_out(room)
    assert orders(room) == [(1, True)]
