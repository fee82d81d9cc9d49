"""/api/v1: what changed since and why, over a real socket, on both databases."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import update

from lti_tool.app import create_app
from lti_tool.cli import masterybridge
from lti_tool.demo.servers import Servers
from lti_tool.errors import PullError
from lti_tool.settings import Settings
from lti_tool.storage import schema, standing
from lti_tool.storage.database import Database
from lti_tool.storage.pulls import Place
from lti_tool.work import api_clients, pulls, reasons, whys
from lti_tool.work.openapi import document
from lti_tool.work.pulls import EVIDENCE, LEVELS, OVERLAP, Cursor, Reader, parse_cursor
from oneroster.dialects import DIALECTS
from tests.lti_tool.published import LEVELLED, District
from tests.ports import free_port

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def district(database: Database) -> District:
    district = District(database)
    with database.write() as session:
        session.execute(update(schema.course).values(framework_id=district.framework))
    return district


class Warehouse:
    """A client of ours, with a token of the scopes it was given."""

    def __init__(self, url: str, database: Database, source: str, *scopes: str) -> None:
        self.url = url
        with database.write() as session:
            made = api_clients.add(
                session,
                "warehouse",
                scopes=scopes,
                source=source or None,
                made_by="test",
                now=NOW,
            )
        names = DIALECTS["1.2"].scopes
        answer = requests.post(
            f"{url}/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "scope": " ".join(names.get(one, one) for one in scopes),
            },
            auth=(made.client_id, made.secret),
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]

    def ask(self, path: str, **asked: Any) -> requests.Response:  # noqa: ANN401 -- any parameter's
        return requests.get(
            f"{self.url}{path}",
            params=asked,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
        )

    def pull(self, cursor: str | None = None, limit: int = 1000) -> tuple[Any, str]:
        """Every attainment from a cursor on, and the cursor of the next pull."""
        found: list[dict[str, Any]] = []
        while True:
            asked = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            answer = self.ask("/api/v1/attainments", **asked)
            assert answer.status_code == 200, answer.text
            assert answer.headers["Cache-Control"] == "no-store"
            page = answer.json()
            assert len(page["attainments"]) <= limit
            found += page["attainments"]
            cursor = page["cursor"]
            if not page["has_more"]:
                return found, cursor


@pytest.fixture
def url(database: Database, tmp_path: Path) -> Iterator[str]:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    app = create_app(Settings(data_dir=tmp_path, secret_key_file=key), database)
    servers = Servers("127.0.0.1")
    port = free_port()
    servers.serve(app, port)
    yield f"http://127.0.0.1:{port}"
    servers.stop()


@pytest.fixture
def hill(url: str, district: District) -> Warehouse:
    return Warehouse(url, district.database, "hill", LEVELS, EVIDENCE)


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in found]


def test_a_pull_gives_each_level_of_its_source_once_whatever_the_page(
    hill: Warehouse, district: District
) -> None:
    found, _ = hill.pull()
    course, (first, second) = district.courses["hill"], district.competencies
    ada, bo = district.people["hill/ada"], district.people["hill/bo"]
    assert sorted(ids(found)) == sorted(
        [
            f"mb-c{course}-k{first}-p{ada}",
            f"mb-c{course}-k{second}-p{ada}",
            f"mb-c{course}-k{first}-p{bo}",
        ]
    )
    assert hill.pull(limit=1)[0] == found
    assert hill.pull(limit=2)[0] == found
    one = next(one for one in found if one["id"] == f"mb-c{course}-k{first}-p{ada}")
    assert one["student"] == {"id": ada, "sourced_id": "ada"}
    assert one["course"]["class_sourced_id"] == "c/1"
    assert one["competency"]["code"] == "PS1-1"
    assert (one["level"], one["value"], one["status"]) == ("Meets", 3.0, "active")
    assert one["basis"]["rule"] == "certainty"
    assert "0.875" not in json.dumps(found)
    (gone,) = [one for one in found if one["student"]["id"] == bo]
    assert (gone["status"], gone["level"]) == ("withdrawn", None)


def test_a_reader_of_every_source_sees_each_under_its_number(
    url: str, district: District
) -> None:
    found, _ = Warehouse(url, district.database, "", LEVELS).pull()
    hill, dale = district.sources["hill"], district.sources["dale"]
    assert {one["student"]["sourced_id"] for one in found} == {
        f"s{hill}.ada",
        f"s{hill}.bo",
        f"s{dale}.ada",
        f"s{dale}.bo",
    }


def test_the_next_pull_tells_what_was_worked_out_since_and_a_day_before(
    hill: Warehouse, district: District
) -> None:
    _, cursor = hill.pull()
    assert hill.pull(cursor)[0] == []
    moved = schema.attainment.c
    late = datetime.now(UTC) - timedelta(hours=23)
    with district.database.write() as session:
        session.execute(
            update(schema.attainment)
            .where(moved.person_id == district.people["hill/bo"])
            .values(value=4.0, level_name="Exceeds", computed_at=late)
        )
    found, onward = hill.pull(cursor)
    assert [(one["level"], one["status"]) for one in found] == [("Exceeds", "active")]
    assert hill.pull(onward)[0] == found  # within the day: told again, the same


def test_what_is_stored_while_a_reader_pages_is_not_lost(district: District) -> None:
    reader = Reader(frozenset({LEVELS}), district.sources["hill"])

    def page(cursor: str | None, now: datetime) -> dict[str, Any]:
        read = None if cursor is None else parse_cursor(cursor)
        return pulls.changes(district.database, reader, cursor=read, limit=2, now=now)

    first = page(None, NOW)
    with district.database.write() as session:
        session.execute(
            update(schema.attainment)
            .where(schema.attainment.c.person_id == district.people["hill/ada"])
            .values(level_name="Later", computed_at=NOW)
        )
    second = page(first["cursor"], NOW + timedelta(days=3))
    names = [one["level"] for one in second["attainments"]]
    assert names[-1:] == ["Later"]
    last = second
    while last["has_more"]:
        last = page(last["cursor"], NOW + timedelta(days=3))
    assert parse_cursor(last["cursor"]) == Cursor(Place(NOW - OVERLAP))


def test_why_is_the_document_that_the_command_line_prints(
    hill: Warehouse, district: District
) -> None:
    found, _ = hill.pull()
    one = next(one for one in found if one["status"] == "active")
    answer = hill.ask(one["why"])
    assert answer.status_code == 200, answer.text
    key = (one["course"]["id"], one["student"]["id"], one["competency"]["id"])
    with district.database.read() as session:
        at = datetime.fromisoformat(answer.json()["computed_at"])
        expected = reasons.document(whys.why(session, *key, now=at))
    assert answer.json() == json.loads(json.dumps(expected))
    assert {"rule", "evidence", "arithmetic", "by_rule"} <= answer.json().keys()


def test_evidence_is_not_for_every_reader_nor_that_of_another_source(
    url: str, district: District, hill: Warehouse
) -> None:
    found, _ = hill.pull()
    levels = Warehouse(url, district.database, "hill", LEVELS)
    refused = levels.ask(found[0]["why"])
    assert refused.status_code == 403
    assert EVIDENCE in refused.json()["error"]
    dale = Warehouse(url, district.database, "dale", EVIDENCE)
    assert dale.ask(found[0]["why"]).status_code == 404
    assert dale.ask("/api/v1/attainments").status_code == 403
    bare = requests.get(f"{url}/api/v1/attainments", timeout=30)
    assert (bare.status_code, bare.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_the_table_holds_what_the_pages_hold(
    hill: Warehouse, district: District
) -> None:
    """Whole without a limit; else a page, with the cursor to go on in a header."""
    found, _ = hill.pull()
    whole = hill.ask("/api/v1/attainments.csv")
    assert whole.status_code == 200
    assert whole.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert whole.content[:3] == b"id,"
    lines = list(csv.DictReader(io.StringIO(whole.text)))
    assert [one["id"] for one in lines] == ids(found)
    assert list(lines[0]) == list(pulls.COLUMNS)
    told = next(one for one in found if one["status"] == "active")
    line = lines[found.index(told)]
    assert line["student_sourced_id"] == "ada"
    assert line["competency_guid"] == told["competency"]["guid"]
    assert (line["value"], line["rule"]) == ("3.0", "certainty")
    assert (line["is_mastered"], line["is_by_teacher"]) == ("true", "false")
    assert whole.headers["X-Has-More"] == "false"
    assert hill.pull(whole.headers["X-Next-Cursor"])[0] == []
    seen: list[str] = []
    asked: dict[str, Any] = {"limit": 2}
    while asked:
        page = hill.ask("/api/v1/attainments.csv", **asked)
        seen += [one["id"] for one in csv.DictReader(io.StringIO(page.text))]
        onward = {"limit": 2, "cursor": page.headers["X-Next-Cursor"]}
        asked = onward if page.headers["X-Has-More"] == "true" else {}
    assert seen == ids(found)
    levels = Warehouse(hill.url, district.database, "hill", EVIDENCE)
    assert levels.ask("/api/v1/attainments.csv").status_code == 403
    assert hill.ask("/api/v1/attainments.csv", limit="0").status_code == 400


def test_a_level_nothing_speaks_for_any_more_is_told_as_withdrawn(
    hill: Warehouse, district: District
) -> None:
    _, cursor = hill.pull()
    course, person = district.courses["hill"], district.people["hill/ada"]
    with district.database.write() as session:
        key = (course, person, district.competencies[0])
        gone = standing.load_cells(session, [course], [person])[key]
        standing.save(session, [], [gone], datetime.now(UTC))
    found, _ = hill.pull(cursor)
    one_id = f"mb-c{course}-k{district.competencies[0]}-p{person}"
    assert [(one["id"], one["status"], one["level"]) for one in found] == [
        (one_id, "withdrawn", None)
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": "0"},
        {"limit": "5001"},
        {"limit": "many"},
        {"limit": "-1"},
        {"limit": "\u0665"},
        {"cursor": "yesterday"},
        {"cursor": "1-2-3-4"},
        {"cursor": "9" * 40 + "-1"},
    ],
)
def test_a_page_asked_for_wrongly_is_refused_by_name(
    hill: Warehouse, asked: dict[str, str]
) -> None:
    answer = hill.ask("/api/v1/attainments", **asked)
    assert answer.status_code == 400
    assert next(iter(asked)) in answer.json()["error"]


def test_a_cursor_is_read_as_it_was_written() -> None:
    for one in (Cursor(Place(LEVELLED, 7), NOW), Cursor(Place(LEVELLED))):
        assert parse_cursor(str(one)) == one
    with pytest.raises(PullError):
        parse_cursor("")


def matches(schemas: dict[str, Any], wanted: dict[str, Any], given: Any) -> None:  # noqa: ANN401 -- any JSON
    """Fail where a document is not of its schema, as far as ours go."""
    if "$ref" in wanted:
        wanted = schemas[wanted["$ref"].rpartition("/")[2]]
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    names = wanted["type"] if isinstance(wanted["type"], list) else [wanted["type"]]
    assert any(isinstance(given, kinds[name]) for name in names), (wanted, given)
    if isinstance(given, list):
        for one in given:
            matches(schemas, wanted["items"], one)
    if isinstance(given, dict) and "properties" in wanted:
        assert set(wanted.get("required", ())) <= given.keys()
        for name, value in given.items():
            if name in wanted["properties"]:
                matches(schemas, wanted["properties"][name], value)
        if "required" in wanted:
            assert given.keys() == wanted["properties"].keys()


def test_the_description_says_what_is_answered(hill: Warehouse) -> None:
    told = requests.get(f"{hill.url}/openapi.json", timeout=30).json()
    schemas = told["components"]["schemas"]
    page = hill.ask("/api/v1/attainments").json()
    table = told["paths"].pop("/api/v1/attainments.csv")["get"]
    assert ", ".join(pulls.COLUMNS) in table["description"]
    assert list(table["responses"]["200"]["content"]) == ["text/csv"]
    bodies = {
        "/api/v1/attainments": page,
        "/api/v1/courses/{course}/students/{student}/competencies/{competency}/why": (
            hill.ask(page["attainments"][0]["why"]).json()
        ),
    }
    assert told["paths"].keys() == bodies.keys()
    for path, body in bodies.items():
        good = told["paths"][path]["get"]["responses"]["200"]
        matches(schemas, good["content"]["application/json"]["schema"], body)
    refusal = hill.ask("/api/v1/attainments", limit="0").json()
    matches(schemas, schemas["Refusal"], refusal)


def test_the_command_prints_the_description() -> None:
    found = CliRunner().invoke(masterybridge, ["openapi", "--json"])
    assert found.exit_code == 0
    assert json.loads(found.stdout) == document(Settings().public_url)
