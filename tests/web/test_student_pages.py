"""The student's pages, and the demo's front door."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from lti_tool.demo.door import door
from lti_tool.storage import schema

if TYPE_CHECKING:
    from tests.web.conftest import Class


def text_of(html: str) -> str:
    inline = re.sub(r"</?(?:time|em|b|bdi|strong|a|span)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())


@pytest.fixture
def sid(room: Class) -> str:
    return str(room.sid(room.students[0], "learner"))


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def test_a_student_sees_how_much_is_shown_and_what_is_next(
    client: FlaskClient, sid: str
) -> None:
    text = text_of(page(client, f"/s/{sid}/mastery"))
    assert "Hi Amira Grade 7 Math, section B" in text
    assert "You have shown 2 of 3." in text
    assert "Next for you NU.1 Compare amounts using >, < or = in case 3" in text
    assert "You are ready: RA.2 is done." in text


def test_a_student_sees_every_competency_with_digit_name_and_bar(
    client: FlaskClient, room: Class, sid: str
) -> None:
    html = page(client, f"/s/{sid}/mastery")
    assert re.findall(r'<span class="code">([^<]*)</span><span', html) == [
        "RA.1",
        "RA.2",
        "NU.1",
    ]
    assert '<span class="w-75 l2"></span>' in html
    assert '<span class="chip l2"><b>3</b> Proficient</span>' in html
    assert '<span class="chip e">Not assessed</span>' in html
    assert f'/mastery/{room.competencies[0]}"' in html


def test_a_student_never_sees_another_one(
    client: FlaskClient, room: Class, sid: str
) -> None:
    for path in ("mastery", f"mastery/{room.competencies[0]}"):
        html = page(client, f"/s/{sid}/{path}")
        for other in ("Ben", "Ortiz", "Chloé", "Wei", "40%", "rank", "average"):
            assert other not in html


def test_a_student_who_has_not_begun_is_told_where_to_start(
    client: FlaskClient, room: Class
) -> None:
    sid = room.sid(room.students[1], "learner")
    text = text_of(page(client, f"/s/{sid}/mastery"))
    assert "You have shown 0 of 3." in text
    assert "This one opens the way to more." in text


def test_a_class_without_work_has_nothing_to_show_yet(
    client: FlaskClient, room: Class, sid: str
) -> None:
    with room.database.write() as session:
        session.execute(delete(schema.alignment))
        session.execute(delete(schema.attainment))
    text = text_of(page(client, f"/s/{sid}/mastery"))
    assert "Your class has not started showing evidence yet" in text


def test_a_competency_tells_where_why_and_what_would_move_it(
    client: FlaskClient, room: Class, sid: str
) -> None:
    html = page(client, f"/s/{sid}/mastery/{room.competencies[0]}")
    text = text_of(html)
    for words in (
        "Where you are 3 Proficient Proficient looks so.",
        "What would move it The next level is 4 Advanced. Advanced looks so.",
        "Work that counts: Unit 1 check (due Nov 4, 2026)",
        "23 Nov Unit 1 quiz 8 of 10 3 Proficient",
        "22 Nov Unit 1 check does not count: not the best score 6 of 10",
        "How your level was worked out best of 2.4, 3.2 = 3.2",
    ):
        assert words in text
    assert "<em>amounts</em> using &gt;, &lt; or =" in html
    assert 'lang="en"' in html


def test_her_record_over_all_courses_stands_beside_the_course(
    client: FlaskClient, room: Class, sid: str
) -> None:
    """The course takes the highest score, the record is judged by certainty."""
    html = page(client, f"/s/{sid}/mastery/{room.competencies[0]}")
    text = text_of(html).partition("Over all your courses and years")[2]
    for words in (
        "2 Developing from 2 pieces of evidence Why Evidence",
        "23 Nov Unit 1 quiz 8 of 10 3 Proficient",
        "Unit 1 quiz: 0.8 of 1 is a success of 1;",
        "Rule Consistent with a stated certainty, 180",
    ):
        assert words in text
    html = page(client, f"/s/{sid}/mastery/{room.competencies[-1]}")
    assert "Over all your courses and years" not in html


def test_scores_over_time_are_drawn_and_stand_in_the_table_too(
    client: FlaskClient, room: Class, sid: str
) -> None:
    room.add_work(room.competencies[0], "Unit 1 retake", {room.students[0]: 10})
    with room.database.write() as session:
        session.execute(update(schema.course).values(rule="average"))
    room.refresh()
    html = page(client, f"/s/{sid}/mastery/{room.competencies[0]}")
    assert html.count("<circle") == 3
    assert 'aria-hidden="true"' in html.split("<svg")[1].split(">")[0]
    assert html.count('<time datetime="2026-11') >= 3


def test_the_prerequisites_of_a_competency_are_links(
    client: FlaskClient, room: Class, sid: str
) -> None:
    html = page(client, f"/s/{sid}/mastery/{room.competencies[1]}")
    after = html.split("Comes after:")[1]
    assert f'/mastery/{room.competencies[0]}"' in after


def test_certainty_says_how_many_more_successes_are_needed(
    client: FlaskClient, room: Class, sid: str
) -> None:
    with room.database.write() as session:
        session.execute(update(schema.course).values(rule="certainty"))
    room.refresh()
    text = text_of(page(client, f"/s/{sid}/mastery/{room.competencies[1]}"))
    assert "2 more good results bring you to 3 Proficient." in text


def test_a_competency_of_no_plan_is_not_found(client: FlaskClient, sid: str) -> None:
    page(client, f"/s/{sid}/mastery/999", 404)


def test_a_teacher_is_not_a_student(client: FlaskClient, room: Class) -> None:
    sid = room.sid(room.teacher, "instructor")
    assert "This page is for students" in page(client, f"/s/{sid}/mastery", 403)


@pytest.mark.parametrize(
    ("locale", "accepts", "lang", "dir_"),
    [
        ("ar", "en", "ar", "rtl"),
        (None, "fr-CA, en;q=0.5", "fr-CA", "ltr"),
        ("es_MX", "", "es-MX", "ltr"),
        ("xx", "zz", "en", "ltr"),
    ],
)
def test_the_launch_and_then_the_browser_choose_the_language(
    client: FlaskClient,
    room: Class,
    locale: str | None,
    accepts: str,
    lang: str,
    dir_: str,
) -> None:
    sid = room.sid(room.students[0], "learner", locale=locale)
    answer = client.get(f"/s/{sid}/mastery", headers={"Accept-Language": accepts})
    assert f'<html lang="{lang}" dir="{dir_}"' in answer.get_data(as_text=True)


def test_the_door_shows_the_ways_in_that_work_and_no_others(
    room: Class, serve_class: Callable[..., Flask]
) -> None:
    app = serve_class(room)
    app.register_blueprint(door)
    app.config["DEMO_LINKS"] = {
        "student": "http://127.0.0.1:1/as/amira",
        "teacher": "http://127.0.0.1:1/as/lee",
    }
    assert app.test_client().get("/").location == "/demo"
    html = page(app.test_client(), "/demo")
    assert re.findall(r'<a href="([^"]*)"><strong>([^<]*)', html) == [
        ("http://127.0.0.1:1/as/lee", "Teacher Ms. Lee"),
        ("http://127.0.0.1:1/as/amira", "Student Amira"),
    ]
    assert "DEMO" in html


def test_the_door_of_no_demo_says_so(
    room: Class, serve_class: Callable[..., Flask]
) -> None:
    app = serve_class(room)
    app.register_blueprint(door)
    assert "This is not a demo." in page(app.test_client(), "/demo")
