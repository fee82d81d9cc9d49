"""Scores of a whole shelf, added up in lanes of one number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mappings import sums
from mappings.sums import MOST_STEMS, Sums, mask
from mappings.views import Views

SIZE = 300
WORDS = "abcdef"
POSTINGS = st.dictionaries(
    st.sampled_from(WORDS),
    st.dictionaries(st.integers(0, SIZE - 1), st.integers(1, 30_000), min_size=1),
)
QUERIES = st.dictionaries(st.sampled_from(WORDS), st.integers(1, 2))


def laid(said: dict[str, dict[int, int]]) -> Sums:
    return Sums(
        {
            stem: (sorted(worth), [worth[place] for place in sorted(worth)])
            for stem, worth in said.items()
        },
        SIZE,
    )


@given(POSTINGS, QUERIES, st.integers(1, 20), st.sets(st.integers(0, SIZE - 1)))
def test_the_best_are_those_that_adding_one_by_one_finds(
    said: dict[str, dict[int, int]],
    query: dict[str, int],
    count: int,
    inside: set[int],
) -> None:
    plain = {
        place: sum(w * said.get(stem, {}).get(place, 0) for stem, w in query.items())
        for place in range(SIZE)
    }
    ordered = sorted(plain, key=lambda place: (-plain[place], place))
    every = [(place, plain[place]) for place in ordered if plain[place]]
    shelf = laid(said)
    assert list(shelf.best(query, count).items()) == every[:count]
    within = [one for one in every if one[0] in inside][:count]
    found = shelf.best(query, count, within=mask(inside, SIZE))
    assert list(found.items()) == within


def test_lanes_never_run_over_however_much_is_said() -> None:
    shelf = Sums({str(n): ([0, 1], [400_000, 1]) for n in range(MOST_STEMS + 9)}, 2)
    query = {str(n): 2 for n in range(MOST_STEMS + 9)}
    assert shelf.best(query, 2) == {0: 2 * 400_000 * MOST_STEMS, 1: 2 * MOST_STEMS}


def test_what_is_said_often_is_laid_out_once() -> None:
    often = dict.fromkeys(range(sums.SELDOM + 1), 5)
    shelf = laid({"often": often, "seldom": {7: 9}})
    for _ in range(3):
        assert list(shelf.best({"often": 1, "seldom": 1}, 1)) == [7]
    assert shelf.held == 1


def test_a_view_is_kept_for_the_next_who_asks() -> None:
    first, last, none = frozenset({1}), frozenset({9}), frozenset[int]()
    views = Views("abc", [first, none, last], [frozenset()] * 3)
    view = views.view(first, frozenset(), top=1)
    assert list(view.places) == [0, 1]
    assert views.view(first, frozenset(), top=1) is view
    assert views.view(none, frozenset(), top=1).mask is None
