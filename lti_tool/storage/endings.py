"""When a course ended, as far as the SIS tells."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from lti_tool.storage.schema import course, sis_class, term
from lti_tool.storage.session import Session


def load_ended_on(session: Session, course_id: int) -> date | None:
    """Return the day a course ended: its last term's end, or when its class went.

    The earlier of the two where both are told; None where neither is.
    """
    found = session.execute(
        select(
            sis_class.c.source_id, sis_class.c.term_sourced_ids, sis_class.c.modified_at
        )
        .join(course, course.c.sis_class_id == sis_class.c.id)
        .where(course.c.id == course_id)
    ).one_or_none()
    if found is None:
        return None
    last = session.scalar(
        select(func.max(term.c.ends_on)).where(
            term.c.source_id == found.source_id,
            term.c.sourced_id.in_(found.term_sourced_ids or ()),
        )
    )
    went = None if found.modified_at is None else found.modified_at.date()
    return min((one for one in (last, went) if one is not None), default=None)
