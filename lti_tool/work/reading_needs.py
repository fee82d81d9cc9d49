"""What a platform's own interface must grant us to read grades, checked live."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from lti_tool.errors import DeliveryError
from lti_tool.platforms import moodle_reading_needs
from lti_tool.platforms.canvas_gradebook import try_reading
from lti_tool.platforms.canvas_rest import CanvasRest
from lti_tool.platforms.moodle import WebServices
from lti_tool.platforms.moodle_reading_needs import RIGHTS, ReadingNeeds
from lti_tool.storage.columns import Place
from lti_tool.work.canvas import course_number
from lti_tool.work.check_words import Check
from lti_tool.work.inspection import Look

_SHOWN: Final = 5
# Nobody answered: that is said of the interface, not of a right.
_AWAY: Final = frozenset({"connect", "timeout", "platform", "rate", "busy", "turn"})


def check_canvas(look: Look, rest: CanvasRest) -> Iterator[Check]:
    """Check what Canvas grants to read grades, in the course opened last.

    Raises:
        PlatformError: it is not reached any more.
    """
    places = (
        Place(services_url=one["nrps_url"] or one["ags_line_items_url"])
        for one in look.offers
    )
    number = next(filter(None, map(course_number, places)), None)
    if number is None:
        yield Check("reading", "no_course")
        return
    try:
        look.at(
            look.registration.outcomes_url or "", partial(try_reading, rest, number)
        )
    except DeliveryError as error:
        if error.code in _AWAY:
            raise
        yield Check("reading", "reading_refused", {"problem": str(error)})
    else:
        yield Check("reading", "reading_there")


def check_moodle(look: Look, services: WebServices) -> Iterator[Check]:
    """Check what Moodle grants to read grades, in the course opened last.

    Raises:
        PlatformError: it is not reached any more.
    """
    course = next((offer["context_id"] for offer in look.offers), None)
    found = look.at(
        look.registration.outcomes_url or "",
        partial(moodle_reading_needs.look, services, course),
    )
    yield _reading(found, has_course=course is not None)
    if found.functions or found.denied is not None or course is None:
        return
    account: dict[str, str | int] = {"account": found.account}
    if found.unseen:
        names = ", ".join(found.unseen[:_SHOWN])
        names += " …" if len(found.unseen) > _SHOWN else ""
        yield Check("reading:columns", "columns_unseen", {**account, "names": names})
    else:
        yield Check("reading:columns", "columns_seen", account)
    if found.finer:
        names = ", ".join(found.finer)
        yield Check("reading:more", "more_lacks", {**account, "names": names})
    else:
        yield Check("reading:more", "more_there")


def _reading(found: ReadingNeeds, *, has_course: bool) -> Check:
    account: dict[str, str | int] = {"account": found.account}
    if found.functions:
        names = ", ".join(found.functions)
        return Check("reading", "reading_functions", {**account, "names": names})
    if not has_course:
        return Check("reading", "no_course")
    if found.denied is not None:
        values = {**account, "said": found.denied, "names": ", ".join(RIGHTS)}
        return Check("reading", "reading_denied", values)
    return Check("reading", "reading_there")
