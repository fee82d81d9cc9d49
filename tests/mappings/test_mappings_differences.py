"""What changed between two versions of a framework, and back again."""

from copy import deepcopy
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import Framework, parse_case
from mappings.differences import (
    Difference,
    changed_fields,
    differences,
    fingerprint,
    rewound,
    said,
)

DOCUMENT = "c6496676-d7cb-11e8-824f-0242ac160002"
WHEN = "2026-01-01T00:00:00+00:00"


def record(case_id: str, **fields: object) -> dict[str, Any]:
    return {
        "identifier": case_id,
        "uri": f"https://publisher.test/{case_id}",
        "lastChangeDateTime": WHEN,
    } | fields


def node(case_id: str) -> dict[str, str]:
    uri = f"https://publisher.test/{case_id}"
    return {"identifier": case_id, "title": case_id, "uri": uri}


def edge(case_id: str, origin: str, destination: str) -> dict[str, Any]:
    return record(
        case_id,
        associationType="precedes",
        originNodeURI=node(origin),
        destinationNodeURI=node(destination),
    )


def package() -> dict[str, Any]:
    return {
        "CFDocument": record(DOCUMENT, title="Mathematics", creator="us"),
        "CFItems": [
            record("i-1", fullStatement="Add", humanCodingScheme="7.1"),
            record("i-2", fullStatement="Subtract", educationLevel=["07"]),
        ],
        "CFAssociations": [edge("e-1", "i-1", "i-2")],
        "CFRubrics": [record("r-1", title="Four levels"), "odd"],
        "CFDefinitions": {
            "CFItemTypes": [record("t-1", title="Standard", hierarchyCode="1")],
            "CFLicenses": [record("l-1", title="Free", licenseText="Free")],
        },
    }


def read(document: dict[str, Any]) -> Framework:
    return parse_case(document)[0]


def mirrored(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    """A copy as a mirror gives it: its own addresses, instants in its own way."""
    if isinstance(value, dict):
        return {name: mirrored(part) for name, part in value.items()}
    if isinstance(value, list):
        return [mirrored(part) for part in value]
    if value == WHEN:
        return "2025-12-31T19:00:00.000-05:00"
    if isinstance(value, str):
        return value.replace("publisher.test", "mirror.test/ims")
    return value


def test_a_mirror_changes_nothing() -> None:
    ours, theirs = package(), mirrored(package())

    assert differences(read(ours), read(theirs)) == ()
    assert fingerprint(ours) == fingerprint(theirs)
    assert ours != theirs


def test_a_framework_does_not_differ_from_itself() -> None:
    assert differences(read(package()), read(package())) == ()


def test_each_change_is_told_with_its_fields_as_they_were_and_are() -> None:
    new = package()
    new["CFDocument"]["title"] = "Mathematics 7"
    new["CFItems"][0] |= {"fullStatement": "Add integers", "notes": "new"}
    new["CFItems"][1] = record("i-3", fullStatement="Multiply")
    new["CFAssociations"] = []
    new["CFRubrics"][0]["title"] = "Levels"
    del new["CFDefinitions"]["CFLicenses"]

    found = differences(read(package()), read(new))

    old = package()
    assert found == (
        Difference(
            "changed",
            "document",
            DOCUMENT,
            {"title": "Mathematics"},
            {"title": "Mathematics 7"},
        ),
        Difference(
            "changed",
            "competency",
            "i-1",
            {"fullStatement": "Add", "notes": None},
            {"fullStatement": "Add integers", "notes": "new"},
        ),
        Difference("added", "competency", "i-3", None, new["CFItems"][1]),
        Difference("retired", "competency", "i-2", old["CFItems"][1]),
        Difference("retired", "association", "e-1", old["CFAssociations"][0]),
        Difference(
            "changed", "rubric", "r-1", {"title": "Four levels"}, {"title": "Levels"}
        ),
        Difference(
            "retired",
            "definition",
            "CFLicenses/l-1",
            old["CFDefinitions"]["CFLicenses"][0],
        ),
    )


def test_a_record_only_saved_again_is_no_change() -> None:
    new = package()
    new["CFItems"][0]["lastChangeDateTime"] = "2026-02-02T00:00:00Z"

    assert differences(read(package()), read(new)) == ()
    assert fingerprint(new["CFItems"][0]) != fingerprint(package()["CFItems"][0])


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("lastChangeDateTime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000"),
        ("lastChangeDateTime", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z"),
        ("CFDocumentURI", "https://a.test/x/D-1", "urn:uuid:D-1"),
        (
            "licenseURI",
            {"identifier": "l", "uri": "a"},
            {"identifier": "l", "uri": "b"},
        ),
        ("originNodeURI", node("x"), node("x") | {"title": "as the mirror names it"}),
    ],
)
def test_two_ways_of_writing_say_the_same(
    name: str, one: object, other: object
) -> None:
    assert said(name, one) == said(name, other)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("lastChangeDateTime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
        ("lastChangeDateTime", "spring", "summer"),
        ("fullStatement", "https://a.test/x", "https://b.test/x"),
        ("originNodeURI", node("x"), node("y")),
        ("licenseURI", {"identifier": "l"}, {"identifier": "m"}),
    ],
)
def test_what_says_another_thing_differs(name: str, one: object, other: object) -> None:
    assert said(name, one) != said(name, other)


def test_a_field_that_was_not_there_is_none() -> None:
    assert changed_fields({"notes": "a"}, {"subject": ["b"]}) == (
        {"notes": "a", "subject": None},
        {"notes": None, "subject": ["b"]},
    )


def test_a_version_undone_is_the_one_before() -> None:
    new = package()
    new["CFItems"][0] |= {"fullStatement": "Add integers", "notes": "new"}
    new["CFItems"][1] = record("i-3", fullStatement="Multiply")
    new["CFAssociations"] = [edge("e-2", "i-1", "i-3")]
    del new["CFDefinitions"]
    new["CFRubrics"] = ["odd"]
    old = read(package())

    again = rewound(read(new), differences(old, read(new)))

    assert differences(old, again) == ()
    assert set(again.by_case_id.values()) == set(old.by_case_id.values())
    assert again.package["CFDefinitions"] == old.package["CFDefinitions"]
    assert again.package["CFRubrics"] == old.package["CFRubrics"]


def test_records_without_a_guid_of_their_own_stay_through_undoing() -> None:
    document = package()
    document["CFItems"] += [
        {"fullStatement": "nameless"},
        deepcopy(document["CFItems"][0]),
    ]

    assert rewound(read(document), ()) == read(document)


values = st.one_of(
    st.none(), st.text(max_size=4), st.lists(st.text(max_size=2), max_size=2)
)
names = st.sampled_from(["fullStatement", "notes", "educationLevel", "extensions"])
items = st.dictionaries(
    st.sampled_from(["i-1", "i-2", "i-3"]), st.dictionaries(names, values, max_size=3)
)


@settings(deadline=None, max_examples=60)
@given(items, items)
def test_undoing_any_change_leaves_no_difference(
    one: dict[str, dict[str, object]], other: dict[str, dict[str, object]]
) -> None:
    before, after = (
        read(
            {
                "CFDocument": record(DOCUMENT),
                "CFItems": [
                    record(case_id, **cast("dict[str, Any]", fields))
                    for case_id, fields in chosen.items()
                ],
            }
        )
        for chosen in (one, other)
    )

    again = rewound(after, differences(before, after))

    assert differences(before, again) == ()
