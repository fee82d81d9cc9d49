"""The beta distribution: its share below a point, and the point of a share."""

import math

STEPS = 10_000
NEAR = 1e-15
TINY = 1e-300
CLOSE = 1e-7


def beta_share(alpha: float, beta: float, point: float) -> float:
    """The probability that a Beta(alpha, beta) value lies below point.

    The regularised incomplete beta function, by Lentz's continued fraction.

    Source: NIST Digital Library of Mathematical Functions 8.17.22.
    """
    if point <= 0:
        return 0.0
    if point >= 1:
        return 1.0
    if point > (alpha + 1) / (alpha + beta + 2):
        return 1.0 - beta_share(beta, alpha, 1.0 - point)
    front = math.exp(
        math.lgamma(alpha + beta)
        - math.lgamma(alpha)
        - math.lgamma(beta)
        + alpha * math.log(point)
        + beta * math.log1p(-point)
    )
    return front * _fraction(alpha, beta, point) / alpha


def beta_point(alpha: float, beta: float, share: float) -> float:
    """The point below which share of Beta(alpha, beta) lies, by bisection.

    Exact to a ten-millionth.
    """
    low, high = 0.0, 1.0
    while high - low > CLOSE:
        middle = (low + high) / 2
        if beta_share(alpha, beta, middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _fraction(alpha: float, beta: float, point: float) -> float:
    """The continued fraction of the incomplete beta function."""
    upper = 1.0
    lower = 1.0 / _off_zero(1.0 - (alpha + beta) * point / (alpha + 1))
    total = lower
    for step in range(1, STEPS):
        twice = alpha + 2 * step
        even = step * (beta - step) * point / ((twice - 1) * twice)
        odd = -(alpha + step) * (alpha + beta + step) * point / (twice * (twice + 1))
        for term in (even, odd):
            lower = 1.0 / _off_zero(1.0 + term * lower)
            upper = _off_zero(1.0 + term / upper)
            total *= lower * upper
        if abs(lower * upper - 1.0) < NEAR:
            break
    return total


def _off_zero(number: float) -> float:
    """Number, or a tiny one where it would divide by nothing."""
    return number if abs(number) > TINY else TINY
