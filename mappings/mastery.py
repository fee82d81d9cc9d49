"""Where one student stands on one competency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mappings.arithmetic import Sheet
from mappings.calculations import Calculation
from mappings.certainty import (
    PIECES,
    TASKS,
    Certainty,
    Rank,
    Weighed,
    as_new,
    certainty,
    weighed,
)
from mappings.evidence import Evidence
from mappings.lines import Line
from mappings.rounding import round_half_away
from mappings.rules import Rule
from mappings.scales import Level, Scale
from mappings.wording import Words


@dataclass(frozen=True, slots=True)
class Need:
    """The least number of fresh, full successes that reaches a level.

    Fresh means each on a task of its own, today, fully reliable.
    """

    pieces: int
    level: Level

    @property
    def line(self) -> Line:
        """The sentence, for pages to translate."""
        words = Words.NEEDS_ONE if self.pieces == 1 else Words.NEEDS
        return Line(words, {"count": self.pieces, "level": self.level.name})

    def __str__(self) -> str:
        """Say it in English."""
        return str(self.line)


@dataclass(frozen=True, slots=True)
class Attainment:
    """Where one student stands on one competency.

    ``value`` is in points of the scale, rounded at the end only; ``ratio`` is
    unrounded; both and ``level`` are None where the rule gives no result.
    ``evidence`` counts the pieces judged. ``probability``, ``interval`` and
    ``needs`` come from rules that judge a probability. ``is_due``: the evidence
    was enough when new, has only aged, and wants a fresh check.
    """

    competency: str
    value: float | None = None
    ratio: float | None = None
    level: Level | None = None
    evidence: int = 0
    steps: tuple[Line, ...] = ()
    probability: float | None = None
    interval: tuple[float, float] | None = None
    needs: Need | None = None
    is_mastered: bool = False
    is_due: bool = False

    @property
    def arithmetic(self) -> tuple[str, ...]:
        """The steps in plain English; pages translate ``steps`` instead."""
        return tuple(str(step) for step in self.steps)


def attainment(
    competency: str,
    evidence: Iterable[Evidence],
    *,
    rule: Rule,
    scale: Scale,
    now: datetime,
    in_full: bool = True,
) -> Attainment:
    """Judge one student's evidence for one competency.

    The order of evidence does not matter but between pieces of the same second,
    which keep theirs. ``now`` is aware; only certainty looks at it. Where a whole
    class is judged, ``in_full=False`` leaves certainty's ``steps``, ``interval``,
    ``needs`` and ``is_due`` out, which take most of its time.
    """
    pieces = in_time(piece for piece in evidence if piece.counts)
    if not pieces:
        return _unassessed(competency, rule, scale)
    found = points_of(pieces, rule=rule, scale=scale)
    if found is None:
        rows = weights_of(pieces, rule=rule, scale=scale, now=now)
        if not in_full:
            return _judged(competency, certainty(rows), len(rows), scale)
        return _by_certainty(competency, rows, scale)
    return by_points(competency, found, len(pieces), rule=rule, scale=scale)


def in_time(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The evidence oldest first, by whole seconds as Canvas orders it."""
    return tuple(sorted(evidence, key=lambda piece: piece.at.timestamp() // 1))


def points_of(
    pieces: Sequence[Evidence], *, rule: Rule, scale: Scale
) -> Calculation | None:
    """What a rule on points finds, the ratios times the scale's maximum.

    None for certainty, which does not judge points.
    """
    if rule.spec.calculate is None:
        return None
    return rule.spec.calculate(
        Sheet(
            scores=tuple(piece.ratio * scale.maximum for piece in pieces),
            weights=tuple(piece.weight for piece in pieces),
            tasks=tuple(_work(piece) for piece in pieces),
            mastery=scale.mastery * scale.maximum,
            maximum=scale.maximum,
            parameter=rule.parameter or 0,
        )
    )


def _work(piece: Evidence) -> str:
    """What is required as one: the task, or its row or question alone."""
    return f"{piece.task} {piece.part}" if piece.part else piece.task


def weights_of(
    pieces: Sequence[Evidence], *, rule: Rule, scale: Scale, now: datetime
) -> tuple[Weighed, ...]:
    """What each piece weighs for certainty, whose parameter is the half-life."""
    half_life_days = rule.parameter or 0
    return weighed(pieces, cut=scale.mastery, now=now, half_life_days=half_life_days)


def by_points(
    competency: str, found: Calculation, count: int, *, rule: Rule, scale: Scale
) -> Attainment:
    """The attainment that a calculation on points makes.

    The level is that of the rounded value, which is the one people see.
    """
    if found.value is None:
        return Attainment(competency, evidence=count, steps=found.lines)
    places = rule.spec.places
    value = round_half_away(found.value, places)
    level = scale.level(value / scale.maximum)
    if not found.is_enough and scale.is_mastery(level):
        level = level_of(Rank.DEVELOPING, scale)
    steps = found.lines
    if value != found.value:
        steps = (*steps, Line(Words.ROUNDED, {"places": places, "value": value}))
    return Attainment(
        competency,
        value=value,
        ratio=found.value / scale.maximum,
        level=level,
        evidence=count,
        steps=steps,
        probability=found.probability,
        is_mastered=scale.is_mastery(level),
    )


def level_of(rank: Rank, scale: Scale) -> Level:
    """The level of any scale that a rank of certainty stands for.

    Proficient is the mastery level and Secure the highest, which may be the
    same; Developing is the one below mastery, Emerging the next below it, or
    the same again where the scale ends.
    """
    if rank is Rank.SECURE:
        return scale.levels[-1]
    mastery = scale.levels.index(scale.mastery_level)
    return scale.levels[max(mastery - (Rank.PROFICIENT - rank), 0)]


def _unassessed(competency: str, rule: Rule, scale: Scale) -> Attainment:
    """The attainment of a student without evidence; certainty says what is needed."""
    needs = None
    if rule.spec.calculate is None:
        needs = _need(certainty(()), Rank.PROFICIENT, scale)
    return Attainment(competency, steps=(Line(Words.NOTHING),), needs=needs)


def _judged(competency: str, found: Certainty, count: int, scale: Scale) -> Attainment:
    """What certainty says of the level, and nothing of the reasons."""
    level = level_of(found.rank, scale)
    return Attainment(
        competency,
        value=level.points,
        ratio=found.mean,
        level=level,
        evidence=count,
        probability=found.probability,
        is_mastered=scale.is_mastery(level),
    )


def _by_certainty(
    competency: str, rows: tuple[Weighed, ...], scale: Scale
) -> Attainment:
    """The attainment by consistent proficiency with a stated certainty."""
    found = certainty(rows)
    judged = _judged(competency, found, len(rows), scale)
    level = level_of(found.rank, scale)
    is_due = not judged.is_mastered and certainty(as_new(rows)).rank >= Rank.PROFICIENT
    steps = _certainty_lines(found, rows)
    if is_due:
        steps = (*steps, Line(Words.DUE))
    higher = (rank for rank in Rank if level_of(rank, scale).cut > level.cut)
    aim = next(higher, None)
    return replace(
        judged,
        steps=steps,
        interval=found.interval,
        needs=None if aim is None else _need(found, aim, scale),
        is_due=is_due,
    )


def _need(found: Certainty, rank: Rank, scale: Scale) -> Need | None:
    """How many fresh successes reach rank; None if no reasonable number does."""
    count = found.successes_to(rank)
    return None if count is None else Need(count, level_of(rank, scale))


def _certainty_lines(found: Certainty, rows: tuple[Weighed, ...]) -> tuple[Line, ...]:
    """The arithmetic of certainty, piece by piece."""
    total = {"alpha": found.alpha, "beta": found.beta, "mean": found.mean}
    counts = {
        "pieces": found.pieces,
        "tasks": found.tasks,
        "wanted_pieces": PIECES,
        "wanted_tasks": TASKS,
    }
    start = certainty(())
    return (
        Line(Words.PRIOR, {"alpha": start.alpha, "beta": start.beta}),
        *(row.line for row in rows),
        Line(Words.TOTAL, total),
        Line(Words.PROBABILITY, {"probability": found.probability}),
        Line(Words.COUNTS, counts),
        Line(Words.RANK, {"rank": found.rank.name.capitalize()}),
    )
