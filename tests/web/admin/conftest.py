"""An installation with one administrator, and browsers that are signed in or not."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from lti_tool.app import create_app
from lti_tool.settings import Settings
from lti_tool.storage import accounts, schema
from lti_tool.storage.database import Database
from lti_tool.web.admin.guard import COOKIE
from lti_tool.work.accounts import HASHER
from lti_tool.work.orders import Order
from tests.web.admin.seeding import District, seed_district

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

USERNAME = "rosa"
PASSWORD = "correct horse battery"  # noqa: S105 -- of a made-up administrator
NEW_PASSWORD = "staple battery horse"  # noqa: S105 -- the same
PUBLIC = "https://mastery.example.org"


@cache
def hashed(password: str) -> str:
    return HASHER.hash(password)


@dataclass
class Office:
    """The application, its clock and its administrators."""

    database: Database
    app: Flask
    now: datetime
    rosa: int = 0
    _moved: timedelta = field(default_factory=timedelta)

    def clock(self) -> datetime:
        return self.now + self._moved

    def wait(self, **time: float) -> None:
        self._moved += timedelta(**time)

    def add(self, username: str, password: str = PASSWORD) -> int:
        with self.database.write() as session:
            return accounts.add_account(
                session,
                username=username,
                display_name=username.title(),
                password_hash=hashed(password),
                now=self.clock(),
            )

    def visitor(self) -> Visitor:
        return Visitor(self.app.test_client())

    def signed_in(self, account_id: int | None = None) -> Visitor:
        with self.database.write() as session:
            secret = accounts.open_session(
                session, account_id or self.rosa, now=self.clock()
            )
        visitor = self.visitor()
        visitor.client.set_cookie(COOKIE, secret)
        return visitor

    def changes(self) -> list[tuple[str, str]]:
        """Who did what, oldest first."""
        change = schema.change
        with self.database.read() as session:
            rows = session.execute(
                select(change.c.who, change.c.what).order_by(change.c.id)
            )
            return [(row.who, row.what) for row in rows]


@dataclass
class Visitor:
    """A browser without scripts: it reads a page and sends its forms."""

    client: FlaskClient

    def read(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def token(self, path: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.client.get(path).text)
        assert found, path
        return html.unescape(found[1])

    def send(self, page: str, path: str | None = None, **fields: str) -> TestResponse:
        """Send a form of page to path, with the page's own token."""
        return self.client.post(path or page, data={"csrf": self.token(page), **fields})


def words(page: str) -> str:
    """The text of a page's main part, one space between words."""
    main = page.split("<main", 1)[1].split(">", 1)[1].split("</main>", 1)[0]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", main).split()))


def make_office(database: Database, folder: Path, now: datetime) -> Office:
    key = folder / "key"
    key.write_bytes(b"k" * 32)
    settings = Settings(data_dir=folder, secret_key_file=key, public_url=PUBLIC)
    office = Office(database, create_app(settings, database), now)
    office.app.config["NOW"] = office.clock
    office.rosa = office.add(USERNAME)
    return office


@pytest.fixture
def office(sqlite_database: Database, tmp_path: Path, now: datetime) -> Office:
    return make_office(sqlite_database, tmp_path, now)


@pytest.fixture
def rosa(office: Office) -> Visitor:
    return office.signed_in()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A window 1000 pixels wide; what moves stands still."""
    context = browser.new_context(
        viewport={"width": 1000, "height": 800}, reduced_motion="reduce"
    )
    yield context
    context.close()


@pytest.fixture
def make() -> Callable[[Database, Path, datetime], Office]:
    return make_office


@pytest.fixture
def ordered() -> list[Order]:
    return []


@pytest.fixture
def bureau(
    database: Database,
    tmp_path: Path,
    now: datetime,
    make: Callable[..., Office],
    ordered: list[Order],
) -> Office:
    office = make(database, tmp_path, now)
    office.app.extensions["order_sync"] = ordered.append
    return office


@pytest.fixture
def district(bureau: Office) -> District:
    with bureau.database.write() as session:
        return seed_district(session, bureau.now, ends=212)
