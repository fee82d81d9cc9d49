"""The demo's own framework: a CASE 1.1 package a teacher can read."""

from __future__ import annotations

import json
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import FormatChecker
from jsonschema.validators import validator_for

from lti_tool.demo.school import load_framework
from mappings.case import parse_case

LEVELS = ["Beginning", "Developing", "Proficient", "Advanced"]


@pytest.fixture(scope="module")
def package() -> dict[str, Any]:
    return load_framework()


@pytest.fixture(scope="module")
def competencies(package: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        item["humanCodingScheme"]: item
        for item in package["CFItems"]
        if item["CFItemType"] == "Competency"
    }


def edges(package: dict[str, Any], kind: str) -> list[tuple[str, str]]:
    return [
        (edge["originNodeURI"]["identifier"], edge["destinationNodeURI"]["identifier"])
        for edge in package["CFAssociations"]
        if edge["associationType"] == kind
    ]


def test_it_is_a_valid_case_package(package: dict[str, Any], shared_data: Path) -> None:
    text = (shared_data / "case" / "case-v1p1-cfpackage.schema.json").read_text("utf-8")
    schema = json.loads(text)
    validator = validator_for(schema)(schema, format_checker=FormatChecker())
    assert [error.message for error in validator.iter_errors(package)] == []


def test_our_own_reader_has_nothing_to_say_about_it(package: dict[str, Any]) -> None:
    framework, problems = parse_case(package)
    assert problems == ()
    assert len(framework.competencies) == 45


def test_it_has_forty_competencies_in_five_areas(package: dict[str, Any]) -> None:
    kinds = Counter(item["CFItemType"] for item in package["CFItems"])
    assert kinds == {"Area": 5, "Competency": 40}


def test_codes_count_up_within_their_area(
    competencies: dict[str, dict[str, Any]],
) -> None:
    sizes = {"RP": 8, "NS": 9, "EE": 9, "G": 8, "SP": 6}
    assert list(competencies) == [
        f"{area}.{number}"
        for area, size in sizes.items()
        for number in range(1, 1 + size)
    ]


def test_every_identifier_is_a_uuid_of_its_own(package: dict[str, Any]) -> None:
    criteria = package["CFRubrics"][0]["CFRubricCriteria"]
    things = [
        package["CFDocument"],
        *package["CFItems"],
        *package["CFAssociations"],
        *(thing for kind in package["CFDefinitions"].values() for thing in kind),
        *package["CFRubrics"],
        *criteria,
        *(level for row in criteria for level in row["CFRubricCriterionLevels"]),
    ]
    names = [str(UUID(thing["identifier"])) for thing in things]
    assert len(names) == len(set(names)) == 1 + 45 + 94 + 4 + 1 + 40 + 160
    assert [thing["uri"] for thing in things] == [f"urn:uuid:{name}" for name in names]


def test_every_item_has_one_parent_and_a_place_among_its_siblings(
    package: dict[str, Any],
) -> None:
    children = [child for child, _ in edges(package, "isChildOf")]
    assert sorted(children) == sorted(i["identifier"] for i in package["CFItems"])
    places: dict[str, list[int]] = {}
    for edge in package["CFAssociations"]:
        if edge["associationType"] == "isChildOf":
            parent = edge["destinationNodeURI"]["identifier"]
            places.setdefault(parent, []).append(edge["sequenceNumber"])
    assert len(places) == 6
    assert all(found == list(range(1, 1 + len(found))) for found in places.values())


def test_prerequisites_join_competencies_and_never_run_in_a_circle(
    package: dict[str, Any], competencies: dict[str, dict[str, Any]]
) -> None:
    known = {item["identifier"] for item in competencies.values()}
    before: dict[str, set[str]] = {}
    prerequisites = edges(package, "precedes")
    for first, later in prerequisites:
        before.setdefault(later, set()).add(first)
    assert len(set(prerequisites)) == len(prerequisites) == 49
    assert {end for pair in prerequisites for end in pair} <= known
    assert set(TopologicalSorter(before).static_order()) <= known


def test_every_competency_describes_the_four_levels(
    package: dict[str, Any], competencies: dict[str, dict[str, Any]]
) -> None:
    (rubric,) = package["CFRubrics"]
    described = []
    for row in rubric["CFRubricCriteria"]:
        levels = row["CFRubricCriterionLevels"]
        assert [level["quality"] for level in levels] == LEVELS
        assert [level["score"] for level in levels] == [1, 2, 3, 4]
        assert len({level["description"] for level in levels}) == 4
        described.append(row["CFItemURI"]["identifier"])
    assert described == [item["identifier"] for item in competencies.values()]


def test_statements_fit_a_sentence_and_a_column_header(
    competencies: dict[str, dict[str, Any]],
) -> None:
    for item in competencies.values():
        assert len(item["abbreviatedStatement"]) <= 48
        assert 40 < len(item["fullStatement"]) < 160
        assert item["fullStatement"].endswith(".")
        assert item["educationLevel"] == ["07"]


def test_anyone_may_share_it_with_credit(package: dict[str, Any]) -> None:
    (licence,) = package["CFDefinitions"]["CFLicenses"]
    links = [package["CFDocument"]["licenseURI"]]
    links += [item["licenseURI"] for item in package["CFItems"]]
    assert {link["identifier"] for link in links} == {licence["identifier"]}
    assert "(CC BY 4.0)" in licence["licenseText"]
