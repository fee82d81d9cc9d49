"""Colours of levels: which ink reads on them, and which two look alike.

Two levels must differ for every eye and in print: distances are taken in OKLab
under five views: protan, deutan, tritan, normal and grey.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from mappings.errors import ScaleError
from mappings.refusals import Refusal

BLACK, WHITE = "111111", "FFFFFF"
LEAST_CONTRAST = 4.5
"""Below it, no ink reads on the fill. Source: WCAG 2.2, 1.4.3."""
LEAST_DISTANCE = 10.0
"""Below it, two fills are told apart with pains (OKLab, times 100)."""

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

PALETTES: Mapping[int, tuple[str, ...]] = {
    2: ("FDE737", "00224E"),
    3: ("FDE737", "7D7C78", "00224E"),
    4: ("FDE737", "A59C74", "575D6D", "00224E"),
    5: ("FDE737", "BCAF6F", "7F7C75", "414D6B", "00224E"),
    6: ("FDE737", "CABA6A", "A19B74", "757575", "48526B", "00224E"),
}
"""The default fills, from the lowest level up: steps of cividis."""

# Source: Machado, Oliveira, Fernandes 2009, severity 1, on linear light.
_VIEWS: Mapping[str, Matrix] = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "grey": ((0.2126, 0.7152, 0.0722),) * 3,
}
_KNEE = 0.04045  # below it sRGB is a straight line
# Source: Ottosson 2020, OKLab.
_CONES: Matrix = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_LAB: Matrix = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two fills, by their places, that look alike under a view."""

    first: int
    second: int
    view: str
    distance: float


def parse_colour(text: str) -> str:
    """The six capital hexadecimal digits of a colour, with or without a #.

    Raises:
        ScaleError: it is no such colour.
    """
    digits = text.strip().removeprefix("#").upper()
    if not re.fullmatch(r"[0-9A-F]{6}", digits):
        raise ScaleError(Refusal.NO_COLOUR, text=repr(text))
    return digits


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21.

    Source: WCAG 2.2, contrast ratio.
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink(fill: str) -> str:
    """The ink, black or white, that contrasts more with fill."""
    return max((BLACK, WHITE), key=lambda colour: contrast(fill, colour))


def is_legible(fill: str) -> bool:
    """Tell whether the better ink contrasts enough with fill to be read."""
    return contrast(fill, ink(fill)) >= LEAST_CONTRAST


def distances(one: str, other: str) -> dict[str, float]:
    """How far apart two colours are under each view, OKLab times 100."""
    return {
        view: 100 * math.dist(_seen(one, matrix), _seen(other, matrix))
        for view, matrix in _VIEWS.items()
    }


def likenesses(fills: Sequence[str]) -> tuple[Likeness, ...]:
    """Each pair of fills closer than LEAST_DISTANCE, at its worst view."""
    found = []
    for (first, one), (second, other) in combinations(enumerate(fills), 2):
        view, distance = min(distances(one, other).items(), key=lambda pair: pair[1])
        if distance < LEAST_DISTANCE:
            found.append(Likeness(first, second, view, distance))
    return tuple(found)


def palette(levels: int) -> tuple[str, ...]:
    """The default fills for so many levels; for more than six, steps repeat none.

    Between the stored steps colours are mixed evenly, or a little darker where no
    ink would be legible; from seven levels on some come closer than LEAST_DISTANCE.
    """
    if levels in PALETTES:
        return PALETTES[levels]
    if levels < min(PALETTES):
        return PALETTES[min(PALETTES)][:levels]
    return tuple(
        _legible(place * (max(PALETTES) - 1) / (levels - 1)) for place in range(levels)
    )


def _legible(at: float) -> str:
    """The first colour at a place among the steps, or after it, that carries ink."""
    steps = [_parts(colour) for colour in PALETTES[max(PALETTES)]]
    colour = _mixed(steps, at)
    while not is_legible(colour):
        at += 0.02
        colour = _mixed(steps, at)
    return colour


def _mixed(steps: Sequence[Vector], at: float) -> str:
    """The colour between the steps at a place, as hexadecimal digits."""
    low = min(int(at), len(steps) - 2)
    share = at - low
    return "".join(
        f"{round(255 * (before + (after - before) * share)):02X}"
        for before, after in zip(steps[low], steps[low + 1], strict=True)
    )


def _parts(colour: str) -> Vector:
    """Red, green and blue of a colour, each 0 to 1."""
    digits = parse_colour(colour)
    red, green, blue = (int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))
    return red, green, blue


def _light(colour: str) -> Vector:
    """The linear light of a colour. Source: IEC 61966-2-1 (sRGB)."""
    red, green, blue = (
        part / 12.92 if part <= _KNEE else ((part + 0.055) / 1.055) ** 2.4
        for part in _parts(colour)
    )
    return red, green, blue


def _luminance(colour: str) -> float:
    """The luminance of a colour, 0 to 1."""
    return _times(_VIEWS["grey"], _light(colour))[0]


def _seen(colour: str, view: Matrix) -> Vector:
    """Where a colour lies in OKLab for eyes that see so."""
    red, green, blue = (
        min(max(part, 0.0), 1.0) for part in _times(view, _light(colour))
    )
    cones = _times(_CONES, (red, green, blue))
    first, second, third = (math.cbrt(part) for part in cones)
    return _times(_LAB, (first, second, third))


def _times(matrix: Matrix, vector: Vector) -> Vector:
    """A matrix times a vector."""
    first, second, third = (
        sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix
    )
    return first, second, third
