"""Whose standing a mentor may see: the students her LMS names, and nobody else.

Source: facts/lti.md section 13; facts/canvas.md section 1.
"""

from __future__ import annotations

from lti_tool.lti13.claims import MAX_MENTEES, Claims
from lti_tool.lti13.history import MAX_ID
from lti_tool.lti13.roles import OBSERVEE_SIS_IDS, OBSERVEES, is_mentor
from lti_tool.storage import families
from lti_tool.storage.database import Session


def mentees_of(
    session: Session, registration_id: int, claims: Claims
) -> tuple[str, ...]:
    """The subjects a launch lets a mentor see, each once; none for anybody else.

    The claim counts first. Only where it is silent do custom parameters speak, which
    the platform has signed as well; what they name is shown in the launch's own course
    alone, so a wrong value opens no other class.
    """
    if not is_mentor(claims.roles):
        return ()
    if claims.role_scope_mentor:
        return tuple(dict.fromkeys(claims.role_scope_mentor))
    if subjects := _parse_ids(claims.said(OBSERVEES)):
        return subjects
    sis_ids = _parse_ids(claims.said(OBSERVEE_SIS_IDS))
    if not sis_ids:
        return ()
    return families.subjects_of(session, registration_id, sis_ids)


def _parse_ids(text: str | None) -> tuple[str, ...]:
    parts = (part.strip() for part in (text or "").split(",", MAX_MENTEES))
    found = dict.fromkeys(part for part in parts if 0 < len(part) <= MAX_ID)
    return tuple(found)[:MAX_MENTEES]
