"""The way out of the frame: one page, once, within a minute, in the right browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from lti_tool.storage import passages, schema, visits
from lti_tool.storage.database import Database
from tests.web.conftest import Class

KEY = "k" * 43
SAME = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Keyed:
    """A page of a seat that holds a key, and a browser that holds nothing yet."""

    app: Flask
    room: Class
    client: FlaskClient
    sid: str = ""
    csrf: str = ""

    def at(self, role: str = "instructor") -> Keyed:
        person = self.room.teacher if role == "instructor" else self.room.students[0]
        visit = visits.Visit(
            person_id=person,
            role=role,
            course_id=self.room.course,
            registration_id=self.room.registration,
            deep_linking={"accepts": "links"},
        )
        with self.room.database.write() as session:
            self.sid = visits.open_visit(
                session,
                visit,
                browser_hash=visits.secret_hash(KEY),
                now=self.room.now,
            )
        self.csrf = self.room.csrf(self.sid)
        return self

    def ask(self, path: str, **changed: str) -> tuple[int, str]:
        headers = {"X-MasteryBridge-Key": KEY, **SAME, **changed}
        answer = self.app.test_client().post(
            f"/s/{self.sid}/passage",
            data={"csrf": self.csrf, "path": path},
            headers=headers,
        )
        return answer.status_code, answer.json["url"] if answer.is_json else ""

    def passages(self) -> int:
        with self.room.database.read() as session:
            return session.scalar(select(func.count()).select_from(schema.passage)) or 0


@pytest.fixture
def keyed(room: Class, serve_class: Callable[..., Flask]) -> Keyed:
    app = serve_class(room)
    return Keyed(app, room, app.test_client()).at()


def test_a_page_opens_once_in_a_visit_of_its_own(keyed: Keyed) -> None:
    status, url = keyed.ask("align?words=quiz")
    assert status == 200
    assert url.startswith("/lti/open/")
    answer = keyed.client.get(url, headers=SAME)
    assert answer.status_code == 303
    place = answer.headers["Location"]
    sid = place.split("/")[2]
    assert place == f"/s/{sid}/align?words=quiz"
    assert sid != keyed.sid
    assert keyed.client.get(place).status_code == 200
    again = keyed.client.get(url, headers=SAME)
    assert again.status_code == 410
    assert "once, within a minute" in again.text
    assert "Set-Cookie" not in again.headers
    assert keyed.app.test_client().get(place).status_code == 401


def test_the_new_tab_may_do_what_the_seat_may_and_no_more(keyed: Keyed) -> None:
    keyed.at("learner")
    place = keyed.client.get(keyed.ask("mastery")[1], headers=SAME).headers["Location"]
    sid = place.split("/")[2]
    table = schema.web_session
    with keyed.room.database.read() as session:
        rows = {
            row.public_id: row._asdict()
            for row in session.execute(
                select(table).where(table.c.public_id.in_([sid, keyed.sid]))
            )
        }
    old, new = rows[keyed.sid], rows[sid]
    differs = {name for name in old if old[name] != new[name]}
    assert differs == {"id", "public_id", "browser_hash", "csrf", "deep_linking"}
    assert new["deep_linking"] is None
    assert keyed.client.get(f"/s/{sid}/class").status_code == 403


def test_the_new_tab_keeps_the_cookie_that_the_browser_has(keyed: Keyed) -> None:
    one = keyed.client.get(keyed.ask("class")[1], headers=SAME)
    two = keyed.client.get(keyed.ask("align")[1], headers=SAME)
    names = [answer.headers["Set-Cookie"].split(";")[0] for answer in (one, two)]
    assert names[0] == names[1]
    for answer in (one, two):
        assert keyed.client.get(answer.headers["Location"]).status_code == 200


def test_a_file_comes_without_opening_a_visit(keyed: Keyed) -> None:
    answer = keyed.client.get(keyed.ask("class.csv")[1], headers=SAME)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="class.csv"'
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert "Set-Cookie" not in answer.headers
    assert answer.text.startswith("\ufeffStudent,")


def test_a_file_is_still_for_the_role_that_may_see_it(keyed: Keyed) -> None:
    keyed.at("learner")
    answer = keyed.client.get(keyed.ask("class.csv")[1], headers=SAME)
    assert answer.status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_another_site_seats_nobody_by_it(keyed: Keyed, site: str) -> None:
    _, url = keyed.ask("class")
    answer = keyed.client.get(url, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 410
    assert "Set-Cookie" not in answer.headers
    assert keyed.passages() == 1


@pytest.mark.parametrize(
    "path",
    [
        "../../admin/",
        "//evil.example/",
        "https://evil.example/",
        "..\\evil",
        "nothing/here",
        "passage",
        "class\n",
        "klasse/é",
        "x" * 1001,
        "align/../../../lti/jwks",
    ],
)
def test_it_leads_to_pages_of_the_seat_alone(keyed: Keyed, path: str) -> None:
    assert keyed.ask(path) == (400, "")
    assert keyed.passages() == 0


def test_only_our_own_page_makes_one(keyed: Keyed) -> None:
    assert keyed.ask("class", **{"X-MasteryBridge-Key": "x" * 43})[0] == 401
    assert keyed.ask("class", **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    keyed.csrf = "x"
    assert keyed.ask("class")[0] == 403
    assert keyed.passages() == 0


def test_nobody_goes_through_for_a_visit_that_ended(keyed: Keyed) -> None:
    _, url = keyed.ask("class")
    with keyed.room.database.write() as session:
        session.execute(
            schema.web_session.update().values(
                expires_at=keyed.room.now - timedelta(seconds=1)
            )
        )
    assert keyed.client.get(url, headers=SAME).status_code == 410


@pytest.mark.parametrize(("seconds", "opens"), [(59, True), (60, False)])
def test_it_dies_after_a_minute(keyed: Keyed, seconds: int, *, opens: bool) -> None:
    _, url = keyed.ask("class")
    now = keyed.room.now + timedelta(seconds=seconds)
    keyed.app.config["NOW"] = lambda: now
    status = keyed.client.get(url, headers=SAME).status_code
    assert status == (303 if opens else 410)


def test_of_two_takers_one_gets_it_and_the_old_ones_go(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        person = session.execute(
            schema.person.insert()
            .values(given_name="A", family_name="B", display_name="A", created_at=now)
            .returning(schema.person.c.id)
        ).scalar_one()
        sid = visits.open_visit(
            session,
            visits.Visit(person_id=person, role="learner"),
            browser_hash="x",
            now=now,
        )
        visit = visits.find_visit(session, sid)
        assert visit is not None
        token = passages.save_passage(session, visit["id"], "mastery", now=now)
        kept = session.execute(select(schema.passage)).mappings().one()
        assert token not in str(dict(kept))
    takes = []
    for _ in range(2):
        with database.write() as session:
            takes.append(passages.take_passage(session, token, now=now))
    assert takes[0] == passages.Passage(visit, "mastery")
    assert takes[1] is None
    with database.write() as session:
        late = passages.save_passage(session, visit["id"], "x", now=now)
        end = now + passages.LIFE
        passages.save_passage(session, visit["id"], "y", now=end)
        assert passages.take_passage(session, late, now=end) is None
        assert session.scalar(select(func.count()).select_from(schema.passage)) == 1


def test_staying_begins_the_idle_hour_anew_and_never_the_last_one(
    keyed: Keyed,
) -> None:
    start = keyed.room.now
    headers = {"X-MasteryBridge-Key": KEY, **SAME}

    def at(minutes: int, path: str) -> int:
        keyed.app.config["NOW"] = lambda: start + timedelta(minutes=minutes)
        client, data = keyed.app.test_client(), {"csrf": keyed.csrf}
        url = f"/s/{keyed.sid}/{path}"
        if path == "stay":
            return client.post(url, data=data, headers=headers).status_code
        return client.get(url, headers=headers).status_code

    minutes = range(55, 480, 55)
    assert [at(one, "stay") for one in minutes] == [200] * len(minutes)
    assert at(479, "class") == 200
    assert at(480, "stay") == 401
    assert at(480, "class") == 401
