"""Which page a launch opens: what its link is for, and who comes."""

from __future__ import annotations

from typing import Final

from lti_tool.storage import resource_links
from lti_tool.storage.resource_links import CHECK, CLASS, MINE
from lti_tool.web.sessions import Seat, database, seat_url

HOMES: Final = {
    "instructor": "teacher.class_grid",
    "learner": "student.mastery",
    "mentor": "mentor.children",
}
CHECKED: Final = ("instructor", "learner")


def first_page(seat: Seat) -> str | None:
    """The address of the seat's first page; None where there is none for it.

    A teacher who opens her students' own page sees them one at a time; a mentor sees
    her children's pages whatever the link is for.
    """
    if seat.course_id is None or seat.role not in HOMES:
        return None
    view, competency_id = _wanted(seat)
    if view == CHECK and seat.role in CHECKED:
        if competency_id is None:
            return seat_url("checks.missing")
        return seat_url("checks.check", competency_id=competency_id)
    if view == MINE and seat.role == "instructor":
        return seat_url("teacher.class_grid", view="one", **{"from": "link"})
    return seat_url(HOMES[seat.role])


def _wanted(seat: Seat) -> tuple[str, int | None]:
    if seat.resource_link_id is None:
        return CLASS, None
    with database().read() as session:
        link = resource_links.load_link(session, seat.resource_link_id)
    return link["view"], link["competency_id"]
