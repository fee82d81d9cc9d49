"""What a teacher may do about a copied course: take the copy back, or bring it over."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, current_app, redirect, request
from werkzeug.wrappers import Response as Answer

from lti_tool.storage.ancestors import Story
from lti_tool.web.seating import course_seat
from lti_tool.web.sessions import clock, database, seat_url
from lti_tool.work import copies

pages = Blueprint("copied", __name__, template_folder="templates")

# So long the class page tells of a copy; the page of alignments always does.
NEWS: Final = timedelta(days=30)


def is_news(story: Story | None) -> bool:
    """Tell whether the class page speaks of a copy."""
    if story is None or story.state == "undone":
        return False
    return bool(story.waiting) or story.at is None or clock() < story.at + NEWS


@pages.post("/s/<sid>/copy")
def change() -> Answer:
    """Take back what came along with a copy, or bring it over after all."""
    seat, course_id = course_seat("instructor")
    act = copies.undo if request.form.get("act") == "undo" else copies.accept
    with database().write() as session:
        is_done = act(session, course_id, who=f"person:{seat.person_id}", now=clock())
    if is_done:
        current_app.extensions["tell_worker"]()
    return redirect(seat_url("teacher.align"), 303)
