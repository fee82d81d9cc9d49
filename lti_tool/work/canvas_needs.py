"""What a Canvas must grant us and show, looked at without leaving anything behind.

Everything is read in the course that was opened last. What writes is not tried: a
rubric, a result and a live assessment cannot all be taken away again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from lti_tool.errors import DeliveryError
from lti_tool.platforms.canvas_course import CanvasCourse
from lti_tool.platforms.canvas_live import live_conflict
from lti_tool.platforms.canvas_models import LIVE as LIVE_ASSESSMENTS
from lti_tool.platforms.canvas_outcomes import LATEST, Outcomes, conflict
from lti_tool.platforms.canvas_rest import CanvasRest
from lti_tool.platforms.canvas_waiting import Waiting
from lti_tool.storage import outcomes_settings
from lti_tool.storage.columns import Place
from lti_tool.storage.outcomes_settings import ABSENT, ANSWERS, LIVE, REFUSED
from lti_tool.work.canvas import Canvases, course_number
from lti_tool.work.check_words import Check
from lti_tool.work.inspection import Look
from lti_tool.work.turns import patiently

_TRIES: Final = 4  # so often is asked for a turn that another worker has
_ANYTHING: Final = TypeAdapter(Any)
# What deliveries read of a course; {} is its number.
_READS: Final = (
    ("/courses/{}", ("include[]", "concluded")),
    ("/courses/{}/users", ("enrollment_type[]", "student")),
    ("/courses/{}/assignments", ("per_page", "1")),
    ("/courses/{}/outcome_groups", ("per_page", "1")),
    ("/courses/{}/outcome_group_links", ("outcome_style", "full")),
    ("/courses/{}/outcome_results", ("per_page", "1")),
)
# A refusal that is Canvas's answer to this question, and no fault on the way.
_ANSWERS: Final = frozenset({"forbidden", "scope", "gone", "rejected"})


@dataclass(frozen=True, slots=True)
class Opening:
    """A Canvas while it is looked at: what opens it, and what it grants besides."""

    token: str
    rest: CanvasRest
    needs: Callable[[], Iterator[Check]]


@contextmanager
def opened(look: Look) -> Iterator[Opening]:
    """Look at a Canvas; deliveries to it wait meanwhile.

    Raises:
        PlatformError: it is not reached, or another worker is at it.
        ConfigError: what we keep of it is no token.
    """
    one = look.registration
    canvases = Canvases(
        look.database,
        look.network,
        look.settings.local_hosts,
        look.settings.load_secret_key(),
        clock=look.clock,
    )
    with patiently(lambda: canvases.rest(one.id), tries=_TRIES) as rest:
        token = look.at(one.outcomes_url or "", rest.token)
        yield Opening(token, rest, lambda: _needs(look, canvases, rest))


def _needs(look: Look, canvases: Canvases, rest: CanvasRest) -> Iterator[Check]:
    with look.database.write() as session:
        outcomes_settings.note_taken(session, look.registration.id)
    offer = look.offers[0] if look.offers else {}
    services = offer.get("nrps_url") or offer.get("ags_line_items_url")
    number = course_number(Place(services_url=services))
    if number is None:
        yield Check("outcomes:rights", "no_course")
        return
    refused = list(_refused(rest, number))
    if refused:
        yield Check("outcomes:rights", "reads_lack", {"said": " ".join(refused)})
    else:
        yield Check("outcomes:rights", "reads_there")
        course = canvases.course(offer["id"], number, rest.account, is_whole=True)
        yield _levels(look, rest, course)
    yield _live(look, rest, number)


def _refused(rest: CanvasRest, number: str) -> Iterator[str]:
    for path, field in _READS:
        try:
            rest.get(path.format(number), _ANYTHING, [field])
        except DeliveryError as error:
            if error.code not in _ANSWERS:
                raise
            yield f"{error}."


def _levels(look: Look, rest: CanvasRest, course: CanvasCourse) -> Check:
    """Compare the outcomes of ours that are there with what we say in them."""
    judge = live_conflict if _is_live(look) else conflict
    outcomes = Outcomes(rest, course.number, course.scale, course.folder, Waiting())
    there = [
        outcome
        for column in course.columns
        if (outcome := outcomes.find(column.case_id)) is not None
    ]
    wrong = [str(one) for outcome in there if (one := judge(outcome, course.scale))]
    if wrong:
        more: dict[str, str | int] = {"count": len(wrong), "said": f"{wrong[0]}."}
        return Check("outcomes:levels", "levels_wrong", more)
    if not there:
        return Check("outcomes:levels", "levels_none")
    mixed = [one for one in there if one.calculation_method != LATEST]
    if mixed:
        return Check("outcomes:levels", "levels_mixed", {"count": len(mixed)})
    return Check("outcomes:levels", "levels_fit", {"count": len(there)})


def _live(look: Look, rest: CanvasRest, number: str) -> Check:
    """Look whether live assessments answer, and keep what was found."""
    path = f"/courses/{number}/live_assessments"
    found, said = ANSWERS, ""
    try:
        rest.get(path, LIVE_ASSESSMENTS, [("per_page", "1")])
    except DeliveryError as error:
        if error.code not in {*_ANSWERS, "format"}:
            raise
        found = ABSENT if error.code == "gone" else REFUSED
        said = f"{error}."
    is_live = _is_live(look)
    with look.database.write() as session:
        outcomes_settings.save_live(session, look.registration.id, found, look.clock())
    if found == ANSWERS:
        return Check("outcomes:live", "live_answers")
    finding = "live_needed" if is_live else "live_unused"
    return Check("outcomes:live", finding, {"said": said})


def _is_live(look: Look) -> bool:
    with look.database.read() as session:
        found = outcomes_settings.load_settings(session, look.registration.id)
    return found.manner == LIVE
