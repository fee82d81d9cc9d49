"""The provider: what a client of OneRoster 1.2 may ask of it, and what it answers.

Longer than 400 lines because every test asks the same small district, and most
lines are tables of requests with their answers.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests
from flask import Flask

from oneroster.auth import ClientCredentials
from oneroster.catalog import KINDS, MemoryCatalog
from oneroster.client import Client
from oneroster.dialects import DIALECTS
from oneroster.errors import AuthError, NotFoundError, StatusError
from oneroster.loopback import Loopback
from oneroster.models import LineItem, Record, Result, parse_record
from oneroster.provider import Manners, blueprint
from oneroster.provider_operations import OPERATIONS
from oneroster.service import Service
from tests.lti_tool.conftest import serving
from tests.ports import free_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HOST = "https://sis.example"
ROSTERING = f"{HOST}/ims/oneroster/rostering/v1p2"
GRADEBOOK = f"{HOST}/ims/oneroster/gradebook/v1p2"
RESOURCES = f"{HOST}/ims/oneroster/resources/v1p2"
TOKEN = f"{HOST}/oauth2/token"
SCOPES = DIALECTS["1.2"].scopes
ALL = " ".join(SCOPES.values())
GOOD = "s3cret:/+%"
SECRET = {"client_secret": GOOD}
WORD = {"client_secret": "word"}
WRONG = {"client_secret": "wrong"}
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def ref(kind: str, sourced_id: str) -> dict[str, str]:
    return {"sourcedId": sourced_id, "type": kind}


def rows() -> dict[str, list[dict[str, Any]]]:
    """A district of two schools, three classes, four people."""

    def person(sourced_id: str, role: str, *orgs: str) -> dict[str, Any]:
        roles = [
            {"roleType": "primary", "role": role, "org": ref("org", o)} for o in orgs
        ]
        return {
            "sourcedId": sourced_id,
            "givenName": sourced_id.title(),
            "familyName": "Lee",
            "enabledUser": "true",
            "roles": roles,
        }

    def seat(user: str, sis_class: str, school: str, role: str) -> dict[str, Any]:
        return {
            "sourcedId": f"e-{user}-{sis_class}",
            "user": ref("user", user),
            "class": ref("class", sis_class),
            "school": ref("org", school),
            "role": role,
        }

    def group(sourced_id: str, course: str, school: str, *terms: str) -> dict[str, Any]:
        return {
            "sourcedId": sourced_id,
            "title": sourced_id.upper(),
            "course": ref("course", course),
            "school": ref("org", school),
            "terms": [ref("term", term) for term in terms],
        }

    def session(sourced_id: str, kind: str, parent: str = "") -> dict[str, Any]:
        above = {"parent": ref("academicSession", parent)} if parent else {}
        return {"sourcedId": sourced_id, "title": sourced_id, "type": kind, **above}

    def line_item(sourced_id: str, sis_class: str, school: str) -> dict[str, Any]:
        return {
            "sourcedId": sourced_id,
            "title": sourced_id,
            "assignDate": "2026-09-01T00:00:00.000Z",
            "dueDate": "2026-09-08T00:00:00.000Z",
            "class": ref("class", sis_class),
            "school": ref("org", school),
            "category": ref("category", "tests"),
            "academicSession": ref("academicSession", "fall"),
        }

    return {
        "orgs": [
            {"sourcedId": "d", "name": "District", "type": "district"},
            {"sourcedId": "s1", "name": "Hill", "type": "school"},
            {"sourcedId": "s2", "name": "Dale", "type": "school"},
        ],
        "academicSessions": [
            session("year", "schoolYear"),
            session("fall", "term", "year"),
            session("spring", "term", "year"),
            session("q1", "gradingPeriod", "fall"),
        ],
        "courses": [
            {"sourcedId": "math", "title": "Mathematics 7", "org": ref("org", "d")},
            {"sourcedId": "art", "title": "Art", "org": ref("org", "s2")},
        ],
        "classes": [
            group("c1", "math", "s1", "fall", "spring"),
            group("c2", "math", "s2", "fall"),
            group("c/3", "art", "s2", "spring"),
        ],
        "users": [
            person("ada", "student", "s1"),
            person("bo", "student", "s1", "s2"),
            person("cy", "teacher", "s1"),
            person("di", "teacher", "s2"),
        ],
        "enrollments": [
            seat("ada", "c1", "s1", "student"),
            seat("bo", "c1", "s1", "student"),
            seat("bo", "c2", "s2", "student"),
            seat("cy", "c1", "s1", "teacher"),
            seat("di", "c2", "s2", "teacher"),
            seat("di", "c/3", "s2", "teacher"),
        ],
        "demographics": [{"sourcedId": "ada", "birthDate": "2014-02-03"}],
        "resources": [{"sourcedId": "book", "vendorResourceId": "v"}],
        "categories": [
            {"sourcedId": "tests", "title": "Tests"},
            {"sourcedId": "work", "title": "Homework"},
        ],
        "scoreScales": [
            {
                "sourcedId": "letters",
                "title": "Letters",
                "type": "letter",
                "class": ref("class", "c1"),
                "scoreScaleValue": [{"itemValueLHS": "A", "itemValueRHS": "90"}],
            }
        ],
        "lineItems": [line_item("l1", "c1", "s1"), line_item("l2", "c2", "s2")],
        "results": [
            {
                "sourcedId": f"r-{user}-{item}",
                "lineItem": ref("lineItem", item),
                "student": ref("user", user),
                "scoreStatus": "fully graded",
                "score": score,
                "scoreDate": "2026-09-09",
            }
            for user, item, score in (
                ("ada", "l1", 8),
                ("bo", "l1", 10),
                ("bo", "l2", 9),
            )
        ],
        "assessmentLineItems": [{"sourcedId": "k1", "title": "Ratios"}],
    }


def records_of(kind: str, parts: list[dict[str, Any]]) -> Iterator[Record]:
    for part in parts:
        if kind == "classes" and part["sourcedId"] == "c1":
            part["resources"] = [ref("resource", "book"), ref("resource", "lost")]
        record, problems = parse_record(KINDS[kind], {"status": "active", **part})
        assert record is not None, problems
        yield record


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Sis:
    """A provider in this process, and a session that may do everything there."""

    def __init__(self, manners: Manners) -> None:
        self.catalog = MemoryCatalog(
            {kind: records_of(kind, parts) for kind, parts in rows().items()}
        )
        self.clock = Clock()
        self.seen: list[tuple[str, str, int, Mapping[str, object]]] = []
        self.clients = {"tool": GOOD, "other": "word"}
        self.app = Flask("sis")
        self.app.register_blueprint(
            blueprint(
                self.catalog,
                clients=self.clients,
                clock=self.clock,
                manners=manners,
                on_request=lambda *told: self.seen.append(told),
                token_key=b"the same in every process",
            )
        )
        self.session = requests.Session()
        self.session.mount(HOST, Loopback(self.app))

    def token(self, scope: str = ALL) -> str:
        reply = self.session.post(
            TOKEN,
            data={"grant_type": "client_credentials", "scope": scope},
            auth=("tool", GOOD),
        )
        return str(reply.json()["access_token"])

    def ask(
        self,
        method: str,
        url: str,
        scope: str = ALL,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token(scope)}"}
        return self.session.request(
            method, url, headers=headers, params=params, json=body
        )

    def read(self, url: str, **params: str) -> dict[str, Any]:
        reply = self.ask("GET", url, params=params)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def ids(self, url: str, **params: str) -> list[str]:
        (found,) = self.read(url, **params).values()
        return [row["sourcedId"] for row in found]


@pytest.fixture
def manners() -> Manners:
    return Manners()


@pytest.fixture
def sis(manners: Manners) -> Sis:
    return Sis(manners)


def behaving(manners: Manners) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("manners", [manners])


def minor(reply: requests.Response) -> tuple[int, str, str]:
    body = reply.json()
    assert (body["imsx_codeMajor"], body["imsx_severity"]) == ("failure", "error")
    (field,) = body["imsx_CodeMinor"]["imsx_codeMinorField"]
    code = field["imsx_codeMinorFieldValue"]
    return reply.status_code, code, body["imsx_description"]


# Operations


def test_every_read_of_the_rostering_service_is_there() -> None:
    rostering = [part for part in OPERATIONS if part.room == "rostering"]
    assert len(rostering) == 41
    assert {part.method for part in rostering} == {"GET"}


def test_every_path_of_the_dialect_is_served_and_no_other() -> None:
    dialect = DIALECTS["1.2"]
    read = {part.path for part in OPERATIONS if part.method == "GET"}
    singles = {f"{path}/*" for path in KINDS} | {
        f"{path}/*"
        for path in ["schools", "terms", "gradingPeriods", "students", "teachers"]
    }
    assert read == dialect.readable | singles
    posted = {part.path for part in OPERATIONS if part.method == "POST"}
    assert posted == dialect.postable


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("orgs", "d s1 s2"),
        ("schools", "s1 s2"),
        ("academicSessions", "year fall spring q1"),
        ("terms", "fall spring"),
        ("gradingPeriods", "q1"),
        ("courses", "math art"),
        ("classes", "c1 c2 c/3"),
        ("users", "ada bo cy di"),
        ("students", "ada bo"),
        ("teachers", "cy di"),
        ("enrollments", "e-ada-c1 e-bo-c1 e-bo-c2 e-cy-c1 e-di-c2 e-di-c/3"),
        ("demographics", "ada"),
        ("schools/s1/classes", "c1"),
        ("schools/s1/courses", "math"),
        ("schools/s2/courses", "math art"),
        ("schools/s2/enrollments", "e-bo-c2 e-di-c2 e-di-c/3"),
        ("schools/s2/students", "bo"),
        ("schools/s1/teachers", "cy"),
        ("schools/s1/terms", "fall spring"),
        ("schools/s1/classes/c1/enrollments", "e-ada-c1 e-bo-c1 e-cy-c1"),
        ("schools/s1/classes/c1/students", "ada bo"),
        ("schools/s1/classes/c1/teachers", "cy"),
        ("classes/c2/students", "bo"),
        ("classes/c%2F3/teachers", "di"),
        ("courses/math/classes", "c1 c2"),
        ("terms/spring/classes", "c1 c/3"),
        ("terms/fall/gradingPeriods", "q1"),
        ("students/bo/classes", "c1 c2"),
        ("teachers/di/classes", "c2 c/3"),
        ("users/di/classes", "c2 c/3"),
    ],
)
def test_a_rostering_path_gives_what_belongs_there(
    sis: Sis, path: str, ids: str
) -> None:
    assert sis.ids(f"{ROSTERING}/{path}") == ids.split()


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        (f"{GRADEBOOK}/categories", "tests work"),
        (f"{GRADEBOOK}/lineItems", "l1 l2"),
        (f"{GRADEBOOK}/results", "r-ada-l1 r-bo-l1 r-bo-l2"),
        (f"{GRADEBOOK}/scoreScales", "letters"),
        (f"{GRADEBOOK}/assessmentLineItems", "k1"),
        (f"{GRADEBOOK}/assessmentResults", ""),
        (f"{GRADEBOOK}/classes/c1/lineItems", "l1"),
        (f"{GRADEBOOK}/classes/c1/results", "r-ada-l1 r-bo-l1"),
        (f"{GRADEBOOK}/classes/c1/lineItems/l1/results", "r-ada-l1 r-bo-l1"),
        (f"{GRADEBOOK}/classes/c1/students/bo/results", "r-bo-l1"),
        (f"{GRADEBOOK}/classes/c1/categories", "tests"),
        (f"{GRADEBOOK}/classes/c1/scoreScales", "letters"),
        (f"{GRADEBOOK}/schools/s1/scoreScales", "letters"),
        (f"{GRADEBOOK}/schools/s2/scoreScales", ""),
        (f"{RESOURCES}/resources", "book"),
        (f"{RESOURCES}/classes/c1/resources", "book"),
        (f"{RESOURCES}/courses/math/resources", ""),
        (f"{RESOURCES}/users/ada/resources", ""),
    ],
)
def test_a_gradebook_or_resource_path_gives_what_belongs_there(
    sis: Sis, url: str, ids: str
) -> None:
    assert sis.ids(url) == ids.split()


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("schools/s1", "org"),
        ("terms/fall", "academicSession"),
        ("students/ada", "user"),
        ("demographics/ada", "demographics"),
        ("classes/c%2F3", "class"),
        ("enrollments/e-di-c%2F3", "enrollment"),
    ],
)
def test_one_object_comes_in_the_envelope_of_its_kind(
    sis: Sis, path: str, key: str
) -> None:
    body = sis.read(f"{ROSTERING}/{path}")
    assert list(body) == [key]
    assert quote(body[key]["sourcedId"], safe="") == path.partition("/")[2]


def test_a_reference_says_where_its_object_is(sis: Sis) -> None:
    row = sis.read(f"{ROSTERING}/enrollments/e-di-c%2F3")["enrollment"]
    assert row["class"] == {
        "sourcedId": "c/3",
        "type": "class",
        "href": f"{ROSTERING}/classes/c%2F3",
    }
    assert sis.read(row["class"]["href"])["class"]["sourcedId"] == "c/3"
    result = sis.read(f"{GRADEBOOK}/results/r-ada-l1")["result"]
    assert result["lineItem"]["href"] == f"{GRADEBOOK}/lineItems/l1"


@pytest.mark.parametrize(
    ("method", "url", "refused"),
    [
        ("GET", f"{ROSTERING}/orgs/x", (404, "orgs holds no such object")),
        ("GET", f"{ROSTERING}/schools/d", (404, "schools holds no such object")),
        ("GET", f"{ROSTERING}/students/cy", (404, "students holds no such object")),
        (
            "GET",
            f"{ROSTERING}/classes/x/students",
            (404, "classes holds no such object"),
        ),
        (
            "GET",
            f"{ROSTERING}/schools/s1/classes/c2/students",
            (404, "the school has no such class"),
        ),
        ("GET", f"{ROSTERING}/pupils", (404, "OneRoster 1.2 has no such path")),
        ("GET", f"{ROSTERING}/orgs/", (404, "OneRoster 1.2 has no such path")),
        ("GET", f"{ROSTERING}/results", (404, "OneRoster 1.2 has no such path")),
        (
            "GET",
            f"{ROSTERING}/users/ada/enrollments",
            (404, "OneRoster 1.2 has no such path"),
        ),
        ("DELETE", f"{ROSTERING}/users/ada", (405, "the path takes GET only")),
        ("GET", f"{GRADEBOOK}/lineItems/l1/results", (405, "the path takes POST only")),
        (
            "PATCH",
            f"{GRADEBOOK}/results/r",
            (405, "the path takes DELETE, GET, PUT only"),
        ),
        ("DELETE", f"{GRADEBOOK}/results/r", (404, "results holds no such object")),
    ],
)
def test_what_is_not_there_is_refused_in_the_words_of_the_standard(
    sis: Sis, method: str, url: str, refused: tuple[int, str]
) -> None:
    status, code, text = minor(sis.ask(method, url))
    assert (status, text) == refused
    assert code == ("unsupported" if status == 405 else "unknownobject")


# Access


def test_a_token_lets_in_until_it_expires(sis: Sis) -> None:
    headers = {"Authorization": f"Bearer {sis.token()}"}
    url = f"{ROSTERING}/orgs"
    sis.clock.now = NOON + timedelta(seconds=3599)
    assert sis.session.get(url, headers=headers).status_code == 200
    sis.clock.now = NOON + timedelta(seconds=3600)
    reply = sis.session.get(url, headers=headers)
    assert minor(reply) == (
        401,
        "unauthorisedrequest",
        "the access token has expired; ask again",
    )
    assert reply.headers["WWW-Authenticate"] == "Bearer"


def altered(token: str) -> str:
    body, _, seal = token.partition(".")
    return f"{body[:-4]}AAAA.{seal}"


@pytest.mark.parametrize(
    ("authorization", "text"),
    [
        ("", "no access token; ask for one and send it"),
        ("Basic dG9vbDp3b3Jk", "no access token; ask for one and send it"),
        ("Bearer x", "the access token is not one of ours"),
        ("Bearer \xe9.\xe9", "the access token is not one of ours"),
        ("Bearer {altered}", "the access token is not one of ours"),
    ],
)
def test_without_a_good_token_nothing_is_told(
    sis: Sis, authorization: str, text: str
) -> None:
    value = authorization.format(altered=altered(sis.token()))
    headers = {"Authorization": value.encode("latin-1")} if value else {}
    reply = sis.session.get(f"{ROSTERING}/pupils", headers=headers)
    assert minor(reply) == (401, "unauthorisedrequest", text)


def test_a_client_no_longer_known_is_kept_out(sis: Sis) -> None:
    headers = {"Authorization": f"Bearer {sis.token()}"}
    del sis.clients["tool"]
    reply = sis.session.get(f"{ROSTERING}/orgs", headers=headers)
    assert minor(reply)[0] == 401


@pytest.mark.parametrize(
    ("method", "url", "scopes"),
    [
        ("GET", f"{ROSTERING}/users", "roster-core.readonly roster.readonly"),
        ("GET", f"{ROSTERING}/users/ada", "roster-core.readonly roster.readonly"),
        ("GET", f"{ROSTERING}/classes/c1/students", "roster.readonly"),
        ("GET", f"{ROSTERING}/demographics", "roster-demographics.readonly"),
        ("GET", f"{RESOURCES}/resources", "resource-core.readonly resource.readonly"),
        ("GET", f"{GRADEBOOK}/results", "gradebook-core.readonly gradebook.readonly"),
        ("GET", f"{GRADEBOOK}/classes/c1/results", "gradebook.readonly"),
        ("PUT", f"{GRADEBOOK}/results/r", "gradebook.createput"),
        ("POST", f"{GRADEBOOK}/classes/c1/lineItems", "gradebook.createpost"),
        ("DELETE", f"{GRADEBOOK}/results/r", "gradebook.delete"),
        ("GET", f"{GRADEBOOK}/assessmentResults", "assessment.readonly"),
        ("PUT", f"{GRADEBOOK}/assessmentResults/r", "assessment.createput"),
        ("DELETE", f"{GRADEBOOK}/assessmentLineItems/x", "assessment.delete"),
    ],
)
def test_only_the_scopes_of_an_operation_allow_it(
    sis: Sis, method: str, url: str, scopes: str
) -> None:
    allowed = [
        name
        for name, scope in SCOPES.items()
        if sis.ask(method, url, scope, body={}).status_code != 403
    ]
    assert sorted(allowed) == scopes.split()
    refused = sis.ask(method, url, SCOPES["resource.readonly"], body={})
    if refused.status_code == 403:
        needed = scopes.split(maxsplit=1)[0]
        assert minor(refused) == (
            403,
            "forbidden",
            f"the access token needs the scope {needed}",
        )


def grant(**form: str) -> dict[str, str]:
    return {"grant_type": "client_credentials", "scope": ALL} | form


@pytest.mark.parametrize(
    ("form", "basic", "status", "error"),
    [
        (grant(), ("tool", GOOD), 200, None),
        (grant(), ("tool", quote("s3cret:/+%", safe="")), 200, None),
        (grant(client_id="tool", **SECRET), None, 200, None),
        (grant(), ("tool", "word"), 401, "invalid_client"),
        (grant(), ("nobody", "word"), 401, "invalid_client"),
        (grant(), None, 401, "invalid_client"),
        (
            grant(grant_type="password"),
            ("other", "word"),
            400,
            "unsupported_grant_type",
        ),
        (grant(scope=""), ("other", "word"), 400, "invalid_scope"),
        (grant(scope="https://x.example/all"), ("other", "word"), 400, "invalid_scope"),
    ],
)
def test_tokens_are_for_known_clients_that_ask_rightly(
    sis: Sis,
    form: dict[str, str],
    basic: tuple[str, str] | None,
    status: int,
    error: str | None,
) -> None:
    reply = sis.session.post(TOKEN, data=form, auth=basic)
    assert (reply.status_code, reply.json().get("error")) == (status, error)
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)


def test_a_token_reply_says_how_long_and_for_what(sis: Sis) -> None:
    scope = f"{SCOPES['roster.readonly']} https://x.example/all"
    header = b64encode(b"other:word").decode()
    reply = sis.session.post(
        TOKEN, data=grant(scope=scope), headers={"Authorization": f"Basic {header}"}
    )
    body = reply.json()
    assert body.pop("access_token")
    assert body == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": SCOPES["roster.readonly"],
    }
    assert reply.headers["Cache-Control"] == "no-store"


@behaving(Manners(credential_ways=frozenset({"form"})))
def test_a_provider_may_take_credentials_in_the_form_alone(sis: Sis) -> None:
    assert (
        sis.session.post(TOKEN, data=grant(), auth=("other", "word")).status_code == 401
    )
    form = grant(client_id="other", **WORD)
    assert sis.session.post(TOKEN, data=form).status_code == 200


# Pages


def links(reply: requests.Response) -> dict[str, str]:
    return {rel: link["url"] for rel, link in reply.links.items()}


def test_links_lead_through_a_collection(sis: Sis) -> None:
    url = f"{ROSTERING}/enrollments"
    asked = {"limit": "4", "sort": "sourcedId", "filter": "role!='x y'"}
    first = sis.ask("GET", url, params=asked)
    assert first.headers["X-Total-Count"] == "6"
    assert sorted(links(first)) == ["first", "last", "next"]
    second = sis.ask("GET", links(first)["next"])
    assert sorted(links(second)) == ["first", "last", "prev"]
    assert parse_qs(urlsplit(second.url).query) == {
        name: [value] for name, value in (asked | {"offset": "4"}).items()
    }
    assert links(second)["prev"] == links(first)["first"]
    assert links(first)["last"] == links(first)["next"]
    ids = [
        row["sourcedId"]
        for page in (first, second)
        for row in page.json()["enrollments"]
    ]
    assert ids == sorted(sis.ids(url))


def test_an_empty_collection_is_an_empty_list(sis: Sis) -> None:
    reply = sis.ask("GET", f"{GRADEBOOK}/assessmentResults")
    assert reply.json() == {"assessmentResults": []}
    assert reply.headers["X-Total-Count"] == "0"
    assert sorted(links(reply)) == ["first", "last"]


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({"filter": "type='school'"}, "s1 s2"),
        ({"filter": "type='school' AND name~'hi'"}, "s1"),
        ({"filter": "name='Dale' OR sourcedId='d'"}, "d s2"),
        ({"sort": "name"}, "s2 d s1"),
        ({"sort": "name", "orderBy": "desc"}, "s1 d s2"),
        ({"sort": "colour"}, "d s1 s2"),
        ({"limit": "1", "offset": "1"}, "s1"),
        ({"offset": "9"}, ""),
    ],
)
def test_a_query_chooses_orders_and_cuts(
    sis: Sis, params: dict[str, str], ids: str
) -> None:
    assert sis.ids(f"{ROSTERING}/orgs", **params) == ids.split()


def test_numbers_and_nested_fields_are_ordered_as_such(sis: Sis) -> None:
    url = f"{GRADEBOOK}/results"
    by_score = sis.ids(url, sort="score", orderBy="desc")
    assert by_score == ["r-bo-l1", "r-bo-l2", "r-ada-l1"]
    by_item = sis.ids(url, sort="lineItem.sourcedId", orderBy="desc")
    assert by_item[0] == "r-bo-l2"
    by_org = sis.ids(f"{ROSTERING}/users", sort="roles.org.sourcedId")
    assert by_org == ["ada", "bo", "cy", "di"]
    assert sis.ids(f"{ROSTERING}/courses", sort="courseCode") == ["math", "art"]


def test_only_the_fields_asked_for_are_sent(sis: Sis) -> None:
    rows = sis.read(f"{ROSTERING}/orgs", fields="name, type", limit="1")["orgs"]
    assert rows == [{"name": "District", "type": "district"}]
    one = sis.read(f"{ROSTERING}/orgs/{sis.ids(f'{ROSTERING}/orgs')[0]}", fields="name")
    assert one == {"org": {"name": "District"}}
    odd = sis.ask("GET", f"{ROSTERING}/orgs/nobody", params={"fields": "colour"})
    assert minor(odd)[:2] == (400, "invalid_selection_field")


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "0" * 5000 + "1"])
def test_a_number_of_any_length_is_one(sis: Sis, number: str) -> None:
    everyone = sis.ids(f"{ROSTERING}/orgs")
    limit = sis.ids(f"{ROSTERING}/orgs", limit=number)
    assert limit == everyone[: len(limit)]
    offset = sis.ids(f"{ROSTERING}/orgs", offset=number)
    assert offset == (everyone[1:] if number[0] == "0" else [])


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"limit": "0"}, "invaliddata", "limit is no number from 1 on"),
        ({"limit": "ten"}, "invaliddata", "limit is no number from 1 on"),
        ({"offset": "-1"}, "invaliddata", "offset is no number from 0 on"),
        (
            {"filter": "colour='red'"},
            "invalid_filter_field",
            "the filter names a field that is none",
        ),
        (
            {"filter": "name='x"},
            "invalid_filter_field",
            "a value of the filter has no closing quote; add it",
        ),
        (
            {"fields": "name,colour"},
            "invalid_selection_field",
            "fields names a field that is none",
        ),
    ],
)
def test_a_query_that_is_none_is_refused(
    sis: Sis, params: dict[str, str], code: str, text: str
) -> None:
    reply = sis.ask("GET", f"{ROSTERING}/orgs", params=params)
    assert minor(reply) == (400, code, text)


@behaving(
    Manners(
        page_cap=2,
        sends_link=False,
        sends_total=False,
        honours_sort=False,
        honours_filter=False,
        honours_offset=False,
        refuses_unknown_fields=False,
        nests_code_minor=False,
    )
)
def test_a_provider_may_behave_as_real_ones_do(sis: Sis) -> None:
    reply = sis.ask(
        "GET",
        f"{ROSTERING}/orgs",
        params={
            "limit": "50",
            "offset": "2",
            "sort": "name",
            "filter": "type='school'",
            "fields": "sourcedId,colour",
        },
    )
    assert reply.json() == {"orgs": [{"sourcedId": "d"}, {"sourcedId": "s1"}]}
    assert not {"Link", "X-Total-Count"} & set(reply.headers)
    refused = sis.ask("GET", f"{ROSTERING}/orgs/x")
    assert refused.json()["imsx_codeMinor"] == "unknownobject"


def test_a_head_request_counts_without_a_body(sis: Sis) -> None:
    reply = sis.ask("HEAD", f"{ROSTERING}/users")
    assert (reply.headers["X-Total-Count"], reply.content) == ("4", b"")


# Writing


def result(sourced_id: str = "new", **fields: object) -> dict[str, Any]:
    return {
        "sourcedId": sourced_id,
        "status": "active",
        "dateLastModified": "2001-01-01T00:00:00.000Z",
        "lineItem": ref("lineItem", "l1"),
        "student": ref("user", "ada"),
        "scoreStatus": "fully graded",
        "score": 7.5,
        "scoreDate": "2026-10-01",
    } | fields


def test_a_put_creates_and_the_server_dates_it(sis: Sis) -> None:
    reply = sis.ask("PUT", f"{GRADEBOOK}/results/new", body={"result": result()})
    assert (reply.status_code, reply.content) == (201, b"")
    row = sis.read(f"{GRADEBOOK}/results/new")["result"]
    assert row["score"] == 7.5
    assert row["dateLastModified"] == "2026-11-02T12:00:00.000Z"


@pytest.mark.parametrize(
    ("manners", "status"), [(Manners(), 201), (Manners(replaced_status=200), 200)]
)
def test_a_put_replaces_the_whole_object(sis: Sis, status: int) -> None:
    url = f"{GRADEBOOK}/results/new"
    first = {"result": result(comment="Well done", late="true")}
    assert sis.ask("PUT", url, body=first).status_code == 201
    second = result(score=9)
    del second["status"]
    assert sis.ask("PUT", url, body={"result": second}).status_code == status
    row = sis.read(url)["result"]
    assert (row["score"], row["status"]) == (9, "active")
    assert not {"comment", "late"} & set(row)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"sourcedId": "other"}, "sourcedId is not the one of the path; correct one"),
        ({"lineItem": None}, "lineItem is missing"),
        ({"lineItem": ref("lineItem", "x")}, "lineItem refers to nothing in lineItems"),
        ({"lineItem": "l1"}, "lineItem is no reference with a sourcedId"),
        ({"student": ref("user", "cy")}, "student refers to nothing in students"),
        ({"class": {"sourcedId": 5}}, "class is no reference with a sourcedId"),
        ({"scoreStatus": "graded"}, "scoreStatus is no scoreStatus of the standard"),
        ({"score": "7.5"}, "score is not a number"),
        ({"score": True}, "score is not a number"),
        (
            {"scoreDate": "2026-10-01T00:00:00Z"},
            "scoreDate is not a date of the form YYYY-MM-DD",
        ),
        ({"scoreDate": "2026-02-30"}, "scoreDate is not a date of the form YYYY-MM-DD"),
        ({"late": True}, 'late is neither "true" nor "false"'),
        ({"comment": 5}, "comment is not text"),
        ({"status": "closed"}, "status is not active or tobedeleted"),
        (
            {"learningObjectiveSet": [{}]},
            "learningObjectiveSet is no list of sources with objectives",
        ),
        (
            {
                "learningObjectiveSet": [
                    {
                        "source": "case",
                        "learningObjectiveResults": [
                            {"learningObjectiveId": "k", "score": "3"}
                        ],
                    }
                ]
            },
            "learningObjectiveSet is no list of sources with objectives",
        ),
    ],
)
def test_a_put_that_breaks_the_standard_changes_nothing(
    sis: Sis, fields: dict[str, Any], text: str
) -> None:
    body = {"result": result(**fields)}
    reply = sis.ask("PUT", f"{GRADEBOOK}/results/new", body=body)
    status, code, description = minor(reply)
    assert (status, code) == (422, "invaliddata")
    assert description.removesuffix("; correct it and send it again") == text
    assert sis.catalog.read("results", "new") is None


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"{", 400, "the body is not JSON; send JSON"),
        (b"[]", 422, 'the body has not "result" as its one key'),
        (b'{"results": {}}', 422, 'the body has not "result" as its one key'),
        (
            b'{"result": []}',
            422,
            "the body holds no object; correct it and send it again",
        ),
    ],
)
def test_a_body_that_is_no_object_is_refused(
    sis: Sis, body: bytes, status: int, text: str
) -> None:
    headers = {
        "Authorization": f"Bearer {sis.token()}",
        "Content-Type": "application/json",
    }
    reply = sis.session.put(f"{GRADEBOOK}/results/new", data=body, headers=headers)
    assert minor(reply) == (status, "invaliddata", text)


def test_a_sourced_id_outside_the_alphabet_is_refused(sis: Sis) -> None:
    body = {"category": {"sourcedId": "a b", "title": "x"}}
    reply = sis.ask("PUT", f"{GRADEBOOK}/categories/a%20b", body=body)
    assert minor(reply)[2].startswith("sourcedId is not 1 to 255 of ")


ITEM = rows()["lineItems"][0]
RESULT = result()
OBJECTIVES = [
    {
        "source": "case",
        "learningObjectiveResults": [{"learningObjectiveId": "k1", "score": 3.25}],
    }
]
WRITTEN: dict[str, tuple[str, dict[str, Any]]] = {
    "categories": ("category", {"title": "Labs", "weight": 10}),
    "lineItems": (
        "lineItem",
        rows()["lineItems"][0]
        | {
            "learningObjectiveSet": [{"source": "case", "learningObjectiveIds": ["k1"]}]
        },
    ),
    "results": ("result", result(learningObjectiveSet=OBJECTIVES)),
    "scoreScales": ("scoreScale", rows()["scoreScales"][0]),
    "assessmentLineItems": (
        "assessmentLineItem",
        {"title": "Part", "parentAssessmentLineItem": ref("assessmentLineItem", "k1")},
    ),
    "assessmentResults": (
        "assessmentResult",
        {
            "assessmentLineItem": ref("assessmentLineItem", "k1"),
            "student": ref("user", "ada"),
            "score": 3.25,
            "scorePercentile": 88,
            "scoreDate": "2026-10-01",
            "scoreStatus": "fully graded",
            "learningObjectiveSet": OBJECTIVES,
        },
    ),
}


@pytest.mark.parametrize("name", list(WRITTEN))
def test_what_is_put_is_read_back_and_deleted(sis: Sis, name: str) -> None:
    key, fields = WRITTEN[name]
    sent = fields | {"sourcedId": "a/new.one", "status": "active"}
    url = f"{GRADEBOOK}/{name}/a%2Fnew.one"
    assert sis.ask("PUT", url, body={key: sent}).status_code == 201
    row = sis.read(url)[key]
    for field, value in sent.items():
        if isinstance(value, dict):
            assert row[field]["sourcedId"] == value["sourcedId"]
        elif field != "dateLastModified":
            assert row[field] == value
    assert sis.ask("DELETE", url).status_code == 204
    assert sis.ask("GET", url).status_code == 404


def test_a_line_item_with_a_date_that_is_none_is_refused(sis: Sis) -> None:
    for day in ("soon", "2026-10-01"):
        body = {"lineItem": ITEM | {"status": "active", "assignDate": day}}
        reply = sis.ask("PUT", f"{GRADEBOOK}/lineItems/l1", body=body)
        assert minor(reply)[2].startswith("assignDate is not an ISO 8601 date-time; ")


@behaving(Manners(keeps_deleted=True, deleted_status=200))
def test_a_deleted_object_may_stay_as_to_be_deleted(sis: Sis) -> None:
    url = f"{GRADEBOOK}/results/r-ada-l1"
    assert sis.ask("DELETE", url).status_code == 200
    row = sis.read(url)["result"]
    assert (row["status"], row["dateLastModified"]) == (
        "tobedeleted",
        "2026-11-02T12:00:00.000Z",
    )


@pytest.mark.parametrize(
    ("path", "key", "fields"),
    [
        ("classes/c1/lineItems", "lineItems", rows()["lineItems"][0]),
        ("schools/s1/lineItems", "lineItems", rows()["lineItems"][0]),
        ("lineItems/l1/results", "results", result()),
        ("classes/c1/academicSessions/fall/results", "results", result()),
    ],
)
def test_posted_objects_keep_their_ids_where_they_are_free(
    sis: Sis, path: str, key: str, fields: dict[str, Any]
) -> None:
    taken = next(iter(sis.catalog.records(key))).sourced_id
    body = {key: [fields | {"sourcedId": "free"}, fields | {"sourcedId": taken}]}
    reply = sis.ask("POST", f"{GRADEBOOK}/{path}", body=body)
    assert reply.status_code == 201
    first, second = reply.json()["sourcedIdPairs"]
    assert first == {"suppliedSourcedId": "free", "allocatedSourcedId": "free"}
    assert second["suppliedSourcedId"] == taken
    assert second["allocatedSourcedId"] != taken
    for pair in (first, second):
        assert sis.catalog.read(key, pair["allocatedSourcedId"]) is not None


@behaving(Manners(rekeys=True))
def test_a_provider_may_give_every_posted_object_its_own_id(sis: Sis) -> None:
    body = {"results": [result("a"), result("b")]}
    reply = sis.ask("POST", f"{GRADEBOOK}/lineItems/l1/results", body=body)
    pairs = reply.json()["sourcedIdPairs"]
    assert [pair["suppliedSourcedId"] for pair in pairs] == ["a", "b"]
    allocated = {pair["allocatedSourcedId"] for pair in pairs}
    assert len(allocated - {"a", "b"}) == 2


@pytest.mark.parametrize(
    ("path", "fields", "status", "text"),
    [
        ("classes/c2/lineItems", ITEM, 422, "class is not the one of the path"),
        ("schools/s2/lineItems", ITEM, 422, "school is not the one of the path"),
        ("lineItems/l2/results", RESULT, 422, "lineItem is not the one of the path"),
        (
            "classes/c2/academicSessions/fall/results",
            RESULT,
            422,
            "class is not the one of the path",
        ),
        (
            "classes/c1/academicSessions/q1/results",
            RESULT,
            422,
            "academicSession is not the one of the path",
        ),
        ("lineItems/x/results", RESULT, 404, "lineItems holds no such object"),
        ("lineItems/l1/results", RESULT | {"score": "x"}, 422, "score is not a number"),
    ],
)
def test_nothing_is_posted_if_one_object_is_refused(
    sis: Sis, path: str, fields: dict[str, Any], status: int, text: str
) -> None:
    key = path.rpartition("/")[2]
    before = list(sis.catalog.records(key))
    good = result("good") if key == "results" else rows()["lineItems"][0]
    body = {key: [good, fields | {"sourcedId": "bad"}]}
    refused = minor(sis.ask("POST", f"{GRADEBOOK}/{path}", body=body))
    assert refused[0] == status
    assert refused[2].removesuffix("; correct it and send it again") == text
    assert list(sis.catalog.records(key)) == before


def test_an_empty_post_is_refused(sis: Sis) -> None:
    reply = sis.ask("POST", f"{GRADEBOOK}/lineItems/l1/results", body={"results": []})
    assert minor(reply)[2] == "the body holds no list of objects"


# The wire, and our own client


def test_an_observer_hears_of_every_request_and_of_no_secret(sis: Sis) -> None:
    sis.ask("PUT", f"{GRADEBOOK}/results/new", body={"result": result()})
    sis.ask("GET", f"{ROSTERING}/orgs/x?fields=name")
    form = grant(client_id="tool", **WRONG)
    sis.session.post(TOKEN, data=form)
    token = ("POST", "/oauth2/token")
    asked: Mapping[str, object] = {"grant_type": "client_credentials", "scope": ALL}
    assert sis.seen == [
        (*token, 200, asked),
        ("PUT", "/ims/oneroster/gradebook/v1p2/results/new", 201, {"result": result()}),
        (*token, 200, asked),
        ("GET", "/ims/oneroster/rostering/v1p2/orgs/x?fields=name", 404, {}),
        (*token, 401, asked),
    ]
    assert "wrong" not in json.dumps(sis.seen)


def test_a_provider_needs_no_clock_key_or_observer() -> None:
    app = Flask("sis")
    app.register_blueprint(
        blueprint(MemoryCatalog(), clients={"tool": GOOD, "other": "word"})
    )
    session = requests.Session()
    session.mount(HOST, Loopback(app))
    form = grant(client_id="other", **WORD)
    token = session.post(TOKEN, data=form).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert session.get(f"{ROSTERING}/orgs", headers=headers).json() == {"orgs": []}


def test_without_the_raw_path_plain_ids_are_found_all_the_same() -> None:
    app = Flask("sis")
    catalog = MemoryCatalog({"orgs": records_of("orgs", rows()["orgs"])})
    app.register_blueprint(blueprint(catalog, clients={"other": "word"}))

    def without(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        del environ["REQUEST_URI"]
        return app(environ, start_response)

    session = requests.Session()
    session.mount(HOST, Loopback(without))
    form = grant(client_id="other", **WORD)
    token = session.post(TOKEN, data=form).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    reply = session.get(f"{ROSTERING}/orgs/s1", headers=headers)
    assert reply.json()["org"]["name"] == "Hill"


def client_of(sis: Sis, secret: str, scope: str = ALL) -> Client:
    auth = ClientCredentials(TOKEN, "tool", secret, scope=scope, session=sis.session)
    return Client(Service.at(HOST), auth=auth, session=sis.session, page_size=2)


@pytest.mark.parametrize(
    "manners",
    [
        Manners(),
        Manners(sends_link=False),
        Manners(sends_link=False, sends_total=False),
        Manners(page_cap=1, sends_link=False, sends_total=False),
        Manners(page_cap=1),
    ],
)
def test_our_client_reads_every_collection_whole(sis: Sis) -> None:
    client = client_of(sis, GOOD)
    for name in KINDS:
        read = [record.sourced_id for record in client.records(name)]
        assert sorted(read) == sorted(
            record.sourced_id for record in sis.catalog.records(name)
        )


def test_our_client_writes_what_it_then_reads(sis: Sis) -> None:
    client = client_of(sis, GOOD)
    sent = cast("Result", next(iter(records_of("results", [result("a/b")]))))
    client.put("results", sent)
    read = client.read("results", "a/b")
    assert isinstance(read, Result)
    assert (read.score, read.date_last_modified) == (7.5, NOON)
    client.delete("results", "a/b")
    client.delete("results", "a/b")
    assert sis.catalog.read("results", "a/b") is None
    item = cast("LineItem", sis.catalog.read("lineItems", "l1"))
    assert client.post("classes/c1/lineItems", [item])["l1"] != "l1"


@pytest.fixture
def url(sis: Sis) -> Iterator[str]:
    """Where the provider is served on a real socket."""
    with serving() as start:
        yield start(sis.app, free_port())


def test_a_real_server_serves_the_same(sis: Sis, url: str) -> None:
    auth = ClientCredentials(f"{url}/oauth2/token", "tool", GOOD, scope=ALL)
    client = Client(Service.at(url), auth=auth, page_size=3)
    for name in KINDS:
        read = [record.sourced_id for record in client.records(name)]
        assert read == sorted(one.sourced_id for one in sis.catalog.records(name))
    assert client.read("classes", "c/3").sourced_id == "c/3"
    with pytest.raises(NotFoundError):
        client.read("classes", "c-3")


def test_our_client_is_told_why_it_is_refused(sis: Sis) -> None:
    with pytest.raises(AuthError):
        list(client_of(sis, "wrong").users())
    with pytest.raises(StatusError) as caught:
        list(client_of(sis, GOOD, scope=SCOPES["roster.readonly"]).results())
    assert caught.value.status == 403
