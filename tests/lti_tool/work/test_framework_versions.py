"""Each import that changes something is a version, and a way back to it."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lti_tool.errors import NotFoundError
from lti_tool.storage import framework_versions, frameworks, schema
from lti_tool.storage.database import Database
from lti_tool.work.frameworks import Imported, import_documents
from mappings.case import format_case, parse_case
from mappings.differences import Difference, differences
from mappings.errors import FrameworkError

if TYPE_CHECKING:
    from tests.lti_tool.work.conftest import Classroom

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DOC = "c6496676-d7cb-11e8-824f-0242ac160002"


def record(case_id: str, **fields: object) -> dict[str, Any]:
    return {
        "identifier": case_id,
        "uri": f"https://case.test/{case_id}",
        "lastChangeDateTime": "2026-01-01T00:00:00+00:00",
    } | fields


def item(code: str, statement: str) -> dict[str, Any]:
    return record(f"i-{code}", fullStatement=statement, humanCodingScheme=code)


def edge(case_id: str, kind: str, origin: str, destination: str) -> dict[str, Any]:
    def node(name: str) -> dict[str, str]:
        return {"identifier": name, "title": name, "uri": f"https://case.test/{name}"}

    return record(
        case_id,
        associationType=kind,
        originNodeURI=node(origin),
        destinationNodeURI=node(destination),
    )


def package(*items: dict[str, Any], edges: list[Any] | None = None) -> dict[str, Any]:
    return {
        "CFDocument": record(DOC, title="Grade 7", creator="us", version="2026"),
        "CFItems": list(items),
        "CFAssociations": edges or [],
    }


def bring(database: Database, *documents: object, days: int = 0) -> list[Imported]:
    named = [(f"{place}.json", one) for place, one in enumerate(documents)]
    return import_documents(database, named, NOW + timedelta(days=days))


def versions(database: Database, framework_id: int) -> list[tuple[Any, ...]]:
    with database.read() as session:
        found = framework_versions.load_versions(session, framework_id)
    return [(one["number"], one["label"], one["counts"]) for one in found]


def test_an_import_that_changes_something_is_a_version(room: Classroom) -> None:
    database = room.database
    (first,) = bring(database, package(item("A", "Add"), item("B", "Bisect")))
    assert first.framework is not None
    here = first.framework.framework_id
    (same,) = bring(database, package(item("A", "Add"), item("B", "Bisect")), days=1)
    (second,) = bring(database, package(item("A", "Add up"), item("C", "Count")))
    (third,) = bring(database, package(item("A", "Add up"), item("B", "Bisect")))

    assert [
        one.framework.number for one in (first, same, second, third) if one.framework
    ] == [1, None, 2, 3]
    assert versions(database, here) == [
        (3, "2026", {"returned": 1, "retired": 1, "problems": 0}),
        (2, "2026", {"added": 1, "changed": 1, "retired": 1, "problems": 0}),
        (1, "2026", {"added": 2, "problems": 0}),
    ]
    with database.read() as session:
        assert framework_versions.load_changes(session, here, 1) == []
        assert framework_versions.load_changes(session, here, 2) == [
            Difference("added", "competency", "i-C", None, item("C", "Count")),
            Difference(
                "changed",
                "competency",
                "i-A",
                {"fullStatement": "Add"},
                {"fullStatement": "Add up"},
            ),
            Difference("retired", "competency", "i-B", item("B", "Bisect")),
        ]
        with pytest.raises(NotFoundError) as caught:
            framework_versions.load_changes(session, here, 4)
    assert str(caught.value) == "the framework has no version 4; its newest is 3"


def test_every_version_is_found_again_as_it_stood(room: Classroom) -> None:
    sent = [
        package(item("A", "Add"), edges=[edge("e", "isChildOf", "i-A", DOC)]),
        package(item("A", "Add up"), item("B", "Bisect")),
        package(item("B", "Bisect")) | {"CFRubrics": [record("r", title="Levels")]},
        package(item("A", "Add"), item("B", "Bisect")),
    ]
    done = [bring(room.database, deepcopy(one))[0].framework for one in sent]
    assert done[0] is not None
    for number, document in enumerate(sent, 1):
        with room.database.read() as session:
            found = framework_versions.load_package_at(
                session, done[0].framework_id, number
            )
        assert differences(found, parse_case(document)[0]) == ()


def test_a_mirror_brings_no_version_and_the_first_address_stays(
    room: Classroom,
) -> None:
    sent = package(item("A", "Add"))
    (first,) = bring(room.database, sent)
    mirror = deepcopy(sent)
    for one in (mirror["CFDocument"], *mirror["CFItems"]):
        one["uri"] = one["uri"].replace("case.test", "mirror.test")
        one["lastChangeDateTime"] = "2026-01-01T00:00:00.000Z"

    (again,) = bring(room.database, mirror)

    assert (again.is_nothing, len(versions(room.database, 2))) == (True, 1)
    assert first.framework is not None
    with room.database.read() as session:
        stored = frameworks.load_package(session, first.framework.framework_id)
    assert format_case(stored) == sent


def test_what_was_only_saved_again_is_kept_and_makes_no_version(
    room: Classroom,
) -> None:
    bring(room.database, package(item("A", "Add")))
    newer = package(item("A", "Add") | {"lastChangeDateTime": "2026-05-05T00:00:00Z"})

    (again,) = bring(room.database, newer)

    assert again.is_nothing
    with room.database.read() as session:
        stored = frameworks.load_package(session, 2)
    assert format_case(stored)["CFItems"] == newer["CFItems"]


def test_an_edge_that_two_frameworks_publish_belongs_to_both(room: Classroom) -> None:
    shared = edge("e-shared", "precedes", "i-A", "i-B")
    one = package(item("A", "Add"), item("B", "Bisect"), edges=[shared])
    other = deepcopy(one)
    other["CFDocument"]["identifier"] = "other"
    extra = {"CFAssociations": [deepcopy(shared)]}

    bring(room.database, one, other, extra)
    bring(room.database, one | {"CFAssociations": []})

    with room.database.read() as session:
        first, second = (
            frameworks.find_framework(session, name) for name in (DOC, "other")
        )
        assert frameworks.load_package(session, first).associations == ()
        assert [
            edge.case_id
            for edge in frameworks.load_package(session, second).associations
        ] == ["e-shared"]
        assert frameworks.load_precedes(session, second) == [("i-A", "i-B")]
    assert room.count(schema.association) == 2


RING = "precedes"


@pytest.mark.parametrize("way", ["package", "extra"])
def test_a_ring_of_prerequisites_is_refused_with_its_path(
    room: Classroom, way: str
) -> None:
    items = [item("A", "Add"), item("B", "Bisect"), item("C", "Count")]
    good = [edge("e-1", RING, "i-A", "i-B"), edge("e-2", RING, "i-B", "i-C")]
    bad = edge("e-3", RING, "i-C", "i-A")
    bring(room.database, package(*items, edges=good))
    before = room.rows(schema.association), room.rows(schema.framework_version)

    with pytest.raises(FrameworkError) as caught:
        bring(
            room.database,
            package(*items, edges=[*good, bad])
            if way == "package"
            else {"CFAssociations": [bad]},
        )

    text = str(caught.value)
    paths = ("A -> B -> C -> A", "B -> C -> A -> B", "C -> A -> B -> C")
    assert text in {
        f"prerequisites: edges close a ring: {path}; remove one of them; "
        "nothing was stored"
        for path in paths
    }
    assert before == (
        room.rows(schema.association),
        room.rows(schema.framework_version),
    )


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        (
            "humanCodingScheme",
            "7" * 300,
            (
                f"0.json: CFItem {'7' * 60!r} has a human_code of 300 characters "
                f"({'7' * 20!r}...); shorten it to 255"
            ),
        ),
        (
            "fullStatement",
            "Add \x00 up",
            (
                "0.json: CFItem 'A' has a statement with a character that is none "
                "('Add \\x00 up'); remove it"
            ),
        ),
    ],
)
def test_what_no_database_holds_is_refused_by_name(
    room: Classroom, field: str, text: str, message: str
) -> None:
    with pytest.raises(FrameworkError) as caught:
        bring(room.database, package(item("A", "Add") | {field: text}))

    assert str(caught.value) == message
    assert room.count(schema.framework) == 1


def test_problems_stay_beside_the_version(room: Classroom) -> None:
    lost = edge("e", RING, "i-A", "nowhere")
    bring(room.database, package(item("A", "Add"), edges=[lost]))

    ((counts, problems),) = room.rows(schema.framework_version, "counts", "problems")

    assert counts == {"added": 2, "problems": 1}
    assert problems == [
        [
            "dangling_edge",
            "e",
            "precedes e names node 'nowhere', which is not here; kept and not followed",
        ]
    ]
