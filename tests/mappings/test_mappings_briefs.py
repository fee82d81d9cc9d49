from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import FOUR, KINDS, ORDERS, RULES, Counting, Evidence, Level, Scale
from mappings.briefs import Judge, Moments, Ruling, brief, support
from mappings.counting import Terms, counted, judge_counted, of_successor
from mappings.rules import Rule, rule

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)
PASS = Scale((Level("Not yet", 0.0, 0.0), Level("Passed", 0.6, 7.0)), mastery=0.6)
SHARES = st.sampled_from((0.5, 0.6, 0.75, 0.9, 1.0)) | st.floats(0, 1, allow_nan=False)
TIMES = st.builds(
    lambda days, moment: NOW - timedelta(days=days, microseconds=moment),
    st.integers(0, 4),
    st.sampled_from((0, 400_000, 1_300_000)),
)
OTHER_TIMES = st.none() | TIMES


@st.composite
def pieces(draw: st.DrawFn) -> Evidence:
    kind = draw(st.sampled_from(("score", "score", "score", *KINDS)))
    return Evidence(
        task=draw(st.sampled_from("abc")),
        ratio=draw(SHARES),
        at=draw(TIMES),
        weight=draw(st.sampled_from((1.0, 1.0, 0.5, 3.7))),
        reliability=draw(st.sampled_from((1.0, 1.0, 0.6, 0.5))),
        guess=draw(st.sampled_from((0.0, 0.0, 0.25))),
        kind=kind,
        part=draw(st.sampled_from(("", "", "row:1"))),
        due_at=draw(OTHER_TIMES),
        assessed_at=draw(OTHER_TIMES),
        is_support=kind == "self",
    )


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    name = draw(st.sampled_from(tuple(RULES)))
    limits = RULES[name].parameter
    if limits is None:
        return rule(name)
    return rule(name, draw(st.integers(limits.lowest, limits.highest)))


TERMS = st.builds(
    Terms,
    rules(),
    st.sampled_from((FOUR, PASS)),
    st.builds(
        Counting,
        st.sampled_from(tuple(ORDERS)),
        st.sampled_from((1, 1, 2, 4)),
        st.sampled_from(
            (Counting().kinds, frozenset(KINDS), frozenset({"score", "self"}))
        ),
    ),
)


def in_full(evidence: list[Evidence], terms: Terms) -> Ruling | None:
    """What the judge of one student says, who can give reasons."""
    placed = counted(evidence, terms)
    counting = [one for one in placed if one.counts]
    if not counting:
        return None
    told = judge_counted("K", placed, terms=terms, now=NOW)
    level = told.level
    return Ruling(
        told.value,
        told.ratio,
        None if level is None else terms.scale.levels.index(level),
        None if level is None else level.name,
        told.is_mastered,
        told.evidence,
        told.probability,
        max(one.at for one in counting),
    )


@settings(max_examples=400, deadline=None)
@given(st.lists(pieces(), max_size=7), TERMS, st.randoms(use_true_random=False))
def test_many_are_judged_as_each_is_judged_alone(
    evidence: list[Evidence], terms: Terms, luck: object
) -> None:
    """To the last bit, in whatever order the pieces come, and when asked again."""
    briefs = [brief(one, (place,)) for place, one in enumerate(evidence)]
    luck.shuffle(briefs)  # type: ignore[attr-defined] # a random.Random
    judge = Judge(terms, Moments(NOW))
    told = in_full(evidence, terms)
    assert [judge.ruling(briefs), judge.ruling(briefs)] == [told, told]


@given(pieces(), st.sampled_from((0.05, 0.5, 1.0)))
def test_a_success_speaks_for_what_comes_before_it_as_it_does_alone(
    piece: Evidence, share: float
) -> None:
    told = of_successor(piece, share, FOUR)
    said = support(brief(piece, (7,)), share, FOUR, successor=3)
    assert said == (None if told is None else brief(told, (1, 3, 7)))


def test_what_is_kept_in_mind_does_not_grow_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mappings.briefs.MOST_KEPT", 3)
    judge = Judge(Terms(rule("certainty"), FOUR), Moments(NOW))
    one = Evidence("a", 0.5, NOW)
    ratios = [place / 10 for place in range(10)]
    told = [judge.ruling([brief(replace(one, ratio=part), ())]) for part in ratios]
    assert [one and one.evidence for one in told] == [1] * 10
    assert len(judge._certain) <= 3  # noqa: SLF001 -- that it does not grow is the point
