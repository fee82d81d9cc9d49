"""Work that speaks for a competency is opened where the LMS gave an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from lti_tool.storage import schema
from lti_tool.web.aligned_work import address_in

if TYPE_CHECKING:
    from tests.web.conftest import Class

ORIGINS = ("https://lms.example", "https://*.canvas.example")
QUIZ = "https://lms.example/courses/7/assignments/9"


@pytest.mark.parametrize(
    ("description", "address"),
    [
        ("", ""),
        ("Read chapter 4.", ""),
        (f"Do it at {QUIZ}.", QUIZ),
        (f'<p><a href="{QUIZ}?a=1&amp;b=2">Quiz</a></p>', f"{QUIZ}?a=1&b=2"),
        (f"https://video.example/1 and ({QUIZ})", QUIZ),
        ("https://oak.canvas.example/x", "https://oak.canvas.example/x"),
        ("https://lms.example.evil.example/x", ""),
        ("https://evil.example/https://lms.example/x", ""),
        ("https://lms.example@evil.example/x", ""),
        ("https://lms.example:port/x https://[ javascript:alert(1)", ""),
        ("http://lms.example/x", ""),
    ],
)
def test_only_an_address_of_the_lms_leads_to_the_work(
    description: str, address: str
) -> None:
    assert address_in(description, ORIGINS) == address


def test_student_and_teacher_open_the_work_from_the_competency(
    client: FlaskClient, room: Class
) -> None:
    with room.database.write() as session:
        session.execute(
            update(schema.assignment)
            .where(schema.assignment.c.id == room.assignments[0])
            .values(description=f"In the LMS: {QUIZ}")
        )
    first = room.competencies[0]
    student = room.sid(room.students[0], "learner")
    teacher = room.sid(room.teacher, "instructor")
    for path in (f"{student}/mastery/{first}", f"{teacher}/resources/{first}"):
        html = client.get(f"/s/{path}").get_data(as_text=True)
        assert (
            f'<a href="{QUIZ}" target="_blank" rel="noopener noreferrer">'
            "<bdi>Unit 1 quiz</bdi>"
        ) in html
        assert "<li><bdi>Unit 1 check</bdi>" in html
