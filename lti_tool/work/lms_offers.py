"""Alignments that people made in an LMS: offered to the teacher before all else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lti_tool.storage import lms_offers, sis_alignments, suggestions
from lti_tool.storage.database import Session
from lti_tool.storage.lms_offers import Named
from lti_tool.work.scores import by_case_id, plain_case_id


@dataclass(frozen=True, slots=True)
class Told:
    """A competency of the course that work was aligned to in an LMS: source is which.

    part: the key of the part that was aligned, "" for the whole.
    """

    competency_id: int
    case_id: str
    part: str
    part_title: str
    source: str


def load(session: Session, course_id: int) -> dict[int, list[Told]]:
    """Return by work what was aligned in LMSs and is still open here.

    Competencies of the course's framework, by CASE GUID or human code; not what is
    aligned here already, and not what a teacher declined or took away.
    """
    offered = lms_offers.load_offered(session, course_id)
    if not offered:
        return {}
    names = lms_offers.load_names(session, course_id)
    known = {one.id: one for one in names}
    ids = _by_code(names) | by_case_id(sis_alignments.load_case_ids(session, course_id))
    refused = suggestions.load_skipped(session, course_id)
    refused |= sis_alignments.load_declined(session, course_id)
    aligned = lms_offers.load_aligned(session, course_id)
    found: dict[int, list[Told]] = {}
    met: set[tuple[int, int, str]] = set(aligned)
    for one in offered:
        competency_id = ids.get(plain_case_id(one.code))
        if competency_id not in known:
            continue
        key = (one.assignment_id, competency_id, one.part)
        if key in met or key[:2] in refused:
            continue
        met.add(key)
        case_id = known[competency_id].case_id
        found.setdefault(one.assignment_id, []).append(
            Told(competency_id, case_id, one.part, one.part_title, one.source)
        )
    return found


def _by_code(names: Iterable[Named]) -> dict[str, int]:
    """Return competencies by human code; a code that several have is nobody's."""
    found: dict[str, set[int]] = {}
    for one in names:
        if one.human_code:
            found.setdefault(plain_case_id(one.human_code), set()).add(one.id)
    return {code: next(iter(ids)) for code, ids in found.items() if len(ids) == 1}
