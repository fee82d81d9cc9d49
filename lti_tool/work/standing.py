"""refresh(course): attainments from evidence, and outcomes into the outbox."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from itertools import groupby

from lti_tool.storage import curriculum, evidence, outbox, people, standing
from lti_tool.storage.database import Session
from lti_tool.storage.evidence import SpokenScore
from lti_tool.storage.outbox import Delivery
from lti_tool.storage.standing import Key, StoredAttainment
from mappings.errors import EvidenceError
from mappings.evidence import Evidence, ratio_of
from mappings.mastery import Attainment, attainment
from mappings.rules import Rule, rule
from mappings.scales import Scale

# A score in one of these states is no evidence, whatever number stands beside it.
NOT_COUNTED = {"exempt": "exempt", "not submitted": "not submitted"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One score beside the level question: counted, or left out with the reason."""

    score: SpokenScore
    evidence: Evidence | None
    left_out: str | None


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh did: cells looked at, cells changed, outcomes told."""

    cells: int
    changed: int
    outcomes: int


@dataclass(frozen=True, slots=True)
class Why:
    """Why a student stands where she stands on one competency."""

    attainment: Attainment
    rule: Rule
    scale: Scale
    pieces: tuple[Piece, ...]


def refresh(
    session: Session,
    course_id: int,
    *,
    now: datetime,
    persons: Collection[int] | None = None,
) -> Refresh:
    """Compute the attainments of a course anew and tell what changed.

    With persons, only their cells. It runs in the caller's transaction, so evidence,
    attainment and outbox change together; running it twice changes nothing more.
    """
    standing.hold_course(session, course_id)
    plan = curriculum.load_plan(session, course_id)
    old = standing.load(session, course_id, persons)
    new = _computed(session, plan, now, persons)
    changed = [one for key, one in new.items() if old.get(key) != one]
    gone = [one for key, one in old.items() if key not in new]
    standing.save(session, changed, gone, now)
    if persons is None:
        standing.mark_refreshed(session, course_id, now)
    taken_back = [replace(one, value=None, level_name=None) for one in gone]
    told = _put_outcomes(session, plan, _telling([*changed, *taken_back], old), now)
    return Refresh(len(new), len(changed) + len(gone), told)


def tell_all(session: Session, course_id: int, destination: str, now: datetime) -> int:
    """Put every attainment of a course into the outbox: a destination just went on.

    What it was told before and nothing speaks for any more is withdrawn.
    """
    standing.hold_course(session, course_id)
    plan = curriculum.load_plan(session, course_id)
    known = outbox.load_told(session, destination, course_id)
    here = people.load_learners(session, course_id)
    held = standing.load(session, course_id)
    news = [
        standing.outcome_row(one, destination, plan.scale.maximum)
        for key, one in held.items()
        if one.person_id in here and _is_news(known.get(key), one.value)
    ]
    news += [
        _withdrawal(told)
        for key, told in known.items()
        if key not in held and told.person_id in here and told.value is not None
    ]
    return outbox.put(session, news, now)


def _is_news(told: Delivery | None, value: float | None) -> bool:
    return value != (None if told is None else told.value)


def _withdrawal(told: Delivery) -> dict[str, object]:
    return {
        "destination": told.destination,
        "course_id": told.course_id,
        "person_id": told.person_id,
        "competency_id": told.competency_id,
        "value": None,
        "maximum": told.maximum,
        "level_name": None,
        "basis": {},
    }


def switch(
    session: Session,
    course_id: int,
    destination: str,
    *,
    is_on: bool,
    who: str,
    now: datetime,
) -> int:
    """Switch a destination; going on tells it all. Returns how many outcomes.

    Going off lets nothing more go out: what waits is closed, what stands there stays.
    """
    was_on = destination in curriculum.load_destinations(session, course_id)
    if is_on != was_on:
        curriculum.save_destination(
            session, course_id, destination, is_on=is_on, who=who, now=now
        )
    if is_on:
        return tell_all(session, course_id, destination, now)
    outbox.drop_waiting(session, course_id, destination, now)
    return 0


def why(
    session: Session,
    course_id: int,
    person_id: int,
    competency_id: int,
    *,
    now: datetime,
) -> Why:
    """Return rule, evidence used and left out, and arithmetic of one cell.

    Judged as of the moment the stored level was worked out, so that the reasons end
    in the level a page shows; as of now where none is stored yet.
    """
    plan = curriculum.load_plan(session, course_id)
    stored_at = standing.load_computed_at(session, course_id, person_id, competency_id)
    spoken = evidence.load(
        session, course_id, persons=[person_id], competency_id=competency_id
    )
    pieces = tuple(_piece(one) for one in spoken)
    chosen = rule(plan.rule, plan.parameter)
    judged = attainment(
        str(competency_id),
        [piece.evidence for piece in pieces if piece.evidence is not None],
        rule=chosen,
        scale=plan.scale,
        now=stored_at or now,
    )
    return Why(judged, chosen, plan.scale, pieces)


def _computed(
    session: Session,
    plan: curriculum.Plan,
    now: datetime,
    persons: Collection[int] | None,
) -> dict[Key, StoredAttainment]:
    """Return the attainment of every cell that has a score, from all its evidence."""
    chosen = rule(plan.rule, plan.parameter)
    in_plan = {one.id for one in plan.competencies}
    spoken = evidence.load(session, plan.course_id, persons=persons)
    cells: dict[Key, StoredAttainment] = {}
    for key, scores in groupby(spoken, key=lambda s: (s.person_id, s.competency_id)):
        counted = list(_counted(scores))
        if not counted or key[1] not in in_plan:
            continue
        judged = attainment(
            str(key[1]),
            counted,
            rule=chosen,
            scale=plan.scale,
            now=now,
            in_full=False,
        )
        cells[key] = _stored(plan, key, judged, counted)
    return cells


def _counted(scores: Iterable[SpokenScore]) -> Iterable[Evidence]:
    return (one.evidence for one in map(_piece, scores) if one.evidence is not None)


def _piece(score: SpokenScore) -> Piece:
    """Turn a score into evidence, or say why it is none."""
    left_out = _left_out(score)
    if left_out:
        return Piece(score, None, left_out)
    given, maximum = score.given or 0.0, score.maximum or 0.0
    try:
        ratio = ratio_of(given, maximum, score.minimum or 0.0)
    except EvidenceError as error:
        return Piece(score, None, str(error))
    return Piece(score, _evidence(score, ratio), None)


def _left_out(score: SpokenScore) -> str | None:
    if score.status != "active":
        return "taken back by the SIS"
    if score.score_status in NOT_COUNTED:
        return NOT_COUNTED[score.score_status]
    if score.given is None:
        return "no score yet"
    if score.maximum is None:
        return "the line item has no maximum"
    return None


def _evidence(score: SpokenScore, ratio: float) -> Evidence:
    return Evidence(
        task=str(score.assignment_id),
        ratio=ratio,
        at=_when(score),
        weight=score.weight,
        given=score.given,
        maximum=score.maximum,
        source=score.source,
        key=str(score.score_id),
    )


def _when(score: SpokenScore) -> datetime:
    """Return when the work was scored; the SIS tells a day, we take its midnight."""
    if score.scored_on is not None:
        return datetime.combine(score.scored_on, time.min, UTC)
    return score.modified_at or score.due_at or datetime.min.replace(tzinfo=UTC)


def _stored(
    plan: curriculum.Plan, key: Key, judged: Attainment, counted: Sequence[Evidence]
) -> StoredAttainment:
    level = judged.level
    return StoredAttainment(
        course_id=plan.course_id,
        person_id=key[0],
        competency_id=key[1],
        value=judged.value,
        ratio=judged.ratio,
        level=None if level is None else plan.scale.levels.index(level),
        level_name=None if level is None else level.name,
        is_mastered=judged.is_mastered,
        rule=plan.rule,
        parameter=plan.parameter,
        evidence_count=judged.evidence,
        probability=judged.probability,
        evidence_at=max(piece.at for piece in counted),
    )


def _telling(
    changed: Sequence[StoredAttainment], old: dict[Key, StoredAttainment]
) -> list[StoredAttainment]:
    """Return the changed attainments whose value or level others would see."""
    nothing = (None, None)
    telling = []
    for one in changed:
        before = old.get((one.person_id, one.competency_id))
        seen = nothing if before is None else (before.value, before.level_name)
        shown = nothing if one.value is None else (one.value, one.level_name)
        if seen != shown:
            telling.append(one)
    return telling


def _put_outcomes(
    session: Session,
    plan: curriculum.Plan,
    telling: Sequence[StoredAttainment],
    now: datetime,
) -> int:
    """Tell of those who sit in the course: who left has no place there any more."""
    here = people.load_learners(session, plan.course_id)
    rows = [
        standing.outcome_row(one, destination, plan.scale.maximum)
        for destination in curriculum.load_destinations(session, plan.course_id)
        for one in telling
        if one.person_id in here
    ]
    return outbox.put(session, rows, now)
