"""Which courses work on a framework, and giving it to those that have none."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.storage import framework_pages
from lti_tool.web.admin.frameworks import asked_page, page_count, show
from lti_tool.web.admin.guard import admin, pages
from lti_tool.web.sessions import clock, database
from lti_tool.work import plans_of_course


@pages.get("/frameworks/<int:framework_id>/courses")
def framework_courses(framework_id: int) -> str:
    """List the courses: those on this framework, those on none, the others."""
    words, page = request.args.get("words", "").strip(), asked_page()
    with database().read() as session:
        held = framework_pages.load_framework(session, framework_id)
        gone = framework_pages.count_retired_alignments(session, framework_id)
        found, whole = framework_pages.load_courses(
            session, framework_id, words=words, page=page
        )
    return show(
        "courses",
        held=held,
        gone=gone,
        found=found,
        whole=whole,
        words=words,
        page=page,
        pages=page_count(whole),
        given=request.args.get("given", type=int),
    )


@pages.post("/frameworks/<int:framework_id>/courses")
def publish_framework(framework_id: int) -> ResponseReturnValue:
    """Give a framework to the ticked courses, those that have none yet."""
    wanted = request.form.getlist("course", type=int)
    given = 0
    with database().write() as session:
        framework_pages.load_framework(session, framework_id)
        for course_id in framework_pages.load_bare_courses(session, wanted):
            plans_of_course.save(
                session,
                course_id,
                {"framework_id": framework_id},
                who=admin().who,
                now=clock(),
            )
            given += 1
    place = url_for("admin.framework_courses", framework_id=framework_id, given=given)
    return redirect(place, 303)
