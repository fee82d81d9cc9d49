"""Why a level stands, in words and as data: the same for pages, commands and files."""

from __future__ import annotations

from lti_tool.work.scores import Piece
from lti_tool.work.whys import Why
from mappings.explanations import Piece as Judged
from mappings.scales import Level


def document(why: Why) -> dict[str, object]:
    """Return everything that is to be said of a level, as JSON takes it.

    ``level`` and ``value`` are what stands; ``by_rule`` is what the rule says where a
    teacher set another. ``evidence`` is by day; what successors bring comes last.
    """
    found, counting = why.attainment, why.counting
    level, value = why.level, found.value
    if why.teacher_level is not None and level is not None:
        value = level.points
    return {
        "rule": why.rule.name,
        "parameter": why.rule.parameter,
        "value": value,
        "level": _name(level),
        "computed_at": why.computed_at.isoformat(),
        "settings": {
            "order": counting.order,
            "minimum_pieces": counting.minimum,
            "counts": sorted(counting.kinds),
            "successor_share": counting.successor_share,
            "mastery": why.scale.mastery_level.name,
        },
        "by_teacher": _by_teacher(why),
        "by_rule": {"value": found.value, "level": _name(found.level)},
        "evidence": [*_pieces(why), *_brought(why)],
        "arithmetic": list(found.arithmetic),
        **_certainty(why),
    }


def lines(why: Why) -> list[str]:
    """Return the same for people, in English, a sentence a line."""
    counting = why.counting
    told = [f"{_name(why.level) or 'not assessed'} by {why.rule}"]
    by_teacher = why.teacher_level
    if by_teacher is not None:
        until = "new evidence" if by_teacher.lasts == "evidence" else "it is removed"
        who, on = by_teacher.made_by, by_teacher.made_at.date()
        told = [
            f"{_name(why.level)}, set by {who} on {on} until {until}",
            f"  because: {by_teacher.reason}",
            f"{_name(why.suggested) or 'not assessed'} by {why.rule}",
        ]
    told.append(
        f"evidence ordered by the day it was {counting.order}; a level needs "
        f"{counting.minimum}; judged as of {why.computed_at.date()}"
    )
    told += [_piece_line(one) for one in (*_pieces(why), *_brought(why))]
    told += why.attainment.arithmetic
    if why.attainment.needs is not None:
        told.append(str(why.attainment.needs))
    return told


def _name(level: Level | None) -> str | None:
    return None if level is None else level.name


def _by_teacher(why: Why) -> dict[str, object] | None:
    one = why.teacher_level
    if one is None:
        return None
    return {
        "level": _name(why.level),
        "reason": one.reason,
        "lasts": one.lasts,
        "who": one.made_by,
        "at": one.made_at.isoformat(),
        "new_evidence_since": why.is_news,
    }


def _certainty(why: Why) -> dict[str, object]:
    found = why.attainment
    if why.rule.spec.calculate is not None:
        return {}
    return {
        "probability": found.probability,
        "interval": found.interval,
        "needs": None if found.needs is None else str(found.needs),
        "is_due_for_a_check": found.is_due,
    }


def _pieces(why: Why) -> list[dict[str, object]]:
    fates = {one.evidence.key: one for one in why.explanation.pieces}
    return [_piece(piece, fates.get(piece.key)) for piece in why.pieces]


def _piece(piece: Piece, fate: Judged | None) -> dict[str, object]:
    score, evidence = piece.score, piece.evidence
    left_out = piece.left_out
    if left_out is None and fate is not None and fate.reason is not None:
        left_out = str(fate.reason)
    return {
        "title": score.title,
        "date": score.scored_on,
        "category": score.category,
        "term": score.term,
        "kind": score.kind if evidence is None else evidence.kind,
        "part": score.part or None,
        "given": piece.given,
        "maximum": piece.maximum,
        "text_score": score.text,
        "status": score.score_status,
        "flags": sorted(score.flags),
        "source": score.source,
        "method": None if evidence is None else evidence.method,
        "weight": None if fate is None else fate.weight,
        "counts": left_out is None,
        "left_out": left_out,
        "notes": [str(note) for note in piece.notes],
    }


def _brought(why: Why) -> list[dict[str, object]]:
    """Return what successes at what builds on it say, if anything."""
    own = {piece.key for piece in why.pieces}
    return [
        {
            "title": one.evidence.task,
            "date": one.evidence.at.date(),
            "kind": "successor",
            "given": one.evidence.given,
            "maximum": one.evidence.maximum,
            "source": one.evidence.source,
            "weight": one.weight,
            "counts": one.is_used,
            "left_out": None if one.reason is None else str(one.reason),
            "notes": ["shown at what builds on it"],
        }
        for one in why.explanation.pieces
        if one.evidence.key not in own
    ]


def _piece_line(one: dict[str, object]) -> str:
    score = one.get("text_score") or "no score"
    if one["given"] is not None:
        score = f"{one['given']}/{one['maximum']}"
    parts = [f"  {one['date'] or ''} {one['title']}: {score}"]
    notes = one["notes"]
    if isinstance(notes, list):
        parts += notes
    if one["left_out"]:
        parts.append(f"left out: {one['left_out']}")
    return " · ".join(parts)
