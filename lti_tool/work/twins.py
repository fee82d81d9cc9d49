"""The same work in two systems: for a student and a competency one score counts.

An LMS passes its grades on to the SIS, so that the same score comes by both. The work
of the two is joined (storage.twins); here, of what both say, one score is chosen, by
what is said alone: the order in which things came is none of its business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from lti_tool.work.scores import Piece
from lti_tool.work.words import Words

SAME: Final = "the same score stands in %(source)s, and counts there"
OLDER: Final = "%(source)s has a later score of the same work"
ALSO: Final = "also in %(source)s"

_Place = tuple[int, int, int, int, str]


def sentences() -> tuple[str, ...]:
    """Every text this room says of a score."""
    return (SAME, OLDER, ALSO)


def one_of_each(pieces: Sequence[Piece]) -> list[Piece]:
    """Let one system speak where several have a score of the same work.

    The same score counts once, as the SIS's; of two that differ the one recorded
    later. What does not count keeps its reason; a score that is no evidence silences
    none.
    """
    said: dict[_Place, list[Piece]] = {}
    if any(one.score.is_lms for one in pieces):
        for one in pieces:
            if one.evidence is not None:
                said.setdefault(_place(one), []).append(one)
    judged: dict[int, Piece] = {}
    for some in said.values():
        sources = {one.score.source_id for one in some}
        if len(sources) > 1:
            judged |= _judged(some)
    return [judged.get(id(one), one) for one in pieces]


def _place(one: Piece) -> _Place:
    score = one.score
    return (
        score.person_id,
        score.competency_id,
        score.course_id,
        score.assignment_id,
        score.part,
    )


def _judged(some: Iterable[Piece]) -> dict[int, Piece]:
    """Return what becomes of pieces of one work, by the piece itself."""
    by_source: dict[tuple[bool, int], list[Piece]] = {}
    for one in some:
        by_source.setdefault((one.score.is_lms, one.score.source_id), []).append(one)
    # A SIS speaks first; then the LMSs in the order in which they were made.
    (_key, speaking), *others = sorted(by_source.items(), key=lambda item: item[0])
    found: dict[int, Piece] = {}
    also: list[str] = []
    for _key, mine in others:
        if _ratios(mine) <= _ratios(speaking):
            found |= _silent(mine, SAME, speaking)
            also.append(mine[0].score.source)
        elif _recorded(mine) > _recorded(speaking):
            found |= _silent(speaking, OLDER, mine)
            speaking, also = mine, []
        else:
            found |= _silent(mine, OLDER, speaking)
    notes = tuple(Words(ALSO, {"source": name}) for name in also)
    return found | {
        id(one): replace(one, notes=(*one.notes, *notes)) for one in speaking
    }


def _silent(some: Iterable[Piece], why: str, by: Sequence[Piece]) -> dict[int, Piece]:
    reason = Words(why, {"source": by[0].score.source})
    return {id(one): replace(one, evidence=None, reason=reason) for one in some}


def _ratios(some: Iterable[Piece]) -> set[float]:
    return {one.evidence.ratio for one in some if one.evidence is not None}


def _recorded(some: Iterable[Piece]) -> datetime:
    """When a system came to say what it says: as it tells, else by the work's own."""
    return max(
        one.score.modified_at or one.evidence.at
        for one in some
        if one.evidence is not None
    )
