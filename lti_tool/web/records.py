"""A student's one record of a competency, as her page tells it: level and reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lti_tool.storage import student_records
from lti_tool.storage.database import Session
from lti_tool.web import marks, plan_words
from lti_tool.web.marks import Mark
from lti_tool.web.reasons import Piece, pieces_of
from lti_tool.web.texts import gettext, local_moment, said
from lti_tool.work import whys


@dataclass(frozen=True, slots=True)
class Record:
    """Where a student stands over all her courses, told as a cell of a course is."""

    mark: Mark | None
    evidence_count: int
    pieces: tuple[Piece, ...]
    arithmetic: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    palette: str


def load_record(
    session: Session, person_id: int, competency_id: int, *, now: datetime
) -> Record | None:
    """Return the record of a student on a competency, None where there is none."""
    if student_records.load_computed_at(session, person_id, competency_id) is None:
        return None
    why = whys.why_record(session, person_id, competency_id, now=now)
    told = marks.marks_of(why.scale)
    level = why.level
    return Record(
        None if level is None else told[why.scale.levels.index(level)],
        why.attainment.evidence,
        pieces_of(why, told),
        tuple(said(line, why.titles) for line in why.attainment.steps),
        (
            *plan_words.summary(why.terms),
            (gettext("Worked out"), local_moment(why.computed_at, why.zone)),
        ),
        marks.palette_of_scale(why.scale),
    )
