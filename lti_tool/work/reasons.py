"""Why a level stands, in words and as data: the same for pages, commands and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from lti_tool.storage.standing import StoredAttainment
from lti_tool.work import carrying
from lti_tool.work.scores import Piece
from lti_tool.work.whys import Why
from lti_tool.work.words import Words
from mappings.counting import KINDS, ORDERS, Terms
from mappings.explanations import Piece as Judged
from mappings.lines import Line
from mappings.scales import Level

BROUGHT: Final = "shown at what builds on it"


def sentences() -> tuple[str, ...]:
    """Every text this room says of a piece."""
    return (BROUGHT,)


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of evidence beside a level, and its fate.

    Attributes:
        on: the day of it, where its source names a day.
        at: the moment of it, where that is known.
        read: the score or entry; None of what a success further on brings.
        left_out: why it does not count; None where it does.
        weight: what it weighs today, for certainty alone.
    """

    title: str
    on: date | None
    at: datetime | None
    kind: str
    source: str
    given: float | None
    maximum: float | None
    ratio: float | None = None
    method: str | None = None
    read: Piece | None = None
    weight: float | None = None
    left_out: Words | Line | None = None
    notes: tuple[Words, ...] = ()

    @property
    def counts(self) -> bool:
        """Tell whether it made the level."""
        return self.left_out is None


def pieces(why: Why) -> list[Told]:
    """Return what stands beside a level: by day; what successors bring comes last."""
    fates = {one.evidence.key: one for one in why.explanation.pieces}
    own = {piece.key for piece in why.pieces}
    brought = (one for key, one in fates.items() if key not in own)
    return [
        *(_read(piece, fates.get(piece.key)) for piece in why.pieces),
        *(_brought(one, why.titles) for one in brought),
    ]


def _read(piece: Piece, fate: Judged | None) -> Told:
    score, evidence = piece.score, piece.evidence
    left_out: Words | Line | None = piece.reason
    if left_out is None and fate is not None:
        left_out = fate.reason
    has_day = score.happened_at is None and score.scored_on is not None
    return Told(
        title=score.title,
        on=score.scored_on if has_day else None,
        at=None if has_day else score.happened_at or score.modified_at,
        kind=score.kind if evidence is None else evidence.kind,
        source=score.source,
        given=piece.given,
        maximum=piece.maximum,
        ratio=None if evidence is None else evidence.ratio,
        method=None if evidence is None else evidence.method,
        read=piece,
        weight=None if fate is None else fate.weight,
        left_out=left_out,
        notes=piece.notes,
    )


def _brought(fate: Judged, titles: Mapping[str, str]) -> Told:
    evidence = fate.evidence
    return Told(
        title=titles.get(evidence.task, evidence.task),
        on=None,
        at=evidence.at,
        kind="successor",
        source=evidence.source,
        given=evidence.given,
        maximum=evidence.maximum,
        ratio=evidence.ratio,
        method=evidence.method,
        weight=fate.weight,
        left_out=fate.reason,
        notes=(Words(BROUGHT),),
    )


def document(why: Why) -> dict[str, Any]:
    """Return everything that is to be said of a level, as JSON takes it.

    ``level`` and ``value`` are what stands; ``by_rule`` is what the rule says where a
    teacher set another. Moments and days are in the time of the school. ``evidence``
    is by day; what successors bring comes last.
    """
    found = why.attainment
    level, value = why.level, found.value
    if why.teacher_level is not None and level is not None:
        value = level.points
    return {
        **_by(why.terms),
        "value": value,
        "level": _name(level),
        "computed_at": why.computed_at.astimezone(why.zone).isoformat(),
        "by_teacher": _by_teacher(why),
        "by_rule": {"value": found.value, "level": _name(found.level)},
        "evidence": [_piece(one, why) for one in pieces(why)],
        "arithmetic": _arithmetic(why),
        **_certainty(why),
    }


def basis(one: StoredAttainment, terms: Terms, at: datetime) -> dict[str, Any]:
    """Return what a receipt tells of a level: ``document`` without the evidence.

    By what it was judged, of how much and when; nothing of a student's single pieces
    of work. evidence: how many pieces counted.
    """
    told = {**told_to_others(one, terms, at), "ratio": one.ratio}
    if one.probability is not None:
        told["probability"] = one.probability
    if one.teacher_level_id is not None:
        told["teacher_level"] = one.teacher_level_id
    return told


def told_to_others(one: StoredAttainment, terms: Terms, at: datetime) -> dict[str, Any]:
    """Return of ``basis`` what may leave the school with a level.

    The level is what is told: no number behind it that would tell more.
    """
    return {
        **_by(terms),
        "rule": one.rule,
        "parameter": one.parameter,
        "evidence": one.evidence_count,
        "is_by_teacher": one.teacher_level_id is not None,
        "computed_at": at.isoformat(),
    }


def _by(terms: Terms) -> dict[str, Any]:
    """By what a level is judged."""
    counting = terms.counting
    return {
        "rule": terms.rule.name,
        "parameter": terms.rule.parameter,
        "settings": {
            "order": counting.order,
            "minimum_pieces": counting.minimum,
            "counts": sorted(counting.kinds),
            "successor_share": counting.successor_share,
            "mastery": terms.scale.mastery_level.name,
        },
    }


def lines(why: Why) -> list[str]:
    """Return the same for people, in English, a sentence a line."""
    counting = why.counting
    told = [f"{_name(why.level) or 'not assessed'} by {why.rule}"]
    by_teacher = why.teacher_level
    if by_teacher is not None:
        until = "new evidence" if by_teacher.lasts == "evidence" else "it is removed"
        who, on = by_teacher.made_by, by_teacher.made_at.astimezone(why.zone).date()
        told = [
            f"{_name(why.level)}, set by {who} on {on} until {until}",
            f"  because: {by_teacher.reason}",
            f"{_name(why.suggested) or 'not assessed'} by {why.rule}",
        ]
    at = why.computed_at.astimezone(why.zone)
    told.append(
        f"evidence ordered by {ORDERS[counting.order]}; what counts: {_kinds(why)}; "
        f"a level needs {counting.minimum}; judged as of {at:%Y-%m-%d %H:%M} {at:%Z}"
    )
    told += [_piece_line(one, why) for one in pieces(why)]
    told += _arithmetic(why)
    if why.attainment.needs is not None:
        told.append(str(why.attainment.needs))
    return told


def _kinds(why: Why) -> str:
    return ", ".join(one for one in KINDS if one in why.counting.kinds)


def _arithmetic(why: Why) -> list[str]:
    return [_in_english(line, why.titles) for line in why.attainment.steps]


def _in_english(line: Line, titles: Mapping[str, str]) -> str:
    """A line in English, its task by its title."""
    values = line.plain
    if "task" in values:
        title = titles.get(values["task"], values["task"])
        values["task"] = carrying.ELSEWHERE if carrying.is_carried(title) else title
    return line.text.format_map(values)


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
        "at": one.made_at.astimezone(why.zone).isoformat(),
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


def day_of(one: Told, why: Why) -> date | None:
    """Return the day of a piece where the school is."""
    return one.on if one.at is None else one.at.astimezone(why.zone).date()


def _piece(one: Told, why: Why) -> dict[str, object]:
    told: dict[str, object] = {
        "title": one.title,
        "date": day_of(one, why),
        "kind": one.kind,
        "given": one.given,
        "maximum": one.maximum,
        "source": one.source,
        "method": one.method,
        "weight": one.weight,
        "counts": one.counts,
        "left_out": None if one.left_out is None else str(one.left_out),
        "notes": [str(note) for note in one.notes],
    }
    if one.read is None:
        return told
    score = one.read.score
    return told | {
        "category": score.category,
        "term": score.term,
        "part": score.part or None,
        "text_score": score.text,
        "status": score.score_status,
        "flags": sorted(score.flags),
    }


def _piece_line(one: Told, why: Why) -> str:
    text = None if one.read is None else one.read.score.text
    score = text or "no score"
    if one.given is not None:
        score = f"{one.given}/{one.maximum}"
    said: Iterable[object] = (
        f"  {day_of(one, why) or ''} {one.title}: {score}",
        *one.notes,
        *([f"left out: {one.left_out}"] if one.left_out is not None else ()),
    )
    return " · ".join(map(str, said))
