"""Single records of a CASE service, and where they go."""

from typing import Any

import pytest

from mappings.case_parts import Part, holds, parse_part, patched

ITEM = {"identifier": "i-1", "fullStatement": "Add"}
EDGE = {"identifier": "e-1", "associationType": "precedes"}
RUBRIC = {
    "identifier": "r-1",
    "CFRubricCriteria": [{"identifier": "c", "CFItemURI": {"identifier": "i-2"}}],
}
KIND = {"identifier": "t-1", "title": "Standard"}
LICENCE = {"identifier": "l-1", "licenseText": "free"}


@pytest.mark.parametrize(
    ("document", "records"),
    [
        (ITEM, {"CFItems": (ITEM,)}),
        ({"CFItem": ITEM}, {"CFItems": (ITEM,)}),
        (EDGE, {"CFAssociations": (EDGE,)}),
        ({"CFAssociation": EDGE}, {"CFAssociations": (EDGE,)}),
        (
            {"CFItem": ITEM, "CFAssociations": [EDGE, "odd", {}]},
            {"CFItems": (ITEM,), "CFAssociations": (EDGE,)},
        ),
        (RUBRIC, {"CFRubrics": (RUBRIC,)}),
        ({"CFRubric": RUBRIC}, {"CFRubrics": (RUBRIC,)}),
        ({"CFItemTypes": [KIND]}, {"CFItemTypes": (KIND,)}),
        ({"CFSubjects": [KIND]}, {"CFSubjects": (KIND,)}),
        ({"CFConcepts": [KIND]}, {"CFConcepts": (KIND,)}),
        (LICENCE, {"CFLicenses": (LICENCE,)}),
        ({"CFAssociationGrouping": KIND}, {"CFAssociationGroupings": (KIND,)}),
    ],
)
def test_each_endpoint_is_read_wrapped_or_not(
    document: object, records: dict[str, Any]
) -> None:
    part = parse_part(document)

    assert part is not None
    assert part.records == records


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"CFDocument": {}, "CFRubrics": [RUBRIC]},
        {"CFPackage": {}},
        {"CFItem": {"fullStatement": "no GUID"}},
        {"users": []},
    ],
)
def test_what_is_no_part_is_left_to_others(document: object) -> None:
    assert parse_part(document) is None


def test_a_part_says_where_it_belongs() -> None:
    item = ITEM | {"CFDocumentURI": {"identifier": "doc"}}
    part = Part({"CFItems": (item,), "CFRubrics": (RUBRIC,)})

    assert part.items == {"i-1", "i-2"}
    assert part.documents == {"doc"}


def package() -> dict[str, Any]:
    return {
        "CFItems": [{"identifier": "i-1", "fullStatement": "old"}, "odd"],
        "CFAssociations": [{"identifier": "e-1"}],
        "CFDefinitions": {"CFItemTypes": [{"identifier": "t-1"}]},
    }


def test_records_stand_in_the_place_of_the_old_ones_or_at_the_end() -> None:
    more = {"identifier": "i-9", "fullStatement": "New"}
    part = Part(
        {
            "CFItems": (more, ITEM),
            "CFRubrics": (RUBRIC,),
            "CFItemTypes": (KIND,),
        }
    )

    assert patched(package(), part) == {
        "CFItems": [ITEM, "odd", more],
        "CFAssociations": [{"identifier": "e-1"}],
        "CFDefinitions": {"CFItemTypes": [KIND]},
        "CFRubrics": [RUBRIC],
    }


def test_edges_and_definitions_go_only_where_they_are_held() -> None:
    far = {"identifier": "e-9", "associationType": "isPeerOf"}
    part = Part({"CFAssociations": (EDGE, far), "CFItemTypes": (KIND,)})

    assert part.within(package()).records == {
        "CFAssociations": (EDGE,),
        "CFItemTypes": (KIND,),
    }
    assert part.within({}).records == {}
    assert (holds(package(), part), holds({}, part)) == (True, False)
