"""Suggestions by words, by meaning, and by what a school chose before."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.candidates import candidates, codes_of, suggestable
from mappings.frameworks import Association, Competency, Framework
from mappings.postings import Candidate, index, parse_index
from mappings.ranking import (
    FEATURES,
    Ranker,
    is_enough,
    learned,
    parse_ranker,
)
from mappings.suggestions import Closeness, Query, suggest
from mappings.words import plain, remembering, terms, words


def stem(word: str) -> str:
    """A stemmer of the tests: a plural is its singular."""
    return word.removesuffix("s")


SIX, EIGHT = frozenset({6}), frozenset({8})
SHELF = [
    Candidate("ratio", "Compare ratios of two amounts", "Ratios", SIX),
    Candidate("area", "Find the area of triangles", "Geometry", SIX),
    Candidate("line", "Describe the slope of a line as a ratio", "Functions", EIGHT),
    Candidate("poem", "Compare two poems", "Reading", SIX, frozenset({"english"})),
    Candidate("sum", "Add whole numbers", "Number", SIX, frozenset({"math"})),
    Candidate("data", "Read a table of data", "Data", SIX),
]
MADE = index(SHELF, stem)


def keys(query: Query, **how: object) -> list[str]:
    return [one.key for one in suggest(MADE, query, stem, **how)]  # type: ignore[arg-type]  # a table of keywords


def test_words_leave_out_tags_marks_and_what_says_nothing() -> None:
    assert plain("<p>Use <em>$\\frac{1}{2}$</em> &lt; 5</p>").split() == [
        "Use",
        "{1}{2}",
        "<",
        "5",
    ]
    assert words("The student is expected to: compare x < 5 and the AREAS.") == [
        "compare",
        "5",
        "areas",
    ]
    assert terms("areas area", stem) == ["area", "area"]


def test_a_stem_is_looked_up_once_a_word() -> None:
    asked: list[str] = []

    def slow(word: str) -> str:
        asked.append(word)
        return word

    quick = remembering(slow)
    assert [quick("a"), quick("a"), asked] == ["a", "a", ["a"]]


def test_the_best_match_is_first_with_the_words_that_matched() -> None:
    first, *rest = suggest(MADE, Query("Quiz: area of a triangle"), stem)
    assert (first.key, first.words) == ("area", ("area", "triangle"))
    assert first.confidence > max(one.confidence for one in rest)
    assert len(rest) == 4


def test_words_of_what_stands_above_count_a_little() -> None:
    (first, *_rest) = suggest(MADE, Query("Geometry homework"), stem)
    assert (first.key, first.words) == ("area", ("geometry",))


@pytest.mark.parametrize("title", ["", "Reflection essay", "the of and"])
def test_a_text_that_matches_nothing_is_given_nothing(title: str) -> None:
    assert suggest(MADE, Query(title), stem) == []


def test_only_what_lies_within_a_grade_is_suggested_while_it_suffices() -> None:
    query = Query("ratio", grades=SIX)
    assert "line" not in keys(query, top=4)
    assert keys(query, top=6)[0] == "ratio"
    assert set(keys(query, top=6)) == {one.key for one in SHELF}
    assert keys(Query("slope", grades=EIGHT), top=1) == ["line"]


def test_another_subject_is_not_suggested() -> None:
    query = Query("Compare two", subjects=frozenset({"math"}))
    assert "poem" not in keys(query)
    assert keys(Query("Compare two poems"))[0] == "poem"


def test_only_what_is_allowed_is_suggested() -> None:
    assert keys(Query("ratio"), allowed={"line", "sum"})[0] == "line"
    assert keys(Query("ratio"), allowed=()) == []


def test_a_title_counts_more_than_a_part() -> None:
    query = Query("poem", parts=("area", "area"))
    assert keys(query)[:2] == ["poem", "area"]
    assert Query("a", "b", ("c",)).told() == "a b c"


def test_meaning_goes_before_words_where_a_model_speaks() -> None:
    near = Closeness([0.1, 0.2, 0.1, 0.1, 0.9, 0.1], [0.1, 0.2, 0.1, 0.1, 0.7, 0.1])
    first, second, *_ = suggest(MADE, Query("area"), stem, closeness=near)
    assert (first.key, first.score, first.words) == ("sum", 0.8, ())
    assert (second.key, second.features["meaning_rank"]) == ("area", 0.5)


def test_few_words_that_tell_make_nothing_sure() -> None:
    def sure(title: str, **how: object) -> float:
        (first, *_rest) = suggest(work, Query(title), stem, **how)  # type: ignore[arg-type]  # a table of keywords
        return first.confidence

    work = index([*SHELF, Candidate("unit", "Name the unit of chapter 4")], stem)
    assert sure("Unit 4 quiz") == 0.0
    assert sure("Chapter 4: triangle") < 0.5 < sure("Area of triangles")
    far, near = (Closeness([n] * 7, [n] * 7) for n in (0.1, 0.9))
    assert sure("Area", closeness=far) < 0.1 < sure("Area", closeness=near)


def test_a_ranker_decides_the_order() -> None:
    ranker = Ranker(dict.fromkeys(FEATURES, 0.0) | {"grade_gap": 5.0}, -1.0)
    query = Query("ratio", grades=frozenset({7}))
    by_ranker = suggest(MADE, query, stem, ranker=ranker)
    assert by_ranker[0].score == pytest.approx(0.982)
    assert by_ranker[0].confidence == pytest.approx(0.982 / 2, abs=1e-3)  # one word


def test_an_index_is_the_same_after_it_was_stored() -> None:
    assert parse_index(MADE.format()) == MADE
    assert suggest(index([], stem), Query("area"), stem) == []


def pairs(count: int) -> list[tuple[dict[str, float], bool]]:
    """Choices of a school that goes by the statement and not by the words."""
    dice = random.Random(3)  # noqa: S311 -- always the same pairs
    found = []
    for _ in range(count):
        one = {name: dice.random() for name in FEATURES}
        found.append((one, one["statement"] > 0.5))
    return found


def test_a_ranker_learns_what_a_school_goes_by() -> None:
    ranker = learned(pairs(300))
    best = max(ranker.weights, key=lambda name: abs(ranker.weights[name]))
    assert best == "statement"
    right = [
        (ranker.confidence(one) > 0.5) == is_yes for one, is_yes in pairs(400)[300:]
    ]
    assert sum(right) >= 95


def test_a_ranker_is_stored_as_numbers() -> None:
    ranker = learned(pairs(100))
    told = ranker.numbers()
    assert parse_ranker(told, 100) == ranker
    assert set(told) == {*FEATURES, ""}
    assert parse_ranker({"of a later version": 3.0}).strength({}) == 0.0


def test_few_choices_teach_nothing() -> None:
    assert not is_enough([True] * 20)
    assert not is_enough([True] * 60)
    assert is_enough([True] * 30 + [False] * 10)


def test_choices_that_are_all_alike_still_make_a_ranker() -> None:
    same = dict.fromkeys(FEATURES, 1.0)
    ranker = learned([(same, True), (same, False)])
    assert ranker.confidence(same) == pytest.approx(0.5)


@given(st.permutations(pairs(40)))
def test_the_order_of_choices_makes_no_difference(
    shuffled: list[tuple[dict[str, float], bool]],
) -> None:
    one, other = learned(pairs(40)).numbers(), learned(shuffled).numbers()
    assert other == pytest.approx(one, abs=1e-6)


def edge(child: str, parent: str) -> Association:
    return Association(f"{child}-{parent}", "isChildOf", child, parent)


TREE = Framework(
    "doc",
    payload={"subject": ["Mathematics"]},
    competencies=(
        Competency("grade", "Grade 7, Adopted 2012."),
        Competency("strand", "Ratios", kind="Strand"),
        Competency("whole", "Use ratios", "7.1", kind="Standard"),
        Competency("part", "Use rates", "7.1.a", kind="Standard"),
        Competency(
            "own", "Add", kind="Note", education_levels=("08",),
            payload={"subject": "Algebra"},
        ),
        Competency("loose", "Odd", kind="Note", payload={"subject": 7}),
    ),
    associations=(
        edge("strand", "grade"),
        edge("whole", "strand"),
        edge("part", "whole"),
        edge("own", "grade"),
    ),
)  # fmt: skip


def test_candidates_bring_the_text_above_them_and_their_grade() -> None:
    assert suggestable(TREE) == {"whole", "part", "own", "loose"}
    whole, part, own, loose = candidates(TREE, suggestable(TREE))
    maths = frozenset({"mathematics"})
    seven = frozenset({7})
    assert whole == Candidate(
        "whole", "Use ratios", "Ratios Grade 7, Adopted 2012.", seven, maths
    )
    assert part == Candidate("part", "Use rates", "Use ratios Ratios", seven, maths)
    assert (own.grades, own.subjects) == (EIGHT, frozenset({"algebra"}))
    assert (loose.grades, loose.subjects) == (frozenset(), maths)


def test_the_codes_of_a_framework_are_those_of_the_chosen() -> None:
    named = codes_of(TREE, {"part"}).named_in("7.1.a and 7.1")
    assert [one.case_id for one in named] == ["part"]
