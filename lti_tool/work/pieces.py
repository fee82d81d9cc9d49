"""Every piece that speaks for competencies: scores, and what people entered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lti_tool.storage import evidence, observations, sis_alignments
from lti_tool.storage.database import Session, batches
from lti_tool.storage.evidence import ScoredObjective, SpokenScore
from lti_tool.storage.observations import ACCEPTED, DECLINED, StoredObservation
from lti_tool.work import scores, twins
from lti_tool.work.scores import Piece, Scales
from lti_tool.work.words import Words
from mappings.counting import METHODS
from mappings.errors import EvidenceError
from mappings.evidence import RELIABILITY, Evidence, ratio_of

REPLACED: Final = "replaced by a later entry"
WITHDRAWN: Final = "withdrawn by who entered it"
WAITING: Final = "waits for staff to accept it"
NOT_ACCEPTED: Final = "not accepted: %(reason)s"
SEEN: Final = "seen by a teacher"
TALKED: Final = "from a talk with the student"
ELSEWHERE: Final = "learned elsewhere, accepted by staff"
BY_RUBRIC: Final = "by a rubric row"
OWN_VIEW: Final = "the student's own view"
_NOTES: Final[Mapping[str, str]] = {
    "observation": SEEN,
    "conference": TALKED,
    "outside": ELSEWHERE,
    "rubric": BY_RUBRIC,
    "self": OWN_VIEW,
}


def sentences() -> tuple[str, ...]:
    """Every text this room says of a piece."""
    return (REPLACED, WITHDRAWN, WAITING, NOT_ACCEPTED, *_NOTES.values())


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose pieces, and on which competencies; None is all of them."""

    persons: Collection[int] | None = None
    competencies: Collection[int] | None = None


ALL: Final = Scope()


@dataclass
class _Words:
    """The score scales of courses, read when a word is met."""

    session: Session
    known: dict[int, Scales] = field(default_factory=dict)

    def of(self, spoken: Iterable[SpokenScore]) -> None:
        """Read the scales of every course in which a word was given."""
        named: dict[int, set[tuple[int, str]]] = {}
        for one in spoken:
            if one.given is None and one.text:
                mine = named.setdefault(one.course_id, set())
                if one.scale:
                    mine.add((one.source_id, one.scale))
        for course_id, names in named.items():
            found = evidence.load_scales(self.session, course_id, names)
            self.known[course_id] = Scales(found)


def load(session: Session, courses: Collection[int], scope: Scope = ALL) -> list[Piece]:
    """Return every piece of courses beside every competency it speaks for, read.

    Ordered by person, competency and place. What was entered for no course has
    course 0.
    """
    spoken = evidence.load(
        session, courses, persons=scope.persons, competencies=scope.competencies
    )
    own = evidence.load_objective_scores(session, courses, persons=scope.persons)
    if own:
        spoken = _among(_with_own(session, spoken, own), scope.competencies)
    entered = observations.load_in_courses(
        session, courses, persons=scope.persons, competencies=scope.competencies
    )
    return _read(session, spoken, entered)


def load_elsewhere(
    session: Session,
    courses: Collection[int],
    *,
    persons: Collection[int],
    competencies: Collection[int],
) -> list[Piece]:
    """Return what speaks for these people's competencies in all other courses."""
    spoken = evidence.load_elsewhere(
        session, courses, persons=persons, competencies=competencies
    )
    own = evidence.load_objective_scores(
        session, courses, persons=persons, is_elsewhere=True
    )
    if own:
        spoken = _among(_with_own(session, spoken, own), competencies)
    entered = observations.load_elsewhere(
        session, courses, persons=persons, competencies=competencies
    )
    return _read(session, spoken, entered)


def load_scores(
    session: Session,
    some: Sequence[int],
    own: Sequence[ScoredObjective],
    competencies: Collection[int] | None,
) -> list[Piece]:
    """Return these scores beside every competency they speak for, read.

    own: what any of them says of single competencies itself.
    """
    spoken = [
        one for part in batches(some) for one in evidence.load_scores(session, part)
    ]
    if own:
        spoken = _with_own(session, spoken, own)
    return _read(session, _among(spoken, competencies), ())


def _read(
    session: Session,
    spoken: Sequence[SpokenScore],
    entered: Iterable[StoredObservation],
) -> list[Piece]:
    words, nothing = _Words(session), Scales()
    words.of(spoken)
    pieces = [
        scores.read(one, words.known.get(one.course_id, nothing)) for one in spoken
    ]
    pieces = twins.one_of_each(pieces)
    pieces += map(read_observation, entered)
    pieces.sort(key=_order)
    return pieces


def _order(piece: Piece) -> tuple[object, ...]:
    return piece.score.person_id, piece.score.competency_id, *piece.place


def _among(
    spoken: Iterable[SpokenScore], competencies: Collection[int] | None
) -> list[SpokenScore]:
    """Return what speaks for these competencies; None is all of them."""
    if competencies is None:
        return list(spoken)
    wanted = frozenset(competencies)
    return [one for one in spoken if one.competency_id in wanted]


def read_observation(one: StoredObservation) -> Piece:
    """Turn what a person entered into evidence, or say why it is none."""
    note = Words(_NOTES[one.kind])
    spoken = _spoken(one)
    judged_at = one.decided_at or one.made_at
    reason = _standing_out(one)
    if reason is None:
        try:
            counted = _evidence(one)
        except EvidenceError as error:
            reason = Words(scores.UNREADABLE, {"problem": str(error)})
        else:
            return Piece(
                spoken, counted, None, one.given, one.maximum, (note,), judged_at
            )
    return Piece(spoken, None, reason, one.given, one.maximum, (note,), judged_at)


def _standing_out(one: StoredObservation) -> Words | None:
    if one.withdrawn_at is not None:
        return Words(WITHDRAWN)
    if one.is_superseded:
        return Words(REPLACED)
    if one.status == DECLINED:
        return Words(NOT_ACCEPTED, {"reason": one.decision or ""})
    return None if one.status == ACCEPTED else Words(WAITING)


def _evidence(one: StoredObservation) -> Evidence:
    method = METHODS[one.kind]
    return Evidence(
        task=_task(one),
        ratio=ratio_of(one.given, one.maximum),
        at=one.happened_at,
        method=method,
        reliability=RELIABILITY[method],
        given=one.given,
        maximum=one.maximum,
        source=one.made_by_name,
        key=f"{one.kind}-{one.id}",
        kind=one.kind,
        assessed_at=one.decided_at or one.made_at,
        is_support=one.kind == "self",
    )


def _task(one: StoredObservation) -> str:
    """Name the task; one that is an assignment of ours goes by its number."""
    return one.task.removeprefix("assignment:") or f"{one.kind}-{one.id}"


def _spoken(one: StoredObservation) -> SpokenScore:
    """Tell what a person entered as a score is told, for pages and files."""
    return SpokenScore(
        course_id=one.course_id or 0,
        score_id=one.id,
        person_id=one.person_id,
        competency_id=one.competency_id,
        assignment_id=0,
        title=one.title,
        category=None,
        term=None,
        weight=1.0,
        given=one.given,
        text=None,
        minimum=None,
        maximum=one.maximum,
        score_status=one.status,
        flags=frozenset(),
        scale=None,
        scored_on=one.happened_at.date(),
        due_at=None,
        modified_at=one.made_at,
        status="active",
        source_id=0,
        source=one.made_by_name,
        kind=one.kind,
        task=_task(one),
        note=one.note,
        happened_at=one.happened_at,
    )


def _with_own(
    session: Session,
    spoken: Sequence[SpokenScore],
    scored: Sequence[ScoredObjective],
) -> list[SpokenScore]:
    """Let what a result says of a competency itself stand for the whole score.

    It needs no alignment; one that a person took away keeps it silent all the same.
    """
    there = sorted({one.score.course_id for one in scored})
    known = {
        one: scores.by_case_id(sis_alignments.load_case_ids(session, one))
        for one in there
    }
    declined = {one: sis_alignments.load_declined(session, one) for one in there}
    aligned: dict[tuple[int, int, int], SpokenScore] = {}
    for one in spoken:
        aligned.setdefault(_said(one), one)
    own: dict[tuple[int, int, int], SpokenScore] = {}
    for said in scored:
        score = said.score
        for case_id, given, text in _own_scores(said.objectives):
            competency_id = known[score.course_id].get(scores.plain_case_id(case_id))
            if competency_id is None:
                continue
            if (score.assignment_id, competency_id) in declined[score.course_id]:
                continue
            mine = score._replace(
                competency_id=competency_id, given=given, text=text, is_objective=True
            )
            like = aligned.get(_said(mine))
            if like is not None:
                mine = mine._replace(weight=like.weight, is_practice=like.is_practice)
            own[_said(mine)] = mine
    return [*(one for one in spoken if _said(one) not in own), *own.values()]


def _said(score: SpokenScore) -> tuple[int, int, int]:
    return score.course_id, score.score_id, score.competency_id


def _own_scores(
    objectives: Sequence[Mapping[str, Any]],
) -> Iterable[tuple[str, float | None, str | None]]:
    for part in objectives:
        for one in part.get("learningObjectiveResults") or ():
            yield one["learningObjectiveId"], one.get("score"), one.get("textScore")
