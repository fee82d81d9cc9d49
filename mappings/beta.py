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
    both = alpha + beta
    upper = 1.0
    lower = 1.0 / ((1.0 - both * point / (alpha + 1)) or TINY)
    total = lower
    # Written out term by term: a district asks for this a million times.
    for step in range(1, STEPS):
        twice = alpha + 2 * step
        term = step * (beta - step) * point / ((twice - 1) * twice)
        lower = 1.0 / ((1.0 + term * lower) or TINY)
        upper = (1.0 + term / upper) or TINY
        total *= lower * upper
        term = -(alpha + step) * (both + step) * point / (twice * (twice + 1))
        lower = 1.0 / ((1.0 + term * lower) or TINY)
        upper = (1.0 + term / upper) or TINY
        change = lower * upper
        total *= change
        if -NEAR < change - 1.0 < NEAR:
            break
    return total
