"""What others pull from us over OneRoster, by our own client on a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from io import UnsupportedOperation
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import insert

from lti_tool.app import create_app
from lti_tool.demo.servers import Servers
from lti_tool.errors import ConfigError, NotFoundError
from lti_tool.settings import Settings
from lti_tool.storage import api_clients as stored
from lti_tool.storage import schema, sources, standing
from lti_tool.storage.database import Database
from lti_tool.work import api_clients
from lti_tool.work.published import PublishedCatalog
from mappings.counting import USUAL_KINDS
from oneroster.auth import ClientCredentials
from oneroster.client import Client
from oneroster.dialects import DIALECTS, Version
from oneroster.errors import AuthError, StatusError
from oneroster.errors import NotFoundError as NothingThereError
from oneroster.models import User
from oneroster.provider_operations import OPERATIONS
from oneroster.service import Service
from oneroster.transport import Patience
from tests.lti_tool.published import CASE, LEVELLED, SYNCED, District
from tests.ports import free_port

ALL = tuple(one for one in api_clients.SCOPES if one in DIALECTS["1.2"].scopes)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def district(database: Database) -> District:
    return District(database)


@pytest.fixture
def app(database: Database, tmp_path: Path) -> Flask:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    return create_app(Settings(data_dir=tmp_path, secret_key_file=key), database)


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    servers = Servers("127.0.0.1")
    port = free_port()
    servers.serve(app, port)
    yield f"http://127.0.0.1:{port}"
    servers.stop()


class Puller:
    """A warehouse with credentials of ours."""

    def __init__(
        self,
        url: str,
        database: Database,
        *,
        source: str | None = "hill",
        scopes: tuple[str, ...] = ALL,
    ) -> None:
        self.url, self.database = url, database
        with database.write() as session:
            self.made = api_clients.add(
                session,
                "warehouse",
                scopes=scopes,
                source=source,
                made_by="test",
                now=datetime.now(UTC),
            )
        self.scopes = scopes

    def client(self, version: Version = "1.2", page_size: int = 100) -> Client:
        auth = ClientCredentials(
            f"{self.url}/oauth2/token",
            self.made.client_id,
            self.made.secret,
            scope=DIALECTS[version].scope(
                *(one for one in self.scopes if one in DIALECTS[version].scopes)
            ),
        )
        service = Service.at(self.url, version)
        patience = Patience(attempts=1)
        return Client(service, auth=auth, page_size=page_size, patience=patience)

    def token(self) -> str:
        answer = requests.post(
            f"{self.url}/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "scope": DIALECTS["1.2"].scope(*self.scopes),
            },
            auth=(self.made.client_id, self.made.secret),
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def ask(
        self, path: str, method: str = "GET", room: str = "rostering"
    ) -> requests.Response:
        return requests.request(
            method,
            f"{self.url}/ims/oneroster/{room}/v1p2/{path}",
            headers={"Authorization": f"Bearer {self.token()}"},
            json={} if method in {"PUT", "POST"} else None,
            timeout=30,
        )


@pytest.fixture
def hill(url: str, district: District) -> Puller:
    return Puller(url, district.database)


def ids(records: Any) -> list[str]:  # noqa: ANN401 -- records of any kind
    return [one.sourced_id for one in records]


def test_every_attainment_comes_back_as_an_assessment_result(
    hill: Puller, district: District
) -> None:
    """Levels alone: who left, waits or ended is not told of."""
    found = list(hill.client(page_size=1).assessment_results())
    course, (first, second) = district.courses["hill"], district.competencies
    ada, bo = district.people["hill/ada"], district.people["hill/bo"]
    assert [(one.sourced_id, one.status) for one in found] == [
        (f"mb-c{course}-k{first}-p{ada}", "active"),
        (f"mb-c{course}-k{first}-p{bo}", "tobedeleted"),
        (f"mb-c{course}-k{second}-p{ada}", "active"),
    ]
    one = found[0]
    assert one.student.sourced_id == "ada"
    assert one.assessment_line_item.sourced_id == f"mb-c{course}-k{first}"
    assert (one.score, one.text_score) == (3.0, "Meets")
    assert (one.score_date, one.score_status) == (date(2026, 11, 21), "fully graded")
    assert one.date_last_modified == LEVELLED
    (group,) = one.learning_objective_set
    (objective,) = group.learning_objective_results
    assert group.source == "case"
    assert objective.learning_objective_id == CASE.format(0)
    assert (objective.score, objective.text_score) == (3.0, "Meets")
    assert "0.875" not in one.model_dump_json()
    assert one.metadata == {
        "why": {
            "rule": "certainty",
            "parameter": None,
            "settings": {
                "order": "submitted",
                "minimum_pieces": 1,
                "counts": sorted(USUAL_KINDS),
                "successor_share": 0.0,
                "mastery": "Proficient",
            },
            "evidence": 1,
            "is_by_teacher": False,
            "computed_at": LEVELLED.isoformat(),
        }
    }


def test_a_line_item_stands_below_its_framework_with_its_scale(
    hill: Puller, district: District
) -> None:
    client = hill.client()
    course, (first, second) = district.courses["hill"], district.competencies
    above = f"mb-f{district.framework}-s{district.sources['hill']}"
    items = list(client.assessment_line_items())
    assert ids(items) == [f"mb-c{course}-k{first}", f"mb-c{course}-k{second}", above]
    assert (items[2].title, items[2].class_) == ("Science", None)
    item = items[0]
    assert (item.title, item.description) == ("PS1-1", "Do PS1-1")
    assert item.class_ is not None
    assert item.class_.sourced_id == "c/1"
    assert item.parent_assessment_line_item is not None
    assert item.parent_assessment_line_item.sourced_id == above
    assert item.learning_objective_set[0].learning_objective_ids == (CASE.format(0),)
    assert item.score_scale is not None
    scale = client.read("scoreScales", item.score_scale.sourced_id)
    (only,) = client.score_scales()
    assert only == scale
    values = [(v.item_value_lhs, v.item_value_rhs) for v in only.score_scale_value]
    assert values[-1][1] == f"{item.result_value_max:g}"


def test_the_roster_comes_back_under_the_ids_of_the_sis(hill: Puller) -> None:
    client = hill.client()
    assert ids(client.orgs()) == ["d", "s1"]
    assert ids(client.schools()) == ["s1"]
    assert ids(client.academic_sessions()) == ["q1", "t1"]
    assert ids(client.records("terms")) == ["t1"]
    assert ids(client.records("gradingPeriods")) == ["q1"]
    assert ids(client.courses()) == ["sci"]
    (only,) = client.classes()
    assert (only.sourced_id, only.title, only.grades) == (
        "c/1",
        "Science hill",
        ("09",),
    )
    assert only.date_last_modified == SYNCED
    assert [(one.sourced_id, one.status) for one in client.users()] == [
        ("ada", "active"),
        ("bo", "active"),
        ("cy", "active"),
        ("di", "active"),
        ("ed", "tobedeleted"),
    ]
    ada = client.read("students", "ada")
    assert isinstance(ada, User)
    assert [(held.role, held.org.sourced_id) for held in ada.roles] == [
        ("student", "s1")
    ]
    assert len(list(client.enrollments())) == 5


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("schools/s1/classes", ["c/1"]),
        ("schools/s1/courses", ["sci"]),
        ("schools/s1/enrollments", ["e-ada", "e-bo", "e-cy", "e-di", "e-ed"]),
        ("schools/s1/students", ["ada", "bo", "cy", "di", "ed"]),
        ("schools/s1/teachers", []),
        ("schools/s1/terms", ["t1"]),
        ("schools/s1/classes/c%2F1/students", ["ada", "bo", "di", "ed"]),
        ("schools/s1/classes/c%2F1/teachers", []),
        (
            "schools/s1/classes/c%2F1/enrollments",
            ["e-ada", "e-bo", "e-cy", "e-di", "e-ed"],
        ),
        ("classes/c%2F1/students", ["ada", "bo", "di", "ed"]),
        ("classes/c%2F1/teachers", []),
        ("courses/sci/classes", ["c/1"]),
        ("terms/t1/classes", ["c/1"]),
        ("terms/t1/gradingPeriods", ["q1"]),
        ("students/ada/classes", ["c/1"]),
        ("users/cy/classes", []),
        ("demographics", []),
        ("teachers", []),
    ],
)
def test_a_nested_path_tells_what_belongs_there(
    hill: Puller, path: str, found: list[str]
) -> None:
    if path == "demographics":
        assert hill.ask(path).status_code == 403
        return
    answer = hill.ask(path)
    assert answer.status_code == 200, answer.text
    (rows,) = answer.json().values()
    assert [row["sourcedId"] for row in rows] == found
    assert answer.headers["X-Total-Count"] == str(len(found))


def test_every_read_operation_answers(hill: Puller, district: District) -> None:
    """None fails, and those of the SIS's own gradebook are empty."""
    course, first = district.courses["hill"], district.competencies[0]
    known = {
        "academicSessions": "t1",
        "terms": "t1",
        "gradingPeriods": "q1",
        "orgs": "d",
        "schools": "s1",
        "courses": "sci",
        "classes": "c%2F1",
        "users": "ada",
        "students": "ada",
        "enrollments": "e-ada",
        "assessmentLineItems": f"mb-c{course}-k{first}",
        "assessmentResults": f"mb-c{course}-k{first}-p{district.people['hill/ada']}",
        "scoreScales": f"mb-s{course}",
    }
    token = hill.token()
    statuses: dict[str, int] = {}
    for one in OPERATIONS:
        steps = one.path.split("/")
        filled = [
            known.get(steps[place - 1], "x") if step == "*" else step
            for place, step in enumerate(steps)
        ]
        if one.method == "GET":
            answer = requests.get(
                f"{hill.url}/ims/oneroster/{one.room}/v1p2/{'/'.join(filled)}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            )
            statuses[one.path] = answer.status_code
    assert {path for path, status in statuses.items() if status >= 500} == set()
    assert {path for path, status in statuses.items() if status == 403} == {
        path for path in statuses if "demographics" in path or "resources" in path
    }
    assert sorted(path for path, status in statuses.items() if status == 404) == [
        "categories/*",
        "classes/*/lineItems/*/results",
        "lineItems/*",
        "results/*",
        "teachers/*",
        "teachers/*/classes",
    ]


@pytest.mark.parametrize(
    ("path", "wanted", "found"),
    [
        ("users", "familyName='lee' AND givenName='ADA'", ["ada"]),
        ("users", "givenName='Ada' OR givenName='Bo'", ["ada", "bo"]),
        ("users", "givenName~'d'", ["ada", "di", "ed"]),
        ("users", "givenName!='Ada'", ["bo", "cy", "di", "ed"]),
        ("users", "status='tobedeleted'", ["ed"]),
        ("users", "middleName='x'", []),
        ("users", "middleName!='x'", ["ada", "bo", "cy", "di", "ed"]),
        ("users", "enabledUser='true' AND sourcedId='bo'", ["bo"]),
        ("users", "enabledUser='maybe'", []),
        ("users", "sourcedId!='ada'", ["bo", "cy", "di", "ed"]),
        ("users", "userIds.identifier='cy'", ["cy"]),
        ("users", "givenName>'c'", ["cy", "di", "ed"]),
        ("users", "givenName='Ädä'", []),
        ("orgs", "parent.sourcedId='d'", ["s1"]),
        ("academicSessions", "startDate<'2026-09-01'", ["t1"]),
        ("academicSessions", "startDate='soon'", []),
        ("academicSessions", "dateLastModified<'2026-08-02'", ["t1"]),
        ("classes", "grades~'09'", ["c/1"]),
    ],
)
def test_a_filter_finds_the_same_in_the_database_as_in_memory(
    hill: Puller, path: str, wanted: str, found: list[str]
) -> None:
    assert ids(hill.client().records(path, filter=wanted)) == found


def test_results_are_filtered_by_line_item_student_and_score(
    hill: Puller, district: District
) -> None:
    client = hill.client()
    item = f"mb-c{district.courses['hill']}-k{district.competencies[1]}"

    def count(wanted: str) -> int:
        return len(list(client.assessment_results(filter=wanted)))

    assert count(f"assessmentLineItem.sourcedId='{item}'") == 1
    assert count("student.sourcedId='ada'") == 2
    assert count("score>='3'") == 2
    assert count("score='x'") == 0
    assert count("status='tobedeleted'") == 1


def test_a_delta_tells_what_was_computed_since(
    hill: Puller, district: District
) -> None:
    client = hill.client()
    since = "dateLastModified>'2026-11-21T09:00:00.000Z'"
    assert list(client.assessment_results(filter=since)) == []
    later = LEVELLED + timedelta(hours=2)
    with district.database.write() as session:
        district.level(
            session,
            district.courses["hill"],
            district.people["hill/bo"],
            district.competencies[1],
            has_value=True,
            computed_at=later,
        )
    (new,) = client.assessment_results(filter=since)
    assert (new.student.sourced_id, new.date_last_modified) == ("bo", later)
    key = (
        district.courses["hill"],
        district.people["hill/bo"],
        district.competencies[1],
    )
    gone_at = later + timedelta(hours=1)
    with district.database.write() as session:
        gone = standing.load_cells(session, [key[0]], [key[1]])[key]
        standing.save(session, [], [gone], gone_at)
    (gone_now,) = client.assessment_results(filter=since)
    assert (gone_now.sourced_id, gone_now.status, gone_now.score) == (
        new.sourced_id, "tobedeleted", None,
    )  # fmt: skip
    assert gone_now.date_last_modified == gone_at


def test_pages_are_sorted_and_carry_their_headers(hill: Puller) -> None:
    answer = hill.ask("users?sort=givenName&orderBy=desc&limit=2&offset=1")
    assert [one["sourcedId"] for one in answer.json()["users"]] == ["di", "cy"]
    assert answer.headers["X-Total-Count"] == "5"
    assert 'rel="next"' in answer.headers["Link"]
    assert answer.headers["Cache-Control"] == "no-store"
    named = hill.ask("users?fields=sourcedId,givenName&limit=1").json()["users"]
    assert named == [{"sourcedId": "ada", "givenName": "Ada"}]
    sorted_ids = hill.ask("assessmentResults?sort=sourcedId", room="gradebook").json()
    shown = [one["sourcedId"] for one in sorted_ids["assessmentResults"]]
    assert shown == sorted(shown)


def test_one_source_is_not_seen_by_the_client_of_another(
    url: str, district: District
) -> None:
    """Both use the same sourcedIds; nothing of one is told to the other."""
    hill = Puller(url, district.database)
    dale = Puller(url, district.database, source="dale")
    for name in ("classes", "users", "assessmentLineItems", "assessmentResults"):
        ours, theirs = (one.client().records(name) for one in (hill, dale))
        seen, told = list(ours), list(theirs)
        assert len(seen) == len(told)
        if name.startswith("assessment"):
            assert not set(ids(seen)) & set(ids(told))
    (title,) = [one.title for one in dale.client().classes()]
    assert title == "Science dale"
    foreign = ids(hill.client().assessment_results())[0]
    with pytest.raises(NothingThereError):
        dale.client().read("assessmentResults", foreign)
    with pytest.raises(NothingThereError):
        dale.client().read("scoreScales", f"mb-s{district.courses['hill']}")


def test_a_client_of_all_sources_sees_each_identifier_with_its_source(
    url: str, district: District
) -> None:
    both = Puller(url, district.database, source=None)
    client = both.client()
    hill, dale = district.sources["hill"], district.sources["dale"]
    assert ids(client.classes()) == [f"s{hill}.c/1", f"s{dale}.c/1"]
    results = list(client.assessment_results())
    assert len(results) == 6
    assert {one.student.sourced_id for one in results} == {
        f"s{source}.{who}" for source in (hill, dale) for who in ("ada", "bo")
    }
    wanted = f"student.sourcedId='s{dale}.ada'"
    assert len(list(client.assessment_results(filter=wanted))) == 2
    assert list(client.users(filter="sourcedId='ada'")) == []
    students = both.ask(f"classes/s{dale}.c%2F1/students").json()["users"]
    assert [one["sourcedId"] for one in students] == [
        f"s{dale}.{who}" for who in ("ada", "bo", "di", "ed")
    ]
    assert both.ask("classes/c%2F1/students").status_code == 404
    other = f"schools/s{hill}.s1/classes/s{dale}.c%2F1/students"
    assert both.ask(other).status_code == 404


def test_1_1_reads_the_roster_with_one_role_a_user(hill: Puller) -> None:
    client = hill.client("1.1")
    users = list(client.users())
    assert ids(users) == ["ada", "bo", "cy", "di", "ed"]
    answer = requests.get(
        f"{hill.url}/ims/oneroster/v1p1/users/ada",
        headers={"Authorization": f"Bearer {hill.token()}"},
        timeout=30,
    )
    assert answer.json()["user"]["role"] == "student"


def test_nothing_is_written(hill: Puller) -> None:
    for method, path in (
        ("PUT", "assessmentResults/x"),
        ("DELETE", "assessmentResults/x"),
        ("POST", "classes/c%2F1/lineItems"),
    ):
        refused = hill.ask(path, method, "gradebook")
        assert refused.status_code == 405
        assert refused.headers["Allow"] == "GET"
    catalog = PublishedCatalog(hill.database, None)
    user = next(iter(catalog.records("users")))
    for act in (
        lambda: catalog.write("users", user),
        lambda: catalog.delete("users", "ada"),
    ):
        with pytest.raises(UnsupportedOperation, match=r"^users \".+\" is only read$"):
            act()


def test_a_client_has_the_scopes_it_was_given_and_no_others(
    url: str, district: District
) -> None:
    only = Puller(url, district.database, scopes=("assessment.readonly",))
    assert len(list(only.client().assessment_results())) == 3
    assert only.ask("users").status_code == 403
    only.scopes = ("roster.readonly",)
    with pytest.raises(AuthError):
        list(only.client().users())


def test_a_removed_client_is_let_in_no_more_at_once(hill: Puller) -> None:
    token = hill.token()
    asked = {"Authorization": f"Bearer {token}"}
    address = f"{hill.url}/ims/oneroster/rostering/v1p2/orgs"
    assert requests.get(address, headers=asked, timeout=30).status_code == 200
    with hill.database.write() as session:
        client = stored.load(session, hill.made.client_id)
        assert client.used_at is not None
        api_clients.remove(session, client, who="test", now=NOW)
        api_clients.remove(session, client, who="test", now=NOW)
    assert requests.get(address, headers=asked, timeout=30).status_code == 401
    with pytest.raises(AuthError):
        list(hill.client().orgs())


def test_wrong_secrets_are_counted_and_then_not_listened_to(
    hill: Puller, log_lines: Callable[[], list[str]]
) -> None:
    """The secret and the token are in no log line and no table."""

    def ask(secret: str) -> requests.Response:
        return requests.post(
            f"{hill.url}/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "scope": DIALECTS["1.2"].scope("assessment.readonly"),
            },
            auth=(hill.made.client_id, secret),
            timeout=30,
        )

    assert [ask("wrong").status_code for _ in range(5)] == [401] * 5
    refused = ask(hill.made.secret)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert refused.json()["error"] == "temporarily_unavailable"
    told = "\n".join(log_lines())
    assert "api token refused" in told
    assert hill.made.secret not in told
    with hill.database.read() as session:
        held = session.execute(schema.api_client.select()).mappings().all()
    assert hill.made.secret not in str(held)


def test_a_client_is_of_the_only_source_unless_another_is_named(
    database: Database,
) -> None:
    def add(source: str | None = None, name: str = "w") -> str | None:
        with database.write() as session:
            made = api_clients.add(
                session, name, scopes=ALL, source=source, made_by="t", now=NOW
            )
        return made.source

    def make(name: str) -> None:
        values = {"name": name, "kind": "csv", "location": "x"}
        with database.write() as session:
            sources.add_source(session, values, NOW)

    assert add() is None
    make("hill")
    assert add() == "hill"
    make("dale")
    assert add() is None
    assert add("dale") == "dale"
    with pytest.raises(NotFoundError):
        add("vale")
    with pytest.raises(ConfigError, match="give the client a name"):
        add(name=" ")
    with database.write() as session, pytest.raises(ConfigError, match="choose scopes"):
        api_clients.add(
            session,
            "w",
            scopes=["roster-demographics.readonly"],
            source=None,
            made_by="t",
            now=NOW,
        )
    with database.read() as session, pytest.raises(NotFoundError, match="more than"):
        stored.load(session, "w")
    with database.write() as session:
        sources.remove_source(session, "dale")
    with database.read() as session:
        assert len(stored.load_all(session)) == 3


def test_many_records_are_read_in_chunks(district: District) -> None:
    """A filter the database does not know looks through them one by one."""
    source = district.sources["dale"]
    rows = [
        {
            "source_id": source,
            "sourced_id": f"o{place:04}",
            "fingerprint": "f",
            "name": "Ü" if place == 2400 else "o",
            "kind": "department",
        }
        for place in range(2500)
    ]
    with district.database.write() as session:
        session.execute(insert(schema.org), rows)
    catalog = PublishedCatalog(district.database, source)
    found = [one.sourced_id for one in catalog.records("orgs")]
    assert len(found) == len(set(found)) == 2502
    assert list(catalog.records("lineItems")) == []


def test_a_person_is_told_by_the_id_that_sits_in_the_class(
    hill: Puller, district: District
) -> None:
    """A newer record of the same person in another school does not speak for her."""
    with district.database.write() as session:
        session.execute(
            insert(schema.sis_user).values(
                source_id=district.sources["hill"],
                sourced_id="ada-2",
                fingerprint="f",
                person_id=district.people["hill/ada"],
                given_name="Ada",
                family_name="Lee",
                is_enabled=True,
            )
        )
    found = hill.client().assessment_results(filter="score='3'")
    assert {one.student.sourced_id for one in found} == {"ada"}


def test_what_is_not_there_is_404(hill: Puller) -> None:
    with pytest.raises(NothingThereError):
        hill.client().read("assessmentLineItems", "mb-c9-k9")
    with pytest.raises(StatusError):
        list(hill.client().records("classes/none/students"))


@pytest.mark.parametrize(
    "path",
    [
        "users/%00",
        "classes/a%00/students",
        "users?filter=givenName%3D'%00'",
        "users?filter=sourcedId%3D'%00'",
        "users?filter=dateLastModified%3E'99999-01-01'",
        "users?filter=dateLastModified%3E'0001-01-01T00:00:00%2B14:00'",
        "enrollments?filter=primary%3D'maybe'",
        f"users?offset={'9' * 30}",
        f"users?limit={'9' * 30}",
        "users/%F0%9F%98%80%ED%A0%80",
    ],
)
def test_odd_questions_break_nothing(hill: Puller, path: str) -> None:
    answer = hill.ask(path)
    assert answer.status_code in (200, 400, 404), answer.text
    assert answer.headers["Content-Type"] == "application/json"
