"""Grades a competency or a course is for, as whole numbers; kindergarten is 0."""

import re
from collections.abc import Iterable

_WORDS = {"PK": -1, "PR": -1, "TK": -1, "KG": 0, "K": 0, "HS": 9}
HIGH_SCHOOL = frozenset(range(9, 13))
_LAST = 13
_NAMED = re.compile(
    r"\bgrades?\s+(\d{1,2})(?:\s*[-\u2013]\s*(\d{1,2}))?\b"
    r"|\b(\d{1,2})(?:st|nd|rd|th)[\s-]+grade\b",
    re.IGNORECASE,
)


def grades_of(levels: Iterable[str]) -> frozenset[int]:
    """Return the grades that levels name; one that names none is left out.

    Source: CEDS Education Levels, as CASE and OneRoster write them: KG, 01 to 12.
    """
    found = (_grade(level) for level in levels)
    return frozenset(one for one in found if one is not None)


def _grade(level: str) -> int | None:
    text = level.strip().upper()
    if text.isdecimal():
        return int(text) if int(text) <= _LAST else None
    return _WORDS.get(text)


def grades_in(text: str) -> frozenset[int]:
    """Return the grades a heading names: "Grade 7", "Grades 6-8", "High School"."""
    said = _NAMED.search(text)
    if said is not None:
        first, last, ordinal = said.groups()
        low = int(first or ordinal)
        return frozenset(range(low, max(low, int(last or low)) + 1))
    folded = text.casefold()
    if "kindergarten" in folded:
        return frozenset({0})
    return HIGH_SCHOOL if "high school" in folded else frozenset()


def gap(some: frozenset[int], others: frozenset[int]) -> int | None:
    """Return how many grades lie between the nearest of both; None if unknown."""
    if not some or not others:
        return None
    return min(abs(one - other) for one in some for other in others)
