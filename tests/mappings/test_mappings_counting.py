from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import (
    FOUR,
    KINDS,
    ORDERS,
    RULES,
    Counting,
    Evidence,
    RuleError,
    Terms,
    attainment,
    counted,
    judge,
    rule,
)
from mappings.counting import METHODS, USUAL_KINDS, of_successor, shares_before
from mappings.evidence import RELIABILITY

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)
LATEST, AVERAGE, CERTAINTY = rule("latest"), rule("average"), rule("certainty", 0)


def piece(task: str, ratio: float, days: int = 0, **said: object) -> Evidence:
    made = Evidence(task, ratio, NOW - timedelta(days=days))
    return replace(made, **said)  # type: ignore[arg-type] # fields of any kind


def reasons(evidence: list[Evidence], terms: Terms) -> dict[str, str]:
    return {one.task: one.reason for one in counted(evidence, terms) if not one.counts}


@pytest.mark.parametrize(
    ("order", "value"), [("submitted", 2.0), ("due", 4.0), ("assessed", 3.0)]
)
def test_the_order_of_evidence_decides_which_is_the_latest(
    order: str, value: float
) -> None:
    day = timedelta(days=1)
    work = [
        piece("a", 0.5, 1, due_at=NOW - 9 * day, assessed_at=NOW - 8 * day),
        piece("b", 1.0, 5, due_at=NOW - 2 * day, assessed_at=NOW - 7 * day),
        piece("c", 0.75, 6, due_at=NOW - 3 * day, assessed_at=NOW - 4 * day),
    ]
    told = judge("K", work, terms=Terms(LATEST, FOUR, Counting(order)), now=NOW)
    assert told.value == value


def test_a_piece_without_that_time_keeps_its_own() -> None:
    work = [piece("a", 0.5, 1), piece("b", 1.0, 2, due_at=NOW)]
    told = judge("K", work, terms=Terms(LATEST, FOUR, Counting("due")), now=NOW)
    assert told.value == 4.0


def test_kinds_that_do_not_count_are_shown_with_the_reason() -> None:
    terms = Terms(AVERAGE, FOUR, Counting(kinds=frozenset({"score"})))
    work = [
        piece("a", 1.0, 3),
        piece("a", 0.5, 2),
        piece("seen", 0.25, 1, kind="observation"),
    ]
    assert reasons(work, terms) == {
        "a": "a later try at the same work does not count here",
        "seen": "this kind of evidence does not count here",
    }
    assert judge("K", work, terms=terms, now=NOW).value == 4.0


@pytest.mark.parametrize(
    ("pieces", "value"), [(1, None), (2, None), (3, 4.0), (4, 4.0)]
)
def test_a_level_needs_the_minimum_of_pieces(pieces: int, value: float | None) -> None:
    terms = Terms(AVERAGE, FOUR, Counting(minimum=3))
    work = [piece(str(place), 1.0) for place in range(pieces)]
    told = judge("K", work, terms=terms, now=NOW)
    assert (told.value, told.evidence) == (value, pieces)
    if value is None:
        assert told.arithmetic == (
            f"pieces that count: {pieces}; a level needs 3: no level yet",
        )


def test_no_evidence_at_all_is_not_too_little() -> None:
    terms = Terms(AVERAGE, FOUR, Counting(minimum=3))
    assert judge("K", [], terms=terms, now=NOW).arithmetic == (
        "no evidence counts yet",
    )


@pytest.mark.parametrize("name", [name for name in RULES if name != "certainty"])
def test_a_students_own_view_decides_nothing_by_any_rule_that_weighs_nothing(
    name: str,
) -> None:
    kinds = USUAL_KINDS | {"self"}
    terms = Terms(rule(name), FOUR, Counting(kinds=kinds))
    work = [piece("a", 0.5, 2), piece("b", 0.5, 1)]
    own = piece("me", 1.0, kind="self")
    alone = judge("K", work, terms=terms, now=NOW)
    assert judge("K", [*work, own], terms=terms, now=NOW) == alone


def test_by_certainty_her_own_view_weighs_half_and_is_no_piece() -> None:
    terms = Terms(CERTAINTY, FOUR, Counting(kinds=USUAL_KINDS | {"self"}))
    own = piece("me", 1.0, kind="self", reliability=RELIABILITY["self"])
    work = [piece("a", 1.0), piece("b", 1.0)]
    told = judge("K", [*work, own], terms=terms, now=NOW)
    assert told.ratio == 3.0 / 3.5
    assert told.level == FOUR.levels[1]
    assert judge("K", [own], terms=terms, now=NOW).level is None


def test_a_success_at_what_builds_on_it_speaks_weakly_and_never_alone() -> None:
    terms = Terms(CERTAINTY, FOUR, Counting(successor_share=0.5))
    told = of_successor(piece("later", 1.0), 0.25, FOUR)
    assert told is not None
    assert (told.weight, told.is_support) == (0.25, True)
    own = piece("a", 1.0)
    assert judge("K", [told], terms=terms, now=NOW).level is None
    assert judge("K", [own, told], terms=terms, now=NOW).ratio == 1.75 / 2.25
    assert of_successor(piece("later", 0.7), 0.25, FOUR) is None
    assert of_successor(told, 0.25, FOUR) is None


def test_the_share_is_smaller_the_further_a_predecessor_is() -> None:
    before = {4: (3,), 3: (2, 1), 2: (1,), 1: (0,)}
    assert shares_before(4, before, 0.5) == {3: 0.5, 2: 0.25, 1: 0.25, 0: 0.125}
    assert shares_before(4, before, 0.2) == {3: 0.2}
    assert shares_before(4, before, 0) == {}
    assert shares_before(0, {0: (1,), 1: (0,)}, 1) == {1: 1}


def test_rows_of_one_task_are_each_required_and_yet_one_task() -> None:
    rows = [piece("a", 0.5, 1, part="row:1"), piece("a", 1.0, part="row:2")]
    weakest = attainment("K", rows, rule=rule("conjunctive"), scale=FOUR, now=NOW)
    assert weakest.value == 2.0
    sure = attainment("K", rows, rule=CERTAINTY, scale=FOUR, now=NOW)
    assert sure.arithmetic[-2] == (
        "pieces: 2, from different tasks: 1 (Proficient and Secure need 3 from 2)"
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"order": "alphabet"}, "no order of evidence is named 'alphabet'; give one"),
        ({"kinds": frozenset({"score", "guess"})}, "evidence has no kind 'guess'"),
        ({"kinds": frozenset({"self"})}, "evidence must count something"),
        ({"minimum": 0}, "a level cannot need 0 pieces; give a whole number from 1"),
        ({"minimum": 51}, "a level cannot need 51 pieces"),
        ({"successor_share": 1.5}, "cannot be worth 1.5; give a share from 0 to 1"),
        ({"successor_share": float("nan")}, "cannot be worth nan"),
    ],
)
def test_settings_that_count_nothing_are_refused(
    said: dict[str, object], words: str
) -> None:
    with pytest.raises(RuleError, match=words):
        Counting(**said)  # type: ignore[arg-type] # wrong on purpose


def test_every_kind_has_words_and_a_method() -> None:
    assert KINDS.keys() == METHODS.keys()
    assert set(METHODS.values()) <= RELIABILITY.keys()
    assert list(ORDERS) == ["submitted", "due", "assessed"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 400)), max_size=10),
    st.sampled_from(sorted(RULES)),
)
def test_usual_terms_judge_as_the_bare_rule_does(
    work: list[tuple[float, int]], name: str
) -> None:
    pieces = [
        piece(f"task {place % 4}", ratio, days)
        for place, (ratio, days) in enumerate(work)
    ]
    chosen = rule(name)
    bare = attainment("K", pieces, rule=chosen, scale=FOUR, now=NOW)
    assert judge("K", pieces, terms=Terms(chosen, FOUR), now=NOW) == bare
