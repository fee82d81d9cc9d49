"""A verified launch, against a bare RS256 verification and one committed INSERT."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

from benchmarks import yardsticks
from benchmarks.bench import Bench, Finding, check, now
from lti_tool.lti13.wrapping import Trace
from lti_tool.settings import Settings
from lti_tool.storage import registrations
from lti_tool.storage.database import Database
from lti_tool.storage.registrations import NewRegistration
from lti_tool.work.admission import Admission
from lti_tool.work.arrivals import Arrival

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
ISSUER = "https://lms.example.org"
TOOL = "https://tool.example.org"
LAUNCHES = {"S": 40, "M": 200}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A launch on its way: the login was answered, the token is signed."""

    token: str
    arrival: Arrival


def measure(bench: Bench) -> list[Finding]:
    """Time launches whose platform key is known already, by the CPU they take."""
    key = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
    fetched: list[str] = []

    def fetch_jwks(url: str) -> bytes:
        fetched.append(url)
        return json.dumps({"keys": [key.as_dict(private=False)]}).encode()

    with bench.database() as database:
        settings = Settings(data_dir=bench.folder, public_url=TOOL)
        door = Admission(database, settings, fetch_jwks=fetch_jwks)
        _register(database)
        door.launch(_prepare(door, key).arrival, Trace())
        pairs = []
        with bench.driver(database) as connection:
            connection.cursor().execute(
                "CREATE TABLE yardstick_launch (nonce text, subject text)"
            )
            connection.commit()
            before = len(fetched)
            for turn in range(bench.repeat + 1):
                ready = [_prepare(door, key) for _ in range(LAUNCHES[bench.size])]
                pair = (
                    bench.timed("cpu", partial(_launch, door, ready)),
                    bench.timed("cpu", partial(_verify, connection, key, ready)),
                )
                if turn:  # the first turn warms up
                    pairs.append(pair)
            check(len(fetched) == before, "a launch fetched the platform's keys")
    return [
        Finding(
            "launch / verify and insert",
            "cpu",
            tuple(pairs),
            "<= 4.5 (L1, for the validation alone)",
        )
    ]


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
        "target_link_uri": f"{TOOL}/lti/launch",
    }
    # An address each, so that the limit on logins from one does not stop us.
    count = next(_counter)
    address = f"10.{count >> 16 & 255}.{count >> 8 & 255}.{count & 255}"
    departure = door.login(Arrival(fields=login, remote_address=address), Trace())
    asked = {
        name: values[0]
        for name, values in parse_qs(urlsplit(departure.url).query).items()
    }
    header = {"alg": "RS256", "kid": "k1", "typ": "JWT"}
    token = jws.serialize_compact(
        header, json.dumps(_claims(asked["nonce"])).encode(), key
    )
    return Prepared(
        token,
        Arrival(
            fields={"state": asked["state"], "id_token": token},
            browser=departure.browser,
            remote_address=address,
        ),
    )


_counter = itertools.count()


def _claims(nonce: str) -> dict[str, Any]:
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
        f"{LTI}target_link_uri": f"{TOOL}/lti/launch",
        f"{LTI}resource_link": {"id": "l1"},
        f"{LTI}context": {"id": "c1", "title": "Mathematics 7"},
        f"{LTI}roles": [MEMBER],
    }


def _launch(door: Admission, ready: list[Prepared]) -> None:
    for one in ready:
        door.launch(one.arrival, Trace())


def _verify(connection: Any, key: RSAKey, ready: list[Prepared]) -> None:  # noqa: ANN401 -- any DB-API connection
    for one in ready:
        yardsticks.verify_and_insert(connection, one.token, key)
