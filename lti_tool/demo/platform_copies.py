"""Copying a course, as an LMS does it: new ids, old words.

Links and columns get ids of their own; titles, custom parameters, tags and resource
ids stay. Nobody's seat or grade is copied. Source: facts/moodle.md section 8.
"""

from __future__ import annotations

from dataclasses import replace

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_records import Course


def copy_course(
    campus: Campus, course_id: str, new_id: str, title: str, *, sourced_id: str | None
) -> Course:
    """Copy a course with its links and columns; sourced_id is what the SIS calls it."""
    with campus.lock:
        old = campus.course(course_id)
        new = Course(
            new_id, title, old.label, sourced_id, history=(old.id, *old.history)
        )
        campus.keep_course(new)
        renamed: dict[str | None, str | None] = {None: None}
        for link in campus.course_links(old.id):
            copied = replace(
                link,
                id=campus.next_link_id(),
                course_id=new.id,
                history=(link.id, *link.history),
            )
            campus.links[copied.id] = copied
            renamed[link.id] = copied.id
        for item in campus.gradebook.columns(old.id):
            campus.gradebook.add_column(
                course_id=new.id,
                client_id=item.client_id,
                label=item.label,
                maximum=item.maximum,
                resource_link_id=renamed.get(item.resource_link_id),
                resource_id=item.resource_id,
                tag=item.tag,
                coupled=item.coupled,
                further=item.further,
            )
    return new
