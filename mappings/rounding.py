"""Rounding as Canvas rounds: half away from zero, on the binary double."""

import math

HALF = 0.5


def round_half_away(number: float, places: int = 2) -> float:
    """Round number to places decimals exactly as Ruby's Float#round does.

    Python's round() differs: 2.675 is 2.68 in Ruby and 2.67 in Python, 4.125 is
    4.13 and 4.12.

    Source: Ruby numeric.c, round_half_up(x, s).
    """
    if number < 0:
        return -round_half_away(-number, places)
    power = 10.0**places
    whole = float(_nearest(number * power))
    if (whole + HALF) / power <= number:
        whole += 1
    return whole / power


def _nearest(number: float) -> int:
    """The whole number nearest to number, which is not negative; half goes up."""
    whole = math.trunc(number)
    return whole + 1 if number - whole >= HALF else whole
