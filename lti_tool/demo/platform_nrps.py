"""NRPS: who sits in a course, in pages, and what changed since."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request

from lti_tool.demo.platform_campus import Campus
from lti_tool.demo.platform_checks import (
    answer,
    page,
    require_accept,
    require_access,
    sent_id,
    stop,
)
from lti_tool.demo.platform_claims import LTI, custom_claim, roles
from lti_tool.demo.platform_manners import ROSTER_SCOPE
from lti_tool.demo.platform_records import ROLE_URIS, Course, Link, Person

ROSTER_TYPE: Final = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


def roster_routes(campus: Campus) -> Blueprint:
    """The names and roles service.

    Source: NRPS 2.0.
    """
    routes = Blueprint("roster", __name__)

    @routes.get("/lti/courses/<course_id>/memberships")
    def memberships(course_id: str) -> Response:
        access = require_access(campus, ROSTER_SCOPE)
        require_accept(campus, ROSTER_TYPE)
        course = campus.courses.get(course_id)
        if course is None:
            stop(404, "no such course")
        link = _asked_link(campus, course_id, access.client_id)
        revision, people_ids = _asked_people(campus, course)
        shown, next_url = page(campus, people_ids)
        told = {
            "id": f"{campus.course_url(course_id)}/memberships",
            "context": {
                "id": sent_id(campus, course.id),
                "label": course.label,
                "title": course.title,
            },
            "members": [
                _member(campus, course, campus.person(person_id), link)
                for person_id in shown
            ],
        }
        response = answer(told, media_type=ROSTER_TYPE)
        links = _links(campus, course_id, revision, next_url)
        if links:
            response.headers["Link"] = links
        return response

    return routes


def _asked_link(campus: Campus, course_id: str, client_id: str) -> Link | None:
    link_id = request.args.get("rlid")
    if link_id is None:
        return None
    link = campus.links.get(link_id)
    if link is None or link.course_id != course_id or link.client_id != client_id:
        stop(404, "rlid names no link of yours in this course")
    return link


def _asked_people(campus: Campus, course: Course) -> tuple[int, list[str]]:
    """The roster's revision, and whom the request asks for, by family name."""
    since = request.args.get("since")
    with campus.lock:
        seats = dict(course.seats)
        revision, changed = campus.changed_since(course.id, _revision(since))
    found = set(seats) if since is None else changed
    role = request.args.get("role")
    if role is not None:
        found = {
            person_id
            for person_id in found
            if person_id in seats
            and role in (ROLE_URIS[seats[person_id]], _bare(seats[person_id]))
        }
    order = campus.people
    return revision, sorted(
        found, key=lambda key: (order[key].family_name, order[key].given_name, key)
    )


def _revision(since: str | None) -> int:
    if since is None:
        return 0
    if not since.isascii() or not since.isdecimal():
        stop(400, "since is not one of ours; use the differences link as it is")
    return int(since)


def _bare(role: str) -> str:
    return ROLE_URIS[role].rpartition("#")[2]


def _member(
    campus: Campus, course: Course, person: Person, link: Link | None
) -> dict[str, Any]:
    role = course.seats.get(person.id)
    if role is None:
        return {"user_id": sent_id(campus, person.id), "roles": [], "status": "Deleted"}
    told: dict[str, Any] = {
        "status": "Active",
        "user_id": sent_id(campus, person.id),
        "roles": [_bare(role)]
        if campus.manners.bare_roles
        else roles(campus, course, person.id),
        "name": person.name,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "email": person.email,
    }
    if person.sourced_id:
        told["lis_person_sourcedid"] = person.sourced_id
    if _names_groups(campus):
        told["group_enrollments"] = [
            {"group_id": sent_id(campus, group.id)}
            for group in campus.groups.get(course.id, ())
            if person.id in group.people
        ]
    if link:
        told["message"] = [
            {
                LTI + "message_type": "LtiResourceLinkRequest",
                LTI + "custom": custom_claim(
                    {**link.custom, **campus.tools[link.client_id].custom},
                    person,
                    course,
                    link,
                ),
            }
        ]
    return told


def _names_groups(campus: Campus) -> bool:
    manners = campus.manners
    is_asked = request.args.get("groups") == "true"
    return is_asked and manners.groups and manners.rosters_name_groups


def _links(campus: Campus, course_id: str, revision: int, next_url: str | None) -> str:
    found = []
    if next_url:
        if campus.manners.forgets_role_filter:
            next_url = _without_role(next_url)
        found.append(f'<{next_url}>; rel="next"')
    elif campus.manners.differences:
        since = f"{campus.course_url(course_id)}/memberships?since={revision}"
        found.append(f'<{since}>; rel="differences"')
    return ", ".join(found)


def _without_role(url: str) -> str:
    address, _, query = url.partition("?")
    kept = [pair for pair in query.split("&") if not pair.startswith("role=")]
    return f"{address}?{'&'.join(kept)}"
