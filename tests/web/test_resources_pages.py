"""Resources: a teacher offers them, a student is led to them, and nothing leaks."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_tool.errors import ConfigError
from lti_tool.storage import schema
from lti_tool.storage.database import Database
from lti_tool.work import resources as work
from tests.web.conftest import Class, put

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

LINK = "https://videos.example.org/ratios?lesson=1"


class Desk:
    """A teacher and Amira at their pages of one competency."""

    def __init__(self, room: Class, client: FlaskClient) -> None:
        self.room, self.client = room, client
        self.teacher = room.sid(room.teacher, "instructor")
        self.student = room.sid(room.students[0], "learner")
        self.competency = room.competencies[2]

    @property
    def here(self) -> str:
        return f"/s/{self.teacher}/resources/{self.competency}"

    def send(self, path: str, sid: str, **fields: str) -> TestResponse:
        return self.client.post(
            path,
            data={"csrf": self.room.csrf(sid), **fields},
            headers={"Origin": "http://localhost"},
        )

    def change(self, **fields: str) -> TestResponse:
        return self.send(self.here, self.teacher, **fields)

    def add(self, title: str, **fields: str) -> TestResponse:
        return self.change(act="add", title=title, **{"url": LINK} | fields)

    def open(self, resource: int, **fields: str) -> TestResponse:
        path = f"/s/{self.student}/resources/{self.competency}/open"
        return self.send(path, self.student, resource=str(resource), **fields)

    def page(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200
        return answer.text

    def listed(self, path: str | None = None) -> list[str]:
        """The titles of the resources on a page, in order; a pin is a star."""
        page = self.page(path or self.here)
        parts = re.findall(r'<li( class="pinned")?[^>]*>\s*<h[23]>(.*?)</h', page)
        return [
            unescape(re.sub(r"<[^>]+>|pinned|from your teacher", "", title)).strip()
            + ("*" if pin else "")
            for pin, title in parts
        ]

    def seen(self) -> list[str]:
        return self.listed(f"/s/{self.student}/mastery/{self.competency}")

    def ids(self) -> dict[str, int]:
        table = schema.resource.c
        with self.room.database.read() as session:
            found = session.execute(select(table.title, table.id))
            return {row.title: row.id for row in found}

    def openings(self) -> list[tuple[int, int, int]]:
        table = schema.resource_opening.c
        with self.room.database.read() as session:
            found = session.execute(
                select(table.resource_id, table.competency_id, table.person_id)
            )
            return [(one, two, three) for one, two, three in found]


@pytest.fixture
def desk(room: Class, client: FlaskClient) -> Desk:
    return Desk(room, client)


def test_what_a_teacher_adds_stands_beside_the_next_step(desk: Desk) -> None:
    assert "Nothing to help with this yet" in desk.page(desk.here)
    assert "What can help you" not in desk.page(
        f"/s/{desk.student}/mastery/{desk.competency}"
    )
    added = desk.add("Ratios <in> pictures", kind="video", licence="CC BY 4.0")
    assert added.status_code == 303
    assert "Added. Students see it" in desk.page(added.location)
    assert desk.listed() == ["Ratios <in> pictures"]
    assert desk.seen() == ["Ratios <in> pictures"]
    own = desk.page(f"/s/{desk.student}/mastery/{desk.competency}")
    assert "videos.example.org" in own
    assert LINK not in own
    first = desk.page(f"/s/{desk.student}/mastery")
    assert "Try: <bdi>Ratios &lt;in&gt; pictures</bdi>" in first
    overview = desk.page(f"/s/{desk.teacher}/resources")
    assert overview.count("1 resource<") == 1
    again = desk.add("Ratios <in> pictures", kind="video", licence="CC BY 4.0")
    assert "said=same" in again.location


def test_a_pin_comes_first_and_can_be_taken_back_as_can_the_whole(desk: Desk) -> None:
    for title in ("A", "B"):
        desk.add(title)
    b = str(desk.ids()["B"])
    for act, order in (("pin", ["B*", "A"]), ("unpin", ["A", "B"])):
        assert f"said={act}" in desk.change(act=act, resource=b).location
        assert (desk.listed(), desk.seen()) == (order, order)
        assert "said=same" in desk.change(act=act, resource=b).location
    asked = desk.page(f"{desk.here}?remove={b}")
    assert "Students of this course no longer see it here." in asked
    assert "said=remove" in desk.change(act="remove", resource=b).location
    assert (desk.listed(), desk.seen()) == (["A"], ["A"])
    for act, resource in (("remove", b), ("pin", "999"), ("burn", "1"), ("pin", "x")):
        assert "said=same" in desk.change(act=act, resource=resource).location


def test_a_student_sees_what_fits_her_level(desk: Desk) -> None:
    """Amira has no level on the third competency, and the highest on the second."""
    desk.add("for beginners", to_level="0")
    desk.add("for all")
    desk.add("for the advanced", from_level="3")
    assert desk.listed() == ["for all", "for beginners", "for the advanced"]
    assert desk.seen() == ["for beginners", "for all"]
    desk.competency = desk.room.competencies[1]
    desk.add("for beginners", to_level="0")
    desk.add("for the advanced", from_level="3")
    assert desk.seen() == ["for the advanced"]
    assert "up to 1 Beginning" in desk.page(desk.here)
    assert "from 4 Advanced" in desk.page(desk.here)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": " "}, "Give the resource a title. Nothing was saved."),
        ({"url": "javascript:alert(1)"}, "it begins with https:// or http://"),
        ({"url": ""}, "it begins with https:// or http://"),
        ({"url": "https://me:pw@example.org"}, "carries no name or password"),
        ({"from_level": "3", "to_level": "1"}, "The first level lies above the last"),
    ],
)
def test_a_resource_nobody_could_use_is_refused_in_words(
    desk: Desk, fields: dict[str, str], said: str
) -> None:
    answer = desk.change(**{"act": "add", "title": "T", "url": LINK} | fields)
    assert answer.status_code == 422
    assert said in answer.text.split('role="alert">')[1].split("</p>")[0]
    assert desk.ids() == {}


def test_opening_is_noted_and_leads_out_without_a_trace_of_the_seat(desk: Desk) -> None:
    desk.add("Video")
    video = desk.ids()["Video"]
    page = desk.open(video)
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    (link,) = re.findall(r"<a [^>]*target=[^>]*>", page.text)
    assert f'href="{LINK}"' in link
    assert 'rel="noopener noreferrer"' in link
    assert desk.open(video, **{"as": "json"}).json == {"url": LINK}
    amira = desk.room.students[0]
    assert desk.openings() == [(video, desk.competency, amira)] * 2
    for other in (999, desk.ids()["Video"] + 1):
        assert desk.open(other).status_code == 404
    desk.competency = desk.room.competencies[0]
    assert desk.open(video).status_code == 404
    assert len(desk.openings()) == 2


def test_a_teacher_and_a_preview_leave_no_opening(desk: Desk, room: Class) -> None:
    desk.add("Video")
    video = str(desk.ids()["Video"])
    path = f"{desk.here}/open"
    assert desk.send(path, desk.teacher, resource=video).status_code == 200
    with room.database.write() as session:
        session.execute(
            schema.web_session.update()
            .where(schema.web_session.c.public_id == desk.student)
            .values(is_test_user=True)
        )
    assert desk.open(int(video)).status_code == 200
    assert desk.openings() == []


def test_what_others_used_and_then_succeeded_comes_first(
    desk: Desk, room: Class
) -> None:
    """Chloé opened both before her last work; only what she then showed counts."""
    desk.competency = room.competencies[1]
    desk.add("a: nobody used it")
    desk.add("b: used in vain", url="https://b.example")
    desk.add("c: used and then shown", url="https://c.example")
    ids, chloe, siobhan = desk.ids(), room.students[2], room.students[4]
    with room.database.write() as session:
        for title, person, days in (
            ("b: used in vain", siobhan, 40),
            ("b: used in vain", chloe, 0),
            ("c: used and then shown", chloe, 40),
        ):
            put(
                session, schema.resource_opening, resource_id=ids[title],
                competency_id=desk.competency, person_id=person,
                at=room.now - timedelta(days=days),
            )  # fmt: skip
    assert [one[0] for one in desk.seen()] == ["c", "a", "b"]
    page = desk.page(desk.here)
    assert "opened by 2 students, 0 have shown it since" in page
    assert "opened by 1 student, 1 has shown it since" in page


def test_a_school_offers_by_file_and_a_course_may_pin_it(
    desk: Desk, room: Class, tmp_path: Path
) -> None:
    file = tmp_path / "resources.csv"
    file.write_text(
        "\ufefftitle,competency,url,licence,from_level,pinned\n"
        "Everywhere,NU.1,https://school.example/x,CC0,,\n"
        "No address,NU.1,ftp://school.example,,,\n"
        "No competency,NU.99,https://school.example/y,,,\n"
        "No level,NU.1,https://school.example/y,,zero,\n"
        "No pin,NU.1,https://school.example/y,,,perhaps\n"
        ",NU.1,https://school.example/y,,,\n",
        encoding="utf-8",
    )
    report = work.import_file(room.database, file, who="cli", now=room.now)
    assert (report.added, report.same) == (1, 0)
    assert [(one.line, one.text.split(";")[0]) for one in report.problems] == [
        (3, '"ftp://school.example" is no address of the web'),
        (4, 'competency "NU.99": nothing goes by that name'),
        (5, 'from_level "zero" is no level'),
        (6, 'pinned "perhaps" is neither yes nor no'),
        (7, "the resource has no title"),
    ]
    again = work.import_file(room.database, file, who="cli", now=room.now)
    assert (again.added, again.same) == (0, 1)
    assert desk.seen() == ["Everywhere"]
    assert "offered by the school" in desk.page(desk.here)
    everywhere = str(desk.ids()["Everywhere"])
    desk.add("A of mine")
    assert "said=same" in desk.change(act="remove", resource=everywhere).location
    desk.change(act="pin", resource=everywhere)
    assert desk.seen() == ["Everywhere*", "A of mine"]
    desk.change(act="remove", resource=everywhere)
    assert desk.seen() == ["A of mine", "Everywhere"]


def test_a_file_of_another_shape_is_refused_whole(
    sqlite_database: Database, tmp_path: Path, now: datetime
) -> None:
    file = tmp_path / "resources.csv"
    for text, said in (
        ("name,competency\n", "line 1: the header is title,competency,url"),
        ("title,competency,colour\n", "line 1: the header is title,competency,url"),
    ):
        file.write_text(text)
        with pytest.raises(ConfigError, match=said):
            work.import_file(sqlite_database, file, who="cli", now=now)


def test_exemplars_of_a_framework_become_the_schools_resources(
    desk: Desk, room: Class
) -> None:
    """An end that is no address of the web is passed over; again adds nothing."""
    ends = {
        "e-1": {"title": "Worked example", "uri": "https://case.example/worked"},
        "e-2": {"title": "In our archive", "uri": "urn:uuid:1"},
        "e-3": {"uri": "https://www.case.example/untitled"},
    }
    with room.database.write() as session:
        for case_id, end in ends.items():
            put(
                session, schema.association, framework_id=room.framework,
                case_id=case_id, kind="exemplar", origin_case_id="c-3",
                destination_case_id="elsewhere", fingerprint="x",
                payload={"destinationNodeURI": end},
            )  # fmt: skip
        for added in (2, 0):
            assert (
                work.take_exemplars(session, room.framework, who="cli", now=room.now)
                == added
            )
    assert desk.seen() == ["case.example", "Worked example"]
    assert "named by the framework" in desk.page(desk.here)
