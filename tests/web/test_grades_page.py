"""Where scores come from: systems, readings in every state, the same work in both."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html import unescape
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from lti_tool.platforms.gradebook import LmsPart, LmsWork
from lti_tool.storage import lms_readings, schema
from lti_tool.work import lms_reading
from tests.lti_tool.work.lms_books import Book
from tests.web.conftest import put

if TYPE_CHECKING:
    from tests.web.conftest import Class

UNIT = LmsWork(
    "41", "unit 1 QUIZ", maximum=10.0, web_url="https://lms.example/mod/quiz/41"
)


def text_of(html: str) -> str:
    inline = re.sub(r"</?(?:time|b|bdi|a|small|q|span)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())


@dataclass
class Lms:
    """The class in an LMS, and what it has graded there."""

    room: Class
    placement: int
    book: Book = field(default_factory=Book)

    def read(self) -> None:
        lms_reading.read(
            self.room.database,
            lambda _placement: self.book,
            self.placement,
            lambda: self.room.now,
            who="person:1",
        )

    def state(self) -> lms_readings.Reading:
        with self.room.database.read() as session:
            return lms_readings.load_reading(session, self.placement)


@pytest.fixture
def lms(room: Class) -> Lms:
    with room.database.write() as session:
        table = schema.registration
        session.execute(
            update(table).values(
                name="Our Moodle",
                vendor="moodle",
                is_read=True,
                outcomes_url="https://lms.example",
                **dict.fromkeys(["outcomes_token"], "-"),
            )
        )
        deployment = put(
            session,
            schema.deployment,
            registration_id=room.registration,
            deployment_id="1",
            status="active",
            created_at=room.now,
        )
        placement = put(
            session,
            schema.placement,
            deployment_id=deployment,
            context_id="7",
            course_id=room.course,
            title="Maths 7B",
            seen_at=room.now,
        )
        for number, person in enumerate(room.students):
            put(
                session,
                schema.lms_user,
                registration_id=room.registration,
                subject=f"u{number}",
                person_id=person,
                seen_at=room.now,
            )
    return Lms(room, placement)


@pytest.fixture
def sid(room: Class) -> str:
    return room.sid(room.teacher, "instructor")


def page(client: FlaskClient, sid: str, path: str = "grades") -> str:
    answer = client.get(f"/s/{sid}/{path}")
    assert answer.status_code == 200
    return text_of(answer.get_data(as_text=True))


def act(
    client: FlaskClient, room: Class, sid: str, act: str, status: int = 303, **form: str
) -> str:
    data = {"csrf": room.csrf(sid), "act": act, **form}
    answer = client.post(f"/s/{sid}/grades", data=data)
    assert answer.status_code == status
    return answer.location or ""


def test_without_a_platform_that_is_read_the_page_says_what_is_missing(
    client: FlaskClient, sid: str
) -> None:
    text = page(client, sid)
    assert "Lakeview SIS School system · synced" in text
    assert "No grades are read from your LMS. An administrator can let them" in text
    assert "Where scores come from" in page(client, sid, "align")


def test_a_teacher_orders_a_reading_and_sees_each_state(
    client: FlaskClient, lms: Lms, sid: str
) -> None:
    ordered: list[int] = []
    client.application.extensions["order_reading"] = ordered.append
    assert "not read yet" in page(client, sid)
    where = act(client, lms.room, sid, f"read:{lms.placement}")
    assert where.endswith("/grades?said=ordered")
    assert ordered == [lms.placement]
    assert act(client, lms.room, sid, f"read:{lms.placement}").endswith("said=already")
    assert "… waiting to be read" in page(client, sid)
    lms.book.put(UNIT)
    lms.book.grade("u1", 9.0)
    lms.book.grade("nobody", 9.0)
    lms.read()
    text = page(client, sid)
    assert "✓ read Maths 7B · last read" in text
    assert "1 assignment · 2 new scores · 0 changed scores" in text
    assert "1 student we do not know yet" in text
    lms.book.breaks_at = 0
    with pytest.raises(Exception, match="403"):
        lms.read()
    text = page(client, sid)
    assert "! could not be read" in text
    assert "It could not be read: it answered 403 (No access) Nothing was" in text


def test_a_teacher_leaves_her_course_out_and_takes_it_in_again(
    client: FlaskClient, lms: Lms, sid: str
) -> None:
    act(client, lms.room, sid, f"off:{lms.placement}")
    text = page(client, sid, "grades?said=off")
    assert "left out" in text
    assert "Read now" not in text
    assert not lms.state().can_read
    act(client, lms.room, sid, f"read:{lms.placement}", 409)
    act(client, lms.room, sid, f"on:{lms.placement}")
    assert lms.state().can_read


def test_what_is_in_both_is_shown_and_can_be_parted_and_joined(
    client: FlaskClient, lms: Lms, sid: str
) -> None:
    room = lms.room
    lms.book.put(UNIT)
    lms.book.grade("u0", 8.0)
    lms.book.grade("u4", 10.0)
    lms.read()
    text = page(client, sid)
    assert "Our Moodle and Lakeview SIS: “Unit 1 quiz”" in text
    assert "by title and maximum, or as the LMS says" in text
    assert "Lakeview SIS, Our Moodle (opens in a new tab)" in page(client, sid, "align")
    with room.database.read() as session:
        table = schema.assignment
        mine, theirs = session.execute(
            select(table.c.id, table.c.twin_id).where(table.c.twin_id.is_not(None))
        ).one()
    where = act(client, room, sid, f"other:{mine}")
    assert "levels=" in where
    text = page(client, sid)
    assert "Nothing is in both so far." in text
    assert "is the same as" in text
    act(client, room, sid, f"same:{mine}", **{f"sis-{mine}": str(theirs)})
    assert "as a teacher said" in page(client, sid)
    act(client, room, sid, f"same:{mine}", 404, **{f"sis-{mine}": "99999"})
    act(client, room, sid, "other:99999", 404)
    act(client, room, sid, "nothing", 400)


def test_only_teachers_see_the_page_and_only_of_their_course(
    client: FlaskClient, lms: Lms, sid: str
) -> None:
    room = lms.room
    student = room.sid(room.students[0], "learner")
    assert client.get(f"/s/{student}/grades").status_code == 403
    with room.database.write() as session:
        other = put(session, schema.course, title="Other", created_at=room.now)
        session.execute(update(schema.placement).values(course_id=other))
    act(client, room, sid, f"read:{lms.placement}", 404)
    with room.database.read() as session:
        count = select(func.count()).select_from(schema.lms_reading)
        assert session.scalar(count) == 0


def test_a_course_that_has_ended_is_shown_and_not_changed(
    client: FlaskClient, lms: Lms, sid: str
) -> None:
    lms.book.put(UNIT)
    lms.read()
    with lms.room.database.write() as session:
        session.execute(update(schema.course).values(status="ended"))
    text = page(client, sid)
    assert "This course has ended. Its levels are kept as they are." in text
    assert "Read now" not in text
    act(client, lms.room, sid, f"read:{lms.placement}", 409)


# --- what people aligned in the LMS --------------------------------------------------

LAB = LmsWork(
    "42",
    "Lab report",
    maximum=20.0,
    competencies=("C-3", "nu.2", "elsewhere"),
    parts=(LmsPart("row:_1", "Method", 4.0, ("urn:uuid:c-2",)),),
)


def saved(room: Class) -> list[tuple[int, str, str]]:
    table = schema.alignment
    with room.database.read() as session:
        found = session.execute(
            select(table.c.competency_id, table.c.part, table.c.made_by)
            .where(table.c.made_by != "cli")
            .order_by(table.c.id)
        )
        return [(row[0], row[1], row[2]) for row in found]


def review(
    client: FlaskClient, room: Class, sid: str, **form: object
) -> tuple[str, str]:
    path = f"/s/{sid}/align/review"
    if form:
        data = {"csrf": room.csrf(sid), **form}
        client.post(path, data=data)
    html = client.get(path).get_data(as_text=True)
    return html, text_of(html)


def test_what_was_aligned_in_the_lms_is_offered_first_and_never_taken_by_itself(
    client: FlaskClient, lms: Lms, sid: str
) -> None:
    room = lms.room
    lms.book.put(LAB)
    lms.book.grade("u0", 18.0, work="42")
    lms.read()
    html, text = review(client, room, sid)
    assert text.count("aligned in Our Moodle") == 3
    assert saved(room) == []
    keys = re.findall(r'name="tick-([\d.]+)" value="yes" checked', html)
    assert len(keys) == 3
    third, fourth = room.competencies[2:4]
    ticks = {f"tick-{key}": "yes" for key in keys}
    _html, text = review(client, room, sid, act="accept", **ticks)
    who = f"person:{room.teacher}"
    assert saved(room) == [
        (third, "", who),
        (fourth, "", who),
        (room.competencies[1], "row:_1", who),
    ]
    assert "aligned in Our Moodle" not in text


def test_what_was_declined_stays_declined_after_the_next_reading(
    client: FlaskClient, lms: Lms, sid: str
) -> None:
    room = lms.room
    lms.book.put(replace(LAB, competencies=("c-3",), parts=()))
    lms.read()
    html, _text = review(client, room, sid)
    (key,) = re.findall(r'name="tick-([\d.]+)"', html)
    _html, text = review(client, room, sid, skip=key)
    assert "aligned in Our Moodle" not in text
    lms.book.put(replace(LAB, competencies=("c-3",), parts=(), title="Lab report 1"))
    lms.read()
    assert "aligned in Our Moodle" not in review(client, room, sid)[1]
    lms.book.put(replace(LAB, competencies=("c-3", "c-4"), parts=()))
    lms.read()
    assert review(client, room, sid)[1].count("aligned in Our Moodle") == 1


def test_on_the_page_of_all_work_one_click_takes_it_over(
    client: FlaskClient, lms: Lms, sid: str
) -> None:
    room = lms.room
    lms.book.put(replace(UNIT, competencies=("c-3",)))
    lms.book.grade("u4", 10.0)
    lms.read()
    html = client.get(f"/s/{sid}/align").get_data(as_text=True)
    form = re.search(r'<form[^>]*class="offered">(.*?)</form>', html, re.DOTALL)
    assert form is not None
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', form[1])
    assert "aligned in Our Moodle" in text_of(form[1])
    answer = client.post(
        f"/s/{sid}/align", data={name: unescape(value) for name, value in fields}
    )
    assert answer.status_code == 303
    assert saved(room) == [(room.competencies[2], "", f"person:{room.teacher}")]
    assert "aligned in" not in page(client, sid, "align")
