import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import FOUR, Attainment, Change, Outcome, changes

UNHURRIED = settings(deadline=None, max_examples=60)

NOTHING = Attainment("K")


def at(value: float) -> Attainment:
    level = FOUR.level(value / 4)
    return Attainment(
        "K",
        value=value,
        ratio=value / 4,
        level=level,
        evidence=1,
        is_mastered=FOUR.is_mastery(level),
    )


def named(attainment: Attainment) -> str | None:
    return attainment.level.name if attainment.level else None


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (NOTHING, at(3), Change.NEW),
        (at(2.99), at(3), Change.LEVEL),
        (at(3), at(3.01), Change.VALUE),
        (at(3), NOTHING, Change.WITHDRAWN),
    ],
)
def test_a_change_is_told_with_what_stood_before(
    old: Attainment, new: Attainment, change: Change
) -> None:
    assert changes({"K": old}, {"K": new}) == (
        Outcome(
            "K",
            change,
            new.value,
            named(new),
            new.is_mastered,
            old.value,
            named(old),
        ),
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [(NOTHING, NOTHING), (at(3), at(3.004)), (at(3), at(3))],
)
def test_what_did_not_change_enough_is_not_told(
    old: Attainment, new: Attainment
) -> None:
    assert changes({"K": old}, {"K": new}) == ()


def test_a_competency_never_judged_before_is_new() -> None:
    assert [told.change for told in changes({}, {"K": at(2)})] == [Change.NEW]


def test_a_competency_not_judged_now_is_not_told() -> None:
    assert changes({"K": at(2)}, {}) == ()


def test_mastery_alone_is_a_change_of_level() -> None:
    moved = Attainment("K", 2.5, 0.6, FOUR.level(0.6), 1, is_mastered=True)

    assert [told.change for told in changes({"K": at(2.5)}, {"K": moved})] == [
        Change.LEVEL
    ]


def test_how_much_is_enough_can_be_asked() -> None:
    assert changes({"K": at(3)}, {"K": at(3.3)}, smallest=0.5) == ()
    assert changes({"K": at(3)}, {"K": at(3)}, smallest=0) == ()


@UNHURRIED
@given(st.dictionaries(st.text(max_size=3), st.floats(0, 4).map(at)))
def test_nothing_changes_from_itself(standing: dict[str, Attainment]) -> None:
    assert changes(standing, standing) == ()
