"""Text as a BERT model reads it: known pieces of words, by number."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from mappings.words import plain

# The uncased English vocabulary of BERT (Google, Apache-2.0): one piece a line, its
# number is its line, "##" begins what continues a word.
VOCABULARY: Final = Path(__file__).parent / "wordpieces.txt"
LONGEST: Final = 256
_LONGEST_WORD: Final = 100
_START, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
# CJK ideographs stand alone, each a word.
_IDEOGRAPHS: Final = (("\u3400", "\u9fff"), ("\uf900", "\ufaff"))


@lru_cache(maxsize=1)
def vocabulary() -> Mapping[str, int]:
    """Return the number of each piece."""
    lines = VOCABULARY.read_text(encoding="utf-8").splitlines()
    return {piece: number for number, piece in enumerate(lines)}


def numbers(text: str, *, longest: int = LONGEST) -> list[int]:
    """Return the pieces of a text as numbers, between its start and end marks.

    What lies beyond the longest a model reads is left out.
    """
    known = vocabulary()
    found = [known[piece] for word in _words(plain(text)) for piece in _pieces(word)]
    return [known[_START], *found[: longest - 2], known[_END]]


def _words(text: str) -> Iterator[str]:
    """The words of a text, without accents, marks each by themselves."""
    folded = unicodedata.normalize("NFD", text.lower())
    spread = "".join(
        f" {letter} " if _stands_alone(letter) else letter
        for letter in folded
        if unicodedata.category(letter) not in {"Mn", "Cf"}
    )
    return iter(spread.split())


def _stands_alone(letter: str) -> bool:
    if unicodedata.category(letter).startswith("P"):
        return True
    if letter.isascii():
        return letter.isprintable() and not letter.isalnum() and letter != " "
    return any(first <= letter <= last for first, last in _IDEOGRAPHS)


def _pieces(word: str) -> list[str]:
    """The longest known pieces of a word, from its start; unknown if one is not."""
    known = vocabulary()
    found: list[str] = []
    rest, mark = word, ""
    while rest:
        size = next(
            (end for end in range(len(rest), 0, -1) if mark + rest[:end] in known), 0
        )
        if not size or len(word) > _LONGEST_WORD:
            return [_UNKNOWN]
        found.append(mark + rest[:size])
        rest, mark = rest[size:], "##"
    return found
