"""Text to likely competencies: BM25 by words, and a ranker that is plain numbers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import islice

from mappings.grade_levels import gap
from mappings.postings import Index
from mappings.ranking import Ranker
from mappings.views import View
from mappings.words import Stem, is_telling, words

# Chosen on the crosswalk of the benchmark (`suggest`); little hangs on any of them.
TITLE, TEXT, PART = 2, 2, 1  # a word of a rubric row counts half
OTHER_GRADE = 0.9  # what a match of a neighbouring grade is worth of one's own
FARTHEST = 4
CONSIDERED = 50
TOP = 5
MOST_WORDS = 6
# One word alone is a chance hit as often as not: each that tells halves the doubt.
DOUBT = 0.5
# Texts less alike than this are about the same thing only by chance.
NEAR = 0.5


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
    """One competency for a piece of work: how sure, and by which of its words.

    score is what the order goes by; confidence, 0 to 1, how sure to be of it, less
    where few words tell or the texts are hardly alike.
    """

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
    view = index.views.view(query.grades, query.subjects, top=top, allowed=allowed)
    scores = index.sums.best(weights, CONSIDERED, within=view.mask)
    if not scores and not closeness:
        return []
    drawn = _drawn(view, scores, closeness)
    most = index.most(weights) or 1.0
    shares = {place: _score(index, weights, scores, place) / most for place in drawn}
    rated = _rated(index, query, shares, closeness)
    chosen = nlargest(
        top, rated, key=lambda one: (_order(one, ranker, closeness), -one[0])
    )
    sure = ranker or (BY_MEANING if closeness else BY_WORDS)
    return [
        Suggestion(
            index.keys[place],
            round(_order((place, features), ranker, closeness), 4),
            round(sure.confidence(features) * _trust(told, place, closeness), 3),
            told,
            features,
        )
        for place, features in chosen
        for told in [_matched(index, by_stem, place)]
    ]


Rated = tuple[int, dict[str, float]]


def _order(one: Rated, ranker: Ranker | None, closeness: Closeness | None) -> float:
    """What a candidate is placed by: the ranker, else meaning, else words."""
    place, features = one
    if ranker is not None:
        return ranker.confidence(features)
    worth = features["bm25"] if closeness is None else closeness.mean(place)
    return worth * (OTHER_GRADE if features["grade_gap"] else 1.0)


def _weighed(query: Query, stem: Stem) -> dict[str, tuple[int, str]]:
    """Each stem of a query with its weight, and the first word it was seen in."""
    found: dict[str, tuple[int, str]] = {}
    fields = [(query.title, TITLE), (query.text, TEXT)]
    fields += [(part, PART) for part in query.parts]
    for text, weight in fields:
        for word in words(text):
            term = stem(word)
            before = found.get(term)
            if before is None or before[0] < weight:
                found[term] = (weight, before[1] if before else word)
    return found


def _drawn(
    view: View, scores: Mapping[int, int], closeness: Closeness | None
) -> list[int]:
    """The best by words, filled up from the first; and the best by meaning."""
    best = list(scores)
    if len(best) < CONSIDERED:
        others = (place for place in view.places if place not in scores)
        best += islice(others, CONSIDERED - len(best))
    if closeness is not None:
        best += nlargest(
            CONSIDERED, view.places, key=lambda place: (closeness.mean(place), -place)
        )
    return list(dict.fromkeys(best))


def _score(
    index: Index, weights: Mapping[str, int], scores: Mapping[int, int], place: int
) -> int:
    """The score of a place: known if it is among the best by words, else added up."""
    found = scores.get(place)
    if found is None:
        found = sum(w * index.sums.worth(stem, place) for stem, w in weights.items())
    return found


def _rated(
    index: Index,
    query: Query,
    shares: Mapping[int, float],
    closeness: Closeness | None,
) -> list[Rated]:
    by_words = _ranks(shares)
    by_meaning = (
        _ranks({place: closeness.mean(place) for place in shares}) if closeness else {}
    )
    rated = []
    for place, share in shares.items():
        apart = gap(index.grades[place], query.grades)
        features = {
            "bm25": round(share, 4),
            "statement": round(closeness.statement[place], 4) if closeness else 0.0,
            "context": round(closeness.context[place], 4) if closeness else 0.0,
            "grade_gap": float(min(apart or 0, FARTHEST)),
            "same_grade": float(apart == 0),
            "word_rank": 1 / by_words[place] if share > 0 else 0.0,
            "meaning_rank": 1 / by_meaning[place] if closeness else 0.0,
        }
        rated.append((place, features))
    return rated


def _ranks(worth: Mapping[int, float]) -> dict[int, int]:
    ordered = sorted(worth, key=lambda place: (-worth[place], place))
    return {place: rank for rank, place in enumerate(ordered, 1)}


def _trust(told: Sequence[str], place: int, closeness: Closeness | None) -> float:
    """What of a confidence is left, 0 to 1: by the words that tell, or by meaning."""
    if closeness is not None:
        return max(0.0, min(1.0, closeness.mean(place) / NEAR))
    return 1.0 - DOUBT ** sum(map(is_telling, told))


def _matched(
    index: Index, by_stem: Mapping[str, tuple[int, str]], place: int
) -> tuple[str, ...]:
    """The words of the query that the candidate has, those that say most first."""
    worth: list[tuple[int, str]] = []
    for term, (weight, word) in by_stem.items():
        value = index.sums.worth(term, place)
        if value:
            worth.append((weight * value, word))
    worth.sort(key=lambda one: -one[0])
    return tuple(word for _, word in worth[:MOST_WORDS])
