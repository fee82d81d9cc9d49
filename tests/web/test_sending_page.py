"""What of a course is sent where: plan, switch, what was refused, receipts."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient

from lti_tool.storage import curriculum, delivery_plans, schema, sendings
from lti_tool.web.admin.guard import COOKIE as ADMIN_COOKIE
from tests.web.conftest import put

if TYPE_CHECKING:
    from tests.web.conftest import Class


def text_of(html: str) -> str:
    inline = re.sub(r"</?(?:time|b|bdi|a|small|q|span)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())


@pytest.fixture
def sid(room: Class) -> str:
    return room.sid(room.teacher, "instructor")


def send(
    client: FlaskClient, room: Class, sid: str, act: str, status: int = 303, **form: str
) -> str:
    data = {"csrf": room.csrf(sid), "act": act, **form}
    answer = client.post(f"/s/{sid}/sending", data=data)
    assert answer.status_code == status
    return answer.location or answer.get_data(as_text=True)


def read(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return text_of(answer.get_data(as_text=True))


def tell(room: Class, student: int = 0, **values: Any) -> int:  # noqa: ANN401 -- columns
    """A delivery of one student's first level to the school system."""
    row: dict[str, Any] = {
        "destination": "oneroster",
        "course_id": room.course,
        "person_id": room.students[student],
        "competency_id": room.competencies[0],
        "value": 3.2,
        "maximum": 4.0,
        "level_name": "Proficient",
        "basis": {"rule": "highest", "evidence": 2},
        "state": "delivered",
        "attempts": 1,
        "due_at": room.now,
        "created_at": room.now - timedelta(hours=1),
    }
    with room.database.write() as session:
        return put(session, schema.delivery, **{**row, **values})


def is_on(room: Class) -> bool:
    with room.database.read() as session:
        return "oneroster" in curriculum.load_destinations(session, room.course)


def switch_on(room: Class) -> None:
    with room.database.write() as session:
        curriculum.save_destination(
            session, room.course, "oneroster", is_on=True, who="t", now=room.now
        )


def find_plan(room: Class, **change: Any) -> None:  # noqa: ANN401 -- parts of a change
    """What the worker writes once it has read the school system."""
    one = {
        "person_id": room.students[0],
        "competency_id": room.competencies[0],
        "action": "add",
        "theirs": None,
        "ours": 3.2,
        "level_name": "Proficient",
        "reason": None,
        "is_new_column": True,
    }
    with room.database.write() as session:
        plan = delivery_plans.load_newest(
            session, room.course, "oneroster", now=room.now
        )
        assert plan is not None
        found = [{**one, **change}, {**one, "action": "same"}]
        delivery_plans.save_found(session, plan["id"], found, None, now=room.now)


def test_nothing_goes_on_before_the_plan_was_seen(
    client: FlaskClient, room: Class, sid: str
) -> None:
    asked: list[int] = []
    client.application.extensions["order_plan"] = asked.append
    shown = read(client, f"/s/{sid}/sending")
    assert "off Nothing has been sent there yet." in shown
    assert "This course has no gradebook in an LMS that we know." in shown
    assert "Switch on and send" not in shown
    refused = text_of(send(client, room, sid, "on:oneroster", 422))
    assert "Look first at what it would change there." in refused
    assert not is_on(room)
    send(client, room, sid, "look:oneroster")
    assert len(asked) == 1
    assert "Reading what stands there now…" in read(client, f"/s/{sid}/sending")
    send(client, room, sid, "on:oneroster", 422)
    find_plan(room, theirs=1.0, action="keep", reason="a person set it")
    shown = read(client, f"/s/{sid}/sending")
    assert "1 the same already 1 kept, as somebody set them One by one" in shown
    assert "Amira Haddad RA.1 1 3.2 kept, as somebody set ita person set it" in shown
    send(client, room, sid, "on:oneroster")
    assert (is_on(room), room.told) == (True, ["told"])
    with room.database.read() as session:
        assert session.execute(schema.delivery.select()).all() != []
    send(client, room, sid, "off:oneroster")
    assert not is_on(room)


def test_the_levels_of_the_course_can_be_taken_along_as_a_file(
    client: FlaskClient, sid: str
) -> None:
    page = client.get(f"/s/{sid}/sending").get_data(as_text=True)
    (address,) = re.findall(r'href="([^"]*levels[^"]*)"', page)
    answer = client.get(address)
    assert answer.headers["Content-Type"].startswith("text/csv")
    head, *lines = answer.get_data(as_text=True).splitlines()
    assert "level" in head
    assert lines != []


def test_a_plan_that_could_not_be_found_says_why(
    client: FlaskClient, room: Class, sid: str
) -> None:
    send(client, room, sid, "look:oneroster")
    with room.database.write() as session:
        plan = delivery_plans.load_newest(
            session, room.course, "oneroster", now=room.now
        )
        assert plan is not None
        delivery_plans.save_found(session, plan["id"], None, "401 there", now=room.now)
    assert "It could not be read: 401 there" in read(client, f"/s/{sid}/sending")
    send(client, room, sid, "on:oneroster", 422)


def test_a_choice_is_shown_with_its_effect_before_it_is_saved(
    client: FlaskClient, room: Class, sid: str
) -> None:
    switch_on(room)
    tell(room, 1, value=1.6, level_name="Beginning")
    choice = {"when": "release", "tell": "secure", "group": ""}
    shown = text_of(send(client, room, sid, "preview:", 200, **choice))
    assert "This choice would send 4 results. It would take 1 result back." in shown
    with room.database.read() as session:
        assert sendings.load_sending(session, room.course) == sendings.Sending()
    send(client, room, sid, "save:", **choice)
    with room.database.read() as session:
        held = sendings.load_sending(session, room.course)
        assert (held.when, held.is_secure_only) == ("release", True)
        assert sendings.count_waiting(session, room.course) == 5
    assert "5 results wait. Release now" in read(client, f"/s/{sid}/sending")
    assert "n=5" in send(client, room, sid, "release:")
    with room.database.read() as session:
        assert sendings.count_waiting(session, room.course) == 0


def test_what_was_refused_is_said_in_the_other_systems_own_words(
    client: FlaskClient, room: Class, sid: str
) -> None:
    switch_on(room)
    tell(room, 0, state="dead", reason="it answered 422", receipt={"said": "Ungültig"})
    conflict = tell(room, 2, state="conflict", reason="1 stands there", read_back=1.0)
    shown = read(client, f"/s/{sid}/sending")
    assert (
        "Amira Haddad · RA.1 · school system ours: 3.2 of 4 it answered 422 Ungültig"
        in shown
    )
    assert "ours: 3.2 of 4 · theirs: 1 of 4 1 stands there" in shown
    html = client.get(f"/s/{sid}/class").get_data(as_text=True)
    assert "another value was set where it is sent" in html
    assert "s-unsent" in html
    assert "s-otherwise" in html
    send(client, room, sid, f"again:{conflict}")
    with room.database.read() as session:
        rows = session.execute(
            schema.delivery.select().order_by(schema.delivery.c.id)
        ).all()
    assert (rows[-1].over_value, rows[-1].asked_by, rows[-1].state) == (
        1.0,
        f"person:{room.teacher}",
        "pending",
    )
    assert rows[1].state == "superseded"


def test_a_difference_marks_the_cell_and_theirs_can_be_taken(
    client: FlaskClient, room: Class, sid: str
) -> None:
    switch_on(room)
    told = tell(room, before_at=room.now, read_back=3.2, read_back_at=room.now)
    with room.database.write() as session:
        number = put(
            session,
            schema.reconciliation,
            ordered_by="schedule",
            read_back={},
            unread=[],
            found=1,
            started_at=room.now,
            ended_at=room.now,
        )
        put(
            session,
            schema.difference,
            reconciliation_id=number,
            delivery_id=told,
            theirs=2.0,
            status="open",
            found_at=room.now,
        )
    assert "s-otherwise" in client.get(f"/s/{sid}/class").get_data(as_text=True)
    cell = f"/s/{sid}/class/{room.students[0]}/{room.competencies[0]}"
    assert "delivered, and another value was set there since Receipt" in read(
        client, cell
    )
    assert "somebody set another value there since" in read(client, f"/s/{sid}/sending")
    send(client, room, sid, f"theirs:{told}")
    assert "Nothing. Everything that was sent is as it was sent." in read(
        client, f"/s/{sid}/sending"
    )
    assert "2 of 4 was set in the school system." in read(client, cell)


def test_a_receipt_tells_old_and_new_and_undoes(
    client: FlaskClient, room: Class, sid: str
) -> None:
    switch_on(room)
    told = tell(
        room,
        before_value=1.0,
        before_at=room.now,
        sent_at=room.now,
        read_back=3.2,
        read_back_at=room.now,
        receipt={"status": 204},
        asked_by=f"person:{room.teacher}",
    )
    shown = read(client, f"/s/{sid}/sending/{told}")
    for words in (
        "✓ delivered and seen there",
        "What stood there before 1 of 4",
        "What was sent 3.2 of 4 Proficient",
        "Because of Ms. Lee",
        "Its answer 204",
        "Pieces of evidence",
        "Undo this delivery",
        f"/receipts/{told}",
    ):
        assert words in shown
    why = shown[shown.index("Why this level") :]
    assert "It was worked out anew after this was sent." in why
    for words in ("Evidence Date Work", "How it is worked out", "The settings behind"):
        assert words in why
    place = send(client, room, sid, f"undo:{told}", **{"from": "receipt"})
    shown = read(client, place)
    assert "What was sent 1 of 4 to undo delivery 1" in shown
    assert "… waiting" in shown
    again = text_of(send(client, room, sid, f"undo:{told}", 409))
    assert "A newer value of this level was told since." in again
    read(client, f"/s/{sid}/sending/999", 404)
    send(client, room, sid, "undo:999", 404)


def test_the_address_that_stays_finds_the_page_of_whoever_opens_it(
    client: FlaskClient, room: Class, sid: str
) -> None:
    told = tell(room)
    answer = client.get(f"/receipts/{told}")
    assert (answer.status_code, answer.location) == (303, f"/s/{sid}/sending/{told}")
    client.delete_cookie("__Host-masterybridge")
    assert "Teachers open the tool in the course first" in read(
        client, f"/receipts/{told}", 401
    )
    client.set_cookie(ADMIN_COOKIE, "x" * 43)
    read(client, f"/receipts/{told}", 401)


def test_another_courses_receipt_and_an_ended_course_are_shut(
    client: FlaskClient, room: Class, sid: str
) -> None:
    told = tell(room)
    with room.database.write() as session:
        other = put(
            session, schema.course, title="Other", rule="highest", created_at=room.now
        )
        session.execute(
            schema.delivery.update()
            .where(schema.delivery.c.id == told)
            .values(course_id=other)
        )
    read(client, f"/s/{sid}/sending/{told}", 404)
    send(client, room, sid, f"undo:{told}", 404)
    learner = room.sid(room.students[0], "learner")
    assert client.get(f"/s/{learner}/sending").status_code == 403
    with room.database.write() as session:
        session.execute(
            schema.course.update()
            .where(schema.course.c.id == room.course)
            .values(status="completed")
        )
    assert "sends nothing any more" in text_of(send(client, room, sid, "release:", 403))
