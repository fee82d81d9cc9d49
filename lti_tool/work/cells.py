"""Cells worked out: pieces of students, judged by the terms of courses and records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lti_tool.storage.judging import Judging
from lti_tool.storage.standing import NO_COURSE, CellKey, Key, StoredAttainment
from lti_tool.storage.teacher_levels import UNTIL_EVIDENCE, StoredTeacherLevel
from lti_tool.work.scores import Piece
from mappings.counting import Terms, counted, judge_counted, of_successor
from mappings.evidence import Evidence
from mappings.mastery import Attainment
from mappings.scales import Level, Scale


@dataclass
class Ground:
    """What one cell stands on: its own pieces, and what successors bring."""

    pieces: list[Piece] = field(default_factory=list)
    brought: list[Evidence] = field(default_factory=list)

    @property
    def evidence(self) -> list[Evidence]:
        """All that may count."""
        own = [one.evidence for one in self.pieces if one.evidence is not None]
        return [*own, *self.brought]


@dataclass(frozen=True, slots=True)
class Judged:
    """A cell as the rule judges it, with the time of its newest counted piece."""

    attainment: Attainment
    evidence_at: datetime | None


@dataclass(frozen=True, slots=True)
class Cells:
    """What became of cells: their attainments, and teachers' levels that ended."""

    attainments: dict[CellKey, StoredAttainment]
    ended: tuple[int, ...]


def grounds(
    judging: Mapping[int, Judging],
    pieces: Iterable[Piece],
    seated: Collection[tuple[int, int]] = (),
) -> dict[CellKey, Ground]:
    """Put pieces where they speak, in each course; and what they say further down.

    seated: who learns where, for what was entered for no course.
    """
    found: dict[CellKey, Ground] = {}
    for piece in pieces:
        score = piece.score
        for course_id in (score.course_id,) if score.course_id else judging:
            if not score.course_id and (course_id, score.person_id) not in seated:
                continue
            key = (course_id, score.person_id, score.competency_id)
            ground = found.get(key)
            if ground is None:
                ground = found[key] = Ground()
            ground.pieces.append(piece)
    for key, ground in list(found.items()):
        _bring_before(judging[key[0]], key, ground, found)
    return found


def _bring_before(
    judging: Judging, key: CellKey, ground: Ground, found: dict[CellKey, Ground]
) -> None:
    """Let successes speak weakly for what comes before, where the school wishes."""
    for earlier, share in judging.worth_before(key[2]).items():
        for piece in ground.pieces:
            told = piece.evidence and of_successor(piece.evidence, share, judging.scale)
            if told:
                place = (key[0], key[1], earlier)
                found.setdefault(place, Ground()).brought.append(told)


def judged(
    key: int, evidence: Sequence[Evidence], terms: Terms, now: datetime
) -> Judged | None:
    """Judge evidence by terms; None where none of it counts."""
    placed = counted(evidence, terms)
    counting = [one for one in placed if one.counts]
    if not counting:
        return None
    found = judge_counted(str(key), placed, terms=terms, now=now, in_full=False)
    return Judged(found, max(one.at for one in counting))


def work_out(
    judging: Mapping[int, Judging],
    places: Mapping[CellKey, Ground],
    standing: Mapping[CellKey, StoredTeacherLevel],
    old: Mapping[CellKey, StoredAttainment],
    *,
    now: datetime,
) -> Cells:
    """Return the attainment of every cell that anything speaks for."""
    attainments: dict[CellKey, StoredAttainment] = {}
    ended = []
    for key in dict.fromkeys([*places, *standing]):
        mine = judging[key[0]]
        if key[2] not in mine.competencies:
            continue
        terms = mine.terms(key[2])
        ground = places.get(key, _NOTHING)
        found = judged(key[2], ground.evidence, terms, now)
        told = None if found is None else _stored(key, terms, found)
        by_teacher = standing.get(key)
        if by_teacher is not None and is_over(by_teacher, told, ground, old.get(key)):
            ended.append(by_teacher.id)
            by_teacher = None
        if by_teacher is not None:
            told = _as_taught(told or _empty(key, terms), by_teacher, terms.scale)
        if told is not None:
            attainments[key] = told
    return Cells(attainments, tuple(ended))


_NOTHING = Ground()


def is_over(
    one: StoredTeacherLevel,
    told: StoredAttainment | None,
    ground: Ground,
    before: StoredAttainment | None,
) -> bool:
    """Tell whether new evidence ends a teacher's level that lasts until then."""
    return one.lasts == UNTIL_EVIDENCE and has_news(one, told, ground, before)


def has_news(
    one: StoredTeacherLevel,
    told: StoredAttainment | None,
    ground: Ground,
    before: StoredAttainment | None,
) -> bool:
    """Tell whether evidence has come since a teacher set a level.

    A counted piece that came or was changed since, or one more, or a newer one than
    when the level was last worked out under hers.
    """
    if any(
        piece.evidence is not None
        and piece.arrived_at is not None
        and piece.arrived_at > one.made_at
        for piece in ground.pieces
    ):
        return True
    if told is None or before is None or before.teacher_level_id != one.id:
        return False
    is_newer = told.evidence_at is not None and (
        before.evidence_at is None or told.evidence_at > before.evidence_at
    )
    return told.evidence_count > before.evidence_count or is_newer


def level_of(one: StoredTeacherLevel, scale: Scale) -> Level:
    """The level a teacher set, on the scale of today: by its name, else its place."""
    named = [level for level in scale.levels if level.name == one.level_name]
    return named[0] if named else scale.levels[min(one.level, len(scale.levels) - 1)]


def _as_taught(
    told: StoredAttainment, one: StoredTeacherLevel, scale: Scale
) -> StoredAttainment:
    level = level_of(one, scale)
    return replace(
        told,
        value=level.points,
        ratio=level.cut,
        level=scale.levels.index(level),
        level_name=level.name,
        is_mastered=scale.is_mastery(level),
        teacher_level_id=one.id,
    )


def _stored(key: CellKey, terms: Terms, found: Judged) -> StoredAttainment:
    told = found.attainment
    level = told.level
    return StoredAttainment(
        course_id=key[0],
        person_id=key[1],
        competency_id=key[2],
        value=told.value,
        ratio=told.ratio,
        level=None if level is None else terms.scale.levels.index(level),
        level_name=None if level is None else level.name,
        is_mastered=told.is_mastered,
        rule=terms.rule.name,
        parameter=terms.rule.parameter,
        evidence_count=told.evidence,
        probability=told.probability,
        evidence_at=found.evidence_at,
    )


def _empty(key: CellKey, terms: Terms) -> StoredAttainment:
    nothing = Attainment(str(key[2]))
    return _stored(key, terms, Judged(nothing, None))


def records(
    judging: Judging, pieces: Mapping[Key, Iterable[Piece]], *, now: datetime
) -> dict[Key, StoredAttainment]:
    """Return what each student's record says of each competency, by all her pieces.

    A score that speaks in several courses speaks once.
    """
    found: dict[Key, StoredAttainment] = {}
    for key, some in pieces.items():
        if key[1] not in judging.competencies:
            continue
        once: dict[str, Evidence] = {}
        # Which course was refreshed last must not decide what is the latest.
        for piece in sorted(some, key=lambda one: one.place):
            if piece.evidence is not None:
                once.setdefault(piece.key, piece.evidence)
        terms = judging.terms(key[1])
        told = judged(key[1], list(once.values()), terms, now)
        if told is not None:
            found[key] = _stored((NO_COURSE, *key), terms, told)
    return found
