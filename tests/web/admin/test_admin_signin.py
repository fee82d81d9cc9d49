"""Signing in: one sentence for every failure, five tries a minute, a new session."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient

from lti_tool.storage import accounts, attempts
from lti_tool.storage.database import Database
from lti_tool.web.admin.guard import COOKIE
from lti_tool.work import accounts as work
from lti_tool.work.accounts import HASHER
from tests.web.admin.conftest import (
    NEW_PASSWORD,
    PASSWORD,
    USERNAME,
    Office,
    Visitor,
    words,
)

FORM = "/admin/sign-in"
WRONG = "Username and password do not belong together. Check both and try again."
BAD = {"username": USERNAME, "password": "wrong horse battery"}
HASH = "x"  # of no password; nobody signs in here
GOOD = {"username": USERNAME, "password": PASSWORD}


def secret(client: FlaskClient) -> str | None:
    cookie = client.get_cookie(COOKIE)
    return cookie.value if cookie else None


def said(page: str) -> str:
    found = re.search(r'role="alert">([^<]+)<', page)
    return found[1] if found else ""


def test_signing_in_gives_the_browser_a_cookie_of_its_own(office: Office) -> None:
    visitor = office.visitor()
    answer = visitor.send(FORM, username=" Rosa ", password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/admin/")
    (cookie,) = [one for one in answer.headers.getlist("Set-Cookie") if COOKIE in one]
    marks = {one for one in cookie.split("; ")[1:] if "xpires" not in one}
    assert marks == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=28800"}
    assert "Rosa" in visitor.read("/admin/")


def test_every_failure_has_the_same_words_and_status(office: Office) -> None:
    gone = office.add("gone")
    office.add("other")
    with office.database.write() as session:
        accounts.disable_account(session, gone)
    tries = [
        BAD,
        {"username": "nobody", "password": PASSWORD},
        {"username": "gone", "password": PASSWORD},
        {"username": "", "password": ""},
    ]
    answers = [office.visitor().send(FORM, **one) for one in tries]
    assert {(one.status_code, said(one.text)) for one in answers} == {(401, WRONG)}


def test_an_unknown_name_costs_a_check_of_argon2_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 -- argon2's own name
            checked.append(str(hash)[:30])
            return super().verify(hash, password)

    monkeypatch.setattr(work, "HASHER", Counting())
    office.visitor().send(FORM, **BAD)
    office.visitor().send(FORM, **{**BAD, "username": "nobody"})
    assert len(checked) == 2
    assert checked[0] == checked[1]


def test_the_sixth_failure_of_an_account_waits_and_says_how_long(
    office: Office,
) -> None:
    visitor = office.visitor()
    for _ in range(5):
        assert visitor.send(FORM, **BAD).status_code == 401
        office.wait(seconds=2)
    answer = visitor.send(FORM, **GOOD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "50"
    assert said(answer.text) == (
        "Too many failed tries. You can try again in 50 seconds."
    )
    assert secret(visitor.client) is None
    office.wait(seconds=50)
    assert visitor.send(FORM, **GOOD).status_code == 303


def test_failures_are_counted_by_address_too(office: Office) -> None:
    for number in range(5):
        office.visitor().send(FORM, username=f"guess{number}", password=PASSWORD)
    assert office.visitor().send(FORM, **GOOD).status_code == 429
    elsewhere = office.visitor()
    elsewhere.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert elsewhere.send(FORM, **GOOD).status_code == 303


def test_signing_in_rightly_is_no_failure(office: Office) -> None:
    for _ in range(8):
        assert office.visitor().send(FORM, **GOOD).status_code == 303


def test_of_many_tries_at_once_five_are_heard(
    database: Database, now: datetime
) -> None:
    def attempt(_number: int) -> bool:
        with database.write() as session:
            return attempts.open_attempt(session, ("account:x",), now=now) is None

    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(attempt, range(24)))
    assert sum(heard) == 5


def test_neighbours_of_one_ipv6_network_are_one_address() -> None:
    same = {work.network(f"2001:db8:1:2::{one}") for one in ("1", "ffff:1")}
    assert same == {"2001:db8:1:2::/64"}
    assert work.network("::ffff:192.0.2.7") == "192.0.2.7"
    assert work.network("192.0.2.7") == "192.0.2.7"
    assert work.network("") == ""


def test_a_session_is_new_at_each_sign_in(office: Office) -> None:
    """D09: what a browser held before opens nothing afterwards."""
    visitor = office.signed_in()
    before = secret(visitor.client)
    form = visitor.client.get("/admin/").text
    token = re.search(r'name="csrf" value="([^"]+)"', form)
    assert token
    visitor.client.post(FORM, data={"csrf": token[1], **GOOD})
    after = secret(visitor.client)
    assert after not in {None, before}
    stale = office.visitor()
    stale.client.set_cookie(COOKIE, before or "")
    assert stale.client.get("/admin/").status_code == 303


@pytest.mark.parametrize(
    ("idle", "total", "is_in"),
    [(59, 59, True), (61, 61, False), (50, 450, True), (50, 500, False)],
)
def test_a_session_ends_after_an_idle_hour_or_eight_in_all(
    office: Office, idle: int, total: int, *, is_in: bool
) -> None:
    visitor = office.signed_in()
    for _ in range(total // idle - 1):
        office.wait(minutes=idle)
        visitor.client.get("/admin/")
    office.wait(minutes=idle)
    status = visitor.client.get("/admin/").status_code
    assert status == (200 if is_in else 303)


def test_signing_out_ends_this_session_alone(office: Office) -> None:
    first, second = office.signed_in(), office.signed_in()
    answer = first.send("/admin/", "/admin/sign-out")
    assert (answer.status_code, answer.location) == (303, "/admin/sign-in?out=1")
    assert secret(first.client) is None
    assert "You are signed out." in first.read("/admin/sign-in?out=1")
    assert second.client.get("/admin/").status_code == 200


def test_signing_out_everywhere_ends_all_of_hers_and_nobody_elses(
    office: Office,
) -> None:
    first, second = office.signed_in(), office.signed_in()
    other = office.signed_in(office.add("other"))
    first.send("/admin/", "/admin/sign-out", everywhere="1")
    assert second.client.get("/admin/").status_code == 303
    assert other.client.get("/admin/").status_code == 200


def test_the_page_she_wanted_comes_after_signing_in(office: Office) -> None:
    visitor = office.visitor()
    asked = visitor.client.get("/admin/?x=1")
    assert asked.location == "/admin/sign-in?next=/admin/?x%3D1"
    answer = visitor.send(asked.location, FORM, **GOOD, next="/admin/?x=1")
    assert answer.location == "/admin/?x=1"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/admin/",
        "//evil.example/admin/",
        "/admin//evil.example",
        "/admin/\\evil.example",
        "/\\evil.example",
        "/s/abc/class",
        "/admin/\nSet-Cookie:x",
        "javascript:alert(1)",
        "/admin",
        "",
    ],
)
def test_no_other_place_comes_after_signing_in(office: Office, wanted: str) -> None:
    """D11."""
    answer = office.visitor().send(FORM, **GOOD, next=wanted)
    assert (answer.status_code, answer.location) == (303, "/admin/")


def test_a_password_is_hashed_anew_when_the_parameters_changed(
    office: Office,
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with office.database.write() as session:
        accounts.save_account(session, office.rosa, password_hash=weak.hash(PASSWORD))
    assert office.visitor().send(FORM, **GOOD).status_code == 303
    with office.database.read() as session:
        held = accounts.load_password_hash(session, office.rosa)
    assert not HASHER.check_needs_rehash(held)
    assert office.visitor().send(FORM, **GOOD).status_code == 303


# --- links ------------------------------------------------------------------


def link(office: Office, name: str | None = None) -> str:
    with office.database.write() as session:
        made = work.invite(session, name=name, made_by="cli", now=office.clock())
    return f"/admin/invitation/{made}"


FILLED = {
    "display_name": "Ada  Lovelace",
    "username": "Ada.L",
    "password": NEW_PASSWORD,
    "again": NEW_PASSWORD,
}


def test_a_link_makes_an_administrator_once(office: Office) -> None:
    visitor, path = office.visitor(), link(office, "Ada")
    assert 'value="Ada"' in visitor.read(path)
    answer = visitor.send(path, **FILLED)
    assert (answer.status_code, answer.location) == (303, "/admin/")
    assert "Ada Lovelace" in visitor.read("/admin/")
    again = office.visitor()
    assert words(again.read(path, 410)).startswith("This link no longer works")
    assert again.client.post(path, data=FILLED).status_code == 403
    fresh = again.send(FORM, path, **FILLED)
    assert fresh.status_code == 410
    with office.database.read() as session:
        names = [one.username for one in accounts.load_accounts(session)]
    assert names == ["ada.l", "rosa"]
    assert office.changes() == [
        ("cli", "administrator invited"),
        ("admin:2", "administrator made"),
    ]


def test_a_link_ends_after_a_day(office: Office) -> None:
    path = link(office)
    office.wait(hours=24)
    office.visitor().read(path, 410)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            {"password": "x" * 11, "again": "x" * 11},
            "The password needs at least 12 characters.",
        ),
        (
            {"password": "x" * 513, "again": "x" * 513},
            "The password may have at most 512 characters.",
        ),
        (
            {"username": "a-long-name-x", "password": "A-Long-Name-X"},
            "The password must not be the username.",
        ),
        (
            {"again": "staple battery hoarse"},
            "The two passwords differ. Type the same one twice.",
        ),
        ({"username": " "}, "Choose a username."),
        (
            {"username": "two words"},
            "The username may hold letters, digits and . _ - + @, and no spaces.",
        ),
        ({"username": "x" * 65}, "The username may have at most 64 characters."),
        ({"username": "ROSA"}, "This username is taken. Choose another one."),
    ],
)
def test_what_cannot_be_taken_is_said_at_its_field_and_the_link_stays_good(
    office: Office, change: dict[str, str], fault: str
) -> None:
    visitor, path = office.visitor(), link(office)
    answer = visitor.send(path, **{**FILLED, **change})
    assert answer.status_code == 422
    assert f">{fault}</p>" in answer.text
    assert "Ada Lovelace" in answer.text
    assert "x" * 11 not in answer.text or "username" in change
    assert visitor.send(path, **FILLED).status_code == 303


def test_of_two_who_open_one_link_one_becomes_an_administrator(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        made = work.invite(session, name=None, made_by="cli", now=now)
    with database.read() as session:
        found = accounts.find_invitation(session, made, now=now)
    assert found is not None

    def use(_number: int) -> bool:
        with database.write() as session:
            return accounts.use_invitation(session, found.id, now=now)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(8))) == 1


def test_a_reset_link_sets_the_password_and_ends_her_sessions(
    office: Office,
) -> None:
    elsewhere = office.signed_in()
    with office.database.write() as session:
        account = accounts.load_account(session, office.rosa)
        first = work.reset(session, account, made_by="cli", now=office.clock())
        second = work.reset(session, account, made_by="cli", now=office.clock())
    visitor = office.visitor()
    visitor.read(f"/admin/invitation/{first}", 410)
    answer = visitor.send(
        f"/admin/invitation/{second}",
        username="other",
        password=NEW_PASSWORD,
        again=NEW_PASSWORD,
    )
    assert answer.status_code == 303
    assert "Rosa" in visitor.read("/admin/")
    assert elsewhere.client.get("/admin/").status_code == 303
    assert office.visitor().send(FORM, **GOOD).status_code == 401
    new = {**GOOD, "password": NEW_PASSWORD}
    assert office.visitor().send(FORM, **new).status_code == 303


def test_without_an_administrator_the_page_says_how_to_make_one(
    sqlite_database: Database,
    tmp_path: Path,
    now: datetime,
    make: Callable[[Database, Path, datetime], Office],
) -> None:
    office = make(sqlite_database, tmp_path, now)
    assert "masterybridge admin invite" not in office.visitor().read(FORM)
    with office.database.write() as session:
        accounts.save_account(session, office.rosa, status="disabled")
    assert "masterybridge admin invite" in office.visitor().read(FORM)


def test_the_last_administrator_cannot_be_disabled_by_two_at_once(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        ids = [
            accounts.add_account(
                session, username=name, display_name=name, password_hash=HASH, now=now
            )
            for name in ("a", "b", "c")
        ]

    def disable(account_id: int) -> bool:
        try:
            with database.write() as session:
                accounts.disable_account(session, account_id)
        except accounts.ConfigError:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(disable, ids)) == 2
    with database.read() as session:
        assert accounts.has_accounts(session)


def test_a_secret_stands_in_no_table(office: Office) -> None:
    """Cookies, links and passwords are kept as hashes."""
    visitor = office.visitor()
    path = link(office)
    visitor.send(path, **FILLED)
    held = secret(visitor.client) or "?"
    dump = "\n".join(_dump(office.database))
    for text in (held, path.rsplit("/", 1)[1], NEW_PASSWORD, PASSWORD):
        assert text not in dump


def _dump(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        return list(raw.iterdump())


def test_expired_sessions_are_cleared_away(database: Database, now: datetime) -> None:
    with database.write() as session:
        one = accounts.add_account(
            session, username="a", display_name="A", password_hash=HASH, now=now
        )
        old = accounts.open_session(session, one, now=now)
        later = now + timedelta(hours=9)
        assert accounts.find_session(session, old, now=later) is None
        accounts.open_session(session, one, now=later)
        assert accounts.count_sessions(session, one, now=now) == 1


def test_a_visitor_reads_nothing_but_the_way_in(office: Office) -> None:
    visitor: Visitor = office.visitor()
    page = visitor.read(FORM)
    assert "Launch doctor" not in page
    assert (
        "frame-ancestors 'none'"
        in (visitor.client.get(FORM).headers["Content-Security-Policy"])
    )
