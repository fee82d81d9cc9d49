"""Frameworks from a CASE service on a real socket, as real ones answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, jsonify, request

from lti_tool.errors import ConfigError, PlatformError
from lti_tool.platforms.http import GuardedSession
from lti_tool.storage import frameworks, level_descriptions
from lti_tool.storage.database import Database
from lti_tool.work import case_services
from lti_tool.work.case_services import Unread, is_service
from lti_tool.work.framework_files import read_all, read_document
from lti_tool.work.frameworks import Imported, import_documents
from mappings.errors import FrameworkError
from oneroster.auth import BearerKey
from tests.lti_tool.work.conftest import NOON

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

ROOT = "/ims/case"


def record(case_id: str, **fields: object) -> dict[str, Any]:
    head = {"identifier": case_id, "uri": f"urn:{case_id}"}
    return head | {"lastChangeDateTime": "2026-01-01T00:00:00Z"} | fields


@dataclass
class Service:
    """A CASE service: what it holds, and how it misbehaves."""

    url: str = ""
    versions: dict[str, str] = field(default_factory=dict)  # framework -> version
    wrapped: bool = False
    page: int | None = None  # documents a page whatever was asked; None: as asked
    ignores_offset: bool = False
    total: bool = False
    token: str = ""
    busy: bool = False
    broken: set[str] = field(default_factory=set)
    singles: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def package(self, name: str) -> dict[str, Any]:
        return {
            "CFDocument": record(name, title=f"Framework {name}", creator="us"),
            "CFItems": [record(f"{name}-1", fullStatement="Add")],
            "CFAssociations": [],
        }

    def answer(self, version: str, path: str) -> ResponseReturnValue:
        self.asked.append(request.full_path.rstrip("?"))
        if self.busy:
            return Response(status=503)
        if (
            self.token
            and request.headers.get("Authorization") != f"Bearer {self.token}"
        ):
            return Response(status=401)
        if path == "CFDocuments":
            return self.documents(version)
        if path in self.singles:
            return jsonify(self.singles[path])
        return self.whole(version, path.removeprefix("CFPackages/"))

    def whole(self, version: str, name: str) -> ResponseReturnValue:
        if self.versions.get(name, version) != version:
            return Response(status=409)
        if name in self.broken:
            return Response("<html>", mimetype="text/html")
        found = self.package(name)
        return jsonify({"CFPackage": found} if self.wrapped else found)

    def documents(self, version: str) -> ResponseReturnValue:
        if version == "v1p1" and "v1p1" not in self.versions.values():
            return Response(status=404)
        offset = 0 if self.ignores_offset else int(request.args["offset"])
        size = self.page or int(request.args["limit"])
        names = sorted(self.versions)[offset : offset + size]
        answer = jsonify(
            {"CFDocuments": [record(name, title=f"Framework {name}") for name in names]}
        )
        if self.total:
            answer.headers["X-Total-Count"] = str(len(self.versions))
        return answer


@pytest.fixture
def service(serve: Callable[..., str], unused_port: Callable[[], int]) -> Service:
    made = Service()
    app = Flask("case")
    app.add_url_rule(f"{ROOT}/<version>/<path:path>", "case", made.answer)
    made.url = serve(app, unused_port())
    return made


@pytest.fixture
def session() -> GuardedSession:
    return GuardedSession(frozenset({"127.0.0.1"}))


def names(found: list[Any]) -> list[str]:
    return [
        f"not read: {one.name}"
        if isinstance(one, Unread)
        else next(iter(one))[1]["CFDocument"]["identifier"]
        for one in found
    ]


@pytest.mark.parametrize(
    ("page", "total", "ignores_offset", "pages"),
    [
        (None, False, False, 2),  # all at once, and a page that brings nothing
        (2, False, False, 4),  # a short page of its own size is not the last
        (2, True, False, 3),
        (None, False, True, 2),  # the same page again
    ],
)
@pytest.mark.usefixtures("sqlite_database")
def test_a_whole_service_is_read_however_it_pages(
    service: Service,
    session: GuardedSession,
    page: int | None,
    total: bool,  # noqa: FBT001 -- a parameter of the table
    ignores_offset: bool,  # noqa: FBT001 -- a parameter of the table
    pages: int,
) -> None:
    service.versions = dict.fromkeys("abcde", "v1p1")
    service.page, service.total = page, total
    service.ignores_offset = ignores_offset

    found = list(read_all([service.url + "/"], session))

    assert names(found) == list("abcde")
    assert len([one for one in service.asked if "CFDocuments" in one]) == pages


def test_each_framework_is_found_under_its_own_version_or_told(
    service: Service, session: GuardedSession
) -> None:
    service.versions = {"a": "v1p0", "b": "v1p1", "c": "v1p1"}
    service.broken, service.wrapped = {"c"}, True
    url = f"{service.url}{ROOT}/v1p1/CFDocuments"

    found = list(read_all([url], session))

    a, b, c = found
    assert isinstance(a, list)
    assert isinstance(b, list)
    assert a[0][0] == f"{service.url}{ROOT}/v1p0/CFPackages/a"
    assert b[0][0] == f"{service.url}{ROOT}/v1p1/CFPackages/b"
    assert a[0][1] == {"CFPackage": service.package("a")}
    assert c == Unread(
        "Framework c",
        f"{service.url}{ROOT}/v1p1/CFPackages/c is no JSON (it begins with '<html>'); "
        "give a CASE package, a JSON object with CFDocument, CFItems and "
        "CFAssociations",
    )


def test_a_service_of_the_old_version_alone_is_found(
    service: Service, session: GuardedSession
) -> None:
    service.versions = {"a": "v1p0"}

    assert names(list(read_all([service.url], session))) == ["a"]


@pytest.mark.parametrize(
    ("url", "is_whole"),
    [
        ("https://case.test", True),
        ("https://case.test/", True),
        ("https://case.test/x/ims/case/v1p0", True),
        ("https://case.test/ims/case/v1p1/CFDocuments", True),
        ("https://case.test/ims/case/v1p1/CFDocuments/a", False),
        ("https://case.test/ims/case/v1p1/CFPackages/a", False),
        ("https://case.test/package.json", False),
    ],
)
def test_the_address_of_a_service_is_told_from_that_of_a_document(
    url: str,
    is_whole: bool,  # noqa: FBT001 -- a parameter of the table
) -> None:
    assert is_service(url) is is_whole


def bring(database: Database, session: GuardedSession, url: str) -> list[Imported]:
    return import_documents(database, [(url, read_document(url, session))], NOON)


def test_a_document_stands_for_its_package_and_its_address_is_kept(
    service: Service, session: GuardedSession, sqlite_database: Database
) -> None:
    service.versions = {"a": "v1p0"}

    bring(sqlite_database, session, f"{service.url}{ROOT}/v1p1/CFDocuments/a")
    other = f"{service.url}{ROOT}/v1p0/CFPackages/a"
    (one,) = import_documents(
        sqlite_database, [(other, read_document(other, session))], NOON
    )

    assert one.is_nothing
    with sqlite_database.read() as reading:
        (held,) = frameworks.load_list(reading)
    assert (held["title"], held["case_version"]) == ("Framework a", "1.0")


def test_single_records_go_into_the_framework_that_holds_them(
    service: Service, session: GuardedSession, sqlite_database: Database
) -> None:
    service.versions = {"a": "v1p1"}
    root = f"{service.url}{ROOT}/v1p1"
    node = {"title": "x", "identifier": "a-1", "uri": "urn:a-1"}
    edge = record(
        "e-1",
        associationType="isPeerOf",
        originNodeURI=node,
        destinationNodeURI=node | {"identifier": "far"},
    )
    level = {"identifier": "l", "quality": "Good", "score": 1}
    service.singles = {
        "CFItems/a-1": record("a-1", fullStatement="Add up"),
        "CFItemAssociations/a-1": {
            "CFItem": record("a-1", fullStatement="Add up"),
            "CFAssociations": [edge],
        },
        "CFRubrics/r": {
            "CFRubric": record(
                "r",
                CFRubricCriteria=[
                    {
                        "identifier": "c",
                        "CFItemURI": {"identifier": "a-1"},
                        "CFRubricCriterionLevels": [level],
                    }
                ],
            )
        },
        "CFItems/z": record("z", fullStatement="Nobody's"),
    }
    bring(sqlite_database, session, f"{root}/CFPackages/a")

    (item,) = bring(sqlite_database, session, f"{root}/CFItems/a-1")
    with_edges = bring(sqlite_database, session, f"{root}/CFItemAssociations/a-1")
    (rubric,) = bring(sqlite_database, session, f"{root}/CFRubrics/r")
    with pytest.raises(FrameworkError) as lost:
        bring(sqlite_database, session, f"{root}/CFItems/z")

    assert item.framework is not None
    assert item.framework.competencies.changed == 1
    assert [one.associations.added for one in with_edges] == [0, 1]
    assert rubric.framework is not None
    assert rubric.framework.number == 3
    with sqlite_database.read() as reading:
        package = frameworks.load_package(reading, 1)
        (held,) = frameworks.load_list(reading)
        assert [one.name for one in level_descriptions.load(reading, 1)] == ["Good"]
    assert [one.statement for one in package.competencies] == ["Add up"]
    assert held["source_url"] == f"{root}/CFPackages/a"
    assert str(lost.value) == (
        f"{root}/CFItems/z: found CFItems of a framework that is not here; import the "
        "framework first (the address of its CFPackage), then this"
    )


def test_a_protected_service_says_what_it_wants_and_takes_a_token(
    service: Service, session: GuardedSession
) -> None:
    service.versions, service.token = {"a": "v1p1"}, "secret"
    url = f"{service.url}{ROOT}/v1p1/CFPackages/a"

    with pytest.raises(ConfigError) as refused:
        read_document(url, session)
    session.auth = BearerKey("secret")

    assert str(refused.value) == (
        f"{url} answered 401: it is protected; give its token (on the page, or "
        "--token-file), or --token-url with --client-id and --client-secret-file"
    )
    assert read_document(url, session) == service.package("a")


def test_a_service_that_is_busy_has_not_answered(
    service: Service, session: GuardedSession
) -> None:
    service.busy = True

    with pytest.raises(PlatformError) as busy:
        list(read_all([service.url], session))

    assert (busy.value.code, str(busy.value)) == (
        "status",
        "127.0.0.1 answered 503; try again later",
    )


def test_what_lists_no_documents_is_no_service(
    service: Service, session: GuardedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.versions = dict.fromkeys("abc", "v1p1")
    monkeypatch.setattr(case_services, "MOST_DOCUMENTS", 2)
    with pytest.raises(ConfigError, match="lists more than 2 documents"):
        list(read_all([service.url], session))
    monkeypatch.setattr(service, "documents", lambda _version: jsonify({"users": []}))
    with pytest.raises(ConfigError) as caught:
        list(read_all([service.url], session))

    base = f"{service.url}{ROOT}/v1p1/CFDocuments"
    assert str(caught.value) == (
        f"{base} gives no list of documents; check that this is the address of a CASE "
        "service"
    )


def test_no_private_address_is_asked_that_nobody_named(service: Service) -> None:
    with pytest.raises(PlatformError, match="MASTERYBRIDGE_LOCAL_NETWORK"):
        read_document(f"{service.url}{ROOT}/v1p1/CFPackages/a")
    assert service.asked == []


def test_a_table_is_imported_by_its_name_and_again(
    sqlite_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "Our mathematics.csv"
    path.write_bytes("statement,code\nZählen,7.1\n".encode("cp1252"))

    def again() -> Imported:
        (done,) = import_documents(
            sqlite_database, [(str(path), read_document(str(path)))], NOON
        )
        return done

    assert (again().is_nothing, again().is_nothing) == (False, True)
    with sqlite_database.read() as reading:
        (held,) = frameworks.load_list(reading)
        package = frameworks.load_package(reading, held["id"])
    assert (held["title"], held["origin"]) == ("Our mathematics", "csv")
    assert [one.statement for one in package.competencies] == ["Zählen"]
    path.write_text("statement,code\n,7.1\n")
    with pytest.raises(FrameworkError) as refused:
        again()
    assert str(refused.value) == (
        f"{path}: row 2: it has no statement; write what a student can do"
    )


def test_a_part_in_a_file_goes_after_the_package_it_belongs_to(
    sqlite_database: Database,
) -> None:
    item = record("a-1", fullStatement="Add up")

    done = import_documents(
        sqlite_database,
        [
            ("item.json", item),
            ("a.json", json.loads(json.dumps(Service().package("a")))),
        ],
        NOON,
    )

    assert [one.name for one in done] == ["a.json", "item.json"]
