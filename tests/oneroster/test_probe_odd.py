"""A probe of a service that does one thing oddly says which, and what that means."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask

from oneroster.auth import BearerKey, ClientCredentials
from oneroster.dialects import DIALECTS
from oneroster.errors import StatusError, TransportError
from oneroster.loopback import Loopback
from oneroster.probe_asking import MOST_REQUESTS
from oneroster.probe_findings import Check
from oneroster.probing import Probe
from oneroster.provider import blueprint
from oneroster.transport import Patience
from tests.oneroster.test_probe import HOST, WORD, catalog

Twist = Callable[[dict[str, str], str, requests.Response], None]


class Twisted(Loopback):
    """Answers as the provider does, then lets a test change the answer."""

    def __init__(self, app: Flask, twist: Twist) -> None:
        super().__init__(app)
        self._twist = twist
        self.asked = 0

    def send(
        self, request: requests.PreparedRequest, *rest: object, **options: object
    ) -> requests.Response:
        self.asked += 1
        answer = super().send(request, *rest, **options)
        parts = urlsplit(request.url or "")
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        _ = answer.content
        self._twist(query, parts.path.rsplit("/", 1)[-1], answer)
        return answer


def say(answer: requests.Response, status: int, payload: object = None) -> None:
    answer.status_code = status
    answer._content = json.dumps(payload).encode()  # noqa: SLF001 - requests has no other way


def rows_of(answer: requests.Response) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(iter(json.loads(answer.content).values()))
    return found


def look(twist: Twist, people: int = 40) -> tuple[dict[str, Check], dict[str, Any]]:
    app = Flask("sis")
    app.register_blueprint(blueprint(catalog(people), clients={"me": WORD}))
    session = requests.Session()
    session.mount(HOST, Twisted(app, twist))
    auth = ClientCredentials(
        f"{HOST}/oauth2/token", "me", WORD, scope="", session=session
    )
    patience = Patience(sleep=lambda _: None)
    probe = Probe(HOST, auth=auth, session=session, patience=patience)
    checks = {one.name: one for one in probe.checks()}
    profile = probe.profile()
    return checks, profile.document() if profile else {}


def refuse(word: str) -> Twist:
    def twist(query: dict[str, str], _name: str, answer: requests.Response) -> None:
        if any(word in f"{key}={value}" for key, value in query.items()):
            say(answer, 400, {"imsx_codeMajor": "failure", "givenName": "Zoe"})

    return twist


def edit(word: str, change: Callable[[list[Any]], object]) -> Twist:
    """Change the rows of each answer whose query holds a word."""

    def twist(query: dict[str, str], name: str, answer: requests.Response) -> None:
        is_meant = any(word in f"{key}={value}" for key, value in query.items())
        if is_meant and answer.ok:
            found = rows_of(answer)
            change(found)
            say(answer, 200, {name: found})

    return twist


def clear(found: list[Any]) -> None:
    found.clear()


def headers(**said: str) -> Twist:
    def twist(_query: dict[str, str], _name: str, answer: requests.Response) -> None:
        for name, value in said.items():
            answer.headers[name.replace("_", "-")] = value

    return twist


def moving() -> Twist:
    totals = iter(range(100, 1000))

    def twist(_query: dict[str, str], _name: str, answer: requests.Response) -> None:
        answer.headers["X-Total-Count"] = str(next(totals))

    return twist


def shuffled() -> Twist:
    turns = iter(range(1000))

    def twist(query: dict[str, str], name: str, answer: requests.Response) -> None:
        if query.get("limit") == "20":
            found = rows_of(answer)
            turn = next(turns)
            say(answer, 200, {name: found[turn:] + found[:turn]})

    return twist


def new_ids() -> Twist:
    turns = iter(range(1000))

    def twist(query: dict[str, str], name: str, answer: requests.Response) -> None:
        if query.get("limit") == "20":
            found = [row | {"sourcedId": f"n{next(turns)}"} for row in rows_of(answer)]
            say(answer, 200, {name: found})

    return twist


FOREIGN = headers(Link='<https://elsewhere.example/users?offset=1>; rel="next"')
STILL = headers(
    Link=f'<{HOST}/ims/oneroster/rostering/v1p2/users?limit=10>; rel="next"'
)
NO_AND = refuse(" AND ")
ODD: dict[str, tuple[Twist, str, str, str, dict[str, object]]] = {
    "order refused": (refuse("sort="), "sort", "warn", "an order is refused", {}),
    "filter refused": (
        refuse("filter="),
        "filter",
        "warn",
        "a filter is refused",
        {"filter": False, "delta": False},
    ),
    "date filter refused": (
        refuse("filter=dateLastModified"),
        "delta",
        "warn",
        "a filter by dateLastModified is refused",
        {"filter": True, "delta": False},
    ),
    "date filter finds nothing": (
        edit("filter=dateLastModified", clear),
        "delta",
        "warn",
        "no record was ever changed",
        {"delta": False},
    ),
    "boundary left out": (
        edit(" AND ", clear),
        "delta",
        "ok",
        "changes alone can be asked for; >= leaves out",
        {"delta": True, "boundary": False},
    ),
    "two clauses refused": (
        NO_AND,
        "delta",
        "ok",
        "changes alone can be asked for",
        {"boundary": None},
    ),
    "fields refused": (
        refuse("fields="),
        "fields",
        "warn",
        "a choice of fields is",
        {},
    ),
    "large pages refused": (
        refuse("limit=1000"),
        "page_size",
        "warn",
        "limit=1000 is refused",
        {"page_size": 100},
    ),
    "no page of any size": (
        refuse("limit=100"),
        "page_size",
        "fail",
        "limit=1000 is refused",
        {"page_size": 100},
    ),
    "limit ignored": (
        edit("limit=10", lambda found: found.extend(found[:5])),
        "limit",
        "warn",
        "limit=10 gave 15",
        {"limit": False},
    ),
    "short pages": (
        edit("limit=10", lambda found: found.pop()),
        "limit",
        "warn",
        "limit=10 gave 9: pages are shorter",
        {"limit": True},
    ),
    "total moves": (
        moving(),
        "total",
        "warn",
        "X-Total-Count is another on each page",
        {"total": False},
    ),
    "foreign link": (
        FOREIGN,
        "links",
        "warn",
        "the Link to the next page leads to",
        {},
    ),
    "link to the same": (
        STILL,
        "links",
        "warn",
        "the Link to the next page does not lead",
        {"links": False},
    ),
    "other order each time": (
        shuffled(),
        "stable",
        "warn",
        "the same records came twice",
        {"stable": True},
    ),
    "new ids each time": (
        new_ids(),
        "stable",
        "fail",
        "the same page asked twice holds other",
        {"stable": False},
    ),
    "rows without a date": (
        edit("limit=3", lambda found: [row.pop("dateLastModified") for row in found]),
        "delta",
        "ok",
        "changes alone can be asked for",
        {"boundary": None},
    ),
    "rows that are no objects": (
        edit("limit=3", lambda found: found.append("x")),
        "orgs",
        "warn",
        "1 records; orgs line 2: is not an object",
        {},
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_found_out(name: str) -> None:
    twist, check, state, text, expected = ODD[name]
    checks, found = look(twist)
    assert checks[check].state == state
    assert checks[check].text.startswith(text)
    assert {key: found[key] for key in expected} == expected
    assert "Zoe" not in checks[check].answer


def test_too_few_records_tell_nothing_and_that_is_said() -> None:
    checks, found = look(lambda *_: None, people=1)
    assert {checks[name].text for name in ("sort", "offset")} == {
        "too few records to tell"
    }
    assert found["offset"]
    assert (
        checks["page_size"].text == "all 1 orgs come on one page; a cap cannot be seen"
    )


def test_a_status_nobody_knows_is_shown_as_it_is() -> None:
    def twist(_query: dict[str, str], name: str, answer: requests.Response) -> None:
        if name == "results":
            say(answer, 599, {})

    checks, _found = look(twist)
    assert checks["results"].answer.startswith("599  in ")
    assert checks["results"].status == 599


def test_a_token_refused_in_the_middle_is_renewed_once() -> None:
    refusals = [1]

    def twist(_query: dict[str, str], name: str, answer: requests.Response) -> None:
        if name == "classes" and refusals[0]:
            refusals[0] -= 1
            say(answer, 401, {})

    checks, found = look(twist)
    assert checks["classes"].state == "ok"
    assert found["delta"]


@pytest.mark.parametrize(
    ("granted", "state", "text", "scopes"),
    [
        (None, "ok", "the service does not say which rights it granted", None),
        (
            "https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly",
            "warn",
            (
                "not granted: roster-core.readonly, gradebook.readonly; what they "
                "cover cannot be read"
            ),
            ("roster.readonly",),
        ),
    ],
)
def test_rights_that_were_not_granted_are_told(
    granted: str | None, state: str, text: str, scopes: tuple[str, ...] | None
) -> None:
    def twist(_query: dict[str, str], name: str, answer: requests.Response) -> None:
        if name == "token":
            payload = json.loads(answer.content)
            payload["scope"] = granted
            say(answer, 200, payload)

    checks, found = look(twist)
    assert (checks["scopes"].state, checks["scopes"].text) == (state, text)
    assert found["scopes"] == scopes


def test_fewer_rights_are_asked_for_where_all_of_them_are_refused() -> None:
    def twist(_query: dict[str, str], name: str, answer: requests.Response) -> None:
        if name == "token" and b"gradebook" in answer.content:
            assert answer.ok
            say(answer, 400, {"error": "invalid_scope"})

    checks, found = look(twist)
    assert checks["token"].state == "ok"
    assert checks["scopes"].text.startswith("not granted: gradebook.readonly")
    assert found["scopes"] == ("roster-core.readonly", "roster.readonly")


def test_rights_that_were_given_up_are_told_though_the_service_is_silent() -> None:
    app = Flask("sis")
    app.register_blueprint(blueprint(catalog(3), clients={"me": WORD}))
    session = requests.Session()

    def twist(_query: dict[str, str], name: str, answer: requests.Response) -> None:
        if name == "token" and b"gradebook" in answer.content:
            say(answer, 400, {"error": "invalid_scope"})
        elif name == "token":
            say(answer, 200, {**json.loads(answer.content), "scope": None})

    session.mount(HOST, Twisted(app, twist))
    auth = ClientCredentials(
        f"{HOST}/oauth2/token", "me", WORD, scope="", style="either", session=session
    )
    auth.fallbacks = (DIALECTS["1.2"].scope("roster-core.readonly", "roster.readonly"),)
    checks = {one.name: one for one in Probe(HOST, auth=auth, session=session).checks()}
    assert checks["scopes"].state == "warn"
    assert checks["scopes"].text.startswith("not granted: gradebook.readonly;")
    assert checks["lineItems"].status == 403


def test_no_more_is_asked_than_sixty_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneroster.probe_asking.MOST_REQUESTS", 5)
    checks, found = look(lambda *_: None)
    assert found == {}
    assert checks["requests"].text == "a test asks 5 times and no more"
    assert MOST_REQUESTS == 60


def test_an_address_that_is_forbidden_is_not_asked() -> None:
    def refused(url: str) -> None:
        raise TransportError(f"{url} is forbidden", code="ssrf")

    probe = Probe(HOST, auth=BearerKey("k"), patience=Patience(address_guard=refused))
    (told,) = probe.checks()
    assert (told.name, told.code) == ("open", "ssrf")
    assert told.fix == "give the address the service has now"


def test_a_token_endpoint_that_fails_is_told_of() -> None:
    def twist(_query: dict[str, str], name: str, answer: requests.Response) -> None:
        if name == "token":
            say(answer, 503, {})

    checks, _found = look(twist)
    assert checks["open"].state == "fail"
    assert "answered 503; try again later" in checks["open"].text
    assert checks["open"].code == StatusError.default_code
