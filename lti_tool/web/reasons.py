"""Why a level stands: evidence, arithmetic and what would move it, as pages show it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from markupsafe import Markup

from lti_tool.storage import observations, pages
from lti_tool.storage.curriculum import Plan, PlanCompetency
from lti_tool.storage.database import Session
from lti_tool.storage.pages import Cell
from lti_tool.web import marks, plan_words
from lti_tool.web.grid import code_of
from lti_tool.web.marks import Mark
from lti_tool.web.texts import (
    decimal,
    gettext,
    local_moment,
    percent,
    said,
    words,
)
from lti_tool.work import reasons as work_reasons
from lti_tool.work import scores, standing
from lti_tool.work.reasons import Told
from mappings.mastery import Attainment


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence, counted or left out with the reason."""

    title: str
    on: date | None
    score: str
    mark: Mark | None
    place: int
    left_out: str | None
    source: str
    notes: tuple[str, ...] = ()
    listed: str = ""
    note: str | None = None
    entry: int | None = None  # what a person entered, by its id, while it stands


@dataclass(frozen=True, slots=True)
class SetLevel:
    """The level a teacher set, and what the rule says beside it."""

    id: int
    reason: str
    lasts: str
    at: datetime
    who: str
    suggested: Mark | None
    is_news: bool


@dataclass(frozen=True, slots=True)
class Sureness:
    """How sure a level by certainty is; shares of 1, as the reader writes percent."""

    probability: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Everything a page tells about one student and one competency."""

    competency_id: int
    code: str
    statement: Markup
    language: str | None
    area: str
    mark: Mark | None
    evidence_count: int
    is_mastered: bool
    pieces: tuple[Piece, ...]
    arithmetic: tuple[str, ...]
    needs: int | None
    next_mark: Mark | None
    descriptions: dict[str, str]
    computed_at: datetime | None
    settings: tuple[tuple[str, str], ...] = ()
    sureness: Sureness | None = None
    is_due: bool = False
    teacher: SetLevel | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One competency of a list with its level, if it has one."""

    id: int
    code: str
    name: str
    statement: Markup
    language: str | None
    mark: Mark | None
    bar: int
    evidence_count: int
    is_mastered: bool
    signs: tuple[tuple[str, str], ...]


def load_reason(
    session: Session, plan: Plan, person_id: int, competency_id: int, *, now: datetime
) -> Reason | None:
    """Return the reason of one cell, or None where the plan lacks the competency."""
    one = next((c for c in plan.competencies if c.id == competency_id), None)
    if one is None or plan.framework_id is None:
        return None
    why = standing.why(session, plan.course_id, person_id, competency_id, now=now)
    told = marks.marks_of(plan.scale)
    judged = why.attainment
    described = pages.load_level_descriptions(session, plan.framework_id, one.id)
    stands = why.level
    place = None if stands is None else plan.scale.levels.index(stands)
    above = 0 if place is None else place + 1
    if judged.needs is not None:
        above = plan.scale.levels.index(judged.needs.level)
    return Reason(
        competency_id=one.id,
        code=code_of(one),
        statement=marks.statement(one.statement),
        language=one.language,
        area=one.area,
        mark=None if place is None else told[place],
        evidence_count=judged.evidence,
        is_mastered=plan.scale.is_mastery(stands),
        pieces=pieces_of(why, told),
        arithmetic=tuple(said(line, why.titles) for line in judged.steps),
        needs=None if judged.needs is None else judged.needs.pieces,
        next_mark=told[above] if above < len(told) else None,
        descriptions={
            mark.name: described[level.name]
            for mark, level in zip(told, plan.scale.levels, strict=True)
            if level.name in described
        },
        computed_at=why.computed_at,
        settings=(
            *plan_words.summary(why.terms),
            (gettext("Worked out"), local_moment(why.computed_at, why.zone)),
        ),
        sureness=_sureness(judged),
        is_due=judged.is_due,
        teacher=_set_level(session, why, told),
        place=place,
    )


def _sureness(judged: Attainment) -> Sureness | None:
    """Return what certainty says of itself; None of a rule that says nothing."""
    if judged.probability is None or judged.interval is None:
        return None
    low, high = judged.interval
    return Sureness(percent(judged.probability), percent(low), percent(high))


def _set_level(
    session: Session, why: standing.Why, told: Sequence[Mark]
) -> SetLevel | None:
    one, suggested = why.teacher_level, why.suggested
    if one is None:
        return None
    names = observations.load_names(session, {one.made_by})
    return SetLevel(
        one.id,
        one.reason,
        one.lasts,
        one.made_at,
        names.get(one.made_by, one.made_by),
        None if suggested is None else told[why.scale.levels.index(suggested)],
        why.is_news,
    )


def pieces_of(why: standing.Why, told: Sequence[Mark]) -> tuple[Piece, ...]:
    """Return every piece beside a level in the reader's words, the newest first."""
    found = [_piece(one, why, told) for one in work_reasons.pieces(why)]
    found.sort(key=lambda one: one.on or date.min)
    return tuple(found[::-1])


def _piece(one: Told, why: standing.Why, told: Sequence[Mark]) -> Piece:
    mark, place = None, 0
    if one.ratio is not None:
        place = why.scale.levels.index(why.scale.level(one.ratio))
        mark = told[place]
    score = None if one.read is None else one.read.score
    return Piece(
        title=one.title,
        on=work_reasons.day_of(one, why),
        score=_score_words(one),
        mark=mark,
        place=place,
        left_out=None if one.left_out is None else words(one.left_out),
        source=one.source,
        notes=tuple(map(words, one.notes)),
        listed=" · ".join(filter(None, (score.category, score.term))) if score else "",
        note=score.note if score else None,
        entry=_entry(one.read),
    )


def _entry(read: scores.Piece | None) -> int | None:
    """Return the id of what a person entered and may still withdraw."""
    if read is None or not read.score.task or read.reason is not None:
        return None
    return read.score.score_id


def _score_words(one: Told) -> str:
    text = None if one.read is None else one.read.score.text
    if one.given is None:
        return f"“{text}”" if text else gettext("no score")
    if one.maximum is None:
        return decimal(one.given)
    return gettext(
        "%(given)s of %(maximum)s",
        given=decimal(one.given),
        maximum=decimal(one.maximum),
    )


def by_area(
    plan: Plan, cells: Iterable[Cell], only: Collection[int] = ()
) -> list[tuple[str, list[Standing]]]:
    """Return the plan's competencies under their areas, with one person's levels.

    With only, no others than those.
    """
    mine = {cell.competency_id: cell for cell in cells}
    told = marks.marks_of(plan.scale)
    return [
        (area, [_standing(one, mine.get(one.id), told, plan) for one in some])
        for area, some in groupby(
            (one for one in plan.competencies if not only or one.id in only),
            key=lambda one: one.area,
        )
    ]


def _standing(
    one: PlanCompetency, cell: Cell | None, told: Sequence[Mark], plan: Plan
) -> Standing:
    level = None if cell is None else cell.level
    judged_by = plan.rule_of(one.id)
    is_stale = cell is not None and (cell.rule, cell.parameter) != judged_by
    return Standing(
        id=one.id,
        code=code_of(one),
        name=marks.plain(one.statement),
        statement=marks.statement(one.statement),
        language=one.language,
        mark=None if level is None else told[level],
        bar=0 if level is None else round(100 * (level + 1) / len(told)),
        evidence_count=0 if cell is None else cell.evidence_count,
        is_mastered=cell is not None and cell.is_mastered,
        signs=tuple(
            marks.signs_of(
                is_stale=is_stale,
                sending=0 if cell is None else cell.sending,
                teacher=0 if cell is None else cell.teacher,
            )
        ),
    )
