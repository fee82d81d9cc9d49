"""A pull arrives whole whatever servers do, or fails by name."""

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from oneroster.auth import BearerKey
from oneroster.client import Client
from oneroster.errors import (
    PagingError,
    Problem,
    StatusError,
)
from oneroster.filters import parse_filter
from oneroster.pull import Page
from oneroster.service import Service
from oneroster.transport import Patience

# The fixture's own types stand in conftest.py, which no test can import.
Serve = Callable[..., Any]
Asked = Any
Reply = Any
Setting = Any
Answer = Callable[[Asked], Reply]
ROSTER = "/ims/oneroster/rostering/v1p2"
NO_JSON = (
    "orgs answered with something that is no JSON; check that the service URL "
    "is the root of the REST service"
)
NO_LIST = (
    'orgs answered without a list under "orgs"; check the version and the URL '
    "of the service"
)


def rows(first: int, last: int) -> list[dict[str, object]]:
    return [
        {"sourcedId": f"o-{number:03}", "status": "active", "name": "Org"}
        for number in range(first, last)
    ]


def envelope(sent: Iterable[object], key: str = "orgs") -> bytes:
    return json.dumps({key: list(sent)}).encode()


def client(
    url: str, *, sleep: Callable[[float], None] = lambda _: None, **kept: Setting
) -> Client:
    patience = Patience(sleep=sleep, jitter=lambda: 1.0, **kept)
    service = Service.at(url)
    return Client(service, auth=BearerKey("k"), page_size=100, patience=patience)


def paging(
    count: int, *, cap: int = 100, total: bool = False, by_link: bool = False
) -> Answer:
    """Serve so many orgs in pages, the way asked for."""

    def answer(asked: Asked) -> Reply:
        offset = int(asked.query.get("offset", asked.query.get("At", "0")))
        end = min(offset + cap, count)
        headers = {"X-Total-Count": str(count)} if total else {}
        if by_link:
            links = [f'<{ROSTER}/orgs?At=0>; rel="first"']
            if end < count:
                links.append(f'<{ROSTER}/orgs?At={end}&x=WyJBYkMiXQ>; REL="Next"')
            headers["LINK"] = ", ".join(links)
        return asked.reply(envelope(rows(offset, end)), headers=headers)

    return answer


def read(pull: Iterable[Page]) -> list[str]:
    return [record.sourced_id for page in pull for record in page.records]


@pytest.mark.parametrize(
    ("manners", "proof", "requests"),
    [
        ({"count": 250}, "empty_page", 4),
        ({"count": 250, "cap": 60}, "empty_page", 6),
        ({"count": 250, "total": True}, "total", 3),
        ({"count": 250, "cap": 60, "total": True}, "total", 5),
        ({"count": 250, "by_link": True}, "links", 3),
        ({"count": 250, "by_link": True, "total": True}, "total", 3),
        ({"count": 0}, "empty_page", 1),
        ({"count": 0, "total": True}, "total", 1),
    ],
    ids=str,
)
def test_a_collection_arrives_whole_and_its_end_is_proven(
    serve: Serve, manners: dict[str, Setting], proof: str, requests: int
) -> None:
    peer = serve(paging(**manners))
    pull = client(peer.url).pages("orgs")
    assert read(pull) == [row["sourcedId"] for row in rows(0, manners["count"])]
    assert pull.received == manners["count"]
    assert pull.proof == proof
    assert len(peer.asked) == requests


def test_a_pull_that_stopped_early_proves_nothing(serve: Serve) -> None:
    pull = client(serve(paging(250)).url).pages("orgs")
    page = next(pull)
    assert (page.offset, page.total, page.is_last) == (0, None, False)
    assert pull.proof is None


def test_a_next_link_is_followed_verbatim(serve: Serve) -> None:
    peer = serve(paging(250, by_link=True))
    read(client(peer.url).pages("orgs"))
    assert [asked.target for asked in peer.asked[1:]] == [
        f"{ROSTER}/orgs?At=100&x=WyJBYkMiXQ",
        f"{ROSTER}/orgs?At=200&x=WyJBYkMiXQ",
    ]


def test_a_link_to_another_origin_is_left_and_offsets_are_used(serve: Serve) -> None:
    pages = paging(150)

    def answer(asked: Asked) -> Reply:
        reply = pages(asked)
        link = '<http://169.254.169.254/latest?offset=100>; rel="next"'
        return asked.reply(reply.body, headers={"Link": link})

    peer = serve(answer)
    pull = client(peer.url).pages("orgs")
    assert len(read(pull)) == 150
    assert pull.proof == "empty_page"


def test_a_full_pull_asks_for_an_order_and_encodes_its_filter(serve: Serve) -> None:
    peer = serve(paging(0))
    wanted = parse_filter("name~'a & b' OR type='school'")
    read(client(peer.url).pages("orgs", filter=wanted, fields=("sourcedId", "name")))
    assert peer.asked[0].target == (
        f"{ROSTER}/orgs?limit=100&offset=0&sort=sourcedId&orderBy=asc"
        "&filter=name~%27a%20%26%20b%27%20OR%20type%3D%27school%27"
        "&fields=sourcedId%2Cname"
    )
    assert peer.asked[0].headers["Authorization"] == "Bearer k"


def test_a_pull_resumes_at_an_offset(serve: Serve) -> None:
    pull = client(serve(paging(250, total=True)).url).pages("orgs", offset=200)
    assert len(read(pull)) == 50
    assert (pull.received, pull.proof) == (250, "total")


def test_a_query_that_is_refused_is_asked_more_simply(serve: Serve) -> None:
    pages = paging(30)

    def answer(asked: Asked) -> Reply:
        if "sort" in asked.query or asked.query["limit"] != "100":
            return asked.reply(b'{"imsx_codeMinor":"invalid_sort_field"}', 400)
        return pages(asked)

    peer = serve(answer)
    asking = client(peer.url)
    asking.page_size = 1000
    assert len(read(asking.pages("orgs"))) == 30
    assert [
        (one.query["limit"], "sort" in one.query, one.query["offset"])
        for one in peer.asked
    ] == [
        ("1000", True, "0"),
        ("100", True, "0"),
        ("100", False, "0"),
        ("100", False, "30"),
    ]


def test_a_query_that_stays_refused_fails_with_its_code(serve: Serve) -> None:
    peer = serve(lambda asked: asked.reply(b'["invalid_filter_field"]', 400))
    with pytest.raises(StatusError) as caught:
        read(client(peer.url).pages("orgs"))
    assert str(caught.value) == (
        f"GET {peer.url}{ROSTER}/orgs answered 400 (invalid_filter_field)"
    )
    assert caught.value.status == 400


def test_a_refusal_in_the_middle_is_not_asked_around(serve: Serve) -> None:
    pages = paging(250)

    def answer(asked: Asked) -> Reply:
        refused = asked.query["offset"] != "0"
        return asked.reply(b"", 400) if refused else pages(asked)

    pull = client(serve(answer).url).pages("orgs")
    with pytest.raises(StatusError):
        read(pull)
    assert (pull.received, pull.proof) == (100, None)


def always(body: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: asked.reply(body, headers=named)


def moving(first: int, second: int) -> Answer:
    def answer(asked: Asked) -> Reply:
        offset = int(asked.query["offset"])
        total = second if offset else first
        body = envelope(rows(offset, offset + 100))
        return asked.reply(body, headers={"X-Total-Count": str(total)})

    return answer


def short(asked: Asked) -> Reply:
    offset = int(asked.query["offset"])
    body = envelope(rows(offset, min(offset + 100, 500)))
    return asked.reply(body, headers={"X-Total-Count": "900"})


BAD_PULLS: Mapping[str, tuple[Answer, str, str]] = {
    "html": (
        always(b"<html>Sign in</html>"),
        "bad_json",
        NO_JSON,
    ),
    "deep": (
        always(b"[" * 200_000),
        "bad_json",
        NO_JSON,
    ),
    "list": (
        always(b"[]"),
        "bad_shape",
        NO_LIST,
    ),
    "no key": (
        always(b"{}"),
        "bad_shape",
        NO_LIST,
    ),
    "null": (
        always(b'{"orgs": null}'),
        "bad_shape",
        NO_LIST,
    ),
    "same page": (
        always(envelope(rows(0, 100))),
        "paging_loop",
        (
            "orgs sent a page again after 100 rows; the service ignores the offset, "
            "ask its vendor"
        ),
    ),
    "same link": (
        always(b'{"orgs": []}', Link=f'<{ROSTER}/orgs?a=1>; rel="next"'),
        "paging_loop",
        "orgs links to a page already read after 0 rows; ask the vendor of the service",
    ),
    "total moves": (
        moving(900, 850),
        "unstable_source",
        (
            "orgs had 900 rows and has 850 now; it changes while it is read, read it "
            "once more"
        ),
    ),
    "more than total": (
        moving(50, 50),
        "unstable_source",
        "orgs sent 100 rows but says it has 50; read it once more",
    ),
    "short": (
        short,
        "short_read",
        (
            "orgs says it has 900 rows but sent 500; nothing may be concluded from "
            "what is absent"
        ),
    ),
}


@pytest.mark.parametrize("name", BAD_PULLS)
def test_a_pull_that_proves_nothing_fails_by_name(serve: Serve, name: str) -> None:
    answer, code, message = BAD_PULLS[name]
    pull = client(serve(answer).url).pages("orgs")
    with pytest.raises(PagingError) as caught:
        read(pull)
    assert (caught.value.code, str(caught.value)) == (code, message)
    assert pull.proof is None


def test_an_answer_that_swells_is_cut_at_the_limit(serve: Serve) -> None:
    packed = gzip.compress(b" " * 20_000_000)
    peer = serve(always(packed, Content_Encoding="gzip"))
    with pytest.raises(PagingError) as caught:
        read(client(peer.url, most_bytes=1_000_000).pages("orgs"))
    assert caught.value.code == "too_large"


def test_a_bad_record_is_a_value_and_the_rest_arrive(serve: Serve) -> None:
    sent = [
        *rows(0, 2),
        {"status": "active"},
        "x",
        rows(5, 6)[0] | {"dateLastModified": "?"},
    ]

    def answer(asked: Asked) -> Reply:
        return asked.reply(envelope(sent), headers={"X-Total-Count": "5"})

    told: list[Problem] = []
    url = serve(answer).url
    asking = Client(Service.at(url), auth=BearerKey("k"), problems=told.append)
    assert [org.sourced_id for org in asking.orgs()] == ["o-000", "o-001", "o-005"]
    assert [(one.line, one.field, one.code, one.warning) for one in told] == [
        (3, "sourcedId", "bad_id", False),
        (4, "", "bad_shape", False),
        (5, "dateLastModified", "bad_date_last_modified", True),
    ]
