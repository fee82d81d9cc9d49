import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import (
    FrameworkError,
    NextStep,
    Pathway,
    SharedGap,
    gap,
    groups,
    is_enriched,
    next_steps,
    parse_associations,
    parse_case,
    pathway,
    ready,
    shared_gaps,
    unlocked,
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
    ("competency", "mastered", "opened"),
    [
        ("a", "", "bc"),
        ("b", "ace", "d"),
        ("b", "ae", ""),
        ("a", "b", "c"),
        ("f", "", ""),
    ],
)
def test_what_a_competency_unlocks_lacks_nothing_else(
    competency: str, mastered: str, opened: str
) -> None:
    assert unlocked(PATH, competency, mastered) == tuple(opened)


def test_students_of_several_classes_share_a_gap() -> None:
    """Ann and Di sit elsewhere than Bo; the class is no part of the question."""
    wanted = {"ann": "bd", "bo": "d", "cy": "d", "di": "bcf", "ed": "xf"}
    mastered = {"bo": "abe", "cy": "abce", "ed": "f"}

    assert shared_gaps(PATH, wanted, mastered) == (
        SharedGap("a", ("ann", "di"), ("b", "c")),
        SharedGap(shared := nearest(""), ("ann",), ("d",)),
        SharedGap("c", ("bo",), ("d",)),
    )
    assert shared in "bce"


def nearest(mastered: str) -> str:
    return gap(PATH, "d", mastered)[0]


class Counted(dict[str, frozenset[str]]):
    """Neighbours that count how often they are asked for."""

    asked = 0

    def __getitem__(self, key: str) -> frozenset[str]:
        self.asked += 1
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError


def steps_of(size: int) -> int:
    """How often a ladder of that many rungs is looked at for one student's page."""
    rungs = [str(number) for number in range(size)]
    edges = [
        (rungs[at], rungs[at + far])
        for at in range(size)
        for far in (1, 2)
        if at + far < size
    ]
    bare = pathway(rungs, edges)
    before, after = Counted(bare.before), Counted(bare.after)
    path = Pathway(bare.order, before, after, bare.place)
    mastered = set(rungs[::2])
    ready(path, mastered)
    next_steps(path, mastered)
    path.above(rungs[-1])
    groups(path, rungs[-1], {str(one): mastered for one in range(30)})
    for one in rungs:
        is_enriched(path, one, secure=mastered, mastered=mastered)
    return before.asked + after.asked


def test_a_pathway_is_walked_in_time_with_its_size() -> None:
    assert steps_of(800) < 2.1 * steps_of(400)


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
