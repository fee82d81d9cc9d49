"""An inverted index: which candidates say a word, and how much that says of them.

What shares no word with a text is never looked at.
"""

import json
import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mappings.sums import Posting, Sums
from mappings.views import Views
from mappings.words import Lexicon, Stem

# Chosen on the crosswalk of the benchmark (`suggest`); little hangs on any of them.
SATURATION = 1.5
LENGTH = 0.6
ABOVE = 0.6  # what a word in an ancestor's text counts of one in the statement
# What a word is worth is counted in ten-thousandths: whole numbers add up exactly.
UNITS = 10_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A competency that may be suggested; above is the text of two ancestors."""

    key: str
    text: str
    above: str = ""
    grades: frozenset[int] = frozenset()
    subjects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Index:
    """The words of all candidates, so that one text is compared with them quickly."""

    keys: tuple[str, ...]
    grades: tuple[frozenset[int], ...]
    subjects: tuple[frozenset[str], ...]
    postings: Mapping[str, Posting]
    sums: Sums = field(init=False, repr=False, compare=False)
    views: Views = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sums", Sums(self.postings, len(self.keys)))
        views = Views(self.keys, self.grades, self.subjects)
        object.__setattr__(self, "views", views)

    def most(self, query: Mapping[str, int]) -> float:
        """Return what a candidate scored that said all of a query, rare words too."""
        unknown = math.log(2 * len(self.keys) + 2) * UNITS
        return math.fsum(
            weight * (self.sums.peak(stem) or unknown) for stem, weight in query.items()
        )

    def format(self) -> bytes:
        """Return the index as bytes: compressed JSON, no code in it."""
        told = {
            "keys": self.keys,
            "grades": [sorted(one) for one in self.grades],
            "subjects": [sorted(one) for one in self.subjects],
            "postings": self.postings,
        }
        return zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 3)


def parse_index(content: bytes) -> Index:
    """Return the index that these bytes hold."""
    told = json.loads(zlib.decompress(content))
    return Index(
        tuple(told["keys"]),
        tuple(frozenset(one) for one in told["grades"]),
        tuple(frozenset(one) for one in told["subjects"]),
        {stem: (one[0], one[1]) for stem, one in told["postings"].items()},
    )


def index(candidates: Sequence[Candidate], stem: Stem) -> Index:
    """Return the index of candidates, in their order.

    Source: Okapi BM25, Robertson and Zaragoza 2009, with the idf that stays above 0.
    """
    counted = _counted(candidates, Lexicon(stem))
    return Index(
        tuple(one.key for one in candidates),
        tuple(one.grades for one in candidates),
        tuple(one.subjects for one in candidates),
        {term: _posting(said, len(candidates)) for term, said in counted.items()},
    )


def _counted(
    candidates: Sequence[Candidate], lexicon: Lexicon
) -> Mapping[str, dict[int, float]]:
    """How much each stem says of each place, before it is known how rare the stem is.

    What stands above stands above many: it is read once.
    """
    above: dict[str, dict[str, float]] = {}
    counts: list[dict[str, float]] = []
    for one in candidates:
        if one.above not in above:
            seen = Counter(lexicon.terms(one.above))
            above[one.above] = {term: n * ABOVE for term, n in seen.items()}
        found: dict[str, float] = dict(above[one.above])
        for term in lexicon.terms(one.text):
            found[term] = found.get(term, 0.0) + 1.0
        counts.append(found)
    sizes = [math.fsum(found.values()) for found in counts]
    usual = math.fsum(sizes) / max(len(sizes), 1) or 1.0
    said: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for place, (found, size) in enumerate(zip(counts, sizes, strict=True)):
        damp = SATURATION * (1 - LENGTH + LENGTH * size / usual)
        for term, count in found.items():
            said[term][place] = count / (count + damp)
    return said


def _posting(said: Mapping[int, float], of: int) -> Posting:
    rare = math.log(1 + (of - len(said) + 0.5) / (len(said) + 0.5))
    share = (SATURATION + 1) * rare * UNITS
    return list(said), [round(share * value) for value in said.values()]
