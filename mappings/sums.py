"""Scores of all candidates at once, added up as one long whole number.

A candidate is a lane of 32 bits in a number as long as the shelf: adding two such
numbers adds all lanes, in one step of the interpreter and without numpy. That is what
lets a page rate ten thousand competencies within a millisecond.
"""

import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice

Posting = tuple[Sequence[int], Sequence[int]]

BYTES = 4
# Together under the 32 bits of a lane: no word is worth 400,000, twice over.
MOST_STEMS = 5_000
_FULL = 255
_BITS = 8
# What is said so seldom is laid out anew each time; the rest is kept while it is used.
SELDOM = 128
_HELD_BYTES = 16_000_000
_HELD_LEAST = 64
_NOWHERE: Posting = ((), ())


def mask(places: Iterable[int], size: int) -> int:
    """Return the lanes of some places, all bits set: what is beside them counts not."""
    lanes = array("I", bytes(BYTES * size))
    for place in places:
        lanes[place] = 0xFFFF_FFFF
    return int.from_bytes(lanes.tobytes(), sys.byteorder)


class Sums:
    """Adds up what words are worth at each place of a shelf.

    postings: the places that say a stem, in order, and what it is worth there.
    size: how many places there are.
    """

    def __init__(self, postings: Mapping[str, Posting], size: int) -> None:
        self._postings = postings
        self._size = size
        held = max(_HELD_LEAST, _HELD_BYTES // (BYTES * max(size, 1)))
        self._often = lru_cache(maxsize=held)(self._laid_out)
        self._peaks: dict[str, int] = {}

    def peak(self, stem: str) -> int:
        """Return the most a stem is worth anywhere, 0 where nothing says it."""
        found = self._peaks.get(stem, 0)
        if not found and stem in self._postings:
            found = self._peaks[stem] = max(self._postings[stem][1])
        return found

    def worth(self, stem: str, place: int) -> int:
        """Return what a stem is worth at a place, 0 where it is not said."""
        places, worth = self._postings.get(stem, _NOWHERE)
        at = bisect_left(places, place)
        return worth[at] if at < len(places) and places[at] == place else 0

    def best(
        self, query: Mapping[str, int], count: int, *, within: int | None = None
    ) -> dict[int, int]:
        """Return the score of the count best places for weighed stems, best first.

        Of those alike the first; none that shares no word. Only the first
        MOST_STEMS of a query are read. within: a mask, None for all.
        """
        most = 0
        by_weight: dict[int, int] = {}
        for stem, weight in islice(query.items(), MOST_STEMS):
            if peak := self.peak(stem):
                most += weight * peak
                by_weight[weight] = by_weight.get(weight, 0) + self._lanes(stem)
        total = sum(weight * lanes for weight, lanes in by_weight.items())
        if within is not None:
            total &= within
        if not total:
            return {}
        scores = memoryview(self._unpacked(total)).cast("I")
        likely = _likely(self._tops(total, most), count)
        if likely is None:  # too few stand out: everything that was said at all
            likely = (place for place, score in enumerate(scores) if score)
        found = sorted((-scores[place], place) for place in likely)
        return {place: -score for score, place in found[:count]}

    @property
    def held(self) -> int:
        """How many stems are held laid out."""
        return self._often.cache_info().currsize

    def _lanes(self, stem: str) -> int:
        often = len(self._postings[stem][0]) > SELDOM
        return self._often(stem) if often else self._laid_out(stem)

    def _laid_out(self, stem: str) -> int:
        lanes = array("I", bytes(BYTES * self._size))
        for place, value in zip(*self._postings[stem], strict=True):
            lanes[place] = value
        return int.from_bytes(lanes.tobytes(), sys.byteorder)

    def _unpacked(self, total: int) -> bytes:
        return total.to_bytes(BYTES * self._size, sys.byteorder)

    def _tops(self, total: int, most: int) -> bytes:
        """The eight highest bits of each lane that most needs: a byte a place."""
        unused = max(most.bit_length() - _BITS, 0)
        lowest = 0 if sys.byteorder == "little" else BYTES - 1
        return self._unpacked(total >> unused)[lowest::BYTES]


def _likely(tops: bytes, count: int) -> Iterator[int] | None:
    """The places of the count highest and of all like the last; None if too few."""
    least, beyond, kept = 0, _FULL + 1, tops
    while beyond - least > 1:
        middle = (least + beyond) // 2
        above = kept.translate(None, bytes(range(middle)))
        if len(above) < count:
            beyond = middle
        else:
            least, kept = middle, above
    if not least:
        return None
    found = re.compile(b"[" + re.escape(bytes([least])) + b"-\xff]", re.DOTALL)
    return (one.start() for one in found.finditer(tops))
