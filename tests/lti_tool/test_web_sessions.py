"""Seats: whose they are, how long they last, what protects their pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_tool.settings import Settings
from lti_tool.storage import registrations, schema
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from lti_tool.storage.visits import Visit
from lti_tool.web import launch, sessions, texts
from lti_tool.web.sessions import COOKIE, content_policy, require, seat_url

SECRET = "s" * 43
HOME = "https://tool.example"


class Browser:
    """A browser with a visit open, in front of an application with two pages."""

    def __init__(self, database: Database, folder: Path, now: datetime) -> None:
        self.now = now
        self.database = database
        app = Flask("lti_tool.web")
        app.config["SETTINGS"] = Settings(data_dir=folder, public_url=HOME)
        app.config["NOW"] = lambda: self.now
        app.extensions["database"] = database
        texts.install(app)
        sessions.install(app)
        app.register_blueprint(launch.pages)
        app.add_url_rule("/s/<sid>/page", "page", page)
        app.add_url_rule("/s/<sid>/staff", "staff", staff)
        app.add_url_rule("/s/<sid>/change", "change", change, methods=["POST"])
        app.add_url_rule("/open", "open_page", lambda: "open")
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.client.set_cookie(COOKIE, SECRET, domain="tool.example", secure=True)
        self.registration_id = self.register()

    def register(self) -> int:
        with self.database.write() as session:
            return registrations.add_registration(
                session,
                NewRegistration(
                    name="LMS", issuer="https://lms.example", client_id="us",
                    auth_url="https://sso.lms.example/auth", vendor="canvas",
                    token_url=f"{HOME}/t", jwks_url=f"{HOME}/k",
                ),
                now=self.now,
            )  # fmt: skip

    def seat(self, role: str = "learner", *, course: str | None = "Maths") -> str:
        with self.database.write() as session:
            who = session.scalar(
                schema.person.insert()
                .values(
                    given_name="A", family_name="B", display_name="A B",
                    created_at=self.now,
                )
                .returning(schema.person.c.id)
            )  # fmt: skip
            course_id = course and session.scalar(
                schema.course.insert()
                .values(title=course, created_at=self.now)
                .returning(schema.course.c.id)
            )
        visit = Visit(
            person_id=who or 0,
            role=role,
            course_id=int(course_id) if course_id else None,
            registration_id=self.registration_id,
            return_url="https://lms.example/back",
        )
        with self.app.test_request_context("/", base_url=HOME):
            return sessions.open_seat(visit, SECRET)

    def ask(self, path: str, method: str = "GET", **more: object) -> object:
        return self.client.open(path, method=method, base_url=HOME, **more)

    def csrf(self, sid: str) -> str:
        table = schema.web_session
        with self.database.read() as session:
            found = session.scalar(select(table.c.csrf).where(table.c.public_id == sid))
        return str(found)


def page() -> str:
    return seat_url("page")


def staff() -> str:
    return require("instructor").role


def change() -> str:
    return "changed"


@pytest.fixture
def browser(sqlite_database: Database, tmp_path: Path, now: datetime) -> Browser:
    return Browser(sqlite_database, tmp_path, now)


def test_a_seat_opens_its_pages_and_their_addresses_carry_it(browser: Browser) -> None:
    sid = browser.seat()
    answer = browser.ask(f"/s/{sid}/page")
    assert (answer.status_code, answer.text) == (200, f"/s/{sid}/page")


def test_two_tabs_with_two_courses_do_not_mix(browser: Browser) -> None:
    one, two = browser.seat(course="One"), browser.seat(course="Two")
    for sid in (one, two, one):
        assert browser.ask(f"/s/{sid}/page").text == f"/s/{sid}/page"


@pytest.mark.parametrize("secret", ["", "x" * 43, "s" * 42])
def test_the_address_alone_opens_nothing(browser: Browser, secret: str) -> None:
    sid = browser.seat()
    browser.client.set_cookie(COOKIE, secret, domain="tool.example", secure=True)
    answer = browser.ask(f"/s/{sid}/page")
    assert answer.status_code == 401
    assert "Maths" not in answer.text


def test_an_unknown_seat_is_no_seat(browser: Browser) -> None:
    assert browser.ask("/s/nothing/page").status_code == 401


def test_a_seat_ends_after_an_idle_hour_and_says_where_to_go(browser: Browser) -> None:
    sid = browser.seat()
    for minutes, status in ((50, 200), (55, 200), (61, 401)):
        browser.now += timedelta(minutes=minutes)
        answer = browser.ask(f"/s/{sid}/page")
        assert answer.status_code == status
    assert "Go back to Maths and open MasteryBridge again." in answer.text
    assert "https://lms.example/back" in answer.text


def test_a_seat_ends_after_eight_hours_however_busy(browser: Browser) -> None:
    sid = browser.seat()
    statuses = []
    for _ in range(10):
        statuses.append(browser.ask(f"/s/{sid}/page").status_code)
        browser.now += timedelta(minutes=50)
    assert statuses == [200] * 10
    assert browser.ask(f"/s/{sid}/page").status_code == 401


def test_another_role_is_told_whose_page_it_is(browser: Browser) -> None:
    answer = browser.ask(f"/s/{browser.seat()}/staff")
    assert answer.status_code == 403
    assert "This page is for teachers of the course." in answer.text
    assert browser.ask(f"/s/{browser.seat('instructor')}/staff").status_code == 200


SAME = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (SAME, 200),
        ({"Origin": HOME}, 200),
        ({}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": HOME}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_only_our_own_pages_change_anything(
    browser: Browser, headers: dict[str, str], status: int
) -> None:
    sid = browser.seat()
    answer = browser.ask(
        f"/s/{sid}/change", "POST", headers=headers, data={"csrf": browser.csrf(sid)}
    )
    assert answer.status_code == status


def test_the_token_is_the_seats_own(browser: Browser) -> None:
    one, two = browser.seat(), browser.seat()
    for token, status in (
        (browser.csrf(two), 403),
        ("", 403),
        (browser.csrf(one), 200),
    ):
        for sent in ({"data": {"csrf": token}}, {"headers": {"X-CSRF-Token": token}}):
            answer = browser.ask(f"/s/{one}/change", "POST", **sent)
            assert answer.status_code == status


def test_a_page_may_be_framed_by_its_own_platform_only(browser: Browser) -> None:
    headers = browser.ask(f"/s/{browser.seat()}/page").headers
    origins = "https://lms.example https://sso.lms.example https://*.instructure.com"
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; "
        f"font-src 'self'; connect-src 'self'; form-action 'self' {origins}; "
        f"base-uri 'none'; frame-ancestors {origins}"
    )
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store, private"
    assert "Cookie" in headers["Vary"]
    assert "X-Frame-Options" not in headers


def test_a_page_outside_a_launch_is_framed_by_nobody(browser: Browser) -> None:
    policy = browser.ask("/open").headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'none'")
    assert "form-action 'self';" in content_policy(("*",))


@pytest.mark.parametrize(
    ("role", "course", "words"),
    [
        ("none", "Maths", "No role here"),
        ("instructor", None, "Open this from inside a course"),
    ],
)
def test_a_seat_without_a_page_is_told_why(
    browser: Browser, role: str, course: str | None, words: str
) -> None:
    answer = browser.ask(f"/s/{browser.seat(role, course=course)}/")
    assert answer.status_code == 200
    assert words in answer.text
    assert "https://lms.example/back" in answer.text
