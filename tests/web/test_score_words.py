"""What the pages say of a score: late, a word, missing, where it belongs."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Table, insert, update

from lti_tool.storage import schema
from tests.web.conftest import Class


@pytest.fixture
def room(seed: Callable[..., Class]) -> Class:
    """A class in which the first student has a score on one piece of work."""
    room = seed(2, 2)
    sourced = {"source_id": room.source, "fingerprint": "x"}
    with room.database.write() as session:
        session.execute(
            insert(schema.category).values(sourced_id="c", title="Quizzes", **sourced)
        )
        session.execute(
            insert(schema.term).values(
                sourced_id="t", title="Quarter 1", kind="gradingPeriod", **sourced
            )
        )
        session.execute(
            insert(schema.score_scale).values(
                sourced_id="s",
                title="Letters",
                class_sourced_id="class-1",
                steps=[["A", "9"]],
                **sourced,
            )
        )
    work = room.add_work(room.competencies[0], "Unit 4 quiz", {room.students[0]: 3.0})
    change(room, schema.assignment, work, category_sourced_id="c", term_sourced_id="t")
    return room


def change(room: Class, table: Table, row: int, **values: object) -> None:
    with room.database.write() as session:
        session.execute(update(table).where(table.c.id == row).values(**values))


def say(room: Class, **score: object) -> None:
    """Let the score on the newest work say this."""
    work = room.assignments[-1]
    with room.database.write() as session:
        session.execute(
            update(schema.score)
            .where(schema.score.c.assignment_id == work)
            .values(**score)
        )
    room.refresh()


@pytest.mark.parametrize(
    ("score", "said"),
    [
        ({"flags": {"late": True}}, "Unit 4 quiz Quizzes · Quarter 1 late 3 of 10"),
        (
            {"flags": {"missing": True}, "given": 0.0},
            "Quarter 1 does not count: missing: not handed in 0 of 10",
        ),
        (
            {"given": None, "text_score": "A"},
            "Quarter 1 “A” is worth 9 on the scale “Letters” 9 of 10",
        ),
        (
            {"given": None, "text_score": "Z"},
            "does not count: “Z” is not on the scale “Letters” “Z”",
        ),
        ({"score_status": "exempt"}, "does not count: exempt 3 of 10"),
        ({"score_status": "partially graded"}, "Quarter 1 partially graded 3 of 10"),
    ],
)
def test_the_reasons_say_what_kind_of_score_it_is(
    client: FlaskClient, room: Class, score: dict[str, object], said: str
) -> None:
    say(room, **score)
    sid = room.sid(room.teacher, "instructor")
    where = f"/s/{sid}/class/{room.students[0]}/{room.competencies[0]}"
    assert said in text_of(client.get(where).text)


def test_work_is_listed_with_where_it_belongs_and_who_aligned_it(
    client: FlaskClient, room: Class
) -> None:
    with room.database.write() as session:
        session.execute(
            update(schema.assignment).values(
                learning_objectives=[
                    {"source": "case", "learningObjectiveIds": ["urn:uuid:C-2"]}
                ]
            )
        )
    room.refresh()
    text = text_of(client.get(f"/s/{room.sid(room.teacher, 'instructor')}/align").text)
    assert "Unit 4 quiz Lakeview SIS · Quizzes · Quarter 1 · due" in text
    assert "in case 2 named by the SIS Change Remove" in text


def text_of(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))
