"""Cells worked out: pieces of students, judged by the terms of courses and records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from lti_tool.storage.judging import Judging
from lti_tool.storage.standing import NO_COURSE, CellKey, Key, StoredAttainment
from lti_tool.storage.teacher_levels import UNTIL_EVIDENCE, StoredTeacherLevel
from lti_tool.work.grounds import Grounds, Said, once
from lti_tool.work.scores import Piece
from mappings.briefs import Brief, Judge, Moments, Ruling, support
from mappings.counting import Terms, of_successor
from mappings.evidence import Evidence
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


class Judges:
    """The judge of each terms: what one has worked out serves every course."""

    def __init__(self, now: datetime) -> None:
        self._moments = Moments(now)
        self._judges: dict[Terms, Judge] = {}
        self._met: dict[int, tuple[Terms, Judge]] = {}

    def of(self, terms: Terms) -> Judge:
        """The judge by these terms."""
        met = self._met.get(id(terms))
        if met is None:
            judge = self._judges.setdefault(terms, Judge(terms, self._moments))
            met = self._met[id(terms)] = (terms, judge)
        return met[1]


class Hearing(NamedTuple):
    """What is said of some students, and the judges who hear it."""

    said: Grounds
    judges: Judges


def spread(
    judging: Mapping[int, Judging],
    said: Mapping[Key, Iterable[Said]],
    seated: Collection[tuple[int, int]] = (),
) -> dict[CellKey, list[Brief]]:
    """Put what speaks into the cells of courses; and what it says further down.

    seated: who learns where, for what was entered for no course.
    """
    found: dict[CellKey, list[Brief]] = {}
    places: dict[int, list[int]] = {}
    for course_id, person_id in sorted(seated):
        places.setdefault(person_id, []).append(course_id)
    for (person_id, competency_id), some in said.items():
        for course_id, piece in some:
            for one in (course_id,) if course_id else places.get(person_id, ()):
                if one in judging:
                    key = (one, person_id, competency_id)
                    found.setdefault(key, []).append(piece)
    if any(one.before for one in judging.values()):
        _bring(judging, found)
    return found


def _bring(judging: Mapping[int, Judging], found: dict[CellKey, list[Brief]]) -> None:
    """Let successes speak weakly for what comes before, where the school wishes."""
    brought: list[tuple[CellKey, Brief]] = []
    for (course_id, person_id, competency_id), some in found.items():
        mine = judging[course_id]
        for earlier, share in mine.worth_before(competency_id).items():
            key = (course_id, person_id, earlier)
            told = (
                support(one, share, mine.scale, successor=competency_id) for one in some
            )
            brought += [(key, one) for one in told if one is not None]
    for key, one in brought:
        found.setdefault(key, []).append(one)


def work_out(
    judging: Mapping[int, Judging],
    places: Mapping[CellKey, Sequence[Brief]],
    taught: Mapping[CellKey, tuple[StoredTeacherLevel, Ground]],
    old: Mapping[CellKey, StoredAttainment],
    judges: Judges,
) -> Cells:
    """Return the attainment of every cell that anything speaks for.

    taught: the levels of teachers that stand, each with the pieces of its cell.
    """
    attainments: dict[CellKey, StoredAttainment] = {}
    ended = []
    for key in dict.fromkeys([*places, *taught]) if taught else places:
        mine = judging[key[0]]
        if key[2] not in mine.competencies:
            continue
        terms = mine.terms(key[2])
        ruling = judges.of(terms).ruling(places.get(key, ()))
        told = None if ruling is None else _stored(key, terms, ruling)
        if key in taught:
            by_teacher, ground = taught[key]
            if is_over(by_teacher, told, ground, old.get(key)):
                ended.append(by_teacher.id)
            else:
                told = _as_taught(told or _empty(key, terms), by_teacher, terms.scale)
        if told is not None:
            attainments[key] = told
    return Cells(attainments, tuple(ended))


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
    return told._replace(
        value=level.points,
        ratio=level.cut,
        level=scale.levels.index(level),
        level_name=level.name,
        is_mastered=scale.is_mastery(level),
        teacher_level_id=one.id,
    )


def _stored(key: CellKey, terms: Terms, found: Ruling) -> StoredAttainment:
    rule = terms.rule
    return StoredAttainment(
        *key,
        found.value,
        found.ratio,
        found.level,
        found.level_name,
        found.is_mastered,
        rule.name,
        rule.parameter,
        found.evidence,
        found.probability,
        found.newest,
    )


def _empty(key: CellKey, terms: Terms) -> StoredAttainment:
    return StoredAttainment(
        *key,
        value=None,
        ratio=None,
        level=None,
        level_name=None,
        is_mastered=False,
        rule=terms.rule.name,
        parameter=terms.rule.parameter,
        evidence_count=0,
        probability=None,
        evidence_at=None,
    )


def records(
    judging: Judging,
    wanted: Iterable[Key],
    heard: Hearing,
) -> dict[Key, StoredAttainment]:
    """Return what each record wanted says, by all that speaks for it.

    A score that speaks in several courses speaks once.
    """
    found: dict[Key, StoredAttainment] = {}
    for key in wanted:
        some = heard.said.get(key)
        if not some or key[1] not in judging.competencies:
            continue
        terms = judging.terms(key[1])
        ruling = heard.judges.of(terms).ruling(once(some))
        if ruling is not None:
            found[key] = _stored((NO_COURSE, *key), terms, ruling)
    return found
