"""Why a student stands where she stands: every piece, and its fate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mappings.evidence import Evidence
from mappings.lines import Line
from mappings.mastery import Attainment, attainment, in_time, points_of, weights_of
from mappings.rules import Rule
from mappings.scales import Scale
from mappings.wording import Words


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence in an explanation.

    ``points`` is its score on the scale; ``weight`` what it weighs today, for
    certainty alone; ``reason`` says why a piece was not used, else it is None.
    """

    evidence: Evidence
    points: float
    weight: float | None = None
    reason: Line | None = None

    @property
    def is_used(self) -> bool:
        """Tell whether the piece made the result."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Explanation:
    """An attainment with every piece of evidence, oldest first, and its fate."""

    attainment: Attainment
    pieces: tuple[Piece, ...]

    @property
    def used(self) -> tuple[Piece, ...]:
        """The pieces that made the result."""
        return tuple(piece for piece in self.pieces if piece.is_used)

    @property
    def left_out(self) -> tuple[Piece, ...]:
        """The pieces that did not, each with its reason."""
        return tuple(piece for piece in self.pieces if not piece.is_used)


def explain(
    competency: str,
    evidence: Iterable[Evidence],
    *,
    rule: Rule,
    scale: Scale,
    now: datetime,
) -> Explanation:
    """Judge as ``attainment`` does, and tell which pieces made the result."""
    known = in_time(evidence)
    found = attainment(competency, known, rule=rule, scale=scale, now=now)
    return explain_counted(found, known, rule, scale, now)


def explain_counted(
    found: Attainment,
    known: Sequence[Evidence],
    rule: Rule,
    scale: Scale,
    now: datetime,
) -> Explanation:
    """Tell which pieces made an attainment; known is in time, and what counts is so."""
    counted = [place for place, piece in enumerate(known) if piece.counts]
    fates = {
        place: Piece(piece, piece.ratio * scale.maximum, reason=_refusal(piece))
        for place, piece in enumerate(known)
    }
    judged = _judged([known[place] for place in counted], rule, scale, now)
    fates |= dict(zip(counted, judged, strict=True))
    return Explanation(found, tuple(fates[place] for place in range(len(known))))


def _judged(
    pieces: list[Evidence], rule: Rule, scale: Scale, now: datetime
) -> list[Piece]:
    """The fate of each piece that counts, in the order given."""
    if not pieces:
        return []
    points = [piece.ratio * scale.maximum for piece in pieces]
    found = points_of(pieces, rule=rule, scale=scale)
    if found is None:
        rows = weights_of(pieces, rule=rule, scale=scale, now=now)
        return [
            Piece(row.piece, point, weight=row.weight)
            for row, point in zip(rows, points, strict=True)
        ]
    return [
        Piece(piece, point, reason=None if place in found.used else found.unused)
        for place, (piece, point) in enumerate(zip(pieces, points, strict=True))
    ]


def _refusal(piece: Evidence) -> Line | None:
    """Why a piece is not to be counted at all; None if it is."""
    if piece.counts:
        return None
    if piece.reason:
        return Line(Words.LEFT_OUT_BECAUSE, {"reason": piece.reason})
    return Line(Words.LEFT_OUT)
