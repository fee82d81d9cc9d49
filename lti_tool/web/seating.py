"""The course behind a seat."""

from __future__ import annotations

from lti_tool.errors import SeatError
from lti_tool.web.sessions import Seat, require
from lti_tool.web.texts import gettext


def course_seat(*roles: str) -> tuple[Seat, int]:
    """Return the seat of this request and its course.

    Raises:
        SeatError: another role, or a launch from outside a course.
    """
    seat = require(*roles)
    if seat.course_id is None:
        raise SeatError(gettext("Open this from inside a course."))
    return seat, seat.course_id
