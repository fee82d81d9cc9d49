"""Every read operation of both versions, asked of our provider by our client."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
import requests
from flask import Flask

from oneroster.auth import ClientCredentials, OAuth1
from oneroster.catalog import MemoryCatalog
from oneroster.client import Client
from oneroster.dialects import COLLECTIONS, DIALECTS, Version
from oneroster.errors import NotFoundError
from oneroster.loopback import Loopback
from oneroster.models import Record, User, parse_record
from oneroster.provider import Manners, blueprint
from oneroster.service import Service
from tests.oneroster.test_every_field import BASE, IN_1_2, ref

HOST = "https://sis.example"
Row = dict[str, Any]


def user(key: str, role: str) -> Row:
    roles = [{"roleType": "primary", "role": role, "org": ref("org")}]
    return {**IN_1_2["users"], "sourcedId": key, "roles": roles}


def seat(key: str, role: str) -> Row:
    who = {"user": ref("user", key), "role": role}
    return {**IN_1_2["enrollments"], "sourcedId": f"e-{key}", **who}


def session(key: str, kind: str, **parent: Row) -> Row:
    fields = {"title": key, "startDate": "2026-08-01", "endDate": "2026-12-20"}
    return {"sourcedId": key, "type": kind, "schoolYear": "2027", **fields, **parent}


ROWS: dict[str, list[Row]] = {
    **{name: [{**row, "sourcedId": "x-1"}] for name, row in IN_1_2.items()},
    "academicSessions": [
        session("x-1", "term"),
        session("g-1", "gradingPeriod", parent=ref("academicSession")),
    ],
    "users": [user("s-1", "student"), user("t-1", "teacher")],
    "enrollments": [seat("s-1", "student"), seat("t-1", "teacher")],
}
ROWS["results"][0]["student"] = ref("user", "s-1")
KEYS = {
    "users": "s-1",
    "students": "s-1",
    "teachers": "t-1",
    "demographics": "x-1",
    "gradingPeriods": "g-1",
    "enrollments": "e-s-1",
}


@pytest.fixture(scope="module")
def served() -> Iterator[requests.Session]:
    catalog = MemoryCatalog()
    for name, payloads in ROWS.items():
        for payload in payloads:
            kind = COLLECTIONS[name].kind
            record, problems = parse_record(kind, BASE | payload)
            assert record is not None, problems
            catalog.write(name, record)
    app = Flask("sis")
    manners = Manners(versions=("1.1", "1.2"))
    app.register_blueprint(blueprint(catalog, clients={"me": "word"}, manners=manners))
    with requests.Session() as made:
        made.mount(HOST, Loopback(app))
        yield made


def client(session: requests.Session, version: Version) -> Client:
    auth = ClientCredentials(
        f"{HOST}/oauth2/token",
        "me",
        "word",
        scope=" ".join(DIALECTS[version].scopes.values()),
        session=session,
    )
    return Client(Service.at(HOST, version), auth=auth, session=session)


def kind_of(path: str) -> type[Record]:
    """The kind of the records that a path gives."""
    return COLLECTIONS[path.rpartition("/")[2]].kind


def filled(path: str) -> str:
    """The path of a collection with a sourcedId in each place for one."""
    steps = path.split("/")
    for place, step in enumerate(steps):
        if step == "*":
            steps[place] = KEYS.get(steps[place - 1], "x-1")
    return "/".join(steps)


COLLECTION_READS = [
    (dialect.version, path)
    for dialect in DIALECTS.values()
    for path in sorted(dialect.readable)
]
SINGLE_READS = [
    (version, path) for version, path in COLLECTION_READS if "/" not in path
]


@pytest.mark.parametrize(("version", "path"), COLLECTION_READS)
def test_every_collection_of_a_version_is_read(
    served: requests.Session, version: Version, path: str
) -> None:
    found = list(client(served, version).records(filled(path)))
    assert found != []
    assert {type(one) for one in found} == {kind_of(path)}


@pytest.mark.parametrize(("version", "path"), SINGLE_READS)
def test_every_object_of_a_version_is_read_by_its_id(
    served: requests.Session, version: Version, path: str
) -> None:
    key = KEYS.get(path, "x-1")
    asking = client(served, version)
    found = asking.read(path, key)
    assert found.sourced_id == key
    assert found == next(one for one in asking.records(path) if one.sourced_id == key)
    with pytest.raises(NotFoundError):
        asking.read(path, "nobody")


@pytest.mark.parametrize("version", DIALECTS)
def test_an_object_is_read_with_the_fields_asked_for(
    served: requests.Session, version: Version
) -> None:
    wanted = ("sourcedId", "status", "title")
    found = client(served, version).read("courses", "x-1", fields=wanted)
    assert found.model_fields_set == {"sourced_id", "status", "title"}


def test_the_reads_are_those_of_the_standard() -> None:
    rostering = {
        path
        for version, path in COLLECTION_READS
        if version == "1.2" and COLLECTIONS[path.split("/")[-1]].room == "rostering"
    }
    singles = {path for path in rostering if "/" not in path}
    # OneRoster 1.2 Rostering, table of endpoints: 41 operations.
    assert len(rostering) + len(singles) == 41
    counts = {
        version: sum(one == version for one, _path in COLLECTION_READS)
        for version in DIALECTS
    }
    assert counts == {"1.1": 39, "1.2": 46}


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_an_old_service_is_read_by_signature(
    served: requests.Session, digest: Literal["sha1", "sha256"]
) -> None:
    auth = OAuth1("me", "word", digest=digest)
    asking = Client(Service.at(HOST, "1.1"), auth=auth, session=served, page_size=1)
    found = asking.users(filter="givenName='Ada'", fields=("sourcedId", "status"))
    assert [one.sourced_id for one in found] == ["s-1", "t-1"]


def test_a_user_is_the_same_in_both_versions(served: requests.Session) -> None:
    old, new = (client(served, one).read("users", "t-1") for one in ("1.1", "1.2"))

    def told(record: Record) -> tuple[object, ...]:
        assert isinstance(record, User)
        roles = [(role.role, role.org.sourced_id) for role in record.roles]
        return record.given_name, record.email, record.user_ids, roles

    assert told(old) == told(new)
