import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import (
    FOUR,
    RULES,
    TEMPLATES,
    Attainment,
    Evidence,
    Level,
    Line,
    Scale,
    attainment,
    calculation,
    explain,
    rule,
)

UNHURRIED = settings(deadline=None, max_examples=60)

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)
BETWEEN = [name for name in RULES if name not in ("power_law", "bkt", "certainty")]


def work(*ratios: float, weight: float = 1) -> list[Evidence]:
    """Evidence a week apart, the last one today, each on its own task."""
    start = NOW - timedelta(weeks=len(ratios) - 1)
    return [
        Evidence(f"task {n}", ratio, start + timedelta(weeks=n), weight)
        for n, ratio in enumerate(ratios)
    ]


def judged(name: str, pieces: list[Evidence], scale: Scale = FOUR) -> Attainment:
    return attainment("K", pieces, rule=rule(name), scale=scale, now=NOW)


@st.composite
def evidences(draw: st.DrawFn) -> list[Evidence]:
    days = draw(st.lists(st.integers(0, 900), min_size=1, max_size=8, unique=True))
    return [
        Evidence(
            draw(st.sampled_from(["a", "b", "c"])),
            draw(st.floats(0, 1)),
            NOW - timedelta(days=day),
            weight=draw(st.sampled_from([0.5, 1.0, 2.0])),
            reliability=draw(st.sampled_from([0.5, 1.0])),
            guess=draw(st.sampled_from([0.0, 0.25, 0.8])),
        )
        for day in days
    ]


@UNHURRIED
@given(evidences(), st.sampled_from(BETWEEN))
def test_a_ratio_stays_between_worst_and_best_evidence(
    pieces: list[Evidence], name: str
) -> None:
    ratio = judged(name, pieces).ratio
    ratios = [piece.ratio for piece in pieces]

    assert ratio is None or min(ratios) - 1e-9 <= ratio <= max(ratios) + 1e-9


@UNHURRIED
@given(evidences(), st.sampled_from(sorted(RULES)), st.randoms(use_true_random=False))
def test_the_order_in_which_evidence_arrives_does_not_matter(
    pieces: list[Evidence], name: str, chance: random.Random
) -> None:
    shuffled = pieces.copy()
    chance.shuffle(shuffled)

    assert judged(name, shuffled) == judged(name, pieces)


@UNHURRIED
@given(evidences(), st.sampled_from(sorted(RULES)))
def test_every_attainment_is_within_its_bounds(
    pieces: list[Evidence], name: str
) -> None:
    told = judged(name, pieces)

    assert told.evidence == len(pieces)
    assert told.is_mastered == FOUR.is_mastery(told.level)
    assert (told.value is None) == (told.level is None) == (told.ratio is None)
    assert told.value is None or 0 <= told.value <= FOUR.maximum
    assert told.probability is None or 0 <= told.probability <= 1
    assert all(str(step.text) in TEMPLATES and str(step) for step in told.steps)


@UNHURRIED
@given(evidences(), st.sampled_from(sorted(RULES)))
def test_an_explanation_names_every_piece_once(
    pieces: list[Evidence], name: str
) -> None:
    told = explain("K", pieces, rule=rule(name), scale=FOUR, now=NOW)

    assert told.attainment == judged(name, pieces)
    oldest_first = sorted(pieces, key=lambda one: one.at)
    assert [piece.evidence for piece in told.pieces] == oldest_first
    assert len(told.used) + len(told.left_out) == len(pieces)
    assert bool(told.used) == (told.attainment.value is not None)


@pytest.mark.parametrize("name", sorted(RULES))
def test_without_evidence_nothing_is_assessed(name: str) -> None:
    told = judged(name, [])

    assert (told.value, told.ratio, told.level) == (None, None, None)
    assert (told.evidence, told.is_mastered) == (0, False)
    assert told.arithmetic == ("no evidence counts yet",)
    assert (told.needs is not None) == (name == "certainty")


@pytest.mark.parametrize(
    ("name", "arithmetic"),
    [
        ("highest", ("best of 2, 3.2, 2.8 = 3.2",)),
        ("latest", ("latest of 2, 3.2, 2.8 = 2.8",)),
        (
            "average",
            ("mean of 2, 3.2, 2.8 = 2.6667", "rounded to 2 decimals: 2.67"),
        ),
        (
            "n_mastery",
            (
                "at or above mastery 3: 3.2",
                "1 at or above mastery, 3 are needed: no result",
            ),
        ),
        (
            "weighted_average",
            (
                "mean of the earlier 2, 3.2 = 2.6",
                "65 % of the latest 2.8 + 35 % of the earlier 2.6 = 2.73",
            ),
        ),
        (
            "standard_decaying_average",
            (
                "start with the oldest, 2",
                "35 % of 2 + 65 % of 3.2 = 2.78",
                "35 % of 2.78 + 65 % of 2.8 = 2.793",
                "rounded to 2 decimals: 2.79",
            ),
        ),
        ("mode", ("most frequent of 2, 3.2, 2.8: 2.8, 1 times",)),
        (
            "mean_of_last",
            (
                "the last 3: 2, 3.2, 2.8",
                "mean of 2, 3.2, 2.8 = 2.6667",
                "rounded to 2 decimals: 2.67",
            ),
        ),
        (
            "conjunctive",
            ("all must reach mastery; the weakest of 2, 3.2, 2.8 = 2",),
        ),
    ],
)
def test_a_rule_shows_its_arithmetic(name: str, arithmetic: tuple[str, ...]) -> None:
    assert calculation(rule(name), [2, 3.2, 2.8]).arithmetic == arithmetic


@pytest.mark.parametrize(
    ("name", "scores", "arithmetic"),
    [
        ("decaying_average", [3], ("only one score, 3",)),
        (
            "n_mastery",
            [1, 2],
            (
                "none of 1, 2 is at or above mastery 3",
                "0 at or above mastery, 3 are needed: no result",
            ),
        ),
        ("power_law", [3], ("a trend needs 2 scores, there is 1: no result",)),
        ("power_law", [3, 0], ("a trend needs scores above 0, there is 0: no result",)),
    ],
)
def test_a_rule_says_when_it_can_say_little(
    name: str, scores: list[float], arithmetic: tuple[str, ...]
) -> None:
    assert calculation(rule(name), scores).arithmetic == arithmetic


def test_the_arithmetic_is_kept_as_numbers_too() -> None:
    told = judged("average", work(0.5, 0.75))

    assert told.steps == (
        Line("mean of {scores} = {value}", {"scores": (2.0, 3.0), "value": 2.5}),
    )


@pytest.mark.parametrize("name", ["average", "mean_of_last"])
def test_heavier_alignments_weigh_more_in_a_mean(name: str) -> None:
    first, second = work(0.5), work(1.0, weight=3)

    told = judged(name, [*first, *second])

    assert told.ratio == 0.875
    assert "mean of 2, 4, weighted 1, 3 = 3.5" in told.arithmetic


def test_the_mean_that_earned_its_cut_reaches_it() -> None:
    seven = Scale((Level("not yet", 0, 0), Level("meets", 0.7, 10)), mastery=0.7)

    told = judged("average", work(0.5, 0.9, 0.7), seven)

    assert told.level == Level("meets", 0.7, 10)


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        (
            "highest",
            {"task 0": "not the best score", "task 2": "not the best score"},
        ),
        (
            "latest",
            {
                "task 0": "older than the latest score",
                "task 1": "older than the latest score",
            },
        ),
        (
            "n_mastery",
            dict.fromkeys(
                ["task 0", "task 1", "task 2"], "the rule gives no result yet"
            ),
        ),
        (
            "mode",
            {
                "task 0": "not the most frequent score",
                "task 1": "not the most frequent score",
            },
        ),
        ("average", {}),
    ],
)
def test_an_explanation_says_why_a_piece_was_left_out(
    name: str, left_out: dict[str, str]
) -> None:
    told = explain("K", work(0.5, 0.8, 0.7), rule=rule(name), scale=FOUR, now=NOW)

    assert {
        piece.evidence.task: str(piece.reason) for piece in told.left_out
    } == left_out


def test_scores_below_mastery_do_not_count_against() -> None:
    told = explain(
        "K", work(0.8, 0.2, 0.9), rule=rule("n_mastery", 2), scale=FOUR, now=NOW
    )

    assert told.attainment.value == 3.4
    assert [str(piece.reason) for piece in told.left_out] == [
        "below mastery, which this rule does not count"
    ]


def test_only_the_last_pieces_make_the_mean_of_the_last() -> None:
    told = explain(
        "K", work(0, 0.5, 1), rule=rule("mean_of_last", 2), scale=FOUR, now=NOW
    )

    assert told.attainment.ratio == 0.75
    assert [str(piece.reason) for piece in told.left_out] == ["older than the last 2"]


def test_a_task_done_again_counts_by_its_last_try_where_all_must_be_met() -> None:
    tries = [
        Evidence("quiz", 0.2, NOW - timedelta(days=2)),
        Evidence("essay", 0.9, NOW - timedelta(days=1)),
        Evidence("quiz", 0.8, NOW),
    ]

    told = explain("K", tries, rule=rule("conjunctive"), scale=FOUR, now=NOW)

    assert (told.attainment.ratio, told.attainment.is_mastered) == (0.8, True)
    assert [str(piece.reason) for piece in told.left_out] == [
        "a later try at the same task stands in its place"
    ]


@pytest.mark.parametrize(
    ("reason", "words"), [("", "not counted"), ("excused", "not counted: excused")]
)
def test_a_piece_that_does_not_count_is_shown_with_its_reason(
    reason: str, words: str
) -> None:
    excused = Evidence("quiz", 0, NOW, counts=False, reason=reason)

    told = explain("K", [excused], rule=rule("latest"), scale=FOUR, now=NOW)

    assert told.attainment.evidence == 0
    assert [(piece.points, str(piece.reason)) for piece in told.left_out] == [
        (0.0, words)
    ]


def test_certainty_tells_what_each_piece_weighs() -> None:
    told = explain("K", work(0.5, 1), rule=rule("certainty", 7), scale=FOUR, now=NOW)

    assert [piece.weight for piece in told.pieces] == [0.5, 1.0]


def test_pieces_of_one_second_keep_their_order() -> None:
    first = Evidence("a", 0.2, NOW + timedelta(milliseconds=900))
    second = Evidence("b", 0.9, NOW)

    assert judged("latest", [first, second]).ratio == 0.9
