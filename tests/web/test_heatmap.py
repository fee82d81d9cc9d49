"""The class grid costs two statements and one td a cell, whatever the class size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from sqlalchemy import event

from lti_tool.storage import pages
from lti_tool.storage.database import Database

if TYPE_CHECKING:
    from tests.web.conftest import Class

SECRET = "s" * 43


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, text: str, *_rest: object) -> None:
        if not text.startswith(("BEGIN", "PRAGMA")):
            seen.append(text)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def full_class(seed: Callable[..., Class], students: int, competencies: int) -> Class:
    room = seed(students, competencies)
    for number, competency in enumerate(room.competencies):
        scores = {person: (person * 7 + number * 3) % 11 for person in room.students}
        room.add_work(competency, f"Work {number}", scores)
    room.refresh()
    return room


@pytest.mark.parametrize("students", [15, 150])
def test_the_heatmap_is_read_with_two_statements(
    seed: Callable[..., Class], students: int
) -> None:
    room = full_class(seed, students, 3)
    with statements(room.database) as seen, room.database.read() as session:
        people = pages.load_students(session, room.course)
        cells = pages.load_cells(session, room.course)
    assert (len(people), len(cells), len(seen)) == (students, students * 3, 2)


def test_the_page_of_a_large_class_is_one_td_a_cell(
    seed: Callable[..., Class], serve_class: Callable[..., Flask]
) -> None:
    room = full_class(seed, 150, 40)
    client = serve_class(room).test_client()
    client.set_cookie("__Host-masterybridge", SECRET)
    sid = room.sid(room.teacher, "instructor")
    client.get(f"/s/{sid}/class")
    with statements(room.database) as seen:
        page = client.get(f"/s/{sid}/class").get_data(as_text=True)
    elements = len(re.findall(r"<[a-z]", page))
    cells = page.count("<td") + page.count("<th")
    assert elements <= cells + page.count("<tr") + 40 + 200
    # The copy of a course, its groups and the rules of single competencies too.
    assert len(seen) <= 12
    assert len(page.encode()) < 600_000


def test_the_page_of_a_small_class_takes_as_many_statements(
    seed: Callable[..., Class], serve_class: Callable[..., Flask]
) -> None:
    counts = []
    room = full_class(seed, 15, 3)
    client = serve_class(room).test_client()
    client.set_cookie("__Host-masterybridge", SECRET)
    sid = room.sid(room.teacher, "instructor")
    for _ in range(2):
        client.get(f"/s/{sid}/class")
        with statements(room.database) as seen:
            assert client.get(f"/s/{sid}/class").status_code == 200
        counts.append(len(seen))
        for competency in room.competencies:
            room.add_work(competency, "More", dict.fromkeys(room.students, 9.0))
        room.refresh()
    assert counts[0] == counts[1]
