import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import (
    Association,
    Competency,
    Framework,
    FrameworkError,
    Problem,
    format_case,
    parse_associations,
    parse_case,
    topological,
)

UNHURRIED = settings(deadline=None, max_examples=60)

Record = dict[str, object]
PACKAGES = {"ccss-math": 746, "alaska-math": 782, "teks-math": 1515}
DOCUMENT = "c6496676-d7cb-11e8-824f-0242ac160002"
ONE, TWO = (
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
)
EDGE = "00000000-0000-4000-8000-00000000000e"
WHEN = "2026-01-01T00:00:00Z"


def load(shared_data: Path, name: str) -> Record:
    text = (shared_data / "case" / name).read_text(encoding="utf-8")
    return cast("Record", json.loads(text))


def document(**fields: object) -> Record:
    return {
        "identifier": DOCUMENT,
        "uri": "https://x.test/d",
        "creator": "us",
        "title": "Mathematics",
        "lastChangeDateTime": WHEN,
    } | fields


def item(case_id: str, **fields: object) -> Record:
    return {
        "identifier": case_id,
        "uri": f"https://x.test/{case_id}",
        "fullStatement": "Count",
        "lastChangeDateTime": WHEN,
    } | fields


def edge(case_id: str, kind: str, origin: str, destination: str) -> Record:
    return {
        "identifier": case_id,
        "uri": f"https://x.test/{case_id}",
        "associationType": kind,
        "originNodeURI": {"title": "o", "identifier": origin, "uri": "u:o"},
        "destinationNodeURI": {"title": "d", "identifier": destination, "uri": "u:d"},
        "lastChangeDateTime": WHEN,
    }


def package(items: list[object], edges: list[object], **fields: object) -> Record:
    head = document()
    return {"CFDocument": head, "CFItems": items, "CFAssociations": edges} | fields


@pytest.mark.parametrize("name", PACKAGES)
def test_a_real_package_is_read_and_written_with_nothing_lost(
    shared_data: Path, name: str
) -> None:
    sent = load(shared_data, f"{name}.cfpackage.json")

    framework, problems = parse_case(sent)

    assert problems == ()
    assert len(framework.competencies) == PACKAGES[name]
    kinds = Counter(edge.kind for edge in framework.associations)
    assert kinds == {"isChildOf": PACKAGES[name]}
    assert format_case(framework) == sent
    assert parse_case(format_case(framework)) == (framework, ())


@pytest.mark.parametrize("name", PACKAGES)
def test_every_competency_of_a_real_package_is_met_once_from_the_top(
    shared_data: Path, name: str
) -> None:
    framework, _ = parse_case(load(shared_data, f"{name}.cfpackage.json"))

    met = [competency.case_id for competency, _ in framework.in_order()]

    assert len(framework.roots()) == 3
    assert sorted(met) == sorted(framework.by_case_id)


def test_the_real_progressions_and_crosswalk_are_read_whole(shared_data: Path) -> None:
    ccss, _ = parse_case(load(shared_data, "ccss-math.cfpackage.json"))
    teks, _ = parse_case(load(shared_data, "teks-math.cfpackage.json"))
    known = {*ccss.by_case_id, *teks.by_case_id}

    progressions, progression_problems = parse_associations(
        load(shared_data, "ccss-math.progressions.json"), known
    )
    crosswalk, crosswalk_problems = parse_associations(
        load(shared_data, "teks-to-ccss.crosswalk.json"), known
    )
    whole = ccss.extended(progressions)

    assert (progression_problems, crosswalk_problems) == ((), ())
    assert Counter(edge.kind for edge in progressions) == {
        "precedes": 757,
        "isRelatedTo": 284,
    }
    assert len(crosswalk) == 258
    assert len(topological(whole.precedes())) == 396
    assert whole.extended(progressions) == whole
    assert parse_case(format_case(whole)) == (whole, ())


@pytest.mark.parametrize("version", ["v1p0", "v1p1"])
def test_what_is_written_is_valid_case(shared_data: Path, version: str) -> None:
    rules: Any = load(shared_data, f"case-{version}-cfpackage.schema.json")
    checker = jsonschema.validators.validator_for(rules)(rules)
    ours = Framework(
        DOCUMENT,
        "Grade 7",
        publisher="A school",
        competencies=(Competency(ONE, "Add", "7.1"), Competency(TWO, "Subtract")),
        associations=(Association(EDGE, "precedes", ONE, TWO, sequence=0),),
    )
    theirs, _ = parse_case(load(shared_data, "ccss-math.cfpackage.json"))

    for framework in (ours, theirs):
        written: Any = format_case(framework)
        assert list(checker.iter_errors(written)) == []
    assert parse_case(format_case(ours)) == (ours, ())


def test_a_package_may_be_wrapped() -> None:
    bare = package([item(ONE)], [])

    assert parse_case({"CFPackage": bare}) == parse_case(bare)


def test_fields_we_do_not_know_are_kept() -> None:
    sent = package(
        [item(ONE, extensions={"x": [1]}, humanCodingScheme="", educationLevel=[])],
        [edge(EDGE, "ext:likes", ONE, TWO) | {"notes": "n", "sequenceNumber": 0}],
        CFDefinitions={"CFItemTypes": []},
        CFRubrics=[{"identifier": TWO}],
        extensions={"theirs": True},
    )

    framework, problems = parse_case(sent)

    assert problems == ()
    assert framework.package.keys() == {"CFDefinitions", "CFRubrics", "extensions"}
    assert format_case(framework) == sent


def test_what_deviates_is_told_beside_the_import() -> None:
    sent = package(
        [
            item(ONE, educationLevel="07", language=7),
            item(TWO, educationLevel=["07", 8], fullStatement=""),
            item(ONE, fullStatement="Again"),
            {"fullStatement": "nameless"},
            "not a record",
        ],
        [
            edge(EDGE, "isChildOf", TWO, "elsewhere") | {"sequenceNumber": "3"},
            edge("c", "exactMatchOf", ONE, "elsewhere"),
            edge("d", "exactMatchOf", "nowhere", "elsewhere"),
            {
                "identifier": "e",
                "originNodeURI": {"uri": f"https://x.test/{ONE}"},
                "destinationNodeURI": "text",
            },
        ],
    )

    framework, problems = parse_case(sent)

    assert [competency.case_id for competency in framework.competencies] == [ONE, TWO]
    assert len(framework.associations) == 4
    assert framework.associations[3].origin_case_id == ONE
    assert Counter(problem.code for problem in problems) == {
        "odd_field": 5,
        "missing_field": 4,
        "duplicate": 1,
        "no_identifier": 2,
        "dangling_edge": 3,
    }
    assert problems[0] == Problem(
        "odd_field",
        ONE,
        f"CFItems {ONE}: educationLevel is str where CASE has another kind; "
        "kept and not used",
    )
    assert parse_case(format_case(framework))[0] == framework


def test_what_deviates_is_named_exactly() -> None:
    sent = package(
        [item(ONE), item(ONE), {"fullStatement": ""}],
        [edge(EDGE, "precedes", ONE, "elsewhere") | {"uri": None}],
    )

    _, problems = parse_case(sent)

    assert [(problem.record, problem.text) for problem in problems] == [
        (ONE, f"CFItems[1] repeats identifier {ONE}; the first one stands"),
        ("CFItems[2]", "CFItems[2] has no identifier and is kept unread"),
        (EDGE, f"CFAssociations {EDGE} has no uri; read without it"),
        (
            EDGE,
            (
                f"precedes {EDGE} names node 'elsewhere', which is not here; "
                "kept and not followed"
            ),
        ),
    ]


@pytest.mark.parametrize("kind", ["precedes", "isChildOf"])
def test_a_ring_is_reported_with_its_path(kind: str) -> None:
    sent = package(
        [item(ONE, humanCodingScheme="7.1"), item(TWO, humanCodingScheme="7.2")],
        [edge("a", kind, ONE, TWO), edge("b", kind, TWO, ONE)],
    )

    framework, problems = parse_case(sent)

    assert [(problem.code, problem.record) for problem in problems] == [
        ("ring", DOCUMENT)
    ]
    assert problems[0].text in {
        f"{kind}: edges close a ring: {path}; remove one of them"
        for path in ("7.1 -> 7.2 -> 7.1", "7.2 -> 7.1 -> 7.2")
    }
    assert len(list(framework.in_order())) == 2


def test_lists_that_are_missing_or_alone_are_read() -> None:
    framework, problems = parse_case(
        {"CFDocument": document(creator=["odd"]), "CFItems": item(ONE)}
    )

    assert [competency.case_id for competency in framework.competencies] == [ONE]
    assert [problem.code for problem in problems] == ["odd_field"]
    assert framework.creator == "unknown"
    assert parse_case(format_case(framework)) == (framework, problems)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ([1, 2], "found a JSON list of 2, not a CASE package; "),
        ("<html>", "found a bare str, not a CASE package; "),
        ({}, "found an empty JSON object, not a CASE package; "),
        (
            {"orgs": [], "users": []},
            "found a JSON object with orgs, users, not a CASE package; ",
        ),
        ({"CFPackage": []}, "found a JSON list of 0, not a CASE package; "),
        (
            {"CFDocument": {"title": "x"}},
            (
                "found a CFDocument without identifier, by which a framework is known "
                "again; "
            ),
        ),
        (
            {"CFDocument": "x"},
            (
                "found a CFDocument without identifier, by which a framework is known "
                "again; "
            ),
        ),
    ],
)
def test_what_is_not_case_is_refused_with_the_mend(sent: object, message: str) -> None:
    with pytest.raises(FrameworkError) as refused:
        parse_case(sent)

    assert str(refused.value) == message + (
        "give a CASE package, a JSON object with CFDocument, CFItems and CFAssociations"
    )


def test_associations_alone_are_no_framework() -> None:
    with pytest.raises(FrameworkError) as refused:
        parse_case({"CFAssociations": []})

    assert str(refused.value) == (
        "found CASE associations alone, without the framework they belong to; "
        "import the framework first, then these"
    )


@pytest.mark.parametrize(
    ("sent", "found"),
    [([], "a JSON list of 0"), ({"a": 1}, "a JSON object with a"), (3, "a bare int")],
)
def test_a_file_without_associations_is_refused(sent: object, found: str) -> None:
    with pytest.raises(FrameworkError) as refused:
        parse_associations(sent)

    assert str(refused.value) == (
        f"found {found}, which holds no CASE associations; "
        'give a JSON object {"CFAssociations": [...]}'
    )


def test_associations_to_unknown_nodes_are_kept_and_reported() -> None:
    sent = {"CFAssociations": [edge(EDGE, "precedes", ONE, TWO)]}

    edges, problems = parse_associations(sent, known={ONE})

    assert parse_associations(sent) == (edges, ())
    assert [problem.code for problem in problems] == ["dangling_edge"]


words = st.text(max_size=6)
odd = st.one_of(st.none(), words, st.integers(), st.lists(words, max_size=2))
ids = st.sampled_from([ONE, TWO, "three", DOCUMENT])
nodes = st.one_of(
    odd,
    st.fixed_dictionaries({"identifier": ids}, optional={"title": odd, "uri": odd}),
    st.fixed_dictionaries({"uri": ids}, optional={"title": odd, "identifier": odd}),
)
items = st.fixed_dictionaries(
    {},
    optional={
        "identifier": st.one_of(ids, odd),
        "uri": odd,
        "fullStatement": odd,
        "humanCodingScheme": odd,
        "educationLevel": odd,
        "lastChangeDateTime": st.one_of(odd, st.just("1970-01-01T00:00:00Z")),
        "theirs": odd,
    },
)
edges = st.fixed_dictionaries(
    {"identifier": st.one_of(ids, odd)},
    optional={
        "associationType": st.sampled_from(["precedes", "isChildOf", "", None]),
        "originNodeURI": nodes,
        "destinationNodeURI": nodes,
        "sequenceNumber": odd,
    },
)
packages = st.fixed_dictionaries(
    {
        "CFDocument": st.fixed_dictionaries(
            {"identifier": ids},
            optional={"creator": odd, "publisher": odd, "title": odd, "uri": odd},
        )
    },
    optional={
        "CFItems": st.one_of(odd, st.lists(items, max_size=4)),
        "CFAssociations": st.one_of(odd, st.lists(edges, max_size=4)),
        "CFRubrics": odd,
    },
)


@UNHURRIED
@given(packages)
def test_whatever_was_read_is_read_again_the_same(sent: Record) -> None:
    framework, _ = parse_case(sent)

    again, _ = parse_case(format_case(framework))

    assert again == framework
