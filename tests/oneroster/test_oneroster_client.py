"""Objects are read, put, posted and deleted; collections have names."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from oneroster.auth import BearerKey
from oneroster.client import Client
from oneroster.errors import (
    NotFoundError,
    PagingError,
    StatusError,
)
from oneroster.models import LineItem, Org, Record, Result, SisClass, User, refer
from oneroster.service import Service
from oneroster.transport import Patience

# The fixture's own types stand in conftest.py, which no test can import.
Serve = Callable[..., Any]
Asked = Any
Reply = Any
Setting = Any
Answer = Callable[[Asked], Reply]
ROSTER = "/ims/oneroster/rostering/v1p2"
GRADES = "/ims/oneroster/gradebook/v1p2"
NO_LIST = (
    'orgs "o-1" answered without a list under "orgs"; check the version and '
    "the URL of the service"
)


def rows(first: int, last: int) -> list[dict[str, object]]:
    return [
        {"sourcedId": f"o-{number:03}", "status": "active", "name": "Org"}
        for number in range(first, last)
    ]


def envelope(sent: Iterable[object], key: str = "orgs") -> bytes:
    return json.dumps({key: list(sent)}).encode()


def client(url: str) -> Client:
    patience = Patience(sleep=lambda _: None)
    return Client(Service.at(url), auth=BearerKey("k"), patience=patience)


def test_one_object_is_read_from_either_envelope(serve: Serve) -> None:
    org = rows(1, 2)[0]
    bodies = {
        "/orgs/o-001": json.dumps({"org": org}).encode(),
        "/schools/o-001": envelope([org]),
    }
    peer = serve(lambda one: one.reply(bodies[one.path.removeprefix(ROSTER)]))
    asking = client(peer.url)
    assert asking.read("orgs", "o-001") == asking.read("schools", "o-001")
    assert isinstance(asking.read("orgs", "o-001"), Org)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", "bad_shape", 'orgs "o-1" came without a body'),
        (
            b'{"org": {"sourcedId": "o-1"}}',
            "bad_record",
            'cannot be read: orgs ("o-1"): status is missing',
        ),
        (
            b"[]",
            "bad_shape",
            NO_LIST,
        ),
    ],
)
def test_an_object_that_cannot_be_read_is_an_error(
    serve: Serve, body: bytes, code: str, message: str
) -> None:
    peer = serve(lambda asked: asked.reply(body))
    with pytest.raises(PagingError) as caught:
        client(peer.url).read("orgs", "o-1")
    assert (caught.value.code, str(caught.value)) == (code, message)


def test_an_object_that_is_not_there_is_not_found(serve: Serve) -> None:
    peer = serve(lambda asked: asked.reply(b"", 404))
    with pytest.raises(NotFoundError) as caught:
        client(peer.url).read("orgs", "o-1")
    assert caught.value.where == f"GET {peer.url}{ROSTER}/orgs/o-1"
    assert str(caught.value) == (
        f"{caught.value.where} answered 404; it has no such object or collection"
    )


ITEM = LineItem(
    sourced_id="l/1",
    status="active",
    title="Quiz",
    class_=refer("class", "c-1"),
    academic_session=refer("academicSession", "a-1"),
)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_object_is_put_under_its_own_sourced_id(serve: Serve, status: int) -> None:
    peer = serve(lambda asked: asked.reply(b"", status))
    assert client(peer.url).put("lineItems", ITEM) is None
    asked = peer.asked[0]
    assert (asked.method, asked.path) == ("PUT", f"{GRADES}/lineItems/l%2F1")
    assert asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == {
        "lineItem": {
            "sourcedId": "l/1",
            "status": "active",
            "title": "Quiz",
            "class": {
                "href": f"{peer.url}{ROSTER}/classes/c-1",
                "sourcedId": "c-1",
                "type": "class",
            },
            "academicSession": {
                "href": f"{peer.url}{ROSTER}/academicSessions/a-1",
                "sourcedId": "a-1",
                "type": "academicSession",
            },
        }
    }


def test_an_object_told_back_is_given_back(serve: Serve) -> None:
    peer = serve(lambda asked: asked.reply(asked.body, 201))
    told = client(peer.url).put("lineItems", ITEM)
    assert isinstance(told, LineItem)
    assert told.title == "Quiz"


@pytest.mark.parametrize("body", [b"created", b"{}", b'{"lineItem": {"x": 1}}'])
def test_a_put_that_tells_something_else_back_has_been_written(
    serve: Serve, body: bytes
) -> None:
    peer = serve(lambda asked: asked.reply(body, 201))
    assert client(peer.url).put("lineItems", ITEM) is None


def test_a_service_of_1_1_gets_the_shape_of_1_1(serve: Serve) -> None:
    peer = serve(lambda asked: asked.reply(b"", 200))
    asking = Client(Service.at(peer.url, "1.1"), auth=BearerKey("k"))
    asking.put("lineItems", ITEM)
    sent = json.loads(peer.asked[0].body)["lineItem"]
    assert peer.asked[0].path == "/ims/oneroster/v1p1/lineItems/l%2F1"
    assert sent["gradingPeriod"]["sourcedId"] == "a-1"
    assert "academicSession" not in sent


def test_users_of_1_1_arrive_in_the_shape_of_1_2(serve: Serve) -> None:
    user = {
        "sourcedId": "u",
        "status": "active",
        "role": "student",
        "orgs": [{"sourcedId": "o-1"}],
    }
    headers = {"X-Total-Count": "1"}
    peer = serve(lambda one: one.reply(envelope([user], "users"), headers=headers))
    asking = Client(Service.at(peer.url, "1.1"), auth=BearerKey("k"))
    (found,) = asking.users()
    assert isinstance(found, User)
    assert [(role.role, role.org.sourced_id) for role in found.roles] == [
        ("student", "o-1")
    ]


def test_a_record_of_another_kind_is_not_written() -> None:
    wrong: Record = SisClass(sourced_id="c", status="active")
    with pytest.raises(TypeError, match=r"^lineItems takes LineItem objects, not Sis"):
        client("https://sis.example").put("lineItems", wrong)


RESULT = Result(
    sourced_id="mine",
    status="active",
    line_item=refer("lineItem", "l-1"),
    student=refer("user", "u-1"),
)


@pytest.mark.parametrize("wrapped", [False, True])
def test_posted_objects_get_the_ids_the_service_allocates(
    serve: Serve, *, wrapped: bool
) -> None:
    pair = {"suppliedSourcedId": "mine", "allocatedSourcedId": "theirs"}
    pairs = {"sourcedIdPair": [pair]} if wrapped else [pair]
    body = json.dumps({"sourcedIdPairs": pairs}).encode()
    peer = serve(lambda asked: asked.reply(body, 201))
    allocated = client(peer.url).post("lineItems/l-1/results", [RESULT])
    assert allocated == {"mine": "theirs"}
    assert peer.asked[0].path == f"{GRADES}/lineItems/l-1/results"
    (sent,) = json.loads(peer.asked[0].body)["results"]
    assert sent["sourcedId"] == "mine"


def test_a_post_is_not_repeated_after_a_failure_that_may_have_written(
    serve: Serve,
) -> None:
    peer = serve(lambda asked: asked.reply(b"", 503))
    with pytest.raises(StatusError):
        client(peer.url).post("lineItems/l-1/results", [RESULT])
    assert len(peer.asked) == 1


def test_a_post_whose_ids_are_not_told_is_an_error(serve: Serve) -> None:
    peer = serve(lambda asked: asked.reply(b'{"sourcedIdPairs": [5]}', 201))
    with pytest.raises(PagingError) as caught:
        client(peer.url).post("lineItems/l-1/results", [RESULT])
    assert str(caught.value) == (
        "lineItems/l-1/results answered a POST without a sourcedIdPairs for every "
        "object; read the collection back before posting again"
    )


@pytest.mark.parametrize("status", [204, 200, 404])
def test_a_deletion_may_be_repeated(serve: Serve, status: int) -> None:
    peer = serve(lambda asked: asked.reply(b"", status))
    client(peer.url).delete("results", "r-1")
    assert (peer.asked[0].method, peer.asked[0].path) == (
        "DELETE",
        f"{GRADES}/results/r-1",
    )


def test_every_named_generator_reads_its_collection(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        name = asked.path.rsplit("/", 1)[-1]
        key = {"schools": "orgs"}.get(name, name)
        return asked.reply(envelope([], key))

    peer = serve(answer)
    asking = client(peer.url)
    streams = [
        asking.orgs(),
        asking.schools(),
        asking.academic_sessions(),
        asking.courses(),
        asking.classes(),
        asking.users(),
        asking.enrollments(),
        asking.demographics(),
        asking.resources(),
        asking.categories(),
        asking.line_items(),
        asking.results(),
        asking.score_scales(),
        asking.assessment_line_items(),
        asking.assessment_results(),
    ]
    assert [record for stream in streams for record in stream] == []
    assert [asked.path.rsplit("/", 1)[-1] for asked in peer.asked] == [
        "orgs",
        "schools",
        "academicSessions",
        "courses",
        "classes",
        "users",
        "enrollments",
        "demographics",
        "resources",
        "categories",
        "lineItems",
        "results",
        "scoreScales",
        "assessmentLineItems",
        "assessmentResults",
    ]
