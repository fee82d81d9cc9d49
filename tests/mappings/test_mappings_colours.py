"""The colours of levels, against the measured table (facts/ux.md 2)."""

from itertools import combinations

import pytest

from mappings.colours import (
    PALETTES,
    Likeness,
    contrast,
    distances,
    ink,
    is_legible,
    likenesses,
    palette,
    parse_colour,
)
from mappings.errors import ScaleError

CANVAS = {
    "No Evidence": "E0061F",
    "Below": "D97900",
    "Near": "FAB901",
    "Mastery": "0B874B",
    "Exceeds": "0374B5",
}
INKS = {
    3: (("111111", 15.0), ("111111", 4.5), ("FFFFFF", 15.7)),
    4: (("111111", 15.0), ("111111", 6.8), ("FFFFFF", 6.6), ("FFFFFF", 15.7)),
    5: (
        ("111111", 15.0),
        ("111111", 8.5),
        ("111111", 4.5),
        ("FFFFFF", 8.4),
        ("FFFFFF", 15.7),
    ),
    6: (
        ("111111", 15.0),
        ("111111", 9.7),
        ("111111", 6.7),
        ("FFFFFF", 4.6),
        ("FFFFFF", 7.8),
        ("FFFFFF", 15.7),
    ),
}


@pytest.mark.parametrize(
    ("levels", "least"), [(3, 31.8), (4, 20.8), (5, 14.8), (6, 10.1)]
)
def test_the_default_fills_are_as_far_apart_as_measured(
    levels: int, least: float
) -> None:
    found = min(
        distance
        for one, other in combinations(palette(levels), 2)
        for distance in distances(one, other).values()
    )

    assert round(found, 1) == least
    assert likenesses(palette(levels)) == ()


@pytest.mark.parametrize("levels", INKS)
def test_the_ink_of_each_default_fill_is_the_measured_one(levels: int) -> None:
    fills = palette(levels)

    assert (
        tuple((ink(one), round(contrast(one, ink(one)), 1)) for one in fills)
        == (INKS[levels])
    )


def test_every_default_fill_carries_legible_ink() -> None:
    assert all(is_legible(fill) for fills in PALETTES.values() for fill in fills)


@pytest.mark.parametrize(
    ("one", "other", "view", "distance"),
    [
        ("No Evidence", "Exceeds", "grey", 0.3),
        ("Below", "Mastery", "protan", 6.1),
        ("Mastery", "Exceeds", "tritan", 3.2),
    ],
)
def test_the_colours_of_canvas_are_as_close_as_measured(
    one: str, other: str, view: str, distance: float
) -> None:
    assert round(distances(CANVAS[one], CANVAS[other])[view], 1) == distance


def test_levels_that_look_alike_are_named_with_the_view() -> None:
    (alike,) = likenesses(["FDE737", "0B874B", "0374B5"])

    assert (alike.first, alike.second, alike.view) == (1, 2, "grey")
    assert alike == Likeness(1, 2, "grey", distances("0B874B", "0374B5")["grey"])


def test_more_levels_than_are_measured_get_colours_of_their_own() -> None:
    eight = palette(8)

    assert len(set(eight)) == 8
    assert (eight[0], eight[-1]) == ("FDE737", "00224E")
    assert palette(1) == ("FDE737",)


@pytest.mark.parametrize(
    ("text", "colour"), [("#0b874b", "0B874B"), (" FAB901 ", "FAB901")]
)
def test_a_colour_is_read_with_or_without_its_sign(text: str, colour: str) -> None:
    assert parse_colour(text) == colour


@pytest.mark.parametrize("text", ["", "red", "#FFF", "0B874G", "0B874BFF"])
def test_what_is_no_colour_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(ScaleError) as refused:
        parse_colour(text)

    assert str(refused.value) == (
        f"{text!r} is no colour; write six hexadecimal digits, as 0B874B"
    )
