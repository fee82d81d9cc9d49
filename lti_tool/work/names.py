"""Names of people as they are compared: how a system writes them does not count."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

Name = tuple[str, str]

# Combining accents go (other scripts' marks are letters and stay); apostrophes alike.
_FOLDED: Final[dict[int, str | None]] = dict.fromkeys(
    range(0x300, 0x370)
) | dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`"), "'")


def names_of(user: Mapping[str, Any]) -> set[Name]:
    """A SIS user's legal name, and the one she prefers."""
    given, family = user["given_name"], user["family_name"]
    preferred = (
        user["preferred_given_name"] or given,
        user["preferred_family_name"] or family,
    )
    names = {plain_name(given, family), plain_name(*preferred)}
    return {name for name in names if name is not None}


def plain_name(given: str | None, family: str | None) -> Name | None:
    """A name for comparison; None if there is no name at all.

    Case, width, spaces, accents and the kind of apostrophe do not count: "Zoë" is
    often "Zoe" in the other system, and two who then look alike match nobody. People
    with a single name have it in either part.
    """
    parts = tuple(
        " ".join(
            unicodedata.normalize("NFKD", part or "")
            .translate(_FOLDED)
            .casefold()
            .split()
        )
        for part in (given, family)
    )
    return (parts[0], parts[1]) if any(parts) else None
