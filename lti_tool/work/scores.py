"""Scores as evidence: what a status, a flag or a word of a gradebook means.

A score of a SIS is a number, a word of a scale, or a remark that there is none. Here
each is read the same way for every rule: what was given and out of what, or why the
score is no evidence. Nothing is rounded, and the order in which things came is none
of its business.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Final

from lti_tool.storage import sis_alignments
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import SpokenScore, StoredScale
from lti_tool.work.words import Words
from mappings.counting import METHODS
from mappings.errors import EvidenceError
from mappings.evidence import RELIABILITY, Evidence, ratio_of

# A score in one of these states is no evidence, whatever number stands beside it:
# a zero for work that was not handed in says nothing of what she can do.
NOT_COUNTED: Final[Mapping[str, str]] = MappingProxyType(
    {"exempt": "exempt", "not submitted": "not submitted"}
)
FLAGS_NOT_COUNTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "missing: not handed in",
        "incomplete": "marked incomplete",
        "in_progress": "still in progress",
    }
)
# What is said of a score that counts all the same.
LATE: Final = "late"
ABOVE: Final = "more than its maximum; counts as all of it"
PARTLY_GRADED: Final = "partially graded"
OWN_SCORE: Final = "scored for this competency itself"
IN_WORDS: Final = "“%(word)s” is worth %(worth)s on the scale “%(scale)s”"

TAKEN_BACK: Final = "taken back by the SIS"
TAKEN_BACK_THERE: Final = "taken back in %(source)s"
NO_SCORE: Final = "no score yet"
NO_MAXIMUM: Final = "the line item has no maximum"
NO_SCALE: Final = "“%(word)s” is a word, and no score scale says what it is worth"
UNKNOWN_WORD: Final = "“%(word)s” is not on the scale “%(scale)s”"
WORTHLESS: Final = (
    "“%(word)s” is worth “%(worth)s” on the scale “%(scale)s”, which is no number"
)
UNREADABLE: Final = "%(problem)s"
PRACTICE: Final = "practice: shown, not counted"
NO_PART: Final = "the gradebook says nothing of this part: %(part)s"
OF_PART: Final = "by this part alone: %(part)s"
HUNDRED: Final = 100.0


def sentences() -> tuple[str, ...]:
    """Every text this room says of a score."""
    return (
        *NOT_COUNTED.values(),
        *FLAGS_NOT_COUNTED.values(),
        LATE,
        ABOVE,
        PARTLY_GRADED,
        OWN_SCORE,
        IN_WORDS,
        TAKEN_BACK,
        TAKEN_BACK_THERE,
        NO_SCORE,
        NO_MAXIMUM,
        NO_SCALE,
        UNKNOWN_WORD,
        WORTHLESS,
        PRACTICE,
        NO_PART,
        OF_PART,
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """One score beside the level question: counted, or left out with the reason.

    given and maximum are those that were judged: of a word, what its scale says.
    notes say what else is to be known of it. arrived_at is when it came to stand as it
    does, where that is known.
    """

    score: SpokenScore
    evidence: Evidence | None
    reason: Words | None = None
    given: float | None = None
    maximum: float | None = None
    notes: tuple[Words, ...] = ()
    arrived_at: datetime | None = None

    @property
    def key(self) -> str:
        """What stands for it, and for its evidence, among those of a student."""
        return key_of(self.score)

    @property
    def task(self) -> str:
        """The task it was done for, as lines of arithmetic name it."""
        return self.score.task or str(self.score.assignment_id)

    @property
    def place(self) -> tuple[date, int, str, str, int]:
        """Where it stands among pieces of the same time: one order for all who judge.

        By day and arrival; which course was read first says nothing.
        """
        one = self.score
        day = one.scored_on or date.min
        return day, one.score_id, one.kind, one.part, one.course_id

    @property
    def left_out(self) -> str | None:
        """Why it is no evidence, in English; None if it counts."""
        return None if self.reason is None else str(self.reason)


def key_of(score: SpokenScore) -> str:
    """Name a score, or a part of it, or what a person entered, once and for all."""
    if score.task:
        return f"{score.kind}-{score.score_id}"
    return f"{score.score_id}:{score.part}" if score.part else str(score.score_id)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a word stands for, or why it stands for nothing."""

    given: float | None = None
    maximum: float | None = None
    said: Words | None = None


class Scales:
    """The score scales of a course, asked for a word at a time."""

    def __init__(self, scales: Iterable[StoredScale] = ()) -> None:
        self._all = tuple(scales)
        self._named = {(one.source_id, one.sourced_id): one for one in self._all}

    def worth(self, score: SpokenScore, word: str) -> Worth:
        """Say what a word is worth: by the scale it names, else the course's own."""
        scale = self._named.get((score.source_id, score.scale or ""))
        if scale is not None:
            return _worth(scale, word, score)
        mine = [one for one in self._all if one.source_id == score.source_id]
        own = [one for one in mine if one.class_sourced_id or one.course_sourced_id]
        if not own:
            return Worth(said=Words(NO_SCALE, {"word": word}))
        knowing = [one for one in own if _step(one, word) is not None]
        return _worth((knowing or own)[0], word, score)


def _step(scale: StoredScale, word: str) -> str | None:
    """What a scale says beside a word: as written, or in whatever case."""
    exact = [worth for one, worth in scale.steps if one == word]
    folded = word.strip().casefold()
    loose = [worth for one, worth in scale.steps if one.strip().casefold() == folded]
    return next(iter([*exact, *loose]), None)


def _worth(scale: StoredScale, word: str, score: SpokenScore) -> Worth:
    said: dict[str, str | int] = {"word": word, "scale": scale.title}
    step = _step(scale, word)
    if step is None:
        return Worth(said=Words(UNKNOWN_WORD, said))
    said["worth"] = step
    number = _number(step)
    if number is None:
        return Worth(said=Words(WORTHLESS, said))
    return Worth(number, _top(scale, step, score.maximum), Words(IN_WORDS, said))


def _number(step: str) -> float | None:
    try:
        number = float(step.strip().removesuffix("%").strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _top(scale: StoredScale, step: str, maximum: float | None) -> float:
    """Out of what a word's number is: 100 for percents, else the line item's maximum.

    A scale that reaches beyond that maximum, or work without one, goes by the highest
    number of the scale.
    """
    if step.strip().endswith("%"):
        return HUNDRED
    numbers = [_number(worth) for _word, worth in scale.steps]
    top = max(number for number in numbers if number is not None)
    return top if maximum is None else max(maximum, top)


def read(score: SpokenScore, scales: Scales) -> Piece:
    """Turn a score into evidence, or say why it is none."""
    if score.part and not score.is_objective:
        told = of_part(score)
        if told is None:
            return Piece(score, None, Words(NO_PART, {"part": score.part}))
        score = told
    left_out = _left_out(score)
    if left_out is not None:
        return Piece(
            score,
            None,
            left_out,
            score.given,
            score.maximum,
            arrived_at=score.modified_at,
        )
    given, maximum, notes = score.given, score.maximum, _notes(score)
    minimum = score.minimum or 0.0
    if given is None:
        worth = scales.worth(score, score.text or "")
        if worth.given is None:
            return Piece(score, None, worth.said, maximum=maximum)
        given, maximum = worth.given, worth.maximum
        minimum = 0.0 if maximum != score.maximum else minimum
        notes = (*notes, *([worth.said] if worth.said else ()))
    if maximum is None:
        return Piece(score, None, Words(NO_MAXIMUM), given)
    try:
        ratio = ratio_of(given, maximum, minimum)
    except EvidenceError as error:
        problem = Words(UNREADABLE, {"problem": str(error)})
        return Piece(score, None, problem, given, maximum)
    counted = _evidence(score, ratio, given, maximum)
    notes = (*notes, *([Words(ABOVE)] if given > maximum else ()))
    return Piece(score, counted, None, given, maximum, notes, score.modified_at)


def of_part(score: SpokenScore) -> SpokenScore | None:
    """Return what rows or questions say together, None if any is not scored.

    A part is keys and ranges of numbers, separated by commas: ``row:3``,
    ``question:1-4,question:7``.
    """
    given = maximum = 0.0
    for key in _keys(score.part):
        said = (score.parts or {}).get(key)
        if not said or said[0] is None or said[1] is None:
            return None
        given, maximum = given + said[0], maximum + said[1]
    return score._replace(given=given, maximum=maximum, minimum=None, text=None)


def _keys(part: str) -> Iterable[str]:
    for one in part.split(","):
        kind, _colon, names = one.strip().rpartition(":")
        first, _dash, last = names.partition("-")
        if first.isdigit() and last.isdigit():
            for number in range(int(first), int(last) + 1):
                yield f"{kind}:{number}"
        else:
            yield one.strip()


def _left_out(score: SpokenScore) -> Words | None:
    if score.status != "active":
        return _taken_back(score)
    if score.is_practice:
        return Words(PRACTICE)
    status = score.score_status or ""
    if status in NOT_COUNTED:
        return Words(NOT_COUNTED[status])
    for flag, words in FLAGS_NOT_COUNTED.items():
        if flag in score.flags:
            return Words(words)
    if score.given is None and not (score.text or "").strip():
        return Words(NO_SCORE)
    return None


def _taken_back(score: SpokenScore) -> Words:
    if score.is_lms:
        return Words(TAKEN_BACK_THERE, {"source": score.source})
    return Words(TAKEN_BACK)


def _notes(score: SpokenScore) -> tuple[Words, ...]:
    told = (
        (LATE, "late" in score.flags),
        (PARTLY_GRADED, score.score_status == PARTLY_GRADED),
        (OWN_SCORE, score.is_objective),
    )
    notes = tuple(Words(words) for words, is_so in told if is_so)
    if score.part and not score.is_objective:
        notes = (*notes, Words(OF_PART, {"part": score.part}))
    return notes


def _evidence(
    score: SpokenScore, ratio: float, given: float, maximum: float
) -> Evidence:
    kind = _kind(score)
    method = METHODS[kind]
    at = _when(score)
    return Evidence(
        task=str(score.assignment_id),
        ratio=ratio,
        at=at,
        weight=score.weight,
        method=method,
        reliability=RELIABILITY[method],
        given=given,
        maximum=maximum,
        source=score.source,
        key=key_of(score),
        kind=kind,
        part=score.part,
        due_at=score.due_at,
    )


def _kind(score: SpokenScore) -> str:
    if not score.part or score.is_objective:
        return "score"
    return "rubric" if score.part.startswith("row") else "question"


def _when(score: SpokenScore) -> datetime:
    """Return when the work was scored; the SIS tells a day, we take its midnight.

    It sends no time of handing in, so that this is all there is of that too.
    """
    if score.is_lms and score.happened_at is not None:
        return score.happened_at
    if score.scored_on is not None:
        return datetime.combine(score.scored_on, time.min, UTC)
    return score.modified_at or score.due_at or datetime.min.replace(tzinfo=UTC)


def plain_case_id(case_id: str) -> str:
    """Return a CASE id for comparison: ``urn:uuid:`` and case do not count.

    Source: facts/oneroster.md section 7: both forms are met.
    """
    return case_id.strip().casefold().removeprefix("urn:uuid:")


def by_case_id(case_ids: Mapping[str, int]) -> dict[str, int]:
    """Return ids by the CASE id, as it is compared."""
    return {plain_case_id(case_id): row_id for case_id, row_id in case_ids.items()}


def with_objectives(session: Session, courses: Collection[int]) -> list[int]:
    """Return those of courses in which the SIS says, or said, what work is about."""
    return sis_alignments.load_with_objectives(session, courses)


def follow_objectives(session: Session, course_id: int, *, now: datetime) -> int:
    """Align work as the SIS itself says what it is about; returns what changed.

    Only competencies of the course's framework; what a person took away stays away.
    May be run again.
    """
    said = sis_alignments.load_objectives(session, course_id)
    known = by_case_id(sis_alignments.load_case_ids(session, course_id)) if said else {}
    wanted = {
        (assignment_id, known[plain_case_id(case_id)])
        for assignment_id, parts in said.items()
        for part in parts
        for case_id in part.get("learningObjectiveIds") or ()
        if plain_case_id(case_id) in known
    }
    return sis_alignments.follow_sis(session, course_id, wanted, now=now)
