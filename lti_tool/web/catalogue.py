"""The sentences of the domain, for the catalogue: their templates live outside web."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

from lti_tool.lti13 import refusals
from lti_tool.work import (
    carrying,
    check_words,
    comparing,
    guides,
    import_words,
    linking,
    masking,
    own_frameworks,
    pieces,
    platform_fields,
    probe_words,
    reasons,
    replacements,
    scores,
    twins,
)
from mappings.counting import KINDS, ORDERS
from mappings.refusals import REFUSALS
from mappings.rules import RULES
from mappings.wording import TEMPLATES

RANKS = ("Emerging", "Developing", "Proficient", "Secure")


def sentences() -> Iterator[str]:
    """Yield every sentence a page may show that no page itself holds."""
    yield from TEMPLATES
    yield from REFUSALS
    yield from own_frameworks.sentences()
    yield from replacements.sentences()
    for spec in RULES.values():
        yield spec.label
        if spec.parameter is not None:
            yield spec.parameter.words
    yield from scores.sentences()
    yield from pieces.sentences()
    yield from twins.sentences()
    yield from carrying.sentences()
    yield from reasons.sentences()
    yield from KINDS.values()
    yield from ORDERS.values()
    yield from RANKS
    yield from linking.RULES.values()
    yield from check_words.sentences()
    yield from guides.texts()
    yield from platform_fields.FAULTS.values()
    yield from refusals.sentences()
    yield from comparing.sentences()
    yield from masking.KINDS.values()
    yield from probe_words.sentences()
    yield from import_words.TEMPLATES


def extract(
    _file: IO[bytes],
    _keywords: object,
    _comment_tags: object,
    **_options: object,
) -> Iterable[tuple[int, str, str, list[str]]]:
    """Give Babel's extraction the sentences of the domain (see babel.cfg)."""
    return ((0, "", text, []) for text in dict.fromkeys(sentences()))
