"""What students say of themselves, and the teacher's inbox for it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from lti_tool.storage import schema

if TYPE_CHECKING:
    from tests.web.conftest import Class


def text_of(html: str) -> str:
    inline = re.sub(r"</?(?:time|em|b|bdi|strong|a|span|q)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())


@pytest.fixture
def teacher(room: Class) -> str:
    return room.sid(room.teacher, "instructor")


@pytest.fixture
def ben(room: Class) -> str:
    return room.sid(room.students[1], "learner")


def post(
    client: FlaskClient,
    room: Class,
    sid: str,
    path: str,
    *,
    status: int = 200,
    **form: Any,  # noqa: ANN401 -- fields of any form
) -> str:
    answer = client.post(
        f"/s/{sid}/{path}",
        data={"csrf": room.csrf(sid), **form},
        follow_redirects=True,
    )
    assert answer.status_code == status
    return text_of(answer.get_data(as_text=True))


def text(client: FlaskClient, sid: str, path: str) -> str:
    return text_of(client.get(f"/s/{sid}/{path}").get_data(as_text=True))


def level(room: Class) -> int | None:
    """Ben's level on the first competency."""
    table = schema.attainment
    with room.database.read() as session:
        return session.scalar(
            select(table.c.level).where(
                table.c.person_id == room.students[1],
                table.c.competency_id == room.competencies[0],
            )
        )


CLUB = {
    "act": "send",
    "title": "Coding club",
    "competency": "RA.1",
    "level": "2",
    "link": "https://club.example/ben",
    "note": "Ask Mr. Poe",
}


def test_what_was_learned_elsewhere_waits_and_counts_when_the_teacher_says_so(
    client: FlaskClient, room: Class, ben: str, teacher: str
) -> None:
    told = post(client, room, ben, "elsewhere", **CLUB)
    assert "Sent. Your teacher will look at it." in told
    assert "Coding club · RA.1 · Nov 24, 2026 3 Proficient Sent." in told
    assert level(room) == 0
    waiting = text(client, teacher, "inbox")
    for words in (
        "Ben Ortiz: Coding club · RA.1",
        "https://club.example/ben",
        "Ask Mr. Poe",
    ):
        assert words in waiting
    told = post(client, room, teacher, "inbox", act="accept", entry="1")
    assert "1 thing decided." in told
    assert "Nothing waits for you" in told
    assert level(room) == 2
    assert "3 Proficient Counted." in text(client, ben, "elsewhere")


def test_the_teacher_may_see_another_level_in_it(
    client: FlaskClient, room: Class, ben: str, teacher: str
) -> None:
    post(client, room, ben, "elsewhere", **CLUB)
    form = {"act": "accept", "entry": "1", "level-1": "1"}
    post(client, room, teacher, "inbox", **form)
    assert level(room) == 1
    assert "2 Developing Counted." in text(client, ben, "elsewhere")


def test_what_does_not_count_says_why_to_the_student(
    client: FlaskClient, room: Class, ben: str, teacher: str
) -> None:
    post(client, room, ben, "elsewhere", **CLUB)
    form = {"act": "decline", "entry": "1"}
    told = post(client, room, teacher, "inbox", status=422, **form)
    assert "Say why it does not count. The student reads it." in told
    told = post(client, room, teacher, "inbox", status=422, act="accept")
    assert "Tick what you have looked at." in told
    post(client, room, teacher, "inbox", **form, reason="Another topic")
    assert "Not counted. Another topic" in text(client, ben, "elsewhere")
    assert level(room) == 0
    told = post(client, room, teacher, "inbox", status=422, **form, reason="Again")
    assert "Tick what you have looked at." in told


def test_a_student_takes_back_only_her_own(
    client: FlaskClient, room: Class, ben: str, teacher: str
) -> None:
    post(client, room, ben, "elsewhere", **CLUB)
    amira = room.sid(room.students[0], "learner")
    form = {"act": "withdraw", "entry": "1"}
    post(client, room, amira, "elsewhere", status=404, **form)
    assert "You took it back." in post(client, room, ben, "elsewhere", **form)
    assert "Nothing waits for you" in text(client, teacher, "inbox")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"title": " "}, "Write in a few words what you did."),
        ({"competency": "case"}, "Choose what it shows from the list."),
        ({"level": ""}, "Choose a level."),
        ({"day": "2026-12-24"}, "That day has not come yet."),
        ({"link": "javascript:alert(1)"}, "A link must begin with http://"),
    ],
)
def test_a_form_that_lacks_something_sends_nothing_and_keeps_what_was_typed(
    client: FlaskClient, room: Class, ben: str, form: dict[str, str], words: str
) -> None:
    told = post(client, room, ben, "elsewhere", status=422, **{**CLUB, **form})
    assert words in told
    assert "Nothing yet." in told


def test_how_a_student_sees_herself_is_kept_and_never_counts(
    client: FlaskClient, room: Class, ben: str, teacher: str
) -> None:
    path = f"mastery/{room.competencies[0]}"
    told = post(client, room, ben, path, level="3", sentence="I can do it")
    assert "Kept. Your teacher can read it." in told
    assert level(room) == 0
    assert (
        "They see it otherwise Ben Ortiz · RA.1 says 4 Advanced stands at "
        "1 Beginning I can do it" in text(client, teacher, "inbox")
    )
    assert "Choose a level first." in post(client, room, ben, path)
    post(client, room, ben, "mastery/999", status=404, level="1")


def test_a_course_that_has_ended_takes_nothing_more(
    client: FlaskClient, room: Class, ben: str, teacher: str
) -> None:
    with room.database.write() as session:
        session.execute(update(schema.course).values(status="tobedeleted"))
    for sid, path, form in (
        (ben, "elsewhere", CLUB),
        (teacher, "inbox", {"act": "accept", "entry": "1"}),
    ):
        told = post(client, room, sid, path, status=422, **form)
        assert "This course has ended." in told
    told = post(client, room, ben, f"mastery/{room.competencies[0]}", level="3")
    assert "Kept." not in told
