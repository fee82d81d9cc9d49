"""Resources of a SIS on the shelves of its classes, where they say what they are for.

A resource is offered for a competency that it names itself, by CASE GUID or by code, in
its title, its description or what its vendor says it is about: the same forms that
title and text of work are searched for (docs/alignment.md). It moves no level, so it
waits for no yes; a teacher hides it from her class, or offers it for something else.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from lti_tool.storage import class_resources, sis_alignments
from lti_tool.storage.database import Session
from lti_tool.storage.naming import framework_of_course
from lti_tool.work import suggesting
from lti_tool.work.scores import by_case_id, plain_case_id
from mappings.codes import Codes


def settle(session: Session, source_id: int, *, now: datetime) -> int:
    """Let shelves follow a source that was synced; returns the courses looked at.

    May be run again: nothing is written then.
    """
    has_changed = class_resources.follow_shelf(session, source_id, now=now)
    courses = class_resources.follow_links(session, source_id)
    if has_changed:
        courses |= class_resources.load_having(session, source_id)
    follow(session, courses, now=now)
    return len(courses)


def follow(session: Session, courses: Collection[int], *, now: datetime) -> int:
    """Offer in courses what names their competencies; returns how many moved.

    After a change of what a class has, and of the framework. May be run again.
    """
    known: dict[int, Codes] = {}
    moved = 0
    for course_id in sorted(courses):
        held = class_resources.load_class(session, course_id)
        framework_id = framework_of_course(session, course_id) if held else None
        wanted: set[class_resources.Pair] = set()
        if framework_id is not None:
            if framework_id not in known:
                known[framework_id] = suggesting.load_codes(session, framework_id)
            ids = by_case_id(sis_alignments.load_case_ids(session, course_id))
            wanted = {
                (one.id, ids[plain_case_id(named.case_id)])
                for one in held
                for named in known[framework_id].named_in("\n".join(one.texts))
                if plain_case_id(named.case_id) in ids
            }
        if held:
            moved += class_resources.follow_named(session, course_id, wanted, now=now)
    return moved
