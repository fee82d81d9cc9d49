from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import FOUR, Attainment, Evidence, Level, Scale, attainment, rule
from mappings.beta import beta_point, beta_share
from mappings.certainty import Rank, certainty, weighed
from mappings.mastery import level_of

UNHURRIED = settings(deadline=None, max_examples=60)

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)
CERTAINTY = rule("certainty")


def piece(
    ratio: float, days: float, task: str, reliability: float = 1, guess: float = 0
) -> Evidence:
    return Evidence(
        task,
        ratio,
        NOW - timedelta(days=days),
        reliability=reliability,
        guess=guess,
    )


def judged(*pieces: Evidence, scale: Scale = FOUR) -> Attainment:
    return attainment("K", pieces, rule=CERTAINTY, scale=scale, now=NOW)


A = (piece(1, 0, "a1"),)
B = (piece(1, 0, "a1"), piece(0.8, 7, "a2"))
C = (*B, piece(0.75, 14, "a3"))
D = (piece(1, 0, "q"), piece(0.9, 0, "q"), piece(0.75, 0, "q"))
E = (piece(0.5, 60, "a1"), piece(1, 30, "a2"), piece(0.8, 7, "a3"), piece(1, 0, "a4"))
F = (piece(1, 360, "a1"), piece(0.8, 367, "a2"), piece(0.75, 374, "a3"))
G = (
    piece(0.5, 0, "q1", 0.6, 0.25),
    piece(0.9, 3, "q2", 0.6, 0.25),
    piece(0.9, 5, "p1"),
)
VECTORS = {
    "A": (A, 1.5, 0.5, 0.75, 0.7478, "Developing"),
    "B": (B, 2.4734, 0.5, 0.8318, 0.8703, "Developing"),
    "C": (C, 3.4209, 0.5, 0.8725, 0.9290, "Advanced"),
    "D": (D, 2.25, 0.5, 0.8182, 0.8497, "Developing"),
    "E": (E, 3.6289, 1.0291, 0.7791, 0.8372, "Proficient"),
    "F": (F, 1.2302, 0.5, 0.711, 0.6923, "Developing"),
    "G": (G, 2.224, 0.95, 0.7007, 0.6955, "Developing"),
}


@pytest.mark.parametrize("letter", VECTORS)
def test_certainty_is_as_stated(letter: str) -> None:
    pieces, alpha, beta, mean, probability, level = VECTORS[letter]
    oldest_first = sorted(pieces, key=lambda one: one.at)
    rows = weighed(oldest_first, cut=0.75, now=NOW, half_life_days=180)
    found, told = certainty(rows), judged(*pieces)

    assert (found.alpha, found.beta) == pytest.approx((alpha, beta), abs=5e-5)
    assert told.ratio == pytest.approx(mean, abs=5e-5)
    assert told.probability == pytest.approx(probability, abs=5e-5)
    assert told.level is not None
    assert (told.level.name, told.value) == (level, told.level.points)


@pytest.mark.parametrize(
    ("pieces", "interval"),
    [
        (A, (0.229, 0.998)),
        (B, (0.427, 0.999)),
        (C, (0.548, 0.999)),
        (D, (0.389, 0.999)),
    ],
)
def test_the_interval_holds_nine_in_ten(
    pieces: tuple[Evidence, ...], interval: tuple[float, float]
) -> None:
    assert judged(*pieces).interval == pytest.approx(interval, abs=1e-3)


@pytest.mark.parametrize(
    ("misses", "first", "probabilities"),
    [
        (0, 1, (0.748, 0.873, 0.932, 0.963, 0.980, 0.989, 0.994, 0.996)),
        (1, 2, (0.374, 0.573, 0.717, 0.815, 0.881, 0.924, 0.952, 0.970)),
    ],
)
def test_each_success_makes_it_surer(
    misses: int, first: int, probabilities: tuple[float, ...]
) -> None:
    found = [
        judged(
            *(piece(0, 0, f"miss {n}") for n in range(misses)),
            *(piece(1, 0, f"hit {n}") for n in range(count - misses)),
        ).probability
        for count in range(first, first + len(probabilities))
    ]

    assert found == pytest.approx(probabilities, abs=6e-4)


def test_aged_evidence_is_due_for_a_check_and_not_lost() -> None:
    told = judged(*F)

    assert (told.is_due, told.is_mastered) == (True, False)
    assert told.arithmetic[-1] == (
        "the evidence was enough when new and has aged: due for a check"
    )


@pytest.mark.parametrize(
    ("pieces", "count", "level"),
    [
        ((), 3, "Proficient"),
        ((piece(0, 0, "a"),), 1, "Developing"),
        (A, 2, "Proficient"),
        (B, 1, "Proficient"),
        (D, 1, "Proficient"),
        (E, 1, "Advanced"),
    ],
)
def test_the_need_is_the_least_number_that_reaches_the_next_level(
    pieces: tuple[Evidence, ...], count: int, level: str
) -> None:
    needs = judged(*pieces).needs

    assert needs is not None
    said = "success reaches" if count == 1 else "successes reach"
    assert str(needs) == f"{count} more fresh {said} {level}"
    fresh = [piece(1, 0, f"fresh {n}") for n in range(count)]
    before, after = judged(*pieces, *fresh[1:]).level, judged(*pieces, *fresh).level
    assert after is not None
    assert after.cut >= needs.level.cut
    assert before is None or before.cut < needs.level.cut


def test_the_highest_level_needs_nothing() -> None:
    assert judged(*C).needs is None


def test_a_need_out_of_reach_is_not_told() -> None:
    heavy = Evidence("a", 0, NOW, weight=1e6)

    assert judged(heavy).needs is None


def test_a_half_life_of_nothing_is_no_aging() -> None:
    told = attainment("K", F, rule=rule("certainty", 0), scale=FOUR, now=NOW)

    assert told.level == Level("Advanced", 0.9, 4)


def test_evidence_so_old_that_nothing_is_left_is_still_due() -> None:
    told = attainment(
        "K",
        C,
        rule=rule("certainty", 1),
        scale=FOUR,
        now=NOW + timedelta(days=9000),
    )

    assert (told.ratio, told.evidence, told.is_due) == (0.5, 3, True)


def test_work_of_tomorrow_weighs_as_work_of_today() -> None:
    assert judged(piece(1, -3, "a")) == judged(piece(1, 0, "a"))


def test_a_score_that_guessing_gives_is_no_success() -> None:
    told = judged(piece(0.2, 0, "q", guess=0.25))

    assert told.steps[1].values["success"] == 0


def test_certainty_shows_its_arithmetic() -> None:
    assert judged(*B).arithmetic == (
        "before any work: 0.5 for, 0.5 against",
        (
            "a2: 0.8 of 1 is a success of 1; weight 0.9734 (age in days: 7, "
            "earlier from this task: 0, reliability 1)"
        ),
        (
            "a1: 1 of 1 is a success of 1; weight 1 (age in days: 0, "
            "earlier from this task: 0, reliability 1)"
        ),
        "together: 2.4734 for, 0.5 against; mean 0.8318",
        (
            "probability of meeting the standard on fresh work in at least 6 of 10: "
            "0.8703 (Proficient from 0.8, Secure from 0.9)"
        ),
        "pieces: 2, from different tasks: 2 (Proficient and Secure need 3 from 2)",
        "level by certainty: Developing",
    )


def stairs(*cuts: float, mastery: float) -> Scale:
    levels = tuple(Level(str(n), cut, n + 1) for n, cut in enumerate(cuts))
    return Scale(levels, mastery)


@pytest.mark.parametrize(
    ("scale", "names"),
    [
        (FOUR, ["Beginning", "Developing", "Proficient", "Advanced"]),
        (stairs(0, 0.5, mastery=0.5), ["0", "0", "1", "1"]),
        (stairs(0, 0.4, 0.7, mastery=0.7), ["0", "1", "2", "2"]),
        (stairs(0, 0.6, 0.9, mastery=0.6), ["0", "0", "1", "2"]),
        (stairs(0, 0.25, 0.5, 0.75, 1, mastery=0.75), ["1", "2", "3", "4"]),
    ],
)
def test_ranks_stand_for_levels_around_mastery(scale: Scale, names: list[str]) -> None:
    assert [level_of(rank, scale).name for rank in Rank] == names


@pytest.mark.parametrize(
    ("alpha", "beta", "point", "share"),
    [
        (1, 1, 0.3, 0.3),
        (2, 1, 0.5, 0.25),
        (0.5, 0.5, 0.5, 0.5),
        (2, 3, 0.4, 0.5248),
        (5, 5, 0.0, 0.0),
        (5, 5, 1.0, 1.0),
        (300, 300, 0.5, 0.5),
        (1, 5, 1e-310, 0.0),
    ],
)
def test_the_share_below_a_point_is_exact(
    alpha: float, beta: float, point: float, share: float
) -> None:
    assert beta_share(alpha, beta, point) == pytest.approx(share, abs=1e-12)


def test_a_mountain_of_evidence_still_has_a_share() -> None:
    assert 0 <= beta_share(1e12, 1e12, 0.5) <= 1


@UNHURRIED
@given(st.floats(0.5, 50), st.floats(0.5, 50), st.floats(0.02, 0.98))
def test_the_point_of_a_share_has_that_share(
    alpha: float, beta: float, share: float
) -> None:
    point = beta_point(alpha, beta, share)

    below = beta_share(alpha, beta, max(point - 1e-6, 0))
    above = beta_share(alpha, beta, min(point + 1e-6, 1))
    assert below - 1e-9 <= share <= above + 1e-9


@UNHURRIED
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 400)), max_size=12))
def test_a_judgement_without_reasons_is_the_same_judgement(
    work: list[tuple[float, int]],
) -> None:
    pieces = [
        piece(ratio, days, f"task {place % 4}")
        for place, (ratio, days) in enumerate(work)
    ]
    brief = attainment("K", pieces, rule=CERTAINTY, scale=FOUR, now=NOW, in_full=False)
    whole = judged(*pieces)
    if pieces:
        whole = replace(whole, steps=(), interval=None, needs=None, is_due=False)
    assert brief == whole
