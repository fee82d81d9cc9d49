"""Pieces as short as a judge needs them, and the judge of whole schools.

``counting.judge`` judges one student and can say why. Where a district is judged
anew nobody asks why yet: ``Judge`` finds the same level, to the last bit, without the
reasons, and keeps what it has worked out before, for most of it comes again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from mappings.arithmetic import Found, Sheet
from mappings.beta import beta_share
from mappings.certainty import (
    PRIOR,
    STANDARD,
    Rank,
    has_enough,
    rank_of,
    success_of,
)
from mappings.counting import Terms
from mappings.evidence import Evidence
from mappings.mastery import level_of
from mappings.rounding import round_half_away
from mappings.scales import Scale, reaches

MOST_KEPT = 100_000
_K = TypeVar("_K")
_V = TypeVar("_V")
_DAY = timedelta(days=1)

Place = tuple[object, ...]


class Brief(NamedTuple):
    """One piece that may count, as short as a judge needs it.

    Attributes:
        place: orders pieces of the same second; no two pieces of a cell share one.
        task: names the work; part: its row or question alone.
        due_at, assessed_at: the other times it may be ordered by.
        at: when it was handed in, aware.
    """

    place: Place
    task: str
    part: str
    due_at: datetime | None
    assessed_at: datetime | None
    at: datetime
    ratio: float
    weight: float
    kind: str = "score"
    reliability: float = 1.0
    guess: float = 0.0
    is_support: bool = False


_DUE, _AT = Brief._fields.index("due_at"), Brief._fields.index("at")


class Ruling(NamedTuple):
    """What a judge finds: an attainment without its reasons.

    Attributes:
        value: points of the scale; None where the rule gives no result.
        ratio: unrounded.
        level: the number of the level, from 0; None where there is none.
        evidence: how many pieces were judged.
        newest: the time of the newest piece that counts.
    """

    value: float | None
    ratio: float | None
    level: int | None
    level_name: str | None
    is_mastered: bool
    evidence: int
    probability: float | None
    newest: datetime


_Points = tuple[float | None, float | None, int | None, str | None, bool]
NO_POINTS: _Points = (None, None, None, None, False)


def brief(piece: Evidence, place: Place) -> Brief:
    """A piece of evidence in brief."""
    return Brief(
        place,
        piece.task,
        piece.part,
        piece.due_at,
        piece.assessed_at,
        piece.at,
        piece.ratio,
        piece.weight,
        piece.kind,
        piece.reliability,
        piece.guess,
        piece.is_support,
    )


def support(
    piece: Brief, share: float, scale: Scale, *, successor: int
) -> Brief | None:
    """What a piece for a successor says for its predecessor; None if it says nothing.

    As ``counting.of_successor``; at the same second it comes after the cell's own
    pieces, in the order of the successors.
    """
    if piece.is_support or not reaches(piece.ratio, scale.mastery):
        return None
    return piece._replace(
        weight=piece.weight * share,
        is_support=True,
        place=(1, successor, *piece.place),
    )


class Moments:
    """What is asked of the same moments again and again, as of ``now``, an aware time.

    One for all judges of a run: a school hands in on few days.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._seconds: dict[datetime, float] = {}
        self._faded: dict[tuple[int, datetime], float] = {}

    def second(self, at: datetime) -> float:
        """The whole second of a moment, as Canvas orders."""
        found = self._seconds.get(at)
        if found is None:
            found = self._seconds[at] = at.timestamp() // 1
        return found

    def faded(self, at: datetime, half_life_days: int) -> float:
        """What age leaves of a piece, 0 to 1."""
        key = (half_life_days, at)
        found = self._faded.get(key)
        if found is None:
            days = max((self._now - at) / _DAY, 0.0)
            found = 0.5 ** (days / half_life_days) if half_life_days else 1.0
            self._faded[key] = found
        return found

    def newer_last(self, piece: Brief) -> tuple[float, Place]:
        """The key that sorts pieces by time, then by their place."""
        return self.second(piece.at), piece.place


class Judge:
    """Judges cells by terms, any number of them."""

    def __init__(self, terms: Terms, moments: Moments) -> None:
        self._terms = terms
        self._moments = moments
        self._scale = terms.scale
        self._maximum = terms.scale.maximum
        self._points = terms.scale.mastery * self._maximum
        self._parameter = terms.rule.parameter or 0
        self._value = terms.rule.spec.value
        self._minimum = terms.counting.minimum
        kinds = terms.counting.kinds
        self._takes_scores = {"score", "retake"} <= kinds and (
            terms.counting.order == "submitted"
        )
        # Whose work it is, and for a lone piece what no order asks for, says nothing.
        self._asked = _DUE if terms.counting.order != "submitted" else _AT
        self._alone: dict[tuple[object, ...], Ruling | None] = {}
        self._ended: dict[Found, tuple[_Points, float | None]] = {}
        self._certain: dict[tuple[float, float, bool], tuple[_Points, float]] = {}
        self._successes: dict[tuple[float, float], float] = {}

    def ruling(self, pieces: Sequence[Brief]) -> Ruling | None:
        """Judge the pieces of a cell, in any order; None where none of them counts."""
        if len(pieces) != 1:
            return self._ruling(pieces)
        told = pieces[0][self._asked :]  # nearly all of a class say one of a few things
        if told in self._alone:
            return self._alone[told]
        return _kept(self._alone, told, self._ruling(pieces))

    def _ruling(self, pieces: Sequence[Brief]) -> Ruling | None:
        counting = self._counting(pieces)
        own = sum(not piece.is_support for piece in counting)
        if not own:
            return None
        newest = max(piece.at for piece in counting)
        if own < self._minimum:
            return Ruling(*NO_POINTS, own, None, newest)
        if self._value is None:
            points, probability = self._by_certainty(counting, own)
            return Ruling(*points, len(counting), probability, newest)
        maximum = self._maximum
        found = self._value(
            Sheet(
                [piece.ratio * maximum for piece in counting],
                [piece.weight for piece in counting],
                [_work(piece) for piece in counting],
                self._points,
                maximum,
                self._parameter,
            )
        )
        ended = self._ended.get(found)
        if ended is None:
            ended = _kept(self._ended, found, self._by_points(found))
        return Ruling(*ended[0], len(counting), ended[1], newest)

    def _counting(self, pieces: Sequence[Brief]) -> list[Brief]:
        """The pieces that count, oldest first, each at the time that orders it."""
        if self._takes_scores and all(map(_is_score, pieces)):
            return sorted(pieces, key=self._moments.newer_last)
        counting = self._terms.counting
        if counting.order != "submitted":
            pieces = [_placed(piece, counting.order) for piece in pieces]
        weighs = self._value is None
        takes_retakes = "retake" in counting.kinds
        tried: set[tuple[str, str]] = set()
        found = []
        for piece in sorted(pieces, key=self._moments.newer_last):
            work = (piece.task, piece.part)
            is_again = work in tried
            tried.add(work)
            is_support = piece.is_support or piece.kind == "self"
            if piece.kind not in counting.kinds or (is_again and not takes_retakes):
                continue
            if is_support and not weighs:
                continue
            found.append(piece._replace(is_support=is_support))
        return found

    def _by_points(self, found: Found) -> tuple[_Points, float | None]:
        """The level of a value, which is that of the rounded one."""
        if found.value is None:
            return NO_POINTS, None
        scale = self._scale
        value = round_half_away(found.value, self._terms.rule.spec.places)
        level = scale.level(value / scale.maximum)
        if not found.is_enough and scale.is_mastery(level):
            level = level_of(Rank.DEVELOPING, scale)
        number = scale.levels.index(level)
        ratio = found.value / scale.maximum
        points = (value, ratio, number, level.name, scale.is_mastery(level))
        return points, found.probability

    def _by_certainty(
        self, counting: Sequence[Brief], own: int
    ) -> tuple[_Points, float]:
        """The level by what speaks for and against the student."""
        half_life, faded = self._parameter, self._moments.faded
        seen: dict[str, int] = {}
        tasks = set()
        speaks, against = [], []
        for piece in counting:
            task = piece.task
            repeats = seen.get(task, 0)
            seen[task] = repeats + 1
            full_weight = piece.weight * piece.reliability * 0.5**repeats
            weight = full_weight * faded(piece.at, half_life)
            success = self._success(piece.ratio, piece.guess)
            speaks.append(weight * success)
            against.append(weight * (1 - success))
            if not piece.is_support:
                tasks.add(task)
        alpha, beta = PRIOR + sum(speaks), PRIOR + sum(against)
        is_enough = has_enough(own, len(tasks))
        key = (alpha, beta, is_enough)
        kept = self._certain.get(key)
        if kept is None:
            kept = _kept(self._certain, key, self._certainly(key))
        return kept

    def _certainly(self, found: tuple[float, float, bool]) -> tuple[_Points, float]:
        alpha, beta, is_enough = found
        scale = self._scale
        probability = beta_share(beta, alpha, 1 - STANDARD)
        mean = alpha / (alpha + beta)
        level = level_of(rank_of(probability, mean, is_enough=is_enough), scale)
        number = scale.levels.index(level)
        return (
            (level.points, mean, number, level.name, scale.is_mastery(level)),
            probability,
        )

    def _success(self, ratio: float, guess: float) -> float:
        found = self._successes.get((ratio, guess))
        if found is None:
            made = success_of(ratio, guess, self._scale.mastery)
            found = _kept(self._successes, (ratio, guess), made)
        return found


def _kept(memory: dict[_K, _V], key: _K, found: _V) -> _V:
    """Keep what was worked out, in a memory that does not grow without end."""
    if len(memory) >= MOST_KEPT:
        memory.clear()
    memory[key] = found
    return found


def _is_score(piece: Brief) -> bool:
    """Tell whether a piece is a score that needs no second look."""
    return piece.kind == "score" and not piece.is_support


def _work(piece: Brief) -> str:
    """What is required as one: the task, or its row or question alone."""
    return f"{piece.task} {piece.part}" if piece.part else piece.task


def _placed(piece: Brief, order: str) -> Brief:
    """The piece at the time that order asks for, where it is known."""
    at = piece.due_at if order == "due" else piece.assessed_at
    return piece if at is None else piece._replace(at=at)
