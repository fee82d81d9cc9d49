"""One line of arithmetic in plain words, as a template and its values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Shown = str | int | float | tuple[float, ...]


def format_number(number: float) -> str:
    """Write number with at most four decimals and no idle zeros."""
    text = f"{number:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def format_shown(value: Shown) -> str:
    """Write one value of a line: numbers short, several joined by commas."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return ", ".join(format_number(number) for number in value)
    return format_number(value)


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence with named places, and what stands in them.

    Pages translate ``text`` and fill it with ``plain``; ``values`` are the
    numbers themselves, unrounded. Example:
    ``Line("mean of {scores} = {value}", {"scores": (1.0, 2.0), "value": 1.5})``.
    """

    text: str
    values: Mapping[str, Shown] = field(default_factory=dict, hash=False)

    @property
    def plain(self) -> dict[str, str]:
        """The values as they are written for people."""
        return {name: format_shown(value) for name, value in self.values.items()}

    def __str__(self) -> str:
        """Write the sentence in English."""
        return self.text.format_map(self.plain)
