"""Whoever attacks a launch: a hand that forges tokens, sites that serve odd keys."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey
from sqlalchemy import func, select

from lti_tool.app import create_app
from lti_tool.demo.browserless import browser_session, follow, read_forms
from lti_tool.settings import Settings
from lti_tool.storage import registrations, schema
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from lti_tool.storage.visits import secret_hash
from tests.lti_tool.conftest import Serve, World, make_world, serving
from tests.ports import free_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Part = dict[str, Any]
Edit = Callable[[Part, Part], None]
WRITTEN = ("person", "lms_user", "seat", "placement", "course", "web_session")


def encoded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def decoded(part: str) -> Part:
    found: Part = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def opened(token: str) -> tuple[Part, Part]:
    """The header and the claims of a token."""
    head, body, _ = token.split(".")
    return decoded(head), decoded(body)


def octets(part: Part | bytes) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def signed(
    header: Part | bytes, claims: Part | bytes, sign: Callable[[bytes], bytes]
) -> str:
    """A token of whatever it is told: parts may be any bytes."""
    text = f"{encoded(octets(header))}.{encoded(octets(claims))}"
    return f"{text}.{encoded(sign(text.encode()))}"


def rs256(key: RSAKey | RSAPrivateKey) -> Callable[[bytes], bytes]:
    private = key if isinstance(key, RSAPrivateKey) else key.private_key
    assert private is not None
    return lambda text: private.sign(text, PKCS1v15(), SHA256())


@dataclass
class Site:
    """Another site: what it answers by path, and how often it was asked."""

    url: str
    answers: dict[str, tuple[str, list[tuple[str, str]], bytes]] = field(
        default_factory=dict
    )
    heard: Counter[str] = field(default_factory=Counter)

    def publish(self, path: str, *keys: Part) -> str:
        body = json.dumps({"keys": keys}).encode()
        return self.say(path, "200 OK", body)

    def say(self, path: str, status: str, body: bytes = b"", location: str = "") -> str:
        headers = [("Content-Type", "application/json")]
        if location:
            headers.append(("Location", location))
        self.answers[path] = (status, headers, body)
        return self.url + path

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.heard[path] += 1
        status, headers, body = self.answers.get(path, ("404 Not Found", [], b""))
        start_response(status, headers)
        return [body]


@dataclass
class Stage:
    """The tool, the LMS, and a site that is neither."""

    world: World
    site: Site
    strict_url: str  # the same tool as one that must be reached by https
    other_id: int  # another registration of the same issuer, switched off

    def switch(self, registration_id: int, **changed: str | None) -> None:
        table = schema.registration
        with self.world.database.write() as session:
            session.execute(
                table.update().where(table.c.id == registration_id).values(**changed)
            )

    @contextmanager
    def switched(self, registration_id: int, **changed: str) -> Iterator[None]:
        table = schema.registration
        with self.world.database.read() as session:
            row = session.execute(select(table).where(table.c.id == registration_id))
            held = row.mappings().one()
        self.switch(registration_id, **changed)
        try:
            yield
        finally:
            self.switch(registration_id, **{name: held[name] for name in changed})

    def keys_at(self, url: str) -> Any:  # noqa: ANN401 -- contextmanager's own type
        return self.switched(self.world.registration_id, jwks_url=url)


@dataclass
class Play:
    """One case played: a browser, its login, and what was there before the post."""

    stage: Stage
    browser: requests.Session = field(default_factory=browser_session)
    fields: dict[str, str] = field(default_factory=dict)
    before: list[int] = field(default_factory=list)
    refusals: int = 0

    @property
    def world(self) -> World:
        return self.stage.world

    def rows(self) -> list[int]:
        return [self.world.count(table) for table in WRITTEN]

    def login_fields(self, person: str = "ana", link: str = "l1") -> dict[str, str]:
        """What the LMS has the browser send to begin a launch."""
        lms = self.world.lms_url
        self.browser.post(f"{lms}/session", data={"person_id": person}, timeout=30)
        page = self.browser.get(f"{lms}/launch", params={"link": link}, timeout=30)
        return read_forms(page)[0].fields

    def login(self, changed: dict[str, str], *, without: str = "") -> requests.Response:
        tool = self.world.tool_url
        fields = self.login_fields() | {
            name: value.replace("{tool}", tool).replace("{host}", urlsplit(tool).netloc)
            for name, value in changed.items()
        }
        fields.pop(without, None)
        self.before = self.rows()
        return self._counted(
            self.browser.post(
                f"{self.world.tool_url}/lti/login",
                data=fields,
                timeout=30,
                allow_redirects=False,
            )
        )

    def begin(self, edit: Edit | None = None, **changed: str) -> dict[str, str]:
        """A launch as far as the form that brings the id_token to the tool."""
        self.world.lms.launch_edit = edit
        answer = self.login(changed)
        page = self.browser.get(answer.headers["Location"], timeout=30)
        self.world.lms.launch_edit = self.world.lms.launch_key = None
        self.fields = read_forms(page)[0].fields
        return dict(self.fields)

    def post(
        self, fields: dict[str, str], browser: requests.Session | None = None
    ) -> requests.Response:
        self.before = self.rows()
        return self._counted(
            (browser or self.browser).post(
                f"{self.world.tool_url}/lti/launch",
                data=fields,
                timeout=60,
                allow_redirects=False,
            )
        )

    def launch(self, edit: Edit | None = None, **changed: str) -> requests.Response:
        return self.post(self.begin(edit, **changed))

    def forged(
        self, forge: Callable[[Part, Part], str], edit: Edit | None = None
    ) -> requests.Response:
        """Launch with a token that forge made of the LMS's own header and claims."""
        fields = self.begin(edit)
        return self.post(fields | {"id_token": forge(*opened(fields["id_token"]))})

    def follow(self, answer: requests.Response) -> requests.Response:
        return follow(self.browser, answer)

    def is_waiting(self) -> bool:
        """Tell whether the login of this play can still be used."""
        table = schema.login_state
        mine = table.c.state_hash == secret_hash(self.fields["state"])
        with self.world.database.read() as session:
            found = session.scalar(select(func.count()).where(mine))
        return bool(found)

    def _counted(self, answer: requests.Response) -> requests.Response:
        self.refusals += "X-MasteryBridge-Code" in answer.headers
        return answer


def alone(world: World) -> Stage:
    """A stage for plays that need neither another site nor another registration."""
    return Stage(world, Site(""), "", 0)


def asked_for(answer: requests.Response) -> dict[str, str]:
    """What a login asks of the platform."""
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def add_client(world: World, client_id: str, jwks_url: str = "") -> int:
    """Register the same platform's tool once more, under another client id."""
    with world.database.write() as session:
        one = registrations.load_registration(session, world.registration_id)
        return registrations.add_registration(
            session,
            NewRegistration(
                name=client_id,
                issuer=one.issuer,
                client_id=client_id,
                auth_url=one.auth_url,
                token_url=one.token_url,
                jwks_url=jwks_url or one.jwks_url,
            ),
            deployment_ids=[f"of-{client_id}"],
            now=datetime.now(UTC),
        )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("abused")
    database = Database(f"sqlite:///{folder / 'abused.sqlite3'}")
    database.upgrade()
    with serving() as start:
        world = make_world(database, start, folder)
        site_port, strict_port = free_port(), free_port()
        site = Site(f"http://localhost:{site_port}")
        start(site, site_port)
        strict = Settings(
            data_dir=folder,
            secret_key_file=world.settings.secret_key_file,
            public_url="https://tool.example",
        )
        strict_url = start(create_app(strict, database), strict_port)
        other = add_client(world, "another-client")
        made = Stage(world, site, strict_url, other)
        made.switch(other, status="disabled")
        with database.write() as session:
            registrations.activate_deployment(
                session, world.registration_id, "second", now=datetime.now(UTC)
            )
        yield made
    database.close()


@pytest.fixture
def play(stage: Stage) -> Play:
    return Play(stage)


def now_and(seconds: float) -> int:
    return int(time.time() + seconds)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with serving() as start:
        yield start


@pytest.fixture
def world(sqlite_database: Database, serve: Serve, tmp_path: Path) -> World:
    return make_world(sqlite_database, serve, tmp_path)
