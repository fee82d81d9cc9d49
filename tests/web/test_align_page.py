"""The align page: which work speaks for which competency, and what that changes."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from lti_tool.storage import schema
from lti_tool.web import marks
from lti_tool.web.alignment import parse_weight

if TYPE_CHECKING:
    from tests.web.conftest import Class


def text_of(html: str) -> str:
    inline = re.sub(r"</?(?:time|em|b|bdi|strong|a|span)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())


@pytest.fixture
def sid(room: Class) -> str:
    return room.sid(room.teacher, "instructor")


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def alignments(room: Class) -> list[tuple[int, int, float]]:
    table = schema.alignment
    with room.database.read() as session:
        found = session.execute(
            select(table.c.assignment_id, table.c.competency_id, table.c.weight)
        )
        return [tuple(row) for row in found]


def send(client: FlaskClient, room: Class, sid: str, **form: object) -> TestResponse:
    return client.post(
        f"/s/{sid}/align", data={"csrf": room.csrf(sid), **form}, follow_redirects=True
    )


@pytest.mark.parametrize(
    "words",
    [
        "NU.2",
        "nu.2",
        "c-4",
        "NU.2 · Compare amounts using >, < or = in case 4",
        "case 4",
    ],
)
def test_aligning_work_changes_the_levels_at_once(
    client: FlaskClient, room: Class, sid: str, words: str
) -> None:
    work, fourth = room.assignments[0], room.competencies[3]
    answer = send(client, room, sid, assignment=work, competency=words, weight="2,5")
    assert "Saved. 4 levels changed." in text_of(answer.get_data(as_text=True))
    assert (work, fourth, 2.5) in alignments(room)
    assert room.told == ["told"]
    assert 'aria-colcount="6"' in page(client, f"/s/{sid}/class")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (
            {"competency": "case"},
            "“case” is not exactly one competency",
        ),
        ({"competency": ""}, "“” is not exactly one competency"),
        ({"competency": "NU.2", "weight": "0"}, "A weight is a number above 0"),
        ({"competency": "NU.2", "weight": "nan"}, "A weight is a number above 0"),
        ({"competency": "NU.2", "weight": "x"}, "A weight is a number above 0"),
    ],
)
def test_a_form_that_says_nothing_changes_nothing_and_says_why(
    client: FlaskClient, room: Class, sid: str, form: dict[str, str], words: str
) -> None:
    before = alignments(room)
    answer = send(client, room, sid, assignment=room.assignments[0], **form)
    assert answer.status_code == 422
    assert words in text_of(answer.get_data(as_text=True))
    assert alignments(room) == before
    assert room.told == []


def test_work_of_another_course_cannot_be_aligned(
    client: FlaskClient, room: Class, sid: str
) -> None:
    answer = send(client, room, sid, assignment=999, competency="NU.2")
    assert answer.status_code == 404


def test_the_same_alignment_twice_says_so(
    client: FlaskClient, room: Class, sid: str
) -> None:
    answer = send(client, room, sid, assignment=room.assignments[0], competency="RA.1")
    assert "Nothing was changed." in text_of(answer.get_data(as_text=True))


def test_removing_asks_first_and_counts_what_would_change(
    client: FlaskClient, room: Class, sid: str
) -> None:
    before = alignments(room)
    text = text_of(page(client, f"/s/{sid}/align?remove=3"))
    assert (
        "Removing this drops 3 pieces of evidence and lowers 3 levels. See them" in text
    )
    assert alignments(room) == before
    answer = send(client, room, sid, alignment=3, assignment=room.assignments[2])
    assert "Saved. 3 levels changed." in text_of(answer.get_data(as_text=True))
    assert len(alignments(room)) == len(before) - 1
    gone = text_of(page(client, f"/s/{sid}/align?remove=3"))
    assert "Removing this drops" not in gone


def test_a_form_of_another_site_is_refused(
    client: FlaskClient, room: Class, sid: str
) -> None:
    before = alignments(room)
    answer = client.post(f"/s/{sid}/align", data={"alignment": 1, "csrf": "x"})
    assert answer.status_code == 403
    assert alignments(room) == before


def test_the_list_of_work_can_be_searched(
    client: FlaskClient, room: Class, sid: str
) -> None:
    room.add_work(room.competencies[0], "Essay", {})
    with room.database.write() as session:
        session.execute(
            delete(schema.alignment).where(
                schema.alignment.c.assignment_id == room.assignments[-1]
            )
        )
    html = page(client, f"/s/{sid}/align?only=open")
    assert re.findall(r"<h2><bdi>([^<]*)</bdi></h2>", html) == ["Essay"]
    assert "5 assignments · 4 aligned, 1 to do" in text_of(html)
    html = page(client, f"/s/{sid}/align?words=check")
    assert re.findall(r"<h2><bdi>([^<]*)</bdi></h2>", html) == ["Unit 1 check"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("using the symbols >, <, or =", "using the symbols &gt;, &lt;, or ="),
        ("if a<b and c>d then", "if a&lt;b and c&gt;d then"),
        ("<em>Explain</em> x<3", "<em>Explain</em> x&lt;3"),
        ("<script>alert(1)</script>Add", "Add"),
        ('<img src=x onerror="alert(1)">Add', "Add"),
        ('<em onclick="x">Add</em>', "<em>Add</em>"),
        ("$\\frac{1}{2}$ & more", "$\\frac{1}{2}$ &amp; more"),
        ("<!-- note -->Add", "Add"),
    ],
)
def test_a_statement_is_cleaned_without_eating_mathematics(
    given: str, shown: str
) -> None:
    assert str(marks.statement(given)) == shown


def test_a_statement_as_bare_text_keeps_its_words() -> None:
    assert marks.plain("<em>Use</em> >, <, =  &amp; more") == "Use >, <, = & more"


@pytest.mark.parametrize(
    ("text", "weight"), [("1", 1.0), ("0.5", 0.5), ("100", 100.0), ("101", None)]
)
def test_a_weight_lies_above_nothing_and_up_to_a_hundred(
    text: str, weight: float | None
) -> None:
    assert parse_weight(text) == weight
