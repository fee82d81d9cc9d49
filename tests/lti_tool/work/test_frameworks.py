"""CASE packages into our tables and out again: nothing lost, nothing done twice."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, jsonify

from lti_tool.errors import ConfigError
from lti_tool.platforms.http import GuardedSession
from lti_tool.storage import frameworks, schema
from lti_tool.storage.database import Database
from lti_tool.work.frameworks import Imported, import_documents, read_document
from mappings.case import format_case, parse_case
from mappings.errors import FrameworkError
from mappings.frameworks import Framework
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lti_tool.work.conftest import Classroom

pytestmark = pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
# name, items, edges; counted in the files by hand (shared/data/case/SOURCE.md)
PACKAGES = (
    ("ccss-math.cfpackage.json", 746, 746),
    ("alaska-math.cfpackage.json", 782, 782),
    ("teks-math.cfpackage.json", 1515, 1515),
)
EXTRAS = (
    ("ccss-math.progressions.json", 1041),
    ("teks-to-ccss.crosswalk.json", 258),
)


def load(database: Database, *documents: tuple[str, object]) -> list[Imported]:
    return import_documents(database, documents, NOW)


def stored(database: Database, framework_id: int = 1) -> Framework:
    with database.read() as session:
        return frameworks.load_package(session, framework_id)


@pytest.fixture
def real(shared_data: Path) -> list[tuple[str, object]]:
    names = [one[0] for one in (*EXTRAS, *PACKAGES)]
    return [(name, read_document(str(shared_data / "case" / name))) for name in names]


def test_the_real_packages_arrive_whole_and_once(
    database: Database, real: list[tuple[str, object]]
) -> None:
    done = {one.name: one for one in load(database, *real)}
    for name, items, edges in PACKAGES:
        brought = done[name].framework
        assert brought is not None
        assert (brought.competencies.added, brought.associations.added) == (
            items,
            edges,
        )
    for name, edges in EXTRAS:
        assert (done[name].associations.added, done[name].problems) == (edges, ())
    with database.read() as session:
        listed = frameworks.load_list(session)
        ccss = frameworks.find_framework(
            session, "c6496676-d7cb-11e8-824f-0242ac160002"
        )
        assert len(frameworks.load_precedes(session, ccss)) == 757
    assert sorted(one["competencies"] for one in listed) == [746, 782, 1515]
    for name, document in real[2:]:
        brought = done[name].framework
        assert brought is not None
        parsed = parse_case(document)[0]
        kept = stored(database, brought.framework_id)
        assert kept == parsed
        assert format_case(kept) == format_case(parsed)
    again = load(database, *real)
    assert [one.is_nothing for one in again] == [True] * 5
    assert sum(one.associations.same for one in again) == 746 + 782 + 1515 + 1041 + 258


def package(*codes: str) -> dict[str, Any]:
    def record(guid: str) -> dict[str, Any]:
        return {
            "identifier": guid,
            "uri": f"https://case.example/{guid}",
            "lastChangeDateTime": "2026-01-01T00:00:00+00:00",
        }

    def node(guid: str) -> dict[str, str]:
        return {
            "title": guid,
            "identifier": guid,
            "uri": f"https://case.example/{guid}",
        }

    return {
        "CFDocument": record("doc") | {"title": "Grade 7", "creator": "us"},
        "CFItems": [
            record(f"i-{code}")
            | {"fullStatement": f"Can {code}", "humanCodingScheme": code, "x": [1]}
            for code in codes
        ],
        "CFAssociations": [
            record(f"a-{code}")
            | {
                "associationType": "isChildOf",
                "originNodeURI": node(f"i-{code}"),
                "destinationNodeURI": node("doc"),
                "sequenceNumber": len(codes) - place,
            }
            for place, code in enumerate(codes)
        ],
    }


def edge(guid: str, origin: str, destination: str) -> dict[str, Any]:
    made = package("x")["CFAssociations"][0]
    for end, name in (("originNodeURI", origin), ("destinationNodeURI", destination)):
        made[end] = {**made[end], "identifier": name}
    return {**made, "identifier": guid, "associationType": "precedes"}


def test_what_is_exported_is_what_was_read(database: Database) -> None:
    document = package("B", "A", "C")
    load(database, ("p", document))
    assert stored(database) == parse_case(document)[0]
    assert format_case(stored(database)) == format_case(parse_case(document)[0])
    with database.read() as session:
        order = stored(database).in_order()
        assert [item.human_code for item, _depth in order] == ["C", "A", "B"]
        assert frameworks.load_case_ids(session) == {"i-A", "i-B", "i-C"}


def test_importing_again_changes_nothing(room: Classroom) -> None:
    document = package("A", "B")
    (first,) = load(room.database, ("p", document))
    before = room.rows(schema.competency), room.rows(schema.association)
    (again,) = import_documents(
        room.database, [("p", deepcopy(document))], NOW + timedelta(days=1)
    )
    assert (first.is_nothing, again.is_nothing) == (False, True)
    assert (room.rows(schema.competency), room.rows(schema.association)) == before


def test_what_vanished_is_retired_and_comes_back(room: Classroom) -> None:
    load(room.database, ("p", package("A", "B")))
    (done,) = load(room.database, ("p", package("A")))
    assert done.framework is not None
    assert (done.framework.competencies.retired, done.associations.retired) == (1, 1)
    assert len(stored(room.database, 2).competencies) == 1
    assert room.count(schema.competency) == 4  # the two of the room, and these two
    (back,) = load(room.database, ("p", package("A", "B")))
    assert back.framework is not None
    items = back.framework.competencies
    assert (items.returned, items.changed, items.same) == (1, 0, 1)
    # The edge of A changed too: it has another number beside B's.
    assert (back.associations.returned, back.associations.changed) == (1, 1)
    assert len(stored(room.database, 2).competencies) == 2


def test_an_edge_that_came_before_its_package_joins_it(database: Database) -> None:
    document = package("A", "B")
    extra = {"CFAssociations": [edge("a-A", "i-A", "i-B"), edge("e-1", "i-A", "i-B")]}
    load(database, ("p", package("A", "B")), ("extra", extra))
    document["CFAssociations"] += extra["CFAssociations"][1:]
    (done,) = load(database, ("p", document))
    assert (done.associations.added, done.associations.same) == (1, 2)
    assert {one.case_id for one in stored(database).associations} == {
        "a-A",
        "a-B",
        "e-1",
    }
    assert load(database, ("p", document))[0].is_nothing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<html>Sign in</html>",
            (
                "is no JSON (it begins with '<html>Si'); give a CASE package, a JSON "
                "object with CFDocument, CFItems and CFAssociations"
            ),
        ),
        (
            "[" * 100_000,
            (
                "is no JSON (it begins with '[[[[[[[['); give a CASE package, a JSON "
                "object with CFDocument, CFItems and CFAssociations"
            ),
        ),
    ],
)
def test_what_is_no_json_is_refused_with_its_beginning(
    tmp_path: Path, database: Database, text: str, message: str
) -> None:
    del database
    path = tmp_path / "page.json"
    path.write_text(text)
    with pytest.raises(FrameworkError) as caught:
        read_document(str(path))
    assert str(caught.value) == f"{path} {message}"


@pytest.mark.parametrize("document", [[], {}, {"CFItems": []}, {"users": [1]}, 7])
def test_what_is_not_case_is_refused_and_nothing_is_stored(
    room: Classroom, document: object
) -> None:
    before = room.count(schema.framework)
    with pytest.raises(FrameworkError, match=r"^bad\.json: "):
        load(room.database, ("good.json", package("A")), ("bad.json", document))
    assert room.count(schema.framework) == before


def test_a_file_that_is_not_there_says_so(tmp_path: Path, database: Database) -> None:
    del database
    path = tmp_path / "none.json"
    with pytest.raises(ConfigError) as caught:
        read_document(str(path))
    assert str(caught.value) == (
        f"{path} cannot be read (No such file or directory); name a CASE package, "
        "a table (.csv) or a file of associations"
    )


def test_a_package_is_read_from_an_address(
    database: Database, serve: Callable[..., str]
) -> None:
    app = Flask("case")
    app.add_url_rule("/package", "package", lambda: jsonify(package("A")))
    url = serve(app, free_port())
    session = GuardedSession(frozenset({"127.0.0.1"}))
    load(database, ("p", read_document(f"{url}/package", session)))
    assert stored(database).title == "Grade 7"
    with pytest.raises(ConfigError, match="answered 404; check the address"):
        read_document(f"{url}/other", session)
