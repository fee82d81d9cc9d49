"""Text to likely competencies: BM25 by words, and a ranker that is plain numbers."""

import json
import math
import zlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest

from mappings.grade_levels import gap
from mappings.ranking import Ranker
from mappings.words import Stem, words

# Chosen on the crosswalk of the benchmark (`suggest`); little hangs on any of them.
SATURATION = 1.5
LENGTH = 0.6
ABOVE = 0.6  # what a word in an ancestor's text counts of one in the statement
TITLE, TEXT, PART = 1.0, 1.0, 0.5
NEAR_GRADES = 1
OTHER_GRADE = 0.9  # what a match of a neighbouring grade is worth of one's own
FARTHEST = 4
CONSIDERED = 50
TOP = 5
MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A competency that may be suggested; above is the text of two ancestors."""

    key: str
    text: str
    above: str = ""
    grades: frozenset[int] = frozenset()
    subjects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Query:
    """What is known of a piece of work; parts are rubric rows and questions."""

    title: str
    text: str = ""
    parts: tuple[str, ...] = ()
    grades: frozenset[int] = frozenset()
    subjects: frozenset[str] = frozenset()

    def told(self) -> str:
        """All its words, for a model that reads whole texts."""
        return " ".join(one for one in (self.title, self.text, *self.parts) if one)


@dataclass(frozen=True, slots=True)
class Closeness:
    """Of each candidate, by place: how near its text means what the query means."""

    statement: Sequence[float]
    context: Sequence[float]

    def mean(self, place: int) -> float:
        """Return both in one."""
        return (self.statement[place] + self.context[place]) / 2


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One competency for a piece of work: how sure, and by which of its words."""

    key: str
    score: float
    confidence: float
    words: tuple[str, ...]
    features: Mapping[str, float] = field(default_factory=dict)


# Fitted on the crosswalk: what a score without a school's own choices is worth. They
# say how sure, never the order.
BY_WORDS = Ranker(
    {"bm25": 3.1, "grade_gap": -0.9, "same_grade": 0.9, "word_rank": 4.1}, -5.5
)
BY_MEANING = Ranker(
    {
        "bm25": 0.0,
        "statement": 7.4,
        "context": -2.5,
        "grade_gap": -1.0,
        "same_grade": 1.0,
        "word_rank": 2.3,
        "meaning_rank": 3.0,
    },
    -7.7,
)


@dataclass(frozen=True, slots=True)
class Index:
    """The words of all candidates, so that one text is compared with them quickly."""

    keys: tuple[str, ...]
    grades: tuple[frozenset[int], ...]
    subjects: tuple[frozenset[str], ...]
    postings: Mapping[str, tuple[Sequence[int], Sequence[float]]]

    def scores(self, query: Mapping[str, float]) -> list[float]:
        """Return the BM25 score of each candidate for weighed stems."""
        found = [0.0] * len(self.keys)
        for stem, weight in query.items():
            places, worth = self.postings.get(stem, ((), ()))
            for place, value in zip(places, worth, strict=True):
                found[place] += weight * value
        return found

    def most(self, query: Mapping[str, float]) -> float:
        """Return what a candidate scored that said all of a query, rare words too."""
        unknown = math.log(2 * len(self.keys) + 2)
        return math.fsum(
            weight * max(self.postings[stem][1], default=0.0)
            if stem in self.postings
            else weight * unknown
            for stem, weight in query.items()
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
    counted = [_counted(one, stem) for one in candidates]
    sizes = [sum(one.values()) for one in counted]
    usual = math.fsum(sizes) / max(len(sizes), 1) or 1.0
    found: dict[str, tuple[list[int], list[float]]] = {}
    for place, (counts, size) in enumerate(zip(counted, sizes, strict=True)):
        damp = SATURATION * (1 - LENGTH + LENGTH * size / usual)
        for term, count in counts.items():
            places, worth = found.setdefault(term, ([], []))
            places.append(place)
            worth.append(count * (SATURATION + 1) / (count + damp))
    for places, worth in found.values():
        rare = math.log(1 + (len(counted) - len(places) + 0.5) / (len(places) + 0.5))
        worth[:] = [round(value * rare, 4) for value in worth]
    return Index(
        tuple(one.key for one in candidates),
        tuple(one.grades for one in candidates),
        tuple(one.subjects for one in candidates),
        found,
    )


def _counted(one: Candidate, stem: Stem) -> dict[str, float]:
    counts: dict[str, float] = dict(Counter(map(stem, words(one.text))))
    for word in words(one.above):
        term = stem(word)
        counts[term] = counts.get(term, 0.0) + ABOVE
    return counts


def suggest(  # noqa: PLR0913 -- the text, what it is compared with, and how
    index: Index,
    query: Query,
    stem: Stem,
    *,
    top: int = TOP,
    closeness: Closeness | None = None,
    ranker: Ranker | None = None,
    allowed: Collection[str] | None = None,
) -> list[Suggestion]:
    """Return the likeliest competencies, best first: top of them, or none at all.

    None where nothing of the text is near any candidate. Only those within a grade of
    the query's and of its subjects are considered, where both are known; if they are
    too few, the nearest others. allowed: only these keys, all if None.
    """
    by_stem = _weighed(query, stem)
    weights = {term: weight for term, (weight, _) in by_stem.items()}
    scores = index.scores(weights)
    places = _places(index, query, top, allowed)
    drawn = _drawn(places, scores, closeness)
    if not drawn or not (closeness or any(scores[place] > 0 for place in drawn)):
        return []
    most = index.most(weights) or 1.0
    shares = [value / most for value in scores]
    rated = _rated(index, query, drawn, shares, closeness)
    chosen = nlargest(
        top, rated, key=lambda one: (_order(one, ranker, closeness), -one[0])
    )
    sure = ranker or (BY_MEANING if closeness else BY_WORDS)
    return [
        Suggestion(
            index.keys[place],
            round(_order((place, features), ranker, closeness), 4),
            round(sure.confidence(features), 3),
            _matched(index, by_stem, place),
            features,
        )
        for place, features in chosen
    ]


Rated = tuple[int, dict[str, float]]


def _order(one: Rated, ranker: Ranker | None, closeness: Closeness | None) -> float:
    """What a candidate is placed by: the ranker, else meaning, else words."""
    place, features = one
    if ranker is not None:
        return ranker.confidence(features)
    worth = features["bm25"] if closeness is None else closeness.mean(place)
    return worth * (OTHER_GRADE if features["grade_gap"] else 1.0)


def _weighed(query: Query, stem: Stem) -> dict[str, tuple[float, str]]:
    """Each stem of a query with its weight, and the first word it was seen in."""
    found: dict[str, tuple[float, str]] = {}
    fields = [(query.title, TITLE), (query.text, TEXT)]
    fields += [(part, PART) for part in query.parts]
    for text, weight in fields:
        for word in words(text):
            term = stem(word)
            before = found.get(term)
            if before is None or before[0] < weight:
                found[term] = (weight, before[1] if before else word)
    return found


def _places(
    index: Index, query: Query, top: int, allowed: Collection[str] | None
) -> list[int]:
    """The candidates near enough in grade and subject, more if they are too few."""
    fitting = [
        place
        for place, subjects in enumerate(index.subjects)
        if (not subjects or not query.subjects or subjects & query.subjects)
        and (allowed is None or index.keys[place] in allowed)
    ]
    near = [
        place
        for place in fitting
        if (gap(index.grades[place], query.grades) or 0) <= NEAR_GRADES
    ]
    if len(near) >= top:
        return near
    return sorted(
        fitting, key=lambda place: gap(index.grades[place], query.grades) or 0
    )[: max(top, len(near))]


def _drawn(
    places: Sequence[int], scores: Sequence[float], closeness: Closeness | None
) -> list[int]:
    """The best by words and the best by meaning, each once."""
    best = nlargest(CONSIDERED, places, key=lambda place: (scores[place], -place))
    if closeness is not None:
        best += nlargest(
            CONSIDERED, places, key=lambda place: (closeness.mean(place), -place)
        )
    return list(dict.fromkeys(best))


def _rated(
    index: Index,
    query: Query,
    drawn: Sequence[int],
    shares: Sequence[float],
    closeness: Closeness | None,
) -> list[Rated]:
    by_words = _ranks(drawn, {place: shares[place] for place in drawn})
    by_meaning = (
        _ranks(drawn, {place: closeness.mean(place) for place in drawn})
        if closeness
        else {}
    )
    rated = []
    for place in drawn:
        apart = gap(index.grades[place], query.grades)
        features = {
            "bm25": round(shares[place], 4),
            "statement": round(closeness.statement[place], 4) if closeness else 0.0,
            "context": round(closeness.context[place], 4) if closeness else 0.0,
            "grade_gap": float(min(apart or 0, FARTHEST)),
            "same_grade": float(apart == 0),
            "word_rank": 1 / by_words[place] if shares[place] > 0 else 0.0,
            "meaning_rank": 1 / by_meaning[place] if closeness else 0.0,
        }
        rated.append((place, features))
    return rated


def _ranks(drawn: Sequence[int], worth: Mapping[int, float]) -> dict[int, int]:
    ordered = sorted(drawn, key=lambda place: (-worth[place], place))
    return {place: rank for rank, place in enumerate(ordered, 1)}


def _matched(
    index: Index, by_stem: Mapping[str, tuple[float, str]], place: int
) -> tuple[str, ...]:
    """The words of the query that the candidate has, those that say most first."""
    worth: list[tuple[float, str]] = []
    for term, (weight, word) in by_stem.items():
        places, values = index.postings.get(term, ((), ()))
        at = _find(places, place)
        if at is not None:
            worth.append((weight * values[at], word))
    worth.sort(key=lambda one: -one[0])
    return tuple(word for _, word in worth[:MOST_WORDS])


def _find(places: Sequence[int], place: int) -> int | None:
    """Where place stands among places, which are in order."""
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if places[middle] < place:
            low = middle + 1
        else:
            high = middle
    return low if low < len(places) and places[low] == place else None
