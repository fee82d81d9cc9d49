"""Why a student stands where she stands: rule, evidence, arithmetic, settings, date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from lti_tool.errors import NotFoundError
from lti_tool.storage import judging, standing, zones
from lti_tool.storage import student_records as stored_records
from lti_tool.storage import teacher_levels as stored_levels
from lti_tool.storage.database import Session
from lti_tool.storage.judging import Judging
from lti_tool.storage.teacher_levels import StoredTeacherLevel
from lti_tool.work import carrying, cells, pieces
from lti_tool.work.cells import Ground, Judges
from lti_tool.work.pieces import Scope
from lti_tool.work.scores import Piece
from mappings.counting import Counting, Terms, counted, judge_counted
from mappings.evidence import Evidence
from mappings.explanations import Explanation, explain_counted
from mappings.mastery import Attainment
from mappings.rules import Rule
from mappings.scales import Level, Scale


@dataclass(frozen=True, slots=True)
class Why:
    """Why a student stands where she stands on one competency.

    Attributes:
        attainment: what the rule says; a teacher's level is beside it.
        pieces: every score and entry, read, by day; left out or counted.
        explanation: what the rule made of each piece, those of successors included.
        terms: rule, scale, order of evidence, what counts, how many are needed.
        computed_at: the moment it was judged as of.
        teacher_level: the level a teacher set, where one stands.
        is_news: evidence has come since the teacher set it.
        titles: the title of every task that was read, as lines of arithmetic name them.
        zone: the time zone of the school; UTC where none was chosen.
    """

    attainment: Attainment
    pieces: tuple[Piece, ...]
    explanation: Explanation
    terms: Terms
    computed_at: datetime
    teacher_level: StoredTeacherLevel | None = None
    is_news: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC

    @property
    def rule(self) -> Rule:
        """The rule it is judged by."""
        return self.terms.rule

    @property
    def scale(self) -> Scale:
        """The scale it is judged on."""
        return self.terms.scale

    @property
    def counting(self) -> Counting:
        """The order of evidence, what counts and how many pieces are needed."""
        return self.terms.counting

    @property
    def level(self) -> Level | None:
        """The level that stands: a teacher's, else the rule's; None: not assessed."""
        if self.teacher_level is not None:
            return cells.level_of(self.teacher_level, self.scale)
        return self.attainment.level

    @property
    def suggested(self) -> Level | None:
        """The level by rule, where a teacher's stands in its place."""
        return None if self.teacher_level is None else self.attainment.level


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

    Raises:
        NotFoundError: there is no such course.
    """
    mine = judging.load(session, [course_id]).get(course_id)
    if mine is None:
        raise NotFoundError(f"no course {course_id}")
    at = standing.load_computed_at(session, course_id, person_id, competency_id) or now
    ground, titles = _ground(session, course_id, mine, person_id, competency_id)
    key = (course_id, person_id, competency_id)
    by_teacher = stored_levels.load_standing(
        session, [course_id], persons=[person_id], competencies=[competency_id]
    ).get(key)
    is_news = by_teacher is not None and cells.has_news(by_teacher, None, ground, None)
    found = _explained(competency_id, ground.evidence, mine.terms(competency_id), at)
    return Why(
        found.attainment,
        tuple(ground.pieces),
        found,
        mine.terms(competency_id),
        at,
        by_teacher,
        is_news,
        titles,
        zones.load_zone(session, course_id),
    )


def why_record(
    session: Session, person_id: int, competency_id: int, *, now: datetime
) -> Why:
    """Return why a student's one record says what it says of a competency.

    Raises:
        NotFoundError: there is no such competency.
    """
    framework_id = judging.framework_of(session, competency_id)
    if framework_id is None:
        raise NotFoundError(f"no competency {competency_id}")
    mine = judging.load_records(session, [framework_id])[framework_id]
    terms = mine.usual
    at = stored_records.load_computed_at(session, person_id, competency_id) or now
    read = pieces.load_elsewhere(
        session, (), persons=[person_id], competencies=[competency_id]
    )
    read += carrying.load(session, mine, [(person_id, competency_id)], Judges(at))
    once: dict[str, Piece] = {}
    for piece in sorted(read, key=lambda one: one.place):
        if piece.key not in once or once[piece.key].evidence is None:
            once[piece.key] = piece
    ground = Ground(list(once.values()))
    found = _explained(competency_id, ground.evidence, terms, at)
    return Why(
        found.attainment,
        tuple(ground.pieces),
        found,
        terms,
        at,
        titles=_titles(read),
        zone=zones.load_zone_of_person(session, person_id),
    )


def _ground(
    session: Session,
    course_id: int,
    mine: Judging,
    person_id: int,
    competency_id: int,
) -> tuple[Ground, dict[str, str]]:
    only = None if mine.before else [competency_id]
    read = pieces.load(session, [course_id], Scope([person_id], only))
    seated = {(course_id, person_id)}
    found = cells.grounds({course_id: mine}, read, seated)
    ground = found.get((course_id, person_id, competency_id), Ground())
    return ground, _titles(read)


def _titles(read: Iterable[Piece]) -> dict[str, str]:
    return {piece.task: piece.score.title for piece in read}


def _explained(
    competency_id: int, evidence: list[Evidence], terms: Terms, at: datetime
) -> Explanation:
    placed = counted(evidence, terms)
    judged = judge_counted(str(competency_id), placed, terms=terms, now=at)
    return explain_counted(judged, placed, terms.rule, terms.scale, at)
