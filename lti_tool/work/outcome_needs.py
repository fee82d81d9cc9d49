"""What a platform's own interface must grant us for outcomes, checked live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from lti_tool.platforms import moodle_needs
from lti_tool.platforms.moodle import WebServices
from lti_tool.platforms.moodle_scales import RatingScale, ScaleUnmappedError
from lti_tool.storage import curriculum
from lti_tool.work import canvas_needs, reading_needs, scale_maps
from lti_tool.work.check_words import Check
from lti_tool.work.competencies import levels_of, web_services
from lti_tool.work.inspection import Look


@dataclass(frozen=True, slots=True)
class Way:
    """A way into an interface: what opens it, and what it must grant us besides."""

    token: str
    needs: Callable[[], Iterator[Check]]


def refused(look: Look, error: str) -> str:
    """The finding for a token that was not taken, by the vendor's word for it."""
    return _REFUSALS.get((look.registration.vendor, error), "outcomes_refused")


def opened(look: Look, text: str) -> AbstractContextManager[Way]:
    """Return the way into an interface, as a block: others of us wait meanwhile.

    Raises:
        PlatformError: it is not reached, or another worker is at it.
        ConfigError: what we keep of it is no token.
    """
    return _WAYS.get(look.registration.vendor, _plain)(look, text)


def check_needs(look: Look) -> Iterator[Check]:
    """Check what a platform grants, once it took our token.

    Raises:
        PlatformError: it is not reached any more.
    """
    check = _NEEDS.get(look.registration.vendor)
    if check is not None:
        yield from check(look)


@contextmanager
def _plain(look: Look, text: str) -> Iterator[Way]:
    yield Way(text, partial(check_needs, look))


@contextmanager
def _canvas(look: Look, text: str) -> Iterator[Way]:
    if not text:
        yield Way(text, lambda: iter(()))
        return
    with canvas_needs.opened(look) as opening:
        yield Way(opening.token, partial(_canvas_needs, look, opening))


def _canvas_needs(look: Look, opening: canvas_needs.Opening) -> Iterator[Check]:
    yield from opening.needs()
    if look.registration.is_read:
        yield from reading_needs.check_canvas(look, opening.rest)


def _moodle(look: Look) -> Iterator[Check]:
    one = look.registration
    services = web_services(look.settings, one, look.network)
    course = next((offer["context_id"] for offer in look.offers), None)
    found = look.at(
        one.outcomes_url or "", partial(moodle_needs.look, services, course)
    )
    account: dict[str, str | int] = {"account": found.account}
    if found.functions:
        names = ", ".join(found.functions)
        yield Check("outcomes:functions", "functions_lack", {**account, "names": names})
    else:
        yield Check("outcomes:functions", "functions_there", account)
    if course is None:
        yield Check("outcomes:rights", "no_course")
    elif found.rights:
        names = ", ".join(right for right, _said in found.rights)
        said = " ".join(said for _right, said in found.rights)
        values = {**account, "names": names, "said": said}
        yield Check("outcomes:rights", "rights_lack", values)
    else:
        yield Check("outcomes:rights", "rights_there", account)
    if found.for_making:
        names = ", ".join(found.for_making)
        yield Check("outcomes:making", "making_lacks", {**account, "names": names})
    else:
        yield Check("outcomes:making", "making_there", account)
    if not found.functions and not found.rights:
        yield _scales(look, services)
    if one.is_read:
        yield from reading_needs.check_moodle(look, services)


def _scales(look: Look, services: WebServices) -> Check:
    """Check that each level of the courses that send there has an item."""
    one = look.registration
    with look.database.read() as session:
        courses = scale_maps.load_courses(session, one.id)
        levels = {
            course_id: levels_of(curriculum.load_plan(session, course_id).scale)
            for course_id, _context in courses
        }
    if not courses:
        return Check("outcomes:scales", "scales_none")
    seen: set[RatingScale] = set()
    unmapped: dict[RatingScale, str] = {}
    for course_id, context in courses:
        meaning = scale_maps.meaning(
            look.database,
            levels[course_id],
            registration_id=one.id,
            course_id=course_id,
        )
        read = partial(moodle_needs.scales_of, services, context)
        for scale in look.at(one.outcomes_url or "", read):
            seen.add(scale)
            try:
                meaning.items(scale)
            except ScaleUnmappedError:
                unmapped[scale] = f"{scale.scale_id} ({', '.join(scale.names)})"
    counts: dict[str, str | int] = {"scales": len(seen), "courses": len(courses)}
    if unmapped:
        names = "; ".join(unmapped.values())
        values = {**counts, "names": names, "platform": one.id}
        return Check("outcomes:scales", "scales_unmapped", values)
    return Check("outcomes:scales", "scales_fit", counts)


_NEEDS: Final[MappingProxyType[str, Callable[[Look], Iterator[Check]]]] = (
    MappingProxyType({"moodle": _moodle})
)
_WAYS: Final[
    MappingProxyType[str, Callable[[Look, str], AbstractContextManager[Way]]]
] = MappingProxyType({"canvas": _canvas})
_REFUSALS: Final = MappingProxyType({("moodle", "accessexception"): "outcomes_not_let"})
