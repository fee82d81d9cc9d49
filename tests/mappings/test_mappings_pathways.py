import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import (
    FrameworkError,
    NextStep,
    gap,
    groups,
    is_enriched,
    next_steps,
    parse_associations,
    parse_case,
    pathway,
    ready,
)

UNHURRIED = settings(deadline=None, max_examples=60)

# a before b and c, both before d; e before d; f stands alone
PATH = pathway("abcdef", [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("e", "d")])


@pytest.mark.parametrize(
    ("mastered", "open_now"),
    [("", "aef"), ("a", "bcef"), ("abc", "ef"), ("abce", "df"), ("abcdef", "")],
)
def test_what_is_ready_has_all_its_prerequisites(mastered: str, open_now: str) -> None:
    assert sorted(ready(PATH, mastered)) == list(open_now)


@pytest.mark.parametrize(
    ("competency", "mastered", "missing"),
    [
        ("d", "", ["b", "c", "e", "a"]),
        ("d", "be", ["c", "a"]),
        ("d", "abce", []),
        ("a", "", []),
        ("f", "", []),
    ],
)
def test_a_gap_is_nearest_first(
    competency: str, mastered: str, missing: list[str]
) -> None:
    found = gap(PATH, competency, mastered)

    assert sorted(found[:-1]) == sorted(missing[:-1])
    assert found[-1:] == tuple(missing[-1:])


def test_a_gap_that_is_near_and_far_is_far() -> None:
    path = pathway("", [("a", "b"), ("b", "c"), ("a", "c")])

    assert gap(path, "c", "") == ("b", "a")


def test_next_steps_build_on_what_is_mastered() -> None:
    assert next_steps(PATH, "abf") == (NextStep("c", ()), NextStep("e", ()))
    assert next_steps(PATH, "abcf") == (NextStep("e", ("d",)),)
    assert next_steps(PATH, "", limit=1) == (NextStep("a", ("b", "c")),)


def test_students_with_the_same_nearest_gap_are_a_group() -> None:
    mastered = {"ann": "ae", "bo": "abe", "cy": "abce", "di": "abe"}

    found = groups(PATH, "d", mastered)

    assert found["c"] == ("bo", "di") or found["c"] == ("ann", "bo", "di")
    assert sorted(student for group in found.values() for student in group) == [
        "ann",
        "bo",
        "di",
    ]


@pytest.mark.parametrize(
    ("secure", "mastered", "enriched"),
    [("b", "ace", "yes"), ("b", "ae", "no"), ("", "abce", "no")],
)
def test_who_is_secure_with_every_door_open_may_go_beyond(
    secure: str, mastered: str, enriched: str
) -> None:
    found = is_enriched(PATH, "b", secure=secure, mastered=mastered)

    assert found == (enriched == "yes")


def test_a_ring_makes_no_pathway() -> None:
    with pytest.raises(FrameworkError, match="edges close a ring: a -> a"):
        pathway("a", [("a", "a")])


@UNHURRIED
@given(
    st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9))), st.sets(st.integers(0, 9))
)
def test_a_gap_read_backwards_can_be_learned(
    pairs: set[tuple[int, int]], known: set[int]
) -> None:
    edges = [(str(min(pair)), str(max(pair))) for pair in pairs if pair[0] != pair[1]]
    path = pathway(map(str, range(10)), edges)
    mastered = {str(number) for number in known}

    missing = gap(path, "9", mastered)

    learned = set(mastered)
    for case_id in reversed(missing):
        assert path.before[case_id] <= learned
        learned.add(case_id)
    assert path.before["9"] <= learned


def test_the_real_progressions_make_a_pathway(shared_data: Path) -> None:
    texts = [
        json.loads((shared_data / "case" / name).read_text(encoding="utf-8"))
        for name in ("ccss-math.cfpackage.json", "ccss-math.progressions.json")
    ]
    framework = parse_case(texts[0])[0].extended(parse_associations(texts[1])[0])

    path = pathway(framework.by_case_id, framework.precedes())

    assert len(path.order) == 746
    assert max(max(path.above(c).values(), default=0) for c in path.order) == 30
