"""Course groups: which groups a course has, in which sets, and who is in them."""

from __future__ import annotations

from typing import Final

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
from lti_tool.demo.platform_manners import GROUP_SCOPE
from lti_tool.demo.platform_records import Group

GROUPS_TYPE: Final = "application/vnd.ims.lti-gs.v1.contextgroupcontainer+json"
SETS_TYPE: Final = "application/vnd.ims.lti-gs.v1.contextgroupsetcontainer+json"


def group_routes(campus: Campus) -> Blueprint:
    """The course groups service. Source: LTI Course Groups 1.0."""
    routes = Blueprint("groups", __name__)

    @routes.get("/lti/courses/<course_id>/groups")
    def groups(course_id: str) -> Response:
        require_access(campus, GROUP_SCOPE)
        require_accept(campus, GROUPS_TYPE)
        wanted = request.args.get("user_id")
        found = [
            one
            for one in _of_course(campus, course_id)
            if wanted is None or wanted in one.people
        ]
        shown, next_url = page(campus, found)
        told = [
            {"id": sent_id(campus, one.id), "name": one.name}
            | ({"set_id": f"set-{one.set_name}"} if one.set_name else {})
            for one in shown
        ]
        response = answer(
            {"id": request.base_url, "groups": told}, media_type=GROUPS_TYPE
        )
        if next_url:
            response.headers["Link"] = f'<{next_url}>; rel="next"'
        return response

    @routes.get("/lti/courses/<course_id>/group_sets")
    def group_sets(course_id: str) -> Response:
        require_access(campus, GROUP_SCOPE)
        require_accept(campus, SETS_TYPE)
        names = {one.set_name for one in _of_course(campus, course_id)} - {None}
        told = [{"id": f"set-{name}", "name": name} for name in sorted(map(str, names))]
        return answer({"id": request.base_url, "sets": told}, media_type=SETS_TYPE)

    return routes


def _of_course(campus: Campus, course_id: str) -> list[Group]:
    if course_id not in campus.courses or not campus.manners.groups:
        stop(404, "no groups here")
    return list(campus.groups.get(course_id, ()))
