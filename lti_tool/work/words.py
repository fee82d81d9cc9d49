"""A text with places, and what fills them: English here, any language on a page."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Words:
    """A text with places, and what fills them.

    In English; a page says it in the reader's language.
    """

    text: str
    values: dict[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text % self.values
