"""What the school's system gives a class: offered, hidden, and kept from students."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient

from lti_tool.storage import schema
from lti_tool.storage.database import Session
from lti_tool.work import class_resources
from tests.web.conftest import Class, put
from tests.web.test_resources_pages import Desk

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

TITLES = {
    "book": "Ratios in pictures (RA.1)",
    "film": "A film",
    "key": "Answers to RA.1",
}


class Shelf(Desk):
    """The pages of a class that has a book, a film, and answers for its teacher."""

    def __init__(self, room: Class, client: FlaskClient) -> None:
        super().__init__(room, client)
        self.competency = room.competencies[0]
        with room.database.write() as session:
            for key, title in TITLES.items():
                self.add_theirs(session, key, title=title)
            values = {"resource_sourced_ids": list(TITLES)}
            session.execute(schema.sis_class.update().values(**values))
            class_resources.settle(session, room.source, now=room.now)

    def add_theirs(self, session: Session, key: str, **said: object) -> None:
        put(
            session,
            schema.sis_resource,
            source_id=self.room.source,
            sourced_id=key,
            fingerprint=key,
            vendor_id="Example Press",
            url=f"https://press.example/{key}",
            licence="CC BY 4.0",
            importance="primary" if key == "book" else "secondary",
            roles=["teacher"] if key == "key" else [],
            learning_objectives=[],
            **said,
        )

    def turn(self, title: str, act: str) -> TestResponse:
        path = f"/s/{self.teacher}/resources"
        wanted = str(self.ids()[TITLES[title]])
        return self.send(path, self.teacher, act=act, resource=wanted)


@pytest.fixture
def shelf(room: Class, client: FlaskClient) -> Shelf:
    return Shelf(room, client)


def test_what_names_the_competency_helps_with_it_by_itself(shelf: Shelf) -> None:
    assert shelf.listed() == ["Answers to RA.1", TITLES["book"]]
    assert shelf.seen() == [TITLES["book"]]
    own = shelf.page(f"/s/{shelf.student}/mastery/{shelf.competency}")
    assert "Example Press" in own
    assert "CC BY 4.0" in own
    assert "A film" not in own
    answers = shelf.ids()["Answers to RA.1"]
    assert shelf.open(answers).status_code == 404
    assert shelf.open(shelf.ids()[TITLES["book"]], **{"as": "json"}).json == {
        "url": "https://press.example/book"
    }


def test_a_teacher_hides_one_and_offers_another(shelf: Shelf) -> None:
    page = shelf.page(f"/s/{shelf.teacher}/resources")
    assert page.count("offered for RA.1") == 2
    assert page.count("names no competency of this course") == 1
    film = str(shelf.ids()["A film"])
    tied = shelf.change(act="tie", resource=film)
    assert "Added. Students see it" in shelf.page(tied.location)
    assert "said=same" in shelf.change(act="tie", resource=film).location
    shelf.change(act="pin", resource=film)
    assert shelf.seen() == ["A film*", TITLES["book"]]
    hidden = shelf.turn("film", "hide")
    assert "Hidden: students of this class no longer" in shelf.page(hidden.location)
    assert shelf.seen() == [TITLES["book"]]
    assert shelf.change(act="tie", resource=film).status_code == 404
    assert "said=same" in shelf.turn("film", "hide").location
    with shelf.room.database.write() as session:
        class_resources.settle(session, shelf.room.source, now=shelf.room.now)
    assert shelf.seen() == [TITLES["book"]]
    shelf.turn("film", "show")
    assert shelf.seen() == ["A film*", TITLES["book"]]
    book = str(shelf.ids()[TITLES["book"]])
    shelf.change(act="hide", resource=book)
    assert shelf.seen() == ["A film*"]


def test_a_resource_of_another_class_is_nobodys_to_offer(shelf: Shelf) -> None:
    with shelf.room.database.write() as session:
        shelf.add_theirs(session, "atlas", title="An atlas")
        class_resources.settle(session, shelf.room.source, now=shelf.room.now)
    atlas = str(shelf.ids()["An atlas"])
    assert shelf.change(act="tie", resource=atlas).status_code == 404
    sent = shelf.send(
        f"/s/{shelf.teacher}/resources", shelf.teacher, act="hide", resource=atlas
    )
    assert "said=same" in sent.location
    assert shelf.send(shelf.here, shelf.teacher, act="tie").status_code == 404
