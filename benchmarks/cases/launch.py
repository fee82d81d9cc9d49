"""What a launch costs the processor: its verification, the whole of it, and its page.

Three yardsticks: a bare RS256 verification with one committed INSERT (L1), pylti1p3's
own validation with its launch data in a dict (L2), and the same page without a launch
(L3). The platform's key is known already, and no launch may fetch it again (L4).
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import RSAKey
from pylti1p3.contrib.flask import FlaskCacheDataStorage, FlaskOIDCLogin, FlaskRequest
from sqlalchemy import update

from benchmarks import stock, yardsticks
from benchmarks.bench import Bench, Finding, check, now
from benchmarks.cases import heatmap
from lti_tool.app import create_app
from lti_tool.lti13.wrapping import Trace
from lti_tool.settings import Settings
from lti_tool.storage import registrations, schema
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from lti_tool.web.sessions import COOKIE
from lti_tool.work.admission import Admission
from lti_tool.work.arrivals import Arrival

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
ISSUER = "https://lms.example.org"
TOOL = "https://tool.example.org"
TARGET = f"{TOOL}/lti/launch"
LAUNCHES = {"S": 40, "M": 200}
CLASS = 30


@dataclass(frozen=True, slots=True)
class Prepared:
    """A launch on its way: the login was answered, the token is signed."""

    token: str
    arrival: Arrival


class Scene:
    """The tool's door, and the platform that launches it."""

    def __init__(self, bench: Bench, database: Database) -> None:
        self.database = database
        self.settings = Settings(data_dir=bench.folder, public_url=TOOL)
        self.key = RSAKey.generate_key(
            2048, {"kid": "k1", "alg": "RS256", "use": "sig"}
        )
        self.fetched: list[str] = []
        self.door = Admission(database, self.settings, fetch_jwks=self._keys)
        self.count = LAUNCHES[bench.size]
        _register(database)
        self.door.launch(self.prepare().arrival, Trace())

    def _keys(self, url: str) -> bytes:
        self.fetched.append(url)
        return json.dumps(self.key_set).encode()

    @property
    def key_set(self) -> dict[str, Any]:
        """The platform's keys."""
        return {"keys": [self.key.as_dict(private=False)]}

    def prepare(self) -> Prepared:
        """Answer a login and sign its launch."""
        return _prepare(self.door, self.key)

    def batch(self) -> list[Prepared]:
        """As many as are timed together."""
        return [self.prepare() for _ in range(self.count)]


def measure(bench: Bench) -> list[Finding]:
    """Time each part of launches by the CPU it takes."""
    with bench.database() as database:
        scene = Scene(bench, database)
        with bench.driver(database) as connection:
            connection.cursor().execute(
                "CREATE TABLE yardstick_launch (nonce text, subject text)"
            )
            connection.commit()
            verify = partial(_verify, connection, scene.key)
            validation = _pairs(bench, scene, partial(_validate, scene), verify)
            whole = _pairs(bench, scene, partial(_launch, scene.door), verify)
        theirs = _pairs_with_stock(bench, scene)
        page = _pairs_of_pages(bench, scene)
        check(len(scene.fetched) <= 2, "a launch fetched the platform's keys")  # noqa: PLR2004 -- one a door
    return [
        Finding("validation / verify and insert", "cpu", validation, "<= 4.5 (L1)"),
        Finding("validation / pylti1p3's", "cpu", theirs, "<= 0.6 (L2)"),
        Finding("launch and page / the page", "cpu", page, "<= 1.4 (L3)"),
        Finding("launch / verify and insert", "cpu", whole, "to know, no limit"),
    ]


Pairs = tuple[tuple[float, float], ...]


def _pairs(
    bench: Bench,
    scene: Scene,
    product: Callable[[list[Prepared]], None],
    yardstick: Callable[[list[Prepared]], None],
) -> Pairs:
    """Time both on the same launches in turn; the first turn warms up."""
    pairs = []
    for _ in range(bench.repeat + 1):
        ready = scene.batch()
        pairs.append(
            (
                bench.timed("cpu", partial(product, ready)),
                bench.timed("cpu", partial(yardstick, ready)),
            )
        )
    return tuple(pairs[1:])


def _validate(scene: Scene, ready: list[Prepared]) -> None:
    """Verify each launch and use its login up, in a transaction of its own."""
    for one in ready:
        checked = scene.door.verify(one.arrival, Trace())
        with scene.database.write() as session:
            scene.door.consume(session, checked)


def _launch(door: Admission, ready: list[Prepared]) -> None:
    for one in ready:
        door.launch(one.arrival, Trace())


def _verify(connection: Any, key: RSAKey, ready: list[Prepared]) -> None:  # noqa: ANN401 -- any DB-API connection
    for one in ready:
        yardsticks.verify_and_insert(connection, one.token, key)


# --- L2: beside pylti1p3 -----------------------------------------------------------


def _pairs_with_stock(bench: Bench, scene: Scene) -> Pairs:
    """Time our validation and pylti1p3's, each on launches of its own."""
    settings = {
        "iss": ISSUER,
        "launch_url": TARGET,
        "client": {
            "client_id": "bench",
            "auth_login_url": f"{ISSUER}/auth",
            "auth_token_url": f"{ISSUER}/token",
            "key_set_url": None,
            "key_set": scene.key_set,
            "deployment_ids": ["1"],
        },
    }
    app, cache = stock.make_app(settings), stock.DictCache()
    config = stock.tool_config(settings)

    def asked() -> AbstractContextManager[object]:
        """A request that brings a launch, its login answered before."""
        fields = {"iss": ISSUER, "login_hint": "u1", "target_link_uri": TARGET}
        with app.test_request_context("/lti/login", base_url=TOOL, data=fields,
                                      method="POST"):  # fmt: skip
            storage = FlaskCacheDataStorage(cache)
            login = FlaskOIDCLogin(FlaskRequest(), config, launch_data_storage=storage)
            answer = login.redirect(TARGET)
        sent = parse_qs(urlsplit(answer.headers["Location"]).query)
        kept = answer.headers.getlist("Set-Cookie")
        cookies = [text.partition(";")[0] for text in kept]
        token = _signed(scene.key, launch_claims(sent["nonce"][0], TARGET))
        return app.test_request_context(
            "/lti/launch",
            base_url=TOOL,
            method="POST",
            data={"state": sent["state"][0], "id_token": token},
            headers={"Cookie": "; ".join(cookies)},
        )

    def theirs(requests: list[AbstractContextManager[object]]) -> None:
        for one in requests:
            with one:
                check(stock.verified(config, cache)["sub"] == "u1", "another launch")

    pairs = []
    for _ in range(bench.repeat + 1):
        ready = scene.batch()
        requests = [asked() for _ in range(scene.count)]
        pairs.append(
            (
                bench.timed("cpu", partial(_validate, scene, ready)),
                bench.timed("cpu", partial(theirs, requests)),
            )
        )
    return tuple(pairs[1:])


# --- L3: with the page -------------------------------------------------------------


def _pairs_of_pages(bench: Bench, scene: Scene) -> Pairs:
    """Time launches that end on the class page, and the class page alone."""
    course, _ = heatmap.room(scene.database, "launched", CLASS)
    with scene.database.write() as session:
        session.execute(update(schema.placement).values(course_id=course))
    app = create_app(scene.settings, scene.database)
    app.extensions["admission"] = scene.door

    def post(ready: list[Prepared]) -> None:
        for one in ready:
            client = _browser(app.test_client(), one)
            fields = dict(one.arrival.fields)
            answer = client.post("/lti/launch", base_url=TOOL, data=fields)
            _grid(client, answer.headers["Location"])

    def grid(seated: list[tuple[FlaskClient, str]]) -> None:
        for client, address in seated:
            _grid(client, address)

    pairs = []
    for _ in range(bench.repeat + 1):
        few = scene.count // 4
        seated = []
        for _ in range(few):
            one = scene.prepare()
            address = f"/s/{scene.door.launch(one.arrival, Trace()).sid}/"
            seated.append((_browser(app.test_client(), one), address))
        ready = [scene.prepare() for _ in range(few)]
        pairs.append(
            (
                bench.timed("cpu", partial(post, ready)),
                bench.timed("cpu", partial(grid, seated)),
            )
        )
    return tuple(pairs[1:])


def _browser(client: FlaskClient, one: Prepared) -> FlaskClient:
    client.set_cookie(
        COOKIE, one.arrival.browser, domain="tool.example.org", secure=True
    )
    return client


def _grid(client: FlaskClient, address: str) -> None:
    page = client.get(address, base_url=TOOL, follow_redirects=True)
    check(page.text.count(">Student 00") == CLASS, "another page than the class's")


# --- the platform ------------------------------------------------------------------


def _register(database: Database) -> None:
    with database.write() as session:
        registrations.add_registration(
            session,
            NewRegistration(
                name="bench",
                issuer=ISSUER,
                client_id="bench",
                auth_url=f"{ISSUER}/auth",
                token_url=f"{ISSUER}/token",
                jwks_url=f"{ISSUER}/jwks",
            ),
            deployment_ids=["1"],
            now=now(),
        )


def _prepare(door: Admission, key: RSAKey) -> Prepared:
    login = {
        "iss": ISSUER,
        "client_id": "bench",
        "login_hint": "u1",
        "target_link_uri": TARGET,
    }
    # An address each, so that the limit on logins from one does not stop us.
    count = next(_counter)
    address = f"10.{count >> 16 & 255}.{count >> 8 & 255}.{count & 255}"
    departure = door.login(Arrival(fields=login, remote_address=address), Trace())
    asked = {
        name: values[0]
        for name, values in parse_qs(urlsplit(departure.url).query).items()
    }
    token = _signed(key, launch_claims(asked["nonce"], TARGET))
    return Prepared(
        token,
        Arrival(
            fields={"state": asked["state"], "id_token": token},
            browser=departure.browser,
            remote_address=address,
        ),
    )


_counter = itertools.count()


def _signed(key: RSAKey, claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "kid": "k1", "typ": "JWT"}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key)


def launch_claims(nonce: str, target: str) -> dict[str, Any]:
    """Say what a teacher's launch from a course says."""
    at = int(time.time())
    return {
        "iss": ISSUER,
        "aud": "bench",
        "sub": "u1",
        "nonce": nonce,
        "iat": at,
        "exp": at + 3600,
        "given_name": "Grace",
        "family_name": "Lee",
        "name": "Grace Lee",
        f"{LTI}message_type": "LtiResourceLinkRequest",
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": "1",
        f"{LTI}target_link_uri": target,
        f"{LTI}resource_link": {"id": "l1"},
        f"{LTI}context": {"id": "c1", "title": "Mathematics 7"},
        f"{LTI}roles": [MEMBER],
    }
