"""The sentences of the domain, for the catalogue: their templates live outside web."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

from lti_tool.work.standing import NOT_COUNTED
from mappings.rules import RULES
from mappings.wording import TEMPLATES

# What work.standing says of a score that is no evidence.
LEFT_OUT = (*NOT_COUNTED.values(), "taken back by the SIS", "no score yet")
RANKS = ("Emerging", "Developing", "Proficient", "Secure")


def sentences() -> Iterator[str]:
    """Yield every sentence a page may show that no page itself holds."""
    yield from TEMPLATES
    for spec in RULES.values():
        yield spec.label
        if spec.parameter is not None:
            yield spec.parameter.words
    yield from LEFT_OUT
    yield from RANKS


def extract(
    _file: IO[bytes],
    _keywords: object,
    _comment_tags: object,
    **_options: object,
) -> Iterable[tuple[int, str, str, list[str]]]:
    """Give Babel's extraction the sentences of the domain (see babel.cfg)."""
    return ((0, "", text, []) for text in dict.fromkeys(sentences()))
