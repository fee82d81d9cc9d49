"""What counts: the order of evidence, the kinds that count, how many are needed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from mappings.errors import RuleError
from mappings.evidence import Evidence
from mappings.lines import Line
from mappings.mastery import Attainment, attainment, in_time
from mappings.rules import Rule
from mappings.scales import Scale, reaches
from mappings.wording import Words

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "score": "scores of whole work",
        "retake": "later tries at the same work",
        "rubric": "rubric rows",
        "question": "questions of a test",
        "observation": "what a teacher saw",
        "conference": "talks with the student",
        "outside": "learning elsewhere that staff accepted",
        "self": "self-assessment, beside other evidence alone",
    }
)
"""Every kind of evidence by its name, in the order of menus."""

METHODS: Mapping[str, str] = MappingProxyType(
    {
        "score": "score",
        "retake": "score",
        "rubric": "rubric",
        "question": "selected",
        "observation": "rubric",
        "conference": "performance",
        "outside": "outside",
        "self": "self",
    }
)
"""By which method of assessment each kind is believed, one of RELIABILITY."""

USUAL_KINDS = frozenset(KINDS) - {"self"}

ORDERS: Mapping[str, str] = MappingProxyType(
    {
        "submitted": "the day it was handed in",
        "due": "the day it was due",
        "assessed": "the day it was judged",
    }
)
"""Which time of a piece puts it in its place, by name."""

MOST_PIECES = 50
SMALLEST_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Counting:
    """What of the evidence counts, in which order, and how many pieces a level needs.

    ``successor_share`` is what a success at a competency that builds on this one
    is worth here, 0 to 1; 0 is nothing.

    Raises:
        RuleError: an order or a kind there is not, no kind at all, or a number
            outside its range; names it.
    """

    order: str = "submitted"
    minimum: int = 1
    kinds: frozenset[str] = USUAL_KINDS
    successor_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no evidence could be counted by."""
        unknown = sorted(self.kinds - KINDS.keys())
        if self.order not in ORDERS:
            raise RuleError(
                f"no order of evidence is named {self.order!r}; "
                f"give one of {', '.join(ORDERS)}"
            )
        if unknown or not self.kinds - {"self"}:
            said = f"has no kind {unknown[0]!r}" if unknown else "must count something"
            raise RuleError(f"evidence {said}; give some of {', '.join(KINDS)}")
        if not 1 <= self.minimum <= MOST_PIECES:
            raise RuleError(
                f"a level cannot need {self.minimum} pieces; "
                f"give a whole number from 1 to {MOST_PIECES}"
            )
        if not 0 <= self.successor_share <= 1:
            raise RuleError(
                f"evidence for a successor cannot be worth {self.successor_share}; "
                "give a share from 0 to 1"
            )


USUAL = Counting()


@dataclass(frozen=True, slots=True)
class Terms:
    """By what one competency is judged: its rule, its scale and what counts."""

    rule: Rule
    scale: Scale
    counting: Counting = USUAL


def judge(
    competency: str,
    evidence: Iterable[Evidence],
    *,
    terms: Terms,
    now: datetime,
    in_full: bool = True,
) -> Attainment:
    """Judge one student's evidence for one competency by terms.

    As ``attainment``, of what counts; too few pieces give no level.
    """
    return judge_counted(
        competency, counted(evidence, terms), terms=terms, now=now, in_full=in_full
    )


def judge_counted(
    competency: str,
    pieces: Sequence[Evidence],
    *,
    terms: Terms,
    now: datetime,
    in_full: bool = True,
) -> Attainment:
    """Judge what ``counted`` has looked at."""
    minimum = terms.counting.minimum
    if minimum > 1:
        own = sum(piece.counts and not piece.is_support for piece in pieces)
        if 0 < own < minimum:
            few = Line(Words.TOO_FEW, {"found": own, "wanted": minimum})
            return Attainment(competency, evidence=own, steps=(few,))
    return attainment(
        competency,
        pieces,
        rule=terms.rule,
        scale=terms.scale,
        now=now,
        in_full=in_full,
    )


def counted(evidence: Iterable[Evidence], terms: Terms) -> tuple[Evidence, ...]:
    """The evidence in the order of terms; what does not count says why.

    Self-assessment, and what a successor brings, weigh beside other evidence: only
    a rule that weighs can count them, and never where they stand alone.
    """
    counting = terms.counting
    placed = evidence
    if counting.order != "submitted":
        placed = [_placed(piece, counting.order) for piece in evidence]
    tried: set[tuple[str, str]] = set()
    found = []
    for piece in in_time(placed):
        told = replace(piece, is_support=True) if piece.kind == "self" else piece
        if piece.counts:
            work = (piece.task, piece.part)
            words = _refusal(told, terms, is_retake=work in tried)
            tried.add(work)
            if words is not None:
                told = replace(told, counts=False, reason=str(words))
        found.append(told)
    if all(piece.is_support for piece in found if piece.counts):
        alone = str(Words.ALONE)
        found = [
            replace(piece, counts=False, reason=alone) if piece.counts else piece
            for piece in found
        ]
    return tuple(found)


def of_successor(piece: Evidence, share: float, scale: Scale) -> Evidence | None:
    """What a piece for a successor says for its predecessor; None if it says nothing.

    A success alone: failing at what comes later tells nothing of what comes before.
    """
    if not piece.counts or piece.is_support or not reaches(piece.ratio, scale.mastery):
        return None
    return replace(piece, weight=piece.weight * share, is_support=True)


def shares_before(
    competency: int, before: Mapping[int, Iterable[int]], share: float
) -> dict[int, float]:
    """What a success at competency is worth for each of its predecessors.

    The share once for a direct one, twice for one before that, and so on, as long as
    a twentieth is left.
    """
    found: dict[int, float] = {}
    nearest, worth = {competency}, share
    while nearest and worth >= SMALLEST_SHARE:
        nearest = {
            one
            for later in nearest
            for one in before.get(later, ())
            if one not in found and one != competency
        }
        found |= dict.fromkeys(nearest, worth)
        worth *= share
    return found


def _placed(piece: Evidence, order: str) -> Evidence:
    """The piece at the time that order asks for, where it is known."""
    at = piece.due_at if order == "due" else piece.assessed_at
    return piece if at is None else replace(piece, at=at)


def _refusal(piece: Evidence, terms: Terms, *, is_retake: bool) -> Words | None:
    """Why terms do not count a piece; None if they do."""
    kinds = terms.counting.kinds
    if piece.kind not in kinds:
        return Words.KIND_NOT_COUNTED
    if is_retake and "retake" not in kinds:
        return Words.RETAKE_NOT_COUNTED
    if piece.is_support and terms.rule.spec.calculate is not None:
        return Words.NOT_WEIGHED
    return None
