"""What a teacher does about one cell: a level, evidence, and taking both back."""

from __future__ import annotations

import re
from datetime import timedelta
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
def sid(room: Class) -> str:
    return room.sid(room.teacher, "instructor")


def send(
    client: FlaskClient,
    room: Class,
    sid: str,
    act: str,
    *,
    status: int = 200,
    is_partial: bool = True,
    **form: Any,  # noqa: ANN401 -- fields of any form
) -> str:
    """Do something about Amira's first competency, in the drawer."""
    answer = client.post(
        f"/s/{sid}/class/{room.students[0]}/{room.competencies[0]}",
        data={"csrf": room.csrf(sid), "act": act, **form},
        headers={"HX-Request": "true"} if is_partial else {},
    )
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def level(room: Class) -> int | None:
    table = schema.attainment
    with room.database.read() as session:
        found = session.scalar(
            select(table.c.level).where(
                table.c.person_id == room.students[0],
                table.c.competency_id == room.competencies[0],
            )
        )
    return None if found is None else int(found)


SPOKEN = {"level": "1", "reason": "Explained it orally", "lasts": "removed"}


def test_a_level_is_set_with_its_reason_beside_what_the_rule_suggests(
    client: FlaskClient, room: Class, sid: str
) -> None:
    html = send(client, room, sid, "set", **SPOKEN)
    text = text_of(html)
    for words in (
        "The level is set. Undo",
        "2 Developing set by a teacher from 2 pieces of evidence",
        "Ms. Lee, just now: Explained it orally It is kept until a teacher removes it.",
        "Suggested by rule: 3 Proficient Use 3 Proficient",
    ):
        assert words in text
    assert level(room) == 1
    assert room.told == ["told"]
    cell = (
        '<td class="l1 s-set" aria-label="2 Developing, 2 pieces of evidence, '
        'set by a teacher">2</td>'
    )
    assert f"<template data-td><table><tr>{cell}</tr></table></template>" in html
    grid = client.get(f"/s/{sid}/class").get_data(as_text=True)
    assert cell in grid
    assert '<dt class="sign">*</dt><dd>set by a teacher</dd>' in grid


def test_a_level_set_is_undone_or_gives_way_to_the_rule(
    client: FlaskClient, room: Class, sid: str
) -> None:
    send(client, room, sid, "set", **SPOKEN)
    send(client, room, sid, "set", **{**SPOKEN, "level": "3"})
    assert level(room) == 3
    text = text_of(send(client, room, sid, "undo"))
    assert "Undone. What stood before stands again." in text
    assert level(room) == 1
    text = text_of(send(client, room, sid, "rule"))
    assert "The level by rule stands again." in text
    assert level(room) == 2
    send(client, room, sid, "rule")
    send(client, room, sid, "undo")
    assert level(room) == 2


def test_evidence_is_entered_counts_and_can_be_withdrawn(
    client: FlaskClient, room: Class, sid: str
) -> None:
    day = (room.now - timedelta(days=2)).date().isoformat()
    html = send(
        *(client, room, sid, "enter"),
        kind="conference",
        title="Talk on ratios",
        level="3",
        day=day,
        note="Knew why",
    )
    text = text_of(html)
    assert "The evidence is entered and the level worked out again." in text
    assert "22 Nov Talk on ratios" in text
    assert "Knew why" in text
    assert level(room) == 3
    (entry,) = re.findall(r'name="entry" value="(\d+)"', html)
    text = text_of(send(client, room, sid, "withdraw", entry=entry))
    assert "The entry is withdrawn. It stays here, uncounted." in text
    assert "Talk on ratios" in text
    assert level(room) == 2
    send(client, room, sid, "withdraw", entry=entry)
    send(client, room, sid, "withdraw", entry="99", status=404)


def test_days_and_times_are_those_of_the_school(
    client: FlaskClient, room: Class, sid: str
) -> None:
    """At noon in UTC, the next day has begun in Kiritimati."""
    schedule = {"schedule": {"time_zone": "Pacific/Kiritimati"}}
    with room.database.write() as session:
        session.execute(update(schema.source).values(settings=schedule))
        session.execute(
            update(schema.course).values(
                sis_class_id=session.scalar(select(schema.sis_class.c.id))
            )
        )
    entry = {"kind": "observation", "title": "Seen today", "level": "3"}
    html = send(client, room, sid, "enter", **entry, day="2026-11-25")
    assert "25 Nov Seen today" in text_of(html)
    assert 'value="2026-11-25" max="2026-11-25"' in html
    assert "Worked out Nov 25, 2026, 2:00:00 AM (GMT+14:00)" in text_of(html)


@pytest.mark.parametrize(
    ("act", "form", "words"),
    [
        ("set", {**SPOKEN, "reason": " "}, "Say why you set this level."),
        ("set", {**SPOKEN, "level": "4"}, "Choose a level."),
        ("set", {**SPOKEN, "lasts": ""}, "Say how long this level is kept."),
        ("enter", {"kind": "self", "title": "x", "level": "1"}, "Say what kind of"),
        ("enter", {"kind": "outside", "level": "1"}, "Say in a few words what it was."),
        (
            "enter",
            {"kind": "outside", "title": "x", "level": "1", "day": "2026-11-25"},
            "That day has not come yet.",
        ),
        (
            "enter",
            {"kind": "outside", "title": "x", "level": "1", "day": "today"},
            "Write the day as year, month, day.",
        ),
    ],
)
def test_a_form_that_says_too_little_changes_nothing_and_says_what_lacks(
    client: FlaskClient,
    room: Class,
    sid: str,
    act: str,
    form: dict[str, str],
    words: str,
) -> None:
    html = send(client, room, sid, act, status=422, **form)
    assert words in text_of(html)
    assert '<details class="act" open>' in html
    assert (level(room), room.told) == (2, [])


def test_without_scripts_the_page_of_the_cell_comes_back_and_says_what_was_done(
    client: FlaskClient, room: Class, sid: str
) -> None:
    send(client, room, sid, "set", status=303, is_partial=False, **SPOKEN)
    path = f"/s/{sid}/class/{room.students[0]}/{room.competencies[0]}?said=set"
    html = client.get(path).get_data(as_text=True)
    assert "<h1" in html
    assert "The level is set. Undo" in text_of(html)
    assert "told" not in text_of(send(client, room, sid, "nonsense"))
    assert room.told == ["told"]


def test_the_settings_behind_a_level_stand_beside_it(
    client: FlaskClient, room: Class, sid: str
) -> None:
    with room.database.write() as session:
        session.execute(
            update(schema.course).values(
                rule="certainty", parameter=180, successor_share=0.25
            )
        )
    room.refresh()
    path = f"/s/{sid}/class/{room.students[0]}/{room.competencies[0]}"
    text = text_of(client.get(path).get_data(as_text=True))
    for words in (
        "The settings behind it Rule Consistent with a stated certainty, 180",
        (
            "Evidence in order by when the work was handed in "
            "What counts everything but self-assessment Pieces needed 1 "
            "Worth of what builds on it 25%"
        ),
        "Probability of meeting the standard on fresh work: ",
    ):
        assert words in text
    student = room.sid(room.students[0], "learner")
    path = f"/s/{student}/mastery/{room.competencies[0]}"
    text = text_of(client.get(path).get_data(as_text=True))
    assert "sure that you can do this well on new work." in text
    assert "The settings behind it" in text


def test_a_student_reads_why_a_teacher_set_the_level(
    client: FlaskClient, room: Class, sid: str
) -> None:
    send(client, room, sid, "set", **SPOKEN)
    student = room.sid(room.students[0], "learner")
    path = f"/s/{student}/mastery/{room.competencies[0]}"
    text = text_of(client.get(path).get_data(as_text=True))
    assert (
        "Your teacher set this level: Explained it orally "
        "Your work alone shows 3 Proficient." in text
    )


def test_a_course_that_has_ended_keeps_its_levels(
    client: FlaskClient, room: Class, sid: str
) -> None:
    with room.database.write() as session:
        session.execute(update(schema.course).values(status="tobedeleted"))
    text = text_of(send(client, room, sid, "set", status=422, **SPOKEN))
    assert "This course has ended. Its levels are kept as they are." in text
    assert "Change level" not in text
    assert level(room) == 2
