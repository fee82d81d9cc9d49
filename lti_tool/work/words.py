"""A text with places, and what fills them: English here, any language on a page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_PLACE: Final = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Words:
    """A text with places, and what fills them.

    In English; a page says it in the reader's language.
    """

    text: str
    values: dict[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text % self.values


class Known:
    """Sentences of ours that were kept as English text, found again with their places.

    Where two fit, the one with the most words of its own is meant.
    """

    def __init__(self, templates: Iterable[str]) -> None:
        """Take templates whose places are written ``%(name)s``."""
        ordered = sorted(templates, key=lambda one: -len(_PLACE.sub("", one)))
        self._patterns = tuple((_pattern(one), one) for one in ordered)

    def parse(self, text: str) -> Words | None:
        """Return the sentence that a text is; None if it is none of these."""
        for pattern, template in self._patterns:
            found = pattern.fullmatch(text)
            if found is not None:
                return Words(template, {**found.groupdict()})
        return None


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)
    made = [
        f"(?P<{part}>.+)" if place % 2 else re.escape(part)
        for place, part in enumerate(parts)
    ]
    return re.compile("".join(made), re.DOTALL)
